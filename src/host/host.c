// SPDX-License-Identifier: Apache-2.0
/*
 * The host as a whole: made empty, filled by whoever asks, freed. And the one way in which its
 * files are read.
 */
#include "host/internal.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PROCESSES_DEFAULT 16384
#define PROCESS_BYTES_DEFAULT (4 << 20)
#define SYMBOL_BYTES_DEFAULT (8 << 20)

struct host *host_new(const struct host_options *o)
{
	static const struct host_options defaults;
	struct host *h = calloc(1, sizeof(*h));

	o = o ? o : &defaults;
	if (!h || !(h->root = strdup(o->root ? o->root : ""))) {
		free(h);
		fail(-ENOMEM, "out of memory");
		return NULL;
	}
	h->limits.processes = o->processes ? o->processes : PROCESSES_DEFAULT;
	h->limits.process_bytes = o->process_bytes ? o->process_bytes : PROCESS_BYTES_DEFAULT;
	h->limits.symbol_bytes = o->symbol_bytes ? o->symbol_bytes : SYMBOL_BYTES_DEFAULT;
	h->processes.ns_per_tick = NSEC_PER_SEC / (u64)sysconf(_SC_CLK_TCK);
	h->users.file = "/etc/passwd";
	h->groups.file = "/etc/group";
	h->cgroups.mount_fd = -1;
	return h;
}

struct host *host_free(struct host *h)
{
	if (!h)
		return NULL;
	process_table_free(&h->processes);
	id_names_free(&h->users);
	id_names_free(&h->groups);
	cgroup_tree_free(&h->cgroups);
	containers_free(&h->containers);
	symbols_free(h->symbols);
	columns_free(h->columns);
	buf_free(&h->text);
	free(h->root);
	free(h);
	return NULL;
}

void host_freep(struct host **h)
{
	*h = host_free(*h);
}

void host_set_opener(struct host *h, host_open_fn fn, void *context)
{
	h->open = fn;
	h->open_context = context;
}

int host_open_elsewhere(struct host *h, u32 pid, enum host_file what)
{
	return h->open ? h->open(h->open_context, pid, what) : -EACCES;
}

const char *host_path(const struct host *h, char path[PATH_SIZE], const char *fmt, ...)
{
	size_t root = strlen(h->root);
	va_list args;
	int n = -1;

	if (root < PATH_SIZE) {
		memcpy(path, h->root, root + 1);
		va_start(args, fmt);
		n = vsnprintf(path + root, PATH_SIZE - root, fmt, args);
		va_end(args);
	}
	if (n < 0 || (size_t)n >= PATH_SIZE - root)
		path[0] = '\0'; /* a path that was cut could be another file's */
	return path;
}

int read_opened(int fd, size_t limit, struct buf *b)
{
	buf_clear(b);
	for (;;) {
		char *room = buf_room(b, 4095);
		ssize_t n;

		if (!room)
			return -ENOMEM;
		n = read(fd, room, b->cap - b->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
		if (!n)
			return 0;
		if (b->len > limit)
			return -EFBIG;
	}
}

int read_proc(const char *path, size_t limit, struct buf *b)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : read_opened(fd, limit, b);
}

int read_regular(const char *path, size_t limit, struct buf *b)
{
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size < 0 || (u64)st.st_size > limit)
		return -EFBIG;
	return read_opened(fd, limit, b);
}
