/* SPDX-License-Identifier: Apache-2.0 */
/*
 * code: eBPF as a target. An assembler that writes instructions into a growable vector with labels,
 * and a disassembler that turns one instruction into text. Filters use the assembler as it is; what
 * needs virtual registers builds them above it and ends here.
 *
 *	struct code c = {};
 *	u32 no = code_label(&c);
 *	code_load(&c, BPF_W, BPF_REG_2, BPF_REG_1, 16);
 *	code_jump_if_imm(&c, BPF_JNE, BPF_REG_2, 7, no);
 *	...
 *	code_bind(&c, no);
 *	err = code_finish(&c);
 *
 * Errors stick: after the first, additions do nothing and code_finish() reports it.
 */
#pragma once

#include "base/base.h"

#include <linux/bpf.h>

/*
 * What the headers of the oldest build system (6.1) do not know yet, with the kernel that brought
 * it.
 */
#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80 /* 6.6: load with sign extension */
#endif
#ifndef BPF_JCOND
#define BPF_JCOND 0xe0 /* 6.10: may_goto */
#endif
#ifndef BPF_LOAD_ACQ
#define BPF_LOAD_ACQ 0x100 /* 6.15 */
#define BPF_STORE_REL 0x110
#endif

/* The most that a program may have: the verifier's limit since 5.2. */
#define CODE_MAX 1000000

struct code_fixup {
	u32 insn, label;
};

struct code {
	struct bpf_insn *insns;
	size_t count, capacity;
	u32 *labels; /* where each is bound, plus one; 0: not yet */
	size_t label_count, label_capacity;
	struct code_fixup *fixups;
	size_t fixup_count, fixup_capacity;
	int error;
	const char *why; /* the first error in words, a literal */
};

void code_free(struct code *c);
#define _cleanup_code_ _cleanup_(code_free)

/* A place to jump to; bound now or later, once. */
u32 code_label(struct code *c);
void code_bind(struct code *c, u32 label);

/*
 * Resolves the labels. 0, or the first error: -EINVAL for a register or label that does not exist
 * or was never bound, -E2BIG for a jump or a program that is too long, -ENOMEM. More code may be
 * added afterwards.
 */
int code_finish(struct code *c);

/* ---- arithmetic: @op is BPF_ADD ... BPF_ARSH, BPF_MOV; the 32 forms clear the upper half ---- */

void code_alu(struct code *c, u8 op, u8 dst, u8 src);
void code_alu_imm(struct code *c, u8 op, u8 dst, s32 imm);
void code_alu32(struct code *c, u8 op, u8 dst, u8 src);
void code_alu32_imm(struct code *c, u8 op, u8 dst, s32 imm);
void code_mov(struct code *c, u8 dst, u8 src);
/* The shortest way to have @value (sign extended when it fits 32 bits, else two slots). */
void code_mov_imm(struct code *c, u8 dst, s64 value);
void code_neg(struct code *c, u8 dst);
/* dst = the low @bits (16, 32, 64) of dst, in big or little endian order. */
void code_to_big_endian(struct code *c, u8 dst, s32 bits);
void code_to_little_endian(struct code *c, u8 dst, s32 bits);

/* ---- memory: @size is BPF_B, BPF_H, BPF_W or BPF_DW ----------------------------------------- */

void code_load(struct code *c, u8 size, u8 dst, u8 src, s32 offset);
/* Since 6.6; before, load and shift up and down. */
void code_load_signed(struct code *c, u8 size, u8 dst, u8 src, s32 offset);
void code_store(struct code *c, u8 size, u8 dst, s32 offset, u8 src);
void code_store_imm(struct code *c, u8 size, u8 dst, s32 offset, s32 imm);
/*
 * @op as in insn.imm: BPF_ADD, BPF_OR | BPF_FETCH, BPF_XCHG, BPF_CMPXCHG ... @size BPF_W or BPF_DW.
 */
void code_atomic(struct code *c, u8 size, s32 op, u8 dst, s32 offset, u8 src);
void code_load_imm64(struct code *c, u8 dst, u64 value);
/* The address of a map, and of the value of a map of one element at @offset. */
void code_load_map_fd(struct code *c, u8 dst, int fd);
void code_load_map_value(struct code *c, u8 dst, int fd, u32 offset);
/* The address of a local function, for bpf_loop() and its like. */
void code_load_function(struct code *c, u8 dst, u32 label);

/* ---- control: @op is BPF_JEQ, BPF_JNE, BPF_JSET, BPF_JGT ... BPF_JSLE ----------------------- */

void code_jump(struct code *c, u32 label);
void code_jump_if(struct code *c, u8 op, u8 dst, u8 src, u32 label);
void code_jump_if_imm(struct code *c, u8 op, u8 dst, s32 imm, u32 label);
void code_jump32_if(struct code *c, u8 op, u8 dst, u8 src, u32 label);
void code_jump32_if_imm(struct code *c, u8 op, u8 dst, s32 imm, u32 label);
void code_call(struct code *c, s32 helper);
void code_call_function(struct code *c, u32 label);
void code_exit(struct code *c);

/* ---- text ----------------------------------------------------------------------------------- */

/*
 * Names for what the instruction itself does not know. Each adds its words to @b and returns true,
 * or returns false and adds nothing. Members may be NULL.
 */
struct code_names {
	void *context;
	/*
	 * A call, when its number is no helper's (the kernel shows addresses), a kernel function, a
	 * local one.
	 */
	bool (*call)(void *context, const struct bpf_insn *insn, struct buf *b);
	/* The 64 bits of a double instruction. */
	bool (*imm64)(void *context, const struct bpf_insn *insn, u64 value, struct buf *b);
	bool maps_by_id; /* the kernel's own dump: it has map ids in place of descriptors */
};

/*
 * Adds one instruction in the notation of clang's assembler and of the verifier's log, with no
 * address and no newline: "r1 = *(u64 *)(r6 + 8)", "if w1 s> 0x5 goto +3", "call
 * bpf_map_lookup_elem#1". @left: how many instructions there are from @insn on. Returns how many
 * were used: 2 for a 64-bit immediate, else 1.
 */
size_t code_disassemble(const struct bpf_insn *insn, size_t left, const struct code_names *names,
			struct buf *b);
/* "bpf_map_lookup_elem" of 1; NULL when the headers of the build do not know the helper. */
const char *code_helper_name(s32 helper);

/* ---- virtual registers, blocks and functions above the assembler ---------------------------- */

#include "code/ir.h"
