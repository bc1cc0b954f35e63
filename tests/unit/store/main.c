// SPDX-License-Identifier: Apache-2.0
/* The tests of src/store: one group for each part. */
#include "fixture.h"

int main(void)
{
	int failed = run_store_tests();

	failed += run_retention_tests();
	failed += run_value_tests();
	failed += run_query_tests();
	failed += run_damage_tests();
	return failed != 0;
}
