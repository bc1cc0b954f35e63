// SPDX-License-Identifier: Apache-2.0
/*
 * Program types and the places they go to. Where loading proves little, one step further is taken:
 * perf events are opened on this process, fentry is attached to the kernel's own test function,
 * and multi links and tcx are asked with an argument that can only be refused by a kernel that
 * knows them, in a way that only it does.
 */
#include "kernel/features_probe.h"

#include <linux/perf_event.h>

enum step {
	STEP_LOAD,
	STEP_ATTACH,	   /* and attached to bpf_fentry_test1; an iterator: linked, not read */
	STEP_KPROBE_MULTI, /* and link refused with EFAULT */
	STEP_UPROBE_MULTI, /* ... with EBADF */
	STEP_TCX,	   /* ... with ENODEV */
	STEP_PERF_LINK,	   /* ... with EBADF */
};

struct program_feature {
	const char *name, *use, *otherwise;
	u32 type, attach;
	enum btf_target target;
	enum step step;
	s32 result; /* what the program returns: some types refuse others */
	u32 flags;
};

#define BY_TRACEPOINTS "gadgets take raw tracepoints instead"
#define NO_NETWORK "that part of network policy cannot run"

#define PROGRAM(a, b, c, d, ...)                                                      \
	{                                                                             \
		.name = (a), .use = (b), .otherwise = (c), .type = (d), ##__VA_ARGS__ \
	}
static const struct program_feature programs[] = {
	PROGRAM("raw_tp", "most gadgets", "classic tracepoints where a gadget has one",
		BPF_PROG_TYPE_RAW_TRACEPOINT),
	PROGRAM("tp_btf", "tracepoints with typed arguments", BY_TRACEPOINTS, BPF_PROG_TYPE_TRACING,
		.attach = BPF_TRACE_RAW_TP, .target = TARGET_TRACEPOINT),
	PROGRAM("tracepoint", "classic tracepoints", "raw tracepoints where a gadget has one",
		BPF_PROG_TYPE_TRACEPOINT),
	PROGRAM("perf_event", "profile", "profile cannot run", BPF_PROG_TYPE_PERF_EVENT),
	PROGRAM("perf link", "perf probes as links (5.15)", "attached by ioctl",
		BPF_PROG_TYPE_TRACEPOINT, .attach = BPF_PERF_EVENT, .step = STEP_PERF_LINK),
	PROGRAM("kprobe.multi", "many kernel functions at once (5.18)",
		"one probe for each function", BPF_PROG_TYPE_KPROBE,
		.attach = BPF_TRACE_KPROBE_MULTI, .step = STEP_KPROBE_MULTI),
	PROGRAM("uprobe.multi", "many places of a program at once (6.6)",
		"one probe for each place", BPF_PROG_TYPE_KPROBE, .attach = ATTACH_UPROBE_MULTI,
		.step = STEP_UPROBE_MULTI),
	PROGRAM("fentry", "kernel functions by BTF", BY_TRACEPOINTS, BPF_PROG_TYPE_TRACING,
		.attach = BPF_TRACE_FENTRY, .target = TARGET_FUNCTION, .step = STEP_ATTACH),
	PROGRAM("fexit", "return values of kernel functions", BY_TRACEPOINTS, BPF_PROG_TYPE_TRACING,
		.attach = BPF_TRACE_FEXIT, .target = TARGET_FUNCTION, .step = STEP_ATTACH),
	PROGRAM("lsm", "denying in the kernel", "enforcement by signals only", BPF_PROG_TYPE_LSM,
		.attach = BPF_LSM_MAC, .target = TARGET_LSM),
	PROGRAM("lsm.sleepable", "denying by what must be read from user memory",
		"decided without it", BPF_PROG_TYPE_LSM, .attach = BPF_LSM_MAC,
		.target = TARGET_LSM, .flags = BPF_F_SLEEPABLE),
	PROGRAM("iter", "listing tasks and sockets from inside", "/proc is read",
		BPF_PROG_TYPE_TRACING, .attach = BPF_TRACE_ITER, .target = TARGET_ITER,
		.step = STEP_ATTACH),
	PROGRAM("xdp", "flood guard, load balancing", NO_NETWORK, BPF_PROG_TYPE_XDP),
	PROGRAM("tc (sched_cls)", "packets at an interface", NO_NETWORK, BPF_PROG_TYPE_SCHED_CLS),
	PROGRAM("tcx", "packets at an interface, by link (6.6)", "tc's clsact is taken",
		BPF_PROG_TYPE_SCHED_CLS, .attach = ATTACH_TCX_INGRESS, .step = STEP_TCX),
	PROGRAM("cgroup_skb", "packets of a cgroup", NO_NETWORK, BPF_PROG_TYPE_CGROUP_SKB,
		.attach = BPF_CGROUP_INET_EGRESS, .result = 1),
	PROGRAM("cgroup_sock", "sockets of a cgroup", NO_NETWORK, BPF_PROG_TYPE_CGROUP_SOCK,
		.attach = BPF_CGROUP_INET_SOCK_CREATE, .result = 1),
	PROGRAM("cgroup_sock_addr", "connections of a cgroup", NO_NETWORK,
		BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach = BPF_CGROUP_INET4_CONNECT, .result = 1),
	PROGRAM("sock_ops", "the states of TCP connections", "tracepoints are taken",
		BPF_PROG_TYPE_SOCK_OPS, .attach = BPF_CGROUP_SOCK_OPS, .result = 1),
	PROGRAM("sk_msg", "data between sockets", NO_NETWORK, BPF_PROG_TYPE_SK_MSG,
		.attach = BPF_SK_MSG_VERDICT, .result = 1),
	PROGRAM("sk_skb", "data between sockets", NO_NETWORK, BPF_PROG_TYPE_SK_SKB,
		.attach = BPF_SK_SKB_STREAM_VERDICT, .result = 1),
	PROGRAM("sk_lookup", "which socket gets a connection", NO_NETWORK, BPF_PROG_TYPE_SK_LOOKUP,
		.attach = BPF_SK_LOOKUP, .result = 1),
	PROGRAM("netfilter", "packets beside iptables and nftables (6.4)", NO_NETWORK,
		PROGRAM_NETFILTER, .attach = ATTACH_NETFILTER, .result = 1),
	PROGRAM("socket_filter", "capturing packets", NULL, BPF_PROG_TYPE_SOCKET_FILTER),
	PROGRAM("struct_ops", "kernel policies such as congestion control",
		"not needed by any gadget", BPF_PROG_TYPE_STRUCT_OPS, .target = TARGET_STRUCT_OPS,
		.result = 2),
};

