/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's BTF without libbpf's full load of it: mapped (or read), scanned once from end to end
 * for where each type stands and for the names of structs, unions, enums and typedefs, and let go
 * with its last user. One for each thread: who loads several objects, on the same thread, holds it
 * meanwhile (kernel_btf_hold() in object.h).
 */
#pragma once

#include <linux/btf.h>

#include "kernel/object.h"

#define KIND_ENUM64 19 /* not in the headers of older kernels */
#define KIND_TYPE_TAG 18

struct kernel_btf;
struct kernel_btf_enum64 {
	u32 name_off, low, high;
};

/*
 * -ENOENT: this kernel has none. -EOPNOTSUPP: it has kinds that we do not know, so that where the
 * next type begins cannot be told. A reference is given back with kernel_btf_put().
 */
int kernel_btf_get(const struct kernel_btf **ret);
void kernel_btf_put(const struct kernel_btf *b);
void kernel_btf_putp(const struct kernel_btf **b);

/*
 * Other BTF than the running kernel's: a file's, where @base (NULL: none) is what a module's goes
 * on from and must stay as long; or bytes, which are copied and are trusted in nothing. Not
 * shared: kernel_btf_free().
 */
int kernel_btf_open(const char *path, const struct kernel_btf *base, struct kernel_btf **ret);
int kernel_btf_parse(const void *bytes, size_t size, struct kernel_btf **ret);
void kernel_btf_free(struct kernel_btf *b);
void kernel_btf_freep(struct kernel_btf **b);

/* NULL for 0 (void) and for ids that are not there. */
const struct btf_type *kernel_btf_type(const struct kernel_btf *b, u32 id);
const char *kernel_btf_string(const struct kernel_btf *b, u32 offset);
u32 kernel_btf_count(const struct kernel_btf *b);
/* The id behind typedefs, const, volatile, restrict and type tags; 0 is void. */
u32 kernel_btf_resolve(const struct kernel_btf *b, u32 id);
/*
 * Ids of the types called @name (up to any `___flavour`), one after the other: @after is 0, then
 * what was given last. 0: no more. Of the kinds struct, union, enum, enum64 and typedef; in no
 * order.
 */
u32 kernel_btf_named(const struct kernel_btf *b, const char *name, u32 after);
/* The id of a typedef, or -ENOENT. */
int kernel_btf_typedef(const struct kernel_btf *b, const char *name);
/* The id of a function, or -ENOENT. Looks at every type, not at names: 0.5 ms. */
int kernel_btf_function(const struct kernel_btf *b, const char *name);
/* The enum that has the constant @name, and its value; 0: none has. 1 ms at first, then less. */
u32 kernel_btf_enumerator(const struct kernel_btf *b, const char *name, s64 *ret_value);
/* The value of the constant @i of an enum or enum64, and where its name stands. */
s64 kernel_btf_enum_value(const struct btf_type *t, u32 i, u32 *ret_name);
/* Does any module's BTF have one of the names, of which each has its NUL? */
bool kernel_btf_in_modules(const char *names, size_t len);
/* All bytes, for who must have them as they are; -errno. */
int kernel_btf_bytes(struct buf *b);

static inline unsigned btf_kind_of(const struct btf_type *t)
{
	return t->info >> 24 & 0x1f;
}

static inline unsigned btf_count_of(const struct btf_type *t)
{
	return t->info & 0xffff;
}

/* Length of a name without its `___flavour`. */
size_t btf_essential_length(const char *name);
