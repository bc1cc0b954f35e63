/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: records on disk. A store is a table of functions (struct store_backend); the embedded one
 * keeps partitions, each an SQLite file for a span of time, which hold batches of raw records
 * beside the schemas that say what the bytes mean. Nothing here knows any gadget.
 *
 *	append ──► budget ──► batch in memory ──(full, or flush)──► zstd, checksum ──► transaction
 *
 * What was flushed survives kill -9. Whatever is dropped is counted, per source. A disk that is
 * full or a file that is damaged never stops the writer: it says what it did through the log
 * callback and goes on.
 *
 * A store belongs to one thread. store_scan(), store_scan_directory() and queries only read files
 * and may run on any thread or in another process, while the writer writes; they see what was
 * flushed.
 */
#pragma once

#include "event/event.h"

struct store;
struct store_source;

/*
 * Libraries do not print: one line of text for the log. @line may be NULL; a scan calls it on the
 * thread that scans.
 */
struct store_log {
	void (*line)(void *context, enum log_level level, const char *text);
	void *context;
};

/*
 * Per second, 0: no limit. A burst of ten seconds' worth passes. Bytes are those of the records,
 * uncompressed.
 */
struct store_budget {
	u64 records, bytes;
};
struct store_source_budget {
	const char *source; /* a schema's name */
	struct store_budget budget;
};

struct store_options {
	const char *directory;
	const struct store_backend *backend; /* NULL: embedded */
	u64 partition_ns;		     /* span of a partition in whole seconds; 0: one hour */
	u64 max_age_ns;			     /* 0: no limit */
	u64 max_bytes; /* 0: no limit. When set, a full disk too may take the oldest partitions. */
	u32 batch_records;	    /* 0: 4096 */
	size_t memory_bytes;	    /* batches that wait for the disk; 0: 16 MiB */
	struct store_budget budget; /* of every source that is not in budgets[] */
	const struct store_source_budget *budgets;
	size_t budget_count;
	struct store_log log;
};

/*
 * Of one source since the store was opened. appended = stored + dropped_error + what is still in
 * memory.
 */
struct store_statistics {
	const char *name;
	u64 appended;	    /* passed the budget */
	u64 stored;	    /* committed */
	u64 dropped_budget; /* refused by the budget */
	u64 dropped_error;  /* memory full while the disk was, out of memory, a record too large */
	u64 bytes;	    /* of the records appended */
	u64 stored_bytes;   /* what was committed of them, compressed */
};

struct store_health {
	u64 partitions, disk_bytes; /* as of the last expire, flush or open that looked */
	u64 expired, set_aside;	    /* partitions deleted by retention; damaged ones renamed */
	u64 waiting_records;	    /* in memory */
	u64 dropped_unnamed;	    /* records of more sources than the store can name */
	bool disk_full, write_failing;
};

/* Which records: @time_max 0 means no end. Both bounds belong to the range. */
struct store_range {
	const char *schema;
	u64 time_min, time_max;
};

/* What a scan met. Damage is skipped, counted, and named in the log. */
struct store_scan_report {
	u64 records, batches, bad_batches, bad_records, bad_partitions;
};

/* Anything but 0 ends the scan with that result. The record is borrowed for the call. */
typedef int (*store_record_fn)(void *context, const struct record *r);

/* What a backend does. Budgets, names and statistics are kept before it, in store.c. */
struct store_backend {
	const char *name;
	int (*open)(struct store *s);
	/* 0, or -errno when the record was not taken: the caller counts it as dropped. */
	int (*append)(struct store *s, struct store_source *source, const struct record *r);
	int (*flush)(struct store *s);
	int (*expire)(struct store *s, u64 now_ns);
	int (*scan)(struct store *s, const struct store_range *range, store_record_fn fn,
		    void *context, struct store_scan_report *ret);
	void (*close)(struct store *s);
};
extern const struct store_backend store_embedded;

#define STORE_DEFAULT_DIRECTORY "/var/lib/saker"

/*
 * The directory is made with mode 0700 when it is not there, and refused when others may write to
 * it or own it (-EPERM), or when another writer has it (-EBUSY).
 */
int store_open(const struct store_options *options, struct store **ret);
/* Flushes what can be flushed. Returns NULL. */
struct store *store_close(struct store *s);
void store_closep(struct store **s);
/* New limits and budgets (everything but directory and backend), with no record lost. */
int store_configure(struct store *s, const struct store_options *options);

/*
 * Takes a copy of the record, which has only stored columns (the caller has materialised the
 * others). 0 also when the budget or an error made it drop the record: that is counted, not
 * returned, so that no caller stops for it.
 */
int store_append(struct store *s, const struct record *r);
/*
 * Everything appended so far is committed in one transaction per partition; to be called about
 * every second. -ENOSPC, -EIO: kept in memory, tried again by the next flush.
 */
int store_flush(struct store *s);
/*
 * Deletes partitions beyond the age and, oldest first, beyond the size. Returns how many, or
 * -errno.
 */
int store_expire(struct store *s, u64 now_ns);
int store_scan(struct store *s, const struct store_range *range, store_record_fn fn, void *context,
	       struct store_scan_report *ret);
/* The same with no writer: reads the directory of an embedded store. @log and @ret may be NULL. */
int store_scan_directory(const char *directory, const struct store_range *range, store_record_fn fn,
			 void *context, const struct store_log *log, struct store_scan_report *ret);

/* The @index-th source, NULL behind the last. On the writer's thread. */
const struct store_statistics *store_statistics(const struct store *s, size_t index);
void store_health(const struct store *s, struct store_health *ret);

#include "store/query.h"
