// SPDX-License-Identifier: Apache-2.0
/*
 * The assembler: small programs are run in an interpreter, labels are bound before and after their
 * jumps, and what cannot be written sticks as an error.
 */
#include "groups.h"
#include "interpret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static s64 run(struct code *c, const void *memory, size_t size)
{
	struct machine m = {};
	s64 result;

	assert_int_equal(code_finish(c), 0);
	result = machine_run(&m, c->insns, c->count, memory, size);
	if (m.error)
		fail_msg("%s", m.error);
	return result;
}

/* Backward and forward: the sum of the bytes of a text, by a loop. */
static void test_loop(void **state)
{
	static const u8 bytes[] = { 1, 2, 3, 200, 0 };
	_cleanup_code_ struct code c = {};
	u32 again = code_label(&c), out = code_label(&c);

	code_mov_imm(&c, BPF_REG_0, 0);
	code_bind(&c, again);
	code_load(&c, BPF_B, BPF_REG_2, BPF_REG_1, 0);
	code_jump32_if_imm(&c, BPF_JEQ, BPF_REG_2, 0, out);
	code_alu(&c, BPF_ADD, BPF_REG_0, BPF_REG_2);
	code_alu_imm(&c, BPF_ADD, BPF_REG_1, 1);
	code_jump(&c, again);
	code_bind(&c, out);
	code_exit(&c);
	assert_int_equal(run(&c, bytes, sizeof(bytes)), 206);
}

static void test_constants(void **state)
{
	static const s64 all[] = { 0,	       1,	  -1,	     INT32_MAX, INT32_MIN,
				   UINT32_MAX, 1LL << 32, INT64_MIN, INT64_MAX };
	static const size_t slots[] = { 1, 1, 1, 1, 1, 1, 2, 2, 2 };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		_cleanup_code_ struct code c = {};
		struct machine m = {};

		code_mov_imm(&c, BPF_REG_0, all[i]);
		assert_int_equal(c.count, slots[i]);
		assert_int_equal(code_finish(&c), 0);
		machine_run(&m, c.insns, c.count, NULL, 0);
		assert_true(m.r[0] == (u64)all[i]);
	}
}

static void test_memory(void **state)
{
	u64 cells[4] = { 0x8877665544332211, 0, 0, 0 };
	_cleanup_code_ struct code c = {};

	code_load(&c, BPF_DW, BPF_REG_2, BPF_REG_1, 0);
	code_store(&c, BPF_W, BPF_REG_10, -4, BPF_REG_2);
	code_load(&c, BPF_H, BPF_REG_3, BPF_REG_10, -4);
	code_store(&c, BPF_DW, BPF_REG_1, 8, BPF_REG_3);
	code_store_imm(&c, BPF_DW, BPF_REG_1, 16, -2);
	code_store_imm(&c, BPF_B, BPF_REG_1, 24, 0x1ff);
	code_mov_imm(&c, BPF_REG_0, 0);
	assert_int_equal(run(&c, cells, sizeof(cells)), 0);
	assert_true(cells[1] == 0x2211 && cells[2] == (u64)-2 && cells[3] == 0xff);
}

/* 32-bit forms look at the lower half and clear the upper. */
static void test_halves(void **state)
{
	_cleanup_code_ struct code c = {};
	u32 bad = code_label(&c);

	code_load_imm64(&c, BPF_REG_2, 0x1ffffffff);
	code_mov(&c, BPF_REG_3, BPF_REG_2);
	code_jump32_if_imm(&c, BPF_JNE, BPF_REG_2, -1, bad);
	code_jump_if_imm(&c, BPF_JEQ, BPF_REG_2, -1, bad);
	code_jump32_if_imm(&c, BPF_JSGT, BPF_REG_2, 0, bad);
	code_alu32_imm(&c, BPF_ADD, BPF_REG_3, 2);
	code_jump_if_imm(&c, BPF_JNE, BPF_REG_3, 1, bad);
	code_alu32(&c, BPF_MOV, BPF_REG_4, BPF_REG_2);
	code_jump_if(&c, BPF_JGE, BPF_REG_4, BPF_REG_2, bad);
	code_jump32_if(&c, BPF_JNE, BPF_REG_4, BPF_REG_2, bad);
	code_neg(&c, BPF_REG_3);
	code_jump_if_imm(&c, BPF_JSGT, BPF_REG_3, -1, bad);
	code_mov_imm(&c, BPF_REG_0, 1);
	code_exit(&c);
	code_bind(&c, bad);
	code_mov_imm(&c, BPF_REG_0, 0);
	assert_int_equal(run(&c, NULL, 0), 1);
}

/*
 * References that are not a jump's: calls and addresses of functions have theirs in the immediate.
 */
static void test_functions(void **state)
{
	_cleanup_code_ struct code c = {};
	u32 function = code_label(&c);

	code_call_function(&c, function);
	code_load_function(&c, BPF_REG_2, function);
	code_exit(&c);
	code_bind(&c, function);
	code_exit(&c);
	assert_int_equal(code_finish(&c), 0);
	assert_int_equal(c.insns[0].imm, 3);
	assert_int_equal(c.insns[0].src_reg, BPF_PSEUDO_CALL);
	assert_int_equal(c.insns[1].imm, 2);
	assert_int_equal(c.insns[1].src_reg, BPF_PSEUDO_FUNC);
	assert_int_equal(c.insns[1].off, 0);
}

static void expect_error(struct code *c, int err, const char *words)
{
	size_t count = c->count;

	code_exit(c);
	if (c->error)
		assert_int_equal(c->count, count);
	assert_int_equal(code_finish(c), err);
	assert_non_null(strstr(error_text(), words));
	code_free(c);
}

static void test_errors(void **state)
{
	struct code c = {};

	code_mov(&c, 11, BPF_REG_0);
	expect_error(&c, -EINVAL, "a register above r10");
	code_load(&c, BPF_B, BPF_REG_0, BPF_REG_1, 32768);
	expect_error(&c, -E2BIG, "an offset of more than 16 bits");
	code_jump(&c, 0);
	expect_error(&c, -EINVAL, "a label that does not exist");
	code_jump(&c, code_label(&c));
	expect_error(&c, -EINVAL, "never bound");
	code_bind(&c, code_label(&c));
	code_bind(&c, 0);
	expect_error(&c, -EINVAL, "bound twice");
	code_to_big_endian(&c, BPF_REG_0, 24);
	expect_error(&c, -EINVAL, "16, 32 or 64 bits");
}

/* A jump reaches 32767 instructions, and not one more. */
static void test_far(void **state)
{
	for (int more = 0; more < 2; more++) {
		_cleanup_code_ struct code c = {};
		u32 end = code_label(&c);

		code_jump(&c, end);
		for (int i = 0; i < INT16_MAX + more; i++)
			code_mov_imm(&c, BPF_REG_0, i);
		code_bind(&c, end);
		code_exit(&c);
		assert_int_equal(code_finish(&c), more ? -E2BIG : 0);
		if (!more)
			assert_int_equal(c.insns[0].off, INT16_MAX);
	}
}

int test_assemble(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop),	  cmocka_unit_test(test_constants),
		cmocka_unit_test(test_memory),	  cmocka_unit_test(test_halves),
		cmocka_unit_test(test_functions), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests_name("assembler", tests, NULL, NULL);
}
