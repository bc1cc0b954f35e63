// SPDX-License-Identifier: Apache-2.0
/*
 * Structs, unions and enums of C, laid out as compilers for x86-64 and arm64 lay them out: members
 * at multiples of their alignment, a bit-field within one unit of its type, unless packed.
 */
#include "lang/types/c.h"

#define MEMBERS_MAX 4096
#define STRUCT_MAX (1u << 28)

struct layout {
	struct type_world *w;
	struct field *fields;
	size_t count, capacity;
	u64 bits; /* where the next one may begin; a union's largest end */
	u32 align;
	u32 limit; /* #pragma pack: the greatest alignment; 0: none */
	bool is_union, packed;
};

/* ---- attributes ------------------------------------------------------------------------------ */

static bool attribute_is(const struct c_token *t, const char *word)
{
	size_t len = strlen(word);

	return c_is(t, word) ||
	       (t->kind == C_NAME && t->len == len + 4 && !memcmp(t->text, "__", 2) &&
		!memcmp(t->text + 2, word, len) && !memcmp(t->text + 2 + len, "__", 2));
}

static u32 mode_size(const struct c_token *t)
{
	static const struct {
		const char *name;
		u32 size;
	} modes[] = { { "QI", 1 },   { "HI", 2 },   { "SI", 4 },     { "DI", 8 },
		      { "byte", 1 }, { "word", 8 }, { "pointer", 8 } };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (attribute_is(t, modes[i].name))
			return modes[i].size;
	return 0;
}

static void alignment_value(struct c_parser *p, struct c_attributes *a)
{
	const struct c_token *at = c_peek(p);
	const struct type *t;
	s64 value = 0;

	if (c_starts_type(p)) {
		t = c_type_name(p);
		value = t ? type_alignment(t) : 0;
	} else if (!c_constant(p, &value)) {
		return;
	}
	if (value < 1 || value > 1 << 16 || value & (value - 1))
		c_fail(p, at, "an alignment is a power of two up to 65536");
	else
		a->aligned = MAX(a->aligned, (u32)value);
}

static void attribute(struct c_parser *p, struct c_attributes *a)
{
	const struct c_token *t = c_next(p);

	if (attribute_is(t, "packed")) {
		a->packed = true;
	} else if (attribute_is(t, "aligned") && c_is_sign(c_peek(p), '(')) {
		c_next(p);
		alignment_value(p, a);
		c_expect(p, ')');
		return;
	} else if (attribute_is(t, "aligned")) {
		a->aligned = MAX(a->aligned, 16u);
	} else if (attribute_is(t, "mode") && c_is_sign(c_peek(p), '(')) {
		a->mode = mode_size(c_peek_at(p, 1));
	} else if (attribute_is(t, "vector_size") && c_is_sign(c_peek(p), '(')) {
		struct c_attributes vector = {};

		c_next(p);
		alignment_value(p, &vector);
		a->vector = vector.aligned; /* as large as it is aligned */
		c_expect(p, ')');
		return;
	}
	if (c_is_sign(c_peek(p), '('))
		c_skip_brackets(p);
}

void c_attributes(struct c_parser *p, struct c_attributes *a)
{
	if (c_accept_word(p, "_Alignas")) {
		if (!c_expect(p, '('))
			return;
		alignment_value(p, a);
		c_expect(p, ')');
		return;
	}
	c_next(p); /* __attribute__ */
	if (!c_expect(p, '(') || !c_expect(p, '('))
		return;
	while (!p->failed && !c_is_sign(c_peek(p), ')')) {
		if (c_peek(p)->kind == C_END)
			break;
		if (!c_accept(p, ','))
			attribute(p, a);
	}
	if (c_expect(p, ')'))
		c_expect(p, ')');
}

/* ---- layout ---------------------------------------------------------------------------------- */

static u64 round_up(u64 v, u64 to)
{
	return (v + to - 1) / to * to;
}

const struct type *c_finished(struct arena *a, const struct type *t)
{
	if (t->kind != TYPE_ARRAY || t->of != &c_char)
		return t;
	return type_string(a, t->count ? t->count + 1 : 0);
}

