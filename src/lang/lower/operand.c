// SPDX-License-Identifier: Apache-2.0
/*
 * Operands: making them, their value in a register, conversions between types. A place is read only
 * when its value is asked for, so that a chain of members is one address and one read.
 */
#include "lang/lower/internal.h"

struct operand operand_none(void)
{
	return (struct operand){ .type = &type_none };
}

struct operand operand_value(const struct type *t, ir_reg reg)
{
	return (struct operand){ .type = t, .reg = reg };
}

struct operand operand_constant(struct lower *l, const struct type *t, s64 value)
{
	return (struct operand){
		.type = t, .reg = ir_const(l->f, value), .is_constant = true, .constant = value
	};
}

struct operand operand_place(const struct type *t, enum address_space space, ir_reg base,
			     s32 offset)
{
	return (struct operand){
		.type = t, .in_memory = true, .reg = base, .offset = offset, .space = space
	};
}

struct operand operand_with(const struct type *type, struct operand o)
{
	o.type = type;
	return o;
}

struct operand operand_part(struct operand o, const struct type *type, u32 offset)
{
	struct operand part = operand_place(type, o.space, o.reg, o.offset + (s32)offset);

	part.may_be_absent = o.may_be_absent;
	return part;
}

ir_reg operand_address(struct lower *l, struct operand o)
{
	if (!o.in_memory)
		return lower_operand_value(l, o);
	return o.offset ? ir_binary_imm(l->f, IR_ADD, 64, o.reg, o.offset) : o.reg;
}

void operand_reach(struct lower *l, struct operand *o, u32 size)
{
	if (o->offset >= -OFFSET_MAX && o->offset + (s64)size <= OFFSET_MAX)
		return;
	o->reg = ir_binary_imm(l->f, IR_ADD, 64, o->reg, o->offset);
	o->offset = 0;
}

/* Two negations: the result is no pointer any more for the verifier of any kernel. */
ir_reg lower_as_number(struct lower *l, ir_reg address)
{
	return ir_negate(l->f, 64, ir_negate(l->f, 64, address));
}

u32 lower_join_value(struct lower *l, ir_reg result, ir_reg value, u32 join)
{
	ir_set(l->f, result, value);
	ir_jump(l->f, join);
	return join;
}

enum address_space lower_space(const struct lower *l, enum address_space space)
{
	if (space != SPACE_NONE)
		return space;
	if (l->program && l->program->provider && l->program->provider->allows & ALLOWS_USER_PLACE)
		return SPACE_USER;
	return SPACE_NONE;
}

/* ---- loads ----------------------------------------------------------------------------------- */

static bool plain_load(const struct operand *o)
{
	return o->space == SPACE_OWN || o->space == SPACE_CONTEXT || o->space == SPACE_TRUSTED;
}

static u32 load_size(const struct operand *o)
{
	u32 size = o->bit_size ? (o->bit_offset + o->bit_size + 7u) / 8 : o->type->size;

	if (o->bit_size && size < o->type->size)
		size = o->type->size;
	for (u32 n = 1; n < 8; n *= 2)
		if (size <= n)
			return n;
	return 8;
}

static ir_reg take_bits(struct lower *l, const struct operand *o, ir_reg v)
{
	if (o->bit_offset)
		v = ir_binary_imm(l->f, IR_SHR, 64, v, o->bit_offset);
	if (o->bit_size >= 64)
		return v;
	return ir_binary_imm(l->f, IR_AND, 64, v, (s64)((1ull << o->bit_size) - 1));
}

static ir_reg load_plain(struct lower *l, struct operand o)
{
	u32 size = load_size(&o);
	bool is_signed = o.type->is_signed && !o.bit_size && size == o.type->size;

	operand_reach(l, &o, size);
	return ir_load(l->f, size, is_signed, o.reg, o.offset);
}

/* BTF pointers may be NULL, and on some kernels the verifier wants it to be looked at. */
static ir_reg load_guarded(struct lower *l, struct operand o)
{
	ir_reg result = ir_new(l->f);
	u32 there = ir_block(l->f), join = ir_block(l->f);

	ir_set_imm(l->f, result, 0);
	ir_branch_imm(l->f, IR_NE, 64, o.reg, 0, there, join);
	ir_at(l->f, there);
	lower_join_value(l, result, load_plain(l, o), join);
	ir_at(l->f, join);
	return result;
}

static struct span place_of(const struct lower *l, const struct operand *o)
{
	return o->at.source ? o->at : l->at;
}

