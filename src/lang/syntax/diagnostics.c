// SPDX-License-Identifier: Apache-2.0
/*
 * Errors and warnings with their places. They are printed as bpftrace prints them: columns count
 * bytes from 1, a tab in the excerpt is four blanks, a place of several lines has them all and no
 * marker. Two things differ on purpose: no byte of a script reaches the terminal unseen, and of a
 * line of kilobytes only the part around the place is shown.
 */
#include "lang/syntax/source.h"

#define KEPT 100
#define TAB 4
#define LINE_MAX_SHOWN 1000
#define AROUND 100
#define LINES_SHOWN 20

static struct diagnostic *add(struct diagnostics *d, enum severity severity, struct span at,
			      const char *text)
{
	struct diagnostic *item;

	for (size_t i = 0; i < d->count; i++) {
		const struct diagnostic *other = &d->items[i];

		if (other->span.source == at.source && other->span.start == at.start &&
		    other->span.expansion == at.expansion && !strcmp(other->text, text)) {
			d->dropped = true;
			return NULL;
		}
	}
	d->dropped = false;
	if (severity == SEVERITY_ERROR)
		d->errors++;
	if (d->count == d->capacity) {
		size_t capacity = d->capacity * 2 + 8;
		struct diagnostic *more = arena_alloc(d->arena, capacity * sizeof(*more));

		if (d->count)
			memcpy(more, d->items, d->count * sizeof(*more));
		d->items = more;
		d->capacity = capacity;
	}
	item = &d->items[d->count++];
	*item = (struct diagnostic){ .severity = severity, .span = at, .text = text };
	return item;
}

/* Beyond what is kept they are counted only, which costs nothing however many there are. */
static bool is_full(struct diagnostics *d, enum severity severity)
{
	if (d->count < KEPT)
		return false;
	d->errors += severity == SEVERITY_ERROR;
	d->too_many = true;
	return true;
}

static const char *format(struct diagnostics *d, const char *fmt, va_list args)
{
	_cleanup_buf_ struct buf b = {};

	buf_vprintf(&b, fmt, args);
	return arena_strndup(d->arena, buf_str(&b), b.len);
}

int diagnose(struct diagnostics *d, struct span at, const char *fmt, ...)
{
	va_list args;

	if (is_full(d, SEVERITY_ERROR))
		return -EINVAL;
	va_start(args, fmt);
	add(d, SEVERITY_ERROR, at, format(d, fmt, args));
	va_end(args);
	return -EINVAL;
}

int diagnose_warning(struct diagnostics *d, struct span at, const char *fmt, ...)
{
	va_list args;

	if (is_full(d, SEVERITY_WARNING))
		return -EINVAL;
	va_start(args, fmt);
	add(d, SEVERITY_WARNING, at, format(d, fmt, args));
	va_end(args);
	return -EINVAL;
}

void diagnose_more(struct diagnostics *d, struct span at, const char *fmt, ...)
{
	size_t errors = d->errors;
	struct diagnostic *item;
	va_list args;

	if (!d->count || d->too_many || d->dropped || is_full(d, SEVERITY_NOTE))
		return;
	va_start(args, fmt);
	item = add(d, d->items[d->count - 1].severity, at, format(d, fmt, args));
	va_end(args);
	d->errors = errors;
	if (item)
		item->more = true;
}

void diagnose_hint(struct diagnostics *d, const char *fmt, ...)
{
	struct diagnostic *last = d->count ? &d->items[d->count - 1] : NULL;
	const char *text;
	va_list args;

	if (!last || d->too_many || d->dropped)
		return;
	va_start(args, fmt);
	text = format(d, fmt, args);
	va_end(args);
	last->hint = last->hint ? arena_printf(d->arena, "%s\n%s", last->hint, text) : text;
}

/* ---- printing ------------------------------------------------------------------------------ */

