/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas out of BTF. Internal to the folder. */
#pragma once

#include "event/schema.h"
#include "event/tags.h"

#include <bpf/btf.h>

/*
 * The columns of struct @type (an id in @btf) become a schema called @name; for events and inputs,
 * whose first member is the header.
 */
int schema_of_struct(const struct btf *btf, const char *name, const struct tag *tag, u32 type,
		     struct schema **ret);
/*
 * The schema of a map's rows: header, key, value. @key and @value are type ids. Key bytes start at
 * 16, value bytes at ret_value_offset (8-byte aligned).
 */
int schema_of_map(const struct btf *btf, const char *name, const struct tag *tag,
		  enum schema_sort sort, u32 key, u32 value, struct schema **ret,
		  u32 *ret_value_offset);
/*
 * The text of the @n-th tag of ours on @type (component -1: the type itself), parsed. -ENOENT when
 * there is none.
 */
int btf_tag(const struct btf *btf, u32 type, int component, const char *word, unsigned n,
	    struct tag *ret);
