// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that the verifier must refuse, each for one reason; the test loads them one by one. The
 * line that is wrong carries the mark that the test looks for.
 */
#include "program.h"

char LICENSE[] SEC("license")
= "Dual BSD/GPL";

u64 table[8];
u64 out;

SEC("raw_tp/sched_switch")
int no_null_check(struct raw_tracepoint_context *c)
{
	u32 key = 1;
	u64 *value = bpf_map_lookup_elem(&numbers, &key);

	return *value == 7; /* wrong: no_null_check */
}

SEC("raw_tp/sched_switch")
int outside_value(struct raw_tracepoint_context *c)
{
	u32 index = (u32)c->args[0];

	out = table[index]; /* wrong: outside_value */
	return 0;
}

SEC("raw_tp/sched_switch")
int number_as_pointer(struct raw_tracepoint_context *c)
{
	u64 *p = (u64 *)c->args[1];

	out = *p; /* wrong: number_as_pointer */
	return 0;
}

SEC("raw_tp/sched_switch")
int unbounded_length(struct raw_tracepoint_context *c)
{
	u64 room[8] = {};

	bpf_probe_read_kernel(room, c->args[2], (void *)c->args[1]); /* wrong: unbounded_length */
	out = room[0];
	return 0;
}

SEC("raw_tp/sched_switch")
int endless_loop(struct raw_tracepoint_context *c)
{
	/* a jump to itself, which no compiler would leave standing */
	asm volatile("1: goto 1b" ::: "memory"); /* wrong: endless_loop */
	return 0;
}

SEC("raw_tp/sched_switch")
int no_such_helper(struct raw_tracepoint_context *c)
{
	long (*helper)(void) = (void *)987654;

	return (int)helper(); /* wrong: no_such_helper */
}

SEC("raw_tp/sched_switch")
int wrong_argument(struct raw_tracepoint_context *c)
{
	u32 key = 1;

	out = (u64)bpf_map_lookup_elem((void *)c, &key); /* wrong: wrong_argument */
	return 0;
}

SEC("raw_tp/sched_switch")
int beyond_context(struct raw_tracepoint_context *c)
{
	out = c[10].args[0]; /* wrong: beyond_context */
	return 0;
}

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct {
	int not_a_member_of_this_struct;
};
#pragma clang attribute pop

SEC("raw_tp/sched_switch")
int no_such_field(struct raw_tracepoint_context *c)
{
	struct task_struct *task = (void *)c->args[1];

	out = BPF_CORE_READ(task, not_a_member_of_this_struct); /* wrong: no_such_field */
	return 0;
}
