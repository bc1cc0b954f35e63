/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files that try features: one attempt and its answer. Not for other folders.
 *
 * Types and commands that Debian 12's headers do not know stand here by number, under names of our
 * own.
 */
#pragma once

#include <linux/bpf.h>

#include "kernel/features.h"

enum {
	ATTACH_NETFILTER = 45,
	ATTACH_TCX_INGRESS = 46,
	ATTACH_UPROBE_MULTI = 48,
	PROGRAM_NETFILTER = 32,
	MAP_CGRP_STORAGE = 32,
	MAP_ARENA = 33,
};

/* Types of the kernel's BTF that programs must name by number; 0 where this kernel has none. */
enum btf_target {
	TARGET_NONE,
	TARGET_TRACEPOINT,
	TARGET_FUNCTION,
	TARGET_LSM,
	TARGET_ITER,
	TARGET_STRUCT_OPS,
	TARGET_RCU_LOCK,
	TARGET_RCU_UNLOCK,
	TARGET_ITER_NEW,
	TARGET_ITER_DESTROY,
	TARGETS,
};

struct probe {
	u32 btf_ids[TARGETS];
	int struct_ops_member; /* index of tcp_congestion_ops.ssthresh */
	int btf_error;	       /* why the ids are not known */
	bool privileged;       /* has CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN */
};

/*
 * How an attempt ended: @error is 0 or a negative errno, @reason has words where the number is not
 * enough.
 */
struct attempt {
	enum finding_state state;
	int error;
	char reason[160];
};

struct program_try {
	u32 type, attach, btf_id, flags;
	const struct bpf_insn *insns;
	u32 count;
	bool no_gpl;
	char *log; /* NULL, or where the verifier's words go */
	u32 log_size;
};

long bpf_call(int command, union bpf_attr *attr, size_t size);
/* A descriptor or -errno. */
int program_load(const struct program_try *t);
/* A map of one entry; @btf: local storage needs types for its key and value. */
int map_create(u32 type, u32 key_size, u32 value_size, u32 max_entries, u32 flags);
int btf_load(const void *types, size_t types_len);
int perf_open(u32 type, u64 config, u64 config1, u64 config2);

/* Turns the result of a try into an attempt; a refusal for want of privileges is no answer. */
void attempt_judge(const struct probe *p, int result, struct attempt *ret);
void attempt_say(struct attempt *a, enum finding_state state, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
void attempt_add(struct findings *f, enum finding_group group, const char *name, const char *use,
		 const char *otherwise, const struct attempt *a);

void probe_btf(struct probe *p);
void probe_programs(const struct probe *p, struct findings *f);
void probe_maps(const struct probe *p, struct findings *f);
void probe_helpers(const struct probe *p, struct findings *f);

/* Elements of an array's initialiser. */
#define INSN(c, d, s, o, i)                                                         \
	{                                                                           \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) \
	}
#define MOV_IMM(reg, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value)
#define MOV_REG(to, from) INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define ADD_IMM(reg, value) INSN(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, value)
#define CALL_HELPER(id) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define CALL_KFUNC(id) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (s32)(id))
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
