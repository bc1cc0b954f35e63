// SPDX-License-Identifier: Apache-2.0
/*
 * The table of general options, and what each does to struct options: checked here, so that bad
 * input is refused before anything is opened or loaded.
 */
#include "cli/options_internal.h"

#define PID_LAST 4194304 /* PID_MAX_LIMIT of 64-bit kernels */
#define COMM_LONGEST 15

enum general {
	OPTION_OUTPUT,
	OPTION_COLUMNS,
	OPTION_WHERE,
	OPTION_SORT,
	OPTION_TOP,
	OPTION_INTERVAL,
	OPTION_FOR,
	OPTION_COUNT,
	OPTION_PID,
	OPTION_COMM,
	OPTION_CGROUP,
	OPTION_CONTAINER,
	OPTION_TIMESTAMP,
	OPTION_EXPLAIN,
	OPTION_NO_HEADER,
	OPTION_VERBOSE,
	OPTION_HELP,
};

const struct option_info general_options[] = {
	[OPTION_OUTPUT] = { "output", 'o', "FORMAT",
			    "table, wide, json, csv, collapsed (stacks) or none" },
	[OPTION_COLUMNS] = { "columns", 0, "LIST", "a,b: only these; +a,-b: with a and without b" },
	[OPTION_WHERE] = { "where", 0, "EXPR",
			   "only what matches, e.g. 'pid == 1 && comm != \"sh\"'" },
	[OPTION_SORT] = { "sort", 0, "COLUMN",
			  "order of the rows; -COLUMN or COLUMN:asc to choose the direction" },
	[OPTION_TOP] = { "top", 0, "N", "only the first N rows of each reading" },
	[OPTION_INTERVAL] = { "interval", 0, "TIME", "time between readings: 5, 500ms, 1m" },
	[OPTION_FOR] = { "for", 0, "TIME", "stop after this time" },
	[OPTION_COUNT] = { "count", 0, "N", "stop after N events or N readings" },
	[OPTION_PID] = { "pid", 'p', "PID", "only these processes: 1 or 1,2,3; may be repeated" },
	[OPTION_COMM] = { "comm", 0, "NAME", "only processes of this name; may be repeated" },
	[OPTION_CGROUP] = { "cgroup", 0, "PATH", "only what runs in this cgroup or below it" },
	[OPTION_CONTAINER] = { "container", 0, "NAME",
			       "only this container, by its name or the start of its id" },
	[OPTION_TIMESTAMP] = { "timestamp", 'T', NULL,
			       "show the time: of each event, or in a line before each reading" },
	[OPTION_EXPLAIN] = { "explain", 0, NULL,
			     "say which hooks are used and where each filter runs" },
	[OPTION_NO_HEADER] = { "no-header", 0, NULL, "no headings" },
	[OPTION_VERBOSE] = { "verbose", 'v', NULL,
			     "say more about what is done, and why it failed" },
	[OPTION_HELP] = { "help", 'h', NULL, "show this help" },
};
const size_t general_option_count = ARRAY_SIZE(general_options);

int option_replace(char **text, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return fail(-ENOMEM, "out of memory");
	free(*text);
	*text = copy;
	return 0;
}

/* *@text becomes "OLD SEPARATOR NEW" by @format when there is an old one. */
static int join(char **text, const char *format, const char *value)
{
	_cleanup_buf_ struct buf b = {};
	size_t old_len = *text ? strlen(*text) : 0;

	if (!*text)
		return option_replace(text, value);
	for (const char *p = format; *p; p++) {
		if (*p == 'O')
			buf_add(&b, *text, old_len);
		else if (*p == 'N')
			buf_add_str(&b, value);
		else
			buf_add_char(&b, *p);
	}
	if (b.error)
		return fail(-ENOMEM, "out of memory");
	free(*text);
	*text = TAKE_PTR(b.data);
	return 0;
}

static int set_output(struct options *o, const char *value)
{
	enum output_format ignored;
	int err = output_format_parse(value, &ignored);

	return err ? err : option_replace(&o->output, value);
}

static bool is_blank(const char *s)
{
	return !s[strspn(s, " \t\n")];
}

static int set_columns(struct options *o, const char *value)
{
	if (is_blank(value))
		return fail(-EINVAL, "--columns: no column is named");
	return join(&o->columns, "O,N", value);
}

static int set_where(struct options *o, const char *value)
{
	if (is_blank(value))
		return fail(-EINVAL, "--where: the expression is empty");
	return join(&o->where, "(O) && (N)", value);
}

static int set_sort(struct options *o, const char *value)
{
	if (is_blank(value))
		return fail(-EINVAL, "--sort: no column is named");
	return option_replace(&o->sort, value);
}

