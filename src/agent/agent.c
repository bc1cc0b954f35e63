// SPDX-License-Identifier: Apache-2.0
/*
 * The agent's two processes. This one becomes the broker: it makes the store's folder for the worker's user, forks the
 * worker, passes signals on, answers its requests, and starts a new one when it dies unasked.
 */
#include "agent/agent.h"

#include "agent/worker.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define RESTART_MS 1000

/* Mode 0700, of the worker's user; what is there already is left as it is (store_open() looks at it again). */
static int make_store_folder(const struct config *c)
{
	uid_t uid;
	gid_t gid;

	if (!c->store_enabled)
		return 0;
	if (mkdir(c->store_path, 0700) && errno != EEXIST)
		return fail_errno(-errno, "cannot make the store's folder %s", c->store_path);
	if (!privileges_user(c->user, &uid, &gid) && chown(c->store_path, uid, gid))
		return fail_errno(-errno, "cannot give %s to the user '%s'", c->store_path, c->user);
	return 0;
}

static pid_t start_worker(const struct agent_options *o, const struct config *c, int *ret_socket)
{
	int sockets[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return (pid_t)fail_errno(-errno, "cannot make a socket pair");
	pid = fork();
	if (!pid) {
		struct config *own;
		_cleanup_buf_ struct buf text = {};
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		close(sockets[0]);
		config_print(c, &text);
		/* A copy of its own, by way of the text that says all of it. */
		if (config_parse("configuration", buf_str(&text), text.len, &own)) {
			log_error("%s", error_text());
			_exit(1);
		}
		_exit(worker_run(o, own, sockets[1]));
	}
	close(sockets[1]);
	if (pid < 0) {
		close(sockets[0]);
		return (pid_t)fail_errno(-errno, "cannot fork");
	}
	*ret_socket = sockets[0];
	return pid;
}

struct watch {
	int signals; /* signalfd */
	pid_t worker;
	bool stop;
};

/* Signals for the worker. It has them from the terminal too (Ctrl-C goes to both): twice does no harm. */
static void pass_signals(struct watch *w)
{
	struct signalfd_siginfo info;

	while (read(w->signals, &info, sizeof(info)) == sizeof(info)) {
		int number = (int)info.ssi_signo;

		if (number == SIGCHLD)
			continue;
		if (number != SIGHUP)
			w->stop = true;
		kill(w->worker, number == SIGINT ? SIGTERM : number);
	}
}

/* Serves one worker until its socket closes. */
static void serve_worker(struct watch *w, int socket)
{
	struct pollfd fds[] = { { .fd = w->signals, .events = POLLIN }, { .fd = socket, .events = POLLIN } };
	struct broker_server *server = broker_server_new();

	while (server) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			pass_signals(w);
		if (fds[1].revents && broker_server_answer(server, socket))
			break;
	}
	broker_server_free(server);
}

static int reap(struct watch *w)
{
	int status = 0;

	while (waitpid(w->worker, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		log_error("the worker was ended by signal %d", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int agent_run(const struct agent_options *o, struct config *c)
{
	_cleanup_(config_freep) struct config *config = c;
	struct watch w = {};
	sigset_t mask;
	int err = make_store_folder(c), status = 1;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	w.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (err || w.signals < 0) {
		log_error("%s", err ? error_text() : strerror(errno));
		return 1;
	}
	for (;;) {
		u64 began = clock_monotonic_ns();
		int socket = -1;

		w.worker = start_worker(o, c, &socket);
		if (w.worker < 0) {
			log_error("%s", error_text());
			break;
		}
		serve_worker(&w, socket);
		close(socket);
		status = reap(&w);
		/* A worker that ends at once would end at once again. */
		if (w.stop || clock_monotonic_ns() - began < RESTART_MS * NSEC_PER_MSEC)
			break;
		if (!status)
			break;
		log_error("the worker ended with status %d and is started again", status);
	}
	close(w.signals);
	return w.stop && status == 0 ? 0 : status;
}
