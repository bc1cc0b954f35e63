// SPDX-License-Identifier: Apache-2.0
/*
 * Members, elements and what pointers point to. None of it reads anything: the result is a place,
 * so that a.b.c[3].d is one address. What the verifier lets a program load by itself (its context,
 * BTF pointers) is loaded; where it does not (a variable index, a union among the members, a
 * pointer that was read and not handed over), the place becomes one that is read by a helper.
 */
#include "lang/lower/internal.h"

/* Does the member at @offset lie in a union? The verifier looks at its first member only. */
static bool crosses_union(struct lower *l, const struct type *t, u32 offset, unsigned depth)
{
	const struct members *m;

	if (t->kind != TYPE_STRUCT || depth > 16)
		return false;
	if (t->is_union)
		return true;
	m = type_members(l->script->world, t);
	for (u32 i = 0; m && i < m->count; i++) {
		const struct field *f = &m->fields[i];

		if (offset >= f->offset && offset - f->offset < f->type->size)
			return crosses_union(l, f->type, offset - f->offset, depth + 1);
	}
	return false;
}

/* The same place, read by a helper from now on. */
static struct operand by_helper(struct lower *l, struct operand o)
{
	if (o.space != SPACE_TRUSTED && o.space != SPACE_CONTEXT && o.space != SPACE_OWN)
		return o;
	o.reg = lower_as_number(l, o.reg);
	o.space = SPACE_KERNEL;
	return o;
}

static const struct type *inherit_space(struct lower *l, const struct type *t,
					enum address_space space)
{
	if (t->kind == TYPE_POINTER && space == SPACE_USER)
		return type_in(l->script->arena, t, SPACE_USER);
	return t;
}

/*
 * Pointers are the kernel's own word for what they point to in tracing programs only (tp_btf,
 * fentry, iter); a raw tracepoint is handed numbers.
 */
static enum address_space target_space(const struct lower *l, const struct type *pointer)
{
	if (pointer->space == SPACE_TRUSTED && l->program->kind.type != BPF_PROG_TYPE_TRACING)
		return SPACE_KERNEL;
	return pointer->space;
}

struct operand lower_dereference(struct lower *l, struct operand pointer, struct span at)
{
	const struct type *t = pointer.type;
	ir_reg base = lower_operand_value(l, pointer);

	struct operand o;

	if (t->kind != TYPE_POINTER || !t->of)
		o = operand_place(t, SPACE_KERNEL, base, 0);
	else
		o = operand_place(inherit_space(l, t->of, t->space), target_space(l, t), base, 0);
	o.at = at;
	return o;
}

/* The u32 says where in the record the bytes begin (low half), and how many they are. */
static struct operand data_loc(struct lower *l, struct operand o, const struct field *f)
{
	const struct type *type = f->type;
	ir_reg word, at;

	o.type = &type_u32;
	word = lower_operand_value(l, o);
	at = ir_binary_imm(l->f, IR_AND, 64, word, 0xffff);
	if (f->is_rel_loc) /* counted from behind the word */
		at = ir_binary_imm(l->f, IR_ADD, 64, at, (s32)f->offset + 4);
	at = ir_binary(l->f, IR_ADD, 64, lower_as_number(l, l->context), at);
	return operand_value(type, at);
}

/* Parameters lie in the context, 8 bytes each. */
static struct operand parameter(struct lower *l, const struct type *function, const char *name)
{
	const struct members *m = function->members;

	for (u32 i = 0; m && i < m->count; i++) {
		const struct field *f = &m->fields[i];

		if (f->name && !strcmp(f->name, name))
			return operand_place(f->type, SPACE_CONTEXT, l->context, (s32)i * 8);
	}
	return lower_zero_value(l, &type_u64);
}

/* An iterator's last run is handed NULL: there is nothing more to do in it. */
static struct operand iterated(struct lower *l, struct operand o)
{
	u32 there = ir_block(l->f), gone = ir_block(l->f);
	ir_reg value = lower_operand_value(l, o);

	ir_branch_imm(l->f, IR_NE, 64, value, 0, there, gone);
	ir_at(l->f, gone);
	lower_leave(l);
	ir_at(l->f, there);
	return operand_value(o.type, value);
}

/*
 * A field of a classic tracepoint that was attached as a raw one: its argument is that field, or a
 * struct pt_regs that has it.
 */
