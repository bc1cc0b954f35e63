/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that bring a script into the kernel. */
#pragma once

#include "lang/run/run.h"

/* Types for the kernel: the functions of programs that have more than one. */
struct run_btf {
	int fd;		  /* -1: no program needs it */
	u32 **functions;  /* by program, by part: id of its FUNC */
	u32 file, *lines; /* offsets of strings, by program and place; see btf.c */
	size_t line_count;
};

/* Creates all maps of the script; r->map_fds are theirs. */
int run_create_maps(struct run *r);
/* Maps the state and the losses into our memory. */
int run_map_memory(struct run *r);
/* Makes and loads BTF for the programs' functions. fd -1 when no program calls another function. */
int run_make_btf(struct run *r, struct run_btf *ret);
void run_btf_free(struct run_btf *b);
