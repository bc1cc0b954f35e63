// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that run: one fills the ring as its argument says, one samples, and one nests in that,
 * so that the kernel skips it.
 */
#include "program.h"

char LICENSE[] SEC("license")
= "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const volatile bool noisy = 0;
u64 sequence, lost, samples, inner_runs;

/*
 * args: how many records, how many more bytes than 8 each has at most, every how many-th is
 * discarded (0: none).
 */
SEC("raw_tp/task_rename")
int fill(struct raw_tracepoint_context *c)
{
	u64 count = c->args[0], discard = c->args[2];

	for (u64 i = 0; i < 64; i++) {
		u64 *record;

		if (i >= count)
			break;
		record = bpf_ringbuf_reserve(&events, 8 + 48, 0);
		if (!record) {
			lost++;
			continue;
		}
		record[0] = sequence++;
		record[1] = c->args[1];
		if (discard && !(record[0] % discard))
			bpf_ringbuf_discard(record, 0);
		else
			bpf_ringbuf_submit(record, 0);
	}
	return 0;
}

/* What fires a tracepoint while a program runs on the CPU: its own programs are skipped. */
SEC("perf_event")
int sample(void *c)
{
	static const char text[] = "saker test\n";

	__sync_fetch_and_add(&samples, 1);
	if (noisy)
		bpf_trace_printk(text, sizeof(text));
	return 0;
}

SEC("tp/bpf_trace/bpf_trace_printk")
int inner(void *c)
{
	__sync_fetch_and_add(&inner_runs, 1);
	return 0;
}
