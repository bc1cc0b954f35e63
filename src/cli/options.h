/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of every tool, as data: one table from which the command line is read and from which
 * --help, the manual and the shells' completion are made, so that they cannot disagree. A gadget
 * adds its parameters (as --name) and its short flags, which stand for general options or
 * parameters.
 */
#pragma once

#include "event/event.h"

struct option_info {
	const char *name;     /* "where" of --where */
	char flag;	      /* 'p' of -p, 0 for none */
	const char *argument; /* "PID", NULL for a switch */
	const char *help;
};
extern const struct option_info general_options[];
extern const size_t general_option_count;

struct command_info {
	const char *name;
	const char *usage; /* what stands behind "saker NAME" */
	const char *help;
	const char *words; /* subcommands for completion, separated by spaces; "" for none */
};
extern const struct command_info command_infos[];
extern const size_t command_info_count;

/* A parameter of the gadget that was set on the command line. */
struct assignment {
	char *name, *value; /* a switch has the value "" */
};

struct options {
	char *output;  /* "table" when not given */
	char *columns; /* several --columns are joined with ',' */
	char *where;   /* several are joined: "(a) && (b)" */
	char *sort;
	u32 top;
	u64 interval_ns, for_ns, count; /* 0: not given */
	u32 *pids;
	size_t pid_count, pid_capacity;
	char **comms;
	size_t comm_count, comm_capacity;
	char *cgroup, *container;
	bool timestamp, explain, verbose, no_header, help;
	char **command; /* behind "--", points into argv, ended by NULL; NULL when there is none */
	struct assignment *assignments;
	size_t assignment_count, assignment_capacity;
};

/*
 * Reads the words behind the gadget's name (@argv[0] is that name). 0, or -EINVAL, -ERANGE, -ENOENT
 * with one line that says what is wrong and what is near. With --help it stops reading at that
 * word. @options is to be freed in any case; it must be zero before.
 */
int options_parse(struct options *o, const struct gadget_info *info, int argc, char **argv);
void options_free(struct options *o);
#define _cleanup_options_ _cleanup_(options_free)

/*
 * The parameter's name as it is written on the command line: dashes for underscores. @size bounds
 * @ret.
 */
void parameter_option_name(const struct parameter *p, char *ret, size_t size);
