// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One group of four: the first has no hook, the second is refused by the verifier, the third works,
 * the fourth would. And what the user sets between open and load, which must survive the second
 * opening.
 */
#include "program.h"

char LICENSE[] SEC("license")
= "Dual BSD/GPL";

const volatile u64 setting = 1;
u64 calls, seen_setting;

SEC("tp_btf/no_such_tracepoint_anywhere")
int first(u64 *c)
{
	return 0;
}

SEC("raw_tp/sched_switch")
int second(struct raw_tracepoint_context *c)
{
	u64 *p = (u64 *)c->args[1];

	calls += *p;
	return 0;
}

SEC("tp/syscalls/sys_enter_getpgid")
int third(void *c)
{
	seen_setting = setting;
	__sync_fetch_and_add(&calls, 1);
	return 0;
}

SEC("raw_tp/sys_enter")
int fourth(struct raw_tracepoint_context *c)
{
	calls++;
	return 0;
}

SEC("fentry/no_such_function_anywhere")
int extra(u64 *c)
{
	return 0;
}
