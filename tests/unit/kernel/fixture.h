/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of src/kernel share: cmocka, the BPF programs of this folder, and the right to
 * load them.
 */
#pragma once

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "kernel/kernel.h"

#include <setjmp.h>
#include <cmocka.h> /* behind base.h: it makes a macro of fail() */

struct bytes {
	const void *at;
	size_t size;
};

/* The objects made of core.bpf.c, refused.bpf.c ... */
struct bytes core_object(void);
struct bytes refused_object(void);
struct bytes alternatives_object(void);
struct bytes running_object(void);

/* Opens, or fails the test with the reason. */
struct object *open_object(struct bytes bytes);
void must(int err); /* fails the test with error_text() */
/* Not root, or a kernel without BTF: the test is skipped and says so. */
void need_bpf(void);
struct bpf_program *program_of(const struct object *o, const char *name);
/* The variable of the object's global data, mapped. */
void *variable(const struct object *o, const char *map, const char *name);
