// SPDX-License-Identifier: Apache-2.0
/*
 * Who had a pid at a time. Pids are used again, and records are read after the fact: so an answer
 * is given only for a time in which the process is known to have had the pid. A record younger
 * than the last look at /proc costs a new look; all records that were waiting at that moment are
 * then covered by it.
 */
#include "host/process_table.h"

#include <dirent.h>

/*
 * Pids go round: before one is used again all others are, and no machine begins more than this a
 * second.
 */
#define FORKS_PER_SEC 32768
#define GRACE_MAX 60
/*
 * Between a process's start time and the record of its fork; start times of /proc are rounded to
 * ticks besides.
 */
#define FORK_SLACK (100 * NSEC_PER_MSEC)
/*
 * What /proc said about a process that may exec, change its user or its cgroup unheard is read
 * again after this.
 */
#define PARTS_VALID NSEC_PER_SEC
#define RECENT (100 * NSEC_PER_MSEC)

static u64 begin_of(const struct process_entry *e)
{
	return e->p.start ? e->p.start : e->first;
}

static struct process_entry *entry_of(struct cache_item *item)
{
	return item ? item_of(item, struct process_entry, item) : NULL;
}

static void entry_free(struct host *h, struct process_entry *e)
{
	process_set_text(h, &e->p.exe, NULL, 0);
	process_set_args(h, e, NULL, 0);
	process_set_text(h, &e->p.cgroup_path, NULL, 0);
	free(e);
}

void process_table_free(struct process_table *t)
{
	struct host *h = item_of(t, struct host, processes);
	struct process_entry *e;

	while ((e = entry_of(cache_take_oldest(&t->gone))))
		entry_free(h, e);
	while ((e = entry_of(cache_take_oldest(&t->live))))
		entry_free(h, e);
	cache_free(&t->gone);
	cache_free(&t->live);
}

/* Forgets until the table is within its bounds: the dead first, and never @keep. */
static void trim(struct host *h, const struct process_entry *keep)
{
	struct process_table *t = &h->processes;

	while (t->live.count + t->gone.count > h->limits.processes ||
	       t->bytes > h->limits.process_bytes) {
		struct cache *from = &t->gone;
		struct process_entry *e;

		if (!from->count || entry_of(from->oldest) == keep)
			from = &t->live;
		e = entry_of(from->oldest);
		if (!e || e == keep)
			return;
		cache_remove(from, &e->item);
		entry_free(h, e);
	}
}

static struct process_entry *entry_new(struct host *h, struct cache *where, u32 pid)
{
	struct process_entry *e = calloc(1, sizeof(*e));

	if (!e || cache_add(where, &e->item, pid)) {
		free(e);
		fail(-ENOMEM, "out of memory");
		return NULL;
	}
	e->p.pid = pid;
	trim(h, e);
	return e;
}

/* Moves a live entry to those that have gone. Cannot fail: when memory runs out it is forgotten. */
static void retire(struct host *h, struct process_entry *e, u64 end)
{
	struct process_table *t = &h->processes;

	cache_remove(&t->live, &e->item);
	e->end = end;
	e->p.exit = end;
	if (cache_add(&t->gone, &e->item, e->p.pid))
		entry_free(h, e);
}

/* For so long after its end a pid still means the same process. */
static u64 grace_of(struct host *h)
{
	struct process_table *t = &h->processes;
	char path[PATH_SIZE];

	if (!t->grace) {
		u64 pids = 0;

		if (!read_proc(host_path(h, path, "/proc/sys/kernel/pid_max"), 64, &h->text))
			pids = strtoull(buf_str(&h->text), NULL, 10);
		t->grace = MAX(MIN(pids / FORKS_PER_SEC, (u64)GRACE_MAX), (u64)1) * NSEC_PER_SEC;
	}
	return t->grace;
}

static struct process_entry *find_gone(struct host *h, u32 pid, u64 time)
{
	struct cache_item *item = cache_find(&h->processes.gone, pid);
	struct process_entry *best = NULL;

	for (; item; item = cache_next(item)) {
		struct process_entry *e = entry_of(item);

		if (begin_of(e) <= time && (!best || begin_of(e) > begin_of(best)))
			best = e;
	}
	if (!best || time > best->end + grace_of(h))
		return NULL;
	cache_touch(&h->processes.gone, &best->item);
	return best;
}

/* A start time of /proc on the clock of records. 1 keeps "not known" apart. */
static u64 monotonic_of(u64 boot_start)
{
	u64 offset = boot_offset();

	return boot_start > offset ? boot_start - offset : 1;
}

