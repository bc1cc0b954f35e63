/* SPDX-License-Identifier: Apache-2.0 */
/* Macros: what the parts of their expansion share. */
#pragma once

#include "lang/syntax/copy.h"
#include "lang/syntax/parser.h"

#define EXPANDED_MAX 200000 /* nodes that macros may add to a script */

/* A macro that is being expanded, for recursion. */
struct frame {
	const struct macro *macro;
	const struct frame *above;
};

struct expander {
	const struct parse_options *o;
	struct arena *arena;
	struct macro **table; /* by name; a power of two */
	u32 mask;
	const struct frame *frame;
	u32 depth, copied;
	bool too_large; /* told already */
};

/*
 * The macro's body with the call's arguments in it. NULL after a report. The arguments fit.
 */
struct node *instantiate(struct expander *x, struct macro *m, const struct node *call);
/* Finds the macro that @call (with as many arguments as it has) means; NULL: reported. */
struct macro *choose_macro(struct expander *x, struct macro *first, const struct node *call);
