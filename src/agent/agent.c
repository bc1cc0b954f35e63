// SPDX-License-Identifier: Apache-2.0
/*
 * The agent's two processes. This one becomes the broker: it makes the store's folder for the
 * worker's user, forks the worker, passes signals on, answers its requests, watches the
 * configuration file, starts a new worker when one dies unasked, and sees to it that a stop takes
 * no longer than two seconds.
 */
#include "agent/agent.h"

#include "agent/scripts.h"
#include "agent/watch.h"
#include "agent/worker.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define STOP_MS 1700   /* after that the worker is killed */
#define SCRIPTS_MS 700 /* of these, scripts have to send their last records */
#define KILLED_MS 150  /* a process that survives SIGKILL so long waits for a device */
#define DEATHS_MAX 5   /* in a row, each less than this after the start: */
#define SHORT_LIFE_NS (30 * NSEC_PER_SEC)

struct broker_loop {
	const struct agent_options *options;
	struct config *config;
	struct config_watch *watch;
	int signals; /* signalfd */
	int socket;  /* to the worker; -1 once it has closed its end */
	int ingest;  /* listens for scripts; -1: none may come */
	char *ingest_path;
	struct scripts *scripts;
	struct broker_server *server;
	pthread_t detach; /* at the end: takes the programs off */
	bool detaching;
	pid_t worker; /* 0: none */
	int status;   /* of the last one, as wait(2) gives it */
	bool stop, told, killed, lost;
	u64 deadline;	   /* 0: none */
	u64 scripts_until; /* until then the worker waits for them to end; 0 */
	unsigned restarts, deaths;
};

static int apply_options(const struct agent_options *o, struct config *c)
{
	u64 port = c->http_port;
	int err;

	if (o->store) {
		char *copy = strdup(o->store);

		if (!copy)
			return fail(-ENOMEM, "out of memory");
		free(c->store_path);
		c->store_path = copy;
	}
	if (!o->port)
		return 0;
	err = parse_u64(o->port, &port);
	if (err || port > 65535)
		return fail(-EINVAL, "--port: '%s' is not a port", o->port);
	c->http_port = port;
	return 0;
}

int agent_config(const struct agent_options *o, int fd, struct config **ret)
{
	_cleanup_(config_freep) struct config *c = NULL;
	int err = 0;

	if (o->config_file)
		err = config_read(o->config_file, fd, &c);
	else if (!(c = config_new()))
		err = -ENOMEM;
	if (!err)
		err = apply_options(o, c);
	if (!err)
		err = gadget_setup_check(c, o->config_file ? o->config_file : "configuration");
	if (!err)
		*ret = TAKE_PTR(c);
	return err;
}

/* ---- the worker's life ----------------------------------------------------------------------- */

