// SPDX-License-Identifier: Apache-2.0
/*
 * From trees to code that runs: values, memory, maps, records and loops, in the forms for old and
 * new kernels. What is expected is what the oracle prints.
 */
#include "unit/lang/lower_fixture.h"

#define END "\n\n"

static void arithmetic_has_64_bits(void **state)
{
	(void)state;
	lower_expect("begin { $a = (int64)-7; $b = (int64)2; $u = (uint64)7; $e = (int32)-1;"
		     "printf(\"%lld %lld %lld\\n\", $a / $b, $a % $b, $a >> 1);"
		     "print(($a + 1) * -3); print($u - 10); print($e >> 4); print($e % 10);"
		     "print($a ^ 1); print($b << 3); print($a & 0xff); exit(); }",
		     KERNEL_RUNNING,
		     "9223372036854775804 1 9223372036854775804\n18\n-3\n"
		     "1152921504606846975\n5\n-8\n16\n249\n" END);
}

static void casts_cut_and_extend(void **state)
{
	(void)state;
	lower_expect("begin { $e = (int32)-1; $d = (uint8)250; print((uint16)$e); print((int64)$d);"
		     "print((int8)$d); print((uint8)300); $a = (uint8[4])0x01020304; print($a);"
		     "print($a[1]); print((uint32)$a); exit(); }",
		     KERNEL_RUNNING, "65535\n250\n-6\n44\n[4,3,2,1]\n3\n16909060\n" END);
}

static void comparisons_are_unsigned_where_both_sides_are(void **state)
{
	(void)state;
	lower_expect("begin { $u = (uint64)-1; $i = (int64)5; $v = (uint64)6;"
		     "print($u > 5); print($u > $i); print($u > $v); print($u < 0);"
		     "print(!$i); print($i && $u); print(!$i || !$u); exit(); }",
		     KERNEL_RUNNING, "true\nfalse\ntrue\nfalse\nfalse\ntrue\nfalse\n" END);
}

static void division_by_zero_gives_one(void **state)
{
	(void)state;
	lower_expect_everywhere("begin { $z = (uint64)0; print(7 / $z); print(7 % $z); exit(); }",
				"1\n1\n" END);
}

static void strings_are_compared_to_their_end(void **state)
{
	(void)state;
	lower_expect_everywhere(
		"begin { $s = \"hello\"; print($s == \"hello\"); print($s == \"hell\");"
		"print($s == \"helloworld\"); @m = \"abcdefghi\"; print(@m == $s); @m = $s;"
		"print(@m == $s); print(@m != \"hello\"); print($s[1]); exit(); }",
		"true\nfalse\nfalse\nfalse\ntrue\nfalse\n101\n" END "@m: hello\n");
}

static void long_strings_are_compared_in_a_loop(void **state)
{
	char text[1024], a[201];

	(void)state;
	memset(a, 'x', 200);
	a[200] = '\0';
	snprintf(text, sizeof(text),
		 "begin { @a = \"%s\"; @b = \"%s\"; print(@a == @b); @b = \"%.199sy\";"
		 "print(@a == @b); @b = \"xxx\"; print(@a == @b); delete(@a); delete(@b);"
		 "exit(); }",
		 a, a, a);
	lower_expect_everywhere(text, "true\nfalse\nfalse\n" END);
}

static void tuples_are_built_compared_and_taken_apart(void **state)
{
	(void)state;
	lower_expect_everywhere("begin { $t = (1, (2, \"x\")); print($t); print($t.1.1);"
				"@k[$t] = 5; print(@k[1, (2, \"x\")]); print((1, 2) == (1, 2));"
				"print((1, 2) == (1, 3)); clear(@k); exit(); }",
				"(1, (2, x))\nx\n5\ntrue\nfalse\n" END);
}

static void maps_count_atomically(void **state)
{
	(void)state;
	lower_expect_everywhere(
		"begin { print(@s++); print(++@s); @s += 5; @s--; $s = @s; print($s);"
		"@k[1]++; @k[1] += 2; @k[1] <<= 2; $x = @k[1]; print($x);"
		"print(@k[7]); print(delete(@k, 1)); print(has_key(@k, 1));"
		"delete(@s); exit(); }",
		"0\n2\n6\n12\n0\ntrue\nfalse\n" END);
}

static void aggregations_are_summed_over_all_cpus(void **state)
{
	(void)state;
	lower_expect("begin { @c = count(); @c = count(); @a = avg(3); @a = avg(6); @i = min(-3);"
		     "@i = min(2); @x[1] = max(5); @x[1] = max(4); if (@c > 1) { print(\"more\"); }"
		     "print((int64)@c); print((int64)@a); print((int64)@i); print(@x[1] * 2);"
		     "clear(@c); clear(@a); clear(@i); clear(@x); exit(); }",
		     KERNEL_RUNNING, "more\n2\n4\n-3\n10\n" END);
	lower_expect_error("begin { @x[1] = max(5); print(@x[1] * 2); }", KERNEL_5_10,
			   "needs Linux 5.19");
}

