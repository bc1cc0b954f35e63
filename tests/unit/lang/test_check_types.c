// SPDX-License-Identifier: Apache-2.0
/*
 * Which types variables, keys and values get: from literals, operators, assignments of different
 * types, over several probes. The answers are what the reference prints for the same scripts.
 */
#include "unit/lang/check_fixture.h"

struct expectation {
	const char *script, *name, *type;
};

static void expect(const struct expectation *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_checked_ struct checked c;
		const char *type;

		check_open(&c, list[i].script, NULL, 0);
		type = check_type_of(&c, list[i].name);
		if (c.err || strcmp(type, list[i].type) != 0)
			fail_msg("%s\n%s is '%s', not '%s' (%d)\n%s", list[i].script, list[i].name,
				 type, list[i].type, c.err, buf_str(&c.text));
	}
}
#define EXPECT(list) expect(list, ARRAY_SIZE(list))

static void literals_take_the_smallest_signed_type(void **state)
{
	static const struct expectation list[] = {
		{ "BEGIN { $a = 1; }", "$a", "int8" },
		{ "BEGIN { $a = 127; }", "$a", "int8" },
		{ "BEGIN { $a = 128; }", "$a", "int16" },
		{ "BEGIN { $a = 255; }", "$a", "int16" },
		{ "BEGIN { $a = 65536; }", "$a", "int32" },
		{ "BEGIN { $a = 4294967296; }", "$a", "int64" },
		{ "BEGIN { $a = 0xffffffffffffffff; }", "$a", "uint64" },
		{ "BEGIN { $a = -1; }", "$a", "int8" },
		{ "BEGIN { $a = -129; }", "$a", "int16" },
		{ "BEGIN { $a = -9223372036854775808; }", "$a", "int64" },
		{ "BEGIN { $a = 10ms; }", "$a", "int32" },
		{ "BEGIN { $a = true; }", "$a", "bool" },
		{ "BEGIN { $a = \"abc\"; }", "$a", "string[4]" },
		{ "BEGIN { $a = $1; }", "$a", "int8" },
	};

	EXPECT(list);
}

static void assignments_widen(void **state)
{
	static const struct expectation list[] = {
		{ "BEGIN { $a = 1; $a = 300; }", "$a", "int16" },
		{ "BEGIN { @a = 1; @a = 300; }", "@a", "int16" },
		{ "BEGIN { $a = pid; $a = 1; }", "$a", "uint32" },
		{ "BEGIN { $a = 1; $a = pid; }", "$a", "uint32" },
		{ "BEGIN { $a = pid; $a = nsecs; }", "$a", "uint64" },
		{ "BEGIN { $a = pid; $a = (int8)1; }", "$a", "int64" },
		{ "BEGIN { $a = pid; $a = -1; }", "$a", "int64" },
		{ "BEGIN { $a = (uint8)1; $a = -1; }", "$a", "int16" },
		{ "BEGIN { $a = (uint8)1; $a = 300; }", "$a", "uint16" },
		{ "BEGIN { $a = nsecs; $a = -1; }", "$a", "int64" },
		{ "BEGIN { $b = 1; $a = $b; $a = pid; }", "$a", "uint32" },
		{ "BEGIN { $a = \"abc\"; $a = \"abcdef\"; }", "$a", "string[7]" },
		{ "BEGIN { $a = comm; $a = \"abc\"; }", "$a", "string[16]" },
		{ "BEGIN { $a = (1, \"abc\"); $a = (300, \"abcdef\"); }", "$a",
		  "(int16,string[7])" },
		{ "BEGIN { $a = (pid, 1); $a = (-1, 1); }", "$a", "(int64,int8)" },
		{ "BEGIN { $a = 1; $a++; }", "$a", "int64" },
		{ "BEGIN { $a = nsecs; $a++; }", "$a", "uint64" },
		{ "BEGIN { $a = pid; $a--; }", "$a", "int64" },
		{ "BEGIN { $a = (uint32)1; $a += 1; }", "$a", "uint64" },
		{ "BEGIN { $a = (uint32)1; $a -= 1; }", "$a", "int64" },
		{ "BEGIN { let $a: uint8 = 1; $a++; }", "$a", "uint8" },
		{ "BEGIN { let $a: string = \"abc\"; $a = \"abcd\"; }", "$a", "string[5]" },
		{ "BEGIN { $a = true ? 1 : 300; }", "$a", "int8" },
		{ "BEGIN { $a = pid ? 1 : 300; }", "$a", "int16" },
		{ "BEGIN { $a = pid ? (1, \"a\") : (300, \"abc\"); }", "$a", "(int16,string[4])" },
		{ "BEGIN { $a = (int32*)1; $a = (int64*)1; }", "$a", "int64 *" },
	};

	EXPECT(list);
}

