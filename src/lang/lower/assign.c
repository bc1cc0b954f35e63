// SPDX-License-Identifier: Apache-2.0
/*
 * Assignments, ++ and --. What adds to an integer of a shared map adds atomically: no CPU's
 * increment is lost.
 */
#include "lang/lower/internal.h"

static bool is_atomic(const struct lower *l, const struct map *m, enum operator_kind op)
{
	if (map_is_per_cpu(m) || !type_is_integer(m->value) ||
	    (m->value->size != 4 && m->value->size != 8))
		return false;
	switch (op) {
	case OPERATOR_ADD:
	case OPERATOR_SUBTRACT:
		return true;
	case OPERATOR_BIT_AND:
	case OPERATOR_BIT_OR:
	case OPERATOR_BIT_XOR:
		return script_kernel(l->script, 5, 12);
	default:
		return false;
	}
}

static s32 atomic_of(enum operator_kind op)
{
	switch (op) {
	case OPERATOR_BIT_AND:
		return BPF_AND;
	case OPERATOR_BIT_OR:
		return BPF_OR;
	case OPERATOR_BIT_XOR:
		return BPF_XOR;
	default:
		return BPF_ADD;
	}
}

/* The value before; 0 when nobody wants it. */
static ir_reg change_atomically(struct lower *l, struct operand to, enum operator_kind op,
				struct operand by, bool wanted)
{
	ir_reg v = lower_operand_value(l, by), before = 0;
	u32 size = to.type->size;
	s32 fetch = 0;

	if (op == OPERATOR_SUBTRACT)
		v = ir_negate(l->f, 64, v);
	if (wanted && script_kernel(l->script, 5, 12))
		fetch = BPF_FETCH;
	else if (wanted)
		before = lower_operand_value(l, to);
	v = ir_atomic(l->f, size, atomic_of(op) | fetch, to.reg, to.offset, v, 0);
	if (fetch)
		before = size < 8 ? ir_extend(l->f, 32, to.type->is_signed, v) : v;
	return before;
}

static ir_reg change_plainly(struct lower *l, struct operand to, enum operator_kind op,
			     struct operand by, struct span at)
{
	ir_reg before = lower_operand_value(l, to);

	lower_store(l, to,
		    lower_binary_values(l, op, operand_value(to.type, before), by, to.type, at));
	return before;
}

/* @m[@key] @op= @by. The value before (0 for a new element), when it is @wanted. */
static ir_reg change_map(struct lower *l, struct map *m, struct operand key, enum operator_kind op,
			 struct operand by, bool wanted, struct span at)
{
	u32 absent = ir_block(l->f), join = ir_block(l->f);
	ir_reg result = ir_new(l->f), before;
	struct operand to;

	if (l->script->options->warnings && !map_is_scalar(m))
		lower_report_absent(l, m, lower_lookup(l, m, key), at);
	to = operand_place(m->value, SPACE_OWN, lower_lookup_or_make(l, m, key, absent, at), 0);
	if (is_atomic(l, m, op))
		before = change_atomically(l, to, op, by, wanted);
	else
		before = change_plainly(l, to, op, by, at);
	if (wanted)
		ir_set(l->f, result, before);
	ir_jump(l->f, join);
	ir_at(l->f, absent);
	ir_set_imm(l->f, result, 0);
	ir_jump(l->f, join);
	ir_at(l->f, join);
	return result;
}

static struct operand increment_variable(struct lower *l, const struct node *n,
					 enum operator_kind op, bool before)
{
	struct local *v = local_of(l, n->unary.e);
	struct operand one = operand_constant(l, &type_s64, 1), value, changed;
	ir_reg old;

	if (!v || v->kind == LOCAL_NOWHERE)
		return lower_zero_value(l, n->type);
	value = local_read(l, v);
	old = lower_operand_value(l, value);
	if (before && v->kind == LOCAL_REGISTER) {
		ir_reg copy = ir_new(l->f);

		ir_set(l->f, copy, old);
		old = copy;
	}
	changed = lower_binary_values(l, op, operand_value(v->type, lower_operand_value(l, value)),
				      one, v->type, n->span);
	local_write(l, v, changed);
	return operand_value(before ? n->type : v->type, before ? old : changed.reg);
}

struct operand lower_increment(struct lower *l, const struct node *n, bool wanted)
{
	enum operator_kind op = n->unary.op;
	bool before = op == OPERATOR_POST_INCREMENT || op == OPERATOR_POST_DECREMENT;
	struct operand one = operand_constant(l, &type_s64, 1), value;
	struct map *m = n->unary.e->symbol;
	ir_reg old;

	op = op == OPERATOR_PRE_INCREMENT || op == OPERATOR_POST_INCREMENT ? OPERATOR_ADD
									   : OPERATOR_SUBTRACT;
	if (n->unary.e->kind == NODE_VARIABLE)
		return increment_variable(l, n, op, before);
	if (n->unary.e->kind != NODE_MAP || !m)
		return lower_zero_value(l, n->type);
	old = change_map(l, m, lower_key(l, m, n->unary.e->map.key), op, one, wanted, n->span);
	if (!wanted)
		return operand_none();
	value = operand_value(m->value, old);
	return before ? value : lower_binary_values(l, op, value, one, n->type, n->span);
}

static void assign_variable(struct lower *l, const struct node *n)
{
	struct local *v = local_of(l, n->assign.target);
	struct operand value, old;

	if (!v || v->kind == LOCAL_NOWHERE)
		return;
	if (n->assign.op != OPERATOR_NONE) {
		old = lower_stable(l, local_read(l, v), n->assign.value);
		value = lower_binary_values(l, n->assign.op, old, lower_side(l, n->assign.value),
					    v->type, n->span);
	} else {
		l->padding++;
		value = lower_expression(l, n->assign.value);
		l->padding--;
	}
	local_write(l, v, value);
}

static const struct builtin *aggregation_of(const struct node *value)
{
	const struct builtin *b = value->kind == NODE_CALL ? value->symbol : NULL;

	return b && b->flags & BUILTIN_AGGREGATION && b->update ? b : NULL;
}

static void assign_map(struct lower *l, const struct node *n)
{
	const struct node *target = n->assign.target;
	struct map *m = target->symbol;
	const struct builtin *b = aggregation_of(n->assign.value);
	struct operand value, key;

	if (!m)
		return;
	if (b) {
		b->update(l, m, target->map.key, n->assign.value);
		return;
	}
	l->padding++;
	value = n->assign.op == OPERATOR_NONE ? lower_expression(l, n->assign.value)
					      : lower_side(l, n->assign.value);
	l->padding--;
	value = lower_stable(l, value, target->map.key);
	key = lower_key(l, m, target->map.key);
	if (n->assign.op == OPERATOR_NONE)
		lower_update(l, m, key, value, n->span);
	else
		change_map(l, m, key, n->assign.op, value, false, target->span);
}

void lower_assign(struct lower *l, const struct node *n)
{
	if (!n->assign.target)
		lower_expression(l, n->assign.value);
	else if (n->assign.target->kind == NODE_VARIABLE)
		assign_variable(l, n);
	else if (n->assign.target->kind == NODE_MAP)
		assign_map(l, n);
}