static bool add_field(struct c_parser *p, struct layout *l, const struct c_token *name,
		      const struct type *t, struct field **ret)
{
	struct arena *a = l->w->o.arena;

	if (l->count == MEMBERS_MAX)
		return c_fail(p, name ? name : c_peek(p), "a struct has at most %d members",
			      MEMBERS_MAX);
	if (grow(&l->fields, &l->capacity, l->count + 1, sizeof(*l->fields)))
		return c_fail(p, c_peek(p), "out of memory");
	*ret = &l->fields[l->count++];
	**ret = (struct field){ .type = c_finished(a, t) };
	(*ret)->name = name ? arena_strndup(a, name->text, name->len) : NULL;
	return true;
}

static u32 member_alignment(const struct layout *l, const struct type *t,
			    const struct c_attributes *a)
{
	u32 align = l->packed || a->packed ? 1 : type_alignment(t);

	if (l->limit)
		align = MIN(align, l->limit);
	return MAX(align, a->aligned);
}

static bool add_member(struct c_parser *p, struct layout *l, const struct c_token *name,
		       const struct type *t, const struct c_attributes *a)
{
	u32 align = member_alignment(l, t, a);
	u64 at = l->is_union ? 0 : round_up(l->bits, align * 8ULL);
	struct field *f;

	if (!add_field(p, l, name, t, &f))
		return false;
	f->offset = at / 8;
	l->align = MAX(l->align, align);
	l->bits = MAX(l->bits, at + t->size * 8ULL);
	if (l->bits / 8 > STRUCT_MAX)
		return c_fail(p, c_peek(p), "this struct is too large");
	return true;
}

static bool add_bits(struct c_parser *p, struct layout *l, const struct c_token *name,
		     const struct type *t, s64 bits, const struct c_attributes *a)
{
	u32 unit = t->size * 8, align = member_alignment(l, t, a);
	u64 at = l->is_union ? 0 : l->bits;
	struct field *f;

	if (!type_is_integer(t) || !t->size)
		return c_fail(p, c_peek(p), "a bit-field is a whole number");
	if (bits < 0 || bits > unit || (!bits && name))
		return c_fail(p, c_peek(p), "a bit-field of this type has 1 to %u bits", unit);
	if (!bits) {
		l->bits = l->is_union ? l->bits : round_up(l->bits, t->size * 8ULL);
		return true;
	}
	if (a->aligned)
		at = round_up(at, a->aligned * 8ULL);
	if (!l->packed && !a->packed && (!l->limit || l->limit >= t->size) &&
	    at / unit != (at + bits - 1) / unit)
		at = round_up(at, unit);
	l->bits = MAX(l->bits, at + bits);
	if (!name)
		return true;
	l->align = MAX(l->align, align);
	if (!add_field(p, l, name, t, &f))
		return false;
	field_set_bits(f, at, bits);
	return true;
}

/* A struct by value must be known: the kernel's, when this one was only named here. */
static const struct type *complete(struct c_parser *p, const struct type *t,
				   const struct c_token *at)
{
	const struct type *full = t;
	char name[200];

	if (t->kind == TYPE_VOID || t->kind == TYPE_FUNCTION) {
		c_fail(p, at, "a member cannot have this type");
		return NULL;
	}
	if (t->kind != TYPE_STRUCT || t->members->complete || t->origin)
		return t;
	if (t->name) {
		snprintf(name, sizeof(name), "%s %s", t->is_union ? "union" : "struct", t->name);
		full = type_named(p->w, name);
	}
	if (full && type_members(p->w, full) && full != t)
		return full;
	c_fail(p, at, "field has incomplete type '%s %s'", t->is_union ? "union" : "struct",
	       t->name ? t->name : "");
	return NULL;
}

static bool declarators(struct c_parser *p, struct layout *l, const struct type *base,
			const struct c_attributes *common)
{
	do {
		struct c_attributes a = *common;
		const struct c_token *name = NULL, *at = c_peek(p);
		const struct type *t = base;
		s64 bits;

		if (!c_is_sign(at, ':'))
			t = c_declarator(p, base, &name, &a);
		if (!t)
			return false;
		if (a.mode && t->kind == TYPE_INTEGER)
			t = type_integer(a.mode, t->is_signed);
		if (c_accept(p, ':')) {
			if (!c_constant(p, &bits))
				return false;
			while (c_is(c_peek(p), "__attribute__"))
				c_attributes(p, &a);
			if (p->failed || !add_bits(p, l, name, t, bits, &a))
				return false;
			continue;
		}
		t = complete(p, t, at);
		if (!t)
			return false;
		if (!name)
			return c_fail(p, c_peek(p), "a member's name is expected");
		if (!add_member(p, l, name, t, &a))
			return false;
	} while (c_accept(p, ','));
	return c_expect(p, ';');
}

