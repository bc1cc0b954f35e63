/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators. Arithmetic is done in 64 bits: unsigned when both sides are, except that a difference
 * is always signed. Comparisons are done in the type that holds both sides. Pointers may be moved
 * by integers, compared, and stepped; strings, arrays, tuples and structs may be compared for
 * equality.
 */
#include "lang/check/internal.h"

static bool is_comparison(enum operator_kind op)
{
	return op >= OPERATOR_EQUAL && op <= OPERATOR_GREATER_EQUAL;
}

static bool is_equality(enum operator_kind op)
{
	return op == OPERATOR_EQUAL || op == OPERATOR_NOT_EQUAL;
}

static const struct type *mismatch(struct checker *c, struct node *n, const struct type *l,
				   const struct type *r)
{
	const char *left = check_type_text(c, l), *right = check_type_text(c, r);

	check_error(c, n->span, "Type mismatch for '%s': comparing %s with %s",
		    operator_text(n->binary.op), left, right);
	if (c->final) {
		diagnose(c->script->diagnostics, n->binary.left->span, "left (%s)", left);
		diagnose(c->script->diagnostics, n->binary.right->span, "right (%s)", right);
	}
	return &type_none;
}

static const struct type *not_for(struct checker *c, struct node *n, const struct type *l,
				  const struct type *r)
{
	return check_error(c, n->span,
			   "The %s operator can not be used on expressions of types %s, %s",
			   operator_text(n->binary.op), check_type_text(c, l),
			   check_type_text(c, r));
}

static const struct type *check_integers(struct checker *c, struct node *n, const struct type *l,
					 const struct type *r)
{
	enum operator_kind op = n->binary.op;
	const struct type *to;

	if (op == OPERATOR_AND || op == OPERATOR_OR)
		return &type_bool;
	if (is_comparison(op)) {
		to = integer_common(l, r);
		if (!to)
			to = &type_s64;
	} else {
		to = op == OPERATOR_SUBTRACT ? &type_s64 : integer_wide(l, r);
	}
	check_conversion(c, n->binary.left, l, to);
	check_conversion(c, n->binary.right, r, to);
	n->extra = (void *)to;
	if (is_comparison(op))
		return &type_bool;
	if ((op == OPERATOR_DIVIDE || op == OPERATOR_MODULO) && to->is_signed)
		check_warning(c, n->span,
			      "signed operands for '%s' can lead to undefined behavior (cast to "
			      "unsigned to silence warning)",
			      operator_text(op));
	return to;
}

static const struct type *check_bools(struct checker *c, struct node *n, const struct type *l,
				      const struct type *r)
{
	enum operator_kind op = n->binary.op;

	if (op == OPERATOR_AND || op == OPERATOR_OR || (l->kind == r->kind))
		return &type_bool;
	n->extra = (void *)(l->kind == TYPE_BOOL ? r : l);
	if (is_comparison(op))
		return &type_bool;
	n->extra = (void *)&type_u64;
	return &type_u64;
}

static const struct type *check_pointers(struct checker *c, struct node *n, const struct type *l,
					 const struct type *r)
{
	enum operator_kind op = n->binary.op;
	bool both = l->kind == TYPE_POINTER && r->kind == TYPE_POINTER;
	const struct type *other = l->kind == TYPE_POINTER ? r : l;

	if (!both && !type_is_number(other) && other->kind != TYPE_BOOL)
		return mismatch(c, n, l, r);
	if (op == OPERATOR_AND || op == OPERATOR_OR)
		return &type_bool;
	if (is_comparison(op)) {
		if (both && l->of && r->of && !type_equal(l->of, r->of))
			check_warning(c, n->span, "comparison of distinct pointer types: %s, %s",
				      check_type_text(c, l->of), check_type_text(c, r->of));
		n->extra = (void *)&type_u64;
		return &type_bool;
	}
	if (both || !type_is_number(other) ||
	    (op != OPERATOR_ADD && (op != OPERATOR_SUBTRACT || l->kind != TYPE_POINTER)))
		return not_for(c, n, l, r);
	return l->kind == TYPE_POINTER ? l : r;
}

