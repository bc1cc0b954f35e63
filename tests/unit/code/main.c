// SPDX-License-Identifier: Apache-2.0
/*
 * The tests of src/code: the assembler by running what it wrote, the disassembler by a table, the
 * compiler against the interpreter of its own source.
 */
#include "groups.h"

#include "base/base.h"

int main(void)
{
	static int (*const groups[])(
		void) = { test_assemble,      test_disassemble, test_ir_build,
			  test_ir_operations, test_ir_compile,	test_ir_random };
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		failed += groups[i]();
	return failed != 0;
}
