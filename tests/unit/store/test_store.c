// SPDX-License-Identifier: Apache-2.0
/*
 * Records in, records out: order, ranges, partitions, budgets, who may open a store, and what a
 * kill leaves.
 */
#include "fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f);
	struct store_scan_report report;
	const struct store_statistics *st;
	struct store_health health;

	for (u32 i = 0; i < 10000; i++)
		assert_int_equal(append_open(s, f->schema, T0_NS + i * NSEC_PER_MSEC, i), 0);
	store_health(s, &health);
	assert_int_equal(health.waiting_records, 10000);
	assert_int_equal(store_flush(s), 0);
	store_health(s, &health);
	assert_int_equal(health.waiting_records, 0);
	assert_int_equal(count_records(f, "opensnoop", &report), 10000);
	assert_int_equal(report.bad_batches + report.bad_records + report.bad_partitions, 0);
	assert_int_equal(count_records(f, "other", NULL), 0);
	st = store_statistics(s, 0);
	assert_string_equal(st->name, "opensnoop");
	assert_int_equal(st->appended, 10000);
	assert_int_equal(st->stored, 10000);
	assert_int_equal(st->dropped_budget + st->dropped_error, 0);
	assert_true(st->stored_bytes * 3 < st->bytes);
	assert_null(store_statistics(s, 1));
	store_close(s);
}

struct expected {
	u64 next, last;
};

static int in_order(void *context, const struct record *r)
{
	struct expected *e = context;
	_cleanup_buf_ struct buf scratch = { 0 };
	struct value v;
	char path[32];

	column_value(&r->schema->columns[schema_find(r->schema, "pid")], r, &v, &scratch);
	assert_int_equal(v.u, e->next);
	column_value(&r->schema->columns[schema_find(r->schema, "path")], r, &v, &scratch);
	snprintf(path, sizeof(path), "/tmp/%llu", (unsigned long long)e->next);
	assert_int_equal(v.text.len, strlen(path));
	assert_memory_equal(v.text.bytes, path, v.text.len);
	assert_int_equal(r->wall_ns, T0_NS + e->next * NSEC_PER_SEC);
	return e->next++ == e->last ? 7 : 0;
}

/*
 * Both bounds belong to the range, over a border of partitions; a callback's result ends the scan.
 */
static void test_range(void **state)
{
	struct fixture *f = *state;
	struct store_range range = { .schema = "opensnoop",
				     .time_min = T0_NS + 3500 * NSEC_PER_SEC,
				     .time_max = T0_NS + 3700 * NSEC_PER_SEC };
	struct expected e = { 3500, UINT64_MAX };
	struct store_scan_report report;
	struct store *s;

	f->options.batch_records = 64;
	s = open_store(f);
	for (u32 i = 0; i < 7200; i++)
		append_open(s, f->schema, T0_NS + i * NSEC_PER_SEC, i);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(partition_count(f, false), 2);
	assert_int_equal(store_scan(s, &range, in_order, &e, &report), 0);
	assert_int_equal(e.next, 3701);
	assert_int_equal(report.records, 201);
	assert_true(report.batches <= 5); /* of 113 */
	e = (struct expected){ 3500, 3509 };
	assert_int_equal(store_scan(s, &range, in_order, &e, NULL), 7);
	assert_int_equal(e.next, 3510);
	store_close(s);
}

/* Late records go to the partition of their time, whatever is open. */
static void test_out_of_order(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f);

	for (u32 i = 0; i < 100; i++)
		append_open(s, f->schema, T0_NS + (i % 2 ? HOUR_NS : 0) + i, i);
	append_open(s, f->schema, T0_NS - 1, 7);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(partition_count(f, false), 3);
	assert_int_equal(count_records(f, "opensnoop", NULL), 101);
	store_close(s);
}

/* A full batch, or memory, writes without waiting for the flush. */
static void test_writes_before_flush(void **state)
{
	struct fixture *f = *state;
	struct store *s;
	struct store_health health;

	f->options.memory_bytes = 1 << 20;
	s = open_store(f);
	for (u32 i = 0; i < 50000; i++)
		append_open(s, f->schema, T0_NS + i, i);
	store_health(s, &health);
	assert_true(health.waiting_records < 30000);
	assert_true(count_records(f, "opensnoop", NULL) > 20000);
	store_close(s);
	assert_int_equal(count_records(f, "opensnoop", NULL), 50000);
}

