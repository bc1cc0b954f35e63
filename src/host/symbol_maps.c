// SPDX-License-Identifier: Apache-2.0
/*
 * Who had what mapped when. A process's table comes from /proc/PID/maps at the first question, or,
 * while the kernel tells of mappings (mapping.c), from its exec on without being asked: then it is
 * known after its end too. A child shares its parent's table until one of both maps something.
 * Tables stay within half of the budget of bytes; those of the dead go first, the least recently
 * used before others.
 */
#include "host/mapping.h"

#define MAPS_MAX (16 << 20)
/* What is told one by one is put in its place one by one: who maps more costs too much. */
#define TOLD_MAX 4096
/* Of one pid, looked at: a process can execute itself all day. */
#define GONE_MAX 64
#define RELOAD_EVERY (100 * NSEC_PER_MSEC)

/* ---- memory ------------------------------------------------------------------------------ */

struct symbol_tables *symbols_of(struct host *h)
{
	if (!h->symbols)
		h->symbols = calloc(1, sizeof(*h->symbols));
	return h->symbols;
}

struct symbol_tables *symbols_free(struct symbol_tables *s)
{
	if (!s)
		return NULL;
	mapping_watch_free(s->watch);
	if (s->seed)
		closedir(s->seed);
	maps_free_all(s);
	files_free_all(s);
	kernel_symbols_free(&s->kernel);
	for (size_t i = 0; i < FRAMES; i++)
		free(s->frames[i].text);
	buf_free(&s->name);
	free(s);
	return NULL;
}

static void add_bytes(struct symbol_tables *s, size_t bytes)
{
	s->bytes += bytes;
	s->maps_bytes += bytes;
}

static void sub_bytes(struct symbol_tables *s, size_t bytes)
{
	s->bytes -= bytes;
	s->maps_bytes -= bytes;
}

static struct process_maps *maps_item(struct cache_item *item)
{
	return item ? item_of(item, struct process_maps, item) : NULL;
}

/* A table that several have is counted once: when it is made, and when the last lets go of it. */
static void let_go(struct symbol_tables *s, struct process_maps *m)
{
	if (m->table && m->table->refs == 1)
		sub_bytes(s, regions_bytes(m->table));
	regions_unref(m->table);
	m->table = NULL;
}

static void maps_free(struct symbol_tables *s, struct process_maps *m)
{
	let_go(s, m);
	sub_bytes(s, sizeof(*m) + m->perf_bytes);
	if (m->perf)
		perf_map_free(m->perf);
	free(m->perf);
	free(m);
}

void maps_free_all(struct symbol_tables *s)
{
	struct cache_item *item;

	while ((item = cache_take_oldest(&s->maps)))
		maps_free(s, maps_item(item));
	while ((item = cache_take_oldest(&s->gone)))
		maps_free(s, maps_item(item));
	cache_free(&s->maps);
	cache_free(&s->gone);
}

/* The newest of each cache stays: it is in use. */
void symbols_trim(struct host *h)
{
	struct symbol_tables *s = h->symbols;

	while (s->gone.count > 1 && s->maps_bytes > h->limits.symbol_bytes / 2)
		maps_free(s, maps_item(cache_take_oldest(&s->gone)));
	while (s->maps.count > 1 && s->maps_bytes > h->limits.symbol_bytes / 2)
		maps_free(s, maps_item(cache_take_oldest(&s->maps)));
	files_trim(h);
}

const struct perf_map *maps_perf(struct host *h, struct process_maps *m)
{
	struct symbol_tables *s = h->symbols;

	if (!m->perf)
		m->perf = calloc(1, sizeof(*m->perf));
	if (m->perf && !m->end)
		perf_map_refresh(h, (u32)m->item.key, m->perf);
	sub_bytes(s, m->perf_bytes);
	m->perf_bytes = m->perf ? sizeof(*m->perf) + perf_map_bytes(m->perf) : 0;
	add_bytes(s, m->perf_bytes);
	return m->perf;
}

