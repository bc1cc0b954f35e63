// SPDX-License-Identifier: Apache-2.0
/* See writer_fixture.h. */
#include "writer_fixture.h"

#include <assert.h>

static int add(struct schema *s, const char *name, const char *kind, size_t offset, size_t size,
	       bool is_signed)
{
	int i = schema_add(s, name, "", kind_find(kind), (u32)offset, (u32)size, is_signed);

	assert(i >= 0);
	return i;
}

#define ADD(s, type, member, kind)                                                 \
	add(s, #member, kind, offsetof(type, member), sizeof(((type *)0)->member), \
	    !strcmp(kind, "signed") || !strcmp(kind, "errno"))

/* By index: adding a column may move the array. */
static struct column *at(struct schema *s, int i)
{
	return &s->columns[i];
}

static struct schema *begin(const char *name, enum schema_sort sort)
{
	struct schema *s = schema_new(name, "for a test", sort);
	int time = add(s, "time", "time_ns", offsetof(struct record_header, time), 8, false);

	s->columns[time].hidden = true;
	return s;
}

static void finish(struct record *ret, const struct schema *s, void *data, size_t size)
{
	struct record_header *h = data;

	h->size = (u32)size;
	h->time = 1000;
	*ret = (struct record){ .schema = s, .data = data, .size = (u32)size, .wall_ns = WALL_NS };
}

struct schema *opened_schema(void)
{
	struct schema *s = begin("opens", SCHEMA_EVENTS);

	ADD(s, struct opened, pid, "pid");
	at(s, ADD(s, struct opened, tid, "tid"))->hidden = true;
	at(s, ADD(s, struct opened, uid, "uid"))->hidden = true;
	at(s, ADD(s, struct opened, cgroup, "cgroup"))->hidden = true;
	ADD(s, struct opened, comm, "comm");
	ADD(s, struct opened, fd, "signed");
	ADD(s, struct opened, error, "errno");
	at(s, ADD(s, struct opened, path, "path"))->in_tail = true;
	at(s, ADD(s, struct opened, flags, "hex"))->hidden = true;
	at(s, (int)s->count - 1)->wide = true;
	schema_seal(s, offsetof(struct opened, tail));
	return s;
}

void opened_fill(struct opened *e, const struct schema *s, u32 pid, const char *comm, s32 error,
		 const char *path, struct record *ret)
{
	size_t len = strlen(path) + 1;

	assert(len <= sizeof(e->tail));
	*e = (struct opened){ .pid = pid,
			      .tid = pid + 1,
			      .uid = 1000,
			      .cgroup = 77,
			      .fd = error ? -1 : 3,
			      .error = error,
			      .flags = 0x8000 };
	memcpy(e->comm, comm, MIN(strlen(comm), sizeof(e->comm)));
	e->path.offset = offsetof(struct opened, tail);
	e->path.length = (u16)len;
	memcpy(e->tail, path, len);
	finish(ret, s, e, offsetof(struct opened, tail) + len);
}

struct schema *traffic_schema(void)
{
	struct schema *s = begin("traffic", SCHEMA_TABLE);

	at(s, ADD(s, struct traffic, pid, "pid"))->is_key = true;
	at(s, ADD(s, struct traffic, comm, "comm"))->is_key = true;
	ADD(s, struct traffic, sent, "bytes");
	ADD(s, struct traffic, received, "bytes");
	schema_seal(s, sizeof(struct traffic));
	s->sort_column = s->columns[schema_find(s, "sent")].name;
	return s;
}

void traffic_fill(struct traffic *t, const struct schema *s, u32 pid, const char *comm, u64 sent,
		  struct record *ret)
{
	*t = (struct traffic){ .pid = pid, .sent = sent, .received = sent / 2 };
	memcpy(t->comm, comm, MIN(strlen(comm), sizeof(t->comm)));
	finish(ret, s, t, sizeof(*t));
}

struct schema *latency_schema(const char *unit, u64 step)
{
	struct schema *s = begin("latency", SCHEMA_HISTOGRAM);
	int i;

	at(s, ADD(s, struct latency, disk, "text"))->is_key = true;
	i = ADD(s, struct latency, slots, "histogram");
	s->columns[i].unit = unit;
	s->columns[i].slot_step = step;
	schema_seal(s, sizeof(struct latency));
	return s;
}

void latency_fill(struct latency *l, const struct schema *s, const char *disk, struct record *ret)
{
	*l = (struct latency){};
	memcpy(l->disk, disk, strlen(disk));
	finish(ret, s, l, sizeof(*l));
}

struct schema *sampled_schema(void)
{
	struct schema *s = begin("samples", SCHEMA_STACKS);

	at(s, ADD(s, struct sampled, pid, "pid"))->is_key = true;
	at(s, ADD(s, struct sampled, kernel_stack, "kernel_stack"))->is_key = true;
	at(s, ADD(s, struct sampled, user_stack, "user_stack"))->is_key = true;
	at(s, ADD(s, struct sampled, comm, "comm"))->is_key = true;
	ADD(s, struct sampled, count, "count");
	schema_seal(s, sizeof(struct sampled));
	return s;
}

static int read_stack(const struct stack_reader *r UNUSED, const struct record *record UNUSED,
		      s64 id, bool user, struct buf *b)
{
	if (id == 9)
		return -ENOENT;
	buf_add_str(b, user ? "main;work;write" : "entry;vfs_write");
	return 0;
}

static const struct stack_reader stack_reader = { read_stack };

void sampled_fill(struct sampled *s, const struct schema *schema, const char *comm, s32 kernel,
		  s32 user, u64 count, struct record *ret)
{
	*s = (struct sampled){
		.pid = 42, .kernel_stack = kernel, .user_stack = user, .count = count
	};
	memcpy(s->comm, comm, MIN(strlen(comm), sizeof(s->comm)));
	finish(ret, schema, s, sizeof(*s));
	ret->stacks = &stack_reader;
}

void output_open(struct output *o, const struct schema *s, struct writer_options options)
{
	*o = (struct output){ .file = tmpfile() };
	assert(o->file);
	options.out = o->file;
	if (writer_new(s, &options, &o->writer)) {
		fprintf(stderr, "writer_new: %s\n", error_text());
		abort();
	}
}

const char *output_text(struct output *o)
{
	long size;

	assert(!writer_flush(o->writer));
	size = lseek(fileno(o->file), 0, SEEK_END);
	assert(size >= 0);
	free(o->text);
	o->text = calloc(1, (size_t)size + 1);
	assert(o->text && pread(fileno(o->file), o->text, (size_t)size, 0) == size);
	return o->text;
}

void output_close(struct output *o)
{
	writer_free(o->writer);
	fclose(o->file);
	free(o->text);
}
