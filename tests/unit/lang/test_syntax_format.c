/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts laid out anew: what bpftrace makes of them, comments where they were, and the same tree
 * afterwards.
 */
#include "unit/lang/syntax_fixture.h"

static void format(const char *script, struct buf *b)
{
	struct arena *arena = arena_new(64u << 20);
	struct diagnostics d = { .arena = arena };
	struct parse_options o = { .arena = arena, .diagnostics = &d };
	int number;

	d.sources = o.sources = sources_new(arena);
	number = sources_add(o.sources, "stdin", script, strlen(script));
	assert_true(number > 0);
	assert_int_equal(syntax_format(&o, (u32)number, b), 0);
	arena_free(arena);
}

static void scripts_look_as_they_should(void **state)
{
	static const struct {
		const char *script, *wanted;
	} scripts[] = {
		{ "begin{print( 1 );exit();}", "begin\n{\n  print(1);\n  exit();\n}\n" },
		{ "begin{$a=1+2*3;$b=$a==1&&$b||!$c}",
		  "begin\n{\n  $a = 1 + (2 * 3);\n  $b = ($a == 1 && $b) || (!$c);\n}\n" },
		{ "config={max_strlen=32}let @x=hash(5);macro m($a){$a+1}\nk:f,k:g /pid==1/{}",
		  "config = {\n  max_strlen = 32;\n}\nlet @x = hash(5);\nmacro m($a)\n{\n  $a + 1\n}\n"
		  "k:f,\nk:g\n/pid == 1/\n{}\n" },
		{ "begin{if($a>1){print(1);}else if $b{}else{print(2);}}",
		  "begin\n{\n  if ($a > 1) {\n    print(1);\n  } else if $b {} else {\n"
		  "    print(2);\n  }\n}\n" },
		{ "begin{for($i:0..3){print($i)}for $k:@m{}while($x<1){$x++}unroll(2){f()}}",
		  "begin\n{\n  for $i : 0..3 {\n    print($i);\n  }\n  for $k : @m {}\n"
		  "  while ($x < 1) {\n    $x++;\n  }\n  unroll (2) {\n    f();\n  }\n}\n" },
		{ "begin{$x=(struct a*)$p->b[1].c;@[1,\"\\x41\"]=(1,);$y=$a?1:$b?2:3}",
		  "begin\n{\n  $x = (struct a*)$p.b[1].c;\n  @[1, \"\\x41\"] = (1,);\n"
		  "  $y = $a ? 1 : ($b ? 2 : 3);\n}\n" },
		{ "begin{let $a:int32=4;$v=if $a{5}else{6};$q={print(1);2};}",
		  "begin\n{\n  let $a : int32 = 4;\n  $v = if $a { 5 } else { 6 };\n"
		  "  $q = {\n    print(1);\n    2\n  };\n}\n" },
		{ "begin{emit(opens,pid:pid,n:1+1)}",
		  "begin\n{\n  emit(opens, pid: pid, n: 1 + 1);\n}\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		_cleanup_buf_ struct buf b = {};

		format(scripts[i].script, &b);
		assert_string_equal(buf_str(&b), scripts[i].wanted);
	}
}

static void comments_stay(void **state)
{
	static const char script[] = "#!/usr/bin/bpftrace\n"
				     "/* head\n * of it */\n"
				     "#include <a.h> // why\n"
				     "struct a { int b; /* c */ };\n"
				     "\n\n"
				     "begin /* one */\n"
				     "/* two */ { // three\n"
				     "\tprint(1); // four\n"
				     "\n"
				     "\t// five\n"
				     "\tprint(2 /* six */, 3);\n"
				     "\t/* seven */\n"
				     "}\n"
				     "// eight";
	_cleanup_buf_ struct buf b = {}, again = {};

	(void)state;
	format(script, &b);
	assert_string_equal(buf_str(&b), "#!/usr/bin/bpftrace\n"
					 "/* head\n * of it */\n"
					 "#include <a.h> // why\n"
					 "struct a { int b; /* c */ };\n"
					 "\n\n"
					 "begin /* one */\n"
					 "/* two */\n"
					 "{ // three\n"
					 "  print(1); // four\n"
					 "\n"
					 "  // five\n"
					 "  /* six */\n"
					 "  print(2, 3);\n"
					 "  /* seven */\n"
					 "}\n"
					 "// eight\n");
	format(buf_str(&b), &again);
	assert_string_equal(buf_str(&again), buf_str(&b));
}

/* emit()'s columns are a record, however they are written. */
static void columns_are_a_record(void **state)
{
	_cleanup_(parse_end) struct parse bare = {}, quoted = {}, record = {};
	_cleanup_free_ char *first = NULL;

	(void)state;
	assert_int_equal(parse(&bare, "begin { emit(opens, a: 1, b: pid ? 1 : 2); }"), 0);
	assert_int_equal(parse(&quoted, "begin { emit(\"opens\", a: 1, b: pid ? 1 : 2); }"), 0);
	assert_int_equal(parse(&record, "begin { emit(\"opens\", (a=1, b=pid ? 1 : 2)); }"), 0);
	first = strdup(parse_body(&bare));
	assert_non_null(first);
	assert_string_equal(first, parse_body(&quoted));
	assert_string_equal(first, parse_body(&record));
}

TEST_GROUP(test_syntax_format)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts_look_as_they_should),
		cmocka_unit_test(comments_stay),
		cmocka_unit_test(columns_are_a_record),
	};

	return cmocka_run_group_tests_name("syntax: format", tests, NULL, NULL);
}
