// SPDX-License-Identifier: Apache-2.0
/* C declarations of scripts and headers: the preprocessor, what is kept, what is refused. */
#include "unit/lang/types_fixture.h"

static const char *define_of(struct types *t, const char *name)
{
	u32 number = type_world_define(t->world, name);

	return number ? sources_get(t->diagnostics.sources, number)->text : NULL;
}

static void macros_are_expanded(void **state)
{
	struct types *t = types_new(NULL, false);

	(void)state;
	assert_int_equal(types_declare(t, "#define A 5\n"
					  "#define B (A + 2UL)\n"
					  "#define ADD(x, y) x + y\n"
					  "#define GLUE(x, y) x##y\n"
					  "#define TEXT(x) #x\n"
					  "#define C ADD(A, GLUE(1, 2))\n"
					  "#define D TEXT(a  \"b\")\n"
					  "#define SELF SELF\n"
					  "#define PING PONG\n"
					  "#define PONG PING\n"
					  "#define LATER later(1)\n"
					  "#define later(x) (x)\n"
					  "#define CALL later\n"
					  "#define ARGS(x, ...) x, __VA_ARGS__\n"
					  "#define LIST ARGS(1, 2, 3)\n"
					  "#define LETTER 'a'\n"
					  "#define EMPTY\n"
					  "#define NESTED later(later(later(A)))\n"
					  "#define LONG 1 + \\\n 2 /* no\n */ + 3\n"
					  "#undef GONE\n#define GONE 1\n#undef GONE\n"),
			 0);
	assert_string_equal(define_of(t, "A"), "5");
	assert_string_equal(define_of(t, "B"), "(5 + 2)");
	assert_string_equal(define_of(t, "C"), "5 + 12");
	assert_string_equal(define_of(t, "D"), "\"a \\\"b\\\"\"");
	assert_string_equal(define_of(t, "LATER"), "(1)");
	assert_string_equal(define_of(t, "LIST"), "1, 2, 3");
	assert_string_equal(define_of(t, "LETTER"), "97");
	assert_string_equal(define_of(t, "NESTED"), "(((5)))");
	assert_string_equal(define_of(t, "LONG"), "1 + 2 + 3");
	assert_null(define_of(t, "SELF"));
	assert_null(define_of(t, "PING"));
	assert_null(define_of(t, "ADD"));
	assert_null(define_of(t, "EMPTY"));
	assert_null(define_of(t, "GONE"));
	assert_null(define_of(t, "__linux__"));
	assert_null(define_of(t, "nothing"));
	types_free(t);
}

