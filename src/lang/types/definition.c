// SPDX-License-Identifier: Apache-2.0
/*
 * BTF as C, for who lists what there is: `-lv 'struct path'` shows its definition, with the names
 * of types that the kernel's sources have, and unnamed structs in their places.
 *
 * A declaration is written from its name outwards: "x", "*x", "(*x)", "(*x)(int)", and last what
 * stands before: "long int (*x)(int)".
 */
#include "lang/types/internal.h"

static void print_struct(const struct type_origin *o, const struct btf_type *t, unsigned depth,
			 struct buf *b);

static void prepend(struct buf *b, const char *text)
{
	_cleanup_buf_ struct buf copy = {};

	buf_add_str(&copy, text);
	buf_add_str(&copy, buf_str(b));
	buf_clear(b);
	buf_add(b, buf_str(&copy), copy.len);
	b->error = b->error ?: copy.error;
}

static void declare(const struct type_origin *o, u32 id, const char *name, unsigned depth,
		    struct buf *b);

static void add_parameters(const struct type_origin *o, const struct btf_type *t, unsigned depth,
			   struct buf *b)
{
	const struct btf_param *list = (const struct btf_param *)(t + 1);
	u32 count = btf_count_of(t);

	buf_add_char(b, '(');
	for (u32 i = 0; i < count; i++) {
		buf_add_str(b, i ? ", " : "");
		if (!list[i].type)
			buf_add_str(b, "...");
		else
			declare(o, list[i].type, "", depth + 1, b);
	}
	buf_add_str(b, count ? ")" : "void)");
}

/* What stands before a declaration: a word, or a definition where it has no name. */
static void add_base(const struct type_origin *o, const struct btf_type *t, unsigned depth,
		     struct buf *b)
{
	const char *name = t ? kernel_btf_string(o->btf, t->name_off) : "void";
	unsigned kind = t ? btf_kind_of(t) : 0;
	const char *word = kind == BTF_KIND_STRUCT			  ? "struct "
			   : kind == BTF_KIND_UNION			  ? "union "
			   : kind == BTF_KIND_ENUM || kind == KIND_ENUM64 ? "enum "
			   : kind == BTF_KIND_FWD && t->info >> 31	  ? "union "
			   : kind == BTF_KIND_FWD			  ? "struct "
									  : "";

	if (*name || !*word)
		buf_printf(b, "%s%s", word, name);
	else
		print_struct(o, t, depth, b);
}

static bool needs_parentheses(const struct btf_type *t)
{
	return t && (btf_kind_of(t) == BTF_KIND_ARRAY || btf_kind_of(t) == BTF_KIND_FUNC_PROTO);
}

/* One step outwards; 0: @t is what stands before. */
static bool step(const struct type_origin *o, const struct btf_type *t, unsigned depth,
		 struct buf *d, const char **qualifier, u32 *id)
{
	switch (btf_kind_of(t)) {
	case BTF_KIND_PTR:
		if (**qualifier && d->len)
			prepend(d, " ");
		prepend(d, *qualifier);
		*qualifier = "";
		prepend(d, "*");
		*id = t->type;
		if (needs_parentheses(kernel_btf_type(o->btf, t->type))) {
			prepend(d, "(");
			buf_add_char(d, ')');
		}
		return true;
	case BTF_KIND_ARRAY: {
		const struct btf_array *a = (const struct btf_array *)(t + 1);

		buf_printf(d, "[%u]", a->nelems);
		*id = a->type;
		return true;
	}
	case BTF_KIND_FUNC_PROTO:
		add_parameters(o, t, depth, d);
		*id = t->type;
		return true;
	case BTF_KIND_CONST:
		*qualifier = "const";
		*id = t->type;
		return true;
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case KIND_TYPE_TAG:
		if (btf_kind_of(t) == BTF_KIND_VOLATILE)
			*qualifier = "volatile";
		*id = t->type;
		return true;
	}
	return false;
}

static void declare(const struct type_origin *o, u32 id, const char *name, unsigned depth,
		    struct buf *b)
{
	_cleanup_buf_ struct buf d = {};
	const struct btf_type *t = NULL;
	const char *qualifier = "";

	if (depth > TYPE_DEPTH_MAX) {
		buf_add_str(b, "...");
		return;
	}
	buf_add_str(&d, name);
	for (unsigned steps = 0; steps < 64; steps++) {
		t = kernel_btf_type(o->btf, id);
		if (!t || !step(o, t, depth, &d, &qualifier, &id))
			break;
	}
	if (*qualifier)
		buf_printf(b, "%s ", qualifier);
	add_base(o, t, depth, b);
	if (d.len)
		buf_printf(b, " %s", buf_str(&d));
}

static void print_enum(const struct type_origin *o, const struct btf_type *t, unsigned depth,
		       struct buf *b)
{
	for (u32 i = 0; i < btf_count_of(t); i++) {
		u32 name;
		s64 value = kernel_btf_enum_value(t, i, &name);

		buf_add_fill(b, '\t', depth + 1);
		if (t->info >> 31 || value >= 0)
			buf_printf(b, "%s = %lld,\n", kernel_btf_string(o->btf, name),
				   (long long)value);
		else
			buf_printf(b, "%s = %lluULL,\n", kernel_btf_string(o->btf, name),
				   (unsigned long long)value);
	}
}

