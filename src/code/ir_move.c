// SPDX-License-Identifier: Apache-2.0
/*
 * Values from place to place: from the stack, made anew when that is cheap, and several at once as
 * if in parallel. First what goes to the stack, then what goes between machine registers in an
 * order that loses nothing, circles being broken by a free register or by a word of the stack; last
 * what comes from elsewhere.
 */
#include "code/ir_emit.h"

#define PLACE_NOWHERE 18 /* a transfer that is done */
#define PLACE_SCRATCH 19 /* and up: words of the stack to break circles with */

static int relocate(struct ir_emit *e, enum ir_relocation_kind kind, u32 map)
{
	struct ir_output *o = e->o;

	if (grow(&o->relocations, &o->relocation_capacity, o->relocation_count + 1,
		 sizeof(*o->relocations)))
		return -ENOMEM;
	o->relocations[o->relocation_count++] =
		(struct ir_relocation){ .insn = (u32)e->c->count, .kind = kind, .map = map };
	return 0;
}

/* A cheap value straight into a machine register. */
int ir_make_cheap(struct ir_emit *e, const struct ir_insn *insn, u8 dst)
{
	struct code *c = e->c;
	u32 label;

	switch (insn->kind) {
	case DO_CONST:
		code_mov_imm(c, dst, insn->imm);
		return 0;
	case DO_SLOT:
		code_mov(c, dst, BPF_REG_10);
		code_alu_imm(c, BPF_ADD, dst, insn->offset - (s32)e->w->f->slots[insn->imm].offset);
		return 0;
	case DO_MAP:
		if (relocate(e, IR_RELOCATION_MAP, (u32)insn->imm))
			return -ENOMEM;
		code_load_map_fd(c, dst, (int)insn->imm);
		return 0;
	case DO_MAP_VALUE:
		if (relocate(e, IR_RELOCATION_MAP_VALUE, (u32)insn->imm))
			return -ENOMEM;
		code_load_map_value(c, dst, (int)insn->imm, (u32)insn->offset);
		return 0;
	default:
		label = ir_output_function(e->o, e->w->f->number, (u32)insn->imm);
		code_load_function(c, dst, label);
		return 0;
	}
}

u8 ir_place(struct ir_emit *e, ir_reg reg, u32 phase)
{
	struct ir_work *w = e->w;

	if (w->cheap[reg] && !w->intervals[reg].ranges)
		return IR_PLACE_CHEAP;
	return ir_place_at(w, reg, 4 * e->at + phase);
}

int ir_load_into(struct ir_emit *e, ir_reg reg, u8 from, u8 dst)
{
	struct ir_work *w = e->w;

	if (from == IR_PLACE_CHEAP)
		return ir_make_cheap(e, &w->all[w->cheap[reg] - 1], dst);
	if (from == IR_PLACE_STACK)
		code_load(e->c, BPF_DW, dst, BPF_REG_10, ir_word_offset(w, w->word[reg]));
	else if (from != dst)
		code_mov(e->c, dst, from);
	return 0;
}

/* ---- moves in parallel --------------------------------------------------------------------- */

int ir_transfer_add(struct ir_transfers *t, ir_reg reg, u8 from, u8 to)
{
	if (t->count >= ARRAY_SIZE(t->list))
		return fail(-E2BIG, "too many moves at one place");
	t->list[t->count++] = (struct ir_transfer){ .reg = reg, .from = from, .to = to };
	return 0;
}

static bool pending_source(const struct ir_transfers *t, u8 machine)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->list[i].from == machine && t->list[i].to != machine)
			return true;
	return false;
}

/* What is left among machine registers are cycles: one goes by another register, or the stack. */
static void break_cycle(struct ir_emit *e, struct ir_transfers *t)
{
	struct ir_work *w = e->w;
	struct ir_transfer *first = t->list;
	u16 busy = t->busy;

	while (first->from >= IR_MACHINE || first->from == first->to)
		first++;
	for (unsigned i = 0; i < t->count; i++) {
		if (t->list[i].from < IR_MACHINE)
			busy |= (u16)(1 << t->list[i].from);
		if (t->list[i].to < IR_MACHINE)
			busy |= (u16)(1 << t->list[i].to);
	}
	for (u8 r = 0; r < IR_MACHINE; r++) {
		if (busy >> r & 1)
			continue;
		code_mov(e->c, r, first->from);
		first->from = r;
		return;
	}
	if (!w->scratch_word[t->scratch])
		w->scratch_word[t->scratch] = ++w->words_used;
	code_store(e->c, BPF_DW, BPF_REG_10, ir_word_offset(w, w->scratch_word[t->scratch]),
		   first->from);
	first->from = (u8)(PLACE_SCRATCH + t->scratch++);
}

int ir_transfer_all(struct ir_emit *e, struct ir_transfers *t)
{
	bool pending = true, moved;

	for (unsigned i = 0; i < t->count; i++)
		if (t->list[i].to == IR_PLACE_STACK && t->list[i].from < IR_MACHINE) {
			code_store(e->c, BPF_DW, BPF_REG_10,
				   ir_word_offset(e->w, e->w->word[t->list[i].reg]),
				   t->list[i].from);
			t->list[i].from = t->list[i].to = PLACE_NOWHERE;
		}
	while (pending) {
		pending = moved = false;
		for (unsigned i = 0; i < t->count; i++) {
			struct ir_transfer *m = &t->list[i];

			if (m->from >= IR_MACHINE || m->from == m->to)
				continue;
			pending = true;
			if (pending_source(t, m->to))
				continue;
			code_mov(e->c, m->to, m->from);
			m->from = m->to;
			moved = true;
		}
		if (pending && !moved)
			break_cycle(e, t);
	}
	for (unsigned i = 0; i < t->count; i++) {
		const struct ir_transfer *m = &t->list[i];

		if (m->from >= PLACE_SCRATCH)
			code_load(e->c, BPF_DW, m->to, BPF_REG_10,
				  ir_word_offset(e->w,
						 e->w->scratch_word[m->from - PLACE_SCRATCH]));
		else if (m->from >= IR_MACHINE && m->from != PLACE_NOWHERE &&
			 ir_load_into(e, m->reg, m->from, m->to))
			return -ENOMEM;
	}
	return 0;
}

int ir_collect_moves(struct ir_emit *e, enum ir_phase phase, struct ir_transfers *t)
{
	struct ir_work *w = e->w;
	u64 key = (u64)e->at * 4 + phase;

	for (; e->move < w->move_count && w->moves[e->move].key == key; e->move++) {
		const struct ir_move *m = &w->moves[e->move];
		int err = ir_transfer_add(t, m->reg, m->from, m->to);

		if (err)
			return err;
	}
	return 0;
}
