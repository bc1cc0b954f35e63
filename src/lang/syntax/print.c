// SPDX-License-Identifier: Apache-2.0
/*
 * The tree as text: a line for each node, what is below it two columns further in. Stable, because
 * tests hold it: no places and no addresses.
 */
#include "lang/syntax/copy.h"

static void add_quoted(struct buf *b, const char *bytes, size_t len)
{
	text_add_json(b, bytes, len);
}

static void add_type_name(struct buf *b, const struct type_name *t)
{
	if (t->is_tuple) {
		buf_add_char(b, '(');
		for (size_t i = 0; i < t->member_count; i++) {
			buf_add_str(b, i ? ", " : "");
			add_type_name(b, t->members[i]);
		}
		buf_add_char(b, ')');
	} else {
		buf_add_str(b, t->of ? "typeof" : t->name);
	}
	if (t->size)
		buf_printf(b, "[%llu]", (unsigned long long)t->size->integer.value);
	for (size_t i = 0; i < t->suffix_count; i++) {
		if (t->suffixes[i] == SUFFIX_POINTER)
			buf_add_char(b, '*');
		else if (t->suffixes[i] == SUFFIX_UNSIZED)
			buf_add_str(b, "[]");
		else
			buf_printf(b, "[%lld]", (long long)t->suffixes[i]);
	}
}

static const char *kind_name(enum node_kind kind)
{
	static const char *const names[] = {
		[NODE_INTEGER] = "integer",
		[NODE_STRING] = "string",
		[NODE_BOOL] = "bool",
		[NODE_IDENTIFIER] = "identifier",
		[NODE_PARAMETER] = "parameter",
		[NODE_VARIABLE] = "variable",
		[NODE_MAP] = "map",
		[NODE_CALL] = "call",
		[NODE_UNARY] = "unary",
		[NODE_BINARY] = "binary",
		[NODE_TERNARY] = "ternary",
		[NODE_CAST] = "cast",
		[NODE_FIELD] = "field",
		[NODE_ELEMENT] = "element",
		[NODE_INDEX] = "index",
		[NODE_TUPLE] = "tuple",
		[NODE_RECORD] = "record",
		[NODE_SIZEOF] = "sizeof",
		[NODE_OFFSETOF] = "offsetof",
		[NODE_TYPEOF] = "typeof",
		[NODE_TYPEINFO] = "typeinfo",
		[NODE_BLOCK] = "block",
		[NODE_COMPTIME] = "comptime",
		[NODE_TYPE] = "type",
		[NODE_ADDRESS_OF] = "address",
		[NODE_EXPRESSION] = "expression",
		[NODE_ASSIGN] = "assign",
		[NODE_LET] = "let",
		[NODE_IF] = "if",
		[NODE_WHILE] = "while",
		[NODE_UNROLL] = "unroll",
		[NODE_FOR_RANGE] = "for range",
		[NODE_FOR_MAP] = "for map",
		[NODE_BREAK] = "break",
		[NODE_CONTINUE] = "continue",
		[NODE_RETURN] = "return",
	};

	return kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "?";
}

static void add_literal(const struct node *n, struct buf *b)
{
	switch (n->kind) {
	case NODE_INTEGER:
		buf_printf(b, n->integer.is_negative ? " %lld" : " %llu",
			   (unsigned long long)n->integer.value);
		buf_add_str(b, n->integer.has_unit ? "ns" : "");
		break;
	case NODE_STRING:
		buf_add_char(b, ' ');
		add_quoted(b, n->string.bytes, n->string.len);
		break;
	case NODE_BOOL:
		buf_add_str(b, n->boolean ? " true" : " false");
		break;
	default:
		break;
	}
}

static const char *name_of(const struct node *n)
{
	switch (n->kind) {
	case NODE_IDENTIFIER:
		return n->identifier.name;
	case NODE_VARIABLE:
		return n->variable.name;
	case NODE_MAP:
		return n->map.name;
	case NODE_CALL:
		return n->call.name;
	case NODE_FIELD:
		return n->field.name;
	case NODE_UNARY:
		return operator_text(n->unary.op);
	case NODE_BINARY:
		return operator_text(n->binary.op);
	default:
		return NULL;
	}
}

