/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One program that proves the gadgets on the kernel that it runs on: each is loaded, attached,
 * given something that was done on purpose, and must tell just that. Runs on the host and in every
 * kernel of the matrix; prints TAP.
 */
#pragma once

#include "event/event.h"
#include "kernel/kernel.h"

#define DEADLINE_NS (20 * NSEC_PER_SEC) /* an emulated machine is slow */

/* What a trigger did, for the match to compare with. */
struct deed {
	pid_t pid; /* of the child that did it, 0: this process */
	u64 number;
	char text[128];
};

struct check {
	const char *name; /* of the test */
	const char *gadget;
	const char *parameters; /* "name=value ..." */
	const char *where;	/* a filter for the kernel, or NULL */
	/*
	 * Does it. 0, or -errno with the text: then the test is skipped (this machine cannot do
	 * it).
	 */
	int (*trigger)(struct deed *d);
	/* Is this the record of it? */
	bool (*match)(const struct record *r, const struct deed *d);
};
extern const struct check checks[];
extern const size_t check_count;

u64 number_of(const struct record *r, const char *column);
/*
 * Bytes of a text column as a C string; NULs between words become spaces. Valid until the next
 * call.
 */
const char *text_of(const struct record *r, const char *column);

/* ---- triggers.c ------------------------------------------------------------------------------ */

int do_exec(struct deed *d);
int do_failed_exec(struct deed *d);
int do_exit(struct deed *d);
int do_open(struct deed *d);
int do_kill(struct deed *d);
int do_mount(struct deed *d);
int do_oom(struct deed *d);
int do_connect(struct deed *d);
int do_read_disk(struct deed *d);
int do_calls(struct deed *d);
int do_spin(struct deed *d);
int do_dns(struct deed *d);

/* ---- more tests than one record -------------------------------------------------------------- */

/*
 * received + lost = sent, on every CPU, with a ring that is far too small. 0 or an error with the
 * text.
 */
int test_losses(void);
/* A loaded gadget is read through descriptors alone, as the agent's worker does. */
int test_adopt(void);
/* No gadget costs the verifier much more than it did. */
int test_budgets(void);

struct test {
	const char *name;
	int (*run)(void); /* 0, or an error with the text */
};
/* What the tracing language compiles is loaded: one test for each file of tests/lang/cases. */
extern const struct test language_tests[];
extern const size_t language_test_count;
