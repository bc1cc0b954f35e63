// SPDX-License-Identifier: Apache-2.0
/*
 * Virtual columns: a table of names and of functions that compute them. A record's own time goes
 * with each question, so that a pid is understood as it was then. What is computed is put into
 * the sink's scratch buffer: the host's own memory may change with the next question.
 */
#include "event/event.h"
#include "host/internal.h"

#define CHAIN_MAX 16 /* ancestors */

/* What a virtual column is computed from. One for each column, owned by the host. */
struct column_source {
	struct column_source *next;
	struct host *host;
	const struct virtual_column *what;
	int pid, cgroup; /* indexes of stored columns, -1 */
};

/* What is known of a record when a column is computed. */
struct question {
	struct host *host;
	const struct record *record;
	u64 number;	 /* the value of the column it is computed from */
	u64 cgroup, pid; /* for containers: 0 where the record has none */
	u64 time;
	struct buf *out;
};

enum source { FROM_PID, FROM_CGROUP, FROM_UID, FROM_GID };

struct virtual_column {
	const char *name, *help, *kind;
	enum source from;
	/* Adds the text to q->out, or sets @ret itself. false: not known. */
	bool (*compute)(const struct question *q, struct value *ret);
};

void columns_free(struct column_source *c)
{
	while (c) {
		struct column_source *next = c->next;

		free(c);
		c = next;
	}
}

static u64 time_of(const struct record *r)
{
	struct record_header header;

	if (r->size < sizeof(header))
		return 0;
	memcpy(&header, r->data, sizeof(header));
	return header.time;
}

static bool add_text(const struct question *q, const char *text)
{
	if (text)
		buf_add_str(q->out, text);
	return text != NULL;
}

static const struct process *process_of(const struct question *q, unsigned parts)
{
	return host_process(q->host, (u32)q->number, q->time, parts);
}

/* ---- processes --------------------------------------------------------------------------- */

static bool compute_comm(const struct question *q, struct value *ret UNUSED)
{
	const struct process *p = process_of(q, 0);

	return p && add_text(q, p->comm);
}

static bool compute_exe(const struct question *q, struct value *ret UNUSED)
{
	const struct process *p = process_of(q, PROCESS_EXE);

	return p && add_text(q, p->exe);
}

static bool compute_args(const struct question *q, struct value *ret UNUSED)
{
	const struct process *p = process_of(q, PROCESS_ARGS);

	if (!p || !p->args)
		return false;
	buf_add(q->out, p->args, p->args_len);
	return true;
}

static bool compute_start(const struct question *q, struct value *ret)
{
	const struct process *p = process_of(q, 0);

	if (!p || !p->start)
		return false;
	ret->class = VALUE_UNSIGNED;
	/* The same shift that makes the record's time a time of day. */
	ret->u = p->start +
		 (q->time ? q->record->wall_ns - q->time : clock_wall_ns() - clock_monotonic_ns());
	return true;
}

/* What the record itself says, for a process that had gone before anybody asked. */
static bool stored_value(const struct question *q, const char *name, const char *kind,
			 struct value *ret)
{
	const struct schema *s = q->record->schema;
	int i = schema_find(s, name);

	if (i < 0 || (size_t)i >= s->stored || strcmp(s->columns[i].kind->name, kind))
		return false;
	column_value(&s->columns[i], q->record, ret, q->out);
	return ret->class != VALUE_NONE;
}

/* The parent as it was when the child began: a pid that was used again since began later. */
static const struct process *parent_of(const struct question *q, const struct process *p)
{
	struct value ppid;

	if (p)
		return p->ppid ? host_process(q->host, p->ppid, p->start ? p->start : q->time, 0)
			       : NULL;
	if (!stored_value(q, "ppid", "pid", &ppid))
		return NULL;
	return host_process(q->host, (u32)ppid.u, q->time, 0);
}

static bool compute_parent(const struct question *q, struct value *ret UNUSED)
{
	const struct process *p = parent_of(q, process_of(q, 0));

	return p && add_text(q, p->comm);
}