/*
 * A new entry for who has @pid now. @table (a reference of the caller's) may be NULL: an empty one.
 */
static struct process_maps *maps_new(struct host *h, u32 pid, struct region_table *table)
{
	struct symbol_tables *s = h->symbols;
	struct process_maps *m = calloc(1, sizeof(*m));
	bool is_new = !table;

	if (is_new)
		table = regions_new();
	if (!m || !table || cache_add(&s->maps, &m->item, pid)) {
		regions_unref(table);
		free(m);
		return NULL;
	}
	if (is_new) {
		table->id = ++s->next_id;
		add_bytes(s, regions_bytes(table));
	}
	m->table = table;
	m->losses = s->losses;
	add_bytes(s, sizeof(*m));
	return m;
}

static void maps_forget(struct symbol_tables *s, struct process_maps *m)
{
	cache_remove(m->end ? &s->gone : &s->maps, &m->item);
	maps_free(s, m);
}

/* Keeps the entry as what was until @time. */
static void maps_retire(struct symbol_tables *s, struct process_maps *m, u64 time)
{
	u64 pid = m->item.key;

	cache_remove(&s->maps, &m->item);
	m->end = time ? time : 1;
	if (m->table->refs == 1) {
		sub_bytes(s, regions_bytes(m->table));
		regions_fit(m->table);
		add_bytes(s, regions_bytes(m->table));
	}
	if (cache_add(&s->gone, &m->item, pid))
		maps_free(s, m);
}

/* Puts a region into a table that is nobody else's. */
static int put(struct symbol_tables *s, struct process_maps *m, struct region r,
	       struct text_span path)
{
	struct region_table *t = m->table;
	int err;

	if (t->refs > 1) {
		t = regions_copy(t);
		if (!t)
			return -ENOMEM;
		let_go(s, m);
		m->table = t;
	} else {
		sub_bytes(s, regions_bytes(t));
	}
	err = regions_put(t, r, path);
	t->id = ++s->next_id;
	add_bytes(s, regions_bytes(t));
	return err;
}

/* ---- from /proc -------------------------------------------------------------------------- */

static int read_text(struct host *h, u32 pid)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_SIZE];
	int err = read_proc(host_path(h, path, "/proc/%u/maps", pid), MAPS_MAX, &h->text);

	if (err != -EACCES)
		return err;
	fd = host_open_elsewhere(h, pid, HOST_MAPS);
	return fd < 0 ? fd : read_opened(fd, MAPS_MAX, &h->text);
}

static struct region_table *table_of_text(const char *text, size_t len)
{
	struct text_span rest = { text, len }, line;
	struct region_table *t = regions_new();
	struct maps_line l;

	while (t && next_line(&rest, &line)) {
		if (parse_maps_line(line.bytes, line.len, &l) || !l.executable || l.end <= l.start)
			continue;
		if (regions_put(t,
				(struct region){ .start = l.start,
						 .end = l.end,
						 .offset = l.offset,
						 .inode = l.inode,
						 .major = l.major,
						 .minor = l.minor },
				l.path))
			break;
	}
	return t;
}

/*
 * false: the maps could not be read (the process has gone, or is a kernel thread): what was known
 * stays.
 */
static bool maps_read(struct host *h, struct process_maps *m)
{
	struct symbol_tables *s = h->symbols;
	struct region_table *t;

	m->tried = clock_monotonic_ns();
	if (read_text(h, (u32)m->item.key) || !h->text.len)
		return false;
	t = table_of_text(buf_str(&h->text), h->text.len);
	if (h->text.cap > (256 << 10))
		buf_free(&h->text);
	if (!t)
		return false;
	t->id = ++s->next_id;
	let_go(s, m);
	m->table = t;
	add_bytes(s, regions_bytes(t));
	m->read = m->tried;
	m->watched = s->watch != NULL;
	m->losses = s->losses;
	return true;
}

/* Is the entry what the kernel has told without a gap? */
static bool is_certain(const struct symbol_tables *s, const struct process_maps *m)
{
	return m->watched && m->losses == s->losses;
}