static void test_budget(void **state)
{
	struct fixture *f = *state;
	struct store_source_budget own = { "opensnoop", { .records = 100 } };
	_cleanup_(schema_freep) struct schema *other = open_schema("other");
	const struct store_statistics *st;
	struct store *s;

	f->options.budgets = &own;
	f->options.budget_count = 1;
	f->options.budget.bytes = 1000;
	s = open_store(f);
	/* A burst: ten seconds' worth pass at once. */
	for (u32 i = 0; i < 5000; i++)
		append_open(s, f->schema, T0_NS, i);
	st = store_statistics(s, 0);
	assert_int_equal(st->appended, 1000);
	assert_int_equal(st->dropped_budget, 4000);
	/* Half a second later, half a second's. */
	for (u32 i = 0; i < 5000; i++)
		append_open(s, f->schema, T0_NS + NSEC_PER_SEC / 2, i);
	assert_int_equal(st->appended, 1050);
	/* A clock that goes back does not stop the source for ever. */
	for (u32 i = 0; i < 5000; i++)
		append_open(s, f->schema, T0_NS - HOUR_NS + i % 2 * NSEC_PER_SEC, i);
	assert_true(st->appended > 1100);
	/* The others have the general budget: bytes. */
	for (u32 i = 0; i < 5000; i++)
		append_open(s, other, T0_NS, 1);
	st = store_statistics(s, 1);
	assert_int_equal(st->appended + st->dropped_budget, 5000);
	assert_true(st->bytes <= 10000 && st->bytes > 9800);
	f->options.budget_count = 0;
	f->options.budget.bytes = 0;
	assert_int_equal(store_configure(s, &f->options), 0);
	for (u32 i = 0; i < 5000; i++)
		append_open(s, other, T0_NS, 1);
	assert_true(st->appended > 5000);
	store_close(s);
}

static void test_refused_records(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f);
	_cleanup_free_ u8 *large = calloc(1, 2 << 20);
	struct record r = { .schema = f->schema, .data = large, .size = 2 << 20, .wall_ns = T0_NS };

	assert_int_equal(store_append(s, &r), 0);
	r.size = 4;
	assert_int_equal(store_append(s, &r), 0);
	r.size = sizeof(struct open_record);
	r.wall_ns = UINT64_MAX;
	assert_int_equal(store_append(s, &r), 0);
	assert_int_equal(store_statistics(s, 0)->dropped_error, 3);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(partition_count(f, false), 0);
	store_close(s);
}

