/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies inside of what: fields of structs (through pointers by themselves, with . or ->),
 * members of tuples and records, elements of arrays, strings and what pointers point to; and what
 * is asked of types: sizeof, offsetof.
 */
#include "lang/check/internal.h"

static const struct type *no_field(struct checker *c, struct node *n, const struct type *t)
{
	return check_error(c, n->span, "Can not access field '%s' on expression of type '%s'",
			   n->field.name, check_type_text(c, t));
}

static const struct field *named_member(const struct type *t, const char *name)
{
	for (u32 i = 0; t->members && i < t->members->count; i++) {
		if (t->members->fields[i].name && !strcmp(t->members->fields[i].name, name))
			return &t->members->fields[i];
	}
	return NULL;
}

/* (1, "a").1 is "a". */
static bool fold_member(struct node *n, const struct node *m, u32 number)
{
	struct node *next = n->next;
	struct span span = n->span;

	for (const struct node *other = m; other; other = other->next) {
		if (!node_is_literal(other))
			return false;
	}
	while (m && number--)
		m = m->next;
	if (!m)
		return false;
	*n = *m;
	n->span = span;
	n->next = next;
	return true;
}

static const struct type *field_of_record(struct checker *c, struct node *n, const struct type *t)
{
	const struct field *f = named_member(t, n->field.name);

	if (!f)
		return check_error(c, n->span, "Record does not contain a field named '%s'",
				   n->field.name);
	if (n->field.e->kind == NODE_RECORD &&
	    fold_member(n, n->field.e->record.members, (u32)(f - t->members->fields)))
		return n->type;
	return f->type;
}

/* args.x of a function: its parameters. */
static const struct type *field_of_function(struct checker *c, struct node *n, const struct type *t)
{
	const struct members *m = type_members(c->script->world, t);
	const struct field *f = m ? named_member(t, n->field.name) : NULL;
	const char *names[32];
	const char *near;
	u32 count = 0;

	if (f)
		return type_lying(c, f->type, check_default_space(c));
	check_error(c, n->span, "Can't find function parameter %s", n->field.name);
	for (u32 i = 0; t->members && i < t->members->count && count < ARRAY_SIZE(names); i++) {
		if (t->members->fields[i].name)
			names[count++] = t->members->fields[i].name;
	}
	near = suggest(n->field.name, names, count);
	if (near)
		check_hint(c, "did you mean '%s'?", near);
	return &type_none;
}

static const struct type *field_of_struct(struct checker *c, struct node *n, const struct type *t,
					  enum address_space space)
{
	const char *near = NULL;
	struct field f;

	if (!type_members(c->script->world, t))
		return check_error(c, n->span, "Cannot resolve unknown type \"%s\"",
				   check_type_text(c, t));
	if (type_field(c->script->world, t, n->field.name, &f, &near))
		return type_lying(c, f.type, space);
	if (t->is_anonymous && n->field.e->kind == NODE_IDENTIFIER)
		check_error(c, n->span, "Can't find function parameter %s", n->field.name);
	else
		check_error(c, n->span,
			    "Struct/union of type '%s' does not contain a field named '%s'",
			    check_type_text(c, t), n->field.name);
	if (near)
		check_hint(c, "did you mean '%s'?", near);
	return &type_none;
}

const struct type *check_field(struct checker *c, struct node *n)
{
	const struct type *t = check_expression(c, n->field.e);
	enum address_space space;
	unsigned hops = 0;

	if (t->kind == TYPE_NONE)
		return t;
	space = t->space;
	while (t->kind == TYPE_POINTER && t->of && hops++ < 8) {
		space = t->space;
		t = t->of;
	}
	if (t->kind == TYPE_FUNCTION)
		return field_of_function(c, n, t);
	if (t->kind != TYPE_STRUCT || t->is_tuple)
		return no_field(c, n, n->field.e->type);
	if (t->is_record)
		return hops ? no_field(c, n, n->field.e->type) : field_of_record(c, n, t);
	return field_of_struct(c, n, t, space);
}

static const struct type *element_of(struct checker *c, struct node *n, const struct type *t,
				     u64 number)
{
	if (number >= t->members->count)
		return check_error(c, n->span,
				   "Invalid tuple index: %llu. Found %u elements in tuple.",
				   (unsigned long long)number, t->members->count);
	t = t->members->fields[number].type;
	if (n->kind == NODE_ELEMENT && n->element.e->kind == NODE_TUPLE &&
	    fold_member(n, n->element.e->tuple.members, (u32)number))
		return n->type;
	return t;
}

const struct type *check_element(struct checker *c, struct node *n)
{
	const struct type *t = check_expression(c, n->element.e);

	if (t->kind == TYPE_NONE)
		return t;
	if (t->kind != TYPE_STRUCT || !t->is_tuple || !t->members)
		return check_error(c, n->span,
				   "Can not access index '%u' on expression of type '%s'",
				   n->element.number, check_type_text(c, t));
	return element_of(c, n, t, n->element.number);
}

/* t[1] of a tuple is t.1 */
static const struct type *index_tuple(struct checker *c, struct node *n, const struct type *t)
{
	struct node *e = n->index.e, *index = n->index.index;
	u64 number;

	if (index->kind != NODE_INTEGER || index->integer.is_negative)
		return check_error(c, n->span,
				   "Array-style access for tuples only valid for integer literals");
	number = index->integer.value;
	t = element_of(c, n, t, number);
	if (t->kind != TYPE_NONE) {
		n->kind = NODE_ELEMENT;
		n->element.e = e;
		n->element.number = (u32)number;
	}
	return t;
}

