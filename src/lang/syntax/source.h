/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a script's text comes from, places in it, and what is wrong with it. Every part of the
 * compiler adds to one list of diagnostics, so that a script's errors come all at once:
 *
 *	stdin:1:9-14: ERROR: unknown function 'prntf'; did you mean 'printf'?
 *	BEGIN { prntf("hi"); }
 *	        ~~~~~
 *
 * Memory of a compilation lies in one arena and goes with it.
 */
#pragma once

#include "base/base.h"

/* ---- arena: memory that is given back all at once ------------------------------------------ */

struct arena;
struct arena *arena_new(size_t limit); /* bytes at most; NULL: no memory */
void arena_free(struct arena *a);
void arena_freep(struct arena **a);
/*
 * Zeroed and 8-byte aligned. Never NULL: when memory or the limit is spent the arena remembers it
 * (arena_error) and hands out one scratch block over and over (sizes above it abort the parse via
 * arena_error, so callers check that once a phase).
 */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
int arena_error(const struct arena *a);
#define arena_new_of(a, type) ((type *)arena_alloc(a, sizeof(type)))

/* ---- sources ------------------------------------------------------------------------------- */

/*
 * Bytes [start, end) of a source. source 0 is no place at all. In what a macro or an import brought
 * in, @expansion is where it was asked for (sources_expand); an error there names that place too.
 */
struct span {
	u32 source, start, end;
	u32 expansion;
};

struct source {
	const char *name; /* "stdin", a file's path, "macro.bt" of an import */
	const char *text; /* NUL behind the end */
	size_t len;
	bool is_header; /* C declarations */
};

struct sources; /* all sources of a compilation, numbered from 1 */
struct sources *sources_new(struct arena *a);
/* Takes a copy of the text. Returns its number, or -EFBIG, -ENOMEM. */
int sources_add(struct sources *s, const char *name, const char *text, size_t len);
/* The same for C declarations: is_header is set. */
int sources_add_header(struct sources *s, const char *name, const char *text, size_t len);
/* For span.expansion of all that comes of the macro call or the import at @at. */
u32 sources_expand(struct sources *s, struct span at);
/* The place that sources_expand() was told; false for 0. */
bool sources_expanded_from(const struct sources *s, u32 expansion, struct span *ret_at);
const struct source *sources_get(const struct sources *s, u32 number);
/* Line and column from 1; in O(log n). */
void sources_place(const struct sources *s, u32 number, u32 offset, u32 *ret_line, u32 *ret_column);

/* ---- diagnostics --------------------------------------------------------------------------- */

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE };

struct diagnostic {
	enum severity severity;
	struct span span;
	const char *text;
	const char *hint; /* NULL: none; printed as "HINT: ..." below, each line so */
	bool more;	  /* about the same error as the one before; stays behind it */
};

struct diagnostics {
	struct arena *arena;
	const struct sources *sources;
	struct diagnostic *items;
	size_t count, capacity, errors;
	bool too_many; /* above 100 the rest is counted only */
	bool dropped;  /* the last one was there already, so what belongs to it goes too */
};

/* Adds one; the same text at the same place is added once. Returns -EINVAL, for `return`. */
int diagnose(struct diagnostics *d, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);
int diagnose_warning(struct diagnostics *d, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/*
 * Another place that the last one is about, printed right behind it with the same word (ERROR,
 * WARNING) in front. Not counted as an error of its own.
 */
void diagnose_more(struct diagnostics *d, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Adds a hint to the last diagnostic; each call adds one line. */
void diagnose_hint(struct diagnostics *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
/*
 * All of them as text in the format above, which is bpftrace's, ordered by where their places end:
 * so the cause inside of an expression comes before what follows from it. @color: ANSI. Bytes of a
 * source are made safe for a terminal.
 */
void diagnostics_print(const struct diagnostics *d, bool warnings, bool color, struct buf *b);
/* "NAME:LINE:COL-COL" of a span, as run-time warnings show it, and the line with a marker below. */
void span_print(const struct sources *s, struct span at, struct buf *b);
void span_excerpt(const struct sources *s, struct span at, struct buf *b);
