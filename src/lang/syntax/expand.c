// SPDX-License-Identifier: Apache-2.0
/*
 * Macros are replaced by what they stand for, from the inside out: first a call's arguments, then
 * the call by a copy of the macro's body, then what calls that has. A macro takes variables ($x),
 * maps (@m) and expressions (e); of those with one name the first that fits is meant.
 */
#include "lang/syntax/expand.h"

static u32 hash(const char *name)
{
	u32 h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (u8)*name) * 16777619u;
	return h;
}

static struct macro **find(const struct expander *x, const char *name)
{
	u32 i = hash(name) & x->mask;

	while (x->table[i] && strcmp(x->table[i]->name, name))
		i = (i + 1) & x->mask;
	return &x->table[i];
}

/* Whether every call that fits @later fits @m. */
static bool covers(const struct macro *m, const struct macro *later)
{
	const struct node *a = m->parameters, *b = later->parameters;

	if (m->count != later->count)
		return false;
	for (; a; a = a->next, b = b->next)
		if (a->kind != NODE_IDENTIFIER && a->kind != b->kind)
			return false;
	return true;
}

static void add_macro(struct expander *x, struct macro *m)
{
	struct macro **slot = find(x, m->name);

	for (; *slot; slot = &(*slot)->same_name) {
		if (!covers(*slot, m))
			continue;
		diagnose(x->o->diagnostics, m->span, "Redefinition of macro: %s", m->name);
		diagnose_more(x->o->diagnostics, (*slot)->span, "This is the original definition.");
		return;
	}
	*slot = m;
}

static void fill_table(struct expander *x, struct macro *macros)
{
	u32 size = 8;

	for (const struct macro *m = macros; m; m = m->next)
		x->mask++;
	while (size < x->mask * 2)
		size *= 2;
	x->mask = size - 1;
	x->table = arena_alloc(x->arena, size * sizeof(*x->table));
	for (; macros && !arena_error(x->arena); macros = macros->next)
		add_macro(x, macros);
}

/* ---- which macro --------------------------------------------------------------------------- */

static const char *kind_word(const struct node *n)
{
	if (n->kind == NODE_VARIABLE)
		return "a variable";
	return n->kind == NODE_MAP && !n->map.key ? "a map" : "an expression";
}

static bool fits(const struct node *parameter, const struct node *argument)
{
	return parameter->kind == NODE_IDENTIFIER ||
	       !strcmp(kind_word(parameter), kind_word(argument));
}

static bool all_fit(const struct macro *m, const struct node *call)
{
	const struct node *p = m->parameters, *a = call->call.arguments;

	for (; a && fits(p, a); a = a->next)
		p = p->next;
	return !a;
}

static void report_misfits(struct diagnostics *d, const struct macro *m, const struct node *call)
{
	const struct node *p = m->parameters, *a = call->call.arguments;

	for (; a; a = a->next, p = p->next) {
		if (fits(p, a))
			continue;
		diagnose_more(d, a->span, "Mismatched arg. %s() expects %s for arg %s but got %s.",
			      m->name, kind_word(p), parameter_name(p), kind_word(a));
		diagnose_more(d, p->span, "This is the argument in the closest definition.");
	}
}

struct macro *choose_macro(struct expander *x, struct macro *first, const struct node *call)
{
	struct diagnostics *d = x->o->diagnostics;
	const struct macro *near = NULL;

	for (struct macro *m = first; m; m = m->same_name) {
		if (m->count != call->call.count)
			continue;
		near = near ?: m;
		if (all_fit(m, call))
			return m;
	}
	diagnose(d, call->span, "Call to %s() has arguments that do not match any definition.",
		 call->call.name);
	if (near)
		report_misfits(d, near, call);
	else
		diagnose_more(d, first->span,
			      "The closest definition of %s() has a different number of arguments. "
			      "Expected: %u but got %u",
			      first->name, first->count, call->call.count);
	return NULL;
}

/* ---- the tree ------------------------------------------------------------------------------ */

static struct node *expand_node(struct expander *x, struct node *n);

