/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script as far as the checker takes it: parsed, its probes expanded, checked; with what was said
 * about it as text.
 */
#pragma once

#include "lang/check/check.h"
#include "unit/lang/groups.h"

struct checked {
	struct arena *arena;
	struct sources *sources;
	struct diagnostics diagnostics;
	struct type_world *world;
	struct script_options options;
	struct script script;
	struct buf text; /* the diagnostics */
	int err;
};

/* @arguments: $1 ..., may be NULL. */
void check_open(struct checked *c, const char *text, const char *const *arguments, size_t count);
void check_close(struct checked *c);
#define _cleanup_checked_ _cleanup_(check_close)
/* The type of variable @name, or map @name, in the script; "" when there is none. In @c's arena. */
const char *check_type_of(struct checked *c, const char *name);
struct map *check_map_named(struct checked *c, const char *name);
struct variable *check_variable_named(struct checked *c, const char *name);
