/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings looked into: length, compare, search, join. Where a helper of the kernel can do the work
 * it does: probe_read_kernel_str() of our own memory is strlen() and strcpy() in one, without a
 * loop that the verifier must follow. Searching is in search.c.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

#define CONCAT_SIZE 1024
#define SEARCH_LIMIT 32768 /* rounds times the needle's room, when it is not known */

/* Is it text: a string, an array of char, a pointer to char? */
bool type_is_text(const struct type *t)
{
	if (t->kind == TYPE_STRING)
		return true;
	return (t->kind == TYPE_ARRAY || t->kind == TYPE_POINTER) && t->of &&
	       t->of->kind == TYPE_INTEGER && t->of->size == 1;
}

const struct type *check_text_argument(struct checker *c, struct node *n, unsigned i)
{
	const struct type *t = check_value_of(c, call_argument(n, i));

	if (t->kind == TYPE_NONE)
		return NULL;
	if (type_is_text(t))
		return t;
	check_error(c, n->span,
		    "%s() expects a string, an array or a pointer of char (%s provided)",
		    call_name(n), type_text(c, t));
	return NULL;
}

/* ---- length ---------------------------------------------------------------------------------- */

const struct type *builtin_check_strlen(struct checker *c, struct node *n)
{
	return check_text_argument(c, n, 0) ? &type_u64 : &type_none;
}

/* Bytes of @o without its NUL, at most @capacity - 1, in a register that the verifier can bound. */
ir_reg emit_length(struct lower *l, struct operand o, u32 capacity)
{
	struct operand copy;
	ir_reg got;

	if (o.literal)
		return ir_const(l->f, (s64)strnlen(o.literal, o.literal_len));
	if (o.length)
		return emit_minimum(l, o.length, capacity - 1);
	copy = lower_temporary_bytes(l, capacity);
	got = IR_CALL(l->f, BPF_FUNC_probe_read_kernel_str, operand_address(l, copy),
		      ir_const(l->f, capacity), operand_address(l, o));
	return emit_minimum(l, ir_binary_imm(l->f, IR_SUB, 64, got, 1), capacity - 1);
}

struct operand builtin_emit_strlen(struct lower *l, const struct node *n)
{
	u32 capacity;
	struct operand o = emit_string(l, call_argument(n, 0), &capacity);

	return operand_value(&type_u64, emit_length(l, o, capacity));
}

/* What there is room for; of a pointer, the length. */
const struct type *builtin_check_strcap(struct checker *c, struct node *n)
{
	const struct type *t = check_text_argument(c, n, 0);
	s64 *keep;

	if (!t)
		return &type_none;
	if (t->kind == TYPE_POINTER)
		return tree_replace(c, n, tree_call(c, n, "strlen", 1, call_argument(n, 0)));
	keep = arena_new_of(c->script->arena, s64);
	*keep = t->size;
	n->extra = keep;
	return &type_u64;
}

/* ---- compare --------------------------------------------------------------------------------- */

const struct type *builtin_check_strncmp(struct checker *c, struct node *n)
{
	s64 count;

	for (unsigned i = 0; i < 2; i++) {
		const struct type *t = check_value_of(c, call_argument(n, i));

		if (t->kind == TYPE_NONE)
			return &type_none;
		if (!type_is_text(t))
			return check_error(c, n->span,
					   "strncmp() only supports string arguments (%s provided)",
					   type_base_name(t));
	}
	check_value_of(c, call_argument(n, 2));
	if (!check_constant(call_argument(n, 2), &count) || count < 0)
		return check_error(c, n->span, "Builtin strncmp requires a non-negative literal");
	return &type_u64;
}

struct operand builtin_emit_strncmp(struct lower *l, const struct node *n)
{
	u32 left_size, right_size, size;
	struct operand left = emit_string(l, call_argument(n, 0), &left_size);
	struct operand right = emit_string(l, call_argument(n, 1), &right_size);
	ir_reg equal;
	s64 count = 0;

	check_constant(call_argument(n, 2), &count);
	size = MIN(left_size, right_size);
	size = (u32)MIN(count, (s64)size);
	if (!size)
		return operand_constant(l, &type_u64, 0);
	equal = lower_equal_bytes(l, left, right, size, true);
	return operand_value(&type_u64, ir_binary_imm(l->f, IR_XOR, 64, equal, 1));
}

