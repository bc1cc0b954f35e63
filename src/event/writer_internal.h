/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the writers of one folder share: the columns that are shown, the text gathered so far, and
 * one table of functions per format. writer.c chooses columns and keeps rows; the formats only turn
 * records into bytes.
 */
#pragma once

#include "event/operator.h"
#include "event/writer.h"

/* A column that is shown. */
struct shown {
	const struct column *column;
	char *key; /* JSON: `,"name":` ready to be copied */
	size_t key_len;
	u32 start, width; /* table: where it stands on the line */
	bool left;
	bool flexible; /* table: text that takes what the others leave */
};

/* One cell of a table whose widths come from its content. */
struct cell {
	size_t offset;
	u32 len, width;
	bool error;
};

/* Seconds change rarely: their text is made once. */
struct time_text {
	u64 second;
	size_t len;
	char text[32]; /* 2026-01-31T12:00:00. */
};

struct writer;

struct format {
	/* Headings, keys: what is known before the first record. 0 or -errno. */
	int (*start)(struct writer *w);
	/* Once, before the first record. NULL: none, or one for each reading. */
	void (*heading)(struct writer *w);
	void (*record)(struct writer *w, const struct record *r);
	/* A reading, sorted and cut; NULL: record() for each row. */
	void (*reading)(struct writer *w);
};

struct writer {
	const struct schema *schema;
	const struct format *format; /* NULL: nothing is written */
	struct writer_options options;
	struct shown *shown;
	size_t shown_count, shown_capacity;
	bool chosen; /* the user named the columns one by one: their order stands */
	bool keeps;  /* rows are kept until the reading is complete */
	struct rows rows;
	struct buf out;	    /* what goes out next */
	struct buf scratch; /* for column_value() */
	struct buf text;    /* a cell, or all cells of a reading */
	struct cell *cells;
	size_t cell_capacity;
	struct time_text time;
	u64 records, readings;
	const struct column *kernel_stack, *user_stack, *weight; /* stacks */
	u32 cut_at;						 /* lines end here; 0: nowhere */
	bool headed;
	int fd, error;
};

extern const struct format format_table, format_json, format_csv, format_histogram,
	format_histogram_csv, format_histogram_json, format_stacks, format_collapsed;

/* writer_columns.c: which columns are shown. 0, or -ENOENT with a suggestion. */
int writer_choose_columns(struct writer *w);

/* The value of @c in @r as text for people, in w->text. */
const struct buf *writer_cell(struct writer *w, const struct column *c, const struct record *r,
			      struct value *ret);
/* "HH:MM:SS" of the reading, when it is asked for. */
void writer_time_line(struct writer *w, u64 wall_ns);

/* writer_histogram.c: all that was counted. */
u64 slots_total(const struct column *c, const struct value *v);

#define DIM "\033[2m"
#define RED "\033[31m"
#define PLAIN "\033[0m"
