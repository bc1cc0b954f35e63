// SPDX-License-Identifier: Apache-2.0
/*
 * Attach points are not made of the language's words: paths, wildcards and C++ names stand in them.
 * One goes up to white space, a comma or a brace; a slash ends it only before the first colon, so
 * that `begin/pid == 1/` has a predicate and `uprobe:/bin/sh:f` a path. In quotes everything is
 * itself. Positional parameters are put in here, so that whoever resolves probes sees none.
 */
#include "lang/syntax/parser.h"

#define TEXT_MAX 65536

static const char *parameter(const struct parser *p, u64 number)
{
	const struct script_arguments *arguments = p->o->arguments;

	if (!arguments || !number || number > arguments->count)
		return "";
	return arguments->positional[number - 1];
}

/* The $1 or $# at @at goes into @b; returns what is behind it, or @at when it is none. */
static u32 put_parameter(struct parser *p, u32 at, u32 end, struct buf *b)
{
	const char *text = p->lexer.text;
	u64 number = 0;

	if (at + 1 < end && text[at + 1] == '#') {
		buf_add_u64(b, p->o->arguments ? p->o->arguments->count : 0);
		return at + 2;
	}
	if (at + 1 >= end || !is_digit(text[at + 1]))
		return at;
	for (at++; at < end && is_digit(text[at]); at++)
		number = MIN(number * 10 + (u64)(text[at] - '0'), (u64)UINT32_MAX);
	buf_add_str(b, parameter(p, number));
	return at;
}

/* With parameters put in; quotes stay. */
static void put_all(struct parser *p, u32 start, u32 end, struct buf *b)
{
	for (u32 at = start; at < end;) {
		u32 behind = p->lexer.text[at] == '$' ? put_parameter(p, at, end, b) : at;

		if (behind == at)
			buf_add_char(b, p->lexer.text[at++]);
		else
			at = behind;
	}
}

static void add_part(struct parser *p, struct attach_text *a, u32 *capacity, struct buf *part)
{
	if (a->count == *capacity) {
		const char **more;

		*capacity = *capacity * 2 + 4;
		more = arena_alloc(p->arena, *capacity * sizeof(*more));
		if (a->count)
			memcpy(more, a->parts, a->count * sizeof(*more));
		a->parts = more;
	}
	a->parts[a->count++] = arena_strndup(p->arena, buf_str(part), part->len);
	buf_clear(part);
}

/* Splits the text at colons outside of quotes; \" and \\ are escapes inside. */
static void split(struct parser *p, struct attach_text *a)
{
	_cleanup_buf_ struct buf part = {};
	u32 capacity = 0;
	bool quoted = false;

	for (const char *c = a->text; *c; c++) {
		if (*c == '"') {
			quoted = !quoted;
		} else if (*c == ':' && !quoted) {
			add_part(p, a, &capacity, &part);
		} else {
			if (quoted && c[0] == '\\' && (c[1] == '"' || c[1] == '\\'))
				c++;
			buf_add_char(&part, *c);
		}
	}
	add_part(p, a, &capacity, &part);
}

/* The end of the attach point at @at; @ret_quote: where a quote was opened and not closed. */
static u32 find_end(const struct parser *p, u32 at, u32 *ret_quote)
{
	const char *text = p->lexer.text;
	bool colon = false, quoted = false;

	for (; at < p->lexer.len; at++) {
		char c = text[at];

		if (c == '\n' || c == '\0')
			break;
		if (quoted && c == '\\' && at + 1 < p->lexer.len && text[at + 1] != '\n') {
			at++;
			continue;
		}
		if (c == '"') {
			quoted = !quoted;
			*ret_quote = quoted ? at + 1 : 0;
		}
		if (quoted)
			continue;
		colon = colon || c == ':';
		if (c == ' ' || c == ',' || c == '{' || (c >= '\t' && c <= '\r') ||
		    (c == '/' && !colon))
			break;
	}
	return at;
}

/* How much of it is "name=". */
static u32 name_length(const char *text, u32 start, u32 end)
{
	u32 at = start;

	if (!is_name_start(text[at]))
		return 0;
	while (at < end && is_name_part(text[at]))
		at++;
	return at < end && text[at] == '=' ? at + 1 - start : 0;
}

static struct attach_text *parse_one(struct parser *p)
{
	struct attach_text *a = arena_new_of(p->arena, struct attach_text);
	_cleanup_buf_ struct buf b = {};
	u32 start = p->token.start, quote = 0, end = find_end(p, start, &quote), name;

	if (p->stopped || end == start)
		return syntax_error(p, "expected attach point");
	if (end - start > TEXT_MAX) {
		syntax_error(p, "an attach point of more than %d bytes", TEXT_MAX);
		move_to(p, end);
		return NULL;
	}
	if (quote)
		syntax_error_at(p, (struct span){ p->source, quote - 1, end, p->expansion },
				"unterminated string");
	name = name_length(p->lexer.text, start, end);
	if (name)
		a->name = arena_strndup(p->arena, p->lexer.text + start, name - 1);
	put_all(p, start + name, end, &b);
	a->text = arena_strndup(p->arena, buf_str(&b), b.len);
	a->span = (struct span){ p->source, start, end, p->expansion };
	split(p, a);
	move_to(p, end);
	return a;
}

bool parse_attach_points(struct parser *p, struct probe *probe)
{
	struct attach_text **tail = &probe->attach;

	do {
		*tail = parse_one(p);
		if (!*tail)
			return false;
		tail = &(*tail)->next;
	} while (take_sign(p, ',') && !at_sign(p, '{') && !at_sign(p, '/'));
	probe->name = probe->attach->name;
	return true;
}
