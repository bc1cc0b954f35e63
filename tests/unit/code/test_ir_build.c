// SPDX-License-Identifier: Apache-2.0
/* Building the intermediate representation: its text, its slots, and the errors that stick. */
#include "groups.h"
#include "ir_check.h"

static const struct ir_target plain;

static void test_text(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "probe", 1), *g;
	u32 yes = ir_block(f), no = ir_block(f), slot = ir_slot(f, 12);
	ir_reg v = ir_load(f, 4, true, ir_argument(f, 0), 8), one = ir_const(f, 1);
	ir_reg at = ir_slot_address(f, slot, 4), t;
	_cleanup_buf_ struct buf b = {};

	ir_comment(f, "a comment of %d", 7);
	ir_branch_imm(f, IR_SLT, 32, v, -7, yes, no);
	ir_at(f, no);
	ir_store(f, 8, at, -8, v);
	ir_store_imm(f, 2, at, 0, 3);
	t = ir_binary(f, IR_SHR, 64, ir_binary_imm(f, IR_MOD, 32, v, 10), one);
	ir_set(f, v, ir_negate(f, 32, ir_extend(f, 8, true, ir_byte_swap(f, 16, t))));
	ir_atomic(f, 4, BPF_OR | BPF_FETCH, at, 0, v, 0);
	ir_atomic(f, 8, BPF_CMPXCHG, at, 0, v, one);
	ir_may_goto(f, yes, no);
	ir_at(f, yes);
	ir_call(f, BPF_FUNC_map_delete_elem, 2, (ir_reg[]){ ir_map(f, 3), at });
	ir_call_kernel(f, 1234, 1, &v);
	t = ir_call_function(f, 1, 2, (ir_reg[]){ v, ir_map_value(f, 2, 16) });
	ir_return(f, ir_compare(f, IR_SET, 64, t, ir_function_address(f, 1)));
	g = ir_function_new(m, "second", 2);
	ir_return_imm(g, -1);
	assert_int_equal(ir_error(m), 0);
	ir_print(m, &b);
	assert_string_equal(buf_str(&b), "function 0 probe(%1)\n"
					 "slot 0: 16 bytes at -16\n"
					 "block 0:\n"
					 "\t%2 = s32 [%1 + 8]\n"
					 "\t%3 = 1\n"
					 "\t%4 = slot 0 + 4\n"
					 "\t; a comment of 7\n"
					 "\tif %2 s<w -7 goto 1 else 2\n"
					 "block 2:\n"
					 "\tu64 [%4 - 8] = %2\n"
					 "\tu16 [%4] = 3\n"
					 "\t%5 = %2 %w 10\n"
					 "\t%6 = %5 >> %3\n"
					 "\t%7 = swap16 %6\n"
					 "\t%8 = s8 %7\n"
					 "\t%9 = -w %8\n"
					 "\t%2 = %9\n"
					 "\t%10 = atomic or u32 [%4], %2\n"
					 "\t%11 = atomic compare-exchange u64 [%4], %2 if %3\n"
					 "\tmay goto 1 else 2\n"
					 "block 1:\n"
					 "\t%12 = map 3\n"
					 "\t%13 = bpf_map_delete_elem(%12, %4)\n"
					 "\t%14 = kernel function 1234(%2)\n"
					 "\t%15 = value of map 2 + 16\n"
					 "\t%16 = second(%2, %15)\n"
					 "\t%17 = function second\n"
					 "\t%18 = %16 has %17\n"
					 "\treturn %18\n"
					 "\n"
					 "function 1 second(%1, %2)\n"
					 "block 0:\n"
					 "\treturn -1\n");
}

static void test_slots(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "slots", 0);
	u32 a = ir_slot(f, 8), b = ir_slot(f, 20);

	assert_int_equal(ir_slots_size(f), 32);
	ir_slot_release(f, a);
	/* Too large for the gap that a has left, then one that fits it. */
	ir_slot(f, 16);
	assert_int_equal(ir_slots_size(f), 48);
	ir_slot(f, 1);
	assert_int_equal(ir_slots_size(f), 48);
	ir_slot_release(f, b);
	ir_slot(f, 24);
	assert_int_equal(ir_slots_size(f), 48);
	ir_return_imm(f, 0);
	assert_int_equal(ir_error(m), 0);
}

static void test_ended(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "ended", 1);
	_cleanup_ir_program_ struct ir_program p = {};

	assert_false(ir_ended(f));
	ir_return_imm(f, 3);
	assert_true(ir_ended(f));
	/* Never reached: left out, and no error. */
	ir_store_imm(f, 8, ir_argument(f, 0), 0, 1);
	ir_return_imm(f, 4);
	check_compile(m, 0, false, &p);
	assert_int_equal(p.count, 2);
	assert_int_equal(p.insns[0].imm, 3);
}

static int compile_error(const struct ir_module *m, const char *words)
{
	_cleanup_ir_program_ struct ir_program p = {};
	int err = ir_compile(m, 0, &plain, &p);

	assert_null(p.insns);
	if (!strstr(error_text(), words))
		fail_msg("\"%s\" in place of \"%s\"", error_text(), words);
	return err;
}

