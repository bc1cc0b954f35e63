// SPDX-License-Identifier: Apache-2.0
/*
 * The grammar of expression.h, one function a level. Every test is checked against its column as it
 * is read, so that a message can point at the word that is wrong. Depth and number of nodes are
 * bounded: the text may come from anybody.
 */
#include "event/expression_internal.h"

#include <ctype.h>

static int parse_or(struct parser *p, struct node **ret);
static int parse_not(struct parser *p, struct node **ret);

static int new_node(struct parser *p, enum node_type type, struct node **ret)
{
	if (++p->nodes > EXPRESSION_NODES_MAX)
		return parser_fail(p, p->token.at, "a filter of more than %d tests",
				   EXPRESSION_NODES_MAX);
	*ret = node_new(type);
	return *ret ? 0 : -ENOMEM;
}

static int expect(struct parser *p, enum token_type type, const char *what)
{
	if (p->token.type != type)
		return parser_fail(p, p->token.at, "%s is missing here", what);
	return parser_next(p);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static int parse_column(struct parser *p, struct node *n)
{
	const struct column *c;
	char word[256];
	int i;

	if (p->token.type != TOKEN_WORD)
		return parser_fail(p, p->token.at, "a column is missing here");
	parser_word(p, word, sizeof(word));
	if (isdigit((unsigned char)word[0]))
		return parser_fail(p, p->token.at,
				   "the column stands on the left, as in: pid == 1");
	i = schema_require(p->schema, word);
	if (i < 0) {
		char why[512];

		snprintf(why, sizeof(why), "%s", error_text());
		return parser_fail(p, p->token.at, "%s", why);
	}
	c = &p->schema->columns[i];
	n->column = (u32)i;
	n->class = c->kind->class;
	if (n->class == VALUE_NONE || n->class == VALUE_HISTOGRAM ||
	    (c->in_tail && !class_is_text(n->class)))
		return parser_fail(p, p->token.at, "column '%s' (%s) cannot be tested", c->name,
				   c->kind->name);
	return parser_next(p);
}

static int parse_list(struct parser *p, struct node *n)
{
	int err;

	if (p->token.type != TOKEN_OPEN)
		return parse_literal(p, n);
	do {
		err = parser_next(p);
		if (!err)
			err = parse_literal(p, n);
	} while (!err && p->token.type == TOKEN_COMMA);
	return err ? err : expect(p, TOKEN_CLOSE, "a ')' or a ','");
}

/* A bare column: is there anything? An address that is not given is :: or 0.0.0.0. */
static int bare_test(struct node *n)
{
	static const u8 v4_mapped[16] = { [10] = 0xff, [11] = 0xff };
	size_t count = n->class == VALUE_IP ? 2 : 1;

	n->op = TEST_NE;
	if (grow(&n->literals, &n->capacity, count, sizeof(*n->literals)))
		return -ENOMEM;
	if (n->class == VALUE_IP) {
		n->literals[0].prefix = n->literals[1].prefix = 128;
		memcpy(n->literals[1].address, v4_mapped, sizeof(v4_mapped));
	} else if (class_is_text(n->class)) {
		n->literals[0].text = calloc(1, 1);
		if (!n->literals[0].text)
			return fail(-ENOMEM, "out of memory");
	}
	n->count = count;
	return 0;
}

static int regex_compile(const char *pattern, size_t len, pcre2_code **ret, size_t *ret_at)
{
	/*
	 * Bytes, not characters: names need not be UTF-8, and a pattern must not ask for it with
	 * (*UTF). $ is the end, not the place before a last newline.
	 */
	u32 options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
		      PCRE2_DOLLAR_ENDONLY;
	PCRE2_UCHAR words[256];
	PCRE2_SIZE at = 0;
	pcre2_code *code;
	int number = 0;

	code = pcre2_compile((PCRE2_SPTR)pattern, len, options, &number, &at, NULL);
	if (!code) {
		pcre2_get_error_message(number, words, sizeof(words));
		*ret_at = at;
		return fail(-EINVAL, "%s", (const char *)words);
	}
	*ret = code;
	return 0;
}

static int check_regex(struct parser *p, struct node *n, size_t at)
{
	const struct literal *l = &n->literals[0];
	char why[512];
	size_t bad = 0;
	int err = regex_compile(l->text, l->len, &n->regex, &bad);

	if (!err)
		return 0;
	snprintf(why, sizeof(why), "%s", error_text());
	return parser_fail(p, at, "the regular expression is wrong at its byte %zu: %s", bad + 1,
			   why);
}

/*
 * `like` that needs no search: without wildcards it is ==, with stars at the end only a prefix.
 * Then the kernel can do it. The quoting backslashes go.
 */
static void simplify_like(struct node *n)
{
	struct literal *l = &n->literals[0];
	size_t len = l->len, in = 0, out = 0;

	for (size_t i = 0; i < len; i++) {
		if (l->text[i] == '\\' && i + 1 < len) {
			i++;
		} else if (l->text[i] == '?') {
			return;
		} else if (l->text[i] == '*') {
			for (size_t k = i; k < len; k++) {
				if (l->text[k] != '*')
					return;
			}
			len = i;
		}
	}
	n->op = len < l->len ? TEST_STARTS : TEST_EQ;
	for (; in < len; in++) {
		if (l->text[in] == '\\' && in + 1 < len)
			in++;
		l->text[out++] = l->text[in];
	}
	l->text[out] = '\0';
	l->len = out;
}

static int parse_text_test(struct parser *p, struct node *n, enum test_op op, size_t at)
{
	const struct column *c = &p->schema->columns[n->column];
	size_t pattern;
	int err;

	if (!class_is_text(n->class))
		return parser_fail(p, at, "'%.*s' is for text, and column '%s' is %s",
				   (int)p->token.len, p->text + at, c->name,
				   n->class == VALUE_IP ? "an address" : "a number");
	n->op = op;
	err = parser_next(p);
	if (err)
		return err;
	pattern = p->token.at;
	err = parse_literal(p, n);
	if (err)
		return err;
	if (op == TEST_LIKE) {
		simplify_like(n);
		return check_text_length(p, n, pattern, n->literals[0].len);
	}
	return op == TEST_MATCHES ? check_regex(p, n, pattern) : 0;
}

/*
 * Has the comparison of bits, or its absence, been read? `flags & 3`, `flags & 3 == 1`, `(flags &
 * 3) == 1`
 */
static int parse_bits_compared(struct parser *p, struct node *n)
{
	size_t at;
	int err;

	if (n->compared || (p->token.type != TOKEN_EQ && p->token.type != TOKEN_NE))
		return 0;
	n->compared = true;
	n->op = p->token.type == TOKEN_EQ ? TEST_EQ : TEST_NE;
	err = parser_next(p);
	if (err)
		return err;
	at = p->token.at;
	err = parse_bits(p, n, &n->literals[0].number);
	if (!err && n->literals[0].number & ~n->mask)
		err = parser_fail(p, at, "0x%llx has bits outside of the mask 0x%llx",
				  (unsigned long long)n->literals[0].number,
				  (unsigned long long)n->mask);
	return err;
}

static int parse_masked(struct parser *p, struct node *n, size_t at)
{
	const struct column *c = &p->schema->columns[n->column];
	int err;

	if (n->class != VALUE_UNSIGNED && n->class != VALUE_SIGNED)
		return parser_fail(p, at, "'&' is for whole numbers, and column '%s' is %s",
				   c->name, c->kind->name);
	err = parser_next(p);
	if (err)
		return err;
	err = parse_bits(p, n, &n->mask);
	if (err)
		return err;
	n->masked = true;
	err = bare_test(n);
	return err ? err : parse_bits_compared(p, n);
}

static int parse_in(struct parser *p, struct node *n, enum test_op op)
{
	int err = parser_next(p);

	n->op = op;
	return err ? err : parse_list(p, n);
}

static int parse_compared(struct parser *p, struct node *n, enum test_op op, size_t at)
{
	const struct column *c = &p->schema->columns[n->column];
	int err;

	n->op = op;
	if (op >= TEST_LT && n->class != VALUE_UNSIGNED && n->class != VALUE_SIGNED &&
	    n->class != VALUE_DOUBLE)
		return parser_fail(p, at, "'%.*s' is for numbers, and column '%s' is %s",
				   (int)p->token.len, p->text + at, c->name, c->kind->name);
	err = parser_next(p);
	if (err)
		return err;
	at = p->token.at;
	err = parse_literal(p, n);
	if (!err && n->class == VALUE_IP && n->literals[0].prefix < 128)
		err = parser_fail(p, at, "for a range of addresses write: %s in %.*s", c->name,
				  (int)strcspn(p->text + at, " \t)&|"), p->text + at);
	return err;
}

static int parse_operator(struct parser *p, struct node *n)
{
	static const enum test_op ops[] = {
		[TOKEN_EQ] = TEST_EQ,
		[TOKEN_NE] = TEST_NE,
		[TOKEN_LT] = TEST_LT,
		[TOKEN_LE] = TEST_LE,
		[TOKEN_GT] = TEST_GT,
		[TOKEN_GE] = TEST_GE,
		[TOKEN_STARTS] = TEST_STARTS,
		[TOKEN_ENDS] = TEST_ENDS,
		[TOKEN_CONTAINS] = TEST_CONTAINS,
		[TOKEN_LIKE] = TEST_LIKE,
		[TOKEN_MATCHES] = TEST_MATCHES,
	};
	size_t at = p->token.at;
	int err;

	switch (p->token.type) {
	case TOKEN_EQ:
	case TOKEN_NE:
	case TOKEN_LT:
	case TOKEN_LE:
	case TOKEN_GT:
	case TOKEN_GE:
		return parse_compared(p, n, ops[p->token.type], at);
	case TOKEN_STARTS:
	case TOKEN_ENDS:
	case TOKEN_CONTAINS:
	case TOKEN_LIKE:
	case TOKEN_MATCHES:
		return parse_text_test(p, n, ops[p->token.type], at);
	case TOKEN_BITS:
		return parse_masked(p, n, at);
	case TOKEN_IN:
		return parse_in(p, n, TEST_EQ);
	case TOKEN_NOT: /* "not in" */
		err = parser_next(p);
		if (err)
			return err;
		if (p->token.type != TOKEN_IN)
			return parser_fail(p, p->token.at, "'in' is missing here");
		return parse_in(p, n, TEST_NE);
	default:
		return bare_test(n);
	}
}

static int parse_test(struct parser *p, struct node **ret)
{
	_cleanup_(node_freep) struct node *n = NULL;
	int err = new_node(p, NODE_TEST, &n);

	if (!err)
		err = parse_column(p, n);
	if (!err)
		err = parse_operator(p, n);
	if (!err)
		*ret = TAKE_PTR(n);
	return err;
}

/* ---- groups --------------------------------------------------------------------------------- */

static int parse_bracket(struct parser *p, struct node **ret)
{
	_cleanup_(node_freep) struct node *n = NULL;
	int err = parser_next(p);

	if (!err)
		err = parse_or(p, &n);
	if (!err)
		err = expect(p, TOKEN_CLOSE, "a ')'");
	/* As one writes in C, where & binds less than ==. */
	if (!err && n->type == NODE_TEST && n->masked)
		err = parse_bits_compared(p, n);
	if (!err)
		*ret = TAKE_PTR(n);
	return err;
}

/* Two in a row are none. */
static int parse_negated(struct parser *p, struct node **ret)
{
	_cleanup_(node_freep) struct node *n = NULL;
	int err = new_node(p, NODE_NOT, &n);

	if (!err)
		err = parser_next(p);
	if (!err)
		err = parse_not(p, &n->first);
	if (err)
		return err;
	*ret = n->first->type == NODE_NOT ? TAKE_PTR(n->first->first) : TAKE_PTR(n);
	return 0;
}

static int parse_not(struct parser *p, struct node **ret)
{
	int err;

	if (p->depth >= EXPRESSION_BRACKETS_MAX)
		return parser_fail(p, p->token.at, "more than %d brackets within each other",
				   EXPRESSION_BRACKETS_MAX);
	p->depth++;
	if (p->token.type == TOKEN_NOT)
		err = parse_negated(p, ret);
	else if (p->token.type == TOKEN_OPEN)
		err = parse_bracket(p, ret);
	else
		err = parse_test(p, ret);
	p->depth--;
	return err;
}

static int parse_group(struct parser *p, enum node_type type, struct node **ret)
{
	enum token_type joiner = type == NODE_AND ? TOKEN_AND : TOKEN_OR;
	_cleanup_(node_freep) struct node *list = NULL;
	int err = type == NODE_AND ? parse_not(p, &list) : parse_group(p, NODE_AND, &list);

	while (!err && p->token.type == joiner) {
		struct node *more = NULL;

		if (++p->nodes > EXPRESSION_NODES_MAX)
			return parser_fail(p, p->token.at, "a filter of more than %d tests",
					   EXPRESSION_NODES_MAX);
		err = parser_next(p);
		if (!err)
			err = type == NODE_AND ? parse_not(p, &more)
					       : parse_group(p, NODE_AND, &more);
		if (!err)
			err = node_join(type, TAKE_PTR(list), more, &list);
	}
	if (!err)
		*ret = TAKE_PTR(list);
	return err;
}

static int parse_or(struct parser *p, struct node **ret)
{
	return parse_group(p, NODE_OR, ret);
}

static unsigned node_depth(const struct node *n)
{
	unsigned deepest = 0;

	for (const struct node *child = n->first; child; child = child->next) {
		unsigned depth = node_depth(child);

		deepest = MAX(deepest, depth);
	}
	return deepest + 1;
}

int parse_tree(struct parser *p, struct node **ret)
{
	_cleanup_(node_freep) struct node *n = NULL;
	int err = parser_next(p);

	if (err)
		return err;
	if (p->token.type == TOKEN_END)
		return fail(-EINVAL,
			    "the filter is empty (write a test, such as: comm == \"nginx\")");
	err = parse_or(p, &n);
	if (err)
		return err;
	if (p->token.type == TOKEN_BAR)
		return parser_fail(p, p->token.at, "'|' joins bits: for 'or' write '||'");
	if (p->token.type != TOKEN_END)
		return parser_fail(p, p->token.at, "'&&' or '||' is missing before this");
	/* So that the normal form, which brackets every group, can be read back. */
	if (node_depth(n) > EXPRESSION_DEPTH_MAX)
		return parser_fail(p, 0, "more than %d groups within each other",
				   EXPRESSION_DEPTH_MAX);
	*ret = TAKE_PTR(n);
	return 0;
}
