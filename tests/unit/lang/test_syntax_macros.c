// SPDX-License-Identifier: Apache-2.0
/* Macros and imports: what a script is once they are gone. */
#include "unit/lang/syntax_fixture.h"

static void calls_become_what_they_stand_for(void **state)
{
	static const struct {
		const char *script, *body;
	} cases[] = {
		{ "macro f(x) { x + 1 } begin { print(f(2)); }",
		  "block\n  expression\n    call print\n      binary +\n"
		  "        integer 2\n        integer 1\n" },
		/* A macro's own variable; one that it is handed; one that it only reads. */
		{ "macro f($a, e) { $b = e; $a = $b + $c; $a } begin { f($x, 5); }",
		  "block\n  block\n    assign =\n      variable $$f_$b\n      integer 5\n"
		  "    assign =\n      variable $x\n      binary +\n        variable $$f_$b\n"
		  "        variable $c\n    expression\n      variable $x\n" },
		{ "macro f(@m) { @m[1] = 2; } begin { f(@x) }",
		  "block\n  block\n    assign =\n      map @x\n        integer 1\n"
		  "      integer 2\n" },
		{ "macro one() { 1 } begin { print(one); }",
		  "block\n  expression\n    call print\n      integer 1\n" },
		/* Chosen by the kind of the argument, then by the number. */
		{ "macro f($x) { 1 } macro f(x) { 2 } macro f(x, y) { 3 } begin { g(f($a), f(4), "
		  "f(5, 6)); }",
		  "block\n  expression\n    call g\n      integer 1\n      integer 2\n"
		  "      integer 3\n" },
		/* As a value its `if` is a choice; as a statement it is an `if`. */
		{ "macro f(x) { if x { 1 } else { 2 } } begin { $a = f(3); }",
		  "block\n  assign =\n    variable $a\n    ternary\n      integer 3\n      block\n"
		  "        result:\n          integer 1\n      else:\n        block\n"
		  "          result:\n            integer 2\n" },
		{ "macro f(x) { if x { 1 } else { 2 } } begin { f(3); }",
		  "block\n  if\n    integer 3\n    block\n      expression\n        integer 1\n"
		  "    else:\n      block\n        expression\n          integer 2\n" },
		/* Types and fields. */
		{ "macro c(p, t, m) { (t*)(p - offsetof(t, m)) } begin { c($p, struct foo, a.b) }",
		  "block\n  expression\n    cast struct foo*\n      binary -\n"
		  "        variable $p\n        offsetof struct foo .a .b\n" },
		{ "macro s(t) { sizeof(t) } begin { s($x); s(pid); s(foo); }",
		  "block\n  expression\n    sizeof\n      variable $x\n  expression\n    sizeof\n"
		  "      identifier pid\n  expression\n    sizeof foo\n" },
		{ "macro s(t) { let $x: typeof(t) = 1; } begin { s(@m) }",
		  "block\n  block\n    let typeof\n      variable $$s_$x\n      integer 1\n"
		  "      map @m\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(parse_end) struct parse p = {};

		if (parse(&p, cases[i].script))
			fail_msg("%s\n%s", cases[i].script, parse_errors(&p));
		assert_string_equal(parse_body(&p), cases[i].body);
	}
}

/* Each as the oracle says it. */
static const struct {
	const char *script, *errors;
} wrong[] = {
	{ "macro f(x) { g(x) } macro g(x) { f(x) } begin { f(1) }",
	  "stdin:1:34-38: ERROR: Recursive macro call detected. Call chain: f > g > f\n"
	  "macro f(x) { g(x) } macro g(x) { f(x) } begin { f(1) }\n"
	  "                                 ~~~~\n"
	  "stdin:1:14-18: ERROR: expanded from\n"
	  "macro f(x) { g(x) } macro g(x) { f(x) } begin { f(1) }\n"
	  "             ~~~~\n"
	  "stdin:1:49-53: ERROR: expanded from\n"
	  "macro f(x) { g(x) } macro g(x) { f(x) } begin { f(1) }\n"
	  "                                                ~~~~\n" },
	{ "macro f(x) { 1 } macro f($x) { 2 } begin { f(1) }",
	  "stdin:1:18-25: ERROR: Redefinition of macro: f\n"
	  "macro f(x) { 1 } macro f($x) { 2 } begin { f(1) }\n"
	  "                 ~~~~~~~\n"
	  "stdin:1:1-8: ERROR: This is the original definition.\n"
	  "macro f(x) { 1 } macro f($x) { 2 } begin { f(1) }\n"
	  "~~~~~~~\n" },
	{ "macro f(@x) { 3 } begin { f(1) }",
	  "stdin:1:27-31: ERROR: Call to f() has arguments that do not match any "
	  "definition.\n"
	  "macro f(@x) { 3 } begin { f(1) }\n"
	  "                          ~~~~\n"
	  "stdin:1:29-30: ERROR: Mismatched arg. f() expects a map for arg @x but got an "
	  "expression.\n"
	  "macro f(@x) { 3 } begin { f(1) }\n"
	  "                            ~\n"
	  "stdin:1:9-11: ERROR: This is the argument in the closest definition.\n"
	  "macro f(@x) { 3 } begin { f(1) }\n"
	  "        ~~\n" },
	{ "macro f(x) { 3 } begin { f(1, 2) }",
	  "stdin:1:26-33: ERROR: Call to f() has arguments that do not match any "
	  "definition.\n"
	  "macro f(x) { 3 } begin { f(1, 2) }\n"
	  "                         ~~~~~~~\n"
	  "stdin:1:1-8: ERROR: The closest definition of f() has a different number of "
	  "arguments. Expected: 1 but got 2\n"
	  "macro f(x) { 3 } begin { f(1, 2) }\n"
	  "~~~~~~~\n" },
	{ "macro f(x) { @y[x] = 1; } begin { f(1) }",
	  "stdin:1:14-16: ERROR: Unhygienic access to map: @y. Maps must be passed into the "
	  "macro as arguments.\n"
	  "macro f(x) { @y[x] = 1; } begin { f(1) }\n"
	  "             ~~\n"
	  "stdin:1:35-39: ERROR: expanded from\n"
	  "macro f(x) { @y[x] = 1; } begin { f(1) }\n"
	  "                                  ~~~~\n" },
	{ "macro f(x, x) { 1 } begin { }",
	  "stdin:1:12-13: ERROR: Ident for macro argument has already been used: x\n"
	  "macro f(x, x) { 1 } begin { }\n"
	  "           ~\n" },
};

static void their_errors(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(parse_end) struct parse p = {};

		assert_int_equal(parse(&p, wrong[i].script), -EINVAL);
		assert_string_equal(parse_errors(&p), wrong[i].errors);
	}
}

