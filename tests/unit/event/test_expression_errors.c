// SPDX-License-Identifier: Apache-2.0
/*
 * What is wrong with a filter, and where: every message names the cause, and its caret stands under
 * the word. The third column is that word's place in the text.
 */
#include "expression_fixture.h"
#include "groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
	const char *text, *message;
	int at;
} errors[] = {
	{ "ret < 0 && cmm == \"nginx\"", "no column 'cmm' in sample (did you mean 'comm'?)", 11 },
	{ "zzzzzz == 1", "no column 'zzzzzz' in sample", 0 },
	{ "pid == \"1\"", "column 'pid' is a number: it cannot be compared with text", 7 },
	{ "signal == \"SIGKILL\"", "(write names without quotes)", 10 },
	{ "comm == 5", "column 'comm' is text: write \"5\"", 8 },
	{ "comm == nginx", "column 'comm' is text: write \"nginx\"", 8 },
	{ "comm == tag", "column 'comm' is text: a text in quotes is missing here", 8 },
	{ "pid == port", "'port' is a column: a column is compared with a value only", 7 },
	{ "error == ENOEN", "no name 'ENOEN' for error (did you mean 'ENOENT'?)", 9 },
	{ "signal == SIGKIL", "(did you mean 'SIGKILL'?)", 10 },
	{ "syscall == openax", "(did you mean 'openat'?)", 11 },
	{ "state == CLOSD", "no name 'CLOSD' for state (did you mean 'CLOSED'?)", 9 },
	{ "pid == abc", "'abc' is neither a number nor a name for column 'pid' (pid)", 7 },
	{ "ret == -EFOO", "'EFOO' is neither a number nor a name", 8 },
	{ "pid == -1", "-1 is out of range: pid is 0 to 4294967295", 7 },
	{ "port == 70000", "70000 is out of range: port is 0 to 65535", 8 },
	{ "nice == 32768", "32768 is out of range: nice is -32768 to 32767", 8 },
	{ "level < - 129", "- 129 is out of range: level is -128 to 127", 8 },
	{ "cgroup == 18446744073709551616", "is out of range: cgroup is 0 to 18446744073709551615",
	  10 },
	{ "ret == 9223372036854775808",
	  "is out of range: ret is -9223372036854775808 to 9223372036854775807", 7 },
	{ "pid == 12x", "'12x' is not a number that column 'pid' (pid) takes", 7 },
	{ "pid == 1.5", "'1.5' is not a number that column 'pid' (pid) takes", 7 },
	{ "pid == 08", "'08' is not a number", 7 },
	{ "took == 10parsecs", "'10parsecs' is not a duration", 8 },
	{ "took == 08", "'08' is not a number", 8 },
	{ "took_us == 10ns", "'10ns' is not a whole number of us, in which took_us is counted",
	  11 },
	{ "bytes == 10ms", "'10ms' is not a size", 9 },
	{ "port == 10ms", "'10ms' is not a number", 8 },
	{ "truth == 2", "column 'truth' is true or false", 9 },
	{ "truth < true", "'<' is for numbers, and column 'truth' is bool", 6 },
	{ "comm < \"a\"", "'<' is for numbers, and column 'comm' is comm", 5 },
	{ "saddr >= 10.0.0.1", "'>=' is for numbers, and column 'saddr' is ip", 6 },
	{ "comm & 1", "'&' is for whole numbers, and column 'comm' is comm", 5 },
	{ "share & 1", "'&' is for whole numbers", 6 },
	{ "flags & 3 == 4", "0x4 has bits outside of the mask 0x3", 13 },
	{ "(flags & 3 == 1) == 2", "'&&' or '||' is missing before this", 17 },
	{ "port & 65536", "65536 is out of range: port is 0 to 65535", 7 },
	{ "share == abc", "a number is missing here: column 'share' is one", 9 },
	{ "share == 1.2.3", "'1.2.3' is not a number", 9 },
	{ "pid startswith \"1\"", "'startswith' is for text, and column 'pid' is a number", 4 },
	{ "saddr like \"10.*\"", "'like' is for text, and column 'saddr' is an address", 6 },
	{ "comm matches \"(a\"",
	  "the regular expression is wrong at its byte 3: missing closing parenthesis", 13 },
	{ "comm matches \"\\C\"", "the regular expression is wrong", 13 },
	{ "comm matches \"(*UTF)a\"", "the regular expression is wrong", 13 },
	{ "comm matches 5", "column 'comm' is text: write \"5\"", 13 },
	{ "comm matches pid", "a text in quotes is missing here", 13 },
	{ "comm == \"a", "the text that begins here has no closing \"", 8 },
	{ "comm == \"a\\", "has no closing \"", 8 },
	{ "comm == \"a\\x00b\"", "a text cannot hold a NUL", 8 },
	{ "comm == \"0123456789abcdef\"", "a text of 16 bytes: comm has at most 15", 8 },
	{ "odd in (\"ab\", \"abcdef\")", "a text of 6 bytes: odd has at most 5", 14 },
	{ "comm like \"0123456789abcdef*\"", "a text of 16 bytes: comm has at most 15", 10 },
	{ "saddr == 10.0.0", "column 'saddr' is an address, such as 10.0.0.1 or fe80::1", 9 },
	{ "saddr == 10.0.0.0/8", "for a range of addresses write: saddr in 10.0.0.0/8", 9 },
	{ "saddr in 10.0.0.0/33", "the prefix of an address is 0 to 32", 9 },
	{ "saddr in fe80::/129", "the prefix of an address is 0 to 128", 9 },
	{ "slots == 1", "column 'slots' (histogram) cannot be tested", 0 },
	{ "pid = 1", "'=' compares nothing: write '=='", 4 },
	{ "pid == 1 port == 2", "'&&' or '||' is missing before this", 9 },
	{ "pid == 1 | port == 2", "'|' joins bits: for 'or' write '||'", 9 },
	{ "pid == 1 ; port", "this character has no meaning in a filter", 9 },
	{ "pid == ", "a number is missing here", 7 },
	{ "pid == 1 &&", "a column is missing here", 11 },
	{ "(pid == 1", "a ')' is missing here", 9 },
	{ "pid in (1, 2", "a ')' or a ',' is missing here", 12 },
	{ "pid in ()", "a number is missing here", 8 },
	{ "pid not == 1", "'in' is missing here", 8 },
	{ "1 == pid", "the column stands on the left, as in: pid == 1", 0 },
	{ "\"a\" == comm", "a column is missing here", 0 },
	{ ")", "a column is missing here", 0 },
};

