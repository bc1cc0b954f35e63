// SPDX-License-Identifier: Apache-2.0
/*
 * A watch of what processes map, as perf keeps it: one dummy software event a CPU, which counts
 * nothing and samples nothing, but whose ring gets a record of each executable mapping, exec, fork
 * and end. Nobody is woken: whoever needs a name takes in what has come, and a timer of the caller
 * does so often enough that the rings do not fill.
 *
 * A process moves between CPUs, so records are merged by time. A record of after the beginning of
 * a pass is left for the next one: what made it happen may lie in a ring that was already read.
 */
#include "host/mapping.h"

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

/* Of records, a CPU; an exec is about 1 KiB. All together at most RINGS_BYTES_MAX. */
#define RING_BYTES (128 << 10)
#define RING_BYTES_MIN (16 << 10)
#define RINGS_BYTES_MAX (4 << 20)
#define RECORD_MAX (64 << 10)

struct mapping_ring {
	int fd;
	struct perf_event_mmap_page *page; /* data behind it */
	const u8 *data;
	u64 size;	/* of data: a power of two */
	u64 head, tail; /* of this pass */
	u64 time;	/* of the record at the tail; UINT64_MAX: none */
};

struct mapping_watch {
	struct mapping_ring *rings;
	size_t count;
	u64 lost;
	u8 *record; /* RECORD_MAX: one that goes over the ring's end */
};

/* ---- opening ----------------------------------------------------------------------------- */

static int open_event(int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		/* A ring that fills wakes its waiters, of which there are none. */
		.watermark = 1,
		.wakeup_watermark = UINT32_MAX,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int map_ring(struct mapping_ring *r, u64 bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	/* Who may lock little memory gets a smaller one. */
	for (; bytes >= RING_BYTES_MIN; bytes /= 2) {
		void *memory =
			mmap(NULL, page + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);

		if (memory == MAP_FAILED) {
			if (errno != EPERM && errno != ENOMEM)
				break;
			continue;
		}
		r->page = memory;
		r->data = (const u8 *)memory + page;
		r->size = bytes;
		return 0;
	}
	return fail_errno(-errno, "cannot map a ring of perf records");
}

static int open_rings(struct mapping_watch *w, int cpus)
{
	u64 bytes = RING_BYTES;

	while (bytes > RING_BYTES_MIN && bytes * (u64)cpus > RINGS_BYTES_MAX)
		bytes /= 2;
	for (int cpu = 0; cpu < cpus; cpu++) {
		struct mapping_ring *r = &w->rings[w->count];
		int err;

		r->fd = open_event(cpu);
		if (r->fd == -ENODEV)
			continue; /* offline */
		if (r->fd < 0)
			return fail_errno(r->fd, "cannot watch what processes map");
		w->count++;
		err = map_ring(r, bytes);
		if (err)
			return err;
	}
	return w->count ? 0 : fail(-ENODEV, "no CPU can be watched");
}

struct mapping_watch *mapping_watch_free(struct mapping_watch *w)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!w)
		return NULL;
	for (size_t i = 0; i < w->count; i++) {
		if (w->rings[i].page)
			munmap(w->rings[i].page, page + w->rings[i].size);
		close_fd(&w->rings[i].fd);
	}
	free(w->rings);
	free(w->record);
	free(w);
	return NULL;
}

int host_watch_mappings(struct host *h)
{
	struct symbol_tables *s = symbols_of(h);
	struct mapping_watch *w;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int err = -ENOMEM;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	if (s->watch)
		return 0;
	w = calloc(1, sizeof(*w));
	cpus = cpus < 1 ? 1 : cpus;
	if (w) {
		w->rings = calloc((size_t)cpus, sizeof(*w->rings));
		w->record = malloc(RECORD_MAX);
	}
	if (!w || !w->rings || !w->record)
		fail(-ENOMEM, "out of memory");
	else
		err = open_rings(w, (int)cpus);
	if (err) {
		mapping_watch_free(w);
		return err;
	}
	s->watch = w;
	return 0;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Bytes of a ring at @at, which may go over its end. */
static void copy_out(const struct mapping_ring *r, u64 at, void *to, size_t size)
{
	u64 place = at & (r->size - 1);
	size_t first = (size_t)MIN((u64)size, r->size - place);

	memcpy(to, r->data + place, first);
	memcpy((u8 *)to + first, r->data, size - first);
}

/* The time of the record at the tail. A ring that makes no sense is skipped to its head. */
static void peek(struct mapping_ring *r)
{
	struct perf_event_header header;

	r->time = UINT64_MAX;
	if (r->tail == r->head)
		return;
	if (r->head - r->tail < sizeof(header) + sizeof(r->time)) {
		r->tail = r->head;
		return;
	}
	copy_out(r, r->tail, &header, sizeof(header));
	if (header.size < sizeof(header) + sizeof(r->time) || header.size % 8 ||
	    header.size > r->head - r->tail) {
		r->tail = r->head;
		return;
	}
	copy_out(r, r->tail + header.size - sizeof(r->time), &r->time, sizeof(r->time));
}

static struct mapping_ring *earliest(struct mapping_watch *w, u64 until)
{
	struct mapping_ring *best = NULL;

	for (size_t i = 0; i < w->count; i++) {
		struct mapping_ring *r = &w->rings[i];

		if (r->time <= until && (!best || r->time < best->time))
			best = r;
	}
	return best;
}

/* Applies the record at the ring's tail. */
static void take(struct host *h, struct mapping_watch *w, struct mapping_ring *r)
{
	struct perf_event_header header;
	struct mapping_record record;
	const u8 *bytes;
	u64 place = r->tail & (r->size - 1);

	copy_out(r, r->tail, &header, sizeof(header));
	bytes = r->data + place;
	if (place + header.size > r->size) {
		copy_out(r, r->tail, w->record, header.size);
		bytes = w->record;
	}
	if (!mapping_record_parse(bytes, header.size, &record)) {
		w->lost += record.kind == MAPPING_LOST ? record.lost : 0;
		mapping_apply(h, &record);
	}
	r->tail += header.size;
}

void host_drain_mappings(struct host *h)
{
	struct mapping_watch *w = h->symbols ? h->symbols->watch : NULL;
	struct mapping_ring *r;
	bool any = false;
	u64 until;

	for (size_t i = 0; w && i < w->count && !any; i++) {
		r = &w->rings[i];
		any = __atomic_load_n(&r->page->data_head, __ATOMIC_RELAXED) != r->tail;
	}
	if (!any)
		return;
	until = clock_monotonic_ns();
	for (size_t i = 0; i < w->count; i++) {
		r = &w->rings[i];
		r->head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
		peek(r);
	}
	while ((r = earliest(w, until))) {
		take(h, w, r);
		peek(r);
	}
	for (size_t i = 0; i < w->count; i++) {
		r = &w->rings[i];
		__atomic_store_n(&r->page->data_tail, r->tail, __ATOMIC_RELEASE);
	}
}

u64 host_mappings_lost(const struct host *h)
{
	return h->symbols && h->symbols->watch ? h->symbols->watch->lost : 0;
}
