// SPDX-License-Identifier: Apache-2.0
/* SQL over partitions: unions, pruning by time, what is refused and how, limits. */
#include "fixture.h"

#include <sys/stat.h>

static void fill(struct fixture *f, u32 hours, u32 records)
{
	struct store *s = open_store(f);

	for (u32 h = 0; h < hours; h++)
		for (u32 i = 0; i < records; i++)
			append_open(s, f->schema, T0_NS + h * HOUR_NS + i * NSEC_PER_SEC,
				    h * records + i);
	assert_int_equal(store_flush(s), 0);
	store_close(s);
}

static void test_many_partitions(void **state)
{
	struct fixture *f = *state;

	fill(f, 25, 30);
	assert_int_equal(partition_count(f, false), 25);
	assert_int_equal(file_count(f), 26); /* and the lock */
	assert_string_equal(query_one(f, "SELECT count(*) FROM opensnoop"), "750");
	assert_string_equal(query_one(f, "SELECT sum(pid) FROM opensnoop"), "280875");
	assert_string_equal(query_one(f, "SELECT count(*) FROM opensnoop WHERE comm = 'comm3'"),
			    "75");
	assert_string_equal(
		query_one(f, "SELECT group_concat(n) FROM (SELECT count(*) AS n FROM opensnoop"
			     " GROUP BY comm ORDER BY comm LIMIT 3)"),
		"75,75,75");
	assert_string_equal(
		query_one(
			f,
			"SELECT count(*) FROM opensnoop a JOIN opensnoop b ON a.time_ns = b.time_ns"
			" WHERE a.pid < 20 AND b.pid < 40"),
		"20");
	/* Reading leaves nothing behind. */
	assert_int_equal(file_count(f), 26);
}

