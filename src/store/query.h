/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL over a store: SELECT comm, count(*) FROM opensnoop WHERE time > datetime('now', '-1 hour')
 * GROUP BY 1. One statement, read-only, on a connection of its own that can reach nothing but these
 * tables; with a time limit.
 *
 * Tables: one per schema, with '.' and the like as '_' ("gadget.part" is gadget_part), over all
 * partitions and over all versions of the schema; a column that a version lacks is NULL. Their
 * columns:
 *
 *	time		TEXT, RFC 3339 in UTC with nanoseconds. Compares with any prefix of that and
 *			with what SQLite's datetime() gives ('T' and ' ' are the same, a final Z is
 *			optional)
 *	time_ns		INTEGER, hidden (not in SELECT *): the same as nanoseconds since 1970.
 *			A bound on either reads only the files of that time
 *	numbers		INTEGER: booleans 0 and 1, durations in the unit of the column, times of
 *			day in ns, unsigned values above 2^63 wrap to negative ones; REAL for rates
 *	text		TEXT, the bytes as they came, even where they are not UTF-8; words are
 *			joined by spaces; addresses as 10.0.0.1 and fe80::1; stacks as
 *			outer;...;inner
 *	histograms	TEXT, JSON: [{"min":4,"max":7,"count":2},...], for json_each()
 *	NAME_text	TEXT, hidden: what people read for a number that has words: error_text is
 *			'ENOENT' (NULL when there was none), signal_text 'SIGKILL', and a
 *			duration is '1.2ms'
 *
 * And: schemas(name, schema, version, records, first, last), columns(schema, name, type, kind,
 * unit, help). Functions besides SQLite's: errno_name(n), signal_name(n), syscall_name(n).
 */
#pragma once

#include "store/store.h"

struct query;

struct query_options {
	const char *directory;
	u64 timeout_ns;	     /* 0: 30 s */
	u64 row_limit;	     /* 0: none; see query_truncated() */
	size_t memory_bytes; /* what sorting may take before it uses a temporary file; 0: 64 MiB */
	/* Another thread sets it to end the query (-ECANCELED from query_step()); may be NULL. */
	const bool *cancel;
	struct store_log log;
};

enum query_type { QUERY_NULL, QUERY_INTEGER, QUERY_REAL, QUERY_TEXT, QUERY_BLOB };

struct query_value {
	enum query_type type;
	s64 integer;
	double real;
	const char *bytes; /* of TEXT and BLOB; borrowed until the next step */
	size_t len;
};

/*
 * -ENOENT: no store there, or no such table or column (the text lists or suggests); -EPERM: not a
 * SELECT; -EINVAL: SQL that does not parse, with the place on further lines of the text.
 */
int query_open(const struct query_options *options, const char *sql, struct query **ret);
/*
 * 1: a row is there; 0: no more; -ETIMEDOUT, -ECANCELED, -EINVAL (an SQL error at run time),
 * -ENOMEM.
 */
int query_step(struct query *q);
size_t query_column_count(const struct query *q);
const char *query_column_name(const struct query *q, size_t i);
void query_value(const struct query *q, size_t i, struct query_value *ret);
/* Did the row limit end it? */
bool query_truncated(const struct query *q);
/* Adds the row as a JSON object (no newline). */
void query_row_json(const struct query *q, struct buf *b);
struct query *query_close(struct query *q); /* returns NULL */
void query_closep(struct query **q);
