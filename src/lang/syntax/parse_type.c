// SPDX-License-Identifier: Apache-2.0
/*
 * Types as they are written: a word, a tagged struct, typeof(...), and behind it stars and sizes
 * from left to right. Between brackets a type and an expression look alike, so there is a look
 * ahead that says what it can only be.
 */
#include "lang/syntax/parser.h"

static bool word_is(const char *word, size_t len, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(list[i]) == len && !memcmp(word, list[i], len))
			return true;
	return false;
}

bool is_value_word(const char *word, size_t len)
{
	static const char *const words[] = {
		"args",	   "cgroup", "comm",  "cpid", "cpu",	 "ctx",	     "curtask",
		"elapsed", "false",  "func",  "gid",  "jiffies", "kstack",   "ncpus",
		"nsecs",   "numaid", "pcomm", "pid",  "ppid",	 "probe",    "rand",
		"retval",  "tid",    "true",  "uid",  "ustack",	 "usermode", "username",
	};
	static const char *const numbered[] = { "arg", "sarg" };
	size_t letters = len;

	while (letters && is_digit(word[letters - 1]))
		letters--;
	if (letters < len)
		return word_is(word, letters, numbered, ARRAY_SIZE(numbered));
	return word_is(word, len, words, ARRAY_SIZE(words));
}

static bool is_tag(const char *word, size_t len)
{
	static const char *const tags[] = { "struct", "union", "enum" };

	return word_is(word, len, tags, ARRAY_SIZE(tags));
}

static bool token_is_tag(const struct lexer *l, struct token t)
{
	return t.kind == TOKEN_NAME && is_tag(l->text + t.start, t.end - t.start);
}

bool at_tag(const struct parser *p)
{
	return token_is_tag(&p->lexer, p->token) && peek_token(p).kind == TOKEN_NAME;
}

/* ---- looking ahead ------------------------------------------------------------------------- */

static bool is_sign(struct token t, u32 sign)
{
	return t.kind == TOKEN_SIGN && t.sign == sign;
}

/* From the "(" behind typeof to behind its ")". */
static bool skip_brackets(struct lexer *l, struct token *t)
{
	u32 nested = 0;

	do {
		if (is_sign(*t, '('))
			nested++;
		else if (is_sign(*t, ')'))
			nested--;
		if (t->kind == TOKEN_END || is_sign(*t, ';') || is_sign(*t, '{') ||
		    nested > DEPTH_MAX)
			return false;
		*t = lexer_next(l);
	} while (nested);
	return true;
}

/* Stars and sizes; *@ret_star: some of it can only stand behind a type. */
static bool skip_suffixes(struct lexer *l, struct token *t, bool *ret_star)
{
	bool star = false;

	for (;;) {
		/* In `a * [4]` the star is a type's for certain; a last one is before the ")". */
		star = is_sign(*t, '*');
		if (star) {
			*t = lexer_next(l);
			*ret_star = true;
			continue;
		}
		if (!is_sign(*t, '['))
			return true;
		*t = lexer_next(l);
		if (is_sign(*t, ']'))
			*ret_star = true;
		else if (t->kind == TOKEN_NUMBER)
			*t = lexer_next(l);
		if (!is_sign(*t, ']'))
			return false;
		*t = lexer_next(l);
	}
}

enum type_guess guess_type(const struct parser *p, struct token *ret_behind)
{
	struct lexer l = p->lexer;
	struct token t = p->token;
	const char *word = l.text + t.start;
	bool sure = false;

	if (t.kind != TOKEN_NAME || p->stopped)
		return TYPE_NONE;
	sure = at_tag(p);
	if (!sure && (token_is_tag(&l, t) || is_value_word(word, t.end - t.start)))
		return TYPE_NONE;
	if (sure)
		lexer_next(&l);
	t = lexer_next(&l);
	if (!sure && at_word(p, "typeof") && is_sign(t, '(') && !skip_brackets(&l, &t))
		return TYPE_NONE;
	if (!skip_suffixes(&l, &t, &sure) || !is_sign(t, ')'))
		return TYPE_NONE;
	*ret_behind = lexer_next(&l);
	return sure ? TYPE_SURE : TYPE_WORD;
}

/* ---- reading ------------------------------------------------------------------------------- */

static void add_suffix(struct parser *p, struct type_name *t, s64 suffix)
{
	/* Room grows at each power of two. */
	if (!(t->suffix_count & (t->suffix_count - 1))) {
		s64 *more = arena_alloc(p->arena, (t->suffix_count * 2 + 1) * sizeof(*more));

		if (t->suffix_count)
			memcpy(more, t->suffixes, t->suffix_count * sizeof(*more));
		t->suffixes = more;
	}
	t->suffixes[t->suffix_count++] = suffix;
}

/* typeof(e) or typeof(type); @t gets what stands in it. */
static bool parse_typeof(struct parser *p, struct type_name *t)
{
	struct token behind;

	next_token(p);
	if (!expect_sign(p, '(') || !enter(p))
		return false;
	if (guess_type(p, &behind) != TYPE_NONE) {
		t->of = syntax_node_new(p, NODE_TYPE, p->token.start);
		t->of->size_of.type = parse_type(p);
		node_done(p, t->of);
	} else {
		t->of = parse_expression(p);
	}
	leave(p);
	return t->of && expect_sign(p, ')');
}

static bool has_length(const char *name)
{
	return !strcmp(name, "string") || !strcmp(name, "buffer") || !strcmp(name, "inet");
}

/* One `[n]` or `[]`, the bracket being taken. The first behind string is how long it is. */
static bool parse_length(struct parser *p, struct type_name *t)
{
	struct node *size;

	if (take_sign(p, ']')) {
		add_suffix(p, t, SUFFIX_UNSIZED);
		return true;
	}
	if (p->token.kind != TOKEN_NUMBER)
		return syntax_error(p, "expected a number or ']'");
	size = parse_integer(p);
	if (!expect_sign(p, ']'))
		return false;
	if (!t->size && !t->suffix_count && t->name && has_length(t->name))
		t->size = size;
	else
		add_suffix(p, t, (s64)MIN(size->integer.value, (u64)INT64_MAX));
	return true;
}

struct type_name *parse_type(struct parser *p)
{
	struct type_name *t = arena_new_of(p->arena, struct type_name);
	u32 start = p->token.start;
	struct token word = p->token;
	bool is_typeof = at_word(p, "typeof");

	if (is_typeof) {
		if (!parse_typeof(p, t))
			return NULL;
	} else {
		if (at_tag(p))
			next_token(p);
		t->name = expect_name(p, "type name");
		if (!t->name)
			return NULL;
		if (p->last_end > word.end)
			t->name = arena_printf(p->arena, "%.*s %s", (int)(word.end - word.start),
					       p->lexer.text + word.start, t->name);
	}
	while (!is_typeof && (at_sign(p, '*') || at_sign(p, '['))) {
		if (t->suffix_count == HEIGHT_MAX)
			return syntax_error(p, "a type of more than %d parts", HEIGHT_MAX);
		if (take_sign(p, '*'))
			add_suffix(p, t, SUFFIX_POINTER);
		else if (next_token(p), !parse_length(p, t))
			return NULL;
	}
	t->span = span_from(p, start);
	return t;
}
