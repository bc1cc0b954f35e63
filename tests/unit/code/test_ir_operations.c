// SPDX-License-Identifier: Apache-2.0
/*
 * Every operation of the intermediate representation in both widths, with operands at which signs
 * and widths change, as registers and as immediates: what was compiled against the interpreter, and
 * the interpreter against values that are known.
 */
#include "groups.h"
#include "ir_check.h"

static const u64 edges[] = {
	0,
	1,
	2,
	7,
	31,
	32,
	33,
	63,
	64,
	255,
	256,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	0x100000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xffffffffffffffff,
	0xfedcba9876543210,
	0xffffffff80000000,
};

/* Two words of memory as operands. */
static u64 run_two(ir_reg (*emit)(struct ir_function *f, ir_reg a, ir_reg b, unsigned op,
				  unsigned bits),
		   unsigned op, unsigned bits, u64 a, u64 b)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "two", 1);
	ir_reg memory = ir_argument(f, 0);
	u64 words[2] = { a, b };

	ir_return(f, emit(f, ir_load(f, 8, false, memory, 0), ir_load(f, 8, false, memory, 8), op,
			  bits));
	return check_same(m, 0, words, sizeof(words));
}

static ir_reg emit_binary(struct ir_function *f, ir_reg a, ir_reg b, unsigned op, unsigned bits)
{
	return ir_binary(f, op, bits, a, b);
}

static ir_reg emit_compare(struct ir_function *f, ir_reg a, ir_reg b, unsigned op, unsigned bits)
{
	return ir_compare(f, op, bits, a, b);
}

/* The same by a branch. */
static ir_reg emit_branch(struct ir_function *f, ir_reg a, ir_reg b, unsigned op, unsigned bits)
{
	u32 yes = ir_block(f), no = ir_block(f), end = ir_block(f);
	ir_reg result = ir_new(f);

	ir_branch(f, op, bits, a, b, yes, no);
	ir_at(f, yes);
	ir_set_imm(f, result, 1);
	ir_jump(f, end);
	ir_at(f, no);
	ir_set_imm(f, result, 0);
	ir_jump(f, end);
	ir_at(f, end);
	return result;
}

static u64 run_imm(unsigned op, unsigned bits, u64 a, s64 imm, bool compare)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "imm", 1);
	ir_reg x = ir_load(f, 8, false, ir_argument(f, 0), 0);

	ir_return(f, compare ? ir_compare_imm(f, op, bits, x, imm)
			     : ir_binary_imm(f, op, bits, x, imm));
	return check_same(m, 0, &a, sizeof(a));
}

static void test_binary(void **state)
{
	for (unsigned op = IR_ADD; op <= IR_SAR; op++)
		for (unsigned i = 0; i < ARRAY_SIZE(edges); i++)
			for (unsigned k = 0; k < ARRAY_SIZE(edges); k++)
				for (unsigned bits = 32; bits <= 64; bits += 32) {
					u64 r = run_two(emit_binary, op, bits, edges[i], edges[k]);

					assert_int_equal(r, run_imm(op, bits, edges[i],
								    (s64)edges[k], false));
				}
	assert_int_equal(run_two(emit_binary, IR_DIV, 64, 7, 0), 0);
	assert_int_equal(run_two(emit_binary, IR_MOD, 64, 7, 0), 7);
	assert_int_equal(run_two(emit_binary, IR_DIV, 64, (u64)-8, 2), 0x7ffffffffffffffc);
	assert_int_equal(run_two(emit_binary, IR_SUB, 32, 0, 1), 0xffffffff);
	assert_int_equal(run_two(emit_binary, IR_SAR, 32, 0x80000000, 4), 0xf8000000);
	assert_int_equal(run_two(emit_binary, IR_SHL, 32, 1, 33), 2);
	assert_int_equal(run_imm(IR_MOD, 32, 0x1234567890, 0, false), 0x34567890);
	assert_int_equal(run_imm(IR_MOD, 64, 1000, 64, false), 1000 % 64);
}

static void test_compare(void **state)
{
	for (unsigned op = IR_EQ; op <= IR_SET; op++)
		for (unsigned i = 0; i < ARRAY_SIZE(edges); i++)
			for (unsigned k = 0; k < ARRAY_SIZE(edges); k++)
				for (unsigned bits = 32; bits <= 64; bits += 32) {
					u64 r = run_two(emit_compare, op, bits, edges[i], edges[k]);

					assert_int_equal(r, run_two(emit_branch, op, bits, edges[i],
								    edges[k]));
					assert_int_equal(r, run_imm(op, bits, edges[i],
								    (s64)edges[k], true));
				}
	assert_int_equal(run_two(emit_compare, IR_SLT, 32, 0xffffffff, 0), 1);
	assert_int_equal(run_two(emit_compare, IR_SLT, 64, 0xffffffff, 0), 0);
}

