/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes the course of things: the end of the script, signals, the result of a kernel
 * function, another program's memory (all but exit only with --unsafe), and errors while
 * compiling.
 */
#include <ctype.h>
#include <linux/bpf.h>
#include <signal.h>

#include "lang/builtins/builtins.h"

/* ---- exit ------------------------------------------------------------------------------------ */

const struct type *builtin_check_exit(struct checker *c, struct node *n)
{
	struct node *code = call_argument(n, 0);
	struct action *a;

	/* bpftrace takes `return` there, and assert()'s own exit(), but not this */
	if (c->for_depth && c->script->options->as_bpftrace &&
	    !(code && !memcmp(&code->span, &n->span, sizeof(n->span))))
		return check_error(c, n->span, "'return' statement is not allowed in a for-loop");
	if (code && !check_integer_argument(c, n, 0))
		return &type_void;
	a = check_action(c, n, ACTION_EXIT);
	if (a && code && !a->argument_count)
		action_argument_add(c->script, a, "code", &type_s32, code);
	return &type_void;
}

/*
 * Told at once, and noted where all programs see it: blocks that run before user space has read the
 * record do nothing.
 */
struct operand builtin_emit_exit(struct lower *l, const struct node *n)
{
	struct node none = { .kind = NODE_RETURN, .span = n->span };
	const struct action *a = n->extra;
	struct operand code;
	ir_reg state;

	lower_at(l, n->span);
	if (a->argument_count)
		code = operand_value(&type_s64, emit_argument(l, n, 0));
	else
		code = operand_constant(l, &type_s64, 0);
	lower_send_values(l, a, &code, true);
	state = lower_own_map_value(l, OWN_STATE, 0);
	ir_store(l->f, 4, state, offsetof(struct script_state, exit_code),
		 lower_operand_value(l, code));
	ir_store_imm(l->f, 4, state, offsetof(struct script_state, exiting), 1);
	lower_statements(l, &none);
	return operand_none();
}

/* ---- signals --------------------------------------------------------------------------------- */

#define SIGNAL_MAX 64

static int signal_number(const char *name)
{
	char abbreviation[32];

	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *known = sigabbrev_np(i);

		if (known && strcasecmp(known, name) == 0)
			return i;
	}
	for (int i = SIGRTMIN; i <= SIGNAL_MAX; i++) {
		snprintf(abbreviation, sizeof(abbreviation), "RTMIN%s%.0d", i > SIGRTMIN ? "+" : "",
			 i - SIGRTMIN);
		if (strcasecmp(abbreviation, name) == 0)
			return i;
	}
	return 0;
}

static const struct type *check_signal_number(struct checker *c, struct node *n, s64 value)
{
	if (value < 1 || value > SIGNAL_MAX)
		return check_error(c, n->span,
				   "%s() accepts a string literal or an integer between 1 and %d "
				   "(inclusive)",
				   call_name(n), SIGNAL_MAX);
	return &type_void;
}

const struct type *builtin_check_signal(struct checker *c, struct node *n)
{
	struct node *a = call_argument(n, 0);
	const struct type *t;
	const char *name;
	s64 value;
	u32 len;

	if (c->program->provider->context == CONTEXT_NONE ||
	    c->program->provider->context == CONTEXT_ITERATOR)
		return check_error(c, n->span, "%s() can not be used for this probetype %s",
				   call_name(n),
				   c->program->provider->context == CONTEXT_NONE
					   ? "special"
					   : c->program->provider->name);
	t = check_value_of(c, a);
	if (check_constant_string(a, &name, &len)) {
		value = signal_number(name);
		if (!value)
			return check_error(c, n->span, "signal() got unknown signal: \"%s\"", name);
		return check_signal_number(c, n, value);
	}
	if (t->kind == TYPE_NONE)
		return &type_void;
	if (!type_is_integer(t))
		return check_error(c, n->span, "%s() accepts a string literal or an integer",
				   call_name(n));
	if (check_constant(a, &value))
		return check_signal_number(c, n, value);
	return &type_void;
}

struct operand builtin_emit_signal(struct lower *l, const struct node *n)
{
	struct node *a = call_argument(n, 0);
	bool thread = strcmp(call_name(n), "signal_thread") == 0;
	const char *name;
	ir_reg number;
	u32 len;

	if (check_constant_string(a, &name, &len))
		number = ir_const(l->f, signal_number(name));
	else
		number = lower_value(l, a);
	IR_CALL(l->f, thread ? BPF_FUNC_send_signal_thread : BPF_FUNC_send_signal, number);
	return operand_none();
}

/* ---- override, write_user, unwatch ----------------------------------------------------------- */

const struct type *builtin_check_override(struct checker *c, struct node *n)
{
	if (!check_context(c, n))
		return &type_void;
	if (!(c->program->provider->allows & ALLOWS_OVERRIDE)) {
		check_error(c, n->span, "override() can only be used inside kprobes");
		return &type_void;
	}
	check_integer_argument(c, n, 0);
	return &type_void;
}

struct operand builtin_emit_override(struct lower *l, const struct node *n)
{
	IR_CALL(l->f, BPF_FUNC_override_return, l->context, emit_argument(l, n, 0));
	return operand_none();
}