/* BPF_LINK_CREATE with the members that Debian 12's headers lack. */
struct link_create {
	u32 prog_fd, target, attach_type, flags;
	union {
		struct {
			u32 flags, count;
			u64 symbols, addresses, cookies;
		} kprobe;
		struct {
			u64 path, offsets, reference_counters, cookies;
			u32 count, flags, pid;
		} uprobe;
	};
};

/*
 * Asks for a link that cannot be had. Returns the errno that only a kernel which knows this link
 * gives, or another.
 */
static int refused_link(int program, const struct program_feature *pf)
{
	union {
		union bpf_attr attr;
		struct link_create link;
	} u = { 0 };
	u64 offset = 0;
	long r;

	u.link.prog_fd = (u32)program;
	u.link.attach_type = pf->attach;
	switch (pf->step) {
	case STEP_KPROBE_MULTI: /* an address array that cannot be read */
		u.link.kprobe.count = 1;
		u.link.kprobe.addresses = 1;
		break;
	case STEP_UPROBE_MULTI: /* a folder in place of a file */
		u.link.uprobe.path = (uintptr_t) "/";
		u.link.uprobe.offsets = (uintptr_t)&offset;
		u.link.uprobe.count = 1;
		break;
	case STEP_TCX:
		u.link.target = INT32_MAX; /* no such interface */
		break;
	default:
		u.link.target = (u32)-1; /* no such descriptor */
		break;
	}
	r = bpf_call(BPF_LINK_CREATE, &u.attr, sizeof(u));
	if (r >= 0)
		close((int)r);
	return (int)MIN(r, 0);
}

static int expected_refusal(enum step step)
{
	return step == STEP_KPROBE_MULTI ? -EFAULT : step == STEP_TCX ? -ENODEV : -EBADF;
}

