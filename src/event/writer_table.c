// SPDX-License-Identifier: Apache-2.0
/*
 * Tables for people. Events are shown as they come, so their columns have widths from the schema; a
 * reading of a table is complete before it is shown, so its columns are as wide as their content.
 *
 * A value that is wider than its column pushes the next ones, which win their places back as soon
 * as there is room. On a terminal a line ends where the terminal ends, and the last column of text
 * takes what the others leave; into a pipe nothing is ever cut.
 */
#include "event/writer_internal.h"

#define FLEXIBLE_MIN 12 /* a path shorter than this says nothing: rather let the line be cut */

static bool is_number(const struct column *c)
{
	enum value_class class = c->kind->class;

	return class == VALUE_UNSIGNED || class == VALUE_SIGNED || class == VALUE_DOUBLE;
}

static bool is_flexible(const struct column *c)
{
	enum value_class class = c->kind->class;

	return (class == VALUE_TEXT && (c->in_tail || c->compute)) || class == VALUE_WORDS ||
	       class == VALUE_STACK;
}

/*
 * The last text of any length. In a proposal it also goes to the end of the line, behind what was
 * added with '+'.
 */
static void place_flexible(struct writer *w)
{
	size_t last = w->shown_count;

	for (size_t i = 0; i < w->shown_count; i++) {
		if (is_flexible(w->shown[i].column) &&
		    (w->chosen || last == w->shown_count || !w->shown[i].column->compute))
			last = i;
	}
	if (last == w->shown_count)
		return;
	w->shown[last].flexible = true;
	if (!w->chosen) {
		struct shown s = w->shown[last];

		memmove(&w->shown[last], &w->shown[last + 1],
			(w->shown_count - last - 1) * sizeof(s));
		w->shown[w->shown_count - 1] = s;
	}
}

/* Gives the flexible column what is left, then every column its place. */
static void lay_out(struct writer *w, u32 gap)
{
	u32 others = 0, start = 0;

	for (size_t i = 0; i < w->shown_count; i++)
		others += w->shown[i].flexible ? 0 : w->shown[i].width + gap;
	for (size_t i = 0; i < w->shown_count; i++) {
		struct shown *s = &w->shown[i];

		if (s->flexible && w->cut_at) {
			u32 left = w->cut_at > others ? w->cut_at - others : 0;

			if (s->width > left || i + 1 == w->shown_count)
				s->width = MAX(left, FLEXIBLE_MIN);
		}
		s->start = start;
		start += s->width + gap;
	}
}

static int start_table(struct writer *w)
{
	place_flexible(w);
	for (size_t i = 0; i < w->shown_count; i++) {
		struct shown *s = &w->shown[i];
		u32 heading = (u32)text_width(s->column->label, strlen(s->column->label));

		s->left = s->column->left || s->column->kind->left || !is_number(s->column);
		s->width = MAX(heading, (u32)MAX(s->column->width, 0));
	}
	if (w->schema->sort == SCHEMA_EVENTS)
		lay_out(w, 1);
	return 0;
}

/* How many bytes of @text fit into @width columns. */
static size_t fitting(const char *text, size_t len, size_t width)
{
	size_t fit = 0, taken = 0;

	while (fit < len) {
		size_t n = 1;

		while (fit + n < len && ((u8)text[fit + n] & 0xc0) == 0x80)
			n++;
		taken += text_width(text + fit, n);
		if (taken > width)
			break;
		fit += n;
	}
	return fit;
}

/*
 * One cell behind @position, the columns that the line has so far; its @width is known. Returns the
 * new position.
 */