static void operators_work_in_64_bits(void **state)
{
	static const struct expectation list[] = {
		{ "BEGIN { $b = (int8)1; $a = $b + $b; }", "$a", "int64" },
		{ "BEGIN { $b = (uint16)1; $a = $b * $b; }", "$a", "uint64" },
		{ "BEGIN { $b = (uint16)1; $a = $b - $b; }", "$a", "int64" },
		{ "BEGIN { $a = nsecs / 2; }", "$a", "uint64" },
		{ "BEGIN { $a = nsecs + -1; }", "$a", "int64" },
		{ "BEGIN { $a = pid << 2; }", "$a", "uint64" },
		{ "BEGIN { $a = pid == 2; }", "$a", "bool" },
		{ "BEGIN { $a = pid && comm == \"a\"; }", "$a", "bool" },
		{ "BEGIN { $a = -pid; }", "$a", "uint64" },
		{ "BEGIN { $b = 5; $a = ~$b; }", "$a", "int64" },
		{ "BEGIN { $a = !pid; }", "$a", "bool" },
		{ "BEGIN { $a = (int32*)1 + 1; }", "$a", "int32 *" },
		{ "BEGIN { $b = true; $a = $b + 1; }", "$a", "uint64" },
		{ "BEGIN { $a = PIDTYPE_PID + 1; }", "$a", "uint64" },
		{ "BEGIN { $a = PIDTYPE_PID; }", "$a", "enum pid_type" },
	};

	EXPECT(list);
}

static void maps_are_typed_over_all_probes(void **state)
{
	static const struct expectation list[] = {
		{ "BEGIN { $a = @x; } END { @x = pid; }", "$a", "uint32" },
		{ "BEGIN { @a = @b; @b = @c; @c = nsecs; }", "@a", "uint64" },
		{ "BEGIN { @a[1] = 1; @a[nsecs] = 1; }", "@a", "[uint64] int8" },
		{ "BEGIN { @a[pid, 1] = 1; @a[1, pid] = 2; }", "@a", "[(uint32,uint32)] int8" },
		{ "BEGIN { @a[\"abc\"] = 1; @a[comm] = 2; }", "@a", "[string[16]] int8" },
		{ "BEGIN { @a++; }", "@a", "int64" },
		{ "BEGIN { @a++; @a = nsecs; }", "@a", "uint64" },
		{ "BEGIN { @a += 5; }", "@a", "int64" },
		{ "BEGIN { @a += 5; @a = (uint64)1; }", "@a", "uint64" },
		{ "BEGIN { @a = @b; }", "@a", "int8" },
		{ "BEGIN { @a = count(); }", "@a", "count_t" },
		{ "BEGIN { @a[comm] = hist(5); }", "@a", "[string[16]] hist_t" },
		{ "BEGIN { @c = count(); $a = @c; }", "$a", "uint64" },
		{ "BEGIN { @c = sum(-5); $a = @c; }", "$a", "int64" },
		{ "BEGIN { @c = sum(pid); $a = @c + 1; }", "$a", "uint64" },
		{ "BEGIN { @m[1] = 2; for ($a : @m) { print($a.0); } }", "$a", "(int8,int8)" },
		{ "BEGIN { @m[1, \"ab\"] = (1, 2); for ($a : @m) { } }", "$a",
		  "((int8,string[3]),(int8,int8))" },
		{ "BEGIN { @m[1] = count(); for ($a : @m) { } }", "$a", "(int8,uint64)" },
		{ "BEGIN { for ($a : 0..5) { } }", "$a", "int8" },
		{ "BEGIN { for ($a : 0..pid) { } }", "$a", "uint32" },
	};

	EXPECT(list);
}

