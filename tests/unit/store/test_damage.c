// SPDX-License-Identifier: Apache-2.0
/*
 * Files that were cut, overwritten, flipped, or made to harm: nothing stops, nothing crashes, the
 * rest is read.
 */
#include "fixture.h"

#include "store/batch.h"
#include "store/partition.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#define HOURS 4
#define RECORDS 400

static void fill(struct fixture *f)
{
	struct store *s;

	f->options.batch_records = 50;
	s = open_store(f);
	for (u32 h = 0; h < HOURS; h++)
		for (u32 i = 0; i < RECORDS; i++)
			append_open(s, f->schema, T0_NS + h * HOUR_NS + i, i * 2654435761u);
	assert_int_equal(store_flush(s), 0);
	store_close(s);
}

static void overwrite(const char *path, off_t from, size_t len, int value)
{
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	for (size_t i = 0; i < len; i++) {
		char c = (char)(value < 0 ? (int)(i * 7919 >> 3) : value);

		assert_int_equal(pwrite(fd, &c, 1, from + (off_t)i), 1);
	}
	close(fd);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	char *text = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
		fail_msg("%s: %s", sql, text);
	sqlite3_close(db);
}

/* No database: set aside on open with a line for the log, and a new one begun. */
static void test_not_a_database(void **state)
{
	struct fixture *f = *state;
	struct store_health health;
	struct store *s;

	fill(f);
	overwrite(partition_path(f, HOURS - 1, false), 0, 4096, -1);
	s = open_store(f);
	assert_int_equal(partition_count(f, true), 1);
	assert_int_equal(partition_count(f, false), HOURS - 1);
	assert_non_null(strstr(buf_str(&f->log), "set aside as"));
	assert_non_null(strstr(buf_str(&f->log), ".db.corrupt"));
	store_health(s, &health);
	assert_int_equal(health.set_aside, 1);
	append_open(s, f->schema, T0_NS + (HOURS - 1) * HOUR_NS, 1);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(count_records(f, "opensnoop", NULL), (HOURS - 1) * RECORDS + 1);
	/* A second one of the same name. */
	store_close(s);
	overwrite(partition_path(f, HOURS - 1, false), 0, 4096, -1);
	s = open_store(f);
	assert_int_equal(partition_count(f, false), HOURS - 1);
	/* What was set aside counts for retention. */
	f->options.max_age_ns = HOUR_NS;
	assert_int_equal(store_configure(s, &f->options), 0);
	assert_int_equal(store_expire(s, T0_NS + 50 * HOUR_NS), HOURS + 1);
	assert_int_equal(partition_count(f, true), 0);
	store_close(s);
}

/* The partition is damaged while it is open: what waits goes to a new one. */
static void test_damaged_while_open(void **state)
{
	struct fixture *f = *state;
	const struct store_statistics *st;
	struct store *s = open_store(f);
	char path[160];

	for (u32 i = 0; i < 20000; i++)
		append_open(s, f->schema, T0_NS + i, i * 2654435761u);
	assert_int_equal(store_flush(s), 0);
	snprintf(path, sizeof(path), "%s", partition_path(f, 0, false));
	/* Page one, in file and log: every reader of the schema meets it. */
	overwrite(path, 0, 65536, -1);
	strcat(path, "-wal");
	if (!access(path, F_OK))
		assert_int_equal(truncate(path, 0), 0);
	for (u32 round = 0; round < 5; round++) {
		for (u32 i = 0; i < 1000; i++)
			append_open(s, f->schema, T0_NS + i, i * 2654435761u);
		store_flush(s);
	}
	st = store_statistics(s, 0);
	assert_int_equal(st->stored, 25000);
	assert_int_equal(st->dropped_error, 0);
	store_close(s);
	s = open_store(f);
	append_open(s, f->schema, T0_NS, 1);
	assert_int_equal(store_flush(s), 0);
	assert_true(count_records(f, "opensnoop", NULL) >= 1);
	store_close(s);
}

