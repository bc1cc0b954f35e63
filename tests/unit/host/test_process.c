// SPDX-License-Identifier: Apache-2.0
/* Who had a pid when: from /proc, from what is fed, and after the end. Never somebody else. */
#include "unit/host/fixture.h"
#include "unit/host/groups.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80 /* 5.6 */
#endif

static u64 now(void)
{
	return clock_monotonic_ns();
}

static void read_from_proc(void **state)
{
	struct machine *m = *state;
	const struct process *p;

	put_process(m, 100, 1, "nginx) x", long_ago());
	put_link(m, "/proc/100/exe", "/usr/sbin/nginx");
	put_bytes(m, "/proc/100/cmdline", "nginx\0-g\0daemon off;\0", 21);
	put_file(m, "/proc/100/status",
		 "Name:\tnginx\nUid:\t33\t33\t33\t33\nGid:\t34\t34\t34\t34\n");
	put_file(m, "/proc/100/cgroup", "0::/system.slice/nginx.service\n");
	p = host_process(m->host, 100, 0,
			 PROCESS_IDS | PROCESS_EXE | PROCESS_ARGS | PROCESS_CGROUP);
	assert_non_null(p);
	assert_string_equal(p->comm, "nginx) x");
	assert_int_equal(p->ppid, 1);
	assert_string_equal(p->exe, "/usr/sbin/nginx");
	assert_int_equal(p->args_len, 20);
	assert_memory_equal(p->args, "nginx\0-g\0daemon off;", 20);
	assert_true(p->has_ids);
	assert_int_equal(p->uid, 33);
	assert_int_equal(p->gid, 34);
	assert_string_equal(p->cgroup_path, "/system.slice/nginx.service");
	assert_null(host_process(m->host, 101, 0, 0));
	assert_null(host_process(m->host, 0, 0, 0));
}

static void not_before_its_start(void **state)
{
	struct machine *m = *state;
	u64 start = long_ago();

	put_process(m, 100, 1, "late", start);
	assert_null(host_process(m->host, 100, start - NSEC_PER_SEC, 0));
	assert_non_null(host_process(m->host, 100, start + NSEC_PER_SEC, 0));
}

static void kept_after_exit(void **state)
{
	struct machine *m = *state;
	u64 seen;

	put_process(m, 100, 1, "short", long_ago());
	assert_non_null(host_process(m->host, 100, 0, 0));
	seen = now();
	remove_path(m, "/proc/100");
	assert_string_equal(host_process(m->host, 100, seen, 0)->comm, "short");
	assert_non_null(host_process(m->host, 100, seen - NSEC_PER_SEC, 0));
	/* Long after it was last seen the pid may have had others. */
	assert_null(host_process(m->host, 100, seen + 5 * NSEC_PER_SEC, 0));
}

/* Where there are many pids, one is not used again so soon. */
static void pid_max(void **state)
{
	struct machine *m = *state;
	u64 t = long_ago();

	put_file(m, "/proc/sys/kernel/pid_max", "4194304\n");
	assert_int_equal(host_process_exec(m->host, 100, 1, "x", NULL, NULL, 0, t), 0);
	host_process_exit(m->host, 100, t + 1);
	assert_non_null(host_process(m->host, 100, t + 59 * NSEC_PER_SEC, 0));
	assert_null(host_process(m->host, 100, t + 62 * NSEC_PER_SEC, 0));
}

static void used_again(void **state)
{
	struct machine *m = *state;
	u64 t = long_ago();

	assert_int_equal(host_process_exec(m->host, 100, 1, "first", "/bin/first", "first", 6, t),
			 0);
	host_process_exit(m->host, 100, t + NSEC_PER_SEC);
	put_process(m, 100, 1, "second", t + 3 * NSEC_PER_SEC);
	assert_string_equal(host_process(m->host, 100, 0, 0)->comm, "second");
	assert_string_equal(host_process(m->host, 100, t + NSEC_PER_MSEC, 0)->comm, "first");
	assert_string_equal(host_process(m->host, 100, t + 4 * NSEC_PER_SEC, 0)->comm, "second");
	assert_null(host_process(m->host, 100, t - 1, 0));
	/* Found out by looking alone, without any news. */
	put_process(m, 100, 1, "third", now() - NSEC_PER_SEC);
	assert_string_equal(host_process(m->host, 100, now(), 0)->comm, "third");
	assert_string_equal(host_process(m->host, 100, t + 4 * NSEC_PER_SEC, 0)->comm, "second");
}

