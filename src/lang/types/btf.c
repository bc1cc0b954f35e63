// SPDX-License-Identifier: Apache-2.0
/*
 * Types out of BTF, made when they are asked for: what a pointer points to becomes a struct with
 * nothing in it, and its members are read when somebody looks. A byte array is a text, as the
 * language has it (the kernel's `u8 tag[8]` too); a pointer to a function is a `void *`.
 *
 * The kernel's own BTF is trusted; a program's was made from its DWARF and is not, so that chains
 * have a greatest length and nothing is followed beyond it.
 */
#include "lang/types/internal.h"

struct type_origin *origin_new(struct type_world *w, struct kernel_btf *btf, const char *name,
			       enum address_space pointers)
{
	struct type_origin *o = calloc(1, sizeof(*o));

	if (o) {
		o->types = calloc(kernel_btf_count(btf), sizeof(*o->types));
		o->name = name ? strdup(name) : NULL;
	}
	if (!o || !o->types || (name && !o->name)) {
		if (o)
			free(o->types);
		free(o);
		kernel_btf_free(btf);
		fail(-ENOMEM, "out of memory");
		return NULL;
	}
	o->world = w;
	o->btf = o->own = btf;
	o->pointers = pointers;
	return o;
}

void origin_free(struct type_origin *o)
{
	if (!o)
		return;
	kernel_btf_free(o->own);
	program_free(o->program);
	free(o->types);
	free(o->name);
	free(o);
}

static const struct type *make(struct type_origin *o, u32 id, unsigned depth);

/* void for what leads nowhere. */
static const struct type *type_at(struct type_origin *o, u32 id, unsigned depth)
{
	id = kernel_btf_resolve(o->btf, id);
	if (!id)
		return &type_void;
	if (depth > TYPE_DEPTH_MAX)
		return &type_none;
	if (!o->types[id])
		o->types[id] = make(o, id, depth);
	return o->types[id];
}

const struct type *origin_type(struct type_origin *o, u32 id)
{
	return id ? type_at(o, id, 0) : &type_void;
}

static const struct type *make_integer(struct type_origin *o, const struct btf_type *t)
{
	u32 bits = *(const u32 *)(t + 1);
	struct arena *a = o->world->o.arena;

	if (BTF_INT_ENCODING(bits) & BTF_INT_BOOL && t->size == 1)
		return &type_bool;
	if (t->size == 16)
		return type_array(a, &type_u64, 2);
	return t->size > 8 ? type_new(a, TYPE_NONE, t->size)
			   : type_integer(t->size, BTF_INT_ENCODING(bits) & BTF_INT_SIGNED);
}

/* Type tags stand between the pointer and what it points to. */
static enum address_space pointer_space(const struct type_origin *o, u32 id)
{
	for (int depth = 0; depth < TYPE_DEPTH_MAX; depth++) {
		const struct btf_type *t = kernel_btf_type(o->btf, id);
		unsigned kind = t ? btf_kind_of(t) : 0;

		if (kind == KIND_TYPE_TAG &&
		    !strcmp(kernel_btf_string(o->btf, t->name_off), "user"))
			return SPACE_USER;
		if (kind != KIND_TYPE_TAG && kind != BTF_KIND_CONST && kind != BTF_KIND_VOLATILE)
			break;
		id = t->type;
	}
	return o->pointers;
}

static const struct type *make_pointer(struct type_origin *o, const struct btf_type *t,
				       unsigned depth)
{
	const struct type *of = type_at(o, t->type, depth + 1);

	return type_pointer(o->world->o.arena, of->kind == TYPE_FUNCTION ? &type_void : of,
			    pointer_space(o, t->type));
}

static const struct type *make_array(struct type_origin *o, const struct btf_type *t,
				     unsigned depth)
{
	const struct btf_array *array = (const struct btf_array *)(t + 1);
	const struct type *of = type_at(o, array->type, depth + 1);

	if (of->kind == TYPE_INTEGER && of->size == 1)
		return type_string(o->world->o.arena, array->nelems);
	return type_array(o->world->o.arena, of, array->nelems);
}

static const struct type *make_struct(struct type_origin *o, const struct btf_type *t, u32 id)
{
	unsigned kind = btf_kind_of(t);
	bool is_union = kind == BTF_KIND_UNION || (kind == BTF_KIND_FWD && t->info >> 31);
	struct type *made = type_new_struct(o->world->o.arena,
					    kernel_btf_string(o->btf, t->name_off),
					    kind == BTF_KIND_FWD ? 0 : t->size, is_union);

	made->origin = o;
	made->btf_id = id;
	return made;
}

static const struct type *make_enum(struct type_origin *o, const struct btf_type *t, u32 id)
{
	struct type *made = type_new(o->world->o.arena, TYPE_ENUM, t->size);
	const char *name = kernel_btf_string(o->btf, t->name_off);

	made->name = *name ? name : NULL;
	made->is_anonymous = !*name;
	made->is_signed = t->info >> 31;
	made->of = type_integer(t->size, made->is_signed);
	made->align = MAX(t->size, 1u);
	made->origin = o;
	made->btf_id = id;
	return made;
}

