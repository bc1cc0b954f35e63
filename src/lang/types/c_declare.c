// SPDX-License-Identifier: Apache-2.0
/*
 * C declarations: typedefs and structs are kept; variables, functions and their bodies are walked
 * past without a look inside, so that what a header does there need not be understood.
 */
#include "lang/types/c.h"

const struct type c_char = { .kind = TYPE_INTEGER,
			     .size = 1,
			     .align = 1,
#ifdef __CHAR_UNSIGNED__
			     .is_signed = false
#else
			     .is_signed = true
#endif
};
static const struct type c_float = { .kind = TYPE_NONE, .size = 4, .align = 4 };
static const struct type c_double = { .kind = TYPE_NONE, .size = 8, .align = 8 };
static const struct type c_long_double = { .kind = TYPE_NONE, .size = 16, .align = 16 };
static const struct type c_int128 = {
	.kind = TYPE_ARRAY, .size = 16, .align = 16, .of = &type_u64, .count = 2
};
static const struct type c_va_list = { .kind = TYPE_NONE, .size = 24, .align = 8 };

/* ---- tokens ---------------------------------------------------------------------------------- */

static void set_pack(struct c_parser *p, const struct c_token *t)
{
	if (t->pack < 0) {
		p->pack = p->pack_depth ? p->pack_stack[--p->pack_depth] : 0;
		return;
	}
	if (t->pack & 64 && p->pack_depth < ARRAY_SIZE(p->pack_stack))
		p->pack_stack[p->pack_depth++] = p->pack;
	if (!(t->pack & 64) || t->pack & 31)
		p->pack = t->pack & 31;
}

const struct c_token *c_peek_at(struct c_parser *p, size_t ahead)
{
	static const struct c_token end = { .text = "" };
	size_t at = p->at;

	for (;; at++) {
		if (at >= p->count)
			return &end;
		if (p->tokens[at].kind != C_PACK && !ahead--)
			return &p->tokens[at];
	}
}

const struct c_token *c_peek(struct c_parser *p)
{
	return c_peek_at(p, 0);
}

const struct c_token *c_next(struct c_parser *p)
{
	const struct c_token *t = c_peek(p);

	while (p->at < p->count && p->tokens[p->at].kind == C_PACK)
		set_pack(p, &p->tokens[p->at++]);
	p->at += p->at < p->count;
	return t;
}

bool c_accept(struct c_parser *p, u32 sign)
{
	if (!c_is_sign(c_peek(p), sign))
		return false;
	c_next(p);
	return true;
}

bool c_accept_word(struct c_parser *p, const char *word)
{
	if (!c_is(c_peek(p), word))
		return false;
	c_next(p);
	return true;
}

bool c_fail(struct c_parser *p, const struct c_token *at, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = {};
	va_list args;

	if (p->failed)
		return false;
	p->failed = true;
	if (p->is_quiet)
		return false;
	/* behind the last one: show that one */
	if (!at->span.source && p->count)
		at = &p->tokens[p->count - 1];
	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	p->errors++;
	diagnose(p->w->o.diagnostics, at->span, "%s", buf_str(&text));
	return false;
}

bool c_expect(struct c_parser *p, u32 sign)
{
	const struct c_token *t = c_peek(p);

	if (c_accept(p, sign))
		return true;
	if (t->kind == C_END)
		return c_fail(p, t, "'%c' is expected here, but the declaration ends", (char)sign);
	return c_fail(p, t, "'%c' is expected, not '%.*s'", (char)sign, (int)t->len, t->text);
}

bool c_skip_brackets(struct c_parser *p)
{
	u32 nested = 0;

	do {
		const struct c_token *t = c_next(p);

		if (t->kind == C_END)
			return c_fail(p, t, "a bracket is not closed");
		if (t->kind == C_SIGN && strchr("([{", (int)t->sign) && t->len == 1)
			nested++;
		if (t->kind == C_SIGN && strchr(")]}", (int)t->sign) && t->len == 1 && nested)
			nested--;
	} while (nested);
	return true;
}

/* ---- specifiers ------------------------------------------------------------------------------ */

static bool is_one_of(const struct c_token *t, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (c_is(t, words[i]))
			return true;
	return false;
}

static bool is_qualifier(const struct c_token *t)
{
	static const char *const words[] = {
		"const",	"volatile",	"restrict",	   "__const",	    "__const__",
		"__volatile__", "__volatile",	"__restrict",	   "__restrict__",  "_Atomic",
		"register",	"auto",		"extern",	   "static",	    "inline",
		"__inline",	"__inline__",	"_Noreturn",	   "__extension__", "_Thread_local",
		"__thread",	"__user",	"__kernel",	   "__rcu",	    "__percpu",
		"__iomem",	"__must_check", "__always_inline",
	};

	return is_one_of(t, words, ARRAY_SIZE(words));
}

