// SPDX-License-Identifier: Apache-2.0
/* Memory: grow(), the cleanup attributes, and growable text. */
#include "unit/base/base_tests.h"

#include <fcntl.h>
#include <malloc.h>

static void test_grow(void **state UNUSED)
{
	_cleanup_free_ u32 *array = NULL;
	size_t capacity = 0, before;

	assert_int_equal(grow(&array, &capacity, 1, sizeof(*array)), 0);
	assert_true(capacity >= 1);
	for (size_t i = 0; i < capacity; i++)
		assert_int_equal(array[i], 0);
	array[0] = 7;
	before = capacity;
	assert_int_equal(grow(&array, &capacity, before, sizeof(*array)), 0);
	assert_int_equal(capacity, before);
	assert_int_equal(grow(&array, &capacity, 1000, sizeof(*array)), 0);
	assert_true(capacity >= 1000);
	assert_int_equal(array[0], 7);
	for (size_t i = 1; i < capacity; i++)
		assert_int_equal(array[i], 0);
}

/* Room alone is no text. */
static void test_room(void **state UNUSED)
{
	_cleanup_buf_ struct buf b = {};

	mallopt(M_PERTURB, 0x5a);
	assert_non_null(buf_room(&b, 100));
	assert_string_equal(buf_str(&b), "");
	mallopt(M_PERTURB, 0);
}

static void test_grow_too_large(void **state UNUSED)
{
	_cleanup_free_ u64 *array = NULL;
	size_t capacity = 0, had;
	u64 *place;

	assert_int_equal(grow(&array, &capacity, 4, sizeof(*array)), 0);
	had = capacity;
	place = array;
	assert_int_equal(grow(&array, &capacity, SIZE_MAX / 4, sizeof(*array)), -ENOMEM);
	assert_int_equal(capacity, had);
	assert_ptr_equal(array, place);
}

static void test_take(void **state UNUSED)
{
	char *p = strdup("x"), *q;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), mine;

	q = TAKE_PTR(p);
	assert_null(p);
	assert_string_equal(q, "x");
	free(q);
	assert_true(fd >= 0);
	mine = TAKE_FD(fd);
	assert_int_equal(fd, -1);
	close_fd(&fd); /* nothing to close, nothing closed */
	assert_int_equal(fcntl(mine, F_GETFD), FD_CLOEXEC);
	close_fd(&mine);
	assert_int_equal(fcntl(mine, F_GETFD), -1);
}

static void test_add(void **state UNUSED)
{
	_cleanup_buf_ struct buf b = {};

	assert_string_equal(buf_str(&b), "");
	buf_add_str(&b, "");
	assert_string_equal(buf_str(&b), "");
	buf_add_str(&b, "abc");
	buf_add_char(&b, '-');
	buf_add(&b, "de\0f", 4);
	buf_add_fill(&b, '.', 3);
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.data, "abc-de\0f...", 12);
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
	buf_free(&b);
	assert_null(b.data);
	buf_free(&b);
}

static void test_growth(void **state UNUSED)
{
	_cleanup_buf_ struct buf b = {};

	for (int i = 0; i < 5000; i++) {
		buf_add_char(&b, (char)('a' + i % 26));
		assert_int_equal(b.data[b.len], '\0');
	}
	assert_int_equal(b.len, 5000);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	assert_int_equal(b.error, 0);
}

static void test_numbers(void **state UNUSED)
{
	_cleanup_buf_ struct buf b = {};

	buf_add_u64(&b, 0);
	buf_add_char(&b, ' ');
	buf_add_u64(&b, UINT64_MAX);
	buf_add_char(&b, ' ');
	buf_add_s64(&b, INT64_MIN);
	buf_add_char(&b, ' ');
	buf_add_s64(&b, INT64_MAX);
	buf_add_char(&b, ' ');
	buf_add_s64(&b, -1);
	assert_string_equal(buf_str(&b), "0 18446744073709551615 -9223372036854775808 "
					 "9223372036854775807 -1");
}

static void test_printf(void **state UNUSED)
{
	_cleanup_buf_ struct buf b = {};
	char text[500];

	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	buf_printf(&b, "%s=%d", "a", 5);
	assert_string_equal(buf_str(&b), "a=5");
	/* Longer than the room that is tried first. */
	buf_printf(&b, "<%s>", text);
	assert_int_equal(b.len, 3 + 2 + 499);
	assert_int_equal(b.data[b.len - 1], '>');
	assert_int_equal(b.data[b.len], '\0');
	/* Every length around the limits of the room. */
	for (int n = 0; n < 200; n++) {
		_cleanup_buf_ struct buf one = {};

		buf_printf(&one, "%.*s", n, text);
		assert_int_equal(one.len, n);
		assert_int_equal(strlen(buf_str(&one)), n);
	}
}

static void test_out_of_memory(void **state UNUSED)
{
	_cleanup_buf_ struct buf b = {};

	buf_add_str(&b, "kept");
	assert_null(buf_room(&b, SIZE_MAX));
	assert_int_equal(b.error, -ENOMEM);
	/* From here on nothing is added, and what was there is still there. */
	buf_add_str(&b, "more");
	buf_printf(&b, "%d", 1);
	buf_add_fill(&b, 'x', 10);
	assert_string_equal(buf_str(&b), "kept");
	assert_int_equal(b.len, 4);
}

int run_buf_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_grow_too_large),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
