// SPDX-License-Identifier: Apache-2.0
/*
 * See parse.h. A cursor walks over the bytes; every step either matches and advances or fails the
 * whole line.
 */
#include "host/parse.h"

struct cursor {
	const char *at, *end;
};

static bool take_char(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static bool take_number(struct cursor *c, unsigned base, u64 *ret)
{
	const char *begin = c->at;
	u64 v = 0;

	for (; c->at < c->end; c->at++) {
		unsigned digit = digit_of(*c->at);

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*ret = v;
	return c->at > begin;
}

static bool take_u32(struct cursor *c, u32 *ret)
{
	u64 v;

	if (!take_number(c, 10, &v) || v > UINT32_MAX)
		return false;
	*ret = (u32)v;
	return true;
}

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
		c->at++;
}

static void skip_word(struct cursor *c)
{
	while (c->at < c->end && *c->at != ' ' && *c->at != '\t')
		c->at++;
}

bool next_line(struct text_span *rest, struct text_span *ret_line)
{
	const char *newline;

	if (!rest->len)
		return false;
	newline = memchr(rest->bytes, '\n', rest->len);
	*ret_line = (struct text_span){ rest->bytes,
					newline ? (size_t)(newline - rest->bytes) : rest->len };
	rest->bytes += ret_line->len + (newline != NULL);
	rest->len -= ret_line->len + (newline != NULL);
	return true;
}

bool span_is(struct text_span s, const char *text)
{
	return strlen(text) == s.len && (!s.len || !memcmp(s.bytes, text, s.len));
}

bool span_starts(struct text_span s, const char *prefix)
{
	return s.len >= strlen(prefix) && !memcmp(s.bytes, prefix, strlen(prefix));
}

int parse_stat(const char *text, size_t len, struct stat_line *ret)
{
	/* The name may hold anything, parentheses too: it ends at the last one. */
	const char *open = len ? memchr(text, '(', len) : NULL;
	const char *close = len ? memrchr(text, ')', len) : NULL;
	struct cursor c = { text, text + len };
	struct stat_line line = {};

	if (!open || !close || close < open || !take_u32(&c, &line.pid) || !take_char(&c, ' ') ||
	    c.at != open)
		return -EBADMSG;
	line.comm = (struct text_span){ open + 1, close - open - 1 };
	c.at = close + 1;
	/* state is field 3, ppid 4, starttime 22 */
	skip_blanks(&c);
	skip_word(&c);
	skip_blanks(&c);
	if (!take_u32(&c, &line.ppid))
		return -EBADMSG;
	for (int field = 5; field < 22; field++) {
		skip_blanks(&c);
		skip_word(&c);
	}
	skip_blanks(&c);
	if (!take_number(&c, 10, &line.start_ticks))
		return -EBADMSG;
	*ret = line;
	return 0;
}

int parse_status(const char *text, size_t len, struct status_ids *ret)
{
	struct text_span rest = { text, len }, line;
	struct status_ids ids = {};
	bool uid = false, gid = false;

	while (next_line(&rest, &line)) {
		struct cursor c = { line.bytes, line.bytes + line.len };

		skip_word(&c);
		skip_blanks(&c);
		if (span_starts(line, "Uid:")) {
			uid = take_u32(&c, &ids.uid);
		} else if (span_starts(line, "Gid:")) {
			gid = take_u32(&c, &ids.gid);
		} else if (span_starts(line, "NSpid:")) {
			while (take_u32(&c, &ids.inner_pid)) /* the last is the innermost */
				skip_blanks(&c);
		}
	}
	if (!uid || !gid)
		return -EBADMSG;
	*ret = ids;
	return 0;
}

int parse_maps_line(const char *text, size_t len, struct maps_line *ret)
{
	struct cursor c = { text, text + len };
	struct maps_line line = {};
	u64 major, minor;

	if (!take_number(&c, 16, &line.start) || !take_char(&c, '-') ||
	    !take_number(&c, 16, &line.end) || !take_char(&c, ' ') || c.end - c.at < 5 ||
	    line.end <= line.start)
		return -EBADMSG;
	line.executable = c.at[2] == 'x';
	c.at += 4;
	if (!take_char(&c, ' ') || !take_number(&c, 16, &line.offset) || !take_char(&c, ' ') ||
	    !take_number(&c, 16, &major) || !take_char(&c, ':') || !take_number(&c, 16, &minor) ||
	    !take_char(&c, ' ') || !take_number(&c, 10, &line.inode) || major > UINT32_MAX ||
	    minor > UINT32_MAX)
		return -EBADMSG;
	line.major = (u32)major;
	line.minor = (u32)minor;
	skip_blanks(&c);
	line.path = (struct text_span){ c.at, c.end - c.at };
	*ret = line;
	return 0;
}

int parse_kallsyms_line(const char *text, size_t len, struct kallsyms_line *ret)
{
	struct cursor c = { text, text + len };
	struct kallsyms_line line = {};

	if (!take_number(&c, 16, &line.address) || !take_char(&c, ' ') || c.at == c.end)
		return -EBADMSG;
	line.type = *c.at++;
	if (!take_char(&c, ' '))
		return -EBADMSG;
	line.name.bytes = c.at;
	skip_word(&c);
	line.name.len = c.at - line.name.bytes;
	if (!line.name.len)
		return -EBADMSG;
	skip_blanks(&c);
	if (take_char(&c, '[')) {
		const char *close = memchr(c.at, ']', c.end - c.at);

		if (!close)
			return -EBADMSG;
		line.module = (struct text_span){ c.at, close - c.at };
	}
	*ret = line;
	return 0;
}

int parse_perf_map_line(const char *text, size_t len, struct perf_map_line *ret)
{
	struct cursor c = { text, text + len };
	struct perf_map_line line = {};

	if (c.end - c.at > 2 && c.at[0] == '0' && (c.at[1] == 'x' || c.at[1] == 'X'))
		c.at += 2;
	if (!take_number(&c, 16, &line.start) || !take_char(&c, ' ') ||
	    !take_number(&c, 16, &line.size) || !take_char(&c, ' '))
		return -EBADMSG;
	skip_blanks(&c);
	line.name = (struct text_span){ c.at, c.end - c.at };
	if (!line.name.len)
		return -EBADMSG;
	*ret = line;
	return 0;
}

int parse_id_line(const char *text, size_t len, struct id_line *ret)
{
	struct cursor c = { text, text + len };
	const char *colon = len ? memchr(text, ':', len) : NULL;
	struct id_line line = {};

	if (!colon || colon == text)
		return -EBADMSG;
	line.name = (struct text_span){ text, colon - text };
	colon = memchr(colon + 1, ':', c.end - colon - 1);
	if (!colon)
		return -EBADMSG;
	c.at = colon + 1;
	if (!take_u32(&c, &line.id) || (c.at < c.end && *c.at != ':'))
		return -EBADMSG;
	*ret = line;
	return 0;
}
