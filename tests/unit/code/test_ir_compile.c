// SPDX-License-Identifier: Apache-2.0
/*
 * What ir_compile() makes of shapes that are hard (more values than registers, moves in circles,
 * loops that spill, jumps of more than 16 bits) and how good it is: the number of instructions of a
 * few typical functions as an upper bound.
 */
#include "groups.h"
#include "ir_check.h"

#define VALUES 40

static struct ir_function *callee(struct ir_module *m, const char *name, unsigned arguments)
{
	struct ir_function *f = ir_function_new(m, name, arguments);
	ir_reg sum = ir_const(f, 1);

	/* Each argument counts differently. */
	for (unsigned i = 0; i < arguments; i++)
		sum = ir_binary(f, IR_ADD, 64, ir_binary_imm(f, IR_MUL, 64, sum, 7),
				ir_argument(f, i));
	ir_return(f, sum);
	return f;
}

/* Forty values alive at once, over calls that get some of them. */
static void test_pressure(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	u32 called = ir_function_number(callee(m, "called", 5));
	struct ir_function *f = ir_function_new(m, "pressure", 1);
	ir_reg v[VALUES], sum = ir_new(f);
	u64 memory[VALUES];

	ir_set_imm(f, sum, 0);
	for (unsigned i = 0; i < VALUES; i++) {
		memory[i] = i * 0x123456789abcdefULL;
		v[i] = ir_load(f, 8, false, ir_argument(f, 0), (s32)(8 * i));
	}
	for (unsigned i = 0; i < VALUES; i++) {
		ir_reg arguments[5];

		for (unsigned k = 0; k < 5; k++)
			arguments[k] = v[(i * (k + 1) + k) % VALUES];
		ir_set(f, sum,
		       ir_binary(f, IR_XOR, 64, sum, ir_call_function(f, called, 5, arguments)));
	}
	for (unsigned i = 0; i < VALUES; i++)
		ir_set(f, sum, ir_binary(f, IR_SUB, 64, sum, v[i]));
	ir_return(f, sum);
	check_same(m, 1, memory, sizeof(memory));
}

/* Arguments that come in in one order and go out in another. */
static void test_circles(void **state)
{
	static const u8 orders[][5] = {
		{ 1, 0, 3, 2, 4 }, { 1, 2, 3, 4, 0 }, { 4, 0, 1, 2, 3 }, { 1, 0, 0, 1, 1 },
		{ 2, 0, 1, 4, 3 }, { 4, 3, 2, 1, 0 }, { 0, 1, 2, 3, 4 }, { 3, 3, 3, 0, 3 },
	};
	u64 memory[5] = { 3, 1000003, 77, 12345678901, 5 };

	for (unsigned o = 0; o < ARRAY_SIZE(orders); o++) {
		_cleanup_module_ struct ir_module *m = ir_module_new();
		u32 last = ir_function_number(callee(m, "last", 5)), middle;
		struct ir_function *f = ir_function_new(m, "middle", 5);
		ir_reg v[5];

		for (unsigned i = 0; i < 5; i++)
			v[i] = ir_argument(f, orders[o][i]);
		ir_return(f, ir_call_function(f, last, 5, v));
		middle = ir_function_number(f);
		f = ir_function_new(m, "main", 1);
		for (unsigned i = 0; i < 5; i++)
			v[i] = ir_load(f, 8, false, ir_argument(f, 0), (s32)(8 * i));
		ir_return(f, ir_call_function(f, middle, 5, v));
		check_same(m, ir_function_number(f), memory, sizeof(memory));
	}
}

