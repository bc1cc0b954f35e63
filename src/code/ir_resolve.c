// SPDX-License-Identifier: Apache-2.0
/*
 * After the allocation: the moves that connect the pieces of an interval, inside a block where it
 * was split, and on each edge where its places at both ends differ; and the words of the stack.
 *
 * A register that is compared is stored where it leaves its machine register, because the verifier
 * has learned something about it since it was made. Others may be stored where they are made, when
 * that is cheaper: then leaving costs nothing.
 */
#include "code/ir_internal.h"

u8 ir_place_at(struct ir_work *w, ir_reg reg, u32 position)
{
	u32 index = w->cursor[reg] ? w->cursor[reg] : reg;
	s8 machine;

	if (w->intervals[index].from > position)
		index = reg;
	while (w->intervals[index].next && w->intervals[w->intervals[index].next].from <= position)
		index = w->intervals[index].next;
	w->cursor[reg] = index;
	machine = w->intervals[index].machine;
	if (machine >= 0)
		return (u8)machine;
	return w->cheap[reg] ? IR_PLACE_CHEAP : IR_PLACE_STACK;
}

static int add_move(struct ir_work *w, u32 insn, enum ir_phase phase, ir_reg reg, u8 from, u8 to)
{
	if (from == to || to == IR_PLACE_CHEAP)
		return 0;
	if (grow(&w->moves, &w->move_capacity, w->move_count + 1, sizeof(*w->moves)))
		return -ENOMEM;
	w->moves[w->move_count++] = (struct ir_move){
		.key = (u64)insn * 4 + phase, .reg = reg, .from = from, .to = to
	};
	return 0;
}

static bool starts_block(const struct ir_work *w, u32 position)
{
	u32 insn = position / 4;

	return position % 4 == 0 && w->blocks[w->block_of[insn]].first == insn;
}

static int split_moves(struct ir_work *w, ir_reg reg)
{
	int err = 0;

	for (u32 index = reg; w->intervals[index].next && !err; index = w->intervals[index].next) {
		const struct ir_interval *it = &w->intervals[index];
		u32 at = w->intervals[it->next].from;

		if (it->to != at || at / 4 >= w->count || starts_block(w, at))
			continue;
		err = add_move(w, at / 4, at % 4 ? IR_PHASE_LATE : IR_PHASE_SPLIT, reg,
			       ir_place_at(w, reg, at - 1), ir_place_at(w, reg, at));
	}
	return err;
}

static int edge_moves(struct ir_work *w, u32 from, u32 to, const u64 *split)
{
	const struct ir_flow_block *a = &w->blocks[from], *b = &w->blocks[to];
	const u64 *live = w->live_in + to * w->words;
	u32 end = a->first + a->count - 1;
	int err = 0;

	for (size_t word = 0; word < w->words; word++) {
		for (u64 bits = live[word] & split[word]; bits && !err; bits &= bits - 1) {
			ir_reg reg = w->global_reg[word * 64 + (unsigned)__builtin_ctzll(bits)];
			u8 left = ir_place_at(w, reg, 4 * end + 3);
			u8 right = ir_place_at(w, reg, 4 * b->first);

			err = add_move(w, a->degree == 1 ? end : b->first,
				       a->degree == 1 ? IR_PHASE_OUT : IR_PHASE_IN, reg, left,
				       right);
		}
	}
	return err;
}

static int all_moves(struct ir_work *w)
{
	u64 *split = ir_pool_get(&w->pool, w->words + 1, sizeof(u64));
	int err = 0;

	if (!split)
		return -ENOMEM;
	for (ir_reg reg = 1; reg <= w->regs && !err; reg++) {
		if (!w->intervals[reg].next)
			continue;
		if (w->global[reg])
			split[(w->global[reg] - 1) / 64] |= 1ULL << (w->global[reg] - 1) % 64;
		err = split_moves(w, reg);
	}
	for (u32 block = 0; block < w->block_count; block++)
		for (unsigned way = 0; way < w->blocks[block].degree && !err; way++)
			err = edge_moves(w, block, w->blocks[block].to[way], split);
	return err;
}

static int by_key(const void *a, const void *b)
{
	const struct ir_move *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->reg < y->reg ? -1 : x->reg > y->reg;
}

