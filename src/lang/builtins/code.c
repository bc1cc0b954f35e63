/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short sequences of code that several families write: the value of an argument, a string in
 * memory, the process, a minimum that the verifier can follow.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

ir_reg emit_call0(struct lower *l, s32 helper)
{
	return ir_call(l->f, helper, 0, NULL);
}

ir_reg emit_argument(struct lower *l, const struct node *n, unsigned i)
{
	return lower_value(l, call_argument(n, i));
}

void emit_store(struct lower *l, struct operand to, u32 offset, unsigned size, ir_reg value)
{
	ir_store(l->f, size, to.reg, to.offset + (s32)offset, value);
}

ir_reg emit_minimum(struct lower *l, ir_reg a, u64 b)
{
	u32 cut = ir_block(l->f), next = ir_block(l->f);
	ir_reg r = ir_new(l->f);

	ir_set(l->f, r, a);
	ir_branch_imm(l->f, IR_GT, 64, r, (s64)b, cut, next);
	ir_at(l->f, cut);
	ir_set_imm(l->f, r, (s64)b);
	ir_jump(l->f, next);
	ir_at(l->f, next);
	return r;
}

ir_reg emit_process(struct lower *l)
{
	return ir_binary_imm(l->f, IR_SHR, 64, emit_call0(l, BPF_FUNC_get_current_pid_tgid), 32);
}

struct operand emit_unit(struct lower *l, const struct node *n)
{
	lower_at(l, n->span);
	if (n->extra)
		lower_send(l, n->extra);
	return operand_none();
}

struct operand emit_nothing(struct lower *l, const struct node *n)
{
	return operand_none();
}

ir_reg emit_address(struct lower *l, const struct node *n, enum address_space *ret_space)
{
	struct operand o = lower_expression(l, n);
	const struct type *t = o.type ? o.type : n->type;

	if (o.in_memory && (t->kind == TYPE_STRING || t->kind == TYPE_ARRAY ||
			    t->kind == TYPE_STRUCT || t->kind == TYPE_BUFFER)) {
		*ret_space = o.space;
		if (o.space == SPACE_CONTEXT) { /* helpers do not read the context */
			o = lower_in_memory(l, o);
			*ret_space = SPACE_OWN;
		}
		return operand_address(l, o);
	}
	*ret_space = space_of(l->program, n->type);
	return lower_operand_value(l, o);
}

struct operand emit_string(struct lower *l, const struct node *n, u32 *ret_capacity)
{
	const struct type *t = n->type;
	u32 max = (u32)l->script->config.max_strlen;
	enum address_space space;
	struct operand o;
	ir_reg from;

	if (t->kind == TYPE_STRING) {
		o = lower_expression(l, n);
		if (!o.in_memory || o.space != SPACE_OWN)
			o = lower_in_memory(l, o);
		*ret_capacity = t->size ? t->size : 1;
		return o;
	}
	if (t->kind == TYPE_ARRAY) {
		/* one byte more, so that there always is a NUL */
		o = lower_expression(l, n);
		max = MAX(t->size, 1u) + 1;
		if (o.in_memory && o.space == SPACE_OWN) {
			struct operand copy = lower_temporary_bytes(l, max);

			lower_copy(l, copy, o, t->size);
			ir_store_imm(l->f, 1, copy.reg, copy.offset + (s32)t->size, 0);
			copy.type = n->type;
			*ret_capacity = max;
			return copy;
		}
	}
	from = emit_address(l, n, &space);
	*ret_capacity = max;
	return lower_read_string(l, max, space, from, n->span);
}