/* Variables that change places in each round of a loop, more of them than registers. */
static void test_loop(void **state)
{
	for (unsigned n = 2; n < 24; n++) {
		_cleanup_module_ struct ir_module *m = ir_module_new();
		u32 called = ir_function_number(callee(m, "called", 2));
		struct ir_function *f = ir_function_new(m, "loop", 1);
		u32 head = ir_block(f), body = ir_block(f), end = ir_block(f);
		ir_reg v[24], i = ir_new(f), first = ir_new(f);
		u64 memory[24];

		for (unsigned k = 0; k < n; k++) {
			memory[k] = k * 1000003 + 1;
			v[k] = ir_new(f);
			ir_set(f, v[k], ir_load(f, 8, false, ir_argument(f, 0), (s32)(8 * k)));
		}
		ir_set_imm(f, i, 0);
		ir_jump(f, head);
		ir_at(f, head);
		ir_branch_imm(f, IR_LT, 64, i, 9, body, end);
		ir_at(f, body);
		ir_set(f, first, v[0]);
		for (unsigned k = 0; k + 1 < n; k++)
			ir_set(f, v[k], v[k + 1]);
		ir_set(f, v[n - 1],
		       n % 2 ? ir_call_function(f, called, 2, (ir_reg[]){ first, i })
			     : ir_binary(f, IR_ADD, 64, first, v[0]));
		ir_set(f, i, ir_binary_imm(f, IR_ADD, 64, i, 1));
		ir_jump(f, head);
		ir_at(f, end);
		for (unsigned k = 0; k < n; k++)
			ir_store(f, 8, ir_argument(f, 0), (s32)(8 * k), v[k]);
		ir_return(f, i);
		check_same(m, 1, memory, n * 8);
	}
}

/* A branch over 100,000 instructions, forward and back. */
static void test_long_jumps(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "long", 1);
	u32 head = ir_block(f), body = ir_block(f), skip = ir_block(f), end = ir_block(f);
	ir_reg memory = ir_argument(f, 0), i = ir_new(f);
	_cleanup_ir_program_ struct ir_program p = {};
	u64 words[2] = {};

	ir_set_imm(f, i, 0);
	ir_jump(f, head);
	ir_at(f, head);
	ir_location(f, 1);
	ir_branch_imm(f, IR_LT, 64, i, 3, body, end);
	ir_at(f, body);
	ir_branch_imm(f, IR_EQ, 64, i, 1, skip, ir_block(f));
	ir_at(f, end + 1);
	ir_location(f, 2);
	for (unsigned k = 0; k < 50000; k++)
		ir_store(f, 8, memory, 0,
			 ir_binary_imm(f, IR_ADD, 64, ir_load(f, 8, false, memory, 0), k));
	ir_jump(f, skip);
	ir_at(f, skip);
	ir_location(f, 3);
	ir_set(f, i, ir_binary_imm(f, IR_ADD, 64, i, 1));
	ir_jump(f, head);
	ir_at(f, end);
	ir_return(f, i);
	assert_int_equal(check_same(m, 0, words, sizeof(words)), 3);
	check_compile(m, 0, false, &p);
	assert_true(p.count > 100000 && p.count < 151000);
	/* What follows each place is what was there. */
	assert_int_equal(p.place_count, 4);
	assert_int_equal(p.places[2].location, 2);
	assert_int_equal(BPF_CLASS(p.insns[p.places[2].insn].code), BPF_LDX);
	assert_int_equal(p.insns[p.places[3].insn].code, BPF_ALU64 | BPF_ADD | BPF_K);
}

static void test_too_many_values(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "many", 1);
	ir_reg v[200], sum = ir_new(f);
	struct ir_target target = {};
	struct ir_program p = {};

	for (unsigned i = 0; i < ARRAY_SIZE(v); i++)
		v[i] = ir_load(f, 8, false, ir_argument(f, 0), (s32)(8 * i));
	ir_set_imm(f, sum, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(v); i++)
		ir_set(f, sum, ir_binary(f, IR_XOR, 64, sum, v[i]));
	ir_return(f, sum);
	assert_int_equal(ir_compile(m, 0, &target, &p), -E2BIG);
	assert_non_null(strstr(error_text(), "many: "));
	assert_non_null(strstr(error_text(), "found no register"));
}

