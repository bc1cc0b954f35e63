// SPDX-License-Identifier: Apache-2.0
/*
 * C's tokens. A name, a number, a text, a character or a sign; comments and continued lines are
 * blanks. Nothing is an error here: a byte that C does not know becomes a token of its own, and
 * whoever cannot use it says so.
 */
#include <ctype.h>

#include "lang/types/c.h"

static char at(const struct c_lexer *l, u32 ahead)
{
	return l->at + ahead < l->end ? l->text[l->at + ahead] : '\0';
}

/* Blanks, comments and "\" at a line's end. */
static bool skip_blanks(struct c_lexer *l)
{
	u32 start = l->at;

	while (l->at < l->end) {
		char c = at(l, 0);

		if (c == '\n') {
			l->line_start = true;
			l->at++;
		} else if (c == '\\' &&
			   (at(l, 1) == '\n' || (at(l, 1) == '\r' && at(l, 2) == '\n'))) {
			l->at += at(l, 1) == '\n' ? 2 : 3;
		} else if (c == '/' && at(l, 1) == '*') {
			const char *end = l->end - l->at < 4 ? NULL
							     : memmem(l->text + l->at + 2,
								      l->end - l->at - 2, "*/", 2);

			l->at = end ? end + 2 - l->text : l->end;
		} else if (c == '/' && at(l, 1) == '/') {
			while (l->at < l->end && at(l, 0) != '\n')
				l->at++;
		} else if (isspace((u8)c)) {
			l->at++;
		} else {
			break;
		}
	}
	return l->at > start;
}

static bool is_name(char c)
{
	return isalnum((u8)c) || c == '_' || c == '$';
}

static u32 sign_length(const struct c_lexer *l)
{
	static const char *const longer[] = {
		"<<=", ">>=", "...", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->",
		"++",  "--",  "+=",  "-=", "*=", "/=", "%=", "&=", "|=", "^=", "##"
	};

	for (size_t i = 0; i < ARRAY_SIZE(longer); i++) {
		size_t len = strlen(longer[i]);

		if (l->end - l->at >= len && !memcmp(l->text + l->at, longer[i], len))
			return len;
	}
	return 1;
}

static u8 take(struct c_lexer *l)
{
	char c = at(l, 0);

	if (isdigit((u8)c) || (c == '.' && isdigit((u8)at(l, 1)))) {
		while (is_name(at(l, 0)) || at(l, 0) == '.' ||
		       ((at(l, 0) == '+' || at(l, 0) == '-') &&
			strchr("eEpP", l->text[l->at - 1]) && at(l, 1)))
			l->at++;
		return C_NUMBER;
	}
	if (is_name(c)) {
		while (is_name(at(l, 0)))
			l->at++;
		if ((at(l, 0) != '"' && at(l, 0) != '\'') || l->at == 0 ||
		    !strchr("LuU", l->text[l->at - 1]))
			return C_NAME;
		c = at(l, 0);
	}
	if (c == '"' || c == '\'') {
		for (l->at++; l->at < l->end && at(l, 0) != c && at(l, 0) != '\n'; l->at++)
			if (at(l, 0) == '\\' && at(l, 1))
				l->at++;
		if (at(l, 0) != c)
			return C_OTHER;
		l->at++;
		return c == '"' ? C_STRING : C_CHARACTER;
	}
	if (!ispunct((u8)c) || strchr("@`\\", c)) {
		l->at++;
		return C_OTHER;
	}
	l->at += sign_length(l);
	return C_SIGN;
}

struct c_token c_lex(struct c_lexer *l)
{
	struct c_token t = { .space_before = skip_blanks(l) };

	t.line_start = l->line_start;
	t.text = l->text + l->at;
	t.span = (struct span){ .source = l->source, .start = l->at, .end = l->at };
	if (l->at >= l->end)
		return t;
	l->line_start = false;
	t.kind = take(l);
	t.span.end = l->at;
	t.len = l->at - t.span.start;
	for (u32 i = 0; t.kind == C_SIGN && i < t.len; i++)
		t.sign |= (u32)(u8)t.text[i] << (8 * i);
	return t;
}

bool c_is(const struct c_token *t, const char *text)
{
	return t->kind == C_NAME && strlen(text) == t->len && !memcmp(t->text, text, t->len);
}

static bool number_value(const struct c_token *t, s64 *ret, bool *ret_unsigned)
{
	unsigned base = 10, digit;
	u64 v = 0;
	u32 i = 0;

	if (t->len > 2 && t->text[0] == '0' && strchr("xX", t->text[1]))
		base = 16, i = 2;
	else if (t->len > 2 && t->text[0] == '0' && strchr("bB", t->text[1]))
		base = 2, i = 2;
	else if (t->text[0] == '0')
		base = 8;
	for (; i < t->len; i++) {
		char c = t->text[i];

		digit = isdigit((u8)c) ? c - '0' : isxdigit((u8)c) ? tolower(c) - 'a' + 10 : 99;
		if (digit >= base)
			break;
		if (__builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)digit, &v))
			return false;
	}
	*ret = (s64)v;
	*ret_unsigned = v > INT64_MAX;
	for (; i < t->len; i++) {
		if (!strchr("uUlL", t->text[i]))
			return false;
		if (strchr("uU", t->text[i]))
			*ret_unsigned = true;
	}
	return true;
}

static bool character_value(const struct c_token *t, s64 *ret)
{
	static const char escapes[] = "n\nt\tr\r0\0a\ab\bf\fv\v\\\\'\'\"\"??";
	const char *s = t->text + 1, *end = t->text + t->len - 1;

	if (t->text[0] != '\'' || s >= end)
		return false;
	if (*s != '\\') {
		*ret = (signed char)*s;
		return s + 1 == end;
	}
	s++;
	if (*s == 'x' || isdigit((u8)*s)) {
		u64 v = 0;
		unsigned base = *s == 'x' ? 16 : 8;

		for (s += *s == 'x'; s < end && isxdigit((u8)*s) && v < 256; s++)
			v = v * base + (isdigit((u8)*s) ? *s - '0' : tolower(*s) - 'a' + 10);
		*ret = (signed char)v;
		return s == end;
	}
	for (size_t i = 0; i + 1 < sizeof(escapes); i += 2)
		if (escapes[i] == *s) {
			*ret = escapes[i + 1];
			return s + 1 == end;
		}
	return false;
}

bool c_token_value(const struct c_token *t, s64 *ret, bool *ret_unsigned)
{
	*ret_unsigned = false;
	return t->kind == C_NUMBER ? number_value(t, ret, ret_unsigned)
				   : t->kind == C_CHARACTER && character_value(t, ret);
}