static bool compute_chain(const struct question *q, struct value *ret UNUSED)
{
	char comms[CHAIN_MAX][sizeof(((struct process *)0)->comm)];
	const struct process *p = process_of(q, 0);
	struct value comm;
	size_t n = 0;

	if (!p && stored_value(q, "comm", "comm", &comm)) {
		p = parent_of(q, NULL);
		if (p)
			snprintf(comms[n++], sizeof(comms[0]), "%.*s", (int)comm.text.len,
				 comm.text.bytes);
	}
	while (p && n < CHAIN_MAX) {
		memcpy(comms[n++], p->comm, sizeof(comms[0]));
		p = parent_of(q, p);
	}
	for (size_t i = n; i-- > 0;)
		buf_printf(q->out, "%s%s", comms[i], i ? ">" : "");
	return n;
}

/* ---- containers -------------------------------------------------------------------------- */

static bool tells_something(const char *path)
{
	struct cgroup_identity identity;

	cgroup_identify(path, strlen(path), &identity);
	return identity.runtime || identity.unit.len;
}

/*
 * The path of the record's cgroup. On a hybrid machine the id often is the root's, since
 * containers live in hierarchies of version 1: then the process says.
 */
static const char *cgroup_of(const struct question *q)
{
	const char *path = q->cgroup ? host_cgroup_path(q->host, q->cgroup) : NULL;
	const struct process *p;

	if (!q->pid || (path && tells_something(path)))
		return path;
	p = host_process(q->host, (u32)q->pid, q->time, PROCESS_CGROUP);
	if (p && p->cgroup_path && (!path || tells_something(p->cgroup_path)))
		return p->cgroup_path;
	return path;
}

static const struct container *container_of_record(const struct question *q)
{
	const char *path = cgroup_of(q);

	return path ? host_container(q->host, path) : NULL;
}

static bool compute_cgroup_path(const struct question *q, struct value *ret UNUSED)
{
	return add_text(q, cgroup_of(q));
}

static bool compute_unit(const struct question *q, struct value *ret UNUSED)
{
	const char *path = cgroup_of(q);
	struct cgroup_identity identity;

	if (!path)
		return false;
	cgroup_identify(path, strlen(path), &identity);
	buf_add(q->out, identity.unit.bytes, identity.unit.len);
	return identity.unit.len;
}

static bool compute_container_id(const struct question *q, struct value *ret UNUSED)
{
	const struct container *c = container_of_record(q);

	if (!c)
		return false;
	/* As docker and podman show them; names of machines are whole. */
	buf_add(q->out, c->id, strlen(c->id) == 64 ? 12 : strlen(c->id));
	return true;
}

#define CONTAINER_TEXT(member)                                                           \
	static bool compute_##member(const struct question *q, struct value *ret UNUSED) \
	{                                                                                \
		const struct container *c = container_of_record(q);                      \
                                                                                         \
		return c && add_text(q, c->member);                                      \
	}
CONTAINER_TEXT(name)
CONTAINER_TEXT(image)
CONTAINER_TEXT(runtime)
CONTAINER_TEXT(pod_name)
CONTAINER_TEXT(pod_namespace)
CONTAINER_TEXT(pod_uid)

/* ---- users ------------------------------------------------------------------------------- */

static bool compute_user(const struct question *q, struct value *ret UNUSED)
{
	host_add_user(q->host, (u32)q->number, q->out);
	return true;
}

