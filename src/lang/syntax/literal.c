// SPDX-License-Identifier: Apache-2.0
/*
 * Numbers and strings as they are written: decimal, octal, hexadecimal, 1e6, underscores between
 * digits, units of time; escapes of a string. What is refused here is refused by bpftrace too.
 */
#include "lang/syntax/lexer.h"

#define SHOWN 80

struct unit {
	const char *name;
	u64 factor;
	bool is_time;
};

static const struct unit *find_unit(const char *text, u32 len)
{
	static const struct unit units[] = {
		{ "ns", 1, true },
		{ "us", 1000, true },
		{ "ms", NSEC_PER_MSEC, true },
		{ "s", NSEC_PER_SEC, true },
		{ "m", 60 * NSEC_PER_SEC, true },
		{ "h", 3600 * NSEC_PER_SEC, true },
		{ "d", 86400 * NSEC_PER_SEC, true },
		{ "u", 1, false },
		{ "l", 1, false },
		{ "ul", 1, false },
		{ "ll", 1, false },
		{ "ull", 1, false },
		{ "", 1, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strlen(units[i].name) == len && !memcmp(units[i].name, text, len))
			return &units[i];
	return NULL;
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static bool multiply(u64 *v, u64 by, u64 plus)
{
	return !__builtin_mul_overflow(*v, by, v) && !__builtin_add_overflow(*v, plus, v);
}

/* Digits of @base and underscores from *@at on. False when the number does not fit. */
static bool read_digits(const char *text, u32 len, u32 *at, u64 base, u64 *ret)
{
	bool fits = true;

	*ret = 0;
	for (; *at < len; ++*at) {
		if (text[*at] == '_')
			continue;
		if (digit_value(text[*at]) >= (int)MAX(base, 10))
			break;
		fits = fits && multiply(ret, base, (u64)digit_value(text[*at]));
	}
	return fits;
}

static int wrong(struct literal_number *l, u32 at, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int wrong(struct literal_number *l, u32 at, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = {};
	va_list args;

	va_start(args, fmt);
	buf_vprintf(&b, fmt, args);
	va_end(args);
	l->error = arena_strndup(l->arena, buf_str(&b), b.len);
	l->bad = at;
	l->value = 0;
	return -EINVAL;
}

static int wrong_suffix(struct literal_number *l, u32 at)
{
	return wrong(l, at, "invalid integer suffix '%.*s'", (int)MIN(l->len - at, SHOWN),
		     l->text + at);
}

static int too_large(struct literal_number *l)
{
	return wrong(l, 0, "overflow error, maximum value is %llu: %.*s",
		     (unsigned long long)UINT64_MAX, (int)MIN(l->len, SHOWN), l->text);
}

static bool is_c_suffix(const struct literal_number *l, u32 at)
{
	return l->c_suffix && strspn(l->text + at, "uUlL") >= l->len - at && l->len - at <= 3;
}

static int read_hexadecimal(struct literal_number *l)
{
	u32 at = 2;
	bool fits = read_digits(l->text, l->len, &at, 16, &l->value);

	if (at == 2)
		return wrong(l, 0, "no digits behind '%.2s'", l->text);
	if (at < l->len && !is_c_suffix(l, at))
		return wrong_suffix(l, at);
	return fits ? 0 : too_large(l);
}

/* 1e6: one digit from 1 to 9, and tens; *@at is at the e. */
static int read_exponent(struct literal_number *l, u32 *at)
{
	u64 exponent;

	if (*at != 1 || !l->value)
		return wrong(l, 0, "coefficient part of scientific literal must be 1-9: %.*s",
			     (int)MIN(l->len, SHOWN), l->text);
	++*at;
	if (!read_digits(l->text, l->len, at, 10, &exponent))
		return too_large(l);
	for (u64 i = 0; i < exponent; i++)
		if (!multiply(&l->value, 10, 0))
			return too_large(l);
	return 0;
}

static int read_decimal(struct literal_number *l)
{
	const char *text = l->text;
	bool octal = text[0] == '0', fits;
	const struct unit *unit;
	u32 at = 0;
	int err;

	fits = read_digits(text, l->len, &at, octal ? 8 : 10, &l->value);
	for (u32 i = 0; octal && i < at; i++)
		if (text[i] == '8' || text[i] == '9')
			return wrong(l, 0, "invalid digit '%c' in an octal number", text[i]);
	if (text[at - 1] == '_')
		return wrong(l, at - 1, "trailing underscore in integer literal");
	if (!fits)
		return too_large(l);
	if (at + 1 < l->len && (text[at] | 0x20) == 'e' && is_digit(text[at + 1])) {
		err = read_exponent(l, &at);
		if (err)
			return err;
	}
	if (is_c_suffix(l, at))
		return 0;
	unit = find_unit(text + at, l->len - at);
	if (!unit)
		return wrong_suffix(l, at);
	l->has_unit = unit->is_time;
	return multiply(&l->value, unit->factor, 0) ? 0 : too_large(l);
}

int literal_number(struct literal_number *l)
{
	if (l->len > 1 && l->text[0] == '0' && (l->text[1] | 0x20) == 'x')
		return read_hexadecimal(l);
	return read_decimal(l);
}

/* ---- strings ------------------------------------------------------------------------------- */

static int bad_escape(struct literal_string *s, u32 start, u32 end, const char *error)
{
	s->bad_start = start;
	s->bad_end = end;
	s->at = end;
	s->error = error;
	return -EINVAL;
}

/* \0 to \377, the digits being at @at. */
static int octal_escape(struct literal_string *s, u32 at)
{
	u32 v = 0, i = at;

	for (; i < s->len && i < at + 3 && s->text[i] >= '0' && s->text[i] <= '7'; i++)
		v = v * 8 + (u32)(s->text[i] - '0');
	if (v > 255)
		return bad_escape(s, at - 1, i,
				  arena_printf(s->arena,
					       "octal escape sequence out of range '\\%.*s'",
					       (int)(i - at), s->text + at));
	s->bytes[s->count++] = (char)v;
	s->at = i;
	return 0;
}

static int hexadecimal_escape(struct literal_string *s, u32 at)
{
	u32 v = 0, i = at;

	for (; i < s->len && i < at + 2 && digit_value(s->text[i]) < 16; i++)
		v = v * 16 + (u32)digit_value(s->text[i]);
	if (i == at)
		return bad_escape(s, at - 1, at, "invalid hex escape sequence");
	s->bytes[s->count++] = (char)v;
	s->at = i;
	return 0;
}

/* The escape whose backslash is at s->at. */
static int escape(struct literal_string *s)
{
	static const char names[] = "ntr\"\\", values[] = "\n\t\r\"\\";
	u32 at = s->at + 1;
	const char *known;
	char c = at < s->len ? s->text[at] : '\0';

	if (c >= '0' && c <= '7')
		return octal_escape(s, at);
	if (c == 'x')
		return hexadecimal_escape(s, at + 1);
	known = c ? strchr(names, c) : NULL;
	if (!known)
		return bad_escape(s, at, MIN(at + 1, s->len),
				  arena_printf(s->arena, "invalid escape character '\\%c'",
					       c ?: '0'));
	s->bytes[s->count++] = values[known - names];
	s->at = at + 1;
	return 0;
}

int literal_string(struct literal_string *s)
{
	if (!s->bytes)
		s->bytes = arena_alloc(s->arena, s->len + 1);
	while (s->at < s->len) {
		const char *next = memchr(s->text + s->at, '\\', s->len - s->at);
		u32 plain = next ? (u32)(next - s->text) - s->at : s->len - s->at;
		int err;

		memcpy(s->bytes + s->count, s->text + s->at, plain);
		s->count += plain;
		s->at += plain;
		err = s->at < s->len ? escape(s) : 0;
		if (err)
			return err;
	}
	return 0;
}