static int start_worker(struct broker_loop *l)
{
	int sockets[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return fail_errno(-errno, "cannot make a socket pair");
	l->server = broker_server_new(l->options->config_file);
	if (l->server)
		broker_server_scripts(l->server, l->scripts);
	pid = l->server ? fork() : -1;
	if (!pid) {
		struct worker_start start = { .options = l->options,
					      .config = l->config,
					      .socket = sockets[1],
					      .broker = getppid(),
					      .restarts = l->restarts,
					      .ingest = l->ingest };

		/* Signals stay blocked until the worker's loop takes them. */
		close(sockets[0]);
		close(l->signals);
		config_watch_free(l->watch);
		scripts_abandon(l->scripts);
		broker_server_free(l->server);
		_exit(worker_run(&start));
	}
	close(sockets[1]);
	if (pid < 0) {
		int err = l->server ? -errno : -ENOMEM;

		close(sockets[0]);
		l->server = broker_server_free(l->server);
		return fail_errno(err, "cannot start the worker");
	}
	l->worker = pid;
	l->socket = sockets[0];
	l->deadline = 0;
	l->killed = false;
	return 0;
}

static void set_deadline(struct broker_loop *l, u64 ms)
{
	if (!l->deadline)
		l->deadline = clock_monotonic_ns() + ms * NSEC_PER_MSEC;
}

/* A worker that does not end gets SIGKILL; one that survives this is left behind. */
static void on_deadline(struct broker_loop *l)
{
	l->deadline = 0;
	if (l->killed) {
		log_error("the worker (process %d) cannot be killed: it waits for a device",
			  l->worker);
		l->lost = true;
		return;
	}
	log_error("the worker does not end and is killed: what it had not yet stored is lost");
	l->killed = true;
	kill(l->worker, SIGKILL);
	set_deadline(l, KILLED_MS);
}

static void reap(struct broker_loop *l)
{
	if (l->worker > 0 && waitpid(l->worker, &l->status, WNOHANG) == l->worker)
		l->worker = 0;
}

static void *detach(void *context)
{
	broker_server_detach(context);
	return NULL;
}

/*
 * Programs take a second to go, all in all. The worker needs the maps, which it has, and not the
 * programs: so all end at once.
 */
static void begin_detach(struct broker_loop *l)
{
	if (!l->server)
		return;
	broker_server_ending(l->server);
	l->detaching = !pthread_create(&l->detach, NULL, detach, l->server);
}

/* Scripts first, so that their last records find the worker there; it follows, see is_due(). */
static void begin_stop(struct broker_loop *l)
{
	if (l->stop) { /* asked twice: nobody waits for scripts */
		l->scripts_until = 0;
		return;
	}
	l->stop = true;
	set_deadline(l, STOP_MS);
	scripts_stop(l->scripts);
	begin_detach(l);
	l->scripts_until = clock_monotonic_ns() + SCRIPTS_MS * NSEC_PER_MSEC;
}

static void stop_worker(struct broker_loop *l)
{
	l->told = true;
	if (l->worker > 0)
		kill(l->worker, SIGTERM);
}

static bool is_due(const struct broker_loop *l)
{
	return l->stop && !l->told &&
	       (!scripts_running(l->scripts) || clock_monotonic_ns() >= l->scripts_until);
}

static void take_signals(struct broker_loop *l)
{
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof(info)) == sizeof(info)) {
		int number = (int)info.ssi_signo;

		if (number == SIGCHLD) {
			reap(l);
			scripts_reap(l->scripts);
		} else if (number == SIGHUP) {
			if (l->worker > 0)
				kill(l->worker, SIGHUP);
			scripts_rescan(l->scripts);
		} else {
			begin_stop(l);
		}
	}
	if (is_due(l))
		stop_worker(l);
}

static int wait_ms(const struct broker_loop *l)
{
	u64 now = clock_monotonic_ns(), until = l->deadline;

	if (l->stop && !l->told)
		until = MIN(until, l->scripts_until);
	if (!until)
		return -1;
	return until > now ? (int)((until - now) / NSEC_PER_MSEC) + 1 : 0;
}

