// SPDX-License-Identifier: Apache-2.0
/*
 * Constant expressions of C: for #if, array sizes, enums, widths of bit-fields. 64 bits wide,
 * signed until something unsigned takes part, as C has it for intmax_t.
 */
#include "lang/types/c.h"

struct value {
	s64 v;
	bool is_unsigned;
};

static bool ternary(struct c_parser *p, struct value *ret);

static bool deeper(struct c_parser *p)
{
	if (p->depth < C_DEPTH_MAX) {
		p->depth++;
		return true;
	}
	return c_fail(p, c_peek(p), "this is nested deeper than %d", C_DEPTH_MAX);
}

/* sizeof, _Alignof: of a type, or what has one is not asked. */
static bool size_of(struct c_parser *p, bool alignment, struct value *ret)
{
	const struct c_token *at = c_peek(p);
	const struct type *t;

	if (!c_accept(p, '(') || !c_starts_type(p))
		return c_fail(p, at, "only the size of a type is a constant here");
	t = c_type_name(p);
	if (!t || !c_expect(p, ')'))
		return false;
	if (!t->size && t->kind != TYPE_ARRAY && t->kind != TYPE_STRUCT && t->kind != TYPE_STRING)
		return c_fail(p, at, "this type has no size");
	*ret = (struct value){ alignment ? type_alignment(t) : t->size, true };
	return true;
}

static bool offset_of(struct c_parser *p, struct value *ret)
{
	const struct c_token *at = c_next(p), *name;
	const struct type *t;
	struct field f;
	char text[200];

	if (!c_expect(p, '('))
		return false;
	t = c_type_name(p);
	if (!t || !c_expect(p, ','))
		return false;
	name = c_next(p);
	snprintf(text, sizeof(text), "%.*s", (int)name->len, name->text);
	if (name->kind != C_NAME || t->kind != TYPE_STRUCT || !type_field(p->w, t, text, &f, NULL))
		return c_fail(p, at, "there is no such member");
	*ret = (struct value){ f.offset, true };
	return c_expect(p, ')');
}

static bool name_value(struct c_parser *p, struct value *ret)
{
	const struct c_token *t = c_next(p);
	char name[200];

	ret->v = 0;
	ret->is_unsigned = false;
	if (p->is_directive) {
		/* what was a macro's call and is none */
		if (c_is_sign(c_peek(p), '('))
			return c_skip_brackets(p);
		return true;
	}
	snprintf(name, sizeof(name), "%.*s", (int)t->len, t->text);
	if (t->len < sizeof(name) && type_enumerator(p->w, name, &ret->v, NULL))
		return true;
	return c_fail(p, t, "'%s' is no constant", name);
}

static bool unary(struct c_parser *p, struct value *ret);

/* A cast to an integer type narrows. */
static bool cast(struct c_parser *p, struct value *ret)
{
	const struct type *t = c_type_name(p);
	u32 bits;

	if (!t || !c_expect(p, ')') || !unary(p, ret))
		return false;
	bits = t->size * 8;
	if (bits && bits < 64) {
		u64 v = (u64)ret->v << (64 - bits);

		ret->v = t->is_signed ? (s64)v >> (64 - bits) : (s64)(v >> (64 - bits));
	}
	ret->is_unsigned = !t->is_signed && bits >= 64;
	return true;
}

static bool primary(struct c_parser *p, struct value *ret)
{
	const struct c_token *t = c_peek(p);

	if (t->kind == C_NUMBER || t->kind == C_CHARACTER) {
		c_next(p);
		return c_token_value(t, &ret->v, &ret->is_unsigned) ||
		       c_fail(p, t, "this is no whole number");
	}
	if (c_accept(p, '(')) {
		if (!p->is_directive && c_starts_type(p))
			return cast(p, ret);
		return ternary(p, ret) && c_expect(p, ')');
	}
	if (!p->is_directive && c_is(t, "sizeof")) {
		c_next(p);
		return size_of(p, false, ret);
	}
	if (!p->is_directive && (c_is(t, "_Alignof") || c_is(t, "__alignof__"))) {
		c_next(p);
		return size_of(p, true, ret);
	}
	if (!p->is_directive && c_is(t, "__builtin_offsetof"))
		return offset_of(p, ret);
	if (t->kind == C_NAME)
		return name_value(p, ret);
	return c_fail(p, t, "a constant is expected");
}

static bool unary(struct c_parser *p, struct value *ret)
{
	bool ok;

	if (!deeper(p))
		return false;
	if (c_accept(p, '-')) {
		ok = unary(p, ret);
		ret->v = (s64)(0 - (u64)ret->v);
	} else if (c_accept(p, '+')) {
		ok = unary(p, ret);
	} else if (c_accept(p, '~')) {
		ok = unary(p, ret);
		ret->v = ~ret->v;
	} else if (c_accept(p, '!')) {
		ok = unary(p, ret);
		*ret = (struct value){ !ret->v, false };
	} else {
		ok = primary(p, ret);
	}
	p->depth--;
	return ok;
}

