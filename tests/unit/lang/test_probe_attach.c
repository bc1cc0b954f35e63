// SPDX-License-Identifier: Apache-2.0
/*
 * Programs on real hooks: what is attached runs, what is detached no longer does, one that fails
 * takes the others back. Kernel functions only where this kernel allows them.
 */
#include "unit/lang/groups.h"
#include "unit/lang/probe_fixture.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fcntl.h>
#include <sys/wait.h>

#define DEADLINE_MS 10000

/* Functions to put uprobes on. */
__attribute__((noinline, used)) int probe_target_one(int x)
{
#ifdef __x86_64__
	asm volatile("mov $1, %%ecx\n mov $2, %%ecx\n" : "+r"(x) : : "ecx"); /* 5 bytes each */
#else
	asm volatile("nop\n nop\n" : "+r"(x));
#endif
	return x + 1;
}

__attribute__((noinline, used)) int probe_target_two(int x)
{
	asm volatile("" : "+r"(x));
	return x + 2;
}

static void work(void)
{
	pid_t pid = fork();
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	char bytes[64];

	if (!pid)
		_exit(0);
	if (fd >= 0 && read(fd, bytes, sizeof(bytes)) >= 0)
		close(fd);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* Until the program ran @least times. */
static void wait_for(int map, u64 least)
{
	u64 deadline = clock_monotonic_ns() + DEADLINE_MS * NSEC_PER_MSEC;

	while (counter_value(map) < least && clock_monotonic_ns() < deadline)
		work();
	assert_true(counter_value(map) >= least);
}

static void must_run(const char *text, u32 points)
{
	struct probe_attachment *at = NULL;
	struct fixture f;
	int program = -1, map;

	fixture_open(&f);
	map = fixture_attach(&f, text, &at, &program);
	if (map < 0)
		print_message("%s: %s %s\n", text, error_text(), fixture_error(&f));
	assert_true(map >= 0);
	if (points)
		assert_int_equal(f.list.count, points);
	wait_for(map, 3);
	assert_null(attachment_free(at));
	close(map);
	close(program);
	fixture_close(&f);
}

static void perf_events(void **state)
{
	must_run("interval:ms:5", 1);
	must_run("interval:1ms", 1);
	must_run("profile:hz:199", 1);
	must_run("profile:us:2000", 1);
	must_run("software:cpu-clock:1000000", 1);
	must_run("software:faults:1", 1);
}

static void tracepoints(void **state)
{
	must_run("tracepoint:sched:sched_switch", 1);
	must_run("tracepoint:sched:sched_process_f*,tracepoint:sched:sched_process_exit", 0);
	must_run("rawtracepoint:sched_switch", 1);
	must_run("rawtracepoint:vmlinux:sched_sw*", 0);
}

/* An interval's count, not more: 20 ms long 5 ms each. */
static void an_interval_keeps_its_rate(void **state)
{
	struct probe_attachment *at = NULL;
	struct fixture f;
	int program, map;
	u64 start;

	fixture_open(&f);
	map = fixture_attach(&f, "interval:ms:5", &at, &program);
	start = clock_monotonic_ns();
	assert_true(map >= 0);
	wait_for(map, 10);
	assert_true(clock_monotonic_ns() - start > 40 * NSEC_PER_MSEC);
	attachment_free(at);
	close(map);
	close(program);
	fixture_close(&f);
}

static void own_functions(void **state)
{
	static const char *const texts[] = {
		"uprobe:/proc/self/exe:probe_target_one",
		"uretprobe:/proc/self/exe:probe_target_one",
		"uprobe:/proc/self/exe:probe_target_*",
		"uretprobe:/proc/self/exe:probe_target_*",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (int of_self = 0; of_self < 3; of_self++) {
			struct probe_attachment *at = NULL;
			struct fixture f;
			int program, map;

			fixture_open(&f);
			f.list.pid = of_self == 1 ? getpid() : 0;
			f.list.mode = of_self == 2 ? "auto,no-uprobe_multi" : NULL;
			map = fixture_attach(&f, texts[i], &at, &program);
			if (map < 0)
				print_message("%s: %s\n", texts[i], error_text());
			assert_true(map >= 0);
			probe_target_one(1);
			probe_target_two(1);
			probe_target_one(1);
			assert_int_equal(counter_value(map), i < 2 ? 2 : 3);
			attachment_free(at);
			probe_target_one(1);
			assert_int_equal(counter_value(map), i < 2 ? 2 : 3);
			close(map);
			close(program);
			fixture_close(&f);
		}
}

static void a_program_by_its_address(void **state)
{
	struct fixture f, g;
	char text[128];

	fixture_open(&f);
	assert_int_equal(fixture_expand(&f, "uprobe:/proc/self/exe:probe_target_two"), 0);
	snprintf(text, sizeof(text), "uprobe:/proc/self/exe:0x%llx",
		 (unsigned long long)f.list.first->address);
	fixture_open(&g);
	assert_int_equal(fixture_expand(&g, text), 0);
	assert_int_equal(g.list.first->file_offset, f.list.first->file_offset);
	fixture_close(&g);
	fixture_close(&f);
}

/* A breakpoint in the middle of an instruction would destroy the program. */
static void only_where_an_instruction_begins(void **state)
{
	struct probe_attachment *at = NULL;
	bool begins[9] = {};
	u32 count = 0;

	for (u64 offset = 1; offset < 9; offset++) {
		struct fixture f;
		char text[128];
		int map, program = -1;

		fixture_open(&f);
		snprintf(text, sizeof(text), "uprobe:/proc/self/exe:probe_target_one+%llu",
			 (unsigned long long)offset);
		assert_int_equal(fixture_expand(&f, text), 0);
		begins[offset] = !f.list.first->refused;
		fixture_close(&f);
		if (begins[offset])
			continue;
		fixture_open(&f);
		map = fixture_attach(&f, text, &at, &program);
		assert_int_equal(map, -EINVAL);
		assert_non_null(strstr(error_text(), "into middle of instruction"));
		close(program);
		fixture_close(&f);
	}
	for (size_t i = 1; i < ARRAY_SIZE(begins); i++)
		count += begins[i];
	assert_true(count > 0 && count < 8);
}

static void outside_of_the_function(void **state)
{
	struct fixture f;

	fixture_open(&f);
	f.list.unsafe = true;
	assert_int_equal(fixture_expand(&f, "uprobe:/proc/self/exe:probe_target_one+100000"), 0);
	assert_non_null(strstr(f.list.first->refused, "Offset outside the function bounds"));
	fixture_close(&f);
}

static void a_library_by_its_name(void **state)
{
	struct fixture f;

	fixture_open(&f);
	assert_int_equal(fixture_expand(&f, "uprobe:libc:malloc"), 0);
	assert_int_equal(f.list.count, 1);
	assert_non_null(strstr(f.list.first->name, "/libc.so.6:malloc"));
	assert_int_equal(fixture_expand(&f, "uprobe:libc.so.6:malloc"), 0);
	assert_string_equal(f.list.first->name, f.list.first->next->name);
	assert_int_equal(fixture_expand(&f, "uprobe:libc:mallok"), -EINVAL);
	assert_non_null(strstr(fixture_hint(&f), "malloc'?"));
	fixture_close(&f);
	fixture_open(&f);
	assert_int_equal(fixture_expand(&f, "uprobe:sh:0x4"), 0);
	assert_non_null(strstr(f.list.first->name, "/sh:4"));
	fixture_close(&f);
}

static void iterators(void **state)
{
	struct probe_attachment *at = NULL;
	struct fixture f;
	char bytes[256];
	int program, map, fd;

	fixture_open(&f);
	map = fixture_attach(&f, "iter:task", &at, &program);
	assert_true(map >= 0);
	fd = attachment_read(at, 0);
	assert_true(fd >= 0);
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	assert_true(counter_value(map) > 1);
	close(fd);
	attachment_free(at);
	close(map);
	close(program);
	fixture_close(&f);
}

/* The second cannot be had: the first is taken back. */
static void all_or_nothing(void **state)
{
	struct probe_attachment *at = NULL;
	struct attach_point missing;
	const struct attach_point *points[2];
	struct fixture f;
	int map, program;
	u32 failed = 0;

	fixture_open(&f);
	assert_int_equal(fixture_expand(&f, "rawtracepoint:sched_switch"), 0);
	missing = *f.list.first;
	missing.event = "no_such_tracepoint";
	points[0] = f.list.first;
	points[1] = &missing;
	map = counter_map();
	program = counter_program(map, points[0], true);
	assert_true(program >= 0);
	assert_int_equal(attachment_new(program, points, 2, 1, 0, false, &at, &failed), -ENOENT);
	assert_null(at);
	assert_non_null(strstr(error_text(), "no_such_tracepoint"));
	assert_int_equal(attachment_new(program, points, 2, 1, 0, true, &at, &failed), 0);
	assert_int_equal(failed, 1);
	wait_for(map, 1);
	attachment_free(at);
	close(map);
	close(program);
	fixture_close(&f);
}

static void hardware_without_a_pmu(void **state)
{
	struct probe_attachment *at = NULL;
	struct fixture f;
	int program = -1, map;

	fixture_open(&f);
	map = fixture_attach(&f, "hardware:cycles:10000000", &at, &program);
	if (map < 0)
		assert_non_null(strstr(error_text(), "Unable to attach probe: hardware:cycles"));
	attachment_free(at);
	if (map >= 0)
		close(map);
	close(program);
	fixture_close(&f);
}

static void kernel_functions(void **state)
{
	if (hook_available(HOOK_KPROBE) && hook_available(HOOK_FENTRY)) {
		struct fixture f;

		print_message("skipped: %s\n", error_text());
		fixture_open(&f);
		assert_int_equal(fixture_expand(&f, "kprobe:vfs_read"), -EINVAL);
		assert_string_equal(fixture_error(&f), "No matches for kprobe vfs_read.");
		assert_true(*fixture_hint(&f));
		fixture_close(&f);
		skip();
	}
	must_run("kprobe:vfs_read", 1);
	must_run("kretprobe:vfs_read", 1);
	must_run("fentry:vfs_read", 1);
	must_run("fexit:vfs_read", 1);
	if (!hook_available(HOOK_KPROBE))
		must_run("kprobe:vfs_rea*", 0);
}

/* As on a kernel that lacks the way that was written. */
static void one_takes_the_others_place(void **state)
{
	static const char *const cases[][3] = {
		{ "kprobe:vfs_read", "no-kprobe", "fentry" },
		{ "kretprobe:vfs_read", "no-kprobe", "fexit" },
		{ "fentry:vfs_read", "no-fentry", "kprobe" },
		{ "fexit:vfs_read", "no-fentry", "kretprobe" },
	};

	if (hook_available(HOOK_KPROBE) || hook_available(HOOK_FENTRY)) {
		print_message("skipped: %s\n", error_text());
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct probe_attachment *at = NULL;
		struct fixture f;
		int program, map;

		fixture_open(&f);
		f.list.mode = cases[i][1];
		map = fixture_attach(&f, cases[i][0], &at, &program);
		assert_true(map >= 0);
		assert_string_equal(f.list.first->effective->name, cases[i][2]);
		assert_non_null(strstr(f.list.first->why, "switched off: taken as"));
		wait_for(map, 3);
		attachment_free(at);
		close(map);
		close(program);
		fixture_close(&f);
	}
}

/* Each point's own number reaches the program, where the kernel says that it does. */
static void cookies(void **state)
{
	struct probe_attachment *at = NULL;
	const struct attach_point **points;
	struct fixture f;
	int map, program;

	fixture_open(&f);
	assert_int_equal(fixture_expand(&f, "uprobe:/proc/self/exe:probe_target_*"), 0);
	assert_non_null(f.list.first->next);
	assert_null(f.list.first->next->next);
	if (!attach_point_has_cookie(f.list.first, true)) {
		fixture_close(&f);
		skip();
	}
	points = fixture_points(&f);
	map = counter_map();
	program = cookie_program(map, points[0], true);
	if (program < 0)
		print_message("%s\n", error_text());
	assert_int_equal(attachment_new(program, points, 2, 1000, 0, false, &at, NULL), 0);
	probe_target_one(1);
	assert_int_equal(counter_value(map), 1000);
	probe_target_two(1);
	assert_int_equal(counter_value(map), 2001);
	attachments_leave(&at, 1);
	assert_null(at);
	close(program);
	close(map);
	free(points);
	fixture_close(&f);
}

/* A program with BTF, as fentry wants its target. */
static int program_with_btf(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct btf *btf = btf__new_empty();
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int pointer = btf__add_ptr(btf, btf__add_int(btf, "u64", 8, 0));
	int proto = btf__add_func_proto(btf, number), fd;
	struct bpf_func_info info = {};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .func_info = &info, .func_info_cnt = 1,
		    .func_info_rec_size = sizeof(info));

	btf__add_func_param(btf, "context", pointer);
	info.type_id = (u32)btf__add_func(btf, "probe_bpf_target", BTF_FUNC_STATIC, proto);
	opts.prog_btf_fd = (u32)(btf__load_into_kernel(btf) ? -1 : btf__fd(btf));
	fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "probe_bpf_targ", "GPL", code,
			   ARRAY_SIZE(code), &opts);
	btf__free(btf);
	return fd;
}