/* Words that a type is made of by their count. */
struct words {
	u8 is_void, is_char, is_short, is_int, longs, is_signed, is_unsigned, is_float, is_double,
		is_bool, is_int128, is_va_list, is_complex, is_float128;
};

static bool count_word(const struct c_token *t, struct words *n)
{
	const struct {
		const char *word;
		u8 *count;
	} words[] = {
		{ "void", &n->is_void },
		{ "char", &n->is_char },
		{ "short", &n->is_short },
		{ "int", &n->is_int },
		{ "long", &n->longs },
		{ "signed", &n->is_signed },
		{ "__signed__", &n->is_signed },
		{ "__signed", &n->is_signed },
		{ "unsigned", &n->is_unsigned },
		{ "float", &n->is_float },
		{ "_Float32", &n->is_float },
		{ "double", &n->is_double },
		{ "_Float64", &n->is_double },
		{ "_Float32x", &n->is_double },
		{ "_Float128", &n->is_float128 },
		{ "__float128", &n->is_float128 },
		{ "_Float64x", &n->is_float128 },
		{ "_Bool", &n->is_bool },
		{ "__int128", &n->is_int128 },
		{ "__int128_t", &n->is_int128 },
		{ "__uint128_t", &n->is_int128 },
		{ "_Complex", &n->is_complex },
		{ "__complex__", &n->is_complex },
		{ "__builtin_va_list", &n->is_va_list },
	};

	for (size_t i = 0; t->kind == C_NAME && i < ARRAY_SIZE(words); i++)
		if (c_is(t, words[i].word)) {
			*words[i].count += *words[i].count < 100;
			return true;
		}
	return false;
}

static const struct type *made_of(struct c_parser *p, const struct c_token *at,
				  const struct words *n)
{
	unsigned kinds = !!n->is_void + !!n->is_char + !!n->is_float + !!n->is_double +
			 !!n->is_bool + !!n->is_int128 + !!n->is_va_list + !!n->is_float128;

	if (kinds > 1 || (n->is_signed && n->is_unsigned) || n->longs > 2 ||
	    (n->is_short && n->longs) || (n->is_double && n->longs > 1) ||
	    (kinds && !n->is_double && n->longs) || (kinds && n->is_short)) {
		c_fail(p, at, "these words make no type");
		return NULL;
	}
	if (n->is_complex) {
		c_fail(p, at, "complex numbers cannot be read");
		return NULL;
	}
	if (n->is_char)
		return n->is_unsigned ? &type_u8 : n->is_signed ? &type_s8 : &c_char;
	if (n->is_double && n->longs)
		return &c_long_double;
	return n->is_void	? &type_void
	       : n->is_float	? &c_float
	       : n->is_double	? &c_double
	       : n->is_float128 ? &c_long_double
	       : n->is_bool	? &type_u8
	       : n->is_int128	? &c_int128
	       : n->is_va_list	? &c_va_list
				: type_integer(n->is_short ? 2
					       : n->longs  ? 8
							   : 4,
					      !n->is_unsigned);
}

static bool is_operator(const struct c_token *t)
{
	static const char *const words[] = { "sizeof", "_Alignof", "__alignof__",
					     "__builtin_offsetof" };

	return is_one_of(t, words, ARRAY_SIZE(words));
}

/* A typedef's name: the headers' own, else the kernel's. */
static const struct type *typedef_named(struct c_parser *p, const struct c_token *t)
{
	const struct type *found;
	char name[200];

	if (t->kind != C_NAME || t->len >= sizeof(name) || is_operator(t))
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)t->len, t->text);
	found = c_type_named(p->w, name);
	/* a constant is no type: the kernel need not be asked */
	if (found || c_constant_named(p->w, name))
		return found;
	found = type_builtin(p->w->o.arena, name);
	/* the language's own types are none of C, but for those of whole numbers */
	if (found)
		return found->kind == TYPE_INTEGER || found->kind == TYPE_BOOL ? found : NULL;
	found = type_named(p->w, name);
	/* a struct without the word is the language's, not C's */
	return found && found->name && !strcmp(found->name, name) && found->kind != TYPE_INTEGER
		       ? NULL
		       : found;
}

bool c_starts_type(struct c_parser *p)
{
	const struct c_token *t = c_peek(p);
	struct words n = {};

	return t->kind == C_NAME && (is_qualifier(t) || count_word(t, &n) || c_is(t, "struct") ||
				     c_is(t, "union") || c_is(t, "enum") || c_is(t, "__typeof__") ||
				     c_is(t, "typeof") || typedef_named(p, t));
}

static const struct type *type_of(struct c_parser *p, const struct c_token *at)
{
	const struct type *t;

	if (!c_accept(p, '(') || !c_starts_type(p)) {
		c_fail(p, at, "only typeof() of a type can be read");
		return NULL;
	}
	t = c_type_name(p);
	return t && c_expect(p, ')') ? t : NULL;
}

