/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hook files share: bpf(2) as it is, and the part of its BPF_LINK_CREATE argument that
 * headers of older kernels do not have. Nobody outside the folder includes this.
 */
#pragma once

#include "base/base.h"

/* enum bpf_attach_type, beyond what old headers know */
enum { HOOK_TYPE_PERF_EVENT = 41, HOOK_TYPE_KPROBE_MULTI = 42, HOOK_TYPE_UPROBE_MULTI = 48 };

/* the kernel's own, which leaks out to user space */
#define HOOK_ENOTSUPP 524

struct hook_link {
	u32 program, target, attach_type, flags;
	union {
		struct {
			u64 cookie;
		} perf;
		struct {
			u32 btf_id, padding;
			u64 cookie;
		} tracing;
		struct {
			u32 flags, count;
			u64 symbols, addresses, cookies;
		} kprobe;
		struct {
			u64 path, offsets, semaphores, cookies;
			u32 count, flags, pid, padding;
		} uprobe;
	};
};

long hook_bpf(int command, void *attr, size_t size);
struct perf_event_attr;
int hook_perf_open(const struct perf_event_attr *attr, s32 pid, int cpu);
int hook_set(int program, int event, u64 cookie);
/* The beginning of a small file as a string, without an allocation. */
int hook_read(const char *path, char *to, size_t size);