static bool raw_field(struct lower *l, const struct node *n, const struct type *t,
		      struct operand *ret)
{
	const struct script_program *p = l->program;
	struct raw_field raw;
	ir_reg value;

	if (p->provider->context != CONTEXT_RAW_ARGUMENTS ||
	    p->points[0]->provider->context != CONTEXT_TRACEPOINT ||
	    n->field.e->kind != NODE_IDENTIFIER ||
	    !attach_point_raw_field(p->points[0], n->field.name, 0, &raw))
		return false;
	value = ir_load(l->f, 8, false, l->context, raw.argument * 8);
	*ret = raw.in_registers ? operand_place(t, SPACE_KERNEL, value, raw.offset)
				: operand_value(t, value);
	ret->at = n->span;
	return true;
}

struct operand lower_field(struct lower *l, const struct node *n)
{
	bool place_only = l->place_only;
	struct operand o;
	struct field f;

	l->place_only = false;
	o = lower_expression(l, n->field.e);
	if (o.type->kind == TYPE_FUNCTION)
		return parameter(l, o.type, n->field.name);
	if (o.type->kind == TYPE_POINTER)
		o = lower_dereference(l, o, n->span);
	if (o.type->kind != TYPE_STRUCT ||
	    !type_field(l->script->world, o.type, n->field.name, &f, NULL)) {
		lower_error(l, n->span, "there is no member '%s'", n->field.name);
		return lower_zero_value(l, &type_u64);
	}
	if (o.space == SPACE_CONTEXT && raw_field(l, n, f.type, &o))
		return o;
	if (!place_only && o.space == SPACE_TRUSTED && crosses_union(l, o.type, f.offset, 0))
		o = by_helper(l, o);
	if (f.is_data_loc)
		return data_loc(l, operand_part(o, &type_u32, f.offset), &f);
	o = operand_part(o, inherit_space(l, f.type, o.space), f.offset);
	o.bit_offset = f.bit_offset;
	o.bit_size = f.bit_size;
	/* strings of tuples and map values were stored by lower_store() */
	o.is_padded = o.space == SPACE_OWN && o.type->kind == TYPE_STRING;
	o.at = n->span;
	if (o.space == SPACE_CONTEXT && o.type->kind == TYPE_POINTER &&
	    l->program->provider->context == CONTEXT_ITERATOR)
		return iterated(l, o);
	return o;
}

static struct operand member(struct lower *l, struct operand o, u32 number)
{
	const struct field *f;

	if (o.type->kind != TYPE_STRUCT || !o.in_memory || number >= o.type->members->count)
		return lower_zero_value(l, &type_u64);
	f = &o.type->members->fields[number];
	o = operand_part(o, f->type, f->offset);
	o.is_padded = o.space == SPACE_OWN && o.type->kind == TYPE_STRING;
	return o;
}

struct operand lower_element(struct lower *l, const struct node *n)
{
	return member(l, lower_expression(l, n->element.e), n->element.number);
}

static ir_reg scaled(struct lower *l, ir_reg index, u32 size)
{
	if (size <= 1)
		return index;
	if (!(size & (size - 1)))
		return ir_binary_imm(l->f, IR_SHL, 64, index, __builtin_ctz(size));
	return ir_binary_imm(l->f, IR_MUL, 64, index, size);
}

/* Memory of our own ends where it ends: an index beyond is an element that is not there. */
static struct operand own_element(struct lower *l, struct operand o, ir_reg index, u32 count)
{
	u32 there = ir_block(l->f), join = ir_block(l->f);
	ir_reg at = ir_new(l->f), base = lower_as_number(l, operand_address(l, o));
	u32 mark = lower_mark(l);
	struct operand to = lower_temporary(l, o.type);

	(void)mark; /* lives until the end of the statement */
	lower_zero(l, to, type_stored_size(o.type));
	ir_branch_imm(l->f, IR_LT, 64, index, count, there, join);
	ir_at(l->f, there);
	ir_set(l->f, at,
	       ir_binary(l->f, IR_ADD, 64, base, scaled(l, index, type_stored_size(o.type))));
	lower_read(l, to, type_stored_size(o.type), SPACE_KERNEL, at, l->at);
	ir_jump(l->f, join);
	ir_at(l->f, join);
	return to;
}