static void conditions_choose(void **state)
{
	static const struct {
		const char *condition;
		bool is;
	} cases[] = {
		{ "#ifdef BPFTRACE_HAVE_BTF", true },
		{ "#ifndef BPFTRACE_HAVE_BTF", false },
		{ "#if defined(X) && !defined Y", true },
		{ "#if X == 3 ? 1 : 0", true },
		{ "#if -1 > 0u", true },
		{ "#if (2 + 3 * 4) == 14 && 7 / 2 == 3 && -7 % 3 == -1", true },
		{ "#if unknown", false },
		{ "#if unknown(1, 2)", false },
		{ "#if 1 << 3 | 1 && ~0 == -1", true },
		{ "#if 0\n#error no\n#elif 1", true },
		{ "#if 0 && (1 / 0)", false },
		{ "#if __has_include(<stdio.h>)", false },
		{ "#if 'a' == 97 && 0x10 == 020 - 0 * 1", true },
		{ "#if __SIZEOF_LONG__ == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct types *t = types_new(NULL, false);
		struct buf text = {};

		buf_printf(&text,
			   "#define X 3\n%s\nstruct yes { int x; };\n#else\n"
			   "struct no { int x; };\n#endif\n",
			   cases[i].condition);
		if (types_declare(t, buf_str(&text)))
			fail_msg("%s: %s", cases[i].condition, types_errors(t));
		assert_int_equal(!!c_type_named(t->world, "struct yes"), cases[i].is);
		assert_int_equal(!!c_type_named(t->world, "struct no"), !cases[i].is);
		buf_free(&text);
		types_free(t);
	}
}

static void headers_are_read(void **state)
{
	static const struct header_text headers[] = {
		{ "own.h", "#ifndef OWN_H\n#define OWN_H\n#include \"more.h\"\n"
			   "typedef struct own { value_t v; } own_t;\n"
			   "static inline int f(struct own *o) { return o->v ? '{' : 2; }\n"
			   "extern int variable, g(unknown_t *);\nint h(void);\n"
			   "_Static_assert(1, \"x\");\n#endif\n" },
		{ "more.h", "#pragma once\ntypedef unsigned short value_t;\n" },
		{ "linux/some.h", "#define FROM_KERNEL 7\nstruct task_struct { int wrong; };\n"
				  "#include <linux/absent.h>\n#error never\n" },
		{},
	};
	struct types *t = types_new(headers, false);

	(void)state;
	assert_int_equal(types_declare(t,
				       "#include \"own.h\"\n#include <own.h>\n#include <more.h>\n"
				       "#include <linux/some.h>\n#include <net/sock.h>\n"
				       "#include <linux/none.h>\n#include <stddef.h>\n"
				       "struct user { own_t o; size_t n; };\n"),
			 0);
	assert_string_equal(types_field(t, "struct user", "o"), "0 struct own");
	assert_string_equal(types_field(t, "struct user", "n"), "8 uint64");
	assert_string_equal(types_field(t, "own_t", "v"), "0 uint16");
	assert_string_equal(define_of(t, "FROM_KERNEL"), "7");
	assert_null(c_type_named(t->world, "struct task_struct"));
	assert_null(t->world->kernel.btf);
	assert_int_equal(t->diagnostics.errors, 0);
	types_free(t);
}

static void the_kernels_types_can_be_members(void **state)
{
	struct types *t = types_new(NULL, false);

	(void)state;
	if (!types_have_kernel())
		skip();
	assert_int_equal(types_declare(t, "struct a { struct task_struct *t; struct path p;\n"
					  " enum pid_type k; u32 u; __be16 b; atomic_t c; };\n"),
			 0);
	assert_string_equal(types_field(t, "struct a", "p"), "8 struct path");
	assert_string_equal(types_field(t, "struct a", "k"), "24 enum pid_type");
	assert_string_equal(types_field(t, "struct a", "c"), "36 struct {int32}");
	assert_non_null(strstr(types_field(t, "struct task_struct", "comm"), "string[16]"));
	types_free(t);
}

static void the_scripts_own_win(void **state)
{
	struct types *t = types_new(NULL, false);
	const struct type *of;
	s64 value;

	(void)state;
	assert_int_equal(types_declare(t, "struct task_struct { int x; char comm[4]; };\n"
					  "enum pid_type { PIDTYPE_TGID = 77 };\n"),
			 0);
	assert_string_equal(types_field(t, "struct task_struct", "x"), "0 int32");
	assert_string_equal(types_field(t, "struct task_struct", "comm"), "4 string[5]");
	assert_string_equal(types_field(t, "struct task_struct", "pid"), "none");
	assert_int_equal(type_named(t->world, "struct task_struct")->size, 8);
	assert_true(type_enumerator(t->world, "PIDTYPE_TGID", &value, &of));
	assert_int_equal(value, 77);
	assert_string_equal(type_enum_name(t->world, of, 77), "PIDTYPE_TGID");
	assert_null(type_enum_name(t->world, of, 1));
	assert_null(t->world->kernel.btf);
	types_free(t);
}

static void fields_have_the_languages_types(void **state)
{
	struct types *t = types_new(NULL, false);

	(void)state;
	assert_int_equal(types_declare(t, "struct a { unsigned char uc[4]; signed char sc[4];"
					  " char c[4]; char *p; char **pp; void *v; struct none *n;"
					  " int (*f)(int); int m[2][3]; float fl; char flex[]; }"),
			 0);
	assert_string_equal(types_field(t, "struct a", "uc"), "0 uint8[4]");
	assert_string_equal(types_field(t, "struct a", "sc"), "4 int8[4]");
	assert_string_equal(types_field(t, "struct a", "c"), "8 string[5]");
	assert_string_equal(types_field(t, "struct a", "p"), "16 int8 *");
	assert_string_equal(types_field(t, "struct a", "pp"), "24 int8 * *");
	assert_string_equal(types_field(t, "struct a", "n"), "40 struct none *");
	assert_string_equal(types_field(t, "struct a", "f"), "48 void *");
	assert_string_equal(types_field(t, "struct a", "m"), "56 int32[3][2]");
	assert_string_equal(types_field(t, "struct a", "fl"), "80 none");
	assert_string_equal(types_field(t, "struct a", "flex"), "84 string");
	types_free(t);
}

static void what_cannot_be_read_is_said_with_its_place(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "struct a { no_such_type x; };",
		  "script:1:12-24: ERROR: unknown type name 'no_such_type'" },
		{ "struct a { int x };", "script:1:18-19: ERROR: ';' is expected, not '}'" },
		{ "struct a { int x[-1]; };", "out of bounds" },
		{ "struct a { int x[1 << 40]; };", "out of bounds" },
		{ "struct a { int x : 33; };", "1 to 32 bits" },
		{ "struct a { struct none x; };", "incomplete type 'struct none'" },
		{ "struct a { int x; };\nstruct a { int y; };", "redefinition of 'a'" },
		{ "enum e { A = 1 / 0 };", "division by zero" },
		{ "enum e { A = nothing };", "'nothing' is no constant" },
		{ "#include <none.h>", "'none.h' file not found" },
		{ "#include \"loop.h\"", "nested too deep" },
		{ "#error some words here", "#error some words here" },
		{ "#if 1\n", "#endif is missing" },
		{ "#endif\n", "#endif without #if" },
		{ "#nonsense\n", "unknown directive '#nonsense'" },
		{ "#define 3\n", "a macro's name is expected" },
		{ "#define F(a, 3) x\n", "list of a macro's parameters" },
		{ "#define F(a) a\nstruct a { int x[F(1, 2)]; };", "too many arguments" },
		{ "struct a { long double long x; };", "these words make no type" },
		{ "struct a { void x; };", "a member cannot have this type" },
		{ "struct a { int f(void); };", "a member cannot have this type" },
		{ "struct a { int x __attribute__((aligned(3))); };", "power of two" },
		{ "struct a {", "a bracket is not closed" },
		{ "#include \"bad.h\"\n", "bad.h:2:12-20: ERROR: unknown type name" },
	};
	static const struct header_text headers[] = {
		{ "loop.h", "#include \"loop.h\"\n" },
		{ "bad.h", "\nstruct b { nonsense x; };\n" },
		{},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct types *t = types_new(headers, false);

		assert_int_equal(types_declare(t, cases[i].text), -EINVAL);
		if (!strstr(types_errors(t), cases[i].error))
			fail_msg("%s: %s", cases[i].text, types_errors(t));
		types_free(t);
	}
}

