// SPDX-License-Identifier: Apache-2.0
/*
 * Statements and blocks. A statement ends with `;` or with its block; behind a block of its own
 * (if, while, for) nothing is needed. After an error the rest of the statement is skipped.
 */
#include "lang/syntax/parser.h"

/* ---- values of blocks ---------------------------------------------------------------------- */

static void drop_in_block(struct arena *a, struct node *n)
{
	struct node **tail = &n->block.statements, *statement, *result = n->block.result;

	n->block.result = NULL;
	if (!result)
		return;
	if (result->kind == NODE_BLOCK || result->kind == NODE_IF) {
		statement = result;
		drop_result(a, statement);
	} else {
		statement = arena_new_of(a, struct node);
		statement->kind = NODE_EXPRESSION;
		statement->height = result->height + 1;
		statement->span = result->span;
		statement->e = result;
	}
	while (*tail)
		tail = &(*tail)->next;
	*tail = statement;
}

void drop_result(struct arena *a, struct node *n)
{
	/* `else if` goes on in the same way, without recursion. */
	for (; n && n->kind == NODE_IF; n = n->if_.no)
		drop_in_block(a, n->if_.yes);
	if (n && n->kind == NODE_BLOCK)
		drop_in_block(a, n);
}

/* Each `if` that is decided at run time becomes a ?: of blocks. */
static void keep_in_branches(struct node *n)
{
	while (n && n->kind == NODE_IF) {
		struct node *condition = n->if_.condition, *yes = n->if_.yes, *no = n->if_.no;

		keep_result(yes);
		if (!n->if_.comptime && no) {
			n->kind = NODE_TERNARY;
			memset(&n->if_, 0, sizeof(n->if_));
			n->ternary.condition = condition;
			n->ternary.yes = yes;
			n->ternary.no = no;
		}
		n = no;
	}
	if (n)
		keep_result(n);
}

void keep_result(struct node *n)
{
	while (n && n->kind == NODE_BLOCK)
		n = n->block.result;
	if (n && n->kind == NODE_IF)
		keep_in_branches(n);
}

/* ---- blocks and what has some -------------------------------------------------------------- */

static struct node *parse_statement(struct parser *p, bool *ret_ended);

/* An expression that ends the block without `;` is its value. */
static bool is_result(const struct node *n)
{
	if (n->kind == NODE_IF)
		return n->if_.yes->block.result;
	return n->kind == NODE_EXPRESSION || (n->kind == NODE_BLOCK && n->block.result);
}

static void parse_statements(struct parser *p, struct node *n)
{
	struct node **tail = &n->block.statements;

	while (p->token.kind != TOKEN_END && !at_sign(p, '}')) {
		bool ended = false;
		struct node *s = parse_statement(p, &ended);

		if (!s) {
			skip_statement(p);
			continue;
		}
		if (!ended && at_sign(p, '}') && is_result(s)) {
			n->block.result = s->kind == NODE_EXPRESSION ? s->e : s;
			break;
		}
		/* Nobody takes the value of one in the middle. */
		drop_result(p->arena, s);
		*tail = s;
		tail = &s->next;
	}
}

static bool heights(struct parser *p, struct node *n)
{
	for (struct node *s = n->block.statements; s; s = s->next)
		if (!node_above(p, n, s))
			return false;
	return node_above(p, n, n->block.result);
}

struct node *parse_block(struct parser *p, bool as_value)
{
	struct node *n = syntax_node_new(p, NODE_BLOCK, p->token.start);
	bool in_predicate = p->in_predicate;

	if (!expect_sign(p, '{') || !enter(p))
		return NULL;
	p->in_predicate = false;
	parse_statements(p, n);
	p->in_predicate = in_predicate;
	leave(p);
	if (!expect_sign(p, '}'))
		return NULL;
	node_done(p, n);
	if (!as_value)
		drop_in_block(p->arena, n);
	return heights(p, n) ? n : NULL;
}

/* `if c {}` up to its first block. */
static struct node *parse_branch(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_IF, p->token.start);

	next_token(p);
	n->if_.comptime = at_word(p, "comptime");
	n->if_.condition = parse_expression(p);
	if (!n->if_.condition)
		return NULL;
	if (n->if_.condition->kind == NODE_COMPTIME)
		n->if_.condition = n->if_.condition->e;
	n->if_.yes = parse_block(p, true);
	if (!n->if_.yes || !node_above(p, n, n->if_.condition) || !node_above(p, n, n->if_.yes))
		return NULL;
	return n;
}

/* The branches without recursion, however many; then the height of the first. */
static struct node *parse_branches(struct parser *p)
{
	struct node *first = NULL, **hole = &first, *n;
	u32 links = 0, height = 0;

