// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A table of eight entries, which the test itself fills: no program writes to it. */
#include "gadget.h"

GADGET("Count nothing");

struct counts {
	count_t count;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, pid_t);
	__type(value, struct counts);
} table TABLE(": what the test put there") SEC(".maps");

SEC("raw_tp/sched_process_exit")
int nothing(void *context)
{
	return 0;
}
