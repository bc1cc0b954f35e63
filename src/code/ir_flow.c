// SPDX-License-Identifier: Apache-2.0
/*
 * From chains of blocks to one flat array: what cannot be reached goes, jumps to jumps go to where
 * those lead, blocks follow in the order in which they were written, and an edge from a block with
 * two ways out to one with two ways in gets a block of its own, where moves may stand.
 *
 * On the way each instruction becomes one that eBPF has: immediates and offsets that do not fit
 * come from registers, and cheap values are made anew in each stretch of code between two calls.
 */
#include "code/ir_internal.h"

static struct ir_insn *last_insn(struct ir_work *w, u32 head)
{
	u32 last = w->heads[head].last;

	return last ? &w->all[last - 1] : NULL;
}

static unsigned successors(const struct ir_insn *end)
{
	return end->kind >= DO_RETURN ? 0 : end->kind == DO_JUMP ? 1 : 2;
}

/* Where a jump to @head really leads: through blocks that are nothing but a jump. */
static u32 thread(struct ir_work *w, u32 head)
{
	for (unsigned i = 0; i < 32; i++) {
		u32 at = w->heads[head].first;

		while (at &&
		       (w->all[at - 1].kind == DO_COMMENT || w->all[at - 1].kind == DO_NOTHING))
			at = w->all[at - 1].next;
		if (!at || w->all[at - 1].kind != DO_JUMP)
			break;
		head = w->all[at - 1].to[0];
	}
	return head;
}

/* ---- what can be reached ------------------------------------------------------------------- */

/* Marks in @reached; every block that is must have an end. */
static int reach(struct ir_work *w, u8 *reached, u32 *stack)
{
	size_t depth = 0;

	memset(reached, 0, w->f->block_count);
	stack[depth++] = 0;
	reached[0] = 1;
	while (depth) {
		u32 head = stack[--depth];
		struct ir_insn *end = last_insn(w, head);

		if (!end || !ir_is_end(end->kind))
			return fail(-EINVAL, "%s: block %u has no end", w->f->name, head);
		for (unsigned i = 0; i < successors(end); i++) {
			end->to[i] = thread(w, end->to[i]);
			if (reached[end->to[i]])
				continue;
			reached[end->to[i]] = 1;
			stack[depth++] = end->to[i];
		}
		if (successors(end) == 2 && end->to[0] == end->to[1] && end->kind != DO_MAY_GOTO) {
			end->kind = DO_JUMP;
			end->count = 0;
		}
	}
	return 0;
}

static void clear_unreached(struct ir_work *w, const u8 *reached)
{
	for (u32 head = 0; head < w->f->block_count; head++) {
		if (reached[head])
			continue;
		for (u32 at = w->heads[head].first; at; at = w->all[at - 1].next)
			w->all[at - 1] = (struct ir_insn){ .next = w->all[at - 1].next };
	}
}

/* ---- the order ----------------------------------------------------------------------------- */

static u32 new_block(struct ir_work *w, u32 source)
{
	if (grow(&w->blocks, &w->block_capacity, w->block_count + 1, sizeof(*w->blocks)))
		return IR_NONE;
	w->blocks[w->block_count] = (struct ir_flow_block){ .source = source };
	return (u32)w->block_count++;
}

/* Blocks that were reached, as written; an only successor comes right after its only way in. */
static u32 *order(struct ir_work *w, u8 *reached, size_t *ret_count)
{
	size_t n = w->f->block_count, count = 0;
	u32 *by_order = ir_pool_get(&w->pool, n + 1, sizeof(u32));
	u32 *preds = ir_pool_get(&w->pool, n, sizeof(u32));
	u32 *list = ir_pool_get(&w->pool, n, sizeof(u32));

	if (!by_order || !preds || !list)
		return NULL;
	for (u32 head = 0; head < n; head++) {
		const struct ir_insn *end = last_insn(w, head);

		if (!reached[head])
			continue;
		by_order[w->heads[head].order] = head + 1;
		for (unsigned i = 0; i < successors(end); i++)
			preds[end->to[i]]++;
	}
	/* The first block was current first: its order is 1. */
	for (size_t i = 1; i <= n; i++) {
		u32 head = by_order[i];

		while (head && reached[head - 1]) {
			const struct ir_insn *end = last_insn(w, head - 1);

			reached[head - 1] = 0;
			list[count++] = head - 1;
			head = end->kind == DO_JUMP && preds[end->to[0]] == 1 ? end->to[0] + 1 : 0;
		}
	}
	*ret_count = count;
	return list;
}

/* ---- instructions that eBPF has ------------------------------------------------------------ */

static int put(struct ir_work *w, const struct ir_insn *insn)
{
	if (grow(&w->insns, &w->capacity, w->count + 1, sizeof(*insn)))
		return -ENOMEM;
	w->insns[w->count++] = *insn;
	return 0;
}

static ir_reg fresh(struct ir_work *w)
{
	size_t capacity = w->regs_capacity;

	if (w->regs + 2 > capacity) {
		if (grow(&w->cheap, &capacity, w->regs + 2, sizeof(u32)))
			return 0;
		w->regs_capacity = (u32)capacity;
	}
	return ++w->regs;
}

