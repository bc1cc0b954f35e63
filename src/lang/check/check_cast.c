/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Casts, and types as they are written. What may become what:
 *
 *	integers, bool, enums	integers, bool, pointers, enums, arrays of as many bytes
 *	pointers		integers, bool, pointers
 *	aggregations		integers, bool
 *	arrays of integers	an integer of as many bytes
 *	strings			a longer string, an array of as many bytes, a pointer, bool
 */
#include "lang/check/internal.h"

static const struct type *add_suffixes(struct checker *c, const struct type_name *n,
				       const struct type *t)
{
	for (size_t i = 0; i < n->suffix_count && t; i++) {
		if (n->suffixes[i] == SUFFIX_POINTER)
			t = type_pointer(c->script->arena, t, check_default_space(c));
		else
			t = type_array(c->script->arena, t, (u32)n->suffixes[i]);
	}
	return t;
}

/* typeof(@x) is the type of its key where it has one: what @x may be asked for. */
static const struct type *type_of_expression(struct checker *c, struct node *e)
{
	bool outer = c->type_only;
	const struct type *t;

	if (e->kind == NODE_TYPE || e->kind == NODE_TYPEOF)
		return check_type_name(c, e->size_of.type, e->span);
	c->type_only = true;
	if (e->kind == NODE_MAP && !e->map.key) {
		struct map *m = map_use(c, e, true);

		t = m && m->is_keyed_use ? m->key : m ? m->value : NULL;
	} else {
		t = check_expression(c, e);
	}
	c->type_only = outer;
	return t ? t : &type_none;
}

/* int8[]: of as many elements as what is cast to it has bytes; 0 until that is known. */
static const struct type *unsized_array(struct checker *c, const struct type_name *n,
					struct span at)
{
	struct type_name element = *n;
	const struct type *t;

	element.suffix_count--;
	t = check_type_name(c, &element, at);
	return t && t->kind != TYPE_NONE && t->kind != TYPE_VOID
		       ? type_array(c->script->arena, t, 0)
		       : t;
}

const struct type *check_type_name(struct checker *c, struct type_name *n, struct span at)
{
	const struct type *t;

	if (!n)
		return NULL;
	if (n->suffix_count && n->suffixes[n->suffix_count - 1] == SUFFIX_UNSIZED)
		return unsized_array(c, n, at);
	if (n->of) {
		t = type_of_expression(c, n->of);
		return t && t->kind != TYPE_NONE ? add_suffixes(c, n, t) : t;
	}
	t = type_resolve(c->script->world, n, at);
	if (t && t->kind == TYPE_STRING && t->size > c->script->config.max_strlen) {
		check_error(c, at, "String type is too long (over %llu bytes): %s",
			    (unsigned long long)c->script->config.max_strlen,
			    check_type_text(c, t));
		return NULL;
	}
	return t;
}

static const struct type *refuse(struct checker *c, struct node *n, const struct type *from,
				 const struct type *to)
{
	return check_error(c, n->span, "Cannot cast from \"%s\" to \"%s\"",
			   check_type_text(c, from), check_type_text(c, to));
}

/* int8[] takes as many elements as there are bytes. */
static const struct type *sized_array(struct checker *c, const struct type *to, u32 bytes)
{
	if (to->count || !to->of || !to->of->size)
		return to;
	return type_array(c->script->arena, to->of, bytes / to->of->size);
}

static const struct type *to_array(struct checker *c, struct node *n, const struct type *from,
				   const struct type *to)
{
	u32 bytes = from->size;
	bool literal = n->cast.e->kind == NODE_INTEGER && type_is_weak(from);

	if (!to->of || !type_is_number(to->of))
		return refuse(c, n, from, to);
	to = sized_array(c, to, bytes);
	/* A literal takes the size that is wanted. */
	if (literal && to->size <= 8 && to->size >= bytes)
		return to;
	return to->size == bytes ? to : refuse(c, n, from, to);
}

/* A literal must be one of its values. */
static const struct type *to_enum(struct checker *c, const struct node *n, const struct type *to)
{
	const struct node *e = n->cast.e;

	if (e->kind == NODE_INTEGER && !e->symbol &&
	    !type_enum_name(c->script->world, to, (s64)e->integer.value))
		return check_error(c, n->span, "Enum: %s doesn't contain a variant value of %lld",
				   to->name ? to->name : "(unnamed)", (long long)e->integer.value);
	return to;
}

static const struct type *cast_number(struct checker *c, struct node *n, const struct type *from,
				      const struct type *to)
{
	switch (to->kind) {
	case TYPE_INTEGER:
	case TYPE_BOOL:
		return to;
	case TYPE_ENUM:
		return from->kind == TYPE_POINTER ? refuse(c, n, from, to) : to_enum(c, n, to);
	case TYPE_POINTER:
		if (from->kind == TYPE_POINTER && from->space == SPACE_TRUSTED)
			return type_in(c->script->arena, to, SPACE_KERNEL);
		return type_in(c->script->arena, to,
			       from->kind == TYPE_POINTER && from->space != SPACE_NONE
				       ? from->space
				       : check_default_space(c));
	case TYPE_ARRAY:
		return from->kind == TYPE_POINTER ? refuse(c, n, from, to)
						  : to_array(c, n, from, to);
	default:
		return refuse(c, n, from, to);
	}
}

