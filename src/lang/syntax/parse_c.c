// SPDX-License-Identifier: Apache-2.0
/*
 * C at the top of a script: directives and struct, union and enum definitions. Only where they end
 * is found out here; their bytes are read as C elsewhere.
 */
#include "lang/syntax/parser.h"

static bool at_directive(const struct parser *p)
{
	return at_sign(p, '#');
}

bool at_c_part(const struct parser *p)
{
	struct lexer ahead = p->lexer;
	struct token t;

	if (at_directive(p))
		return true;
	if (!at_word(p, "struct") && !at_word(p, "union") && !at_word(p, "enum"))
		return false;
	t = lexer_next(&ahead);
	while (t.kind == TOKEN_NAME && !strncmp(p->lexer.text + t.start, "__attribute__", 13)) {
		u32 nested = 0;

		t = lexer_next(&ahead);
		do {
			nested += t.kind == TOKEN_SIGN && t.sign == '(';
			nested -= t.kind == TOKEN_SIGN && t.sign == ')' && nested;
			t = lexer_next(&ahead);
		} while (nested && t.kind != TOKEN_END);
	}
	if (t.kind == TOKEN_NAME)
		t = lexer_next(&ahead);
	return t.kind == TOKEN_SIGN && t.sign == '{';
}

/* To the end of the line; a backslash before it, or a comment, takes the next one too. */
static u32 directive_end(const struct parser *p, u32 at)
{
	const char *text = p->lexer.text;

	for (; at < p->lexer.len && text[at] != '\n'; at++) {
		if (text[at] == '\\' && at + 1 < p->lexer.len) {
			at++;
		} else if (text[at] == '/' && text[at + 1] == '*') {
			const char *end = memmem(text + at + 2, p->lexer.len - at - 2, "*/", 2);

			if (!end)
				return p->lexer.len;
			at = (u32)(end - text) + 1;
		}
	}
	return at;
}

/* Behind a string or a character constant that begins at @at; it does not go beyond its line. */
static u32 quoted_end(const struct parser *p, u32 at)
{
	const char *text = p->lexer.text;
	char quote = text[at];

	for (at++; at < p->lexer.len && text[at] != '\n'; at++) {
		if (text[at] == quote)
			return at + 1;
		if (text[at] == '\\' && at + 1 < p->lexer.len)
			at++;
	}
	return at;
}

/* Behind the bracket that closes the one at @at; the end of the text when none does. */
static u32 nested_end(struct parser *p, u32 at, char open, char close)
{
	const char *text = p->lexer.text;
	u32 nested = 0;

	while ((at = lexer_skip(&p->lexer, at)) < p->lexer.len) {
		char c = text[at];

		if (c == '"' || c == '\'') {
			at = quoted_end(p, at);
			continue;
		}
		nested += c == open;
		nested -= c == close;
		at++;
		if (!nested)
			return at;
	}
	return at;
}

static u32 definition_end(struct parser *p)
{
	const char *text = p->lexer.text;
	u32 at = p->token.end, end;

	while (at < p->lexer.len && text[at] != '{')
		at = text[at] == '/' ? lexer_skip(&p->lexer, at) + 1 : at + 1;
	at = nested_end(p, at, '{', '}');
	for (;;) {
		end = lexer_skip(&p->lexer, at);
		if (strncmp(text + end, "__attribute__", 13))
			break;
		end = lexer_skip(&p->lexer, end + 13);
		if (text[end] != '(')
			return at;
		at = nested_end(p, end, '(', ')');
	}
	return end < p->lexer.len && text[end] == ';' ? end + 1 : at;
}

static void add_c_part(struct parser *p, struct span part)
{
	struct script *s = p->script;

	if (s->c_part_count == s->c_part_capacity) {
		size_t capacity = s->c_part_capacity * 2 + 16;
		struct span *more = arena_alloc(p->arena, capacity * sizeof(*more));

		if (s->c_part_count)
			memcpy(more, s->c_parts, s->c_part_count * sizeof(*more));
		s->c_parts = more;
		s->c_part_capacity = capacity;
	}
	s->c_parts[s->c_part_count++] = part;
}

void take_c_part(struct parser *p, bool allowed)
{
	struct span part = { p->source, p->token.start, 0, p->expansion };

	part.end = at_directive(p) ? directive_end(p, part.start) : definition_end(p);
	if (!allowed)
		syntax_error_at(p, part, "C definitions must appear before probes and functions");
	add_c_part(p, part);
	move_to(p, part.end);
}
