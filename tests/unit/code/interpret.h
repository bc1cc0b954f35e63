/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain interpreter of eBPF, for tests of what the compilers write: every register must have been
 * written before it is read, every access must lie in one of the two pieces of memory that the
 * program was given. No calls.
 */
#pragma once

#include "code/code.h"

struct machine {
	u64 r[11];
	u16 written;	  /* a bit for each register */
	const u8 *memory; /* what r1 points to */
	size_t size;
	u8 stack[512];
	const char *error;
};

static inline u64 machine_read(struct machine *m, u8 reg)
{
	if (reg > 10 || !(m->written & 1 << reg)) {
		m->error = "a register is read that was never written";
		return 0;
	}
	return m->r[reg];
}

static inline void machine_write(struct machine *m, u8 reg, u64 value)
{
	if (reg > 9)
		m->error = "a write to r10";
	else
		m->r[reg] = value;
	m->written |= (u16)(1 << reg);
}

static inline u8 *machine_address(struct machine *m, u64 address, size_t size)
{
	u64 stack = (u64)(uintptr_t)m->stack, memory = (u64)(uintptr_t)m->memory;

	if (address >= stack && address - stack <= sizeof(m->stack) - size)
		return &m->stack[address - stack];
	if (address >= memory && m->size >= size && address - memory <= m->size - size)
		return (u8 *)(uintptr_t)address;
	m->error = "an access outside of the memory";
	return NULL;
}

static inline size_t machine_bytes(u8 opcode)
{
	return BPF_SIZE(opcode) == BPF_DW  ? 8
	       : BPF_SIZE(opcode) == BPF_W ? 4
	       : BPF_SIZE(opcode) == BPF_H ? 2
					   : 1;
}

static inline u64 machine_alu(struct machine *m, u8 op, u64 a, u64 b, bool wide)
{
	unsigned bits = wide ? 63 : 31;

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
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_MOV:
		return b;
	case BPF_LSH:
		return a << (b & bits);
	case BPF_RSH:
		return a >> (b & bits);
	case BPF_ARSH:
		return wide ? (u64)((s64)a >> (b & bits)) : (u64)((s32)(u32)a >> (b & bits));
	case BPF_NEG:
		return -a;
	default:
		m->error = "an unknown operation";
		return 0;
	}
}

static inline bool machine_test(struct machine *m, u8 op, u64 a, u64 b, bool wide)
{
	s64 sa = wide ? (s64)a : (s32)(u32)a, sb = wide ? (s64)b : (s32)(u32)b;

	switch (op) {
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
		m->error = "an unknown jump";
		return false;
	}
}

/* The second operand, sign extended from an immediate, cut for the 32-bit forms. */
static inline u64 machine_operand(struct machine *m, const struct bpf_insn *i, bool wide)
{
	u64 v = BPF_SRC(i->code) == BPF_X ? machine_read(m, i->src_reg) : (u64)(s64)i->imm;

	return wide ? v : (u32)v;
}

static inline void machine_memory(struct machine *m, const struct bpf_insn *i)
{
	bool load = BPF_CLASS(i->code) == BPF_LDX;
	size_t size = machine_bytes(i->code);
	u64 base = machine_read(m, load ? i->src_reg : i->dst_reg), value = 0;
	u8 *at = machine_address(m, base + (u64)(s64)i->off, size);

	if (!at || BPF_MODE(i->code) != BPF_MEM) {
		m->error = m->error ? m->error : "an unknown way to memory";
	} else if (load) {
		memcpy(&value, at, size); /* little endian only, as the hosts of these tests */
		machine_write(m, i->dst_reg, value);
	} else {
		value = BPF_CLASS(i->code) == BPF_STX ? machine_read(m, i->src_reg)
						      : (u64)(s64)i->imm;
		memcpy(at, &value, size);
	}
}

/* Runs from @at; returns where to go on. */
static inline size_t machine_step(struct machine *m, const struct bpf_insn *insns, size_t at)
{
	const struct bpf_insn *i = &insns[at];
	u8 class = BPF_CLASS(i->code), op = BPF_OP(i->code);
	bool wide = class == BPF_ALU64 || class == BPF_JMP;
	u64 a = 0, result;

	switch (class) {
	case BPF_ALU:
	case BPF_ALU64:
		if (op != BPF_MOV)
			a = wide ? machine_read(m, i->dst_reg) : (u32)machine_read(m, i->dst_reg);
		result = machine_alu(m, op, a, op == BPF_NEG ? 0 : machine_operand(m, i, wide),
				     wide);
		machine_write(m, i->dst_reg, wide ? result : (u32)result);
		return at + 1;
	case BPF_JMP:
	case BPF_JMP32:
		if (op == BPF_JA && wide)
			return at + 1 + (size_t)(ssize_t)i->off;
		a = wide ? machine_read(m, i->dst_reg) : (u32)machine_read(m, i->dst_reg);
		if (machine_test(m, op, a, machine_operand(m, i, wide), wide))
			return at + 1 + (size_t)(ssize_t)i->off;
		return at + 1;
	case BPF_LD:
		if (i->code != (BPF_LD | BPF_DW | BPF_IMM)) {
			m->error = "an unknown load";
			return at;
		}
		machine_write(m, i->dst_reg, (u32)i[0].imm | (u64)(u32)i[1].imm << 32);
		return at + 2;
	default:
		machine_memory(m, i);
		return at + 1;
	}
}

/* r1 = memory. Ends at `exit` or behind the last instruction, with r0; -1 with m->error set. */
static inline s64 machine_run(struct machine *m, const struct bpf_insn *insns, size_t count,
			      const void *memory, size_t size)
{
	size_t at = 0;

	m->memory = memory;
	m->size = size;
	m->error = NULL;
	m->written = 1 << 1 | 1 << 10;
	m->r[1] = (u64)(uintptr_t)memory;
	m->r[10] = (u64)(uintptr_t)(m->stack + sizeof(m->stack));
	for (unsigned steps = 0; at < count && !m->error; steps++) {
		if (insns[at].code == (BPF_JMP | BPF_EXIT))
			break;
		if (steps > 100000)
			m->error = "it does not end";
		else
			at = machine_step(m, insns, at);
	}
	if (at > count)
		m->error = "a jump out of the program";
	return m->error ? -1 : (s64)machine_read(m, 0);
}
