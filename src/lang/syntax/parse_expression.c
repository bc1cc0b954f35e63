// SPDX-License-Identifier: Apache-2.0
/*
 * Operators: what binds how strongly, and which side first. As in C: ?: binds least, then || && | ^
 * & == < << + *, then the ones before a value. Assignments are statements, not expressions.
 */
#include "lang/syntax/parser.h"

struct binary {
	u32 sign;
	enum operator_kind op;
	int strength; /* 0: no binary operator */
};

static struct binary binary_of(const struct parser *p)
{
	static const struct binary table[] = {
		{ SIGN2('|', '|'), OPERATOR_OR, 1 },
		{ SIGN2('&', '&'), OPERATOR_AND, 2 },
		{ SIGN1('|'), OPERATOR_BIT_OR, 3 },
		{ SIGN1('^'), OPERATOR_BIT_XOR, 4 },
		{ SIGN1('&'), OPERATOR_BIT_AND, 5 },
		{ SIGN2('=', '='), OPERATOR_EQUAL, 6 },
		{ SIGN2('!', '='), OPERATOR_NOT_EQUAL, 6 },
		{ SIGN1('<'), OPERATOR_LESS, 7 },
		{ SIGN2('<', '='), OPERATOR_LESS_EQUAL, 7 },
		{ SIGN1('>'), OPERATOR_GREATER, 7 },
		{ SIGN2('>', '='), OPERATOR_GREATER_EQUAL, 7 },
		{ SIGN2('<', '<'), OPERATOR_SHIFT_LEFT, 8 },
		{ SIGN2('>', '>'), OPERATOR_SHIFT_RIGHT, 8 },
		{ SIGN1('+'), OPERATOR_ADD, 9 },
		{ SIGN1('-'), OPERATOR_SUBTRACT, 9 },
		{ SIGN1('*'), OPERATOR_MULTIPLY, 10 },
		{ SIGN1('/'), OPERATOR_DIVIDE, 10 },
		{ SIGN1('%'), OPERATOR_MODULO, 10 },
	};

	if (p->token.kind != TOKEN_SIGN)
		return (struct binary){};
	/* The predicate's closing bar looks like a division. */
	if (p->in_predicate && p->token.sign == '/' && peek_sign(p, '{'))
		return (struct binary){};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].sign == p->token.sign)
			return table[i];
	return (struct binary){};
}

/* @left, unless it is NULL, was read before. */
static struct node *parse_binary(struct parser *p, struct node *left, int weakest)
{
	struct binary b;

	if (!left)
		left = parse_unary(p);

	while (left && (b = binary_of(p)).strength >= weakest && b.strength) {
		struct node *n = syntax_node_new(p, NODE_BINARY, left->span.start);

		next_token(p);
		n->binary.op = b.op;
		n->binary.left = left;
		n->binary.right = parse_binary(p, NULL, b.strength + 1);
		if (!n->binary.right || !node_above(p, n, left) ||
		    !node_above(p, n, n->binary.right))
			return NULL;
		left = node_done(p, n);
	}
	return left;
}

/* `? yes : no` behind @condition, but for the `no`. */
static struct node *parse_choice(struct parser *p, struct node *condition)
{
	struct node *n = syntax_node_new(p, NODE_TERNARY, condition->span.start);

	next_token(p);
	n->ternary.condition = condition;
	if (!at_sign(p, ':')) {
		n->ternary.yes = parse_expression(p);
		if (!n->ternary.yes)
			return NULL;
	}
	if (!expect_sign(p, ':') || !node_above(p, n, condition) ||
	    !node_above(p, n, n->ternary.yes))
		return NULL;
	return n;
}

/*
 * a ? b : c ? d : e is a ? b : (c ? d : e). Such chains take the place of tables and get long, so
 * they are not read by recursion; what that makes of the height is known at the end only.
 */
static struct node *parse_chain(struct parser *p, struct node *left)
{
	struct node *first = NULL, **hole = &first, *n;
	u32 links = 0, height = 0;

	for (;;) {
		n = parse_binary(p, left, 1);
		left = NULL;
		if (!n)
			return NULL;
		if (!at_sign(p, '?'))
			break;
		n = parse_choice(p, n);
		if (!n)
			return NULL;
		*hole = n;
		hole = &n->ternary.no;
		height = MAX(height, n->height);
		links++;
	}
	*hole = n;
	height = MAX(height, n->height);
	for (n = first; links && n->kind == NODE_TERNARY && &n->ternary.no != hole;
	     n = n->ternary.no)
		node_done(p, n);
	if (links)
		node_done(p, n);
	if (height + links > HEIGHT_MAX)
		return syntax_error_at(p, first->span, "too many operators in a row: more than %d",
				       HEIGHT_MAX);
	first->height = height + links;
	return first;
}