/* The maps of who has @pid now, or had it when it was last seen; NULL when there are none. */
static struct process_maps *maps_of(struct host *h, u32 pid)
{
	struct symbol_tables *s = h->symbols;
	struct process_maps *m = maps_item(cache_find(&s->maps, pid));
	const struct process *p;
	u64 start, image;

	if (m && is_certain(s, m)) {
		cache_touch(&s->maps, &m->item);
		return m;
	}
	p = host_process_recent(h, pid);
	if (m && (!p || p->exit || (p->start == m->start && p->image == m->image))) {
		cache_touch(&s->maps, &m->item);
		/* Read before the watch began, or before it lost something: now it can last. */
		if (s->watch && p && !p->exit && clock_monotonic_ns() > m->tried + RELOAD_EVERY)
			maps_read(h, m);
		return m;
	}
	if (!p || p->exit)
		return NULL;
	start = p->start;
	image = p->image;
	if (m)
		maps_forget(s, m);
	m = maps_new(h, pid, NULL);
	if (!m)
		return NULL;
	m->start = start;
	m->image = image;
	maps_read(h, m);
	symbols_trim(h);
	return m;
}

int host_learn_mappings(struct host *h, u32 pid)
{
	return symbols_of(h) && maps_of(h, pid) ? 0 : -ESRCH;
}

/* The number of the next entry of /proc that is a process; 0: no more. */
static u32 next_pid(DIR *dir)
{
	const struct dirent *d;
	u64 pid;

	while ((d = readdir(dir))) {
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && !parse_u64(d->d_name, &pid) &&
		    pid <= UINT32_MAX)
			return (u32)pid;
	}
	return 0;
}

bool host_learn_all_mappings(struct host *h, unsigned count)
{
	struct symbol_tables *s = symbols_of(h);
	char path[PATH_SIZE];
	u32 pid = 1;

	if (!s || !s->watch || s->seeded)
		return false;
	if (!s->seed)
		s->seed = opendir(host_path(h, path, "/proc"));
	while (count-- && s->seed && s->maps_bytes < h->limits.symbol_bytes / 4) {
		pid = next_pid(s->seed);
		if (!pid)
			break;
		maps_of(h, pid);
	}
	s->seeded = !s->seed || !pid || s->maps_bytes >= h->limits.symbol_bytes / 4;
	if (s->seeded && s->seed) {
		closedir(s->seed);
		s->seed = NULL;
	}
	return !s->seeded;
}

/* ---- lookup ------------------------------------------------------------------------------ */

/* Of those that were: the last before @time (0: of all) that had the address. */
static struct process_maps *find_gone(struct symbol_tables *s, u32 pid, u64 time, u64 address,
				      struct region **ret)
{
	struct process_maps *last = NULL;
	unsigned left = GONE_MAX;

	for (struct cache_item *i = cache_find(&s->gone, pid); i && left--; i = cache_next(i)) {
		struct process_maps *m = maps_item(i);

		if (time && (time < m->begin || time > m->end))
			continue;
		last = last ? last : m;
		*ret = regions_find(m->table, address);
		if (!*ret)
			continue;
		cache_touch(&s->gone, i);
		return m;
	}
	return last;
}

struct process_maps *maps_find(struct host *h, u32 pid, u64 time, u64 address, struct region **ret)
{
	struct symbol_tables *s = h->symbols;
	struct process_maps *m = maps_item(cache_find(&s->maps, pid)), *was = NULL;

	*ret = NULL;
	if (m && is_certain(s, m) && (!time || time >= m->begin))
		*ret = regions_find(m->table, address);
	if (*ret) {
		cache_touch(&s->maps, &m->item);
		return m;
	}
	if (s->gone.count)
		was = find_gone(s, pid, time, address, ret);
	if (*ret || (was && time))
		return was;
	m = maps_of(h, pid);
	if (!m || (time && time < m->begin))
		return was;
	*ret = regions_find(m->table, address);
	if (!*ret && clock_monotonic_ns() > m->tried + RELOAD_EVERY && maps_read(h, m))
		*ret = regions_find(m->table, address);
	return m;
}

