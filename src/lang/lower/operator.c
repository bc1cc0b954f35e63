// SPDX-License-Identifier: Apache-2.0
/*
 * Operators, as bpftrace's own: 64 bits wide, / % and >> unsigned, comparisons unsigned only where
 * both sides are (a literal that is not negative is either). Conditions jump: a comparison makes no
 * number unless somebody wants one.
 */
#include "lang/lower/internal.h"

bool operator_compares(enum operator_kind op)
{
	return op >= OPERATOR_EQUAL && op <= OPERATOR_GREATER_EQUAL;
}

ir_reg lower_truth(struct lower *l, u32 yes, u32 no)
{
	ir_reg result = ir_new(l->f);
	u32 join = ir_block(l->f);

	ir_at(l->f, yes);
	ir_set_imm(l->f, result, 1);
	ir_jump(l->f, join);
	ir_at(l->f, no);
	ir_set_imm(l->f, result, 0);
	ir_jump(l->f, join);
	ir_at(l->f, join);
	return result;
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static enum ir_condition condition_of(enum operator_kind op, bool is_signed)
{
	switch (op) {
	case OPERATOR_EQUAL:
		return IR_EQ;
	case OPERATOR_NOT_EQUAL:
		return IR_NE;
	case OPERATOR_LESS:
		return is_signed ? IR_SLT : IR_LT;
	case OPERATOR_LESS_EQUAL:
		return is_signed ? IR_SLE : IR_LE;
	case OPERATOR_GREATER:
		return is_signed ? IR_SGT : IR_GT;
	default:
		return is_signed ? IR_SGE : IR_GE;
	}
}

static enum operator_kind mirrored(enum operator_kind op)
{
	switch (op) {
	case OPERATOR_LESS:
		return OPERATOR_GREATER;
	case OPERATOR_LESS_EQUAL:
		return OPERATOR_GREATER_EQUAL;
	case OPERATOR_GREATER:
		return OPERATOR_LESS;
	case OPERATOR_GREATER_EQUAL:
		return OPERATOR_LESS_EQUAL;
	default:
		return op;
	}
}

static bool unsigned_side(const struct operand *o)
{
	if (o->is_constant && o->constant >= 0)
		return true;
	return !o->type->is_signed;
}

/* A BTF pointer is compared with 0 as it is; for all else it must be a number. */
static ir_reg comparable(struct lower *l, struct operand o, bool with_zero)
{
	ir_reg v = lower_operand_value(l, o);

	if (!with_zero && o.type->kind == TYPE_POINTER &&
	    (o.type->space == SPACE_TRUSTED || o.type->space == SPACE_OWN ||
	     o.type->space == SPACE_CONTEXT))
		return lower_as_number(l, v);
	return v;
}

static void compare_scalars(struct lower *l, enum operator_kind op, struct operand a,
			    struct operand b, u32 yes, u32 no)
{
	bool is_signed = !unsigned_side(&a) || !unsigned_side(&b), with_zero;
	ir_reg left;

	if (a.is_constant && !b.is_constant) {
		struct operand swap = a;

		a = b;
		b = swap;
		op = mirrored(op);
	}
	with_zero = b.is_constant && !b.constant;
	left = comparable(l, a, with_zero);
	if (b.is_constant && b.constant == (s32)b.constant)
		ir_branch_imm(l->f, condition_of(op, is_signed), 64, left, b.constant, yes, no);
	else
		ir_branch(l->f, condition_of(op, is_signed), 64, left, comparable(l, b, false), yes,
			  no);
}

static void compare_members(struct lower *l, struct operand a, struct operand b, u32 yes, u32 no)
{
	u32 count = MIN(a.type->members->count, b.type->members->count);

	for (u32 i = 0; i < count; i++) {
		const struct field *f = &a.type->members->fields[i];
		const struct field *g = &b.type->members->fields[i];
		u32 next = ir_block(l->f);

		lower_compare(l, OPERATOR_EQUAL, operand_part(a, f->type, f->offset),
			      operand_part(b, g->type, g->offset), next, no);
		ir_at(l->f, next);
	}
	ir_jump(l->f, a.type->members->count == b.type->members->count ? yes : no);
}

static bool has_members(const struct operand *o)
{
	return o->type->kind == TYPE_STRUCT && (o->type->is_tuple || o->type->is_record);
}

static void compare_memory(struct lower *l, struct operand a, struct operand b, u32 yes, u32 no)
{
	u32 left = type_stored_size(a.type), right = type_stored_size(b.type);

	if (a.type->kind == TYPE_STRING && b.type->kind == TYPE_STRING) {
		lower_compare_strings(l, a, b, yes, no);
		return;
	}
	a = lower_in_memory(l, a);
	b = lower_in_memory(l, b);
	if (has_members(&a) && has_members(&b))
		compare_members(l, a, b, yes, no);
	else
		lower_branch_equal(l, a, b, MIN(left, right),
				   a.type->kind == TYPE_STRING || b.type->kind == TYPE_STRING, yes,
				   no);
}

void lower_compare(struct lower *l, enum operator_kind op, struct operand a, struct operand b,
		   u32 yes, u32 no)
{
	if (type_in_register(a.type) || type_in_register(b.type))
		compare_scalars(l, op, a, b, yes, no);
	else if (op == OPERATOR_NOT_EQUAL)
		compare_memory(l, a, b, no, yes);
	else
		compare_memory(l, a, b, yes, no);
}

/* Does evaluating @n change what was evaluated before it? */
static void find_effect(void *context, const struct node *n)
{
	bool *found = context;

	if (n->kind == NODE_BLOCK ||
	    (n->kind == NODE_UNARY && n->unary.op >= OPERATOR_PRE_INCREMENT))
		*found = true;
	if (!*found)
		lower_children(n, find_effect, found);
}

bool node_has_effects(const struct node *n)
{
	bool found = false;

	if (n)
		find_effect(&found, n);
	return found;
}

/* A value that stays what it is while @later is evaluated. */
struct operand lower_stable(struct lower *l, struct operand o, const struct node *later)
{
	struct operand to;
	ir_reg copy;

	if (o.is_constant || !node_has_effects(later))
		return o;
	if (!type_in_register(o.type)) {
		to = lower_temporary(l, o.type);
		lower_store(l, to, o);
		to.is_padded = true;
		return to;
	}
	copy = ir_new(l->f);
	ir_set(l->f, copy, lower_operand_value(l, o));
	return operand_value(o.type, copy);
}

/* The type of the integer of less than 64 bits that -e or ~e is as wide as; NULL: it is not. */
static const struct type *narrow_result(const struct node *n)
{
	const struct type *t;

	if (n->kind != NODE_UNARY ||
	    (n->unary.op != OPERATOR_NEGATE && n->unary.op != OPERATOR_BIT_NOT))
		return NULL;
	t = narrow_result(n->unary.e);
	t = t ? t : n->unary.e->type;
	return t && t->kind == TYPE_INTEGER && t->size < 8 ? t : NULL;
}

struct operand lower_side(struct lower *l, const struct node *n)
{
	struct operand o = lower_expression(l, n);
	const struct type *t = narrow_result(n);

	if (t && !o.in_memory && !o.is_constant)
		o.reg = lower_narrow(l, o.reg, NULL, t);
	return o;
}

static void condition_binary(struct lower *l, const struct node *n, u32 yes, u32 no)
{
	struct operand a = lower_stable(l, lower_side(l, n->binary.left), n->binary.right);
	struct operand b = lower_side(l, n->binary.right);

	lower_compare(l, n->binary.op, a, b, yes, no);
}

void lower_condition_of(struct lower *l, struct operand o, u32 yes, u32 no)
{
	if (o.is_constant)
		ir_jump(l->f, o.constant ? yes : no);
	else if (type_in_register(o.type) || !o.in_memory)
		ir_branch_imm(l->f, IR_NE, 64, lower_operand_value(l, o), 0, yes, no);
	else if (o.type->kind == TYPE_STRING)
		ir_branch_imm(l->f, IR_NE, 64, lower_operand_value(l, operand_part(o, &type_u8, 0)),
			      0, yes, no);
	else
		ir_jump(l->f, yes);
}

void lower_condition(struct lower *l, const struct node *n, u32 yes, u32 no)
{
	u32 next;

	if (n->kind == NODE_UNARY && n->unary.op == OPERATOR_NOT) {
		lower_condition(l, n->unary.e, no, yes);
		return;
	}
	if (n->kind != NODE_BINARY) {
		lower_condition_of(l, lower_expression(l, n), yes, no);
		return;
	}
	switch (n->binary.op) {
	case OPERATOR_AND:
		next = ir_block(l->f);
		lower_condition(l, n->binary.left, next, no);
		ir_at(l->f, next);
		lower_condition(l, n->binary.right, yes, no);
		return;
	case OPERATOR_OR:
		next = ir_block(l->f);
		lower_condition(l, n->binary.left, yes, next);
		ir_at(l->f, next);
		lower_condition(l, n->binary.right, yes, no);
		return;
	default:
		break;
	}
	if (operator_compares(n->binary.op))
		condition_binary(l, n, yes, no);
	else
		lower_condition_of(l, lower_binary(l, n), yes, no);
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

#define BY_ZERO                                                                                 \
	"Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used " \
	"as the result."

static struct action *by_zero_action(struct lower *l, struct span at)
{
	struct script *s = l->script;
	struct action *a;

	for (size_t i = 0; i < s->action_count; i++) {
		a = s->actions[i];
		if (a->kind == ACTION_RUNTIME_ERROR && a->program == l->program &&
		    !memcmp(&a->span, &at, sizeof(at)))
			return a;
	}
	a = script_action(s, ACTION_RUNTIME_ERROR, at);
	if (a) {
		a->text = BY_ZERO;
		a->program = l->program;
	}
	return a;
}

static ir_reg divide(struct lower *l, enum ir_binary op, ir_reg a, const struct operand *b,
		     struct span at)
{
	ir_reg divisor = lower_operand_value(l, *b), result;
	u32 zero, some, join;
	struct action *action;

	if (b->is_constant && b->constant)
		return ir_binary(l->f, op, 64, a, divisor);
	zero = ir_block(l->f);
	some = ir_block(l->f);
	join = ir_block(l->f);
	result = ir_new(l->f);
	ir_branch_imm(l->f, IR_NE, 64, divisor, 0, some, zero);
	ir_at(l->f, zero);
	action = by_zero_action(l, at);
	if (action)
		lower_send_values(l, action, NULL, false);
	ir_set_imm(l->f, result, 1);
	ir_jump(l->f, join);
	ir_at(l->f, some);
	lower_join_value(l, result, ir_binary(l->f, op, 64, a, divisor), join);
	ir_at(l->f, join);
	return result;
}

static enum ir_binary binary_of(enum operator_kind op)
{
	switch (op) {
	case OPERATOR_ADD:
		return IR_ADD;
	case OPERATOR_SUBTRACT:
		return IR_SUB;
	case OPERATOR_MULTIPLY:
		return IR_MUL;
	case OPERATOR_DIVIDE:
		return IR_DIV;
	case OPERATOR_MODULO:
		return IR_MOD;
	case OPERATOR_BIT_AND:
		return IR_AND;
	case OPERATOR_BIT_OR:
		return IR_OR;
	case OPERATOR_BIT_XOR:
		return IR_XOR;
	case OPERATOR_SHIFT_LEFT:
		return IR_SHL;
	default:
		return IR_SHR;
	}
}

/* Elements, not bytes. What points to checked memory becomes a plain pointer on the way. */
static struct operand move_pointer(struct lower *l, enum operator_kind op, struct operand p,
				   struct operand by)
{
	u32 size = p.type->of && p.type->of->kind != TYPE_VOID ? MAX(p.type->of->size, 1u) : 1;
	ir_reg v = lower_operand_value(l, p), count = lower_operand_value(l, by);

	if (p.type->space == SPACE_TRUSTED || p.type->space == SPACE_CONTEXT ||
	    p.type->space == SPACE_OWN) {
		v = lower_as_number(l, v);
		p.type = type_in(l->script->arena, p.type, SPACE_KERNEL);
	}
	if (size > 1)
		count = ir_binary_imm(l->f, IR_MUL, 64, count, size);
	return operand_value(p.type, ir_binary(l->f, binary_of(op), 64, v, count));
}

static ir_reg number(struct lower *l, struct operand o)
{
	return comparable(l, o, false);
}

struct operand lower_binary_values(struct lower *l, enum operator_kind op, struct operand a,
				   struct operand b, const struct type *type, struct span at)
{
	ir_reg v, left;

	if (a.type->kind == TYPE_POINTER && b.type->kind != TYPE_POINTER &&
	    (op == OPERATOR_ADD || op == OPERATOR_SUBTRACT))
		return move_pointer(l, op, a, b);
	if (b.type->kind == TYPE_POINTER && a.type->kind != TYPE_POINTER && op == OPERATOR_ADD)
		return move_pointer(l, op, b, a);
	left = number(l, a);
	if (op == OPERATOR_DIVIDE || op == OPERATOR_MODULO)
		v = divide(l, binary_of(op), left, &b, at);
	else if (b.is_constant && b.constant == (s32)b.constant)
		v = ir_binary_imm(l->f, binary_of(op), 64, left, b.constant);
	else
		v = ir_binary(l->f, binary_of(op), 64, left, number(l, b));
	return operand_value(type, lower_narrow(l, v, NULL, type));
}

struct operand lower_binary(struct lower *l, const struct node *n)
{
	enum operator_kind op = n->binary.op;
	struct operand a, b;

	if (op == OPERATOR_AND || op == OPERATOR_OR || operator_compares(op)) {
		u32 yes = ir_block(l->f), no = ir_block(l->f);

		lower_condition(l, n, yes, no);
		return operand_value(n->type, lower_truth(l, yes, no));
	}
	a = lower_stable(l, lower_side(l, n->binary.left), n->binary.right);
	b = lower_side(l, n->binary.right);
	return lower_binary_values(l, op, a, b, n->type, n->span);
}

struct operand lower_unary(struct lower *l, const struct node *n)
{
	struct operand o;
	ir_reg v;
	u32 yes, no;

	switch (n->unary.op) {
	case OPERATOR_NOT:
		yes = ir_block(l->f);
		no = ir_block(l->f);
		lower_condition(l, n->unary.e, no, yes);
		return operand_value(n->type, lower_truth(l, yes, no));
	case OPERATOR_BIT_NOT:
	case OPERATOR_NEGATE:
		o = lower_side(l, n->unary.e);
		v = number(l, o);
		v = n->unary.op == OPERATOR_NEGATE ? ir_negate(l->f, 64, v)
						   : ir_binary_imm(l->f, IR_XOR, 64, v, -1);
		/* as wide as its operand: as a value on its own, the bits above are zero */
		if (narrow_result(n))
			v = ir_extend(l->f, 8 * narrow_result(n)->size, false, v);
		return operand_value(n->type, lower_narrow(l, v, NULL, n->type));
	case OPERATOR_DEREFERENCE:
		return lower_dereference(l, lower_expression(l, n->unary.e), n->span);
	default:
		return lower_increment(l, n, true);
	}
}
