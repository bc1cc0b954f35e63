// SPDX-License-Identifier: Apache-2.0
/*
 * Which registers are alive where: sets of bits for the borders of blocks, by iteration, then one
 * walk backwards that makes the intervals: ranges of positions, the uses in them, and hints for
 * which machine register would save a move. The sets hold only registers that cross a border,
 * which are few.
 */
#include "code/ir_internal.h"

struct ir_access ir_access(const struct ir_insn *insn, unsigned operand)
{
	switch (insn->kind) {
	case DO_BINARY:
		if (operand == 0)
			return (struct ir_access){};
		return (struct ir_access){ .must = true, .late = insn->in[0] != insn->in[1] };
	case DO_ATOMIC:
		if (insn->imm == BPF_CMPXCHG)
			return (struct ir_access){ .must = operand != 2, .late = operand != 2 };
		if (operand == 1 && insn->imm & BPF_FETCH)
			return (struct ir_access){};
		return (struct ir_access){ .must = true, .late = insn->dst };
	case DO_COMPARE:
	case DO_COMPARE_IMM:
	case DO_BRANCH:
	case DO_BRANCH_IMM:
	case DO_LOAD:
	case DO_STORE:
	case DO_STORE_IMM:
		return (struct ir_access){ .must = true };
	default:
		return (struct ir_access){};
	}
}

/* ---- the borders of blocks ----------------------------------------------------------------- */

/* Cheap values are made where they are used: only those copies (new registers) are followed. */
static bool tracked(const struct ir_work *w, ir_reg reg)
{
	return reg && (!w->cheap[reg] || reg > w->f->regs);
}

/* Numbers the registers that a block reads and did not write before. */
static void find_globals(struct ir_work *w, u32 *written)
{
	for (u32 block = 0; block < w->block_count; block++) {
		const struct ir_flow_block *b = &w->blocks[block];

		for (u32 i = b->first; i < b->first + b->count; i++) {
			const struct ir_insn *insn = &w->insns[i];

			if (insn->kind == DO_ENTRY)
				for (ir_reg reg = 1; reg <= w->f->arguments; reg++)
					written[reg] = block + 1;
			for (unsigned k = 0; k < insn->count; k++) {
				ir_reg reg = insn->in[k];

				if (!tracked(w, reg) || written[reg] == block + 1 || w->global[reg])
					continue;
				w->global_reg[w->globals++] = reg;
				w->global[reg] = w->globals;
			}
			written[insn->dst] = block + 1;
		}
	}
}

static void set(u64 *bits, u32 number)
{
	bits[number / 64] |= 1ULL << number % 64;
}

static bool get(const u64 *bits, u32 number)
{
	return bits[number / 64] >> number % 64 & 1;
}

/* live_in becomes what the block reads first, @kill what it writes. */
static void local_sets(struct ir_work *w, u32 block, u64 *kill)
{
	const struct ir_flow_block *b = &w->blocks[block];
	u64 *gen = w->live_in + block * w->words;

	for (u32 i = b->first; i < b->first + b->count; i++) {
		const struct ir_insn *insn = &w->insns[i];

		for (unsigned k = 0; k < insn->count; k++) {
			u32 g = insn->in[k] ? w->global[insn->in[k]] : 0;

			if (g && !get(kill, g - 1))
				set(gen, g - 1);
		}
		if (insn->dst && w->global[insn->dst])
			set(kill, w->global[insn->dst] - 1);
		if (insn->kind == DO_ENTRY)
			for (ir_reg reg = 1; reg <= w->f->arguments; reg++)
				if (w->global[reg])
					set(kill, w->global[reg] - 1);
	}
}

