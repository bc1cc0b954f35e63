// SPDX-License-Identifier: Apache-2.0
/*
 * Who was that? A process that has exited is named from what its exec and its exit said. Any schema
 * counts that has the columns, whatever gadget it comes from: pid, ppid, args for an exec; pid, age
 * for an exit.
 */
#include "event/event.h"
#include "host/host.h"

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

static void feed_exec(struct host *h, const struct record *r, u32 pid, u64 time)
{
	struct value ppid, comm, args, exe, ret;
	char comm_text[64], exe_text[4096] = "";

	if (!stored(r, "ppid", &ppid) || !stored(r, "comm", &comm) || !stored(r, "args", &args) ||
	    (stored(r, "ret", &ret) && ret.s))
		return;
	text_of(&comm, comm_text, sizeof(comm_text));
	if (stored(r, "filename", &exe))
		text_of(&exe, exe_text, sizeof(exe_text));
	host_process_exec(h, pid, (u32)ppid.u, comm_text, *exe_text ? exe_text : NULL,
			  args.text.bytes, args.text.len, time);
}

void host_feed(struct host *h, const struct record *r)
{
	bool exec = !strcmp(r->schema->name, "execsnoop");
	bool exit = !strcmp(r->schema->name, "exitsnoop");
	struct record_header header;
	struct value pid, tid;

	if ((!exec && !exit) || !stored(r, "pid", &pid))
		return;
	memcpy(&header, r->data, sizeof(header));
	if (exec)
		feed_exec(h, r, (u32)pid.u, header.time);
	else if (!stored(r, "tid", &tid) ||
		 tid.u == pid.u) /* a thread's end is not the process's */
		host_process_exit(h, (u32)pid.u, header.time);
}
