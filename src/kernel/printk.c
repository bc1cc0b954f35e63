// SPDX-License-Identifier: Apache-2.0
/*
 * bpf_trace_printk() is a tracepoint since 5.9 (bpf_trace:bpf_trace_printk): an instance can have
 * it for itself. It is called saker-PID, so that what a killed process left can be told and
 * removed.
 */
#include "kernel/printk.h"

#include "kernel/object.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#define PREFIX "saker-"
#define READ_MOST (16u << 20) /* of one call: who writes all the time must not keep us here */

struct printk {
	char folder[256];
	int fd;
	u64 lost;
	struct buf pending; /* the beginning of a line */
};

static int write_word(const char *folder, const char *file, const char *word)
{
	_cleanup_close_ int fd = -1;
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, word, strlen(word)) < 0)
		return fail_errno(-errno, "cannot write to %s", path);
	return 0;
}

/* Instances of a process that is no more; one that is being read refuses to go. */
static void remove_stale(const char *tracefs)
{
	char path[400];
	DIR *folder;
	struct dirent *d;

	snprintf(path, sizeof(path), "%s/instances", tracefs);
	folder = opendir(path);
	while (folder && (d = readdir(folder))) {
		pid_t pid = str_starts(d->d_name, PREFIX) ? atoi(d->d_name + strlen(PREFIX)) : 0;

		if (pid == getpid() || (pid > 0 && kill(pid, 0) && errno == ESRCH))
			unlinkat(dirfd(folder), d->d_name, AT_REMOVEDIR);
	}
	if (folder)
		closedir(folder);
}

int printk_open(struct printk **ret)
{
	_cleanup_(printk_freep) struct printk *p = calloc(1, sizeof(*p));
	const char *tracefs = tracefs_path();
	char path[400];
	int err;

	if (!p)
		return fail(-ENOMEM, "out of memory");
	p->fd = -1;
	if (!tracefs)
		return fail_in(-ENOENT, "no lines of bpf_printk()");
	remove_stale(tracefs);
	snprintf(path, sizeof(path), "%s/instances/" PREFIX "%d", tracefs, getpid());
	if (mkdir(path, 0700))
		return fail_errno(-errno, "cannot make the tracing instance %s", path);
	snprintf(p->folder, sizeof(p->folder), "%s", path);
	err = write_word(p->folder, "events/bpf_trace/bpf_trace_printk/enable", "1");
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/trace_pipe", p->folder);
	p->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (p->fd < 0)
		return fail_errno(-errno, "cannot open %s", path);
	*ret = TAKE_PTR(p);
	return 0;
}

struct printk *printk_free(struct printk *p)
{
	if (!p)
		return NULL;
	if (p->fd >= 0)
		close(p->fd);
	if (p->folder[0])
		rmdir(p->folder);
	buf_free(&p->pending);
	free(p);
	return NULL;
}

void printk_freep(struct printk **p)
{
	*p = printk_free(*p);
}

int printk_fd(const struct printk *p)
{
	return p->fd;
}

u64 printk_lost(const struct printk *p)
{
	return p->lost;
}

static void one_line(struct printk *p, char *line, size_t len,
		     void (*fn)(void *, const char *, size_t), void *context)
{
	static const char unknown[] = "[LOST EVENTS]"; /* the kernel has lost count: one at least */
	unsigned long long lost;

	if (sscanf(line, "CPU:%*d [LOST %llu EVENTS]", &lost) == 1)
		p->lost += lost;
	else if (str_starts(line, "CPU:") && str_ends(line, unknown))
		p->lost++;
	else if (len)
		fn(context, line, len);
}

int printk_read(struct printk *p, void (*fn)(void *context, const char *line, size_t len),
		void *context)
{
	size_t bytes = 0;
	int lines = 0;

	while (bytes < READ_MOST) {
		char *room = buf_room(&p->pending, 4096), *newline;
		size_t start = 0;
		ssize_t n;

		if (!room)
			return fail(-ENOMEM, "out of memory");
		n = read(p->fd, room, 4096);
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? lines
					       : fail_errno(-errno, "cannot read trace_pipe");
		if (n <= 0)
			return lines;
		bytes += (size_t)n;
		p->pending.len += (size_t)n;
		p->pending.data[p->pending.len] = '\0';
		while ((newline = memchr(p->pending.data + start, '\n', p->pending.len - start))) {
			*newline = '\0';
			one_line(p, p->pending.data + start,
				 (size_t)(newline - p->pending.data) - start, fn, context);
			start = (size_t)(newline - p->pending.data) + 1;
			lines++;
		}
		memmove(p->pending.data, p->pending.data + start, p->pending.len - start + 1);
		p->pending.len -= start;
	}
	return lines;
}