	for (;;) {
		n = parse_branch(p);
		if (!n)
			return NULL;
		*hole = n;
		hole = &n->if_.no;
		height = MAX(height, n->height);
		links++;
		if (!take_word(p, "else"))
			break;
		if (at_word(p, "if"))
			continue;
		if (!at_sign(p, '{'))
			return syntax_error(p, "expected '{' or 'if' after 'else'");
		*hole = parse_block(p, true);
		if (!*hole)
			return NULL;
		height = MAX(height, (*hole)->height + 1);
		break;
	}
	for (n = first; n && n->kind == NODE_IF; n = n->if_.no)
		node_done(p, n);
	if (height + links > HEIGHT_MAX)
		return syntax_error_at(p, first->span, "too many 'else if' in a row: more than %d",
				       HEIGHT_MAX);
	first->height = height + links;
	return first;
}

struct node *parse_if(struct parser *p, bool as_value)
{
	struct node *n = parse_branches(p);

	if (n && as_value)
		keep_result(n);
	return n;
}

static struct node *parse_loop(struct parser *p, enum node_kind kind)
{
	struct node *n = syntax_node_new(p, kind, p->token.start);

	next_token(p);
	n->while_.condition = kind == NODE_UNROLL ? parse_primary(p) : parse_expression(p);
	if (!n->while_.condition)
		return NULL;
	n->while_.body = parse_block(p, false);
	if (!n->while_.body || !node_above(p, n, n->while_.condition) ||
	    !node_above(p, n, n->while_.body))
		return NULL;
	return node_done(p, n);
}

/* What a `for` goes over: a map, or two values with .. between them. */
static bool parse_domain(struct parser *p, struct node *n)
{
	struct node *from = parse_primary(p);

	if (!from)
		return false;
	if (!at_sign(p, SIGN2('.', '.'))) {
		if (from->kind != NODE_MAP || from->map.key)
			return syntax_error(p, "expected map or range in for loop");
		n->kind = NODE_FOR_MAP;
		n->for_.map = from;
		return true;
	}
	next_token(p);
	n->for_.from = from;
	n->for_.to = parse_primary(p);
	return n->for_.to && node_above(p, n, from) && node_above(p, n, n->for_.to);
}

static struct node *parse_for(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_FOR_RANGE, p->token.start);
	bool brackets;

	next_token(p);
	brackets = take_sign(p, '(');
	if (p->token.kind != TOKEN_VARIABLE)
		return syntax_error(p, "expected variable in for loop");
	n->for_.variable = parse_primary(p);
	if (!expect_sign(p, ':') || !parse_domain(p, n))
		return NULL;
	if (brackets && !expect_sign(p, ')'))
		return NULL;
	n->for_.body = parse_block(p, false);
	if (!n->for_.body || !node_above(p, n, n->for_.body))
		return NULL;
	return node_done(p, n);
}

/* ---- the others ---------------------------------------------------------------------------- */

static struct node *parse_let(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_LET, p->token.start);

	next_token(p);
	if (p->token.kind != TOKEN_VARIABLE)
		return syntax_error(p, "expected variable after 'let'");
	n->let.variable = parse_primary(p);
	if (take_sign(p, ':')) {
		n->let.type = parse_type(p);
		if (!n->let.type)
			return NULL;
		if (n->let.type->of && !node_above(p, n, n->let.type->of))
			return NULL;
	}
	if (take_sign(p, '=')) {
		n->let.value = parse_expression(p);
		if (!n->let.value || !node_above(p, n, n->let.value))
			return NULL;
	}
	return node_done(p, n);
}

