// SPDX-License-Identifier: Apache-2.0
/* Tables and JSON that commands print themselves. */
#include "cli/grid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "groups.h"

static const struct grid_column columns[] = { { "ID", true },
					      { "NAME", false },
					      { "WHERE", false } };

static void print(struct grid *g, unsigned width, char *ret, size_t size)
{
	FILE *file = tmpfile();
	size_t n;

	assert_non_null(file);
	assert_int_equal(grid_print(g, width, file), 0);
	rewind(file);
	n = fread(ret, 1, size - 1, file);
	ret[n] = '\0';
	fclose(file);
}

static void columns_are_aligned(void **state UNUSED)
{
	_cleanup_grid_ struct grid g = { .columns = columns, .column_count = ARRAY_SIZE(columns) };
	char text[1024];

	grid_cell(&g, "%u", 7);
	grid_cell_safe(&g, "a\033[31mb");
	grid_cell_safe(&g, "here");
	grid_cell(&g, "%u", 12345);
	grid_cell_safe(&g, "c\n");
	grid_cell_safe(&g, "");
	print(&g, 0, text, sizeof(text));
	assert_string_equal(text, "   ID  NAME        WHERE\n"
				  "    7  a\\x1b[31mb  here\n"
				  "12345  c\\n\n");
}

static void the_last_column_is_cut(void **state UNUSED)
{
	_cleanup_grid_ struct grid g = { .columns = columns, .column_count = ARRAY_SIZE(columns) };
	char text[1024];

	grid_cell(&g, "1");
	grid_cell(&g, "name");
	grid_cell_safe(&g, "a path that is much too long for this");
	print(&g, 24, text, sizeof(text));
	assert_string_equal(text, "ID  NAME  WHERE\n"
				  " 1  name  a path that is\n");
	/* no room at all: not cut to nothing */
	print(&g, 8, text, sizeof(text));
	assert_non_null(strstr(text, "much too long"));
}

static void an_empty_table_has_its_titles(void **state UNUSED)
{
	_cleanup_grid_ struct grid g = { .columns = columns, .column_count = ARRAY_SIZE(columns) };
	char text[256];

	print(&g, 80, text, sizeof(text));
	assert_string_equal(text, "ID  NAME  WHERE\n");
}

static void json_has_its_commas(void **state UNUSED)
{
	_cleanup_buf_ struct buf b = { 0 };

	for (int i = 0; i < 2; i++) {
		json_open(&b, NULL, '{');
		json_text(&b, "a", "{");
		json_open(&b, "list", '[');
		json_number(&b, NULL, 1);
		json_number(&b, NULL, 2);
		json_close(&b, ']');
		json_open(&b, "none", '[');
		json_close(&b, ']');
		json_text(&b, "n", NULL);
		json_bool(&b, "t", true);
		json_close(&b, '}');
		buf_add_char(&b, '\n');
	}
	assert_string_equal(buf_str(&b),
			    "{\"a\":\"{\",\"list\":[1,2],\"none\":[],\"n\":null,\"t\":true}\n"
			    "{\"a\":\"{\",\"list\":[1,2],\"none\":[],\"n\":null,\"t\":true}\n");
}

int test_grid(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(the_last_column_is_cut),
		cmocka_unit_test(an_empty_table_has_its_titles),
		cmocka_unit_test(json_has_its_commas),
	};

	return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
