// SPDX-License-Identifier: Apache-2.0
/*
 * Values: literals, names, calls, what stands in brackets, and what follows a value: a field, an
 * index, an increment. Keywords are words like any other where they cannot mean anything else.
 */
#include "lang/syntax/parser.h"

struct node *parse_integer(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_INTEGER, p->token.start);
	struct literal_number l = {
		.arena = p->arena,
		.text = p->lexer.text + p->token.start,
		.len = p->token.end - p->token.start,
		.c_suffix = p->c_suffixes,
	};
	struct span bad = token_span(p);

	/* A wrong number is told and read as 0, so that the rest is still looked at. */
	if (literal_number(&l)) {
		bad.start += l.bad;
		syntax_error_at(p, bad, "%s", l.error);
	}
	n->integer.value = l.value;
	n->integer.has_unit = l.has_unit;
	next_token(p);
	return node_done(p, n);
}

static struct node *parse_string(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_STRING, p->token.start);

	n->string.bytes = take_string(p, &n->string.len);
	return node_done(p, n);
}

/* $1, $# */
static struct node *parse_parameter(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_PARAMETER, p->token.start);
	u64 number = 0;

	if (p->lexer.text[p->token.start + 1] != '#') {
		for (u32 i = p->token.start + 1; i < p->token.end && number <= UINT32_MAX; i++)
			number = number * 10 + (u64)(p->lexer.text[i] - '0');
		if (!number || number > UINT32_MAX)
			syntax_error(p, "param %s is out of integer range [1, %u]", token_text(p),
				     UINT32_MAX);
	}
	n->parameter.number = (u32)number;
	next_token(p);
	return node_done(p, n);
}

static struct node *parse_variable(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_VARIABLE, p->token.start);

	n->variable.name = token_text(p);
	next_token(p);
	return node_done(p, n);
}

struct node *parse_list(struct parser *p, u32 close, u32 *ret_count)
{
	struct node *first = NULL, **tail = &first;

	*ret_count = 0;
	do {
		if (at_tag(p)) {
			*tail = syntax_node_new(p, NODE_TYPE, p->token.start);
			(*tail)->size_of.type = parse_type(p);
			if (!(*tail)->size_of.type)
				return NULL;
			node_done(p, *tail);
		} else {
			*tail = parse_expression(p);
		}
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
		++*ret_count;
	} while (take_sign(p, ','));
	if (!at_sign(p, close))
		return syntax_error(p, "expected '%c'", (int)close);
	return first;
}

static bool list_above(struct parser *p, struct node *n, const struct node *list)
{
	for (; list; list = list->next)
		if (!node_above(p, n, list))
			return false;
	return true;
}

/* @, @x, @x[key], @x[a, b] */
static struct node *parse_map(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_MAP, p->token.start), *key, *tuple;
	u32 start, count;

	n->map.name = token_text(p);
	next_token(p);
	start = p->token.start;
	if (!take_sign(p, '['))
		return node_done(p, n);
	key = parse_list(p, ']', &count);
	if (!key)
		return NULL;
	if (count > 1) {
		tuple = syntax_node_new(p, NODE_TUPLE, start + 1);
		tuple->tuple.members = key;
		tuple->tuple.count = count;
		if (!list_above(p, tuple, key))
			return NULL;
		key = node_done(p, tuple);
	}
	n->map.key = key;
	next_token(p);
	return node_above(p, n, key) ? node_done(p, n) : NULL;
}

static struct node *parse_members(struct parser *p, u32 start, u32 sign);

/* emit(name, column: value, ...): the name may be a bare word, the columns are one record. */
static bool parse_emit(struct parser *p, struct node *n)
{
	struct node *name = parse_expression(p);
	u32 count = 0;

	if (!name || !node_above(p, n, name))
		return false;
	if (name->kind == NODE_IDENTIFIER) {
		const char *word = name->identifier.name;

		name->kind = NODE_STRING;
		name->string.bytes = word;
		name->string.len = (u32)strlen(word);
	}
	n->call.arguments = name;
	n->call.count = 1;
	if (!take_sign(p, ','))
		return at_sign(p, ')') || syntax_error(p, "expected ')'");
	if (p->token.kind == TOKEN_NAME && peek_sign(p, ':')) {
		count = 1;
		name->next = parse_members(p, p->token.start, ':');
		if (name->next && !at_sign(p, ')'))
			return syntax_error(p, "expected ')'");
	} else {
		name->next = parse_list(p, ')', &count);
	}
	n->call.count += count;
	return name->next && list_above(p, n, name->next);
}

static struct node *parse_call(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_CALL, p->token.start);

	n->call.name = token_text(p);
	n->call.name_span = token_span(p);
	next_token(p);
	next_token(p);
	if (!strcmp(n->call.name, "emit") && !at_sign(p, ')')) {
		if (!parse_emit(p, n))
			return NULL;
	} else if (!at_sign(p, ')')) {
		n->call.arguments = parse_list(p, ')', &n->call.count);
		if (!n->call.arguments || !list_above(p, n, n->call.arguments))
			return NULL;
	}
	next_token(p);
	return node_done(p, n);
}

