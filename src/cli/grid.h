/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For commands that print a few rows of their own: a table with aligned columns, an object in
 * JSON, and what the terminal can show. Records of gadgets go through event/writer.h instead.
 */
#pragma once

#include "base/base.h"

/* Columns of the terminal on standard output; 0: it is none. */
unsigned terminal_columns(void);
/* On a terminal, and NO_COLOR is not set. */
bool terminal_colour(void);

struct grid_column {
	const char *title;
	bool right;
};

/*
 * What getopt_long() did not like, in words: @c is ':' for a missing value, '?' for an unknown
 * option. @command is for the hint. Returns -EINVAL.
 */
int cli_option_error(int c, char **argv, const char *command);

#define GRID_COLUMNS 16

/* Cells are added from left to right, row by row. The last column is cut to the terminal. */
struct grid {
	const struct grid_column *columns;
	size_t column_count;
	struct buf text; /* all cells, NUL after each */
	size_t *cells;	 /* where each starts */
	size_t cell_count, cell_capacity;
	int error;
};

void grid_free(struct grid *g);
#define _cleanup_grid_ _cleanup_(grid_free)
/* A cell that may hold what it likes: it is made safe. */
void grid_cell_safe(struct grid *g, const char *text);
void grid_cell(struct grid *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* @width 0: nothing is cut. */
int grid_print(struct grid *g, unsigned width, FILE *out);

/*
 * Members of JSON objects; the commas put themselves: an object that was just opened ends in a
 * bracket.
 */
void json_open(struct buf *b, const char *key,
	       char bracket); /* key NULL: an element or the outermost */
void json_close(struct buf *b, char bracket);
void json_text(struct buf *b, const char *key, const char *text); /* NULL: null */
void json_number(struct buf *b, const char *key, u64 n);
void json_bool(struct buf *b, const char *key, bool v);
