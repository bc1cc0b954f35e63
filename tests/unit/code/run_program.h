/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stricter machine than interpret.h for what ir_compile() makes: calls of local functions with
 * frames of their own, atomic operations, sign extension; a register or a byte of the stack that is
 * read before it was written is an error, as is what a call has destroyed. Maps are @memory.
 */
#pragma once

#include "code/code.h"

#define RUN_STACK 512

struct run_frame {
	u64 r[11];
	u16 written; /* a bit for each register */
	u8 stack[RUN_STACK], stack_written[RUN_STACK];
};

struct run {
	const struct ir_program *p;
	u8 *memory;
	size_t size;
	struct run_frame frames[8];
	unsigned depth;
	u64 steps;
	const char *error;
};

static inline void run_fail(struct run *m, const char *why)
{
	m->error = m->error ? m->error : why;
}

static inline u64 run_read(struct run *m, unsigned reg)
{
	struct run_frame *f = &m->frames[m->depth];

	if (reg > 10 || !(f->written >> reg & 1)) {
		run_fail(m, "a register is read that was not written");
		return 0;
	}
	return f->r[reg];
}

static inline void run_write(struct run *m, unsigned reg, u64 value)
{
	struct run_frame *f = &m->frames[m->depth];

	if (reg > 9) {
		run_fail(m, "a write to the frame's register");
		return;
	}
	f->r[reg] = value;
	f->written |= (u16)(1 << reg);
}

/* Where @address is; on the stack its bytes are marked as written, or must be so. */
static inline u8 *run_address(struct run *m, u64 address, size_t size, bool write)
{
	u64 start = (u64)(uintptr_t)m->memory;

	if (address >= start && m->size >= size && address - start <= m->size - size)
		return m->memory + (address - start);
	for (unsigned i = 0; i <= m->depth; i++) {
		struct run_frame *f = &m->frames[i];
		u64 at = address - (u64)(uintptr_t)f->stack;

		if (at > RUN_STACK - size)
			continue;
		for (size_t k = 0; k < size; k++)
			if (write)
				f->stack_written[at + k] = 1;
			else if (!f->stack_written[at + k])
				run_fail(m, "a byte of the stack is read that was not written");
		return f->stack + at;
	}
	run_fail(m, "an access outside of the memory");
	return NULL;
}

static inline size_t run_size(u8 opcode)
{
	return BPF_SIZE(opcode) == BPF_DW  ? 8
	       : BPF_SIZE(opcode) == BPF_W ? 4
	       : BPF_SIZE(opcode) == BPF_H ? 2
					   : 1;
}

static inline u64 run_extended(u64 value, unsigned bits)
{
	return (u64)((s64)(value << (64 - bits)) >> (64 - bits));
}

static inline u64 run_swapped(u64 value, s32 bits)
{
	return bits == 16   ? __builtin_bswap16((u16)value)
	       : bits == 32 ? __builtin_bswap32((u32)value)
			    : __builtin_bswap64(value);
}

static inline u64 run_operation(struct run *m, u8 op, u64 a, u64 b, bool wide)
{
	u64 count = b & (wide ? 63 : 31);

	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : a;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << count;
	case BPF_RSH:
		return a >> count;
	case BPF_ARSH:
		return wide ? (u64)((s64)a >> count) : (u64)(s64)((s32)(u32)a >> count);
	case BPF_NEG:
		return -a;
	case BPF_MOV:
		return b;
	default:
		run_fail(m, "an unknown operation");
		return 0;
	}
}

static inline void run_alu(struct run *m, const struct bpf_insn *i)
{
	bool wide = BPF_CLASS(i->code) == BPF_ALU64, reg = BPF_SRC(i->code) == BPF_X;
	u8 op = BPF_OP(i->code);
	u64 a = 0, b = 0, result;

	if (op == BPF_END) {
		run_write(m, i->dst_reg, run_swapped(run_read(m, i->dst_reg), i->imm));
		return;
	}
	if (!reg && !i->imm && (op == BPF_DIV || op == BPF_MOD))
		run_fail(m, "the verifier refuses a division by 0");
	if (!reg && (u32)i->imm > (wide ? 63 : 31) &&
	    (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH))
		run_fail(m, "the verifier refuses such a shift");
	if (op != BPF_MOV)
		a = run_read(m, i->dst_reg);
	if (op != BPF_NEG)
		b = reg ? run_read(m, i->src_reg) : (u64)(s64)i->imm;
	if (op == BPF_MOV && i->off)
		b = run_extended(b, (unsigned)i->off);
	if (!wide) {
		a = (u32)a;
		b = (u32)b;
	}
	result = run_operation(m, op, a, b, wide);
	run_write(m, i->dst_reg, wide ? result : (u32)result);
}

static inline bool run_test(struct run *m, const struct bpf_insn *i)
{
	bool wide = BPF_CLASS(i->code) == BPF_JMP;
	u64 a = run_read(m, i->dst_reg);
	u64 b = BPF_SRC(i->code) == BPF_X ? run_read(m, i->src_reg) : (u64)(s64)i->imm;
	s64 sa = wide ? (s64)a : (s32)(u32)a, sb = wide ? (s64)b : (s32)(u32)b;

	a = wide ? a : (u32)a;
	b = wide ? b : (u32)b;
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JSET:
		return a & b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	case BPF_JSLE:
		return sa <= sb;
	default:
		run_fail(m, "an unknown jump");
		return false;
	}
}