static const struct type *cast_string(struct checker *c, struct node *n, const struct type *from,
				      const struct type *to)
{
	switch (to->kind) {
	case TYPE_STRING:
		return to->size >= from->size ? to : refuse(c, n, from, to);
	case TYPE_ARRAY:
		return to_array(c, n, from, to);
	case TYPE_BOOL:
		return to;
	case TYPE_POINTER:
		return type_in(c->script->arena, to, SPACE_OWN);
	default:
		return refuse(c, n, from, to);
	}
}

static const struct type *cast_type(struct checker *c, struct node *n, const struct type *from,
				    const struct type *to)
{
	const struct type *value = check_decay(from);

	if (value->kind == TYPE_NONE || to->kind == TYPE_NONE)
		return &type_none;
	if (from != value && !type_is_number(to) && to->kind != TYPE_BOOL)
		return refuse(c, n, from, to);
	if (type_is_number(value) || value->kind == TYPE_BOOL || value->kind == TYPE_POINTER)
		return cast_number(c, n, value, to);
	if (value->kind == TYPE_STRING)
		return cast_string(c, n, value, to);
	if (value->kind == TYPE_ARRAY && value->of && type_is_number(value->of) &&
	    type_is_number(to))
		return to->size == value->size ? to : refuse(c, n, value, to);
	if (value->kind == TYPE_ARRAY && type_equal(value, to))
		return value;
	if (value->kind == to->kind && value->kind != TYPE_STRUCT && value->kind != TYPE_ARRAY)
		return value;
	return refuse(c, n, value, to);
}

/* (bool)1 and (bool)"" are constants. */
static bool fold_cast(struct node *n, const struct type *to)
{
	bool truth;

	if (to->kind != TYPE_BOOL || !node_is_literal(n->cast.e) || !fold_truth(n->cast.e, &truth))
		return false;
	check_fold_bool(n, truth);
	return true;
}

const struct type *check_cast(struct checker *c, struct node *n)
{
	const struct type *to = check_type_name(c, n->cast.to, n->span);
	const struct type *from = check_expression(c, n->cast.e);
	const struct type *t;

	if (!to || to->kind == TYPE_NONE)
		return &type_none;
	if (fold_cast(n, to))
		return &type_bool;
	t = cast_type(c, n, from, to);
	n->extra = (void *)t;
	if (t->kind != TYPE_NONE && from->kind != TYPE_STRUCT && !n->cast.to->of &&
	    type_equal(from, t))
		check_warning(c, n->span, "Unnecessary cast: expression is already of type %s",
			      check_type_text(c, t));
	return t;
}

/* ---- typeinfo() ------------------------------------------------------------------------------ */

static const char *base_type(const struct type *t)
{
	switch (t->kind) {
	case TYPE_INTEGER:
		return t->is_signed ? "int" : "uint";
	case TYPE_STRUCT:
		return t->is_tuple    ? "tuple"
		       : t->is_record ? "record"
		       : t->is_union  ? "union"
				      : "struct";
	case TYPE_POINTER:
		return "pointer";
	case TYPE_ARRAY:
		return "array";
	case TYPE_STRING:
		return "string";
	case TYPE_BUFFER:
		return "buffer";
	case TYPE_BOOL:
		return "bool";
	case TYPE_ENUM:
		return "enum";
	case TYPE_KSTACK:
		return "kstack";
	case TYPE_USTACK:
		return "ustack";
	default:
		return NULL;
	}
}

/* A record of what is known: it is folded into one of literals. */
const struct type *check_typeinfo(struct checker *c, struct node *n)
{
	static const char *const words[] = { "btf_id", "base_type", "full_type" };
	struct arena *arena = c->script->arena;
	const struct type *t;
	struct node *id, *base, *full;
	const char *text, *kind, **names;

	if (!check_unstable(c, n, "typeinfo", c->script->config.unstable_typeinfo))
		return &type_none;
	t = n->size_of.type ? check_type_name(c, n->size_of.type, n->span)
			    : type_of_expression(c, n->size_of.e);
	if (!t || t->kind == TYPE_NONE || !c->settle)
		return &type_none;
	id = arena_new_of(arena, struct node);
	base = arena_new_of(arena, struct node);
	full = arena_new_of(arena, struct node);
	names = arena_alloc(arena, sizeof(words));
	if (arena_error(arena))
		return &type_none;
	text = check_type_text(c, t);
	kind = base_type(t) ?: text;
	id->span = base->span = full->span = n->span;
	check_fold_integer(id, t->btf_id, true);
	check_fold_string(c, base, kind, (u32)strlen(kind));
	check_fold_string(c, full, text, (u32)strlen(text));
	id->next = base;
	base->next = full;
	n->kind = NODE_RECORD;
	n->record.members = id;
	memcpy(names, words, sizeof(words));
	n->record.names = names;
	n->record.count = ARRAY_SIZE(words);
	return check_record(c, n);
}