static int set_number(const char *name, const char *value, u64 most, u64 *ret)
{
	u64 v;
	int err = parse_u64(value, &v);

	if (err)
		return fail_in(err, "--%s", name);
	if (!v || v > most)
		return fail(-ERANGE, "--%s: %s is not between 1 and %llu", name, value,
			    (unsigned long long)most);
	*ret = v;
	return 0;
}

static int set_top(struct options *o, const char *value)
{
	u64 v = 0;
	int err = set_number("top", value, UINT32_MAX, &v);

	if (!err)
		o->top = (u32)v;
	return err;
}

static int set_time(const char *name, const char *value, u64 *ret)
{
	u64 v;
	int err = parse_duration(value, &v);

	if (err)
		return fail_in(err, "--%s", name);
	/* Shorter than this the reading would take longer than what it reads. */
	if (v < NSEC_PER_MSEC)
		return fail(-ERANGE, "--%s: %s is shorter than a millisecond", name, value);
	*ret = v;
	return 0;
}

static int set_interval(struct options *o, const char *value)
{
	return set_time("interval", value, &o->interval_ns);
}

static int set_for(struct options *o, const char *value)
{
	return set_time("for", value, &o->for_ns);
}

static int set_count(struct options *o, const char *value)
{
	return set_number("count", value, UINT64_MAX, &o->count);
}

static int add_pid(struct options *o, const char *value)
{
	u64 v = 0;
	int err = set_number("pid", value, PID_LAST, &v);

	if (!err)
		err = grow(&o->pids, &o->pid_capacity, o->pid_count + 1, sizeof(*o->pids));
	if (!err)
		o->pids[o->pid_count++] = (u32)v;
	return err;
}

static int set_pid(struct options *o, const char *value)
{
	_cleanup_free_ char *copy = strdup(value);
	char *rest = copy, *word;

	if (!copy)
		return fail(-ENOMEM, "out of memory");
	while ((word = strsep(&rest, ","))) {
		int err = add_pid(o, word);

		if (err)
			return err;
	}
	return 0;
}

static int set_comm(struct options *o, const char *value)
{
	int err;

	if (!*value)
		return fail(-EINVAL, "--comm: the name is empty");
	if (strlen(value) > COMM_LONGEST)
		return fail(-EINVAL,
			    "--comm: '%s' is longer than a process name can be; "
			    "the kernel keeps '%.*s'",
			    value, COMM_LONGEST, value);
	err = grow(&o->comms, &o->comm_capacity, o->comm_count + 1, sizeof(*o->comms));
	if (!err)
		err = option_replace(&o->comms[o->comm_count], value);
	if (!err)
		o->comm_count++;
	return err;
}

static int set_cgroup(struct options *o, const char *value)
{
	return *value ? option_replace(&o->cgroup, value)
		      : fail(-EINVAL, "--cgroup: the path is empty");
}

static int set_container(struct options *o, const char *value)
{
	return *value ? option_replace(&o->container, value)
		      : fail(-EINVAL, "--container: the name is empty");
}

static int set_timestamp(struct options *o, const char *value UNUSED)
{
	o->timestamp = true;
	return 0;
}

static int set_explain(struct options *o, const char *value UNUSED)
{
	o->explain = true;
	return 0;
}

static int set_no_header(struct options *o, const char *value UNUSED)
{
	o->no_header = true;
	return 0;
}

static int set_verbose(struct options *o, const char *value UNUSED)
{
	o->verbose = true;
	return 0;
}

static int set_help(struct options *o, const char *value UNUSED)
{
	o->help = true;
	return 0;
}

static int (*const setters[])(struct options *o, const char *value) = {
	[OPTION_OUTPUT] = set_output,
	[OPTION_COLUMNS] = set_columns,
	[OPTION_WHERE] = set_where,
	[OPTION_SORT] = set_sort,
	[OPTION_TOP] = set_top,
	[OPTION_INTERVAL] = set_interval,
	[OPTION_FOR] = set_for,
	[OPTION_COUNT] = set_count,
	[OPTION_PID] = set_pid,
	[OPTION_COMM] = set_comm,
	[OPTION_CGROUP] = set_cgroup,
	[OPTION_CONTAINER] = set_container,
	[OPTION_TIMESTAMP] = set_timestamp,
	[OPTION_EXPLAIN] = set_explain,
	[OPTION_NO_HEADER] = set_no_header,
	[OPTION_VERBOSE] = set_verbose,
	[OPTION_HELP] = set_help,
};
_Static_assert(ARRAY_SIZE(setters) == ARRAY_SIZE(general_options),
	       "an option without its function");

int option_set(struct options *o, const struct option_info *option, const char *value)
{
	return setters[option - general_options](o, value);
}