/* Is one cheap value another, but for the offset, which counts only when @exact? */
static bool same(const struct ir_insn *a, const struct ir_insn *b, bool exact)
{
	return a->kind == b->kind && a->imm == b->imm && (!exact || a->offset == b->offset);
}

/* A register that holds the cheap value @def (an index + 1) here. 0: no memory. */
static ir_reg local_copy(struct ir_work *w, u32 def, u32 location, s32 *offset)
{
	struct ir_insn insn = w->all[def - 1];
	ir_reg reg;

	for (u32 i = 0; i < MIN(w->copy_count, (u32)ARRAY_SIZE(w->copies)); i++) {
		const struct ir_insn *other = &w->all[w->copies[i].def - 1];
		s64 sum = offset ? (s64)*offset + insn.offset - other->offset : 0;

		if (!same(other, &insn, !offset) || sum != (s16)sum)
			continue;
		if (offset)
			*offset = (s32)sum;
		return w->copies[i].reg;
	}
	reg = fresh(w);
	if (!reg)
		return 0;
	w->cheap[reg] = def;
	w->copies[w->copy_count++ % ARRAY_SIZE(w->copies)] =
		(struct ir_copy_of){ .def = def, .reg = reg };
	insn.dst = reg;
	insn.location = location;
	return put(w, &insn) ? 0 : reg;
}

/* A register with @value, for an immediate that does not fit. */
static ir_reg constant(struct ir_work *w, s64 value, u32 location)
{
	ir_reg reg = fresh(w);

	/* Not among the cheap: it is used at once. */
	return reg && !put(w, &(struct ir_insn){ .kind = DO_CONST,
						 .dst = reg,
						 .imm = value,
						 .location = location })
		       ? reg
		       : 0;
}

/* May this operand be made where it goes, so that it needs no register of its own? */
static bool goes_anywhere(const struct ir_insn *insn, unsigned operand)
{
	return ir_is_call(insn->kind) || insn->kind == DO_RETURN || insn->kind == DO_MOVE ||
	       (insn->kind == DO_BINARY && operand == 0) || insn->kind == DO_BINARY_IMM ||
	       insn->kind == DO_EXTEND || insn->kind == DO_NEGATE || insn->kind == DO_SWAP ||
	       (insn->kind == DO_ATOMIC && operand == 2);
}

static bool is_memory(u8 kind)
{
	return kind == DO_LOAD || kind == DO_STORE || kind == DO_STORE_IMM || kind == DO_ATOMIC;
}

static int legal_operands(struct ir_work *w, struct ir_insn *insn)
{
	for (unsigned i = 0; i < insn->count; i++) {
		ir_reg reg = insn->in[i];
		bool base = i == 0 && is_memory(insn->kind);

		if (!reg || !w->cheap[reg] || goes_anywhere(insn, i))
			continue;
		insn->in[i] =
			local_copy(w, w->cheap[reg], insn->location, base ? &insn->offset : NULL);
		if (!insn->in[i])
			return -ENOMEM;
	}
	return 0;
}

/* An immediate or an offset that is too large for its field comes from a register. */
static int legal_immediates(struct ir_work *w, struct ir_insn *insn)
{
	if (is_memory(insn->kind) && insn->offset != (s16)insn->offset) {
		struct ir_insn sum = { .kind = DO_BINARY_IMM,
				       .op = IR_ADD,
				       .bits = 64,
				       .dst = fresh(w),
				       .in = { insn->in[0] },
				       .count = 1,
				       .imm = insn->offset,
				       .location = insn->location };

		if (!sum.dst || put(w, &sum))
			return -ENOMEM;
		insn->in[0] = sum.dst;
		insn->offset = 0;
	}
	if (ir_fits(insn->imm))
		return 0;
	switch (insn->kind) {
	case DO_BINARY_IMM:
		insn->kind = DO_BINARY;
		break;
	case DO_COMPARE_IMM:
		insn->kind = DO_COMPARE;
		break;
	case DO_BRANCH_IMM:
		insn->kind = DO_BRANCH;
		break;
	case DO_STORE_IMM:
		insn->kind = DO_STORE;
		break;
	default:
		return 0;
	}
	insn->in[1] = constant(w, insn->imm, insn->location);
	insn->count = 2;
	insn->imm = 0;
	return insn->in[1] ? 0 : -ENOMEM;
}

static int flatten(struct ir_work *w, u32 block)
{
	struct ir_flow_block *b = &w->blocks[block];

	b->first = (u32)w->count;
	w->copy_count = 0;
	for (u32 at = w->heads[b->source].first; at; at = w->all[at - 1].next) {
		struct ir_insn insn = w->all[at - 1];

		if (insn.kind == DO_NOTHING || insn.kind == DO_COMMENT)
			continue;
		if (ir_is_cheap(insn.kind) && w->cheap[insn.dst])
			continue;
		if (legal_immediates(w, &insn) || legal_operands(w, &insn) || put(w, &insn))
			return -ENOMEM;
		if (ir_is_call(insn.kind))
			w->copy_count = 0;
	}
	b->count = (u32)w->count - b->first;
	return 0;
}