static const struct type *check_arrays(struct checker *c, struct node *n, const struct type *l,
				       const struct type *r)
{
	if (!is_equality(n->binary.op))
		return not_for(c, n, l, r);
	if (l->count != r->count)
		return check_error(c, n->span,
				   "Only arrays of same size support comparison operators.");
	if (!l->of || !r->of || !type_is_number(l->of) || !type_is_number(r->of) ||
	    l->of->size != r->of->size)
		return check_error(
			c, n->span,
			"Only arrays of same sized integer support comparison operators.");
	return &type_bool;
}

const struct type *check_operands(struct checker *c, struct node *n, const struct type *l,
				  const struct type *r)
{
	l = check_decay(l);
	r = check_decay(r);
	n->extra = NULL;
	if (l->kind == TYPE_NONE || r->kind == TYPE_NONE)
		return n->binary.op >= OPERATOR_AND ? &type_bool : &type_none;
	if (type_is_number(l) && type_is_number(r))
		return check_integers(c, n, l, r);
	if ((l->kind == TYPE_BOOL && (r->kind == TYPE_BOOL || type_is_number(r))) ||
	    (r->kind == TYPE_BOOL && type_is_number(l)))
		return check_bools(c, n, l, r);
	if (l->kind == TYPE_POINTER || r->kind == TYPE_POINTER)
		return check_pointers(c, n, l, r);
	if (l->kind != r->kind)
		return mismatch(c, n, l, r);
	if (l->kind == TYPE_ARRAY)
		return check_arrays(c, n, l, r);
	if (l->kind != TYPE_STRING && !check_unify(c, l, r))
		return mismatch(c, n, l, r);
	if (l->kind == TYPE_VOID || type_is_aggregate(l) || !is_equality(n->binary.op))
		return not_for(c, n, l, r);
	return &type_bool;
}

static bool same_literal(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == NODE_STRING)
		return a->string.len == b->string.len &&
		       !memcmp(a->string.bytes, b->string.bytes, a->string.len);
	if (a->kind == NODE_BOOL)
		return a->boolean == b->boolean;
	return a->integer.value == b->integer.value &&
	       a->integer.is_negative == b->integer.is_negative;
}

/* Tuples of literals may be compared whatever is in them. */
static bool fold_tuples(struct node *n)
{
	const struct node *l = n->binary.left, *r = n->binary.right;
	bool equal = true;

	if (!is_equality(n->binary.op) || l->kind != NODE_TUPLE || r->kind != NODE_TUPLE)
		return false;
	equal = l->tuple.count == r->tuple.count;
	for (const struct node *m = l->tuple.members; m; m = m->next)
		if (!node_is_literal(m))
			return false;
	for (const struct node *m = r->tuple.members; m; m = m->next)
		if (!node_is_literal(m))
			return false;
	l = l->tuple.members;
	r = r->tuple.members;
	for (; l && r; l = l->next, r = r->next)
		equal = equal && same_literal(l, r);
	check_fold_bool(n, equal == (n->binary.op == OPERATOR_EQUAL));
	return true;
}

const struct type *check_binary(struct checker *c, struct node *n)
{
	const struct type *l = check_expression(c, n->binary.left);
	const struct type *r = check_expression(c, n->binary.right);
	bool failed;

	if (fold_binary(c, n, &failed) || fold_tuples(n))
		return n->type;
	return failed ? &type_none : check_operands(c, n, l, r);
}

