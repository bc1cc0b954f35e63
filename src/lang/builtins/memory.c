/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from elsewhere: str() up to a NUL, buf() so many, path() as the kernel names it. The
 * address space of what is given decides how it is read; kptr() and uptr() say which it is.
 * Integers of a probe in user code are taken for user addresses.
 *
 * A length that is known when compiled sizes the value; another one is cut to max_strlen. A
 * string's length counts its NUL: str(p, 6) reads five characters.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

static u32 string_limit(const struct script *s)
{
	return (u32)s->config.max_strlen;
}

/* What a string has room for: max_strlen bytes of text, and the NUL that bpftrace does without. */
static u32 string_room(const struct script *s)
{
	return string_limit(s) ? string_limit(s) + 1 : 1;
}

static bool is_readable(const struct type *t)
{
	return t->kind == TYPE_STRING || t->kind == TYPE_POINTER || t->kind == TYPE_ARRAY ||
	       type_is_integer(t);
}

/*
 * The length argument: a constant (cut to @limit, with a warning) in *@ret, or *@ret_dynamic.
 */
static bool length_argument(struct checker *c, struct node *n, u32 limit, u32 *ret,
			    bool *ret_dynamic)
{
	s64 value;

	*ret_dynamic = false;
	if (!check_integer_argument(c, n, 1))
		return false;
	if (!check_constant(call_argument(n, 1), &value)) {
		*ret_dynamic = true;
		*ret = limit;
		return true;
	}
	if (value < 0) {
		check_error(c, n->span, "%s cannot use negative length (%lld)", call_name(n),
			    (long long)value);
		return false;
	}
	if ((value > (s64)limit || (value == (s64)limit && call_name(n)[0] == 's')) && c->final)
		diagnose_warning(
			c->script->diagnostics, n->span,
			"length param (%lld) is too long and will be shortened to %u bytes "
			"(see BPFTRACE_MAX_STRLEN)",
			(long long)value, limit);
	*ret = (u32)MIN(value, UINT16_MAX);
	return true;
}

/* ---- str ------------------------------------------------------------------------------------- */

/* A number, or a positional parameter whatever it looks like, is text as it was written. */
static void literal_to_text(struct checker *c, struct node *a)
{
	const struct script_arguments *given = &c->script->options->arguments;
	const char *text = NULL;

	if (a->kind == NODE_PARAMETER && a->parameter.number) {
		text = a->parameter.number > given->count
			       ? ""
			       : given->positional[a->parameter.number - 1];
	} else if (a->kind == NODE_INTEGER && !a->symbol) {
		text = arena_printf(c->script->arena, a->integer.is_negative ? "%lld" : "%llu",
				    (unsigned long long)a->integer.value);
	}
	if (text)
		tree_replace_text(c, a, text);
}

const struct type *builtin_check_str(struct checker *c, struct node *n)
{
	u32 limit = string_limit(c->script), size = string_room(c->script), wanted;
	struct node *a = call_argument(n, 0);
	const struct type *t;
	bool dynamic;

	literal_to_text(c, a);
	t = check_value_of(c, a);
	if (a->kind == NODE_INTEGER) {
		literal_to_text(c, a);
		t = a->type;
	}
	if (t->kind == TYPE_NONE)
		return &type_none;
	/* an array of char is a string already; a field of no known length is not */
	if (!is_readable(t) || (t->kind == TYPE_ARRAY && t->size))
		return check_error(c, n->span,
				   "str() expects a string, integer or a pointer type as first "
				   "argument (%s provided)",
				   type_text(c, t));
	if (call_count(n) > 1) {
		if (!length_argument(c, n, limit, &wanted, &dynamic))
			return &type_none;
		if (!dynamic && wanted < limit)
			size = wanted + 1;
	} else if (a->kind == NODE_STRING) {
		size = t->size;
	} else if (t->kind == TYPE_STRING && t->size) {
		size = MIN(t->size, size);
	}
	return type_string(c->script->arena, size);
}

static s32 read_helper(const struct lower *l, enum address_space space, bool string)
{
	if (space == SPACE_NONE && l->program->provider->allows & ALLOWS_USER_PLACE)
		space = SPACE_USER;
	switch (space) {
	case SPACE_USER:
		return string ? BPF_FUNC_probe_read_user_str : BPF_FUNC_probe_read_user;
	case SPACE_NONE:
		return string ? BPF_FUNC_probe_read_str : BPF_FUNC_probe_read;
	default:
		return string ? BPF_FUNC_probe_read_kernel_str : BPF_FUNC_probe_read_kernel;
	}
}

