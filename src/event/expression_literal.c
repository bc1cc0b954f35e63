// SPDX-License-Identifier: Apache-2.0
/*
 * The right side of a test, read as its column wants it and checked against what the column can
 * hold: a literal that no record could ever equal is a mistake, and is refused with the range.
 */
#include "event/expression_internal.h"

#include <arpa/inet.h>
#include <ctype.h>

#define WORD_MAX 128
#define NAMES_MAX 1024 /* of a kind, to suggest from */

static const struct column *column_of(const struct parser *p, const struct node *n)
{
	return &p->schema->columns[n->column];
}

/* Bits of a number; a computed one has all. */
static unsigned bits_of(const struct column *c)
{
	return c->compute || c->size > 8 ? 64 : 8 * c->size;
}

static u64 greatest_unsigned(const struct column *c)
{
	return UINT64_MAX >> (64 - bits_of(c));
}

/* ---- names of numbers ----------------------------------------------------------------------- */

/* The kind's own names, by asking it how it shows the small numbers: only for a message. */
static const char *suggest_of_kind(const struct column *c, const char *word, struct buf *names)
{
	const char *list[NAMES_MAX];
	size_t starts[NAMES_MAX], count = 0;

	for (s64 i = 0; i < NAMES_MAX; i++) {
		struct value v = { .class = c->kind->class, .s = i };
		s64 back;

		starts[count] = names->len;
		c->kind->format(c, &v, names);
		if (names->error)
			return NULL;
		if (c->kind->parse(c, buf_str(names) + starts[count], &back) || back != i) {
			names->len = starts[count];
			names->data[names->len] = '\0';
			continue;
		}
		buf_add_char(names, '\0');
		count++;
	}
	for (size_t i = 0; i < count; i++)
		list[i] = buf_str(names) + starts[i];
	return suggest(word, list, count);
}

static int fail_unknown_name(const struct parser *p, const struct column *c, const char *word)
{
	_cleanup_buf_ struct buf text = {};
	const char *near = NULL, *list[NAMES_MAX];
	size_t count = MIN(c->name_count, NAMES_MAX);

	if (schema_find(p->schema, word) >= 0)
		return parser_fail(p, p->token.at,
				   "'%s' is a column: a column is compared with a value only",
				   word);
	if (isdigit((unsigned char)*word))
		return parser_fail(p, p->token.at,
				   "'%s' is not a number that column '%s' (%s) takes", word,
				   c->name, c->kind->name);
	for (size_t i = 0; i < count; i++)
		list[i] = c->names[i].name;
	if (count)
		near = suggest(word, list, count);
	if (!near && c->kind->parse && c->kind->format)
		near = suggest_of_kind(c, word, &text);
	if (near)
		return parser_fail(p, p->token.at, "no name '%s' for %s (did you mean '%s'?)", word,
				   c->name, near);
	return parser_fail(p, p->token.at,
			   "'%s' is neither a number nor a name for column '%s' (%s)", word,
			   c->name, c->kind->name);
}

/* @negative: `ret == -ENOENT` is how the kernel writes what a call returned. */
static bool find_name(const struct column *c, const char *word, bool negative, s64 *ret)
{
	const struct kind *kind = c->kind;

	if (isdigit((unsigned char)*word))
		return false;
	for (size_t i = 0; i < c->name_count; i++) {
		if (!strcmp(c->names[i].name, word)) {
			*ret = c->names[i].number;
			return true;
		}
	}
	if (!kind->parse && negative && !strcmp(kind->name, "return"))
		kind = kind_find("errno");
	return kind && kind->parse && !kind->parse(c, word, ret);
}

/* ---- numbers -------------------------------------------------------------------------------- */

static int fail_range(const struct parser *p, size_t at, const struct column *c)
{
	unsigned bits = bits_of(c);
	int shown = (int)(p->token.at + p->token.len - at);

	if (c->kind->class == VALUE_UNSIGNED)
		return parser_fail(p, at, "%.*s is out of range: %s is 0 to %llu", shown,
				   p->text + at, c->name, (unsigned long long)greatest_unsigned(c));
	return parser_fail(p, at, "%.*s is out of range: %s is %lld to %lld", shown, p->text + at,
			   c->name, (long long)(INT64_MIN >> (64 - bits)),
			   (long long)(INT64_MAX >> (64 - bits)));
}

/* "10ms" for a column in us, "4KiB" for one in bytes. -EINVAL when it is no such thing. */
static int parse_unit(const struct parser *p, const struct column *c, const char *word, u64 *ret)
{
	static const struct {
		const char *unit;
		u64 ns;
	} units[] = {
		{ "ns", 1 }, { "us", NSEC_PER_USEC }, { "ms", NSEC_PER_MSEC }, { "s", NSEC_PER_SEC }
	};
	u64 v;

	if (c->unit && !strcmp(c->unit, "bytes"))
		return parse_size(word, ret);
	for (size_t i = 0; c->unit && i < ARRAY_SIZE(units); i++) {
		int err;

		if (strcmp(units[i].unit, c->unit))
			continue;
		err = parse_duration(word, &v);
		if (err)
			return err;
		if (v % units[i].ns)
			return parser_fail(
				p, p->token.at,
				"'%s' is not a whole number of %s, in which %s is counted", word,
				c->unit, c->name);
		*ret = v / units[i].ns;
		return 0;
	}
	return fail(-EINVAL, "'%s' is not a number", word);
}

