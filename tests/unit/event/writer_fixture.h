/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas and records for the tests of the bus, the operators and the writers: made by hand, so
 * that they need neither BTF nor a kernel. Text goes behind the fixed part, as a gadget would put
 * it.
 */
#pragma once

#include "event/event.h"

#define WALL_NS 1769860800123456789ULL /* 2026-01-31T12:00:00.123456789Z */

/* The shape of an open event. */
struct opened {
	struct record_header header;
	u32 pid, tid, uid, padding;
	u64 cgroup;
	char comm[16];
	s32 fd, error;
	struct {
		u16 offset, length;
	} path;
	u32 flags;
	char tail[256];
};

struct schema *opened_schema(void);
/* Fills @e with what an open of @path by @comm would give. */
void opened_fill(struct opened *e, const struct schema *s, u32 pid, const char *comm, s32 error,
		 const char *path, struct record *ret);

/* A row of a table: bytes by process. */
struct traffic {
	struct record_header header;
	u32 pid, padding;
	char comm[16];
	u64 sent, received;
};
struct schema *traffic_schema(void);
void traffic_fill(struct traffic *t, const struct schema *s, u32 pid, const char *comm, u64 sent,
		  struct record *ret);

struct latency {
	struct record_header header;
	char disk[8];
	u64 slots[64];
};
struct schema *latency_schema(const char *unit, u64 step);
void latency_fill(struct latency *l, const struct schema *s, const char *disk, struct record *ret);

struct sampled {
	struct record_header header;
	u32 pid;
	s32 kernel_stack, user_stack;
	char comm[16];
	u32 padding;
	u64 count;
};
struct schema *sampled_schema(void);
void sampled_fill(struct sampled *s, const struct schema *schema, const char *comm, s32 kernel,
		  s32 user, u64 count, struct record *ret);

/* What a writer with these options has written so far, as text; to be freed. */
struct output {
	FILE *file;
	struct writer *writer;
	char *text;
};
void output_open(struct output *o, const struct schema *s, struct writer_options options);
const char *output_text(struct output *o);
void output_close(struct output *o);
