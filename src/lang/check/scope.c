/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables and where they are known: from their first assignment (or let) to the end of the block
 * around it. A name is not given twice while it is known; blocks side by side may have their own.
 * A variable is made once, in the first round, and found again by the node that made it.
 */
#include "lang/check/internal.h"

#define BUCKETS 2048

struct entry {
	struct entry *next; /* of the bucket */
	struct variable *variable;
	struct span at;
	bool is_declaration;
	u32 bucket;
};

struct scope {
	struct arena *arena;
	struct entry *buckets[BUCKETS];
	struct entry **stack; /* in order of declaration */
	size_t count, capacity;
};

struct scope *scope_new(struct arena *a)
{
	struct scope *s = arena_new_of(a, struct scope);

	s->arena = a;
	return s;
}

void scope_clear(struct scope *s)
{
	memset(s->buckets, 0, sizeof(s->buckets));
	s->count = 0;
}

u32 scope_enter(struct scope *s)
{
	return (u32)s->count;
}

void scope_leave(struct scope *s, u32 mark)
{
	while (s->count > mark) {
		struct entry *e = s->stack[--s->count];

		s->buckets[e->bucket] = e->next;
	}
}

static u32 bucket_of(const char *name)
{
	u32 h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (u8)*name) * 16777619u;
	return h % BUCKETS;
}

static struct entry *find(struct scope *s, const char *name)
{
	for (struct entry *e = s->buckets[bucket_of(name)]; e; e = e->next) {
		if (!strcmp(e->variable->name, name))
			return e;
	}
	return NULL;
}

struct variable *scope_find(struct checker *c, const char *name)
{
	struct entry *e = find(c->scope, name);

	return e ? e->variable : NULL;
}

static bool add(struct scope *s, struct variable *v, struct span at, bool is_declaration)
{
	struct entry *e = arena_new_of(s->arena, struct entry);

	if (s->count == s->capacity) {
		size_t capacity = s->capacity ? s->capacity * 2 : 64;
		struct entry **stack = arena_alloc(s->arena, capacity * sizeof(struct entry *));

		if (arena_error(s->arena))
			return false;
		if (s->count)
			memcpy(stack, s->stack, s->count * sizeof(*stack));
		s->stack = stack;
		s->capacity = capacity;
	}
	if (arena_error(s->arena))
		return false;
	e->variable = v;
	e->at = at;
	e->is_declaration = is_declaration;
	e->bucket = bucket_of(v->name);
	e->next = s->buckets[e->bucket];
	s->buckets[e->bucket] = e;
	s->stack[s->count++] = e;
	return true;
}

static struct variable *variable_of(struct checker *c, struct node *n, struct span at)
{
	struct variable *v = n->symbol;

	if (v && v->declaration == n)
		return v;
	v = arena_new_of(c->script->arena, struct variable);
	v->name = n->variable.name;
	v->span = at;
	v->type = &type_none;
	v->number = c->variable_count++;
	v->declaration = n;
	v->callback_depth = c->callback_depth;
	return v;
}

struct variable *scope_declare(struct checker *c, struct node *n, struct span at,
			       bool is_declaration)
{
	struct entry *e = find(c->scope, n->variable.name);
	struct variable *v;

	if (e) {
		struct span first = e->at;
		bool is_loop = e->variable->is_loop;

		if (c->final) {
			diagnose(
				c->script->diagnostics, at,
				"Variable %s was already declared. Variable shadowing is not allowed.",
				n->variable.name);
			diagnose(c->script->diagnostics, first, "This is the %s.",
				 is_loop	     ? "loop variable"
				 : e->is_declaration ? "initial declaration"
						     : "initial assignment");
		}
		n->symbol = e->variable;
		return e->variable;
	}
	v = variable_of(c, n, at);
	n->symbol = v;
	if (!arena_error(c->script->arena))
		add(c->scope, v, at, is_declaration);
	return v;
}

const struct type *check_variable(struct checker *c, struct node *n)
{
	struct variable *v = scope_find(c, n->variable.name);

	n->symbol = v;
	if (!v)
		return check_error(c, n->span, "Undefined or undeclared variable: %s",
				   n->variable.name);
	if (c->callback_depth > v->callback_depth)
		v->in_memory = true;
	if (!v->is_assigned && !v->is_loop && !c->type_only)
		check_warning(c, n->span, "Variable used before it was assigned: %s", v->name);
	if (v->type->kind == TYPE_NONE && c->final && !c->script->diagnostics->errors)
		return check_error(c, n->span, "Could not resolve the type of this variable");
	return v->type;
}

/* May a scratch variable hold it at all? */
static bool can_hold(const struct type *t)
{
	return t->kind != TYPE_VOID && t->kind != TYPE_FUNCTION && !type_is_aggregate(t);
}

void variable_assign(struct checker *c, struct variable *v, const struct type *t,
		     const struct node *value, struct span at)
{
	const struct type *both;

	if (c->callback_depth > v->callback_depth)
		v->in_memory = true;
	v->is_assigned = true;
	t = check_decay(t);
	if (t->kind == TYPE_NONE)
		return;
	if (!can_hold(t)) {
		check_error(c, at, "Value '%s' cannot be assigned to a scratch variable.",
			    check_type_text(c, t));
		return;
	}
	/* A copy lies in the script's own memory. */
	if (t->kind == TYPE_STRUCT || t->kind == TYPE_ARRAY)
		t = type_lying(c, t, SPACE_OWN);
	if (v->is_declared_type) {
		if (!check_fits(c, v->type, t, value))
			check_error(
				c, at,
				"Type mismatch for %s: trying to assign value of type '%s' when "
				"variable already has a type '%s'",
				v->name, check_type_text(c, t), check_type_text(c, v->type));
		return;
	}
	both = check_unify(c, v->type, t);
	if (!both) {
		check_error(
			c, at,
			"Type mismatch for %s: trying to assign value of type '%s' when variable "
			"already has a type '%s'",
			v->name, check_type_text(c, t), check_type_text(c, v->type));
		return;
	}
	check_conversion(c, value, t, both);
	if (both != v->type) {
		v->type = both;
		c->changed = true;
	}
}
