/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schema with a column of every sort, at easy and at awkward offsets, for the tests and the fuzz
 * target of filter expressions. Made by hand: no BTF, no kernel.
 */
#pragma once

#include "../code/interpret.h"
#include "event/event.h"

#define SAMPLE_TAIL 300
#define SAMPLE_LIMIT (sizeof(struct sample) + SAMPLE_TAIL + 8)

struct sample {
	struct record_header header;
	u32 pid;
	u16 port;
	u8 state, truth;
	u64 cgroup;
	s64 ret;
	s32 error;
	s16 nice;
	s8 level;
	u8 wide_state; /* a second number of one byte, at an odd offset */
	char comm[16];
	char tag[13];
	char odd[5];
	u8 saddr[16]; /* at 2 modulo 4 */
	u8 padding[2];
	u16 path[2], args[2];
	u32 flags;
	u64 bytes, took, took_us;
	u8 daddr[16];
	u32 signal, syscall;
	double share;
	u64 mask;
};
_Static_assert(sizeof(struct sample) == 176,
	       "the offsets of the columns are what the comments say");

/* The record with room for its tail, as a gadget's buffer. */
struct sample_record {
	struct sample fixed;
	u8 tail[SAMPLE_TAIL + 8];
};

static inline int sample_column(struct schema *s, const char *name, const char *kind, u32 offset,
				u32 size)
{
	const struct kind *k = kind_find(kind);
	int i = k ? schema_add(s, name, "", k, offset, size, k->class == VALUE_SIGNED) : -ENOENT;

	return i;
}

static inline void sample_names(struct schema *s, int column, const struct name_of_number *names,
				size_t count)
{
	struct name_of_number *own = calloc(count, sizeof(*own));

	if (column < 0 || !own) {
		free(own);
		return;
	}
	memcpy(own, names, count * sizeof(*own));
	s->columns[column].names = own;
	s->columns[column].name_count = count;
}

/* container: known when the pid is even, "c7" of 7 ... */
static inline void sample_container(void *context, const struct record *r, const struct value *from,
				    struct value *ret, struct buf *scratch)
{
	if (from->u % 2)
		return;
	buf_clear(scratch);
	buf_printf(scratch, "c%llu", (unsigned long long)from->u);
	ret->class = VALUE_TEXT;
	ret->text.bytes = buf_str(scratch);
	ret->text.len = scratch->len;
}

#define SAMPLE_COLUMN(s, member, kind)                                   \
	sample_column(s, #member, kind, offsetof(struct sample, member), \
		      sizeof(((struct sample *)0)->member))

static inline struct schema *sample_schema(void)
{
	static const struct name_of_number states[] = { { 1, "OPEN" },
							{ 2, "CLOSED" },
							{ 3, "CLOSING" } };
	static const struct name_of_number flags[] = { { 1, "O_WRONLY" },
						       { 0x40, "O_CREAT" },
						       { 0x200, "O_TRUNC" } };
	struct schema *s = schema_new("sample", "", SCHEMA_EVENTS);
	int i;

	if (!s)
		return NULL;
	sample_column(s, "time", "time_ns", 8, 8);
	SAMPLE_COLUMN(s, pid, "pid");
	SAMPLE_COLUMN(s, port, "port");
	sample_names(s, SAMPLE_COLUMN(s, state, "unsigned"), states, ARRAY_SIZE(states));
	SAMPLE_COLUMN(s, truth, "bool");
	SAMPLE_COLUMN(s, cgroup, "cgroup");
	SAMPLE_COLUMN(s, ret, "return");
	SAMPLE_COLUMN(s, error, "errno");
	SAMPLE_COLUMN(s, nice, "signed");
	SAMPLE_COLUMN(s, level, "signed");
	SAMPLE_COLUMN(s, wide_state, "unsigned");
	SAMPLE_COLUMN(s, comm, "comm");
	SAMPLE_COLUMN(s, tag, "text");
	SAMPLE_COLUMN(s, odd, "text");
	SAMPLE_COLUMN(s, saddr, "ip");
	i = SAMPLE_COLUMN(s, path, "path");
	s->columns[i].in_tail = true;
	i = SAMPLE_COLUMN(s, args, "args");
	s->columns[i].in_tail = true;
	i = SAMPLE_COLUMN(s, flags, "unsigned");
	s->columns[i].bit_flags = true;
	sample_names(s, i, flags, ARRAY_SIZE(flags));
	SAMPLE_COLUMN(s, bytes, "bytes");
	SAMPLE_COLUMN(s, took, "duration_ns");
	SAMPLE_COLUMN(s, took_us, "duration_us");
	SAMPLE_COLUMN(s, daddr, "ip");
	SAMPLE_COLUMN(s, signal, "signal");
	SAMPLE_COLUMN(s, syscall, "syscall");
	SAMPLE_COLUMN(s, share, "double");
	SAMPLE_COLUMN(s, mask, "hex");
	sample_column(s, "stack", "kernel_stack", offsetof(struct sample, pid), 4);
	sample_column(s, "slots", "histogram", offsetof(struct sample, bytes), 16);
	schema_seal(s, sizeof(struct sample));
	schema_add_virtual(s, "container.name", "", kind_find("text"), schema_find(s, "pid"),
			   sample_container, NULL);
	return s;
}

static inline void sample_tail(struct sample_record *r, u16 *column, const void *bytes, size_t len)
{
	if (r->fixed.header.size + len > sizeof(struct sample) + SAMPLE_TAIL)
		len = 0;
	column[0] = (u16)r->fixed.header.size;
	column[1] = (u16)len;
	memcpy(r->tail + (r->fixed.header.size - sizeof(struct sample)), bytes, len);
	r->fixed.header.size += len;
}

static inline struct record sample_view(const struct schema *s, const struct sample_record *r)
{
	return (struct record){ .schema = s, .data = (const u8 *)r, .size = r->fixed.header.size };
}

/*
 * What the compiled expression says of the record: 0 or 1; -1 when the kernel cannot decide it, -2
 * when the code is wrong (the machine stopped), -3 when the compiler failed as it must not.
 */
static inline int sample_in_kernel(const struct expression *e, const struct sample_record *r)
{
	static const size_t most = 20000;
	_cleanup_free_ struct bpf_insn *insns = calloc(most, sizeof(*insns));
	struct machine m = {};
	int n = insns ? expression_compile(e, SAMPLE_LIMIT, insns, most) : -ENOMEM;
	s64 result;

	if (n == -EOPNOTSUPP)
		return -1;
	if (n < 0)
		return -3;
	result = machine_run(&m, insns, (size_t)n, r, sizeof(*r));
	return result == 0 || result == 1 ? (int)result : -2;
}
