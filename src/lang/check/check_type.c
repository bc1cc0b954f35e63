/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How types meet. A variable or a map takes the smallest type that holds all that is ever assigned
 * to it; operators convert both sides to one type. The rules:
 *
 *	literals	weak: the smallest signed type; gives way to any other integer type
 *	same sign	the wider one
 *	mixed signs	a signed one that holds both; int64 at most (with a warning for uint64)
 *	strings		the longer one
 *	tuples		member by member
 */
#include "lang/check/internal.h"

#define WEAK(bytes, sign)                                                              \
	{                                                                              \
		.kind = TYPE_INTEGER, .size = bytes, .align = bytes, .is_signed = sign \
	}
static const struct type weak_types[] = {
	WEAK(1, true), WEAK(2, true), WEAK(4, true), WEAK(8, true), WEAK(8, false),
};
#define WEAK_U64 (&weak_types[4])

bool type_is_weak(const struct type *t)
{
	return t >= weak_types && t < weak_types + ARRAY_SIZE(weak_types);
}

const struct type *weak_s64(void)
{
	return &weak_types[3];
}

static const struct type *weak_of_size(u32 size)
{
	return &weak_types[size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3];
}

const struct type *weak_integer(u64 value, bool is_negative)
{
	s64 v = (s64)value;

	if (is_negative)
		return type_integer(v >= INT8_MIN    ? 1
				    : v >= INT16_MIN ? 2
				    : v >= INT32_MIN ? 4
						     : 8,
				    true);
	return value <= INT8_MAX    ? &weak_types[0]
	       : value <= INT16_MAX ? &weak_types[1]
	       : value <= INT32_MAX ? &weak_types[2]
	       : value <= INT64_MAX ? &weak_types[3]
				    : WEAK_U64;
}

bool type_is_number(const struct type *t)
{
	return t->kind == TYPE_INTEGER || t->kind == TYPE_ENUM;
}

/* An enum counts as a uint64. */
bool type_is_signed(const struct type *t)
{
	return t->kind == TYPE_INTEGER && t->is_signed;
}

const struct type *check_decay(const struct type *t)
{
	switch (t->kind) {
	case TYPE_COUNT:
		return &type_u64;
	case TYPE_SUM:
	case TYPE_MIN:
	case TYPE_MAX:
	case TYPE_AVG:
		return t->aggregation.is_signed ? &type_s64 : &type_u64;
	default:
		return t;
	}
}

static const struct type *as_integer(const struct type *t)
{
	return t->kind == TYPE_ENUM ? &type_u64 : t;
}

const struct type *integer_common(const struct type *a, const struct type *b)
{
	const struct type *weak, *strong;
	u32 size;

	if (a == b)
		return a;
	if (a->kind == TYPE_ENUM && b->kind == TYPE_ENUM && type_equal(a, b))
		return a;
	a = as_integer(a);
	b = as_integer(b);
	size = MAX(a->size, b->size);
	if (type_is_weak(a) && type_is_weak(b))
		return a == WEAK_U64 || b == WEAK_U64 ? WEAK_U64 : weak_of_size(size);
	if (type_is_weak(a) || type_is_weak(b)) {
		weak = type_is_weak(a) ? a : b;
		strong = weak == a ? b : a;
		if (weak == WEAK_U64 && strong->is_signed)
			return NULL;
		return size == strong->size ? strong : type_integer(size, strong->is_signed);
	}
	if (a->is_signed == b->is_signed)
		return a->size >= b->size ? a : b;
	strong = a->is_signed ? b : a; /* the unsigned one */
	weak = a->is_signed ? a : b;
	if (weak->size > strong->size)
		return weak;
	return type_integer(MIN(8U, strong->size * 2), true);
}

const struct type *integer_wide(const struct type *a, const struct type *b)
{
	bool weak_a = type_is_weak(a), weak_b = type_is_weak(b);

	if (weak_a && weak_b)
		return a == WEAK_U64 || b == WEAK_U64 ? &type_u64 : &type_s64;
	if (weak_a)
		return type_is_signed(b) ? &type_s64 : &type_u64;
	if (weak_b)
		return type_is_signed(a) ? &type_s64 : &type_u64;
	return type_is_signed(a) || type_is_signed(b) ? &type_s64 : &type_u64;
}

/* Pointers meet when they point to the same sort of thing; the wider integer holds. */
static const struct type *unify_pointers(const struct type *a, const struct type *b)
{
	if (!a->of || !b->of || type_equal(a->of, b->of))
		return a;
	if (a->of->kind != b->of->kind)
		return NULL;
	return a->of->kind == TYPE_INTEGER && b->of->size > a->of->size ? b : a;
}

static bool same_name(const struct field *a, const struct field *b)
{
	return !a->name || !b->name ? a->name == b->name : !strcmp(a->name, b->name);
}