static void fed_only(void **state)
{
	struct machine *m = *state;
	const struct process *p;
	u64 t = long_ago();

	assert_int_equal(host_process_exec(m->host, 50, 1, "bash", "/bin/bash", "bash\0-l", 8, t),
			 0);
	assert_int_equal(host_process_fork(m->host, 51, 50, "bash", t + 1000), 0);
	p = host_process(m->host, 51, t + 1000, PROCESS_EXE);
	assert_string_equal(p->exe,
			    "/bin/bash"); /* until it runs something else, it is its parent */
	assert_int_equal(p->ppid, 50);
	assert_int_equal(p->start, t + 1000);
	assert_int_equal(host_process_exec(m->host, 51, 50, "ls", "/bin/ls", "ls", 3, t + 2000), 0);
	host_process_exit(m->host, 51, t + 3000);
	p = host_process(m->host, 51, t + 2500, PROCESS_EXE | PROCESS_ARGS);
	assert_string_equal(p->comm, "ls");
	assert_string_equal(p->exe, "/bin/ls");
	assert_int_equal(p->args_len, 2);
	assert_int_equal(p->exit, t + 3000);
	assert_null(host_process(m->host, 51, t + 500, 0));
}

/* The records of two rings come out of order: old news must not replace new. */
static void old_news(void **state)
{
	struct machine *m = *state;
	u64 t = long_ago();

	assert_int_equal(host_process_exec(m->host, 60, 1, "new", NULL, NULL, 0, t + 2000), 0);
	assert_int_equal(host_process_exec(m->host, 60, 1, "old", NULL, NULL, 0, t + 1000), 0);
	assert_string_equal(host_process(m->host, 60, t + 2000, 0)->comm, "new");
	host_process_exit(m->host, 60, t + 500); /* of an earlier owner */
	assert_int_equal(host_process(m->host, 60, t + 2000, 0)->exit, 0);
}

static void bounded(void **state)
{
	struct machine *m = *state;
	struct host *h = host_new(&(struct host_options){ .root = m->root, .processes = 100 });
	u64 t = long_ago();
	size_t known = 0;

	assert_non_null(h);
	assert_int_equal(host_process_exec(h, 7, 1, "stays", NULL, NULL, 0, t), 0);
	for (u32 pid = 1000; pid < 3000; pid++) {
		assert_int_equal(host_process_exec(h, pid, 1, "x", "/bin/x", "x", 2, t), 0);
		host_process_exit(h, pid, t + 1);
	}
	for (u32 pid = 1000; pid < 3000; pid++)
		known += host_process(h, pid, t, 0) != NULL;
	assert_int_equal(known, 99);
	assert_string_equal(host_process(h, 7, t, 0)->comm, "stays"); /* the dead go first */
	host_free(h);
	h = host_new(&(struct host_options){ .root = m->root, .process_bytes = 10000 });
	for (u32 pid = 1000; pid < 1100; pid++)
		assert_int_equal(
			host_process_exec(h, pid, 1, "x", NULL, (char[1000]){ "x" }, 1000, t), 0);
	known = 0;
	for (u32 pid = 1000; pid < 1100; pid++)
		known += host_process(h, pid, t, 0) != NULL;
	assert_in_range(known, 5, 10);
	host_free(h);
}

static void count_progress(void *context, size_t done, size_t all)
{
	size_t *last = context;

	assert_true(done <= all && done >= *last);
	*last = done;
}

