// SPDX-License-Identifier: Apache-2.0
/*
 * Everything that is said to SQLite about a partition. WAL with synchronous=NORMAL: a commit is a
 * write without an fsync, so a killed process loses nothing that it committed, and a power cut at
 * most what came after the last checkpoint; readers in other processes never stop the writer.
 */
#include "store/partition.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#define APPLICATION_ID 0x53414b52 /* "SAKR" */
#define FORMAT_VERSION 1

static const struct {
	const char *name, *sql;
} objects[] = {
	{ "schema", "CREATE TABLE schema (id INTEGER PRIMARY KEY, name TEXT NOT NULL, "
		    "version INTEGER NOT NULL, "
		    "hash INTEGER NOT NULL, definition TEXT NOT NULL, records INTEGER NOT NULL, "
		    "first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT" },
	{ "batch", "CREATE TABLE batch (id INTEGER PRIMARY KEY, schema INTEGER NOT NULL, "
		   "time_min INTEGER NOT NULL, "
		   "time_max INTEGER NOT NULL, count INTEGER NOT NULL, raw_size INTEGER NOT NULL, "
		   "crc32 INTEGER NOT NULL, data BLOB NOT NULL) STRICT" },
	{ "batch_time", "CREATE INDEX batch_time ON batch (schema, time_max, time_min)" },
};

/* Turns SQLite's result into ours, with the words. */
static int failed(const struct partition *p, int result)
{
	int system = p->db ? sqlite3_system_errno(p->db) : 0;
	const char *text = p->db ? sqlite3_errmsg(p->db) : sqlite3_errstr(result);
	int err = -EIO;

	switch (result & 0xff) {
	case SQLITE_FULL:
		err = -ENOSPC;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	case SQLITE_TOOBIG:
	case SQLITE_ERROR: /* the statements are ours: only the file can be wrong */
		err = -EBADMSG;
		break;
	case SQLITE_NOMEM:
		err = -ENOMEM;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		err = -EBUSY;
		break;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		if (system == ENOSPC || system == EDQUOT)
			err = -ENOSPC;
		else if (access(p->path, F_OK) && errno == ENOENT)
			err = -ENOENT;
		break;
	}
	return fail(err, "'%s': %s", p->path, text);
}

static int run(struct partition *p, const char *sql)
{
	int r = sqlite3_exec(p->db, sql, NULL, NULL, NULL);

	return r == SQLITE_OK ? 0 : failed(p, r);
}