/* One step for one block; did what is alive at its start change? */
static bool flow_back(struct ir_work *w, u32 block, const u64 *kill)
{
	const struct ir_flow_block *b = &w->blocks[block];
	u64 *in = w->live_in + block * w->words, *out = w->live_out + block * w->words;
	bool changed = false;

	for (size_t word = 0; word < w->words; word++) {
		u64 bits = 0, before = in[word];

		for (unsigned way = 0; way < b->degree; way++)
			bits |= w->live_in[b->to[way] * w->words + word];
		out[word] = bits;
		in[word] |= bits & ~kill[word];
		changed |= in[word] != before;
	}
	return changed;
}

/* More values alive at the start of a block than registers and stack hold: no need to try. */
static int check_pressure(const struct ir_work *w)
{
	u32 most = IR_MACHINE + (IR_STACK - MIN(w->f->slots_size, (u32)IR_STACK)) / 8;

	for (u32 block = 0; block < w->block_count; block++) {
		u32 alive = 0;

		for (size_t word = 0; word < w->words; word++)
			alive += (u32)__builtin_popcountll(w->live_in[block * w->words + word]);
		if (alive > most)
			return fail(-E2BIG,
				    "%s: %u values are alive at once, and the stack has room for "
				    "%u with %u bytes of variables",
				    w->f->name, alive, most - IR_MACHINE, w->f->slots_size);
	}
	return 0;
}

static int borders(struct ir_work *w)
{
	u32 *written = ir_pool_get(&w->pool, w->regs + 1, sizeof(u32));
	bool again = true;
	u64 *kill;

	w->global = ir_pool_get(&w->pool, w->regs + 1, sizeof(u32));
	w->global_reg = ir_pool_get(&w->pool, w->regs + 1, sizeof(ir_reg));
	if (!written || !w->global || !w->global_reg)
		return -ENOMEM;
	find_globals(w, written);
	w->words = (w->globals + 63) / 64;
	w->live_in = ir_pool_get(&w->pool, w->block_count, w->words * sizeof(u64));
	w->live_out = ir_pool_get(&w->pool, w->block_count, w->words * sizeof(u64));
	kill = ir_pool_get(&w->pool, w->block_count, w->words * sizeof(u64));
	if (!w->live_in || !w->live_out || !kill)
		return -ENOMEM;
	for (u32 block = 0; block < w->block_count; block++)
		local_sets(w, block, kill + block * w->words);
	while (again) {
		again = false;
		for (u32 block = (u32)w->block_count; block-- > 0;)
			again |= flow_back(w, block, kill + block * w->words);
	}
	for (u32 g = 0; g < w->globals; g++)
		if (get(w->live_in, g))
			return fail(-EINVAL,
				    "%s: register %u is read where it may not have been set",
				    w->f->name, w->global_reg[g]);
	return check_pressure(w);
}

/* ---- intervals ----------------------------------------------------------------------------- */

static int add_range(struct ir_work *w, ir_reg reg, u32 from, u32 to)
{
	struct ir_interval *it = &w->intervals[reg];
	struct ir_range *head = &w->ranges[it->ranges];

	if (it->ranges && head->from <= to) {
		head->from = MIN(head->from, from);
		head->to = MAX(head->to, to);
		return 0;
	}
	if (grow(&w->ranges, &w->range_capacity, w->range_count + 1, sizeof(*w->ranges)))
		return -ENOMEM;
	w->ranges[w->range_count] = (struct ir_range){ .from = from, .to = to, .next = it->ranges };
	it->ranges = (u32)w->range_count++;
	return 0;
}

static int add_use(struct ir_work *w, ir_reg reg, u32 at, bool must)
{
	struct ir_interval *it = &w->intervals[reg];
	struct ir_use *head = &w->use_list[it->uses];

	if (it->uses && head->at == at) {
		head->must |= must;
		return 0;
	}
	if (grow(&w->use_list, &w->use_capacity, w->use_count + 1, sizeof(*w->use_list)))
		return -ENOMEM;
	w->use_list[w->use_count] = (struct ir_use){ .at = at, .must = must, .next = it->uses };
	it->uses = (u32)w->use_count++;
	return 0;
}

