// SPDX-License-Identifier: Apache-2.0
/*
 * Who was that? A process that has exited is named from what its exec and exit said. Any schema counts that has
 * the columns, whatever gadget it comes from: pid, ppid, args for an exec; pid, ppid, age for an exit.
 */
#include "agent/worker.h"

static bool stored(const struct record *r, const char *name, struct value *ret)
{
	int i = schema_find(r->schema, name);

	if (i < 0 || (size_t)i >= r->schema->stored)
		return false;
	column_value(&r->schema->columns[i], r, ret, NULL);
	return true;
}

static void text_of(const struct value *v, char *ret, size_t size)
{
	snprintf(ret, size, "%.*s", (int)MIN(v->text.len, size - 1), v->text.bytes);
}

void feed_record(struct host *h, const struct record *r)
{
	struct value pid, ppid, comm, args, exe, status, ret;
	char comm_text[64], exe_text[4096] = "";
	struct record_header header;
	bool exec = !strcmp(r->schema->name, "execsnoop"), exit = !strcmp(r->schema->name, "exitsnoop");

	if ((!exec && !exit) || !stored(r, "pid", &pid) || !stored(r, "comm", &comm))
		return;
	memcpy(&header, r->data, sizeof(header));
	if (exit) {
		/* One thread's end is not the process's. */
		if (!stored(r, "tid", &status) || status.u == pid.u)
			host_process_exit(h, (u32)pid.u, header.time);
		return;
	}
	if (!stored(r, "ppid", &ppid) || !stored(r, "args", &args) || (stored(r, "ret", &ret) && ret.s))
		return;
	text_of(&comm, comm_text, sizeof(comm_text));
	if (stored(r, "filename", &exe) || stored(r, "exe", &exe))
		text_of(&exe, exe_text, sizeof(exe_text));
	host_process_exec(h, (u32)pid.u, (u32)ppid.u, comm_text, *exe_text ? exe_text : NULL, args.text.bytes,
			  args.text.len, header.time);
}
