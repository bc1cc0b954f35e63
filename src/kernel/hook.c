// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching by bpf(2) and perf_event_open(2). A perf event that a link holds need not stay open
 * itself: so everything is one descriptor, whatever the kernel.
 */
#include <linux/bpf.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "kernel/hook.h"
#include "kernel/hook_internal.h"
#include "kernel/object.h"

long hook_bpf(int command, void *attr, size_t size)
{
	return syscall(SYS_bpf, command, attr, size);
}

/* ---- links --------------------------------------------------------------------------------- */

int hook_raw_tracepoint(int program, const char *name, u64 cookie)
{
	struct {
		u64 name;
		u32 program, padding;
		u64 cookie;
	} attr = { (uintptr_t)name, (u32)program, 0, cookie };
	/* A kernel before 6.10 refuses what it does not know. */
	size_t size = cookie && !hook_available(HOOK_RAW_COOKIE) ? sizeof(attr)
								 : offsetof(typeof(attr), cookie);
	int fd = (int)hook_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr, size);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return fail(-ENOENT, "tracepoint %s does not exist on this kernel", name);
	return fail_errno(-errno, "raw tracepoint %s", name);
}

static int trace_refused(int error)
{
	if (error == HOOK_ENOTSUPP)
		return fail(-EOPNOTSUPP,
			    "this kernel's trampolines do not reach the function: it has "
			    "more than 6 arguments, or structures as arguments");
	return fail_errno(-error, "not attached");
}

int hook_trace(int program, u64 cookie)
{
	struct hook_link link = { .program = (u32)program, .attach_type = BPF_TRACE_FENTRY };
	u64 attr[2] = { 0, (u32)program };
	int fd;

	if (cookie && !hook_available(HOOK_TRACE_COOKIE)) {
		link.tracing.cookie = cookie;
		/* the kernel compares with what the program was loaded for */
		for (size_t i = 0; i < 3; i++) {
			static const u32 types[] = { BPF_TRACE_FENTRY, BPF_TRACE_FEXIT,
						     BPF_TRACE_RAW_TP };

			link.attach_type = types[i];
			fd = (int)hook_bpf(BPF_LINK_CREATE, &link, sizeof(link));
			if (fd >= 0 || errno != EINVAL)
				return fd >= 0 ? fd : trace_refused(errno);
		}
	}
	fd = (int)hook_bpf(BPF_RAW_TRACEPOINT_OPEN, attr, sizeof(attr));
	return fd >= 0 ? fd : trace_refused(errno);
}

int hook_iterator(int program)
{
	struct hook_link link = { .program = (u32)program, .attach_type = BPF_TRACE_ITER };
	int fd = (int)hook_bpf(BPF_LINK_CREATE, &link, sizeof(link));

	return fd >= 0 ? fd : fail_errno(-errno, "the iterator cannot be attached");
}

int hook_iterator_open(int link)
{
	u32 attr[2] = { (u32)link };
	int fd = (int)hook_bpf(BPF_ITER_CREATE, attr, sizeof(attr));

	return fd >= 0 ? fd : fail_errno(-errno, "the iterator cannot be read");
}

int hook_kprobe_multi(int program, const char *const *functions, u32 count, bool is_return,
		      u64 first_cookie)
{
	_cleanup_free_ u64 *cookies = calloc(count, sizeof(*cookies));
	struct hook_link link = {
		.program = (u32)program,
		.attach_type = HOOK_TYPE_KPROBE_MULTI,
		.kprobe = { .flags = is_return, .count = count, .symbols = (uintptr_t)functions },
	};
	int fd;

	if (!cookies)
		return fail(-ENOMEM, "out of memory");
	for (u32 i = 0; i < count; i++)
		cookies[i] = first_cookie + i;
	link.kprobe.cookies = (uintptr_t)cookies;
	fd = (int)hook_bpf(BPF_LINK_CREATE, &link, sizeof(link));
	if (fd >= 0)
		return fd;
	if (errno == ESRCH || errno == ENOENT)
		return fail(-ENOENT, "function %s%s cannot be traced on this kernel", functions[0],
			    count > 1 ? " or another of them" : "");
	return fail_errno(-errno, "kprobes on %u functions", count);
}

