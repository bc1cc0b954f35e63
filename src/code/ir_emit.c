// SPDX-License-Identifier: Apache-2.0
/*
 * eBPF from the flat array: each instruction in two-address form, moves in parallel where several
 * happen at once, blocks that turned out empty skipped, branches turned so that what follows is
 * what comes next.
 */
#include "code/ir_emit.h"

static u8 memory_size(unsigned size)
{
	return size == 1 ? BPF_B : size == 2 ? BPF_H : size == 4 ? BPF_W : BPF_DW;
}

/* ---- instructions -------------------------------------------------------------------------- */

static int move_phase(struct ir_emit *e, enum ir_phase phase)
{
	struct ir_transfers t = { .busy = 0x3ff };
	int err = ir_collect_moves(e, phase, &t);

	return err || !t.count ? err : ir_transfer_all(e, &t);
}

static void alu(struct ir_emit *e, const struct ir_insn *insn, u8 op, u8 dst)
{
	bool wide = insn->bits == 64;

	if (insn->kind == DO_BINARY) {
		u8 src = ir_place(e, insn->in[1], 0);

		(wide ? code_alu : code_alu32)(e->c, op, dst, src);
	} else {
		(wide ? code_alu_imm : code_alu32_imm)(e->c, op, dst, (s32)insn->imm);
	}
}

static void sign_extend(struct ir_emit *e, u8 dst, unsigned bits, u8 src)
{
	if (e->w->target->signed_loads) {
		code_mov(e->c, dst, src);
		if (!e->c->error)
			e->c->insns[e->c->count - 1].off = (s16)bits;
		return;
	}
	if (dst != src)
		code_mov(e->c, dst, src);
	code_alu_imm(e->c, BPF_LSH, dst, 64 - (s32)bits);
	code_alu_imm(e->c, BPF_ARSH, dst, 64 - (s32)bits);
}

static int emit_extend(struct ir_emit *e, const struct ir_insn *insn, u8 dst)
{
	u8 src = ir_place(e, insn->in[0], 0);

	if (src >= IR_MACHINE) {
		if (ir_load_into(e, insn->in[0], src, dst))
			return -ENOMEM;
		src = dst;
	}
	if (insn->is_signed) {
		sign_extend(e, dst, insn->bits, src);
	} else if (insn->bits == 32) {
		code_alu32(e->c, BPF_MOV, dst, src);
	} else {
		if (src != dst)
			code_mov(e->c, dst, src);
		code_alu_imm(e->c, BPF_AND, dst, (s32)((1U << insn->bits) - 1));
	}
	return 0;
}

static int emit_arithmetic(struct ir_emit *e, const struct ir_insn *insn, u8 dst)
{
	static const u8 ops[] = {
		[IR_ADD] = BPF_ADD, [IR_SUB] = BPF_SUB, [IR_MUL] = BPF_MUL,  [IR_DIV] = BPF_DIV,
		[IR_MOD] = BPF_MOD, [IR_AND] = BPF_AND, [IR_OR] = BPF_OR,    [IR_XOR] = BPF_XOR,
		[IR_SHL] = BPF_LSH, [IR_SHR] = BPF_RSH, [IR_SAR] = BPF_ARSH,
	};

	if (insn->kind == DO_EXTEND)
		return emit_extend(e, insn, dst);
	if (ir_load_into(e, insn->in[0], ir_place(e, insn->in[0], 0), dst))
		return -ENOMEM;
	switch (insn->kind) {
	case DO_BINARY:
	case DO_BINARY_IMM:
		alu(e, insn, ops[insn->op], dst);
		break;
	case DO_NEGATE:
		if (insn->bits == 64)
			code_neg(e->c, dst);
		else
			code_alu32_imm(e->c, BPF_NEG, dst, 0);
		break;
	case DO_SWAP:
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		code_to_big_endian(e->c, dst, insn->bits);
#else
		code_to_little_endian(e->c, dst, insn->bits);
#endif
		break;
	}
	return 0;
}

