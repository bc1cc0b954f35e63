// SPDX-License-Identifier: Apache-2.0
/*
 * Raw attaching: each way with a program of this file, and what the kernel says of itself. Ways
 * that this kernel lacks must say why.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/wait.h>

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "groups.h"
#include "kernel/hook.h"
#include "kernel/object.h"

/* A program that adds one to the map's value. */
static int program(int map, enum bpf_prog_type type, u32 attach)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM,
		  .dst_reg = 1,
		  .src_reg = BPF_PSEUDO_MAP_VALUE,
		  .imm = map },
		{},
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 1 },
		{ .code = BPF_STX | BPF_DW | 0xc0, .dst_reg = 1, .src_reg = 2, .imm = BPF_ADD },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);

	return bpf_prog_load(type, "hook_test", "GPL", code, ARRAY_SIZE(code), &opts);
}

static u64 value(int map)
{
	u64 v = 0;
	u32 key = 0;

	bpf_map_lookup_elem(map, &key, &v);
	return v;
}

static void runs(int map, int fd)
{
	u64 deadline = clock_monotonic_ns() + 10 * NSEC_PER_SEC;
	_cleanup_buf_ struct buf b = {};

	if (fd < 0)
		print_message("%s\n", error_text());
	assert_true(fd >= 0);
	while (!value(map) && clock_monotonic_ns() < deadline)
		read_file("/proc/self/stat", 4096, &b); /* reads, and gives way to others */
	assert_true(value(map));
	hook_close(&fd, 1);
}

static int new_map(void)
{
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "count", 4, 8, 1, NULL);

	assert_true(map >= 0);
	return map;
}

static void tracepoints(void **state)
{
	int map = new_map(), raw = program(map, BPF_PROG_TYPE_RAW_TRACEPOINT, 0),
	    classic = program(map, BPF_PROG_TYPE_TRACEPOINT, 0);

	assert_true(raw >= 0 && classic >= 0);
	runs(map, hook_raw_tracepoint(raw, "sched_switch", 7));
	runs(map, hook_tracepoint(classic, "sched", "sched_switch", 7));
	assert_int_equal(hook_raw_tracepoint(raw, "no_such", 0), -ENOENT);
	assert_non_null(strstr(error_text(), "tracepoint no_such does not exist"));
	assert_int_equal(hook_tracepoint(classic, "sched", "no_such", 0), -ENOENT);
	close(raw);
	close(classic);
	close(map);
}

static void perf_events(void **state)
{
	const struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = NSEC_PER_MSEC,
	};
	int map = new_map(), p = program(map, BPF_PROG_TYPE_PERF_EVENT, 0), *cpus;
	size_t count;

	assert_int_equal(hook_cpus(&cpus, &count), 0);
	assert_true(count > 0);
	runs(map, hook_perf(p, &attr, -1, cpus[0], 0));
	assert_true(hook_perf(p, &attr, -1, 1 << 14, 0) < 0);
	free(cpus);
	close(p);
	close(map);
}

/* A user function of this program, by its address in memory and the file's mapping. */
__attribute__((noinline, used)) static void hook_target(void)
{
	asm volatile("");
}

static u64 offset_of_target(void)
{
	u64 address = (uintptr_t)hook_target, start, end, offset, found = 0;
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 &&
		    address >= start && address < end)
			found = address - start + offset;
	if (f)
		fclose(f);
	return found;
}

static void uprobes(void **state)
{
	struct hook_uprobe u = { .path = "/proc/self/exe", .offset = offset_of_target() };
	int map = new_map(), p = program(map, BPF_PROG_TYPE_KPROBE, 0), fd;

	if (hook_available(HOOK_UPROBE))
		skip();
	fd = hook_uprobe(p, &u, 0, 1);
	assert_true(fd >= 0);
	hook_target();
	assert_int_equal(value(map), 1);
	hook_close(&fd, 1);
	hook_target();
	assert_int_equal(value(map), 1);
	u.is_return = true;
	fd = hook_uprobe(p, &u, getpid(), 1);
	assert_true(fd >= 0);
	hook_target();
	assert_int_equal(value(map), 2);
	hook_close(&fd, 1);
	close(p);
	if (!hook_available(HOOK_UPROBE_MULTI)) {
		p = program(map, BPF_PROG_TYPE_KPROBE, 48);
		fd = hook_uprobe_multi(p, u.path, &u.offset, NULL, 1, false, 0, 9);
		assert_true(fd >= 0);
		hook_target();
		assert_int_equal(value(map), 3);
		hook_close(&fd, 1);
		close(p);
	}
	close(map);
}