/* ---- stores -------------------------------------------------------------------------------- */

static u32 weight(const struct ir_work *w, u32 insn)
{
	return 1U << 3 * MIN(w->blocks[w->block_of[insn]].depth, 5U);
}

/* Where it is cheaper to store a register when it is written than when it leaves. */
static int choose_stores(struct ir_work *w)
{
	u64 *leaving = ir_pool_get(&w->pool, w->regs + 1, sizeof(u64));
	u64 *written = ir_pool_get(&w->pool, w->regs + 1, sizeof(u64));

	if (!leaving || !written)
		return -ENOMEM;
	for (size_t i = 0; i < w->move_count; i++)
		if (w->moves[i].to == IR_PLACE_STACK)
			leaving[w->moves[i].reg] += weight(w, (u32)(w->moves[i].key / 4));
	for (u32 i = 0; i < w->count; i++)
		written[w->insns[i].dst] += weight(w, i);
	for (ir_reg reg = 1; reg <= w->f->arguments; reg++)
		written[reg]++;
	for (ir_reg reg = 1; reg <= w->regs; reg++)
		w->store_at_def[reg] = w->spilled[reg] && !w->cheap[reg] && !w->bounded[reg] &&
				       leaving[reg] > written[reg];
	return 0;
}

/* ---- words of the stack -------------------------------------------------------------------- */

static int by_start(const void *a, const void *b, void *arg)
{
	const struct ir_work *w = arg;
	const u32 *x = a, *y = b;
	u32 p = w->intervals[*x].from, q = w->intervals[*y].from;

	return p != q ? (p < q ? -1 : 1) : *x < *y ? -1 : 1;
}

static u32 last_position(const struct ir_work *w, ir_reg reg)
{
	u32 index = reg;

	while (w->intervals[index].next)
		index = w->intervals[index].next;
	return w->intervals[index].to;
}

/* Registers whose lives do not overlap share a word. */
static int choose_words(struct ir_work *w)
{
	ir_reg *list = ir_pool_get(&w->pool, w->regs + 1, sizeof(ir_reg));
	u32 *ends = ir_pool_get(&w->pool, IR_STACK, sizeof(u32));
	size_t n = 0;

	w->word = ir_pool_get(&w->pool, w->regs + 1, sizeof(u32));
	if (!list || !ends || !w->word)
		return -ENOMEM;
	for (ir_reg reg = 1; reg <= w->regs; reg++)
		if (w->spilled[reg] && !w->cheap[reg])
			list[n++] = reg;
	qsort_r(list, n, sizeof(*list), by_start, w);
	for (size_t i = 0; i < n; i++) {
		u32 from = w->intervals[list[i]].from & ~3U, word = 0;

		while (word < w->words_used && ends[word] > from)
			word++;
		if (word >= IR_STACK)
			return fail(-E2BIG,
				    "%s: more than %u values are alive at once, and the stack "
				    "has %u bytes",
				    w->f->name, IR_STACK, IR_STACK);
		w->words_used = MAX(w->words_used, word + 1);
		ends[word] = (last_position(w, list[i]) | 3) + 1;
		w->word[list[i]] = word + 1;
	}
	return 0;
}

int ir_resolve(struct ir_work *w)
{
	size_t kept = 0;

	w->cursor = ir_pool_get(&w->pool, w->regs + 1, sizeof(u32));
	w->block_of = ir_pool_get(&w->pool, w->count, sizeof(u32));
	w->store_at_def = ir_pool_get(&w->pool, w->regs + 1, 1);
	if (!w->cursor || !w->block_of || !w->store_at_def)
		return -ENOMEM;
	for (u32 block = 0; block < w->block_count; block++)
		for (u32 i = 0; i < w->blocks[block].count; i++)
			w->block_of[w->blocks[block].first + i] = block;
	if (all_moves(w) || choose_stores(w))
		return -ENOMEM;
	for (size_t i = 0; i < w->move_count; i++)
		if (w->moves[i].to != IR_PLACE_STACK || !w->store_at_def[w->moves[i].reg])
			w->moves[kept++] = w->moves[i];
	w->move_count = kept;
	if (kept)
		qsort(w->moves, kept, sizeof(*w->moves), by_key);
	return choose_words(w);
}
