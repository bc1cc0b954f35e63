// SPDX-License-Identifier: Apache-2.0
/*
 * The places that types come from, and what asks them in order: the script's own C, programs, the
 * kernel, its modules. Nothing is opened before something is asked of it that the places before
 * could not answer.
 */
#include <dirent.h>

#include "lang/types/internal.h"

#define MODULES "/sys/kernel/btf"

struct type_world *type_world_new(const struct type_world_options *o)
{
	struct type_world *w = calloc(1, sizeof(*w));

	if (w)
		w->o = *o;
	return w;
}

void type_world_free(struct type_world *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->module_count; i++)
		origin_free(w->modules[i]); /* before the kernel's, which they go on from */
	for (size_t i = 0; i < w->program_count; i++)
		origin_free(w->programs[i]);
	if (w->kernel.own)
		kernel_btf_free(w->kernel.own);
	else
		kernel_btf_put(w->kernel.btf);
	free(w->kernel.types);
	free(w->modules);
	free(w->programs);
	free(w->names);
	free(w->constants);
	c_macros_free(w->macros);
	free(w);
}

void type_world_freep(struct type_world **w)
{
	type_world_free(*w);
	*w = NULL;
}

struct type_origin *world_kernel(struct type_world *w)
{
	struct type_origin *k = &w->kernel;
	int err;

	if (k->btf)
		return k;
	if (w->kernel_failed)
		return NULL;
	if (w->o.btf_path) {
		err = kernel_btf_open(w->o.btf_path, NULL, &k->own);
		k->btf = k->own;
	} else {
		err = kernel_btf_get(&k->btf);
	}
	if (!err) {
		k->types = calloc(kernel_btf_count(k->btf), sizeof(*k->types));
		k->world = w;
		k->pointers = SPACE_KERNEL;
	}
	w->kernel_failed = err || !k->types;
	return w->kernel_failed ? NULL : k;
}

static void open_module(struct type_world *w, const char *name)
{
	struct kernel_btf *btf;
	struct type_origin *o;
	char path[300];

	snprintf(path, sizeof(path), MODULES "/%s", name);
	if (grow(&w->modules, &w->module_capacity, w->module_count + 1, sizeof(*w->modules)) ||
	    kernel_btf_open(path, w->kernel.btf, &btf))
		return; /* a module that has none that can be read has none */
	o = origin_new(w, btf, name, SPACE_KERNEL);
	if (o)
		w->modules[w->module_count++] = o;
}

struct type_origin *world_module(struct type_world *w, const char *name)
{
	size_t before = w->module_count;

	for (size_t i = 0; i < w->module_count; i++)
		if (!strcmp(w->modules[i]->name, name))
			return w->modules[i];
	if (w->modules_open || w->o.btf_path || strchr(name, '/') || !world_kernel(w))
		return NULL;
	open_module(w, name);
	return w->module_count > before ? w->modules[before] : NULL;
}

void world_open_modules(struct type_world *w)
{
	struct dirent *entry;
	DIR *dir;

	/* another kernel's BTF has nothing to do with this one's modules */
	if (w->modules_open || w->o.btf_path || !world_kernel(w))
		return;
	dir = opendir(MODULES);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "vmlinux"))
			world_module(w, entry->d_name);
	if (dir)
		closedir(dir);
	w->modules_open = true;
}

/* ---- by name --------------------------------------------------------------------------------- */

static const struct type *in_kernel(struct type_world *w, const char *name, unsigned kind)
{
	struct type_origin *k = world_kernel(w);
	const struct type *t = k ? origin_named(k, name, kind) : NULL;

	if (t || !k)
		return t;
	world_open_modules(w);
	for (size_t i = 0; i < w->module_count && !t; i++)
		t = origin_named(w->modules[i], name, kind);
	return t;
}

static const struct type *in_programs(struct type_world *w, const char *name, unsigned kind)
{
	const struct type *t = NULL;

	for (size_t i = 0; i < w->program_count && !t; i++)
		t = program_named(w->programs[i], name, kind);
	return t;
}

/* @full: with its "struct "; @name: without. */
static const struct type *tagged(struct type_world *w, const char *full, const char *name,
				 unsigned kind)
{
	const struct type *t = c_type_named(w, full);

	if (!t)
		t = in_programs(w, name, kind);
	/* only declared by the script: the kernel may know what is in it */
	if (t && (t->kind != TYPE_STRUCT || t->members->complete || t->origin))
		return t;
	return in_kernel(w, name, kind) ?: t;
}

static const struct type *untagged(struct type_world *w, const char *name)
{
	static const struct {
		const char *word;
		unsigned kind;
	} kinds[] = { { "struct", BTF_KIND_STRUCT },
		      { "union", BTF_KIND_UNION },
		      { "enum", BTF_KIND_ENUM } };
	const struct type *t = c_type_named(w, name);
	char full[200];

	if (!t)
		t = in_programs(w, name, BTF_KIND_TYPEDEF);
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && !t; i++) {
		snprintf(full, sizeof(full), "%s %s", kinds[i].word, name);
		t = c_type_named(w, full);
	}
	if (!t)
		t = in_programs(w, name, 0);
	if (!t)
		t = in_kernel(w, name, BTF_KIND_TYPEDEF);
	return t ? t : in_kernel(w, name, 0);
}

