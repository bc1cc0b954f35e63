/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregations: this CPU's part of the value is found (or made) and changed in place, without a
 * lock. Where several programs may interrupt each other, counters are added to atomically, so that
 * none is lost.
 *
 * Slots of hist(n, k): 0 for negative numbers; then 0 ... 2^k - 1 one each; then 2^k slots for each
 * power of two. lhist: 0 below min, then a slot for each step, the last from max on.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

#define HIST_BITS_MAX 5
#define LHIST_BUCKETS_MAX 1000
#define TSERIES_INTERVALS_MAX 1000000

/* ---- types ----------------------------------------------------------------------------------- */

static const struct type *aggregation_type(struct checker *c, struct node *n, enum type_kind kind,
					   const struct aggregation *a)
{
	struct type *t = arena_new_of(c->script->arena, struct type);

	t->kind = kind;
	t->aggregation = *a;
	t->is_signed = a->is_signed;
	t->align = 8;
	t->size = type_stored_size(t);
	return t;
}

const struct type *builtin_check_count(struct checker *c, struct node *n)
{
	struct aggregation a = { 0 };

	return aggregation_type(c, n, TYPE_COUNT, &a);
}

static const struct type *number_argument(struct checker *c, struct node *n, const char *word)
{
	const struct type *t = check_value_of(c, call_argument(n, 0));

	if (t->kind == TYPE_NONE)
		return NULL;
	if ((type_is_integer(t) && t->kind != TYPE_BOOL) || type_is_aggregate(t))
		return t;
	check_error(c, n->span, "%s() only supports %s arguments (%s provided)", call_name(n), word,
		    word[3] ? type_text(c, t) : type_base_name(t));
	return NULL;
}

const struct type *builtin_check_reduction(struct checker *c, struct node *n)
{
	static const struct {
		const char *name;
		enum type_kind kind;
	} kinds[] = { { "sum", TYPE_SUM },
		      { "min", TYPE_MIN },
		      { "max", TYPE_MAX },
		      { "avg", TYPE_AVG },
		      { "stats", TYPE_STATS } };
	const struct type *t = number_argument(c, n, "integer");
	struct aggregation a = { 0 };

	if (!t)
		return &type_none;
	a.is_signed = t->is_signed;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, call_name(n)) == 0)
			return aggregation_type(c, n, kinds[i].kind, &a);
	return &type_none;
}

const struct type *builtin_check_hist(struct checker *c, struct node *n)
{
	struct aggregation a = { .is_signed = true };
	s64 bits = 0;

	if (!number_argument(c, n, "int"))
		return &type_none;
	if (call_count(n) > 1) {
		check_value_of(c, call_argument(n, 1));
		if (!check_constant(call_argument(n, 1), &bits))
			return check_error(c, n->span,
					   "hist: invalid bits value, need integer literal");
		if (bits < 0 || bits > HIST_BITS_MAX)
			return check_error(c, n->span, "hist: bits %lld must be 0..%d",
					   (long long)bits, HIST_BITS_MAX);
	}
	a.bits = (u32)bits;
	a.buckets = ((64 - a.bits) << a.bits) + (1u << a.bits) + 1;
	return aggregation_type(c, n, TYPE_HIST, &a);
}

static bool range_argument(struct checker *c, struct node *n, unsigned i, const char *what,
			   s64 *ret)
{
	check_value_of(c, call_argument(n, i));
	if (check_constant(call_argument(n, i), ret) &&
	    (*ret >= 0 || call_argument(n, i)->integer.is_negative))
		return true;
	check_error(c, n->span, "%s: invalid %s value (must be non-negative literal)", call_name(n),
		    what);
	return false;
}

const struct type *builtin_check_lhist(struct checker *c, struct node *n)
{
	struct aggregation a = { .is_signed = true };
	u64 buckets;

	if (!number_argument(c, n, "int") || !range_argument(c, n, 1, "min", &a.min) ||
	    !range_argument(c, n, 2, "max", &a.max) || !range_argument(c, n, 3, "step", &a.step))
		return &type_none;
	if (a.step <= 0)
		return check_error(c, n->span, "lhist() step must be >= 1 (%lld provided)",
				   (long long)a.step);
	if (a.min < 0 || a.max < 0)
		return check_error(c, n->span,
				   "lhist: invalid %s value (must be non-negative literal)",
				   a.min < 0 ? "min" : "max");
	if (a.min >= a.max)
		return check_error(
			c, n->span,
			"lhist() min must be less than max (provided min %lld and max %lld)",
			(long long)a.min, (long long)a.max);
	buckets = (u64)(a.max - a.min) / (u64)a.step;
	if (buckets > LHIST_BUCKETS_MAX)
		return check_error(c, n->span,
				   "lhist() too many buckets, must be <= %d (would need %llu)",
				   LHIST_BUCKETS_MAX, (unsigned long long)buckets);
	if (!buckets)
		return check_error(c, n->span,
				   "lhist() step is too large for the given range (provided step "
				   "%lld for range %lld)",
				   (long long)a.step, (long long)(a.max - a.min));
	a.buckets = (u32)buckets + 2;
	return aggregation_type(c, n, TYPE_LHIST, &a);
}

