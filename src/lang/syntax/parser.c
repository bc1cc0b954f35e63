// SPDX-License-Identifier: Apache-2.0
/*
 * The parser's hands: looking at a word, taking it, saying what was expected instead, and making
 * nodes whose trees stay low enough for everybody who walks them.
 */
#include "lang/syntax/parser.h"

#define NAME_MAX_LENGTH 1024

void parser_start(struct parser *p, const struct parse_options *o, u32 source, u32 expansion,
		  struct script *s)
{
	const struct source *text = sources_get(o->sources, source);

	*p = (struct parser){
		.o = o,
		.arena = o->arena,
		.script = s,
		.lexer = { .text = text->text, .len = (u32)text->len },
		.source = source,
		.expansion = expansion,
		.depth_max = o->depth_max ?: DEPTH_MAX,
		.c_suffixes = text->is_header,
	};
	/* Windows editors put it there. */
	if (text->len >= 3 && !memcmp(text->text, "\xef\xbb\xbf", 3))
		p->lexer.at = 3;
	next_token(p);
}

void next_token(struct parser *p)
{
	struct span at = { p->source, p->lexer.open_comment, 0, p->expansion };

	p->last_end = p->token.end;
	if (arena_error(p->arena))
		p->stopped = true;
	if (p->stopped) {
		p->token = (struct token){ TOKEN_END, p->lexer.len, p->lexer.len, 0 };
		return;
	}
	p->token = lexer_next(&p->lexer);
	if (!p->lexer.open_comment || at.start)
		return;
	at.start = p->lexer.open_comment - 1;
	at.end = at.start + 2;
	diagnose_warning(p->o->diagnostics, at, "a comment that does not end");
}

void move_to(struct parser *p, u32 at)
{
	p->token.end = at;
	p->lexer.at = at;
	next_token(p);
}

bool at_word(const struct parser *p, const char *word)
{
	size_t len = p->token.end - p->token.start;

	return p->token.kind == TOKEN_NAME && strlen(word) == len &&
	       !memcmp(p->lexer.text + p->token.start, word, len);
}

struct token peek_token(const struct parser *p)
{
	struct lexer ahead = p->lexer;

	if (p->stopped)
		return p->token;
	return lexer_next(&ahead);
}

bool peek_sign(const struct parser *p, u32 sign)
{
	struct token t = peek_token(p);

	return t.kind == TOKEN_SIGN && t.sign == sign;
}

bool take_sign(struct parser *p, u32 sign)
{
	if (!at_sign(p, sign))
		return false;
	next_token(p);
	return true;
}

bool take_word(struct parser *p, const char *word)
{
	if (!at_word(p, word))
		return false;
	next_token(p);
	return true;
}

bool expect_sign(struct parser *p, u32 sign)
{
	char text[4] = { (char)sign, (char)(sign >> 8), (char)(sign >> 16) };

	if (take_sign(p, sign))
		return true;
	syntax_error(p, "expected '%s'", text);
	return false;
}

const char *token_text(struct parser *p)
{
	if (p->token.end - p->token.start > NAME_MAX_LENGTH)
		syntax_error(p, "a name of more than %d bytes", NAME_MAX_LENGTH);
	return arena_strndup(p->arena, p->lexer.text + p->token.start,
			     MIN(p->token.end - p->token.start, NAME_MAX_LENGTH));
}

const char *expect_name(struct parser *p, const char *what)
{
	const char *name;

	if (p->token.kind != TOKEN_NAME)
		return syntax_error(p, "expected %s", what);
	name = token_text(p);
	next_token(p);
	return name;
}

struct span token_span(const struct parser *p)
{
	struct token t = p->token;

	/* Of an operator or a literal its beginning says enough. */
	if (t.kind == TOKEN_SIGN || t.kind == TOKEN_STRING)
		t.end = t.start + 1;
	return (struct span){ p->source, t.start, t.end, p->expansion };
}

struct span span_from(const struct parser *p, u32 start)
{
	return (struct span){ p->source, start, MAX(start, p->last_end), p->expansion };
}

/* Of a million errors nobody reads the text. */
static bool is_unheard(struct parser *p)
{
	struct diagnostics *d = p->o->diagnostics;

	d->errors += d->too_many;
	return d->too_many;
}

void *syntax_error_at(struct parser *p, struct span at, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = {};
	va_list args;

	if (is_unheard(p))
		return NULL;
	va_start(args, fmt);
	buf_vprintf(&b, fmt, args);
	va_end(args);
	/* What comes of running out of memory is no fault of the script's text. */
	if (!p->stopped && !arena_error(p->arena))
		diagnose(p->o->diagnostics, at, "syntax: %s", buf_str(&b));
	return NULL;
}

void *syntax_error(struct parser *p, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = {};
	va_list args;

	if (is_unheard(p))
		return NULL;
	va_start(args, fmt);
	buf_vprintf(&b, fmt, args);
	va_end(args);
	return syntax_error_at(p, token_span(p), "%s", buf_str(&b));
}

bool enter(struct parser *p)
{
	if (p->depth < p->depth_max) {
		p->depth++;
		return true;
	}
	syntax_error(p, "nested too deeply: more than %u levels", p->depth_max);
	return false;
}

struct node *syntax_node_new(struct parser *p, enum node_kind kind, u32 start)
{
	struct node *n = arena_new_of(p->arena, struct node);

	n->kind = kind;
	n->height = 1;
	n->span = (struct span){ p->source, start, start, p->expansion };
	return n;
}

struct node *node_done(struct parser *p, struct node *n)
{
	n->span.end = MAX(n->span.start, p->last_end);
	return n;
}

bool node_above(struct parser *p, struct node *n, const struct node *child)
{
	if (!child || child->height < n->height)
		return true;
	n->height = child->height + 1;
	if (n->height <= HEIGHT_MAX)
		return true;
	node_done(p, n);
	syntax_error_at(p, n->span, "too many operators in a row: more than %d", HEIGHT_MAX);
	return false;
}

const char *take_string(struct parser *p, u32 *ret_len)
{
	struct literal_string s = {
		.arena = p->arena,
		.text = p->lexer.text + p->token.start + 1,
	};
	u32 start = p->token.start, end = p->token.end, len = end - start;
	u32 backslashes = 0;

	/* A quote behind a backslash ends nothing, unless the backslash is one itself. */
	for (u32 i = end - 1; len > 2 && i > start + 1 && p->lexer.text[i - 1] == '\\'; i--)
		backslashes++;
	if (len < 2 || p->lexer.text[end - 1] != '"' || backslashes % 2) {
		syntax_error_at(p, (struct span){ p->source, start, end, p->expansion },
				"unterminated string");
		next_token(p);
		*ret_len = 0;
		return "";
	}
	s.len = len - 2;
	while (literal_string(&s))
		syntax_error_at(p,
				(struct span){ p->source, start + 1 + s.bad_start,
					       start + 1 + s.bad_end, p->expansion },
				"%s", s.error);
	next_token(p);
	*ret_len = s.count;
	return s.bytes;
}

void skip_statement(struct parser *p)
{
	u32 nested = 0;

	for (; p->token.kind != TOKEN_END; next_token(p)) {
		if (at_sign(p, '{'))
			nested++;
		if (at_sign(p, '}') && !nested)
			return;
		if (at_sign(p, '}') && !--nested) {
			next_token(p);
			take_sign(p, ';');
			if (!at_word(p, "else"))
				return;
		}
		if (at_sign(p, ';') && !nested) {
			next_token(p);
			return;
		}
	}
}