static void loops_end_break_and_continue(void **state)
{
	(void)state;
	lower_expect_everywhere(
		"begin { $sum = 0; for ($i : 0..100) { $sum += $i; if ($i == 50) { break; } }"
		"print($sum); $c = 0; $n = 10; for ($i : 0..$n) { for ($j : 0..$i) { $c++; } }"
		"print($c); $s = \"a\"; for ($i : 0..3) { $s = \"b\"; } print($s);"
		"for ($i : 5..2) { print(0); } unroll(3) { $c++; } print($c);"
		"for ($i : 0..9) { if ($i % 2) { continue; } @odd += $i; } $o = @odd; print($o);"
		"delete(@odd); exit(); }",
		"1275\n45\nb\n48\n20\n" END);
}

static void a_return_in_a_loop_ends_the_probe(void **state)
{
	(void)state;
	lower_expect("begin { while (1) { $x = 0; while (1) { $x++; if ($x > 20) { print($x);"
		     "exit(); } } } print(7); }",
		     KERNEL_RUNNING, "21\n" END);
}

static void more_variables_than_registers_and_stack(void **state)
{
	_cleanup_buf_ struct buf text = {};

	(void)state;
	buf_add_str(&text, "begin { ");
	for (int i = 0; i < 100; i++)
		buf_printf(&text, "$v%d = nsecs * 0 + %d;", i, i);
	buf_add_str(&text, "print($v0");
	for (int i = 1; i < 100; i++)
		buf_printf(&text, " + $v%d", i);
	buf_add_str(&text, "); exit(); }");
	lower_expect_everywhere(buf_str(&text), "4950\n" END);
}

static void loops_over_maps_see_every_pair(void **state)
{
	static const char text[] =
		"begin { @m[1] = 10; @m[2] = 20; @m[3] = 30; $t = 0;"
		"for ($kv : @m) { $t += $kv.1 * $kv.0; } print($t);"
		"@c[\"a\"] = sum(5); for ($kv : @c) { print(($kv.0, $kv.1)); } clear(@m);"
		"clear(@c); exit(); }";

	(void)state;
	lower_expect(text, KERNEL_RUNNING, "140\n(a, 5)\n" END);
	lower_expect(text, KERNEL_6_1, "140\n(a, 5)\n" END);
	lower_expect_error(text, KERNEL_5_10, "needs Linux 5.13");
}

static void records_carry_long_texts_at_their_length(void **state)
{
	char text[600], a[301], expected[700];

	(void)state;
	memset(a, 'y', 300);
	a[300] = '\0';
	snprintf(text, sizeof(text),
		 "begin { $s = \"%s\"; printf(\"%%s %%d %%s\\n\", $s, 7, $s); exit(); }", a);
	snprintf(expected, sizeof(expected), "%s 7 %s\n" END, a, a);
	lower_expect_everywhere(text, expected);
}

static void values_are_taken_before_they_change(void **state)
{
	(void)state;
	lower_expect_everywhere("begin { $x = 1; printf(\"%d %d %d\\n\", $x, $x++, $x);"
				"print($x + $x++ + $x); exit(); }",
				"1 1 2\n7\n" END);
}

static void common_programs_are_short(void **state)
{
	(void)state;
	/* up to the call behind which the element is there: the rest makes it */
	assert_in_range(lower_size("rawtracepoint:sys_enter { @[comm] = count(); }"), 10, 70);
	assert_in_range(lower_size("rawtracepoint:sys_enter { if (pid == 1) { @ = 1 } }"), 5, 10);
	assert_in_range(lower_size("rawtracepoint:sys_enter { @ = count(); }"), 5, 14);
	assert_in_range(lower_size("rawtracepoint:sys_enter { @++; }"), 3, 8);
}

TEST_GROUP(test_lower)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic_has_64_bits),
		cmocka_unit_test(casts_cut_and_extend),
		cmocka_unit_test(comparisons_are_unsigned_where_both_sides_are),
		cmocka_unit_test(division_by_zero_gives_one),
		cmocka_unit_test(strings_are_compared_to_their_end),
		cmocka_unit_test(long_strings_are_compared_in_a_loop),
		cmocka_unit_test(tuples_are_built_compared_and_taken_apart),
		cmocka_unit_test(maps_count_atomically),
		cmocka_unit_test(aggregations_are_summed_over_all_cpus),
		cmocka_unit_test(loops_end_break_and_continue),
		cmocka_unit_test(a_return_in_a_loop_ends_the_probe),
		cmocka_unit_test(more_variables_than_registers_and_stack),
		cmocka_unit_test(loops_over_maps_see_every_pair),
		cmocka_unit_test(records_carry_long_texts_at_their_length),
		cmocka_unit_test(values_are_taken_before_they_change),
		cmocka_unit_test(common_programs_are_short),
	};

	return cmocka_run_group_tests_name("lower", tests, NULL, NULL);
}
