// SPDX-License-Identifier: Apache-2.0
/*
 * What all writers do alike: choose the format and the columns, keep the rows of a reading until it
 * is complete, gather bytes and send them with as few writes as possible. An output that has failed
 * stays failed, so that a caller may look at writer_flush() alone.
 */
#include "event/writer_internal.h"

#include <poll.h>

#define FLUSH_BYTES (64 << 10)
#define EVENTS_SORTED 10000 /* most events that are kept for --sort without --top */

static const char *const format_names[] = {
	[OUTPUT_TABLE] = "table", [OUTPUT_WIDE] = "wide",	    [OUTPUT_JSON] = "json",
	[OUTPUT_CSV] = "csv",	  [OUTPUT_COLLAPSED] = "collapsed", [OUTPUT_NONE] = "none",
};

int output_format_parse(const char *name, enum output_format *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(format_names); i++) {
		if (!strcmp(name, format_names[i])) {
			*ret = (enum output_format)i;
			return 0;
		}
	}
	return fail(-EINVAL,
		    "the output '%s' is not known: table, wide, json, csv, collapsed, none", name);
}

static int choose_format(const struct schema *s, enum output_format format,
			 const struct format **ret)
{
	bool histogram = s->sort == SCHEMA_HISTOGRAM, stacks = s->sort == SCHEMA_STACKS;

	switch (format) {
	case OUTPUT_TABLE:
	case OUTPUT_WIDE:
		*ret = histogram ? &format_histogram : stacks ? &format_stacks : &format_table;
		return 0;
	case OUTPUT_JSON:
		*ret = histogram ? &format_histogram_json : &format_json;
		return 0;
	case OUTPUT_CSV:
		*ret = histogram ? &format_histogram_csv : &format_csv;
		return 0;
	case OUTPUT_COLLAPSED:
		if (!stacks)
			return fail(-EINVAL,
				    "the output 'collapsed' is for stacks, and %s has none",
				    s->name);
		*ret = &format_collapsed;
		return 0;
	case OUTPUT_NONE:
		*ret = NULL;
		return 0;
	}
	return fail(-EINVAL, "an output that is not known");
}

static void put_heading(struct writer *w)
{
	if (w->format && w->format->heading && w->options.headings && !w->headed)
		w->format->heading(w);
	w->headed = true;
}

static int prepare(struct writer *w)
{
	const struct writer_options *o = &w->options;
	int err = choose_format(w->schema, o->format, &w->format);

	if (!err)
		err = writer_choose_columns(w);
	if (!err)
		err = rows_set_order(&w->rows, w->schema, o->sort);
	if (err)
		return err;
	w->keeps = w->schema->sort != SCHEMA_EVENTS || o->sort;
	if (!o->top)
		w->options.top = w->schema->sort == SCHEMA_EVENTS ? EVENTS_SORTED : w->schema->top;
	if (o->format != OUTPUT_WIDE)
		w->cut_at = o->terminal_width;
	w->fd = o->out ? fileno(o->out) : -1;
	/* The caller's strings need not outlive this call. */
	w->options.columns = w->options.sort = NULL;
	if (w->format && w->format->start)
		err = w->format->start(w);
	/* A stream shows at once that it is listening; a table that stays empty shows nothing. */
	if (!err && !w->keeps)
		put_heading(w);
	return err;
}

int writer_new(const struct schema *schema, const struct writer_options *o, struct writer **ret)
{
	_cleanup_(writer_freep) struct writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return fail(-ENOMEM, "out of memory");
	w->schema = schema;
	w->options = *o;
	err = prepare(w);
	if (err)
		return err;
	*ret = TAKE_PTR(w);
	return 0;
}

struct writer *writer_free(struct writer *w)
{
	if (!w)
		return NULL;
	for (size_t i = 0; i < w->shown_count; i++)
		free(w->shown[i].key);
	free(w->shown);
	free(w->cells);
	rows_free(&w->rows);
	buf_free(&w->out);
	buf_free(&w->scratch);
	buf_free(&w->text);
	free(w);
	return NULL;
}

void writer_freep(struct writer **w)
{
	*w = writer_free(*w);
}

u64 writer_count(const struct writer *w)
{
	return w->records;
}

/*
 * Keeps the row. Events may be many: when twice as many are here as will be shown, the worse half
 * goes.
 */
static void keep(struct writer *w, const struct record *r)
{
	int err = rows_add(&w->rows, r);

	if (!err && w->schema->sort == SCHEMA_EVENTS &&
	    w->rows.count >= 2 * (size_t)w->options.top) {
		err = rows_sort(&w->rows, w->options.top);
		if (!err)
			err = rows_compact(&w->rows);
	}
	if (err && !w->error)
		w->error = err;
}

void writer_record(struct writer *w, const struct record *r)
{
	w->records++;
	if (!w->format || w->error)
		return;
	if (w->keeps) {
		keep(w, r);
		return;
	}
	w->format->record(w, r);
	if (w->out.len >= FLUSH_BYTES)
		writer_flush(w);
}

void writer_batch_end(struct writer *w)
{
	if (!w->format || !w->keeps || w->error)
		return;
	w->error = rows_sort(&w->rows, w->options.top);
	if (w->error) {
		rows_clear(&w->rows);
		return;
	}
	if (w->rows.count && w->format->reading) {
		w->format->reading(w);
	} else if (w->rows.count) {
		put_heading(w);
		for (size_t i = 0; i < w->rows.count && !w->error; i++) {
			struct record r;

			rows_record(&w->rows, i, &r);
			w->format->record(w, &r);
			if (w->out.len >= FLUSH_BYTES)
				writer_flush(w);
		}
	}
	w->readings += w->rows.count > 0;
	rows_clear(&w->rows);
}

const struct buf *writer_cell(struct writer *w, const struct column *c, const struct record *r,
			      struct value *ret)
{
	column_value(c, r, ret, &w->scratch);
	buf_clear(&w->text);
	value_format(c, ret, &w->text);
	return &w->text;
}

void writer_time_line(struct writer *w, u64 wall_ns)
{
	struct buf *out = &w->out;
	size_t start;

	if (w->readings || w->options.apart)
		buf_add_char(out, '\n');
	if (!w->options.times)
		return;
	start = out->len;
	add_wall_time(out, wall_ns ? wall_ns : clock_wall_ns(), 0);
	/* The day is left out: "2026-01-31 12:00:00". */
	if (out->len - start == 19) {
		memmove(out->data + start, out->data + start + 11, 9);
		out->len -= 11;
	}
	buf_add_char(out, '\n');
}

/*
 * Writes all of it. A descriptor that does not block (a terminal shared with such a program) is
 * waited for.
 */
static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n >= 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			if (poll(&p, 1, -1) < 0 && errno != EINTR)
				return fail_errno(-errno, "cannot wait for the output");
		} else if (errno != EINTR) {
			return fail_errno(-errno, "cannot write the output");
		}
	}
	return 0;
}

int writer_flush(struct writer *w)
{
	if (!w->error && w->out.error)
		w->error = fail(w->out.error, "out of memory for the output");
	if (!w->error && w->out.len && w->options.out) {
		/* What was printed by other means comes first. */
		fflush(w->options.out);
		if (w->fd >= 0)
			w->error = write_all(w->fd, w->out.data, w->out.len);
		else if (fwrite(w->out.data, 1, w->out.len, w->options.out) != w->out.len)
			w->error = fail(-EIO, "cannot write the output");
	}
	buf_clear(&w->out);
	return w->error;
}
