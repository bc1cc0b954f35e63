/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading end of a BPF ring buffer, over the two mappings that the kernel gives:
 *
 *	consumer page		producer page		data, mapped twice in a row
 *	consumer position	producer position	[length|busy|discard][pad][record] ...
 *	(ours to write)		(read only)
 *
 * A ring has one reader. Nothing here is a system call once the ring is open, and opening needs the
 * map's descriptor and no privilege. Lengths are checked against the ring: whoever else maps it
 * cannot make us read outside.
 */
#pragma once

#include "base/base.h"

struct ring;

/* @data is the ring's own memory: valid, and 8-byte aligned, until the call returns. */
typedef void (*ring_fn)(void *context, const void *data, size_t size);

/*
 * @map_fd stays the caller's and may be closed afterwards. 0, -EINVAL when it is no ring, -EIO when
 * whoever read it before left it in the middle of a record, or why it cannot be mapped.
 */
int ring_open(int map_fd, struct ring **ret);
struct ring *ring_free(struct ring *r); /* returns NULL */
void ring_freep(struct ring **r);
/*
 * Hands the records that are there to @fn, in order, at most @max (0: until the ring is empty or
 * was emptied once from end to end). Space is given back to the producers every 64 records and at
 * the end. Returns the number of records, or -EIO when what stands in the ring cannot be: it is
 * then of no further use.
 */
ssize_t ring_consume(struct ring *r, ring_fn fn, void *context, size_t max);
/* Bytes between the positions, records still being written included. */
size_t ring_available(const struct ring *r);
size_t ring_size(const struct ring *r);
