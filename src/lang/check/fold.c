/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant folding: an operator between literals becomes a literal, so that limits, counts and
 * `if comptime` can be written as sums. Done in 128 bits, hence exact; what fits neither int64 nor
 * uint64 in the end is an error. Unlike at run time, division and right shift are signed.
 */
#include "lang/check/internal.h"

typedef __int128 wide;

bool node_is_literal(const struct node *n)
{
	return (n->kind == NODE_INTEGER && !n->symbol) || n->kind == NODE_STRING ||
	       n->kind == NODE_BOOL;
}

void check_fold_integer(struct node *n, s64 value, bool is_unsigned)
{
	n->kind = NODE_INTEGER;
	n->symbol = NULL;
	n->extra = NULL;
	n->integer.value = (u64)value;
	n->integer.is_negative = !is_unsigned && value < 0;
	n->integer.has_unit = false;
	n->type = weak_integer((u64)value, n->integer.is_negative);
}

void check_fold_bool(struct node *n, bool value)
{
	n->kind = NODE_BOOL;
	n->symbol = NULL;
	n->extra = NULL;
	n->boolean = value;
	n->type = &type_bool;
}

void check_fold_string(struct checker *c, struct node *n, const char *bytes, u32 len)
{
	n->kind = NODE_STRING;
	n->symbol = NULL;
	n->extra = NULL;
	n->string.bytes = arena_strndup(c->script->arena, bytes, len);
	n->string.len = len;
	n->type = type_string(c->script->arena, len + 1);
}

static wide value_of(const struct node *n)
{
	return n->integer.is_negative ? (wide)(s64)n->integer.value : (wide)n->integer.value;
}

bool fold_truth(const struct node *n, bool *ret)
{
	switch (n->kind) {
	case NODE_INTEGER:
		*ret = n->integer.value != 0;
		return true;
	case NODE_BOOL:
		*ret = n->boolean;
		return true;
	case NODE_STRING:
		*ret = n->string.len != 0;
		return true;
	default:
		return false;
	}
}

static bool overflow(struct checker *c, struct node *n)
{
	diagnose(c->script->diagnostics, n->span,
		 "unable to fold literals due to overflow or underflow");
	return false;
}

static bool store(struct checker *c, struct node *n, wide v)
{
	if (v > (wide)UINT64_MAX || v < (wide)INT64_MIN)
		return overflow(c, n);
	check_fold_integer(n, (s64)(u64)v, v >= 0);
	return true;
}

static bool compare(enum operator_kind op, wide a, wide b, bool *ret)
{
	switch (op) {
	case OPERATOR_EQUAL:
		*ret = a == b;
		return true;
	case OPERATOR_NOT_EQUAL:
		*ret = a != b;
		return true;
	case OPERATOR_LESS:
		*ret = a < b;
		return true;
	case OPERATOR_LESS_EQUAL:
		*ret = a <= b;
		return true;
	case OPERATOR_GREATER:
		*ret = a > b;
		return true;
	case OPERATOR_GREATER_EQUAL:
		*ret = a >= b;
		return true;
	default:
		return false;
	}
}

/* false: it has no value that can be written down. */
static bool calculate(enum operator_kind op, wide a, wide b, wide *ret)
{
	switch (op) {
	case OPERATOR_ADD:
		*ret = a + b;
		return true;
	case OPERATOR_SUBTRACT:
		*ret = a - b;
		return true;
	case OPERATOR_MULTIPLY:
		/* 64 by 64 bits with a sign: what may pass 127 bits is too much anyway. */
		return !__builtin_mul_overflow(a, b, ret);
	case OPERATOR_DIVIDE:
	case OPERATOR_MODULO:
		if (b == 0)
			return false;
		*ret = op == OPERATOR_DIVIDE ? a / b : a % b;
		return true;
	case OPERATOR_BIT_AND:
		*ret = a & b;
		return true;
	case OPERATOR_BIT_OR:
		*ret = a | b;
		return true;
	case OPERATOR_BIT_XOR:
		*ret = a ^ b;
		return true;
	case OPERATOR_SHIFT_LEFT:
		if (b < 0 || b > 63)
			return false;
		*ret = a * ((wide)1 << (int)b);
		return true;
	case OPERATOR_SHIFT_RIGHT:
		if (b < 0 || b > 63)
			return false;
		*ret = a >> (int)b;
		return true;
	default:
		return false;
	}
}