/* ++ and --: of a variable or a map. */
static const struct type *check_step(struct checker *c, struct node *n)
{
	bool up = n->unary.op == OPERATOR_PRE_INCREMENT || n->unary.op == OPERATOR_POST_INCREMENT;
	struct node *e = n->unary.e;
	struct variable *v = NULL;
	struct map *m = NULL;
	const struct type *t, *to;

	if (e->kind == NODE_VARIABLE) {
		t = check_variable(c, e);
		v = e->symbol;
		if (!v)
			return &type_none;
	} else if (e->kind == NODE_MAP) {
		m = check_map(c, e);
		if (!m)
			return &type_none;
		t = m->value;
	} else {
		return check_error(c, n->span, "%s needs a variable or a map",
				   operator_text(n->unary.op));
	}
	if (t->kind == TYPE_POINTER || (v && v->is_declared_type && type_is_number(t))) {
		e->type = t;
		if (v)
			v->is_assigned = true;
		return t;
	}
	to = !up ? &type_s64 : type_is_number(t) && !type_is_signed(t) ? &type_u64 : weak_s64();
	if (v)
		variable_assign(c, v, to, e, n->span);
	else
		check_map_value(c, m, to, n->span);
	e->type = v ? v->type : m->value;
	check_conversion(c, e, t, e->type);
	return e->type;
}

static const struct type *check_dereference(struct checker *c, struct node *n, const struct type *t)
{
	if (t->kind == TYPE_POINTER && t->of) {
		if (t->of->kind == TYPE_VOID)
			return check_error(c, n->span, "Cannot dereference a pointer of type '%s'",
					   check_type_text(c, t));
		return type_lying(c, t->of, t->space);
	}
	if (type_is_number(t))
		return &type_u64;
	return check_error(c, n->span, "The * operator can not be used on expressions of type '%s'",
			   check_type_text(c, t));
}

const struct type *check_unary(struct checker *c, struct node *n)
{
	const struct type *t;

	if (n->unary.op >= OPERATOR_PRE_INCREMENT)
		return check_step(c, n);
	t = check_expression(c, n->unary.e);
	if (fold_unary(c, n))
		return n->type;
	if (t->kind == TYPE_NONE)
		return n->unary.op == OPERATOR_NOT ? &type_bool : t;
	if (n->unary.op == OPERATOR_DEREFERENCE)
		return check_dereference(c, n, t);
	if (n->unary.op == OPERATOR_NOT && (type_is_number(t) || t->kind == TYPE_BOOL))
		return &type_bool;
	if (n->unary.op != OPERATOR_NOT && type_is_number(t))
		return type_is_signed(t) ? &type_s64 : &type_u64;
	return check_error(c, n->span,
			   "The %s operator can not be used on expressions of type '%s'",
			   operator_text(n->unary.op), check_type_text(c, t));
}

bool check_condition(struct checker *c, struct node *n, struct span at)
{
	const struct type *t = n->type ? n->type : &type_none;

	if (t->kind == TYPE_NONE || t->kind == TYPE_BOOL || type_is_number(t) ||
	    t->kind == TYPE_POINTER || node_is_literal(n))
		return true;
	check_error(c, at, "Invalid condition: %s",
		    t->kind == TYPE_STRING ? "string"
		    : t->kind == TYPE_STRUCT && !t->is_tuple && !t->is_record
			    ? "c_type"
			    : check_type_text(c, t));
	return false;
}

/* The branch that a literal condition chooses stands in the ternary's place. */
static bool fold_ternary(struct node *n)
{
	struct node *next = n->next, *chosen;
	struct span span = n->span;
	bool truth;

	if (!node_is_literal(n->ternary.condition) || !fold_truth(n->ternary.condition, &truth))
		return false;
	chosen = truth ? n->ternary.yes : n->ternary.no;
	if (!chosen)
		chosen = n->ternary.condition;
	*n = *chosen;
	n->next = next;
	n->span = span;
	return true;
}

const struct type *check_ternary(struct checker *c, struct node *n)
{
	const struct type *t = check_expression(c, n->ternary.condition), *yes, *no, *both;

	if (fold_ternary(n))
		return check_expression(c, n);
	check_condition(c, n->ternary.condition, n->span);
	yes = check_decay(n->ternary.yes ? check_expression(c, n->ternary.yes) : t);
	no = check_decay(check_expression(c, n->ternary.no));
	both = check_unify(c, yes, no);
	if (!both)
		return check_error(c, n->span,
				   "Branches must return the same type or compatible types: have "
				   "'%s' and '%s'",
				   check_type_text(c, yes), check_type_text(c, no));
	check_conversion(c, n->ternary.yes, yes, both);
	check_conversion(c, n->ternary.no, no, both);
	return both;
}