static bool tseries_reduce(struct checker *c, struct node *n, struct aggregation *a)
{
	static const struct {
		const char *name;
		enum type_kind kind;
	} kinds[] = {
		{ "avg", TYPE_AVG }, { "max", TYPE_MAX }, { "min", TYPE_MIN }, { "sum", TYPE_SUM }
	};
	const char *name;

	if (!check_literal_text(c, n, 3, &name, NULL))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			a->reduce = kinds[i].kind;
			return true;
		}
	}
	check_error(c, n->span,
		    "tseries() expects one of the following aggregation functions: avg, max, min, "
		    "sum (\"%s\" provided)",
		    name);
	return false;
}

const struct type *builtin_check_tseries(struct checker *c, struct node *n)
{
	const struct type *t = number_argument(c, n, "int");
	struct aggregation a = { 0 };
	s64 interval, count;

	if (!t || !range_argument(c, n, 1, "interval_ns", &interval) ||
	    !range_argument(c, n, 2, "num_intervals", &count))
		return &type_none;
	if (interval < 1)
		return check_error(c, n->span, "tseries() interval_ns must be >= 1 (%lld provided)",
				   (long long)interval);
	if (count < 1)
		return check_error(c, n->span,
				   "tseries() num_intervals must be >= 1 (%lld provided)",
				   (long long)count);
	if (count >= TSERIES_INTERVALS_MAX)
		return check_error(c, n->span,
				   "tseries() num_intervals must be < %d (%lld provided)",
				   TSERIES_INTERVALS_MAX, (long long)count);
	if (call_count(n) > 3 && !tseries_reduce(c, n, &a))
		return &type_none;
	a.is_signed = t->is_signed;
	a.interval_ns = (u64)interval;
	a.buckets = (u32)count;
	return aggregation_type(c, n, TYPE_TSERIES, &a);
}

/* ---- updates --------------------------------------------------------------------------------- */

/* The place of this CPU's value, made when absent, and the block behind the update. */
static ir_reg place(struct lower *l, struct map *map, const struct node *key, const struct node *n,
		    u32 *ret_end)
{
	*ret_end = ir_block(l->f);
	lower_at(l, n->span);
	return lower_lookup_or_make(l, map, lower_key(l, map, key), *ret_end, n->span);
}

static void leave(struct lower *l, u32 end)
{
	if (!ir_ended(l->f))
		ir_jump(l->f, end);
	ir_at(l->f, end);
}

static void add_to(struct lower *l, ir_reg base, s32 offset, ir_reg value)
{
	ir_reg old;

	if (l->script->program_count > 1) {
		ir_atomic(l->f, 8, BPF_ADD, base, offset, value, 0);
		return;
	}
	old = ir_load(l->f, 8, false, base, offset);
	ir_store(l->f, 8, base, offset, ir_binary(l->f, IR_ADD, 64, old, value));
}

static void count_one(struct lower *l, ir_reg base, s32 offset)
{
	ir_reg old;

	if (l->script->program_count > 1) {
		ir_atomic(l->f, 8, BPF_ADD, base, offset, ir_const(l->f, 1), 0);
		return;
	}
	old = ir_load(l->f, 8, false, base, offset);
	ir_store(l->f, 8, base, offset, ir_binary_imm(l->f, IR_ADD, 64, old, 1));
}

void builtin_update_count(struct lower *l, struct map *map, const struct node *key,
			  const struct node *n)
{
	u32 end;
	ir_reg p = place(l, map, key, n, &end);

	count_one(l, p, offsetof(struct sum_value, total));
	leave(l, end);
}

void builtin_update_sum(struct lower *l, struct map *map, const struct node *key,
			const struct node *n)
{
	ir_reg value = emit_argument(l, n, 0), p;
	u32 end;

	p = place(l, map, key, n, &end);
	add_to(l, p, offsetof(struct sum_value, total), value);
	leave(l, end);
}

void builtin_update_stats(struct lower *l, struct map *map, const struct node *key,
			  const struct node *n)
{
	ir_reg value = emit_argument(l, n, 0), p;
	u32 end;

	p = place(l, map, key, n, &end);
	add_to(l, p, offsetof(struct stats_value, total), value);
	count_one(l, p, offsetof(struct stats_value, count));
	leave(l, end);
}

