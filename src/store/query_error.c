// SPDX-License-Identifier: Apache-2.0
/* SQLite's messages made useful: a list of tables, a suggestion, a caret under the place. */
#include "store/query_error.h"

#include <sqlite3.h>

#define CONTEXT 60 /* bytes of SQL shown on either side of the place */

/* Adds two lines: the SQL around @offset, and a caret under it. */
static void add_place(struct buf *b, const char *sql, int offset)
{
	size_t len = strlen(sql), at = (size_t)offset, start = at, end = at;
	_cleanup_buf_ struct buf before = { 0 };

	if (offset < 0 || at > len)
		return;
	while (start > 0 && sql[start - 1] != '\n' && at - start < CONTEXT)
		start--;
	while (end < len && sql[end] != '\n' && end - at < CONTEXT)
		end++;
	/* Not from within a UTF-8 character. */
	while (start < at && ((u8)sql[start] & 0xc0) == 0x80)
		start++;
	while (end > at && end < len && ((u8)sql[end] & 0xc0) == 0x80)
		end--;
	text_add_safe(&before, sql + start, at - start);
	buf_add_str(b, "\n  ");
	buf_add(b, buf_str(&before), before.len);
	text_add_safe(b, sql + at, end - at);
	buf_add_str(b, "\n  ");
	buf_add_fill(b, ' ', text_width(buf_str(&before), before.len));
	buf_add_char(b, '^');
}

static void add_tables(struct buf *b, const struct catalog *catalog, const char *wanted,
		       const char *directory)
{
	const char **names = calloc(catalog->count + 2, sizeof(*names));
	const char *near;
	size_t n = 0;

	if (!catalog->count) {
		buf_printf(b, ": the store '%s' is empty: nothing was recorded yet", directory);
		free(names);
		return;
	}
	for (size_t i = 0; names && i < catalog->count; i++)
		names[n++] = catalog->tables[i].name;
	if (names) {
		names[n++] = "schemas";
		names[n++] = "columns";
	}
	near = names ? suggest(wanted, names, n) : NULL;
	if (near)
		buf_printf(b, " (did you mean '%s'?)", near);
	buf_add_str(b, "; tables:");
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s %s", i ? "," : "", names[i]);
	free(names);
}

static void add_column(struct buf *b, const struct catalog *catalog, const char *wanted)
{
	_cleanup_free_ const char **names = NULL;
	size_t n = 0, capacity = 0;
	const char *near, *dot = strrchr(wanted, '.');

	for (size_t i = 0; i < catalog->count; i++) {
		for (size_t k = 0; k < catalog->tables[i].count; k++) {
			if (grow(&names, &capacity, n + 1, sizeof(*names)))
				return;
			names[n++] = catalog->tables[i].columns[k].name;
		}
	}
	near = n ? suggest(dot ? dot + 1 : wanted, names, n) : NULL;
	if (!near) {
		buf_add_str(b, " (see: SELECT * FROM columns)");
		return;
	}
	buf_add_str(b, " (did you mean '");
	text_add_safe(b, near, strlen(near)); /* it comes from a file */
	buf_add_str(b, "'?)");
}

int query_fail_prepare(sqlite3 *db, int result, const char *sql, const struct catalog *catalog,
		       const char *directory)
{
	_cleanup_buf_ struct buf b = { 0 };
	const char *message = sqlite3_errmsg(db);
	int err = -EINVAL;

	switch (result & 0xff) {
	case SQLITE_NOMEM:
		return fail(-ENOMEM, "query: out of memory");
	case SQLITE_AUTH:
		return fail(-EPERM,
			    "the store is read-only: a query is one SELECT over its tables (%s)",
			    message);
	case SQLITE_INTERRUPT:
		return fail(-ETIMEDOUT, "the query took too long to prepare");
	}
	text_add_safe(&b, message, strlen(message));
	if (str_starts(message, "no such table: ")) {
		err = -ENOENT;
		add_tables(&b, catalog, message + strlen("no such table: "), directory);
	} else if (str_starts(message, "no such column: ")) {
		err = -ENOENT;
		add_column(&b, catalog, message + strlen("no such column: "));
	}
	add_place(&b, sql, sqlite3_error_offset(db));
	return b.error ? fail(-ENOMEM, "query: out of memory") : fail(err, "%s", buf_str(&b));
}
