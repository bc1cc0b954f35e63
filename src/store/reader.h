/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the records of one schema out of a directory, partition by partition, oldest first. Opens
 * nothing that lies outside the range, holds one batch in memory, and steps over damage.
 */
#pragma once

#include "store/batch.h"
#include "store/directory.h"

struct reader;

/* @log may be NULL. The reader sees the partitions that are there now. */
int reader_open(const char *directory, const struct store_range *range, const struct store_log *log,
		struct reader **ret);
/*
 * 1 with the next record, borrowed until the next call; its schema lives as long as the reader, and
 * is the same pointer for the same definition. 0 at the end, -ENOMEM.
 */
int reader_next(struct reader *r, struct record *ret);
struct reader *reader_close(struct reader *r); /* returns NULL */
void reader_closep(struct reader **r);

/* "DIRECTORY/NAME"; NULL: out of memory. */
char *store_path(const char *directory, const char *name);
