// SPDX-License-Identifier: Apache-2.0
/*
 * The table of built-ins: every row can be found, is documented and does something; and formats of
 * printf are taken apart as the reference does it.
 */
#include "lang/builtins/format.h"
#include "lang/check/builtin.h"
#include "unit/lang/groups.h"

static void every_row_is_whole(void **state)
{
	for (size_t i = 0; i < builtin_count; i++) {
		const struct builtin *b = &builtins[i];
		u32 sort = b->flags & (BUILTIN_VARIABLE | BUILTIN_FUNCTION | BUILTIN_AGGREGATION);

		assert_non_null(b->usage);
		assert_non_null(strstr(b->usage, b->name));
		assert_non_null(b->help);
		assert_true(strlen(b->help) > 5);
		assert_true(sort != 0);
		assert_true(b->check || b->type);
		assert_true(b->min <= b->max);
		assert_ptr_equal(builtin_find(b->name, sort), b);
		if (b->flags & BUILTIN_AGGREGATION)
			assert_non_null(b->update);
		else
			assert_null(b->update);
	}
}

static void what_is_unsafe_says_so(void **state)
{
	static const char *const names[] = { "system", "signal", "signal_thread", "override",
					     "write_user" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(builtin_find(names[i], BUILTIN_FUNCTION)->flags & BUILTIN_UNSAFE);
	assert_false(builtin_find("printf", BUILTIN_FUNCTION)->flags & BUILTIN_UNSAFE);
}

static void sorts_are_told_apart(void **state)
{
	assert_null(builtin_find("cpu", BUILTIN_FUNCTION | BUILTIN_AGGREGATION));
	assert_null(builtin_find("count", BUILTIN_VARIABLE));
	assert_non_null(builtin_find("pid", BUILTIN_VARIABLE));
	assert_non_null(builtin_find("pid", BUILTIN_FUNCTION));
	assert_null(builtin_find("nothing", ~0U));
	assert_string_equal(builtin_suggest("prntf", BUILTIN_FUNCTION), "printf");
}

static void conversions_are_found(void **state)
{
	static const struct {
		const char *format;
		unsigned count;
		const char *last;
	} formats[] = {
		{ "", 0, "" },		 { "%", 0, "" },	 { "%%", 0, "" },
		{ "%d", 1, "d" },	 { "100%% %s", 1, "s" }, { "%-5d|%05d", 2, "d" },
		{ "%lld %hhx", 2, "x" }, { "%.3s", 1, "s" },	 { "%rx", 1, "rx" },
		{ "%rh%r", 2, "r" },	 { "%gr", 1, "gr" },	 { "%q %y", 0, "" },
		{ "%5%", 0, "" },	 { "%n", 1, "n" },	 { "%+ #0d", 1, "d" },
		{ "%zu%ju%tu", 3, "u" }, { "%l", 0, "" },	 { "%-", 0, "" },
		{ "%q%d", 1, "d" },	 { "%r", 1, "r" },	 { "%ls", 1, "s" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct conversion v = { .letters = "" };
		const char *p = formats[i].format;
		unsigned count = 0;

		for (; format_next(p, &v); p = v.end)
			count++;
		assert_int_equal(count, formats[i].count);
		if (count)
			assert_memory_equal(v.letters, formats[i].last, v.len);
	}
}

TEST_GROUP(test_builtin_table)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(what_is_unsafe_says_so),
		cmocka_unit_test(sorts_are_told_apart),
		cmocka_unit_test(conversions_are_found),
	};

	return cmocka_run_group_tests_name("built-ins' table", tests, NULL, NULL);
}
