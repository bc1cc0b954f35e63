/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One program, one map, one BTF, straight to bpf(2): for what is made at run time (scripts, rules),
 * where an object file would only be written to be parsed again. Signals are blocked while the
 * verifier works (a pending timer makes it return EAGAIN); a refusal is explained like an object's.
 */
#pragma once

#include <linux/bpf.h>

#include "base/base.h"

struct program_function {
	u32 insn, type; /* BTF id of its FUNC */
};

struct program_load {
	const char *name; /* cut to what the kernel takes */
	u32 type, attach; /* enum bpf_prog_type, expected_attach_type */
	u32 attach_btf_id;
	int attach_btf_fd; /* a module's BTF; 0: the kernel's */
	u32 flags;
	const struct bpf_insn *insns;
	size_t count;
	const char *license;
	int btf_fd; /* 0: none; then there are no functions and lines */
	const struct program_function *functions;
	size_t function_count;
	const struct bpf_line_info *lines;
	size_t line_count;
	size_t log_size; /* bytes of a refusal's log; 0: 1 MiB */
};

/*
 * A descriptor, or -errno with the explanation. Loads without a log first: it is asked for only
 * when the kernel refuses. @log (may be NULL) gets all the verifier said then.
 */
int kernel_load_program(const struct program_load *p, struct buf *log);

struct map_create {
	const char *name;
	u32 type, key_size, value_size, max_entries, flags;
	int btf_fd;
	u32 btf_key_type, btf_value_type;
};
/* A descriptor, or -errno with the text, which names the map and its size. */
int kernel_create_map(const struct map_create *m);
/* Loads BTF bytes; a descriptor or -errno. */
int kernel_load_btf(const void *bytes, size_t size);
/* Runs a raw tracepoint program once, on this CPU (5.10). 0 or -errno. */
int kernel_run_program(int fd, u64 *ret_value);
