// SPDX-License-Identifier: Apache-2.0
/*
 * Expressions: what is neither an operator nor a member. A built-in writes its own code; what has
 * two ways (a ternary) ends in one register or in one piece of memory.
 */
#include "lang/lower/internal.h"

#define COMM_BYTES 16

static struct operand lower_call(struct lower *l, const struct node *n)
{
	const struct builtin *b = n->symbol;
	struct operand o;

	if (!b || !b->emit) {
		lower_error(l, n->span, "'%s' cannot be used here",
			    n->kind == NODE_CALL ? n->call.name : n->identifier.name);
		return n->type && n->type->size ? lower_zero_value(l, n->type) : operand_none();
	}
	o = b->emit(l, n);
	if (!o.type)
		o.type = n->type ? n->type : &type_none;
	return o;
}

bool node_is_comm(const struct node *n, const struct type *to)
{
	const struct builtin *b =
		n && (n->kind == NODE_IDENTIFIER || n->kind == NODE_CALL) ? n->symbol : NULL;

	return b && !strcmp(b->name, "comm") && to->kind == TYPE_STRING && to->size == COMM_BYTES &&
	       (n->kind == NODE_IDENTIFIER || !n->call.arguments);
}

/*
 * Where the name lies in the task, which is half of what the helper costs; 0: the helper is asked.
 * Before 5.17 anything may stand behind the name's NUL there.
 */
static u32 comm_offset(const struct lower *l)
{
	const char *license = l->script->config.license;
	const struct type *task;
	struct field f;

	if (!script_kernel(l->script, 5, 17) || l->program->kind.type == BPF_PROG_TYPE_SYSCALL ||
	    lower_is_seldom(l) || (license && !strstr(license, "GPL")))
		return 0;
	task = type_named(l->script->world, "struct task_struct");
	if (!task || !type_field(l->script->world, task, "comm", &f, NULL) ||
	    f.type->size != COMM_BYTES || f.offset % 8)
		return 0;
	return f.offset;
}

void lower_comm(struct lower *l, struct operand to)
{
	u32 offset = comm_offset(l);
	ir_reg task;
	s32 unit;

	if (!offset) {
		IR_CALL(l->f, BPF_FUNC_get_current_comm, operand_address(l, to),
			ir_const(l->f, COMM_BYTES));
		return;
	}
	task = IR_CALL(l->f, BPF_FUNC_get_current_task_btf);
	operand_reach(l, &to, COMM_BYTES);
	unit = 8;
	while (to.offset % unit)
		unit /= 2;
	for (s32 at = 0; at < COMM_BYTES; at += unit)
		ir_store(l->f, (u32)unit, to.reg, to.offset + at,
			 ir_load(l->f, (u32)unit, false, task, (s32)offset + at));
}

void lower_into(struct lower *l, struct operand to, const struct node *n)
{
	const struct node *list = NULL;
	const struct members *m;
	struct operand o;

	if (to.type->kind == TYPE_STRUCT && (to.type->is_tuple || to.type->is_record)) {
		if (n->kind == NODE_TUPLE)
			list = n->tuple.members;
		else if (n->kind == NODE_RECORD)
			list = n->record.members;
	}
	if (node_is_comm(n, to.type)) {
		lower_comm(l, to);
		return;
	}
	if (!list) {
		l->padding++;
		o = lower_expression(l, n);
		l->padding--;
		lower_store(l, to, o);
		return;
	}
	m = to.type->members;
	lower_zero_gaps(l, to);
	for (u32 i = 0; list && i < m->count; i++, list = list->next)
		lower_into(l, operand_part(to, m->fields[i].type, m->fields[i].offset), list);
}

static struct operand lower_tuple(struct lower *l, const struct node *n)
{
	struct operand to = lower_temporary(l, n->type);

	if (!n->type->size)
		ir_store_imm(l->f, 8, to.reg, to.offset, 0);
	lower_into(l, to, n);
	return to;
}

/* One way of two: its value where both meet. */
static void way(struct lower *l, const struct node *n, struct operand *to, u32 join)
{
	if (type_in_register(to->type) && !to->in_memory)
		ir_set(l->f, to->reg,
		       lower_operand_value(l, lower_convert(l, lower_expression(l, n), to->type)));
	else if (to->in_memory)
		lower_into(l, *to, n);
	else
		lower_expression(l, n);
	if (!ir_ended(l->f)) /* exit() */
		ir_jump(l->f, join);
}

static bool has_value(const struct type *t)
{
	return t && t->kind != TYPE_NONE && t->kind != TYPE_VOID;
}

