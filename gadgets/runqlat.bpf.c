// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * runqlat: how long tasks that could run wait for a CPU. Every wake-up and every switch of the
 * machine comes through here, so the time since when a task waits lies in an array by the low
 * bits of its id: no hash, no lock, nothing to delete. One word holds both the id (22 bits,
 * PID_MAX_LIMIT) and the time (42 bits of ns, 73 minutes): whoever reads it sees either a
 * task's own time or that another one with the same low bits took the place, which is counted
 * as a loss.
 */
#include "gadget.h"

GADGET("Show how long tasks wait for a CPU, as a histogram");
PARAM(bool, processes, "one histogram for each process") = false;
PARAM(bool, threads, "one histogram for each thread") = false;
PARAM(bool, pidnss, "one histogram for each PID namespace") = false;
ALIAS("-P", "--processes", "one histogram for each process");
ALIAS("-L", "--threads", "one histogram for each thread");
EXAMPLE("runqlat", "one histogram when it ends (Ctrl-C)");
EXAMPLE("runqlat 1 10", "ten histograms, one a second");
EXAMPLE("runqlat -P --comm postgres", "for each process of that name");

struct waiter {
	pid_t pid COL("when=processes");
	tid_t tid COL("when=threads");
	u32 pidns COL("when=pidnss: inode number of the PID namespace");
	comm_t comm COL(": command name of the process or thread");
};

/* All in one: each CPU counts for itself. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, histogram_t);
} latency SEC(".maps")
HISTOGRAM("single, unit=ns: time from runnable to running");

/* Not run-time allocated: memory cannot be had under a run queue's lock. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, struct waiter);
	__type(value, histogram_t);
} each SEC(".maps")
HISTOGRAM("unit=ns: time from runnable to running");

struct INPUT("a task that gets its CPU") task_runs {
	OWNER_COLUMNS;
	duration_ns_t latency COL(": how long it waited");
};

enum { WAITING_SLOTS = 1 << 16 };
#define TIME_BITS 42
#define TIME_MASK ((1ULL << TIME_BITS) - 1)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WAITING_SLOTS);
	__type(key, u32);
	__type(value, u64);
} waiting SEC(".maps");

static __always_inline u64 *slot_of(u32 tid)
{
	u32 index = tid & (WAITING_SLOTS - 1);

	return bpf_map_lookup_elem(&waiting, &index);
}

static __always_inline int starts_waiting(struct task_struct *task)
{
	u32 tid = task->pid;
	u64 *slot = tid ? slot_of(tid) : NULL; /* 0: a CPU's idle task */

	if (!slot)
		return 0;
	if (*slot && *slot >> TIME_BITS != tid)
		lost(SAKER_LOST_MAP);
	*slot = (u64)tid << TIME_BITS | (bpf_ktime_get_ns() & TIME_MASK);
	return 0;
}

/* A wake-up that came before the task had left its CPU leaves a time behind that nobody waited. */
static __always_inline void stops_waiting(struct task_struct *task)
{
	u32 tid = task->pid;
	u64 *slot = slot_of(tid);

	if (slot && *slot >> TIME_BITS == tid)
		*slot = 0;
}

static __always_inline bool is_wanted(struct task_struct *task, u64 delta)
{
	struct task_runs input = {};

	if (!saker_filtering)
		return true;
	owner_task(&input, task);
	input.latency = delta;
	return WHERE(&input);
}

static __always_inline histogram_t *histogram_of(struct task_struct *task)
{
	static const histogram_t none;
	struct waiter waiter = {};
	u32 zero = 0;

	if (!processes && !threads && !pidnss)
		return bpf_map_lookup_elem(&latency, &zero);
	if (processes || threads)
		waiter.pid = task->tgid;
	if (threads)
		waiter.tid = task->pid;
	if (processes)
		BPF_CORE_READ_INTO(&waiter.comm, task, group_leader, comm);
	else if (threads)
		BPF_CORE_READ_INTO(&waiter.comm, task, comm);
	if (pidnss)
		waiter.pidns = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
	return lookup_or_make(&each, &waiter, &none);
}

static __always_inline void runs(struct task_struct *task)
{
	u32 tid = task->pid;
	u64 *slot = tid ? slot_of(tid) : NULL, since, delta;
	histogram_t *histogram;

	if (!slot)
		return;
	since = *slot;
	if (since >> TIME_BITS != tid)
		return;
	*slot = 0;
	delta = (bpf_ktime_get_ns() - since) & TIME_MASK;
	if (!is_wanted(task, delta))
		return;
	histogram = histogram_of(task);
	if (histogram)
		histogram_add(histogram, delta);
}

static __always_inline bool can_run(struct task_struct *task)
{
	if (bpf_core_field_exists(struct task_struct, __state))
		return !task->__state;
	return !((struct task_struct___before_5_14 *)task)->state;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(wakeup, struct task_struct *task)
{
	return starts_waiting(task);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(wakeup_new, struct task_struct *task)
{
	return starts_waiting(task);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(task_switch, bool preempted, struct task_struct *previous, struct task_struct *next)
{
	if (preempted || can_run(previous))
		starts_waiting(previous);
	else
		stops_waiting(previous);
	runs(next);
	return 0;
}
