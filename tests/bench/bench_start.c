// SPDX-License-Identifier: Apache-2.0
/*
 * How long a tool takes until the first event is possible, from the outside and in the same way for
 * any tool: a program of its own must be loaded, and the tool must have gone to sleep waiting for
 * events. By then everything is attached; what comes after that, a tool does not control. Nothing
 * of the tool's output enters into it: some print on a timer, some when a page is full.
 *
 * Then the proof that it was so: this very moment a program is executed, and with -e the tool must
 * have printed its name by the time it ends. Last, the time from the interrupt to the end.
 *
 *	bench_start [-e] COMMAND...	prints: READY EXIT CPU (ms), and 1 if the event was seen
 *	bench_start -p PID		returns when a tool that was started otherwise waits
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEADLINE_S = 20, MARKER_MS = 250 };
static const char marker[] = "/bin/true";

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* Ids only grow: the last one that there is, or 0. */
static unsigned int last_program(unsigned int from)
{
	union bpf_attr a;

	for (;;) {
		memset(&a, 0, sizeof(a));
		a.start_id = from;
		if (syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &a, sizeof(a)))
			return from;
		from = a.next_id;
	}
}

static bool is_waiting(pid_t pid)
{
	static const long calls[] = { SYS_epoll_wait, SYS_epoll_pwait,	  SYS_poll,
				      SYS_ppoll,      SYS_select,	  SYS_pselect6,
				      SYS_nanosleep,  SYS_clock_nanosleep };
	char path[64], text[64] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0 || text[0] < '0' || text[0] > '9') /* "running" */
		return false;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (atol(text) == calls[i])
			return true;
	}
	return false;
}

static pid_t start(char **command, int output)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	dup2(output, STDOUT_FILENO);
	dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	execvp(command[0], command);
	_exit(127);
}

static void run_marker(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl(marker, marker, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* Returns false when the tool ended or the deadline passed before it was ready. */
static bool wait_ready(pid_t pid, unsigned int before, double deadline)
{
	const struct timespec pause = { .tv_nsec = 20000 };

	while (now_ms() < deadline) {
		siginfo_t info = {};

		if (is_waiting(pid) && last_program(before) != before)
			return true;
		if (!waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid)
			return false;
		nanosleep(&pause, NULL);
	}
	return false;
}

static bool was_seen(int output)
{
	static char text[1 << 20];
	ssize_t n = pread(output, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strstr(text, marker) != NULL;
}

static int measure(char **command, bool look)
{
	char path[] = "/tmp/bench-start-XXXXXX";
	const struct timespec pause = { .tv_nsec = MARKER_MS * 1000000L };
	unsigned int before = last_program(0);
	double started, ready, stopped, ended;
	int output = mkostemp(path, O_CLOEXEC), status;
	struct rusage used;
	bool is_ready;
	pid_t pid;

	if (output < 0)
		return 1;
	unlink(path);
	started = now_ms();
	pid = start(command, output);
	is_ready = wait_ready(pid, before, started + DEADLINE_S * 1e3);
	ready = now_ms();
	if (is_ready && look) {
		run_marker();
		nanosleep(&pause, NULL);
	}
	stopped = now_ms();
	kill(pid, SIGINT);
	wait4(pid, &status, 0, &used);
	ended = now_ms();
	printf("%.2f %.2f %.2f %d\n", is_ready ? ready - started : -(ready - started),
	       ended - stopped,
	       (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
		       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3,
	       look ? was_seen(output) : -1);
	return !is_ready;
}

/*
 * No program is looked for: it may have been loaded long ago. So it must be seen waiting many
 * times; not all the time, since events may be coming.
 */
static int settle(pid_t pid)
{
	enum { TIMES = 25 };
	const struct timespec pause = { .tv_nsec = 2000000 };
	double deadline = now_ms() + DEADLINE_S * 1e3;
	int waiting = 0;

	while (waiting < TIMES && now_ms() < deadline && !kill(pid, 0)) {
		waiting += is_waiting(pid);
		nanosleep(&pause, NULL);
	}
	return waiting < TIMES;
}

int main(int argc, char **argv)
{
	bool look = argc > 1 && !strcmp(argv[1], "-e");

	if (argc < 2 + look) {
		fprintf(stderr, "usage: bench_start [-e] COMMAND... | -p PID\n");
		return 2;
	}
	prctl(PR_SET_TIMERSLACK, 1UL);
	if (argc == 3 && !strcmp(argv[1], "-p"))
		return settle(atoi(argv[2]));
	return measure(argv + 1 + look, look);
}