/* What sizeof and its like are about: a type or an expression. */
static bool parse_subject(struct parser *p, struct node *n)
{
	struct token behind;
	enum type_guess guess = guess_type(p, &behind);

	/* offsetof's type ends at a comma, not at a bracket. */
	if (n->kind == NODE_OFFSETOF) {
		struct token next = peek_token(p);
		bool word = p->token.kind == TOKEN_NAME && next.kind == TOKEN_SIGN &&
			    (next.sign == ',' || next.sign == '*' || next.sign == '[' ||
			     (next.sign == '(' && at_word(p, "typeof")));

		guess = at_tag(p) ? TYPE_SURE : word ? TYPE_WORD : TYPE_NONE;
	}
	if (guess != TYPE_NONE) {
		n->size_of.type = parse_type(p);
		return n->size_of.type &&
		       (!n->size_of.type->of || node_above(p, n, n->size_of.type->of));
	}
	n->size_of.e = parse_expression(p);
	return n->size_of.e && node_above(p, n, n->size_of.e);
}

static void add_path(struct parser *p, struct node *n, const char *part)
{
	u32 count = n->size_of.path_count++;

	if (!(count & (count - 1))) {
		const char **more = arena_alloc(p->arena, (count * 2 + 1) * sizeof(*more));

		if (count)
			memcpy(more, n->size_of.path, count * sizeof(*more));
		n->size_of.path = more;
	}
	n->size_of.path[count] = part;
}

/* The `a.b[1].c` of offsetof. */
static bool parse_path(struct parser *p, struct node *n)
{
	const char *part;

	if (!expect_sign(p, ','))
		return false;
	do {
		part = expect_name(p, "field name");
		if (!part)
			return false;
		add_path(p, n, part);
		while (take_sign(p, '[')) {
			if (p->token.kind != TOKEN_NUMBER)
				return syntax_error(p, "expected a number");
			add_path(p, n, token_text(p));
			parse_integer(p);
			if (!expect_sign(p, ']'))
				return false;
		}
	} while (take_sign(p, '.'));
	return true;
}

static struct node *parse_about(struct parser *p, enum node_kind kind)
{
	struct node *n = syntax_node_new(p, kind, p->token.start);

	next_token(p);
	if (!expect_sign(p, '(') || !parse_subject(p, n))
		return NULL;
	if (kind == NODE_OFFSETOF && !parse_path(p, n))
		return NULL;
	return expect_sign(p, ')') ? node_done(p, n) : NULL;
}

static struct node *parse_comptime(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_COMPTIME, p->token.start);

	if (!enter(p))
		return NULL;
	next_token(p);
	n->e = parse_unary(p);
	leave(p);
	return n->e && node_above(p, n, n->e) ? node_done(p, n) : NULL;
}

static struct node *parse_word(struct parser *p)
{
	static const struct {
		const char *word;
		enum node_kind kind;
	} about[] = {
		{ "sizeof", NODE_SIZEOF },
		{ "offsetof", NODE_OFFSETOF },
		{ "typeof", NODE_TYPEOF },
		{ "typeinfo", NODE_TYPEINFO },
	};
	bool call = peek_sign(p, '(');
	struct node *n;

	for (size_t i = 0; i < ARRAY_SIZE(about); i++)
		if (at_word(p, about[i].word) && (call || about[i].kind <= NODE_OFFSETOF))
			return parse_about(p, about[i].kind);
	if (at_word(p, "comptime"))
		return parse_comptime(p);
	if (at_word(p, "if"))
		return parse_if(p, true);
	if (call)
		return parse_call(p);
	n = syntax_node_new(p, NODE_IDENTIFIER, p->token.start);
	if (at_word(p, "true") || at_word(p, "false")) {
		n->kind = NODE_BOOL;
		n->boolean = at_word(p, "true");
	} else {
		n->identifier.name = token_text(p);
	}
	next_token(p);
	return node_done(p, n);
}

/* a=1, b=2 with @sign in between, and the bracket behind left alone. */
static struct node *parse_members(struct parser *p, u32 start, u32 sign)
{
	struct node *n = syntax_node_new(p, NODE_RECORD, start), **tail = &n->record.members;
	u32 capacity = 0;

	do {
		const char *name = expect_name(p, "identifier");

		if (!name || !expect_sign(p, sign))
			return NULL;
		*tail = parse_expression(p);
		if (!*tail || !node_above(p, n, *tail))
			return NULL;
		tail = &(*tail)->next;
		if (n->record.count == capacity) {
			const char **more;

			capacity = capacity * 2 + 4;
			more = arena_alloc(p->arena, capacity * sizeof(*more));
			if (n->record.count)
				memcpy(more, n->record.names, n->record.count * sizeof(*more));
			n->record.names = more;
		}
		n->record.names[n->record.count++] = name;
	} while (take_sign(p, ','));
	return node_done(p, n);
}

/* (a=1, b=2), the bracket being taken. */
static struct node *parse_record(struct parser *p, u32 start)
{
	struct node *n = parse_members(p, start, '=');

