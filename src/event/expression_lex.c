// SPDX-License-Identifier: Apache-2.0
/*
 * Tokens of a filter expression, and the error that points at one. A word is whatever a name, a
 * number with a unit or an address may hold; what it means is decided by the column that it is
 * compared with.
 */
#include "event/expression_internal.h"

#include <ctype.h>
#include <strings.h>

#define SHOWN_MAX 76 /* of a long expression, around the caret */
#define SHOWN_BEFORE 40

static const struct {
	const char *word;
	enum token_type type;
} keywords[] = {
	{ "and", TOKEN_AND },		{ "or", TOKEN_OR },
	{ "not", TOKEN_NOT },		{ "in", TOKEN_IN },
	{ "startswith", TOKEN_STARTS }, { "endswith", TOKEN_ENDS },
	{ "contains", TOKEN_CONTAINS }, { "like", TOKEN_LIKE },
	{ "matches", TOKEN_MATCHES },
};

/* Two characters before one: the first that fits is taken. */
static const struct {
	const char *sign;
	enum token_type type;
} signs[] = {
	{ "&&", TOKEN_AND }, { "||", TOKEN_OR },  { "==", TOKEN_EQ },	{ "!=", TOKEN_NE },
	{ "<=", TOKEN_LE },  { ">=", TOKEN_GE },  { "<", TOKEN_LT },	{ ">", TOKEN_GT },
	{ "!", TOKEN_NOT },  { "(", TOKEN_OPEN }, { ")", TOKEN_CLOSE }, { ",", TOKEN_COMMA },
	{ "&", TOKEN_BITS }, { "|", TOKEN_BAR },  { "-", TOKEN_MINUS },
};

/* Part of a character that began before: never the first byte of what is shown. */
static bool is_continuation(char c)
{
	return ((u8)c & 0xc0) == 0x80;
}

int parser_fail(const struct parser *p, size_t at, const char *fmt, ...)
{
	_cleanup_buf_ struct buf before = {}, shown = {};
	size_t from = 0, to = p->len;
	char message[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (p->len > SHOWN_MAX) {
		from = at > SHOWN_BEFORE ? at - SHOWN_BEFORE : 0;
		to = MIN(from + SHOWN_MAX, p->len);
		while (from < at && is_continuation(p->text[from]))
			from++;
		while (to < p->len && is_continuation(p->text[to]))
			to++;
	}
	if (from)
		buf_add_str(&before, "...");
	text_add_safe(&before, p->text + from, at - from);
	buf_add(&shown, buf_str(&before), before.len);
	text_add_safe(&shown, p->text + at, to - at);
	if (to < p->len)
		buf_add_str(&shown, "...");
	return fail(-EINVAL, "%s\n  %s\n  %*s^", message, buf_str(&shown),
		    (int)text_width(buf_str(&before), before.len), "");
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == ':';
}

/* "10.0.0.0/8": a slash belongs to what can only be an address. */
static bool is_prefix_slash(const char *word, size_t len, const char *rest)
{
	bool dotted = false;

	if (rest[0] != '/' || !isdigit((unsigned char)rest[1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '.' || word[i] == ':')
			dotted = true;
		else if (!isxdigit((unsigned char)word[i]))
			return false;
	}
	return dotted;
}

/* "1.5e-7": the sign of an exponent. */
static bool is_exponent_sign(const char *word, size_t len, const char *rest)
{
	return len > 1 && isdigit((unsigned char)word[0]) && (word[1] | 0x20) != 'x' &&
	       (word[len - 1] | 0x20) == 'e' && (rest[0] == '-' || rest[0] == '+') &&
	       isdigit((unsigned char)rest[1]);
}

static void lex_word(struct parser *p)
{
	const char *s = p->text + p->token.at;
	size_t len = 0;

	while (in_word(s[len]) || is_prefix_slash(s, len, s + len) ||
	       is_exponent_sign(s, len, s + len))
		len++;
	p->token.type = TOKEN_WORD;
	p->token.len = len;
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		if (len == strlen(keywords[i].word) && !strncasecmp(s, keywords[i].word, len))
			p->token.type = keywords[i].type;
	}
}

static int lex_text(struct parser *p)
{
	const char *s = p->text + p->token.at;
	size_t left = p->len - p->token.at, len = 1;

	while (len < left && s[len] != s[0])
		len += s[len] == '\\' && len + 1 < left ? 2 : 1;
	if (len >= left)
		return parser_fail(p, p->token.at, "the text that begins here has no closing %c",
				   s[0]);
	p->token.type = TOKEN_TEXT;
	p->token.len = len + 1;
	return 0;
}

int parser_next(struct parser *p)
{
	size_t at = p->token.at + p->token.len;
	const char *s;

	while (at < p->len && isspace((unsigned char)p->text[at]))
		at++;
	s = p->text + at;
	p->token.at = at;
	p->token.len = 0;
	p->token.type = TOKEN_END;
	if (at >= p->len)
		return 0;
	if (*s == '"' || *s == '\'')
		return lex_text(p);
	if (in_word(*s)) {
		lex_word(p);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		if (str_starts(s, signs[i].sign)) {
			p->token.type = signs[i].type;
			p->token.len = strlen(signs[i].sign);
			return 0;
		}
	}
	if (*s == '=')
		return parser_fail(p, at, "'=' compares nothing: write '=='");
	return parser_fail(p, at, "this character has no meaning in a filter");
}

void parser_word(const struct parser *p, char *word, size_t size)
{
	size_t len = MIN(p->token.len, size - 1);

	memcpy(word, p->text + p->token.at, len);
	word[len] = '\0';
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10
					    : -1;
}

/*
 * \n \t \\ \" \' and \xNN are read; a backslash before anything else stays, for `like` and
 * `matches`. The quoted length bounds the result.
 */
int parser_text(const struct parser *p, char **ret, size_t *ret_len)
{
	const char *s = p->text + p->token.at + 1, *end = s + p->token.len - 2;
	_cleanup_free_ char *text = malloc(p->token.len);
	size_t len = 0;

	if (!text)
		return fail(-ENOMEM, "out of memory");
	while (s < end) {
		char c = *s++;

		if (c == '\\' && s < end) {
			c = *s++;
			if (c == 'n') {
				c = '\n';
			} else if (c == 't') {
				c = '\t';
			} else if (c == 'x' && end - s >= 2 && hex_digit(s[0]) >= 0 &&
				   hex_digit(s[1]) >= 0) {
				c = (char)(hex_digit(s[0]) * 16 + hex_digit(s[1]));
				s += 2;
			} else if (c != '\\' && c != '"' && c != '\'') {
				text[len++] = '\\';
			}
		}
		if (!c)
			return parser_fail(p, p->token.at, "a text cannot hold a NUL");
		text[len++] = c;
	}
	text[len] = '\0';
	*ret = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}
