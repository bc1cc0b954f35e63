// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * biolatency: how long block requests take, as histograms: all in one, or one for each disk or
 * each kind of request. A filter is asked when the request goes to the device, since its end
 * happens in an interrupt.
 */
#include "disk.h"

GADGET("Show the latency of block devices as a histogram");
PARAM(bool, queued, "count the time in the queue too") = false;
PARAM(bool, disks, "one histogram for each disk") = false;
PARAM(bool, flags, "one histogram for each operation and its flags") = false;
ALIAS("-Q", "--queued", "count the time in the queue too");
ALIAS("-D", "--disks", "one histogram for each disk");
ALIAS("-d DISK", "--where disk==DISK", "only this disk");
ALIAS("-F", "--flags", "one histogram for each operation and its flags");
EXAMPLE("biolatency", "one histogram when it ends (Ctrl-C)");
EXAMPLE("biolatency -D 5", "one for each disk, every 5 seconds");
EXAMPLE("biolatency --where 'type == WRITE' --for 10s", "writes only, for 10 seconds");

struct kind_of_request {
	device_t disk COL("when=disks: the disk");
	enum disk_operation type COL("when=flags, strip=DISK_: what the requests do");
	enum disk_flags flags COL("when=flags, flags, strip=REQ_: what kind of requests");
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, struct kind_of_request);
	__type(value, histogram_t);
} latency SEC(".maps")
HISTOGRAM("unit=ns: time on the device (with --queued: and in the queue)");

struct INPUT("a block request that is about to start") request_starts {
	OWNER_COLUMNS;
	device_t disk COL(": the disk");
	enum disk_operation type COL("strip=DISK_: what it does");
	enum disk_flags flags COL("flags, strip=REQ_: what kind of request");
	u32 padding COL("skip");
	u64 sector COL(": first sector of 512 bytes");
	bytes_t bytes COL(": its size");
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u64);
} starts SEC(".maps");

static __always_inline bool is_wanted(struct request *rq)
{
	struct request_starts input = {};
	u32 bits;

	if (!saker_filtering)
		return true;
	bits = BPF_CORE_READ(rq, cmd_flags);
	owner_current(&input);
	input.disk = disk_of(rq);
	input.type = bits & DISK_OPERATION_MASK;
	input.flags = bits & DISK_FLAGS_MASK;
	input.sector = BPF_CORE_READ(rq, __sector);
	input.bytes = BPF_CORE_READ(rq, __data_len);
	return WHERE(&input);
}

static __always_inline int start(struct request *rq, bool inserted)
{
	u64 key = (u64)rq, now = bpf_ktime_get_ns();

	/*
	 * One that went through the queue has its time; what is there otherwise is of a request
	 * long gone.
	 */
	if (queued && !inserted && bpf_map_lookup_elem(&starts, &key))
		return 0;
	if (is_wanted(rq))
		map_update_or_lose(&starts, &key, &now);
	return 0;
}

SEC("?tp_btf/block_rq_insert")
ALTERNATIVE("insert", 1, "since 5.11")
ARGUMENTS(1)
WHEN("queued")
int BPF_PROG(rq_insert, struct request *rq)
{
	return start(rq, true);
}

SEC("?tp_btf/block_rq_insert")
ALTERNATIVE("insert", 2, "before 5.11")
ARGUMENTS(2)
WHEN("queued")
int BPF_PROG(rq_insert_queue, struct request_queue *q, struct request *rq)
{
	return start(rq, true);
}

SEC("?tp_btf/block_rq_issue")
ALTERNATIVE("issue", 1, "since 5.11")
ARGUMENTS(1)
int BPF_PROG(rq_issue, struct request *rq)
{
	return start(rq, false);
}

SEC("?tp_btf/block_rq_issue")
ALTERNATIVE("issue", 2, "before 5.11")
ARGUMENTS(2)
int BPF_PROG(rq_issue_queue, struct request_queue *q, struct request *rq)
{
	return start(rq, false);
}

SEC("?tp_btf/block_rq_merge")
OPTIONAL
WHEN("queued")
int BPF_PROG(rq_merge, struct request *rq)
{
	u64 key = (u64)rq;

	bpf_map_delete_elem(&starts, &key);
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(rq_complete, struct request *rq, int status, u32 bytes)
{
	static const histogram_t none;
	u64 key = (u64)rq, *start = bpf_map_lookup_elem(&starts, &key);
	struct kind_of_request kind = {};
	histogram_t *histogram;

	if (!start || !is_last_part(rq, bytes))
		return 0;
	if (disks)
		kind.disk = disk_of(rq);
	if (flags) {
		kind.type = BPF_CORE_READ(rq, cmd_flags) & DISK_OPERATION_MASK;
		kind.flags = BPF_CORE_READ(rq, cmd_flags) & DISK_FLAGS_MASK;
	}
	histogram = lookup_or_make(&latency, &kind, &none);
	if (histogram)
		histogram_add(histogram, bpf_ktime_get_ns() - *start);
	bpf_map_delete_elem(&starts, &key);
	return 0;
}