static void test_truncated(void **state)
{
	struct fixture *f = *state;
	struct store_scan_report report;
	struct stat st;
	u64 n;

	fill(f);
	assert_int_equal(stat(partition_path(f, 1, false), &st), 0);
	for (off_t size = st.st_size - 1; size >= 0;
	     size = size > 8192 ? size - 4096 : size / 2 - !size) {
		assert_int_equal(truncate(partition_path(f, 1, false), size), 0);
		memset(&report, 0, sizeof(report));
		assert_int_equal(try_count(f, "opensnoop", &report, &n), 0);
		assert_true(n >= (HOURS - 1) * RECORDS && n <= HOURS * RECORDS);
		query_one(f, "SELECT count(*), max(path) FROM opensnoop");
	}
	store_close(open_store(f));
	assert_int_equal(count_records(f, "opensnoop", &report), (HOURS - 1) * RECORDS);
	assert_int_equal(report.bad_partitions + report.bad_batches, 0);
}

/*
 * A bit in a batch's bytes, or in what stands beside them: that batch is skipped and counted, the
 * others are read.
 */
static void test_flipped_bit(void **state)
{
	struct fixture *f = *state;
	struct store_scan_report report;
	static const char *const updates[] = {
		"UPDATE batch SET data = "
		"CAST(substr(data, 1, 40) || x'00' || substr(data, 42) AS BLOB) WHERE id = 3",
		"UPDATE batch SET count = count + 1 WHERE id = 4",
		"UPDATE batch SET raw_size = raw_size + 8 WHERE id = 5",
		"UPDATE batch SET raw_size = 4000000000 WHERE id = 6",
		"UPDATE batch SET time_min = time_min - 1 WHERE id = 7",
		"UPDATE batch SET data = x'' WHERE id = 8",
	};

	fill(f);
	for (size_t i = 0; i < ARRAY_SIZE(updates); i++) {
		run_sql(partition_path(f, 2, false), updates[i]);
		assert_int_equal(count_records(f, "opensnoop", &report),
				 HOURS * RECORDS - 50 * (i + 1));
		assert_int_equal(report.bad_batches, i + 1);
	}
	assert_non_null(strstr(buf_str(&f->log),
			       "batch 3 of opensnoop is skipped: batch with a wrong checksum"));
	assert_string_equal(query_one(f, "SELECT count(*) FROM opensnoop"), "1300");
}

/* Every byte of a small partition, one after the other, set to something else. */
static void test_any_byte(void **state)
{
	struct fixture *f = *state;
	struct store_scan_report report;
	char path[160];
	struct stat st;
	struct store *s = open_store(f);
	_cleanup_free_ char *original = NULL;
	u64 n;
	int fd;

	for (u32 i = 0; i < 100; i++)
		append_open(s, f->schema, T0_NS + i, i);
	store_close(s);
	snprintf(path, sizeof(path), "%s", partition_path(f, 0, false));
	fd = open(path, O_RDWR);
	assert_int_equal(fstat(fd, &st), 0);
	original = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, original, (size_t)st.st_size), st.st_size);
	for (off_t i = 0; i < st.st_size; i += i < 600 ? 1 : 37) {
		char other = (char)(original[i] ^ (1 << i % 8));

		assert_int_equal(pwrite(fd, &other, 1, i), 1);
		assert_int_equal(try_count(f, "opensnoop", &report, &n), 0);
		assert_true(n <= 100);
		assert_int_equal(pwrite(fd, &original[i], 1, i), 1);
	}
	close(fd);
	assert_int_equal(count_records(f, "opensnoop", NULL), 100);
}