const struct type *type_named(struct type_world *w, const char *name)
{
	static const struct {
		const char *word;
		unsigned kind;
	} kinds[] = { { "struct ", BTF_KIND_STRUCT },
		      { "union ", BTF_KIND_UNION },
		      { "enum ", BTF_KIND_ENUM } };
	const struct type *t = type_builtin(w->o.arena, name);

	if (t)
		return t;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_starts(name, kinds[i].word))
			return tagged(w, name, name + strlen(kinds[i].word), kinds[i].kind);
	return *name && !strchr(name, ' ') ? untagged(w, name) : NULL;
}

/* ---- inside ---------------------------------------------------------------------------------- */

const struct members *type_members(struct type_world *w, const struct type *t)
{
	const struct type *full;
	char name[200];

	if (!t->members)
		return NULL;
	if (t->members->complete)
		return t->members;
	if (t->origin && origin_members(t->origin, t))
		return t->members;
	if (!t->name || t->kind != TYPE_STRUCT)
		return NULL;
	/* declared here, defined elsewhere */
	snprintf(name, sizeof(name), "%s %s", t->is_union ? "union" : "struct", t->name);
	full = type_named(w, name);
	if (!full || full->members == t->members || full->kind != TYPE_STRUCT ||
	    (!full->members->complete && !(full->origin && origin_members(full->origin, full))))
		return NULL;
	*t->members = *full->members;
	return t->members;
}

static bool find_field(struct type_world *w, const struct type *t, const char *name,
		       struct field *ret, unsigned depth)
{
	const struct members *m = depth > TYPE_DEPTH_MAX ? NULL : type_members(w, t);

	for (u32 i = 0; m && i < m->count; i++) {
		const struct field *f = &m->fields[i];

		if (f->name && *f->name) {
			if (strcmp(f->name, name))
				continue;
			*ret = *f;
			return true;
		}
		if (f->type->kind == TYPE_STRUCT && !t->is_tuple &&
		    find_field(w, f->type, name, ret, depth + 1)) {
			ret->offset += f->offset;
			return true;
		}
	}
	return false;
}

#define CANDIDATES_MAX 2048

static void collect_names(struct type_world *w, const struct type *t, const char **list, size_t *n,
			  unsigned depth)
{
	const struct members *m = depth > TYPE_DEPTH_MAX ? NULL : type_members(w, t);

	for (u32 i = 0; m && i < m->count && *n < CANDIDATES_MAX; i++) {
		const struct field *f = &m->fields[i];

		if (f->name && *f->name)
			list[(*n)++] = f->name;
		else if (f->type->kind == TYPE_STRUCT)
			collect_names(w, f->type, list, n, depth + 1);
	}
}

bool type_field(struct type_world *w, const struct type *t, const char *name, struct field *ret,
		const char **ret_suggestion)
{
	_cleanup_free_ const char **list = NULL;
	size_t n = 0;

	if (t->kind == TYPE_STRUCT && find_field(w, t, name, ret, 0)) {
		/* what lies inside lies where the whole lies */
		if (t->space && (ret->type->kind == TYPE_STRUCT || ret->type->kind == TYPE_ARRAY))
			ret->type = type_in(w->o.arena, ret->type, t->space);
		return true;
	}
	if (!ret_suggestion)
		return false;
	*ret_suggestion = NULL;
	list = calloc(CANDIDATES_MAX, sizeof(*list));
	if (!list || t->kind != TYPE_STRUCT)
		return false;
	collect_names(w, t, list, &n, 0);
	*ret_suggestion = suggest(name, list, n);
	return false;
}

static bool enumerator_in(struct type_origin *o, const char *name, s64 *ret,
			  const struct type **ret_enum)
{
	u32 id = kernel_btf_enumerator(o->btf, name, ret);

	if (id && ret_enum)
		*ret_enum = origin_type(o, id);
	return id;
}

bool type_enumerator(struct type_world *w, const char *name, s64 *ret, const struct type **ret_enum)
{
	const struct c_constant *c = c_constant_named(w, name);
	struct type_origin *k;

	if (c) {
		*ret = c->value;
		if (ret_enum)
			*ret_enum = c->of;
		return true;
	}
	for (size_t i = 0; i < w->program_count; i++)
		if (program_enumerator(w->programs[i], name, ret, ret_enum))
			return true;
	k = world_kernel(w);
	if (!k)
		return false;
	if (enumerator_in(k, name, ret, ret_enum))
		return true;
	world_open_modules(w);
	for (size_t i = 0; i < w->module_count; i++)
		if (enumerator_in(w->modules[i], name, ret, ret_enum))
			return true;
	return false;
}

const char *type_enum_name(struct type_world *w, const struct type *t, s64 value)
{
	const struct c_enum *names = t->origin;
	char name[200];

	if (t->kind == TYPE_ENUM && !t->origin && t->name) {
		/* tracefs says no more than its name */
		snprintf(name, sizeof(name), "enum %s", t->name);
		t = type_named(w, name) ?: t;
		names = t->origin;
	}
	if (t->kind != TYPE_ENUM || !t->origin)
		return NULL;
	if (t->btf_id)
		return origin_enum_name(t->origin, t->btf_id, value);
	for (u32 i = 0; i < names->count; i++)
		if (names->constants[i]->value == value)
			return names->constants[i]->name;
	return NULL;
}
