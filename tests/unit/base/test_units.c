// SPDX-License-Identifier: Apache-2.0
/* Numbers as people write and read them, times of day, small files. */
#include "unit/base/base_tests.h"

#include <fcntl.h>

#define UNTOUCHED 12345

static void test_parse_u64(void **state UNUSED)
{
	static const struct {
		const char *text;
		int err;
		u64 value;
	} rows[] = {
		{ "0", 0, 0 },
		{ "42", 0, 42 },
		{ "0x1f", 0, 31 },
		{ "010", 0, 8 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, UNTOUCHED },
		{ "", -EINVAL, UNTOUCHED },
		{ "-1", -EINVAL, UNTOUCHED },
		{ "+1", -EINVAL, UNTOUCHED },
		{ " 1", -EINVAL, UNTOUCHED },
		{ "1 ", -EINVAL, UNTOUCHED },
		{ "12x", -EINVAL, UNTOUCHED },
		{ "x", -EINVAL, UNTOUCHED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 v = UNTOUCHED;

		assert_int_equal(parse_u64(rows[i].text, &v), rows[i].err);
		assert_int_equal(v, rows[i].value);
	}
}

static void test_parse_s64(void **state UNUSED)
{
	static const struct {
		const char *text;
		int err;
		s64 value;
	} rows[] = {
		{ "-5", 0, -5 },
		{ "5", 0, 5 },
		{ "-0", 0, 0 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775808", -ERANGE, UNTOUCHED },
		{ "-9223372036854775809", -ERANGE, UNTOUCHED },
		{ "--5", -EINVAL, UNTOUCHED },
		{ "-", -EINVAL, UNTOUCHED },
		{ "", -EINVAL, UNTOUCHED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		s64 v = UNTOUCHED;

		assert_int_equal(parse_s64(rows[i].text, &v), rows[i].err);
		assert_int_equal(v, rows[i].value);
	}
}

static void test_parse_duration(void **state UNUSED)
{
	static const struct {
		const char *text;
		int err;
		u64 ns;
	} rows[] = {
		{ "10s", 0, 10 * NSEC_PER_SEC },
		{ "10", 0, 10 * NSEC_PER_SEC },
		{ "0.5", 0, NSEC_PER_SEC / 2 },
		{ ".5s", 0, NSEC_PER_SEC / 2 },
		{ "5ms", 0, 5 * NSEC_PER_MSEC },
		{ "250us", 0, 250 * NSEC_PER_USEC },
		{ "7ns", 0, 7 },
		{ "2m", 0, 120 * NSEC_PER_SEC },
		{ "2min", 0, 120 * NSEC_PER_SEC },
		{ "1h30m", 0, 5400 * NSEC_PER_SEC },
		{ "1d", 0, 86400 * NSEC_PER_SEC },
		{ "0", 0, 0 },
		{ "", -EINVAL, UNTOUCHED },
		{ "-1s", -EINVAL, UNTOUCHED },
		{ "s", -EINVAL, UNTOUCHED },
		{ "10 s", -EINVAL, UNTOUCHED },
		{ "10x", -EINVAL, UNTOUCHED },
		{ "1h30", -EINVAL, UNTOUCHED },
		{ ".", -EINVAL, UNTOUCHED },
		{ "nan", -EINVAL, UNTOUCHED },
		{ "1e300s", -ERANGE, UNTOUCHED },
		{ "1000000d", -ERANGE, UNTOUCHED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 v = UNTOUCHED;

		assert_int_equal(parse_duration(rows[i].text, &v), rows[i].err);
		assert_int_equal(v, rows[i].ns);
	}
}

static void test_parse_size(void **state UNUSED)
{
	static const struct {
		const char *text;
		int err;
		u64 bytes;
	} rows[] = {
		{ "4096", 0, 4096 },
		{ "4K", 0, 4096 },
		{ "4k", 0, 4096 },
		{ "4KB", 0, 4096 },
		{ "4KiB", 0, 4096 },
		{ "1.5M", 0, 3 << 19 },
		{ "2G", 0, 2ULL << 30 },
		{ "1T", 0, 1ULL << 40 },
		{ "12B", 0, 12 },
		{ "0", 0, 0 },
		{ "", -EINVAL, UNTOUCHED },
		{ "K", -EINVAL, UNTOUCHED },
		{ "4X", -EINVAL, UNTOUCHED },
		{ "4Kx", -EINVAL, UNTOUCHED },
		{ "-4", -EINVAL, UNTOUCHED },
		{ "99999999999T", -ERANGE, UNTOUCHED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 v = UNTOUCHED;

		assert_int_equal(parse_size(rows[i].text, &v), rows[i].err);
		assert_int_equal(v, rows[i].bytes);
	}
}

static void test_errors_name_the_text(void **state UNUSED)
{
	u64 v;

	parse_duration("soon", &v);
	assert_non_null(strstr(error_text(), "'soon'"));
	parse_size("big", &v);
	assert_non_null(strstr(error_text(), "'big'"));
	parse_u64("99999999999999999999", &v);
	assert_non_null(strstr(error_text(), "too large"));
}

static void test_add_duration(void **state UNUSED)
{
	static const struct {
		u64 ns;
		const char *text;
	} rows[] = {
		{ 0, "0ns" },
		{ 850, "850ns" },
		{ 999, "999ns" },
		{ 1000, "1us" },
		{ 12300, "12.3us" },
		{ 999999, "999us" },
		{ 4560000, "4.56ms" },
		{ 999999999, "999ms" },
		{ 1200000000, "1.20s" },
		{ 123 * NSEC_PER_SEC, "2m03s" },
		{ 3600 * NSEC_PER_SEC, "1h00m" },
		{ (3 * 3600 + 12 * 60) * NSEC_PER_SEC, "3h12m" },
		{ (4 * 86400 + 3 * 3600) * NSEC_PER_SEC, "4d03h" },
		{ UINT64_MAX, "213503d23h" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = {};

		add_duration(&b, rows[i].ns);
		assert_string_equal(buf_str(&b), rows[i].text);
	}
}

static void test_add_size(void **state UNUSED)
{
	static const struct {
		u64 bytes;
		const char *text;
	} rows[] = {
		{ 0, "0B" },
		{ 512, "512B" },
		{ 1023, "1023B" },
		{ 1024, "1.0KiB" },
		{ 4096, "4.0KiB" },
		{ 3 << 19, "1.5MiB" },
		{ 1ULL << 40, "1.0TiB" },
		{ UINT64_MAX, "16.0EiB" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = {};

		add_size(&b, rows[i].bytes);
		assert_string_equal(buf_str(&b), rows[i].text);
	}
}

static void test_times(void **state UNUSED)
{
	_cleanup_buf_ struct buf b = {};
	u64 t = 1769860800ULL * NSEC_PER_SEC + 123456789;

	add_rfc3339(&b, t);
	assert_string_equal(buf_str(&b), "2026-01-31T12:00:00.123456789Z");
	buf_clear(&b);
	add_wall_time(&b, t, 6);
	assert_string_equal(buf_str(&b), "2026-01-31 12:00:00.123456");
	buf_clear(&b);
	add_wall_time(&b, t, 0);
	assert_string_equal(buf_str(&b), "2026-01-31 12:00:00");
	buf_clear(&b);
	add_wall_time(&b, t - 123456789 + 5, 9);
	assert_string_equal(buf_str(&b), "2026-01-31 12:00:00.000000005");
}

static void test_clocks(void **state UNUSED)
{
	u64 a = clock_monotonic_ns(), b = clock_monotonic_ns();

	assert_true(a > 0 && b >= a);
	assert_true(clock_wall_ns() > 1700000000 * NSEC_PER_SEC);
}

/* A file of @size bytes without a name; its path is written to @path. */
static int some_file(size_t size, char path[64])
{
	_cleanup_buf_ struct buf b = {};
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	buf_add_fill(&b, 'z', size);
	assert_int_equal(write(fd, buf_str(&b), size), size);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void test_read_file(void **state UNUSED)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 100000 };
	_cleanup_buf_ struct buf b = {};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char path[64];
		_cleanup_close_ int fd = some_file(sizes[i], path);

		assert_int_equal(read_file(path, sizes[i], &b), 0);
		assert_int_equal(b.len, sizes[i]);
		assert_int_equal(b.data[b.len], '\0');
		assert_int_equal(strspn(buf_str(&b), "z"), sizes[i]);
		if (sizes[i])
			assert_int_equal(read_file(path, sizes[i] - 1, &b), -EFBIG);
	}
	assert_int_equal(read_file("/proc/self/status", 1 << 20, &b), 0);
	assert_true(str_starts(buf_str(&b), "Name:"));
	assert_int_equal(read_file("/nowhere/at/all", 10, &b), -ENOENT);
	assert_string_equal(error_text(), "cannot open /nowhere/at/all: No such file or directory");
	assert_int_equal(read_file("/proc/self", 10, &b), -EISDIR);
}

static void test_read_file_at(void **state UNUSED)
{
	_cleanup_close_ int dir = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_buf_ struct buf b = {};

	assert_true(dir >= 0);
	assert_int_equal(read_file_at(dir, "comm", 64, &b), 0);
	assert_true(b.len > 1);
}

int run_units_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_u64),
		cmocka_unit_test(test_parse_s64),
		cmocka_unit_test(test_parse_duration),
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_errors_name_the_text),
		cmocka_unit_test(test_add_duration),
		cmocka_unit_test(test_add_size),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_read_file),
		cmocka_unit_test(test_read_file_at),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
