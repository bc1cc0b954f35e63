// SPDX-License-Identifier: Apache-2.0
/*
 * One call of a macro: a copy of its body with the arguments in the places of the parameters. What
 * the macro assigns to is its own and gets a name that no script can write ($$macro_$x); variables
 * that it only reads are the caller's; maps it may use only when they are handed to it. A parameter
 * may stand for a type or a field's name too: (type *)e, offsetof(type, member).
 */
#include "lang/syntax/expand.h"

struct names {
	const char **names;
	size_t count, capacity;
	struct arena *arena;
};

struct instance {
	struct expander *x;
	const struct macro *macro;
	const struct node *arguments;
	struct span at;
	struct names own; /* sorted */
	bool failed;
};

/* ---- the macro's own variables ------------------------------------------------------------- */

static const struct node *parameter_of(const struct macro *m, enum node_kind kind, const char *name,
				       const struct node *arguments)
{
	for (const struct node *p = m->parameters; p; p = p->next, arguments = arguments->next)
		if (p->kind == kind && !strcmp(parameter_name(p), name))
			return arguments;
	return NULL;
}

static bool collect(void *context, struct node *n)
{
	struct names *own = context;
	const struct node *v = NULL;

	if (n->kind == NODE_ASSIGN)
		v = n->assign.target;
	else if (n->kind == NODE_LET)
		v = n->let.variable;
	else if (n->kind == NODE_FOR_RANGE || n->kind == NODE_FOR_MAP)
		v = n->for_.variable;
	if (!v || v->kind != NODE_VARIABLE)
		return true;
	if (own->count == own->capacity) {
		const char **more;

		own->capacity = own->capacity * 2 + 8;
		more = arena_alloc(own->arena, own->capacity * sizeof(*more));
		if (own->count)
			memcpy(more, own->names, own->count * sizeof(*more));
		own->names = more;
	}
	own->names[own->count++] = v->variable.name;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_own(const struct instance *i, const char *name)
{
	return i->own.count && bsearch(&name, i->own.names, i->own.count, sizeof(name), by_name);
}

/* ---- places of parameters ------------------------------------------------------------------ */

static struct node *count_node(void *context, struct node *n)
{
	struct expander *x = context;

	x->copied++;
	return n;
}

static struct node *copy_argument(struct instance *i, const struct node *argument)
{
	struct copy c = { .arena = i->x->arena, .replace = count_node, .context = i->x };

	/* Too much already; the caller will say so. */
	if (i->x->copied > EXPANDED_MAX)
		return arena_new_of(i->x->arena, struct node);
	return copy_node(&c, argument);
}

static void put_variable(struct instance *i, struct node *n)
{
	const char *name = n->variable.name;
	const struct node *argument = parameter_of(i->macro, NODE_VARIABLE, name, i->arguments);

	if (argument)
		n->variable.name = argument->variable.name;
	else if (is_own(i, name))
		n->variable.name = arena_printf(i->x->arena, "$$%s_%s", i->macro->name, name);
}

static void put_map(struct instance *i, struct node *n)
{
	const struct node *argument = parameter_of(i->macro, NODE_MAP, n->map.name, i->arguments);
	struct span at = n->span;

	if (argument) {
		n->map.name = argument->map.name;
		return;
	}
	/* The map is meant, not its key. */
	at.end = at.start + (u32)strlen(n->map.name);
	diagnose(i->x->o->diagnostics, at,
		 "Unhygienic access to map: %s. Maps must be passed into the macro as arguments.",
		 n->map.name);
	i->failed = true;
}

/* Whether the argument can only be the name of a type. */
static bool names_type(const struct node *argument)
{
	const char *name = argument->identifier.name;

	return argument->kind == NODE_TYPE ||
	       (argument->kind == NODE_IDENTIFIER && !is_value_word(name, strlen(name)));
}

/* The argument's stars and sizes come before those that stand behind the parameter. */
static void put_type(struct instance *i, struct type_name *t, const struct node *argument)
{
	const struct type_name *from = argument->size_of.type;
	s64 *suffixes;

	if (argument->kind == NODE_IDENTIFIER) {
		t->name = argument->identifier.name;
		return;
	}
	suffixes = arena_alloc(i->x->arena,
			       (from->suffix_count + t->suffix_count) * sizeof(*suffixes));
	if (from->suffix_count)
		memcpy(suffixes, from->suffixes, from->suffix_count * sizeof(*suffixes));
	if (t->suffix_count)
		memcpy(suffixes + from->suffix_count, t->suffixes,
		       t->suffix_count * sizeof(*suffixes));
	t->name = from->name;
	t->size = from->size;
	t->of = from->of;
	t->suffixes = suffixes;
	t->suffix_count += from->suffix_count;
}

static struct node *put_in_type(struct instance *i, struct node *n, struct type_name **type)
{
	const struct node *argument =
		(*type)->name ? parameter_of(i->macro, NODE_IDENTIFIER, (*type)->name, i->arguments)
			      : NULL;

	if (!argument)
		return n;
	if (names_type(argument)) {
		put_type(i, *type, argument);
		return n;
	}
	if (n->kind == NODE_CAST || n->kind == NODE_LET || (*type)->suffix_count)
		return n;
	if (n->kind == NODE_TYPE)
		return copy_argument(i, argument);
	n->size_of.type = NULL;
	n->size_of.e = copy_argument(i, argument);
	return n;
}

/* The names of a.b.c; false when it is something else. */
static bool flatten(const struct node *n, const char **names, u32 *count, u32 limit)
{
	if (n->kind == NODE_FIELD && *count < limit &&
	    flatten(n->field.e, names, count, limit - 1)) {
		names[(*count)++] = n->field.name;
		return true;
	}
	if (n->kind != NODE_IDENTIFIER || !limit)
		return false;
	names[(*count)++] = n->identifier.name;
	return true;
}

/* A first name that is a parameter: the argument's names take its place. */
static void put_path(struct instance *i, struct node *n)
{
	const char *first = n->size_of.path[0];
	const struct node *argument = parameter_of(i->macro, NODE_IDENTIFIER, first, i->arguments);
	const char **names;
	u32 count = 0, limit = 32;

	if (!argument)
		return;
	names = arena_alloc(i->x->arena, (limit + n->size_of.path_count) * sizeof(*names));
	if (!flatten(argument, names, &count, limit)) {
		diagnose(i->x->o->diagnostics, argument->span, "expected a field's name for '%s'",
			 first);
		i->failed = true;
		return;
	}
	for (u32 part = 1; part < n->size_of.path_count; part++)
		names[count++] = n->size_of.path[part];
	n->size_of.path = names;
	n->size_of.path_count = count;
}

static struct node *replace(void *context, struct node *n)
{
	struct instance *i = context;
	struct type_name **type = node_type_name(n);
	const struct node *argument;

	i->x->copied++;
	switch (n->kind) {
	case NODE_IDENTIFIER:
		argument =
			parameter_of(i->macro, NODE_IDENTIFIER, n->identifier.name, i->arguments);
		return argument ? copy_argument(i, argument) : n;
	case NODE_VARIABLE:
		put_variable(i, n);
		return n;
	case NODE_MAP:
		put_map(i, n);
		return n;
	case NODE_OFFSETOF:
		put_path(i, n);
		break;
	default:
		break;
	}
	return type && *type ? put_in_type(i, n, type) : n;
}

struct node *instantiate(struct expander *x, struct macro *m, const struct node *call)
{
	struct instance i = {
		.x = x,
		.macro = m,
		.arguments = call->call.arguments,
		.own = { .arena = x->arena },
	};
	struct copy c = { .arena = x->arena, .replace = replace, .context = &i };
	struct node *body;

	c.expansion = sources_expand(x->o->sources, call->span);
	node_walk(m->body, collect, &i.own);
	if (i.own.count)
		qsort(i.own.names, i.own.count, sizeof(*i.own.names), by_name);
	body = copy_node(&c, m->body);
	if (x->copied > EXPANDED_MAX && !x->too_large) {
		x->too_large = true;
		diagnose(x->o->diagnostics, call->span,
			 "macros make the script too large: more than %d parts", EXPANDED_MAX);
	}
	return i.failed ? NULL : body;
}