const struct type *builtin_check_memcmp(struct checker *c, struct node *n)
{
	for (unsigned i = 0; i < 2; i++)
		if (check_value_of(c, call_argument(n, i))->kind == TYPE_NONE)
			return &type_none;
	if (!check_integer_argument(c, n, 2))
		return &type_none;
	return &type_s32;
}

/* The difference of the first bytes that differ, as signed char. */
struct operand builtin_emit_memcmp(struct lower *l, const struct node *n)
{
	struct operand left = lower_in_memory(l, lower_expression(l, call_argument(n, 0)));
	struct operand right = lower_in_memory(l, lower_expression(l, call_argument(n, 1)));
	u32 size = MIN(type_stored_size(left.type), type_stored_size(right.type));
	ir_reg count = emit_minimum(l, emit_argument(l, n, 2), size);
	u32 head = ir_block(l->f), body = ir_block(l->f), end = ir_block(l->f);
	u32 same = ir_block(l->f);
	ir_reg i = ir_new(l->f), result = ir_new(l->f), x = operand_address(l, left);
	ir_reg y = operand_address(l, right), a, b;

	ir_set_imm(l->f, i, 0);
	ir_set_imm(l->f, result, 0);
	ir_jump(l->f, head);
	ir_at(l->f, head);
	ir_branch(l->f, IR_LT, 64, i, count, body, end);
	ir_at(l->f, body);
	a = ir_load(l->f, 1, true, ir_binary(l->f, IR_ADD, 64, x, i), 0);
	b = ir_load(l->f, 1, true, ir_binary(l->f, IR_ADD, 64, y, i), 0);
	ir_set(l->f, result, ir_binary(l->f, IR_SUB, 64, a, b));
	ir_set(l->f, i, ir_binary_imm(l->f, IR_ADD, 64, i, 1));
	ir_branch_imm(l->f, IR_EQ, 64, result, 0, same, end);
	ir_at(l->f, same);
	ir_branch_imm(l->f, IR_LT, 64, i, size, head, end);
	ir_at(l->f, end);
	return operand_value(&type_s32, result);
}

/* ---- join ------------------------------------------------------------------------------------ */

const struct type *builtin_check_str_concat(struct checker *c, struct node *n)
{
	if (!check_text_argument(c, n, 0) || !check_text_argument(c, n, 1))
		return &type_none;
	return type_string(c->script->arena, CONCAT_SIZE);
}

/*
 * Twice the room, so that the second may start anywhere and the verifier need not relate the
 * two.
 */
struct operand builtin_emit_str_concat(struct lower *l, const struct node *n)
{
	u32 left_size, right_size;
	struct operand left = emit_string(l, call_argument(n, 0), &left_size);
	struct operand right = emit_string(l, call_argument(n, 1), &right_size);
	struct operand to = lower_temporary_bytes(l, CONCAT_SIZE * 2);
	ir_reg start = operand_address(l, to), got, length, second;

	left_size = MIN(left_size, (u32)CONCAT_SIZE);
	right_size = MIN(right_size, (u32)CONCAT_SIZE);
	got = IR_CALL(l->f, BPF_FUNC_probe_read_kernel_str, start, ir_const(l->f, left_size),
		      operand_address(l, left));
	length = emit_minimum(l, ir_binary_imm(l->f, IR_SUB, 64, got, 1), CONCAT_SIZE - 1);
	second = ir_binary(l->f, IR_ADD, 64, start, length);
	got = IR_CALL(l->f, BPF_FUNC_probe_read_kernel_str, second, ir_const(l->f, right_size),
		      operand_address(l, right));
	got = emit_minimum(l, ir_binary_imm(l->f, IR_SUB, 64, got, 1), CONCAT_SIZE - 1);
	length = ir_binary(l->f, IR_ADD, 64, length, got);
	ir_store_imm(l->f, 1, to.reg, to.offset + CONCAT_SIZE - 1, 0);
	to.type = n->type;
	to.length = emit_minimum(l, length, CONCAT_SIZE - 1);
	return to;
}
