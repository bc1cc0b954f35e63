// SPDX-License-Identifier: Apache-2.0
/* What is said about wrong scripts: all errors at once, each once, and limits that have a name. */
#include "unit/lang/syntax_fixture.h"

static void all_errors_are_told(void **state)
{
	_cleanup_(parse_end) struct parse p = {};

	assert_int_equal(parse(&p, "begin { if (1) { $x = ; } $y = 5 5; }\n"
				   "foo { @[; }\n"
				   "end /1 { }\n"
				   "macro f(x { 1 }\n"
				   "end { $s = \"\\q\"; $z = 08; }\n"),
			 -EINVAL);
	assert_null(p.syntax);
	assert_string_equal(parse_errors(&p),
			    "stdin:1:23-24: ERROR: syntax: expected expression\n"
			    "begin { if (1) { $x = ; } $y = 5 5; }\n"
			    "                      ~\n"
			    "stdin:1:34-35: ERROR: syntax: expected ';'\n"
			    "begin { if (1) { $x = ; } $y = 5 5; }\n"
			    "                                 ~\n"
			    "stdin:2:9-10: ERROR: syntax: expected expression\n"
			    "foo { @[; }\n"
			    "        ~\n"
			    "stdin:3:8-9: ERROR: syntax: expected '/' to close predicate\n"
			    "end /1 { }\n"
			    "       ~\n"
			    "stdin:4:11-12: ERROR: syntax: expected ')'\n"
			    "macro f(x { 1 }\n"
			    "          ~\n"
			    "stdin:5:14-15: ERROR: syntax: invalid escape character '\\q'\n"
			    "end { $s = \"\\q\"; $z = 08; }\n"
			    "             ~\n"
			    "stdin:5:23-25: ERROR: syntax: invalid digit '8' in an octal number\n"
			    "end { $s = \"\\q\"; $z = 08; }\n"
			    "                      ~~\n");
}

/* A million bytes of one thing: an answer at once, and a word for the limit. */
static void long_scripts_have_an_answer(void **state)
{
	static const struct {
		const char *start, *repeated, *end, *error;
	} cases[] = {
		{ "begin { ", "$x = 1;", "}", NULL },
		{ "begin { $x = \"", "a", "\"; }", NULL },
		{ "begin { f(", "1,", "1) }", NULL },
		{ "", "kprobe:f{}", "", NULL },
		{ "begin { $x = ", "(", "", "nested too deeply: more than 200 levels" },
		{ "begin { ", "{", "", "nested too deeply: more than 200 levels" },
		{ "begin { $x = ", "!", "1 }", "nested too deeply: more than 200 levels" },
		{ "begin { $x = ", "(typeof(", "1 }", "nested too deeply: more than 200 levels" },
		{ "begin { $x = ", "1+", "1 }", "too many operators in a row: more than 1000" },
		{ "begin { $x = $y", ".a", " }", "too many operators in a row: more than 1000" },
		{ "begin { $x = ", "1?2:", "1 }", "too many operators in a row: more than 1000" },
		{ "begin { ", "if 1 {} else ", "{} }",
		  "too many 'else if' in a row: more than 1000" },
		{ "begin { $x = (int8", "*", ")1 }", "a type of more than 1000 parts" },
		{ "kprobe:", "f", "{}", "an attach point of more than 65536 bytes" },
		{ "begin { ", "a", " }", "a name of more than 1024 bytes" },
		{ "begin { ", ";", " }", "too many errors" },
		{ "", "}", "", "an attach point of more than 65536 bytes" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(parse_end) struct parse p = {};
		_cleanup_buf_ struct buf b = {};
		u64 before;

		buf_add_str(&b, cases[i].start);
		while (b.len < 1000000)
			buf_add_str(&b, cases[i].repeated);
		buf_add_str(&b, cases[i].end);
		before = clock_monotonic_ns();
		assert_int_equal(parse_bytes(&p, buf_str(&b), b.len), cases[i].error ? -EINVAL : 0);
		/* Milliseconds by itself; a sanitizer on a busy machine takes its time. */
		assert_true(clock_monotonic_ns() - before < 10 * NSEC_PER_SEC);
		if (cases[i].error && !strstr(parse_errors(&p), cases[i].error))
			fail_msg("%s: %.300s", cases[i].error, parse_errors(&p));
	}
}

static void memory_has_a_limit(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	_cleanup_buf_ struct buf b = {};
	struct sources *s = sources_new(a);
	struct diagnostics d = { .arena = a, .sources = s };
	struct parse_options o = { .arena = a, .sources = s, .diagnostics = &d };
	struct syntax *syntax = NULL;
	int number;

	buf_add_str(&b, "begin { ");
	while (b.len < 500000)
		buf_add_str(&b, "$x = 1;");
	buf_add_str(&b, "}");
	number = sources_add(s, "stdin", buf_str(&b), b.len);
	assert_int_equal(number, 1);
	assert_int_equal(syntax_parse(&o, 1, &syntax), -ENOMEM);
	assert_null(syntax);
	assert_int_equal(d.errors, 1);
}

static void every_byte_is_read_safely(void **state)
{
	for (int c = 0; c < 256; c++) {
		_cleanup_(parse_end) struct parse p = {};
		char text[] = "begin { $x =  ; } ? ";

		text[13] = (char)c;
		text[18] = (char)c;
		parse_bytes(&p, text, sizeof(text) - 1);
		for (const char *t = parse_errors(&p); *t; t++)
			assert_true(*t == '\n' || (u8)*t >= ' ');
	}
}

TEST_GROUP(test_syntax_errors)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_errors_are_told),
		cmocka_unit_test(long_scripts_have_an_answer),
		cmocka_unit_test(memory_has_a_limit),
		cmocka_unit_test(every_byte_is_read_safely),
	};

	return cmocka_run_group_tests_name("syntax: errors", tests, NULL, NULL);
}