/* @reg is written at @at. @live: it is read later. */
static int define(struct ir_work *w, ir_reg reg, u32 at, bool live, bool must)
{
	int err = 0;

	if (live)
		w->ranges[w->intervals[reg].ranges].from = at;
	else
		err = add_range(w, reg, at, (at | 3) + 1);
	return err ? err : add_use(w, reg, at, must);
}

/* Would @reg like to share the machine register of the result, or that of a call's argument? */
static void hint_operand(struct ir_work *w, const struct ir_insn *insn, unsigned operand)
{
	ir_reg reg = insn->in[operand];

	if (ir_is_call(insn->kind)) {
		w->hint[reg] = (u8)(BPF_REG_1 + operand + 1);
	} else if (insn->kind == DO_RETURN || (insn->kind == DO_ATOMIC && operand == 2)) {
		w->hint[reg] = BPF_REG_0 + 1;
	} else if (insn->dst && operand == 0 && insn->kind <= DO_SWAP) {
		w->friend[reg] = insn->dst;
		w->friend[insn->dst] = reg;
		if (!w->hint[reg])
			w->hint[reg] = w->hint[insn->dst];
	}
}

static int walk_operands(struct ir_work *w, u32 block_from, u32 i, u8 *live)
{
	const struct ir_insn *insn = &w->insns[i];

	for (unsigned k = 0; k < insn->count; k++) {
		struct ir_access access = ir_access(insn, k);
		ir_reg reg = insn->in[k];

		if (!tracked(w, reg))
			continue;
		hint_operand(w, insn, k);
		if (insn->kind == DO_BRANCH || insn->kind == DO_BRANCH_IMM)
			w->bounded[reg] = 1;
		live[reg] = 1;
		if (add_range(w, reg, block_from, 4 * i + (access.late ? 3 : 1)) ||
		    add_use(w, reg, 4 * i, access.must))
			return -ENOMEM;
	}
	return 0;
}

static int walk_results(struct ir_work *w, u32 i, u8 *live)
{
	struct ir_insn *insn = &w->insns[i];
	bool early = insn->kind == DO_COMPARE || insn->kind == DO_COMPARE_IMM;

	for (ir_reg reg = 1; insn->kind == DO_ENTRY && reg <= w->f->arguments; reg++) {
		if (!live[reg])
			continue;
		w->hint[reg] = (u8)(reg + 1);
		live[reg] = 0;
		if (define(w, reg, 4 * i + 2, true, false))
			return -ENOMEM;
	}
	if (!insn->dst)
		return 0;
	if (!live[insn->dst] && ir_is_pure(insn->kind)) {
		*insn = (struct ir_insn){ .location = insn->location };
		return 0;
	}
	if (!live[insn->dst] && ir_is_call(insn->kind)) {
		insn->dst = 0;
		return 0;
	}
	if (ir_is_call(insn->kind) || (insn->kind == DO_ATOMIC && insn->imm == BPF_CMPXCHG))
		w->hint[insn->dst] = BPF_REG_0 + 1;
	if (define(w, insn->dst, early ? 4 * i : 4 * i + 2, live[insn->dst], true))
		return -ENOMEM;
	live[insn->dst] = 0;
	return 0;
}

/* What only instructions read that turned out dead is not alive at the start of the block. */
static void forget_dead(struct ir_work *w, u32 block, const u8 *live)
{
	u64 *in = w->live_in + block * w->words;

	for (size_t word = 0; word < w->words; word++)
		for (u64 bits = in[word]; bits; bits &= bits - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(bits);

			if (!live[w->global_reg[word * 64 + bit]])
				in[word] &= ~(1ULL << bit);
		}
}

