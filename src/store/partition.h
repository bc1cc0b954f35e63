/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition: one SQLite file, with two tables.
 *
 *	schema(id, name, version, hash, definition, records, first, last)	what bytes mean
 *	batch(id, schema, time_min, time_max, count, raw_size, crc32, data)	the bytes
 *
 * A file is taken for a partition only when its tables are exactly these: no view or trigger of a
 * forged file runs. Errors: -ENOSPC the disk is full, -EBADMSG it is damaged or no partition,
 * -EPROTONOSUPPORT of a newer version, -ENOENT gone, -EBUSY, -ENOMEM, -EIO.
 */
#pragma once

#include "store/batch.h"

struct sqlite3;
struct sqlite3_stmt;

struct partition {
	struct sqlite3 *db;
	char *path;
	bool writing;
	struct sqlite3_stmt *insert, *find, *add, *total; /* writing */
	struct sqlite3_stmt *list, *get;		  /* reading */
};

/* ---- writing: one transaction at a time ---- */

/* Opens the file or makes it (mode 0600). */
int partition_open(const char *path, struct partition **ret);
int partition_begin(struct partition *p);
/* The id of the schema in this partition, added when it is not there. Valid until a rollback. */
int partition_schema(struct partition *p, const char *name, u32 version, u64 hash,
		     const char *definition, s64 *ret);
int partition_add(struct partition *p, s64 schema, const struct sealed_batch *b);
int partition_add_total(struct partition *p, s64 schema, u64 records, u64 first_ns, u64 last_ns);
int partition_commit(struct partition *p);
void partition_rollback(struct partition *p);

/* ---- reading ---- */

int partition_open_read(const char *path, struct partition **ret);

struct partition_schema {
	s64 id;
	const char *name, *definition; /* borrowed */
	size_t definition_size;
	u32 version;
	u64 hash;
	u64 records, first_ns, last_ns;
};
/* Calls @fn for each schema; its result other than 0 ends the walk and is returned. */
int partition_schemas(struct partition *p,
		      int (*fn)(void *context, const struct partition_schema *s), void *context);

struct batch_key {
	s64 id;
	u64 time_max;
};
/*
 * The next at most @max batches of a schema behind @after (NULL: from the first), in order of time,
 * that have records in the range. Returns how many. No lock is held between calls, so a slow reader
 * never keeps the log from shrinking.
 */
int partition_batches(struct partition *p, s64 schema, u64 time_min, u64 time_max,
		      const struct batch_key *after, struct batch_key *keys, size_t max);
/* Opens the batch for reading. -EBADMSG when it is damaged, -ENOENT when it is not there. */
int partition_batch(struct partition *p, s64 id, struct batch_reader *ret);

struct partition *partition_close(struct partition *p); /* returns NULL */
void partition_closep(struct partition **p);
