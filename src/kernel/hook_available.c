// SPDX-License-Identifier: Apache-2.0
/*
 * Which ways to attach this kernel has. A file of sysfs says so where there is one; the rest is
 * tried with a program of two instructions on what nobody ever reaches. Once per thread: what was
 * found stays true while the process lives.
 */
#include <linux/bpf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "kernel/hook.h"
#include "kernel/hook_internal.h"
#include "kernel/kernel_btf.h"
#include "kernel/object.h"

#define TRIAL_FUNCTION "bpf_fentry_test1"

int hook_read(const char *path, char *to, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, size - 1);

	if (n < 0)
		return -errno;
	to[n] = '\0';
	return 0;
}

/* Before 5.11 programs count as locked memory, of which little is allowed at first. */
static void raise_memlock(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	if (kernel_version() < KERNEL_VERSION_CODE(5, 11, 0))
		setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

static int tiny_program(u32 type, u32 attach, u32 btf_id)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (uintptr_t)code,
		.insn_cnt = ARRAY_SIZE(code),
		.license = (uintptr_t) "GPL",
		.expected_attach_type = attach,
		.attach_btf_id = btf_id,
	};
	sigset_t all, before;
	int fd, tries = 5;

	raise_memlock();
	/* a pending signal makes the verifier give up with EAGAIN */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	do {
		fd = (int)hook_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
		fd = fd < 0 ? -errno : fd;
	} while (fd == -EAGAIN && --tries);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return fd;
}

static int has_pmu(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	return access(path, F_OK) ? -ENOENT : 0;
}

static int try_kprobe(void)
{
	return has_pmu("kprobe") ? fail(-EOPNOTSUPP, "this kernel is built without kprobes") : 0;
}

static int try_uprobe(void)
{
	return has_pmu("uprobe") ? fail(-EOPNOTSUPP, "this kernel is built without uprobes") : 0;
}

/* A list of no functions is EINVAL where the kernel has it, else EOPNOTSUPP. */
static int try_kprobe_multi(void)
{
	_cleanup_close_ int fd = tiny_program(BPF_PROG_TYPE_KPROBE, HOOK_TYPE_KPROBE_MULTI, 0);
	struct hook_link link = { .program = (u32)fd, .attach_type = HOOK_TYPE_KPROBE_MULTI };
	int made;

	if (fd < 0 || kernel_version() < KERNEL_VERSION_CODE(5, 18, 0))
		return fail(-EOPNOTSUPP, "this kernel has no kprobe.multi (5.18)");
	made = (int)hook_bpf(BPF_LINK_CREATE, &link, sizeof(link));
	if (made >= 0)
		close(made);
	if (made < 0 && errno == EOPNOTSUPP)
		return fail(-EOPNOTSUPP, "this kernel is built without kprobe.multi (FPROBE)");
	return 0;
}

/* A path that is none is EBADF where the kernel has it. */
static int try_uprobe_multi(void)
{
	_cleanup_close_ int fd = tiny_program(BPF_PROG_TYPE_KPROBE, HOOK_TYPE_UPROBE_MULTI, 0);
	const u64 offset = 0;
	struct hook_link link = {
		.program = (u32)fd,
		.attach_type = HOOK_TYPE_UPROBE_MULTI,
		.uprobe = { .path = (uintptr_t) "/", .offsets = (uintptr_t)&offset, .count = 1 },
	};

	if (fd >= 0 && kernel_version() >= KERNEL_VERSION_CODE(6, 6, 0)) {
		int made = (int)hook_bpf(BPF_LINK_CREATE, &link, sizeof(link));

		if (made >= 0)
			close(made);
		if (made < 0 && errno == EBADF)
			return 0;
	}
	return fail(-EOPNOTSUPP, "this kernel has no uprobe.multi (6.6)");
}

static int try_fentry(void)
{
	_cleanup_(kernel_btf_putp) const struct kernel_btf *b = NULL;
	_cleanup_close_ int fd = -1;
	u64 attr[2] = {};
	int id, link;

	id = kernel_btf_get(&b);
	if (id)
		return fail(-EOPNOTSUPP, "this kernel has no BTF");
	id = kernel_btf_function(b, TRIAL_FUNCTION);
	if (id < 0)
		return fail(-EOPNOTSUPP, "this kernel is built without trampolines for BPF");
	fd = tiny_program(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, (u32)id);
	if (fd < 0)
		return fail(-EOPNOTSUPP, "programs on functions are refused here (%s)",
			    strerrorname_np(-fd));
#ifdef __x86_64__
	return 0; /* what can be loaded can be attached: trying that would take milliseconds */
#endif
	attr[1] = (u32)fd;
	link = (int)hook_bpf(BPF_RAW_TRACEPOINT_OPEN, attr, sizeof(attr));
	if (link < 0)
		return fail(-EOPNOTSUPP, "this kernel cannot attach to functions (%s)",
			    strerrorname_np(errno));
	close(link);
	return 0;
}

static int try_perf_link(void)
{
	if (kernel_version() >= KERNEL_VERSION_CODE(5, 15, 0))
		return 0;
	return fail(-EOPNOTSUPP, "this kernel has no cookies for perf events (5.15)");
}

static int try_raw_cookie(void)
{
	if (kernel_version() >= KERNEL_VERSION_CODE(6, 10, 0))
		return 0;
	return fail(-EOPNOTSUPP, "this kernel has no cookies for raw tracepoints (6.10)");
}

static int try_trace_cookie(void)
{
	if (kernel_version() >= KERNEL_VERSION_CODE(5, 19, 0))
		return 0;
	return fail(-EOPNOTSUPP, "this kernel has no cookies for fentry (5.19)");
}

int hook_available(enum hook_way way)
{
	static int (*const tries[])(void) = {
		[HOOK_KPROBE] = try_kprobe,
		[HOOK_KPROBE_MULTI] = try_kprobe_multi,
		[HOOK_FENTRY] = try_fentry,
		[HOOK_UPROBE] = try_uprobe,
		[HOOK_UPROBE_MULTI] = try_uprobe_multi,
		[HOOK_PERF_LINK] = try_perf_link,
		[HOOK_RAW_COOKIE] = try_raw_cookie,
		[HOOK_TRACE_COOKIE] = try_trace_cookie,
	};
	static __thread struct {
		bool done;
		int result;
		char text[120];
	} known[ARRAY_SIZE(tries)];

	if (!known[way].done) {
		known[way].result = tries[way]();
		known[way].done = true;
		if (known[way].result)
			snprintf(known[way].text, sizeof(known[way].text), "%s", error_text());
	}
	return known[way].result ? fail(known[way].result, "%s", known[way].text) : 0;
}
