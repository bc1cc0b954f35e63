// SPDX-License-Identifier: Apache-2.0
/*
 * Types as the language's messages write them. An unnamed struct is written with the types of its
 * members, which are read for it; how deep that goes has a limit.
 */
#include "lang/types/internal.h"

static const char *const plain[] = {
	[TYPE_NONE] = "none",
	[TYPE_VOID] = "void",
	[TYPE_BOOL] = "bool",
	[TYPE_FUNCTION] = "function",
	[TYPE_KSYM] = "ksym_t",
	[TYPE_USYM] = "usym_t",
	[TYPE_MAC] = "mac_address",
	[TYPE_TIMESTAMP] = "timestamp",
	[TYPE_CGROUP_PATH] = "cgroup_path_t",
	[TYPE_USERNAME] = "username_t",
	/* texts of user space's making, for whoever asks a text of that room */
	[TYPE_STRERROR] = "string[64]",
	[TYPE_SYSCALL_NAME] = "string[64]",
	[TYPE_SIGNAL_NAME] = "string[64]",
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

static void print(const struct type *t, unsigned depth, struct buf *b);

static void print_members(const struct type *t, unsigned depth, struct buf *b)
{
	const struct type_origin *o = t->origin;

	if (!t->members->complete && o)
		type_members(o->world, t);
	for (u32 i = 0; i < t->members->count; i++) {
		const struct field *f = &t->members->fields[i];

		if (t->is_record)
			buf_printf(b, "%s.%s = ", i ? ", " : "", f->name);
		else if (i)
			buf_add_char(b, ',');
		print(f->type, depth + 1, b);
	}
}

static void print_struct(const struct type *t, unsigned depth, struct buf *b)
{
	const char *word = t->is_union ? "union" : "struct";

	if (t->is_tuple) {
		buf_add_char(b, '(');
		print_members(t, depth, b);
		buf_add_char(b, ')');
	} else if (t->is_record) {
		buf_add_str(b, "record { ");
		print_members(t, depth, b);
		buf_add_str(b, " }");
	} else if (t->name) {
		buf_printf(b, "%s %s", word, t->name);
	} else {
		buf_printf(b, "%s {", word);
		print_members(t, depth, b);
		buf_add_char(b, '}');
	}
}

static void print_stack(const struct type *t, struct buf *b)
{
	static const char *const modes[] = { "bpftrace", "perf", "raw", "build_id" };

	buf_printf(b, "%s_%s_%u", t->kind == TYPE_KSTACK ? "kstack" : "ustack",
		   modes[MIN((size_t)t->stack_mode, ARRAY_SIZE(modes) - 1)], t->stack_depth);
}

static void print(const struct type *t, unsigned depth, struct buf *b)
{
	if (depth > TYPE_DEPTH_MAX) {
		buf_add_str(b, "...");
		return;
	}
	switch (t->kind) {
	case TYPE_INTEGER:
		buf_printf(b, "%sint%u", t->is_signed ? "" : "u", t->size * 8);
		break;
	case TYPE_ENUM:
		buf_printf(b, "enum %s", t->name ? t->name : "(unnamed)");
		break;
	case TYPE_POINTER:
		print(t->of, depth + 1, b);
		buf_add_str(b, " *");
		break;
	case TYPE_STRING:
		buf_printf(b, t->size ? "string[%u]" : "string", t->size);
		break;
	case TYPE_BUFFER:
		buf_printf(b, "buffer[%u]", type_stored_size(t));
		break;
	case TYPE_INET:
		buf_printf(b, "inet[%u]", t->size);
		break;
	case TYPE_ARRAY:
		print(t->of, depth + 1, b);
		buf_printf(b, "[%u]", t->count);
		break;
	case TYPE_STRUCT:
		print_struct(t, depth, b);
		break;
	case TYPE_KSTACK:
	case TYPE_USTACK:
		print_stack(t, b);
		break;
	default:
		buf_add_str(b, plain[t->kind]);
	}
}

void type_print(const struct type *t, struct buf *b)
{
	print(t, 0, b);
}