int hook_uprobe_multi(int program, const char *path, const u64 *offsets, const u64 *semaphores,
		      u32 count, bool is_return, s32 pid, u64 first_cookie)
{
	_cleanup_free_ u64 *cookies = calloc(count, sizeof(*cookies));
	struct hook_link link = {
		.program = (u32)program,
		.attach_type = HOOK_TYPE_UPROBE_MULTI,
		.uprobe = { .path = (uintptr_t)path,
			    .offsets = (uintptr_t)offsets,
			    .semaphores = (uintptr_t)semaphores,
			    .count = count,
			    .flags = is_return,
			    .pid = (u32)pid },
	};
	int fd;

	if (!cookies)
		return fail(-ENOMEM, "out of memory");
	for (u32 i = 0; i < count; i++)
		cookies[i] = first_cookie + i;
	link.uprobe.cookies = (uintptr_t)cookies;
	fd = (int)hook_bpf(BPF_LINK_CREATE, &link, sizeof(link));
	if (fd >= 0)
		return fd;
	if (errno == HOOK_ENOTSUPP)
		return fail(-EOPNOTSUPP,
			    "%s of %s cannot be probed: the kernel cannot step over "
			    "its instruction",
			    count == 1 ? "a place" : "one of several places", path);
	return fail_errno(-errno, "uprobes on %u places of %s", count, path);
}

/* ---- perf events --------------------------------------------------------------------------- */

int hook_perf_open(const struct perf_event_attr *attr, s32 pid, int cpu)
{
	struct perf_event_attr a = *attr;
	int fd;

	a.size = sizeof(a);
	fd = (int)syscall(SYS_perf_event_open, &a, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

/* Takes the event over. */
int hook_set(int program, int event, u64 cookie)
{
	struct hook_link link = {
		.program = (u32)program,
		.target = (u32)event,
		.attach_type = HOOK_TYPE_PERF_EVENT,
		.perf.cookie = cookie,
	};
	int fd, err;

	/* Tried, not asked for: kernels before 5.15 have it too where it was ported back. */
	fd = (int)hook_bpf(BPF_LINK_CREATE, &link, sizeof(link));
	if (fd >= 0) {
		close(event);
		return fd;
	}
	if (!ioctl(event, PERF_EVENT_IOC_SET_BPF, program))
		return event;
	err = -errno;
	close(event);
	return err;
}

int hook_perf(int program, const struct perf_event_attr *attr, s32 pid, int cpu, u64 cookie)
{
	int event = hook_perf_open(attr, pid, cpu);
	int fd = event < 0 ? event : hook_set(program, event, cookie);

	return fd >= 0 ? fd : fail_errno(fd, "perf event on CPU %d", cpu);
}

int hook_tracepoint(int program, const char *category, const char *name, u64 cookie)
{
	const char *root = tracefs_path();
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.sample_period = 1,
	};
	char path[512], id[32];
	int fd;

	if (!root)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/events/%s/%s/id", root, category, name);
	if (hook_read(path, id, sizeof(id)))
		return fail(-ENOENT, "tracepoint %s:%s does not exist on this kernel", category,
			    name);
	attr.config = strtoull(id, NULL, 10);
	/* An event of one CPU is enough: a program on a tracepoint runs on all. */
	fd = hook_perf_open(&attr, -1, 0);
	if (fd >= 0)
		fd = hook_set(program, fd, cookie);
	return fd >= 0 ? fd : fail_errno(fd, "tracepoint %s:%s", category, name);
}

/* The PMU's number, and the bit of its config that makes a return probe; -ENOENT. */
static int pmu(const char *name, u32 *ret_type, unsigned *ret_bit)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	if (hook_read(path, text, sizeof(text)))
		return -ENOENT;
	*ret_type = (u32)strtoul(text, NULL, 10);
	*ret_bit = 0;
	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/format/retprobe", name);
	if (!hook_read(path, text, sizeof(text)) && str_starts(text, "config:"))
		*ret_bit = (unsigned)strtoul(text + 7, NULL, 10) & 63;
	return 0;
}