/* By place; the names of records must agree (record_order() sorts literals before). */
static const struct type *unify_members(struct checker *c, const struct type *a,
					const struct type *b)
{
	const struct members *x = a->members, *y = b->members;
	struct arena *arena = c->script->arena;
	const struct type **types;
	const char **names;
	bool same = true;

	if (a->is_record != b->is_record || a->is_tuple != b->is_tuple || !x || !y ||
	    x->count != y->count)
		return NULL;
	types = arena_alloc(arena, (x->count + 1) * sizeof(*types));
	names = arena_alloc(arena, (x->count + 1) * sizeof(*names));
	if (arena_error(arena))
		return NULL;
	for (u32 i = 0; i < x->count; i++) {
		if (a->is_record && !same_name(&x->fields[i], &y->fields[i]))
			return NULL;
		types[i] = check_unify(c, x->fields[i].type, y->fields[i].type);
		if (!types[i])
			return NULL;
		names[i] = x->fields[i].name;
		same = same && types[i] == x->fields[i].type;
	}
	return same ? a : type_tuple(arena, types, a->is_record ? names : NULL, x->count);
}

static const struct type *unify_aggregations(struct checker *c, const struct type *a,
					     const struct type *b)
{
	const struct aggregation *x = &a->aggregation, *y = &b->aggregation;

	if (x->min != y->min || x->max != y->max || x->step != y->step || x->bits != y->bits ||
	    x->interval_ns != y->interval_ns || x->buckets != y->buckets || x->reduce != y->reduce)
		return NULL;
	return x->is_signed || !y->is_signed ? a : b;
}

const struct type *check_unify(struct checker *c, const struct type *a, const struct type *b)
{
	if (a->kind == TYPE_NONE || b->kind == TYPE_NONE)
		return a->kind == TYPE_NONE ? b : a;
	if (type_is_number(a) && type_is_number(b))
		return integer_common(a, b);
	if (a->kind != b->kind)
		return NULL;
	switch (a->kind) {
	case TYPE_STRING:
	case TYPE_BUFFER:
		return a->size >= b->size ? a : b;
	case TYPE_POINTER:
		return unify_pointers(a, b);
	case TYPE_STRUCT:
		if (a->is_tuple || a->is_record)
			return unify_members(c, a, b);
		return type_equal(a, b) ? a : NULL;
	case TYPE_ARRAY:
		return type_equal(a, b) ? a : NULL;
	case TYPE_KSTACK:
	case TYPE_USTACK:
		return a->stack_mode == b->stack_mode && a->stack_depth == b->stack_depth ? a
											  : NULL;
	default:
		return type_is_aggregate(a) ? unify_aggregations(c, a, b) : a;
	}
}

void check_conversion(struct checker *c, const struct node *n, const struct type *t,
		      const struct type *to)
{
	if (!c->final || !n || (n->type && type_is_aggregate(n->type)) || !type_is_number(t) ||
	    !type_is_number(to) || type_is_weak(t) || node_is_literal(n) || t->kind == TYPE_ENUM)
		return;
	if (t->size > to->size || (t->is_signed != to->is_signed && t->size == to->size) ||
	    (t->is_signed && !to->is_signed))
		check_warning(
			c, n->span,
			"Expression of type: %s being cast to type: %s. This may cause unexpected "
			"results. Use an explicit cast to suppress this warning.",
			check_type_text(c, t), check_type_text(c, to));
}

static bool literal_fits(const struct node *n, const struct type *to)
{
	u64 v = n->integer.value;
	u32 bits = to->size * 8;

	if (n->integer.is_negative)
		return to->is_signed && (bits >= 64 || (s64)v >= -((s64)1 << (bits - 1)));
	if (to->is_signed)
		return v <= ((u64)1 << (bits - 1)) - 1;
	return bits >= 64 || v < (u64)1 << bits;
}

bool check_fits(struct checker *c, const struct type *to, const struct type *t,
		const struct node *value)
{
	const struct type *both;

	t = check_decay(t);
	if (t->kind == TYPE_NONE)
		return true;
	if (to->kind == TYPE_INTEGER && type_is_number(t)) {
		if (value && value->kind == NODE_INTEGER && !value->symbol)
			return literal_fits(value, to);
		check_conversion(c, value, t, to);
		return true;
	}
	if (to->kind == TYPE_ENUM)
		return t->kind == TYPE_ENUM;
	both = check_unify(c, to, t);
	if (both && to->kind == TYPE_POINTER)
		return true;
	if (both && (to->is_tuple || to->is_record))
		return type_stored_size(both) == type_stored_size(to);
	return both == to || (both && type_equal(both, to));
}

const struct type *type_lying(struct checker *c, const struct type *t, enum address_space space)
{
	if (t->kind == TYPE_POINTER) {
		/*
		 * A program's pointers point into it, whatever the kernel's type says. What a
		 * trusted pointer's field points to, the verifier may not know: no plain loads.
		 */
		if (space != SPACE_USER)
			space = t->space != SPACE_NONE ? t->space : SPACE_KERNEL;
	} else if (t->kind != TYPE_STRUCT && t->kind != TYPE_ARRAY) {
		return t;
	}
	return t->space == space ? t : type_in(c->script->arena, t, space);
}

const char *check_type_text(struct checker *c, const struct type *t)
{
	_cleanup_buf_ struct buf b = {};

	type_print(t, &b);
	return arena_strndup(c->script->arena, buf_str(&b), b.len);
}

enum address_space check_default_space(const struct checker *c)
{
	const struct provider *p = c->program ? c->program->provider : NULL;

	return p && p->allows & ALLOWS_USER_PLACE ? SPACE_USER : SPACE_KERNEL;
}
