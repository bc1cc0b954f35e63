/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for processes that are gone before anybody looks at /proc: when a session shows or filters
 * by process.* columns, execs and exits are watched beside the tool, with rings of their own.
 */
#pragma once

#include "cli/options.h"
#include "host/host.h"

#define FEED_GADGETS 2

struct feed {
	struct host *host;
	struct gadget *gadgets[FEED_GADGETS];
};

/* Do the words ask for columns that only a process's history can fill? */
bool feed_is_needed(const struct options *o);
/* A gadget that cannot run here is left out: then only living processes are named. */
void feed_start(struct feed *f, struct host *h);
/* Before the tool's own ring is read, so that who did it is known. */
void feed_drain(struct feed *f);
void feed_stop(struct feed *f);
