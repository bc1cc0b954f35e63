/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intermediate representation: functions of basic blocks over any number of virtual registers
 * of 64 bits, which ir_compile() turns into eBPF: liveness, a linear scan over r0-r9 that spills to
 * the stack, then a peephole and dead-code pass. It is not SSA: a register may be assigned often
 * (ir_set), which is what a script's variables are.
 *
 *	struct ir_module *m = ir_module_new();
 *	struct ir_function *f = ir_function_new(m, "probe_1", 1);
 *	ir_reg context = ir_argument(f, 0);
 *	u32 yes = ir_block(f), no = ir_block(f);
 *	ir_branch_imm(f, IR_EQ, 64, ir_load(f, 8, false, context, 8), 7, yes, no);
 *	ir_at(f, yes);
 *	ir_return_imm(f, 1);
 *	...
 *
 * Errors stick to the module (no memory, an operand that does not exist, a block without an end):
 * additions after the first do nothing, and ir_compile() reports it. What is added to a block that
 * has ended would never run and is left out; that is no error. Without memory ir_function_new() is
 * NULL, which every function here takes as a function to which nothing can be added.
 *
 * What the verifier must see stays as it was written: a mask or a comparison that bounds a value is
 * never folded away because its result is "known", and a value is compared and used from the same
 * virtual register. Pointers are registers like others; arithmetic on them is 64-bit add and sub.
 * What was compared or masked may be spilled: kernels since 5.10 keep its bounds on the stack.
 * Blocks are laid out in the order in which they became current: write them as the source reads.
 */
#pragma once

#include "base/base.h"

#include <linux/bpf.h>

typedef u32 ir_reg; /* 0: none */

struct ir_module;
struct ir_function;

enum ir_binary {
	IR_ADD,
	IR_SUB,
	IR_MUL,
	IR_DIV, /* unsigned; by zero gives 0, as eBPF defines it */
	IR_MOD, /* unsigned; by zero gives the dividend */
	IR_AND,
	IR_OR,
	IR_XOR,
	IR_SHL, /* the count is taken modulo 64 (32) */
	IR_SHR,
	IR_SAR,
};

enum ir_condition {
	IR_EQ,
	IR_NE,
	IR_GT, /* unsigned */
	IR_GE,
	IR_LT,
	IR_LE,
	IR_SGT, /* signed */
	IR_SGE,
	IR_SLT,
	IR_SLE,
	IR_SET, /* a & b */
};

struct ir_module *ir_module_new(void); /* NULL: no memory */
struct ir_module *ir_module_free(struct ir_module *m);
void ir_module_freep(struct ir_module **m);

/*
 * A function with @arguments (0 to 5) registers that hold what it was called with. @name is copied;
 * it is the function's name in BTF and in dumps. Its first block is current. Owned by the module.
 */
struct ir_function *ir_function_new(struct ir_module *m, const char *name, unsigned arguments);
ir_reg ir_argument(const struct ir_function *f, unsigned index);
/* The number under which other functions name it. */
u32 ir_function_number(const struct ir_function *f);

