// SPDX-License-Identifier: Apache-2.0
/*
 * 2000 random programs, the same each time: what was compiled against the interpreter, in a machine
 * of our own and in the kernel's, whose verifier must accept all of them. `bench_ir random COUNT`
 * does as many as one likes.
 */
#include "groups.h"
#include "ir_check.h"
#include "kernel_run.h"
#include "random_program.h"

#include <bpf/btf.h>

#define PROGRAMS 2000
#define SEED 20000
#define BATCH 8
#define PLACE (RANDOM_MEMORY + 8) /* a program's memory and its result */

static void test_machine(void **state)
{
	u8 memory[RANDOM_MEMORY];
	struct ir_target target = {};

	for (unsigned i = 0; i < sizeof(memory); i++)
		memory[i] = (u8)(i * 151 + 3);
	for (u64 seed = SEED; seed < SEED + PROGRAMS; seed++) {
		_cleanup_module_ struct ir_module *m = ir_module_new();
		u32 main = random_program_add(m, seed, NULL, 0, false);
		_cleanup_ir_program_ struct ir_program p = {};
		int err = ir_compile(m, main, &target, &p);

		if (err != -E2BIG) /* of the stack */
			check_same(m, main, memory, sizeof(memory));
	}
}

/* One load runs several programs, each with a place of its own in the map's value. */
static u32 add_main(struct ir_module *m, const u32 *functions)
{
	struct ir_function *f = ir_function_new(m, "main", 1);

	for (unsigned i = 0; i < BATCH; i++) {
		ir_reg at = ir_map_value(f, 0, i * PLACE);

		ir_store(f, 8, ir_map_value(f, 0, i * PLACE), RANDOM_MEMORY,
			 ir_call_function(f, functions[i], 1, &at));
	}
	ir_return_imm(f, 0);
	return ir_function_number(f);
}

static void compare_batch(const struct ir_module *m, const u32 *functions, u64 seed,
			  const u8 *before, const u8 *after)
{
	for (unsigned i = 0; i < BATCH; i++) {
		u8 wanted[PLACE];
		u64 result = 0;

		memcpy(wanted, before + i * PLACE, PLACE);
		assert_int_equal(
			ir_interpret(m, functions[i], wanted, RANDOM_MEMORY, 1000000, &result), 0);
		memcpy(wanted + RANDOM_MEMORY, &result, sizeof(result));
		if (memcmp(wanted, after + i * PLACE, PLACE))
			fail_msg("seed %llu differs", (unsigned long long)(seed + i));
	}
}

static void kernel_batch(int map, u64 seed, bool signed_loads)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	_cleanup_ir_program_ struct ir_program p = {};
	struct random_program numbers = { .state = seed };
	struct ir_target target = { .signed_loads = signed_loads };
	u8 before[BATCH * PLACE], after[BATCH * PLACE];
	u32 functions[BATCH], key = 0, ret, main;
	_cleanup_close_ int fd = -1;
	static char log[65536];
	int err;

	for (unsigned i = 0; i < BATCH; i++)
		functions[i] = random_program_add(m, seed + i, NULL, 0, !signed_loads);
	main = add_main(m, functions);
	for (unsigned i = 0; i < sizeof(before); i++)
		before[i] = (u8)random_next(&numbers);
	err = ir_compile(m, main, &target, &p);
	if (err == -E2BIG)
		return;
	assert_int_equal(err, 0);
	fd = kernel_load(&p, map, log, sizeof(log));
	if (fd < 0)
		fail_msg("the verifier refuses seed %llu and the next: %s",
			 (unsigned long long)seed, strerror(-fd));
	assert_int_equal(bpf_map_update_elem(map, &key, before, 0), 0);
	assert_int_equal(kernel_test_run(fd, &ret), 0);
	assert_int_equal(bpf_map_lookup_elem(map, &key, after), 0);
	compare_batch(m, functions, seed, before, after);
}

static void test_kernel(void **state)
{
	_cleanup_close_ int map = kernel_map(BATCH * PLACE);
	bool signed_loads;

	if (map < 0) /* not root, or no BPF here */
		skip();
	signed_loads = kernel_has_signed_loads();
	for (u64 seed = SEED; seed < SEED + PROGRAMS; seed += BATCH)
		kernel_batch(map, seed, signed_loads);
}

/* The verifier's words when it refuses; else what the program returns. */
static u32 kernel_result(const struct ir_module *m, const struct ir_target *target, int map)
{
	_cleanup_ir_program_ struct ir_program p = {};
	static char log[1 << 20];
	_cleanup_close_ int fd = -1;
	u32 ret = 0;

	if (ir_compile(m, 0, target, &p))
		fail_msg("%s", error_text());
	fd = kernel_load(&p, map, log, sizeof(log));
	if (fd < 0)
		fail_msg("%s", log + (strlen(log) > 500 ? strlen(log) - 500 : 0));
	assert_int_equal(kernel_test_run(fd, &ret), 0);
	return ret;
}

