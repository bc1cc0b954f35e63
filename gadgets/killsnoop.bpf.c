// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * killsnoop: signals that processes send, successful or not, from the six system calls that
 * send one. A pidfd does not say whom it means; the kernel does, when it generates the signal
 * on the way.
 */
#include "gadget.h"

GADGET("Trace signals that processes send to each other, and whether they may");
PARAM(bool, failed, "only signals that could not be sent") = false;
ALIAS("-x", "--failed", "only signals that could not be sent");
ALIAS("-s SIGNAL", "--where signal==SIGNAL", "only this signal");
ALIAS("-T", "--columns +time", "show the time");
EXAMPLE("killsnoop -s SIGKILL", "who kills whom");
EXAMPLE("killsnoop --where 'tpid == 1'", "signals to init");

enum call_name { KILL, TKILL, TGKILL, RT_SIGQUEUEINFO, RT_TGSIGQUEUEINFO, PIDFD_SEND_SIGNAL };

struct EVENT("a signal was sent, or not") kill {
	struct header header;
	OWNER_COLUMNS;
	signal_t signal COL("label=SIG: the signal, 0 only asks whether it could be sent");
	s32 tpid COL("width=7: process, thread (tkill), minus a process group, -1: all");
	errno_t result COL(": why it failed");
	enum call_name call COL("hide: the system call");
};

struct call {
	u32 signal;
	s32 target;
	u32 by_descriptor, name;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline int enter(s32 target, u32 signal, enum call_name name)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct call call = { .signal = signal, .target = target, .name = name };

	call.by_descriptor = name == PIDFD_SEND_SIGNAL;
	if (!is_self())
		map_update_or_lose(&calls, &tid, &call);
	return 0;
}

static __always_inline int leave(s64 ret)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &tid);
	struct kill e = {};

	if (!call)
		return 0;
	e.signal = call->signal;
	e.tpid = call->target;
	e.call = call->name;
	bpf_map_delete_elem(&calls, &tid);
	if (failed && ret >= 0)
		return 0;
	header_init(&e);
	owner_current(&e);
	e.result = ret < 0 ? -ret : 0;
	if (WHERE(&e))
		emit(&e);
	return 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(generated, int signal, void *info, struct task_struct *task)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &tid);

	if (call && call->by_descriptor && call->signal == (u32)signal)
		call->target = task->tgid;
	return 0;
}

#define SENDER(name, target, signal, constant)            \
	SEC("tp/syscalls/sys_enter_" #name)               \
	int name##_enter(struct syscall_enter_context *c) \
	{                                                 \
		return enter(target, signal, constant);   \
	}                                                 \
	SEC("tp/syscalls/sys_exit_" #name)                \
	int name##_leave(struct syscall_exit_context *c)  \
	{                                                 \
		return leave(c->ret);                     \
	}

SENDER(kill, c->args[0], c->args[1], KILL)
SENDER(tkill, c->args[0], c->args[1], TKILL)
SENDER(tgkill, c->args[1], c->args[2], TGKILL)
SENDER(rt_sigqueueinfo, c->args[0], c->args[1], RT_SIGQUEUEINFO)
SENDER(rt_tgsigqueueinfo, c->args[1], c->args[2], RT_TGSIGQUEUEINFO)
SENDER(pidfd_send_signal, 0, c->args[1], PIDFD_SEND_SIGNAL)