/* Of the map's type, so that signed and unsigned calls agree on the order. */
static enum ir_condition better(const struct type *t, enum type_kind kind)
{
	if (kind == TYPE_MIN)
		return t->aggregation.is_signed ? IR_SLT : IR_LT;
	return t->aggregation.is_signed ? IR_SGT : IR_GT;
}

void builtin_update_extreme(struct lower *l, struct map *map, const struct node *key,
			    const struct node *n)
{
	ir_reg value = emit_argument(l, n, 0), p, old;
	u32 compare = ir_block(l->f), set = ir_block(l->f), end;

	p = place(l, map, key, n, &end);
	ir_branch_imm(l->f, IR_EQ, 64,
		      ir_load(l->f, 8, false, p, offsetof(struct extreme_value, is_set)), 0, set,
		      compare);
	ir_at(l->f, compare);
	old = ir_load(l->f, 8, false, p, offsetof(struct extreme_value, value));
	ir_branch(l->f, better(map->value, map->value->kind), 64, value, old, set, end);
	ir_at(l->f, set);
	ir_store(l->f, 8, p, offsetof(struct extreme_value, value), value);
	ir_store_imm(l->f, 8, p, offsetof(struct extreme_value, is_set), 1);
	leave(l, end);
}

/* ---- histograms ------------------------------------------------------------------------------ */

/*
 * The number of the highest bit set, without a branch: in each step the upper half is asked whether
 * it holds anything; (y | -y) >> 63 is 1 when y is not 0.
 */
static ir_reg highest_bit(struct lower *l, ir_reg value)
{
	ir_reg x = value, result = 0;

	for (int shift = 5; shift >= 0; shift--) {
		ir_reg y = ir_binary_imm(l->f, IR_SHR, 64, x, 1 << shift);
		ir_reg some = ir_binary(l->f, IR_OR, 64, y, ir_negate(l->f, 64, y));

		some = ir_binary_imm(l->f, IR_SHR, 64, some, 63);
		if (shift)
			some = ir_binary_imm(l->f, IR_SHL, 64, some, shift);
		if (shift)
			x = ir_binary(l->f, IR_SHR, 64, x, some);
		result = result ? ir_binary(l->f, IR_ADD, 64, result, some) : some;
	}
	return result;
}

static ir_reg hist_slot(struct lower *l, ir_reg value, u32 bits)
{
	u32 negative = ir_block(l->f), other = ir_block(l->f), small = ir_block(l->f);
	u32 large = ir_block(l->f), next = ir_block(l->f);
	ir_reg slot = ir_new(l->f), top, part;

	ir_branch_imm(l->f, IR_SLT, 64, value, 0, negative, other);
	ir_at(l->f, negative);
	ir_set_imm(l->f, slot, 0);
	ir_jump(l->f, next);
	ir_at(l->f, other);
	ir_branch_imm(l->f, IR_LT, 64, value, 1 << bits, small, large);
	ir_at(l->f, small);
	ir_set(l->f, slot, ir_binary_imm(l->f, IR_ADD, 64, value, 1));
	ir_jump(l->f, next);
	ir_at(l->f, large);
	top = highest_bit(l, value);
	if (!bits) {
		ir_set(l->f, slot, ir_binary_imm(l->f, IR_ADD, 64, top, 2));
	} else {
		top = ir_binary_imm(l->f, IR_SUB, 64, top, bits);
		part = ir_binary(l->f, IR_SHR, 64, value, top);
		part = ir_binary_imm(l->f, IR_AND, 64, part, (1 << bits) - 1);
		top = ir_binary_imm(l->f, IR_SHL, 64, ir_binary_imm(l->f, IR_ADD, 64, top, 1),
				    bits);
		part = ir_binary_imm(l->f, IR_ADD, 64, part, 1);
		ir_set(l->f, slot, ir_binary(l->f, IR_ADD, 64, top, part));
	}
	ir_jump(l->f, next);
	ir_at(l->f, next);
	return slot;
}

static ir_reg lhist_slot(struct lower *l, ir_reg value, const struct aggregation *a)
{
	u32 under = ir_block(l->f), other = ir_block(l->f), over = ir_block(l->f);
	u32 inside = ir_block(l->f), next = ir_block(l->f);
	ir_reg slot = ir_new(l->f), steps;

	ir_branch(l->f, IR_SLT, 64, value, ir_const(l->f, a->min), under, other);
	ir_at(l->f, under);
	ir_set_imm(l->f, slot, 0);
	ir_jump(l->f, next);
	ir_at(l->f, other);
	ir_branch(l->f, IR_SGE, 64, value, ir_const(l->f, a->max), over, inside);
	ir_at(l->f, over);
	ir_set_imm(l->f, slot, a->buckets - 1);
	ir_jump(l->f, next);
	ir_at(l->f, inside);
	steps = ir_binary(l->f, IR_SUB, 64, value, ir_const(l->f, a->min));
	if (a->step != 1)
		steps = ir_binary(l->f, IR_DIV, 64, steps, ir_const(l->f, a->step));
	ir_set(l->f, slot, ir_binary_imm(l->f, IR_ADD, 64, steps, 1));
	ir_jump(l->f, next);
	ir_at(l->f, next);
	return slot;
}

