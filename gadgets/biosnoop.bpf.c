// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * biosnoop: every block request with its time on the device. Who asked is known only when the
 * request is made (block_io_start, since 6.5) or put into a queue: its issue may happen in a
 * kernel worker, its end always happens in an interrupt. So the owner is kept in a map, keyed
 * by the request, until it completes or is merged into another.
 */
#include "disk.h"
#include "owner.h"

GADGET("Trace block device requests with their latency");
PARAM(bool, queued, "also show how long requests waited before the device took them") = false;
ALIAS("-Q", "--queued", "also show the time in the queue");
ALIAS("-d DISK", "--where disk==DISK", "only this disk");
ALIAS("-t", "--columns +time", "show the time");
EXAMPLE("biosnoop", "every request");
EXAMPLE("biosnoop -Q --where 'latency > 10ms'", "slow ones, with their wait before");
EXAMPLE("biosnoop --where 'type == WRITE' --sort bytes", "writes");

struct EVENT("a block request completed") request_done {
	struct header header;
	OWNER_COLUMNS;
	device_t disk COL("width=8: the disk");
	enum disk_operation type COL("width=7, strip=DISK_: what it did");
	u64 sector COL("width=10: first sector of 512 bytes");
	bytes_t bytes COL(": its size");
	duration_ns_t queue COL("when=queued: time from its making to the device");
	duration_ns_t latency COL(": time from the device's taking it to its end");
	enum disk_flags flags COL("hide, flags, strip=REQ_, width=16: what kind of request");
	errno_t error COL("hide: why it failed");
};

struct pending {
	u64 made, issued, sector;
	u32 bytes, flags, disk, padding;
	struct owner owner;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct pending);
} requests SEC(".maps");

static __always_inline int made(struct request *rq)
{
	u64 key = (u64)rq;
	struct pending pending = { .made = bpf_ktime_get_ns() };

	owner_current(&pending.owner);
	map_update_or_lose(&requests, &key, &pending);
	return 0;
}

static __always_inline int inserted(struct request *rq)
{
	u64 key = (u64)rq;
	struct pending *before = bpf_map_lookup_elem(&requests, &key);

	/* An issued one under this address ended without our notice. */
	if (!before || before->issued)
		return made(rq);
	return 0;
}

static __always_inline int issued(struct request *rq)
{
	u64 key = (u64)rq;
	struct pending *pending = bpf_map_lookup_elem(&requests, &key);

	if (!pending) {
		made(rq);
		pending = bpf_map_lookup_elem(&requests, &key);
		if (!pending)
			return 0;
	}
	pending->issued = bpf_ktime_get_ns();
	pending->disk = disk_of(rq);
	pending->sector = BPF_CORE_READ(rq, __sector);
	pending->bytes = BPF_CORE_READ(rq, __data_len);
	pending->flags = BPF_CORE_READ(rq, cmd_flags);
	return 0;
}

static __always_inline void report(const struct pending *p, s32 status)
{
	struct request_done e = {};

	header_init(&e);
	owner_copy(&e, &p->owner);
	e.latency = e.header.time - p->issued;
	e.queue = p->issued - p->made;
	e.disk = p->disk;
	e.type = p->flags & DISK_OPERATION_MASK;
	e.flags = p->flags & DISK_FLAGS_MASK;
	e.sector = p->sector == ~0ULL ? 0 : p->sector; /* a flush has none: all bits */
	e.bytes = p->bytes;
	e.error = disk_error(status);
	if (WHERE(&e))
		emit(&e);
}

SEC("?tp_btf/block_io_start")
OPTIONAL
int BPF_PROG(io_start, struct request *rq)
{
	return made(rq);
}

/* The argument `q` before the request is gone since 5.11 and 5.10.137. */
SEC("?tp_btf/block_rq_insert")
ALTERNATIVE("insert", 1, "since 5.11")
ARGUMENTS(1)
int BPF_PROG(rq_insert, struct request *rq)
{
	return inserted(rq);
}

SEC("?tp_btf/block_rq_insert")
ALTERNATIVE("insert", 2, "before 5.11")
ARGUMENTS(2)
int BPF_PROG(rq_insert_queue, struct request_queue *q, struct request *rq)
{
	return inserted(rq);
}

SEC("?tp_btf/block_rq_issue")
ALTERNATIVE("issue", 1, "since 5.11")
ARGUMENTS(1)
int BPF_PROG(rq_issue, struct request *rq)
{
	return issued(rq);
}

SEC("?tp_btf/block_rq_issue")
ALTERNATIVE("issue", 2, "before 5.11")
ARGUMENTS(2)
int BPF_PROG(rq_issue_queue, struct request_queue *q, struct request *rq)
{
	return issued(rq);
}

/* Since 5.11: a request that goes into another never completes. */
SEC("?tp_btf/block_rq_merge")
OPTIONAL
int BPF_PROG(rq_merge, struct request *rq)
{
	u64 key = (u64)rq;

	bpf_map_delete_elem(&requests, &key);
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(rq_complete, struct request *rq, int status, u32 bytes)
{
	u64 key = (u64)rq;
	struct pending *pending = bpf_map_lookup_elem(&requests, &key);

	if (!pending || !is_last_part(rq, bytes))
		return 0;
	if (pending->issued)
		report(pending, status);
	bpf_map_delete_elem(&requests, &key);
	return 0;
}