static void bombs_are_refused_in_time(void **state)
{
	struct types *t = types_new(NULL, false);
	struct buf text = {};

	(void)state;
	buf_add_str(&text, "#define X0 x x x x x x x x x x\n");
	for (int i = 1; i < 20; i++)
		buf_printf(&text, "#define X%d X%d X%d X%d X%d X%d X%d X%d X%d X%d X%d\n", i, i - 1,
			   i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	buf_add_str(&text, "X19\n");
	assert_int_equal(types_declare(t, buf_str(&text)), -EINVAL);
	assert_non_null(strstr(types_errors(t), "too large"));
	types_free(t);
	for (const char *c = "([{*-!~"; *c; c++) {
		t = types_new(NULL, false);
		buf_clear(&text);
		buf_add_str(&text, "struct a { int x[");
		buf_add_fill(&text, *c, 100000);
		types_declare(t, buf_str(&text));
		types_free(t);
		t = types_new(NULL, false);
		buf_clear(&text);
		buf_add_str(&text, "struct a { int ");
		buf_add_fill(&text, *c, 100000);
		types_declare(t, buf_str(&text));
		types_free(t);
	}
	t = types_new(NULL, false);
	buf_clear(&text);
	for (int i = 0; i < 10000; i++)
		buf_add_str(&text, "struct { ");
	types_declare(t, buf_str(&text));
	types_free(t);
	buf_free(&text);
}

static void packing_by_pragma_is_kept(void **state)
{
	struct types *t = types_new(NULL, false);

	(void)state;
	assert_int_equal(types_declare(t, "#pragma pack(push, 1)\nstruct a { char c; int x; };\n"
					  "#pragma pack(pop)\nstruct b { char c; int x; };\n"
					  "#pragma pack(2)\nstruct c { char c; int x; };\n"
					  "#pragma pack()\nstruct d { char c; long x; };\n"
					  "#pragma nonsense\n"),
			 0);
	assert_int_equal(type_named(t->world, "struct a")->size, 5);
	assert_int_equal(type_named(t->world, "struct b")->size, 8);
	assert_int_equal(type_named(t->world, "struct c")->size, 6);
	assert_int_equal(type_named(t->world, "struct d")->size, 16);
	types_free(t);
}

TEST_GROUP(test_c)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(macros_are_expanded),
		cmocka_unit_test(conditions_choose),
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(the_kernels_types_can_be_members),
		cmocka_unit_test(the_scripts_own_win),
		cmocka_unit_test(fields_have_the_languages_types),
		cmocka_unit_test(what_cannot_be_read_is_said_with_its_place),
		cmocka_unit_test(bombs_are_refused_in_time),
		cmocka_unit_test(packing_by_pragma_is_kept),
	};

	return cmocka_run_group_tests_name("c", tests, NULL, NULL);
}
