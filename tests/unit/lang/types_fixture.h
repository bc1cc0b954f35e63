/* SPDX-License-Identifier: Apache-2.0 */
/* A world of types for a test: C declarations as text, headers from the system or from a table. */
#pragma once

#include "unit/lang/groups.h"

#include "lang/types/internal.h"

struct header_text {
	const char *name, *text; /* a list ends with NULL */
};

struct types {
	struct arena *arena;
	struct diagnostics diagnostics;
	struct type_world *world;
	const struct header_text *headers;
	bool from_system; /* /usr/include */
	struct buf text;  /* of what was printed last */
};

struct types *types_new(const struct header_text *headers, bool from_system);
void types_free(struct types *t);
/* The text as one part of a script. Returns what type_world_declare() does. */
int types_declare(struct types *t, const char *text);
/* All diagnostics as text. */
const char *types_errors(struct types *t);
/* A type as the language writes it. */
const char *types_print(struct types *t, const struct type *type);
/* "offset type" of a field, with ".bit:bits" behind the offset of a bit-field; "none". */
const char *types_field(struct types *t, const char *type, const char *field);
bool types_have_kernel(void);
