// SPDX-License-Identifier: Apache-2.0
/*
 * The length of an instruction. On arm64 it is four. On x86-64 it is prefixes, an opcode of one of
 * four maps (also behind VEX and EVEX), an operand byte with what that asks for, and a constant:
 * two questions to a table of bits, since nothing else changes the length.
 */
#include "lang/probes/boundary.h"

#define LENGTH_MAX 15

/* A set of opcodes, 16 to a word. */
typedef u16 opcodes[16];

static bool in(const opcodes set, u8 opcode)
{
	return set[opcode >> 4] >> (opcode & 15) & 1;
}

/* Opcodes that have an operand byte (ModRM). */
static const opcodes operand_one = {
	0x0f0f, 0x0f0f, 0x0f0f, 0x0f0f, 0, 0, 0x0a08, 0, 0xffff, 0, 0, 0, 0x00c3, 0xff0f, 0, 0xc0c0,
};
static const opcodes operand_0f = {
	0x200f, 0xffff, 0xff0f, 0,	0xffff, 0xffff, 0xffff, 0xff7f,
	0,	0xffff, 0xf838, 0xffff, 0x00ff, 0xffff, 0xffff, 0xffff,
};
/* Opcodes that end with a constant of one byte, or of four (two behind a 66 prefix). */
static const opcodes byte_one = {
	0x1010,		  0x1010, 0x1010, 0x1010, 0,	  0, 0x0c00, 0xffff,
	0x000d & ~0x0004, 0,	  0x0100, 0x00ff, 0x2043, 0, 0x08ff, 0,
};
static const opcodes word_one = {
	0x2020, 0x2020, 0x2020, 0x2020, 0,	0, 0x0300, 0,
	0x0002, 0,	0x0200, 0xff00, 0x0080, 0, 0x0300, 0,
};
static const opcodes byte_0f = {
	0x8000, 0, 0, 0, 0, 0, 0, 0x000f, 0, 0, 0x1010, 0x0400, 0x0074, 0, 0, 0,
};

struct instruction {
	const u8 *at, *end;
	bool small;   /* 66: constants of two bytes */
	bool address; /* 67: addresses of four */
	bool wide;    /* REX.W */
	bool vector;  /* VEX, EVEX */
	unsigned map; /* 0: one byte, 1: 0f, 2: 0f 38, 3: 0f 3a */
	u8 opcode;
};

static bool is_prefix(u8 b)
{
	return b == 0x66 || b == 0x67 || b == 0xf2 || b == 0xf3 || b == 0xf0 || b == 0x2e ||
	       b == 0x36 || b == 0x3e || b == 0x26 || b == 0x64 || b == 0x65;
}

/* C5 (2 bytes), C4 (3), 62 (4), then the opcode. */
static bool read_vector(struct instruction *i, u8 first)
{
	size_t more = first == 0xc5 ? 1 : first == 0xc4 ? 2 : 3;

	if ((size_t)(i->end - i->at) <= more)
		return false;
	i->map = first == 0xc5 ? 1 : i->at[0] & (first == 0xc4 ? 0x1f : 7);
	i->vector = true;
	i->at += more;
	i->opcode = *i->at++;
	if (i->map == 5 || i->map == 6) /* half-precision: like 0f 38 */
		i->map = 2;
	return i->map >= 1 && i->map <= 3;
}

static bool read_opcode(struct instruction *i)
{
	u8 b;

	for (; i->at < i->end && is_prefix(*i->at); i->at++) {
		i->small |= *i->at == 0x66;
		i->address |= *i->at == 0x67;
	}
	if (i->at < i->end && (*i->at & 0xf0) == 0x40)
		i->wide = *i->at++ >> 3 & 1;
	if (i->at == i->end)
		return false;
	b = *i->at++;
	if (b == 0xc4 || b == 0xc5 || b == 0x62)
		return read_vector(i, b);
	i->opcode = b;
	if (b != 0x0f)
		return true;
	if (i->at == i->end)
		return false;
	i->opcode = *i->at++;
	i->map = 1;
	if (i->opcode != 0x38 && i->opcode != 0x3a)
		return true;
	i->map = i->opcode == 0x38 ? 2 : 3;
	if (i->at == i->end)
		return false;
	i->opcode = *i->at++;
	return true;
}

/* The operand byte, the one behind it (SIB) and the displacement; its middle field, or -1. */
static int read_operand(struct instruction *i, size_t *ret_more)
{
	unsigned mode, base;
	int field;

	if (i->at == i->end)
		return -1;
	mode = *i->at >> 6;
	base = *i->at & 7;
	field = *i->at++ >> 3 & 7;
	*ret_more = mode == 1 ? 1 : mode == 2 ? 4 : 0;
	if (mode == 3)
		return field;
	if (base == 4) {
		if (i->at == i->end)
			return -1;
		base = *i->at++ & 7;
	}
	if (mode == 0 && base == 5)
		*ret_more = 4;
	return field;
}

static bool has_operand(const struct instruction *i)
{
	if (i->map == 0)
		return in(operand_one, i->opcode);
	if (i->map == 1)
		return i->vector ? i->opcode != 0x77 : in(operand_0f, i->opcode);
	return true;
}

/* Bytes of the constant; @field is the operand byte's. */
static size_t constant(const struct instruction *i, int field)
{
	size_t word = i->small ? 2 : 4;
	u8 o = i->opcode;

	if (i->map == 3)
		return 1;
	if (i->map == 1 && !i->vector && (o & 0xf0) == 0x80)
		return 4; /* jumps */
	if (i->map)
		return i->map == 1 && in(byte_0f, o);
	if (o >= 0xa0 && o <= 0xa3)
		return i->address ? 4 : 8;
	if (o >= 0xb8 && o <= 0xbf && i->wide)
		return 8;
	if (o == 0xc2 || o == 0xca)
		return 2;
	if (o == 0xc8)
		return 3;
	if (o == 0xe8 || o == 0xe9)
		return 4;
	if (o == 0xf6 || o == 0xf7)
		return field > 1 ? 0 : o == 0xf6 ? 1 : word;
	return in(byte_one, o) ? 1 : in(word_one, o) ? word : 0;
}

size_t x86_length(const u8 *code, size_t size)
{
	struct instruction i = { .at = code, .end = code + MIN(size, (size_t)LENGTH_MAX) };
	size_t more = 0;
	int field = 0;

	if (!read_opcode(&i))
		return 0;
	if (has_operand(&i)) {
		field = read_operand(&i, &more);
		if (field < 0)
			return 0;
	}
	more += constant(&i, field);
	return (size_t)(i.end - i.at) < more ? 0 : (size_t)(i.at - code) + more;
}

bool begins_instruction(const u8 *code, size_t size, u64 offset)
{
#if defined(__x86_64__)
	u64 at = 0;

	while (at < offset && at < size) {
		size_t length = x86_length(code + at, size - (size_t)at);

		if (!length)
			return false;
		at += length;
	}
	return at == offset;
#else
	return offset % 4 == 0;
#endif
}
