// SPDX-License-Identifier: Apache-2.0
/*
 * The files of the embedded store: which partition is written to, when it gets another part, which
 * ones go because of their age, of the size of all, or of a full disk, and what becomes of damaged
 * ones.
 */
#include "store/embedded.h"

/* A partition gets a new part at this fraction of the size limit, so that a limit frees little. */
#define PARTS 8
#define PARTS_MAX 10000 /* within one span */

static const struct store_log *log_of(const struct embedded *e)
{
	return &e->store->options.log;
}

/* ---- the current partition ------------------------------------------------------------------- */

void embedded_leave(struct embedded *e)
{
	e->partition = partition_close(e->partition);
	e->generation++;
}

static u64 roll_bytes(const struct embedded *e)
{
	return e->store->options.max_bytes ? e->store->options.max_bytes / PARTS : UINT64_MAX;
}

/*
 * The part of @span that is to be written: the last one that is there, or the one behind it when
 * that is large.
 */
static int current_part(struct embedded *e, const struct partition_id *span,
			struct partition_id *ret)
{
	_cleanup_(partition_list_free) struct partition_list l = { 0 };
	int err = directory_list(e->store->options.directory, &l);

	if (err)
		return err;
	*ret = *span;
	ret->part = 0;
	for (size_t i = 0; i < l.count; i++)
		if (!l.files[i].aside && partition_same_span(&l.files[i].id, span))
			ret->part = l.files[i].id.part + (l.files[i].bytes > roll_bytes(e));
	return 0;
}

int embedded_enter(struct embedded *e, const struct partition_id *span)
{
	const char *directory = e->store->options.directory;
	struct partition_id id;
	int err;

	/* Somebody may have deleted the file: then what is written goes nowhere. */
	if (e->partition && partition_same_span(&e->id, span) && !access(e->partition->path, F_OK))
		return 0;
	embedded_leave(e);
	err = current_part(e, span, &id);
	if (err)
		return err;
	do {
		_cleanup_free_ char *path = NULL;

		partition_name(&id, e->name);
		path = store_path(directory, e->name);
		if (!path)
			return fail(-ENOMEM, "store: out of memory");
		err = partition_open(path, &e->partition);
	} while (err == -EPROTONOSUPPORT &&
		 ++id.part < PARTS_MAX); /* a newer saker's file is not touched */
	if (err)
		return err;
	e->id = id;
	return 0;
}

void embedded_roll(struct embedded *e)
{
	if (e->store->options.max_bytes &&
	    directory_partition_bytes(e->store->options.directory, e->name) > roll_bytes(e))
		embedded_leave(e);
}

/* ---- trouble --------------------------------------------------------------------------------- */

static void set_aside(struct embedded *e, const char *name)
{
	const char *directory = e->store->options.directory;
	_cleanup_free_ char *why = strdup(error_text());
	char to[PARTITION_NAME_MAX];

	if (directory_set_aside(directory, name, to)) {
		store_say(log_of(e), LOG_LEVEL_ERROR, "store: %s; it is damaged: %s", error_text(),
			  why ? why : "");
		return;
	}
	e->store->health.set_aside++;
	store_say(log_of(e), LOG_LEVEL_ERROR, "store: damaged partition set aside as '%s/%s': %s",
		  directory, to, why ? why : "");
}

static int delete_file(struct embedded *e, const struct partition_file *f, const char *why)
{
	int err;

	if (e->partition && !strcmp(f->name, e->name))
		embedded_leave(e);
	err = directory_delete(e->store->options.directory, f->name);
	if (err) {
		store_say(log_of(e), LOG_LEVEL_ERROR, "store: %s", error_text());
		return err;
	}
	e->store->health.expired++;
	store_say(log_of(e), LOG_LEVEL_INFO, "store: partition '%s' deleted: %s", f->name, why);
	return 0;
}

/*
 * The disk is full: the oldest partition goes early when a size limit says that partitions may go
 * for room.
 */
static bool free_oldest(struct embedded *e)
{
	_cleanup_(partition_list_free) struct partition_list l = { 0 };

	if (!e->store->options.max_bytes || directory_list(e->store->options.directory, &l))
		return false;
	for (size_t i = 0; i < l.count; i++)
		if (strcmp(l.files[i].name, e->name))
			return !delete_file(e, &l.files[i], "the disk is full");
	return false;
}

