// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * syscount: system calls by name, or by process. Every system call of the machine pays for
 * this, so the usual case is one program at the call's end that adds one in a per-CPU array;
 * the beginning is watched only for --latency. Its times lie in an array by the low bits of the
 * thread id: nothing to delete when a thread goes, and no hash.
 */
#include "registers.h"

GADGET("Count system calls, and the time they take");
PARAM(bool, processes, "count by process, not by system call") = false;
PARAM(bool, latency, "also add up the time that calls take") = false;
PARAM(bool, failed, "only calls that failed") = false;
ALIAS("-P", "--processes", "count by process");
ALIAS("-L", "--latency", "also add up the time");
ALIAS("-x", "--failed", "only calls that failed");
ALIAS("-e ERRNO", "--where error==ERRNO", "only calls that failed with this error");
ALIAS("-i SECONDS", "--interval SECONDS", "show the counts so often");
ALIAS("-T N", "--top N", "only the N most frequent");
EXAMPLE("syscount --for 5s", "counts of 5 seconds");
EXAMPLE("syscount -L -p 1234 1", "where a process spends its time in the kernel, every second");
EXAMPLE("syscount -P -x", "which processes have calls that fail");

enum { NUMBERS = 1024, THREAD_SLOTS = 1 << 16 };

struct calls {
	count_t count COL(": calls that returned");
	duration_ns_t total COL("when=latency, label=TIME: time in them");
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NUMBERS);
	__type(key, syscall_t);
	__type(value, struct calls);
} by_call SEC(".maps")
TABLE("when=!processes, each=clear, sort=count: system calls");

/* The name is part of the key: an exec changes it, and a pid is used again. */
struct process {
	pid_t pid;
	comm_t comm;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct process);
	__type(value, struct calls);
} by_process SEC(".maps")
TABLE("when=processes, each=clear, sort=count: calls of each process");

struct INPUT("a system call that returned") call_returned {
	OWNER_COLUMNS;
	syscall_t syscall COL(": the system call");
	errno_t error COL(": why it failed");
	return_t ret COL(": what it returned");
	duration_ns_t took COL("when=latency: time in it");
};

struct entered {
	u64 time;
	u32 tid, number;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, THREAD_SLOTS);
	__type(key, u32);
	__type(value, struct entered);
} threads SEC(".maps");

static __always_inline struct entered *slot_of(u32 tid)
{
	u32 index = tid & (THREAD_SLOTS - 1);

	return bpf_map_lookup_elem(&threads, &index);
}

/* A thread that ends by exit(2) leaves its place behind, and nothing is lost when that is taken. */
static __always_inline bool never_returns(u32 number)
{
	enum { X86_EXIT = 60, X86_EXIT_GROUP = 231, ARM64_EXIT = 93, ARM64_EXIT_GROUP = 94 };

	if (bpf_core_field_exists(struct pt_regs___x86_64, orig_ax))
		return number == X86_EXIT || number == X86_EXIT_GROUP;
	return number == ARM64_EXIT || number == ARM64_EXIT_GROUP;
}

SEC("tp_btf/sys_enter")
WHEN("latency")
int BPF_PROG(enter, struct pt_regs *regs, long number)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct entered *slot = slot_of(tid);

	if (!slot)
		return 0;
	/* A thread inside a call had this place: its time is lost. */
	if (slot->tid && slot->tid != tid && !never_returns(slot->number))
		lost(SAKER_LOST_MAP);
	slot->number = number;
	slot->tid = tid;
	slot->time = bpf_ktime_get_ns();
	return 0;
}

/* False: the beginning was not seen, or another thread took its place. */
static __always_inline bool time_in(u32 number, u64 *took)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct entered *slot = slot_of(tid);

	if (!slot || slot->tid != tid || slot->number != number)
		return false;
	*took = bpf_ktime_get_ns() - slot->time;
	slot->tid = 0;
	return true;
}

static __always_inline bool is_wanted(u32 number, s64 ret, u64 took)
{
	struct call_returned input = {};

	if (!saker_filtering)
		return true;
	owner_current(&input);
	input.syscall = number;
	input.ret = ret;
	input.error = ret < 0 && ret >= -4095 ? -ret : 0;
	input.took = took;
	return WHERE(&input);
}

static __always_inline void count_call(u32 number, u64 took)
{
	struct calls *calls = bpf_map_lookup_elem(&by_call, &number);

	if (!calls) {
		/* A number beyond the table (x32, or none at all); -1: a return from a signal. */
		if (number != (u32)-1)
			lost(SAKER_LOST_MAP);
		return;
	}
	__sync_fetch_and_add(&calls->count, 1);
	if (latency)
		__sync_fetch_and_add(&calls->total, took);
}

static __always_inline void count_process(u64 took)
{
	static const struct calls none;
	struct process process = { .pid = bpf_get_current_pid_tgid() >> 32 };
	struct calls *calls;

	bpf_get_current_comm(&process.comm, sizeof(process.comm));
	calls = lookup_or_make(&by_process, &process, &none);
	if (!calls)
		return;
	__sync_fetch_and_add(&calls->count, 1);
	if (latency)
		__sync_fetch_and_add(&calls->total, took);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(leave, struct pt_regs *regs, long ret)
{
	u32 number = syscall_number(regs);
	u64 took = 0;

	if (latency && !time_in(number, &took))
		return 0;
	if (failed && !(ret < 0 && ret >= -4095))
		return 0;
	if (!is_wanted(number, ret, took))
		return 0;
	if (processes)
		count_process(took);
	else
		count_call(number, took);
	return 0;
}