	return n && expect_sign(p, ')') ? node_done(p, n) : NULL;
}

/* A tuple whose first member has been read and that is at the comma behind it. */
static struct node *parse_tuple(struct parser *p, u32 start, struct node *first)
{
	struct node *n = syntax_node_new(p, NODE_TUPLE, start), **tail = &n->tuple.members;

	for (*tail = first; first; *tail = first) {
		if (!node_above(p, n, first))
			return NULL;
		n->tuple.count++;
		tail = &first->next;
		if (!take_sign(p, ',') || at_sign(p, ')'))
			break;
		first = parse_expression(p);
		if (!first)
			return NULL;
	}
	return expect_sign(p, ')') ? node_done(p, n) : NULL;
}

static struct node *parse_brackets(struct parser *p)
{
	u32 start = p->token.start;
	struct node *n;

	next_token(p);
	if (at_sign(p, ')'))
		return parse_tuple(p, start, NULL);
	if (p->token.kind == TOKEN_NAME && peek_sign(p, '='))
		return parse_record(p, start);
	n = parse_expression(p);
	if (!n)
		return NULL;
	if (at_sign(p, ','))
		return parse_tuple(p, start, n);
	return expect_sign(p, ')') ? n : NULL;
}

struct node *parse_primary(struct parser *p)
{
	struct node *n;

	switch (p->token.kind) {
	case TOKEN_NUMBER:
		return parse_integer(p);
	case TOKEN_STRING:
		return parse_string(p);
	case TOKEN_PARAMETER:
		return parse_parameter(p);
	case TOKEN_VARIABLE:
		return parse_variable(p);
	case TOKEN_MAP:
		return parse_map(p);
	case TOKEN_NAME:
		return parse_word(p);
	case TOKEN_SIGN:
		if (p->token.sign == '(')
			return parse_brackets(p);
		if (p->token.sign == '{') {
			n = parse_block(p, true);
			keep_result(n);
			return n;
		}
		break;
	case TOKEN_BAD:
		if (p->lexer.text[p->token.start] == '$')
			return syntax_error(p, "expected identifier after '$'");
		break;
	case TOKEN_END:
		break;
	}
	return syntax_error(p, "expected expression");
}

/* e.name, e->name, e.0; at the dot or the arrow. */
static struct node *parse_member(struct parser *p, struct node *e)
{
	bool arrow = at_sign(p, SIGN2('-', '>'));
	struct node *n = syntax_node_new(p, NODE_FIELD, e->span.start);
	u64 number = 0;

	next_token(p);
	if (!arrow && p->token.kind == TOKEN_NUMBER) {
		u32 i = p->token.start, end = i;

		while (end < p->token.end && is_digit(p->lexer.text[end]))
			end++;
		for (; i < end && number <= UINT32_MAX; i++)
			number = number * 10 + (u64)(p->lexer.text[i] - '0');
		if (end < p->token.end || number > UINT32_MAX)
			return syntax_error(p, "invalid tuple index '%s'", token_text(p));
		n->kind = NODE_ELEMENT;
		n->element.e = e;
		n->element.number = (u32)number;
	} else if (p->token.kind == TOKEN_NAME) {
		n->field.e = e;
		n->field.name = token_text(p);
		n->field.arrow = arrow;
		n->field.name_span = token_span(p);
	} else {
		return syntax_error(p, "expected field name after '%s'", arrow ? "->" : ".");
	}
	next_token(p);
	return node_done(p, n);
}

static struct node *parse_index(struct parser *p, struct node *e)
{
	struct node *n = syntax_node_new(p, NODE_INDEX, e->span.start);

	next_token(p);
	n->index.e = e;
	n->index.index = parse_expression(p);
	if (!n->index.index || !expect_sign(p, ']') || !node_above(p, n, n->index.index))
		return NULL;
	return node_done(p, n);
}

static struct node *operator_behind(struct parser *p, struct node *e)
{
	struct node *n = syntax_node_new(p, NODE_UNARY, e->span.start);
	struct span at = token_span(p);

	at.end++;
	if (e->kind != NODE_VARIABLE && e->kind != NODE_MAP)
		return syntax_error_at(p, at, "increment/decrement requires a variable or map");
	n->unary.op = at_sign(p, SIGN2('+', '+')) ? OPERATOR_POST_INCREMENT
						  : OPERATOR_POST_DECREMENT;
	n->unary.e = e;
	next_token(p);
	return node_done(p, n);
}

struct node *parse_postfix(struct parser *p)
{
	struct node *e = parse_primary(p), *inner;

	while (e && p->token.kind == TOKEN_SIGN) {
		inner = e;
		switch (p->token.sign) {
		case '.':
		case SIGN2('-', '>'):
			e = parse_member(p, inner);
			break;
		case '[':
			e = parse_index(p, inner);
			break;
		case SIGN2('+', '+'):
		case SIGN2('-', '-'):
			e = operator_behind(p, inner);
			break;
		default:
			return e;
		}
		if (e && !node_above(p, e, inner))
			return NULL;
	}
	return e;
}
