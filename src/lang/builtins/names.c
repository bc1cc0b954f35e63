/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers by their names: strerror, signal_name, syscall_name. They are strings like any other (a
 * key, compared, printed): a table of all names lies in OWN_STRINGS once, a row of equal size for
 * each number, and its last row is for numbers that have none.
 */
#include "event/event.h"
#include "lang/builtins/builtins.h"

#define NAME_SIZE 64 /* of the type */
#define ERRORS 134
#define SIGNALS 65
#define SYSCALLS 512

const struct type *builtin_check_number_name(struct checker *c, struct node *n)
{
	if (!check_integer_argument(c, n, 0))
		return &type_none;
	return type_string(c->script->arena, NAME_SIZE);
}

/* The row of @number (0 <= number < rows), else the last. */
static struct operand table_row(struct lower *l, const struct node *n, const char *table, u32 rows,
				ir_reg number)
{
	struct operand t = operand_literal(l, table, (rows + 1) * NAME_SIZE - 1), o;
	ir_reg row = emit_minimum(l, number, rows);

	row = ir_binary_imm(l->f, IR_SHL, 64, row, 6);
	o = operand_place(n->type, SPACE_OWN,
			  ir_binary(l->f, IR_ADD, 64, operand_address(l, t), row), 0);
	o.is_padded = true;
	return o;
}

static char *new_table(struct lower *l, u32 rows)
{
	return arena_alloc(l->script->arena, (rows + 1) * NAME_SIZE);
}

static void set_row(char *table, u32 row, const char *name)
{
	snprintf(table + row * NAME_SIZE, NAME_SIZE, "%s", name);
}

/* The kernel's own numbers are negative: both signs mean the same. */
static ir_reg without_sign(struct lower *l, ir_reg v)
{
	u32 negative = ir_block(l->f), next = ir_block(l->f);
	ir_reg r = ir_new(l->f);

	ir_set(l->f, r, v);
	ir_branch_imm(l->f, IR_SLT, 64, r, 0, negative, next);
	ir_at(l->f, negative);
	ir_set(l->f, r, ir_negate(l->f, 64, r));
	ir_jump(l->f, next);
	ir_at(l->f, next);
	return r;
}

static ir_reg number(struct lower *l, const struct node *n)
{
	return ir_extend(l->f, 32, true, emit_argument(l, n, 0));
}

struct operand builtin_emit_strerror(struct lower *l, const struct node *n)
{
	char *table = new_table(l, ERRORS);

	for (u32 i = 0; i < ERRORS; i++) {
		const char *text = strerrordesc_np((int)i);

		set_row(table, i, text ? text : "Unknown error");
	}
	set_row(table, ERRORS, "Unknown error");
	return table_row(l, n, table, ERRORS, without_sign(l, number(l, n)));
}

/* The real-time signals begin at 34: glibc keeps two for itself. */
struct operand builtin_emit_signal_name(struct lower *l, const struct node *n)
{
	char *table = new_table(l, SIGNALS), text[NAME_SIZE];

	for (u32 i = 0; i < SIGNALS; i++) {
		const char *name = sigdescr_np((int)i);

		if (!name) {
			snprintf(text, sizeof(text),
				 i >= 34 ? "Real-time signal %u" : "Unknown signal %u",
				 i >= 34 ? i - 34 : i);
			name = text;
		}
		set_row(table, i, name);
	}
	set_row(table, SIGNALS, "N/A");
	return table_row(l, n, table, SIGNALS, number(l, n));
}

static const char *syscall_text(const struct kind *k, u32 number, struct buf *b)
{
	struct value v = { .class = VALUE_UNSIGNED, .u = number };
	struct column c = { 0 };

	buf_clear(b);
	if (k && k->format)
		k->format(&c, &v, b);
	return b->len && !str_starts(buf_str(b), "syscall_") ? buf_str(b) : "Unknown syscall";
}

struct operand builtin_emit_syscall_name(struct lower *l, const struct node *n)
{
	const struct kind *k = kind_find("syscall");
	char *table = new_table(l, SYSCALLS);
	_cleanup_buf_ struct buf b = { 0 };

	for (u32 i = 0; i < SYSCALLS; i++)
		set_row(table, i, syscall_text(k, i, &b));
	set_row(table, SYSCALLS, "Unknown syscall");
	return table_row(l, n, table, SYSCALLS, number(l, n));
}
