/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A BPF object on its way into the kernel: open, decide which of its programs this kernel can have,
 * load, attach. It knows nothing of gadgets or schemas: the plan tells it what belongs together.
 *
 * Kernel BTF is dear (libbpf's full load takes 8 ms and 13 MB): relocations are resolved against a
 * minimised BTF that holds just the structs and members which the object names (minimal_btf.c), and
 * tp_btf programs get their BTF id from the same scan (sections.c). Programs of such sections are
 * of their real type only once they are loaded.
 */
#pragma once

#include "base/base.h"

struct object;
struct bpf_object;
struct btf;

/* What the caller knows of a program, by its function's name. */
struct program_plan {
	const char *program;
	const char *group;  /* alternatives of one group exclude each other; NULL: none */
	unsigned rank;	    /* the lowest that works is taken */
	const char *note;   /* what this alternative is, or lacks */
	bool wanted;	    /* false: leave it out (its parameter is not set) */
	bool optional;	    /* its hook may be missing: then the rest works without it */
	unsigned arguments; /* its raw tracepoint must have so many; 0: any number */
	u32 sample_hz;	    /* perf_event programs: samples a second on every CPU */
	/* filled by object_plan(): */
	bool chosen;
	/* why it was not chosen: "tracepoint block:block_io_start does not exist on this kernel" */
	char reason[256];
};

/* @bytes are copied. @name is for messages and for the kernel's names. */
int object_open(const char *name, const void *bytes, size_t size, struct object **ret);
struct object *object_free(struct object *o); /* detaches, unloads; returns NULL */
void object_freep(struct object **o);
/*
 * For maps, .rodata and instructions between open and load; owned by the object. Another one after
 * object_load() when an alternative was refused: with the same settings, but maps and programs must
 * be looked up anew.
 */
struct bpf_object *object_bpf(const struct object *o);
/*
 * The object's own BTF with the tags as they were compiled (libbpf sanitises a copy for old
 * kernels). Stays the same.
 */
const struct btf *object_btf(const struct object *o);

/*
 * Decides which programs are loaded. @plans stay the caller's and must live as long as the object.
 * Programs not in the plan are loaded as they are. -EOPNOTSUPP when a group has none that this
 * kernel allows: the text lists each alternative with its reason.
 */
int object_plan(struct object *o, struct program_plan *plans, size_t count);
/*
 * Loads. Blocks signals meanwhile (a pending timer makes the verifier return EAGAIN). When the
 * verifier refuses, the text is one paragraph: program, source line, the registers that matter, a
 * plain reason; object_verifier_log() has it all. When a chosen alternative is refused, the next
 * rank of its group is tried before giving up.
 */
int object_load(struct object *o);
/*
 * Attaches what was loaded, all or nothing. Iterators are made ready for object_iterator_open(),
 * which gives a descriptor to read from the beginning, the caller's to close.
 */
int object_attach(struct object *o);
int object_iterator_open(const struct object *o, const char *program);
void object_detach(struct object *o);
const char *object_verifier_log(const struct object *o);
/*
 * Runs of the object's programs that the kernel skipped because another ran on the CPU; UINT64_MAX
 * where this kernel cannot tell (classic tracepoints before 6.7, kprobes, perf events).
 */
u64 object_missed(const struct object *o);

/* ---- the kernel itself ----------------------------------------------------------------------- */

/* 6.12.107 is 0x060c6b as in LINUX_VERSION_CODE with the sublevel capped at 255. */
u32 kernel_version(void);
#define KERNEL_VERSION_CODE(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
/*
 * Is there a classic tracepoint category:name in tracefs? errno is EACCES where this user may not
 * look.
 */
bool tracepoint_exists(const char *category, const char *name);
/*
 * The BTF id of the raw tracepoint's typedef btf_trace_NAME, or -ENOENT, or why BTF cannot be read.
 */
int kernel_tracepoint_btf_id(const char *name);
/* How many arguments the raw tracepoint has on this kernel (they came and went), or -errno. */
int kernel_tracepoint_arguments(const char *name);
/*
 * Who opens and loads several objects holds the kernel's BTF meanwhile, so that it is scanned once.
 * 0, or why it cannot be read.
 */
int kernel_btf_hold(void);
void kernel_btf_release(void);
/*
 * Path of tracefs ("/sys/kernel/tracing"), mounting it when nobody has; NULL when it cannot be had.
 */
const char *tracefs_path(void);