/* A conditional jump on the operands of @insn. */
static void jump_if(struct ir_emit *e, const struct ir_insn *insn, enum ir_condition condition,
		    u32 label)
{
	static const u8 ops[] = {
		[IR_EQ] = BPF_JEQ,   [IR_NE] = BPF_JNE,	  [IR_GT] = BPF_JGT,   [IR_GE] = BPF_JGE,
		[IR_LT] = BPF_JLT,   [IR_LE] = BPF_JLE,	  [IR_SGT] = BPF_JSGT, [IR_SGE] = BPF_JSGE,
		[IR_SLT] = BPF_JSLT, [IR_SLE] = BPF_JSLE, [IR_SET] = BPF_JSET,
	};
	bool wide = insn->bits == 64;
	u8 op = ops[condition], a = ir_place(e, insn->in[0], 0);

	if (insn->kind == DO_COMPARE || insn->kind == DO_BRANCH)
		(wide ? code_jump_if : code_jump32_if)(e->c, op, a, ir_place(e, insn->in[1], 0),
						       label);
	else
		(wide ? code_jump_if_imm : code_jump32_if_imm)(e->c, op, a, (s32)insn->imm, label);
}

static void emit_compare(struct ir_emit *e, const struct ir_insn *insn, u8 dst)
{
	u32 done = code_label(e->c);

	code_mov_imm(e->c, dst, 1);
	jump_if(e, insn, insn->op, done);
	code_mov_imm(e->c, dst, 0);
	code_bind(e->c, done);
}

static void emit_load(struct ir_emit *e, const struct ir_insn *insn, u8 dst)
{
	u8 base = insn->frame ? BPF_REG_10 : ir_place(e, insn->in[0], 0);

	if (insn->is_signed && e->w->target->signed_loads) {
		code_load_signed(e->c, memory_size(insn->size), dst, base, insn->offset);
		return;
	}
	code_load(e->c, memory_size(insn->size), dst, base, insn->offset);
	if (insn->is_signed)
		sign_extend(e, dst, insn->size * 8U, dst);
}

static void emit_store(struct ir_emit *e, const struct ir_insn *insn)
{
	u8 base = insn->frame ? BPF_REG_10 : ir_place(e, insn->in[0], 0);

	if (insn->kind == DO_STORE)
		code_store(e->c, memory_size(insn->size), base, insn->offset,
			   ir_place(e, insn->in[1], 0));
	else
		code_store_imm(e->c, memory_size(insn->size), base, insn->offset, (s32)insn->imm);
}

static int emit_atomic(struct ir_emit *e, const struct ir_insn *insn)
{
	u8 base = insn->frame ? BPF_REG_10 : ir_place(e, insn->in[0], 0), value;
	u8 dst = insn->dst ? ir_place(e, insn->dst, 2) : 0;
	int err = 0;

	if (insn->imm == BPF_CMPXCHG) {
		err = ir_load_into(e, insn->in[2], ir_place(e, insn->in[2], 0), BPF_REG_0);
		value = ir_place(e, insn->in[1], 0);
	} else if (insn->imm & BPF_FETCH) {
		err = ir_load_into(e, insn->in[1], ir_place(e, insn->in[1], 0), dst);
		value = dst;
	} else {
		value = ir_place(e, insn->in[1], 0);
	}
	code_atomic(e->c, memory_size(insn->size), (s32)insn->imm, base, insn->offset, value);
	if (insn->imm == BPF_CMPXCHG && dst != BPF_REG_0)
		code_mov(e->c, dst, BPF_REG_0);
	return err;
}

static int emit_call(struct ir_emit *e, const struct ir_insn *insn)
{
	/* r0 is free to break cycles: what is in it goes to an argument first, or is dead. */
	struct ir_transfers t = { .busy = 0x3fe };
	int err = ir_collect_moves(e, IR_PHASE_LATE, &t);

	for (unsigned i = 0; i < insn->count && !err; i++)
		err = ir_transfer_add(&t, insn->in[i], ir_place(e, insn->in[i], 0),
				      (u8)(BPF_REG_1 + i));
	if (!err)
		err = ir_transfer_all(e, &t);
	if (err)
		return err;
	if (insn->kind == DO_CALL_FUNCTION) {
		code_call_function(e->c, ir_output_function(e->o, e->w->f->number, (u32)insn->imm));
	} else {
		code_call(e->c, (s32)insn->imm);
		if (insn->kind == DO_CALL_KERNEL && !e->c->error)
			e->c->insns[e->c->count - 1].src_reg = BPF_PSEUDO_KFUNC_CALL;
	}
	if (insn->dst && ir_place(e, insn->dst, 2) != BPF_REG_0)
		code_mov(e->c, ir_place(e, insn->dst, 2), BPF_REG_0);
	return 0;
}

