/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random functions in the intermediate representation, for comparing the interpreter with what was
 * compiled: all operations in both widths, branches, loops of a few rounds, slots, accesses to 256
 * bytes of memory at fixed and at masked places, calls of functions of the module. What is made
 * depends on nothing but the seed; the verifier must accept all of it.
 */
#pragma once

#include "code/code.h"

#define RANDOM_MEMORY 256

struct random_program {
	u64 state;
	const u8 *bytes; /* decisions from here while there are some, then from @state */
	size_t left;
	struct ir_module *m;
	struct ir_function *f;
	ir_reg memory;
	ir_reg pool[64]; /* scalars that may be read here */
	unsigned pooled, variables;
	ir_reg indices[8]; /* scalars that were made to lie in the memory */
	unsigned indexed;
	u32 slots[4];
	unsigned slot_count;
	u32 callees[3];
	unsigned callee_arguments[3], callee_count;
	unsigned budget; /* statements left */
	bool old;	 /* only what 5.10 has */
};

static inline u64 random_next(struct random_program *p)
{
	u64 z;

	if (p->left) {
		p->left--;
		return *p->bytes++;
	}
	z = p->state += 0x9e3779b97f4a7c15ULL;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline unsigned random_below(struct random_program *p, unsigned n)
{
	return (unsigned)(random_next(p) % n);
}

/* Numbers at which widths and signs change, and any others. */
static inline s64 random_number(struct random_program *p)
{
	static const s64 edges[] = {
		0,
		1,
		-1,
		2,
		7,
		8,
		31,
		32,
		33,
		63,
		64,
		127,
		128,
		255,
		256,
		-128,
		0x7fff,
		0x8000,
		0xffff,
		INT32_MAX,
		INT32_MIN,
		UINT32_MAX,
		INT64_MAX,
		INT64_MIN,
		1LL << 32,
		3,
		-2147483649LL,
		0x80000000LL,
		0x123456789abcdefLL,
		10,
	};
	s64 n = (s64)random_next(p);

	switch (random_below(p, 4)) {
	case 0:
		return n;
	case 1:
		return n % 100;
	default:
		return edges[(u64)n % ARRAY_SIZE(edges)];
	}
}

static inline unsigned random_bits(struct random_program *p)
{
	return random_below(p, 3) ? 64 : 32;
}

static inline unsigned random_size(struct random_program *p)
{
	return 1U << random_below(p, 4);
}

static inline ir_reg random_pick(struct random_program *p)
{
	return p->pool[random_below(p, p->pooled)];
}

/* A new value: it takes the place of an older one when there are many, never of a variable. */
static inline void random_keep(struct random_program *p, ir_reg value)
{
	if (p->pooled < ARRAY_SIZE(p->pool))
		p->pool[p->pooled++] = value;
	else if (p->variables < p->pooled)
		p->pool[p->variables + random_below(p, p->pooled - p->variables)] = value;
}

/* A number that was masked, here or long before; or compared, and what is too large is not used. */
static inline ir_reg random_index(struct random_program *p)
{
	ir_reg index;

	if (p->indexed && random_below(p, 2))
		return p->indices[random_below(p, p->indexed)];
	if (random_below(p, 6)) {
		index = ir_binary_imm(p->f, IR_AND, 64, random_pick(p), 0xf8);
	} else {
		u32 large = ir_block(p->f), small = ir_block(p->f);

		/*
		 * No value of the pool: what is compared twice makes 5.10 follow ways that
		 * contradict themselves, and it then trusts no bounds at all.
		 */
		index = ir_binary_imm(p->f, IR_SHR, 64, random_pick(p), 55 + random_below(p, 2));
		ir_branch_imm(p->f, IR_GT, 64, index, RANDOM_MEMORY - 8, large, small);
		ir_at(p->f, large);
		ir_return(p->f, random_pick(p));
		ir_at(p->f, small);
	}
	if (p->indexed < ARRAY_SIZE(p->indices))
		p->indices[p->indexed++] = index;
	return index;
}

/* An address in the memory, 8 bytes from which may be read. */
static inline ir_reg random_address(struct random_program *p)
{
	return ir_binary(p->f, IR_ADD, 64, p->memory, random_index(p));
}

static inline void random_arithmetic(struct random_program *p)
{
	enum ir_binary op = random_below(p, IR_SAR + 1);
	unsigned bits = random_bits(p);
	ir_reg a = random_pick(p);

	switch (random_below(p, 8)) {
	case 0:
		random_keep(p, ir_negate(p->f, bits, a));
		break;
	case 1:
		random_keep(p, ir_extend(p->f, 8U << random_below(p, 3), random_below(p, 2), a));
		break;
	case 2:
		random_keep(p, ir_byte_swap(p->f, 16U << random_below(p, 3), a));
		break;
	case 3:
	case 4:
		random_keep(p, ir_binary_imm(p->f, op, bits, a, random_number(p)));
		break;
	default:
		random_keep(p, ir_binary(p->f, op, bits, a, random_pick(p)));
	}
}

static inline enum ir_condition random_condition(struct random_program *p)
{
	return random_below(p, IR_SET + 1);
}

static inline void random_compare(struct random_program *p)
{
	ir_reg a = random_pick(p);
	unsigned bits = random_bits(p);

	if (random_below(p, 2))
		random_keep(p, ir_compare(p->f, random_condition(p), bits, a, random_pick(p)));
	else
		random_keep(p,
			    ir_compare_imm(p->f, random_condition(p), bits, a, random_number(p)));
}

static inline void random_atomic(struct random_program *p)
{
	static const s32 ops[] = {
		BPF_ADD,
		BPF_ADD | BPF_FETCH,
		BPF_OR | BPF_FETCH,
		BPF_AND,
		BPF_XOR | BPF_FETCH,
		BPF_XCHG,
		BPF_CMPXCHG,
		BPF_OR,
	};
	s32 op = p->old ? BPF_ADD : ops[random_below(p, ARRAY_SIZE(ops))];
	unsigned size = random_below(p, 2) ? 8 : 4;
	ir_reg value = random_pick(p), expected = op == BPF_CMPXCHG ? random_pick(p) : 0;
	ir_reg old = ir_atomic(p->f, size, op, p->memory, (s32)(8 * random_below(p, 31)), value,
			       expected);

	if (old)
		random_keep(p, old);
}

static inline void random_memory(struct random_program *p)
{
	unsigned size = random_size(p), place = random_below(p, RANDOM_MEMORY / 8) * 8;
	bool masked = random_below(p, 3) == 0;
	ir_reg value = random_pick(p);
	ir_reg base = masked ? random_address(p) : p->memory;
	s32 offset = masked ? 0 : (s32)place;

	if (p->slot_count && random_below(p, 3) == 0) {
		base = ir_slot_address(p->f, p->slots[random_below(p, p->slot_count)], 0);
		offset = (s32)(place % 16);
	}
	switch (random_below(p, 4)) {
	case 0:
		ir_store(p->f, size, base, offset, value);
		break;
	case 1:
		ir_store_imm(p->f, size, base, offset, random_number(p));
		break;
	default:
		random_keep(p, ir_load(p->f, size, random_below(p, 2), base, offset));
	}
}

static inline void random_call(struct random_program *p)
{
	ir_reg arguments[5] = { p->memory };
	unsigned which;

	if (!p->callee_count)
		return;
	which = random_below(p, p->callee_count);
	for (unsigned i = 1; i < p->callee_arguments[which]; i++)
		arguments[i] = random_pick(p);
	random_keep(p, ir_call_function(p->f, p->callees[which], p->callee_arguments[which],
					arguments));
}

static inline void random_statements(struct random_program *p, unsigned count, unsigned depth);

static inline void random_branch(struct random_program *p, u32 yes, u32 no)
{
	ir_reg a = random_pick(p);
	unsigned bits = random_bits(p);

	if (random_below(p, 2))
		ir_branch(p->f, random_condition(p), bits, a, random_pick(p), yes, no);
	else if (random_below(p, 2))
		ir_branch_imm(p->f, random_condition(p), bits, a, random_number(p), yes, no);
	else
		ir_branch_imm(p->f, random_below(p, 2) ? IR_NE : IR_EQ, 64,
			      ir_compare(p->f, random_condition(p), bits, a, random_pick(p)), 0,
			      yes, no);
}

static inline void random_if(struct random_program *p, unsigned depth)
{
	u32 yes = ir_block(p->f), no = ir_block(p->f), end = ir_block(p->f);
	unsigned pooled = p->pooled, indexed = p->indexed;
	ir_reg pool[64];

	memcpy(pool, p->pool, sizeof(pool));
	random_branch(p, yes, no);
	ir_at(p->f, yes);
	random_statements(p, 1 + random_below(p, 5), depth + 1);
	if (random_below(p, 12) == 0)
		ir_return(p->f, random_pick(p));
	else
		ir_jump(p->f, end);
	memcpy(p->pool, pool, sizeof(pool));
	p->pooled = pooled;
	p->indexed = indexed;
	ir_at(p->f, no);
	if (random_below(p, 2))
		random_statements(p, 1 + random_below(p, 4), depth + 1);
	ir_jump(p->f, end);
	memcpy(p->pool, pool, sizeof(pool));
	p->pooled = pooled;
	p->indexed = indexed;
	ir_at(p->f, end);
}

static inline void random_loop(struct random_program *p, unsigned depth)
{
	u32 head = ir_block(p->f), body = ir_block(p->f), end = ir_block(p->f);
	ir_reg i = ir_new(p->f), pool[64];
	unsigned pooled = p->pooled, indexed = p->indexed;

	memcpy(pool, p->pool, sizeof(pool));
	ir_set_imm(p->f, i, 0);
	ir_jump(p->f, head);
	ir_at(p->f, head);
	ir_branch_imm(p->f, IR_LT, 64, i, 1 + random_below(p, 4), body, end);
	ir_at(p->f, body);
	random_keep(p, i);
	random_statements(p, 1 + random_below(p, 5), depth + 1);
	if (random_below(p, 3) == 0) {
		u32 on = ir_block(p->f);

		random_branch(p, end, on);
		ir_at(p->f, on);
	}
	ir_set(p->f, i, ir_binary_imm(p->f, IR_ADD, 64, i, 1));
	ir_jump(p->f, head);
	memcpy(p->pool, pool, sizeof(pool));
	p->pooled = pooled;
	p->indexed = indexed;
	ir_at(p->f, end);
}

static inline void random_statement(struct random_program *p, unsigned depth)
{
	switch (random_below(p, 16)) {
	case 0:
	case 1:
		random_memory(p);
		break;
	case 2:
		random_compare(p);
		break;
	case 3:
		random_call(p);
		break;
	case 4:
		if (depth < 3)
			random_if(p, depth);
		break;
	case 5:
		if (depth < 2)
			random_loop(p, depth);
		break;
	case 6:
	case 7:
		ir_set(p->f, p->pool[random_below(p, p->variables)], random_pick(p));
		break;
	case 8:
		ir_set_imm(p->f, p->pool[random_below(p, p->variables)], random_number(p));
		break;
	case 9:
		random_atomic(p);
		break;
	case 10:
		random_keep(p, ir_const(p->f, random_number(p)));
		break;
	default:
		random_arithmetic(p);
	}
}

static inline void random_statements(struct random_program *p, unsigned count, unsigned depth)
{
	for (unsigned i = 0; i < count && p->budget; i++) {
		p->budget--;
		random_statement(p, depth);
	}
}

/* Everything that can be read goes into the result, so that much is alive for long. */
static inline void random_end(struct random_program *p)
{
	ir_reg sum = random_pick(p);
	unsigned step = 1 + random_below(p, 3);

	for (unsigned i = 0; i < p->pooled; i += step)
		sum = ir_binary(p->f, random_below(p, 2) ? IR_XOR : IR_ADD, 64, sum, p->pool[i]);
	ir_return(p->f, sum);
}

static inline void random_function(struct random_program *p, const char *name, unsigned arguments,
				   unsigned statements)
{
	p->f = ir_function_new(p->m, name, arguments);
	p->memory = ir_argument(p->f, 0);
	p->pooled = p->slot_count = p->indexed = 0;
	p->budget = statements;
	p->variables = 1 + random_below(p, random_below(p, 4) ? 8 : 24);
	for (unsigned i = 0; i < p->variables; i++) {
		p->pool[p->pooled++] = ir_new(p->f);
		if (i + 1 < arguments)
			ir_set(p->f, p->pool[i], ir_argument(p->f, i + 1));
		else
			ir_set_imm(p->f, p->pool[i], random_number(p));
	}
	for (unsigned i = random_below(p, 4); i; i--) {
		u32 slot = ir_slot(p->f, 16);

		p->slots[p->slot_count++] = slot;
		ir_zero(p->f, ir_slot_address(p->f, slot, 0), 0, 16, 8);
	}
	random_statements(p, statements, 0);
	random_end(p);
}

/* Adds a program to @m; returns the number of its function, which takes the memory's address. */
static inline u32 random_program_add(struct ir_module *m, u64 seed, const u8 *bytes, size_t size,
				     bool old)
{
	struct random_program p = {
		.m = m, .state = seed, .bytes = bytes, .left = size, .old = old
	};
	unsigned callees = random_below(&p, 3);

	for (unsigned i = 0; i < callees; i++) {
		unsigned arguments = 1 + random_below(&p, 5);

		/* The first calls none, the next may call those before it. */
		random_function(&p, "callee", arguments, 2 + random_below(&p, 8));
		p.callees[i] = ir_function_number(p.f);
		p.callee_arguments[i] = arguments;
		p.callee_count = i + 1;
	}
	random_function(&p, "program", 1, 4 + random_below(&p, random_below(&p, 8) ? 40 : 160));
	return ir_function_number(p.f);
}