/* Callees' frames count, rounded as the verifier rounds them. */
static void test_stack(void **state)
{
	for (unsigned own = 0; own < 3; own++) {
		static const u32 sizes[] = { 0, 256, 264 };
		_cleanup_module_ struct ir_module *m = ir_module_new();
		struct ir_function *f = ir_function_new(m, "inner", 1);
		struct ir_target target = {};
		_cleanup_ir_program_ struct ir_program p = {};
		int err;

		ir_slot(f, 250);
		ir_return_imm(f, 0);
		f = ir_function_new(m, "outer", 1);
		if (sizes[own])
			ir_slot(f, sizes[own]);
		ir_return(f, ir_call_function(f, 0, 1, (ir_reg[]){ ir_argument(f, 0) }));
		err = ir_compile(m, 1, &target, &p);
		assert_int_equal(err, own < 2 ? 0 : -E2BIG);
		if (!err)
			assert_int_equal(p.stack, own ? 512 : 288);
	}
}

/* Eight frames are what the verifier follows. */
static void test_nesting(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_target target = {};

	for (u32 i = 0; i < 9; i++) {
		struct ir_function *f = ir_function_new(m, "nested", 1);
		ir_reg v = ir_argument(f, 0);

		/* Twice, so that the ways through double with each. */
		for (u32 k = 0; k < 2 && i; k++)
			v = ir_call_function(f, i - 1, 1, &v);
		ir_return(f, v);
	}
	for (u32 i = 0; i < 9; i++) {
		_cleanup_ir_program_ struct ir_program p = {};

		assert_int_equal(ir_compile(m, i, &target, &p), i < 8 ? 0 : -EINVAL);
		if (i && i < 8)
			assert_int_equal(p.stack, 32 * (i + 1));
	}
}

/* Only what is named comes along, the main function first. */
static void test_parts(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	_cleanup_ir_program_ struct ir_program p = {};
	struct ir_function *f;
	ir_reg flags;

	callee(m, "unused", 2);
	callee(m, "round", 2);
	f = ir_function_new(m, "main", 1);
	flags = ir_const(f, 0);
	IR_CALL(f, BPF_FUNC_loop, ir_const(f, 10), ir_function_address(f, 1), ir_argument(f, 0),
		flags);
	ir_call_function(f, 1, 2, (ir_reg[]){ flags, ir_argument(f, 0) });
	ir_return(f, ir_load(f, 8, false, ir_map(f, 4), 0));
	check_compile(m, 2, false, &p);
	assert_int_equal(p.part_count, 2);
	assert_int_equal(p.parts[0].insn, 0);
	assert_string_equal(p.parts[0].name, "main");
	assert_int_equal(p.parts[1].function, 1);
	assert_string_equal(p.parts[1].name, "round");
	assert_int_equal(p.parts[1].arguments, 2);
	assert_int_equal(p.relocation_count, 1);
	assert_int_equal(p.relocations[0].map, 4);
	assert_int_equal(p.relocations[0].kind, IR_RELOCATION_MAP);
	assert_int_equal(p.insns[p.relocations[0].insn].code, BPF_LD | BPF_DW | BPF_IMM);
	for (size_t i = 0; i < p.count; i++) {
		const struct bpf_insn *insn = &p.insns[i];

		if (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL)
			assert_int_equal(i + 1 + (size_t)insn->imm, p.parts[1].insn);
		if (insn->code == (BPF_LD | BPF_DW | BPF_IMM) && insn->src_reg == BPF_PSEUDO_FUNC)
			assert_int_equal(i + 1 + (size_t)insn->imm, p.parts[1].insn);
	}
}

/* ---- quality ------------------------------------------------------------------------------- */

static void expect(const struct ir_module *m, u32 main, size_t most)
{
	_cleanup_ir_program_ struct ir_program p = {};
	_cleanup_buf_ struct buf b = {};

	check_compile(m, main, false, &p);
	if (p.count <= most)
		return;
	for (size_t i = 0; i < p.count; i++) {
		i += code_disassemble(&p.insns[i], p.count - i, NULL, &b) - 1;
		buf_add_char(&b, '\n');
	}
	fail_msg("%zu instructions in place of %zu:\n%s", p.count, most, buf_str(&b));
}

