// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * profile: where CPUs spend their time: at every tick of a timer on every CPU, the kernel and
 * user stack of what runs. Equal stacks are counted in the kernel; user space names their
 * functions when it shows them.
 */
#include "stacks.h"

GADGET("Sample stacks of what runs on the CPUs");
PARAM(u32, frequency, "samples a second on every CPU") = 99;
PARAM(bool, user, "only user stacks") = false;
PARAM(bool, kernel, "only kernel stacks") = false;
PARAM(bool, idle, "also CPUs that idle") = false;
ALIAS("-F HZ", "--frequency HZ", "samples a second on every CPU");
ALIAS("-U", "--user", "only user stacks");
ALIAS("-K", "--kernel", "only kernel stacks");
ALIAS("-I", "--idle", "also CPUs that idle");
ALIAS("-L TID", "--where tid==TID", "only this thread");
ALIAS("-f", "-o collapsed", "one line for each stack, for flame graphs");
EXAMPLE("profile --for 5s", "stacks of 5 seconds, the most frequent last");
EXAMPLE("profile --for 10s -o collapsed > out.folded", "for FlameGraph's tools");
EXAMPLE("profile -U -p 1234 --for 5s", "user stacks of one process");

struct sampled {
	pid_t pid;
	comm_t comm;
	kernel_stack_t kernel_stack COL(": functions of the kernel, outermost first");
	user_stack_t user_stack COL(": functions of the program, outermost first");
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct sampled);
	__type(value, count_t);
} samples SEC(".maps")
STACKS("each=clear: samples of each stack");

struct INPUT("what runs at a tick") running {
	OWNER_COLUMNS;
	cpu_t cpu COL(": the CPU");
	u32 padding COL("skip");
};

static __always_inline bool is_wanted(void)
{
	struct running input = {};

	if (!saker_filtering)
		return true;
	owner_current(&input);
	input.cpu = bpf_get_smp_processor_id();
	return WHERE(&input);
}

SEC("perf_event")
SAMPLE("frequency")
int tick(void *context)
{
	static const count_t none;
	struct sampled key = { .kernel_stack = -1, .user_stack = -1 };
	count_t *count;

	if ((!idle && !(u32)bpf_get_current_pid_tgid()) || !is_wanted())
		return 0;
	key.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(&key.comm, sizeof(key.comm));
	if (!user)
		key.kernel_stack = stack_of(context, 0);
	if (!kernel)
		key.user_stack = stack_of(context, BPF_F_USER_STACK);
	count = lookup_or_make(&samples, &key, &none);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}
