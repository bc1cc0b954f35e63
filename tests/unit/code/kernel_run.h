/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs compiled functions in the kernel by BPF_PROG_TEST_RUN, which attaches nothing: a socket
 * filter whose memory is the value of an array of one element.
 */
#pragma once

#include "code/code.h"

#include <bpf/bpf.h>

/* The kernel's instruction set: does it have loads with sign extension (6.6)? */
static inline bool kernel_has_signed_loads(void)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .off = 8 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "probe", "GPL", insns,
			       ARRAY_SIZE(insns), NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static inline int kernel_map(u32 size)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "memory", 4, size, 1, NULL);
}

/* Loads with every map being @map. A descriptor, or a negative errno with the verifier's words. */
static inline int kernel_load(struct ir_program *p, int map, char *log, size_t log_size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	int fd = -EAGAIN;

	for (size_t i = 0; i < p->relocation_count; i++)
		p->insns[p->relocations[i].insn].imm = map;
	for (unsigned i = 0; i < 20 && fd == -EAGAIN; i++)
		fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "random", "GPL", p->insns, p->count,
				   &opts);
	if (fd < 0 && log) {
		opts.log_buf = log;
		opts.log_size = (u32)log_size;
		opts.log_level = 1;
		fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "random", "GPL", p->insns, p->count,
				   &opts);
	}
	return fd;
}

static inline int kernel_test_run(int fd, u32 *ret)
{
	u8 packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));
	int err = bpf_prog_test_run_opts(fd, &opts);

	*ret = opts.retval;
	return err;
}