static int prepare(struct partition *p, const char *sql, sqlite3_stmt **ret)
{
	int r;

	if (*ret)
		return 0;
	r = sqlite3_prepare_v3(p->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
	return r == SQLITE_OK ? 0 : failed(p, r);
}

/* Runs a statement that gives no rows. */
static int finish(struct partition *p, sqlite3_stmt *s)
{
	int r = sqlite3_step(s);
	int err = r == SQLITE_DONE ? 0 : failed(p, r);

	sqlite3_reset(s);
	return err;
}

struct partition *partition_close(struct partition *p)
{
	if (!p)
		return NULL;
	sqlite3_finalize(p->insert);
	sqlite3_finalize(p->find);
	sqlite3_finalize(p->add);
	sqlite3_finalize(p->total);
	sqlite3_finalize(p->list);
	sqlite3_finalize(p->get);
	/*
	 * What is done with leaves WAL: else each later reader leaves an index of 32 KiB beside it.
	 * With a reader there now this does not work, and does not matter.
	 */
	if (p->writing) {
		sqlite3_busy_timeout(p->db, 0);
		sqlite3_exec(p->db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
	}
	sqlite3_close(p->db);
	free(p->path);
	free(p);
	return NULL;
}

void partition_closep(struct partition **p)
{
	partition_close(*p);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int pragma_number(struct partition *p, const char *sql, s64 *ret)
{
	sqlite3_stmt *s = NULL;
	int err = prepare(p, sql, &s), r;

	if (err)
		return err;
	r = sqlite3_step(s);
	if (r == SQLITE_ROW)
		*ret = sqlite3_column_int64(s, 0);
	else
		err = failed(p, r);
	sqlite3_finalize(s);
	return err;
}

static int check_objects(struct partition *p)
{
	sqlite3_stmt *s = NULL;
	int err = prepare(p, "SELECT name, sql FROM sqlite_master ORDER BY rowid", &s), r;
	size_t i = 0;

	if (err)
		return err;
	while ((r = sqlite3_step(s)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(s, 0);
		const char *sql = (const char *)sqlite3_column_text(s, 1);

		if (i >= ARRAY_SIZE(objects) || !name || !sql || strcmp(name, objects[i].name) ||
		    strcmp(sql, objects[i].sql))
			break;
		i++;
	}
	if (r != SQLITE_DONE && r != SQLITE_ROW)
		err = failed(p, r);
	else if (r == SQLITE_ROW || i != ARRAY_SIZE(objects))
		err = fail(-EBADMSG, "'%s': is no partition of a store", p->path);
	sqlite3_finalize(s);
	return err;
}

static int check_format_now(struct partition *p)
{
	s64 application = 0, version = 0, tables = 0;
	int err = pragma_number(p, "PRAGMA application_id", &application);

	if (!err)
		err = pragma_number(p, "PRAGMA user_version", &version);
	if (!err)
		err = pragma_number(p, "SELECT count(*) FROM sqlite_master", &tables);
	if (err)
		return err;
	if (!application && !version && !tables)
		return 1;
	if (application != APPLICATION_ID)
		return fail(-EBADMSG, "'%s': is no partition of a store", p->path);
	if (version != FORMAT_VERSION)
		return fail(-EPROTONOSUPPORT, "'%s': has format %lld, this saker knows %d", p->path,
			    (long long)version, FORMAT_VERSION);
	return check_objects(p);
}

/* 0, 1 when the file is empty, or -errno. One look: a writer may be making the tables just now. */
static int check_format(struct partition *p)
{
	int err = run(p, "BEGIN");

	if (!err)
		err = check_format_now(p);
	partition_rollback(p);
	return err;
}

static int create_tables(struct partition *p)
{
	_cleanup_buf_ struct buf sql = { 0 };
	int err;

	buf_add_str(&sql, "BEGIN IMMEDIATE;");
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		buf_printf(&sql, "%s;", objects[i].sql);
	buf_printf(&sql, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT;",
		   APPLICATION_ID, FORMAT_VERSION);
	if (sql.error)
		return fail(-ENOMEM, "store: out of memory");
	err = run(p, buf_str(&sql));
	if (err)
		partition_rollback(p);
	return err;
}

static int open_database(const char *path, int flags, struct partition **ret)
{
	_cleanup_(partition_closep) struct partition *p = calloc(1, sizeof(*p));
	int r;

	if (!p || !(p->path = strdup(path)))
		return fail(-ENOMEM, "store: out of memory");
	r = sqlite3_open_v2(path, &p->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
			    NULL);
	if (r != SQLITE_OK)
		return failed(p, r);
	sqlite3_extended_result_codes(p->db, 1);
	sqlite3_busy_timeout(p->db, 1000);
	sqlite3_db_config(p->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(p->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_limit(p->db, SQLITE_LIMIT_LENGTH, 4 << 20);
	*ret = TAKE_PTR(p);
	return 0;
}

int partition_open(const char *path, struct partition **ret)
{
	_cleanup_(partition_closep) struct partition *p = NULL;
	int fd, err;

	/* SQLite gives its log and index the mode of the file itself. */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno != EEXIST)
		return fail_errno(-errno, "cannot make '%s'", path);
	if (fd >= 0)
		close(fd);
	err = open_database(path, SQLITE_OPEN_READWRITE, &p);
	if (!p)
		return err;
	err = run(p, "PRAGMA cell_size_check=ON; PRAGMA page_size=8192; PRAGMA cache_size=-1024;"
		     "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
		     "PRAGMA wal_autocheckpoint=1024;"
		     "PRAGMA journal_size_limit=16777216; PRAGMA temp_store=MEMORY");
	if (err)
		return err;
	p->writing = true;
	err = check_format(p);
	if (err == 1)
		err = create_tables(p);
	if (err)
		return err;
	*ret = TAKE_PTR(p);
	return 0;
}

/*
 * A file on read-only media has no log beside it that could be read: SQLite must be told that
 * nobody writes.
 */
static int open_immutable(const char *path, struct partition **ret)
{
	_cleanup_buf_ struct buf uri = { 0 };
	_cleanup_(partition_closep) struct partition *p = NULL;
	int err;

	buf_add_str(&uri, "file:");
	for (const char *s = path; *s; s++) {
		if (strchr("%?#", *s))
			buf_printf(&uri, "%%%02x", *s);
		else
			buf_add_char(&uri, *s);
	}
	buf_add_str(&uri, "?immutable=1");
	if (uri.error)
		return fail(-ENOMEM, "store: out of memory");
	err = open_database(buf_str(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &p);
	if (err)
		return err;
	*ret = TAKE_PTR(p);
	return 0;
}

static bool directory_is_read_only(const char *path)
{
	_cleanup_free_ char *directory = strdup(path);
	char *slash = directory ? strrchr(directory, '/') : NULL;

	if (!slash)
		return false;
	*slash = '\0';
	return access(directory, W_OK) && (errno == EROFS || errno == EACCES);
}

int partition_open_read(const char *path, struct partition **ret)
{
	_cleanup_(partition_closep) struct partition *p = NULL;
	int err;

	if (directory_is_read_only(path))
		err = open_immutable(path, &p);
	else
		err = open_database(path, SQLITE_OPEN_READONLY, &p);
	if (!p)
		return err;
	err = run(p, "PRAGMA query_only=ON; PRAGMA cell_size_check=ON; PRAGMA cache_size=-512");
	if (!err)
		err = check_format(p);
	if (err == 1) /* just being made */
		err = fail(-ENOENT, "'%s': is empty", path);
	if (err)
		return err;
	*ret = TAKE_PTR(p);
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

int partition_begin(struct partition *p)
{
	return run(p, "BEGIN IMMEDIATE");
}

int partition_commit(struct partition *p)
{
	return run(p, "COMMIT");
}

void partition_rollback(struct partition *p)
{
	/* SQLite has rolled back already after some errors. */
	if (!sqlite3_get_autocommit(p->db))
		sqlite3_exec(p->db, "ROLLBACK", NULL, NULL, NULL);
}

static void bind_schema(sqlite3_stmt *s, const char *name, u32 version, u64 hash,
			const char *definition)
{
	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, version);
	sqlite3_bind_int64(s, 3, (s64)hash);
	sqlite3_bind_text(s, 4, definition, -1, SQLITE_STATIC);
}

int partition_schema(struct partition *p, const char *name, u32 version, u64 hash,
		     const char *definition, s64 *ret)
{
	int err, r;

	err = prepare(
		p,
		"SELECT id FROM schema WHERE name=?1 AND version=?2 AND hash=?3 AND definition=?4",
		&p->find);
	if (!err)
		err = prepare(p, "INSERT INTO schema VALUES (NULL, ?1, ?2, ?3, ?4, 0, 0, 0)",
			      &p->add);
	if (err)
		return err;
	bind_schema(p->find, name, version, hash, definition);
	r = sqlite3_step(p->find);
	if (r == SQLITE_ROW)
		*ret = sqlite3_column_int64(p->find, 0);
	else if (r != SQLITE_DONE)
		err = failed(p, r);
	sqlite3_reset(p->find);
	sqlite3_clear_bindings(p->find);
	if (err || r == SQLITE_ROW)
		return err;
	bind_schema(p->add, name, version, hash, definition);
	err = finish(p, p->add);
	sqlite3_clear_bindings(p->add);
	if (!err)
		*ret = sqlite3_last_insert_rowid(p->db);
	return err;
}

int partition_add(struct partition *p, s64 schema, const struct sealed_batch *b)
{
	int err = prepare(p, "INSERT INTO batch VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			  &p->insert);

	if (err)
		return err;
	sqlite3_bind_int64(p->insert, 1, schema);
	sqlite3_bind_int64(p->insert, 2, (s64)b->header.time_min);
	sqlite3_bind_int64(p->insert, 3, (s64)b->header.time_max);
	sqlite3_bind_int64(p->insert, 4, b->header.count);
	sqlite3_bind_int64(p->insert, 5, b->header.raw_size);
	sqlite3_bind_int64(p->insert, 6, b->header.crc);
	sqlite3_bind_blob(p->insert, 7, b->data, (int)b->size, SQLITE_STATIC);
	err = finish(p, p->insert);
	sqlite3_clear_bindings(p->insert);
	return err;
}

int partition_add_total(struct partition *p, s64 schema, u64 records, u64 first_ns, u64 last_ns)
{
	int err = prepare(
		p,
		"UPDATE schema SET first=CASE WHEN records=0 THEN ?3 ELSE min(first, ?3) END,"
		" last=max(last, ?4), records=records+?2 WHERE id=?1",
		&p->total);

	if (err)
		return err;
	sqlite3_bind_int64(p->total, 1, schema);
	sqlite3_bind_int64(p->total, 2, (s64)records);
	sqlite3_bind_int64(p->total, 3, (s64)first_ns);
	sqlite3_bind_int64(p->total, 4, (s64)last_ns);
	return finish(p, p->total);
}

/* ---- reading --------------------------------------------------------------------------------- */

int partition_schemas(struct partition *p,
		      int (*fn)(void *context, const struct partition_schema *s), void *context)
{
	sqlite3_stmt *s = NULL;
	int err = prepare(
		p,
		"SELECT id, name, version, hash, definition, records, first, last FROM schema "
		"ORDER BY id",
		&s);
	int r = SQLITE_DONE;

	while (!err && (r = sqlite3_step(s)) == SQLITE_ROW) {
		struct partition_schema schema = {
			.id = sqlite3_column_int64(s, 0),
			.name = (const char *)sqlite3_column_text(s, 1),
			.version = (u32)sqlite3_column_int64(s, 2),
			.hash = (u64)sqlite3_column_int64(s, 3),
			.definition = (const char *)sqlite3_column_text(s, 4),
			.definition_size = (size_t)sqlite3_column_bytes(s, 4),
			.records = (u64)sqlite3_column_int64(s, 5),
			.first_ns = (u64)sqlite3_column_int64(s, 6),
			.last_ns = (u64)sqlite3_column_int64(s, 7),
		};

		if (!schema.name || !schema.definition)
			err = fail(-EBADMSG, "'%s': a schema without a name", p->path);
		else
			err = fn(context, &schema);
	}
	if (!err && r != SQLITE_DONE)
		err = failed(p, r);
	sqlite3_finalize(s);
	return err;
}

static bool key_follows(const struct batch_key *a, const struct batch_key *b)
{
	return b->time_max != a->time_max ? b->time_max > a->time_max : b->id > a->id;
}

int partition_batches(struct partition *p, s64 schema, u64 time_min, u64 time_max,
		      const struct batch_key *after, struct batch_key *keys, size_t max)
{
	int err = prepare(p,
			  "SELECT id, time_max FROM batch WHERE schema=?1 AND time_max>=?2 AND "
			  "time_min<=?3 AND"
			  " (time_max, id)>(?4, ?5) ORDER BY time_max, id LIMIT ?6",
			  &p->list);
	int count = 0, r;

	if (err)
		return err;
	sqlite3_bind_int64(p->list, 1, schema);
	sqlite3_bind_int64(p->list, 2,
			   (s64)MIN(MAX(time_min, after ? after->time_max : 0), (u64)INT64_MAX));
	sqlite3_bind_int64(p->list, 3, (s64)MIN(time_max, (u64)INT64_MAX));
	sqlite3_bind_int64(p->list, 4, after ? (s64)after->time_max : -1);
	sqlite3_bind_int64(p->list, 5, after ? after->id : -1);
	sqlite3_bind_int64(p->list, 6, (s64)max);
	while ((r = sqlite3_step(p->list)) == SQLITE_ROW && (size_t)count < max) {
		struct batch_key key = { sqlite3_column_int64(p->list, 0),
					 (u64)sqlite3_column_int64(p->list, 1) };

		/* A damaged index may lead in circles. */
		if (after && !key_follows(after, &key)) {
			err = fail(-EBADMSG, "'%s': the index is damaged", p->path);
			break;
		}
		keys[count] = key;
		after = &keys[count++];
	}
	if (!err && r != SQLITE_DONE)
		err = failed(p, r);
	sqlite3_reset(p->list);
	return err ? err : count;
}

static int batch_of_row(sqlite3_stmt *s, struct batch_reader *ret)
{
	struct batch_header h = {
		.time_min = (u64)sqlite3_column_int64(s, 0),
		.time_max = (u64)sqlite3_column_int64(s, 1),
		.count = (u32)sqlite3_column_int64(s, 2),
		.raw_size = (u32)sqlite3_column_int64(s, 3),
		.crc = (u32)sqlite3_column_int64(s, 4),
	};
	const void *data = sqlite3_column_blob(s, 5);
	int size = sqlite3_column_bytes(s, 5);

	if (!data)
		return fail(-EBADMSG, "batch without bytes");
	return batch_open(ret, &h, data, (size_t)size);
}

int partition_batch(struct partition *p, s64 id, struct batch_reader *ret)
{
	int err = prepare(
		p, "SELECT time_min, time_max, count, raw_size, crc32, data FROM batch WHERE id=?1",
		&p->get);
	int r;

	if (err)
		return err;
	sqlite3_bind_int64(p->get, 1, id);
	r = sqlite3_step(p->get);
	if (r == SQLITE_ROW)
		err = batch_of_row(p->get, ret);
	else if (r == SQLITE_DONE)
		err = fail(-ENOENT, "'%s': batch %lld is gone", p->path, (long long)id);
	else
		err = failed(p, r);
	sqlite3_reset(p->get);
	return err;
}
