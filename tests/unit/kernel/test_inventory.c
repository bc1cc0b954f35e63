// SPDX-License-Identifier: Apache-2.0
/*
 * The inventory: a program, a map and a link of this process must be found, with their owner and
 * their place, and be gone when they are closed.
 */
#include "fixture.h"
#include "groups.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "kernel/inventory_internal.h"

static u32 id_of_program(int fd)
{
	struct bpf_prog_info info = { 0 };
	u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return info.id;
}

static u32 id_of_map(int fd)
{
	struct bpf_map_info info = { 0 };
	u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return info.id;
}

/* r0 = 0; exit, and where @map is one, its address before. */
static int tiny_program(enum bpf_prog_type type, int map)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_IMM | BPF_DW,
		  .dst_reg = 1,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = map },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(type, "saker_tiny", "GPL", map < 0 ? insns + 2 : insns,
			       map < 0 ? 2 : 4, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void numbers_have_names(void **state UNUSED)
{
	assert_string_equal(program_type_name(BPF_PROG_TYPE_RAW_TRACEPOINT), "raw_tracepoint");
	assert_string_equal(program_type_name(BPF_PROG_TYPE_SK_LOOKUP), "sk_lookup");
	assert_string_equal(map_type_name(BPF_MAP_TYPE_RINGBUF), "ringbuf");
	assert_string_equal(map_type_name(BPF_MAP_TYPE_TASK_STORAGE), "task_storage");
	assert_string_equal(link_type_name(BPF_LINK_TYPE_PERF_EVENT), "perf_event");
	assert_string_equal(attach_type_name(BPF_LSM_MAC), "lsm");
	assert_string_equal(attach_type_name(BPF_CGROUP_INET4_CONNECT), "inet4_connect");
	assert_string_equal(attach_type_name(BPF_TRACE_KPROBE_MULTI), "kprobe.multi");
	assert_null(program_type_name(1000));
	assert_null(map_type_name(UINT32_MAX));
	assert_null(link_type_name(99));
	assert_null(attach_type_name(200));
}

static void fdinfo_is_read(void **state UNUSED)
{
	static const char text[] = "pos:\t0\nflags:\t02000002\nlink_type:\tperf\n"
				   "link_id:\t17\nprog_id:\t42\nmemlock:\t4096";
	u64 n = 7;

	assert_true(fdinfo_number(text, "prog_id", &n));
	assert_int_equal(n, 42);
	assert_true(fdinfo_number(text, "memlock", &n));
	assert_int_equal(n, 4096);
	assert_false(fdinfo_number(text, "id", &n));
	assert_false(fdinfo_number(text, "map_id", &n));
	assert_false(fdinfo_number("", "pos", &n));
	assert_int_equal(n, 4096);
}

static bool owned_by_us(const struct inventory *i, enum object_kind kind, u32 id)
{
	size_t count;
	const struct owner *o = inventory_owners(i, kind, id, &count);

	for (size_t n = 0; n < count; n++)
		if (o[n].pid == getpid())
			return true;
	return false;
}

static void own_objects_are_found(void **state UNUSED)
{
	_cleanup_(inventory_freep) struct inventory *i = NULL, *later = NULL;
	const struct program_info *p;
	const struct map_info *m;
	u32 map_id, program_id;
	int map, program;

	need_bpf();
	map = bpf_map_create(BPF_MAP_TYPE_HASH, "saker_map", 4, 8, 3, NULL);
	assert_true(map >= 0);
	program = tiny_program(BPF_PROG_TYPE_SOCKET_FILTER, map);
	map_id = id_of_map(map);
	program_id = id_of_program(program);
	must(inventory_take(INVENTORY_MAPS | INVENTORY_OWNERS | INVENTORY_ATTACHMENTS, &i));

	p = inventory_program(i, program_id);
	assert_non_null(p);
	assert_string_equal(p->name, "saker_tiny");
	assert_int_equal(p->type, BPF_PROG_TYPE_SOCKET_FILTER);
	assert_int_equal(p->map_count, 1);
	assert_int_equal(p->maps[0], map_id);
	assert_int_equal(p->uid, getuid());
	assert_true(p->gpl);
	assert_true(p->loaded_wall_ns <= clock_wall_ns() &&
		    p->loaded_wall_ns > clock_wall_ns() - 60 * NSEC_PER_SEC);
	assert_true(p->memory != UNKNOWN_U64 && p->memory);
	assert_true(owned_by_us(i, OBJECT_PROGRAM, program_id));

	m = inventory_map(i, map_id);
	assert_non_null(m);
	assert_string_equal(m->name, "saker_map");
	assert_int_equal(m->key_size, 4);
	assert_int_equal(m->value_size, 8);
	assert_int_equal(m->max_entries, 3);
	assert_true(owned_by_us(i, OBJECT_MAP, map_id));

	close(program);
	close(map);
	must(inventory_take(INVENTORY_OWNERS, &later));
	assert_false(owned_by_us(later, OBJECT_PROGRAM, program_id));
	assert_false(owned_by_us(later, OBJECT_MAP, map_id));
}

static void links_say_where(void **state UNUSED)
{
	_cleanup_(inventory_freep) struct inventory *i = NULL;
	const struct attachment *a;
	u32 program_id;
	size_t count;
	int program, link;

	need_bpf();
	program = tiny_program(BPF_PROG_TYPE_RAW_TRACEPOINT, -1);
	program_id = id_of_program(program);
	link = bpf_raw_tracepoint_open("sched_process_exec", program);
	assert_true(link >= 0);
	must(inventory_take(INVENTORY_ATTACHMENTS, &i));
	a = inventory_attachments(i, program_id, &count);
	assert_int_equal(count, 1);
	assert_string_equal(a->text, "raw_tp sched_process_exec");
	assert_true(a->link);
	assert_true(owned_by_us(i, OBJECT_LINK, a->link));
	close(link);
	close(program);
}

static void missing_objects_are_refused(void **state UNUSED)
{
	_cleanup_(program_code_freep) struct program_code *c = NULL;
	struct program_info p;
	struct map_info m;
	struct link_info l;
	struct buf b = { 0 };

	need_bpf();
	assert_int_equal(program_get(UINT32_MAX - 1, &p), -ENOENT);
	assert_int_equal(map_get(UINT32_MAX - 1, &m), -ENOENT);
	assert_int_equal(link_get(UINT32_MAX - 1, &l), -ENOENT);
	assert_int_equal(program_code_get(UINT32_MAX - 1, &c), -ENOENT);
	assert_null(c);
	m = (struct map_info){ .id = 1 };
	assert_int_equal(map_types_describe(&m, &b), -ENOENT);
}

static void code_is_read_back(void **state UNUSED)
{
	_cleanup_(program_code_freep) struct program_code *c = NULL;
	int program;

	need_bpf();
	program = tiny_program(BPF_PROG_TYPE_SOCKET_FILTER, -1);
	must(program_code_get(id_of_program(program), &c));
	assert_int_equal(c->count, 2);
	assert_int_equal(c->line_count, 0);
	assert_int_equal(c->instructions[1].code, BPF_JMP | BPF_EXIT);
	close(program);
}

struct runner {
	int program;
	atomic_bool stop;
};

static void *run_program(void *context)
{
	struct runner *r = context;
	char packet[64] = { 0 };

	while (!atomic_load(&r->stop)) {
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = sizeof(packet),
			    .repeat = 100);

		bpf_prog_test_run_opts(r->program, &o);
	}
	return NULL;
}

