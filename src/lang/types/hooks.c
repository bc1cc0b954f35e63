// SPDX-License-Identifier: Apache-2.0
/*
 * What BTF says of the kernel's hooks: functions, raw tracepoints (btf_trace_NAME is a typedef of a
 * pointer to a function) and iterators (bpf_iter__NAME is the context's struct, and bpf_iter_NAME
 * the function to attach to).
 */
#include "lang/types/internal.h"

static const struct type *function_in(struct type_origin *o, const char *name, u32 *ret_btf_id)
{
	int id = kernel_btf_function(o->btf, name);
	const struct btf_type *proto;
	u32 proto_id;

	if (id < 0)
		return NULL;
	proto_id = kernel_btf_type(o->btf, id)->type;
	proto = kernel_btf_type(o->btf, proto_id);
	if (!proto || btf_kind_of(proto) != BTF_KIND_FUNC_PROTO)
		return NULL;
	if (ret_btf_id)
		*ret_btf_id = id;
	return origin_function(o, proto_id, 0);
}

const struct type *type_function(struct type_world *w, const char *module, const char *name,
				 u32 *ret_btf_id)
{
	struct type_origin *k = world_kernel(w), *o;
	const struct type *t;

	if (!k)
		return NULL;
	if (module && strcmp(module, "vmlinux")) {
		o = world_module(w, module);
		return o ? function_in(o, name, ret_btf_id) : NULL;
	}
	t = function_in(k, name, ret_btf_id);
	if (t || module)
		return t;
	world_open_modules(w);
	for (size_t i = 0; i < w->module_count && !t; i++)
		t = function_in(w->modules[i], name, ret_btf_id);
	return t;
}

const char *type_function_module(const struct type *t)
{
	const struct type_origin *o = t->origin;

	if (t->kind == TYPE_ENUM && !t->btf_id)
		return NULL; /* C's has its names there */
	return o && o->pointers == SPACE_KERNEL ? o->name : NULL;
}

/* What the kernel hands over it vouches for. */
static const struct type *trusted(struct arena *a, const struct type *t)
{
	return t->kind == TYPE_POINTER && t->of->kind == TYPE_STRUCT && t->space == SPACE_KERNEL
		       ? type_in(a, t, SPACE_TRUSTED)
		       : t;
}

/*
 * btf_trace_NAME has no names of parameters; the function that calls the probes has them, and is
 * made by the same macro.
 */
static u32 named_prototype(struct type_origin *o, const char *name, u32 proto)
{
	const struct btf_type *t = kernel_btf_type(o->btf, proto), *other;
	const struct btf_param *list = (const struct btf_param *)(t + 1);
	char full[200];
	int id;

	if (btf_count_of(t) < 2 || list[1].name_off)
		return proto;
	snprintf(full, sizeof(full), "__traceiter_%s", name + strlen("btf_trace_"));
	id = kernel_btf_function(o->btf, full);
	if (id < 0)
		return proto;
	id = kernel_btf_type(o->btf, id)->type;
	other = kernel_btf_type(o->btf, id);
	return other && btf_kind_of(other) == BTF_KIND_FUNC_PROTO &&
			       btf_count_of(other) == btf_count_of(t)
		       ? (u32)id
		       : proto;
}

static const struct type *raw_tracepoint_in(struct type_origin *o, const char *name,
					    u32 *ret_btf_id)
{
	int id = kernel_btf_typedef(o->btf, name);
	const struct btf_type *t;
	const struct type *made;
	u32 proto;

	if (id < 0)
		return NULL;
	proto = kernel_btf_resolve(o->btf, id);
	t = kernel_btf_type(o->btf, proto);
	if (t && btf_kind_of(t) == BTF_KIND_PTR) {
		proto = kernel_btf_resolve(o->btf, t->type);
		t = kernel_btf_type(o->btf, proto);
	}
	if (!t || btf_kind_of(t) != BTF_KIND_FUNC_PROTO)
		return NULL;
	if (ret_btf_id)
		*ret_btf_id = id;
	made = origin_function(o, named_prototype(o, name, proto), 1);
	for (u32 i = 0; i < made->members->count; i++) {
		struct field *f = &made->members->fields[i];

		f->type = trusted(o->world->o.arena, f->type);
	}
	return made;
}

const struct type *type_raw_tracepoint(struct type_world *w, const char *name, u32 *ret_btf_id)
{
	struct type_origin *k = world_kernel(w);
	const struct type *t;
	char full[200];

	if (!k)
		return NULL;
	snprintf(full, sizeof(full), "btf_trace_%s", name);
	t = raw_tracepoint_in(k, full, ret_btf_id);
	if (t)
		return t;
	world_open_modules(w);
	for (size_t i = 0; i < w->module_count && !t; i++)
		t = raw_tracepoint_in(w->modules[i], full, ret_btf_id);
	return t;
}

/* The members of a context stand in unions of a pointer and a u64; one list is read easier. */
static u32 flatten(struct type_origin *o, const struct type *t, u32 base, struct field *to,
		   unsigned depth)
{
	const struct members *m = depth > 4 ? NULL : type_members(o->world, t);
	u32 n = 0;

	for (u32 i = 0; m && i < m->count; i++) {
		struct field f = m->fields[i];

		f.offset += base;
		if (!(f.name && *f.name)) {
			if (f.type->kind == TYPE_STRUCT)
				n += flatten(o, f.type, f.offset, to ? to + n : NULL, depth + 1);
			continue;
		}
		f.type = trusted(o->world->o.arena, f.type);
		if (to)
			to[n] = f;
		n++;
	}
	return n;
}

const struct type *type_iterator(struct type_world *w, const char *name, u32 *ret_btf_id)
{
	struct type_origin *k = world_kernel(w);
	struct arena *a = w->o.arena;
	const struct type *whole;
	struct type *t;
	char full[200];
	int id;

	if (!k)
		return NULL;
	snprintf(full, sizeof(full), "bpf_iter_%s", name);
	id = kernel_btf_function(k->btf, full);
	snprintf(full, sizeof(full), "bpf_iter__%s", name);
	whole = origin_named(k, full, BTF_KIND_STRUCT);
	if (id < 0 || !whole)
		return NULL;
	t = type_new_struct(a, whole->name, whole->size, false);
	t->space = SPACE_CONTEXT;
	t->align = 8;
	t->members->complete = true;
	t->members->fields =
		arena_alloc(a, (flatten(k, whole, 0, NULL, 0) + 1) * sizeof(*t->members->fields));
	if (arena_error(a))
		return NULL;
	t->members->count = flatten(k, whole, 0, t->members->fields, 0);
	if (ret_btf_id)
		*ret_btf_id = id;
	return t;
}
