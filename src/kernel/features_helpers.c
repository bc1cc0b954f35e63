// SPDX-License-Identifier: Apache-2.0
/*
 * Helpers and instructions. A helper is tried by a program that calls it with no arguments set: a
 * verifier that knows it complains of the arguments, one that does not says "unknown func" or
 * "invalid func", one that keeps it from this type of program says so too. What is not a helper is
 * tried by the smallest whole program that uses it.
 */
#include "kernel/features_probe.h"

#include <linux/btf.h>

struct helper_feature {
	const char *name, *use, *otherwise;
	u32 id, program;
};

static const struct helper_feature helpers[] = {
	{ "probe_read_user_str", "strings of user space (5.5)", NULL, BPF_FUNC_probe_read_user_str,
	  BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "ringbuf_reserve", "every event (5.8)", NULL, BPF_FUNC_ringbuf_reserve,
	  BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "send_signal", "kill and stop as actions (5.3)", NULL, BPF_FUNC_send_signal,
	  BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "get_stackid", "stacks", NULL, BPF_FUNC_get_stackid, BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "get_current_task_btf", "the current task without probe_read (5.11)", NULL,
	  BPF_FUNC_get_current_task_btf, BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "get_current_ancestor_cgroup_id", "filters by container and all below it (5.16)",
	  "by the process's own cgroup", BPF_FUNC_get_current_ancestor_cgroup_id,
	  BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "d_path", "whole paths of files, in fentry programs (5.10) and LSM programs (5.11)",
	  "built from dentries", BPF_FUNC_d_path, BPF_PROG_TYPE_LSM },
	{ "copy_from_user", "memory that is paged out, in sleepable programs (5.10)", NULL,
	  BPF_FUNC_copy_from_user, BPF_PROG_TYPE_LSM },
	{ "task_storage_get", "state per task (5.11; in tracing programs 5.13)", "a hash is taken",
	  BPF_FUNC_task_storage_get, BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "for_each_map_elem", "loops over maps (5.13)", "user space reads them",
	  BPF_FUNC_for_each_map_elem, BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "snprintf", "text made in the kernel (5.13)", NULL, BPF_FUNC_snprintf,
	  BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "timer_init", "timers (5.15)", "user space's clock is taken", BPF_FUNC_timer_init,
	  BPF_PROG_TYPE_SCHED_CLS },
	{ "get_func_ip", "which function was hit (5.15)", "one program for each",
	  BPF_FUNC_get_func_ip, BPF_PROG_TYPE_KPROBE },
	{ "get_attach_cookie", "one program for many places (5.15)", "one program for each",
	  BPF_FUNC_get_attach_cookie, BPF_PROG_TYPE_KPROBE },
	{ "task_pt_regs", "registers of user space (5.15)", NULL, BPF_FUNC_task_pt_regs,
	  BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "loop", "long loops (5.17)", "unrolled and cut short", BPF_FUNC_loop,
	  BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "strncmp", "comparing strings (5.17)", "compared in words", BPF_FUNC_strncmp,
	  BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "find_vma", "the file behind an address (5.17)", NULL, BPF_FUNC_find_vma,
	  BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "map_lookup_percpu_elem", "counters of other CPUs (5.19)", "user space adds them up",
	  BPF_FUNC_map_lookup_percpu_elem, BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "dynptr_from_mem", "dynamic pointers (5.19)", "records of fixed classes",
	  BPF_FUNC_dynptr_from_mem, BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "ringbuf_reserve_dynptr", "records of exact length (5.19)", NULL,
	  BPF_FUNC_ringbuf_reserve_dynptr, BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "kptr_xchg", "kernel objects kept in maps (5.19)", NULL, BPF_FUNC_kptr_xchg,
	  BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "override_return", "error injection in place of LSM denials", NULL,
	  BPF_FUNC_override_return, BPF_PROG_TYPE_KPROBE },
	{ "redirect_peer", "short cuts between containers (5.10)", NULL, BPF_FUNC_redirect_peer,
	  BPF_PROG_TYPE_SCHED_CLS },
	{ "sk_assign", "steering packets to a socket (5.7)", NULL, BPF_FUNC_sk_assign,
	  BPF_PROG_TYPE_SCHED_CLS },
	{ "tcp_raw_gen_syncookie", "SYN cookies in XDP (6.0)", NULL,
	  BPF_FUNC_tcp_raw_gen_syncookie_ipv4, BPF_PROG_TYPE_XDP },
};