static bool at_assignment(const struct parser *p, enum operator_kind *ret)
{
	static const struct {
		u32 sign;
		enum operator_kind op;
	} table[] = {
		{ SIGN1('='), OPERATOR_NONE },
		{ SIGN2('+', '='), OPERATOR_ADD },
		{ SIGN2('-', '='), OPERATOR_SUBTRACT },
		{ SIGN2('*', '='), OPERATOR_MULTIPLY },
		{ SIGN2('/', '='), OPERATOR_DIVIDE },
		{ SIGN2('%', '='), OPERATOR_MODULO },
		{ SIGN2('&', '='), OPERATOR_BIT_AND },
		{ SIGN2('|', '='), OPERATOR_BIT_OR },
		{ SIGN2('^', '='), OPERATOR_BIT_XOR },
		{ SIGN3('<', '<', '='), OPERATOR_SHIFT_LEFT },
		{ SIGN3('>', '>', '='), OPERATOR_SHIFT_RIGHT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (!at_sign(p, table[i].sign))
			continue;
		*ret = table[i].op;
		return true;
	}
	return false;
}

/* NULL is the target of `_ = e`. */
static bool check_target(struct parser *p, const struct node *n)
{
	const struct node *target = n->assign.target;

	if (!target || target->kind == NODE_VARIABLE || target->kind == NODE_MAP)
		return true;
	if (target->kind == NODE_FIELD || target->kind == NODE_ELEMENT)
		return syntax_error_at(p, n->span,
				       "Tuples and records are immutable once created. Consider "
				       "creating a new value and assigning it instead.");
	return syntax_error_at(p, n->span, "invalid assignment target");
}

/* The parser is at the operator. */
static struct node *parse_assignment(struct parser *p, u32 start, struct node *target,
				     enum operator_kind op)
{
	struct node *n = syntax_node_new(p, NODE_ASSIGN, start);

	next_token(p);
	n->assign.target = target;
	n->assign.op = op;
	n->assign.value = parse_expression(p);
	if (!n->assign.value || !node_above(p, n, target) || !node_above(p, n, n->assign.value))
		return NULL;
	return check_target(p, node_done(p, n)) ? n : NULL;
}

static struct node *parse_simple(struct parser *p)
{
	enum operator_kind op;
	u32 start = p->token.start;
	struct node *e, *n;

	if (at_word(p, "_") && peek_sign(p, '=')) {
		next_token(p);
		return parse_assignment(p, start, NULL, OPERATOR_NONE);
	}
	e = parse_expression(p);
	if (!e)
		return NULL;
	if (at_assignment(p, &op))
		return parse_assignment(p, start, e, op);
	n = syntax_node_new(p, NODE_EXPRESSION, start);
	n->e = e;
	return node_above(p, n, e) ? node_done(p, n) : NULL;
}

static struct node *parse_return(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_RETURN, p->token.start);

	next_token(p);
	if (at_sign(p, ';') || at_sign(p, '}'))
		return node_done(p, n);
	n->e = parse_expression(p);
	return n->e && node_above(p, n, n->e) ? node_done(p, n) : NULL;
}

static struct node *parse_jump(struct parser *p, enum node_kind kind)
{
	struct node *n = syntax_node_new(p, kind, p->token.start);

	next_token(p);
	return node_done(p, n);
}

/* Whether a value's operator follows: `if a {1} else {2} + 3` at the beginning of a statement. */
static bool goes_on(const struct parser *p)
{
	static const u32 signs[] = { '+',
				     '/',
				     '%',
				     '|',
				     '^',
				     '<',
				     '>',
				     '?',
				     SIGN2('=', '='),
				     SIGN2('!', '='),
				     SIGN2('&', '&'),
				     SIGN2('|', '|'),
				     SIGN2('<', '<'),
				     SIGN2('>', '>'),
				     SIGN2('<', '='),
				     SIGN2('>', '='),
				     '-' };

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (at_sign(p, signs[i]))
			return true;
	return false;
}

/* A block or an `if`, which may be the beginning of an expression after all. */
static struct node *parse_braced(struct parser *p, bool *ret_ended)
{
	u32 start = p->token.start;
	struct node *n = at_sign(p, '{') ? parse_block(p, true) : parse_if(p, false), *e;

	if (!n)
		return NULL;
	if (goes_on(p) && is_result(n)) {
		keep_result(n);
		e = parse_behind(p, n);
		n = e ? syntax_node_new(p, NODE_EXPRESSION, start) : NULL;
		if (!n || !node_above(p, n, e))
			return NULL;
		n->e = e;
		node_done(p, n);
		if (!(*ret_ended = take_sign(p, ';')) && !at_sign(p, '}'))
			return syntax_error(p, "expected ';'");
		return n;
	}
	*ret_ended = take_sign(p, ';');
	return n;
}

static struct node *parse_ended(struct parser *p)
{
	static const struct {
		const char *word;
		enum node_kind kind;
	} jumps[] = { { "break", NODE_BREAK }, { "continue", NODE_CONTINUE } };

	for (size_t i = 0; i < ARRAY_SIZE(jumps); i++)
		if (at_word(p, jumps[i].word))
			return parse_jump(p, jumps[i].kind);
	if (at_word(p, "let"))
		return parse_let(p);
	if (at_word(p, "return"))
		return parse_return(p);
	return parse_simple(p);
}

/* @ret_ended: a `;` was taken behind it. */
static struct node *parse_statement(struct parser *p, bool *ret_ended)
{
	struct node *n;

	if (at_sign(p, '{') || at_word(p, "if"))
		return parse_braced(p, ret_ended);
	if (at_word(p, "while"))
		return parse_loop(p, NODE_WHILE);
	if (at_word(p, "for"))
		return parse_for(p);
	if (at_word(p, "unroll"))
		return parse_loop(p, NODE_UNROLL);
	if (at_word(p, "import") &&
	    (peek_token(p).kind == TOKEN_STRING || peek_token(p).kind == TOKEN_NAME)) {
		/* Of no consequence where it stands: an empty block takes its place. */
		n = syntax_node_new(p, NODE_BLOCK, p->token.start);
		return parse_import(p) ? node_done(p, n) : NULL;
	}
	n = parse_ended(p);
	if (!n)
		return NULL;
	*ret_ended = take_sign(p, ';');
	if (!*ret_ended && !at_sign(p, '}'))
		return syntax_error(p, "expected ';'");
	return n;
}