static size_t put(struct writer *w, const struct shown *s, size_t position, const char *text,
		  size_t len, size_t width, bool error)
{
	size_t from = s->start, limit = SIZE_MAX, fit = len;

	if (!s->left && width < s->width)
		from += s->width - width;
	if (position && from <= position)
		from = position + 1;
	if (w->cut_at) {
		if (from >= w->cut_at)
			return position;
		limit = w->cut_at - from;
		if (s->flexible)
			limit = MIN(limit, MAX(s->width, 1));
	}
	if (width > limit) {
		fit = fitting(text, len, limit - 1);
		width = text_width(text, fit) + 1;
	}
	buf_add_fill(&w->out, ' ', from - position);
	if (error && w->options.colour)
		buf_add_str(&w->out, RED);
	buf_add(&w->out, text, fit);
	if (fit < len)
		buf_add_str(&w->out, "…");
	if (error && w->options.colour)
		buf_add_str(&w->out, PLAIN);
	return from + width;
}

static void put_headings(struct writer *w)
{
	size_t position = 0;

	if (!w->options.headings)
		return;
	if (w->options.colour)
		buf_add_str(&w->out, DIM);
	for (size_t i = 0; i < w->shown_count; i++) {
		const char *label = w->shown[i].column->label;

		position = put(w, &w->shown[i], position, label, strlen(label),
			       text_width(label, strlen(label)), false);
	}
	if (w->options.colour)
		buf_add_str(&w->out, PLAIN);
	buf_add_char(&w->out, '\n');
}

static bool is_error(const struct column *c, const struct value *v)
{
	return v->class == VALUE_SIGNED && v->s && !strcmp(c->kind->name, "errno");
}

static void put_event(struct writer *w, const struct record *r)
{
	size_t position = 0;

	for (size_t i = 0; i < w->shown_count; i++) {
		const struct shown *s = &w->shown[i];
		struct value v;
		const struct buf *text = writer_cell(w, s->column, r, &v);

		position = put(w, s, position, buf_str(text), text->len,
			       text_width(buf_str(text), text->len),
			       w->options.colour && is_error(s->column, &v));
	}
	buf_add_char(&w->out, '\n');
}

/* All cells of the reading as text in w->text; the columns grow to what they hold. */
static int measure(struct writer *w)
{
	size_t count = w->rows.count * w->shown_count;
	int err = grow(&w->cells, &w->cell_capacity, count, sizeof(*w->cells));
	struct cell *cell = w->cells;

	if (err)
		return err;
	buf_clear(&w->text);
	for (size_t k = 0; k < w->shown_count; k++) {
		const char *label = w->shown[k].column->label;

		w->shown[k].width = (u32)text_width(label, strlen(label));
	}
	for (size_t i = 0; i < w->rows.count; i++) {
		struct record r;

		rows_record(&w->rows, i, &r);
		for (size_t k = 0; k < w->shown_count; k++, cell++) {
			struct shown *s = &w->shown[k];
			struct value v;

			column_value(s->column, &r, &v, &w->scratch);
			cell->offset = w->text.len;
			value_format(s->column, &v, &w->text);
			cell->len = (u32)(w->text.len - cell->offset);
			cell->width = (u32)text_width(buf_str(&w->text) + cell->offset, cell->len);
			cell->error = is_error(s->column, &v);
			s->width = MAX(s->width, cell->width);
		}
	}
	return w->text.error;
}

static void put_reading(struct writer *w)
{
	const struct cell *cell;
	struct record first;

	rows_record(&w->rows, 0, &first);
	if (w->schema->sort != SCHEMA_EVENTS)
		writer_time_line(w, first.wall_ns);
	w->error = measure(w);
	if (w->error)
		return;
	lay_out(w, 2);
	put_headings(w);
	cell = w->cells;
	for (size_t i = 0; i < w->rows.count; i++) {
		size_t position = 0;

		for (size_t k = 0; k < w->shown_count; k++, cell++)
			position = put(w, &w->shown[k], position, buf_str(&w->text) + cell->offset,
				       cell->len, cell->width, cell->error);
		buf_add_char(&w->out, '\n');
	}
}

const struct format format_table = {
	.start = start_table,
	.heading = put_headings,
	.record = put_event,
	.reading = put_reading,
};