/* Is the process that /proc shows with this start time the one of the entry? */
static bool is_same(const struct host *h, const struct process_entry *e, u64 boot_start)
{
	u64 slack = h->processes.ns_per_tick + FORK_SLACK;

	if (!e->p.start) /* heard of by its exec: who began before that and is still there */
		return monotonic_of(boot_start) <= e->first;
	/* One start time is rounded down to a tick, the other may come from the fork's record. */
	return boot_start <= e->boot_start && e->boot_start < boot_start + slack;
}

static void refresh(struct process_entry *e, const struct stat_line *line, u64 boot_start, u64 now)
{
	if (!e->p.start) {
		e->p.start = monotonic_of(boot_start);
		e->boot_start = boot_start;
	}
	if (!e->ppid_fed)
		e->p.ppid = line->ppid;
	if (strlen(e->p.comm) != line->comm.len ||
	    memcmp(e->p.comm, line->comm.bytes, line->comm.len)) {
		process_set_comm(e, line->comm.bytes, line->comm.len);
		e->tried &= ~(unsigned)(PROCESS_EXE | PROCESS_ARGS); /* most likely an exec */
		e->p.image = now;
	}
	if (now > e->parts_read + PARTS_VALID)
		e->tried = 0;
	e->seen = now;
}

/* Looks at /proc; the entry of who has the pid now, or NULL. Whoever had it before is retired. */
static struct process_entry *look(struct host *h, u32 pid, struct process_entry *e)
{
	struct stat_line line;
	u64 start = 0, now = clock_monotonic_ns();
	int err = process_look(h, pid, &line, &start);

	if (err == -ENOMEM)
		return NULL;
	if (e && (err || !is_same(h, e, start))) {
		retire(h, e, e->seen);
		e = NULL;
	}
	if (err)
		h->processes.absent[pid % ABSENT] = (struct absent_process){ pid, now };
	if (err)
		return NULL;
	if (!e)
		e = entry_new(h, &h->processes.live, pid);
	if (e)
		refresh(e, &line, start, now);
	return e;
}

static struct process_entry *find(struct host *h, u32 pid, u64 time)
{
	struct process_entry *e = entry_of(cache_find(&h->processes.live, pid));
	const struct absent_process *absent = &h->processes.absent[pid % ABSENT];

	/*
	 * Who was not there at a later time will not be found by looking again: of a process that
	 * did much and ended, a thousand records may ask.
	 */
	if (!e && absent->pid == pid && time <= absent->at)
		return find_gone(h, pid, time);
	if (!e || time > e->seen || (!e->p.start && time < e->first))
		e = look(h, pid, e);
	if (!e || time < begin_of(e))
		return find_gone(h, pid, time);
	cache_touch(&h->processes.live, &e->item);
	return e;
}

/*
 * Nobody else may have answered while we read: a new start time means that the pid changed hands.
 */
static bool read_parts(struct host *h, struct process_entry *e, unsigned parts)
{
	struct stat_line line;
	u64 start;

	process_read_parts(h, e, parts);
	e->parts_read = clock_monotonic_ns();
	if (process_look(h, e->p.pid, &line, &start) || is_same(h, e, start))
		return true;
	cache_remove(&h->processes.live, &e->item);
	entry_free(h, e);
	return false;
}

const struct process *host_process(struct host *h, u32 pid, u64 time, unsigned parts)
{
	struct process_entry *e;

	if (!pid)
		return NULL; /* the idle task of each CPU */
	e = find(h, pid, time ? time : clock_monotonic_ns());
	if (!e)
		return NULL;
	if (!e->end && (parts & ~e->tried)) {
		if (!read_parts(h, e, parts))
			return NULL;
		trim(h, e);
	}
	return &e->p;
}

const struct process *host_process_recent(struct host *h, u32 pid)
{
	const struct process_entry *e = entry_of(cache_find(&h->processes.live, pid));

	if (e && e->p.start && clock_monotonic_ns() < e->seen + RECENT)
		return &e->p;
	return host_process(h, pid, 0, 0);
}

/* ---- what is fed ------------------------------------------------------------------------- */

static int inherit(struct host *h, struct process_entry *e, const struct process_entry *parent)
{
	const struct process *p = &parent->p;
	int err = 0;

	if (p->exe)
		err = process_set_text(h, &e->p.exe, p->exe, strlen(p->exe));
	if (!err && p->args)
		err = process_set_args(h, e, p->args, p->args_len);
	if (!err && p->cgroup_path)
		err = process_set_text(h, &e->p.cgroup_path, p->cgroup_path,
				       strlen(p->cgroup_path));
	e->p.uid = p->uid;
	e->p.gid = p->gid;
	e->p.has_ids = p->has_ids;
	e->known = parent->known;
	return err;
}

