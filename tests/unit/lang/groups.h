/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tests of the compiler. Many files, written side by side: so no list has to name them. A file
 * of tests ends with its group, which main() finds by itself; it returns the number of failures:
 *
 *	TEST_GROUP(test_source)
 *	{
 *		const struct CMUnitTest tests[] = {cmocka_unit_test(places_are_counted_from_one)};
 *
 *		return cmocka_run_group_tests_name("source", tests, NULL, NULL);
 *	}
 */
#pragma once

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef int (*test_group)(void);

/* The pointers lie side by side in a section of their own, in the order of the files' names. */
#define TEST_GROUP(name)                                                                           \
	static int name(void);                                                                     \
	static const test_group name##_entry __attribute__((used, section("test_groups"))) = name; \
	static int name(void)
