// SPDX-License-Identifier: Apache-2.0
/*
 * Text from outside. The tables are the cases that somebody thought of; the last tests take every
 * sequence of three bytes from a set that has all kinds in it, and hold to what is promised of any.
 */
#include "unit/base/base_tests.h"

struct conversion {
	const char *in;
	size_t len;
	const char *out;
};

#define IN(s) s, sizeof(s) - 1

static void check(void (*add)(struct buf *, const char *, size_t), const struct conversion *rows,
		  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct buf b = {};

		add(&b, rows[i].in, rows[i].len);
		assert_string_equal(buf_str(&b), rows[i].out);
	}
}

static void test_safe(void **state UNUSED)
{
	static const struct conversion rows[] = {
		{ IN(""), "" },
		{ IN("nginx"), "nginx" },
		{ IN("two\nlines\tand\\"), "two\\nlines\\tand\\\\" },
		{ IN("\033[31mred"), "\\x1b[31mred" },
		{ IN("a\0b"), "a\\x00b" },
		{ IN("\x7f"), "\\x7f" },
		{ IN("Gr\xc3\xbc\xc3\x9f"
		     "e"),
		  "Gr\xc3\xbc\xc3\x9f"
		  "e" },
		{ IN("\xe2\x82\xac \xf0\x9f\x90\xa6"), "\xe2\x82\xac \xf0\x9f\x90\xa6" },
		{ IN("\xc2\x9b"
		     "31m"),
		  "\\xc2\\x9b"
		  "31m" }, /* C1: CSI in one character */
		{ IN("\xe2\x80\xae"
		     "txt"),
		  "\\xe2\\x80\\xae"
		  "txt" }, /* right-to-left override */
		{ IN("\xff\xfe"), "\\xff\\xfe" },
		{ IN("\xc3"), "\\xc3" },			    /* cut */
		{ IN("\xc0\xaf"), "\\xc0\\xaf" },		    /* overlong */
		{ IN("\xe0\x80\xaf"), "\\xe0\\x80\\xaf" },	    /* overlong */
		{ IN("\xed\xa0\x80"), "\\xed\\xa0\\x80" },	    /* surrogate */
		{ IN("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
	};

	check(text_add_safe, rows, ARRAY_SIZE(rows));
}

static void test_json(void **state UNUSED)
{
	static const struct conversion rows[] = {
		{ IN(""), "\"\"" },
		{ IN("say \"hi\" \\ /"), "\"say \\\"hi\\\" \\\\ /\"" },
		{ IN("a\nb\tc\rd\001"), "\"a\\nb\\tc\\u000dd\\u0001\"" },
		{ IN("a\0b"), "\"a\\u0000b\"" },
		{ IN("\xc3\xbc"), "\"\xc3\xbc\"" },
		{ IN("\xff"), "\"\xef\xbf\xbd\"" },
		{ IN("a\xc3"), "\"a\xef\xbf\xbd\"" },
		{ IN("\xe2\x80\xa8"), "\"\\u2028\"" },
		{ IN("\x7f"), "\"\\u007f\"" },
		{ IN("\xf0\x9f\x90\xa6"), "\"\xf0\x9f\x90\xa6\"" },
	};

	check(text_add_json, rows, ARRAY_SIZE(rows));
}

static void test_csv(void **state UNUSED)
{
	static const struct conversion rows[] = {
		{ IN(""), "" },
		{ IN("plain text"), "plain text" },
		{ IN("a,b"), "\"a,b\"" },
		{ IN("say \"hi\""), "\"say \"\"hi\"\"\"" },
		{ IN("two\nlines"), "\"two\nlines\"" },
		{ IN("\r"), "\"\r\"" },
	};

	check(text_add_csv, rows, ARRAY_SIZE(rows));
}

static void test_width(void **state UNUSED)
{
	assert_int_equal(text_width("", 0), 0);
	assert_int_equal(text_width(IN("abc")), 3);
	assert_int_equal(text_width(IN("Gr\xc3\xbc\xc3\x9f")), 4);
	assert_int_equal(text_width(IN("\xe6\xbc\xa2\xe5\xad\x97")), 4); /* two wide characters */
	assert_int_equal(text_width(IN("e\xcc\x81")), 1);		 /* a combining accent */
	assert_int_equal(text_width(IN("\xff\xff")), 2);
}

static void test_prefix(void **state UNUSED)
{
	assert_true(str_starts("saker", "sak"));
	assert_true(str_starts("saker", ""));
	assert_true(str_starts("saker", "saker"));
	assert_false(str_starts("sak", "saker"));
	assert_true(str_ends("x.bpf.o", ".bpf.o"));
	assert_true(str_ends("x", ""));
	assert_false(str_ends(".o", "x.bpf.o"));
	assert_false(str_ends("x.bpf.c", ".bpf.o"));
}

static bool glob(const char *pattern, const char *text)
{
	return glob_match(pattern, strlen(pattern), text, strlen(text));
}

static void test_glob(void **state UNUSED)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} rows[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "anything", true },
		{ "?", "", false },
		{ "?", "a", true },
		{ "a?c", "abc", true },
		{ "a?c", "ac", false },
		{ "/etc/*", "/etc/", true },
		{ "/etc/*", "/etc", false },
		{ "*.so", "libc.so", true },
		{ "*.so", "libc.so.6", false },
		{ "*.so*", "libc.so.6", true },
		{ "a*b*c", "aXbYbZc", true },
		{ "a*b*c", "aXcYb", false },
		{ "**", "x", true },
		{ "a**b", "ab", true },
		{ "\\*", "*", true },
		{ "\\*", "x", false },
		{ "\\?", "?", true },
		{ "\\\\", "\\", true },
		{ "a\\", "a\\", true },
		{ "*a", "aaa", true },
		{ "*ab", "aab", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(glob(rows[i].pattern, rows[i].text), rows[i].matches);
	assert_true(glob_match(IN("a*c"), IN("a\0b\0c")));
}

/* What makes a matcher with backtracking take for ever. */
static void test_glob_is_not_exponential(void **state UNUSED)
{
	char text[4096], pattern[200];
	size_t n = 0;

	memset(text, 'a', sizeof(text));
	for (int i = 0; i < 60; i++) {
		pattern[n++] = '*';
		pattern[n++] = 'a';
	}
	pattern[n++] = 'b';
	assert_false(glob_match(pattern, n, text, sizeof(text)));
}

static void test_suggest(void **state UNUSED)
{
	static const char *const tools[] = { "execsnoop", "opensnoop", "biolatency", "tcptop" };

	assert_string_equal(suggest("execsnop", tools, 4), "execsnoop");
	assert_string_equal(suggest("biolatncy", tools, 4), "biolatency");
	assert_null(suggest("kubernetes", tools, 4));
	assert_null(suggest("execsnop", tools, 0));
}

static bool is_plain(const struct buf *b)
{
	/* Of what passes unchanged, only printable ASCII and bytes of valid UTF-8 are left here. */
	for (size_t i = 0; i < b->len; i++) {
		u8 c = (u8)b->data[i];

		if (c < 0x20 || c == 0x7f)
			return false;
	}
	return mbstowcs(NULL, buf_str(b), 0) != (size_t)-1;
}

static void test_any_bytes(void **state UNUSED)
{
	static const u8 kinds[] = { 0,	  '\n', 0x1b, ' ',  '"',  '\\', 'a',  0x7f,
				    0x80, 0x9b, 0xa0, 0xae, 0xbf, 0xc0, 0xc2, 0xdf,
				    0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff };
	size_t n = ARRAY_SIZE(kinds);

	for (size_t i = 0; i < n * n * n; i++) {
		char bytes[] = { (char)kinds[i % n], (char)kinds[i / n % n],
				 (char)kinds[i / n / n] };
		_cleanup_buf_ struct buf safe = {}, json = {};

		text_add_safe(&safe, bytes, 3);
		text_add_json(&json, bytes, 3);
		assert_true(is_plain(&safe));
		assert_true(is_plain(&json));
		assert_true(json.len >= 2 && json.data[0] == '"' && json.data[json.len - 1] == '"');
	}
}

int run_text_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_safe),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_glob_is_not_exponential),
		cmocka_unit_test(test_suggest),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
