/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kernel.h: every kernel type and field that Saker reads, and no other. Only the fields that
 * are used are named, in any order: CO-RE finds where they are on the running kernel. A struct
 * that is missing from the running kernel, or a field that moved, is handled where it is used
 * (bpf_core_field_exists, `___suffix` flavours), with the kernel version in a comment.
 */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef signed short s16;
typedef signed int s32;
typedef signed long long s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s8 __s8;
typedef s16 __s16;
typedef s32 __s32;
typedef s64 __s64;
typedef u16 __be16;
typedef u32 __be32;
typedef u32 __wsum;
typedef u16 __sum16;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/*
 * From the kernel's uapi/linux/bpf.h, which is not included because it pulls in the host's
 * types.
 */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_STACK_TRACE = 7,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum bpf_func_id { BPF_FUNC_task_pt_regs = 175 }; /* 5.15 */
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2, BPF_F_NO_PREALLOC = 1 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2, BPF_RB_AVAIL_DATA = 0 };
enum { BPF_F_USER_STACK = 1 << 8, BPF_F_FAST_STACK_CMP = 1 << 9, BPF_F_CURRENT_CPU = -1 };

/* ---- contexts of the program types ----------------------------------------------------------- */

/*
 * Classic tracepoints syscalls/sys_enter_* and sys_exit_*: kernel-internal layout, stable since
 * 2009.
 */
struct syscall_enter_context {
	u64 common;
	s64 number;
	u64 args[6];
};
struct syscall_exit_context {
	u64 common;
	s64 number;
	s64 ret;
};
/* Raw tracepoints: the tracepoint's arguments. */
struct raw_tracepoint_context {
	u64 args[12];
};

/* ---- kernel structs, by CO-RE ---------------------------------------------------------------- */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	u64 id; /* since 5.5 a plain u64 */
};
struct cgroup {
	struct kernfs_node *kn;
};
struct css_set {
	struct cgroup *dfl_cgrp;
};
struct percpu_counter {
	s64 count;
};
struct mm_struct {
	unsigned long arg_start, arg_end, total_vm;
	struct percpu_counter rss_stat[4]; /* since 6.2 */
};
typedef struct {
	long counter;
} atomic_long_t;
struct mm_rss_stat { /* gone since 6.2 */
	atomic_long_t count[4];
};
struct mm_struct___before_6_2 {
	struct mm_rss_stat rss_stat;
};
struct upid {
	int nr;
};
struct pid {
	unsigned int level;
	struct upid numbers[1];
};
typedef struct {
	u32 val;
} kuid_t;
struct cred {
	kuid_t uid;
};
typedef struct {
	int counter;
} atomic_t;
struct signal_struct {
	atomic_t live; /* threads that have not begun to exit */
	int nr_threads;
	int group_exit_code;
	unsigned int flags;
	short oom_score_adj;
};
struct ns_common {
	unsigned int inum;
};
struct pid_namespace {
	struct ns_common ns;
};
struct nsproxy {
	struct pid_namespace *pid_ns_for_children;
};
struct task_struct {
	unsigned int __state; /* `state` before 5.14 */
	int exit_code;
	int pid, tgid;
	struct task_struct *real_parent, *parent, *group_leader;
	u64 start_time, start_boottime;
	char comm[16];
	struct mm_struct *mm;
	struct css_set *cgroups;
	const struct cred *cred;
	struct signal_struct *signal;
	struct nsproxy *nsproxy;
	unsigned int flags;
	void *stack;
};
struct task_struct___before_5_14 {
	long state;
};
struct linux_binprm {
	const char *filename;
};

struct in6_addr {
	u8 bytes[16]; /* only its size is used */
};
struct sock_common {
	__be16 skc_dport;
	u16 skc_num, skc_family;
	__be32 skc_daddr, skc_rcv_saddr;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	volatile unsigned char skc_state;
};
struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol, sk_type;
	kuid_t sk_uid;
};
struct inet_sock {
	__be16 inet_sport;
};
struct tcp_sock {
	u64 bytes_received, bytes_sent, bytes_retrans;
};
struct sk_buff {
	unsigned char *head, *data;
	u16 network_header;
	u16 protocol; /* network order */
	unsigned int len, data_len;
	struct sock *sk;
};

struct gendisk {
	int major, first_minor;
};
struct request_queue {
	struct gendisk *disk; /* since 5.15 */
};
struct request {
	struct request_queue *q;
	u64 __sector;
	unsigned int __data_len;
	unsigned int cmd_flags;
};
struct request___before_5_17 {
	struct gendisk *rq_disk;
};

/* Only the registers that hold a function's arguments and the system call's number. */
struct pt_regs {
	int unused;
};
struct pt_regs___x86_64 {
	unsigned long di, si, dx, r10, orig_ax;
};
struct pt_regs___arm64 {
	u64 regs[31], orig_x0;
	s32 syscallno;
};

#pragma clang attribute pop

/*
 * bpf_get_current_comm() and friends speak of `current`; for any other task these read the same
 * fields.
 */
#define task_cgroup_id(task) BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id)