struct node *parse_behind(struct parser *p, struct node *left)
{
	struct node *n;

	if (!enter(p))
		return NULL;
	n = parse_chain(p, left);
	leave(p);
	return n;
}

struct node *parse_expression(struct parser *p)
{
	return parse_behind(p, NULL);
}

/* ---- before a value ------------------------------------------------------------------------ */

static bool is_place(const struct node *n)
{
	return n && (n->kind == NODE_VARIABLE || n->kind == NODE_MAP);
}

static struct node *operator_before(struct parser *p, enum operator_kind op)
{
	struct node *n = syntax_node_new(p, NODE_UNARY, p->token.start);
	bool step = op == OPERATOR_PRE_INCREMENT || op == OPERATOR_PRE_DECREMENT;

	if (!enter(p))
		return NULL;
	next_token(p);
	n->unary.op = op;
	n->unary.e = parse_unary(p);
	leave(p);
	if (!n->unary.e)
		return NULL;
	if (step && !is_place(n->unary.e))
		return syntax_error_at(p, n->unary.e->span,
				       "increment/decrement requires a variable or map");
	return node_above(p, n, n->unary.e) ? node_done(p, n) : NULL;
}

/* &$x, &@m */
static struct node *address_of(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_ADDRESS_OF, p->token.start);
	struct span at;

	next_token(p);
	at = token_span(p);
	n->e = p->token.kind == TOKEN_VARIABLE || p->token.kind == TOKEN_MAP ? parse_primary(p)
									     : NULL;
	if (!n->e || (n->e->kind == NODE_MAP && n->e->map.key))
		return syntax_error_at(
			p, at, "address-of operator (&) can only be used on a map or variable");
	n->height = n->e->height + 1;
	return node_done(p, n);
}

/* Whether what stands behind "(word)" makes it a cast and not a word in brackets. */
static bool casts(struct token behind)
{
	switch (behind.kind) {
	case TOKEN_NAME:
	case TOKEN_NUMBER:
	case TOKEN_STRING:
	case TOKEN_VARIABLE:
	case TOKEN_PARAMETER:
	case TOKEN_MAP:
		return true;
	case TOKEN_SIGN:
		switch (behind.sign) {
		case '(':
		case '~':
		case '!':
		case '-':
		case '*':
		case '&':
		case SIGN2('-', '-'):
			return true;
		}
		return false;
	default:
		return false;
	}
}

static bool at_cast(const struct parser *p)
{
	struct parser inside = *p;
	struct token behind;
	enum type_guess guess;

	inside.token = lexer_next(&inside.lexer);
	guess = guess_type(&inside, &behind);
	return guess == TYPE_SURE || (guess == TYPE_WORD && casts(behind));
}

static struct node *parse_cast(struct parser *p)
{
	struct node *n = syntax_node_new(p, NODE_CAST, p->token.start);

	next_token(p);
	n->cast.to = parse_type(p);
	if (!n->cast.to || !expect_sign(p, ')') || !enter(p))
		return NULL;
	n->cast.e = parse_unary(p);
	leave(p);
	if (!n->cast.e)
		return NULL;
	if (n->cast.to->of && !node_above(p, n, n->cast.to->of))
		return NULL;
	return node_above(p, n, n->cast.e) ? node_done(p, n) : NULL;
}

struct node *parse_unary(struct parser *p)
{
	if (p->token.kind != TOKEN_SIGN)
		return parse_postfix(p);
	switch (p->token.sign) {
	case '!':
		return operator_before(p, OPERATOR_NOT);
	case '~':
		return operator_before(p, OPERATOR_BIT_NOT);
	case '-':
		return operator_before(p, OPERATOR_NEGATE);
	case '*':
		return operator_before(p, OPERATOR_DEREFERENCE);
	case SIGN2('+', '+'):
		return operator_before(p, OPERATOR_PRE_INCREMENT);
	case SIGN2('-', '-'):
		return operator_before(p, OPERATOR_PRE_DECREMENT);
	case '&':
		return address_of(p);
	case SIGN2('&', '&'):
		return syntax_error(
			p, "address-of operator (&) can only be used on a map or variable");
	case '(':
		return at_cast(p) ? parse_cast(p) : parse_postfix(p);
	}
	return parse_postfix(p);
}
