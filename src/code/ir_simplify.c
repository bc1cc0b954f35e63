// SPDX-License-Identifier: Apache-2.0
/*
 * The first pass of the compiler: operands that are constants become immediates, copies are read at
 * their source, addresses go into the offsets of loads and stores, comparisons into the branches on
 * them; then what nobody needs is dropped. All of it rests on registers with one definition, which
 * therefore comes before each use: they are values, the same at the use as at the definition.
 *
 * Masks and comparisons stay even when their result is known here: the verifier knows less.
 */
#include "code/ir_internal.h"

/* The instruction that defines a register with one definition; NULL: several, or an argument. */
static struct ir_insn *definition(struct ir_work *w, ir_reg reg)
{
	return w->defs[reg] == 1 && w->def[reg] ? &w->all[w->def[reg] - 1] : NULL;
}

static bool single(const struct ir_work *w, ir_reg reg)
{
	return w->defs[reg] == 1;
}

/* The register that @reg is a copy of. */
static ir_reg root(struct ir_work *w, ir_reg reg)
{
	for (unsigned i = 0; i < 64; i++) {
		struct ir_insn *d = definition(w, reg);

		if (!d || d->kind != DO_MOVE || !single(w, d->in[0]))
			break;
		reg = d->in[0];
	}
	return reg;
}

static bool constant(struct ir_work *w, ir_reg reg, s64 *value)
{
	struct ir_insn *d = definition(w, reg);

	if (!d || d->kind != DO_CONST)
		return false;
	*value = d->imm;
	return true;
}

/* How many of the low bits may be other than 0. */
static unsigned width(struct ir_work *w, ir_reg reg)
{
	struct ir_insn *d = definition(w, reg);

	if (!d)
		return 64;
	switch (d->kind) {
	case DO_LOAD:
		return d->is_signed ? 64 : d->size * 8;
	case DO_CONST:
		return d->imm > 0 ? 64 - (unsigned)__builtin_clzll((u64)d->imm) : d->imm ? 64 : 1;
	case DO_COMPARE:
	case DO_COMPARE_IMM:
		return 1;
	case DO_EXTEND:
		return d->is_signed ? 64 : d->bits;
	case DO_SWAP:
	case DO_NEGATE:
	case DO_BINARY:
		return d->bits;
	case DO_BINARY_IMM:
		if (d->op == IR_AND && d->imm > 0)
			return MIN(d->bits, 64 - (unsigned)__builtin_clzll((u64)d->imm));
		if (d->op == IR_SHR)
			return d->bits - ((unsigned)d->imm & (d->bits - 1U));
		return d->bits;
	default:
		return 64;
	}
}

static void to_copy(struct ir_insn *insn)
{
	insn->kind = DO_MOVE;
	insn->count = 1;
}

static void to_const(struct ir_insn *insn, u64 value)
{
	insn->kind = DO_CONST;
	insn->count = 0;
	insn->imm = (s64)value;
}

static void simplify_move(struct ir_work *w, struct ir_insn *insn)
{
	struct ir_insn *d = definition(w, insn->in[0]);

	if (!d || !ir_is_cheap(d->kind))
		return;
	insn->kind = d->kind;
	insn->imm = d->imm;
	insn->offset = d->offset;
	insn->count = 0;
}

/* An address of a slot or a map's value plus a constant is another such address. */
static bool simplify_address(struct ir_work *w, struct ir_insn *insn)
{
	struct ir_insn *d = definition(w, insn->in[0]);
	s64 offset;

	if (!d || insn->op != IR_ADD || insn->bits != 64 || !ir_fits(insn->imm) ||
	    (d->kind != DO_SLOT && d->kind != DO_MAP_VALUE))
		return false;
	offset = d->offset + insn->imm;
	if (offset < 0 || !ir_fits(offset))
		return false;
	insn->kind = d->kind;
	insn->imm = d->imm;
	insn->offset = (s32)offset;
	insn->count = 0;
	return true;
}

