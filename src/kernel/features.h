/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this kernel can do, found out by trying: each feature is a program of a few instructions or
 * a map of one entry that is loaded and closed again. Nothing is attached where the host could
 * notice: what must be attached to be believed goes to the kernel's own test function
 * bpf_fentry_test1 (never called but by BPF_PROG_TEST_RUN) or to this process.
 *
 * The answers, and those of capability.h, are findings: a state, what was found, and what it means
 * for Saker.
 */
#pragma once

#include "base/base.h"

enum finding_state { FINDING_OK, FINDING_NO, FINDING_UNKNOWN };

/* In the order in which they are shown. */
enum finding_group {
	FINDING_KERNEL,
	FINDING_SECURITY,
	FINDING_MOUNT,
	FINDING_CAPABILITY,
	FINDING_PROGRAM,
	FINDING_MAP,
	FINDING_HELPER,
	FINDING_GADGET,
	FINDING_GROUPS,
};

struct finding {
	enum finding_group group;
	enum finding_state state;
	const char *name; /* lives as long as the program */
	/*
	 * What Saker uses it for, and what it does without; NULL: nothing to say. They live as
	 * long.
	 */
	const char *use, *otherwise;
	char *found; /* what was found, "" when the state says it all; owned */
};

/*
 * A growing list. Zero-initialise. What could not be added for want of memory is remembered in
 * @error.
 */
struct findings {
	struct finding *items;
	size_t count, capacity;
	int error;
};

#define _cleanup_findings_ _cleanup_(findings_free)
void findings_free(struct findings *f);
void findings_add(struct findings *f, enum finding_group group, enum finding_state state,
		  const char *name, const char *use, const char *otherwise, const char *fmt, ...)
	PRINTF_LIKE(7, 8);
/* The finding of that name, NULL when there is none. */
const struct finding *findings_find(const struct findings *f, enum finding_group group,
				    const char *name);

/* May this process load programs of every sort? If not, most of what follows is FINDING_UNKNOWN. */
bool features_can_try(void);
/* Tries everything there is to try. 0 or -ENOMEM; what is refused is a finding, not an error. */
int features_probe(struct findings *f);
