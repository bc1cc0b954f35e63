/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a script says: printf and its like, print of values and maps, join, emit. Arguments are put
 * into the record as they are and formatted by user space; here conversions are held against types,
 * so that no record needs more than a look at its action.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"
#include "lang/builtins/format.h"

/* ---- formats --------------------------------------------------------------------------------- */

static bool conversion_fits(const struct conversion *v, const struct type *t)
{
	switch (*v->letters) {
	case 's':
		return t->kind != TYPE_VOID;
	case 'r':
		return t->kind == TYPE_BUFFER;
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'X':
	case 'o':
	case 'c':
	case 'p':
		return type_is_integer(t) || t->kind == TYPE_POINTER;
	case 'g':
		return v->len == 2 && (type_is_integer(t) || t->kind == TYPE_POINTER);
	default:
		return false;
	}
}

static bool check_conversions(struct checker *c, struct node *n, const char *format)
{
	unsigned given = call_count(n) - 1, wanted = 0;
	struct conversion v;
	const char *p = format;

	while (format_next(p, &v)) {
		struct node *a = call_argument(n, ++wanted);

		p = v.end;
		if (!a || !a->type || a->type->kind == TYPE_NONE)
			continue;
		if (conversion_fits(&v, a->type))
			continue;
		check_error(c, n->span, "unsupported format specifier for type '%s': %.*s",
			    type_text(c, a->type), (int)v.len, v.letters);
		return false;
	}
	if (wanted == given)
		return true;
	check_error(c, n->span, "%s arguments for format string (%u supplied, %u expected)",
		    given < wanted ? "not enough" : "too many", given, wanted);
	return false;
}

static const struct {
	const char *name;
	enum action_kind kind;
} formatted[] = {
	{ "printf", ACTION_PRINTF }, { "errorf", ACTION_ERRORF }, { "warnf", ACTION_WARNF },
	{ "system", ACTION_SYSTEM }, { "cat", ACTION_CAT },
};

const struct type *builtin_check_formatted(struct checker *c, struct node *n)
{
	enum action_kind kind = ACTION_PRINTF;
	const char *format;
	struct action *a;

	for (size_t i = 0; i < ARRAY_SIZE(formatted); i++)
		if (strcmp(formatted[i].name, call_name(n)) == 0)
			kind = formatted[i].kind;
	for (unsigned i = 1; i < call_count(n); i++)
		check_value_of(c, call_argument(n, i));
	if (!check_literal_text(c, n, 0, &format, NULL) || !check_conversions(c, n, format))
		return &type_void;
	a = check_action(c, n, kind);
	if (!a || a->format)
		return &type_void;
	a->format = format;
	for (unsigned i = 1; i < call_count(n); i++) {
		struct node *e = call_argument(n, i);

		action_argument_add(c->script, a, NULL, e->type, e);
	}
	return &type_void;
}

/* ---- print ----------------------------------------------------------------------------------- */

static void warn_loop(struct checker *c, struct node *n)
{
	if (c->final && c->loop_depth)
		diagnose_warning(c->script->diagnostics, n->span,
				 "user space reads the map when it gets to it: print() of a map in "
				 "a loop shows what later rounds made of it");
}

static const struct type *print_map(struct checker *c, struct node *n, struct node *a)
{
	struct map *m = check_whole_map(c, a);
	s64 top = 0, divisor = 0;
	struct action *action;

	if (!m)
		return &type_void;
	if (call_count(n) > 1 && !check_literal_integer(c, n, 1, &top))
		return &type_void;
	if (call_count(n) > 2 && !check_literal_integer(c, n, 2, &divisor))
		return &type_void;
	warn_loop(c, n);
	if (c->final && call_count(n) > 1 && m->value->kind == TYPE_STATS)
		diagnose_warning(c->script->diagnostics, n->span,
				 "print()'s top and div arguments are ignored when used on stats() "
				 "maps.");
	action = check_action(c, n, ACTION_PRINT_MAP);
	if (action) {
		action->map = m;
		action->top = top > 0 ? (u64)top : 0;
		action->divisor = divisor > 0 ? (u64)divisor : 0;
	}
	return &type_void;
}

