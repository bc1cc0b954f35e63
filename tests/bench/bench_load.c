// SPDX-License-Identifier: Apache-2.0
/*
 * The loads that the tools are watched under: one system call in a tight loop on one core. Prints
 * calls, nanoseconds of wall time a call, and nanoseconds of this thread's CPU time a call; the
 * latter is what counts on a machine that is not idle.
 *
 *	bench_load getppid SECONDS [CPU]	the cheapest system call that libc does not cache
 *	bench_load open SECONDS [CPU [PATH]]	open and close; without PATH a file that is there
 *	bench_load miss SECONDS [CPU]		an open that fails at the first name
 *	bench_load mix SECONDS [CPU]		opens, files, forks: what keeps an agent busy
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 1000 };

static unsigned long long now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void call_getppid(const char *path)
{
	(void)path;
	syscall(SYS_getppid);
}

static void call_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
}

/* 20 opens, then a program that starts and ends: about what a build does. */
static void call_mix(const char *path)
{
	static int turn;
	pid_t child;

	if (++turn % 20) {
		call_open(path);
		return;
	}
	child = vfork();
	if (!child) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

static const struct load {
	const char *name, *path;
	void (*call)(const char *path);
	unsigned int chunk;
} loads[] = {
	{ "getppid", "", call_getppid, CHUNK },
	{ "open", "/", call_open, CHUNK },
	{ "miss", "/-", call_open, CHUNK },
	{ "mix", "/etc/passwd", call_mix, 20 },
};

static int pin(const char *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(cpu), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static void run(const struct load *load, const char *path, double seconds)
{
	unsigned long long cpu = now(CLOCK_THREAD_CPUTIME_ID), start = now(CLOCK_MONOTONIC);
	unsigned long long end = start + (unsigned long long)(seconds * 1e9), at, calls = 0;

	do {
		for (unsigned int i = 0; i < load->chunk; i++)
			load->call(path);
		calls += load->chunk;
		at = now(CLOCK_MONOTONIC);
	} while (at < end);
	cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
	printf("%llu %.1f %.1f\n", calls, (double)(at - start) / (double)calls,
	       (double)cpu / (double)calls);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < sizeof(loads) / sizeof(*loads); i++) {
		if (strcmp(loads[i].name, argv[1]))
			continue;
		if (argc > 3 && pin(argv[3])) {
			fprintf(stderr, "bench_load: CPU %s: %s\n", argv[3], strerror(errno));
			return 1;
		}
		run(&loads[i], argc > 4 ? argv[4] : loads[i].path, atof(argv[2]));
		return 0;
	}
	fprintf(stderr, "usage: bench_load getppid|open|miss|mix SECONDS [CPU [PATH]]\n");
	return 2;
}