/* One number or name, with its sign: its magnitude. The token is still the last of it. */
static int parse_magnitude(struct parser *p, const struct column *c, u64 *ret, bool *negative)
{
	char word[WORD_MAX], why[512];
	s64 named = 0;
	int err;

	*negative = p->token.type == TOKEN_MINUS;
	if (*negative) {
		err = parser_next(p);
		if (err)
			return err;
	}
	if (p->token.type == TOKEN_TEXT)
		return parser_fail(
			p, p->token.at,
			"column '%s' is a number: it cannot be compared with text%s", c->name,
			c->kind->parse || c->name_count ? " (write names without quotes)" : "");
	if (p->token.type != TOKEN_WORD)
		return parser_fail(p, p->token.at, "a number is missing here");
	parser_word(p, word, sizeof(word));
	if (find_name(c, word, *negative, &named)) {
		*negative ^= named < 0;
		*ret = named < 0 ? -(u64)named : (u64)named;
		return 0;
	}
	if (!isdigit((unsigned char)*word) && *word != '.')
		return fail_unknown_name(p, c, word);
	err = parse_u64(word, ret);
	if (!err)
		return 0;
	if (err == -ERANGE)
		return fail_range(p, p->token.at, c);
	/* With a unit only: a bare number is never one of seconds here. */
	if (c->unit && *c->unit && !c->is_time && (word[1] | 0x20) != 'x' &&
	    isalpha((unsigned char)word[strlen(word) - 1])) {
		err = parse_unit(p, c, word, ret);
		if (!err)
			return 0;
		snprintf(why, sizeof(why), "%s", error_text());
		return strchr(why, '\n') ? err : parser_fail(p, p->token.at, "%s", why);
	}
	return fail_unknown_name(p, c, word);
}

/* A whole number that the column can hold, in its own representation of 64 bits. */
static int parse_number(struct parser *p, const struct column *c, u64 *ret)
{
	size_t at = p->token.at;
	bool negative = false;
	u64 limit, v = 0;
	int err = parse_magnitude(p, c, &v, &negative);

	if (err)
		return err;
	if (c->kind->class == VALUE_UNSIGNED) {
		if ((negative && v) || v > greatest_unsigned(c))
			return fail_range(p, at, c);
	} else {
		limit = greatest_unsigned(c) / 2;
		if (v > limit + negative)
			return fail_range(p, at, c);
	}
	*ret = negative ? -v : v;
	return parser_next(p);
}

/*
 * A|B: what was read, more bits. For columns whose names are bits; each is checked as the first
 * was.
 */
static int parse_more_bits(struct parser *p, const struct column *c, u64 *bits)
{
	while (p->token.type == TOKEN_BAR) {
		u64 more = 0;
		int err = parser_next(p);

		if (!err)
			err = parse_number(p, c, &more);
		if (err)
			return err;
		*bits |= more;
	}
	return 0;
}

int parse_bits(struct parser *p, struct node *n, u64 *ret)
{
	/* Bits have no sign: a mask may have the highest one. */
	struct column raw = *column_of(p, n);
	struct kind kind = *raw.kind;
	bool bracket = p->token.type == TOKEN_OPEN;
	u64 bits = 0;
	int err = bracket ? parser_next(p) : 0;

	kind.class = VALUE_UNSIGNED;
	raw.kind = &kind;
	if (!err)
		err = parse_number(p, &raw, &bits);
	if (!err)
		err = parse_more_bits(p, &raw, &bits);
	if (!err && bracket) {
		if (p->token.type != TOKEN_CLOSE)
			return parser_fail(p, p->token.at, "a ')' is missing here");
		err = parser_next(p);
	}
	if (!err)
		*ret = bits;
	return err;
}

static int parse_real(struct parser *p, const struct column *c, double *ret)
{
	bool negative = p->token.type == TOKEN_MINUS;
	char word[WORD_MAX], *end;
	int err = negative ? parser_next(p) : 0;
	double v;

	if (err)
		return err;
	parser_word(p, word, sizeof(word));
	/* Not strtod's other words: inf, nan, 0x1p3. */
	if (p->token.type != TOKEN_WORD || !isdigit((unsigned char)*word) ||
	    (word[1] | 0x20) == 'x')
		return parser_fail(p, p->token.at, "a number is missing here: column '%s' is one",
				   c->name);
	v = strtod(word, &end);
	if (*end)
		return parser_fail(p, p->token.at, "'%s' is not a number", word);
	*ret = negative ? -v : v;
	return parser_next(p);
}

