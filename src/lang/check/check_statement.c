/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements, in order: assignments make variables known, blocks end what they made. What stands
 * behind a return, break, continue or exit() of the same block never runs: a warning.
 */
#include "lang/check/internal.h"

static const struct type *compound_variable(struct checker *c, struct node *n, struct variable *v,
					    const struct type *value)
{
	struct node *b = arena_new_of(c->script->arena, struct node);
	const struct type *t;

	b->kind = NODE_BINARY;
	b->span = n->assign.value->span;
	b->binary.op = n->assign.op;
	b->binary.left = n->assign.target;
	b->binary.right = n->assign.value;
	t = check_operands(c, b, v->type, value);
	n->extra = b->extra;
	return t;
}

static void check_assign_variable(struct checker *c, struct node *n)
{
	struct node *target = n->assign.target;
	const struct type *t;
	struct variable *v;

	if (n->assign.op != OPERATOR_NONE) {
		target->type = check_variable(c, target);
		t = check_expression(c, n->assign.value);
		v = target->symbol;
		if (!v)
			return;
		t = compound_variable(c, n, v, t);
		variable_assign(c, v, t, v->is_declared_type ? n->assign.value : NULL, n->span);
		target->type = v->type;
		return;
	}
	check_expression(c, n->assign.value);
	v = scope_find(c, target->variable.name);
	if (!v)
		v = scope_declare(c, target, n->span, false);
	target->symbol = v;
	record_order(c, n->assign.value, v->type);
	variable_assign(c, v, n->assign.value->type, n->assign.value, n->span);
	target->type = v->type;
}

void check_assign(struct checker *c, struct node *n)
{
	if (!n->assign.target)
		check_expression(c, n->assign.value);
	else if (n->assign.target->kind == NODE_MAP)
		check_assign_map(c, n);
	else if (n->assign.target->kind == NODE_VARIABLE)
		check_assign_variable(c, n);
	else
		check_error(c, n->span, "only a variable or a map can be assigned to");
}

static bool can_declare(const struct type *t)
{
	return t->kind != TYPE_VOID && t->kind != TYPE_FUNCTION && !type_is_aggregate(t);
}

/* let $x: type: the type holds for good, but for a string of no size, which grows. */
static void declare_type(struct checker *c, struct node *n, struct variable *v)
{
	const struct type *t = check_type_name(c, n->let.type, n->span);

	if (!t || t->kind == TYPE_NONE)
		return;
	if (!can_declare(t)) {
		check_error(c, n->span, "Invalid variable declaration type: %s",
			    check_type_text(c, t));
		return;
	}
	n->extra = (void *)t;
	if (t->kind == TYPE_STRING && !t->size) {
		if (v->type->kind == TYPE_NONE)
			v->type = t;
		return;
	}
	if (v->type->kind == TYPE_NONE || !type_equal(v->type, t)) {
		v->type = t;
		c->changed = true;
	}
	v->is_declared_type = true;
}

static void check_let(struct checker *c, struct node *n)
{
	struct node *target = n->let.variable;
	struct span at = n->span;
	struct variable *v;

	at.end = target->span.end;
	if (n->let.value)
		check_expression(c, n->let.value);
	v = scope_declare(c, target, at, true);
	if (v->declaration != target)
		return;
	if (n->let.type)
		declare_type(c, n, v);
	if (n->let.value)
		variable_assign(c, v, n->let.value->type, n->let.value, n->span);
	else
		v->is_assigned = false;
	target->type = v->type;
}

/* The branch that is chosen stands in the place of `if comptime`. */
static bool decide(struct checker *c, struct node *n)
{
	struct node *chosen, *next = n->next;
	struct span span = n->span;
	bool truth;

	c->comptime++;
	check_expression(c, n->if_.condition);
	c->comptime--;
	if (!fold_truth(n->if_.condition, &truth)) {
		check_error(c, n->if_.condition->span, "Unable to resolve comptime expression");
		return false;
	}
	chosen = truth ? n->if_.yes : n->if_.no;
	if (chosen) {
		*n = *chosen;
	} else {
		memset(n, 0, sizeof(*n));
		n->kind = NODE_BLOCK;
	}
	n->span = span;
	n->next = next;
	c->changed = true;
	return true;
}

static void check_if(struct checker *c, struct node *n)
{
	if (n->if_.comptime) {
		if (decide(c, n))
			check_statement(c, n);
		return;
	}
	check_expression(c, n->if_.condition);
	check_condition(c, n->if_.condition, n->span);
	check_statement(c, n->if_.yes);
	if (n->if_.no)
		check_statement(c, n->if_.no);
}

