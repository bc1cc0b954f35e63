/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of an embedded store: which partitions there are, how large, and whose it is.
 *
 *	20261120T100000Z-3600-0.db	begins then (UTC), spans 3600 s, part 0 of it
 *	20261120T100000Z-3600-0.db-wal	what SQLite keeps beside it
 *	20261120T100000Z-3600-0.db.corrupt	set aside; .corrupt.2 ... when there is one already
 *	lock				held by the one writer
 *
 * A record's time lies within the span of its partition, so a reader opens only the files that a
 * query needs.
 */
#pragma once

#include "store/backend.h"

#define PARTITION_NAME_MAX 64

struct partition_id {
	u64 start;	/* seconds since 1970 */
	u32 span, part; /* span in seconds */
};

struct partition_file {
	struct partition_id id;
	char name[PARTITION_NAME_MAX];
	u64 bytes;  /* with what SQLite keeps beside it */
	bool aside; /* set aside: takes room, is never read */
};

struct partition_list {
	struct partition_file *files; /* oldest first; sorted by start, span, part */
	size_t count, capacity;
};

void partition_list_free(struct partition_list *l);
/* Replaces the list. -ENOENT when there is no such directory. */
int directory_list(const char *directory, struct partition_list *ret);
/* The id of the first part of the partition that @wall_ns belongs to. */
struct partition_id partition_id_of(u64 wall_ns, u64 span_ns);
/* Writes the name, PARTITION_NAME_MAX bytes. */
void partition_name(const struct partition_id *id, char *ret);
bool partition_same_span(const struct partition_id *a, const struct partition_id *b);
/* Last nanosecond that may be in it. */
u64 partition_end_ns(const struct partition_id *id);

/*
 * Makes or checks the directory, takes the lock, removes what a crash left. Returns the lock's
 * descriptor.
 */
int directory_claim(const char *directory);
u64 directory_partition_bytes(const char *directory, const char *name);
/*
 * What a crash between two steps of a deletion, or a reader just then, leaves: logs without their
 * partition.
 */
void directory_remove_orphans(const char *directory);
/* Is there a log that was not written back? */
bool directory_has_log(const char *directory, const char *name);
int directory_delete(const char *directory, const char *name);
/* Renames a damaged partition and what is beside it; @ret has PARTITION_NAME_MAX bytes. */
int directory_set_aside(const char *directory, const char *name, char *ret);