static int parse_bool(struct parser *p, const struct column *c, u64 *ret)
{
	char word[8];

	parser_word(p, word, sizeof(word));
	if (p->token.type == TOKEN_WORD && (!strcmp(word, "true") || !strcmp(word, "1")))
		*ret = 1;
	else if (p->token.type == TOKEN_WORD && (!strcmp(word, "false") || !strcmp(word, "0")))
		*ret = 0;
	else
		return parser_fail(p, p->token.at, "column '%s' is true or false", c->name);
	return parser_next(p);
}

/* ---- text, addresses ------------------------------------------------------------------------ */

int check_text_length(const struct parser *p, const struct node *n, size_t at, size_t len)
{
	const struct column *c = column_of(p, n);
	/* The kernel ends a comm with a NUL always; other arrays may be full. */
	size_t most = c->size - !strcmp(c->kind->name, "comm");

	if (c->compute || c->in_tail || n->class != VALUE_TEXT || n->op == TEST_LIKE ||
	    n->op == TEST_MATCHES || len <= most)
		return 0;
	return parser_fail(p, at, "a text of %zu bytes: %s has at most %zu", len, c->name, most);
}

static int parse_text(struct parser *p, const struct node *n, struct literal *l)
{
	const struct column *c = column_of(p, n);
	size_t at = p->token.at;
	_cleanup_free_ char *text = NULL;
	char word[WORD_MAX];
	size_t len;
	int err;

	if (p->token.type != TOKEN_TEXT) {
		parser_word(p, word, sizeof(word));
		if (p->token.type == TOKEN_WORD && schema_find(p->schema, word) < 0)
			return parser_fail(p, at, "column '%s' is text: write \"%s\"", c->name,
					   word);
		return parser_fail(p, at, "column '%s' is text: a text in quotes is missing here",
				   c->name);
	}
	err = parser_text(p, &text, &len);
	if (err)
		return err;
	err = check_text_length(p, n, at, len);
	if (err)
		return err;
	err = parser_next(p);
	if (err)
		return err;
	l->text = TAKE_PTR(text);
	l->len = len;
	return 0;
}

static void keep_prefix(u8 address[16], u32 prefix)
{
	for (u32 i = 0; i < 16; i++) {
		if (prefix < 8 * (i + 1))
			address[i] &= prefix > 8 * i ? (u8)(0xff << (8 * (i + 1) - prefix)) : 0;
	}
}

static int parse_address(struct parser *p, const struct node *n, struct literal *l)
{
	const struct column *c = column_of(p, n);
	size_t at = p->token.at, len;
	_cleanup_free_ char *text = NULL;
	char word[WORD_MAX] = "";
	u64 prefix = 128;
	u8 address[16] = {};
	char *slash;
	u32 least = 0;
	int err = 0;

	if (p->token.type == TOKEN_TEXT) {
		err = parser_text(p, &text, &len);
		if (!err)
			snprintf(word, sizeof(word), "%s", text);
	} else if (p->token.type == TOKEN_WORD) {
		parser_word(p, word, sizeof(word));
	}
	if (err)
		return err;
	slash = strchr(word, '/');
	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET, word, address + 12) == 1) {
		address[10] = address[11] = 0xff;
		least = 96;
	} else if (inet_pton(AF_INET6, word, address) != 1) {
		return parser_fail(p, at, "column '%s' is an address, such as 10.0.0.1 or fe80::1",
				   c->name);
	}
	if (slash && (parse_u64(slash, &prefix) || prefix > 128 - least))
		return parser_fail(p, at, "the prefix of an address is 0 to %u", 128 - least);
	err = parser_next(p);
	if (err)
		return err;
	l->prefix = slash ? (u32)prefix + least : 128;
	keep_prefix(address, l->prefix);
	memcpy(l->address, address, sizeof(address));
	return 0;
}

int parse_literal(struct parser *p, struct node *n)
{
	const struct column *c = column_of(p, n);
	struct literal l = {};
	int err = grow(&n->literals, &n->capacity, n->count + 1, sizeof(*n->literals));

	if (!err && ++p->nodes > EXPRESSION_NODES_MAX)
		err = parser_fail(p, p->token.at, "a filter of more than %d values",
				  EXPRESSION_NODES_MAX);
	if (err)
		return err;
	switch (n->class) {
	case VALUE_UNSIGNED:
	case VALUE_SIGNED:
		err = parse_number(p, c, &l.number);
		if (!err && c->bit_flags)
			err = parse_more_bits(p, c, &l.number);
		break;
	case VALUE_BOOL:
		err = parse_bool(p, c, &l.number);
		break;
	case VALUE_DOUBLE:
		err = parse_real(p, c, &l.real);
		break;
	case VALUE_IP:
		err = parse_address(p, n, &l);
		break;
	default:
		err = parse_text(p, n, &l);
	}
	if (!err)
		n->literals[n->count++] = l;
	return err;
}