static bool log_denies(const char *log)
{
	return strstr(log, "unknown func") || strstr(log, "invalid func") ||
	       strstr(log, "cannot use helper") || strstr(log, "not allowed in probe");
}

static void try_helper(const struct probe *p, const struct helper_feature *h, struct attempt *ret)
{
	const struct bpf_insn insns[] = { CALL_HELPER((s32)h->id), EXIT() };
	char log[1024] = "";
	struct program_try t = {
		.type = h->program,
		.insns = insns,
		.count = ARRAY_SIZE(insns),
		.log = log,
		.log_size = sizeof(log),
	};
	_cleanup_close_ int fd = -1;

	if (h->program == BPF_PROG_TYPE_LSM) {
		t.attach = BPF_LSM_MAC;
		t.btf_id = p->btf_ids[TARGET_LSM];
		t.flags = h->id == BPF_FUNC_copy_from_user ? BPF_F_SLEEPABLE : 0;
	}
	fd = program_load(&t);
	if (log_denies(log))
		attempt_say(ret, FINDING_NO, "not in this kernel");
	else if (*log) /* the verifier went as far as the arguments, which are lacking */
		*ret = (struct attempt){ .state = FINDING_OK };
	else if (h->program == BPF_PROG_TYPE_LSM && fd < 0 && p->privileged)
		attempt_say(ret, FINDING_UNKNOWN, "not known: LSM programs cannot be loaded");
	else
		attempt_judge(p, fd, ret);
}

struct code_feature {
	const char *name, *use, *otherwise;
	struct bpf_insn insns[8]; /* to the first exit */
};

static const struct code_feature codes[] = {
	{ "bounded loops",
	  "loops that the verifier walks (5.3)",
	  NULL,
	  { MOV_IMM(0, 0), ADD_IMM(0, 1), INSN(BPF_JMP | BPF_JLT | BPF_K, 0, 0, -2, 4), EXIT() } },
	{ "atomic fetch",
	  "counters that return their value (5.12)",
	  NULL,
	  { INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 0), MOV_IMM(0, 1),
	    INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 0, -8, BPF_ADD | BPF_FETCH), MOV_IMM(0, 0),
	    EXIT() } },
	{ "instructions v4",
	  "sign extension and long jumps (6.6)",
	  "v3 is taken",
	  { MOV_IMM(1, 1), INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 8, 0), MOV_IMM(0, 0), EXIT() } },
	{ "may_goto",
	  "loops bounded by the kernel (6.9)",
	  "bounded loops are taken",
	  { MOV_IMM(0, 0), INSN(BPF_JMP | 0xe0, 0, 0, 1, 0), MOV_IMM(0, 0), EXIT() } },
};

static void try_code(const struct probe *p, const struct bpf_insn *insns, u32 count,
		     struct attempt *ret)
{
	struct program_try t = { .type = BPF_PROG_TYPE_RAW_TRACEPOINT,
				 .insns = insns,
				 .count = count };
	_cleanup_close_ int fd = program_load(&t);

	attempt_judge(p, fd, ret);
}

static void try_kfuncs(const struct probe *p, struct attempt *ret)
{
	const struct bpf_insn insns[] = { CALL_KFUNC(p->btf_ids[TARGET_RCU_LOCK]),
					  CALL_KFUNC(p->btf_ids[TARGET_RCU_UNLOCK]), MOV_IMM(0, 0),
					  EXIT() };

	if (!p->btf_ids[TARGET_RCU_LOCK] || !p->btf_ids[TARGET_RCU_UNLOCK])
		attempt_say(ret, FINDING_NO, "not in this kernel");
	else
		try_code(p, insns, ARRAY_SIZE(insns), ret);
}

