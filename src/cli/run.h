/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tool, from its options to its exit status: open, filter, load, attach, read until told to
 * stop, say what was lost. The parts: session.c (what is set up and torn down), scope.c (who is
 * watched), run.c (the loop).
 */
#pragma once

#include "cli/child.h"
#include "cli/options.h"
#include "event/event.h"
#include "host/host.h"

#include <uv.h>

/*
 * The filter of a session: the user's --where and the scopes, as one text and as what runs where.
 * @kernel may be NULL, @user may be NULL.
 */
struct filter {
	struct expression *kernel, *user;
	struct buf text;
};
int filter_build(struct filter *f, const struct options *o, struct gadget *g, struct host *h,
		 const struct child *c);
void filter_free(struct filter *f);
/* Prints which part runs where, the programs taken and their reasons (--explain). */
void filter_explain(const struct filter *f, struct gadget *g, FILE *out);

/* `| head` has what it wanted. */
bool reader_is_gone(void);
/* The same for a gadget that is open already; takes it. */
int run_opened(struct gadget *g, const char *name, int argc, char **argv);
/* Runs the gadget @name with what is left of the command line. Returns the exit status. */
int run_gadget(const char *name, int argc, char **argv);
