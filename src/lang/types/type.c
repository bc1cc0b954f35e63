// SPDX-License-Identifier: Apache-2.0
/*
 * Types by themselves: the shared constants, constructors, what is equal and how much room a value
 * takes. Nothing here asks the kernel; what must look inside a struct that was not read yet goes
 * through its origin.
 */
#include "lang/types/internal.h"

#define CONSTANT(name, k, bytes, ...)                                            \
	const struct type type_##name = {                                        \
		.kind = TYPE_##k, .size = (bytes), .align = (bytes), __VA_ARGS__ \
	}

CONSTANT(none, NONE, 0);
CONSTANT(void, VOID, 0);
CONSTANT(bool, BOOL, 1);
CONSTANT(u8, INTEGER, 1);
CONSTANT(u16, INTEGER, 2);
CONSTANT(u32, INTEGER, 4);
CONSTANT(u64, INTEGER, 8);
CONSTANT(s8, INTEGER, 1, .is_signed = true);
CONSTANT(s16, INTEGER, 2, .is_signed = true);
CONSTANT(s32, INTEGER, 4, .is_signed = true);
CONSTANT(s64, INTEGER, 8, .is_signed = true);
CONSTANT(ksym, KSYM, 8);
CONSTANT(username, USERNAME, 8);
CONSTANT(strerror, STRERROR, 8);
CONSTANT(syscall_name, SYSCALL_NAME, 8);
CONSTANT(signal_name, SIGNAL_NAME, 8);
const struct type type_usym = { .kind = TYPE_USYM, .size = sizeof(struct usym_value), .align = 8 };
const struct type type_inet = { .kind = TYPE_INET, .size = sizeof(struct inet_value), .align = 8 };
const struct type type_mac = { .kind = TYPE_MAC, .size = 6, .align = 1 };
const struct type type_timestamp = { .kind = TYPE_TIMESTAMP,
				     .size = sizeof(struct timestamp_value),
				     .align = 8 };
const struct type type_cgroup_path = { .kind = TYPE_CGROUP_PATH,
				       .size = sizeof(struct cgroup_value),
				       .align = 8 };

const struct type *type_integer(u32 size, bool is_signed)
{
	switch (size) {
	case 1:
		return is_signed ? &type_s8 : &type_u8;
	case 2:
		return is_signed ? &type_s16 : &type_u16;
	case 4:
		return is_signed ? &type_s32 : &type_u32;
	case 8:
		return is_signed ? &type_s64 : &type_u64;
	}
	return &type_none;
}

struct type *type_new(struct arena *a, enum type_kind kind, u32 size)
{
	struct type *t = arena_new_of(a, struct type);

	t->kind = kind;
	t->size = size;
	t->align = 1;
	return t;
}

struct type *type_new_struct(struct arena *a, const char *name, u32 size, bool is_union)
{
	struct type *t = type_new(a, TYPE_STRUCT, size);

	t->name = name && *name ? name : NULL;
	t->is_anonymous = !t->name;
	t->is_union = is_union;
	t->align = 0; /* type_alignment() finds out */
	t->members = arena_new_of(a, struct members);
	return t;
}

const struct type *type_string(struct arena *a, u32 size)
{
	return type_new(a, TYPE_STRING, size);
}

const struct type *type_buffer(struct arena *a, u32 size)
{
	struct type *t = type_new(a, TYPE_BUFFER, size);

	t->align = 4;
	return t;
}

const struct type *type_pointer(struct arena *a, const struct type *of, enum address_space space)
{
	struct type *t = type_new(a, TYPE_POINTER, 8);

	t->align = 8;
	t->of = of;
	t->space = space;
	return t;
}

const struct type *type_array(struct arena *a, const struct type *of, u32 count)
{
	u64 size = (u64)of->size * count;
	struct type *t = type_new(a, TYPE_ARRAY, size > UINT32_MAX ? 0 : size);

	t->of = of;
	t->count = size > UINT32_MAX ? 0 : count;
	t->align = 0;
	return t;
}

const struct type *type_tuple(struct arena *a, const struct type *const *members,
			      const char *const *names, u32 count)
{
	struct type *t = type_new_struct(a, NULL, 0, false);
	u32 at = 0, align = 1;

	t->is_tuple = !names;
	t->is_record = names;
	t->members->fields = arena_alloc(a, count * sizeof(*t->members->fields) + 1);
	t->members->complete = true;
	/* without memory all is one scratch block, into which a list must not be written */
	t->members->count = arena_error(a) ? 0 : count;
	for (u32 i = 0; i < t->members->count; i++) {
		struct field *f = &t->members->fields[i];
		u32 its = type_alignment(members[i]);

		at = (at + its - 1) / its * its;
		align = MAX(align, its);
		f->name = names ? names[i] : NULL;
		f->type = members[i];
		f->offset = at;
		at += type_stored_size(members[i]);
	}
	t->size = (at + align - 1) / align * align;
	t->align = align;
	return t;
}

