// SPDX-License-Identifier: Apache-2.0
/*
 * An expression as text, in its normal form: every inner group has its brackets, names stand where
 * a number has one that reads back as itself. What is printed parses to the same tree.
 */
#include "event/expression_internal.h"

#include <arpa/inet.h>
#include <math.h>

static const char *const signs[] = {
	[TEST_EQ] = "==",
	[TEST_NE] = "!=",
	[TEST_LT] = "<",
	[TEST_LE] = "<=",
	[TEST_GT] = ">",
	[TEST_GE] = ">=",
	[TEST_STARTS] = "startswith",
	[TEST_ENDS] = "endswith",
	[TEST_CONTAINS] = "contains",
	[TEST_LIKE] = "like",
	[TEST_MATCHES] = "matches",
};

static void print_text(const struct literal *l, struct buf *b)
{
	size_t from = 0;

	buf_add_char(b, '"');
	for (size_t i = 0; i <= l->len; i++) {
		if (i < l->len && l->text[i] != '"')
			continue;
		text_add_safe(b, l->text + from, i - from);
		if (i < l->len)
			buf_add_str(b, "\\\"");
		from = i + 1;
	}
	buf_add_char(b, '"');
}

static void print_address(const struct literal *l, struct buf *b)
{
	static const u8 v4_mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = l->prefix >= 96 && !memcmp(l->address, v4_mapped, sizeof(v4_mapped));
	char text[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? l->address + 12 : l->address, text, sizeof(text));
	buf_add_str(b, text);
	if (l->prefix < 128)
		buf_printf(b, "/%u", v4 ? l->prefix - 96 : l->prefix);
}

static bool print_named(const struct column *c, u64 number, struct buf *b)
{
	struct value v = { .class = c->kind->class, .u = number };
	size_t start = b->len;
	s64 back;

	for (size_t i = 0; i < c->name_count; i++) {
		if (c->names[i].number == (s64)number) {
			buf_add_str(b, c->names[i].name);
			return true;
		}
	}
	if (!c->kind->parse || !c->kind->format || !number)
		return false;
	c->kind->format(c, &v, b);
	if (!b->error && !c->kind->parse(c, b->data + start, &back) && back == (s64)number)
		return true;
	b->len = start;
	return false;
}

static void print_number(const struct node *n, const struct column *c, u64 number, struct buf *b)
{
	if (n->masked)
		buf_printf(b, "0x%llx", (unsigned long long)number);
	else if (n->class == VALUE_BOOL)
		buf_add_str(b, number ? "true" : "false");
	else if (print_named(c, number, b))
		return;
	else if (n->class == VALUE_SIGNED)
		buf_add_s64(b, (s64)number);
	else
		buf_add_u64(b, number);
}

static void print_literal(const struct node *n, const struct column *c, const struct literal *l,
			  struct buf *b)
{
	if (class_is_text(n->class))
		print_text(l, b);
	else if (n->class == VALUE_IP)
		print_address(l, b);
	else if (n->class == VALUE_DOUBLE)
		buf_printf(b, isinf(l->real) ? (l->real < 0 ? "-1e999" : "1e999") : "%.17g",
			   l->real);
	else
		print_number(n, c, l->number, b);
}

static void print_test(const struct expression *e, const struct node *n, struct buf *b)
{
	const struct column *c = node_column(e, n);
	bool range = n->class == VALUE_IP && n->literals[0].prefix < 128;

	buf_add_str(b, c->name);
	if (n->masked)
		buf_printf(b, " & 0x%llx", (unsigned long long)n->mask);
	if (n->count == 1 && !range) {
		buf_printf(b, " %s ", signs[n->op]);
		print_literal(n, c, &n->literals[0], b);
		return;
	}
	buf_add_str(b, n->op == TEST_EQ ? " in (" : " not in (");
	for (size_t i = 0; i < n->count; i++) {
		if (i)
			buf_add_str(b, ", ");
		print_literal(n, c, &n->literals[i], b);
	}
	buf_add_char(b, ')');
}

static void print_node(const struct expression *e, const struct node *n, bool inner, struct buf *b)
{
	if (n->type == NODE_TEST) {
		print_test(e, n, b);
		return;
	}
	if (n->type == NODE_NOT) {
		/* A group brings its own brackets. */
		bool group = n->first->type == NODE_AND || n->first->type == NODE_OR;

		buf_add_str(b, group ? "!" : "!(");
		print_node(e, n->first, true, b);
		if (!group)
			buf_add_char(b, ')');
		return;
	}
	if (inner)
		buf_add_char(b, '(');
	for (const struct node *child = n->first; child; child = child->next) {
		if (child != n->first)
			buf_add_str(b, n->type == NODE_AND ? " && " : " || ");
		print_node(e, child, true, b);
	}
	if (inner)
		buf_add_char(b, ')');
}

void expression_print(const struct expression *e, struct buf *b)
{
	print_node(e, e->root, false, b);
}