static bool fold_integers(struct checker *c, struct node *n, wide a, wide b, bool *ret_failed)
{
	wide v;
	bool truth;

	if (compare(n->binary.op, a, b, &truth)) {
		check_fold_bool(n, truth);
		return true;
	}
	if (!calculate(n->binary.op, a, b, &v)) {
		*ret_failed = true;
		return overflow(c, n);
	}
	*ret_failed = !store(c, n, v);
	return !*ret_failed;
}

static bool fold_strings(struct checker *c, struct node *n, bool *ret_failed)
{
	const struct node *l = n->binary.left, *r = n->binary.right;
	u32 shorter = MIN(l->string.len, r->string.len);
	int order = memcmp(l->string.bytes, r->string.bytes, shorter);
	_cleanup_buf_ struct buf b = {};
	bool truth;

	if (!order)
		order = (l->string.len > r->string.len) - (l->string.len < r->string.len);
	if (compare(n->binary.op, order, 0, &truth)) {
		check_fold_bool(n, truth);
		return true;
	}
	if (n->binary.op != OPERATOR_ADD) {
		*ret_failed = true;
		diagnose(c->script->diagnostics, n->span, "illegal literal operation with strings");
		return false;
	}
	if ((u64)l->string.len + r->string.len > (1 << 20)) {
		*ret_failed = true;
		diagnose(c->script->diagnostics, n->span, "the joined string is above 1 MiB");
		return false;
	}
	buf_add(&b, l->string.bytes, l->string.len);
	buf_add(&b, r->string.bytes, r->string.len);
	check_fold_string(c, n, buf_str(&b), (u32)b.len);
	return true;
}

/* "abc" + 1, or 1 + "abc", is what stands behind the first letter. */
static bool fold_offset(struct checker *c, struct node *n)
{
	const struct node *l = n->binary.left, *r = n->binary.right;
	u32 skip;

	if (l->kind == NODE_INTEGER) {
		l = n->binary.right;
		r = n->binary.left;
	}
	skip = (u32)MIN(r->integer.value, (u64)l->string.len);
	if (n->binary.op != OPERATOR_ADD || r->integer.is_negative)
		return false;
	if (skip == l->string.len && skip)
		diagnose_warning(c->script->diagnostics, n->span,
				 "literal string will always be empty");
	check_fold_string(c, n, l->string.bytes + skip, l->string.len - skip);
	return true;
}

bool fold_binary(struct checker *c, struct node *n, bool *ret_failed)
{
	const struct node *l = n->binary.left, *r = n->binary.right;
	enum operator_kind op = n->binary.op;
	bool a = false, b = false;
	wide v;

	*ret_failed = false;
	if (!node_is_literal(l) || !node_is_literal(r))
		return false;
	if (op == OPERATOR_AND || op == OPERATOR_OR) {
		fold_truth(l, &a);
		fold_truth(r, &b);
		check_fold_bool(n, op == OPERATOR_AND ? a && b : a || b);
		return true;
	}
	if (l->kind == NODE_INTEGER && r->kind == NODE_INTEGER)
		return fold_integers(c, n, value_of(l), value_of(r), ret_failed);
	if (l->kind == NODE_STRING && r->kind == NODE_STRING)
		return fold_strings(c, n, ret_failed);
	if ((l->kind == NODE_STRING && r->kind == NODE_INTEGER) ||
	    (l->kind == NODE_INTEGER && r->kind == NODE_STRING))
		return fold_offset(c, n);
	if (l->kind != NODE_BOOL || r->kind != NODE_BOOL)
		return false;
	if (compare(op, l->boolean, r->boolean, &a)) {
		check_fold_bool(n, a);
		return true;
	}
	if (!calculate(op, l->boolean, r->boolean, &v)) {
		*ret_failed = true;
		return overflow(c, n);
	}
	check_fold_bool(n, v != 0);
	return true;
}

bool fold_unary(struct checker *c, struct node *n)
{
	const struct node *e = n->unary.e;
	bool truth;

	if (!node_is_literal(e) || e->kind == NODE_STRING)
		return false;
	switch (n->unary.op) {
	case OPERATOR_NOT:
		fold_truth(e, &truth);
		check_fold_bool(n, !truth);
		return true;
	case OPERATOR_NEGATE:
		return e->kind == NODE_INTEGER && store(c, n, -value_of(e));
	case OPERATOR_BIT_NOT:
		if (e->kind != NODE_INTEGER)
			return false;
		check_fold_integer(n, (s64)~e->integer.value, true);
		return true;
	default:
		return false;
	}
}