/*
 * A length that is known only now counts the NUL, too.
 */
static struct operand read_some(struct lower *l, const struct node *n, u32 size,
				enum address_space space, ir_reg from)
{
	struct operand to = lower_temporary(l, n->type);
	u32 failed = ir_block(l->f), next = ir_block(l->f);
	ir_reg want = emit_minimum(l, emit_argument(l, n, 1), size);
	ir_reg got;

	ir_store_imm(l->f, 1, to.reg, to.offset, 0);
	got = ir_new(l->f);
	ir_set(l->f, got,
	       IR_CALL(l->f, read_helper(l, space, true), operand_address(l, to), want, from));
	to.length = ir_new(l->f);
	ir_set(l->f, to.length, ir_binary_imm(l->f, IR_SUB, 64, got, 1));
	ir_branch_imm(l->f, IR_SLE, 64, got, 0, failed, next);
	ir_at(l->f, failed);
	ir_set_imm(l->f, to.length, 0);
	ir_store_imm(l->f, 1, to.reg, to.offset, 0);
	ir_jump(l->f, next);
	ir_at(l->f, next);
	to.length = emit_minimum(l, to.length, size - 1);
	return to;
}

struct operand builtin_emit_str(struct lower *l, const struct node *n)
{
	struct node *a = call_argument(n, 0);
	u32 size = n->type->size;
	enum address_space space;
	ir_reg from;
	s64 length;

	if (call_count(n) == 1 && a->type->kind == TYPE_STRING && a->type->size &&
	    a->type->size <= size)
		return lower_expression(l, a);
	from = emit_address(l, a, &space);
	if (a->type->size && (a->type->kind == TYPE_STRING || a->type->kind == TYPE_ARRAY))
		size = MIN(size, a->type->size + 1);
	if (call_count(n) > 1 && !check_constant(call_argument(n, 1), &length))
		return read_some(l, n, size, space, from);
	if (call_count(n) > 1 && a->kind != NODE_STRING)
		size = (u32)MIN((s64)size, MAX(length, 1));
	return lower_read_string(l, size, space == SPACE_OWN ? SPACE_KERNEL : space, from, n->span);
}

/* ---- buf ------------------------------------------------------------------------------------- */

#define BUFFER_HEADER sizeof(u32)

/* Bytes: bpftrace counts the length that lies before them, too. */
static u32 buffer_limit(const struct script *s)
{
	u32 limit = string_limit(s);

	return limit > BUFFER_HEADER ? limit - BUFFER_HEADER : 0;
}

const struct type *builtin_check_buf(struct checker *c, struct node *n)
{
	u32 limit = buffer_limit(c->script), size = limit;
	const struct type *t = check_value_of(c, call_argument(n, 0));
	bool dynamic;

	if (t->kind == TYPE_NONE)
		return &type_none;
	if (!is_readable(t))
		return check_error(c, n->span,
				   "buf() expects an integer, string, or array argument but saw %s",
				   type_base_name(t));
	if (call_count(n) > 1) {
		if (!length_argument(c, n, limit, &size, &dynamic))
			return &type_none;
		size = MIN(size, limit);
	} else if (t->kind == TYPE_ARRAY || t->kind == TYPE_STRING) {
		size = MIN(t->size, limit);
	} else {
		return check_error(c, n->span,
				   "buf() expects a length argument for non-array type %s",
				   type_base_name(t));
	}
	return type_buffer(c->script->arena, MAX(size, 1u));
}

struct operand builtin_emit_buf(struct lower *l, const struct node *n)
{
	struct node *a = call_argument(n, 0);
	u32 room = n->type->size;
	struct operand to, bytes;
	enum address_space space;
	ir_reg from, length;
	s64 constant;