static int emit_entry(struct ir_emit *e)
{
	struct ir_work *w = e->w;
	struct ir_transfers t = {};
	int err = 0;

	for (ir_reg reg = 1; reg <= w->f->arguments && !err; reg++)
		if (w->intervals[reg].ranges && w->intervals[reg].from == 4 * e->at + 2)
			err = ir_transfer_add(&t, reg, (u8)(BPF_REG_0 + reg), ir_place(e, reg, 2));
	if (!err)
		err = ir_transfer_all(e, &t);
	for (ir_reg reg = 1; reg <= w->f->arguments && !err; reg++)
		if (w->store_at_def[reg] && ir_place(e, reg, 2) < IR_MACHINE)
			code_store(e->c, BPF_DW, BPF_REG_10, ir_word_offset(w, w->word[reg]),
				   ir_place(e, reg, 2));
	return err;
}

/* ---- control ------------------------------------------------------------------------------- */

static void emit_jump(struct ir_emit *e, u32 block, u32 to)
{
	if (e->forward[to] != e->next[block])
		code_jump(e->c, e->label[e->forward[to]]);
}

static void emit_branch(struct ir_emit *e, u32 block, const struct ir_insn *insn)
{
	u32 yes = e->forward[insn->to[0]], no = e->forward[insn->to[1]];
	enum ir_condition condition = insn->op;

	if (yes == no) {
		emit_jump(e, block, yes);
		return;
	}
	if (insn->kind == DO_MAY_GOTO) {
		code_jump(e->c, e->label[yes]);
		if (!e->c->error)
			e->c->insns[e->c->count - 1].code = BPF_JMP | BPF_JCOND;
	} else if (yes == e->next[block] && ir_condition_invert(&condition)) {
		jump_if(e, insn, condition, e->label[no]);
		return;
	} else {
		jump_if(e, insn, condition, e->label[yes]);
	}
	emit_jump(e, block, no);
}

static int emit_end(struct ir_emit *e, u32 block, const struct ir_insn *insn)
{
	int err = 0;

	switch (insn->kind) {
	case DO_JUMP:
		emit_jump(e, block, insn->to[0]);
		break;
	case DO_RETURN_IMM:
		code_mov_imm(e->c, BPF_REG_0, insn->imm);
		code_exit(e->c);
		break;
	case DO_RETURN:
		err = ir_load_into(e, insn->in[0], ir_place(e, insn->in[0], 0), BPF_REG_0);
		code_exit(e->c);
		break;
	default:
		emit_branch(e, block, insn);
	}
	return err;
}

static int emit_plain(struct ir_emit *e, const struct ir_insn *insn)
{
	u8 dst = insn->dst ? ir_place(e, insn->dst, 2) : 0;

	switch (insn->kind) {
	case DO_NOTHING:
		return 0;
	case DO_ENTRY:
		return emit_entry(e);
	case DO_MOVE:
		return ir_load_into(e, insn->in[0], ir_place(e, insn->in[0], 0), dst);
	case DO_COMPARE:
	case DO_COMPARE_IMM:
		emit_compare(e, insn, dst);
		return 0;
	case DO_LOAD:
		emit_load(e, insn, dst);
		return 0;
	case DO_STORE:
	case DO_STORE_IMM:
		emit_store(e, insn);
		return 0;
	case DO_ATOMIC:
		return emit_atomic(e, insn);
	case DO_CALL:
	case DO_CALL_FUNCTION:
	case DO_CALL_KERNEL:
		return emit_call(e, insn);
	default:
		return ir_is_cheap(insn->kind) ? ir_make_cheap(e, insn, dst)
					       : emit_arithmetic(e, insn, dst);
	}
}

