// SPDX-License-Identifier: Apache-2.0
/* What goes, and when: by age, by size, and when the disk is full. */
#include "fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void append_hours(struct store *s, const struct schema *schema, u32 hours, u32 records)
{
	for (u32 h = 0; h < hours; h++) {
		for (u32 i = 0; i < records; i++)
			append_open(s, schema, T0_NS + h * HOUR_NS + i, i * 2654435761u);
		assert_int_equal(store_flush(s), 0);
	}
}

static void test_by_age(void **state)
{
	struct fixture *f = *state;
	struct store *s;
	struct store_health health;

	f->options.max_age_ns = 3 * HOUR_NS;
	s = open_store(f);
	append_hours(s, f->schema, 6, 10);
	assert_int_equal(partition_count(f, false), 6);
	assert_int_equal(store_expire(s, T0_NS + 4 * HOUR_NS - 1), 0);
	/* The first hour ends at T0 + 1 h: three hours later all of it is too old. */
	assert_int_equal(store_expire(s, T0_NS + 4 * HOUR_NS), 1);
	assert_int_equal(store_expire(s, T0_NS + 6 * HOUR_NS + 1), 2);
	assert_int_equal(count_records(f, "opensnoop", NULL), 30);
	store_health(s, &health);
	assert_int_equal(health.expired, 3);
	assert_int_equal(health.partitions, 3);
	/* All, the one that is being written to too; and then it goes on. */
	assert_int_equal(store_expire(s, T0_NS + 100 * HOUR_NS), 3);
	assert_int_equal(partition_count(f, false), 0);
	append_hours(s, f->schema, 1, 10);
	assert_int_equal(count_records(f, "opensnoop", NULL), 10);
	store_close(s);
}

static void test_by_size(void **state)
{
	struct fixture *f = *state;
	struct store *s;
	struct store_health health;
	u32 most = 0;

	f->options.max_bytes = 2 << 20;
	s = open_store(f);
	for (u32 round = 0; round < 40; round++) {
		for (u32 i = 0; i < 20000; i++)
			append_open(s, f->schema, T0_NS + round * (HOUR_NS / 16) + i,
				    i * 2654435761u + round);
		assert_int_equal(store_flush(s), 0);
		assert_true(store_expire(s, T0_NS + 3 * HOUR_NS) >= 0);
		store_health(s, &health);
		assert_true(health.disk_bytes <= f->options.max_bytes);
		most = MAX(most, (u32)health.partitions);
	}
	assert_true(health.expired > 0);
	assert_true(most >= 3); /* parts: not everything goes at once */
	/* The newest is there. */
	assert_string_equal(query_one(f, "SELECT max(time_ns) FROM opensnoop") + 10, "000019999");
	store_close(s);
}

/* A wrong clock made a partition of the year 2100: it does not outlive everything else. */
static void test_from_the_future(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f);

	append_open(s, f->schema, T0_NS + 75 * 8766 * HOUR_NS, 1);
	append_hours(s, f->schema, 3, 3000);
	f->options.max_bytes = 300 << 10;
	assert_int_equal(store_configure(s, &f->options), 0);
	assert_true(store_expire(s, T0_NS + 3 * HOUR_NS) >= 1);
	assert_string_equal(query_one(f, "SELECT count(*) FROM opensnoop WHERE time > '2099'"),
			    "0");
	store_close(s);
}

/* ---- a full disk ----------------------------------------------------------------------------- */

/*
 * In a child: a mount namespace of its own with a small tmpfs over the fixture's directory. Exits
 * with a line number.
 */
#define MUST(condition)                                                                  \
	do {                                                                             \
		if (!(condition)) {                                                      \
			dprintf(2, "%s:%d: %s (%s)\n%s", __FILE__, __LINE__, #condition, \
				error_text(), buf_str(&f->log));                         \
			_exit(1);                                                        \
		}                                                                        \
	} while (0)
#define NO_NAMESPACE 77

static void enter_small_disk(struct fixture *f, const char *options)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("saker-test", f->directory, "tmpfs", MS_NOSUID | MS_NODEV, options))
		_exit(NO_NAMESPACE);
}

static void fill_disk(struct fixture *f)
{
	static const char block[4096];
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/ballast", f->directory);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	MUST(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
}

static void empty_disk(struct fixture *f)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/ballast", f->directory);
	MUST(unlink(path) == 0);
}