static ir_reg load_read(struct lower *l, struct operand o)
{
	u32 size = load_size(&o), mark = lower_mark(l);
	struct operand to = lower_temporary_bytes(l, 8);
	ir_reg v;

	/* a bit-field whose bytes are no power of two: what is beyond is not read */
	if (o.bit_size && (o.bit_offset + o.bit_size + 7u) / 8 > o.type->size) {
		ir_store_imm(l->f, 8, to.reg, to.offset, 0);
		lower_read(l, to, (o.bit_offset + o.bit_size + 7u) / 8, o.space,
			   operand_address(l, o), place_of(l, &o));
	} else {
		lower_read(l, to, size, o.space, operand_address(l, o), place_of(l, &o));
	}
	to.type = o.type;
	to.bit_size = o.bit_size;
	to.bit_offset = o.bit_offset;
	v = load_plain(l, to);
	lower_release(l, mark);
	return v;
}

ir_reg lower_operand_value(struct lower *l, struct operand o)
{
	ir_reg v;

	if (!o.in_memory)
		return o.reg ? o.reg : ir_const(l->f, 0);
	/* what a loop over a map has put together */
	if (type_is_aggregate(o.type))
		return load_plain(l, operand_with(&type_u64, o));
	/* an array or a struct as a number is its address */
	if (!type_in_register(o.type))
		return o.space == SPACE_TRUSTED || o.space == SPACE_CONTEXT
			       ? lower_as_number(l, operand_address(l, o))
			       : operand_address(l, o);
	if (o.space == SPACE_TRUSTED || o.may_be_absent)
		v = load_guarded(l, o);
	else if (plain_load(&o))
		v = load_plain(l, o);
	else
		v = load_read(l, o);
	return o.bit_size ? take_bits(l, &o, v) : v;
}

ir_reg lower_value(struct lower *l, const struct node *n)
{
	return lower_operand_value(l, lower_expression(l, n));
}

/* ---- conversions ----------------------------------------------------------------------------- */

static bool holds(const struct type *to, const struct type *from)
{
	if (to->size >= 8 || !type_in_register(from))
		return to->size >= 8;
	if (from->kind == TYPE_BOOL)
		return true;
	if (from->size < to->size)
		return !from->is_signed || to->is_signed;
	return from->size == to->size && from->is_signed == to->is_signed;
}

ir_reg lower_narrow(struct lower *l, ir_reg v, const struct type *from, const struct type *to)
{
	if (to->kind == TYPE_BOOL)
		return from && from->kind == TYPE_BOOL ? v : ir_compare_imm(l->f, IR_NE, 64, v, 0);
	if (!to->size || to->size >= 8 || (from && holds(to, from)))
		return v;
	return ir_extend(l->f, to->size * 8, to->is_signed, v);
}

static s64 narrow_constant(s64 v, const struct type *to)
{
	unsigned shift = 64 - to->size * 8;

	if (to->kind == TYPE_BOOL)
		return v != 0;
	if (!to->size || to->size >= 8)
		return v;
	return to->is_signed ? (s64)((u64)v << shift) >> shift : (s64)((u64)v << shift >> shift);
}

static bool pointer_is_plain(const struct type *t)
{
	return t->kind != TYPE_POINTER ||
	       (t->space != SPACE_TRUSTED && t->space != SPACE_CONTEXT && t->space != SPACE_OWN);
}

static struct operand convert_scalar(struct lower *l, struct operand o, const struct type *type)
{
	ir_reg v;

	if (o.is_constant && !o.in_memory)
		return operand_constant(l, type, narrow_constant(o.constant, type));
	v = lower_operand_value(l, o);
	if (o.type->kind == TYPE_POINTER && type->kind != TYPE_POINTER && !pointer_is_plain(o.type))
		v = lower_as_number(l, v);
	return operand_value(type,
			     lower_narrow(l, v, type_in_register(o.type) ? o.type : NULL, type));
}

struct operand lower_convert(struct lower *l, struct operand o, const struct type *type)
{
	struct operand to;

	if (type_in_register(type))
		return convert_scalar(l, o, type);
	if (o.in_memory && o.space == SPACE_OWN && !o.may_be_absent && type_equal(o.type, type))
		return operand_with(type, o);
	to = lower_temporary(l, type);
	lower_store(l, to, o);
	to.is_padded = true;
	return to;
}

struct operand lower_zero_value(struct lower *l, const struct type *type)
{
	struct operand to;

