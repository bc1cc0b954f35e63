// SPDX-License-Identifier: Apache-2.0
/*
 * Memory that plain loads and stores reach. What is small lies on the stack; the rest in the frame:
 * this CPU's part of OWN_SCRATCH, for this depth of nesting. The frame is a bump allocator that
 * follows the script's blocks, also into callbacks, which run while their caller waits.
 *
 *	OWN_SCRATCH: [cpu][depth] frame, ... then u32 depth[cpu]
 */
#include "lang/lower/internal.h"

#define STACK_TEMPORARY 64 /* bytes; larger ones go to the frame */

ir_reg lower_frame(struct lower *l)
{
	l->uses_frame = true;
	return l->frame;
}

ir_reg lower_cpu(struct lower *l)
{
	ir_reg cpu = IR_CALL(l->f, BPF_FUNC_get_smp_processor_id);

	return ir_binary_imm(l->f, IR_AND, 64, cpu, l->script->cpus - 1);
}

ir_reg lower_map(struct lower *l, const struct map *m)
{
	return ir_map(l->f, m->number);
}

static void use_own_map(struct lower *l, enum own_map m)
{
	switch (m) {
	case OWN_RING:
		l->script->uses_ring = true;
		break;
	case OWN_LOSSES:
		l->script->uses_losses = true;
		break;
	case OWN_STATE:
		l->script->uses_state = true;
		break;
	default:
		break;
	}
}

ir_reg lower_own_map(struct lower *l, enum own_map m)
{
	use_own_map(l, m);
	return ir_map(l->f, script_own_map(l->script, m));
}

ir_reg lower_own_map_value(struct lower *l, enum own_map m, u32 offset)
{
	use_own_map(l, m);
	return ir_map_value(l->f, script_own_map(l->script, m), offset);
}

ir_reg lower_unknown_zero(struct lower *l)
{
	ir_reg state = lower_own_map_value(l, OWN_STATE, offsetof(struct script_state, zero));

	return ir_load(l->f, 8, false, state, 0);
}

/* ---- temporary memory ------------------------------------------------------------------------ */

u32 lower_mark(struct lower *l)
{
	return (u32)l->temporary_count;
}

static u32 padded(u32 size)
{
	return MAX((size + 7u) & ~7u, 8u);
}

void lower_release(struct lower *l, u32 mark)
{
	while (l->temporary_count > mark) {
		struct temporary *t = &l->temporaries[--l->temporary_count];

		if (t->is_slot) {
			ir_slot_release(l->f, t->slot);
			l->stack_used -= t->frame_before;
		} else {
			l->frame_used = t->frame_before;
		}
	}
}

static struct operand frame_bytes(struct lower *l, u32 size)
{
	u32 at = l->frame_used;

	if ((u64)at + size > FRAME_LIMIT) {
		lower_error(l, l->at,
			    "the probe needs more than %u bytes of scratch memory; "
			    "smaller strings (max_strlen) need less",
			    FRAME_LIMIT);
		at = 0;
		size = MIN(size, FRAME_LIMIT);
	}
	l->frame_used = at + size;
	l->frame_max = MAX(l->frame_max, l->frame_used);
	return operand_place(&type_none, SPACE_OWN, lower_frame(l), (s32)at);
}

static bool on_stack(const struct lower *l, u32 size)
{
	return size <= MAX(STACK_TEMPORARY, l->script->config.on_stack_limit) &&
	       l->stack_used + size <= l->stack_limit >> l->callback_depth;
}

struct operand lower_memory(struct lower *l, u32 size, bool in_frame, u32 *ret_slot)
{
	struct temporary t = { .frame_before = l->frame_used };
	struct operand o;

	size = size > FRAME_LIMIT ? FRAME_LIMIT + 8 : padded(size);
	if (grow(&l->temporaries, &l->temporary_capacity, l->temporary_count + 1,
		 sizeof(*l->temporaries))) {
		l->failed = true;
		return operand_place(&type_none, SPACE_OWN, lower_frame(l), 0);
	}
	*ret_slot = IR_NO_SLOT;
	if (!in_frame && on_stack(l, size)) {
		t.is_slot = true;
		t.slot = ir_slot(l->f, size);
		t.frame_before = size;
		l->stack_used += size;
		*ret_slot = t.slot;
		o = operand_place(&type_none, SPACE_OWN, ir_slot_address(l->f, t.slot, 0), 0);
	} else {
		o = frame_bytes(l, size);
	}
	l->temporaries[l->temporary_count++] = t;
	return o;
}

struct operand lower_temporary_bytes(struct lower *l, u32 size)
{
	u32 slot;

	return lower_memory(l, size, false, &slot);
}

struct operand lower_temporary(struct lower *l, const struct type *type)
{
	return operand_with(type, lower_temporary_bytes(l, type_stored_size(type)));
}

struct operand lower_in_memory(struct lower *l, struct operand o)
{
	struct operand to;

