// SPDX-License-Identifier: Apache-2.0
/*
 * Statements. Temporary memory lives until the end of a statement; variables until the end of their
 * block, so a statement's variable gets its place before the statement's own memory begins.
 */
#include "lang/lower/internal.h"

static bool is_constant(const struct node *n, bool *ret)
{
	if (n->kind == NODE_COMPTIME)
		return is_constant(n->e, ret);
	if (n->kind == NODE_BOOL)
		*ret = n->boolean;
	else if (n->kind == NODE_INTEGER)
		*ret = n->integer.value;
	else
		return false;
	return true;
}

static void one_way(struct lower *l, const struct node *n)
{
	if (!n)
		return;
	if (n->kind == NODE_BLOCK)
		lower_block(l, n);
	else
		lower_statement(l, n);
}

static void lower_if(struct lower *l, const struct node *n)
{
	u32 yes, no, join, mark;
	bool constant;

	if (is_constant(n->if_.condition, &constant)) {
		one_way(l, constant ? n->if_.yes : n->if_.no);
		return;
	}
	yes = ir_block(l->f);
	join = ir_block(l->f);
	no = n->if_.no ? ir_block(l->f) : join;
	mark = lower_mark(l);
	lower_condition(l, n->if_.condition, yes, no);
	lower_release(l, mark);
	ir_at(l->f, yes);
	one_way(l, n->if_.yes);
	if (!ir_ended(l->f))
		ir_jump(l->f, join);
	if (n->if_.no) {
		ir_at(l->f, no);
		one_way(l, n->if_.no);
		if (!ir_ended(l->f))
			ir_jump(l->f, join);
	}
	ir_at(l->f, join);
}

static void lower_let(struct lower *l, const struct node *n)
{
	struct local *v = local_of(l, n->let.variable);
	struct operand value;

	if (!v)
		return;
	if (!n->let.value) {
		local_zero(l, v);
		return;
	}
	l->padding++;
	value = lower_expression(l, n->let.value);
	l->padding--;
	local_write(l, v, value);
}

/* The place of what the statement names for the first time. */
static void declare(struct lower *l, const struct node *n)
{
	const struct node *target = NULL;
	struct local *v;

	if (n->kind == NODE_LET)
		target = n->let.variable;
	else if (n->kind == NODE_ASSIGN && n->assign.target &&
		 n->assign.target->kind == NODE_VARIABLE)
		target = n->assign.target;
	v = target ? local_of(l, target) : NULL;
	if (v && (n->kind == NODE_LET || v->kind == LOCAL_NOWHERE))
		local_declare(l, v);
}

static void lower_jump(struct lower *l, const struct node *n)
{
	if (n->kind == NODE_RETURN) {
		if (n->e && l->result && !l->callback && n->e->type && type_in_register(n->e->type))
			ir_set(l->f, l->result, lower_value(l, n->e));
		else if (n->e)
			lower_expression(l, n->e);
		lower_leave(l);
	} else if (l->loop) {
		ir_jump(l->f, n->kind == NODE_BREAK ? l->loop->end : l->loop->next);
	}
}

static void lower_plain(struct lower *l, const struct node *n)
{
	if (n->kind == NODE_UNARY && n->unary.op >= OPERATOR_PRE_INCREMENT)
		lower_increment(l, n, false);
	else if (n->kind == NODE_BLOCK)
		lower_block(l, n);
	else
		lower_expression(l, n);
}

void lower_statement(struct lower *l, const struct node *n)
{
	u32 mark;

	declare(l, n);
	mark = lower_mark(l);
	lower_at(l, n->span);
	switch (n->kind) {
	case NODE_EXPRESSION:
		lower_plain(l, n->e);
		break;
	case NODE_ASSIGN:
		lower_assign(l, n);
		break;
	case NODE_LET:
		lower_let(l, n);
		break;
	case NODE_IF:
		lower_if(l, n);
		break;
	case NODE_WHILE:
		lower_while(l, n);
		break;
	case NODE_UNROLL:
		lower_unroll(l, n);
		break;
	case NODE_FOR_RANGE:
		lower_for_range(l, n);
		break;
	case NODE_FOR_MAP:
		lower_for_map(l, n);
		break;
	case NODE_BREAK:
	case NODE_CONTINUE:
	case NODE_RETURN:
		lower_jump(l, n);
		break;
	default:
		lower_plain(l, n);
		break;
	}
	lower_release(l, mark);
}

void lower_statements(struct lower *l, const struct node *list)
{
	for (; list && !ir_ended(l->f); list = list->next)
		lower_statement(l, list);
}

void lower_block(struct lower *l, const struct node *block)
{
	u32 mark = lower_mark(l);

	lower_statements(l, block->block.statements);
	if (block->block.result && !ir_ended(l->f))
		lower_plain(l, block->block.result);
	lower_release(l, mark);
}
