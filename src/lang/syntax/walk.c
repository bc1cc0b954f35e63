// SPDX-License-Identifier: Apache-2.0
/*
 * Going over trees: to every node below one, parents first, and copying. Both are recursive; the
 * parser keeps trees low enough for that.
 */
#include "lang/syntax/copy.h"

const char *operator_text(enum operator_kind o)
{
	static const char *const texts[] = {
		[OPERATOR_NONE] = "",
		[OPERATOR_ADD] = "+",
		[OPERATOR_SUBTRACT] = "-",
		[OPERATOR_MULTIPLY] = "*",
		[OPERATOR_DIVIDE] = "/",
		[OPERATOR_MODULO] = "%",
		[OPERATOR_BIT_AND] = "&",
		[OPERATOR_BIT_OR] = "|",
		[OPERATOR_BIT_XOR] = "^",
		[OPERATOR_SHIFT_LEFT] = "<<",
		[OPERATOR_SHIFT_RIGHT] = ">>",
		[OPERATOR_AND] = "&&",
		[OPERATOR_OR] = "||",
		[OPERATOR_EQUAL] = "==",
		[OPERATOR_NOT_EQUAL] = "!=",
		[OPERATOR_LESS] = "<",
		[OPERATOR_LESS_EQUAL] = "<=",
		[OPERATOR_GREATER] = ">",
		[OPERATOR_GREATER_EQUAL] = ">=",
		[OPERATOR_NOT] = "!",
		[OPERATOR_BIT_NOT] = "~",
		[OPERATOR_NEGATE] = "-",
		[OPERATOR_DEREFERENCE] = "*",
		[OPERATOR_PRE_INCREMENT] = "++",
		[OPERATOR_PRE_DECREMENT] = "--",
		[OPERATOR_POST_INCREMENT] = "++",
		[OPERATOR_POST_DECREMENT] = "--",
	};

	return o < ARRAY_SIZE(texts) ? texts[o] : "?";
}

#define AT(member) offsetof(struct node, member)

/* Where the nodes of each kind are; no member has offset 0, so that ends a row. */
static const u16 places[][5] = {
	[NODE_MAP] = { AT(map.key) },
	[NODE_CALL] = { AT(call.arguments) },
	[NODE_UNARY] = { AT(unary.e) },
	[NODE_BINARY] = { AT(binary.left), AT(binary.right) },
	[NODE_TERNARY] = { AT(ternary.condition), AT(ternary.yes), AT(ternary.no) },
	[NODE_CAST] = { AT(cast.e) },
	[NODE_FIELD] = { AT(field.e) },
	[NODE_ELEMENT] = { AT(element.e) },
	[NODE_INDEX] = { AT(index.e), AT(index.index) },
	[NODE_TUPLE] = { AT(tuple.members) },
	[NODE_RECORD] = { AT(record.members) },
	[NODE_SIZEOF] = { AT(size_of.e) },
	[NODE_OFFSETOF] = { AT(size_of.e) },
	[NODE_TYPEOF] = { AT(size_of.e) },
	[NODE_TYPEINFO] = { AT(size_of.e) },
	[NODE_TYPE] = { AT(size_of.e) },
	[NODE_BLOCK] = { AT(block.statements), AT(block.result) },
	[NODE_COMPTIME] = { AT(e) },
	[NODE_ADDRESS_OF] = { AT(e) },
	[NODE_EXPRESSION] = { AT(e) },
	[NODE_ASSIGN] = { AT(assign.target), AT(assign.value) },
	[NODE_LET] = { AT(let.variable), AT(let.value) },
	[NODE_IF] = { AT(if_.condition), AT(if_.yes), AT(if_.no) },
	[NODE_WHILE] = { AT(while_.condition), AT(while_.body) },
	[NODE_UNROLL] = { AT(while_.condition), AT(while_.body) },
	[NODE_FOR_RANGE] = { AT(for_.variable), AT(for_.from), AT(for_.to), AT(for_.body) },
	[NODE_FOR_MAP] = { AT(for_.variable), AT(for_.map), AT(for_.body) },
	[NODE_RETURN] = { AT(e) },
};

