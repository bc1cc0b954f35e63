/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known when compiled: of types (is_ptr ...), of the kernel (kfunc_exist), of the command
 * line (getopt) and of the configuration. Each becomes a literal, so that `if comptime` can decide
 * by it.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

const struct type *builtin_check_is_type(struct checker *c, struct node *n)
{
	const struct type *t = check_value_of(c, call_argument(n, 0));
	const char *what = call_name(n);
	bool integer = t->kind == TYPE_INTEGER || t->kind == TYPE_ENUM, yes;

	if (t->kind == TYPE_NONE)
		return &type_bool;
	if (strcmp(what, "is_str") == 0)
		yes = strcmp(type_base_name(t), "string") == 0;
	else if (strcmp(what, "is_ptr") == 0)
		yes = t->kind == TYPE_POINTER;
	else if (strcmp(what, "is_array") == 0)
		yes = t->kind == TYPE_ARRAY;
	else if (strcmp(what, "is_integer") == 0)
		yes = integer;
	else
		yes = integer && !t->is_signed;
	return tree_replace_bool(c, n, yes);
}

const struct type *builtin_check_is_literal(struct checker *c, struct node *n)
{
	struct node *a = call_argument(n, 0);

	check_value_of(c, a);
	return tree_replace_bool(
		c, n, a->kind == NODE_INTEGER || a->kind == NODE_STRING || a->kind == NODE_BOOL);
}

/* The last 4095 addresses are error numbers. */
struct operand builtin_emit_is_err(struct lower *l, const struct node *n)
{
	ir_reg v = lower_as_number(l, emit_argument(l, n, 0));

	v = ir_binary_imm(l->f, IR_ADD, 64, v, 4095);
	return operand_value(&type_bool, ir_compare_imm(l->f, IR_LT, 64, v, 4095));
}

/* Functions of the kernel that every sort of program may call. */
static const char *const common_functions[] = {
	"bpf_map_sum_elem_count", "bpf_iter_num_new",	 "bpf_iter_num_next",
	"bpf_iter_num_destroy",	  "bpf_rdonly_cast",	 "bpf_cast_to_kern_ctx",
	"bpf_rcu_read_lock",	  "bpf_rcu_read_unlock",
};

const struct type *builtin_check_kfunc(struct checker *c, struct node *n)
{
	const char *name;
	bool yes;
	u32 id;

	if (call_argument(n, 0)->kind != NODE_STRING)
		return check_error(c, n->span, "%s() accepts a string literal only", call_name(n));
	name = call_argument(n, 0)->string.bytes;
	yes = type_function(c->script->world, NULL, name, &id) != NULL;
	if (yes && strcmp(call_name(n), "kfunc_allowed") == 0) {
		yes = c->program->kind.type == BPF_PROG_TYPE_TRACING;
		for (size_t i = 0; i < ARRAY_SIZE(common_functions); i++)
			yes = yes || strcmp(common_functions[i], name) == 0;
	}
	return tree_replace_bool(c, n, yes);
}

/* ---- getopt ---------------------------------------------------------------------------------- */

/* What stands behind --name=, "" for --name alone, NULL when it was not given. */
static const char *named_argument(const struct script *s, const char *name)
{
	const struct script_arguments *a = &s->options->arguments;
	size_t len = strlen(name);
	const char *found = NULL;

	for (size_t i = 0; i < a->named_count; i++) {
		if (strncmp(a->named[i], name, len))
			continue;
		if (a->named[i][len] == '=')
			found = a->named[i] + len + 1;
		else if (!a->named[i][len])
			found = "";
	}
	return found;
}

static const struct type *getopt_bool(struct checker *c, struct node *n, const char *given,
				      bool standard)
{
	if (!given)
		return tree_replace_bool(c, n, standard);
	if (!*given || strcmp(given, "true") == 0 || strcmp(given, "1") == 0)
		return tree_replace_bool(c, n, true);
	if (strcmp(given, "false") == 0 || strcmp(given, "0") == 0)
		return tree_replace_bool(c, n, false);
	return check_error(c, n->span, "--%s expects a boolean (e.g. 'true'), not '%s'",
			   call_argument(n, 0)->string.bytes, given);
}

