// SPDX-License-Identifier: Apache-2.0
/*
 * A script's process. It dies with the broker (PR_SET_PDEATHSIG), reads nothing, prints nothing,
 * and what it says on stderr becomes lines of the agent's log.
 */
#include "agent/scripts_internal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#define LINE_MAX_BYTES 1000
#define DEATHS_TOLD 3 /* then its last words are known */

static void become_child(const struct scripts *s, const struct script *one, int messages,
			 pid_t broker)
{
	_cleanup_free_ char *path = NULL, *export = NULL;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	if (asprintf(&path, "%s/%s", s->folder, one->file) < 0 ||
	    asprintf(&export, "--export=%s", s->socket) < 0 || nothing < 0 ||
	    dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
	    dup2(messages, STDERR_FILENO) < 0)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0); /* Ctrl-C is the broker's: it ends scripts before the worker */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != broker)
		_exit(127);
	execl(s->saker, "saker", "run", path, "-q", "--no-warnings", export, "--export-name",
	      one->name, (char *)NULL);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", s->saker, strerror(errno));
	_exit(127);
}

int script_spawn(struct scripts *s, struct script *one)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = one };
	pid_t broker = getpid(), pid;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return fail_errno(-errno, "cannot make a pipe");
	pid = fork();
	if (!pid) {
		/* The child's end waits when the broker is busy. */
		fcntl(ends[1], F_SETFL, 0);
		become_child(s, one, ends[1], broker);
	}
	close(ends[1]);
	if (pid < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, ends[0], &e)) {
		int err = -errno;

		close(ends[0]);
		if (pid > 0)
			kill(pid, SIGKILL);
		one->pid = MAX(pid, 0);
		return fail_errno(err, "cannot start a process");
	}
	one->pid = pid;
	one->messages = ends[0];
	one->epoll = s->epoll;
	one->started_ns = clock_monotonic_ns();
	one->kill_at_ns = 0;
	*one->said = '\0';
	buf_clear(&one->line);
	return 0;
}

/* Out of the epoll first: a process that was forked meanwhile may hold the descriptor too. */
void script_close_messages(struct script *one)
{
	if (one->messages < 0)
		return;
	epoll_ctl(one->epoll, EPOLL_CTL_DEL, one->messages, NULL);
	close(one->messages);
	one->messages = -1;
}

static void log_message(struct script *one)
{
	_cleanup_buf_ struct buf safe = {};

	if (!one->line.len)
		return;
	text_add_safe(&safe, one->line.data, MIN(one->line.len, LINE_MAX_BYTES));
	if (!*one->said)
		snprintf(one->said, sizeof(one->said), "%s", buf_str(&safe));
	if (one->deaths < DEATHS_TOLD)
		log_warning("script %s: %s", one->file, buf_str(&safe));
	else
		log_debug("script %s: %s", one->file, buf_str(&safe));
	buf_clear(&one->line);
}

void script_read_messages(struct script *one)
{
	char bytes[4096];
	ssize_t n = -1;

	while (one->messages >= 0 && (n = read(one->messages, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] == '\n')
				log_message(one);
			else if (one->line.len < LINE_MAX_BYTES)
				buf_add_char(&one->line, bytes[i]);
		}
	}
	if (one->messages < 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	log_message(one);
	script_close_messages(one);
}
