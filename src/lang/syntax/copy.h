/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying trees with changes on the way, for macros: the same function makes plain copies. And the
 * one place that knows which members of a node are nodes.
 */
#pragma once

#include "lang/syntax/ast.h"

#define CHILDREN_MAX 6

/* Fills @slots with where @n keeps its nodes (each the first of a list, or NULL); their number. */
size_t node_children(struct node *n, struct node **slots[CHILDREN_MAX]);
/* Where a kind keeps its type; NULL for the others. */
struct type_name **node_type_name(struct node *n);

struct copy {
	struct arena *arena;
	u32 expansion; /* for the spans; 0: leave them */
	/* What takes the place of a copied node, its children being copied; NULL: itself. */
	struct node *(*replace)(void *context, struct node *copy);
	void *context;
};
struct node *copy_node(const struct copy *c, const struct node *n);