static const struct type *getopt_integer(struct checker *c, struct node *n, const char *given,
					 s64 standard)
{
	s64 value = standard, *keep;

	if (given && parse_s64(given, &value) < 0)
		return check_error(c, n->span, "--%s expects an integer, not '%s'",
				   call_argument(n, 0)->string.bytes, given);
	keep = arena_new_of(c->script->arena, s64);
	*keep = value;
	n->extra = keep;
	/* bpftrace gives what stands on the command line as unsigned */
	return value < 0 && !(given && c->script->options->as_bpftrace) ? &type_s64 : &type_u64;
}

const struct type *builtin_check_getopt(struct checker *c, struct node *n)
{
	struct node *standard = call_argument(n, 1), *help = call_argument(n, 2);
	const char *name, *given;
	s64 value;

	if (call_argument(n, 0)->kind != NODE_STRING)
		return check_error(c, call_argument(n, 0)->span,
				   "First argument to 'getopt' must be a string literal.");
	if (help && help->kind != NODE_STRING)
		return check_error(c, n->span,
				   "Function 'getopt' requires the third parameter to be a string");
	name = call_argument(n, 0)->string.bytes;
	given = named_argument(c->script, name);
	if (!standard)
		return getopt_bool(c, n, given, false);
	check_value_of(c, standard);
	if (standard->kind == NODE_BOOL)
		return getopt_bool(c, n, given, standard->boolean);
	if (standard->kind == NODE_STRING)
		return tree_replace_text(c, n, given ? given : standard->string.bytes);
	if (check_constant(standard, &value))
		return getopt_integer(c, n, given, value);
	return check_error(c, n->span,
			   "Second argument to 'getopt' must be a string literal, "
			   "integer literal, or a boolean literal.");
}

/* ---- the configuration ----------------------------------------------------------------------- */

const struct type *builtin_check_default_str_length(struct checker *c, struct node *n)
{
	return tree_replace(c, n, tree_integer(c, n, (s64)c->script->config.max_strlen));
}

struct setting {
	const char *name, *text;
	s64 number;
	enum node_kind kind;
};

#define FLAG(member)                                \
	{                                           \
#member, NULL, f->member, NODE_BOOL \
	}
#define NUMBER(member)                                      \
	{                                                   \
#member, NULL, (s64)f->member, NODE_INTEGER \
	}
#define TEXT(member, value)                    \
	{                                      \
#member, value, 0, NODE_STRING \
	}

/* config.max_strlen and so on: a record of literals. */
const struct type *builtin_check_config(struct checker *c, struct node *n)
{
	static const char *const modes[] = { "bpftrace", "perf", "raw", "build_id" };
	static const char *const missing[] = { "error", "warn", "ignore" };
	const struct config *f = &c->script->config;
	const struct setting settings[] = {
		FLAG(cpp_demangle),
		FLAG(lazy_symbolication),
		FLAG(print_maps_on_exit),
		FLAG(show_debug_info),
		NUMBER(log_size),
		NUMBER(max_bpf_progs),
		NUMBER(max_cat_bytes),
		NUMBER(max_map_keys),
		NUMBER(max_probes),
		NUMBER(max_strlen),
		NUMBER(on_stack_limit),
		NUMBER(perf_rb_pages),
		TEXT(str_trunc_trailer, f->str_trunc_trailer),
		TEXT(missing_probes, missing[f->missing_probes]),
		TEXT(stack_mode, modes[f->stack_mode]),
		TEXT(license, f->license),
	};
	struct node *record = tree_new(c, n, NODE_RECORD), **last = &record->record.members;

	record->record.count = ARRAY_SIZE(settings);
	record->record.names =
		arena_alloc(c->script->arena, ARRAY_SIZE(settings) * sizeof(const char *));
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *s = &settings[i];
		struct node *value;

		if (s->kind == NODE_STRING)
			value = tree_text(c, n, s->text ? s->text : "");
		else
			value = tree_integer(c, n, s->number);
		value->kind = s->kind;
		if (s->kind == NODE_BOOL)
			value->boolean = s->number != 0;
		record->record.names[i] = s->name;
		*last = value;
		last = &value->next;
	}
	return tree_replace(c, n, record);
}