static int attach(int program, const struct program_feature *pf)
{
	union bpf_attr attr = { 0 };
	int r;

	if (pf->attach == BPF_TRACE_ITER) {
		attr.link_create.prog_fd = (u32)program;
		attr.link_create.attach_type = pf->attach;
		r = (int)bpf_call(BPF_LINK_CREATE, &attr, sizeof(attr));
	} else {
		attr.raw_tracepoint.prog_fd = (u32)program;
		r = (int)bpf_call(BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
	}
	if (r >= 0)
		close(r);
	return MIN(r, 0);
}

static void try_program(const struct probe *p, const struct program_feature *pf,
			struct attempt *ret)
{
	const struct bpf_insn insns[] = { MOV_IMM(0, pf->result), EXIT() };
	struct program_try t = {
		.type = pf->type,
		.attach = pf->attach,
		.btf_id = p->btf_ids[pf->target],
		.flags = pf->flags,
		.insns = insns,
		.count = ARRAY_SIZE(insns),
	};
	_cleanup_close_ int fd = -1;
	int r;

	if (pf->target && !t.btf_id) {
		attempt_say(ret, p->btf_error ? FINDING_UNKNOWN : FINDING_NO,
			    p->btf_error ? "not known: kernel BTF cannot be read"
					 : "not named in the kernel's BTF");
		return;
	}
	if (pf->target == TARGET_STRUCT_OPS)
		t.attach = (u32)MAX(p->struct_ops_member, 0);
	if (pf->step == STEP_PERF_LINK)
		t.attach = 0;
	fd = program_load(&t);
	attempt_judge(p, fd, ret);
	if (fd < 0 || pf->step == STEP_LOAD)
		return;
	r = pf->step == STEP_ATTACH ? attach(fd, pf) : refused_link(fd, pf);
	if (pf->step != STEP_ATTACH && r == expected_refusal(pf->step))
		r = 0;
	attempt_judge(p, r, ret);
	if (r && ret->state == FINDING_NO && pf->step == STEP_ATTACH)
		attempt_say(ret, FINDING_NO, "loads, but attaching ends with %s",
			    strerrorname_np(-r));
}

/* ---- perf events ------------------------------------------------------------------------- */

/* The type number of a kernel PMU, or -errno. */
static int pmu_type(const char *name)
{
	_cleanup_buf_ struct buf b = { 0 };
	char path[96];
	int r;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	r = read_file(path, 64, &b);
	return r ? r : atoi(buf_str(&b));
}

/*
 * Where a function of this program lies in its file: what uprobes want. 0 when the mappings cannot
 * be read.
 */
static u64 own_offset(const void *address)
{
	_cleanup_file_ FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long long start, end, offset;
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%llx-%llx %*4s %llx", &start, &end, &offset) == 3 &&
		    (uintptr_t)address >= start && (uintptr_t)address < end)
			return (uintptr_t)address - start + offset;
	return 0;
}

/*
 * A probe on bpf_fentry_test1, or on a function of this process. Bit 0 of the config makes it a
 * return probe.
 */
static void try_probe(const struct probe *p, const char *pmu, bool ret_probe, struct attempt *ret)
{
	bool user = !strcmp(pmu, "uprobe");
	int type = pmu_type(pmu);
	u64 offset = user ? own_offset(pmu_type) : 0;
	_cleanup_close_ int fd = -1;

	if (type < 0) {
		*ret = (struct attempt){ .error = type };
		attempt_say(ret, FINDING_NO, "this kernel has no %ss", pmu);
		return;
	}
	fd = perf_open((u32)type, ret_probe,
		       (uintptr_t)(user ? "/proc/self/exe" : "bpf_fentry_test1"), offset);
	attempt_judge(p, fd, ret);
}

static void probe_perf(const struct probe *p, struct findings *f)
{
	static const struct {
		const char *name, *use, *otherwise, *pmu;
		bool is_return;
	} probes[] = {
		{ "kprobe", "kernel functions", BY_TRACEPOINTS, "kprobe", false },
		{ "kretprobe", "return values of kernel functions", BY_TRACEPOINTS, "kprobe",
		  true },
		{ "uprobe", "functions of programs and libraries", "those gadgets cannot run",
		  "uprobe", false },
		{ "uretprobe", "return values in programs", "those gadgets cannot run", "uprobe",
		  true },
	};
	struct attempt a;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		try_probe(p, probes[i].pmu, probes[i].is_return, &a);
		attempt_add(f, FINDING_PROGRAM, probes[i].name, probes[i].use, probes[i].otherwise,
			    &a);
	}
	fd = perf_open(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 0, 0);
	attempt_judge(p, fd, &a);
	attempt_add(f, FINDING_PROGRAM, "software clock", "sampling by time", "profile cannot run",
		    &a);
	if (fd >= 0)
		close(fd);
	fd = perf_open(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0, 0);
	attempt_judge(p, fd, &a);
	if (fd == -ENOENT || fd == -EOPNOTSUPP || fd == -EINVAL)
		attempt_say(&a, FINDING_NO, "this machine has no cycle counter (%s)",
			    strerrorname_np(-fd));
	attempt_add(f, FINDING_PROGRAM, "hardware counters", "sampling by cycles",
		    "sampling by the clock", &a);
	if (fd >= 0)
		close(fd);
}

void probe_programs(const struct probe *p, struct findings *f)
{
	struct attempt a;

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		try_program(p, &programs[i], &a);
		attempt_add(f, FINDING_PROGRAM, programs[i].name, programs[i].use,
			    programs[i].otherwise, &a);
	}
	probe_perf(p, f);
}
