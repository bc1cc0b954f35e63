// SPDX-License-Identifier: Apache-2.0
/*
 * What /proc says about one process. Every file can be gone between two reads: then the part is
 * not known.
 */
#include "host/process_table.h"

#include <sys/stat.h>
#include <time.h>

#define ARGS_MAX 4096
#define PROC_FILE_MAX (64 << 10)

u64 boot_offset(void)
{
	struct timespec boot, monotonic;
	s64 offset;

	/* In this order: a pause between the two makes starts earlier, never later than records. */
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	offset = (boot.tv_sec - monotonic.tv_sec) * (s64)NSEC_PER_SEC +
		 (boot.tv_nsec - monotonic.tv_nsec);
	return (u64)MAX(offset, 0);
}

int process_look(struct host *h, u32 pid, struct stat_line *line, u64 *ret_boot_start)
{
	char path[PATH_SIZE];
	int err;

	err = read_proc(host_path(h, path, "/proc/%u/stat", pid), PROC_FILE_MAX, &h->text);
	if (!err)
		err = parse_stat(h->text.data, h->text.len, line);
	if (err)
		return err == -ENOMEM ? err : -ESRCH;
	if (__builtin_mul_overflow(line->start_ticks, h->processes.ns_per_tick, ret_boot_start))
		return -ESRCH;
	return 0;
}

int process_set_text(struct host *h, const char **text, const char *bytes, size_t len)
{
	char *copy = NULL;

	if (bytes) {
		copy = malloc(len + 1);
		if (!copy)
			return fail(-ENOMEM, "out of memory");
		memcpy(copy, bytes, len);
		copy[len] = '\0';
		h->processes.bytes += len + 1;
	}
	if (*text) {
		/* Arguments may hold NULs: their owner subtracts the rest. */
		h->processes.bytes -= strlen(*text) + 1;
		free((void *)*text);
	}
	*text = copy;
	return 0;
}

int process_set_args(struct host *h, struct process_entry *e, const char *args, size_t len)
{
	size_t old = e->p.args ? e->p.args_len - strlen(e->p.args) : 0;
	int err;

	len = MIN(len, (size_t)ARGS_MAX);
	if (args && len && !args[len - 1])
		len--; /* as with text: the NUL behind is not part of it */
	err = process_set_text(h, &e->p.args, args, len);
	if (err)
		return err;
	h->processes.bytes -= old;
	e->p.args_len = args ? (u32)len : 0;
	return 0;
}

void process_set_comm(struct process_entry *e, const char *comm, size_t len)
{
	len = MIN(len, sizeof(e->p.comm) - 1);
	memcpy(e->p.comm, comm, len);
	e->p.comm[len] = '\0';
}

static void read_exe(struct host *h, struct process_entry *e)
{
	char path[PATH_SIZE], target[PATH_SIZE];
	ssize_t n = readlink(host_path(h, path, "/proc/%u/exe", e->p.pid), target, sizeof(target));

	if (n < 0 && errno == EACCES) {
		_cleanup_close_ int fd = host_open_elsewhere(h, e->p.pid, HOST_EXE);

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = fd < 0 ? -1 : readlink(path, target, sizeof(target));
	}
	if (n > 0 && !process_set_text(h, &e->p.exe, target, (size_t)n))
		e->known |= PROCESS_EXE;
}

static void read_args(struct host *h, struct process_entry *e)
{
	char path[PATH_SIZE];
	int err = read_proc(host_path(h, path, "/proc/%u/cmdline", e->p.pid), ARGS_MAX, &h->text);

	/* Longer ones are cut. A kernel thread has none. */
	if ((err && err != -EFBIG) || !h->text.len)
		return;
	if (!process_set_args(h, e, h->text.data, h->text.len))
		e->known |= PROCESS_ARGS;
}

static void read_ids(struct host *h, struct process_entry *e)
{
	char path[PATH_SIZE];
	struct status_ids ids;

	if (read_proc(host_path(h, path, "/proc/%u/status", e->p.pid), PROC_FILE_MAX, &h->text) ||
	    parse_status(h->text.data, h->text.len, &ids))
		return;
	e->p.uid = ids.uid;
	e->p.gid = ids.gid;
	e->p.has_ids = true;
	e->known |= PROCESS_IDS;
}

static void read_cgroup(struct host *h, struct process_entry *e)
{
	char path[PATH_SIZE];
	struct text_span best;

	if (read_proc(host_path(h, path, "/proc/%u/cgroup", e->p.pid), PROC_FILE_MAX, &h->text) ||
	    !h->text.len)
		return;
	best = host_cgroup_of_lines(h->text.data, h->text.len);
	if (best.bytes && !process_set_text(h, &e->p.cgroup_path, best.bytes, best.len))
		e->known |= PROCESS_CGROUP;
}

void process_read_parts(struct host *h, struct process_entry *e, unsigned parts)
{
	unsigned todo = parts & ~e->tried;

	e->tried |= todo;
	if (todo & PROCESS_EXE)
		read_exe(h, e);
	if (todo & PROCESS_ARGS)
		read_args(h, e);
	if (todo & PROCESS_IDS)
		read_ids(h, e);
	if (todo & PROCESS_CGROUP)
		read_cgroup(h, e);
}
