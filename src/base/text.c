// SPDX-License-Identifier: Apache-2.0
/*
 * Text from outside, made safe. A process name is whatever somebody wrote into it: escape
 * sequences, newlines, half a UTF-8 character. Each sink has one function here that says what
 * becomes of them.
 */
#define _XOPEN_SOURCE 700
#include "base/base.h"

#include <wchar.h>

/*
 * Length of the valid UTF-8 character at @s (RFC 3629: no surrogates, no overlong forms), 0 if
 * invalid.
 */
static size_t utf8_decode(const u8 *s, size_t len, u32 *ret_code)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80			 ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : (s[0] & 0xf0) == 0xe0	 ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;
	u32 code;

	if (!n || n > len)
		return 0;
	code = n == 1 ? s[0] : s[0] & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (n > 1 && (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)))
		return 0;
	*ret_code = code;
	return n;
}

/* Characters that a terminal acts on or that reorder the line: C0, DEL, C1, bidirectional marks. */
static bool is_control(u32 code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0x200e || code == 0x200f ||
	       code == 0x061c;
}

static size_t plain_run(const char *s, size_t len, const bool stop[256])
{
	size_t i = 0;

	while (i < len && !stop[(u8)s[i]])
		i++;
	return i;
}

/* Bytes that need a look: everything but printable ASCII; quote and backslash per sink. */
#define STOP_TABLE(extra...)                                                      \
	{                                                                         \
		[0 ... 0x1f] = true, [0x7f ... 0xff] = true, ['\\'] = true, extra \
	}
static const bool stop_safe[256] = STOP_TABLE();
static const bool stop_json[256] = STOP_TABLE(['"'] = true);

void text_add_safe(struct buf *b, const char *bytes, size_t len)
{
	while (len) {
		size_t n = plain_run(bytes, len, stop_safe);
		u32 code = 0;

		if (n) {
			buf_add(b, bytes, n);
		} else {
			n = utf8_decode((const u8 *)bytes, len, &code);
			if (n > 1 && !is_control(code)) {
				buf_add(b, bytes, n);
			} else if (*bytes == '\\') {
				buf_add_str(b, "\\\\");
			} else if (*bytes == '\n') {
				buf_add_str(b, "\\n");
			} else if (*bytes == '\t') {
				buf_add_str(b, "\\t");
			} else {
				n = n ? n : 1;
				for (size_t i = 0; i < n; i++)
					buf_printf(b, "\\x%02x", (u8)bytes[i]);
			}
		}
		bytes += n;
		len -= n;
	}
}

void text_add_json(struct buf *b, const char *bytes, size_t len)
{
	buf_add_char(b, '"');
	while (len) {
		size_t n = plain_run(bytes, len, stop_json);
		u32 code = 0;

		if (n) {
			buf_add(b, bytes, n);
		} else {
			n = utf8_decode((const u8 *)bytes, len, &code);
			if (!n) {
				buf_add_str(b, "\xef\xbf\xbd"); /* U+FFFD */
				n = 1;
			} else if (code == '"' || code == '\\') {
				buf_add_char(b, '\\');
				buf_add_char(b, (char)code);
			} else if (code == '\n') {
				buf_add_str(b, "\\n");
			} else if (code == '\t') {
				buf_add_str(b, "\\t");
			} else if (is_control(code)) {
				buf_printf(b, "\\u%04x", code);
			} else {
				buf_add(b, bytes, n);
			}
		}
		bytes += n;
		len -= n;
	}
	buf_add_char(b, '"');
}

void text_add_csv(struct buf *b, const char *bytes, size_t len)
{
	bool quote = false;

	for (size_t i = 0; i < len && !quote; i++)
		quote = bytes[i] == ',' || bytes[i] == '"' || bytes[i] == '\n' || bytes[i] == '\r';
	if (!quote) {
		buf_add(b, bytes, len);
		return;
	}
	buf_add_char(b, '"');
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '"')
			buf_add_char(b, '"');
		buf_add_char(b, bytes[i]);
	}
	buf_add_char(b, '"');
}

size_t text_width(const char *bytes, size_t len)
{
	size_t width = 0;

	while (len) {
		u32 code = 0;
		size_t n = utf8_decode((const u8 *)bytes, len, &code);
		int w = n > 1 ? wcwidth((wchar_t)code) : 1;

		width += n > 1 && w < 0 ? 1 : (size_t)w;
		n = n ? n : 1;
		bytes += n;
		len -= n;
	}
	return width;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool glob_match(const char *pattern, size_t pattern_len, const char *text, size_t len)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

	/*
	 * Only the last star needs to be tried again: an earlier one can always stay as short as it
	 * was.
	 */
	while (t < len) {
		if (p < pattern_len && pattern[p] == '*') {
			star = p++;
			mark = t;
			continue;
		}
		if (p < pattern_len) {
			size_t quoted = pattern[p] == '\\' && p + 1 < pattern_len;

			if ((pattern[p] == '?' && !quoted) || pattern[p + quoted] == text[t]) {
				p += 1 + quoted;
				t++;
				continue;
			}
		}
		if (star == SIZE_MAX)
			return false;
		p = star + 1;
		t = ++mark;
	}
	while (p < pattern_len && pattern[p] == '*')
		p++;
	return p == pattern_len;
}

static size_t edit_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	size_t row[65];

	if (n > 64 || m > 64)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t cost = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(cost, MIN(row[j] + 1, row[j - 1] + 1));
		}
	}
	return row[m];
}

const char *suggest(const char *word, const char *const *candidates, size_t count)
{
	size_t best = strlen(word) / 3 + 2;
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t d = edit_distance(word, candidates[i]);

		if (d < best) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}
