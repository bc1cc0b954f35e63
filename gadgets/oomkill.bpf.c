// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * oomkill: processes that the kernel kills because memory ran out, and whose request for memory
 * brought it about. The tracepoint passes the victim since 6.8 and the stable kernels of then;
 * before, only its id.
 */
#include "gadget.h"

GADGET("Trace processes killed because memory ran out");
ALIAS("-T", "--columns +time", "show the time");
EXAMPLE("oomkill", "who is killed, who asked for the memory");

struct EVENT("a process is killed because memory ran out") oom {
	struct header header;
	OWNER_COLUMNS; /* the victim's */
	pid_t tpid COL(": process that asked for memory when there was none");
	comm_t tcomm COL(": its command");
	s32 adjust COL("width=6: the victim's oom_score_adj");
	count_t pages COL(": pages of the victim's address space");
	count_t anonymous COL("wide: pages of its own memory");
	count_t file COL("wide: pages of files it has mapped");
};

enum { MM_FILEPAGES, MM_ANONPAGES };

static __always_inline void fill_trigger(struct oom *e)
{
	header_init(e);
	e->tpid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(&e->tcomm, sizeof(e->tcomm));
}

/* A macro, since CO-RE wants to see the index. */
#define pages_of(mm, which)                                                          \
	({                                                                           \
		struct mm_struct___before_6_2 *_old = (void *)(mm);                  \
		s64 _pages;                                                          \
		if (bpf_core_type_exists(struct mm_rss_stat))                        \
			_pages = BPF_CORE_READ(_old, rss_stat.count[which].counter); \
		else                                                                 \
			_pages = BPF_CORE_READ(mm, rss_stat[which].count);           \
		_pages < 0 ? 0 : _pages;                                             \
	})

static __always_inline void fill_victim(struct oom *e, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	owner_task(e, task);
	e->adjust = BPF_CORE_READ(task, signal, oom_score_adj);
	e->pages = BPF_CORE_READ(mm, total_vm);
	e->anonymous = pages_of(mm, MM_ANONPAGES);
	e->file = pages_of(mm, MM_FILEPAGES);
}

SEC("?tp_btf/mark_victim")
ALTERNATIVE("victim", 1, "the victim itself")
ARGUMENTS(2)
int BPF_PROG(victim, struct task_struct *task, u32 uid)
{
	struct oom e = {};

	fill_trigger(&e);
	fill_victim(&e, task);
	e.uid = uid;
	if (WHERE(&e))
		emit(&e);
	return 0;
}

SEC("?tp_btf/mark_victim")
ALTERNATIVE("victim", 2, "of other processes than the one that asked only the id")
ARGUMENTS(1)
int BPF_PROG(victim_id, int pid)
{
	struct oom e = {};

	fill_trigger(&e);
	/* Most often the process that asked is itself the victim. */
	if (e.tpid == (u32)pid)
		fill_victim(&e, (struct task_struct *)bpf_get_current_task());
	e.pid = pid;
	e.tid = pid;
	if (WHERE(&e))
		emit(&e);
	return 0;
}