/* What the verifier refuses (a division by 0, a shift too far), and what costs nothing. */
static void simplify_binary_imm(struct ir_work *w, struct ir_insn *insn)
{
	u64 imm = (u64)insn->imm;
	bool wide = insn->bits == 64;
	s64 a;

	if (!wide)
		imm = (u32)imm;
	if (constant(w, insn->in[0], &a)) {
		to_const(insn, ir_evaluate(insn->op, insn->bits, (u64)a, imm));
		return;
	}
	if (simplify_address(w, insn))
		return;
	switch (insn->op) {
	case IR_DIV:
		if (!imm) {
			to_const(insn, 0);
			return;
		}
		if (imm & (imm - 1))
			return;
		insn->op = IR_SHR;
		insn->imm = __builtin_ctzll(imm);
		break;
	case IR_MOD:
		if (imm & (imm - 1))
			return;
		if (imm) {
			insn->op = IR_AND;
			insn->imm = wide ? (s64)(imm - 1) : (s32)(u32)(imm - 1);
			return;
		}
		break;
	case IR_MUL:
		if (imm == 1)
			insn->imm = 0;
		else
			return;
		break;
	case IR_SHL:
	case IR_SHR:
	case IR_SAR:
		insn->imm &= wide ? 63 : 31;
		break;
	case IR_AND:
		return;
	}
	if (insn->imm)
		return;
	to_copy(insn);
	if (!wide) {
		insn->kind = DO_EXTEND;
		insn->bits = 32;
		insn->is_signed = false;
	}
}

static void simplify_binary(struct ir_work *w, struct ir_insn *insn)
{
	s64 value;

	if (ir_commutes(insn->op) && constant(w, insn->in[0], &value)) {
		ir_reg a = insn->in[0];

		insn->in[0] = insn->in[1];
		insn->in[1] = a;
	}
	if (!constant(w, insn->in[1], &value))
		return;
	if (insn->bits == 32)
		value = (s32)value;
	if (insn->op >= IR_SHL)
		value &= insn->bits - 1;
	/* Too large for the instruction, and of no use but as an operand. */
	if (!ir_fits(value) && insn->op != IR_DIV && insn->op != IR_MOD)
		return;
	insn->kind = DO_BINARY_IMM;
	insn->count = 1;
	insn->imm = value;
	simplify_binary_imm(w, insn);
}

static void simplify_extend(struct ir_work *w, struct ir_insn *insn)
{
	struct ir_insn *d = definition(w, insn->in[0]);
	unsigned known = width(w, insn->in[0]);
	s64 value;

	if (constant(w, insn->in[0], &value))
		to_const(insn, ir_extended(insn->bits, insn->is_signed, (u64)value));
	else if (known < insn->bits || (known == insn->bits && !insn->is_signed))
		to_copy(insn);
	else if (insn->is_signed && d && d->is_signed &&
		 (d->kind == DO_EXTEND ? d->bits <= insn->bits
				       : d->kind == DO_LOAD && d->size * 8 <= insn->bits))
		to_copy(insn);
}

/* Both operands in place, constants as immediates. Works on comparisons and on branches. */
static void simplify_condition(struct ir_work *w, struct ir_insn *insn, u8 with_imm)
{
	s64 value;

	if (constant(w, insn->in[0], &value)) {
		ir_reg a = insn->in[0];

		insn->in[0] = insn->in[1];
		insn->in[1] = a;
		insn->op = (u8)ir_condition_swapped(insn->op);
	}
	if (!constant(w, insn->in[1], &value))
		return;
	if (insn->bits == 32)
		value = (s32)value;
	if (!ir_fits(value))
		return;
	insn->kind = with_imm;
	insn->count = 1;
	insn->in[1] = 0;
	insn->imm = value;
}

/* Is @reg at @user what it was at the comparison @d, which is in the same block or anywhere? */
static bool unchanged(struct ir_work *w, const struct ir_insn *d, const struct ir_insn *user,
		      ir_reg reg)
{
	u32 at = d->next;

	if (!reg || single(w, reg))
		return true;
	for (unsigned i = 0; i < 32 && at; i++) {
		const struct ir_insn *insn = &w->all[at - 1];

		if (insn == user)
			return true;
		if (insn->dst == reg)
			return false;
		at = insn->next;
	}
	return false;
}

/* A test of a comparison's result against 0 is the comparison, or its contrary. */
static bool fuse(struct ir_work *w, struct ir_insn *insn)
{
	struct ir_insn *d = definition(w, insn->in[0]);
	enum ir_condition c;

	if (!d || insn->imm || (insn->op != IR_EQ && insn->op != IR_NE))
		return false;
	if (d->kind == DO_EXTEND && width(w, d->in[0]) <= 1 && single(w, d->in[0])) {
		insn->in[0] = d->in[0];
		return true;
	}
	if (d->kind != DO_COMPARE && d->kind != DO_COMPARE_IMM)
		return false;
	if (!unchanged(w, d, insn, d->in[0]) || !unchanged(w, d, insn, d->in[1]))
		return false;
	c = d->op;
	if (insn->op == IR_EQ && insn->kind == DO_BRANCH_IMM) {
		u32 yes = insn->to[0];

		insn->to[0] = insn->to[1];
		insn->to[1] = yes;
	} else if (insn->op == IR_EQ && !ir_condition_invert(&c)) {
		return false;
	}
	if (insn->kind == DO_BRANCH_IMM)
		insn->kind = d->kind == DO_COMPARE ? DO_BRANCH : DO_BRANCH_IMM;
	else
		insn->kind = d->kind;
	insn->op = (u8)c;
	insn->bits = d->bits;
	insn->count = d->count;
	insn->in[0] = d->in[0];
	insn->in[1] = d->in[1];
	insn->imm = d->imm;
	return true;
}

