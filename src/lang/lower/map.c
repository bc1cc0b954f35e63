// SPDX-License-Identifier: Apache-2.0
/*
 * Maps. A map without a key is the one value of an array, addressed directly, with a mark that it
 * was set; per CPU it is one such value for each. A map with keys is looked up and changed in
 * place; only a new key, or a value that does not fit a register, goes through an update.
 */
#include "lang/lower/internal.h"

#define VALUE_ON_STACK 16 /* bytes of zeros for a new element; larger ones are a literal */

bool map_is_scalar(const struct map *m)
{
	return m->form == MAP_SCALAR || m->form == MAP_SCALAR_PER_CPU;
}

bool map_is_per_cpu(const struct map *m)
{
	return m->form == MAP_SCALAR_PER_CPU || m->form == MAP_PER_CPU_HASH ||
	       m->form == MAP_PER_CPU_LRU;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static struct operand key_scalar(struct lower *l, struct map *m, struct operand to,
				 const struct node *key)
{
	struct operand value = lower_convert(l, lower_expression(l, key), m->key);
	u32 size = m->key->size;
	u64 bits = (u64)value.constant;

	if (value.is_constant && size < 8)
		bits &= (1ull << size * 8) - 1;
	if (value.is_constant && bits <= INT32_MAX) {
		ir_store_imm(l->f, 8, to.reg, to.offset, (s64)bits);
		return to;
	}
	if (size < 8)
		ir_store_imm(l->f, 8, to.reg, to.offset, 0);
	lower_store_register(l, to, lower_operand_value(l, value));
	return to;
}

/* May the bytes be the key where they lie? */
static bool is_key(const struct map *m, const struct operand *o)
{
	bool is_text = m->key->kind == TYPE_STRING || m->key->kind == TYPE_BUFFER;

	return o->in_memory && o->space == SPACE_OWN && (o->is_padded || !is_text) &&
	       !o->may_be_absent && !o->bit_size && type_equal(o->type, m->key) &&
	       type_stored_size(o->type) == m->key_size && !o->literal;
}

static void key_tail(struct lower *l, const struct map *m, struct operand to)
{
	u32 size = type_stored_size(m->key);

	if (size == m->key_size)
		return;
	operand_reach(l, &to, m->key_size);
	ir_store_imm(l->f, 8, to.reg, to.offset + (s32)m->key_size - 8, 0);
	if (m->key_size - (size & ~7u) > 8)
		lower_zero(l, operand_part(to, &type_u8, size), m->key_size - size);
}

struct operand lower_key(struct lower *l, struct map *m, const struct node *key)
{
	struct operand to, o;

	if (map_is_scalar(m) || !key || !m->key)
		return operand_none();
	if (type_in_register(m->key)) {
		to = operand_with(m->key, lower_temporary_bytes(l, m->key_size));
		operand_reach(l, &to, 8);
		return key_scalar(l, m, to, key);
	}
	if (key->kind != NODE_TUPLE && key->kind != NODE_RECORD) {
		l->padding++;
		o = lower_expression(l, key);
		l->padding--;
		if (is_key(m, &o))
			return o;
		to = operand_with(m->key, lower_temporary_bytes(l, m->key_size));
		key_tail(l, m, to);
		lower_store(l, to, o);
		return to;
	}
	to = operand_with(m->key, lower_temporary_bytes(l, m->key_size));
	key_tail(l, m, to);
	lower_into(l, to, key);
	return to;
}

/* ---- looking up ------------------------------------------------------------------------------ */

static ir_reg cpu_offset(struct lower *l, const struct map *m)
{
	ir_reg cpu = lower_cpu(l);

	if (m->stride & (m->stride - 1))
		return ir_binary_imm(l->f, IR_MUL, 64, cpu, m->stride);
	return ir_binary_imm(l->f, IR_SHL, 64, cpu, __builtin_ctz(m->stride));
}

ir_reg lower_lookup(struct lower *l, struct map *m, struct operand key)
{
	ir_reg base;

	if (!map_is_scalar(m))
		return IR_CALL(l->f, BPF_FUNC_map_lookup_elem, lower_map(l, m),
			       operand_address(l, key));
	base = ir_map_value(l->f, m->number, 0);
	if (m->form == MAP_SCALAR_PER_CPU)
		base = ir_binary(l->f, IR_ADD, 64, base, cpu_offset(l, m));
	return base;
}

/* Memory with zeros for a whole value of @m. */
static struct operand zero_value(struct lower *l, const struct map *m)
{
	struct operand to;
	char *zeros;

	if (m->value_size <= VALUE_ON_STACK) {
		to = lower_temporary_bytes(l, m->value_size);
		lower_zero(l, to, m->value_size);
		return to;
	}
	zeros = arena_alloc(l->script->arena, m->value_size);
	if (arena_error(l->script->arena))
		return lower_temporary_bytes(l, 8);
	return operand_literal(l, zeros, m->value_size);
}

ir_reg lower_lookup_or_make(struct lower *l, struct map *m, struct operand key, u32 absent,
			    struct span at)
{
	ir_reg found, place, err, map;
	u32 make, full, join, made, mark;

	if (map_is_scalar(m)) {
		place = lower_lookup(l, m, key);
		ir_store_imm(l->f, 4, place, (s32)m->set_offset, 1);
		return place;
	}
	make = ir_block(l->f);
	made = ir_block(l->f);
	full = ir_block(l->f);
	join = ir_block(l->f);
	place = ir_new(l->f);
	found = lower_lookup(l, m, key);
	ir_set(l->f, place, found);
	ir_branch_imm(l->f, IR_NE, 64, place, 0, join, make);

	ir_at(l->f, make);
	mark = lower_mark(l);
	map = lower_map(l, m);
	err = IR_CALL(l->f, BPF_FUNC_map_update_elem, map, operand_address(l, key),
		      operand_address(l, zero_value(l, m)), ir_const(l->f, BPF_NOEXIST));
	ir_set(l->f, place, lower_lookup(l, m, key));
	ir_branch_imm(l->f, IR_NE, 64, place, 0, made, full);
	ir_at(l->f, full);
	lower_helper_failed(l, LOSS_MAP_FULL, "map_update_elem", err, at, true);
	lower_release(l, mark);
	ir_jump(l->f, absent);
	ir_at(l->f, made);
	ir_jump(l->f, join);
	ir_at(l->f, join);
	return place;
}

/* ---- changing -------------------------------------------------------------------------------- */

static void update_element(struct lower *l, struct map *m, struct operand key, struct operand value,
			   struct span at)
{
	u32 bad = ir_block(l->f), good = ir_block(l->f);
	ir_reg err;

	if (!value.in_memory || value.space != SPACE_OWN || value.may_be_absent || value.bit_size ||
	    !type_equal(value.type, m->value) || type_stored_size(value.type) != m->value_size ||
	    (value.type->kind == TYPE_STRING && !value.is_padded)) {
		struct operand to = operand_with(m->value, lower_temporary_bytes(l, m->value_size));

		if (type_stored_size(m->value) != m->value_size)
			lower_zero(l, to, m->value_size);
		lower_store(l, to, value);
		value = to;
	}
	err = IR_CALL(l->f, BPF_FUNC_map_update_elem, lower_map(l, m), operand_address(l, key),
		      operand_address(l, value), ir_const(l->f, BPF_ANY));
	ir_branch_imm(l->f, IR_EQ, 64, err, 0, good, bad);
	ir_at(l->f, bad);
	lower_helper_failed(l, LOSS_MAP_FULL, "map_update_elem", err, at, true);
	ir_jump(l->f, good);
	ir_at(l->f, good);
}

void lower_update(struct lower *l, struct map *m, struct operand key, struct operand value,
		  struct span at)
{
	struct operand to;
	u32 absent;
	ir_reg place;

	if (!map_is_scalar(m) && !type_in_register(m->value)) {
		update_element(l, m, key, value, at);
		return;
	}
	if (type_in_register(m->value))
		value = lower_convert(l, value, m->value);
	absent = ir_block(l->f);
	place = lower_lookup_or_make(l, m, key, absent, at);
	to = operand_place(m->value, SPACE_OWN, place, 0);
	lower_store(l, to, value);
	ir_jump(l->f, absent);
	ir_at(l->f, absent);
}

static void delete_scalar(struct lower *l, struct map *m, ir_reg *ret_existed)
{
	u32 cpus = m->form == MAP_SCALAR_PER_CPU ? l->script->cpus : 1;
	u32 head = ir_block(l->f), out = ir_block(l->f);
	ir_reg i = ir_new(l->f), existed = ir_new(l->f), base, mark;
	struct operand to;

	ir_set_imm(l->f, i, 0);
	ir_set_imm(l->f, existed, 0);
	ir_jump(l->f, head);
	ir_at(l->f, head);
	base = ir_binary(l->f, IR_ADD, 64, ir_map_value(l->f, m->number, 0),
			 ir_binary_imm(l->f, IR_MUL, 64, i, m->stride));
	mark = ir_load(l->f, 4, false, base, (s32)m->set_offset);
	ir_set(l->f, existed, ir_binary(l->f, IR_OR, 64, existed, mark));
	to = operand_place(m->value, SPACE_OWN, base, 0);
	lower_zero(l, to, type_stored_size(m->value));
	ir_store_imm(l->f, 4, base, (s32)m->set_offset, 0);
	ir_set(l->f, i, ir_binary_imm(l->f, IR_ADD, 64, i, 1));
	ir_branch_imm(l->f, IR_LT, 64, i, cpus, head, out);
	ir_at(l->f, out);
	if (ret_existed)
		*ret_existed = existed;
}

void lower_delete(struct lower *l, struct map *m, struct operand key, ir_reg *ret_existed)
{
	ir_reg err;

	if (map_is_scalar(m)) {
		delete_scalar(l, m, ret_existed);
		return;
	}
	err = IR_CALL(l->f, BPF_FUNC_map_delete_elem, lower_map(l, m), operand_address(l, key));
	if (ret_existed)
		*ret_existed = ir_compare_imm(l->f, IR_EQ, 64, err, 0);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What is gathered while going over the CPUs. */
struct gathering {
	enum type_kind kind;
	bool is_signed;
	ir_reg total, count; /* MIN, MAX: the value, and whether there is one */
};

static void gather(struct lower *l, struct gathering *g, ir_reg place)
{
	ir_reg v = ir_load(l->f, 8, false, place, 0);
	u32 first, second, better, out;
	enum ir_condition c;

	if (g->kind != TYPE_MIN && g->kind != TYPE_MAX) {
		ir_set(l->f, g->total, ir_binary(l->f, IR_ADD, 64, g->total, v));
		if (g->kind == TYPE_AVG || g->kind == TYPE_STATS)
			ir_set(l->f, g->count,
			       ir_binary(l->f, IR_ADD, 64, g->count,
					 ir_load(l->f, 8, false, place, 8)));
		return;
	}
	first = ir_block(l->f);
	better = ir_block(l->f);
	out = ir_block(l->f);
	ir_branch_imm(l->f, IR_NE, 64, ir_load(l->f, 8, false, place, 8), 0, first, out);
	ir_at(l->f, first);
	if (g->kind == TYPE_MIN)
		c = g->is_signed ? IR_SLT : IR_LT;
	else
		c = g->is_signed ? IR_SGT : IR_GT;
	second = ir_block(l->f);
	ir_branch_imm(l->f, IR_EQ, 64, g->count, 0, better, second);
	ir_at(l->f, second);
	ir_branch(l->f, c, 64, v, g->total, better, out);
	ir_at(l->f, better);
	ir_set(l->f, g->total, v);
	ir_set_imm(l->f, g->count, 1);
	ir_jump(l->f, out);
	ir_at(l->f, out);
}

static ir_reg place_on(struct lower *l, const struct map *m, struct operand key, ir_reg cpu)
{
	if (map_is_scalar(m))
		return ir_binary(l->f, IR_ADD, 64, ir_map_value(l->f, m->number, 0),
				 ir_binary_imm(l->f, IR_MUL, 64, cpu, m->stride));
	return IR_CALL(l->f, BPF_FUNC_map_lookup_percpu_elem, lower_map(l, m),
		       operand_address(l, key), cpu);
}

static void gather_all(struct lower *l, struct gathering *g, const struct map *m,
		       struct operand key)
{
	u32 head = ir_block(l->f), there = ir_block(l->f), next = ir_block(l->f);
	u32 out = ir_block(l->f);
	ir_reg i = ir_new(l->f), place;

	ir_set_imm(l->f, i, 0);
	ir_jump(l->f, head);
	ir_at(l->f, head);
	place = place_on(l, m, key, i);
	ir_branch_imm(l->f, IR_NE, 64, place, 0, there, next);
	ir_at(l->f, there);
	gather(l, g, place);
	ir_jump(l->f, next);
	ir_at(l->f, next);
	ir_set(l->f, i, ir_binary_imm(l->f, IR_ADD, 64, i, 1));
	ir_branch_imm(l->f, IR_LT, 64, i, l->script->cpus, head, out);
	ir_at(l->f, out);
}

/* The quotient with the sign of the total. */
static ir_reg average(struct lower *l, const struct gathering *g)
{
	ir_reg result = ir_new(l->f), total = g->total;
	u32 minus = ir_block(l->f), plus = ir_block(l->f), join = ir_block(l->f);

	if (!g->is_signed) {
		ir_jump(l->f, plus);
	} else {
		ir_branch_imm(l->f, IR_SLT, 64, total, 0, minus, plus);
	}
	ir_at(l->f, minus);
	lower_join_value(
		l, result,
		ir_negate(l->f, 64,
			  ir_binary(l->f, IR_DIV, 64, ir_negate(l->f, 64, total), g->count)),
		join);
	ir_at(l->f, plus);
	lower_join_value(l, result, ir_binary(l->f, IR_DIV, 64, total, g->count), join);
	ir_at(l->f, join);
	return result;
}

struct operand lower_aggregate(struct lower *l, const struct map *m, struct operand key,
			       struct span at)
{
	struct gathering g = { .kind = m->value->kind };
	const struct type *type;

	g.is_signed = m->value->is_signed || m->value->aggregation.is_signed;
	type = g.is_signed ? &type_s64 : &type_u64;
	if (!map_is_scalar(m) && !script_kernel(l->script, 5, 19)) {
		lower_error(l, at,
			    "the value of %s is kept per CPU: reading it for a key inside of a "
			    "program needs Linux 5.19 (bpf_map_lookup_percpu_elem)",
			    m->name);
		return operand_constant(l, type, 0);
	}
	g.total = ir_new(l->f);
	g.count = ir_new(l->f);
	ir_set_imm(l->f, g.total, 0);
	ir_set_imm(l->f, g.count, 0);
	gather_all(l, &g, m, key);
	if (g.kind == TYPE_AVG || g.kind == TYPE_STATS)
		return operand_value(type, average(l, &g));
	return operand_value(type, g.total);
}

/* Under -k: a lookup that finds nothing is told. */
void lower_report_absent(struct lower *l, const struct map *m, ir_reg place, struct span at)
{
	u32 absent, join;

	if (!l->script->options->warnings || map_is_scalar(m))
		return;
	absent = ir_block(l->f);
	join = ir_block(l->f);
	ir_branch_imm(l->f, IR_NE, 64, place, 0, join, absent);
	ir_at(l->f, absent);
	lower_helper_error(l, "map_lookup_elem", ir_const(l->f, 0), at, false);
	ir_jump(l->f, join);
	ir_at(l->f, join);
}

struct operand lower_map_value(struct lower *l, struct map *m, const struct node *key,
			       struct span at)
{
	struct operand k = lower_key(l, m, key), o;

	if (type_is_aggregate(m->value))
		return lower_aggregate(l, m, k, at);
	o = operand_place(m->value, SPACE_OWN, lower_lookup(l, m, k), 0);
	lower_report_absent(l, m, o.reg, at);
	o.may_be_absent = !map_is_scalar(m);
	o.is_padded = m->value->kind == TYPE_STRING;
	/* it may change under a later statement: a number is read now */
	if (type_in_register(m->value))
		return operand_value(m->value, lower_operand_value(l, o));
	return o;
}
