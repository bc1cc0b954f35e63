// SPDX-License-Identifier: Apache-2.0
/* The tests of src/cli: one group for each part. */
#include "groups.h"

#include "base/base.h"

int main(void)
{
	static int (*const groups[])(void) = {
		test_completion,
		test_grid,
		test_help,
		test_options,
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		failed += groups[i]();
	return failed != 0;
}