static void test_directory(void **state)
{
	struct fixture *f = *state;
	struct store *s, *second = NULL;
	struct stat st;

	rmdir(f->directory);
	s = open_store(f); /* makes it */
	assert_int_equal(stat(f->directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	append_open(s, f->schema, T0_NS, 1);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(stat(partition_path(f, 0, false), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(store_open(&f->options, &second), -EBUSY);
	assert_non_null(strstr(error_text(), "another saker"));
	assert_null(second);
	store_close(s);
	s = open_store(f);
	store_close(s);
	chmod(f->directory, 0770);
	assert_int_equal(store_open(&f->options, &second), -EPERM);
	assert_non_null(strstr(error_text(), "chmod 0700"));
	chmod(f->directory, 0700);
	f->options.directory = "/proc/nothing/here";
	assert_int_equal(store_open(&f->options, &second), -ENOENT);
	f->options.directory = "";
	assert_int_equal(store_open(&f->options, &second), -EINVAL);
	f->options.directory = f->directory;
	if (geteuid())
		return;
	assert_int_equal(chown(f->directory, 12345, (gid_t)-1), 0);
	assert_int_equal(store_open(&f->options, &second), -EPERM);
	assert_non_null(strstr(error_text(), "12345"));
	assert_int_equal(chown(f->directory, 0, (gid_t)-1), 0);
}

/* kill -9 right after a flush: what was flushed is there, and the store opens and goes on. */
static void test_killed(void **state)
{
	struct fixture *f = *state;
	struct store *s;
	pid_t child;
	int status;

	for (u32 round = 0; round < 3; round++) {
		child = fork();
		assert_true(child >= 0);
		if (!child) {
			if (store_open(&f->options, &s))
				_exit(1);
			for (u32 i = 0; i < 3000; i++)
				append_open(s, f->schema, T0_NS + round * HOUR_NS / 2 + i, i);
			if (store_flush(s))
				_exit(2);
			for (u32 i = 0; i < 500; i++) /* in memory only: may be lost */
				append_open(s, f->schema, T0_NS + i, i);
			raise(SIGKILL);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_int_equal(count_records(f, "opensnoop", NULL), 3000 * (round + 1));
	}
	s = open_store(f);
	append_open(s, f->schema, T0_NS, 1);
	store_close(s);
	assert_int_equal(count_records(f, "opensnoop", NULL), 9001);
	assert_int_equal(partition_count(f, true), 0);
}

/*
 * Killed at any moment, also within a transaction: what a flush said is written, is there, and
 * whole.
 */
static void test_killed_at_any_moment(void **state)
{
	struct fixture *f = *state;
	u32 next = 0, written = 0;

	for (u32 round = 0; round < 8; round++) {
		int told[2], status;
		pid_t child;

		assert_int_equal(pipe(told), 0);
		child = fork();
		assert_true(child >= 0);
		if (!child) {
			struct store *s;

			close(told[0]);
			if (store_open(&f->options, &s))
				_exit(1);
			for (next = written;;) {
				for (u32 i = 0; i < 500; i++, next++)
					append_open(s, f->schema, T0_NS + next * NSEC_PER_SEC,
						    next);
				if (store_flush(s) ||
				    write(told[1], &next, sizeof(next)) != sizeof(next))
					_exit(2);
			}
		}
		close(told[1]);
		for (u32 i = 0; i <= round * 3; i++)
			assert_int_equal(read(told[0], &written, sizeof(written)), sizeof(written));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		while (read(told[0], &written, sizeof(written)) == sizeof(written))
			;
		close(told[0]);
		{
			struct store_scan_report report;
			u64 n = count_records(f, "opensnoop", &report);

			/*
			 * One more may have been committed than was told, or its part in one of two
			 * partitions.
			 */
			assert_true(n >= written && n <= written + 500);
			assert_int_equal(report.bad_batches + report.bad_partitions, 0);
			written = (u32)n;
		}
	}
	store_close(open_store(f)); /* writes the logs back */
	assert_int_equal(count_records(f, "opensnoop", NULL), written);
	assert_int_equal(partition_count(f, true), 0);
}

/* Another process counts while this one writes: never less than before, never an error. */
static void test_reader_beside_writer(void **state)
{
	struct fixture *f = *state;
	u64 deadline = clock_monotonic_ns() + 60 * NSEC_PER_SEC;
	int status = -1, counted[2];
	struct store *s;
	pid_t reader;
	u32 written = 0;
	bool reading = true;

	assert_int_equal(pipe(counted), 0);
	reader = fork();
	assert_true(reader >= 0);
	if (!reader) {
		u64 before = 0, n = 0;

		for (int changes = 0; changes < 20;) {
			struct store_scan_report report;

			if (try_count(f, "opensnoop", &report, &n) || n < before ||
			    report.bad_batches || report.bad_partitions) {
				dprintf(2, "%llu after %llu: %s\n%s", (unsigned long long)n,
					(unsigned long long)before, error_text(), buf_str(&f->log));
				_exit(1);
			}
			changes += n > before;
			before = n;
		}
		_exit(write(counted[1], &n, sizeof(n)) != sizeof(n));
	}
	s = open_store(f);
	while (reading && clock_monotonic_ns() < deadline) {
		for (u32 i = 0; i < 200; i++, written++)
			append_open(s, f->schema, T0_NS + written * NSEC_PER_SEC, written);
		assert_int_equal(store_flush(s), 0);
		reading = waitpid(reader, &status, WNOHANG) == 0;
	}
	if (reading)
		kill(reader, SIGKILL);
	assert_false(reading);
	assert_int_equal(status, 0);
	store_close(s);
	assert_int_equal(count_records(f, "opensnoop", NULL), written);
	close(counted[0]);
	close(counted[1]);
}

/* Somebody deletes the file that is written to. */
static void test_deleted_under_us(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f);

	append_open(s, f->schema, T0_NS, 1);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(unlink(partition_path(f, 0, false)), 0);
	append_open(s, f->schema, T0_NS, 2);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(count_records(f, "opensnoop", NULL), 1);
	store_close(s);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	TEST(test_round_trip),
	TEST(test_range),
	TEST(test_out_of_order),
	TEST(test_writes_before_flush),
	TEST(test_budget),
	TEST(test_refused_records),
	TEST(test_directory),
	TEST(test_killed),
	TEST(test_reader_beside_writer),
	TEST(test_deleted_under_us),
	TEST(test_killed_at_any_moment),
};

int run_store_tests(void)
{
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