static int note_place(struct ir_emit *e, u32 location)
{
	struct ir_output *o = e->o;
	struct ir_place *last = o->place_count ? &o->places[o->place_count - 1] : NULL;
	u32 start = o->parts[o->part_count - 1].insn;

	if (last && last->insn >= start && last->location == location)
		return 0;
	if (last && last->insn == e->c->count && last->insn >= start) {
		last->location = location;
		return 0;
	}
	if (grow(&o->places, &o->place_capacity, o->place_count + 1, sizeof(*o->places)))
		return -ENOMEM;
	o->places[o->place_count++] =
		(struct ir_place){ .insn = (u32)e->c->count, .location = location };
	return 0;
}

static int emit_insn(struct ir_emit *e, u32 block)
{
	struct ir_work *w = e->w;
	const struct ir_insn *insn = &w->insns[e->at];
	int err = note_place(e, insn->location);

	for (unsigned phase = 0; phase < IR_PHASE_LATE && !err; phase++)
		err = move_phase(e, phase);
	if (!err && !ir_is_call(insn->kind))
		err = move_phase(e, IR_PHASE_LATE);
	if (err)
		return err;
	if (ir_is_end(insn->kind))
		return emit_end(e, block, insn);
	err = emit_plain(e, insn);
	if (insn->dst && w->store_at_def[insn->dst])
		code_store(e->c, BPF_DW, BPF_REG_10, ir_word_offset(w, w->word[insn->dst]),
			   ir_place(e, insn->dst, 2));
	return err;
}

/* ---- blocks -------------------------------------------------------------------------------- */

/* Nothing but a jump, after all? */
static bool is_empty(struct ir_emit *e, u32 block)
{
	struct ir_work *w = e->w;
	const struct ir_flow_block *b = &w->blocks[block];
	u64 end = (u64)(b->first + b->count) * 4;

	while (e->move < w->move_count && w->moves[e->move].key < (u64)b->first * 4)
		e->move++;
	if (e->move < w->move_count && w->moves[e->move].key < end)
		return false;
	for (u32 i = b->first; i < b->first + b->count; i++) {
		const struct ir_insn *insn = &w->insns[i];

		e->at = i;
		if (insn->kind == DO_NOTHING || insn->kind == DO_JUMP)
			continue;
		if (insn->kind != DO_MOVE || w->store_at_def[insn->dst] ||
		    ir_place(e, insn->in[0], 0) != ir_place(e, insn->dst, 2))
			return false;
	}
	return true;
}

static int plan_blocks(struct ir_emit *e)
{
	struct ir_work *w = e->w;
	u32 n = (u32)w->block_count, next = IR_NONE;
	u8 *empty = ir_pool_get(&w->pool, n, 1);

	e->label = ir_pool_get(&w->pool, n, sizeof(u32));
	e->forward = ir_pool_get(&w->pool, n, sizeof(u32));
	e->next = ir_pool_get(&w->pool, n, sizeof(u32));
	if (!empty || !e->label || !e->forward || !e->next)
		return -ENOMEM;
	for (u32 i = 0; i < n; i++)
		empty[i] = is_empty(e, i);
	e->move = 0;
	for (u32 i = 0; i < n; i++) {
		u32 to = i;

		for (u32 hops = 0; empty[to] && hops < n; hops++)
			to = w->blocks[to].to[0];
		/* A loop of nothing: it must stand somewhere. */
		if (empty[to])
			empty[i] = 0;
		e->forward[i] = empty[i] ? to : i;
	}
	for (u32 i = n; i-- > 0;) {
		e->next[i] = next;
		if (!empty[i])
			next = i;
		e->label[i] = empty[i] ? 0 : code_label(e->c);
	}
	return 0;
}

int ir_emit(struct ir_work *w, struct ir_output *o)
{
	struct ir_emit e = { .w = w, .o = o, .c = &o->code };
	int err = plan_blocks(&e);

	for (u32 block = 0; block < w->block_count && !err; block++) {
		const struct ir_flow_block *b = &w->blocks[block];

		if (e.forward[block] != block)
			continue;
		code_bind(e.c, e.label[block]);
		for (e.at = b->first; e.at < b->first + b->count && !err; e.at++)
			err = emit_insn(&e, block);
	}
	if (!err && e.move != w->move_count)
		err = fail(-EINVAL, "%s: a move was left out", w->f->name);
	return err;
}
