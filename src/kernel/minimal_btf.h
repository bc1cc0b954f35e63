/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the kernel's BTF that an object's CO-RE relocations speak of. */
#pragma once

#include "kernel/extension.h"
#include "kernel/kernel_btf.h"

struct btf;

/*
 * Adds a BTF blob to @ret with which libbpf comes to the same results as with the kernel's whole
 * BTF. @local is the object's own. -EOPNOTSUPP for a relocation that this cannot promise for.
 * @missing gets the names, each with its NUL, that the kernel proper does not have: a module may.
 * @kernel may be NULL where extension_needs_btf() says no: the blob is then empty, which libbpf
 * wants to see all the same.
 */
int minimal_btf(const struct kernel_btf *kernel, const struct btf *local, const struct extension *e,
		struct buf *ret, struct buf *missing);