static const struct type *with_mode(const struct type *t, u32 mode)
{
	return mode && t && t->kind == TYPE_INTEGER ? type_integer(mode, t->is_signed) : t;
}

const struct type *c_specifiers(struct c_parser *p, bool *ret_typedef, struct c_attributes *a)
{
	const struct c_token *first = c_peek(p);
	const struct type *t = NULL;
	struct words n = {};
	bool counted = false;

	for (;;) {
		const struct c_token *at = c_peek(p);

		if (c_is(at, "typedef") && ret_typedef) {
			*ret_typedef = true;
			c_next(p);
		} else if (is_qualifier(at)) {
			c_next(p);
		} else if (c_is(at, "__attribute__") || c_is(at, "__attribute") ||
			   c_is(at, "_Alignas")) {
			c_attributes(p, a);
		} else if (counted && at->len > 6 && !memcmp(at->text, "_Float", 6)) {
			break; /* typedef double _Float32x; */
		} else if (!t && count_word(at, &n)) {
			counted = true;
			c_next(p);
		} else if (t || counted || at->kind != C_NAME) {
			break;
		} else if (c_is(at, "struct") || c_is(at, "union")) {
			c_next(p);
			t = c_struct(p, c_is(at, "union"));
		} else if (c_is(at, "enum")) {
			c_next(p);
			t = c_enumeration(p);
		} else if (c_is(at, "typeof") || c_is(at, "__typeof__")) {
			c_next(p);
			t = type_of(p, at);
		} else {
			t = typedef_named(p, at);
			if (!t)
				c_fail(p, at, "unknown type name '%.*s'", (int)at->len, at->text);
			c_next(p);
		}
		if (p->failed)
			return NULL;
	}
	if (counted)
		return made_of(p, first, &n);
	if (!t)
		c_fail(p, first, "a type is expected");
	return t;
}

/* ---- declarators ----------------------------------------------------------------------------- */

static const struct type *pointer_to(struct c_parser *p, const struct type *t)
{
	return type_pointer(p->w->o.arena, t->kind == TYPE_FUNCTION ? &type_void : t, SPACE_NONE);
}

/* "[2][3]" and "(int, char)" behind a name. */
static const struct type *suffixes(struct c_parser *p, const struct type *base)
{
	const struct c_token *at = c_peek(p);
	const struct type *of;
	s64 count = 0;

	if (c_is_sign(at, '(')) {
		struct type *f = type_new(p->w->o.arena, TYPE_FUNCTION, 0);

		f->of = base;
		return c_skip_brackets(p) ? f : NULL;
	}
	if (!c_accept(p, '['))
		return base;
	while (is_qualifier(c_peek(p)))
		c_next(p);
	if (!c_is_sign(c_peek(p), ']') && !c_constant(p, &count))
		return NULL;
	if (!c_expect(p, ']') || p->depth >= C_DEPTH_MAX)
		return NULL;
	p->depth++;
	of = suffixes(p, base);
	p->depth--;
	if (!of)
		return NULL;
	if (count < 0 || (u64)count > 1 << 28 || (u64)count * MAX(of->size, 1u) > 1 << 28) {
		c_fail(p, at, "this array's size is out of bounds");
		return NULL;
	}
	return type_array(p->w->o.arena, of, count);
}

/* Is the bracket that comes next around a declarator, and not around parameters? */
static bool is_grouping(struct c_parser *p)
{
	const struct c_token *t = c_peek_at(p, 1);

	if (!c_is_sign(c_peek(p), '('))
		return false;
	return c_is_sign(t, '*') || c_is_sign(t, '(') || c_is_sign(t, '^') ||
	       c_is(t, "__attribute__") ||
	       (t->kind == C_NAME && c_is_sign(c_peek_at(p, 2), ')') && !typedef_named(p, t) &&
		!c_is(t, "void") && !c_is(t, "int"));
}

static const struct type *grouped(struct c_parser *p, const struct type *base,
				  const struct c_token **ret_name, struct c_attributes *a)
{
	size_t inside = p->at, behind;
	const struct type *t;

	/* what stands behind the brackets binds first */
	if (!c_skip_brackets(p))
		return NULL;
	t = suffixes(p, base);
	behind = p->at;
	if (!t)
		return NULL;
	p->at = inside;
	c_next(p);
	t = c_declarator(p, t, ret_name, a);
	if (!t || !c_expect(p, ')'))
		return NULL;
	p->at = behind;
	return t;
}

static bool is_word_of_types(const struct c_token *t)
{
	static const char *const words[] = { "struct", "union", "enum", "typedef" };

	return is_one_of(t, words, ARRAY_SIZE(words));
}