/* "struct x {" to "}"; the first line is not indented, as it stands behind something. */
static void print_struct(const struct type_origin *o, const struct btf_type *t, unsigned depth,
			 struct buf *b)
{
	const struct btf_member *list = (const struct btf_member *)(t + 1);
	const char *name = kernel_btf_string(o->btf, t->name_off);
	unsigned kind = btf_kind_of(t);
	bool is_enum = kind == BTF_KIND_ENUM || kind == KIND_ENUM64;

	if (kind == BTF_KIND_FWD)
		return;
	buf_printf(b, "%s%s%s {\n",
		   is_enum		    ? "enum"
		   : kind == BTF_KIND_UNION ? "union"
					    : "struct",
		   *name ? " " : "", name);
	if (is_enum)
		print_enum(o, t, depth, b);
	for (u32 i = 0; !is_enum && i < btf_count_of(t); i++) {
		u32 bits = t->info >> 31 ? list[i].offset >> 24 : 0;

		buf_add_fill(b, '\t', depth + 1);
		declare(o, list[i].type, kernel_btf_string(o->btf, list[i].name_off), depth + 1, b);
		if (bits)
			buf_printf(b, ": %u", bits);
		buf_add_str(b, ";\n");
	}
	buf_add_fill(b, '\t', depth);
	buf_add_char(b, '}');
}

bool type_print_definition(struct type_world *w UNUSED, const struct type *t, struct buf *b)
{
	const struct type_origin *o = t->origin;
	const struct btf_type *bt =
		t->btf_id && o && !o->program ? kernel_btf_type(o->btf, t->btf_id) : NULL;

	if (!bt || (t->kind != TYPE_STRUCT && t->kind != TYPE_ENUM) ||
	    btf_kind_of(bt) == BTF_KIND_FWD)
		return false;
	print_struct(o, bt, 0, b);
	buf_add_str(b, ";\n");
	return true;
}

/* A program's function. */
static void print_plain(const struct type *t, bool result, struct buf *b)
{
	for (u32 i = 0; i < t->members->count; i++) {
		buf_add_str(b, "    ");
		type_print(t->members->fields[i].type, b);
		buf_printf(b, " %s\n", t->members->fields[i].name);
	}
	if (!result || t->of->kind == TYPE_VOID)
		return;
	buf_add_str(b, "    ");
	type_print(t->of, b);
	buf_add_str(b, " retval\n");
}

void type_print_parameters(struct type_world *w UNUSED, const struct type *t, bool result,
			   struct buf *b)
{
	const struct type_origin *o = t->origin;
	const struct btf_type *proto = o && !o->program ? kernel_btf_type(o->btf, t->btf_id) : NULL;
	const struct btf_param *list;
	u32 skip;

	if (!proto || btf_kind_of(proto) != BTF_KIND_FUNC_PROTO) {
		print_plain(t, result, b);
		return;
	}
	list = (const struct btf_param *)(proto + 1);
	/* a raw tracepoint's first parameter was left out */
	skip = btf_count_of(proto) > t->members->count ? t->is_anonymous : 0;
	for (u32 i = 0; i < t->members->count; i++) {
		buf_add_str(b, "    ");
		declare(o, list[i + skip].type, "", 0, b);
		buf_printf(b, " %s\n", t->members->fields[i].name);
	}
	if (result && proto->type) {
		buf_add_str(b, "    ");
		declare(o, proto->type, "", 0, b);
		buf_add_str(b, " retval\n");
	}
}

/* ---- lists ----------------------------------------------------------------------------------- */

struct listed {
	const char *name;
	u32 id;
};

static int by_name(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return strcmp(x->name, y->name) ?: (x->id > y->id) - (x->id < y->id);
}

static int collect(const struct type_origin *o, const char *glob, struct listed **list, size_t *n,
		   size_t *capacity)
{
	for (u32 id = 1; id < kernel_btf_count(o->btf); id++) {
		const struct btf_type *t = kernel_btf_type(o->btf, id);
		unsigned kind = btf_kind_of(t);
		char full[300];
		int len;

		if (!t->name_off || (kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION &&
				     kind != BTF_KIND_ENUM && kind != KIND_ENUM64))
			continue;
		len = snprintf(full, sizeof(full), "%s %s",
			       kind == BTF_KIND_STRUCT	? "struct"
			       : kind == BTF_KIND_UNION ? "union"
							: "enum",
			       kernel_btf_string(o->btf, t->name_off));
		if (!glob_match(glob, strlen(glob), full, MIN((size_t)len, sizeof(full) - 1)))
			continue;
		if (grow(list, capacity, *n + 1, sizeof(**list)))
			return fail(-ENOMEM, "out of memory");
		(*list)[(*n)++] = (struct listed){ kernel_btf_string(o->btf, t->name_off), id };
	}
	return 0;
}

int type_list_structs(struct type_world *w, const char *glob,
		      int (*fn)(void *context, const struct type *t), void *context)
{
	_cleanup_free_ struct listed *list = NULL;
	struct type_origin *k = world_kernel(w);
	size_t n = 0, capacity = 0;
	int err;

	if (!k)
		return -ENOENT;
	err = collect(k, glob, &list, &n, &capacity);
	if (n)
		qsort(list, n, sizeof(*list), by_name);
	for (size_t i = 0; i < n && !err; i++)
		if (!i || strcmp(list[i].name, list[i - 1].name))
			err = fn(context, origin_type(k, list[i].id));
	return err;
}
