// SPDX-License-Identifier: Apache-2.0
/* The tests of src/code: the assembler by running what it wrote, the disassembler by a table. */
#include "groups.h"

#include "base/base.h"

int main(void)
{
	static int (*const groups[])(void) = { test_assemble, test_disassemble };
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		failed += groups[i]();
	return failed != 0;
}