/* A new block (not yet current); every block must end with a jump, branch or return. */
u32 ir_block(struct ir_function *f);
/* What follows is added to @block. */
void ir_at(struct ir_function *f, u32 block);
u32 ir_current(const struct ir_function *f);
/* Did the current block end already (so that what follows would never run)? */
bool ir_ended(const struct ir_function *f);
/* What follows belongs to this place of the source (any number; 0: none): for line info. */
void ir_location(struct ir_function *f, u32 location);
/* A comment for ir_print(), at this place. Copied. */
void ir_comment(struct ir_function *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- values: each returns a new register. @bits: 32 (the result's upper half is 0) or 64 --- */

ir_reg ir_const(struct ir_function *f, s64 value);
ir_reg ir_new(struct ir_function *f); /* to be assigned with ir_set(), on every path before use */
void ir_set(struct ir_function *f, ir_reg dst, ir_reg src);
void ir_set_imm(struct ir_function *f, ir_reg dst, s64 value);
ir_reg ir_binary(struct ir_function *f, enum ir_binary op, unsigned bits, ir_reg a, ir_reg b);
ir_reg ir_binary_imm(struct ir_function *f, enum ir_binary op, unsigned bits, ir_reg a, s64 b);
ir_reg ir_negate(struct ir_function *f, unsigned bits, ir_reg a);
/* The low @bits (8, 16, 32) of @a, extended with zeros or with the sign, to 64. */
ir_reg ir_extend(struct ir_function *f, unsigned bits, bool is_signed, ir_reg a);
/* The low @bits (16, 32, 64), bytes reversed; the rest is zero. */
ir_reg ir_byte_swap(struct ir_function *f, unsigned bits, ir_reg a);
/* 1 when the condition holds, else 0. */
ir_reg ir_compare(struct ir_function *f, enum ir_condition c, unsigned bits, ir_reg a, ir_reg b);
ir_reg ir_compare_imm(struct ir_function *f, enum ir_condition c, unsigned bits, ir_reg a, s64 b);

/* ---- memory: @size is 1, 2, 4 or 8 bytes --------------------------------------------------- */

ir_reg ir_load(struct ir_function *f, unsigned size, bool is_signed, ir_reg base, s32 offset);
void ir_store(struct ir_function *f, unsigned size, ir_reg base, s32 offset, ir_reg value);
void ir_store_imm(struct ir_function *f, unsigned size, ir_reg base, s32 offset, s64 value);
/*
 * @op as in insn.imm: BPF_ADD, BPF_OR ..., with BPF_FETCH, BPF_XCHG, BPF_CMPXCHG (5.12, and
 * BPF_ADD alone everywhere). @size 4 or 8. Returns what was there before with BPF_FETCH, else 0.
 * BPF_CMPXCHG compares with @expected (else 0) and stores @value.
 */
ir_reg ir_atomic(struct ir_function *f, unsigned size, s32 op, ir_reg base, s32 offset,
		 ir_reg value, ir_reg expected);
/* @size bytes on the function's stack (8-byte aligned), and its address. Not initialised. */
u32 ir_slot(struct ir_function *f, u32 size);
ir_reg ir_slot_address(struct ir_function *f, u32 slot, u32 offset);
/* The slot's bytes may be given to another slot from here on (a scope has ended). */
void ir_slot_release(struct ir_function *f, u32 slot);
/* What all slots of the function take so far: the limit is 512 with spills and callees. */
u32 ir_slots_size(const struct ir_function *f);
/* The address of a map; of the value of an array of one element at @offset. The caller numbers. */
ir_reg ir_map(struct ir_function *f, u32 map);
ir_reg ir_map_value(struct ir_function *f, u32 map, u32 offset);
/* The address of a function of the module, as bpf_loop() and bpf_for_each_map_elem() take it. */
ir_reg ir_function_address(struct ir_function *f, u32 function);

/*
 * Bytes from one place to another and zeros, for memory that plain loads and stores reach:
 * unrolled, in the widest units that @align (1, 2, 4, 8: of both addresses) allows. For more than
 * 128 bytes a helper is the caller's better choice.
 */
void ir_copy(struct ir_function *f, ir_reg to, s32 to_offset, ir_reg from, s32 from_offset,
	     u32 size, unsigned align);
void ir_zero(struct ir_function *f, ir_reg to, s32 to_offset, u32 size, unsigned align);

/* ---- control ------------------------------------------------------------------------------- */

void ir_jump(struct ir_function *f, u32 block);
void ir_branch(struct ir_function *f, enum ir_condition c, unsigned bits, ir_reg a, ir_reg b,
	       u32 yes, u32 no);
void ir_branch_imm(struct ir_function *f, enum ir_condition c, unsigned bits, ir_reg a, s64 b,
		   u32 yes, u32 no);
/* Goes on in @next, or to @out when the kernel's budget for this loop is spent (may_goto, 6.9). */
void ir_may_goto(struct ir_function *f, u32 next, u32 out);
void ir_return(struct ir_function *f, ir_reg value);
void ir_return_imm(struct ir_function *f, s64 value);
/* Calls: at most 5 arguments. A call whose result is not used is still made. */
ir_reg ir_call(struct ir_function *f, s32 helper, unsigned count, const ir_reg *arguments);
ir_reg ir_call_function(struct ir_function *f, u32 function, unsigned count,
			const ir_reg *arguments);
/* A kernel function by its BTF id in the kernel's own BTF. */
ir_reg ir_call_kernel(struct ir_function *f, u32 btf_id, unsigned count, const ir_reg *arguments);
#define IR_CALL(f, helper, ...)                                            \
	ir_call(f, helper, sizeof((ir_reg[]){ 0, ##__VA_ARGS__ }) / 4 - 1, \
		(const ir_reg[]){ 0, ##__VA_ARGS__ } + 1)

/* ---- out of it ----------------------------------------------------------------------------- */

/* What the kernel's instruction set has. */
struct ir_target {
	bool signed_loads; /* 6.6, with 32-bit sign-extending moves */
	bool may_goto;	   /* 6.9 */
};

enum ir_relocation_kind {
	IR_RELOCATION_MAP,	 /* a double instruction; src_reg is set, imm is the index */
	IR_RELOCATION_MAP_VALUE, /* the same; the second imm is the offset */
};
struct ir_relocation {
	u32 insn;
	enum ir_relocation_kind kind;
	u32 map;
};
struct ir_place {
	u32 insn, location;
};
struct ir_part {
	u32 insn; /* where the function begins */
	u32 function;
	const char *name; /* the module's */
	unsigned arguments;
};
/* A program as the kernel takes it: the main function, then those that it names. */
struct ir_program {
	struct bpf_insn *insns;
	size_t count;
	struct ir_relocation *relocations;
	size_t relocation_count;
	struct ir_part *parts;
	size_t part_count;
	struct ir_place *places; /* ascending; where the location changes */
	size_t place_count;
	u32 stack; /* bytes that the deepest chain of calls takes */
};
void ir_program_free(struct ir_program *p);
#define _cleanup_ir_program_ _cleanup_(ir_program_free)

/*
 * Compiles the function @main and all that it names. -E2BIG: too many instructions, or more than
 * 512 bytes of stack (the text says by how much and for what); -EINVAL: the first error that stuck
 * to the module; -ENOMEM.
 */
int ir_compile(const struct ir_module *m, u32 main, const struct ir_target *target,
	       struct ir_program *ret);
/* All functions as text, one instruction a line; stable: for golden tests and --dump ir. */
void ir_print(const struct ir_module *m, struct buf *b);
/* 0, or the first error that stuck. */
int ir_error(const struct ir_module *m);

/*
 * Runs @function in user space, for tests against the compiled code: arithmetic, control, slots,
 * local calls, and loads and stores through addresses of slots and of @memory (given as argument
 * 0, @size bytes). -EOPNOTSUPP for helpers and maps, -EFAULT for an address outside, -ELOOP after
 * @steps instructions.
 */
int ir_interpret(const struct ir_module *m, u32 function, void *memory, size_t size, u64 steps,
		 u64 *ret_value);