static void kprobes(void **state)
{
	static const char *const functions[] = { "vfs_read", "vfs_write" };
	struct hook_kprobe k = { .function = "vfs_read" };
	int map, p;

	if (hook_available(HOOK_KPROBE)) {
		print_message("skipped: %s\n", error_text());
		skip();
	}
	map = new_map();
	p = program(map, BPF_PROG_TYPE_KPROBE, 0);
	runs(map, hook_kprobe(p, &k, 1));
	k.function = "no_such_function";
	assert_int_equal(hook_kprobe(p, &k, 1), -ENOENT);
	close(p);
	if (!hook_available(HOOK_KPROBE_MULTI)) {
		p = program(map, BPF_PROG_TYPE_KPROBE, 42);
		runs(map, hook_kprobe_multi(p, functions, 2, false, 1));
		close(p);
	}
	close(map);
}

/* Gone for us at once, and no child of ours is left behind. */
static void leaving(void **state)
{
	int map = new_map(), p = program(map, BPF_PROG_TYPE_TRACEPOINT, 0), fds[2], other;

	fds[0] = hook_tracepoint(p, "sched", "sched_switch", 0);
	fds[1] = hook_tracepoint(p, "sched", "sched_wakeup", 0);
	assert_true(fds[0] >= 0 && fds[1] >= 0);
	other = dup(map);
	hook_leave(fds, 2);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	assert_int_equal(fcntl(fds[1], F_GETFD), -1);
	assert_int_not_equal(fcntl(other, F_GETFD), -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	hook_leave(NULL, 0);
	close(other);
	close(p);
	close(map);
}

static void what_is_missing_has_words(void **state)
{
	for (enum hook_way way = HOOK_KPROBE; way <= HOOK_TRACE_COOKIE; way++) {
		int err, again;

		error_clear();
		err = hook_available(way);
		if (err)
			assert_true(*error_text());
		error_clear();
		again = hook_available(way);
		assert_int_equal(err, again);
		assert_int_equal(!err, !*error_text());
	}
}

struct seen {
	size_t count;
	bool sched_switch, task, vfs_read;
};

static bool see(void *context, const char *module, const char *name)
{
	struct seen *s = context;

	s->count++;
	s->sched_switch |= !strcmp(name, "sched_switch");
	s->task |= !strcmp(name, "task");
	s->vfs_read |= !strcmp(name, "vfs_read");
	return true;
}

static bool see_one(void *context, const char *module, const char *name)
{
	++*(size_t *)context;
	return false;
}

static void names(void **state)
{
	struct seen s = {};
	char module[64];
	size_t one = 0;
	u64 address;

	assert_int_equal(hook_raw_tracepoints(see, &s), 0);
	assert_true(s.sched_switch && s.count > 100);
	assert_int_equal(hook_iterators(see, &s), 0);
	assert_true(s.task);
	assert_int_equal(hook_btf_functions(false, see, &s), 0);
	assert_true(s.vfs_read);
	s.vfs_read = false;
	assert_int_equal(hook_functions(NULL, see, &s), 0);
	assert_true(s.vfs_read);
	assert_int_equal(hook_functions(NULL, see_one, &one), 0);
	assert_int_equal(one, 1);
	assert_true(hook_functions("/no/such/file", see, &s) < 0);
	assert_true(hook_has_function("vfs_read"));
	assert_true(hook_has_function("btf_trace_sched_switch"));
	assert_false(hook_has_function("no_such_function"));
	assert_true(hook_iterator_id("task") > 0);
	assert_int_equal(hook_iterator_id("nope"), -ENOENT);
	assert_true(hook_function_id(NULL, "vfs_read", module, sizeof(module)) > 0);
	assert_string_equal(module, "");
	assert_true(hook_function_id("vmlinux", "vfs_read", module, sizeof(module)) > 0);
	assert_true(hook_function_id("no_such_module", "vfs_read", module, sizeof(module)) < 0);
	assert_int_equal(hook_symbol(NULL, "vfs_read", &address), 0);
	assert_int_equal(hook_symbol("no_such_module", "vfs_read", &address), -ENOENT);
	assert_int_equal(hook_module_btf("no_such_module"), -ENOENT);
	assert_int_equal(hook_program("no_such_program", 0, &(u32){ 0 }), -ENOENT);
}

int test_hook(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tracepoints),
		cmocka_unit_test(perf_events),
		cmocka_unit_test(uprobes),
		cmocka_unit_test(kprobes),
		cmocka_unit_test(names),
		cmocka_unit_test(leaving),
		cmocka_unit_test(what_is_missing_has_words),
	};

	return cmocka_run_group_tests_name("hook", tests, NULL, NULL);
}
