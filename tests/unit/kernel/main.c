// SPDX-License-Identifier: Apache-2.0
/* The tests of src/kernel: one group for each part. */
#include "groups.h"

#include "base/base.h"

int main(void)
{
	static int (*const groups[])(void) = {
		test_features, test_hook,   test_inventory, test_kernel_btf,
		test_object,   test_printk, test_ring,	    test_verifier,
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		failed += groups[i]();
	return failed != 0;
}
