/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers turn records into text: a table for people, one JSON object a line, CSV, or collapsed
 * stacks. Operators (sort, top, count) stand before them and work on the rows of one reading.
 */
#pragma once

#include "event/schema.h"

enum output_format {
	OUTPUT_TABLE,
	OUTPUT_WIDE,
	OUTPUT_JSON,
	OUTPUT_CSV,
	OUTPUT_COLLAPSED,
	OUTPUT_NONE
};

/* "table", "wide", "json", "csv", "collapsed", "none"; -EINVAL with the list. */
int output_format_parse(const char *name, enum output_format *ret);

struct writer_options {
	enum output_format format;
	const char *columns; /* "a,b,c" only these; "+a,-b" change the default set; NULL: default */
	const char *sort; /* column, "-column" or "column:desc"/"column:asc"; NULL: the schema's */
	u32 top;	  /* rows of a reading, 0: the schema's; no meaning for a stream */
	u32 terminal_width; /* 0: not a terminal: no cut, no colour */
	bool colour;
	bool headings;
	bool times; /* the time: a column of events, a line before each reading of a table */
	/* an empty line before the first reading too: something else was shown before */
	bool apart;
	/* Is this parameter of the gadget set? For columns with `when`. NULL: none is. */
	bool (*parameter_set)(void *context, const char *name);
	void *context;
	FILE *out;
};

struct writer;
/*
 * All virtual columns must have been added to @schema by now. -ENOENT when `columns` or `sort`
 * names none of the schema's, -EINVAL when the format cannot show this sort of schema.
 */
int writer_new(const struct schema *schema, const struct writer_options *o, struct writer **ret);
struct writer *writer_free(struct writer *w);
void writer_freep(struct writer **w);
/*
 * Events are written at once; rows of tables are kept until writer_batch_end(). So are events when
 * `sort` is given: the first `top` of them (10000 when it is 0) are written at writer_batch_end().
 */
void writer_record(struct writer *w, const struct record *r);
void writer_batch_end(struct writer *w);
/*
 * Bytes gathered so far go out (one write). -EPIPE when the reader has gone; once it failed it
 * fails for good.
 */
int writer_flush(struct writer *w);
/* Records that were given to it so far. */
u64 writer_count(const struct writer *w);
/* Adds one record as a JSON object (no newline) of every stored column. */
void record_to_json(const struct record *r, struct buf *b);