	if (o.in_memory && o.space == SPACE_OWN && !o.bit_size && !o.may_be_absent)
		return o;
	to = lower_temporary(l, o.type);
	if (type_in_register(o.type) && o.type->size < 8)
		ir_store_imm(l->f, 8, to.reg, to.offset, 0);
	lower_store(l, to, o);
	to.length = o.length;
	return to;
}

/* ---- copies ---------------------------------------------------------------------------------- */

static unsigned alignment(s32 a, s32 b)
{
	u32 bits = (u32)a | (u32)b | 8;

	return bits & -bits;
}

void lower_copy(struct lower *l, struct operand to, struct operand from, u32 size)
{
	if (!size)
		return;
	if (size > COPY_UNROLLED) {
		IR_CALL(l->f, BPF_FUNC_probe_read_kernel, operand_address(l, to),
			ir_const(l->f, size), operand_address(l, from));
		return;
	}
	operand_reach(l, &to, size);
	operand_reach(l, &from, size);
	ir_copy(l->f, to.reg, to.offset, from.reg, from.offset, size,
		alignment(to.offset, from.offset));
}

/* A read from address 0 fails and leaves zeros: the kernel's memset(). */
void lower_zero(struct lower *l, struct operand to, u32 size)
{
	if (!size)
		return;
	if (size > COPY_UNROLLED) {
		IR_CALL(l->f, BPF_FUNC_probe_read_kernel, operand_address(l, to),
			ir_const(l->f, size), ir_const(l->f, 0));
		return;
	}
	operand_reach(l, &to, size);
	ir_zero(l->f, to.reg, to.offset, size, alignment(to.offset, 0));
}

/* ---- reads ----------------------------------------------------------------------------------- */

/* Where it is not known whose memory it is, the address decides (x86 and arm64). */
static s32 read_helper(enum address_space space, const char **ret_name)
{
	switch (space) {
	case SPACE_USER:
		*ret_name = "probe_read_user";
		return BPF_FUNC_probe_read_user;
	case SPACE_NONE:
		*ret_name = "probe_read";
		return BPF_FUNC_probe_read;
	default:
		*ret_name = "probe_read_kernel";
		return BPF_FUNC_probe_read_kernel;
	}
}

static s32 string_helper(enum address_space space, const char **ret_name)
{
	switch (space) {
	case SPACE_USER:
		*ret_name = "probe_read_user_str";
		return BPF_FUNC_probe_read_user_str;
	case SPACE_NONE:
		*ret_name = "probe_read_str";
		return BPF_FUNC_probe_read_str;
	default:
		*ret_name = "probe_read_kernel_str";
		return BPF_FUNC_probe_read_kernel_str;
	}
}

void lower_read(struct lower *l, struct operand to, u32 size, enum address_space space, ir_reg from,
		struct span at)
{
	u32 bad, good;
	const char *name;
	s32 helper;
	ir_reg err;

	if (!size)
		return;
	if (space == SPACE_OWN) {
		lower_copy(l, to, operand_place(to.type, space, from, 0), size);
		return;
	}
	helper = read_helper(lower_space(l, space), &name);
	err = IR_CALL(l->f, helper, operand_address(l, to), ir_const(l->f, size), from);
	bad = ir_block(l->f);
	good = ir_block(l->f);
	ir_branch_imm(l->f, IR_EQ, 64, err, 0, good, bad);
	ir_at(l->f, bad);
	lower_helper_failed(l, LOSS_READ, name, err, at, false);
	ir_jump(l->f, good);
	ir_at(l->f, good);
}

struct operand lower_read_string(struct lower *l, u32 max, enum address_space space, ir_reg from,
				 struct span at)
{
	struct operand to = lower_temporary(l, type_string(l->script->arena, max));
	u32 bad = ir_block(l->f), good = ir_block(l->f), join = ir_block(l->f);
	u32 cut = ir_block(l->f), whole = ir_block(l->f);
	ir_reg length = ir_new(l->f), got;
	const char *name;
	s32 helper = string_helper(lower_space(l, space), &name);

	operand_reach(l, &to, max);
	if (l->padding)
		lower_zero(l, to, max);
	to.is_padded = l->padding;
	got = IR_CALL(l->f, helper, operand_address(l, to), ir_const(l->f, max), from);
	ir_branch_imm(l->f, IR_SGT, 64, got, 0, good, bad);

	ir_at(l->f, bad);
	ir_set_imm(l->f, length, 0);
	ir_store_imm(l->f, 1, to.reg, to.offset, 0);
	lower_helper_failed(l, LOSS_READ, name, got, at, false);
	ir_jump(l->f, join);

	ir_at(l->f, good);
	ir_set(l->f, length, ir_binary_imm(l->f, IR_SUB, 64, got, 1));
	ir_branch_imm(l->f, IR_LT, 64, got, max, whole, cut);
	ir_at(l->f, cut);
	ir_set_imm(l->f, length, max - 1); /* a bound for the verifier, too */
	if (max >= l->script->config.max_strlen)
		lower_count_loss(l, LOSS_TRUNCATED);
	ir_jump(l->f, join);
	ir_at(l->f, whole);
	ir_jump(l->f, join);
	ir_at(l->f, join);
	to.length = length;
	return to;
}