	to = lower_temporary(l, n->type);
	bytes = operand_part(to, n->type, BUFFER_HEADER);
	from = emit_address(l, a, &space);
	if (call_count(n) > 1 && !check_constant(call_argument(n, 1), &constant)) {
		room = MIN(room, buffer_limit(l->script));
		length = emit_minimum(l, emit_argument(l, n, 1), room);
		lower_zero(l, bytes, room);
		IR_CALL(l->f, read_helper(l, space, false), operand_address(l, bytes), length,
			from);
	} else {
		room = MIN(room, buffer_limit(l->script));
		if (call_count(n) > 1)
			room = (u32)MIN((s64)room, constant);
		length = ir_const(l->f, room);
		lower_read(l, bytes, room, space == SPACE_OWN ? SPACE_KERNEL : space, from,
			   n->span);
	}
	emit_store(l, to, 0, 4, length);
	return to;
}

/* ---- kptr, uptr, bswap ----------------------------------------------------------------------- */

const struct type *builtin_check_kptr(struct checker *c, struct node *n)
{
	const struct type *t = check_value_of(c, call_argument(n, 0));
	enum address_space space = call_name(n)[0] == 'u' ? SPACE_USER : SPACE_KERNEL;

	if (t->kind == TYPE_NONE)
		return &type_none;
	if (t->kind != TYPE_POINTER && !type_is_integer(t))
		return check_error(c, n->span,
				   "%s() only supports integer or pointer arguments (%s provided)",
				   call_name(n), type_base_name(t));
	return type_in(c->script->arena, t, space);
}

struct operand builtin_emit_kptr(struct lower *l, const struct node *n)
{
	return operand_value(n->type, emit_argument(l, n, 0));
}

const struct type *builtin_check_bswap(struct checker *c, struct node *n)
{
	const struct type *t = check_value_of(c, call_argument(n, 0));

	if (t->kind == TYPE_NONE)
		return &type_none;
	if (!type_is_integer(t) || t->kind == TYPE_BOOL)
		return check_error(c, n->span,
				   "bswap() only supports integer arguments (%s provided)",
				   type_base_name(t));
	return type_integer(t->size, false);
}

struct operand builtin_emit_bswap(struct lower *l, const struct node *n)
{
	ir_reg v = emit_argument(l, n, 0);

	if (n->type->size == 1)
		return operand_value(n->type, ir_extend(l->f, 8, false, v));
	return operand_value(n->type, ir_byte_swap(l->f, n->type->size * 8, v));
}

/* ---- path ------------------------------------------------------------------------------------ */

const struct type *builtin_check_path(struct checker *c, struct node *n)
{
	const struct type *t;
	u32 size = string_limit(c->script);
	bool dynamic = false;

	if (!(c->program->provider->allows & ALLOWS_D_PATH))
		return check_error(c, n->span,
				   "The path function can only be used with 'fentry', "
				   "'fexit', 'iter' probes");
	if (c->program->provider->context == CONTEXT_ITERATOR &&
	    !check_kernel(c, n, "path() in an iterator", 5, 12))
		return &type_none;
	t = check_value_of(c, call_argument(n, 0));
	if (t->kind == TYPE_NONE)
		return &type_none;
	if (t->kind != TYPE_POINTER && t->kind != TYPE_STRUCT)
		return check_error(c, n->span,
				   "path() only supports pointer or C type argument (%s provided)",
				   type_base_name(t));
	if (call_count(n) > 1 && (!length_argument(c, n, size, &size, &dynamic) || dynamic))
		return check_error(c, n->span,
				   "path: invalid size value, need non-negative literal");
	return type_string(c->script->arena, MAX(size, 1u));
}

struct operand builtin_emit_path(struct lower *l, const struct node *n)
{
	struct operand to = lower_temporary(l, n->type);
	u32 failed = ir_block(l->f), next = ir_block(l->f);
	struct operand from;
	ir_reg got, path;

	/* the helper takes the kernel's own pointer, also to a member of a union (6.13) */
	l->place_only = true;
	from = lower_expression(l, call_argument(n, 0));
	l->place_only = false;
	path = from.in_memory && from.type && from.type->kind == TYPE_STRUCT
		       ? operand_address(l, from)
		       : lower_operand_value(l, from);
	got = IR_CALL(l->f, BPF_FUNC_d_path, path, operand_address(l, to),
		      ir_const(l->f, n->type->size));
	ir_branch_imm(l->f, IR_SLT, 64, got, 0, failed, next);
	ir_at(l->f, failed);
	ir_store_imm(l->f, 1, to.reg, to.offset, 0);
	ir_jump(l->f, next);
	ir_at(l->f, next);
	return to;
}
