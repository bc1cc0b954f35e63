// SPDX-License-Identifier: Apache-2.0
/*
 * Where variables live: scalars in a register; what is larger on the stack or in the frame; and
 * what a loop's callback shares with the code around it in the frame, which both can reach.
 *
 * What a callback shares is found before anything is written: a variable belongs to the function in
 * which it is named first, and is shared when it is named in another one.
 */
#include "lang/lower/internal.h"
#include "lang/syntax/copy.h"

void lower_children(const struct node *n, void (*fn)(void *context, const struct node *child),
		    void *context)
{
	struct node **slots[CHILDREN_MAX];
	size_t count = node_children((struct node *)n, slots);

	for (size_t i = 0; i < count; i++)
		for (const struct node *child = *slots[i]; child; child = child->next)
			fn(context, child);
}

/* ---- finding them ---------------------------------------------------------------------------- */

struct finder {
	struct lower *l;
	u32 function, functions; /* the one around; how many there are */
};

static struct local *local_add(struct lower *l, struct variable *v, u32 function)
{
	struct local *p;

	if (grow(&l->locals, &l->local_capacity, l->local_count + 1, sizeof(*l->locals))) {
		l->failed = true;
		return NULL;
	}
	p = &l->locals[l->local_count++];
	*p = (struct local){ .variable = v, .type = v->type, .function = function };
	v->place = (s64)l->local_count;
	return p;
}

static void named(struct finder *f, struct variable *v)
{
	struct lower *l = f->l;

	if (!v)
		return;
	if (v->place < 1 || v->place > (s64)l->local_count || l->locals[v->place - 1].variable != v)
		local_add(l, v, f->function);
	else if (l->locals[v->place - 1].function != f->function)
		l->locals[v->place - 1].captured = true;
}

static void find(void *context, const struct node *n);

static void find_loop(struct finder *f, const struct node *n)
{
	u32 around = f->function;

	if (n->kind == NODE_WHILE) {
		f->function = ++f->functions;
		find(f, n->while_.condition);
		find(f, n->while_.body);
	} else {
		if (n->kind == NODE_FOR_RANGE) {
			find(f, n->for_.from);
			find(f, n->for_.to);
		}
		f->function = ++f->functions;
		find(f, n->for_.variable);
		find(f, n->for_.body);
	}
	f->function = around;
}

static void find(void *context, const struct node *n)
{
	struct finder *f = context;

	if (n->kind == NODE_VARIABLE) {
		named(f, n->symbol);
		return;
	}
	if (loop_is_callback(f->l, n)) {
		find_loop(f, n);
		return;
	}
	lower_children(n, find, f);
	if (n->kind == NODE_ADDRESS_OF && n->e->kind == NODE_VARIABLE) {
		struct local *v = local_of(f->l, n->e);

		if (v)
			v->captured = true;
	}
}

void locals_find(struct lower *l, const struct node *predicate, const struct node *body)
{
	struct finder f = { .l = l };

	l->local_count = 0;
	if (predicate)
		find(&f, predicate);
	find(&f, body);
}

struct local *local_of(struct lower *l, const struct node *variable)
{
	struct variable *v = variable->symbol;

	if (!v || v->place < 1 || v->place > (s64)l->local_count ||
	    l->locals[v->place - 1].variable != v)
		return NULL;
	return &l->locals[v->place - 1];
}

/* ---- places ---------------------------------------------------------------------------------- */

/* What is stored is a plain address: another way to the same use may bring any number. */
static const struct type *kept_type(struct lower *l, const struct type *t)
{
	if (t->kind == TYPE_POINTER && (t->space == SPACE_TRUSTED || t->space == SPACE_CONTEXT))
		return type_in(l->script->arena, t, SPACE_KERNEL);
	return t;
}

void local_declare(struct lower *l, struct local *v)
{
	struct operand o;

	v->type = kept_type(l, v->variable->type);
	if (type_in_register(v->type) && !v->captured && !l->variables_in_frame) {
		v->kind = LOCAL_REGISTER;
		v->variable->reg = ir_new(l->f);
		return;
	}
	o = lower_memory(l, type_stored_size(v->type), v->captured || l->variables_in_frame,
			 &v->slot);
	v->kind = v->slot == IR_NO_SLOT ? LOCAL_FRAME : LOCAL_SLOT;
	v->offset = (u32)o.offset;
}

struct operand local_place(struct lower *l, const struct local *v)
{
	struct operand o;

	if (v->kind == LOCAL_SLOT)
		o = operand_place(v->type, SPACE_OWN, ir_slot_address(l->f, v->slot, 0), 0);
	else
		o = operand_place(v->type, SPACE_OWN, lower_frame(l), (s32)v->offset);
	o.is_padded = true;
	return o;
}

struct operand local_read(struct lower *l, const struct local *v)
{
	if (v->kind == LOCAL_REGISTER)
		return operand_value(v->type, v->variable->reg);
	return local_place(l, v);
}

void local_write(struct lower *l, struct local *v, struct operand value)
{
	if (v->kind != LOCAL_REGISTER) {
		lower_store(l, local_place(l, v), value);
		return;
	}
	value = lower_convert(l, value, v->type);
	if (value.is_constant)
		ir_set_imm(l->f, v->variable->reg, value.constant);
	else
		ir_set(l->f, v->variable->reg, value.reg);
}

void local_zero(struct lower *l, struct local *v)
{
	if (v->kind == LOCAL_REGISTER)
		ir_set_imm(l->f, v->variable->reg, 0);
	else
		lower_zero(l, local_place(l, v), type_stored_size(v->type));
}

/* ---- loops ----------------------------------------------------------------------------------- */

struct forgetter {
	struct lower *l;
	ir_reg zero;
};

static void forget_target(struct forgetter *f, const struct node *target)
{
	struct local *v = target && target->kind == NODE_VARIABLE ? local_of(f->l, target) : NULL;
	ir_reg reg;

	if (!v || v->kind != LOCAL_REGISTER || !type_is_integer(v->type))
		return;
	if (!f->zero)
		f->zero = lower_unknown_zero(f->l);
	reg = v->variable->reg;
	ir_set(f->l->f, reg, ir_binary(f->l->f, IR_ADD, 64, reg, f->zero));
}

static void forget(void *context, const struct node *n)
{
	struct forgetter *f = context;

	if (n->kind == NODE_ASSIGN)
		forget_target(f, n->assign.target);
	else if (n->kind == NODE_UNARY && n->unary.op >= OPERATOR_PRE_INCREMENT)
		forget_target(f, n->unary.e);
	lower_children(n, forget, f);
}

void locals_forget(struct lower *l, const struct node *body)
{
	struct forgetter f = { .l = l };

	forget(&f, body);
}