	if (type_in_register(type))
		return operand_constant(l, type, 0);
	to = lower_temporary(l, type);
	lower_zero(l, to, type_stored_size(type));
	to.is_padded = true;
	return to;
}

/* ---- stores ---------------------------------------------------------------------------------- */

void lower_store_register(struct lower *l, struct operand to, ir_reg value)
{
	u32 size = to.type->size;

	if (size != 1 && size != 2 && size != 4)
		size = 8;
	operand_reach(l, &to, size);
	ir_store(l->f, size, to.reg, to.offset, value);
}

static void store_scalar(struct lower *l, struct operand to, struct operand value)
{
	u32 size = to.type->size;

	value = lower_convert(l, value, to.type);
	if (size != 1 && size != 2 && size != 4)
		size = 8;
	if (!value.is_constant || value.constant != (s32)value.constant) {
		lower_store_register(l, to, value.reg);
		return;
	}
	operand_reach(l, &to, size);
	ir_store_imm(l->f, size, to.reg, to.offset, value.constant);
}

static bool has_gaps(const struct type *t)
{
	u32 sum = 0;

	for (u32 i = 0; i < t->members->count; i++)
		sum += type_stored_size(t->members->fields[i].type);
	return sum != t->size;
}

void lower_zero_gaps(struct lower *l, struct operand to)
{
	if (has_gaps(to.type))
		lower_zero(l, to, to.type->size);
}

static bool is_tuple(const struct type *t)
{
	return t->kind == TYPE_STRUCT && (t->is_tuple || t->is_record);
}

static void store_tuple(struct lower *l, struct operand to, struct operand value)
{
	u32 count = MIN(to.type->members->count, value.type->members->count);

	lower_zero_gaps(l, to);
	for (u32 i = 0; i < count; i++) {
		const struct field *f = &to.type->members->fields[i];
		const struct field *from = &value.type->members->fields[i];
		struct operand part = operand_part(value, from->type, from->offset);

		part.is_padded = true; /* whatever is in a tuple was stored by this very function */
		lower_store(l, operand_part(to, f->type, f->offset), part);
	}
}

static void store_buffer(struct lower *l, struct operand to, struct operand value)
{
	u32 room = type_stored_size(to.type), has = type_stored_size(value.type);

	if (value.type->kind != TYPE_BUFFER) {
		lower_zero(l, to, room);
		return;
	}
	if (has < room)
		lower_zero(l, to, room);
	lower_copy(l, to, value, MIN(room, has));
}

/* A whole struct, array or value of several words. */
static void store_bytes(struct lower *l, struct operand to, struct operand value)
{
	u32 room = type_stored_size(to.type), has = type_stored_size(value.type);
	u32 size = MIN(room, has);

	if (!value.in_memory) {
		lower_zero(l, to, room);
		if (room >= 8)
			lower_store_register(l, operand_with(&type_u64, to),
					     lower_operand_value(l, value));
		if (room >= 16 && type_is_aggregate(to.type)) /* a count of 1, "is set" */
			store_scalar(l, operand_part(to, &type_u64, 8),
				     operand_constant(l, &type_u64, 1));
		return;
	}
	if (size < room)
		lower_zero(l, to, room);
	if (value.space == SPACE_OWN)
		lower_copy(l, to, value, size);
	else
		lower_read(l, to, size, value.space, operand_address(l, value),
			   place_of(l, &value));
}

static void store_present(struct lower *l, struct operand to, struct operand value)
{
	const struct type *t = to.type;

	if (t->kind == TYPE_STRING)
		lower_store_string(l, to, value);
	else if (is_tuple(t) && is_tuple(value.type) && !type_equal(t, value.type))
		store_tuple(l, to, value);
	else if (t->kind == TYPE_BUFFER)
		store_buffer(l, to, value);
	else
		store_bytes(l, to, value);
}

void lower_store(struct lower *l, struct operand to, struct operand value)
{
	u32 there, absent, join;

	if (type_in_register(to.type)) {
		store_scalar(l, to, value);
		return;
	}
	if (!value.may_be_absent) {
		store_present(l, to, value);
		return;
	}
	there = ir_block(l->f);
	absent = ir_block(l->f);
	join = ir_block(l->f);
	value.may_be_absent = false;
	ir_branch_imm(l->f, IR_NE, 64, value.reg, 0, there, absent);
	ir_at(l->f, absent);
	lower_zero(l, to, type_stored_size(to.type));
	ir_jump(l->f, join);
	ir_at(l->f, there);
	store_present(l, to, value);
	ir_jump(l->f, join);
	ir_at(l->f, join);
}
