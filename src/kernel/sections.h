/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program's ELF section says of it: "tp_btf/sched_switch" is a tracing program on that
 * tracepoint.
 *
 * libbpf parses the whole kernel BTF as soon as one program is of type TRACING or LSM. So for those
 * sections we register handlers of our own: the program is opened as a harmless type and gets its
 * real one, with the BTF id from our scan, in the last moment before it is loaded.
 */
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kernel/object.h"

enum section_sort {
	SECTION_OTHER,
	SECTION_CLASSIC, /* tp/category/name */
	SECTION_RAW,
	SECTION_TP_BTF,
	SECTION_FENTRY, /* and fexit */
	SECTION_LSM,
	SECTION_ITER,
	SECTION_KPROBE,
	SECTION_KSYSCALL,
	SECTION_KPROBE_MULTI,
	SECTION_UPROBE,
	SECTION_PERF_EVENT,
};

struct section {
	enum section_sort sort;
	const char *prefix; /* "tp_btf" */
	const char *target; /* behind the slash; "" when there is none */
};

struct section section_of(const struct bpf_program *p);
/* Is its hook known to the kernel by a BTF id? */
bool section_has_btf_id(enum section_sort sort);
/*
 * The id, or a negative errno with the text; -ENOENT when the kernel proper does not have it (a
 * module may).
 */
int section_btf_id(const struct section *s);
/* Once per process, before the first object is opened. */
int sections_register(void);