/* An aggregation's value is read by user space, which adds up the CPUs. */
static const struct type *print_element(struct checker *c, struct node *n, struct node *a,
					const struct map *m)
{
	struct action *action;

	if (m->value->kind >= TYPE_HIST) {
		check_error(c, n->span,
			    "Map type %s cannot print the value of individual keys. You must print "
			    "the whole map.",
			    type_base_name(m->value));
		return &type_void;
	}
	action = check_action(c, n, ACTION_PRINT_ELEMENT);
	if (action && !action->argument_count) {
		action->map = (struct map *)m;
		action_argument_add(c->script, action, NULL, m->key, a->map.key);
	}
	return &type_void;
}

const struct type *builtin_check_print(struct checker *c, struct node *n)
{
	struct node *a = call_argument(n, 0);
	const struct type *t;
	const struct map *m;
	struct action *action;

	if (a->kind == NODE_MAP && !a->map.key)
		return print_map(c, n, a);
	t = check_expression(c, a);
	if (call_count(n) > 1) {
		check_error(c, n->span, "Non-map print() only takes 1 argument, %u found",
			    call_count(n));
		return &type_void;
	}
	m = a->kind == NODE_MAP ? a->symbol : NULL;
	if (m && m->key && type_is_aggregate(m->value))
		return print_element(c, n, a, m);
	if (t->kind == TYPE_NONE && c->script->diagnostics->errors)
		return &type_void; /* that was the reason */
	if (t->kind == TYPE_STRUCT && t->space == SPACE_CONTEXT &&
	    c->program->provider->context == CONTEXT_TRACEPOINT && a->kind == NODE_IDENTIFIER) {
		check_error(c, n->span, "%s type passed to print() is not printable",
			    type_text(c, t));
		return &type_void;
	}
	if (t->kind == TYPE_VOID || (t->kind == TYPE_NONE && c->final)) {
		check_error(c, n->span, "%s type passed to print() is not printable",
			    type_base_name(t));
		return &type_void;
	}
	action = check_action(c, n, ACTION_PRINT_VALUE);
	if (action && !action->argument_count)
		action_argument_add(c->script, action, NULL, t, a);
	return &type_void;
}

/* ---- join ------------------------------------------------------------------------------------ */

#define JOIN_WORDS 16
#define JOIN_SIZE 4096 /* bytes of all words with what stands between */

const struct type *builtin_check_join(struct checker *c, struct node *n)
{
	const struct type *t = check_value_of(c, call_argument(n, 0));
	const char *separator = " ";
	struct action *a;

	if (t->kind == TYPE_NONE)
		return &type_void;
	if (t->kind != TYPE_POINTER && !type_is_integer(t)) {
		check_error(c, n->span,
			    "join() only supports int or pointer arguments (%s provided)",
			    type_base_name(t));
		return &type_void;
	}
	if (call_count(n) > 1 && !check_literal_text(c, n, 1, &separator, NULL))
		return &type_void;
	a = check_action(c, n, ACTION_JOIN);
	if (a && !a->argument_count) {
		a->format = separator;
		action_argument_add(c->script, a, NULL, type_string(c->script->arena, JOIN_SIZE),
				    NULL);
	}
	return &type_void;
}

struct join {
	struct operand to; /* JOIN_SIZE bytes, and room for a word more */
	ir_reg base, length;
	u32 word_size, done;
	s32 read, read_text;
};

static void join_separator(struct lower *l, const struct join *j, const char *separator)
{
	ir_reg at = ir_binary(l->f, IR_ADD, 64, j->base, j->length);
	u32 len = (u32)MIN(strlen(separator), (size_t)32);

	for (u32 i = 0; i < len; i++)
		ir_store_imm(l->f, 1, at, (s32)i, (u8)separator[i]);
	ir_set(l->f, j->length, ir_binary_imm(l->f, IR_ADD, 64, j->length, len));
}

