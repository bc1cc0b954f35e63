// SPDX-License-Identifier: Apache-2.0
/*
 * From bytes to words. Operators are taken as long as possible; a number takes every letter behind
 * it, so that `10mss` is one wrong number and not two words.
 */
#include "lang/syntax/lexer.h"

bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool is_name_part(char c)
{
	return is_name_start(c) || is_digit(c);
}

u32 lexer_skip(struct lexer *l, u32 at)
{
	const char *t = l->text;

	for (;;) {
		const char *end;

		while (at < l->len && (t[at] == ' ' || (t[at] >= '\t' && t[at] <= '\r')))
			at++;
		if (at + 1 >= l->len || t[at] != '/')
			return at;
		if (t[at + 1] == '/') {
			end = memchr(t + at, '\n', l->len - at);
			at = end ? (u32)(end - t) + 1 : l->len;
		} else if (t[at + 1] == '*') {
			end = memmem(t + at + 2, l->len - at - 2, "*/", 2);
			if (!end)
				l->open_comment = at + 1;
			at = end ? (u32)(end - t) + 2 : l->len;
		} else {
			return at;
		}
	}
}

/* The end of a string that begins at @at: behind its closing quote, or of its line. */
static u32 string_end(const struct lexer *l, u32 at)
{
	for (at++; at < l->len && l->text[at] != '\n'; at++) {
		if (l->text[at] == '"')
			return at + 1;
		if (l->text[at] == '\\' && at + 1 < l->len && l->text[at + 1] != '\n')
			at++;
	}
	return at;
}

static u32 sign_length(const char *p)
{
	static const char three[][4] = { "<<=", ">>=" };
	static const char two[][3] = { "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
				       "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->", ".." };

	/* Most stand alone. */
	if (*p && strchr(";,()[]{}~?:#", *p))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(three); i++)
		if (!strncmp(p, three[i], 3))
			return 3;
	for (size_t i = 0; i < ARRAY_SIZE(two); i++)
		if (p[0] == two[i][0] && p[1] == two[i][1])
			return 2;
	return *p && strchr("+-*/%&|^<>=!.", *p) ? 1 : 0;
}

static enum token_kind other_token(const struct lexer *l, struct token *t)
{
	u32 len = sign_length(l->text + t->start);

	if (!len || t->start + len > l->len) {
		t->end = t->start + 1;
		return TOKEN_BAD;
	}
	t->end = t->start + len;
	for (u32 i = 0; i < len; i++)
		t->sign |= (u32)(u8)l->text[t->start + i] << (8 * i);
	return TOKEN_SIGN;
}

static u32 name_end(const struct lexer *l, u32 at)
{
	while (at < l->len && is_name_part(l->text[at]))
		at++;
	return at;
}

struct token lexer_next(struct lexer *l)
{
	struct token t = { .start = lexer_skip(l, l->at) };
	char c = l->text[t.start], next = t.start < l->len ? l->text[t.start + 1] : '\0';

	t.end = t.start;
	if (t.start >= l->len) {
		t.kind = TOKEN_END;
	} else if (is_name_start(c)) {
		t.kind = TOKEN_NAME;
		t.end = name_end(l, t.start);
	} else if (is_digit(c)) {
		t.kind = TOKEN_NUMBER;
		t.end = name_end(l, t.start);
	} else if (c == '$' && is_name_start(next)) {
		t.kind = TOKEN_VARIABLE;
		t.end = name_end(l, t.start + 1);
	} else if (c == '$' && (is_digit(next) || next == '#')) {
		t.kind = TOKEN_PARAMETER;
		for (t.end = t.start + 2; next != '#' && is_digit(l->text[t.end]);)
			t.end++;
	} else if (c == '@') {
		t.kind = TOKEN_MAP;
		t.end = is_name_start(next) ? name_end(l, t.start + 1) : t.start + 1;
	} else if (c == '"') {
		t.kind = TOKEN_STRING;
		t.end = string_end(l, t.start);
	} else {
		t.kind = other_token(l, &t);
	}
	l->at = t.end;
	return t;
}
