// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes of perf's side-band records, as a pure function: nothing outside of the given bytes is
 * read. They come from the kernel, but paths in them are anybody's, and a ring that was overrun or
 * a newer kernel must not lead us astray.
 */
#include "host/mapping.h"

#include <linux/perf_event.h>

/* Behind the header; then the path, NUL-ended and padded to 8, and the sample id. */
struct mmap2_body {
	u32 pid, tid;
	u64 start, size, offset;
	u32 major, minor;
	u64 inode, generation;
	u32 protection, flags;
};
struct comm_body {
	u32 pid, tid;
};
struct task_body {
	u32 pid, parent_pid, tid, parent_tid;
	u64 time;
};
struct lost_body {
	u64 id, lost;
};

static int parse_map(const u8 *body, size_t size, struct mapping_record *ret)
{
	struct mmap2_body m;
	const char *path = (const char *)body + sizeof(m);
	size_t room, len;

	if (size < sizeof(m) + 1)
		return -EBADMSG;
	memcpy(&m, body, sizeof(m));
	room = size - sizeof(m);
	len = strnlen(path, room);
	if (len == room || !m.size || m.start + m.size < m.start)
		return -EBADMSG;
	ret->kind = MAPPING_MAP;
	ret->pid = m.pid;
	ret->start = m.start;
	ret->end = m.start + m.size;
	ret->offset = m.offset;
	ret->inode = m.inode;
	ret->major = m.major;
	ret->minor = m.minor;
	ret->path = (struct text_span){ path, len };
	return 0;
}

static int parse_task(const u8 *body, size_t size, bool is_fork, struct mapping_record *ret)
{
	struct task_body t;

	if (size < sizeof(t))
		return -EBADMSG;
	memcpy(&t, body, sizeof(t));
	ret->pid = t.pid;
	ret->parent = t.parent_pid;
	if (is_fork && t.pid != t.parent_pid)
		ret->kind = MAPPING_FORK;
	if (!is_fork && t.pid == t.tid)
		ret->kind = MAPPING_EXIT;
	return 0;
}

static int parse_body(const struct perf_event_header *header, const u8 *body, size_t size,
		      struct mapping_record *ret)
{
	struct comm_body comm;
	struct lost_body lost;

	switch (header->type) {
	case PERF_RECORD_MMAP2:
		if (header->misc & PERF_RECORD_MISC_MMAP_BUILD_ID)
			return -EBADMSG; /* not asked for: the numbers of the file are not there */
		return parse_map(body, size, ret);
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		return parse_task(body, size, header->type == PERF_RECORD_FORK, ret);
	case PERF_RECORD_COMM:
		if (size < sizeof(comm))
			return -EBADMSG;
		memcpy(&comm, body, sizeof(comm));
		ret->pid = comm.pid;
		if (header->misc & PERF_RECORD_MISC_COMM_EXEC)
			ret->kind = MAPPING_EXEC;
		return 0;
	case PERF_RECORD_LOST:
		if (size < sizeof(lost))
			return -EBADMSG;
		memcpy(&lost, body, sizeof(lost));
		ret->lost = lost.lost;
		ret->kind = MAPPING_LOST;
		return 0;
	default:
		return 0;
	}
}

int mapping_record_parse(const void *data, size_t size, struct mapping_record *ret)
{
	struct perf_event_header header;
	struct mapping_record r = { .kind = MAPPING_OTHER };
	const u8 *bytes = data;
	size_t left;
	int err;

	if (size < sizeof(header) + sizeof(r.time))
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	if (header.size != size)
		return -EBADMSG;
	left = size - sizeof(header) - sizeof(r.time);
	memcpy(&r.time, bytes + size - sizeof(r.time), sizeof(r.time));
	err = parse_body(&header, bytes + sizeof(header), left, &r);
	if (!err)
		*ret = r;
	return err;
}