static void check_while(struct checker *c, struct node *n)
{
	bool is_callback = script_range_is_callback(c->script);

	check_warning(c, n->span, "While loops are deprecated and may be removed in the future.");
	check_hint(
		c,
		"For loops support ranges (e.g. `for ($x : $start..$end) { ... }`), and can be used "
		"in place of while. These are more easily proven to be bounded by the verifier.");
	c->callback_depth += is_callback;
	check_expression(c, n->while_.condition);
	if (n->while_.condition->type->kind != TYPE_STRING)
		check_condition(c, n->while_.condition, n->span);
	c->loop_depth++;
	check_block(c, n->while_.body);
	c->loop_depth--;
	c->callback_depth -= is_callback;
}

static void check_unroll(struct checker *c, struct node *n)
{
	unsigned outer = c->loop_depth;
	s64 count;

	check_expression(c, n->while_.condition);
	if (n->while_.condition->kind != NODE_INTEGER ||
	    !check_constant(n->while_.condition, &count))
		check_error(c, n->span, "invalid unroll value");
	else if (n->while_.condition->integer.is_negative || count < 1)
		check_error(c, n->span, "unroll minimum value is 1");
	else if (count > 100)
		check_error(c, n->span, "unroll maximum value is 100");
	c->loop_depth = 0;
	check_block(c, n->while_.body);
	c->loop_depth = outer;
}

static void check_return(struct checker *c, struct node *n)
{
	const struct type *t;

	if (!n->e)
		return;
	t = check_expression(c, n->e);
	if (t->kind != TYPE_NONE && !type_is_number(t))
		check_error(c, n->span, "Probe return values can only be integers. Found %s",
			    check_type_text(c, t));
}

static void check_expression_statement(struct checker *c, struct node *n)
{
	const struct node *e = n->e;
	const struct type *t = check_expression(c, n->e);

	if (t->kind == TYPE_VOID || t->kind == TYPE_NONE)
		return;
	if (e->kind == NODE_UNARY && e->unary.op >= OPERATOR_PRE_INCREMENT)
		return;
	check_warning(c, n->span, "Return value discarded.");
}

void check_block(struct checker *c, struct node *n)
{
	u32 mark = scope_enter(c->scope);

	check_statements(c, n->block.statements);
	if (n->block.result)
		check_expression(c, n->block.result);
	scope_leave(c->scope, mark);
	n->type = &type_void;
}

static void check_jump(struct checker *c, struct node *n)
{
	if (!c->loop_depth)
		check_error(c, n->span, "'%s' statement is not allowed in a probe",
			    n->kind == NODE_BREAK ? "break" : "continue");
}

static void check_one_statement(struct checker *c, struct node *n)
{
	switch (n->kind) {
	case NODE_EXPRESSION:
		check_expression_statement(c, n);
		break;
	case NODE_ASSIGN:
		check_assign(c, n);
		break;
	case NODE_LET:
		check_let(c, n);
		break;
	case NODE_IF:
		check_if(c, n);
		break;
	case NODE_WHILE:
		check_while(c, n);
		break;
	case NODE_UNROLL:
		check_unroll(c, n);
		break;
	case NODE_FOR_RANGE:
		check_for_range(c, n);
		break;
	case NODE_FOR_MAP:
		check_for_map(c, n);
		break;
	case NODE_BREAK:
	case NODE_CONTINUE:
		check_jump(c, n);
		break;
	case NODE_RETURN:
		check_return(c, n);
		break;
	case NODE_BLOCK:
		check_block(c, n);
		break;
	default:
		check_expression(c, n);
		break;
	}
}

void check_statement(struct checker *c, struct node *n)
{
	if (!n)
		return;
	if (c->depth >= 400) {
		if (!c->too_deep)
			diagnose(c->script->diagnostics, n->span, "nested too deep");
		c->too_deep = true;
		return;
	}
	c->depth++;
	check_one_statement(c, n);
	c->depth--;
}

/* Does nothing run behind it? */
static bool ends(const struct node *n)
{
	const struct node *last;

	switch (n->kind) {
	case NODE_RETURN:
	case NODE_BREAK:
	case NODE_CONTINUE:
		return true;
	case NODE_EXPRESSION:
		return n->e && n->e->kind == NODE_CALL && !strcmp(n->e->call.name, "exit");
	case NODE_IF:
		return n->if_.no && ends(n->if_.yes) && ends(n->if_.no);
	case NODE_BLOCK:
		for (last = n->block.statements; last && last->next; last = last->next)
			;
		return last && ends(last);
	default:
		return false;
	}
}

void check_statements(struct checker *c, struct node *list)
{
	bool warned = false;

	for (struct node *n = list; n; n = n->next) {
		check_statement(c, n);
		if (c->final && !warned && n->next && ends(n)) {
			check_warning(c, n->next->span, "Unreachable statement.");
			warned = true;
		}
	}
}
