// SPDX-License-Identifier: Apache-2.0
/* The slot of error text: what it holds, how callers add to it, that each thread has its own. */
#include "unit/base/base_tests.h"

#include <pthread.h>

static void test_fail(void **state UNUSED)
{
	error_clear();
	assert_string_equal(error_text(), "");
	assert_int_equal(fail(-EINVAL, "rule '%s' has %d conditions", "x", 3), -EINVAL);
	assert_string_equal(error_text(), "rule 'x' has 3 conditions");
	assert_int_equal(fail(-ENOENT, "nothing else"), -ENOENT);
	assert_string_equal(error_text(), "nothing else");
	error_clear();
	assert_string_equal(error_text(), "");
}

static void test_fail_in(void **state UNUSED)
{
	fail(-EINVAL, "line 3: ')' expected");
	assert_int_equal(fail_in(-EPROTO, "gadget %s", "foo"), -EPROTO);
	assert_string_equal(error_text(), "gadget foo: line 3: ')' expected");
	fail_in(-EPROTO, "saker");
	assert_string_equal(error_text(), "saker: gadget foo: line 3: ')' expected");
	error_clear();
	fail_in(-EIO, "alone");
	assert_string_equal(error_text(), "alone");
}

static void test_fail_errno(void **state UNUSED)
{
	assert_int_equal(fail_errno(-ENOENT, "cannot open %s", "/x"), -ENOENT);
	assert_string_equal(error_text(), "cannot open /x: No such file or directory");
	/* A positive number is taken as well: some libraries give that. */
	fail_errno(EACCES, "no");
	assert_string_equal(error_text(), "no: Permission denied");
}

static void test_own_text_as_argument(void **state UNUSED)
{
	fail(-EINVAL, "inner");
	fail(-EIO, "outer (%s)", error_text());
	assert_string_equal(error_text(), "outer (inner)");
}

static void test_too_long(void **state UNUSED)
{
	char text[10000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fail(-EINVAL, "%s", text);
	assert_true(strlen(error_text()) < sizeof(text));
	assert_true(strlen(error_text()) >= 1000);
	/* What is added stands in front and is whole; the end is cut. */
	fail_in(-EINVAL, "front");
	assert_true(str_starts(error_text(), "front: xxx"));
	fail_errno(-EINVAL, "%s", text);
	assert_true(str_starts(error_text(), "xxx"));
}

static void *in_another_thread(void *ret)
{
	*(bool *)ret = error_text()[0] == '\0';
	fail(-EIO, "of another thread");
	return NULL;
}

static void test_threads(void **state UNUSED)
{
	bool was_empty = false;
	pthread_t thread;

	fail(-EINVAL, "mine");
	assert_int_equal(pthread_create(&thread, NULL, in_another_thread, &was_empty), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(was_empty);
	assert_string_equal(error_text(), "mine");
}

/* What log_line() writes to stderr, taken through a pipe. */
static void logged(enum log_level threshold, enum log_level level, const char *text, char *ret,
		   size_t size)
{
	enum log_level before = log_level;
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_level = threshold;
	log_line(level, "%s", text);
	log_level = before;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], ret, size - 1);
	close(ends[0]);
	ret[n > 0 ? n : 0] = '\0';
}

static void test_log(void **state UNUSED)
{
	char text[200];

	logged(LOG_LEVEL_INFO, LOG_LEVEL_ERROR, "it broke", text, sizeof(text));
	assert_string_equal(text, "saker: error: it broke\n");
	logged(LOG_LEVEL_INFO, LOG_LEVEL_INFO, "started", text, sizeof(text));
	assert_string_equal(text, "saker: started\n");
	logged(LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, "detail", text, sizeof(text));
	assert_string_equal(text, "");
	logged(LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG, "detail", text, sizeof(text));
	assert_string_equal(text, "saker: debug: detail\n");
	logged(LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, "careful", text, sizeof(text));
	assert_string_equal(text, "");
}

int run_error_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail),	   cmocka_unit_test(test_fail_in),
		cmocka_unit_test(test_fail_errno), cmocka_unit_test(test_own_text_as_argument),
		cmocka_unit_test(test_too_long),   cmocka_unit_test(test_threads),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
