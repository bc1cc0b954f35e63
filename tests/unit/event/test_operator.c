// SPDX-License-Identifier: Apache-2.0
/* Sort and top over kept rows. */
#include "groups.h"
#include "writer_fixture.h"

#include "event/operator.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void add(struct rows *rows, u32 pid, const char *comm, u64 sent)
{
	struct traffic t;
	struct record r;

	traffic_fill(&t, rows->schema, pid, comm, sent, &r);
	assert_int_equal(rows_add(rows, &r), 0);
}

/* The pids of the rows as "1 2 3". */
static void assert_pids(const struct rows *rows, const char *wanted)
{
	_cleanup_buf_ struct buf b = {};

	for (size_t i = 0; i < rows->count; i++) {
		const struct traffic *t;
		struct record r;

		rows_record(rows, i, &r);
		t = (const void *)r.data;
		buf_printf(&b, "%s%u", i ? " " : "", t->pid);
	}
	assert_string_equal(buf_str(&b), wanted);
}

static void fill(struct rows *rows)
{
	rows_clear(rows);
	add(rows, 3, "c", 10);
	add(rows, 1, "b", 30);
	add(rows, 2, "a", 10);
	add(rows, 4, "b", 20);
}

static void orders(void **state UNUSED)
{
	static const struct {
		const char *sort, *pids;
		size_t top;
	} cases[] = {
		{ NULL, "1 4 2 3", 0 }, /* the schema's: sent, descending; ties by key */
		{ "pid", "4 3 2 1", 0 },    { "pid:asc", "1 2 3 4", 0 },
		{ "-pid", "4 3 2 1", 0 },   { "PID:desc", "4 3 2 1", 0 },
		{ "comm", "2 1 4 3", 0 }, /* text ascends */
		{ "-comm", "3 1 4 2", 0 },  { "sent", "1 4", 2 },
		{ "sent:asc", "2 3 4", 3 }, { "sent", "1 4 2 3", 9 },
	};
	struct schema *s = traffic_schema();
	struct rows rows = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(rows_set_order(&rows, s, cases[i].sort), 0);
		fill(&rows);
		assert_int_equal(rows_sort(&rows, cases[i].top), 0);
		assert_pids(&rows, cases[i].pids);
		assert_int_equal(rows.left_out, 4 - rows.count);
	}
	rows_free(&rows);
	schema_free(s);
}

static void refusals(void **state UNUSED)
{
	static const char *const cases[][2] = {
		{ "sennt", "did you mean 'sent'" },
		{ "sent:up", "the order 'up' is not known" },
		{ "", "no column ''" },
		{ "-", "no column ''" },
	};
	struct schema *s = traffic_schema(), *h = latency_schema("us", 0);
	struct rows rows = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(rows_set_order(&rows, s, cases[i][0]) < 0);
		assert_non_null(strstr(error_text(), cases[i][1]));
	}
	assert_int_equal(rows_set_order(&rows, h, "slots"), -EINVAL);
	schema_free(s);
	schema_free(h);
}

/*
 * Half the processes are not known: their name is NONE, the others' is made in the scratch buffer.
 */
static void compute_name(void *context UNUSED, const struct record *r UNUSED,
			 const struct value *from, struct value *ret, struct buf *scratch)
{
	if (from->u % 2)
		return;
	buf_printf(scratch, "name-%03u", 500 - (unsigned)from->u);
	ret->class = VALUE_TEXT;
	ret->text.bytes = buf_str(scratch);
	ret->text.len = scratch->len;
}

static void by_computed_text(void **state UNUSED)
{
	struct schema *s = traffic_schema();
	struct rows rows = {};

	assert_true(schema_add_virtual(s, "process.name", "", kind_find("text"),
				       schema_find(s, "pid"), compute_name, NULL) >= 0);
	assert_int_equal(rows_set_order(&rows, s, "process.name"), 0);
	for (u32 pid = 1; pid <= 400; pid++)
		add(&rows, pid, "x", 1);
	assert_int_equal(rows_sort(&rows, 0), 0);
	assert_int_equal(rows.count, 400);
	for (size_t i = 0; i < 400; i++) {
		const struct traffic *t;
		struct record r;

		rows_record(&rows, i, &r);
		t = (const void *)r.data;
		assert_int_equal(t->pid, i < 200 ? 2 * i + 1 : 400 - 2 * (i - 200));
	}
	rows_free(&rows);
	schema_free(s);
}

static void compacts(void **state UNUSED)
{
	struct schema *s = traffic_schema();
	struct rows rows = {};
	size_t capacity = 0;

	assert_int_equal(rows_set_order(&rows, s, "pid"), 0);
	for (u32 round = 0; round < 50; round++) {
		for (u32 pid = 1; pid <= 40; pid++)
			add(&rows, round * 100 + pid, "x", pid);
		assert_int_equal(rows_sort(&rows, 3), 0);
		assert_int_equal(rows_compact(&rows), 0);
		assert_true(round < 2 ||
			    rows.bytes.cap <= capacity); /* the steady state allocates nothing */
		capacity = MAX(rows.bytes.cap, rows.spare.cap);
	}
	assert_pids(&rows, "4940 4939 4938");
	rows_free(&rows);
	schema_free(s);
}

int test_operator(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders),
		cmocka_unit_test(refusals),
		cmocka_unit_test(by_computed_text),
		cmocka_unit_test(compacts),
	};

	return cmocka_run_group_tests_name("operator", tests, NULL, NULL);
}