/* One word behind the others; the list ends at a pointer that is 0 or cannot be read. */
static void join_word(struct lower *l, const struct join *j, ir_reg argv, u32 i,
		      const char *separator)
{
	u32 word = ir_block(l->f), some = ir_block(l->f), room = ir_block(l->f);
	u32 slot = ir_slot(l->f, 8);
	ir_reg pointer, got;

	ir_store_imm(l->f, 8, ir_slot_address(l->f, slot, 0), 0, 0);
	IR_CALL(l->f, j->read, ir_slot_address(l->f, slot, 0), ir_const(l->f, 8),
		ir_binary_imm(l->f, IR_ADD, 64, argv, i * 8));
	pointer = ir_load(l->f, 8, false, ir_slot_address(l->f, slot, 0), 0);
	ir_slot_release(l->f, slot);
	ir_branch_imm(l->f, IR_EQ, 64, pointer, 0, j->done, word);
	ir_at(l->f, word);
	if (i)
		join_separator(l, j, separator);
	got = IR_CALL(l->f, j->read_text, ir_binary(l->f, IR_ADD, 64, j->base, j->length),
		      ir_const(l->f, j->word_size), pointer);
	ir_branch_imm(l->f, IR_SGT, 64, got, 0, some, j->done);
	ir_at(l->f, some);
	ir_set(l->f, j->length,
	       ir_binary(l->f, IR_ADD, 64, j->length, ir_binary_imm(l->f, IR_SUB, 64, got, 1)));
	ir_branch_imm(l->f, IR_LT, 64, j->length, JOIN_SIZE - 1, room, j->done);
	ir_at(l->f, room);
}

struct operand builtin_emit_join(struct lower *l, const struct node *n)
{
	const struct action *a = n->extra;
	enum address_space space;
	ir_reg argv, length;
	struct operand value;
	struct join j = { .word_size = (u32)MIN(l->script->config.max_strlen, 4096ULL) };

	argv = ir_new(l->f);
	ir_set(l->f, argv, emit_address(l, call_argument(n, 0), &space));
	j.read = space == SPACE_USER ? BPF_FUNC_probe_read_user : BPF_FUNC_probe_read_kernel;
	j.read_text = space == SPACE_USER ? BPF_FUNC_probe_read_user_str
					  : BPF_FUNC_probe_read_kernel_str;
	j.to = lower_temporary_bytes(l, JOIN_SIZE + 32 + j.word_size);
	j.base = operand_address(l, j.to);
	j.length = ir_new(l->f);
	j.done = ir_block(l->f);
	ir_set_imm(l->f, j.length, 0);
	ir_store_imm(l->f, 1, j.to.reg, j.to.offset, 0);
	for (u32 i = 0; i < JOIN_WORDS; i++)
		join_word(l, &j, argv, i, a->format);
	ir_jump(l->f, j.done);
	ir_at(l->f, j.done);
	length = emit_minimum(l, j.length, JOIN_SIZE - 1);
	ir_store_imm(l->f, 1, ir_binary(l->f, IR_ADD, 64, j.base, length), 0, 0);
	value = operand_place(a->arguments[0].type, SPACE_OWN, j.to.reg, j.to.offset);
	value.length = length;
	lower_send_values(l, a, &value, false);
	return operand_none();
}

/* ---- emit ------------------------------------------------------------------------------------ */

/* Can it be a column: a number, text, an address, a name that user space knows? */
static bool is_column(const struct type *t)
{
	switch (t->kind) {
	case TYPE_VOID:
	case TYPE_STRUCT:
	case TYPE_FUNCTION:
	case TYPE_TYPEINFO:
		return false;
	default:
		return !type_is_aggregate(t);
	}
}

const struct type *builtin_check_emit(struct checker *c, struct node *n)
{
	struct node *record = call_argument(n, 1), *e;
	const char *name;
	struct action *a;
	u32 i = 0;

	if (!check_literal_text(c, n, 0, &name, NULL))
		return &type_void;
	if (!record || record->kind != NODE_RECORD) {
		check_error(c, n->span,
			    "emit() expects a record of columns: emit(\"name\", (pid=pid, "
			    "file=str(args.filename)))");
		return &type_void;
	}
	for (e = record->record.members; e; e = e->next, i++) {
		const struct type *t = check_value_of(c, e);

		if (t->kind != TYPE_NONE && !is_column(t))
			check_error(c, e->span, "'%s' cannot be a column: it is a %s",
				    record->record.names[i], type_text(c, t));
	}
	a = check_action(c, n, ACTION_EMIT);
	if (!a || a->format)
		return &type_void;
	a->format = name;
	for (e = record->record.members, i = 0; e; e = e->next, i++)
		action_argument_add(c->script, a, record->record.names[i], e->type, e);
	return &type_void;
}
