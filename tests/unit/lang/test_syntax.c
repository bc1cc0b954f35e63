// SPDX-License-Identifier: Apache-2.0
/* The tree of a script: operators and what binds stronger, statements, probes, the C above. */
#include "unit/lang/syntax_fixture.h"

/* An expression with every operator in brackets, as bpftrace's formatter shows them. */
static void show(const struct node *n, struct buf *b)
{
	switch (n->kind) {
	case NODE_INTEGER:
		buf_add_u64(b, n->integer.value);
		break;
	case NODE_VARIABLE:
		buf_add_str(b, n->variable.name);
		break;
	case NODE_IDENTIFIER:
		buf_add_str(b, n->identifier.name);
		break;
	case NODE_UNARY:
		if (n->unary.op >= OPERATOR_POST_INCREMENT) {
			show(n->unary.e, b);
			buf_add_str(b, operator_text(n->unary.op));
			break;
		}
		buf_printf(b, "(%s", operator_text(n->unary.op));
		show(n->unary.e, b);
		buf_add_char(b, ')');
		break;
	case NODE_BINARY:
		buf_add_char(b, '(');
		show(n->binary.left, b);
		buf_printf(b, " %s ", operator_text(n->binary.op));
		show(n->binary.right, b);
		buf_add_char(b, ')');
		break;
	case NODE_TERNARY:
		buf_add_char(b, '(');
		show(n->ternary.condition, b);
		buf_add_str(b, " ? ");
		if (n->ternary.yes)
			show(n->ternary.yes, b);
		buf_add_str(b, " : ");
		show(n->ternary.no, b);
		buf_add_char(b, ')');
		break;
	case NODE_CAST:
		buf_printf(b, "(<%s>", n->cast.to->name);
		show(n->cast.e, b);
		buf_add_char(b, ')');
		break;
	case NODE_FIELD:
		show(n->field.e, b);
		buf_printf(b, ".%s", n->field.name);
		break;
	case NODE_INDEX:
		show(n->index.e, b);
		buf_add_char(b, '[');
		show(n->index.index, b);
		buf_add_char(b, ']');
		break;
	case NODE_COMPTIME:
		buf_add_str(b, "comptime ");
		show(n->e, b);
		break;
	default:
		fail_msg("kind %d", n->kind);
	}
}

static void operators_bind_as_in_c(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "1 * 2 + 3 << 4 < 5 == 6 & 7 ^ 8 | 9 && 10 || 11",
		  "((((((((((1 * 2) + 3) << 4) < 5) == 6) & 7) ^ 8) | 9) && 10) || 11)" },
		{ "1 || 2 && 3 | 4 ^ 5 & 6 == 7 < 8 << 9 + 10 * 11",
		  "(1 || (2 && (3 | (4 ^ (5 & (6 == (7 < (8 << (9 + (10 * 11))))))))))" },
		{ "1 - 2 - 3", "((1 - 2) - 3)" },
		{ "8 / 4 / 2 % 3", "(((8 / 4) / 2) % 3)" },
		{ "1 < 2 < 3", "((1 < 2) < 3)" },
		{ "1 != 2 >= 3", "(1 != (2 >= 3))" },
		{ "1 ? 2 : 3 ? 4 : 5", "(1 ? 2 : (3 ? 4 : 5))" },
		{ "1 ? 2 ? 3 : 4 : 5", "(1 ? (2 ? 3 : 4) : 5)" },
		{ "1 ?: 2 + 3", "(1 ?  : (2 + 3))" },
		{ "!1 + ~2 - -3", "(((!1) + (~2)) - (-3))" },
		{ "*$p.a[1]", "(*$p.a[1])" },
		{ "(*$p)->a", "(*$p).a" },
		{ "-$x--", "(-$x--)" },
		{ "$x++ + ++$y", "($x++ + (++$y))" },
		{ "(int8)1 + 2", "((<int8>1) + 2)" },
		{ "(uint8)-1", "(<uint8>(-1))" },
		{ "(pid) - 1", "(pid - 1)" },
		{ "(foo) - 1", "(<foo>(-1))" },
		{ "(foo) + 1", "(foo + 1)" },
		{ "-(int8)(struct x)$y.a", "(-(<int8>(<struct x>$y.a)))" },
		{ "comptime 1 + 2", "(comptime 1 + 2)" },
		{ "1e3 + 2ms + 0x1F + 017", "(((1000 + 2000000) + 31) + 15)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(parse_end) struct parse p = {};
		_cleanup_buf_ struct buf script = {}, shown = {};

		buf_printf(&script, "begin { $x = %s; }", cases[i].text);
		assert_int_equal(parse(&p, buf_str(&script)), 0);
		show(p.syntax->probes->body->block.statements->assign.value, &shown);
		assert_string_equal(buf_str(&shown), cases[i].want);
	}
}

