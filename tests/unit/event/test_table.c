// SPDX-License-Identifier: Apache-2.0
/* Readings of a map: each tells what came since the last, and idle entries make room for others. */
#include "event/event.h"
#include "groups.h"

#include <bpf/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TABLE_FD 3 /* behind ring, .bss and stacks: see gadget_shared() */

struct seen {
	int rows;
	u64 sum;
};

static void on_row(void *context, const struct record *r)
{
	struct seen *s = context;
	struct value v;

	column_value(&r->schema->columns[schema_find(r->schema, "count")], r, &v, NULL);
	s->rows++;
	s->sum += v.u;
}

static void assert_reading(struct gadget *g, int rows, u64 sum)
{
	struct seen s = {};

	assert_int_equal(gadget_read(g, false, on_row, &s), rows);
	assert_int_equal(s.rows, rows);
	assert_int_equal(s.sum, sum);
}

static void put(int fd, u32 key, u64 count)
{
	assert_int_equal(bpf_map_update_elem(fd, &key, &count, BPF_ANY), 0);
}

static void readings_are_differences_and_make_room(void **state UNUSED)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	int fds[GADGET_SHARED_MAX];
	u32 key = 1;
	u64 count;

	if (geteuid()) {
		print_message("# loading BPF programs needs root\n");
		skip();
	}
	assert_int_equal(gadget_open(TESTS_BUILD "/unit/event/table.bpf.o", &g), 0);
	assert_int_equal(gadget_load(g), 0);
	assert_int_equal(gadget_shared(g, fds), TABLE_FD + 1);
	for (u32 i = 1; i <= 4; i++)
		put(fds[TABLE_FD], i, 10);
	assert_reading(g, 4, 40);
	put(fds[TABLE_FD], 1, 13);
	assert_reading(g, 1, 3);
	/* Half full is no reason to forget. */
	assert_int_equal(bpf_map_lookup_elem(fds[TABLE_FD], &key, &count), 0);
	put(fds[TABLE_FD], 5, 7);
	assert_reading(g, 1, 7); /* five of eight: 1 to 4 were idle and go */
	assert_int_not_equal(bpf_map_lookup_elem(fds[TABLE_FD], &key, &count), 0);
	key = 5;
	assert_int_equal(bpf_map_lookup_elem(fds[TABLE_FD], &key, &count), 0);
	/* Who comes back counts from nothing, and nothing is told twice. */
	put(fds[TABLE_FD], 1, 2);
	assert_reading(g, 1, 2);
	assert_reading(g, 0, 0);
}

int test_table(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readings_are_differences_and_make_room),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