static u64 count_quietly(struct fixture *f)
{
	struct store_scan_report report = { 0 };
	u64 n;

	MUST(!try_count(f, "opensnoop", &report, &n));
	MUST(!report.bad_batches && !report.bad_partitions);
	return n;
}

static void append_many(struct fixture *f, struct store *s, u32 *next, u32 count)
{
	for (u32 i = 0; i < count; i++, ++*next)
		MUST(append_open(s, f->schema, T0_NS + *next * NSEC_PER_MSEC,
				 *next * 2654435761u) == 0);
}

/*
 * Kept in memory while that lasts, then dropped and counted; all that was kept is written when
 * there is room.
 */
static void full_then_room(struct fixture *f)
{
	const struct store_statistics *st;
	struct store_health health;
	struct store *s = NULL;
	u32 next = 0;

	enter_small_disk(f, "size=4m,mode=0700");
	f->options.memory_bytes = 256 << 10;
	MUST(store_open(&f->options, &s) == 0);
	append_many(f, s, &next, 1000);
	MUST(store_flush(s) == 0);
	fill_disk(f);
	for (int second = 0; second < 20; second++) {
		append_many(f, s, &next, 2000);
		store_flush(s);
		MUST(count_quietly(f) >= 1000);
	}
	store_health(s, &health);
	st = store_statistics(s, 0);
	MUST(health.disk_full && health.write_failing);
	MUST(st->dropped_error > 0 && health.waiting_records > 0);
	MUST(st->appended == st->stored + st->dropped_error + health.waiting_records);
	MUST(strstr(buf_str(&f->log), "cannot write"));
	empty_disk(f);
	MUST(store_flush(s) == 0);
	MUST(strstr(buf_str(&f->log), "writing again"));
	append_many(f, s, &next, 1000);
	MUST(store_flush(s) == 0);
	store_health(s, &health);
	MUST(!health.disk_full && !health.waiting_records);
	MUST(st->appended == st->stored + st->dropped_error);
	MUST(count_quietly(f) == st->stored);
	store_close(s);
}

/* With a size limit the oldest partitions make room, and nothing is dropped. */
static void full_expires(struct fixture *f)
{
	const struct store_statistics *st;
	struct store_health health;
	struct store *s = NULL;

	enter_small_disk(f, "size=4m,mode=0700");
	f->options.max_bytes = 64 << 20;
	MUST(store_open(&f->options, &s) == 0);
	for (u32 h = 0; h < 12; h++) {
		for (u32 i = 0; i < 40000; i++)
			MUST(append_open(s, f->schema, T0_NS + h * HOUR_NS + i, i * 2654435761u) ==
			     0);
		store_flush(s);
	}
	store_health(s, &health);
	st = store_statistics(s, 0);
	MUST(health.expired > 0);
	MUST(st->dropped_error == 0 && health.waiting_records == 0);
	MUST(strstr(buf_str(&f->log), "the disk is full"));
	MUST(count_quietly(f) >= 40000);
	store_close(s);
}

/* It opens on a full disk, too. */
static void full_from_the_start(struct fixture *f)
{
	struct store *s = NULL;
	u32 next = 0;

	enter_small_disk(f, "size=256k,mode=0700");
	MUST(store_open(&f->options, &s) == 0);
	fill_disk(f);
	append_many(f, s, &next, 1000);
	MUST(store_flush(s) == -ENOSPC);
	empty_disk(f);
	MUST(store_flush(s) == 0);
	MUST(count_quietly(f) == 1000);
	store_close(s);
}

static void in_child(struct fixture *f, void (*fn)(struct fixture *f))
{
	pid_t child;
	int status;

	child = fork();
	assert_true(child >= 0);
	if (!child) {
		fn(f);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE) {
		print_message("no mount namespace here (it needs root): skipped\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void test_full_then_room(void **state)
{
	in_child(*state, full_then_room);
}

static void test_full_expires(void **state)
{
	in_child(*state, full_expires);
}

static void test_full_from_the_start(void **state)
{
	in_child(*state, full_from_the_start);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	TEST(test_by_age),	   TEST(test_by_size),	    TEST(test_from_the_future),
	TEST(test_full_then_room), TEST(test_full_expires), TEST(test_full_from_the_start),
};

int run_retention_tests(void)
{
	return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
