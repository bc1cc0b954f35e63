// SPDX-License-Identifier: Apache-2.0
/*
 * A query's connection: an empty database in memory with the virtual tables and two plain ones in
 * it, then closed to everything but reading: an authorizer, limits on what an expression may cost,
 * and a progress handler with a deadline.
 */
#include "store/query.h"

#include "store/query_error.h"
#include "store/vtable.h"

#include <sqlite3.h>

#define SQL_MAX (64 << 10)
#define TEXT_MAX (8 << 20)  /* of one value */
#define STEPS_PER_LOOK 2000 /* of SQLite's machine between two looks at the clock */

struct query {
	sqlite3 *db;
	sqlite3_stmt *statement;
	struct query_options options;
	char *directory;
	struct catalog catalog;
	struct vtable_context vtable;
	u64 deadline_ns, rows;
	bool truncated;
};

/* ---- functions of Saker's own ---------------------------------------------------------------- */

static void kind_name(sqlite3_context *x, int argc UNUSED, sqlite3_value **argv)
{
	const struct kind *kind = sqlite3_user_data(x);
	struct column column = { .kind = kind, .name = "", .size = 8 };
	struct value v = { .class = kind->class };
	_cleanup_buf_ struct buf text = { 0 };

	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	v.s = sqlite3_value_int64(argv[0]);
	if (kind->class == VALUE_SIGNED && !v.s)
		return; /* no error: NULL, as in NAME_text */
	value_format(&column, &v, &text);
	if (text.error)
		sqlite3_result_error_nomem(x);
	else
		sqlite3_result_text(x, buf_str(&text), (int)text.len, SQLITE_TRANSIENT);
}

static int add_functions(sqlite3 *db)
{
	static const char *const kinds_with_names[] = { "errno", "signal", "syscall" };
	char name[32];

	for (size_t i = 0; i < ARRAY_SIZE(kinds_with_names); i++) {
		const struct kind *kind = kind_find(kinds_with_names[i]);
		int r;

		snprintf(name, sizeof(name), "%s_name", kinds_with_names[i]);
		r = !kind ? SQLITE_OK
			  : sqlite3_create_function_v2(db, name, 1,
						       SQLITE_UTF8 | SQLITE_DETERMINISTIC |
							       SQLITE_INNOCUOUS,
						       (void *)kind, kind_name, NULL, NULL, NULL);
		if (r != SQLITE_OK)
			return r;
	}
	return SQLITE_OK;
}

/* ---- the tables about tables ----------------------------------------------------------------- */

static int insert_schema(sqlite3_stmt *s, const struct catalog_table *t)
{
	struct {
		struct buf first, last;
	} when = { 0 };
	int r;

	if (t->records) {
		add_rfc3339(&when.first, t->first_ns);
		add_rfc3339(&when.last, t->last_ns);
	}
	sqlite3_bind_text(s, 1, t->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, t->schema, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, t->version);
	sqlite3_bind_int64(s, 4, (s64)t->records);
	sqlite3_bind_text(s, 5, when.first.data, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, 6, when.last.data, -1, SQLITE_TRANSIENT);
	r = sqlite3_step(s);
	sqlite3_reset(s);
	buf_free(&when.first);
	buf_free(&when.last);
	return r == SQLITE_DONE ? SQLITE_OK : r;
}

static int insert_column(sqlite3_stmt *s, const char *table, const struct catalog_column *c)
{
	const char *const fields[] = { table, c->name, c->type, c->kind, c->unit, c->help };
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		sqlite3_bind_text(s, (int)i + 1, fields[i], -1, SQLITE_STATIC);
	r = sqlite3_step(s);
	sqlite3_reset(s);
	return r == SQLITE_DONE ? SQLITE_OK : r;
}