int host_process_fork(struct host *h, u32 pid, u32 ppid, const char *comm, u64 time)
{
	struct process_entry *e = entry_of(cache_find(&h->processes.live, pid));
	const struct process_entry *parent;
	int err = 0;

	if (e && e->p.start <= time && e->p.start &&
	    time < e->p.start + h->processes.ns_per_tick + FORK_SLACK) {
		e->p.ppid = ppid; /* some other record made us look already */
		e->ppid_fed = true;
		return 0;
	}
	if (e && begin_of(e) > time)
		return 0; /* the news is old: the pid has had its next owner since */
	if (e)
		retire(h, e, e->seen);
	e = entry_new(h, &h->processes.live, pid);
	if (!e)
		return -ENOMEM;
	e->p.start = e->seen = time;
	e->boot_start = time + boot_offset();
	e->p.ppid = ppid;
	e->ppid_fed = true;
	if (comm)
		process_set_comm(e, comm, strlen(comm));
	parent = entry_of(cache_find(&h->processes.live, ppid));
	if (parent && begin_of(parent) <= time)
		err = inherit(h, e, parent);
	trim(h, e);
	return err;
}

/*
 * The entry that an exec at @time changes: the live one if it is certainly that process, else a
 * new one.
 */
static struct process_entry *entry_for_exec(struct host *h, u32 pid, u64 time)
{
	struct process_entry *e = entry_of(cache_find(&h->processes.live, pid));

	if (e && time > e->seen + grace_of(h))
		e = look(h, pid, e);
	if (e && time < begin_of(e)) {
		struct process_entry *earlier = entry_new(h, &h->processes.gone, pid);

		if (earlier)
			earlier->end = earlier->p.exit = time;
		e = earlier;
	} else if (!e) {
		e = entry_new(h, &h->processes.live, pid);
	}
	if (e && !begin_of(e))
		e->first = time;
	return e;
}

int host_process_exec(struct host *h, u32 pid, u32 ppid, const char *comm, const char *exe,
		      const char *args, size_t args_len, u64 time)
{
	struct process_entry *e = entry_for_exec(h, pid, time);
	int err = 0;

	if (!e)
		return -ENOMEM;
	if (time < e->p.image)
		return 0; /* records of several rings come out of order */
	e->p.image = time;
	e->seen = MAX(e->seen, time);
	e->tried = 0;
	if (ppid) {
		e->p.ppid = ppid;
		e->ppid_fed = true;
	}
	if (comm)
		process_set_comm(e, comm, strlen(comm));
	/* What the exec does not tell is the old image's: it goes. */
	err = process_set_text(h, &e->p.exe, exe, exe ? strlen(exe) : 0);
	if (!err)
		err = process_set_args(h, e, args, args_len);
	if (exe)
		e->tried |= PROCESS_EXE;
	if (args)
		e->tried |= PROCESS_ARGS;
	e->parts_read = time;
	trim(h, e);
	return err;
}

void host_process_exit(struct host *h, u32 pid, u64 time)
{
	struct process_entry *e = entry_of(cache_find(&h->processes.live, pid));

	if (e && begin_of(e) <= time)
		retire(h, e, time);
}

/* ---- the whole of /proc ------------------------------------------------------------------ */

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool is_pid(const char *name, u32 *ret)
{
	u64 v;

	if (name[0] < '1' || name[0] > '9' || parse_u64(name, &v) || v > UINT32_MAX)
		return false;
	*ret = (u32)v;
	return true;
}

ssize_t host_seed(struct host *h, unsigned parts,
		  void (*progress)(void *context, size_t done, size_t all), void *context)
{
	char path[PATH_SIZE];
	_cleanup_(close_dir) DIR *dir = opendir(host_path(h, path, "/proc"));
	const struct dirent *d;
	size_t all = 0, done = 0;
	ssize_t found = 0;
	u32 pid;

	if (!dir)
		return fail_errno(-errno, "cannot read %s", path);
	while ((d = readdir(dir)))
		all += is_pid(d->d_name, &pid);
	rewinddir(dir);
	while ((d = readdir(dir))) {
		if (!is_pid(d->d_name, &pid))
			continue;
		found += host_process(h, pid, 0, parts) != NULL;
		if (progress && ++done % 256 == 0)
			progress(context, done, MAX(done, all));
	}
	if (progress)
		progress(context, done, MAX(done, all));
	return found;
}