/* Adds one to slot @slot; what the verifier could think above the last goes nowhere. */
static void count_slot(struct lower *l, ir_reg base, ir_reg slot, u32 buckets, u32 end)
{
	u32 inside = ir_block(l->f);
	ir_reg at;

	ir_branch_imm(l->f, IR_LT, 64, slot, buckets, inside, end);
	ir_at(l->f, inside);
	at = ir_binary(l->f, IR_ADD, 64, base, ir_binary_imm(l->f, IR_SHL, 64, slot, 3));
	count_one(l, at, 0);
}

void builtin_update_hist(struct lower *l, struct map *map, const struct node *key,
			 const struct node *n)
{
	const struct aggregation *a = &map->value->aggregation;
	ir_reg slot = hist_slot(l, emit_argument(l, n, 0), a->bits), p;
	u32 end;

	p = place(l, map, key, n, &end);
	count_slot(l, p, slot, a->buckets, end);
	leave(l, end);
}

void builtin_update_lhist(struct lower *l, struct map *map, const struct node *key,
			  const struct node *n)
{
	const struct aggregation *a = &map->value->aggregation;
	ir_reg slot = lhist_slot(l, emit_argument(l, n, 0), a), p;
	u32 end;

	p = place(l, map, key, n, &end);
	count_slot(l, p, slot, a->buckets, end);
	leave(l, end);
}

/* ---- time series ----------------------------------------------------------------------------- */

#define TSERIES(member) offsetof(struct tseries_value, member)

/*
 * A bucket that holds this interval already takes one more value. One that was never used looks
 * like that in the first interval, too: it is @fresh.
 */
static void tseries_add(struct lower *l, const struct type *t, ir_reg at, ir_reg value, ir_reg now,
			u32 fresh, u32 end)
{
	u32 set, used;
	ir_reg old;

	switch (t->aggregation.reduce) {
	case TYPE_SUM:
	case TYPE_AVG:
		add_to(l, at, TSERIES(value), value);
		count_one(l, at, TSERIES(count));
		break;
	case TYPE_MIN:
	case TYPE_MAX:
		set = ir_block(l->f);
		used = ir_block(l->f);
		ir_branch_imm(l->f, IR_NE, 64, ir_load(l->f, 8, false, at, TSERIES(count)), 0, used,
			      fresh);
		ir_at(l->f, used);
		old = ir_load(l->f, 8, false, at, TSERIES(value));
		ir_branch(l->f, better(t, t->aggregation.reduce), 64, value, old, set, end);
		ir_at(l->f, set);
		ir_store(l->f, 8, at, TSERIES(value), value);
		break;
	default:
		ir_store(l->f, 8, at, TSERIES(value), value);
		ir_store(l->f, 8, at, TSERIES(count), now);
		break;
	}
	ir_jump(l->f, end);
}

void builtin_update_tseries(struct lower *l, struct map *map, const struct node *key,
			    const struct node *n)
{
	const struct aggregation *a = &map->value->aggregation;
	ir_reg value = emit_argument(l, n, 0), now, epoch, slot, p, at;
	u32 fresh = ir_block(l->f), same = ir_block(l->f), inside = ir_block(l->f), end;

	now = emit_call0(l, BPF_FUNC_ktime_get_boot_ns);
	epoch = ir_binary(l->f, IR_DIV, 64, now, ir_const(l->f, (s64)a->interval_ns));
	slot = ir_binary_imm(l->f, IR_MOD, 64, epoch, a->buckets);
	p = place(l, map, key, n, &end);
	ir_branch_imm(l->f, IR_LT, 64, slot, a->buckets, inside, end);
	ir_at(l->f, inside);
	at = ir_binary(l->f, IR_ADD, 64, p,
		       ir_binary_imm(l->f, IR_MUL, 64, slot, sizeof(struct tseries_value)));
	ir_branch(l->f, IR_EQ, 64, ir_load(l->f, 8, false, at, TSERIES(epoch)), epoch, same, fresh);
	ir_at(l->f, same);
	tseries_add(l, map->value, at, value, now, fresh, end);
	ir_at(l->f, fresh);
	ir_store(l->f, 8, at, TSERIES(value), value);
	if (a->reduce == TYPE_NONE)
		ir_store(l->f, 8, at, TSERIES(count), now);
	else
		ir_store_imm(l->f, 8, at, TSERIES(count), 1);
	ir_store(l->f, 8, at, TSERIES(epoch), epoch);
	leave(l, end);
}