static const struct {
	u32 sign;
	u8 level;
} binaries[] = {
	{ '*', 10 },
	{ '/', 10 },
	{ '%', 10 },
	{ '+', 9 },
	{ '-', 9 },
	{ C_SIGN2('<', '<'), 8 },
	{ C_SIGN2('>', '>'), 8 },
	{ '<', 7 },
	{ '>', 7 },
	{ C_SIGN2('<', '='), 7 },
	{ C_SIGN2('>', '='), 7 },
	{ C_SIGN2('=', '='), 6 },
	{ C_SIGN2('!', '='), 6 },
	{ '&', 5 },
	{ '^', 4 },
	{ '|', 3 },
	{ C_SIGN2('&', '&'), 2 },
	{ C_SIGN2('|', '|'), 1 },
};

static unsigned level_of(const struct c_token *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(binaries); i++)
		if (c_is_sign(t, binaries[i].sign))
			return binaries[i].level;
	return 0;
}

static bool divide(struct c_parser *p, const struct c_token *at, struct value *a, struct value b)
{
	bool remainder = c_is_sign(at, '%');

	if (!b.v) {
		/* 0 && 1 / 0 is asked for by headers; a value is not needed there */
		a->v = 0;
		return p->is_directive || c_fail(p, at, "division by zero");
	}
	if (a->is_unsigned)
		a->v = remainder ? (s64)((u64)a->v % (u64)b.v) : (s64)((u64)a->v / (u64)b.v);
	else if (b.v == -1)
		a->v = remainder ? 0 : (s64)(0 - (u64)a->v);
	else
		a->v = remainder ? a->v % b.v : a->v / b.v;
	return true;
}

static s64 compare(const struct value *a, const struct value *b)
{
	if (a->is_unsigned || b->is_unsigned)
		return ((u64)a->v > (u64)b->v) - ((u64)a->v < (u64)b->v);
	return (a->v > b->v) - (a->v < b->v);
}

static bool shift(const struct c_token *at, struct value *a, struct value b)
{
	unsigned by = b.v & 63;

	if (c_is_sign(at, C_SIGN2('<', '<')))
		a->v = (s64)((u64)a->v << by);
	else
		a->v = a->is_unsigned ? (s64)((u64)a->v >> by) : a->v >> by;
	return true;
}

static bool apply(struct c_parser *p, const struct c_token *at, struct value *a, struct value b)
{
	bool is_unsigned = a->is_unsigned || b.is_unsigned;
	s64 order = compare(a, &b);

	switch (at->sign) {
	case C_SIGN2('<', '<'):
	case C_SIGN2('>', '>'):
		return shift(at, a, b);
	case '*':
		a->v = (s64)((u64)a->v * (u64)b.v);
		break;
	case '/':
	case '%':
		a->is_unsigned = is_unsigned;
		return divide(p, at, a, b);
	case '+':
		a->v = (s64)((u64)a->v + (u64)b.v);
		break;
	case '-':
		a->v = (s64)((u64)a->v - (u64)b.v);
		break;
	case '&':
		a->v &= b.v;
		break;
	case '^':
		a->v ^= b.v;
		break;
	case '|':
		a->v |= b.v;
		break;
	default:
		is_unsigned = false;
		a->v = at->sign == '<'		       ? order < 0
		       : at->sign == '>'	       ? order > 0
		       : at->sign == C_SIGN2('<', '=') ? order <= 0
		       : at->sign == C_SIGN2('>', '=') ? order >= 0
		       : at->sign == C_SIGN2('=', '=') ? !order
		       : at->sign == C_SIGN2('!', '=') ? order != 0
		       : at->sign == C_SIGN2('&', '&') ? a->v && b.v
						       : a->v || b.v;
	}
	a->is_unsigned = is_unsigned;
	return true;
}

static bool binary(struct c_parser *p, unsigned level, struct value *ret)
{
	struct value right;

	if (!unary(p, ret))
		return false;
	for (;;) {
		const struct c_token *op = c_peek(p);
		unsigned its = level_of(op);
		bool ok;

		if (!its || its < level)
			return true;
		c_next(p);
		if (!deeper(p))
			return false;
		ok = binary(p, its + 1, &right);
		p->depth--;
		if (!ok || !apply(p, op, ret, right))
			return false;
	}
}

static bool ternary(struct c_parser *p, struct value *ret)
{
	struct value yes, no;
	bool ok;

	if (!deeper(p))
		return false;
	ok = binary(p, 1, ret);
	if (ok && c_accept(p, '?')) {
		ok = ternary(p, &yes) && c_expect(p, ':') && ternary(p, &no);
		if (ok)
			*ret = ret->v ? yes : no;
	}
	p->depth--;
	return ok;
}

bool c_constant(struct c_parser *p, s64 *ret)
{
	struct value v;

	if (!ternary(p, &v))
		return false;
	*ret = v.v;
	return true;
}