/* if (pid == 1) count = count + 1 */
static void test_filter(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "filter", 1);
	u32 yes = ir_block(f), no = ir_block(f);
	ir_reg id = IR_CALL(f, BPF_FUNC_get_current_pid_tgid);
	ir_reg pid = ir_binary(f, IR_SHR, 64, id, ir_const(f, 32));
	ir_reg same = ir_compare(f, IR_EQ, 64, pid, ir_const(f, 1)), at;

	ir_branch_imm(f, IR_NE, 64, same, 0, yes, no);
	ir_at(f, yes);
	at = ir_map_value(f, 0, 0);
	ir_store(f, 8, at, 0, ir_binary_imm(f, IR_ADD, 64, ir_load(f, 8, false, at, 0), 1));
	ir_jump(f, no);
	ir_at(f, no);
	ir_return_imm(f, 0);
	/* call, shift, branch, address (2), load, add, store, result, exit */
	expect(m, 0, 10);
}

/* @[comm] = count() */
static void test_count(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "count", 1);
	u32 hit = ir_block(f), miss = ir_block(f), end = ir_block(f), key = ir_slot(f, 16);
	u32 value = ir_slot(f, 8);
	ir_reg found;

	ir_zero(f, ir_slot_address(f, key, 0), 0, 16, 8);
	IR_CALL(f, BPF_FUNC_get_current_comm, ir_slot_address(f, key, 0), ir_const(f, 16));
	found = IR_CALL(f, BPF_FUNC_map_lookup_elem, ir_map(f, 0), ir_slot_address(f, key, 0));
	ir_branch_imm(f, IR_EQ, 64, found, 0, miss, hit);
	ir_at(f, hit);
	ir_atomic(f, 8, BPF_ADD, found, 0, ir_const(f, 1), 0);
	ir_jump(f, end);
	ir_at(f, miss);
	ir_store_imm(f, 8, ir_slot_address(f, value, 0), 0, 1);
	IR_CALL(f, BPF_FUNC_map_update_elem, ir_map(f, 0), ir_slot_address(f, key, 0),
		ir_slot_address(f, value, 0), ir_const(f, BPF_NOEXIST));
	ir_jump(f, end);
	ir_at(f, end);
	ir_return_imm(f, 0);
	expect(m, 0, 26);
}

/* Sum over a counted loop: four instructions a round, two before, one after. */
static void test_sum(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "sum", 1);
	u32 head = ir_block(f), body = ir_block(f), end = ir_block(f);
	ir_reg i = ir_new(f), sum = ir_new(f);
	u64 memory = 0;

	ir_set_imm(f, i, 0);
	ir_set_imm(f, sum, 0);
	ir_jump(f, head);
	ir_at(f, head);
	ir_branch_imm(f, IR_NE, 64, ir_compare_imm(f, IR_LT, 64, i, 10), 0, body, end);
	ir_at(f, body);
	ir_set(f, sum, ir_binary(f, IR_ADD, 64, sum, i));
	ir_set(f, i, ir_binary_imm(f, IR_ADD, 64, i, 1));
	ir_jump(f, head);
	ir_at(f, end);
	ir_return(f, sum);
	assert_int_equal(check_same(m, 0, &memory, sizeof(memory)), 45);
	expect(m, 0, 7);
}

/* Arguments are made where they are wanted, widths known are not made again. */
static void test_moves(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "moves", 1);
	ir_reg context = ir_argument(f, 0), a, b;

	a = ir_extend(f, 32, false, ir_load(f, 4, false, context, 0));
	b = ir_extend(f, 32, false, ir_binary_imm(f, IR_ADD, 32, a, 7));
	/* r2 = load, r3 = r2 (w), add, r1 = r1, call */
	ir_return(f, ir_call(f, BPF_FUNC_get_current_comm, 3, (ir_reg[]){ context, a, b }));
	expect(m, 0, 5);
}

int test_ir_compile(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_circles),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_long_jumps),
		cmocka_unit_test(test_too_many_values),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_moves),
	};

	return cmocka_run_group_tests_name("code: compiling functions", tests, NULL, NULL);
}