static void test_extend(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++)
		for (unsigned kind = 0; kind < 12; kind++) {
			_cleanup_module_ struct ir_module *m = ir_module_new();
			struct ir_function *f = ir_function_new(m, "extend", 1);
			ir_reg x = ir_load(f, 8, false, ir_argument(f, 0), 0);

			ir_return(f, kind < 3	  ? ir_extend(f, 8U << kind, false, x)
				     : kind < 6	  ? ir_extend(f, 8U << (kind - 3), true, x)
				     : kind < 9	  ? ir_byte_swap(f, 16U << (kind - 6), x)
				     : kind == 9  ? ir_negate(f, 64, x)
				     : kind == 10 ? ir_negate(f, 32, x)
						  : ir_extend(f, 32, true, ir_negate(f, 32, x)));
			check_same(m, 0, &edges[i], sizeof(edges[i]));
		}
}

static u64 run_load(unsigned size, bool is_signed, bool again)
{
	static const u8 bytes[16] = { 0x80, 0xff, 0x7f, 0x81, 0xf0, 0xe1, 0xd2, 0xc3 };
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "load", 1);
	ir_reg x = ir_load(f, size, is_signed, ir_argument(f, 0), 0);

	if (again && size < 8) /* has no effect, and should cost nothing */
		x = ir_extend(f, size * 8, is_signed, x);
	ir_store(f, size, ir_argument(f, 0), 8, x);
	ir_return(f, x);
	return check_same(m, 0, bytes, sizeof(bytes));
}

static void test_memory(void **state)
{
	for (unsigned size = 1; size <= 8; size *= 2)
		for (unsigned is_signed = 0; is_signed < 2; is_signed++)
			assert_int_equal(run_load(size, is_signed, false),
					 run_load(size, is_signed, true));
	assert_int_equal(run_load(1, true, false), 0xffffffffffffff80);
	assert_int_equal(run_load(2, false, false), 0xff80);
	assert_int_equal(run_load(4, true, false), 0xffffffff817fff80);
}

static void test_store_imm(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
		_cleanup_module_ struct ir_module *m = ir_module_new();
		struct ir_function *f = ir_function_new(m, "store", 1);
		ir_reg to = ir_argument(f, 0);
		u64 memory[8] = {};

		for (unsigned k = 0; k < 4; k++) {
			ir_store_imm(f, 1U << k, to, (s32)(8 * k), (s64)edges[i]);
			ir_store(f, 1U << k, to, (s32)(32 + 8 * k), ir_const(f, (s64)edges[i]));
		}
		ir_return_imm(f, (s64)edges[i]);
		assert_int_equal(check_same(m, 0, memory, sizeof(memory)), edges[i]);
	}
}

static void test_copy(void **state)
{
	u8 memory[200];

	for (unsigned i = 0; i < sizeof(memory); i++)
		memory[i] = (u8)(i * 7);
	for (unsigned align = 1; align <= 8; align *= 2)
		for (u32 size = 0; size < 40; size += 3) {
			_cleanup_module_ struct ir_module *m = ir_module_new();
			struct ir_function *f = ir_function_new(m, "copy", 1);
			ir_reg at = ir_argument(f, 0);
			u32 slot = ir_slot(f, 48);
			ir_reg there = ir_slot_address(f, slot, 8);

			ir_zero(f, ir_slot_address(f, slot, 0), 0, 48, align);
			ir_copy(f, there, 0, at, 16, size, align);
			ir_copy(f, at, 120, there, -8, 48, align);
			ir_return_imm(f, 0);
			check_same(m, 0, memory, sizeof(memory));
		}
}

static void test_atomic(void **state)
{
	static const s32 ops[] = {
		BPF_ADD,
		BPF_OR,
		BPF_AND,
		BPF_XOR,
		BPF_ADD | BPF_FETCH,
		BPF_OR | BPF_FETCH,
		BPF_AND | BPF_FETCH,
		BPF_XOR | BPF_FETCH,
		BPF_XCHG,
		BPF_CMPXCHG,
	};
	static const u64 memory[] = { 0xf0f0f0f0ff00ff00, 0x123456789abcdef0, 0xf0f0f0f0ff00ff00 };

	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++)
		for (unsigned way = 0; way < 8; way++) {
			_cleanup_module_ struct ir_module *m = ir_module_new();
			struct ir_function *f = ir_function_new(m, "atomic", 1);
			ir_reg at = ir_argument(f, 0), value = ir_load(f, 8, false, at, 8);
			ir_reg expected = ir_load(f, 8, false, at, way & 1 ? 16 : 8), old;

			old = ir_atomic(f, way & 2 ? 8 : 4, ops[i], at, 0, value,
					ops[i] == BPF_CMPXCHG ? expected : 0);
			assert_int_equal(!!old, !!(ops[i] & BPF_FETCH));
			/* With the result used, and not. */
			if (old && way & 4)
				value = ir_binary(f, IR_XOR, 64, old, value);
			ir_return(f, ir_binary(f, IR_ADD, 64, value, expected));
			check_same(m, 0, memory, sizeof(memory));
		}
}

int test_ir_operations(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binary),	  cmocka_unit_test(test_compare),
		cmocka_unit_test(test_extend),	  cmocka_unit_test(test_memory),
		cmocka_unit_test(test_store_imm), cmocka_unit_test(test_copy),
		cmocka_unit_test(test_atomic),
	};

	return cmocka_run_group_tests_name("code: what the operations compute", tests, NULL, NULL);
}
