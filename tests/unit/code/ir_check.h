/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the intermediate representation: compile, run in the machine, compare. */
#pragma once

#include "run_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static inline void check_free(struct ir_module **m)
{
	ir_module_freep(m);
}
#define _cleanup_module_ _cleanup_(check_free)

/* Compiles; fails the test with the reason. */
static inline void check_compile(const struct ir_module *m, u32 main, bool signed_loads,
				 struct ir_program *ret)
{
	struct ir_target target = { .signed_loads = signed_loads };

	if (ir_compile(m, main, &target, ret))
		fail_msg("%s", error_text());
}

/* What was compiled, with both kinds of target, does what the interpreter does: its result. */
static inline u64 check_same(const struct ir_module *m, u32 main, const void *memory, size_t size)
{
	u8 wanted[1024], got[1024];
	static struct run run;
	u64 result = 0, compiled;

	assert_true(size <= sizeof(got));
	memcpy(wanted, memory, size);
	if (ir_interpret(m, main, wanted, size, 1000000, &result))
		fail_msg("%s", error_text());
	for (unsigned i = 0; i < 2; i++) {
		_cleanup_ir_program_ struct ir_program p = {};

		check_compile(m, main, i, &p);
		memcpy(got, memory, size);
		compiled = run_program(&run, &p, got, size, 10000000);
		if (run.error)
			fail_msg("%s", run.error);
		/* Addresses differ, so results that are addresses are not for this. */
		assert_int_equal(compiled, result);
		assert_memory_equal(got, wanted, size);
	}
	return result;
}