static void programs(void **state)
{
	int target = program_with_btf(), link;

	assert_true(target >= 0);
	if (hook_available(HOOK_FENTRY)) {
		print_message("skipped: %s\n", error_text());
		close(target);
		skip();
	}
	link = hook_raw_tracepoint(target, "sched_switch", 0);
	assert_true(link >= 0);
	must_run("fentry:bpf:probe_bpf_target", 1);
	must_run("fexit:bpf:probe_bpf_*", 1);
	close(link);
	close(target);
}

/* ---- classic as raw ------------------------------------------------------------------------ */

static void what_can_be_raw(void **state)
{
	struct raw_field r;
	struct fixture f;

	fixture_open(&f);
	assert_int_equal(fixture_expand(&f, "tracepoint:raw_syscalls:sys_enter,"
					    "tracepoint:raw_syscalls:sys_exit,"
					    "tracepoint:syscalls:sys_enter_read,"
					    "tracepoint:sched:sched_switch"),
			 0);
	assert_true(attach_point_can_be_raw(f.list.first));
	assert_false(attach_point_can_be_raw(f.list.first->next->next));
	assert_true(attach_point_can_be_raw(f.list.first->next->next->next));
	assert_true(attach_point_raw_field(f.list.first, "id", 0, &r));
	assert_int_equal(r.argument, 1);
	assert_true(attach_point_raw_field(f.list.first, "args", 5, &r));
	assert_true(r.in_registers);
	assert_false(attach_point_raw_field(f.list.first, "args", 6, &r));
	assert_false(attach_point_raw_field(f.list.first, "common_type", 0, &r));
	assert_true(attach_point_raw_field(f.list.first->next, "ret", 0, &r));
	assert_false(attach_point_raw_field(f.list.first->next->next, "id", 0, &r));
	attach_point_take_raw(f.list.first);
	assert_int_equal(f.list.first->effective->context, CONTEXT_RAW_ARGUMENTS);
	assert_false(attach_point_shares(f.world, f.list.first, f.list.first->next, false));
	assert_true(
		attach_point_shares(f.world, f.list.first->next, f.list.first->next->next, false));
	fixture_close(&f);
}