static const struct type *make(struct type_origin *o, u32 id, unsigned depth)
{
	const struct btf_type *t = kernel_btf_type(o->btf, id);

	switch (btf_kind_of(t)) {
	case BTF_KIND_INT:
		return make_integer(o, t);
	case BTF_KIND_PTR:
		return make_pointer(o, t, depth);
	case BTF_KIND_ARRAY:
		return make_array(o, t, depth);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FWD:
		return make_struct(o, t, id);
	case BTF_KIND_ENUM:
	case KIND_ENUM64:
		return make_enum(o, t, id);
	case BTF_KIND_FUNC_PROTO:
		/* its parameters are only read for a function that is called by its name */
		return type_new(o->world->o.arena, TYPE_FUNCTION, 0);
	}
	return type_new(o->world->o.arena, TYPE_NONE, t->size); /* FLOAT */
}

static bool kind_fits(unsigned its, unsigned wanted)
{
	if (its == KIND_ENUM64)
		its = BTF_KIND_ENUM;
	return !wanted || its == wanted;
}

const struct type *origin_named(struct type_origin *o, const char *name, unsigned kind)
{
	for (u32 id = 0; (id = kernel_btf_named(o->btf, name, id));) {
		const struct btf_type *t = kernel_btf_type(o->btf, id);

		if (kind_fits(btf_kind_of(t), kind) &&
		    !strcmp(kernel_btf_string(o->btf, t->name_off), name))
			return origin_type(o, id);
	}
	return NULL;
}

/* Before kind_flag a bit-field's width stood in an integer type of its own. */
static u32 legacy_bits(const struct type_origin *o, u32 id, u32 *ret_offset)
{
	const struct btf_type *t = kernel_btf_type(o->btf, kernel_btf_resolve(o->btf, id));
	u32 data;

	*ret_offset = 0;
	if (!t || btf_kind_of(t) != BTF_KIND_INT)
		return 0;
	data = *(const u32 *)(t + 1);
	*ret_offset = BTF_INT_OFFSET(data);
	return BTF_INT_BITS(data) < t->size * 8 ? BTF_INT_BITS(data) : 0;
}

static void read_member(struct type_origin *o, const struct btf_type *t, const struct btf_member *m,
			struct field *f)
{
	bool has_flag = t->info >> 31;
	u32 at = has_flag ? m->offset & 0xffffff : m->offset;
	u32 bits = has_flag ? m->offset >> 24 : 0, more = 0;

	f->name = kernel_btf_string(o->btf, m->name_off);
	f->type = origin_type(o, m->type);
	if (!has_flag)
		bits = legacy_bits(o, m->type, &more);
	f->offset = at / 8;
	if (!bits)
		return;
	if (f->type->kind == TYPE_ENUM || f->type->kind == TYPE_BOOL ||
	    f->type->kind == TYPE_INTEGER)
		field_set_bits(f, at + more, bits);
}

bool origin_members(struct type_origin *o, const struct type *t)
{
	const struct btf_member *list;
	struct members *m = t->members;
	const struct btf_type *bt;
	unsigned kind;

	if (o->program)
		return program_members(o, t);
	bt = kernel_btf_type(o->btf, t->btf_id);
	kind = bt ? btf_kind_of(bt) : 0;
	if (kind == BTF_KIND_FWD) {
		/* a module's or a unit's, defined elsewhere under the same name */
		const struct type *full =
			t->name ? origin_named(o, t->name,
					       t->is_union ? BTF_KIND_UNION : BTF_KIND_STRUCT)
				: NULL;

		if (!full || full == t || !type_members(o->world, full))
			return false;
		*m = *full->members;
		return true;
	}
	if (kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION)
		return false;
	list = (const struct btf_member *)(bt + 1);
	m->fields = arena_alloc(o->world->o.arena, btf_count_of(bt) * sizeof(*m->fields) + 1);
	if (arena_error(o->world->o.arena))
		return false;
	m->count = btf_count_of(bt);
	m->complete = true;
	for (u32 i = 0; i < m->count; i++)
		read_member(o, bt, &list[i], &m->fields[i]);
	return true;
}

const struct type *origin_function(struct type_origin *o, u32 id, u32 skip)
{
	const struct btf_type *proto = kernel_btf_type(o->btf, id);
	const struct btf_param *list = (const struct btf_param *)(proto + 1);
	struct arena *a = o->world->o.arena;
	struct type *t = type_new(a, TYPE_FUNCTION, 0);
	u32 count = btf_count_of(proto);

	t->members = arena_new_of(a, struct members);
	t->members->complete = true;
	t->of = origin_type(o, proto->type);
	t->origin = o;
	t->btf_id = id;
	t->is_anonymous = skip; /* for type_print_parameters() */
	if (count && !list[count - 1].type && !list[count - 1].name_off)
		count--; /* ... */
	count -= MIN(skip, count);
	t->members->fields = arena_alloc(a, count * sizeof(*t->members->fields) + 1);
	if (arena_error(a))
		return t;
	t->members->count = count;
	for (u32 i = 0; i < count; i++) {
		struct field *f = &t->members->fields[i];

		f->name = kernel_btf_string(o->btf, list[i + skip].name_off);
		f->type = origin_type(o, list[i + skip].type);
		f->offset = i * sizeof(u64); /* as the context's arguments lie */
	}
	return t;
}

const char *origin_enum_name(struct type_origin *o, u32 id, s64 value)
{
	const struct btf_type *t;

	if (o->program)
		return program_enum_name(o, id, value);
	t = kernel_btf_type(o->btf, id);
	for (u32 i = 0; t && i < btf_count_of(t); i++) {
		u32 name;

		if (kernel_btf_enum_value(t, i, &name) == value)
			return kernel_btf_string(o->btf, name);
	}
	return NULL;
}