static inline void run_atomic(struct run *m, const struct bpf_insn *i, u8 *at, size_t size)
{
	u64 old = 0, next, value = run_read(m, i->src_reg);
	u64 mask = size == 8 ? UINT64_MAX : UINT32_MAX;

	memcpy(&old, at, size);
	next = value;
	if (i->imm == BPF_CMPXCHG)
		next = old == (run_read(m, 0) & mask) ? value : old;
	else if (i->imm != BPF_XCHG)
		next = run_operation(m, (u8)(i->imm & ~BPF_FETCH), old, value, true);
	memcpy(at, &next, size);
	if (i->imm == BPF_CMPXCHG)
		run_write(m, 0, old);
	else if (i->imm & BPF_FETCH)
		run_write(m, i->src_reg, old);
}

static inline void run_memory(struct run *m, const struct bpf_insn *i)
{
	bool load = BPF_CLASS(i->code) == BPF_LDX;
	size_t size = run_size(i->code);
	u64 base = run_read(m, load ? i->src_reg : i->dst_reg), value = 0;
	u8 *at = run_address(m, base + (u64)(s64)i->off, size,
			     !load && BPF_MODE(i->code) != BPF_ATOMIC);

	if (!at)
		return;
	if (BPF_MODE(i->code) == BPF_ATOMIC) {
		run_atomic(m, i, at, size);
	} else if (load) {
		memcpy(&value, at, size);
		if (BPF_MODE(i->code) == BPF_MEMSX)
			value = run_extended(value, (unsigned)size * 8);
		run_write(m, i->dst_reg, value);
	} else {
		value = BPF_CLASS(i->code) == BPF_STX ? run_read(m, i->src_reg) : (u64)(s64)i->imm;
		memcpy(at, &value, size);
	}
}

static inline u64 run_frames(struct run *m, size_t at);

static inline void run_call(struct run *m, size_t at, const struct bpf_insn *i)
{
	struct run_frame *caller = &m->frames[m->depth];
	u64 result;

	if (i->src_reg != BPF_PSEUDO_CALL) {
		run_fail(m, "a call of a helper");
		return;
	}
	if (m->depth == 7) {
		run_fail(m, "calls are nested too deep");
		return;
	}
	m->depth++;
	memset(&m->frames[m->depth], 0, sizeof(m->frames[0]));
	memcpy(&m->frames[m->depth].r[1], &caller->r[1], 5 * sizeof(u64));
	m->frames[m->depth].written = caller->written & 0x3e;
	result = run_frames(m, (size_t)((s64)at + 1 + i->imm));
	m->depth--;
	caller->written &= (u16)~0x3f;
	run_write(m, 0, result);
}

static inline void run_double(struct run *m, const struct bpf_insn *i)
{
	u64 value = (u32)i[0].imm | (u64)(u32)i[1].imm << 32;

	if (i->src_reg == BPF_PSEUDO_MAP_VALUE)
		value = (u64)(uintptr_t)m->memory + (u32)i[1].imm;
	else if (i->src_reg)
		run_fail(m, "an address that only the kernel knows");
	run_write(m, i->dst_reg, value);
}

static inline u64 run_frames(struct run *m, size_t at)
{
	struct run_frame *f = &m->frames[m->depth];

	f->r[10] = (u64)(uintptr_t)(f->stack + RUN_STACK);
	f->written |= 1 << 10;
	while (!m->error) {
		const struct bpf_insn *i = &m->p->insns[at];
		u8 class = at < m->p->count ? BPF_CLASS(i->code) : 0;

		if (at >= m->p->count || !m->steps--) {
			run_fail(m, "it runs off the end, or for ever");
			break;
		}
		if (i->code == (BPF_JMP | BPF_EXIT))
			return run_read(m, 0);
		if (i->code == (BPF_JMP | BPF_CALL))
			run_call(m, at, i);
		else if (i->code == (BPF_JMP | BPF_JA))
			at += (size_t)(ssize_t)i->off;
		else if (class == BPF_JMP || class == BPF_JMP32)
			at += run_test(m, i) ? (size_t)(ssize_t)i->off : 0;
		else if (i->code == (BPF_LD | BPF_DW | BPF_IMM))
			run_double(m, i);
		else if (class == BPF_ALU || class == BPF_ALU64)
			run_alu(m, i);
		else
			run_memory(m, i);
		at += i->code == (BPF_LD | BPF_DW | BPF_IMM) ? 2 : 1;
	}
	return 0;
}

/* r1 = memory, as ir_interpret() has it. The result; m->error is set when it went wrong. */
static inline u64 run_program(struct run *m, const struct ir_program *p, void *memory, size_t size,
			      u64 steps)
{
	memset(m, 0, sizeof(*m));
	m->p = p;
	m->memory = memory;
	m->size = size;
	m->steps = steps;
	m->frames[0].r[1] = (u64)(uintptr_t)memory;
	m->frames[0].written = 1 << 1;
	return run_frames(m, 0);
}