static void try_iterators(const struct probe *p, struct attempt *ret)
{
	const struct bpf_insn insns[] = {
		MOV_REG(1, 10),
		ADD_IMM(1, -8),
		MOV_IMM(2, 0),
		MOV_IMM(3, 1),
		CALL_KFUNC(p->btf_ids[TARGET_ITER_NEW]),
		MOV_REG(1, 10),
		ADD_IMM(1, -8),
		CALL_KFUNC(p->btf_ids[TARGET_ITER_DESTROY]),
		MOV_IMM(0, 0),
		EXIT(),
	};

	if (!p->btf_ids[TARGET_ITER_NEW] || !p->btf_ids[TARGET_ITER_DESTROY])
		attempt_say(ret, FINDING_NO, "not in this kernel");
	else
		try_code(p, insns, ARRAY_SIZE(insns), ret);
}

/* Tags in BTF: libbpf takes them out of the copy that an old kernel gets. */
static void try_decl_tag(const struct probe *p, struct attempt *ret)
{
	static const u32 types[] = {
		1, BTF_KIND_INT << 24,	    4, BTF_INT_SIGNED << 24 | 32, /* 1: int x */
		1, BTF_KIND_TYPEDEF << 24,  1,				  /* 2: typedef int x */
		1, BTF_KIND_DECL_TAG << 24, 2, (u32)-1,			  /* 3: tag "x" on it */
	};
	_cleanup_close_ int fd = btf_load(types, sizeof(types));

	attempt_judge(p, fd, ret);
}

static void try_batch(const struct probe *p, struct attempt *ret)
{
	_cleanup_close_ int map = map_create(BPF_MAP_TYPE_HASH, 4, 4, 1, 0);
	union bpf_attr attr = { 0 };
	u32 out = 0, key = 0, value = 0;
	int r = map;

	if (map >= 0) {
		attr.batch.map_fd = (u32)map;
		attr.batch.count = 1;
		attr.batch.out_batch = (uintptr_t)&out;
		attr.batch.keys = (uintptr_t)&key;
		attr.batch.values = (uintptr_t)&value;
		r = (int)bpf_call(BPF_MAP_LOOKUP_BATCH, &attr, sizeof(attr));
		r = r == -ENOENT ? 0 : r; /* the end of an empty map */
	}
	attempt_judge(p, r, ret);
}

void probe_helpers(const struct probe *p, struct findings *f)
{
	struct attempt a;

	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++) {
		try_helper(p, &helpers[i], &a);
		attempt_add(f, FINDING_HELPER, helpers[i].name, helpers[i].use,
			    helpers[i].otherwise, &a);
	}
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		u32 count = 1;

		while (codes[i].insns[count - 1].code != (BPF_JMP | BPF_EXIT))
			count++;
		try_code(p, codes[i].insns, count, &a);
		attempt_add(f, FINDING_HELPER, codes[i].name, codes[i].use, codes[i].otherwise, &a);
	}
	try_iterators(p, &a);
	attempt_add(f, FINDING_HELPER, "open-coded iterators", "loops over numbers and tasks (6.4)",
		    NULL, &a);
	try_kfuncs(p, &a);
	attempt_add(f, FINDING_HELPER, "kfunc calls",
		    "kernel functions made for programs (tracing: 6.2)", NULL, &a);
	try_decl_tag(p, &a);
	attempt_add(f, FINDING_HELPER, "BTF decl tags", "what user space reads of a gadget (5.16)",
		    "left out of the copy that the kernel gets", &a);
	try_batch(p, &a);
	attempt_add(f, FINDING_HELPER, "batched map reads", "one call for many entries (5.6)",
		    "one call for each", &a);
}