/* One worker from its start to its end. */
static void serve_worker(struct broker_loop *l)
{
	while (l->worker > 0 && !l->lost) {
		struct pollfd fds[] = { { .fd = l->signals, .events = POLLIN },
					{ .fd = l->socket, .events = POLLIN },
					{ .fd = config_watch_fd(l->watch), .events = POLLIN },
					{ .fd = scripts_fd(l->scripts), .events = POLLIN } };

		if (poll(fds, ARRAY_SIZE(fds), wait_ms(l)) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			take_signals(l);
		if (fds[1].revents && broker_server_answer(l->server, l->socket)) {
			close(l->socket);
			l->socket = -1;
			set_deadline(l, STOP_MS); /* it has said goodbye */
		}
		if (fds[2].revents && config_watch_changed(l->watch) && l->worker > 0)
			kill(l->worker, SIGHUP);
		if (fds[3].revents)
			scripts_handle(l->scripts);
		if (is_due(l))
			stop_worker(l);
		if (l->deadline && clock_monotonic_ns() >= l->deadline && l->worker > 0)
			on_deadline(l);
	}
	if (l->socket >= 0)
		close(l->socket);
	l->socket = -1;
	if (l->detaching)
		pthread_join(l->detach, NULL);
	l->detaching = false;
	/* Its programs go before a new worker has its own. */
	l->server = broker_server_free(l->server);
}

/* A summary that died could not put the terminal back. */
static void restore_terminal(const struct broker_loop *l)
{
	static const char leave[] = "\033[?7h\033[?25h\033[?1049l";

	if (!WIFSIGNALED(l->status) || l->options->no_summary || !l->config->summary ||
	    !isatty(STDOUT_FILENO))
		return;
	if (write(STDOUT_FILENO, leave, sizeof(leave) - 1) < 0)
		log_debug("the terminal is gone");
}

/* Reads the configuration as it is now; a broken one leaves what was. */
static void renew_config(struct broker_loop *l)
{
	struct config *c;

	if (agent_config(l->options, -1, &c)) {
		log_error("%s; the configuration from before stays", error_text());
		return;
	}
	config_free(l->config);
	l->config = c;
}

/* Longer from death to death. A signal ends the wait. */
static void pause_before_restart(struct broker_loop *l)
{
	struct pollfd fd = { .fd = l->signals, .events = POLLIN };

	if (poll(&fd, 1, 100 << l->deaths) > 0)
		take_signals(l);
	l->deadline = 0;
}

/* What became of the last worker; true when another one is to be started. */
static bool goes_on(struct broker_loop *l, u64 lived_ns)
{
	if (l->stop || l->lost)
		return false;
	if (WIFEXITED(l->status) && !WEXITSTATUS(l->status))
		return false; /* somebody stopped it, not us */
	if (WIFEXITED(l->status) && WEXITSTATUS(l->status) == WORKER_CANNOT_START && !l->restarts)
		return false; /* it has said why */
	if (WIFSIGNALED(l->status))
		log_error("the worker was ended by signal %d (%s)", WTERMSIG(l->status),
			  strsignal(WTERMSIG(l->status)));
	l->deaths = lived_ns < SHORT_LIFE_NS ? l->deaths + 1 : 1;
	if (l->deaths > DEATHS_MAX) {
		log_error("the worker ended %d times in a row: giving up", l->deaths);
		return false;
	}
	pause_before_restart(l);
	if (l->stop)
		return false;
	l->restarts++;
	renew_config(l);
	log_warning("the worker is started again");
	return true;
}

static int exit_status(const struct broker_loop *l)
{
	if (l->lost || l->killed)
		return 1;
	if (WIFSIGNALED(l->status))
		return l->stop && (WTERMSIG(l->status) == SIGTERM || WTERMSIG(l->status) == SIGINT)
			       ? 0
			       : 1;
	return WEXITSTATUS(l->status) ? 1 : 0;
}

static int take_over_signals(struct broker_loop *l)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGQUIT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	l->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->signals < 0 ? fail_errno(-errno, "cannot wait for signals") : 0;
}

/* Without them the agent is still worth running: said, and gone on. */
static void open_scripts(struct broker_loop *l)
{
	const struct config *c = l->config;

	if (!*c->scripts_socket)
		return;
	l->ingest_path = strdup(c->scripts_socket);
	if (!l->ingest_path || ingest_listen(l->ingest_path, &l->ingest)) {
		log_warning("no script can be exported: %s", error_text());
		return;
	}
	if (*c->scripts_folder &&
	    scripts_new(c->scripts_folder, c->scripts_socket, NULL, &l->scripts))
		log_warning("no script runs: %s", error_text());
}

static void close_scripts(struct broker_loop *l)
{
	scripts_stop(l->scripts);
	for (int i = 0; i < 50 && scripts_running(l->scripts); i++) {
		poll(NULL, 0, 10);
		scripts_reap(l->scripts);
	}
	l->scripts = scripts_free(l->scripts);
	if (l->ingest >= 0) {
		unlink(l->ingest_path);
		close(l->ingest);
	}
	free(l->ingest_path);
}

int agent_run(const struct agent_options *o, struct config *c)
{
	struct broker_loop l = { .options = o, .config = c, .socket = -1, .ingest = -1 };
	bool again = true, started = false;
	int err = store_folder(c);

	if (!err)
		err = take_over_signals(&l);
	if (!err && o->config_file && config_watch_new(o->config_file, &l.watch))
		log_warning("%s; SIGHUP reloads the configuration", error_text());
	if (!err)
		open_scripts(&l);
	while (!err && again) {
		u64 began = clock_monotonic_ns();

		err = start_worker(&l);
		if (err)
			break;
		started = true;
		serve_worker(&l);
		restore_terminal(&l);
		again = goes_on(&l, clock_monotonic_ns() - began);
	}
	if (err)
		log_error("%s", error_text());
	close_scripts(&l);
	config_watch_free(l.watch);
	if (l.signals > 0)
		close(l.signals);
	config_free(l.config);
	return err || !started ? 1 : exit_status(&l);
}
