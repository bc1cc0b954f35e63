/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a verifier's log to one paragraph that a person can act on: the program, the source line,
 * the instruction, the registers that it uses, and in plain words what the verifier cannot accept.
 */
#pragma once

#include "kernel/extension.h"

struct btf;

/* Where source lines are looked up: old kernels' logs have the text but not the place. */
struct source_lines {
	const struct extension *extension;
	const struct btf *btf;
};

/*
 * Adds the paragraph for @program, refused with @err. Any text may be given as @log; what is not
 * found there is left out. @lines may be NULL.
 */
void verifier_explain(const char *log, const char *program, int err,
		      const struct source_lines *lines, struct buf *ret);
/* The plain words for a verifier's message; NULL when it is none that we know. */
const char *verifier_reason(const char *message);
