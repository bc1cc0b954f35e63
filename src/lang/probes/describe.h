/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What -lv says of a probe or a type, in C's words as BTF and tracefs have them. Only who asks for
 * it pays for libbpf's whole load of the kernel's BTF.
 */
#pragma once

#include "lang/probes/probe.h"

struct btf;
struct describer {
	struct btf *kernel, *module;
	char module_name[64];
	struct type_world *world; /* for programs' debug information; NULL: not shown */
};
void describer_free(struct describer *d);
/* "    struct file * file" for each argument. */
void describe_point(struct describer *d, const struct attach_point *a, struct buf *b);
/* "struct task_*": names, sorted; @verbose: definitions. */
int describe_types(const char *pattern, bool verbose, struct buf *b);