static struct operand lower_ternary(struct lower *l, const struct node *n)
{
	u32 yes = ir_block(l->f), no = ir_block(l->f), join = ir_block(l->f);
	struct operand to = operand_none(), condition;

	if (has_value(n->type)) {
		to = type_in_register(n->type) ? operand_value(n->type, ir_new(l->f))
					       : lower_temporary(l, n->type);
		to.is_padded = to.in_memory;
	}
	if (n->ternary.yes) {
		lower_condition(l, n->ternary.condition, yes, no);
		ir_at(l->f, yes);
		way(l, n->ternary.yes, &to, join);
	} else { /* a ?: b */
		condition = lower_expression(l, n->ternary.condition);
		if (type_in_register(condition.type) && condition.in_memory)
			condition = lower_convert(l, condition, condition.type);
		lower_condition_of(l, condition, yes, no);
		ir_at(l->f, yes);
		if (to.in_memory)
			lower_store(l, to, condition);
		else
			ir_set(l->f, to.reg,
			       lower_operand_value(l, lower_convert(l, condition, to.type)));
		ir_jump(l->f, join);
	}
	ir_at(l->f, no);
	way(l, n->ternary.no, &to, join);
	ir_at(l->f, join);
	return to;
}

static struct operand lower_block_expression(struct lower *l, const struct node *n)
{
	lower_statements(l, n->block.statements);
	if (ir_ended(l->f)) /* it returned: what follows is never reached */
		ir_at(l->f, ir_block(l->f));
	return n->block.result ? lower_expression(l, n->block.result) : operand_none();
}

static struct operand lower_address_of(struct lower *l, const struct node *n)
{
	struct local *v = n->e->kind == NODE_VARIABLE ? local_of(l, n->e) : NULL;

	if (v && v->kind != LOCAL_NOWHERE && v->kind != LOCAL_REGISTER)
		return operand_value(n->type, operand_address(l, local_place(l, v)));
	if (n->e->kind == NODE_MAP && n->e->symbol && !n->e->map.key)
		return operand_value(n->type,
				     map_is_scalar(n->e->symbol)
					     ? lower_lookup(l, n->e->symbol, operand_none())
					     : lower_map(l, n->e->symbol));
	if (n->e->kind == NODE_MAP && n->e->symbol)
		return operand_value(n->type,
				     lower_lookup(l, n->e->symbol,
						  lower_key(l, n->e->symbol, n->e->map.key)));
	return lower_zero_value(l, n->type);
}

static struct operand lower_variable(struct lower *l, const struct node *n)
{
	struct local *v = local_of(l, n);

	if (!v || v->kind == LOCAL_NOWHERE)
		return lower_zero_value(l, n->type);
	return local_read(l, v);
}

static struct operand lower_literal(struct lower *l, const struct node *n)
{
	const struct type *t = n->type && type_in_register(n->type) ? n->type : &type_s64;

	if (n->kind == NODE_BOOL)
		return operand_constant(l, t, n->boolean);
	return operand_constant(l, t, (s64)n->integer.value);
}

struct operand lower_expression(struct lower *l, const struct node *n)
{
	switch (n->kind) {
	case NODE_INTEGER:
	case NODE_BOOL:
		return lower_literal(l, n);
	case NODE_STRING:
		return operand_literal(l, n->string.bytes, n->string.len);
	case NODE_IDENTIFIER:
	case NODE_CALL:
		return lower_call(l, n);
	case NODE_VARIABLE:
		return lower_variable(l, n);
	case NODE_MAP:
		return n->symbol ? lower_map_value(l, n->symbol, n->map.key, n->span)
				 : lower_zero_value(l, n->type);
	case NODE_UNARY:
		return lower_unary(l, n);
	case NODE_BINARY:
		return lower_binary(l, n);
	case NODE_TERNARY:
		return lower_ternary(l, n);
	case NODE_CAST:
		return lower_cast(l, n);
	case NODE_FIELD:
		return lower_field(l, n);
	case NODE_ELEMENT:
		return lower_element(l, n);
	case NODE_INDEX:
		return lower_index(l, n);
	case NODE_TUPLE:
	case NODE_RECORD:
		return lower_tuple(l, n);
	case NODE_BLOCK:
		return lower_block_expression(l, n);
	case NODE_COMPTIME:
		return lower_expression(l, n->e);
	case NODE_ADDRESS_OF:
		return lower_address_of(l, n);
	default:
		lower_error(l, n->span, "this cannot be used as a value");
		return operand_none();
	}
}