/* A file with other objects is no partition: its views and triggers are never run. */
static void test_forged(void **state)
{
	struct fixture *f = *state;
	struct store *s;

	fill(f);
	run_sql(partition_path(f, 0, false),
		"CREATE TRIGGER t AFTER INSERT ON batch BEGIN DELETE FROM batch; END");
	run_sql(partition_path(f, 1, false),
		"ALTER TABLE batch RENAME TO other; CREATE VIEW batch AS WITH RECURSIVE"
		" n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT * FROM n, other");
	run_sql(partition_path(f, 2, false), "PRAGMA user_version = 99");
	assert_int_equal(count_records(f, "opensnoop", NULL), RECORDS);
	s = open_store(f);
	assert_int_equal(partition_count(f, true), 2);
	assert_non_null(strstr(buf_str(&f->log), "has format 99"));
	/* A newer saker's partition is not written to either. */
	append_open(s, f->schema, T0_NS + 2 * HOUR_NS, 1);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(count_records(f, "opensnoop", NULL), RECORDS + 1);
	store_close(s);
}

static void test_bad_definition(void **state)
{
	struct fixture *f = *state;
	struct store_scan_report report;

	fill(f);
	run_sql(partition_path(f, 0, false), "UPDATE schema SET definition = '{\"name\":'");
	run_sql(partition_path(f, 1, false),
		"UPDATE schema SET definition = replace(definition, '\"fixed_size\":56',"
		" '\"fixed_size\":60000')");
	assert_int_equal(count_records(f, "opensnoop", &report), (HOURS - 2) * RECORDS);
	assert_int_equal(report.bad_batches, 1);
	assert_int_equal(report.bad_records, RECORDS);
	assert_string_equal(query_one(f, "SELECT count(*) FROM opensnoop"), "800");
}

/* ---- batches alone --------------------------------------------------------------------------- */

static struct sealed_batch *sealed(struct fixture *f, u32 count, bool noise)
{
	struct batch_packer *packer = batch_packer_new();
	struct batch b = { 0 };
	struct sealed_batch *ret = NULL;
	u64 random = 1;

	for (u32 i = 0; i < count; i++) {
		struct open_record o = { .pid = i };
		struct record r = {
			.schema = f->schema, .data = (u8 *)&o, .size = sizeof(o), .wall_ns = i
		};

		for (size_t k = 0; noise && k < sizeof(o.tail); k++)
			o.tail[k] = (char)((random = random * 6364136223846793005ULL + 1) >> 56);
		assert_int_equal(batch_add(&b, &r), 0);
	}
	assert_int_equal(batch_seal(&b, packer, &ret), 0);
	batch_free(&b);
	batch_packer_free(packer);
	return ret;
}

static void test_batches(void **state)
{
	struct fixture *f = *state;

	for (int noise = 0; noise < 2; noise++) {
		_cleanup_free_ struct sealed_batch *b = sealed(f, 40, noise);
		struct batch_reader reader = { 0 };
		struct batch_header h = b->header;
		struct record r;
		u32 n = 0;

		assert_int_equal(batch_open(&reader, &h, b->data, b->size), 0);
		while (batch_next(&reader, f->schema, &r)) {
			assert_int_equal(r.wall_ns, n++);
			assert_int_equal((uintptr_t)r.data % 8, 0);
		}
		assert_int_equal(n, 40);
		for (u32 size = 0; size < b->size; size++)
			assert_int_equal(batch_open(&reader, &h, b->data, size), -EBADMSG);
		assert_int_equal(batch_next(&reader, f->schema, &r), 0);
		h.raw_size = BATCH_MAX + 1;
		assert_int_equal(batch_open(&reader, &h, b->data, b->size), -EBADMSG);
		batch_reader_free(&reader);
	}
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	TEST(test_not_a_database), TEST(test_damaged_while_open),
	TEST(test_truncated),	   TEST(test_flipped_bit),
	TEST(test_any_byte),	   TEST(test_forged),
	TEST(test_bad_definition), TEST(test_batches),
};

int run_damage_tests(void)
{
	return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
