// SPDX-License-Identifier: Apache-2.0
/*
 * The evaluator of user space. It runs for every record: no allocation but the first time that a
 * scratch buffer grows, and the tests of a group stop at the first that decides.
 */
#include "event/expression_internal.h"

static bool compare(enum test_op op, int order)
{
	switch (op) {
	case TEST_LT:
		return order < 0;
	case TEST_LE:
		return order <= 0;
	case TEST_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static bool match_number(const struct node *n, const struct column *c, u64 v)
{
	if (n->masked)
		v &= n->mask; /* narrower than the column: the copies of the sign are gone */
	if (n->op == TEST_EQ || n->op == TEST_NE) {
		for (size_t i = 0; i < n->count; i++) {
			if (n->literals[i].number == v)
				return n->op == TEST_EQ;
		}
		return n->op == TEST_NE;
	}
	if (c->kind->class == VALUE_SIGNED) {
		s64 a = (s64)v, b = (s64)n->literals[0].number;

		return compare(n->op, (a > b) - (a < b));
	}
	return compare(n->op, (v > n->literals[0].number) - (v < n->literals[0].number));
}

static bool match_real(const struct node *n, double v)
{
	if (v != v)
		return false; /* not a number is not known */
	if (n->op == TEST_EQ || n->op == TEST_NE) {
		for (size_t i = 0; i < n->count; i++) {
			if (n->literals[i].real == v)
				return n->op == TEST_EQ;
		}
		return n->op == TEST_NE;
	}
	return compare(n->op, (v > n->literals[0].real) - (v < n->literals[0].real));
}

static bool in_prefix(const struct literal *l, const u8 *ip)
{
	u32 bytes = l->prefix / 8, bits = l->prefix % 8;

	if (memcmp(l->address, ip, bytes))
		return false;
	return !bits || ((l->address[bytes] ^ ip[bytes]) & (u8)(0xff << (8 - bits))) == 0;
}

static bool match_ip(const struct node *n, const u8 *ip)
{
	for (size_t i = 0; i < n->count; i++) {
		if (in_prefix(&n->literals[i], ip))
			return n->op == TEST_EQ;
	}
	return n->op == TEST_NE;
}

static bool match_regex(const struct node *n, struct matcher *m, const char *text, size_t len)
{
	int found = pcre2_match(n->regex, (PCRE2_SPTR)text, len, 0, 0, m->match, m->limits);

	if (found < 0 && found != PCRE2_ERROR_NOMATCH)
		m->gave_up++; /* at a limit: counted, and taken for no match */
	return found >= 0;
}

static bool match_text(const struct node *n, struct matcher *m, const char *text, size_t len)
{
	const struct literal *l = &n->literals[0];

	switch (n->op) {
	case TEST_STARTS:
		return len >= l->len && !memcmp(text, l->text, l->len);
	case TEST_ENDS:
		return len >= l->len && !memcmp(text + len - l->len, l->text, l->len);
	case TEST_CONTAINS:
		return memmem(text, len, l->text, l->len) != NULL;
	case TEST_LIKE:
		return glob_match(l->text, l->len, text, len);
	case TEST_MATCHES:
		return match_regex(n, m, text, len);
	default:
		for (size_t i = 0; i < n->count; i++, l++) {
			if (l->len == len && !memcmp(text, l->text, len))
				return n->op == TEST_EQ;
		}
		return n->op == TEST_NE;
	}
}

/* Words are one text with blanks between. */
static bool match_words(const struct node *n, struct matcher *m, const char *text, size_t len)
{
	char *copy;

	if (!memchr(text, '\0', len))
		return match_text(n, m, text, len);
	buf_clear(&m->words);
	copy = buf_room(&m->words, len);
	if (!copy) {
		m->gave_up++;
		buf_free(&m->words); /* and its error: there may be memory for the next record */
		return false;
	}
	for (size_t i = 0; i < len; i++)
		copy[i] = text[i] ? text[i] : ' ';
	return match_text(n, m, copy, len);
}

static bool match_test(const struct expression *e, const struct node *n, const struct record *r)
{
	const struct column *c = node_column(e, n);
	struct matcher *m = e->matcher;
	struct value v;

	column_value(c, r, &v, &m->scratch);
	/* Not known, or not what the column promised. */
	if (v.class != n->class)
		return false;
	switch (n->class) {
	case VALUE_UNSIGNED:
	case VALUE_SIGNED:
	case VALUE_BOOL:
		return match_number(n, c, v.u);
	case VALUE_DOUBLE:
		return match_real(n, v.d);
	case VALUE_IP:
		return match_ip(n, v.ip);
	case VALUE_WORDS:
		return match_words(n, m, v.text.bytes ? v.text.bytes : "", v.text.len);
	case VALUE_TEXT:
	case VALUE_STACK:
		return match_text(n, m, v.text.bytes ? v.text.bytes : "", v.text.len);
	default:
		return false;
	}
}

static bool match_node(const struct expression *e, const struct node *n, const struct record *r)
{
	const struct node *child;

	switch (n->type) {
	case NODE_TEST:
		return match_test(e, n, r);
	case NODE_NOT:
		return !match_node(e, n->first, r);
	case NODE_AND:
		for (child = n->first; child; child = child->next) {
			if (!match_node(e, child, r))
				return false;
		}
		return true;
	default:
		for (child = n->first; child; child = child->next) {
			if (match_node(e, child, r))
				return true;
		}
		return false;
	}
}

bool expression_match(const struct expression *e, const struct record *r)
{
	return match_node(e, e->root, r);
}