static void simplify_compare(struct ir_work *w, struct ir_insn *insn)
{
	s64 value;

	if (insn->kind == DO_COMPARE)
		simplify_condition(w, insn, DO_COMPARE_IMM);
	for (unsigned i = 0; i < 8 && insn->kind == DO_COMPARE_IMM && fuse(w, insn); i++)
		;
	if (insn->kind == DO_COMPARE_IMM && constant(w, insn->in[0], &value))
		to_const(insn, ir_holds(insn->op, insn->bits, (u64)value, (u64)insn->imm));
}

static void simplify_branch(struct ir_work *w, struct ir_insn *insn)
{
	s64 value;

	if (insn->kind == DO_BRANCH)
		simplify_condition(w, insn, DO_BRANCH_IMM);
	for (unsigned i = 0; i < 8 && insn->kind == DO_BRANCH_IMM && fuse(w, insn); i++)
		;
	if (insn->kind == DO_BRANCH_IMM && constant(w, insn->in[0], &value)) {
		if (!ir_holds(insn->op, insn->bits, (u64)value, (u64)insn->imm))
			insn->to[0] = insn->to[1];
		insn->to[1] = insn->to[0];
	}
	if (insn->to[0] == insn->to[1]) {
		insn->kind = DO_JUMP;
		insn->count = 0;
		insn->to[1] = 0;
	}
}

/* base + constant and addresses of slots go into the offset. */
static void fold_address(struct ir_work *w, struct ir_insn *insn)
{
	while (!insn->frame) {
		struct ir_insn *d;
		s64 offset = insn->offset;

		insn->in[0] = root(w, insn->in[0]);
		d = definition(w, insn->in[0]);
		if (!d)
			return;
		if (d->kind == DO_SLOT) {
			offset += d->offset - (s64)w->f->slots[d->imm].offset;
			if (offset != (s16)offset)
				return;
			insn->frame = true;
			insn->in[0] = 0;
		} else if (d->kind == DO_BINARY_IMM && d->op == IR_ADD && d->bits == 64 &&
			   single(w, d->in[0]) && ir_fits(d->imm)) {
			offset += d->imm;
			if (offset != (s16)offset)
				return;
			insn->in[0] = d->in[0];
		} else {
			return;
		}
		insn->offset = (s32)offset;
	}
}

static void simplify_store(struct ir_work *w, struct ir_insn *insn)
{
	s64 value;

	fold_address(w, insn);
	if (insn->kind == DO_STORE && constant(w, insn->in[1], &value)) {
		if (insn->size < 8)
			value = (s64)ir_extended(insn->size * 8, true, (u64)value);
		if (!ir_fits(value))
			return;
		insn->kind = DO_STORE_IMM;
		insn->imm = value;
		insn->count = 1;
		insn->in[1] = 0;
	} else if (insn->kind == DO_STORE_IMM && insn->size < 8) {
		insn->imm = (s64)ir_extended(insn->size * 8, true, (u64)insn->imm);
	}
}

static void simplify_insn(struct ir_work *w, struct ir_insn *insn)
{
	s64 value;

	for (unsigned i = 0; i < insn->count; i++)
		if (insn->in[i])
			insn->in[i] = root(w, insn->in[i]);
	switch (insn->kind) {
	case DO_MOVE:
		simplify_move(w, insn);
		break;
	case DO_BINARY:
		simplify_binary(w, insn);
		break;
	case DO_BINARY_IMM:
		simplify_binary_imm(w, insn);
		break;
	case DO_NEGATE:
		if (constant(w, insn->in[0], &value))
			to_const(insn, ir_evaluate(IR_SUB, insn->bits, 0, (u64)value));
		break;
	case DO_EXTEND:
		simplify_extend(w, insn);
		break;
	case DO_COMPARE:
	case DO_COMPARE_IMM:
		simplify_compare(w, insn);
		break;
	case DO_BRANCH:
	case DO_BRANCH_IMM:
		simplify_branch(w, insn);
		break;
	case DO_LOAD:
	case DO_ATOMIC:
		fold_address(w, insn);
		break;
	case DO_STORE:
	case DO_STORE_IMM:
		simplify_store(w, insn);
		break;
	case DO_RETURN:
		if (constant(w, insn->in[0], &value)) {
			insn->kind = DO_RETURN_IMM;
			insn->imm = value;
			insn->count = 0;
		}
		break;
	}
}