bool embedded_recover(struct embedded *e, int err)
{
	switch (err) {
	case -EBADMSG:
		embedded_leave(e);
		set_aside(e, e->name);
		return true;
	case -ENOSPC:
		return free_oldest(e);
	case -ENOENT: /* deleted under us: entering makes it anew */
		embedded_leave(e);
		return true;
	default: /* a connection that has met an I/O error is not used again */
		embedded_leave(e);
		return false;
	}
}

void embedded_say_state(struct embedded *e, int err)
{
	struct store_health *health = &e->store->health;

	if (err && !e->refused) {
		e->dropped = 0;
		store_say(log_of(e), LOG_LEVEL_ERROR,
			  "store: cannot write: %s. Records are kept in memory (%zu KiB), then "
			  "dropped and counted",
			  error_text(), e->store->options.memory_bytes >> 10);
	} else if (!err && e->refused) {
		store_say(log_of(e), LOG_LEVEL_INFO,
			  "store: writing again; %llu records were dropped meanwhile",
			  (unsigned long long)e->dropped);
	}
	e->refused = err != 0;
	health->disk_full = err == -ENOSPC;
	health->write_failing = err != 0;
}

/* ---- retention ------------------------------------------------------------------------------- */

/*
 * Which goes first for room: one from the future (the clock was wrong once: no age will ever end
 * it), else the oldest; the one that is written to only when it is the last.
 */
static struct partition_file *next_victim(const struct embedded *e, const struct partition_list *l,
					  u64 now_ns)
{
	struct partition_file *oldest = NULL, *current = NULL;

	for (size_t i = 0; i < l->count; i++) {
		struct partition_file *f = &l->files[i];

		if (!f->name[0])
			continue;
		if (e->partition && !strcmp(f->name, e->name))
			current = f;
		else if (f->id.start * NSEC_PER_SEC > now_ns)
			return f;
		else if (!oldest)
			oldest = f;
	}
	return oldest ? oldest : current;
}

int embedded_expire(struct store *s, u64 now_ns)
{
	struct embedded *e = s->state;
	_cleanup_(partition_list_free) struct partition_list l = { 0 };
	struct partition_file *f;
	u64 total = 0, left = 0;
	int deleted = 0, err = directory_list(s->options.directory, &l);

	if (err)
		return err;
	for (size_t i = 0; i < l.count; i++) {
		f = &l.files[i];
		if (s->options.max_age_ns && now_ns > s->options.max_age_ns &&
		    partition_end_ns(&f->id) < now_ns - s->options.max_age_ns &&
		    !delete_file(e, f, "beyond the age limit")) {
			f->name[0] = '\0';
			deleted++;
			continue;
		}
		total += f->bytes;
		left++;
	}
	while (s->options.max_bytes && total > s->options.max_bytes &&
	       (f = next_victim(e, &l, now_ns))) {
		total -= f->bytes;
		left--;
		if (!delete_file(e, f, "beyond the size limit"))
			deleted++;
		f->name[0] = '\0';
	}
	directory_remove_orphans(s->options.directory);
	s->health.partitions = left;
	s->health.disk_bytes = total;
	return deleted;
}

int embedded_check_all(struct embedded *e)
{
	const char *directory = e->store->options.directory;
	_cleanup_(partition_list_free) struct partition_list l = { 0 };
	int err = directory_list(directory, &l);

	if (err)
		return err;
	for (size_t i = 0; i < l.count; i++) {
		_cleanup_(partition_closep) struct partition *p = NULL;
		_cleanup_free_ char *path = store_path(directory, l.files[i].name);

		if (!path)
			return fail(-ENOMEM, "store: out of memory");
		e->store->health.partitions++;
		e->store->health.disk_bytes += l.files[i].bytes;
		if (l.files[i].aside)
			continue;
		/* After a kill: opened for writing, and closed, the log goes back into its file. */
		if (directory_has_log(directory, l.files[i].name))
			err = partition_open(path, &p);
		else
			err = partition_open_read(path, &p);
		switch (err) {
		case 0:
			break;
		case -EBADMSG:
			set_aside(e, l.files[i].name);
			break;
		case -ENOENT: /* empty: a crash came between making the file and its tables */
			directory_delete(directory, l.files[i].name);
			break;
		case -ENOMEM:
			return -ENOMEM;
		default:
			store_say(log_of(e), LOG_LEVEL_WARNING, "store: %s: left alone",
				  error_text());
		}
	}
	return 0;
}
