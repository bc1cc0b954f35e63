/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The .BTF.ext section of an object file, which libbpf reads but does not show: CO-RE relocations
 * (what is asked of the kernel's types) and line information. Everything points into the object's
 * bytes; a file that does not fit its own sizes is treated as having none: libbpf says what is
 * wrong with it.
 */
#pragma once

#include <linux/bpf.h>

#include "base/base.h"

struct extension_table {
	const u8 *bytes; /* record size, then per section: name, count, records */
	size_t size;
	u32 record_size;
};

struct extension {
	struct extension_table relocations, lines;
};

/* Zeroes @ret when there is no such section. */
void extension_read(const void *object, size_t size, struct extension *ret);

/*
 * Walks all records; begins zeroed. NULL at the end. w->section is the offset of the section's name
 * in the BTF.
 */
struct extension_walk {
	size_t at;
	u32 section, left;
};
const void *extension_next(const struct extension_table *t, struct extension_walk *w);

/*
 * Do the relocations ask what a minimised BTF cannot answer (a kernel type's id, whether types
 * match)?
 */
bool extension_needs_full_btf(const struct extension *e);
/* Do they ask anything of the kernel's types? Ids of the object's own types are relocations too. */
bool extension_needs_btf(const struct extension *e);
bool extension_has_relocations(const struct extension *e);