/* ---- edges --------------------------------------------------------------------------------- */

/* A block that is only a jump, behind block @from, for the edge to block @to. */
static int edge_block(struct ir_work *w, u32 from, unsigned way)
{
	u32 to = w->blocks[from].to[way], block = new_block(w, IR_NONE);
	struct ir_insn jump = { .kind = DO_JUMP, .to = { to } };

	if (block == IR_NONE)
		return -ENOMEM;
	jump.location = w->insns[w->count - 1].location;
	w->blocks[block] = (struct ir_flow_block){
		.source = IR_NONE, .first = (u32)w->count, .count = 1, .to = { to }, .degree = 1
	};
	w->blocks[from].to[way] = block;
	return put(w, &jump);
}

/* The arguments come in in a block of their own: the first block may be a loop's. */
static int entry_block(struct ir_work *w)
{
	u32 block = new_block(w, IR_NONE);

	if (block == IR_NONE || put(w, &(struct ir_insn){ .kind = DO_ENTRY }) ||
	    put(w, &(struct ir_insn){ .kind = DO_JUMP }))
		return -ENOMEM;
	w->blocks[block].count = 2;
	w->blocks[block].degree = 1;
	return 0;
}

/*
 * Edge blocks come into the middle of the list, so what a block leads to is known by name first
 * (blocks of the function, @flow_of) and by number only in the end.
 */
static int place_blocks(struct ir_work *w, const u32 *list, size_t n, const u32 *preds)
{
	int err = entry_block(w);

	for (size_t i = 0; i < n && !err; i++) {
		const struct ir_insn *end = last_insn(w, list[i]);
		u32 block = new_block(w, list[i]);

		if (block == IR_NONE)
			return -ENOMEM;
		w->flow_of[list[i]] = block + 1;
		w->blocks[block].degree = successors(end);
		memcpy(w->blocks[block].to, end->to, sizeof(end->to));
		err = flatten(w, block);
		for (unsigned way = 0; way < 2 && !err; way++)
			if (successors(end) == 2 && preds[end->to[way]] > 1)
				err = edge_block(w, block, way);
			else
				w->blocks[block].to[way] |= 1U << 31; /* a name, not a number */
	}
	return err;
}

static void number_edges(struct ir_work *w)
{
	w->blocks[0].to[0] = w->flow_of[0] - 1;
	for (size_t i = 1; i < w->block_count; i++) {
		struct ir_flow_block *b = &w->blocks[i];

		for (unsigned way = 0; way < b->degree; way++)
			if (b->source == IR_NONE)
				b->to[way] = w->flow_of[b->to[way]] - 1;
			else if (b->to[way] >> 31)
				b->to[way] = w->flow_of[b->to[way] & ~(1U << 31)] - 1;
	}
	for (size_t i = 0; i < w->block_count; i++) {
		struct ir_flow_block *b = &w->blocks[i];

		memcpy(w->insns[b->first + b->count - 1].to, b->to, sizeof(b->to));
		for (unsigned way = 0; way < b->degree; way++) {
			w->blocks[b->to[way]].preds++;
			if (b->to[way] <= i) { /* a loop, from there to here */
				w->blocks[b->to[way]].depth++;
				if (i + 1 < w->block_count)
					w->blocks[i + 1].depth--;
			}
		}
	}
	for (size_t i = 1; i < w->block_count; i++)
		w->blocks[i].depth += w->blocks[i - 1].depth;
}

static int init_cheap(struct ir_work *w)
{
	size_t capacity = 0;

	w->regs = w->f->regs;
	if (grow(&w->cheap, &capacity, w->regs + 2, sizeof(u32)))
		return -ENOMEM;
	w->regs_capacity = (u32)capacity;
	for (ir_reg reg = 1; reg <= w->regs; reg++)
		if (w->defs[reg] == 1 && w->def[reg] && ir_is_cheap(w->all[w->def[reg] - 1].kind))
			w->cheap[reg] = w->def[reg];
	return 0;
}

int ir_flow(struct ir_work *w)
{
	size_t n = w->f->block_count, count = 0;
	u8 *reached = ir_pool_get(&w->pool, n, 1);
	u32 *stack = ir_pool_get(&w->pool, n + 1, sizeof(u32));
	u32 *preds = ir_pool_get(&w->pool, n, sizeof(u32)), *list;
	int err;

	w->flow_of = ir_pool_get(&w->pool, n, sizeof(u32));
	if (!reached || !stack || !preds || !w->flow_of)
		return -ENOMEM;
	err = reach(w, reached, stack);
	if (err)
		return err;
	clear_unreached(w, reached);
	if (ir_drop_dead(w) || init_cheap(w))
		return -ENOMEM;
	list = order(w, reached, &count);
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct ir_insn *end = last_insn(w, list[i]);

		for (unsigned way = 0; way < successors(end); way++)
			preds[end->to[way]]++;
	}
	/* Entry's edge counts too: the first block may be the target of one branch more. */
	preds[0]++;
	err = place_blocks(w, list, count, preds);
	if (err)
		return err;
	number_edges(w);
	return 0;
}