/* ---- as the kernel tells ----------------------------------------------------------------- */

/* Run-time compilers change what they may do with a region all the time: that is no news. */
static bool is_known(const struct region_table *t, const struct region *new, const char *path)
{
	const struct region *r = regions_find(t, new->start);

	return r && r->start == new->start && r->end == new->end && r->offset == new->offset &&
	       r->inode == new->inode && r->major == new->major && r->minor == new->minor &&
	       !strcmp(region_path(t, r), path);
}

static void on_map(struct host *h, struct process_maps *m, const struct mapping_record *r)
{
	struct cache_item *gone = m ? NULL : cache_find(&h->symbols->gone, r->pid);
	struct region region = { .start = r->start,
				 .end = r->end,
				 .offset = r->offset,
				 .inode = r->inode,
				 .major = r->major,
				 .minor = r->minor };

	if (gone) /* its first thread has ended, the others have not */
		m = maps_item(gone);
	/* Of who is not known nobody has asked yet; what /proc had already is not news. */
	if (!m || !m->watched || r->time <= m->read || is_known(m->table, &region, r->path.bytes))
		return;
	region_hold(h, m, &region, r->path.bytes);
	/* Too many, or no memory: /proc will have to be asked, while there is somebody to ask. */
	if (m->table->count >= TOLD_MAX || put(h->symbols, m, region, r->path))
		m->watched = false;
}

static void on_exec(struct host *h, struct process_maps *m, const struct mapping_record *r)
{
	struct symbol_tables *s = h->symbols;
	u32 parent = m ? m->parent : 0;

	if (m && r->time <= m->read)
		return;
	if (m)
		maps_retire(s, m, r->time);
	m = maps_new(h, r->pid, NULL);
	if (!m)
		return;
	m->begin = r->time;
	m->parent = parent;
	m->watched = true;
}

/* The parent's, if it is not known yet: while it is there, its child may soon not be. */
static struct process_maps *parent_of(struct host *h, const struct mapping_record *r)
{
	struct symbol_tables *s = h->symbols;
	struct process_maps *m = maps_item(cache_find(&s->maps, r->parent));

	if (m && m->watched)
		return m;
	if (m)
		return maps_read(h, m) ? m : NULL;
	m = maps_new(h, r->parent, NULL);
	if (m && maps_read(h, m))
		return m;
	if (m) /* it has gone, or is a kernel thread */
		maps_forget(s, m);
	return NULL;
}

static void on_fork(struct host *h, struct process_maps *m, const struct mapping_record *r)
{
	struct symbol_tables *s = h->symbols;
	struct process_maps *parent;

	if (m && r->time <= m->read)
		return;
	if (m) /* its end was not told */
		maps_retire(s, m, r->time);
	parent = parent_of(h, r);
	if (!parent)
		return;
	parent->table->refs++;
	m = maps_new(h, r->pid, parent->table);
	if (!m)
		return;
	m->begin = r->time;
	m->parent = r->parent;
	m->watched = is_certain(s, parent);
}

void mapping_apply(struct host *h, const struct mapping_record *r)
{
	struct symbol_tables *s = symbols_of(h);
	struct process_maps *m = s ? maps_item(cache_find(&s->maps, r->pid)) : NULL;

	if (!s)
		return;
	switch (r->kind) {
	case MAPPING_MAP:
		on_map(h, m, r);
		break;
	case MAPPING_EXEC:
		on_exec(h, m, r);
		break;
	case MAPPING_FORK:
		on_fork(h, m, r);
		break;
	case MAPPING_EXIT:
		if (m)
			maps_retire(s, m, r->time);
		break;
	case MAPPING_LOST:
		s->losses++;
		break;
	case MAPPING_OTHER:
		break;
	}
	symbols_trim(h);
}
