/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of the embedded store's writer. embedded.c has the way of a record into a transaction;
 * retention.c has which files there are: the current partition, what is too old or too large, what
 * is damaged.
 */
#pragma once

#include "store/backend.h"
#include "store/directory.h"
#include "store/partition.h"
#include "store/reader.h"

/* Records of one schema on their way. */
struct stream {
	struct store_source *source;
	char *name, *definition;
	u64 hash;
	u32 version;
	struct batch batch;
	struct partition_id id; /* of the open batch */
	u64 from_ns, to_ns;	/* times that belong there; 0, 0: none yet */
	s64 schema_id;		/* in the open partition, when the generation is the current one */
	u64 schema_generation;
	struct {
		u64 records, first_ns, last_ns;
	} total; /* in the open transaction */
};

struct waiting {
	struct waiting *next;
	struct stream *stream;
	struct partition_id id;
	struct sealed_batch *sealed;
};

struct embedded {
	struct store *store;
	int lock;
	struct batch_packer *packer;
	struct stream **streams;
	size_t stream_count, stream_capacity;
	struct stream *last;
	size_t open_bytes;
	struct waiting *waiting, **waiting_end;
	size_t waiting_bytes;
	/* the partition that is written to */
	struct partition *partition;
	struct partition_id id;
	char name[PARTITION_NAME_MAX];
	u64 generation; /* a new one for every opening and rollback */
	/* trouble */
	bool refused; /* the last attempt failed: only a flush tries again */
	u64 dropped;  /* records, since then */
};

/* Opens the partition for writing, unless it is open. Errors as in partition.h. */
int embedded_enter(struct embedded *e, const struct partition_id *span);
void embedded_leave(struct embedded *e);
/* After a commit: has the partition grown enough for a new part? */
void embedded_roll(struct embedded *e);
/* After a failed write: true when it was mended so that another attempt makes sense. */
bool embedded_recover(struct embedded *e, int err);
/* Says in the log when writing begins to fail, and when it works again. */
void embedded_say_state(struct embedded *e, int err);
int embedded_expire(struct store *s, u64 now_ns);
/* Opens every partition once and sets aside what is none. */
int embedded_check_all(struct embedded *e);
