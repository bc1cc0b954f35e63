/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent: Saker as a service. Configuration, the privileged broker, and the worker that reads the
 * rings, publishes on the bus, and feeds store, web and terminal. The folder's one public header.
 */
#pragma once

#include "agent/wire.h"

#define CONFIG_PATH "/etc/saker/agent.yaml"

struct config; /* agent/config.h */

struct agent_options {
	const char *config_file; /* read again on SIGHUP and when it changes; NULL: the defaults */
	/* From the command line: stronger than the file. NULL: not given. */
	const char *store, *port;
	bool no_summary; /* no live summary, also on a terminal */
};

/*
 * The file (from @fd when it is not -1) or the defaults, with what the command line says, checked
 * against the gadgets: a configuration that can run.
 */
int agent_config(const struct agent_options *o, int fd, struct config **ret);
struct config *config_free(struct config *c);
/*
 * Every setting with its value and what it is for, as YAML that reads back to the same.
 */
void config_print(const struct config *c, struct buf *b);
/*
 * Runs until SIGTERM or SIGINT. Takes @c. Returns the exit status; what went wrong has been logged.
 */
int agent_run(const struct agent_options *o, struct config *c);