static size_t utf8_length(const char *p, size_t left)
{
	u8 c = (u8)*p;
	size_t len = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	if (c >= 0x80 && c < 0xc2)
		return 0;
	if (!len || len > left)
		return 0;
	for (size_t i = 1; i < len; i++)
		if (((u8)p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* Adds what is shown for the character at @p to @b; returns how many bytes of the source it was. */
static size_t add_character(struct buf *b, const char *p, size_t left)
{
	size_t len = utf8_length(p, left);
	_cleanup_buf_ struct buf safe = {};

	if (*p == '\t') {
		buf_add_fill(b, ' ', TAB);
		return 1;
	}
	if (*p == '\\' || (len == 1 && *p >= ' ' && *p < 0x7f)) {
		buf_add_char(b, *p);
		return 1;
	}
	/* Every byte that it cannot vouch for comes out as an escape. */
	text_add_safe(b, p, len ? len : 1);
	return len ? len : 1;
}

static bool place_of(const struct sources *s, struct span at, const struct source **ret_source,
		     u32 line[2], u32 column[2])
{
	*ret_source = sources_get(s, at.source);
	if (!*ret_source)
		return false;
	sources_place(s, at.source, at.start, &line[0], &column[0]);
	sources_place(s, at.source, MAX(at.start, at.end), &line[1], &column[1]);
	return true;
}

void span_print(const struct sources *s, struct span at, struct buf *b)
{
	const struct source *source;
	u32 line[2], column[2];

	if (!place_of(s, at, &source, line, column))
		return;
	text_add_safe(b, source->name, strlen(source->name));
	if (line[0] == line[1])
		buf_printf(b, ":%u:%u-%u", line[0], column[0], column[1]);
	else
		buf_printf(b, ":%u-%u", line[0], line[1]);
}

/* The bytes [from, to) of one line, and below them a marker under [start, end). */
static void add_line(struct buf *b, const char *text, u32 from, u32 to, u32 start, u32 end)
{
	_cleanup_buf_ struct buf marker = {};
	bool cut_front = false, cut_back = false;

	if (to - from > LINE_MAX_SHOWN) {
		u32 last = MIN(MIN(end, start + LINE_MAX_SHOWN) + AROUND, to);

		cut_front = start > from + AROUND;
		from = cut_front ? start - AROUND : from;
		cut_back = last < to;
		to = last;
	}
	if (cut_front) {
		buf_add_str(b, "...");
		buf_add_fill(&marker, ' ', 3);
	}
	while (from < to) {
		size_t before = b->len, width;
		u32 at = from;

		from += (u32)add_character(b, text + from, to - from);
		width = text_width(buf_str(b) + before, b->len - before);
		if (at < end)
			buf_add_fill(&marker, at >= start ? '~' : ' ', width);
	}
	if (cut_back)
		buf_add_str(b, "...");
	buf_add_char(b, '\n');
	/* A span may end behind the line's last byte; an empty one marks nothing. */
	if (start < end && end > to && !cut_back)
		buf_add_fill(&marker, '~', MIN(end - MAX(to, start), 1));
	buf_printf(b, "%s\n", buf_str(&marker));
}

void span_excerpt(const struct sources *s, struct span at, struct buf *b)
{
	const struct source *source;
	u32 line[2], column[2], from, to;

	if (!place_of(s, at, &source, line, column))
		return;
	from = at.start - (column[0] - 1);
	for (u32 i = line[0]; i <= line[1] && i < line[0] + LINES_SHOWN; i++) {
		const char *newline = memchr(source->text + from, '\n', source->len - from);

		to = newline ? (u32)(newline - source->text) : (u32)source->len;
		if (line[0] == line[1]) {
			add_line(b, source->text, from, to, at.start, at.end);
			return;
		}
		for (u32 p = from; p < MIN(to, from + LINE_MAX_SHOWN);)
			p += (u32)add_character(b, source->text + p, to - p);
		buf_add_str(b, to > from + LINE_MAX_SHOWN ? "...\n" : "\n");
		from = MIN(to + 1, (u32)source->len);
	}
	if (line[1] - line[0] >= LINES_SHOWN)
		buf_add_str(b, "...\n");
}

static void print_place(const struct diagnostics *d, enum severity severity, struct span at,
			const char *text, bool color, struct buf *b)
{
	static const char *const words[] = { "ERROR", "WARNING", "NOTE" };
	static const char *const colors[] = { "\033[31m", "\033[33m", "\033[36m" };
	bool somewhere = sources_get(d->sources, at.source);

	if (color)
		buf_add_str(b, colors[severity]);
	span_print(d->sources, at, b);
	buf_printf(b, "%s%s: ", somewhere ? ": " : "", words[severity]);
	for (const char *p = text, *end = text + strlen(text); p < end;)
		p += add_character(b, p, (size_t)(end - p));
	if (color)
		buf_add_str(b, "\033[0m");
	buf_add_char(b, '\n');
	span_excerpt(d->sources, at, b);
}

static void print_hints(const char *hint, struct buf *b)
{
	while (hint) {
		const char *newline = strchr(hint, '\n'), *end = newline ?: hint + strlen(hint);

		buf_add_str(b, "HINT: ");
		text_add_safe(b, hint, (size_t)(end - hint));
		buf_add_char(b, '\n');
		hint = newline ? newline + 1 : NULL;
	}
}

static void print_one(const struct diagnostics *d, const struct diagnostic *item, bool color,
		      struct buf *b)
{
	struct span at = item->span;

	if (*item->text) /* else the hints are all there is to say */
		print_place(d, item->severity, at, item->text, color, b);
	print_hints(item->hint, b);
	/* A call chain of macros ends somewhere: recursion is an error before it comes here. */
	for (int i = 0; i < KEPT && sources_expanded_from(d->sources, at.expansion, &at); i++)
		print_place(d, item->severity, at, "expanded from", color, b);
}

/*
 * Indexes of the first of those that stay together. By where they end: what is inside of something
 * comes before it, as causes do.
 */
static int compare(const void *a, const void *b, void *context)
{
	const struct diagnostic *items = context;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	struct span p = items[x].span, q = items[y].span;

	if (p.source != q.source)
		return p.source < q.source ? -1 : 1;
	if (p.end != q.end)
		return p.end < q.end ? -1 : 1;
	return x < y ? -1 : x > y;
}

void diagnostics_print(const struct diagnostics *d, bool warnings, bool color, struct buf *b)
{
	size_t first[KEPT], count = 0;

	for (size_t i = 0; i < d->count; i++)
		if (!d->items[i].more)
			first[count++] = i;
	qsort_r(first, count, sizeof(*first), compare, d->items);
	for (size_t n = 0; n < count; n++) {
		size_t i = first[n];

		if (d->items[i].severity != SEVERITY_ERROR && !warnings)
			continue;
		do
			print_one(d, &d->items[i++], color, b);
		while (i < d->count && d->items[i].more);
	}
	if (d->too_many)
		buf_printf(b, "ERROR: too many errors (%zu); the first %d are above\n", d->errors,
			   KEPT);
}