static void things_inside_things_have_types(void **state)
{
	static const struct expectation list[] = {
		{ "BEGIN { $t = (1, (pid, \"a\")); $a = $t.1.1; }", "$a", "string[2]" },
		{ "BEGIN { $t = (1, pid); $a = $t[1]; }", "$a", "uint32" },
		{ "BEGIN { $t = (a=1, b=(c=pid)); $a = $t.b.c; }", "$a", "uint32" },
		{ "BEGIN { $a = comm[0]; }", "$a", "int8" },
		{ "BEGIN { $x = (int8[4])1; $a = $x[0]; }", "$a", "int8" },
		{ "BEGIN { $a = (int8[])\"abc\"; }", "$a", "int8[4]" },
		{ "BEGIN { $a = curtask->pid; }", "$a", "int32" },
		{ "BEGIN { $a = curtask.comm; }", "$a", "string[16]" },
		{ "BEGIN { $a = curtask->se.load.weight; }", "$a", "uint64" },
		{ "BEGIN { $a = *curtask; }", "$a", "struct task_struct" },
		{ "BEGIN { $x = 1; $a = &$x; }", "$a", "int8 *" },
		{ "BEGIN { $x = 1; $p = &$x; $a = *$p; }", "$a", "int8" },
		{ "BEGIN { $a = sizeof(uint64); }", "$a", "int8" },
		{ "BEGIN { $x = pid; let $a: typeof($x) = 5; }", "$a", "uint32" },
		{ "struct foo { int a; struct foo *next; char b[8]; };"
		  "BEGIN { $a = ((struct foo *)0)->next->next->b; }",
		  "$a", "string[9]" },
		{ "BEGIN { $a = { let $y = 1; $y + 1 }; }", "$a", "int64" },
	};

	EXPECT(list);
}

static void variables_of_callbacks_are_in_memory(void **state)
{
	static const struct {
		const char *script, *name;
		bool in_memory;
	} list[] = {
		{ "BEGIN { $a = 1; @m[1] = 1; for ($kv : @m) { $a += 1; } }", "$a", true },
		{ "BEGIN { $a = 1; @m[1] = 1; for ($kv : @m) { @x = $a; } }", "$a", true },
		{ "BEGIN { $a = 1; @m[1] = 1; for ($kv : @m) { $b = 1; } }", "$a", false },
		{ "BEGIN { @m[1] = 1; for ($kv : @m) { $b = 1; $b++; } }", "$b", false },
		{ "BEGIN { $a = 1; for ($i : 0..5) { $a += $i; } }", "$a", true },
		{ "BEGIN { for ($i : 0..5) { for ($j : 0..5) { @x = $i; } } }", "$i", true },
		{ "BEGIN { for ($i : 0..5) { for ($j : 0..5) { @x = $j; } } }", "$j", false },
		{ "BEGIN { $a = 1; while ($a < 5) { $a++; } }", "$a", true },
		{ "BEGIN { $a = 1; $p = &$a; }", "$a", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		_cleanup_checked_ struct checked c;
		const struct variable *v;

		check_open(&c, list[i].script, NULL, 0);
		v = check_variable_named(&c, list[i].name);
		if (c.err || !v || v->in_memory != list[i].in_memory)
			fail_msg("%s: %s\n%s", list[i].script, list[i].name, buf_str(&c.text));
	}
}

static void maps_have_forms_and_sizes(void **state)
{
	_cleanup_checked_ struct checked c;
	const struct map *m;

	check_open(&c,
		   "config = { max_map_keys = 77 } let @l = lruhash(10);"
		   "BEGIN { @s = 1; @k[1, \"ab\"] = pid; @c = count(); @h[comm] = hist(1); "
		   "@l[1] = 2; }",
		   NULL, 0);
	assert_int_equal(c.err, 0);
	m = check_map_named(&c, "@s");
	assert_int_equal(m->form, MAP_SCALAR);
	assert_null(m->key);
	assert_int_equal(m->value_size, 8);
	assert_int_equal(m->set_offset, 8);
	assert_int_equal(m->stride, 16);
	assert_int_equal(m->max_entries, 1);
	m = check_map_named(&c, "@k");
	assert_int_equal(m->form, MAP_HASH);
	assert_int_equal(m->key_size, 8);
	assert_int_equal(m->max_entries, 77);
	m = check_map_named(&c, "@c");
	assert_int_equal(m->form, MAP_SCALAR_PER_CPU);
	assert_int_equal(m->stride % 64, 0);
	m = check_map_named(&c, "@h");
	assert_int_equal(m->form, MAP_PER_CPU_HASH);
	assert_int_equal(m->key_size, 16);
	m = check_map_named(&c, "@l");
	assert_int_equal(m->form, MAP_LRU);
	assert_int_equal(m->max_entries, 10);
}

TEST_GROUP(test_check_types)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_take_the_smallest_signed_type),
		cmocka_unit_test(assignments_widen),
		cmocka_unit_test(operators_work_in_64_bits),
		cmocka_unit_test(maps_are_typed_over_all_probes),
		cmocka_unit_test(things_inside_things_have_types),
		cmocka_unit_test(variables_of_callbacks_are_in_memory),
		cmocka_unit_test(maps_have_forms_and_sizes),
	};

	return cmocka_run_group_tests_name("check types", tests, NULL, NULL);
}