/* Macros that double: the result has a limit, and is not even made. */
static void expansion_has_limits(void **state)
{
	_cleanup_(parse_end) struct parse wide = {}, deep = {};
	_cleanup_buf_ struct buf b = {};

	for (int i = 0; i < 60; i++)
		buf_printf(&b, "macro f%d(x) { f%d(x) + f%d(x) } ", i, i + 1, i + 1);
	buf_add_str(&b, "macro f60(x) { x } begin { f0(1) }");
	assert_int_equal(parse(&wide, buf_str(&b)), -EINVAL);
	assert_non_null(strstr(parse_errors(&wide), "macros make the script too large"));
	buf_clear(&b);
	for (int i = 0; i < 2000; i++)
		buf_printf(&b, "macro f%d(x) { (f%d(x), 1) } ", i, i + 1);
	buf_add_str(&b, "macro f2000(x) { x } begin { f0(1) }");
	assert_int_equal(parse(&deep, buf_str(&b)), -EINVAL);
	assert_non_null(strstr(parse_errors(&deep), "nested too deeply by macros"));
}

static void imports_come_before(void **state)
{
	static const char *const imports[] = {
		"a.bt",
		"import \"b.bt\"; import \"a.bt\"; macro one() { 1 } interval:s:1 { two() }",
		"b.bt",
		"macro two() { 2 } profile:hz:9 { }",
		"h.h",
		"struct foo { int a; };",
		NULL
	};
	_cleanup_(parse_end) struct parse p = { .imports = imports };

	assert_int_equal(parse(&p, "import \"a.bt\"; import \"h.h\"; begin { print(one); }"), 0);
	assert_string_equal(p.syntax->probes->attach->parts[0], "profile");
	assert_string_equal(p.syntax->probes->next->attach->parts[0], "interval");
	assert_string_equal(p.syntax->probes->next->next->attach->parts[0], "begin");
	assert_int_equal(p.syntax->c_part_count, 1);
	assert_int_equal(p.syntax->c_parts[0].end, 22);
	assert_true(sources_get(p.sources, p.syntax->c_parts[0].source)->is_header);
}

static void imports_errors_name_their_place(void **state)
{
	static const char *const imports[] = { "a.bt", "config = { a = 1 }\nbegin { $x = ; }",
					       NULL };
	_cleanup_(parse_end) struct parse p = { .imports = imports };

	assert_int_equal(parse(&p, "import \"a.bt\"; import \"none.bt\"; import \"x.bpf.c\";"),
			 -EINVAL);
	assert_string_equal(
		parse_errors(&p),
		"stdin:1:16-32: ERROR: Unable to find suitable path for import\n"
		"import \"a.bt\"; import \"none.bt\"; import \"x.bpf.c\";\n"
		"               ~~~~~~~~~~~~~~~~\n"
		"stdin:1:34-50: ERROR: 'x.bpf.c' would need a C compiler; only .bt and .h can be "
		"imported\n"
		"import \"a.bt\"; import \"none.bt\"; import \"x.bpf.c\";\n"
		"                                 ~~~~~~~~~~~~~~~~\n"
		"a.bt:1:1-19: ERROR: invalid `config` within import\n"
		"config = { a = 1 }\n"
		"~~~~~~~~~~~~~~~~~~\n"
		"stdin:1:1-14: ERROR: expanded from\n"
		"import \"a.bt\"; import \"none.bt\"; import \"x.bpf.c\";\n"
		"~~~~~~~~~~~~~\n"
		"a.bt:2:14-15: ERROR: syntax: expected expression\n"
		"begin { $x = ; }\n"
		"             ~\n"
		"stdin:1:1-14: ERROR: expanded from\n"
		"import \"a.bt\"; import \"none.bt\"; import \"x.bpf.c\";\n"
		"~~~~~~~~~~~~~\n");
}

TEST_GROUP(test_syntax_macros)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_become_what_they_stand_for),
		cmocka_unit_test(their_errors),
		cmocka_unit_test(expansion_has_limits),
		cmocka_unit_test(imports_come_before),
		cmocka_unit_test(imports_errors_name_their_place),
	};

	return cmocka_run_group_tests_name("syntax: macros", tests, NULL, NULL);
}
