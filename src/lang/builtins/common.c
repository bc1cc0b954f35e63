/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at the arguments of a call, and saying what is wrong with them. Every message names the
 * function first, as bpftrace does; errors are given in the last round only (check_error), when all
 * types are known.
 */
#include "lang/builtins/builtins.h"

struct node *call_argument(const struct node *n, unsigned i)
{
	struct node *a;

	if (n->kind != NODE_CALL)
		return NULL;
	for (a = n->call.arguments; a && i; i--)
		a = a->next;
	return a;
}

unsigned call_count(const struct node *n)
{
	return n->kind == NODE_CALL ? n->call.count : 0;
}

const char *call_name(const struct node *n)
{
	return n->kind == NODE_CALL ? n->call.name : n->identifier.name;
}

const char *call_word(const struct node *n, unsigned i)
{
	const struct node *a = call_argument(n, i);

	return a && a->kind == NODE_IDENTIFIER ? a->identifier.name : NULL;
}

static const char *const base_names[] = {
	[TYPE_NONE] = "none",
	[TYPE_VOID] = "void",
	[TYPE_BOOL] = "bool",
	[TYPE_INTEGER] = "int",
	[TYPE_ENUM] = "enum",
	[TYPE_POINTER] = "pointer",
	[TYPE_STRING] = "string",
	[TYPE_BUFFER] = "buffer",
	[TYPE_ARRAY] = "array",
	[TYPE_STRUCT] = "c_type",
	[TYPE_FUNCTION] = "function",
	[TYPE_KSTACK] = "kstack",
	[TYPE_USTACK] = "ustack",
	[TYPE_KSYM] = "ksym_t",
	[TYPE_USYM] = "usym_t",
	[TYPE_INET] = "inet",
	[TYPE_MAC] = "mac_address",
	[TYPE_TIMESTAMP] = "timestamp",
	[TYPE_CGROUP_PATH] = "cgroup_path_t",
	[TYPE_USERNAME] = "username_t",
	[TYPE_STRERROR] = "string",
	[TYPE_SYSCALL_NAME] = "string",
	[TYPE_SIGNAL_NAME] = "string",
	[TYPE_TYPEINFO] = "typeinfo",
	[TYPE_COUNT] = "count_t",
	[TYPE_SUM] = "sum_t",
	[TYPE_MIN] = "min_t",
	[TYPE_MAX] = "max_t",
	[TYPE_AVG] = "avg_t",
	[TYPE_STATS] = "stats_t",
	[TYPE_HIST] = "hist_t",
	[TYPE_LHIST] = "lhist_t",
	[TYPE_TSERIES] = "tseries_t",
};

const char *type_base_name(const struct type *t)
{
	if (t->kind == TYPE_STRUCT && t->is_tuple)
		return "tuple";
	if (t->kind == TYPE_STRUCT && t->is_record)
		return "record";
	if ((size_t)t->kind >= ARRAY_SIZE(base_names) || !base_names[t->kind])
		return "value";
	return base_names[t->kind];
}

const char *type_text(struct checker *c, const struct type *t)
{
	_cleanup_buf_ struct buf b = { 0 };

	type_print(t, &b);
	return arena_strndup(c->script->arena, buf_str(&b), b.len);
}

const struct type *check_value_of(struct checker *c, struct node *a)
{
	const struct type *t = check_expression(c, a);

	if (t->kind == TYPE_NONE && c->final && !c->script->diagnostics->errors)
		return check_error(c, a->span, "This has no value that a function could be given");
	return t;
}

bool check_literal_text(struct checker *c, struct node *n, unsigned i, const char **ret,
			u32 *ret_len)
{
	struct node *a = call_argument(n, i);
	const struct type *t = check_value_of(c, a);
	u32 len;

	if (check_constant_string(a, ret, ret_len ? ret_len : &len))
		return true;
	/* str($1) is known too */
	if (a->kind == NODE_CALL && !strcmp(a->call.name, "str") && a->call.count == 1 &&
	    check_constant_string(a->call.arguments, ret, ret_len ? ret_len : &len))
		return true;
	if (t->kind != TYPE_NONE)
		check_error(c, n->span, "%s() expects a string literal (%s provided)", call_name(n),
			    type_base_name(t));
	return false;
}

const struct type *check_integer_argument(struct checker *c, struct node *n, unsigned i)
{
	struct node *a = call_argument(n, i);
	const struct type *t = check_value_of(c, a);

	if (t->kind == TYPE_NONE)
		return NULL;
	if (type_is_integer(t) && t->kind != TYPE_BOOL)
		return t;
	check_error(c, n->span, "%s() only supports int arguments (%s provided)", call_name(n),
		    type_base_name(t));
	return NULL;
}

bool check_literal_integer(struct checker *c, struct node *n, unsigned i, s64 *ret)
{
	struct node *a = call_argument(n, i);
	const struct type *t = check_value_of(c, a);

	if (check_constant(a, ret))
		return true;
	if (t->kind != TYPE_NONE)
		check_error(c, n->span, "%s() expects a int literal (%s provided)", call_name(n),
			    type_base_name(t));
	return false;
}

bool check_context(struct checker *c, struct node *n)
{
	if (!c->callback_depth)
		return true;
	check_error(c, n->span, "'%s' builtin is not allowed in a for-loop", call_name(n));
	return false;
}

bool check_kernel(struct checker *c, struct node *n, const char *what, unsigned a, unsigned b)
{
	if (script_kernel(c->script, a, b))
		return true;
	check_error(c, n->span, "%s needs Linux %u.%u or newer", what, a, b);
	return false;
}

enum address_space space_of(const struct script_program *p, const struct type *t)
{
	if (t->space != SPACE_NONE)
		return t->space;
	if (p && p->provider && p->provider->allows & ALLOWS_USER_PLACE)
		return SPACE_USER;
	return SPACE_KERNEL;
}
