/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the intermediate representation share. A function is one array of instructions;
 * a block is a chain through it. The compiler copies a function into a struct ir_work and takes it
 * through its stages, each of which is one file:
 *
 *	simplify	constants into immediates, copies, addresses; dead instructions
 *	flow		reachable blocks, jumps to jumps, the order; one flat array of instructions
 *	liveness	which registers are alive where; intervals of positions and their uses
 *	allocate	linear scan: a machine register, or a place on the stack, for each interval
 *	resolve		the moves between the pieces of an interval, the words on the stack
 *	emit		eBPF
 *
 * Instruction i of the flat array has the positions 4i (its operands are read), 4i+1 (a call
 * destroys r0-r5) and 4i+2 (its result is written).
 */
#pragma once

#include "code/code.h"

#define IR_NONE UINT32_MAX
#define IR_MACHINE 10 /* r0 to r9 */
#define IR_SAVED 6    /* the first that a call leaves alone */
#define IR_STACK 512
#define IR_FRAMES 8 /* how deep calls may nest: the verifier's limit */

enum ir_kind {
	DO_NOTHING,
	/* Cheap to make again: never kept on the stack. */
	DO_CONST,     /* imm */
	DO_SLOT,      /* imm: the slot; offset */
	DO_MAP,	      /* imm: the map */
	DO_MAP_VALUE, /* imm: the map; offset */
	DO_FUNCTION,  /* imm: the function */
	DO_MOVE,
	DO_BINARY,
	DO_BINARY_IMM,
	DO_NEGATE,
	DO_EXTEND,
	DO_SWAP,
	DO_COMPARE,
	DO_COMPARE_IMM,
	DO_LOAD,      /* in[0]: the base; with ->frame r10 */
	DO_STORE,     /* in[1]: the value */
	DO_STORE_IMM, /* imm */
	DO_ATOMIC,    /* in[1]: the value, in[2]: what CMPXCHG expects; imm: as in insn.imm */
	DO_CALL,      /* imm: the helper */
	DO_CALL_FUNCTION,
	DO_CALL_KERNEL,
	DO_COMMENT, /* imm: which */
	DO_ENTRY,   /* the arguments come in */
	/* A block ends with one of these. */
	DO_JUMP, /* to[0] */
	DO_BRANCH,
	DO_BRANCH_IMM,
	DO_MAY_GOTO,
	DO_RETURN,
	DO_RETURN_IMM,
};

struct ir_insn {
	u8 kind;
	u8 op;	 /* enum ir_binary or ir_condition */
	u8 bits; /* 32, 64; of an extension or a swap 8, 16, 32, 64 */
	u8 size; /* of memory, in bytes */
	bool is_signed;
	bool frame; /* the base is r10, in[0] is 0 */
	u8 count;   /* of in[], of which some may be 0 */
	ir_reg dst; /* 0: none */
	ir_reg in[5];
	s32 offset;
	u32 to[2]; /* blocks: yes, no */
	u32 location;
	u32 next; /* in the block: index + 1 */
	s64 imm;
};

struct ir_block {
	u32 first, last; /* index + 1 */
	u32 order;	 /* when it became current for the first time, from 1 */
	bool ended;
};

struct ir_slot_info {
	u32 offset, size; /* @offset below the frame's end is its first byte */
	bool released;
};

struct ir_function {
	struct ir_module *module;
	char *name;
	u32 number;
	unsigned arguments;
	u32 regs; /* the highest */
	struct ir_insn *insns;
	size_t insn_count, insn_capacity;
	struct ir_block *blocks;
	size_t block_count, block_capacity;
	struct ir_slot_info *slots;
	size_t slot_count, slot_capacity;
	u32 *open_slots; /* those that are not released */
	size_t open_count, open_capacity;
	char **comments;
	size_t comment_count, comment_capacity;
	u32 slots_size;
	u32 current, location, orders;
};

struct ir_module {
	struct ir_function **functions;
	size_t function_count, function_capacity;
	int error;
	struct buf why;
};

/* The size of an operand in bits cut to what is computed; the result as a register holds it. */
u64 ir_evaluate(enum ir_binary op, unsigned bits, u64 a, u64 b);
bool ir_holds(enum ir_condition c, unsigned bits, u64 a, u64 b);
u64 ir_extended(unsigned bits, bool is_signed, u64 a);
u64 ir_swapped(unsigned bits, u64 a);
/* a c b == b swapped(c) a; !(a c b) == a inverted(c) b, which IR_SET has not: false. */
enum ir_condition ir_condition_swapped(enum ir_condition c);
bool ir_condition_invert(enum ir_condition *c);

static inline bool ir_is_end(u8 kind)
{
	return kind >= DO_JUMP;
}
static inline bool ir_is_call(u8 kind)
{
	return kind == DO_CALL || kind == DO_CALL_FUNCTION || kind == DO_CALL_KERNEL;
}
static inline bool ir_is_cheap(u8 kind)
{
	return kind >= DO_CONST && kind <= DO_FUNCTION;
}
/* Has it no effect but its result? */
static inline bool ir_is_pure(u8 kind)
{
	return kind >= DO_CONST && kind <= DO_LOAD;
}
static inline bool ir_fits(s64 value)
{
	return value == (s32)value;
}

/* ---- the compiler's working copy of a function --------------------------------------------- */

/* Memory that lives as long as the compilation of one function: zeroed, freed at once. */
struct ir_pool {
	struct ir_pool_chunk *chunks;
	size_t used;
};
void *ir_pool_get(struct ir_pool *p, size_t count, size_t size); /* NULL: no memory */
void ir_pool_free(struct ir_pool *p);