const struct type *c_declarator(struct c_parser *p, const struct type *base,
				const struct c_token **ret_name, struct c_attributes *a)
{
	const struct c_token *t;

	if (p->depth >= C_DEPTH_MAX) {
		c_fail(p, c_peek(p), "this is nested deeper than %d", C_DEPTH_MAX);
		return NULL;
	}
	p->depth++;
	for (u32 stars = 0;;) {
		if (c_accept(p, '*')) {
			if (++stars > TYPE_DEPTH_MAX) {
				c_fail(p, c_peek(p), "too many pointers");
				return NULL;
			}
			base = pointer_to(p, base);
		} else if (is_qualifier(c_peek(p))) {
			c_next(p);
		} else if (c_is(c_peek(p), "__attribute__")) {
			c_attributes(p, a);
		} else {
			break;
		}
	}
	t = c_peek(p);
	if (is_grouping(p)) {
		base = grouped(p, base, ret_name, a);
	} else {
		if (t->kind == C_NAME && !is_word_of_types(t)) {
			*ret_name = t;
			c_next(p);
		}
		base = suffixes(p, base);
	}
	p->depth--;
	while (base && !p->failed) {
		if (c_is(c_peek(p), "__attribute__") || c_is(c_peek(p), "__attribute"))
			c_attributes(p, a);
		else if (c_accept_word(p, "__asm__") || c_accept_word(p, "asm") ||
			 c_accept_word(p, "__asm"))
			c_skip_brackets(p);
		else
			break;
	}
	return p->failed ? NULL : base;
}

const struct type *c_type_name(struct c_parser *p)
{
	const struct c_token *name = NULL;
	struct c_attributes a = {};
	const struct type *t = c_specifiers(p, NULL, &a);

	return t ? c_declarator(p, t, &name, &a) : NULL;
}

/* ---- whole declarations ---------------------------------------------------------------------- */

/* To the ";" or behind the body of a function. */
static void skip_declaration(struct c_parser *p)
{
	for (;;) {
		const struct c_token *t = c_peek(p);

		if (t->kind == C_END)
			return;
		if (c_is_sign(t, '{')) {
			c_skip_brackets(p);
			/* a list of values ends with its ";", a body does not */
			if (!c_is_sign(c_peek(p), ';') && !c_is_sign(c_peek(p), ',') &&
			    c_peek(p)->kind != C_SIGN)
				return;
			continue;
		}
		if (t->kind == C_SIGN && t->len == 1 && strchr("([", (int)t->sign)) {
			c_skip_brackets(p);
			continue;
		}
		c_next(p);
		if (c_is_sign(t, ';'))
			return;
	}
}

static bool add_typedef(struct c_parser *p, const struct c_token *name, const struct type *t,
			const struct c_attributes *a)
{
	struct arena *arena = p->w->o.arena;
	char *text = arena_strndup(arena, name->text, name->len);

	t = with_mode(t, a->mode);
	if (a->vector)
		t = type_array(arena, &type_u8, a->vector);
	if (MAX(a->aligned, a->vector) > type_alignment(t)) {
		struct type *copy = arena_new_of(arena, struct type);

		*copy = *t;
		copy->align = MAX(a->aligned, a->vector);
		t = copy;
	}
	if (c_add_type(p->w, text, t))
		return c_fail(p, name, "out of memory");
	return true;
}

static void declaration(struct c_parser *p)
{
	struct c_attributes base_attributes = {};
	bool is_typedef = false;
	const struct type *base;

	if (c_is(c_peek(p), "extern") || c_is(c_peek(p), "static") ||
	    c_is(c_peek(p), "_Static_assert") || c_is(c_peek(p), "__asm__")) {
		skip_declaration(p);
		return;
	}
	base = c_specifiers(p, &is_typedef, &base_attributes);
	while (base && !c_is_sign(c_peek(p), ';')) {
		struct c_attributes a = base_attributes;
		const struct c_token *name = NULL;
		const struct type *t = c_declarator(p, base, &name, &a);

		if (!t)
			break;
		if (!is_typedef && name) {
			/* a variable, or a function with its body */
			skip_declaration(p);
			return;
		}
		if (!name) {
			c_fail(p, c_peek(p), "a name is expected");
			break;
		}
		if (!add_typedef(p, name, t, &a) || !c_accept(p, ','))
			break;
	}
	if (!p->failed)
		c_expect(p, ';');
}

void c_parse(struct c_parser *p)
{
	while (c_peek(p)->kind != C_END && p->errors < C_ERRORS_MAX) {
		size_t start = p->at;

		p->failed = false;
		p->depth = 0;
		if (c_accept(p, ';'))
			continue;
		declaration(p);
		if (p->failed) {
			p->at = start; /* brackets must be counted from there */
			skip_declaration(p);
		}
	}
}