const struct type *type_in(struct arena *a, const struct type *t, enum address_space space)
{
	struct type *copy;

	if (t->space == space)
		return t;
	copy = arena_new_of(a, struct type);
	*copy = *t; /* shares the members: read for one is read for all */
	copy->space = space;
	return copy;
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool members_equal(const struct type *a, const struct type *b,
			  bool (*equal)(const struct type *, const struct type *))
{
	if (a->members->count != b->members->count)
		return false;
	for (u32 i = 0; i < a->members->count; i++) {
		const struct field *x = &a->members->fields[i], *y = &b->members->fields[i];

		if (!text_equal(x->name, y->name) || !equal(x->type, y->type))
			return false;
	}
	return true;
}

static bool struct_equal(const struct type *a, const struct type *b)
{
	if (a->is_tuple != b->is_tuple || a->is_record != b->is_record ||
	    a->is_union != b->is_union)
		return false;
	if (a->is_tuple || a->is_record)
		return members_equal(a, b, type_equal);
	return a->members == b->members || (a->name && text_equal(a->name, b->name));
}

static bool enum_equal(const struct type *a, const struct type *b)
{
	if (a->name || b->name)
		return text_equal(a->name, b->name) && a->size == b->size;
	return a->origin == b->origin && a->btf_id == b->btf_id;
}

static bool aggregation_equal(const struct aggregation *a, const struct aggregation *b)
{
	return a->min == b->min && a->max == b->max && a->step == b->step && a->bits == b->bits &&
	       a->interval_ns == b->interval_ns && a->buckets == b->buckets &&
	       a->reduce == b->reduce;
}

bool type_equal(const struct type *a, const struct type *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->kind != b->kind)
		return false;
	switch (a->kind) {
	case TYPE_INTEGER:
		return a->size == b->size && a->is_signed == b->is_signed;
	case TYPE_ENUM:
		return enum_equal(a, b);
	case TYPE_POINTER:
		return type_equal(a->of, b->of);
	case TYPE_STRING:
	case TYPE_BUFFER:
		return a->size == b->size;
	case TYPE_ARRAY:
		return a->count == b->count && type_equal(a->of, b->of);
	case TYPE_STRUCT:
		return struct_equal(a, b);
	case TYPE_FUNCTION:
		return a->members == b->members;
	case TYPE_KSTACK:
	case TYPE_USTACK:
		return a->stack_mode == b->stack_mode && a->stack_depth == b->stack_depth;
	default:
		return !type_is_aggregate(a) || aggregation_equal(&a->aggregation, &b->aggregation);
	}
}

bool type_is_integer(const struct type *t)
{
	return t->kind == TYPE_INTEGER || t->kind == TYPE_BOOL || t->kind == TYPE_ENUM;
}

bool type_is_aggregate(const struct type *t)
{
	return t->kind >= TYPE_COUNT && t->kind <= TYPE_TSERIES;
}

bool type_in_register(const struct type *t)
{
	switch (t->kind) {
	case TYPE_BOOL:
	case TYPE_INTEGER:
	case TYPE_ENUM:
	case TYPE_POINTER:
	case TYPE_KSYM:
	case TYPE_USERNAME:
	case TYPE_STRERROR:
	case TYPE_SYSCALL_NAME:
	case TYPE_SIGNAL_NAME:
		return true;
	default:
		return false;
	}
}

u32 type_stored_size(const struct type *t)
{
	switch (t->kind) {
	case TYPE_BUFFER:
		return sizeof(u32) + t->size;
	case TYPE_KSTACK:
	case TYPE_USTACK:
		return sizeof(struct stack_value) + t->stack_depth * sizeof(u64);
	case TYPE_COUNT:
	case TYPE_SUM:
		return sizeof(struct sum_value);
	case TYPE_MIN:
	case TYPE_MAX:
		return sizeof(struct extreme_value);
	case TYPE_AVG:
	case TYPE_STATS:
		return sizeof(struct stats_value);
	case TYPE_HIST:
	case TYPE_LHIST:
		return t->aggregation.buckets * sizeof(u64);
	case TYPE_TSERIES:
		return t->aggregation.buckets * sizeof(struct tseries_value);
	default:
		return t->size;
	}
}

static u32 members_alignment(const struct type *t, unsigned depth);

static u32 alignment(const struct type *t, unsigned depth)
{
	if (depth > TYPE_DEPTH_MAX)
		return 1;
	if (t->align)
		return t->kind == TYPE_KSTACK || t->kind == TYPE_USTACK || type_is_aggregate(t)
			       ? 8
			       : t->align;
	if (t->kind == TYPE_ARRAY)
		return alignment(t->of, depth + 1);
	return t->kind == TYPE_STRUCT ? members_alignment(t, depth) : 1;
}

static u32 members_alignment(const struct type *t, unsigned depth)
{
	const struct type_origin *o = t->origin;
	u32 align = 1;

	if (!t->members->complete && o)
		type_members(o->world, t);
	for (u32 i = 0; i < t->members->count; i++) {
		const struct field *f = &t->members->fields[i];
		u32 its = alignment(f->type, depth + 1);

		/* BTF does not say that a struct is packed, but this does */
		if (f->offset % its && !f->bit_size)
			return 1;
		align = MAX(align, its);
	}
	return t->size % align ? 1 : align;
}

u32 type_alignment(const struct type *t)
{
	return alignment(t, 0);
}

void field_set_bits(struct field *f, u64 at, u32 bits)
{
	u32 width = f->type->size * 8;

	if (!width)
		return;
	f->offset = at / width * f->type->size;
	f->bit_offset = at % width;
	f->bit_size = bits;
	if (f->bit_offset + bits <= width)
		return;
	/* a packed struct's may lie across */
	f->offset = at / 8;
	f->bit_offset = at % 8;
	if (f->bit_offset + bits > width)
		f->type = type_integer(8, f->type->is_signed);
}