/* Jumps over 60,000 instructions. */
static void test_long_jumps(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "long", 1);
	u32 head = ir_block(f), body = ir_block(f), end = ir_block(f);
	_cleanup_close_ int map = kernel_map(8);
	ir_reg i = ir_new(f), at = ir_map_value(f, 0, 0);

	if (map < 0)
		skip();
	ir_set_imm(f, i, 0);
	ir_jump(f, head);
	ir_at(f, head);
	ir_branch_imm(f, IR_LT, 64, i, 3, body, end);
	ir_at(f, body);
	for (unsigned k = 0; k < 30000; k++)
		ir_store(f, 8, at, 0, ir_load(f, 8, false, at, 0));
	ir_set(f, i, ir_binary_imm(f, IR_ADD, 64, i, 1));
	ir_jump(f, head);
	ir_at(f, end);
	ir_return(f, i);
	assert_int_equal(kernel_result(m, &(struct ir_target){}, map), 3);
}

static bool kernel_has_may_goto(void)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_JCOND, .off = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "probe", "GPL", insns,
			       ARRAY_SIZE(insns), NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A loop that ends when the memory says so, which the verifier cannot know. */
static void test_may_goto(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	struct ir_function *f = ir_function_new(m, "may", 1);
	u32 head = ir_block(f), next = ir_block(f), body = ir_block(f), end = ir_block(f);
	_cleanup_close_ int map = kernel_map(8);
	ir_reg at = ir_map_value(f, 0, 0), i;

	if (map < 0 || !kernel_has_may_goto())
		skip();
	ir_jump(f, head);
	ir_at(f, head);
	ir_may_goto(f, next, end);
	ir_at(f, next);
	i = ir_load(f, 8, false, at, 0);
	ir_branch_imm(f, IR_LT, 64, i, 5000, body, end);
	ir_at(f, body);
	ir_store(f, 8, at, 0, ir_binary_imm(f, IR_ADD, 64, i, 1));
	ir_jump(f, head);
	ir_at(f, end);
	ir_return(f, ir_load(f, 8, false, at, 0));
	assert_int_equal(kernel_result(m, &(struct ir_target){ .may_goto = true }, map), 5000);
}

/* ---- a callback ---------------------------------------------------------------------------- */

/* Types for the parts, which the kernel wants of callbacks: int main(u64), u64 round(u64, u64). */
static int add_types(struct btf *btf, const struct ir_program *p, struct bpf_func_info *info)
{
	int number = btf__add_int(btf, "u64", 8, 0);

	for (size_t i = 0; i < p->part_count; i++) {
		int proto = btf__add_func_proto(btf, number);

		for (unsigned k = 0; k < p->parts[i].arguments; k++)
			btf__add_func_param(btf, "a", number);
		info[i].insn_off = p->parts[i].insn;
		info[i].type_id = (u32)btf__add_func(btf, p->parts[i].name, BTF_FUNC_STATIC, proto);
	}
	return btf__load_into_kernel(btf);
}

/* round(i, context): *context += i, on and on while i < 10 */
static void add_round(struct ir_module *m)
{
	struct ir_function *f = ir_function_new(m, "round", 2);
	ir_reg at = ir_argument(f, 1), sum = ir_load(f, 8, false, at, 0);

	ir_store(f, 8, at, 0, ir_binary(f, IR_ADD, 64, sum, ir_argument(f, 0)));
	ir_return(f, ir_compare_imm(f, IR_GE, 64, ir_argument(f, 0), 10));
}

static void test_callback(void **state)
{
	_cleanup_module_ struct ir_module *m = ir_module_new();
	_cleanup_ir_program_ struct ir_program p = {};
	struct bpf_func_info info[2] = {};
	_cleanup_close_ int map = kernel_map(8);
	struct btf *btf = btf__new_empty();
	_cleanup_close_ int fd = -1;
	struct ir_function *f;
	u32 slot, ret = 0;

	LIBBPF_OPTS(bpf_prog_load_opts, opts, .func_info = info, .func_info_cnt = 2,
		    .func_info_rec_size = sizeof(info[0]));
	add_round(m);
	f = ir_function_new(m, "main", 1);
	slot = ir_slot(f, 8);
	ir_store_imm(f, 8, ir_slot_address(f, slot, 0), 0, 0);
	IR_CALL(f, BPF_FUNC_loop, ir_const(f, 100), ir_function_address(f, 0),
		ir_slot_address(f, slot, 0), ir_const(f, 0));
	ir_return(f, ir_load(f, 8, false, ir_slot_address(f, slot, 0), 0));
	check_compile(m, 1, false, &p);
	assert_int_equal(p.part_count, 2);
	if (map < 0 || add_types(btf, &p, info)) {
		btf__free(btf);
		skip();
	}
	opts.prog_btf_fd = (u32)btf__fd(btf);
	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "callback", "GPL", p.insns, p.count, &opts);
	btf__free(btf);
	if (fd == -EINVAL) /* before 5.17 */
		skip();
	assert_true(fd >= 0);
	assert_int_equal(kernel_test_run(fd, &ret), 0);
	assert_int_equal(ret, 55);
}

int test_ir_random(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machine),	   cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_long_jumps), cmocka_unit_test(test_may_goto),
		cmocka_unit_test(test_callback),
	};

	return cmocka_run_group_tests_name("code: random functions", tests, NULL, NULL);
}