struct ir_flow_block {
	u32 source;	   /* of the function's blocks; IR_NONE: made here */
	u32 first, count;  /* instructions of the flat array */
	u32 to[2], degree; /* successors, by flow block */
	u32 preds;	   /* how many */
	u32 depth;	   /* of loops, roughly */
};

struct ir_range {
	u32 from, to; /* positions, without @to */
	u32 next;
};

struct ir_use {
	u32 at;
	bool must; /* be in a register; else the stack will do */
	u32 next;
};

/* A register, or a piece of one after a split, with one place where it is. */
struct ir_interval {
	ir_reg reg;
	u32 from, to;
	u32 ranges, uses;   /* the first of each: index, 0 none */
	u32 current;	    /* the range that the scan has come to */
	u32 previous, next; /* pieces: index, 0 none */
	s8 machine;	    /* -1: on the stack */
};

enum ir_phase {
	IR_PHASE_IN,	/* at the start of a block, what its only predecessor leaves elsewhere */
	IR_PHASE_SPLIT, /* in the middle of a block */
	IR_PHASE_OUT,	/* before the jump at the end of a block */
	IR_PHASE_LATE,	/* with the operands of the instruction */
};

#define IR_PLACE_STACK 16 /* ir_move: not a machine register but the register's word */
#define IR_PLACE_CHEAP 17 /* made again */
struct ir_move {
	u64 key; /* instruction * 4 + phase */
	ir_reg reg;
	u8 from, to;
};

struct ir_work {
	const struct ir_module *module;
	const struct ir_function *f;
	const struct ir_target *target;
	struct ir_pool pool;

	/* Before the flow is flat: the function's chains, to be changed at will. */
	struct ir_insn *all;
	struct ir_block *heads;
	/* By register. A register with one definition is what SSA would call a value. */
	u32 *defs, *uses;
	u32 *def; /* its definition in all[], index + 1; the last of several; 0: an argument */

	/* Flat. */
	struct ir_insn *insns;
	size_t count, capacity;
	struct ir_flow_block *blocks;
	size_t block_count, block_capacity;
	u32 regs, regs_capacity;
	u32 *cheap;   /* by register: its definition in all[], index + 1; 0: it is not */
	u32 *flow_of; /* by block of the function: its number in blocks[], + 1 */
	struct ir_copy_of {
		u32 def; /* in all[], index + 1 */
		ir_reg reg;
	} copies[8]; /* of cheap values, since the block's start or the last call */
	u32 copy_count;

	/* Liveness: only registers that live across blocks have a number in the sets. */
	u32 *global; /* register -> number + 1 */
	ir_reg *global_reg;
	u32 globals;
	size_t words;
	u64 *live_in, *live_out; /* @words for each block */

	/* Allocation. */
	struct ir_interval *intervals; /* those up to @regs are whole registers */
	size_t interval_count, interval_capacity;
	struct ir_range *ranges;
	size_t range_count, range_capacity;
	struct ir_use *use_list;
	size_t use_count, use_capacity;
	u32 *clobbers; /* positions where r0-r5 are lost, ascending */
	size_t clobber_count;
	u32 *clobbers0; /* those where r0 is */
	size_t clobber0_count;
	u8 *hint;	/* by register: machine register + 1 */
	ir_reg *friend; /* by register: one to share a machine register with, for a copy's sake */
	u8 *bounded;	/* by register: compared, so what is on the stack must be the newest */
	u8 *spilled;
	u8 *store_at_def; /* by register: its word of the stack always holds it */
	u32 *cursor;	  /* by register: the piece that was asked for last */
	u32 *block_of;	  /* by instruction */

	struct ir_move *moves;
	size_t move_count, move_capacity;
	u32 *word; /* by register: its word of the stack, + 1 */
	u32 words_used;
	u32 scratch_word[IR_MACHINE / 2]; /* + 1; to break cycles when no register is free */
};

/* How an instruction reads an operand. */
struct ir_access {
	bool must; /* from a register; else the stack or a value made in place will do */
	bool late; /* after the result has been begun: they cannot share a register */
};
struct ir_access ir_access(const struct ir_insn *insn, unsigned operand);
/* A binary operation whose operands may change places. */
static inline bool ir_commutes(u8 op)
{
	return op == IR_ADD || op == IR_MUL || op == IR_AND || op == IR_OR || op == IR_XOR;
}

int ir_simplify(struct ir_work *w);
int ir_drop_dead(struct ir_work *w);
int ir_flow(struct ir_work *w);
int ir_liveness(struct ir_work *w);
int ir_allocate(struct ir_work *w);
int ir_resolve(struct ir_work *w);

/* Where @reg is at @position: a machine register or IR_PLACE_STACK, IR_PLACE_CHEAP. */
u8 ir_place_at(struct ir_work *w, ir_reg reg, u32 position);

/* What ir_compile() collects over all functions. */
struct ir_output {
	const struct ir_module *module;
	const struct ir_target *target;
	struct code code;
	struct ir_relocation *relocations;
	size_t relocation_count, relocation_capacity;
	struct ir_place *places;
	size_t place_count, place_capacity;
	struct ir_part *parts; /* @part_count are compiled or in work, @named are known */
	size_t part_count, part_capacity, named;
	u32 *label; /* by function: + 1; 0: not named so far */
	u32 *frame; /* by function: bytes of its stack */
	struct ir_edge {
		u32 from, to; /* functions */
	} * edges;
	size_t edge_count, edge_capacity;
};
/* The label of @function, which from here on is a part of the program. */
u32 ir_output_function(struct ir_output *o, u32 from, u32 function);
int ir_emit(struct ir_work *w, struct ir_output *o);
/* Makes jumps that are too long for 16 bits go in hops. */
int ir_islands(struct ir_output *o);