static void test_time(void **state)
{
	struct fixture *f = *state;

	fill(f, 4, 60);
	static const struct {
		const char *where, *count;
	} cases[] = {
		{ "time >= '2025-11-20T02:00:00Z'", "180" },
		{ "time >= '2025-11-20 02:00:00'", "180" },
		{ "time >= '2025-11-20T02:00'", "180" },
		{ "time > datetime('2025-11-20T02:00:00', '+1 hour')", "120" },
		{ "time > '2025-11-20T02:00:10.5'", "169" },
		{ "time < '2025-11-20T02:00:10.5Z'", "71" },
		{ "time = '2025-11-20T02:00:10.000000000Z'", "1" },
		{ "time = '2025-11-20 02:00:10.000000000'", "1" },
		{ "time BETWEEN '2025-11-20T01:30' AND '2025-11-20T02:30'", "60" },
		{ "time > '2026'", "0" },
		{ "time < '2026'", "240" },
		{ "time < 'z'", "240" },
		{ "time LIKE '2025-11-20T03%'", "60" },
		{ "time >= '2025-11-31'", "0" },
		{ "time >= '2025-10-32'", "240" },
		{ "time_ns >= 1763604000000000000", "180" },
		{ "time_ns > 1763604000000000000", "179" },
		{ "time_ns <= 1763604000000000000", "61" },
		{ "time_ns = 1763604000000000000", "1" },
		{ "time_ns >= 1763604000 * 1e9", "180" },
		{ "time_ns >= '1763604000000000000'", "180" },
		{ "time_ns < 0", "0" },
		{ "time_ns > -5", "240" },
		{ "time_ns IN (1763604000000000000, 1763604001000000000, 5)", "2" },
		{ "time IS NULL", "0" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char sql[256];

		snprintf(sql, sizeof(sql), "SELECT count(*) FROM opensnoop WHERE %s",
			 cases[i].where);
		if (strcmp(query_one(f, sql), cases[i].count))
			fail_msg("%s: %s, not %s", cases[i].where, query_one(f, sql),
				 cases[i].count);
	}
}

static int ignore(void *context, const struct record *r)
{
	++*(u64 *)context;
	return r->size ? 0 : -EINVAL;
}

/* A bound keeps other partitions closed: proven by making them unreadable. */
static void test_pruning(void **state)
{
	struct fixture *f = *state;
	struct store_range range = { .schema = "opensnoop", .time_min = T0_NS + 2 * HOUR_NS };
	struct store_scan_report report = { 0 };
	u64 n = 0;

	fill(f, 4, 60);
	assert_int_equal(truncate(partition_path(f, 0, false), 100), 0);
	assert_int_equal(try_count(f, "opensnoop", &report, &n), 0);
	assert_int_equal(report.bad_partitions, 1);
	assert_int_equal(n, 180);
	n = 0;
	assert_int_equal(store_scan_directory(f->directory, &range, ignore, &n, NULL, &report), 0);
	assert_int_equal(n, 120);
	assert_int_equal(report.bad_partitions, 0);
}

/* Versions of one schema: columns unite by name, what a version lacks is NULL, types may differ. */
static void test_versions(void **state)
{
	struct fixture *f = *state;
	struct schema *second = schema_new("opensnoop", "files opened", SCHEMA_EVENTS);
	struct {
		struct record_header header;
		char pid[8];
		u64 extra;
	} bytes = { .pid = "seven", .extra = 42 };
	struct record r = { .schema = second,
			    .data = (u8 *)&bytes,
			    .size = sizeof(bytes),
			    .wall_ns = T0_NS + HOUR_NS };
	struct store *s;

	second->version = 2;
	schema_add(second, "pid", "process", kind_find("text"), 16, 8, false);
	schema_add(second, "extra", "new", kind_find("count"), 24, 8, false);
	schema_seal(second, sizeof(bytes));
	fill(f, 1, 3);
	s = open_store(f);
	assert_int_equal(store_append(s, &r), 0);
	append_open(s, f->schema, T0_NS + HOUR_NS, 9);
	assert_int_equal(store_flush(s), 0);
	store_close(s);
	assert_string_equal(query_one(f, "SELECT count(*) FROM opensnoop"), "5");
	assert_string_equal(query_one(f, "SELECT count(*) FROM opensnoop WHERE extra IS NULL AND "
					 "comm IS NOT NULL"),
			    "4");
	assert_string_equal(query_one(f, "SELECT pid FROM opensnoop WHERE extra = 42"), "seven");
	assert_string_equal(
		query_one(f, "SELECT group_concat(typeof(pid)) FROM (SELECT pid FROM opensnoop"
			     " ORDER BY typeof(pid))"),
		"integer,integer,integer,integer,text");
	assert_string_equal(query_one(f, "SELECT version || ' ' || records FROM schemas"), "2 5");
	schema_free(second);
}

static void test_about(void **state)
{
	struct fixture *f = *state;
	_cleanup_(schema_freep) struct schema *odd = open_schema("1st.\"odd\" name");
	_cleanup_(schema_freep) struct schema *clash = open_schema("1st.odd.name");
	_cleanup_(schema_freep) struct schema *reserved = open_schema("schemas");
	struct store *s = open_store(f);

	append_open(s, odd, T0_NS, 1);
	append_open(s, clash, T0_NS, 2);
	append_open(s, reserved, T0_NS, 3);
	store_close(s);
	fill(f, 2, 10);
	assert_string_equal(query_one(f, "SELECT group_concat(name, ' ') FROM "
					 "(SELECT * FROM schemas ORDER BY name)"),
			    "_1st__odd__name _1st_odd_name opensnoop schemas_");
	assert_string_equal(query_one(f, "SELECT pid FROM schemas_"), "3");
	assert_string_equal(query_one(f,
				      "SELECT records || ' ' || first || ' ' || last FROM schemas "
				      "WHERE name='opensnoop'"),
			    "20 2025-11-20T01:00:00.000000000Z 2025-11-20T02:00:09.000000000Z");
	assert_string_equal(
		query_one(f, "SELECT group_concat(name) FROM columns WHERE schema='opensnoop'"),
		"time,time_ns,pid,error,duration,comm,path");
	assert_string_equal(
		query_one(f, "SELECT type || ' ' || kind || ' ' || unit || ' ' || help FROM columns"
			     " WHERE schema='opensnoop' AND name='duration'"),
		"INTEGER duration_ns ns how long");
}

static void test_errors(void **state)
{
	struct fixture *f = *state;
	const char *text;

	query_error(f, "SELECT 1", 0);
	text = query_error(f, "SELECT * FROM opensnoop", -ENOENT);
	assert_non_null(strstr(text, "is empty"));
	fill(f, 1, 10);
	text = query_error(f, "SELECT * FROM opensnop", -ENOENT);
	assert_non_null(strstr(
		text,
		"no such table: opensnop (did you mean 'opensnoop'?); tables: opensnoop, schemas"));
	text = query_error(f, "SELECT pids FROM opensnoop", -ENOENT);
	assert_non_null(
		strstr(text, "no such column: pids (did you mean 'pid'?)\n  SELECT pids FROM"));
	assert_true(str_ends(text, "\n         ^"));
	text = query_error(f, "SELECT 1\nFORM opensnoop x y", -EINVAL);
	assert_non_null(strstr(text, "syntax error\n  FORM opensnoop x y\n       ^"));
	query_error(f, "SELECT 1; SELECT 2", -EINVAL);
	query_error(f, "SELECT 1; -- and a comment", 0);
	query_error(f, "", -EINVAL);
	query_error(f, "-- nothing", -EINVAL);
	query_error(f, "SELECT (", -EINVAL);
	query_error(f, "SELECT ?1", -EINVAL);
}

static void test_no_store(void **state)
{
	struct query_options o = { .directory = "/nowhere/at/all" };
	struct query *q = NULL;

	assert_int_equal(query_open(&o, "SELECT 1", &q), -ENOENT);
	assert_non_null(strstr(error_text(), "no store at '/nowhere/at/all'"));
	assert_null(q);
}

static void test_read_only(void **state)
{
	struct fixture *f = *state;
	static const char *const refused[] = {
		"DELETE FROM opensnoop",
		"DELETE FROM schemas",
		"INSERT INTO columns VALUES (1,2,3,4,5,6)",
		"UPDATE schemas SET name = 'x'",
		"CREATE TABLE t(a)",
		"CREATE TEMP TABLE t(a)",
		"DROP TABLE schemas",
		"ATTACH '/tmp/saker-store-x' AS x",
		"DETACH main",
		"PRAGMA query_only=OFF",
		"PRAGMA table_info(schemas)",
		"VACUUM",
		"VACUUM INTO '/tmp/saker-store-x'",
		"BEGIN",
		"COMMIT",
		"ANALYZE",
		"REINDEX",
		"SAVEPOINT a",
		"SELECT load_extension('x')",
		"CREATE VIEW v AS SELECT 1",
		"ALTER TABLE schemas RENAME TO x",
		"EXPLAIN DELETE FROM schemas",
		"WITH a AS (SELECT 1) DELETE FROM schemas",
		"CREATE VIRTUAL TABLE x USING saker(0)",
		"SELECT * FROM pragma_database_list",
	};

	fill(f, 1, 10);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct query_options o = { .directory = f->directory };
		_cleanup_(query_closep) struct query *q = NULL;

		int r = query_open(&o, refused[i], &q);

		if (!r)
			r = query_step(q);
		if (r >= 0)
			fail_msg("not refused: %s", refused[i]);
	}
	assert_int_not_equal(access("/tmp/saker-store-x", F_OK), 0);
	query_error(f, "EXPLAIN QUERY PLAN SELECT * FROM opensnoop", 0);
	query_error(f, "EXPLAIN SELECT * FROM opensnoop", 0);
	query_error(f, "VALUES (1), (2)", 0);
	assert_string_equal(query_one(f, "WITH RECURSIVE n(i) AS "
					 "(SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 5)"
					 " SELECT sum(i) FROM n"),
			    "15");
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	struct query_options o = { .directory = f->directory,
				   .timeout_ns = 50 * NSEC_PER_MSEC,
				   .row_limit = 3 };
	_cleanup_(query_closep) struct query *endless = NULL, *rows = NULL, *all = NULL;
	_cleanup_buf_ struct buf sql = { 0 };
	u64 start = clock_monotonic_ns();

	fill(f, 1, 10);
	assert_int_equal(query_open(&o,
				    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n)"
				    " SELECT count(*) FROM n",
				    &endless),
			 0);
	assert_int_equal(query_step(endless), -ETIMEDOUT);
	assert_true(clock_monotonic_ns() - start < 5 * NSEC_PER_SEC);
	assert_non_null(strstr(error_text(), "50ms"));
	o.timeout_ns = 0;
	assert_int_equal(query_open(&o, "SELECT pid FROM opensnoop", &rows), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(query_step(rows), 1);
	assert_false(query_truncated(rows));
	assert_int_equal(query_step(rows), 0);
	assert_true(query_truncated(rows));
	assert_int_equal(query_open(&o, "SELECT pid FROM opensnoop LIMIT 3", &all), 0);
	while (query_step(all) == 1)
		;
	assert_false(query_truncated(all));
	query_error(f, "SELECT zeroblob(1000000000)", -EINVAL);
	query_error(f, "SELECT hex(zeroblob(5000000))", -EINVAL);
	buf_add_str(&sql, "SELECT 1");
	buf_add_fill(&sql, ' ', 100000);
	query_error(f, buf_str(&sql), -E2BIG);
	buf_clear(&sql);
	buf_add_str(&sql, "SELECT ");
	buf_add_fill(&sql, '(', 5000);
	query_error(f, buf_str(&sql), -EINVAL);
}

