// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the representation as it was built, so that tests have something to compare the compiled
 * code with. Addresses are the host's own; every access is checked to lie in the memory that was
 * given or in the slots of a function that runs.
 */
#include "code/ir_internal.h"

struct machine {
	const struct ir_module *m;
	u8 *memory;
	size_t size;
	u64 steps;
	unsigned depth;
	struct {
		u8 *bytes;
		size_t size;
	} frames[IR_FRAMES];
};

static int run(struct machine *vm, const struct ir_function *f, const u64 *arguments, u64 *ret);

static bool inside(const u8 *start, size_t have, u64 address, unsigned size)
{
	u64 from = (u64)(uintptr_t)start;

	return have >= size && address >= from && address - from <= have - size;
}

static u8 *reach(struct machine *vm, u64 address, unsigned size)
{
	if (inside(vm->memory, vm->size, address, size))
		return (u8 *)(uintptr_t)address;
	for (unsigned i = 0; i < vm->depth; i++)
		if (inside(vm->frames[i].bytes, vm->frames[i].size, address, size))
			return (u8 *)(uintptr_t)address;
	fail(-EFAULT, "an access of %u bytes outside of the memory", size);
	return NULL;
}

static u64 read_memory(const u8 *at, unsigned size)
{
	u16 half;
	u32 word;
	u64 all;

	switch (size) {
	case 1:
		return *at;
	case 2:
		memcpy(&half, at, 2);
		return half;
	case 4:
		memcpy(&word, at, 4);
		return word;
	default:
		memcpy(&all, at, 8);
		return all;
	}
}

static void write_memory(u8 *at, unsigned size, u64 value)
{
	u16 half = (u16)value;
	u32 word = (u32)value;

	if (size == 1)
		*at = (u8)value;
	else if (size == 2)
		memcpy(at, &half, 2);
	else if (size == 4)
		memcpy(at, &word, 4);
	else
		memcpy(at, &value, 8);
}

static int atomic(u8 *at, const struct ir_insn *insn, u64 value, u64 expected, u64 *ret)
{
	u64 old = read_memory(at, insn->size), next = value;

	if (insn->imm == BPF_CMPXCHG) {
		next = old == ir_extended(insn->size * 8, false, expected) ? value : old;
	} else if (insn->imm != BPF_XCHG) {
		switch (insn->imm & ~(s64)BPF_FETCH) {
		case BPF_ADD:
			next = old + value;
			break;
		case BPF_OR:
			next = old | value;
			break;
		case BPF_AND:
			next = old & value;
			break;
		default:
			next = old ^ value;
		}
	}
	write_memory(at, insn->size, next);
	*ret = old;
	return 0;
}

static int memory(struct machine *vm, const struct ir_insn *insn, const u64 *regs, u64 *ret)
{
	u8 *at = reach(vm, regs[insn->in[0]] + (u64)(s64)insn->offset, insn->size);

	if (!at)
		return -EFAULT;
	switch (insn->kind) {
	case DO_LOAD:
		*ret = ir_extended(insn->size * 8, insn->is_signed, read_memory(at, insn->size));
		return 0;
	case DO_STORE:
		write_memory(at, insn->size, regs[insn->in[1]]);
		return 0;
	case DO_STORE_IMM:
		write_memory(at, insn->size, (u64)insn->imm);
		return 0;
	default:
		return atomic(at, insn, regs[insn->in[1]], regs[insn->in[2]], ret);
	}
}

static int call(struct machine *vm, const struct ir_insn *insn, const u64 *regs, u64 *ret)
{
	u64 arguments[5] = {};

	if (insn->imm >= (s64)vm->m->function_count)
		return fail(-EINVAL, "a function that does not exist");
	for (unsigned i = 0; i < insn->count; i++)
		arguments[i] = regs[insn->in[i]];
	return run(vm, vm->m->functions[insn->imm], arguments, ret);
}

