/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw attaching: one loaded program, one hook, one descriptor. What comes back is a BPF link where
 * the kernel has one for the hook, else the perf event that the program was set on; closing it
 * detaches. Written on bpf(2) and perf_event_open(2) themselves: libbpf 1.1 lacks the newer links,
 * and a script's programs are no bpf_object.
 *
 *	perf event --link (5.15) or ioctl--> program	kprobe.multi 5.18, uprobe.multi 6.6
 *
 * A cookie is what the program gets from bpf_get_attach_cookie(), where hook_has_cookie().
 */
#pragma once

#include "base/base.h"

struct perf_event_attr;

/* Ways to attach that a kernel may lack, or refuse on a locked-down machine. */
enum hook_way {
	HOOK_KPROBE,
	HOOK_KPROBE_MULTI,
	HOOK_FENTRY,
	HOOK_UPROBE,
	HOOK_UPROBE_MULTI,
	HOOK_PERF_LINK, /* cookies of perf events, kprobes, uprobes, classic tracepoints */
	HOOK_RAW_COOKIE,
	HOOK_TRACE_COOKIE,
};

/* 0, or a negative errno with a text that says what this kernel lacks. Tried once a thread. */
int hook_available(enum hook_way way);

/* All of these return a descriptor of the caller's, or a negative errno with a text. */
int hook_raw_tracepoint(int program, const char *name, u64 cookie);
/* tp_btf, fentry, fexit: where, the program knows since it was loaded. */
int hook_trace(int program, u64 cookie);
/* An iterator's link; hook_iterator_open() starts one reading of it. */
int hook_iterator(int program);
int hook_iterator_open(int link);
/* A perf event as @attr says, on @cpu or all (-1), for @pid or all (-1). */
int hook_perf(int program, const struct perf_event_attr *attr, s32 pid, int cpu, u64 cookie);
int hook_tracepoint(int program, const char *category, const char *name, u64 cookie);

/* A function of the kernel ("tcp_v4_connect", "module:name") and an offset in it, or an address. */
struct hook_kprobe {
	const char *function; /* NULL: address */
	u64 offset;	      /* or the address */
	bool is_return;
};
int hook_kprobe(int program, const struct hook_kprobe *k, u64 cookie);
/* Cookies: @first_cookie, +1, ... in the order of @functions, in which no name comes twice. */
int hook_kprobe_multi(int program, const char *const *functions, u32 count, bool is_return,
		      u64 first_cookie);

struct hook_uprobe {
	const char *path;
	u64 offset;    /* in the file */
	u64 semaphore; /* offset of a counter that is raised while attached; 0: none */
	bool is_return;
};
/* @pid: of one process only; 0: of all, now and later. */
int hook_uprobe(int program, const struct hook_uprobe *u, s32 pid, u64 cookie);
/* All of one path; @semaphores may be NULL. */
int hook_uprobe_multi(int program, const char *path, const u64 *offsets, const u64 *semaphores,
		      u32 count, bool is_return, s32 pid, u64 first_cookie);

/* A debug register on every thread of @pid or, with 0, on @cpu. access: bit 0 r, 1 w, 2 x. */
int hook_watchpoint(int program, u64 address, u32 length, u32 access, s32 pid, int cpu, u64 cookie);

/* Numbers of the CPUs that are on line, ascending; the caller frees. */
int hook_cpus(int **ret, size_t *ret_count);
/* Pins a link to a path in bpffs. */
int hook_pin(int fd, const char *path);
/* Runs of the program that the kernel skipped; UINT64_MAX when it does not say. */
u64 hook_misses(int program);
/* Closes them all, two at a time: each can wait for grace periods. */
void hook_close(int *fds, size_t count);

/*
 * For who is about to end and has much to let go (a classic tracepoint takes some 50 ms, one after
 * the other): gives them to two orphaned processes that do nothing but wait for the kernel, and
 * comes back at once. Until they are done, seconds later, the programs still run. Falls back to
 * hook_close(). Sorts @fds.
 */
void hook_leave(int *fds, size_t count);

/* ---- what there is to attach to ------------------------------------------------------------ */

/* Return true to go on. @module: NULL for the kernel proper. */
typedef bool hook_name_fn(void *context, const char *module, const char *name);
/*
 * Functions that kprobes and trampolines can have, as the tracer of functions lists them, or the
 * text symbols of kallsyms where it lists none. @file: read instead; NULL.
 */
int hook_functions(const char *file, hook_name_fn *fn, void *context);
/* Raw tracepoints of the kernel's and its modules' BTF. */
int hook_raw_tracepoints(hook_name_fn *fn, void *context);
/* Functions that BTF describes; modules' too when @modules. */
int hook_btf_functions(bool modules, hook_name_fn *fn, void *context);
/* Kinds of iterators: NAME of every struct bpf_iter__NAME. */
int hook_iterators(hook_name_fn *fn, void *context);
/* Has the kernel's own BTF this function (or raw tracepoint "btf_trace_NAME")? */
bool hook_has_function(const char *name);
/*
 * The BTF id of a function, or -ENOENT. @module NULL: the kernel proper's, then any module's, whose
 * name goes to @ret_module ("" for the kernel's).
 */
int hook_function_id(const char *module, const char *name, char *ret_module, size_t size);
/* The BTF id of the function that makes iterator @name, or -ENOENT. */
int hook_iterator_id(const char *name);
/* A text symbol of kallsyms: its address, 0 when hidden. -ENOENT. @module NULL: any. */
int hook_symbol(const char *module, const char *name, u64 *ret);
/* The module's BTF as a descriptor, the caller's. */
int hook_module_btf(const char *module);
/*
 * A program that is loaded, by its name or number: a descriptor of the caller's and the BTF id of
 * its function @ret_id.
 */
int hook_program(const char *name, u32 number, u32 *ret_id);
/* Calls @fn(context, NULL, name) for every loaded program that has BTF. */
int hook_programs(hook_name_fn *fn, void *context);
