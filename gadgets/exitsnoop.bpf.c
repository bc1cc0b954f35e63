// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * exitsnoop: processes that end, how old they were and with what status. A process ends with
 * its last thread, which need not be its first; its status is the one that wait(2) will give.
 */
#include "gadget.h"

GADGET("Trace processes that end, with their age and exit status");
PARAM(bool, threads, "every thread, not only the last of a process") = false;
PARAM(bool, failed, "only those that end with an error or by a signal") = false;
ALIAS("-x", "--failed", "only those that end with an error or by a signal");
ALIAS("-t", "--columns +time", "show the time");
ALIAS("-T", "--threads", "every thread");
EXAMPLE("exitsnoop -x", "processes that fail or are killed");
EXAMPLE("exitsnoop --where 'signal == SIGSEGV'", "crashes");
EXAMPLE("exitsnoop --where 'age < 100ms'", "short-lived processes");

struct EVENT("a process ended") process_exit {
	struct header header;
	OWNER_COLUMNS;
	pid_t ppid COL(": process id of the parent");
	u32 code COL("width=4: what it passed to exit(2)");
	duration_ns_t age COL(": time since it started");
	signal_t signal COL(": the signal that ended it, 0 is none");
	bool core COL("hide: a core was dumped");
	u8 padding[3] COL("skip");
};

enum { SIGNAL_GROUP_EXIT = 4 };

/*
 * Which processes were reported: of several threads that end at once each may see that none is
 * left.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u32);
} reported SEC(".maps");

static __always_inline bool is_last(struct task_struct *task)
{
	u64 start = BPF_CORE_READ(task, group_leader, start_time);
	u64 key = start ^ (u64)BPF_CORE_READ(task, tgid) << 40;
	u32 one = 1;

	if (BPF_CORE_READ(task, signal, live.counter) > 0)
		return false;
	if (BPF_CORE_READ(task, signal, nr_threads) <= 1)
		return true;
	return !bpf_map_update_elem(&reported, &key, &one, BPF_NOEXIST);
}

/* As wait(2) reports it (kernel/exit.c, wait_task_zombie). */
static __always_inline int status_of(struct task_struct *task)
{
	if (threads)
		return BPF_CORE_READ(task, exit_code);
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(task, signal, group_exit_code);
	return BPF_CORE_READ(task, group_leader, exit_code);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exits, struct task_struct *task)
{
	struct task_struct *about = threads ? task : BPF_CORE_READ(task, group_leader);
	struct process_exit e = {};
	int status;

	if (!threads && !is_last(task))
		return 0;
	status = status_of(task);
	if (failed && !status)
		return 0;
	header_init(&e);
	owner_current(&e);
	BPF_CORE_READ_INTO(&e.comm, about, comm);
	e.ppid = BPF_CORE_READ(task, real_parent, tgid);
	e.age = e.header.time - BPF_CORE_READ(about, start_time);
	e.signal = status & 0x7f;
	e.core = status & 0x80;
	e.code = e.signal ? 0 : (status >> 8) & 0xff;
	if (WHERE(&e))
		emit(&e);
	return 0;
}
