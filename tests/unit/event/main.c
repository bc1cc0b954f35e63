// SPDX-License-Identifier: Apache-2.0
/* The tests of src/event: one group for each part. */
#include "groups.h"

#include "base/base.h"

int main(void)
{
	static int (*const groups[])(void) = {
		test_tags,
		test_schema,
		test_mask,
		test_table,
		test_bus,
		test_operator,
		test_writer,
		test_writer_table,
		test_writer_shapes,
		test_expression,
		test_expression_errors,
		test_expression_random,
		test_expression_kernel,
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		failed += groups[i]();
	return failed != 0;
}