static struct operand array_element(struct lower *l, struct operand o, const struct type *of,
				    u32 count, struct operand index)
{
	u32 size = type_stored_size(of);

	if (!o.in_memory)
		return lower_zero_value(l, of);
	of = inherit_space(l, of, o.space);
	if (index.is_constant && (!count || (u64)index.constant < count) &&
	    (u64)index.constant * size < INT32_MAX / 2)
		return operand_part(o, of, (u32)index.constant * size);
	o.type = of;
	if (o.space == SPACE_OWN && !o.may_be_absent)
		return own_element(l, o, index.reg, count);
	if (o.may_be_absent)
		return lower_zero_value(l, of);
	o = by_helper(l, o);
	o.reg = ir_binary(l->f, IR_ADD, 64, operand_address(l, o), scaled(l, index.reg, size));
	o.offset = 0;
	return o;
}

/* A value of a map that may not be there is copied, so that it can be indexed. */
static struct operand present(struct lower *l, struct operand o)
{
	return o.may_be_absent && !type_in_register(o.type) ? lower_convert(l, o, o.type) : o;
}

struct operand lower_index(struct lower *l, const struct node *n)
{
	struct operand o = present(l, lower_expression(l, n->index.e));
	struct operand i = lower_expression(l, n->index.index);
	const struct type *t = o.type;

	i.reg = lower_operand_value(l, i);
	o.at = n->span;
	switch (t->kind) {
	case TYPE_ARRAY:
		return array_element(l, o, t->of, t->count, i);
	case TYPE_STRING:
		return array_element(l, o, n->type->size == 1 ? n->type : &type_s8, t->size, i);
	case TYPE_STRUCT:
		if (t->is_tuple && i.is_constant)
			return member(l, o, (u32)i.constant);
		break;
	case TYPE_POINTER:
		o = operand_place(t, target_space(l, t), lower_operand_value(l, o), 0);
		o.at = n->span;
		return array_element(l, o, t->of, 0, i);
	default:
		break;
	}
	return lower_zero_value(l, n->type);
}

/* ---- casts ----------------------------------------------------------------------------------- */

/* An integer's bytes as an array. */
static struct operand to_array(struct lower *l, struct operand o, const struct type *type)
{
	struct operand to;

	if (!type_in_register(o.type))
		return operand_with(type, o);
	to = lower_temporary_bytes(l, MAX(type->size, 8u));
	lower_zero(l, to, MAX(type->size, 8u));
	lower_store_register(l, operand_with(&type_u64, to), lower_operand_value(l, o));
	return operand_with(type, to);
}

static struct operand from_array(struct lower *l, struct operand o, const struct type *type)
{
	u32 size = o.type->size >= 8 ? 8 : o.type->size >= 4 ? 4 : o.type->size >= 2 ? 2 : 1;

	o.type = type_integer(MIN(size, MAX(type->size, 1u)), false);
	return lower_convert(l, operand_value(o.type, lower_operand_value(l, o)), type);
}

static struct operand to_pointer(struct lower *l, struct operand o, const struct type *type)
{
	bool same = o.type->kind == TYPE_POINTER && type_equal(o.type->of, type->of);
	enum address_space space = type->space;

	if (!same && (space == SPACE_TRUSTED || space == SPACE_CONTEXT))
		space = SPACE_KERNEL;
	if (o.type->kind == TYPE_POINTER && space == SPACE_NONE)
		space = o.type->space == SPACE_USER ? SPACE_USER : SPACE_KERNEL;
	return operand_value(type_in(l->script->arena, type, space), lower_operand_value(l, o));
}

struct operand lower_cast(struct lower *l, const struct node *n)
{
	struct operand o = lower_side(l, n->cast.e);
	const struct type *t = n->type;

	if (t->kind == TYPE_POINTER)
		return to_pointer(l, o, t);
	if (type_in_register(t) && o.in_memory &&
	    (o.type->kind == TYPE_ARRAY || o.type->kind == TYPE_STRING))
		return from_array(l, present(l, o), t);
	if (t->kind == TYPE_ARRAY)
		return to_array(l, present(l, o), t);
	if (t->kind == TYPE_STRING && o.in_memory && o.type->kind == TYPE_ARRAY)
		return operand_with(t->size ? t : type_string(l->script->arena, o.type->size), o);
	if (type_in_register(t))
		return lower_convert(l, o, t);
	return t->kind == TYPE_STRUCT && !t->is_tuple && !t->is_record ? operand_with(t, o)
								       : lower_convert(l, o, t);
}
