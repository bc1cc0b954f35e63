// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every sort of CO-RE relocation, over types that are hard: anonymous unions, bitfields, arrays,
 * flavours, nested structs under other names, members and types that are not there. What the
 * instructions become must be the same with our minimised BTF as with libbpf's whole one.
 */
#include "program.h"

char LICENSE[] SEC("license")
= "Dual BSD/GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct upid {
	int nr;
};
struct pid {
	unsigned int level;
	struct upid numbers[1];
};
struct any_name {
	u32 val;
};
struct cred {
	struct any_name uid, euid; /* kuid_t in the kernel: a typedef of a struct without a name */
};
struct task_struct {
	unsigned int __state;
	int pid, tgid;
	struct task_struct *real_parent;
	char comm[16];
};
struct task_struct___old {
	long state;
};
struct task_struct___other {
	struct cred *real_cred;
	unsigned sched_reset_on_fork : 1;
	unsigned in_execve : 1;
	struct pid *thread_pid;
	int nowhere;
};
struct sock_common {
	union {
		struct {
			u32 skc_daddr, skc_rcv_saddr;
		};
		u64 skc_addrpair;
	};
	u16 skc_dport, skc_num, skc_family;
	unsigned char skc_reuse : 4;
	unsigned char skc_reuseport : 1;
	unsigned char skc_ipv6only : 1;
};
struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
};
struct inet_sock {
	struct sock sk;
	u16 inet_sport;
};
struct qstr {
	union {
		struct {
			u32 hash, len;
		};
		u64 hash_len;
	};
	const unsigned char *name;
};
struct dentry {
	struct qstr d_name;
	struct dentry *d_parent;
};
struct path {
	struct dentry *dentry;
};
struct file {
	struct path f_path;
	unsigned int f_flags;
};
struct sk_buff {
	unsigned int len;
	u8 pkt_type : 3;
	u8 cloned : 1;
};
struct no_such_struct {
	int member;
};
struct linux_binprm {
	char buf[256];
};

#pragma clang attribute pop

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID };
enum bpf_func_id___new { BPF_FUNC_loop___new = 181, BPF_FUNC_none___new = 9 };
typedef struct {
	int counter;
} atomic_t;

u64 out[64];

SEC("raw_tp/sched_switch")
int fields(struct raw_tracepoint_context *c)
{
	struct task_struct *task = (void *)c->args[1];
	struct task_struct___other *other = (void *)task;
	struct sock *sk = (void *)c->args[2];
	struct file *file = (void *)c->args[3];
	struct sk_buff *skb = (void *)c->args[4];

	out[0] = BPF_CORE_READ(task, real_parent, tgid);
	out[1] = BPF_CORE_READ(other, real_cred, uid.val);
	out[2] = BPF_CORE_READ(other, thread_pid, numbers[0].nr);
	out[3] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	out[4] = BPF_CORE_READ(sk, __sk_common.skc_num);
	out[5] = BPF_CORE_READ(file, f_path.dentry, d_name.len);
	out[6] = (u64)BPF_CORE_READ(file, f_path.dentry, d_parent, d_name.name);
	out[7] = BPF_CORE_READ((struct inet_sock *)sk, sk.sk_protocol);
	out[8] = BPF_CORE_READ((struct inet_sock *)sk, inet_sport);
	out[9] = BPF_CORE_READ_BITFIELD_PROBED(other, sched_reset_on_fork);
	out[10] = BPF_CORE_READ_BITFIELD_PROBED(other, in_execve);
	out[11] = BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only);
	out[12] = BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type);
	out[13] = BPF_CORE_READ_BITFIELD_PROBED(skb, cloned);
	bpf_probe_read_kernel(&out[14], 4, &task->comm[3]);
	return 0;
}

SEC("raw_tp/sched_switch")
int questions(struct raw_tracepoint_context *c)
{
	struct task_struct *task = (void *)c->args[1];
	struct linux_binprm *b = (void *)task;

	out[20] = bpf_core_field_exists(task->__state);
	out[21] = bpf_core_field_exists(((struct task_struct___old *)task)->state);
	out[22] = bpf_core_field_exists(((struct task_struct___other *)task)->nowhere);
	out[23] = bpf_core_field_size(task->comm) + bpf_core_field_offset(task->comm[2]);
	out[24] = bpf_core_field_size(b->buf) + bpf_core_field_offset(b->buf);
	out[25] = bpf_core_type_exists(struct no_such_struct);
	out[26] = bpf_core_type_size(struct sock) + bpf_core_type_size(struct inet_sock);
	out[27] = bpf_core_type_exists(atomic_t) + bpf_core_type_size(atomic_t);
	out[28] = bpf_core_enum_value_exists(enum bpf_func_id___new, BPF_FUNC_loop___new);
	out[29] = bpf_core_enum_value_exists(enum bpf_func_id___new, BPF_FUNC_none___new);
	out[30] = bpf_core_enum_value(enum pid_type, PIDTYPE_TGID);
	out[31] = bpf_core_type_exists(struct task_struct___other);
	out[32] = bpf_core_field_exists(((struct no_such_struct *)task)->member);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(by_btf, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	out[40] = prev->tgid + next->real_parent->pid;
	return 0;
}

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
#pragma clang attribute pop

SEC("iter/task")
int tasks(struct bpf_iter__task *c)
{
	struct task_struct *task = c->task;
	u32 pid;

	if (!task)
		return 0;
	pid = task->tgid;
	bpf_seq_write(c->meta->seq, &pid, sizeof(pid));
	return 0;
}