static bool member(struct c_parser *p, struct layout *l)
{
	struct c_attributes a = {};
	const struct type *t;

	if (c_accept(p, ';'))
		return true;
	if (c_accept_word(p, "_Static_assert"))
		return c_skip_brackets(p) && c_expect(p, ';');
	t = c_specifiers(p, NULL, &a);
	if (!t)
		return false;
	if (!c_is_sign(c_peek(p), ';'))
		return declarators(p, l, t, &a);
	c_next(p);
	/* an unnamed struct's members are ours; a named one is only declared here */
	return t->kind != TYPE_STRUCT || !t->is_anonymous || add_member(p, l, NULL, t, &a);
}

/* ---- structs --------------------------------------------------------------------------------- */

static struct type *find_tag(struct c_parser *p, const char *word, const struct c_token *tag)
{
	char name[200];

	snprintf(name, sizeof(name), "%s %.*s", word, (int)tag->len, tag->text);
	return (struct type *)c_type_named(p->w, name); /* ours: made here, filled here */
}

static struct type *add_tag(struct c_parser *p, const char *word, const struct c_token *tag,
			    struct type *t)
{
	struct arena *a = p->w->o.arena;

	if (c_add_type(p->w, arena_printf(a, "%s %.*s", word, (int)tag->len, tag->text), t))
		c_fail(p, tag, "out of memory");
	return t;
}

static void finish(struct type *t, struct layout *l, const struct c_attributes *a)
{
	struct arena *arena = l->w->o.arena;

	l->align = MAX(l->align, a->aligned);
	t->align = l->align;
	t->size = round_up((l->bits + 7) / 8, l->align);
	t->members->fields = arena_alloc(arena, (l->count + 1) * sizeof(*l->fields));
	t->members->complete = true;
	if (arena_error(arena))
		return;
	t->members->count = l->count;
	if (l->count)
		memcpy(t->members->fields, l->fields, l->count * sizeof(*l->fields));
}

/*
 * __attribute__((packed)) mostly stands behind the "}", and says how what is before is laid out: so
 * the members are read twice when it does.
 */
static bool body(struct c_parser *p, struct type *t, struct c_attributes *a)
{
	struct layout l = { .w = p->w,
			    .align = 1,
			    .limit = p->pack,
			    .is_union = t->is_union,
			    .packed = a->packed };
	bool ok = true;

	while (ok && !c_accept(p, '}')) {
		if (c_peek(p)->kind == C_END)
			ok = c_expect(p, '}');
		else
			ok = member(p, &l);
	}
	while (ok && c_is(c_peek(p), "__attribute__"))
		c_attributes(p, a);
	if (ok && !p->failed)
		finish(t, &l, a);
	free(l.fields);
	return ok && !p->failed;
}

static bool is_packed_behind(struct c_parser *p)
{
	size_t at = p->at;
	struct c_attributes a = {};
	s8 pack = p->pack;
	u32 depth = p->pack_depth;

	/* at the "{" */
	if (!c_skip_brackets(p))
		return false;
	while (!p->failed && c_is(c_peek(p), "__attribute__"))
		c_attributes(p, &a);
	p->at = at;
	p->pack = pack;
	p->pack_depth = depth;
	return a.packed;
}

const struct type *c_struct(struct c_parser *p, bool is_union)
{
	const char *word = is_union ? "union" : "struct";
	struct arena *arena = p->w->o.arena;
	const struct c_token *tag = NULL;
	struct c_attributes a = {};
	struct type *t = NULL;
	bool ok;

	while (c_is(c_peek(p), "__attribute__"))
		c_attributes(p, &a);
	if (c_peek(p)->kind == C_NAME)
		tag = c_next(p);
	if (tag)
		t = find_tag(p, word, tag);
	if (tag && !t)
		t = add_tag(p, word, tag,
			    type_new_struct(arena, arena_strndup(arena, tag->text, tag->len), 0,
					    is_union));
	if (p->failed || (tag && !c_is_sign(c_peek(p), '{')))
		return p->failed ? NULL : t;
	if (!tag)
		t = type_new_struct(arena, NULL, 0, is_union);
	if (t->members->complete) {
		c_fail(p, tag, "redefinition of '%s'", t->name);
		return NULL;
	}
	if (p->depth + 4 >= C_DEPTH_MAX) {
		c_fail(p, c_peek(p), "structs are nested too deep");
		return NULL;
	}
	a.packed |= is_packed_behind(p);
	p->depth += 4;
	ok = c_expect(p, '{') && body(p, t, &a);
	p->depth -= 4;
	return ok ? t : NULL;
}