static int walk_block(struct ir_work *w, u32 block, u8 *live)
{
	const struct ir_flow_block *b = &w->blocks[block];
	u32 from = 4 * b->first, to = 4 * (b->first + b->count);
	u64 *out = w->live_out + block * w->words;

	/* Blocks behind this one may need less by now. */
	for (size_t word = 0; word < w->words; word++) {
		out[word] = 0;
		for (unsigned way = 0; way < b->degree; way++)
			out[word] |= w->live_in[b->to[way] * w->words + word];
	}

	for (size_t word = 0; word < w->words; word++) {
		for (u64 bits = out[word]; bits; bits &= bits - 1) {
			ir_reg reg = w->global_reg[word * 64 + (unsigned)__builtin_ctzll(bits)];

			live[reg] = 1;
			if (add_range(w, reg, from, to))
				return -ENOMEM;
		}
	}
	for (u32 i = b->first + b->count; i-- > b->first;) {
		struct ir_insn *insn = &w->insns[i];

		/* Best when the first operand is the one that ends here: the result takes over. */
		if (walk_results(w, i, live))
			return -ENOMEM;
		if (insn->kind == DO_BINARY && ir_commutes(insn->op) && live[insn->in[0]] &&
		    !live[insn->in[1]] && tracked(w, insn->in[1])) {
			ir_reg a = insn->in[0];

			insn->in[0] = insn->in[1];
			insn->in[1] = a;
		}
		if (walk_operands(w, from, i, live))
			return -ENOMEM;
	}
	forget_dead(w, block, live);
	/* What is alive at the start is the next block's business again. */
	for (u32 i = b->first; i < b->first + b->count; i++)
		for (unsigned k = 0; k < w->insns[i].count; k++)
			live[w->insns[i].in[k]] = 0;
	for (size_t word = 0; word < w->words; word++)
		for (u64 bits = out[word]; bits; bits &= bits - 1)
			live[w->global_reg[word * 64 + (unsigned)__builtin_ctzll(bits)]] = 0;
	return 0;
}

/* Where calls destroy r0-r5, and compare-and-exchange r0. */
static int find_clobbers(struct ir_work *w)
{
	w->clobbers = ir_pool_get(&w->pool, w->count + 1, sizeof(u32));
	w->clobbers0 = ir_pool_get(&w->pool, w->count + 1, sizeof(u32));
	if (!w->clobbers || !w->clobbers0)
		return -ENOMEM;
	for (u32 i = 0; i < w->count; i++) {
		const struct ir_insn *insn = &w->insns[i];

		if (ir_is_call(insn->kind))
			w->clobbers[w->clobber_count++] = 4 * i + 1;
		if (ir_is_call(insn->kind) || (insn->kind == DO_ATOMIC && insn->imm == BPF_CMPXCHG))
			w->clobbers0[w->clobber0_count++] = 4 * i + 1;
	}
	return 0;
}

int ir_liveness(struct ir_work *w)
{
	u8 *live = ir_pool_get(&w->pool, w->regs + 1, 1);
	int err = borders(w);

	if (err)
		return err;
	w->hint = ir_pool_get(&w->pool, w->regs + 1, 1);
	w->friend = ir_pool_get(&w->pool, w->regs + 1, sizeof(ir_reg));
	w->bounded = ir_pool_get(&w->pool, w->regs + 1, 1);
	if (!live || !w->hint || !w->friend || !w->bounded || find_clobbers(w) ||
	    grow(&w->intervals, &w->interval_capacity, w->regs + 1, sizeof(*w->intervals)) ||
	    grow(&w->ranges, &w->range_capacity, w->regs + 1, sizeof(*w->ranges)) ||
	    grow(&w->use_list, &w->use_capacity, w->regs + 1, sizeof(*w->use_list)))
		return -ENOMEM;
	w->interval_count = w->regs + 1;
	w->range_count = w->use_count = 1; /* 0 is none */
	for (u32 block = (u32)w->block_count; block-- > 0 && !err;)
		err = walk_block(w, block, live);
	return err;
}
