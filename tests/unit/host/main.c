// SPDX-License-Identifier: Apache-2.0
/* The tests of src/host: one group for each part. */
#include "groups.h"

#include "base/base.h"

int main(void)
{
	static int (*const groups[])(void) = {
		test_parse,	    test_cache,	      test_cgroup_path, test_cgroup,
		test_container,	    test_process,     test_columns,	test_names,
		test_symbol_kernel, test_symbol_user, test_mapping,
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		failed += groups[i]();
	return failed != 0;
}