static void lists(void **state)
{
	struct fixture f;
	_cleanup_buf_ struct buf b = {};

	fixture_open(&f);
	assert_int_equal(
		probes_list("tracepoint:sched:sched_sw*", true, &f.list, &f.diagnostics, &b), 0);
	assert_non_null(strstr(buf_str(&b), "tracepoint:sched:sched_switch\n    char prev_comm"));
	buf_clear(&b);
	assert_int_equal(probes_list("sched_switch", false, &f.list, &f.diagnostics, &b), 0);
	assert_string_equal(buf_str(&b), "rawtracepoint:vmlinux:sched_switch\n"
					 "tracepoint:sched:sched_switch\n");
	buf_clear(&b);
	assert_int_equal(probes_list("s:cpu*", false, &f.list, &f.diagnostics, &b), 0);
	assert_string_equal(buf_str(&b), "software:cpu-clock:\nsoftware:cpu-migrations:\n"
					 "software:cpu:\n");
	buf_clear(&b);
	assert_int_equal(probes_list("struct list_head", true, &f.list, &f.diagnostics, &b), 0);
	assert_string_equal(buf_str(&b), "vmlinux: struct list_head {\n"
					 "\tstruct list_head *next;\n"
					 "\tstruct list_head *prev;\n};\n\n");
	buf_clear(&b);
	assert_int_equal(probes_list("nope:x", false, &f.list, &f.diagnostics, &b), 0);
	assert_int_equal(b.len, 0);
	fixture_close(&f);
}

static void too_many(void **state)
{
	struct fixture f;

	fixture_open(&f);
	f.list.max = 2;
	assert_int_equal(fixture_expand(&f, "tracepoint:sched:*"), -EINVAL);
	assert_non_null(strstr(fixture_error(&f), "exceeds the current limit of 2 probes"));
	fixture_close(&f);
}

TEST_GROUP(test_probe_attach)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(perf_events),
		cmocka_unit_test(tracepoints),
		cmocka_unit_test(an_interval_keeps_its_rate),
		cmocka_unit_test(own_functions),
		cmocka_unit_test(a_program_by_its_address),
		cmocka_unit_test(only_where_an_instruction_begins),
		cmocka_unit_test(outside_of_the_function),
		cmocka_unit_test(a_library_by_its_name),
		cmocka_unit_test(iterators),
		cmocka_unit_test(all_or_nothing),
		cmocka_unit_test(hardware_without_a_pmu),
		cmocka_unit_test(kernel_functions),
		cmocka_unit_test(one_takes_the_others_place),
		cmocka_unit_test(cookies),
		cmocka_unit_test(programs),
		cmocka_unit_test(what_can_be_raw),
		cmocka_unit_test(lists),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests_name("probes: attach", tests, NULL, NULL);
}