size_t node_children(struct node *n, struct node **slots[CHILDREN_MAX])
{
	struct type_name **type = node_type_name(n);
	size_t count = 0;

	for (; count < ARRAY_SIZE(places[0]) && places[n->kind][count]; count++)
		slots[count] = (struct node **)((char *)n + places[n->kind][count]);
	if (type && *type && (*type)->of)
		slots[count++] = &(*type)->of;
	return count;
}

struct type_name **node_type_name(struct node *n)
{
	switch (n->kind) {
	case NODE_CAST:
		return &n->cast.to;
	case NODE_LET:
		return &n->let.type;
	case NODE_SIZEOF:
	case NODE_OFFSETOF:
	case NODE_TYPEOF:
	case NODE_TYPEINFO:
	case NODE_TYPE:
		return &n->size_of.type;
	default:
		return NULL;
	}
}

bool node_walk(struct node *n, bool (*fn)(void *context, struct node *n), void *context)
{
	struct node **slots[CHILDREN_MAX];
	size_t count;

	if (!n)
		return true;
	if (!fn(context, n))
		return false;
	count = node_children(n, slots);
	for (size_t i = 0; i < count; i++)
		for (struct node *child = *slots[i]; child; child = child->next)
			if (!node_walk(child, fn, context))
				return false;
	return true;
}

/* ---- copies -------------------------------------------------------------------------------- */

static struct type_name *copy_type(const struct copy *c, const struct type_name *t)
{
	struct type_name *copy = arena_new_of(c->arena, struct type_name);

	*copy = *t;
	if (c->expansion)
		copy->span.expansion = c->expansion;
	copy->size = copy_node(c, t->size);
	copy->of = copy_node(c, t->of);
	if (t->member_count) {
		copy->members = arena_alloc(c->arena, t->member_count * sizeof(*copy->members));
		for (size_t i = 0; i < t->member_count; i++)
			copy->members[i] = copy_type(c, t->members[i]);
	}
	if (t->suffix_count) {
		copy->suffixes = arena_alloc(c->arena, t->suffix_count * sizeof(s64));
		memcpy(copy->suffixes, t->suffixes, t->suffix_count * sizeof(s64));
	}
	return copy;
}

static const char **copy_names(const struct copy *c, const char **names, u32 count)
{
	const char **copy = arena_alloc(c->arena, count * sizeof(*copy));

	if (count)
		memcpy(copy, names, count * sizeof(*copy));
	return copy;
}

static struct node *copy_list(const struct copy *c, const struct node *list)
{
	struct node *first = NULL, **tail = &first;

	for (; list && !arena_error(c->arena); list = list->next) {
		*tail = copy_node(c, list);
		tail = &(*tail)->next;
	}
	return first;
}

struct node *copy_node(const struct copy *c, const struct node *n)
{
	struct node **slots[CHILDREN_MAX];
	struct type_name **type;
	struct node *copy;
	size_t count;

	if (!n)
		return NULL;
	copy = arena_new_of(c->arena, struct node);
	*copy = *n;
	copy->next = NULL;
	copy->type = NULL;
	copy->symbol = NULL;
	copy->extra = NULL;
	if (c->expansion) {
		copy->span.expansion = c->expansion;
		if (n->kind == NODE_CALL)
			copy->call.name_span.expansion = c->expansion;
		if (n->kind == NODE_FIELD)
			copy->field.name_span.expansion = c->expansion;
	}
	type = node_type_name(copy);
	if (type && *type)
		*type = copy_type(c, *type);
	if (n->kind == NODE_RECORD)
		copy->record.names = copy_names(c, n->record.names, n->record.count);
	if (n->kind == NODE_OFFSETOF)
		copy->size_of.path = copy_names(c, n->size_of.path, n->size_of.path_count);
	count = node_children(copy, slots);
	for (size_t i = 0; i < count; i++)
		if (!type || !*type || slots[i] != &(*type)->of)
			*slots[i] = copy_list(c, *slots[i]);
	return c->replace ? c->replace(c->context, copy) : copy;
}

struct node *node_copy(struct arena *a, const struct node *n)
{
	struct copy c = { .arena = a };

	return copy_node(&c, n);
}
