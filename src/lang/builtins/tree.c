/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees that built-ins put in place of themselves: ppid is curtask.real_parent.pid and nothing
 * more. The nodes carry the place of the call, so that a message points at what was written.
 */
#include "lang/builtins/builtins.h"

struct node *tree_new(struct checker *c, const struct node *at, enum node_kind kind)
{
	struct node *n = arena_new_of(c->script->arena, struct node);

	n->kind = kind;
	n->span = at->span;
	return n;
}

struct node *tree_call(struct checker *c, const struct node *at, const char *name, unsigned count,
		       ...)
{
	struct node *n = tree_new(c, at, NODE_CALL), **last = &n->call.arguments;
	va_list args;

	n->call.name = name;
	n->call.name_span = at->span;
	n->call.count = count;
	va_start(args, count);
	for (unsigned i = 0; i < count; i++) {
		*last = va_arg(args, struct node *);
		(*last)->next = NULL;
		last = &(*last)->next;
	}
	va_end(args);
	return n;
}

struct node *tree_name(struct checker *c, const struct node *at, const char *name)
{
	struct node *n = tree_new(c, at, NODE_IDENTIFIER);

	n->identifier.name = name;
	return n;
}

struct node *tree_field(struct checker *c, const struct node *at, struct node *e, const char *name)
{
	struct node *n = tree_new(c, at, NODE_FIELD);

	n->field.e = e;
	n->field.name = name;
	n->field.name_span = at->span;
	return n;
}

struct node *tree_integer(struct checker *c, const struct node *at, s64 value)
{
	struct node *n = tree_new(c, at, NODE_INTEGER);

	n->integer.value = (u64)value;
	n->integer.is_negative = value < 0;
	return n;
}

struct node *tree_text(struct checker *c, const struct node *at, const char *text)
{
	struct node *n = tree_new(c, at, NODE_STRING);

	n->string.bytes = text;
	n->string.len = strlen(text);
	return n;
}

struct node *tree_binary(struct checker *c, const struct node *at, enum operator_kind op,
			 struct node *left, struct node *right)
{
	struct node *n = tree_new(c, at, NODE_BINARY);

	n->binary.op = op;
	n->binary.left = left;
	n->binary.right = right;
	left->next = right->next = NULL;
	return n;
}

const struct type *tree_replace(struct checker *c, struct node *n, const struct node *by)
{
	struct node *next = n->next;
	struct span span = n->span;

	*n = *by;
	n->next = next;
	n->span = span;
	return check_expression(c, n);
}

const struct type *tree_replace_bool(struct checker *c, struct node *n, bool value)
{
	struct node *by = tree_new(c, n, NODE_BOOL);

	by->boolean = value;
	return tree_replace(c, n, by);
}

const struct type *tree_replace_text(struct checker *c, struct node *n, const char *text)
{
	return tree_replace(c, n, tree_text(c, n, text));
}