static int value(struct machine *vm, const struct ir_function *f, const struct ir_insn *insn,
		 const u64 *regs, u64 *ret)
{
	u64 a = regs[insn->in[0]], b = regs[insn->in[1]];
	const u8 *frame = vm->frames[vm->depth - 1].bytes;

	switch (insn->kind) {
	case DO_NOTHING:
	case DO_COMMENT:
		return 0;
	case DO_CONST:
		*ret = (u64)insn->imm;
		return 0;
	case DO_SLOT:
		*ret = (u64)(uintptr_t)frame + f->slots_size - f->slots[insn->imm].offset +
		       (u64)(s64)insn->offset;
		return 0;
	case DO_MOVE:
		*ret = a;
		return 0;
	case DO_BINARY:
	case DO_BINARY_IMM:
		*ret = ir_evaluate(insn->op, insn->bits, a,
				   insn->kind == DO_BINARY ? b : (u64)insn->imm);
		return 0;
	case DO_NEGATE:
		*ret = ir_evaluate(IR_SUB, insn->bits, 0, a);
		return 0;
	case DO_EXTEND:
		*ret = ir_extended(insn->bits, insn->is_signed, a);
		return 0;
	case DO_SWAP:
		*ret = ir_swapped(insn->bits, a);
		return 0;
	case DO_COMPARE:
	case DO_COMPARE_IMM:
		*ret = ir_holds(insn->op, insn->bits, a,
				insn->kind == DO_COMPARE ? b : (u64)insn->imm);
		return 0;
	case DO_LOAD:
	case DO_STORE:
	case DO_STORE_IMM:
	case DO_ATOMIC:
		return memory(vm, insn, regs, ret);
	case DO_CALL_FUNCTION:
		return call(vm, insn, regs, ret);
	default:
		return fail(-EOPNOTSUPP, "helpers and maps are the kernel's");
	}
}

/* The block that follows; IR_NONE: the function returns *@ret. */
static u32 follow(const struct ir_insn *end, const u64 *regs, u64 *ret)
{
	switch (end->kind) {
	case DO_JUMP:
		return end->to[0];
	case DO_BRANCH:
	case DO_BRANCH_IMM:
		return ir_holds(end->op, end->bits, regs[end->in[0]],
				end->kind == DO_BRANCH ? regs[end->in[1]] : (u64)end->imm)
			       ? end->to[0]
			       : end->to[1];
	case DO_MAY_GOTO:
		return end->to[1];
	case DO_RETURN:
		*ret = regs[end->in[0]];
		return IR_NONE;
	default:
		*ret = (u64)end->imm;
		return IR_NONE;
	}
}

static int run_blocks(struct machine *vm, const struct ir_function *f, u64 *regs, u64 *ret)
{
	u32 block = 0;

	while (block != IR_NONE) {
		u32 at = f->blocks[block].first;

		if (!f->blocks[block].ended)
			return fail(-EINVAL, "%s: block %u has no end", f->name, block);
		for (;;) {
			const struct ir_insn *insn = &f->insns[at - 1];
			u64 result = 0;
			int err;

			if (!vm->steps--)
				return fail(-ELOOP, "%s: it does not come to an end", f->name);
			if (ir_is_end(insn->kind)) {
				block = follow(insn, regs, ret);
				break;
			}
			err = value(vm, f, insn, regs, &result);
			if (err)
				return err;
			if (insn->dst)
				regs[insn->dst] = result;
			at = insn->next;
		}
	}
	return 0;
}

static int run(struct machine *vm, const struct ir_function *f, const u64 *arguments, u64 *ret)
{
	_cleanup_free_ u64 *regs = calloc(f->regs + 1, sizeof(*regs));
	_cleanup_free_ u8 *frame = calloc(1, f->slots_size + 1);
	int err;

	if (!regs || !frame)
		return fail(-ENOMEM, "out of memory");
	if (vm->depth >= IR_FRAMES)
		return fail(-ELOOP, "%s: calls are nested too deep", f->name);
	memcpy(regs + 1, arguments, f->arguments * sizeof(*regs));
	vm->frames[vm->depth].bytes = frame;
	vm->frames[vm->depth++].size = f->slots_size;
	err = run_blocks(vm, f, regs, ret);
	vm->depth--;
	return err;
}

int ir_interpret(const struct ir_module *m, u32 function, void *memory, size_t size, u64 steps,
		 u64 *ret_value)
{
	struct machine vm = { .m = m, .memory = memory, .size = size, .steps = steps };
	u64 arguments[5] = { (u64)(uintptr_t)memory }, result = 0;
	int err;

	if (m->error)
		return fail(m->error, "%s", buf_str(&m->why));
	if (function >= m->function_count)
		return fail(-EINVAL, "a function that does not exist");
	err = run(&vm, m->functions[function], arguments, &result);
	if (!err)
		*ret_value = result;
	return err;
}
