// SPDX-License-Identifier: Apache-2.0
/*
 * The reading end of a BPF ring buffer (Documentation/bpf/ringbuf.rst). Both positions only grow; a
 * record's place is its position modulo the size, and since the data is mapped twice in a row no
 * record is torn.
 *
 * The producer wakes us only when its record stands at our published position, so whoever stops
 * reading must publish, and then look once more: the fence between the two pairs with the
 * producer's exchange of the record's length. Without it both sides could miss each other.
 */
#include <bpf/bpf.h>
#include <sys/mman.h>

#include "kernel/ring.h"

#define PUBLISH_EVERY 64 /* a store that the producers' CPUs must fetch: not for every record */

struct ring {
	u64 *consumer;
	const u64 *producer;
	const u8 *data;
	size_t size, page;
	u64 position; /* read up to here; published at times */
};

/* /proc tells without privilege, also where bpf(2) is closed to all others (before 5.19). */
static int size_from_fdinfo(int map_fd, u32 *ret_type, u32 *ret_entries)
{
	_cleanup_buf_ struct buf b = {};
	const char *type, *entries;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map_fd);
	err = read_file(path, 4096, &b);
	if (err)
		return err;
	type = strstr(buf_str(&b), "map_type:");
	entries = strstr(buf_str(&b), "max_entries:");
	if (!type || !entries)
		return fail(-EINVAL, "descriptor %d is no BPF map", map_fd);
	*ret_type = strtoul(type + strlen("map_type:"), NULL, 10);
	*ret_entries = strtoul(entries + strlen("max_entries:"), NULL, 10);
	return 0;
}

static int ring_size_of(int map_fd, size_t *ret)
{
	struct bpf_map_info info = {};
	u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(map_fd, &info, &len)) {
		int err = size_from_fdinfo(map_fd, &info.type, &info.max_entries);

		if (err)
			return err;
	}
	if (info.type != BPF_MAP_TYPE_RINGBUF)
		return fail(-EINVAL, "the map is not a ring buffer");
	if (!info.max_entries || (info.max_entries & (info.max_entries - 1)))
		return fail(-EINVAL, "a ring buffer of %u bytes cannot be", info.max_entries);
	*ret = info.max_entries;
	return 0;
}

static int map_pages(int map_fd, size_t size, int protection, size_t offset, void **ret)
{
	void *at = mmap(NULL, size, protection, MAP_SHARED, map_fd, (off_t)offset);

	if (at == MAP_FAILED)
		return fail_errno(-errno, "the ring buffer cannot be mapped");
	*ret = at;
	return 0;
}

int ring_open(int map_fd, struct ring **ret)
{
	_cleanup_(ring_freep) struct ring *r = calloc(1, sizeof(*r));
	void *consumer = NULL, *producer = NULL;
	int err;

	if (!r)
		return fail(-ENOMEM, "out of memory");
	err = ring_size_of(map_fd, &r->size);
	if (err)
		return err;
	r->page = sysconf(_SC_PAGESIZE);
	err = map_pages(map_fd, r->page, PROT_READ | PROT_WRITE, 0, &consumer);
	r->consumer = consumer;
	if (!err)
		err = map_pages(map_fd, r->page + 2 * r->size, PROT_READ, r->page, &producer);
	r->producer = producer;
	if (err)
		return err;
	r->data = (const u8 *)producer + r->page;
	r->position = __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE);
	if (r->position % 8) /* that page is anybody's to write who holds the map */
		return fail(-EIO, "the ring buffer is read from within a record");
	*ret = TAKE_PTR(r);
	return 0;
}

struct ring *ring_free(struct ring *r)
{
	if (!r)
		return NULL;
	if (r->consumer)
		munmap(r->consumer, r->page);
	if (r->producer)
		munmap((void *)r->producer, r->page + 2 * r->size);
	free(r);
	return NULL;
}

void ring_freep(struct ring **r)
{
	*r = ring_free(*r);
}

static void publish(struct ring *r)
{
	__atomic_store_n(r->consumer, r->position, __ATOMIC_RELEASE);
}

/*
 * Reads up to @end or to a record that is still being written. Returns records seen (discarded ones
 * are not counted) or -EIO.
 */
static ssize_t consume_until(struct ring *r, u64 end, ring_fn fn, void *context, size_t max)
{
	u64 position = r->position;
	size_t count = 0, unpublished = 0;

	while (position < end && count < max) {
		const u8 *at = r->data + (position & (r->size - 1));
		u32 header = __atomic_load_n((const u32 *)at, __ATOMIC_ACQUIRE);
		u32 length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		u64 whole = ((u64)length + BPF_RINGBUF_HDR_SZ + 7) & ~7ULL;

		if (header & BPF_RINGBUF_BUSY_BIT)
			break;
		if (whole > end - position)
			return fail(-EIO,
				    "the ring buffer holds a record of %u bytes where %llu are",
				    length, (unsigned long long)(end - position));
		if (!(header & BPF_RINGBUF_DISCARD_BIT)) {
			fn(context, at + BPF_RINGBUF_HDR_SZ, length);
			count++;
		}
		r->position = position += whole;
		if (++unpublished == PUBLISH_EVERY) {
			publish(r);
			unpublished = 0;
		}
	}
	return count;
}

ssize_t ring_consume(struct ring *r, ring_fn fn, void *context, size_t max)
{
	u64 last = r->position + r->size; /* a fast producer must not keep us here for ever */
	size_t count = 0;

	if (!max)
		max = SIZE_MAX;
	for (;;) {
		u64 before = r->position;
		u64 end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
		ssize_t n;

		if (end - before > r->size)
			return fail(-EIO, "the ring buffer's positions are %llu bytes apart",
				    (unsigned long long)(end - before));
		n = consume_until(r, end, fn, context, max - count);
		if (r->position != before)
			publish(r);
		if (n < 0)
			return n;
		count += n;
		if (r->position == before || count >= max || r->position >= last)
			return count;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
}

size_t ring_available(const struct ring *r)
{
	return __atomic_load_n(r->producer, __ATOMIC_ACQUIRE) - r->position;
}

size_t ring_size(const struct ring *r)
{
	return r->size;
}