static bool compute_group(const struct question *q, struct value *ret UNUSED)
{
	host_add_group(q->host, (u32)q->number, q->out);
	return true;
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct virtual_column virtual_columns[] = {
	{ "process.exe", "file that the process runs", "path", FROM_PID, compute_exe },
	{ "process.args", "command line of the process", "args", FROM_PID, compute_args },
	{ "process.start", "when the process began", "time_ns", FROM_PID, compute_start },
	{ "process.parent", "name of the parent process", "text", FROM_PID, compute_parent },
	{ "process.chain", "names from the first process down to this one", "text", FROM_PID,
	  compute_chain },
	{ "container.id", "container, first 12 digits of its id", "text", FROM_CGROUP,
	  compute_container_id },
	{ "container.name", "name of the container", "text", FROM_CGROUP, compute_name },
	{ "container.image", "image of the container", "text", FROM_CGROUP, compute_image },
	{ "container.runtime", "docker, containerd, cri-o, podman ...", "text", FROM_CGROUP,
	  compute_runtime },
	{ "pod.name", "Kubernetes pod", "text", FROM_CGROUP, compute_pod_name },
	{ "pod.namespace", "namespace of the pod", "text", FROM_CGROUP, compute_pod_namespace },
	{ "pod.uid", "uid of the pod", "text", FROM_CGROUP, compute_pod_uid },
	{ "unit", "systemd unit", "text", FROM_CGROUP, compute_unit },
	{ "cgroup.path", "path of the cgroup", "path", FROM_CGROUP, compute_cgroup_path },
	{ "user", "name of the user", "text", FROM_UID, compute_user },
	{ "group", "name of the group", "text", FROM_GID, compute_group },
};

/* For a further pid column X: X.comm. */
static const struct virtual_column other_comm = { NULL, "name of that process", "comm", FROM_PID,
						  compute_comm };

static void compute(void *context, const struct record *r, const struct value *from,
		    struct value *ret, struct buf *scratch)
{
	const struct column_source *s = context;
	struct question q = {
		.host = s->host, .record = r, .number = from->u, .time = time_of(r), .out = scratch
	};
	struct value pid = {};

	ret->class = VALUE_NONE;
	if (from->class != VALUE_UNSIGNED && from->class != VALUE_SIGNED)
		return;
	if (s->what->from == FROM_CGROUP) {
		if (s->pid >= 0)
			column_value(&r->schema->columns[s->pid], r, &pid,
				     scratch); /* stored: a number */
		q.pid = pid.u;
		q.cgroup = s->cgroup >= 0 ? from->u : 0;
	}
	if (!s->what->compute(&q, ret) || ret->class != VALUE_NONE)
		return;
	ret->class = kind_find(s->what->kind)->class;
	ret->text.bytes = buf_str(scratch);
	ret->text.len = scratch->len;
}

static int add_virtual(struct host *h, struct schema *s, const char *name,
		       const struct virtual_column *what, int from, int pid, int cgroup)
{
	struct column_source *source;
	int i;

	if (schema_find(s, name) >= 0)
		return 0;
	source = calloc(1, sizeof(*source));
	if (!source)
		return fail(-ENOMEM, "out of memory");
	*source = (struct column_source){ h->columns, h, what, pid, cgroup };
	i = schema_add_virtual(s, name, what->help, kind_find(what->kind), from, compute, source);
	if (i < 0) {
		free(source);
		return i;
	}
	h->columns = source;
	s->columns[i].is_time = !strcmp(what->kind, "time_ns");
	return 0;
}

/* The first stored column of a kind; one that is called like the kind comes first. */
static int stored_of_kind(const struct schema *s, const char *kind)
{
	int named = schema_find(s, kind);

	if (named >= 0 && (size_t)named < s->stored && !strcmp(s->columns[named].kind->name, kind))
		return named;
	for (size_t i = 0; i < s->stored; i++) {
		if (!strcmp(s->columns[i].kind->name, kind))
			return (int)i;
	}
	return -1;
}

int host_add_columns(struct host *h, struct schema *s)
{
	int pid = stored_of_kind(s, "pid"), cgroup = stored_of_kind(s, "cgroup");
	const int from[] = {
		[FROM_PID] = pid,
		[FROM_CGROUP] = cgroup >= 0 ? cgroup : pid,
		[FROM_UID] = stored_of_kind(s, "uid"),
		[FROM_GID] = stored_of_kind(s, "gid"),
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(virtual_columns) && !err; i++) {
		const struct virtual_column *v = &virtual_columns[i];

		if (from[v->from] >= 0)
			err = add_virtual(h, s, v->name, v, from[v->from], pid, cgroup);
	}
	for (size_t i = 0; i < s->stored && !err; i++) {
		char name[128];

		if ((int)i == pid || strcmp(s->columns[i].kind->name, "pid"))
			continue;
		snprintf(name, sizeof(name), "%s.comm", s->columns[i].name);
		err = add_virtual(h, s, name, &other_comm, (int)i, pid, cgroup);
	}
	return err;
}
