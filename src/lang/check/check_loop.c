/* SPDX-License-Identifier: Apache-2.0 */
/*
 * for loops over ranges and maps. Their bodies may run as callbacks, with registers of their own:
 * what they name of the variables outside is then kept in memory (variable.in_memory).
 */
#include "lang/check/internal.h"

static struct variable *loop_variable(struct checker *c, struct node *n)
{
	struct node *target = n->for_.variable;
	struct variable *v = scope_find(c, target->variable.name);

	if (v && v->declaration != target) {
		check_error(c, target->span, "Loop declaration shadows existing variable: %s",
			    v->name);
		if (c->final)
			diagnose(c->script->diagnostics, v->span, "This is the %s.",
				 v->is_loop ? "loop variable" : "initial assignment");
		return NULL;
	}
	v = scope_declare(c, target, target->span, true);
	v->is_loop = true;
	return v;
}

static void check_body(struct checker *c, struct node *n)
{
	c->loop_depth++;
	c->for_depth++;
	check_block(c, n->for_.body);
	c->for_depth--;
	c->loop_depth--;
}

static const struct type *bound(struct checker *c, struct node *n, struct node *e,
				const char *which)
{
	const struct type *t = check_decay(check_expression(c, e));

	if (t->kind == TYPE_NONE || type_is_number(t))
		return t;
	check_error(c, n->span, "Loop range requires an integer for the %s value", which);
	return &type_none;
}

void check_for_range(struct checker *c, struct node *n)
{
	bool is_callback = script_range_is_callback(c->script);
	const struct type *from = bound(c, n, n->for_.from, "start");
	const struct type *to = bound(c, n, n->for_.to, "end");
	const struct type *t = check_unify(c, from, to);
	u32 mark = scope_enter(c->scope);
	struct variable *v;

	c->callback_depth += is_callback;
	v = loop_variable(c, n);
	if (v) {
		v->callback_depth = c->callback_depth;
		if (t)
			variable_assign(c, v, t, NULL, n->for_.variable->span);
		n->for_.variable->type = v->type;
	}
	check_body(c, n);
	c->callback_depth -= is_callback;
	scope_leave(c->scope, mark);
}

static bool can_iterate(struct checker *c, struct node *at, const struct map *m)
{
	const struct type *t = m->value;

	if (c->final && m->is_scalar_use) {
		check_error(
			c, at->span,
			"%s has no explicit keys (scalar map), and cannot be used for iteration",
			m->name);
		return false;
	}
	if (type_is_aggregate(t) && check_decay(t) == t) {
		check_error(c, at->span, "Loop expression does not support type: %s",
			    check_type_text(c, t));
		return false;
	}
	return true;
}

static void type_pair(struct checker *c, struct node *n, struct variable *v, const struct map *m)
{
	const struct type *pair[2] = { m->key, check_decay(m->value) };
	const struct type *t;

	if (!m->key || m->value->kind == TYPE_NONE)
		return;
	t = type_tuple(c->script->arena, pair, NULL, 2);
	variable_assign(c, v, t, NULL, n->for_.variable->span);
	v->is_pair = true;
	v->pair_value = m->value;
	n->for_.variable->type = v->type;
}

void check_for_map(struct checker *c, struct node *n)
{
	struct map *m = check_whole_map(c, n->for_.map);
	u32 mark = scope_enter(c->scope);
	struct variable *v;

	c->callback_depth++;
	v = loop_variable(c, n);
	if (v)
		v->callback_depth = c->callback_depth;
	if (m && v && can_iterate(c, n->for_.map, m)) {
		m->is_iterated = true;
		type_pair(c, n, v, m);
	}
	check_body(c, n);
	c->callback_depth--;
	scope_leave(c->scope, mark);
}