int hook_kprobe(int program, const struct hook_kprobe *k, u64 cookie)
{
	static __thread u32 type;
	static __thread unsigned bit;
	struct perf_event_attr attr = { .sample_period = 1 };
	int fd;

	if (!type && pmu("kprobe", &type, &bit))
		return hook_available(HOOK_KPROBE);
	attr.type = type;
	attr.config = (u64)k->is_return << bit;
	attr.kprobe_func = (uintptr_t)k->function;
	attr.probe_offset = k->offset;
	fd = hook_perf_open(&attr, -1, 0);
	if (fd >= 0)
		fd = hook_set(program, fd, cookie);
	if (fd >= 0)
		return fd;
	if (!k->function)
		return fail_errno(fd, "kprobe at 0x%llx", (unsigned long long)k->offset);
	if (fd == -ENOENT)
		return fail(fd, "function %s does not exist on this kernel", k->function);
	if (fd == -EILSEQ)
		return fail(fd, "no instruction of %s begins at +%llu", k->function,
			    (unsigned long long)k->offset);
	if (fd == -EINVAL && !k->offset)
		return fail(fd, "function %s cannot be probed: the kernel's probes need it",
			    k->function);
	if (fd == -EADDRNOTAVAIL)
		return fail(fd, "this kernel has several functions %s: name one by its address",
			    k->function);
	return fail_errno(fd, "kprobe on %s+%llu", k->function, (unsigned long long)k->offset);
}

int hook_uprobe(int program, const struct hook_uprobe *u, s32 pid, u64 cookie)
{
	static __thread u32 type;
	static __thread unsigned bit;
	struct perf_event_attr attr = { .sample_period = 1 };
	int fd;

	if (!type && pmu("uprobe", &type, &bit))
		return hook_available(HOOK_UPROBE);
	if (u->semaphore > UINT32_MAX)
		return fail(-EINVAL, "the counter of a probe in %s lies too far behind", u->path);
	attr.type = type;
	attr.config = (u64)u->is_return << bit | u->semaphore << 32;
	attr.uprobe_path = (uintptr_t)u->path;
	attr.probe_offset = u->offset;
	fd = hook_perf_open(&attr, pid > 0 ? pid : -1, pid > 0 ? -1 : 0);
	if (fd >= 0)
		fd = hook_set(program, fd, cookie);
	if (fd == -HOOK_ENOTSUPP)
		return fail(-EOPNOTSUPP,
			    "0x%llx of %s cannot be probed: the kernel cannot step over "
			    "its instruction",
			    (unsigned long long)u->offset, u->path);
	return fd >= 0 ? fd
		       : fail_errno(fd, "uprobe at 0x%llx of %s", (unsigned long long)u->offset,
				    u->path);
}

int hook_watchpoint(int program, u64 address, u32 length, u32 access, s32 pid, int cpu, u64 cookie)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.sample_period = 1,
		.bp_type = access & 4 ? HW_BREAKPOINT_X : access & 3,
		.bp_addr = address,
		.bp_len = access & 4 ? sizeof(long) : length,
	};
	int fd = hook_perf_open(&attr, pid > 0 ? pid : -1, cpu);

	if (fd >= 0)
		fd = hook_set(program, fd, cookie);
	if (fd == -ENOSPC)
		return fail(fd, "all debug registers of this machine are in use");
	return fd >= 0 ? fd : fail_errno(fd, "watchpoint at 0x%llx", (unsigned long long)address);
}