static int insert_columns(sqlite3_stmt *s, const struct catalog_table *t)
{
	static const struct catalog_column common[] = {
		{ .name = "time",
		  .type = "TEXT",
		  .kind = "time_ns",
		  .unit = "",
		  .help = "when it happened (UTC)" },
		{ .name = "time_ns",
		  .type = "INTEGER",
		  .kind = "time_ns",
		  .unit = "ns",
		  .help = "the same since 1970" },
	};
	int r = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(common) && r == SQLITE_OK; i++)
		r = insert_column(s, t->name, &common[i]);
	for (size_t i = 0; i < t->count && r == SQLITE_OK; i++)
		r = insert_column(s, t->name, &t->columns[i]);
	return r;
}

static int make_tables(sqlite3 *db, const struct catalog *catalog)
{
	sqlite3_stmt *schema = NULL, *column = NULL;
	int r = sqlite3_exec(
		db,
		"BEGIN;"
		"CREATE TABLE schemas(name TEXT, schema TEXT, version INTEGER, records INTEGER,"
		" first TEXT COLLATE time, last TEXT COLLATE time);"
		"CREATE TABLE columns(schema TEXT, name TEXT, type TEXT, kind TEXT, unit TEXT, "
		"help TEXT)",
		NULL, NULL, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_prepare_v2(db, "INSERT INTO schemas VALUES (?1,?2,?3,?4,?5,?6)", -1,
				       &schema, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_prepare_v2(db, "INSERT INTO columns VALUES (?1,?2,?3,?4,?5,?6)", -1,
				       &column, NULL);
	for (size_t i = 0; i < catalog->count && r == SQLITE_OK; i++) {
		r = insert_schema(schema, &catalog->tables[i]);
		if (r == SQLITE_OK)
			r = insert_columns(column, &catalog->tables[i]);
	}
	sqlite3_finalize(schema);
	sqlite3_finalize(column);
	return r == SQLITE_OK ? sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) : r;
}

/* ---- the fence ------------------------------------------------------------------------------- */

static int authorize(void *context UNUSED, int action, const char *a UNUSED, const char *b,
		     const char *c UNUSED, const char *d UNUSED)
{
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION: /* the second text is the function's name */
		return b && !sqlite3_stricmp(b, "load_extension") ? SQLITE_DENY : SQLITE_OK;
	}
	return SQLITE_DENY;
}

static bool is_cancelled(const struct query *q)
{
	return q->options.cancel && __atomic_load_n(q->options.cancel, __ATOMIC_RELAXED);
}

static int progress(void *context)
{
	const struct query *q = context;

	return is_cancelled(q) || clock_monotonic_ns() > q->deadline_ns;
}

