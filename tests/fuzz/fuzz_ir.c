// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as decisions of a random program: what is compiled does in a machine what the
 * interpreter does with the source. And any bytes as calls of the builder with whatever operands:
 * an error or a program, never a crash.
 */
#include "code/code.h"
#include "unit/code/random_program.h"
#include "unit/code/run_program.h"

static void compare(const u8 *data, size_t size)
{
	static const struct ir_target targets[] = { {}, { .signed_loads = true } };
	u8 before[RANDOM_MEMORY], wanted[RANDOM_MEMORY], got[RANDOM_MEMORY];
	struct ir_module *m = ir_module_new();
	u32 main = random_program_add(m, 1, data, size, false);
	u64 result = 0, compiled;
	static struct run run;

	for (unsigned i = 0; i < sizeof(before); i++)
		before[i] = (u8)(i * 37 + size);
	memcpy(wanted, before, sizeof(wanted));
	if (ir_interpret(m, main, wanted, sizeof(wanted), 1000000, &result))
		abort();
	for (unsigned i = 0; i < ARRAY_SIZE(targets); i++) {
		_cleanup_ir_program_ struct ir_program p = {};
		int err = ir_compile(m, main, &targets[i], &p);

		if (err == -E2BIG) /* of the stack */
			continue;
		if (err)
			abort();
		memcpy(got, before, sizeof(got));
		compiled = run_program(&run, &p, got, sizeof(got), 10000000);
		if (run.error || compiled != result || memcmp(got, wanted, sizeof(got)))
			abort();
	}
	ir_module_free(m);
}

struct bytes {
	const u8 *data;
	size_t left;
};

static u32 take(struct bytes *b, u32 limit)
{
	if (!b->left)
		return 0;
	b->left--;
	return *b->data++ % limit;
}

struct operands {
	u32 x, y, z, bits;
	s64 imm;
};

static void build_control(struct ir_function *f, u32 op, const struct operands *o)
{
	ir_reg list[6] = { o->x, o->y, o->z, o->x, o->y, o->z };

	switch (op) {
	case 0:
		ir_at(f, ir_block(f));
		break;
	case 1:
		ir_at(f, o->x);
		break;
	case 2:
		ir_block(f);
		break;
	case 3:
		ir_jump(f, o->x);
		break;
	case 4:
		ir_branch(f, o->z, o->bits, o->x, o->y, o->z, o->x);
		break;
	case 5:
		ir_branch_imm(f, o->z, o->bits, o->x, o->imm, o->y, o->z);
		break;
	case 6:
		ir_return(f, o->x);
		break;
	case 7:
		ir_call(f, (s32)o->x, o->z, list);
		break;
	case 8:
		ir_call_function(f, o->x, o->z % 6, list);
		break;
	default:
		ir_may_goto(f, o->x, o->y);
	}
}

static void build_memory(struct ir_function *f, u32 op, const struct operands *o)
{
	switch (op) {
	case 0:
		ir_load(f, o->y, o->z & 1, o->x, (s32)o->imm);
		break;
	case 1:
		ir_store(f, 1U << o->y % 5, o->x, (s32)o->imm, o->z);
		break;
	case 2:
		ir_store_imm(f, 8, o->x, (s32)o->imm, o->imm);
		break;
	case 3:
		ir_atomic(f, 8, (s32)o->imm, o->x, 0, o->y, o->z);
		break;
	case 4:
		ir_slot(f, (u32)o->imm);
		break;
	case 5:
		ir_slot_address(f, o->x, (u32)o->imm);
		break;
	case 6:
		ir_slot_release(f, o->x);
		break;
	case 7:
		ir_map_value(f, o->x, (u32)o->imm);
		break;
	case 8:
		ir_copy(f, o->x, (s32)o->imm, o->y, 0, o->z * 8, 1U << o->z % 5);
		break;
	default:
		ir_zero(f, o->x, (s32)o->imm, o->y, 8);
	}
}

static void build_value(struct ir_function *f, u32 op, const struct operands *o)
{
	switch (op) {
	case 0:
		ir_function_address(f, o->x);
		break;
	case 1:
		ir_comment(f, "%u", o->x);
		break;
	case 2:
	case 3:
		ir_set(f, o->x, o->y);
		break;
	case 4:
		ir_set_imm(f, o->x, o->imm);
		break;
	case 5:
		ir_extend(f, 8U << o->x % 4, o->y & 1, o->z);
		break;
	case 6:
		ir_binary_imm(f, o->z, o->bits, o->x, o->imm);
		break;
	case 7:
		ir_compare(f, o->z, o->bits, o->x, o->y);
		break;
	default:
		ir_binary(f, o->z, o->bits, o->x, o->y);
	}
}

/* Small numbers, so that they often name something. */
static void build(struct ir_function *f, struct bytes *b)
{
	u32 op = take(b, 30);
	struct operands o = { .x = take(b, 16), .y = take(b, 16), .z = take(b, 16) };

	o.bits = take(b, 20) ? 64 : 32;
	o.imm = (s64)((u64)take(b, 256) << 8 * take(b, 8));
	(op < 10 ? build_control : op < 20 ? build_memory : build_value)(f, op % 10, &o);
}

static void abuse(const u8 *data, size_t size)
{
	static const struct ir_target target = { .signed_loads = true, .may_goto = true };
	_cleanup_ir_program_ struct ir_program p = {};
	struct bytes b = { .data = data, .left = size };
	struct ir_module *m = ir_module_new();
	_cleanup_buf_ struct buf text = {};
	u8 memory[64] = {};
	u64 result;

	for (unsigned i = 0; i < 3; i++) {
		struct ir_function *f = ir_function_new(m, "f", take(&b, 6));

		for (unsigned k = 0; k < 8; k++)
			ir_const(f, k);
		for (unsigned k = 0; k < 60 && b.left; k++)
			build(f, &b);
		ir_return_imm(f, 0);
	}
	if (!ir_compile(m, 0, &target, &p) && !p.count)
		abort();
	ir_interpret(m, 0, memory, sizeof(memory), 10000, &result);
	ir_print(m, &text);
	ir_module_free(m);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (size && data[0] & 1)
		abuse(data + 1, size - 1);
	else
		compare(size ? data + 1 : data, size ? size - 1 : 0);
	return 0;
}