static bool check_bounds(struct checker *c, struct node *n, u64 count)
{
	const struct node *index = n->index.index;

	if (index->kind != NODE_INTEGER || index->integer.value < count || !count)
		return true;
	check_error(c, n->span, "the index %llu is out of bounds for array of size %llu",
		    (unsigned long long)index->integer.value, (unsigned long long)count);
	return false;
}

static bool check_index_type(struct checker *c, struct node *n, const struct type *t)
{
	if (type_is_number(t) && (type_is_weak(t) || !type_is_signed(t)))
		return true;
	check_error(
		c, n->span,
		"The array index operator [] only accepts non-negative integer indices. Got: %s",
		check_type_text(c, t));
	return false;
}

const struct type *check_index(struct checker *c, struct node *n)
{
	const struct type *t = check_expression(c, n->index.e);
	const struct type *i = check_decay(check_expression(c, n->index.index));
	const struct node *e = n->index.e, *index = n->index.index;

	if (t->kind == TYPE_NONE || i->kind == TYPE_NONE)
		return &type_none;
	if (t->kind == TYPE_STRUCT && t->is_tuple && t->members)
		return index_tuple(c, n, t);
	if (t->kind != TYPE_ARRAY && t->kind != TYPE_POINTER && t->kind != TYPE_STRING)
		return check_error(
			c, n->span,
			"The array index operator [] can only be used on arrays, pointers, "
			"and tuples, found %s.",
			check_type_text(c, t));
	if (!check_index_type(c, n, i))
		return &type_none;
	if (t->kind == TYPE_STRING) {
		if (!check_bounds(c, n, t->size))
			return &type_none;
		if (e->kind == NODE_STRING && index->kind == NODE_INTEGER) {
			check_fold_integer(n, (s8)e->string.bytes[index->integer.value], false);
			return n->type;
		}
		return &type_s8;
	}
	if (t->kind == TYPE_ARRAY && !check_bounds(c, n, t->count))
		return &type_none;
	if (!t->of || t->of->kind == TYPE_VOID)
		return check_error(c, n->span, "Cannot use [] on a pointer of type '%s'",
				   check_type_text(c, t));
	return type_lying(c, t->of, t->space);
}

/* The type that sizeof() and its like are asked about; TYPE_NONE when it is not known (yet). */
static const struct type *subject(struct checker *c, struct node *n)
{
	const struct type *t;

	if (n->size_of.type) {
		t = check_type_name(c, n->size_of.type, n->span);
		return t ? t : &type_none;
	}
	c->type_only = true;
	t = check_expression(c, n->size_of.e);
	c->type_only = false;
	return t;
}

const struct type *check_sizeof(struct checker *c, struct node *n)
{
	const struct type *t = subject(c, n);
	u64 size;

	if (t->kind == TYPE_NONE)
		return t;
	/* What is asked about may still grow. */
	if (!n->size_of.type && !c->settle)
		return weak_s64();
	if (t->kind == TYPE_STRUCT)
		type_members(c->script->world, t);
	/* A value of an enum is an int64, however small it lies in a struct. */
	if (t->kind == TYPE_ENUM)
		t = &type_u64;
	size = t->kind == TYPE_BUFFER || !t->size ? type_stored_size(t) : t->size;
	/* The longest string has room for a NUL that bpftrace does not count. */
	if (t->kind == TYPE_STRING && size > c->script->config.max_strlen &&
	    (n->size_of.type || n->size_of.e->kind != NODE_STRING))
		size = c->script->config.max_strlen;
	check_fold_integer(n, (s64)size, true);
	return n->type;
}

/* One step of offsetof's path: a name, or an index of an array. */
static const struct type *offset_step(struct checker *c, struct node *n, const struct type *t,
				      const char *step, u64 *offset)
{
	const char *near = NULL;
	struct field f;
	u64 index;

	if (t->kind == TYPE_ARRAY && !parse_u64(step, &index) && t->of) {
		if (index >= t->count && t->count)
			return check_error(c, n->span,
					   "the index %llu is out of bounds for array of size %u",
					   (unsigned long long)index, t->count);
		*offset += index * t->of->size;
		return t->of;
	}
	if (t->kind != TYPE_STRUCT || t->is_tuple || t->is_record)
		return check_error(c, n->span, "'%s' is not a struct type.", check_type_text(c, t));
	if (!type_members(c->script->world, t) ||
	    !type_field(c->script->world, t, step, &f, &near)) {
		check_error(c, n->span, "'%s' has no field named '%s'", check_type_text(c, t),
			    step);
		if (near)
			check_hint(c, "did you mean '%s'?", near);
		return &type_none;
	}
	*offset += f.offset;
	return f.type;
}

const struct type *check_offsetof(struct checker *c, struct node *n)
{
	const struct type *t = subject(c, n);
	u64 offset = 0;

	if (t->kind == TYPE_NONE)
		return t;
	for (u32 i = 0; i < n->size_of.path_count; i++) {
		t = offset_step(c, n, t, n->size_of.path[i], &offset);
		if (t->kind == TYPE_NONE)
			return t;
	}
	check_fold_integer(n, (s64)offset, true);
	return n->type;
}