static void seed(void **state)
{
	struct machine *m = *state;
	size_t last = 0;

	put_process(m, 1, 0, "init", long_ago());
	put_process(m, 600, 1, "a", long_ago());
	put_folder(m, "/proc/sys");
	put_folder(m, "/proc/601"); /* gone while we read */
	assert_int_equal(host_seed(m->host, 0, count_progress, &last), 2);
	assert_int_equal(last, 3);
	remove_path(m, "/proc/600");
	assert_string_equal(host_process(m->host, 600, now(), 0)->comm, "a");
}

/* The real /proc: ourselves and a child that ends. */
static void real(void **state UNUSED)
{
	_cleanup_(host_freep) struct host *h = host_new(NULL);
	const struct process *p = host_process(h, (u32)getpid(), 0, PROCESS_EXE | PROCESS_IDS);
	u64 born = now();
	int gate[2];
	pid_t child;

	assert_non_null(p);
	assert_int_equal(p->ppid, getppid());
	assert_int_equal(p->uid, getuid());
	assert_non_null(strstr(p->exe, "unit_host"));
	assert_true(p->start && p->start < born);
	assert_int_equal(pipe(gate), 0);
	child = fork();
	if (!child) {
		char c;

		_exit(read(gate[0], &c, 1) != 1);
	}
	p = host_process(h, (u32)child, 0, 0);
	assert_non_null(p);
	assert_true(p->start + 100 * NSEC_PER_MSEC >= born);
	assert_int_equal(write(gate[1], "x", 1), 1);
	assert_int_equal(waitpid(child, NULL, 0), child);
	p = host_process(h, (u32)child, now(), 0);
	assert_non_null(p);
	assert_true(p->exit);
	assert_null(host_process(h, (u32)child, born - 5 * NSEC_PER_SEC, 0));
	close(gate[0]);
	close(gate[1]);
}

#define NO_NAMESPACE 77
#define MUST(condition)                        \
	do {                                   \
		if (!(condition))              \
			_exit(__LINE__ % 256); \
	} while (0)

/* As a suspend of an hour does: CLOCK_BOOTTIME goes on, CLOCK_MONOTONIC does not. */
static void suspend_for_an_hour(void)
{
	_cleanup_close_ int offsets = -1, ns = -1;

	if (unshare(CLONE_NEWTIME))
		_exit(NO_NAMESPACE);
	offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	ns = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (offsets < 0 || ns < 0 || write(offsets, "boottime 3600 0\n", 16) != 16 ||
	    setns(ns, CLONE_NEWTIME))
		_exit(NO_NAMESPACE);
}

static void in_a_suspended_machine(struct machine *m)
{
	const struct process *p;

	put_process(m, 100, 1, "before", long_ago());
	MUST(host_process(m->host, 100, 0, 0));
	MUST(!host_process_exec(m->host, 100, 1, "before", "/bin/x", "x", 2, now()));
	suspend_for_an_hour();
	p = host_process(m->host, 100, 0, PROCESS_ARGS);
	MUST(p && p->args && !strcmp(p->args, "x")); /* still who it was */
	put_process(m, 200, 1, "after", now() - 2 * NSEC_PER_SEC);
	MUST(host_process(m->host, 200, now() - NSEC_PER_SEC, 0));
	MUST(!host_process(m->host, 200, now() - 4 * NSEC_PER_SEC, 0));
	MUST(!host_process_fork(m->host, 300, 1, "forked", now()));
	put_process(m, 300, 7, "forked", now());
	p = host_process(m->host, 300, 0, 0);
	MUST(p && p->ppid == 1); /* what the fork said is not forgotten */
}

static void over_a_suspend(void **state)
{
	struct machine *m = *state;
	pid_t child = fork();
	int status;

	if (!child) {
		in_a_suspended_machine(m);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NAMESPACE)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int test_process(void)
{
	const struct CMUnitTest tests[] = {
		TEST(read_from_proc),
		TEST(not_before_its_start),
		TEST(kept_after_exit),
		TEST(used_again),
		TEST(pid_max),
		TEST(fed_only),
		TEST(old_news),
		TEST(bounded),
		TEST(seed),
		TEST(real),
		TEST(over_a_suspend),
	};

	return cmocka_run_group_tests_name("host/process", tests, NULL, NULL);
}
