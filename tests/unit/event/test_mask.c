// SPDX-License-Identifier: Apache-2.0
/* Secrets in arguments do not reach the store; what is none stays as it is. */
#include "event/event.h"
#include "groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* @words and @want with '|' for the NUL behind each word. */
static void assert_masked(const char *words, const char *want)
{
	_cleanup_buf_ struct buf in = {}, out = {};

	buf_add_str(&in, words);
	for (size_t i = 0; i < in.len; i++)
		in.data[i] = in.data[i] == '|' ? '\0' : in.data[i];
	mask_secrets(in.data, in.len, &out);
	for (size_t i = 0; i < out.len; i++)
		out.data[i] = out.data[i] ? out.data[i] : '|';
	assert_string_equal(buf_str(&out), want);
}

static void values_are_hidden(void **state UNUSED)
{
	assert_masked("mysql|--password=hunter2|-u|root|", "mysql|--password=***|-u|root|");
	assert_masked("app|--token|abc|--verbose|", "app|--token|***|--verbose|");
	assert_masked("env|DB_PASSWORD=x|AWS_SECRET_ACCESS_KEY=y|run|",
		      "env|DB_PASSWORD=***|AWS_SECRET_ACCESS_KEY=***|run|");
	assert_masked("curl|-H|Authorization: Bearer abc|", "curl|-H|Authorization:***|");
	assert_masked("git|clone|https://me:pw@host/x.git|",
		      "git|clone|https://me:***@host/x.git|");
	assert_masked("psql|postgres://u:p@h:5432/db|", "psql|postgres://u:***@h:5432/db|");
	/* The name stands behind another separator. */
	assert_masked("curl|--header=Authorization: Bearer x|", "curl|--header=Authorization:***|");
	assert_masked("java|jdbc:postgresql://h/db?user=u&password=x|",
		      "java|jdbc:postgresql://h/db?user=u&password=***|");
	assert_masked("curl|https://me:pw@host/?token=x|", "curl|https://me:***@host/?token=***|");
}

static void the_rest_stays(void **state UNUSED)
{
	assert_masked("ls|-l|/etc/passwd|", "ls|-l|/etc/passwd|");
	assert_masked("cat|passwords.txt|", "cat|passwords.txt|");
	assert_masked("curl|https://host:8080/a@b|", "curl|https://host:8080/a@b|");
	assert_masked("app|--password|--verbose|x|", "app|--password|--verbose|x|");
	assert_masked("", "");
	assert_masked("no end", "no end");
	assert_masked("|||", "|||");
}

int test_mask(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_hidden),
		cmocka_unit_test(the_rest_stays),
	};

	return cmocka_run_group_tests_name("mask", tests, NULL, NULL);
}
