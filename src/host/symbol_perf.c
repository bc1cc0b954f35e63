// SPDX-License-Identifier: Apache-2.0
/*
 * Perf maps: what compilers at run time (Java, Node, .NET, PyPy) write about the code they made,
 * into /tmp/perf-PID.map of the process's own file system, PID as the process itself knows it.
 * Anybody could leave a file there: only one that belongs to the process's user, or to root,
 * counts.
 */
#include "host/symbol.h"

#define PERF_MAP_MAX (32 << 20)
#define LOOK_EVERY (100 * NSEC_PER_MSEC)

struct perf_entry {
	u64 start;
	u32 size, name;
};

void perf_map_free(struct perf_map *p)
{
	free(p->items);
	buf_free(&p->names);
	*p = (struct perf_map){};
}

static int by_start(const void *a, const void *b)
{
	const struct perf_entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->name > y->name) -
	       (x->name < y->name); /* as they came: the last is the newest code there */
}

static int add_entry(struct perf_map *p, const struct perf_map_line *line)
{
	int err = grow(&p->items, &p->capacity, p->count + 1, sizeof(*p->items));

	if (err)
		return err;
	p->items[p->count++] = (struct perf_entry){ line->start,
						    (u32)MIN(line->size, (u64)UINT32_MAX),
						    (u32)p->names.len };
	buf_add(&p->names, line->name.bytes, line->name.len);
	buf_add_char(&p->names, '\0');
	return p->names.error;
}

static void read_map(struct host *h, struct perf_map *p, const char *path)
{
	struct text_span rest, line;
	struct perf_map_line entry;
	struct stat st = p->st;

	if (read_regular(path, PERF_MAP_MAX, &h->text))
		return;
	perf_map_free(p);
	p->st = st;
	rest = (struct text_span){ buf_str(&h->text), h->text.len };
	while (next_line(&rest, &line)) {
		if (!parse_perf_map_line(line.bytes, line.len, &entry) && add_entry(p, &entry))
			break;
	}
	buf_free(&h->text); /* it can be large */
	if (p->count)
		qsort(p->items, p->count, sizeof(*p->items), by_start);
}

void perf_map_refresh(struct host *h, u32 pid, struct perf_map *p)
{
	char path[PATH_SIZE];
	struct status_ids ids;
	u64 now = clock_monotonic_ns();
	struct stat st;

	if (p->looked && now < p->looked + LOOK_EVERY)
		return;
	p->looked = now;
	if (read_proc(host_path(h, path, "/proc/%u/status", pid), 64 << 10, &h->text) ||
	    parse_status(h->text.data, h->text.len, &ids))
		return;
	host_path(h, path, "/proc/%u/root/tmp/perf-%u.map", pid,
		  ids.inner_pid ? ids.inner_pid : pid);
	if (lstat(path, &st) || !S_ISREG(st.st_mode) || (st.st_uid != ids.uid && st.st_uid))
		return;
	if (st.st_ino == p->st.st_ino && st.st_size == p->st.st_size &&
	    !memcmp(&st.st_mtim, &p->st.st_mtim, sizeof(st.st_mtim)))
		return;
	p->st = st;
	read_map(h, p, path);
	p->looked = now;
}

bool perf_map_name(const struct perf_map *p, u64 address, struct buf *name, u64 *ret_start)
{
	size_t low = 0, high = p->count;
	const struct perf_entry *e;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	e = low ? &p->items[low - 1] : NULL;
	if (!e || address - e->start >= e->size)
		return false;
	buf_add_str(name, p->names.data + e->name);
	*ret_start = e->start;
	return true;
}
