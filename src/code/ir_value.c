// SPDX-License-Identifier: Apache-2.0
/*
 * What the operations compute, as eBPF defines it: for folding constants and for the interpreter.
 * And conditions seen from the other side.
 */
#include "code/ir_internal.h"

u64 ir_extended(unsigned bits, bool is_signed, u64 a)
{
	unsigned drop = 64 - bits;

	if (bits >= 64)
		return a;
	return is_signed ? (u64)((s64)(a << drop) >> drop) : a << drop >> drop;
}

u64 ir_swapped(unsigned bits, u64 a)
{
	return bits == 16   ? __builtin_bswap16((u16)a)
	       : bits == 32 ? __builtin_bswap32((u32)a)
			    : __builtin_bswap64(a);
}

static u64 evaluate64(enum ir_binary op, u64 a, u64 b)
{
	switch (op) {
	case IR_ADD:
		return a + b;
	case IR_SUB:
		return a - b;
	case IR_MUL:
		return a * b;
	case IR_DIV:
		return b ? a / b : 0;
	case IR_MOD:
		return b ? a % b : a;
	case IR_AND:
		return a & b;
	case IR_OR:
		return a | b;
	case IR_XOR:
		return a ^ b;
	case IR_SHL:
		return a << (b & 63);
	case IR_SHR:
		return a >> (b & 63);
	case IR_SAR:
		return (u64)((s64)a >> (b & 63));
	}
	return 0;
}

u64 ir_evaluate(enum ir_binary op, unsigned bits, u64 a, u64 b)
{
	if (bits == 64)
		return evaluate64(op, a, b);
	if (op >= IR_SHL)
		b &= 31;
	if (op == IR_SAR)
		return (u32)((s32)(u32)a >> b);
	return (u32)evaluate64(op, (u32)a, (u32)b);
}

bool ir_holds(enum ir_condition c, unsigned bits, u64 a, u64 b)
{
	s64 sa = (s64)ir_extended(bits, true, a), sb = (s64)ir_extended(bits, true, b);

	a = ir_extended(bits, false, a);
	b = ir_extended(bits, false, b);
	switch (c) {
	case IR_EQ:
		return a == b;
	case IR_NE:
		return a != b;
	case IR_GT:
		return a > b;
	case IR_GE:
		return a >= b;
	case IR_LT:
		return a < b;
	case IR_LE:
		return a <= b;
	case IR_SGT:
		return sa > sb;
	case IR_SGE:
		return sa >= sb;
	case IR_SLT:
		return sa < sb;
	case IR_SLE:
		return sa <= sb;
	case IR_SET:
		return a & b;
	}
	return false;
}

enum ir_condition ir_condition_swapped(enum ir_condition c)
{
	static const u8 swapped[] = {
		[IR_EQ] = IR_EQ,   [IR_NE] = IR_NE,   [IR_GT] = IR_LT,	 [IR_GE] = IR_LE,
		[IR_LT] = IR_GT,   [IR_LE] = IR_GE,   [IR_SGT] = IR_SLT, [IR_SGE] = IR_SLE,
		[IR_SLT] = IR_SGT, [IR_SLE] = IR_SGE, [IR_SET] = IR_SET,
	};

	return swapped[c];
}

bool ir_condition_invert(enum ir_condition *c)
{
	static const u8 inverted[] = {
		[IR_EQ] = IR_NE,   [IR_NE] = IR_EQ,   [IR_GT] = IR_LE,	 [IR_GE] = IR_LT,
		[IR_LT] = IR_GE,   [IR_LE] = IR_GT,   [IR_SGT] = IR_SLE, [IR_SGE] = IR_SLT,
		[IR_SLT] = IR_SGE, [IR_SLE] = IR_SGT,
	};

	if (*c == IR_SET)
		return false;
	*c = inverted[*c];
	return true;
}