static void fence(struct query *q)
{
	static const struct {
		int what, limit;
	} limits[] = {
		{ SQLITE_LIMIT_LENGTH, TEXT_MAX },   { SQLITE_LIMIT_SQL_LENGTH, SQL_MAX },
		{ SQLITE_LIMIT_EXPR_DEPTH, 200 },    { SQLITE_LIMIT_COMPOUND_SELECT, 50 },
		{ SQLITE_LIMIT_VDBE_OP, 100000 },    { SQLITE_LIMIT_FUNCTION_ARG, 32 },
		{ SQLITE_LIMIT_ATTACHED, 0 },	     { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256 },
		{ SQLITE_LIMIT_VARIABLE_NUMBER, 0 }, { SQLITE_LIMIT_TRIGGER_DEPTH, 0 },
		{ SQLITE_LIMIT_WORKER_THREADS, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		sqlite3_limit(q->db, limits[i].what, limits[i].limit);
	sqlite3_db_config(q->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(q->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(q->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_set_authorizer(q->db, authorize, NULL);
	sqlite3_progress_handler(q->db, STEPS_PER_LOOK, progress, q);
}

static int prepare_database(struct query *q)
{
	char *cache;
	int r, err;

	r = sqlite3_open_v2(":memory:", &q->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (r == SQLITE_OK)
		r = add_functions(q->db);
	if (r != SQLITE_OK)
		return fail(-ENOMEM, "query: %s",
			    q->db ? sqlite3_errmsg(q->db) : sqlite3_errstr(r));
	err = vtable_create_all(q->db, &q->vtable);
	if (err)
		return err;
	r = make_tables(q->db, &q->catalog);
	/* SQLite makes these tables when they are first named, which the fence would refuse. */
	if (r == SQLITE_OK)
		sqlite3_exec(q->db, "SELECT 1 FROM json_each('[]'), json_tree('[]')", NULL, NULL,
			     NULL);
	/* What sorting may hold before it goes to a file is the size of the page cache. */
	cache = sqlite3_mprintf("PRAGMA cache_size=-%llu; PRAGMA query_only=ON",
				(unsigned long long)MIN(q->options.memory_bytes >> 10, 1 << 20));
	if (r == SQLITE_OK)
		r = cache ? sqlite3_exec(q->db, cache, NULL, NULL, NULL) : SQLITE_NOMEM;
	sqlite3_free(cache);
	if (r != SQLITE_OK)
		return fail(r == SQLITE_NOMEM ? -ENOMEM : -EINVAL, "query: %s",
			    sqlite3_errmsg(q->db));
	fence(q);
	return 0;
}

/* Exactly one statement, and one that reads. */
static int prepare_statement(struct query *q, const char *sql)
{
	const char *rest = sql;
	sqlite3_stmt *second = NULL;
	int r;

	if (strlen(sql) > SQL_MAX)
		return fail(-E2BIG, "a query has at most %d bytes", SQL_MAX);
	r = sqlite3_prepare_v2(q->db, sql, -1, &q->statement, &rest);
	if (r != SQLITE_OK)
		return query_fail_prepare(q->db, r, sql, &q->catalog, q->directory);
	if (!q->statement)
		return fail(-EINVAL, "there is no SQL in the query");
	r = sqlite3_prepare_v2(q->db, rest, -1, &second, NULL);
	sqlite3_finalize(second);
	if (r != SQLITE_OK || second)
		return fail(-EINVAL, "a query is one statement; there is more behind it: %.60s",
			    rest);
	if (!sqlite3_stmt_readonly(q->statement) || !sqlite3_column_count(q->statement))
		return fail(-EPERM,
			    "the store is read-only: a query is one SELECT over its tables");
	return 0;
}

/* ---- the interface --------------------------------------------------------------------------- */

int query_open(const struct query_options *options, const char *sql, struct query **ret)
{
	_cleanup_(query_closep) struct query *q = calloc(1, sizeof(*q));
	u64 start = clock_monotonic_ns();
	int err;

	if (!q || !(q->directory = strdup(options->directory)))
		return fail(-ENOMEM, "query: out of memory");
	q->options = *options;
	q->options.directory = q->directory;
	if (!q->options.timeout_ns)
		q->options.timeout_ns = 30 * NSEC_PER_SEC;
	if (!q->options.memory_bytes)
		q->options.memory_bytes = 64 << 20;
	q->deadline_ns = q->options.timeout_ns > UINT64_MAX - start ? UINT64_MAX
								    : start + q->options.timeout_ns;
	q->vtable = (struct vtable_context){ .directory = q->directory,
					     .catalog = &q->catalog,
					     .log = q->options.log };
	err = catalog_load(q->directory, &q->options.log, &q->catalog);
	if (err == -ENOENT)
		return fail(
			err,
			"there is no store at '%s': has the agent run? Is it another directory?",
			q->directory);
	if (!err)
		err = prepare_database(q);
	if (!err)
		err = prepare_statement(q, sql);
	if (err)
		return err;
	*ret = TAKE_PTR(q);
	return 0;
}

int query_step(struct query *q)
{
	_cleanup_buf_ struct buf text = { 0 };
	int r;

	if (q->options.row_limit && q->rows >= q->options.row_limit) {
		q->truncated = q->truncated || sqlite3_step(q->statement) == SQLITE_ROW;
		return 0;
	}
	r = sqlite3_step(q->statement);
	switch (r & 0xff) {
	case SQLITE_ROW:
		q->rows++;
		return 1;
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return fail(-ENOMEM, "query: out of memory");
	case SQLITE_INTERRUPT:
		if (is_cancelled(q))
			return fail(-ECANCELED, "the query was stopped");
		add_duration(&text, q->options.timeout_ns);
		return fail(-ETIMEDOUT,
			    "the query was stopped after its time limit of %s: narrow it with a "
			    "condition on time",
			    buf_str(&text));
	}
	text_add_safe(&text, sqlite3_errmsg(q->db), strlen(sqlite3_errmsg(q->db)));
	if ((r & 0xff) == SQLITE_AUTH)
		return fail(-EPERM,
			    "the store is read-only: a query is one SELECT over its tables (%s)",
			    buf_str(&text));
	return fail(-EINVAL, "%s", buf_str(&text));
}

size_t query_column_count(const struct query *q)
{
	return (size_t)sqlite3_column_count(q->statement);
}

const char *query_column_name(const struct query *q, size_t i)
{
	const char *name = sqlite3_column_name(q->statement, (int)i);

	return name ? name : "";
}

void query_value(const struct query *q, size_t i, struct query_value *ret)
{
	struct query_value v = { .type = QUERY_NULL, .bytes = "" };
	sqlite3_stmt *s = q->statement;
	int column = (int)i;

	switch (sqlite3_column_type(s, column)) {
	case SQLITE_INTEGER:
		v.type = QUERY_INTEGER;
		v.integer = sqlite3_column_int64(s, column);
		break;
	case SQLITE_FLOAT:
		v.type = QUERY_REAL;
		v.real = sqlite3_column_double(s, column);
		break;
	case SQLITE_TEXT:
		v.type = QUERY_TEXT;
		v.bytes = (const char *)sqlite3_column_text(s, column);
		v.len = (size_t)sqlite3_column_bytes(s, column);
		break;
	case SQLITE_BLOB:
		v.type = QUERY_BLOB;
		v.bytes = sqlite3_column_blob(s, column);
		v.len = (size_t)sqlite3_column_bytes(s, column);
		break;
	}
	if (!v.bytes) {
		v.bytes = "";
		v.len = 0;
	}
	*ret = v;
}

bool query_truncated(const struct query *q)
{
	return q->truncated;
}

static void add_json_value(const struct query_value *v, struct buf *b)
{
	switch (v->type) {
	case QUERY_NULL:
		buf_add_str(b, "null");
		break;
	case QUERY_INTEGER:
		buf_add_s64(b, v->integer);
		break;
	case QUERY_REAL:
		if (v->real - v->real == 0)
			buf_printf(b, "%.15g", v->real);
		else
			buf_add_str(b, "null"); /* JSON has no infinity */
		break;
	case QUERY_TEXT:
		text_add_json(b, v->bytes, v->len);
		break;
	case QUERY_BLOB:
		buf_add_char(b, '"');
		for (size_t i = 0; i < v->len; i++)
			buf_printf(b, "%02x", (u8)v->bytes[i]);
		buf_add_char(b, '"');
		break;
	}
}

void query_row_json(const struct query *q, struct buf *b)
{
	size_t count = query_column_count(q);

	buf_add_char(b, '{');
	for (size_t i = 0; i < count; i++) {
		const char *name = query_column_name(q, i);
		struct query_value v;

		if (i)
			buf_add_char(b, ',');
		text_add_json(b, name, strlen(name));
		buf_add_char(b, ':');
		query_value(q, i, &v);
		add_json_value(&v, b);
	}
	buf_add_char(b, '}');
}

struct query *query_close(struct query *q)
{
	if (!q)
		return NULL;
	sqlite3_finalize(q->statement);
	sqlite3_close(q->db);
	catalog_free(&q->catalog);
	free(q->directory);
	free(q);
	return NULL;
}

void query_closep(struct query **q)
{
	query_close(*q);
}
