/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch: records of one schema, one behind the other, compressed together when that makes them
 * smaller.
 *
 *	| u64 wall_ns | u32 size | u32 0 | record's bytes, zeros to a multiple of 8 | u64 ...
 *
 * Every record begins at a multiple of 8, so that it can be read where it lies. The header is kept
 * beside the bytes (columns of the partition's table `batch`), and the checksum covers both.
 */
#pragma once

#include "event/event.h"

#define BATCH_TARGET (256u << 10) /* a batch is full from here on */
#define BATCH_MAX (1u << 20) /* no batch is larger uncompressed: what a reader refuses to unpack */
#define BATCH_RECORD_MAX (BATCH_MAX - BATCH_TARGET - 64)

struct batch_header {
	u64 time_min, time_max;
	u32 count, raw_size, crc;
};

/* Being filled. Zero-initialise. */
struct batch {
	struct batch_header header;
	u8 *raw;
	size_t capacity;
};

/* Closed: what is written to disk. */
struct sealed_batch {
	struct batch_header header;
	u32 size;
	u8 data[];
};

struct batch_packer; /* the compressor's state, reused */
struct batch_packer *batch_packer_new(void);
struct batch_packer *batch_packer_free(struct batch_packer *p);

/* 0; -EMSGSIZE: no batch can hold it; -EAGAIN: this batch is too full for it; -ENOMEM. */
int batch_add(struct batch *b, const struct record *r);
bool batch_full(const struct batch *b, u32 max_records);
/* The batch is empty afterwards and keeps its memory, unless it needed much less than it has. */
int batch_seal(struct batch *b, struct batch_packer *p, struct sealed_batch **ret);
void batch_free(struct batch *b);
/* Over the header (but for its crc) and the bytes as they are stored. */
u32 batch_checksum(const struct batch_header *h, const void *data, size_t size);

/* Reading. Nothing in the bytes is trusted. Zero-initialise. */
struct batch_reader {
	u8 *raw;
	size_t capacity, size, at;
	u32 left;
	u64 bad_records; /* that did not fit their schema, over the reader's life */
	void *unpacker;
};

/* 0, -EBADMSG with the text, -ENOMEM. */
int batch_open(struct batch_reader *b, const struct batch_header *header, const void *data,
	       size_t size);
/* 1 with the next record that fits @schema, borrowed until the next batch_open(); 0 at the end. */
int batch_next(struct batch_reader *b, const struct schema *schema, struct record *ret);
void batch_reader_free(struct batch_reader *b);