static void cost_is_measured(void **state UNUSED)
{
	_cleanup_(cost_report_freep) struct cost_report *report = NULL;
	struct runner r = { 0 };
	pthread_t thread;
	u32 id;

	need_bpf();
	r.program = tiny_program(BPF_PROG_TYPE_SOCKET_FILTER, -1);
	id = id_of_program(r.program);
	assert_int_equal(pthread_create(&thread, NULL, run_program, &r), 0);
	must(cost_measure(100 * NSEC_PER_MSEC, -1, &report));
	atomic_store(&r.stop, true);
	pthread_join(thread, NULL);
	assert_non_null(cost_of(report, id));
	assert_true(cost_of(report, id)->runs > 0);
	assert_true(cost_of(report, id)->run_ns <= 2 * report->elapsed_ns);
	assert_true(report->elapsed_ns >= 100 * NSEC_PER_MSEC);
	assert_null(cost_of(report, UINT32_MAX));
	close(r.program);
}

/*
 * A stop asked for before the beginning: an hour becomes nothing, and statistics are as they were.
 */
static void measuring_can_be_stopped(void **state UNUSED)
{
	_cleanup_(cost_report_freep) struct cost_report *report = NULL;
	_cleanup_buf_ struct buf before = { 0 }, after = { 0 };
	int pipes[2];

	need_bpf();
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	must(read_file("/proc/sys/kernel/bpf_stats_enabled", 64, &before));
	must(cost_measure(3600 * NSEC_PER_SEC, pipes[0], &report));
	must(read_file("/proc/sys/kernel/bpf_stats_enabled", 64, &after));
	assert_true(report->elapsed_ns < 60 * NSEC_PER_SEC);
	assert_string_equal(buf_str(&before), buf_str(&after));
	close(pipes[0]);
	close(pipes[1]);
}

int test_inventory(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_names),
		cmocka_unit_test(fdinfo_is_read),
		cmocka_unit_test(own_objects_are_found),
		cmocka_unit_test(links_say_where),
		cmocka_unit_test(missing_objects_are_refused),
		cmocka_unit_test(code_is_read_back),
		cmocka_unit_test(cost_is_measured),
		cmocka_unit_test(measuring_can_be_stopped),
	};

	return cmocka_run_group_tests_name("inventory", tests, NULL, NULL);
}