static bool is_recursive(struct expander *x, const struct macro *m, const struct node *call)
{
	_cleanup_buf_ struct buf chain = {}, whole = {};
	const struct frame *f = x->frame;

	while (f && f->macro != m)
		f = f->above;
	if (!f)
		return false;
	buf_add_str(&chain, m->name);
	for (f = x->frame; f; f = f->above) {
		buf_clear(&whole);
		buf_printf(&whole, "%s > %s", f->macro->name, buf_str(&chain));
		buf_clear(&chain);
		buf_add(&chain, whole.data, whole.len);
	}
	diagnose(x->o->diagnostics, call->span, "Recursive macro call detected. Call chain: %s",
		 buf_str(&chain));
	return true;
}

/* The call, or what takes its place. */
static struct node *expand_call(struct expander *x, struct node *call)
{
	struct macro *m = *find(x, call->call.name);
	struct frame frame = { .above = x->frame };
	struct node *body;

	m = m ? choose_macro(x, m, call) : NULL;
	if (!m || m->bad || is_recursive(x, m, call))
		return call;
	body = instantiate(x, m, call);
	if (!body)
		return call;
	frame.macro = m;
	x->frame = &frame;
	body = expand_node(x, body);
	x->frame = frame.above;
	/* What has nothing of its own is no scope: a constant stays a constant. */
	if (body->kind == NODE_BLOCK && !body->block.statements && body->block.result)
		return body->block.result;
	body->span = call->span;
	return body;
}

/* `name` alone calls a macro that takes nothing. */
static struct node *expand_word(struct expander *x, struct node *n)
{
	struct macro *m = *find(x, n->identifier.name);
	struct node call = { .kind = NODE_CALL, .height = 1, .span = n->span }, *made;

	while (m && m->count)
		m = m->same_name;
	if (!m)
		return n;
	call.call.name = n->identifier.name;
	call.call.name_span = n->span;
	made = expand_call(x, &call);
	return made == &call ? n : made;
}

static struct node *expand_self(struct expander *x, struct node *n)
{
	if (n->kind == NODE_CALL)
		return expand_call(x, n);
	if (n->kind == NODE_IDENTIFIER)
		return expand_word(x, n);
	/* A statement does not take the value. */
	if (n->kind == NODE_EXPRESSION && (n->e->kind == NODE_BLOCK || n->e->kind == NODE_IF)) {
		drop_result(x->arena, n->e);
		return n->e;
	}
	return n;
}

/* One list of @parent's; whether a value is wanted there is known by the kind of the parent. */
static void expand_list(struct expander *x, struct node *parent, struct node **slot)
{
	bool value = parent->kind != NODE_EXPRESSION && parent->kind != NODE_BLOCK &&
		     parent->kind != NODE_IF;

	for (; *slot; slot = &(*slot)->next) {
		struct node *next = (*slot)->next, *made = expand_node(x, *slot);

		if (value)
			keep_result(made);
		made->next = next;
		*slot = made;
		parent->height = MAX(parent->height, made->height + 1);
	}
}

static struct node *expand_node(struct expander *x, struct node *n)
{
	struct node **slots[CHILDREN_MAX];
	size_t count;

	if (arena_error(x->arena) || x->too_large)
		return n;
	if (x->depth >= HEIGHT_MAX) {
		x->too_large = true;
		diagnose(x->o->diagnostics, n->span,
			 "nested too deeply by macros: more than %d levels", HEIGHT_MAX);
		return n;
	}
	x->depth++;
	count = node_children(n, slots);
	for (size_t i = 0; i < count; i++)
		expand_list(x, n, slots[i]);
	n = expand_self(x, n);
	x->depth--;
	return n;
}

void expand_macros(const struct parse_options *o, struct script *s)
{
	struct expander x = { .o = o, .arena = o->arena };

	if (!s->macros.first)
		return;
	fill_table(&x, s->macros.first);
	for (struct probe *p = s->probes.first; p; p = p->next) {
		if (p->predicate) {
			p->predicate = expand_node(&x, p->predicate);
			keep_result(p->predicate);
		}
		p->body = expand_node(&x, p->body);
	}
}