/* ---- dead instructions --------------------------------------------------------------------- */

/* The definitions of each register as chains, so that all of them go when it is not used. */
struct dead {
	struct ir_work *w;
	u32 *head, *next; /* instruction + 1 */
	ir_reg *queue;
	size_t queued;
};

static void drop(struct dead *d, struct ir_insn *insn)
{
	for (unsigned i = 0; i < insn->count; i++)
		if (insn->in[i] && !--d->w->uses[insn->in[i]])
			d->queue[d->queued++] = insn->in[i];
	insn->kind = DO_NOTHING;
	insn->dst = 0;
	insn->count = 0;
}

static void drop_unused(struct dead *d, ir_reg reg)
{
	for (u32 at = d->head[reg]; at; at = d->next[at - 1]) {
		struct ir_insn *insn = &d->w->all[at - 1];

		if (insn->dst != reg)
			continue;
		if (ir_is_pure(insn->kind)) {
			drop(d, insn);
		} else if (insn->kind == DO_ATOMIC && insn->imm != BPF_XCHG &&
			   insn->imm != BPF_CMPXCHG) {
			insn->imm &= ~(s64)BPF_FETCH; /* which 5.10 does not have */
			insn->dst = 0;
		} else if (ir_is_call(insn->kind)) {
			insn->dst = 0;
		}
	}
}

int ir_drop_dead(struct ir_work *w)
{
	struct dead d = { .w = w };

	d.head = ir_pool_get(&w->pool, w->f->regs + 1, sizeof(u32));
	d.next = ir_pool_get(&w->pool, w->f->insn_count, sizeof(u32));
	/* A register may come to be unused once for each of its uses: once, with counts. */
	d.queue = ir_pool_get(&w->pool, w->f->regs + 1, sizeof(ir_reg));
	if (!d.head || !d.next || !d.queue)
		return -ENOMEM;
	memset(w->uses, 0, (w->f->regs + 1) * sizeof(u32));
	for (u32 at = 0; at < w->f->insn_count; at++) {
		struct ir_insn *insn = &w->all[at];

		for (unsigned i = 0; i < insn->count; i++)
			w->uses[insn->in[i]]++;
		d.next[at] = d.head[insn->dst];
		d.head[insn->dst] = at + 1;
	}
	for (ir_reg reg = 1; reg <= w->f->regs; reg++)
		if (!w->uses[reg])
			d.queue[d.queued++] = reg;
	while (d.queued)
		drop_unused(&d, d.queue[--d.queued]);
	return 0;
}

/* A first look at what is defined where. */
static void count(struct ir_work *w)
{
	for (unsigned i = 1; i <= w->f->arguments; i++)
		w->defs[i]++;
	for (u32 at = 0; at < w->f->insn_count; at++) {
		ir_reg dst = w->all[at].dst;

		if (!dst)
			continue;
		w->defs[dst]++;
		w->def[dst] = at + 1;
	}
}

int ir_simplify(struct ir_work *w)
{
	const struct ir_function *f = w->f;

	w->all = ir_pool_get(&w->pool, f->insn_count + 1, sizeof(*w->all));
	w->heads = ir_pool_get(&w->pool, f->block_count, sizeof(*w->heads));
	w->defs = ir_pool_get(&w->pool, f->regs + 1, sizeof(u32));
	w->uses = ir_pool_get(&w->pool, f->regs + 1, sizeof(u32));
	w->def = ir_pool_get(&w->pool, f->regs + 1, sizeof(u32));
	if (!w->all || !w->heads || !w->defs || !w->uses || !w->def)
		return -ENOMEM;
	if (f->insn_count)
		memcpy(w->all, f->insns, f->insn_count * sizeof(*w->all));
	memcpy(w->heads, f->blocks, f->block_count * sizeof(*w->heads));
	count(w);
	for (u32 at = 0; at < f->insn_count; at++)
		simplify_insn(w, &w->all[at]);
	return 0;
}