/* ---- enums ----------------------------------------------------------------------------------- */

struct constants {
	struct c_constant **items;
	size_t count, capacity;
	bool has_negative, is_wide;
};

static bool constant(struct c_parser *p, struct type *t, struct constants *list, s64 *value)
{
	const struct c_token *name = c_next(p);
	struct arena *arena = p->w->o.arena;
	struct c_constant *c;
	struct c_attributes a = {};

	if (name->kind != C_NAME)
		return c_fail(p, name, "a constant's name is expected");
	while (c_is(c_peek(p), "__attribute__"))
		c_attributes(p, &a);
	if (c_accept(p, '=') && !c_constant(p, value))
		return false;
	c = arena_new_of(arena, struct c_constant);
	c->name = arena_strndup(arena, name->text, name->len);
	c->value = *value;
	c->of = t;
	if (grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items)) ||
	    c_add_constant(p->w, c))
		return c_fail(p, name, "out of memory");
	list->items[list->count++] = c;
	list->has_negative |= *value < 0;
	list->is_wide |= *value < INT32_MIN || *value > (s64)UINT32_MAX;
	*value = (s64)((u64)*value + 1);
	return true;
}

static bool enum_body(struct c_parser *p, struct type *t)
{
	struct arena *arena = p->w->o.arena;
	struct constants list = {};
	struct c_enum *names;
	bool ok = true;
	s64 value = 0;

	while (ok && !c_accept(p, '}')) {
		ok = constant(p, t, &list, &value);
		if (ok && !c_accept(p, ',') && !c_is_sign(c_peek(p), '}'))
			ok = c_expect(p, '}');
	}
	t->size = list.is_wide ? 8 : 4;
	t->align = t->size;
	t->is_signed = list.has_negative;
	t->of = type_integer(t->size, t->is_signed);
	names = arena_new_of(arena, struct c_enum);
	names->constants = arena_alloc(arena, (list.count + 1) * sizeof(*names->constants));
	if (!arena_error(arena) && list.count) {
		memcpy(names->constants, list.items, list.count * sizeof(*list.items));
		names->count = list.count;
	}
	t->origin = names;
	free(list.items);
	return ok;
}

static const struct type *kernel_enum(struct c_parser *p, const struct c_token *tag)
{
	const struct type *t;
	char name[200];

	snprintf(name, sizeof(name), "enum %.*s", (int)tag->len, tag->text);
	t = type_named(p->w, name);
	if (!t)
		c_fail(p, tag, "enum '%.*s' is not known", (int)tag->len, tag->text);
	return t;
}

const struct type *c_enumeration(struct c_parser *p)
{
	struct arena *arena = p->w->o.arena;
	const struct c_token *tag = NULL;
	struct c_attributes a = {};
	struct type *t;

	while (c_is(c_peek(p), "__attribute__"))
		c_attributes(p, &a);
	if (c_peek(p)->kind == C_NAME)
		tag = c_next(p);
	if (!c_is_sign(c_peek(p), '{')) {
		if (tag)
			return find_tag(p, "enum", tag) ?: kernel_enum(p, tag);
		c_fail(p, c_peek(p), "'{' or an enum's name is expected");
		return NULL;
	}
	if (tag && find_tag(p, "enum", tag)) {
		c_fail(p, tag, "redefinition of '%.*s'", (int)tag->len, tag->text);
		return NULL;
	}
	t = type_new(arena, TYPE_ENUM, 4);
	t->is_anonymous = !tag;
	t->name = tag ? arena_strndup(arena, tag->text, tag->len) : NULL;
	t->of = &type_u32;
	c_next(p);
	if (!enum_body(p, t))
		return NULL;
	while (!p->failed && c_is(c_peek(p), "__attribute__"))
		c_attributes(p, &a);
	if (tag)
		add_tag(p, "enum", tag, t);
	return p->failed ? NULL : t;
}
