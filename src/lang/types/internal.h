/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sources of types share inside this folder: the world with its places to look in, types
 * out of BTF (the kernel's, a module's, what was made of a program's DWARF), the C parser's tables
 * and small helpers.
 *
 * A type that is read when somebody looks inside has the BTF that it is from as its `origin` and
 * the id there; one of C declarations is complete, and an enum of C has its names as its `origin`.
 */
#pragma once

#include "base/base.h"
#include "kernel/kernel.h"
#include "lang/types/type.h"

#define TYPE_DEPTH_MAX 32 /* of pointers, arrays and unnamed members in one another */

/* One BTF: where types come from. */
struct type_origin {
	struct type_world *world;
	const struct kernel_btf *btf;
	struct kernel_btf *own;	     /* the same when it is ours to free */
	enum address_space pointers; /* what its pointers point to */
	const struct type **types;   /* by id; what was made so far */
	char *name;		     /* a module's, a program's path; NULL: the kernel's */
	struct program *program;     /* DWARF instead of BTF: dwarf_types.c; ids are offsets */
	bool is_searched;	     /* a program: for structs by their names too */
};

/* Names of C: hashed, kept for the compilation. */
struct c_name {
	const char *name; /* "struct x", "union x", "enum x" or a typedef's own */
	const struct type *type;
	u32 next; /* index + 1 */
};
struct c_constant {
	const char *name;
	s64 value;
	const struct type *of;
	u32 next;
};
struct c_enum { /* the names of one enum */
	const struct c_constant **constants;
	u32 count;
};
#define C_BUCKETS 256

struct c_macros;

struct type_world {
	struct type_world_options o;
	struct type_origin kernel;
	bool kernel_failed; /* no BTF: said once, asked once */
	struct type_origin **modules;
	size_t module_count, module_capacity;
	bool modules_open;
	struct type_origin **programs;
	size_t program_count, program_capacity;
	/* C */
	struct c_name *names;
	size_t name_count, name_capacity;
	u32 name_buckets[C_BUCKETS];
	struct c_constant **constants;
	size_t constant_count, constant_capacity;
	u32 constant_buckets[C_BUCKETS];
	struct c_macros *macros;
};

u32 hash_of_name(const char *s, size_t len);

/* ---- BTF ------------------------------------------------------------------------------------- */

/* The kernel's; NULL (with fail() text) when there is none. Opened by whoever asks first. */
struct type_origin *world_kernel(struct type_world *w);
/* Every module's; opened by whoever asks first. */
void world_open_modules(struct type_world *w);
struct type_origin *world_module(struct type_world *w, const char *name);
/* Takes @btf. NULL: no memory. */
struct type_origin *origin_new(struct type_world *w, struct kernel_btf *btf, const char *name,
			       enum address_space pointers);
void origin_free(struct type_origin *o);
const struct type *origin_type(struct type_origin *o, u32 id);
/* A type of an essential kind by its name; NULL: none. kind 0: a typedef or, without, any. */
const struct type *origin_named(struct type_origin *o, const char *name, unsigned kind);
bool origin_members(struct type_origin *o, const struct type *t);
/* A function type of a FUNC_PROTO without its first @skip parameters. */
const struct type *origin_function(struct type_origin *o, u32 id, u32 skip);
/* What tracefs says of one event, without looking anything up in BTF. NULL: it is no format. */
struct format_options {
	const char *name; /* of the struct */
	enum address_space pointers;
};
const struct type *format_parse(struct arena *a, const struct format_options *o, const char *text,
				size_t len);
void format_print(const char *text, size_t len, struct buf *b);
const char *origin_enum_name(struct type_origin *o, u32 id, s64 value);

/* ---- programs -------------------------------------------------------------------------------- */

void program_free(struct program *p);
const struct type *program_named(struct type_origin *o, const char *name, unsigned kind);
bool program_members(struct type_origin *o, const struct type *t);
bool program_enumerator(struct type_origin *o, const char *name, s64 *ret,
			const struct type **ret_enum);
const char *program_enum_name(struct type_origin *o, u32 id, s64 value);

/* ---- what types of all sources need ---------------------------------------------------------- */

struct type *type_new(struct arena *a, enum type_kind kind, u32 size);
struct type *type_new_struct(struct arena *a, const char *name, u32 size, bool is_union);
/* As C aligns it; reads members when it must. At least 1. */
u32 type_alignment(const struct type *t);
/* The bit-field of @bits bits that begins at bit @at: a load of its type's size holds it. */
void field_set_bits(struct field *f, u64 at, u32 bits);
/* Built-in names: "uint8", "unsigned long", "u32", "void" ...; NULL: it is none. */
const struct type *type_builtin(struct arena *a, const char *name);

/* ---- C --------------------------------------------------------------------------------------- */

const struct type *c_type_named(const struct type_world *w, const char *name);
const struct c_constant *c_constant_named(const struct type_world *w, const char *name);
void c_macros_free(struct c_macros *m);