typedef void (*mistake)(struct ir_function *f);

static void no_such_register(struct ir_function *f)
{
	ir_binary(f, IR_ADD, 64, 1, 77);
}
static void no_such_block(struct ir_function *f)
{
	ir_jump(f, 77);
}
static void no_such_slot(struct ir_function *f)
{
	ir_slot_address(f, 0, 0);
}
static void wrong_bits(struct ir_function *f)
{
	ir_binary(f, IR_ADD, 16, 1, 1);
}
static void wrong_size(struct ir_function *f)
{
	ir_load(f, 3, false, 1, 0);
}
static void six_arguments(struct ir_function *f)
{
	ir_call(f, 1, 6, (ir_reg[]){ 1, 1, 1, 1, 1, 1 });
}
static void no_such_argument(struct ir_function *f)
{
	ir_argument(f, 1);
}
static void no_register(struct ir_function *f)
{
	ir_return(f, 0);
}

static void test_sticky(void **state)
{
	static const struct {
		mistake make;
		const char *words;
	} mistakes[] = {
		{ no_such_register, "no register of the function" },
		{ no_such_block, "a block that does not exist" },
		{ no_such_slot, "a slot that does not exist" },
		{ wrong_bits, "other than 32 or 64 bits" },
		{ wrong_size, "other than 1, 2, 4 or 8 bytes" },
		{ six_arguments, "more than five arguments" },
		{ no_such_argument, "an argument that the function does not have" },
		{ no_register, "no register of the function" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(mistakes); i++) {
		_cleanup_module_ struct ir_module *m = ir_module_new();
		struct ir_function *f = ir_function_new(m, "f", 1);
		struct ir_program p = {};

		mistakes[i].make(f);
		assert_int_equal(ir_error(m), -EINVAL);
		/* The first one counts; what follows does nothing. */
		wrong_bits(f);
		assert_int_equal(ir_const(f, 1), 0);
		assert_int_equal(ir_call(f, 1, 0, NULL), 0);
		ir_return_imm(f, 0);
		assert_int_equal(compile_error(m, mistakes[i].words), -EINVAL);
		assert_int_equal(ir_compile(m, 5, &plain, &p), -EINVAL);
	}
}

static void test_late_errors(void **state)
{
	struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "f", 1);

	ir_jump(f, ir_block(f));
	assert_int_equal(compile_error(m, "f: block 1 has no end"), -EINVAL);
	m = ir_module_free(m);

	m = ir_module_new();
	f = ir_function_new(m, "f", 1);
	ir_return(f, ir_new(f));
	assert_int_equal(compile_error(m, "register 2 is read where it may not have been set"),
			 -EINVAL);
	m = ir_module_free(m);

	m = ir_module_new();
	f = ir_function_new(m, "f", 1);
	ir_return(f, ir_call_function(f, 0, 1, (ir_reg[]){ 1 }));
	assert_int_equal(compile_error(m, "in a circle"), -EINVAL);
	m = ir_module_free(m);

	m = ir_module_new();
	f = ir_function_new(m, "f", 1);
	ir_return(f, ir_call_function(f, 9, 1, (ir_reg[]){ 1 }));
	assert_int_equal(compile_error(m, "a function that does not exist"), -EINVAL);
	m = ir_module_free(m);

	m = ir_module_new();
	f = ir_function_new(m, "f", 1);
	ir_may_goto(f, 0, 0);
	assert_int_equal(compile_error(m, "no may_goto"), -EINVAL);
	m = ir_module_free(m);

	m = ir_module_new();
	f = ir_function_new(m, "f", 1);
	ir_slot(f, 520);
	ir_return_imm(f, 0);
	assert_int_equal(compile_error(m, "520 bytes on the stack"), -E2BIG);
	ir_module_free(m);
}

static void test_interpreter_limits(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "f", 1), *g, *h;
	u64 memory = 0, result = 7;

	ir_jump(f, ir_current(f));
	g = ir_function_new(m, "g", 1);
	ir_return(g, ir_load(g, 8, false, ir_argument(g, 0), 1));
	h = ir_function_new(m, "h", 1);
	ir_return(h, IR_CALL(h, BPF_FUNC_ktime_get_ns));
	assert_int_equal(ir_interpret(m, 0, &memory, 8, 1000, &result), -ELOOP);
	assert_int_equal(ir_interpret(m, 1, &memory, 8, 1000, &result), -EFAULT);
	assert_int_equal(ir_interpret(m, 2, &memory, 8, 1000, &result), -EOPNOTSUPP);
	assert_int_equal(ir_interpret(m, 3, &memory, 8, 1000, &result), -EINVAL);
	assert_int_equal(result, 7);
}

int test_ir_build(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	    cmocka_unit_test(test_slots),
		cmocka_unit_test(test_ended),	    cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_late_errors), cmocka_unit_test(test_interpreter_limits),
	};

	return cmocka_run_group_tests_name("code: building functions", tests, NULL, NULL);
}
