/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the last stage of the compiler shares between its two files: ir_move.c brings values from
 * place to place, ir_emit.c writes the instructions.
 */
#pragma once

#include "code/ir_internal.h"

struct ir_emit {
	struct ir_work *w;
	struct ir_output *o;
	struct code *c;
	u32 *label;   /* by block */
	u32 *forward; /* by block: where a jump to it really goes */
	u32 *next;    /* by block: the one that follows and is not empty */
	size_t move;  /* the next of the work's moves */
	u32 at;	      /* the instruction */
};

/* A part of a parallel move: @reg from a place to a place. */
struct ir_transfer {
	ir_reg reg;
	u8 from, to;
};
struct ir_transfers {
	struct ir_transfer list[64];
	unsigned count, scratch;
	u16 busy; /* machine registers that must not be used to break a cycle */
};

/* Of a word of the stack, from the frame's register. */
static inline s32 ir_word_offset(const struct ir_work *w, u32 word)
{
	return -(s32)(w->f->slots_size + 8 * word);
}

/* Where @reg is at the current instruction: 0 when it reads, 2 when it writes. */
u8 ir_place(struct ir_emit *e, ir_reg reg, u32 phase);
/* The cheap value that @insn defines, into a machine register. */
int ir_make_cheap(struct ir_emit *e, const struct ir_insn *insn, u8 dst);
/* @reg, which is at @from, into a machine register. */
int ir_load_into(struct ir_emit *e, ir_reg reg, u8 from, u8 dst);

int ir_transfer_add(struct ir_transfers *t, ir_reg reg, u8 from, u8 to);
int ir_transfer_all(struct ir_emit *e, struct ir_transfers *t);
/* Adds the moves that resolution put at this phase of the current instruction. */
int ir_collect_moves(struct ir_emit *e, enum ir_phase phase, struct ir_transfers *t);
