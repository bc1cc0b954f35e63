/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of bpf_trace_printk()/bpf_printk(), read from a tracefs instance of our own: the global
 * trace_pipe belongs to whoever reads it first, and reading it would take others' lines away. The
 * kernel does not say which program wrote a line.
 */
#pragma once

#include "base/base.h"

struct printk;

/* Makes the instance. -EACCES, -ENOENT with the text when tracefs cannot be had. */
int printk_open(struct printk **ret);
struct printk *printk_free(struct printk *p); /* removes the instance; returns NULL */
void printk_freep(struct printk **p);
int printk_fd(const struct printk *p); /* to wait on */
/*
 * Calls @fn for each complete line there is (without newline), of at most 16 MiB: more may be there
 * for the next call. Returns their number or -errno; does not block.
 */
int printk_read(struct printk *p, void (*fn)(void *context, const char *line, size_t len),
		void *context);
/* Lines that the kernel overwrote before they were read; at least, where it has lost count. */
u64 printk_lost(const struct printk *p);
