// SPDX-License-Identifier: Apache-2.0
/*
 * Types by what a script writes: the names that the language has itself (none of them opens the
 * kernel's BTF), and written-out types with what stands behind them.
 */
#include <ctype.h>

#include "lang/types/internal.h"

u32 hash_of_name(const char *s, size_t len)
{
	u32 h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (u8)s[i]) * 16777619u;
	return h ^ h >> 15;
}

static const struct {
	const char *name;
	const struct type *type;
} builtins[] = {
	{ "void", &type_void },
	{ "bool", &type_bool },
	{ "_Bool", &type_bool },
	{ "int8", &type_s8 },
	{ "int16", &type_s16 },
	{ "int32", &type_s32 },
	{ "int64", &type_s64 },
	{ "uint8", &type_u8 },
	{ "uint16", &type_u16 },
	{ "uint32", &type_u32 },
	{ "uint64", &type_u64 },
	{ "inet", &type_inet },
	{ "timestamp", &type_timestamp },
	{ "macaddr_t", &type_mac },
	{ "cgroup_path_t", &type_cgroup_path },
	{ "username_t", &type_username },
	/* what every kernel's BTF says of them, without opening it */
	{ "s8", &type_s8 },
	{ "s16", &type_s16 },
	{ "s32", &type_s32 },
	{ "s64", &type_s64 },
	{ "u8", &type_u8 },
	{ "u16", &type_u16 },
	{ "u32", &type_u32 },
	{ "u64", &type_u64 },
	{ "__s8", &type_s8 },
	{ "__s16", &type_s16 },
	{ "__s32", &type_s32 },
	{ "__s64", &type_s64 },
	{ "__u8", &type_u8 },
	{ "__u16", &type_u16 },
	{ "__u32", &type_u32 },
	{ "__u64", &type_u64 },
	{ "__be16", &type_u16 },
	{ "__be32", &type_u32 },
	{ "__be64", &type_u64 },
	{ "int8_t", &type_s8 },
	{ "int16_t", &type_s16 },
	{ "int32_t", &type_s32 },
	{ "int64_t", &type_s64 },
	{ "uint8_t", &type_u8 },
	{ "uint16_t", &type_u16 },
	{ "uint32_t", &type_u32 },
	{ "uint64_t", &type_u64 },
	{ "size_t", &type_u64 },
	{ "ssize_t", &type_s64 },
	{ "pid_t", &type_s32 },
	{ "uintptr_t", &type_u64 },
};

/* "unsigned long long int" and its like, in any order; a bare char is the kernel's, unsigned. */
static const struct type *c_integer(const char *name)
{
	unsigned is_unsigned = 0, is_signed = 0, longs = 0, is_char = 0, is_short = 0, is_int = 0;
	struct {
		const char *word;
		unsigned *count;
	} words[] = { { "unsigned", &is_unsigned }, { "signed", &is_signed }, { "long", &longs },
		      { "char", &is_char },	    { "short", &is_short },   { "int", &is_int } };

	while (*name) {
		size_t len = strcspn(name, " "), i;

		for (i = 0; i < ARRAY_SIZE(words); i++)
			if (strlen(words[i].word) == len && !memcmp(words[i].word, name, len))
				break;
		if (i == ARRAY_SIZE(words) ||
		    ++*words[i].count > (words[i].count == &longs ? 2 : 1))
			return NULL;
		name += len;
		name += strspn(name, " ");
	}
	if ((is_unsigned && is_signed) || (is_char && (is_short || longs || is_int)) ||
	    (is_short && longs))
		return NULL;
	if (is_char)
		return type_integer(1, is_signed);
	return type_integer(is_short ? 2 : longs ? 8 : 4, !is_unsigned);
}

static const struct type *aggregate_named(struct arena *a, const char *name)
{
	static const struct {
		const char *name;
		enum type_kind kind;
	} kinds[] = { { "count_t", TYPE_COUNT }, { "sum_t", TYPE_SUM }, { "min_t", TYPE_MIN },
		      { "max_t", TYPE_MAX },	 { "avg_t", TYPE_AVG }, { "stats_t", TYPE_STATS } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name)) {
			struct type *t = type_new(a, kinds[i].kind, 0);

			t->size = type_stored_size(t);
			t->align = 8;
			t->is_signed = true;
			return t;
		}
	return NULL;
}