static void test_messages(void **state)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct expression *e = NULL;
		char caret[256];

		error_clear();
		if (expression_parse(errors[i].text, s, &e) != -EINVAL || e)
			fail_msg("%s: taken", errors[i].text);
		if (!strstr(error_text(), errors[i].message))
			fail_msg("%s: %s", errors[i].text, error_text());
		/* A backslash is shown doubled, always behind the caret here. */
		snprintf(caret, sizeof(caret), "\n  %*s^", errors[i].at, "");
		if (!str_ends(error_text(), caret))
			fail_msg("%s: the caret: %s", errors[i].text, error_text());
	}
}

static void test_whole_message(void **state)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	struct expression *e = NULL;

	assert_int_equal(expression_parse("ret < 0 && cmm == \"nginx\"", s, &e), -EINVAL);
	fail_in(-EINVAL, "--where");
	assert_string_equal(error_text(),
			    "--where: no column 'cmm' in sample (did you mean 'comm'?)\n"
			    "  ret < 0 && cmm == \"nginx\"\n"
			    "             ^");
	assert_int_equal(expression_parse(" \t\n", s, &e), -EINVAL);
	assert_string_equal(error_text(),
			    "the filter is empty (write a test, such as: comm == \"nginx\")");
}

/* Long texts are shown around the place, on one safe line; the caret still fits. */
static void test_long_message(void **state)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	_cleanup_buf_ struct buf b = {};
	struct expression *e = NULL;
	const char *line, *caret;

	for (int i = 0; i < 100; i++)
		buf_add_str(&b, "comm == \"\xc3\xa9\x1b[2J\" ||\n");
	buf_add_str(
		&b,
		"cmm || pid && pid && pid && pid && pid && pid && pid && pid && pid && pid && pid");
	assert_int_equal(expression_parse(buf_str(&b), s, &e), -EINVAL);
	assert_null(strchr(error_text(), '\x1b'));
	line = strchr(error_text(), '\n') + 1;
	caret = strchr(line, '\n') + 1;
	assert_null(strchr(caret, '\n'));
	assert_true(str_starts(line, "  ...") && str_ends(caret, "^"));
	assert_in_range(strlen(line), 60, 260);
	assert_non_null(strstr(line, "cmm || pid"));
	/* Each of the wide letters before it is two bytes and one column. */
	assert_true((size_t)(strstr(line, "cmm ||") - line) >= strlen(caret) - 1);
}

static void test_limits(void **state)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	struct expression *e = NULL;
	_cleanup_buf_ struct buf b = {};

	buf_add_fill(&b, ' ', 65537);
	assert_int_equal(expression_parse(buf_str(&b), s, &e), -EINVAL);
	assert_non_null(strstr(error_text(), "at most 65536 are taken"));
	buf_clear(&b);
	buf_add_fill(&b, '(', 1000);
	assert_int_equal(expression_parse(buf_str(&b), s, &e), -EINVAL);
	assert_non_null(strstr(error_text(), "more than 128 brackets within each other"));
	buf_clear(&b);
	buf_add_fill(&b, '!', 65000);
	assert_int_equal(expression_parse(buf_str(&b), s, &e), -EINVAL);
	assert_non_null(strstr(error_text(), "more than 128 brackets within each other"));
	buf_clear(&b);
	for (int i = 0; i < 70; i++)
		buf_add_str(&b, i % 2 ? "pid && (" : "pid || (");
	buf_add_str(&b, "pid");
	buf_add_fill(&b, ')', 70);
	assert_int_equal(expression_parse(buf_str(&b), s, &e), -EINVAL);
	assert_non_null(strstr(error_text(), "more than 64 groups within each other"));
	buf_clear(&b);
	buf_add_str(&b, "pid");
	for (int i = 0; i < 5000; i++)
		buf_add_str(&b, "||pid");
	assert_int_equal(expression_parse(buf_str(&b), s, &e), -EINVAL);
	assert_non_null(strstr(error_text(), "more than 4096 tests"));
	buf_clear(&b);
	buf_add_str(&b, "pid in (1");
	for (int i = 0; i < 5000; i++)
		buf_add_str(&b, ",1");
	buf_add_char(&b, ')');
	assert_int_equal(expression_parse(buf_str(&b), s, &e), -EINVAL);
	assert_non_null(strstr(error_text(), "more than 4096 values"));
	assert_null(e);
}

int test_expression_errors(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_whole_message),
		cmocka_unit_test(test_long_message),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("expression: errors", tests, NULL, NULL);
}