/* What a node is besides its children. */
static void add_details(const struct node *n, struct buf *b)
{
	struct type_name **type = node_type_name((struct node *)n);

	add_literal(n, b);
	if (name_of(n))
		buf_printf(b, " %s", name_of(n));
	if (n->kind == NODE_PARAMETER && n->parameter.number)
		buf_printf(b, " $%u", n->parameter.number);
	else if (n->kind == NODE_PARAMETER)
		buf_add_str(b, " $#");
	if (n->kind == NODE_UNARY &&
	    (n->unary.op == OPERATOR_POST_INCREMENT || n->unary.op == OPERATOR_POST_DECREMENT))
		buf_add_str(b, " behind");
	if (n->kind == NODE_FIELD && n->field.arrow)
		buf_add_str(b, " ->");
	if (n->kind == NODE_ELEMENT)
		buf_printf(b, " %u", n->element.number);
	if (n->kind == NODE_ASSIGN)
		buf_printf(b, " %s%s=%s", operator_text(n->assign.op), "",
			   n->assign.target ? "" : " nothing");
	if (n->kind == NODE_IF && n->if_.comptime)
		buf_add_str(b, " comptime");
	if (type && *type) {
		buf_add_char(b, ' ');
		add_type_name(b, *type);
	}
	for (u32 i = 0; n->kind == NODE_OFFSETOF && i < n->size_of.path_count; i++)
		buf_printf(b, " .%s", n->size_of.path[i]);
	for (u32 i = 0; n->kind == NODE_RECORD && i < n->record.count; i++)
		buf_printf(b, " .%s", n->record.names[i]);
}

/* Children that would be mistaken for another of the same node are introduced by a word. */
static const char *role(const struct node *n, struct node **slot)
{
	switch (n->kind) {
	case NODE_BLOCK:
		return slot == (struct node **)&n->block.result ? "result" : NULL;
	case NODE_IF:
		return slot == (struct node **)&n->if_.no ? "else" : NULL;
	case NODE_TERNARY:
		return slot == (struct node **)&n->ternary.no ? "else" : NULL;
	default:
		return NULL;
	}
}

static void print_tree(const struct node *n, unsigned depth, struct buf *b,
		       void (*note)(void *context, const struct node *n, struct buf *b),
		       void *context)
{
	struct node **slots[CHILDREN_MAX];
	size_t count = node_children((struct node *)n, slots);

	buf_add_fill(b, ' ', (size_t)depth * 2);
	buf_add_str(b, kind_name(n->kind));
	add_details(n, b);
	if (note)
		note(context, n, b);
	buf_add_char(b, '\n');
	for (size_t i = 0; i < count; i++) {
		const char *word = *slots[i] ? role(n, slots[i]) : NULL;

		if (word) {
			buf_add_fill(b, ' ', (size_t)(depth + 1) * 2);
			buf_printf(b, "%s:\n", word);
		}
		for (const struct node *c = *slots[i]; c; c = c->next)
			print_tree(c, depth + 1 + (word != NULL), b, note, context);
	}
}

void node_print(const struct node *n, unsigned depth, struct buf *b)
{
	print_tree(n, depth, b, NULL, NULL);
}

void syntax_print_noted(const struct syntax *s, struct buf *b,
			void (*note)(void *context, const struct node *n, struct buf *b),
			void *context)
{
	for (size_t i = 0; i < s->c_part_count; i++)
		buf_printf(b, "C %u bytes\n", s->c_parts[i].end - s->c_parts[i].start);
	for (const struct config_entry *c = s->config; c; c = c->next) {
		buf_printf(b, "config %s\n", c->name);
		print_tree(c->value, 1, b, note, context);
	}
	for (const struct map_declaration *m = s->maps; m; m = m->next)
		buf_printf(b, "map %s %s %llu\n", m->name, m->type, (unsigned long long)m->size);
	for (const struct named_parameter *p = s->parameters; p; p = p->next) {
		buf_printf(b, "option %s %s\n", p->name, p->help ?: "");
		if (p->standard)
			print_tree(p->standard, 1, b, note, context);
	}
	for (const struct probe *p = s->probes; p; p = p->next) {
		buf_add_str(b, "probe\n");
		for (const struct attach_text *a = p->attach; a; a = a->next) {
			buf_printf(b, "  at%s%s", a->name ? " " : "", a->name ?: "");
			for (u32 i = 0; i < a->count; i++) {
				buf_add_char(b, ' ');
				add_quoted(b, a->parts[i], strlen(a->parts[i]));
			}
			buf_add_char(b, '\n');
		}
		if (p->predicate) {
			buf_add_str(b, "  if\n");
			print_tree(p->predicate, 2, b, note, context);
		}
		print_tree(p->body, 1, b, note, context);
	}
}

void syntax_print(const struct syntax *s, struct buf *b)
{
	syntax_print_noted(s, b, NULL, NULL);
}