const struct type *type_builtin(struct arena *a, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(builtins); i++)
		if (!strcmp(builtins[i].name, name))
			return builtins[i].type;
	if (!strcmp(name, "string"))
		return type_string(a, 0);
	if (!strcmp(name, "buffer"))
		return type_buffer(a, 0);
	return (*name ? c_integer(name) : NULL) ?: aggregate_named(a, name);
}

/* ---- written-out types ----------------------------------------------------------------------- */

#define NAMES_MAX 40000

/* The nearest name of a struct to one that is not there; looks at all, for an error only. */
static const char *nearest(struct type_world *w, const char *name)
{
	_cleanup_free_ const char **list = calloc(NAMES_MAX, sizeof(*list));
	struct type_origin *k = world_kernel(w);
	const char *word = strrchr(name, ' ');
	size_t n = 0;

	for (size_t i = 0; list && i < w->name_count && n < NAMES_MAX; i++)
		list[n++] = (strrchr(w->names[i].name, ' ') ?: w->names[i].name - 1) + 1;
	for (u32 id = 1; list && k && id < kernel_btf_count(k->btf) && n < NAMES_MAX; id++) {
		const struct btf_type *t = kernel_btf_type(k->btf, id);
		unsigned kind = btf_kind_of(t);

		if (t->name_off && (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION ||
				    kind == BTF_KIND_ENUM || kind == BTF_KIND_TYPEDEF))
			list[n++] = kernel_btf_string(k->btf, t->name_off);
	}
	return list ? suggest(word ? word + 1 : name, list, n) : NULL;
}

static const struct type *unknown(struct type_world *w, const char *name, struct span at)
{
	const char *near = nearest(w, name);

	diagnose(w->o.diagnostics, at, "Cannot resolve unknown type \"%s\"", name);
	if (near)
		diagnose_hint(w->o.diagnostics, "did you mean '%s'?", near);
	return NULL;
}

static const struct type *sized(struct type_world *w, const struct type_name *n, struct span at)
{
	u64 size;

	if (n->size->kind != NODE_INTEGER) {
		diagnose(w->o.diagnostics, n->size->span, "the size of %s must be a number",
			 n->name);
		return NULL;
	}
	size = n->size->integer.value;
	if (size > 1 << 20 || n->size->integer.is_negative) {
		diagnose(w->o.diagnostics, n->size->span, "the size of %s is at most %u", n->name,
			 1u << 20);
		return NULL;
	}
	if (!strcmp(n->name, "string"))
		return type_string(w->o.arena, size);
	if (!strcmp(n->name, "buffer"))
		return type_buffer(w->o.arena, size);
	if (!strcmp(n->name, "inet"))
		return &type_inet;
	diagnose(w->o.diagnostics, at, "%s has no size", n->name);
	return NULL;
}

static const struct type *resolve(struct type_world *w, const struct type_name *n, struct span at,
				  unsigned depth);

static const struct type *resolve_tuple(struct type_world *w, const struct type_name *n,
					struct span at, unsigned depth)
{
	_cleanup_free_ const struct type **members = calloc(n->member_count + 1, sizeof(*members));

	for (size_t i = 0; members && i < n->member_count; i++) {
		members[i] = resolve(w, n->members[i], at, depth + 1);
		if (!members[i])
			return NULL;
	}
	return members ? type_tuple(w->o.arena, members, NULL, n->member_count) : NULL;
}

static const struct type *resolve(struct type_world *w, const struct type_name *n, struct span at,
				  unsigned depth)
{
	const struct type *t;

	if (depth > TYPE_DEPTH_MAX || n->suffix_count > TYPE_DEPTH_MAX) {
		diagnose(w->o.diagnostics, at, "this type is nested deeper than %d",
			 TYPE_DEPTH_MAX);
		return NULL;
	}
	if (n->is_tuple)
		t = resolve_tuple(w, n, at, depth);
	else if (n->size)
		t = sized(w, n, at);
	else
		t = type_named(w, n->name) ?: unknown(w, n->name, at);
	for (size_t i = 0; i < n->suffix_count && t; i++) {
		s64 suffix = n->suffixes[i];

		if (suffix == SUFFIX_POINTER) {
			t = type_pointer(w->o.arena, t, SPACE_NONE);
		} else if (suffix < 0 || (u64)suffix * MAX(t->size, 1u) > 1 << 24) {
			diagnose(w->o.diagnostics, at, "an array is at most %u bytes", 1u << 24);
			t = NULL;
		} else {
			t = type_array(w->o.arena, t, suffix);
		}
	}
	return t;
}

const struct type *type_resolve(struct type_world *w, const struct type_name *n, struct span at)
{
	return resolve(w, n, at, 0);
}