const struct type *builtin_check_write_user(struct checker *c, struct node *n)
{
	s64 length;

	for (unsigned i = 0; i < 2; i++)
		if (check_value_of(c, call_argument(n, i))->kind == TYPE_NONE)
			return &type_none;
	if (!check_integer_argument(c, n, 2))
		return &type_none;
	if (!check_constant(call_argument(n, 2), &length) || length < 1)
		return check_error(c, n->span, "write_user() expects a positive literal as length");
	return &type_bool;
}

/* The source must lie in our own memory and hold that many bytes. */
struct operand builtin_emit_write_user(struct lower *l, const struct node *n)
{
	struct node *source = call_argument(n, 1);
	enum address_space space;
	struct operand bytes;
	ir_reg to, from;
	s64 length = 0;

	check_constant(call_argument(n, 2), &length);
	to = emit_argument(l, n, 0);
	from = emit_address(l, source, &space);
	length = MIN(length, (s64)l->script->config.max_strlen);
	if (source->type->kind == TYPE_STRING || source->type->kind == TYPE_ARRAY)
		length = MIN(length, (s64)source->type->size);
	bytes = lower_temporary_bytes(l, (u32)length);
	lower_read(l, bytes, (u32)length, space == SPACE_OWN ? SPACE_KERNEL : space, from, n->span);
	return operand_value(&type_bool, ir_compare_imm(l->f, IR_EQ, 64,
							IR_CALL(l->f, BPF_FUNC_probe_write_user, to,
								operand_address(l, bytes),
								ir_const(l->f, length)),
							0));
}

const struct type *builtin_check_unwatch(struct checker *c, struct node *n)
{
	const struct type *t = check_value_of(c, call_argument(n, 0));
	struct action *a;

	if (t->kind == TYPE_NONE)
		return &type_void;
	if (t->kind != TYPE_POINTER && !type_is_integer(t)) {
		check_error(c, n->span, "unwatch() only supports int arguments (%s provided)",
			    type_base_name(t));
		return &type_void;
	}
	a = check_action(c, n, ACTION_UNWATCH);
	if (a && !a->argument_count)
		action_argument_add(c->script, a, NULL, &type_u64, call_argument(n, 0));
	return &type_void;
}

/* ---- fail, assert ---------------------------------------------------------------------------- */

static void add_literal(struct buf *b, const struct node *a)
{
	if (!a)
		return;
	if (a->kind == NODE_STRING)
		buf_add_str(b, a->string.bytes);
	else if (a->kind == NODE_BOOL)
		buf_add_str(b, a->boolean ? "true" : "false");
	else if (a->kind == NODE_INTEGER)
		buf_printf(b, "%lld", (long long)a->integer.value);
}

/* fail(): reached by the checker only where the code stays, so behind `if comptime`. */
const struct type *builtin_check_fail(struct checker *c, struct node *n)
{
	_cleanup_buf_ struct buf b = { 0 };
	const char *format, *p;
	unsigned next = 1;

	if (call_argument(n, 0)->kind != NODE_STRING) {
		check_error(c, n->span, "first argument to fail() must be a string literal");
		return &type_void;
	}
	for (unsigned i = 1; i < call_count(n); i++) {
		struct node *a = call_argument(n, i);

		check_value_of(c, a);
		if (a->kind != NODE_STRING && a->kind != NODE_INTEGER && a->kind != NODE_BOOL) {
			check_error(c, n->span, "fail() arguments need to be literals");
			return &type_void;
		}
	}
	format = call_argument(n, 0)->string.bytes;
	for (p = format; *p; p++) {
		if (*p != '%' || !p[1]) {
			buf_add_char(&b, *p);
		} else if (p[1] == '%') {
			buf_add_char(&b, *++p);
		} else {
			p += strcspn(p, "diuxXocsp");
			add_literal(&b, call_argument(n, next++));
			if (!*p)
				break;
		}
	}
	check_error(c, n->span, "%s", buf_str(&b));
	return &type_void;
}

const struct type *builtin_check_static_assert(struct checker *c, struct node *n)
{
	const char *text;
	s64 value;

	if (check_value_of(c, call_argument(n, 0))->kind == TYPE_NONE)
		return &type_void;
	if (!check_constant(call_argument(n, 0), &value)) {
		check_error(c, n->span, "static_assert() expects a condition known when compiled");
		return &type_void;
	}
	if (check_literal_text(c, n, 1, &text, NULL) && !value)
		check_error(c, n->span, "%s", text);
	return &type_void;
}

/* assert(c, m): if (!c) { errorf("assert failed: %s", m); exit(1); } */
const struct type *builtin_check_assert(struct checker *c, struct node *n)
{
	struct node *not = tree_new(c, n, NODE_UNARY), *test = tree_new(c, n, NODE_IF);
	struct node *inner = tree_new(c, n, NODE_BLOCK), *all = tree_new(c, n, NODE_BLOCK);
	struct node *say = tree_new(c, n, NODE_EXPRESSION), *end = tree_new(c, n, NODE_EXPRESSION);
	struct node *condition = call_argument(n, 0), *text = call_argument(n, 1);

	not ->unary.op = OPERATOR_NOT;
	not ->unary.e = condition;
	condition->next = NULL;
	say->e = tree_call(c, n, "errorf", 2, tree_text(c, n, "assert failed: %s"), text);
	end->e = tree_call(c, n, "exit", 1, tree_integer(c, n, 1));
	say->next = end;
	inner->block.statements = say;
	test->if_.condition = not ;
	test->if_.yes = inner;
	all->block.statements = test;
	tree_replace(c, n, all);
	return &type_void;
}