static void statements_have_their_trees(void **state)
{
	static const struct {
		const char *body, *tree;
	} cases[] = {
		{ "@a[1, \"x\"]++; _ = $1; $x <<= $#",
		  "  expression\n    unary ++ behind\n      map @a\n        tuple\n"
		  "          integer 1\n          string \"x\"\n"
		  "  assign = nothing\n    parameter $1\n"
		  "  assign <<=\n    variable $x\n    parameter $#\n" },
		{ "let $x: struct foo*[4]; let $y = (a=1, b=(2,))",
		  "  let struct foo*[4]\n    variable $x\n"
		  "  let\n    variable $y\n    record .a .b\n      integer 1\n      tuple\n"
		  "        integer 2\n" },
		{ "for ($i : 0..$n) { break } for $kv : @m { continue; }",
		  "  for range\n    variable $i\n    integer 0\n    variable $n\n    block\n"
		  "      break\n"
		  "  for map\n    variable $kv\n    map @m\n    block\n      continue\n" },
		{ "if 1 { 2 } else if (3) { 4; } return",
		  "  if\n    integer 1\n    block\n      expression\n        integer 2\n    else:\n"
		  "      if\n        integer 3\n        block\n          expression\n"
		  "            integer 4\n"
		  "  return\n" },
		{ "if comptime (1) { } while 1 { } unroll(5) { }",
		  "  if comptime\n    integer 1\n    block\n  while\n    integer 1\n    block\n"
		  "  unroll\n    integer 5\n    block\n" },
		{ "$x = { 1; 2 }; { 3; 4 } 5",
		  "  assign =\n    variable $x\n    block\n      expression\n        integer 1\n"
		  "      result:\n        integer 2\n"
		  "  block\n    expression\n      integer 3\n    expression\n      integer 4\n"
		  "  expression\n    integer 5\n" },
		{ "if 1 { 2 } else { 3 } + 4",
		  "  expression\n    binary +\n      ternary\n        integer 1\n        block\n"
		  "          result:\n            integer 2\n        else:\n          block\n"
		  "            result:\n              integer 3\n      integer 4\n" },
		{ "$a = sizeof(int8*) + offsetof(*$p, a.b) + sizeof($y)",
		  "  assign =\n    variable $a\n    binary +\n      binary +\n        sizeof int8*\n"
		  "        offsetof .a .b\n          unary *\n            variable $p\n"
		  "      sizeof\n        variable $y\n" },
		{ "let $x: string[64]; let $y: typeof($x); $z = (int8[])$t.1->b",
		  "  let string[64]\n    variable $x\n  let typeof\n    variable $y\n"
		  "    variable $x\n  assign =\n    variable $z\n    cast int8[]\n"
		  "      field b ->\n        element 1\n          variable $t\n" },
		{ "f(true, \"\\x41\\n\\101\\0b\", &$x, &@m, struct foo *)",
		  "  expression\n    call f\n      bool true\n      string \"A\\nA\\u0000b\"\n"
		  "      address\n        variable $x\n      address\n        map @m\n"
		  "      type struct foo*\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(parse_end) struct parse p = {};
		_cleanup_buf_ struct buf script = {}, want = {};

		buf_printf(&script, "begin { %s }", cases[i].body);
		buf_printf(&want, "block\n%s", cases[i].tree);
		assert_int_equal(parse(&p, buf_str(&script)), 0);
		assert_string_equal(parse_body(&p), buf_str(&want));
	}
}

static void attach_points_are_split(void **state)
{
	static const char *const positional[] = { "/bin/x", "7" };
	_cleanup_(parse_end) struct parse p = { .positional = positional, .positional_count = 2 };

	assert_int_equal(parse(&p,
			       "a=uprobe:\"/bin/a:b \\\" c\":\"f::g(int)\"+0x10, kprobe:vfs_*,\n"
			       "uprobe:$1:f$2$3,interval:s:$# /pid == 1/ { } BEGIN/1/{}"),
			 0);
	buf_clear(&p.text);
	syntax_print(p.syntax, &p.text);
	assert_string_equal(buf_str(&p.text),
			    "probe\n"
			    "  at a \"uprobe\" \"/bin/a:b \\\" c\" \"f::g(int)+0x10\"\n"
			    "  at \"kprobe\" \"vfs_*\"\n"
			    "  at \"uprobe\" \"/bin/x\" \"f7\"\n"
			    "  at \"interval\" \"s\" \"2\"\n"
			    "  if\n"
			    "    binary ==\n"
			    "      identifier pid\n"
			    "      integer 1\n"
			    "  block\n"
			    "probe\n"
			    "  at \"BEGIN\"\n"
			    "  if\n"
			    "    integer 1\n"
			    "  block\n");
	assert_string_equal(p.syntax->probes->name, "a");
	assert_string_equal(p.syntax->probes->attach->next->next->text, "uprobe:/bin/x:f7");
}

static void the_head_is_found(void **state)
{
	static const char script[] =
		"#!/usr/bin/env bpftrace\n"
		"#define X(a) \\\n  a { /* \n */ 1\n"
		"struct foo { char a['}']; /* } */ } __attribute__((packed));\n"
		"enum { A, B }\n"
		"config = { a = 1ms; b = c; d = \"e\" }\n"
		"let @m = lruhash(100)\n"
		"begin { getopt(\"n\", -5, \"help\"); getopt(\"n\", -5); "
		"getopt(\"b\"); }";
	_cleanup_(parse_end) struct parse p = {};
	const struct span *c;

	if (parse(&p, script))
		fail_msg("%s", parse_errors(&p));
	assert_string_equal(p.syntax->shebang, "#!/usr/bin/env bpftrace");
	assert_int_equal(p.syntax->c_part_count, 3);
	c = p.syntax->c_parts;
	assert_memory_equal(script + c[0].end - 4, "*/ 1", 4);
	assert_memory_equal(script + c[1].start, "struct foo", 10);
	assert_memory_equal(script + c[1].end - 3, "));", 3);
	assert_memory_equal(script + c[2].start, "enum { A, B }", c[2].end - c[2].start);
	assert_string_equal(p.syntax->config->name, "a");
	assert_int_equal(p.syntax->config->value->integer.value, NSEC_PER_MSEC);
	assert_string_equal(p.syntax->config->next->value->identifier.name, "c");
	assert_string_equal(p.syntax->maps->type, "lruhash");
	assert_int_equal(p.syntax->maps->size, 100);
	assert_string_equal(p.syntax->parameters->name, "n");
	assert_string_equal(p.syntax->parameters->help, "help");
	assert_int_equal((s64)p.syntax->parameters->standard->integer.value, -5);
	assert_string_equal(p.syntax->parameters->next->name, "b");
	assert_null(p.syntax->parameters->next->standard);
}

static void options_need_one_default(void **state)
{
	_cleanup_(parse_end) struct parse p = {};

	assert_int_equal(parse(&p, "begin { getopt(\"a\", 1); getopt(\"a\", 2); }"), -EINVAL);
	assert_non_null(strstr(parse_errors(&p),
			       "stdin:1:25-39: ERROR: Command line option 'a' needs to have the "
			       "same default value in all places it is used. Previous default "
			       "value: 1\n"));
}

static bool count_until(void *context, struct node *n)
{
	return --*(int *)context;
}

static void trees_are_walked_and_copied(void **state)
{
	_cleanup_(parse_end) struct parse p = {};
	_cleanup_buf_ struct buf copy = {};
	struct node *body;
	int left = 1000;

	assert_int_equal(parse(&p, "begin { let $x: typeof(1) = f((a=1), { 2 }); "
				   "for $i : 0..1 { @[$i] = offsetof(struct foo, a.b); } }"),
			 0);
	body = p.syntax->probes->body;
	body->type = (const struct type *)body;
	node_print(node_copy(p.arena, body), 0, &copy);
	assert_string_equal(buf_str(&copy), parse_body(&p));
	assert_null(node_copy(p.arena, body)->type);
	assert_true(node_walk(body, count_until, &left));
	assert_int_equal(1000 - left, 18);
	left = 3;
	assert_false(node_walk(body, count_until, &left));
	assert_int_equal(left, 0);
}

static void expressions_of_headers_are_c(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = { { "(1 << 3) + 5UL", true },
		      { "0x10ULL", true },
		      { "1 2", false },
		      { "", false },
		      { "a;", false },
		      { "+", false } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
		struct sources *s = sources_new(a);
		struct diagnostics d = { .arena = a, .sources = s };
		struct parse_options o = { .arena = a, .sources = s, .diagnostics = &d };
		int n = sources_add_header(s, "h", cases[i].text, strlen(cases[i].text));

		assert_int_equal(!!syntax_parse_expression(&o, (u32)n), cases[i].good);
		assert_int_equal(!d.errors, cases[i].good);
	}
}

static void places_are_those_of_the_text(void **state)
{
	static const char script[] = "begin { $x = f(1) + @m[2].a; }";
	_cleanup_(parse_end) struct parse p = {};
	const struct node *assign, *sum;

	assert_int_equal(parse(&p, script), 0);
	assign = p.syntax->probes->body->block.statements;
	sum = assign->assign.value;
	assert_int_equal(assign->span.start, 8);
	assert_int_equal(assign->span.end, 27);
	assert_int_equal(sum->span.start, 13);
	assert_int_equal(sum->binary.left->span.end, 17);
	assert_int_equal(sum->binary.right->span.start, 20);
	assert_int_equal(sum->binary.right->field.name_span.start, 26);
	assert_int_equal(sum->binary.left->call.name_span.end, 14);
}

TEST_GROUP(test_syntax)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_bind_as_in_c),
		cmocka_unit_test(statements_have_their_trees),
		cmocka_unit_test(attach_points_are_split),
		cmocka_unit_test(the_head_is_found),
		cmocka_unit_test(options_need_one_default),
		cmocka_unit_test(trees_are_walked_and_copied),
		cmocka_unit_test(expressions_of_headers_are_c),
		cmocka_unit_test(places_are_those_of_the_text),
	};

	return cmocka_run_group_tests_name("syntax", tests, NULL, NULL);
}