/*
 * A query keeps nothing locked between rows: the writer writes, expires, and the query ends well.
 */
static void test_expired_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct query_options o = { .directory = f->directory, .log = f->options.log };
	_cleanup_(query_closep) struct query *q = NULL;
	struct store *s;
	int rows = 1;

	fill(f, 5, 10);
	assert_int_equal(query_open(&o, "SELECT pid FROM opensnoop", &q), 0);
	assert_int_equal(query_step(q), 1);
	f->options.max_age_ns = HOUR_NS;
	s = open_store(f);
	assert_int_equal(store_expire(s, T0_NS + 5 * HOUR_NS), 4);
	append_open(s, f->schema, T0_NS + 5 * HOUR_NS, 1);
	assert_int_equal(store_flush(s), 0);
	while (query_step(q) == 1)
		rows++;
	assert_int_equal(rows, 20); /* the open partition, and the last, which was not expired */
	store_close(s);
	assert_string_equal(query_one(f, "SELECT count(*) FROM opensnoop"), "11");
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	TEST(test_many_partitions),   TEST(test_time),	    TEST(test_pruning),
	TEST(test_versions),	      TEST(test_about),	    TEST(test_errors),
	TEST(test_no_store),	      TEST(test_read_only), TEST(test_limits),
	TEST(test_expired_meanwhile),
};

int run_query_tests(void)
{
	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
