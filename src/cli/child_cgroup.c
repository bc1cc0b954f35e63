// SPDX-License-Identifier: Apache-2.0
/*
 * The temporary cgroup of a command: made in the root of cgroup v2 as saker-PID, PID being saker's.
 * Nothing of it stays: what the command leaves running goes back to the cgroup that saker runs in,
 * and the folders of a saker that was killed are removed by the next one.
 */
#include "cli/child.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#define PREFIX "saker-"
#define PIDS_MAX (1 << 20)

/* Where cgroup v2 is: alone or beside v1 (hybrid), wherever somebody has put it. */
static int cgroup2_root(struct buf *path)
{
	_cleanup_buf_ struct buf mounts = {};
	int err = read_file("/proc/mounts", 1 << 20, &mounts);
	char *line, *next = mounts.data;

	while (!err && (line = strsep(&next, "\n"))) {
		char *source = strsep(&line, " "), *at = strsep(&line, " ");
		char *type = strsep(&line, " ");

		if (source && at && type && !strcmp(type, "cgroup2")) {
			buf_add_str(path, at);
			return 0;
		}
	}
	return fail(-ENOENT, "cgroup v2 is not mounted: a command cannot be watched on its own "
			     "(try: mount -t cgroup2 none /sys/fs/cgroup)");
}

int child_cgroup_make(struct child *c)
{
	_cleanup_buf_ struct buf path = {};
	struct stat st;
	int err = cgroup2_root(&path);

	if (err)
		return err;
	buf_printf(&path, "/" PREFIX "%d", getpid());
	if (path.error || path.len >= sizeof(c->cgroup))
		return fail(-ENAMETOOLONG, "the path of the cgroup is too long");
	rmdir(path.data); /* of a process that had our number before */
	if (mkdir(path.data, 0755))
		return fail_errno(-errno, "cannot make the cgroup %s", path.data);
	memcpy(c->cgroup, path.data, path.len + 1);
	if (stat(c->cgroup, &st))
		return fail_errno(-errno, "cannot look at %s", c->cgroup);
	c->cgroup_id = st.st_ino; /* the id that bpf_get_current_cgroup_id() gives */
	return 0;
}

static int read_member(const struct child *c, const char *file, struct buf *b)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", c->cgroup, file);
	return read_file(path, PIDS_MAX, b);
}

/* Calls @fn for each process in it. Returns how many there were. */
static int each_process(const struct child *c, void (*fn)(pid_t pid, void *context), void *context)
{
	_cleanup_buf_ struct buf pids = {};
	char *line, *next;
	int count = 0;

	if (read_member(c, "cgroup.procs", &pids))
		return 0;
	next = pids.data;
	while ((line = strsep(&next, "\n"))) {
		/* 0 is a process of another PID namespace. */
		if (atoi(line) <= 0)
			continue;
		fn(atoi(line), context);
		count++;
	}
	return count;
}

static void signal_one(pid_t pid, void *number)
{
	kill(pid, *(int *)number);
}

void child_cgroup_signal(const struct child *c, int number)
{
	each_process(c, signal_one, &number);
}

/* cgroup.events can be waited on: it says when the last process is gone. */
bool child_cgroup_wait_empty(const struct child *c, u64 ns)
{
	_cleanup_close_ int fd = -1;
	char path[300], text[128];
	u64 deadline = clock_monotonic_ns() + ns;

	snprintf(path, sizeof(path), "%s/cgroup.events", c->cgroup);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
		u64 now = clock_monotonic_ns();

		if (n <= 0)
			return true;
		text[n] = '\0';
		if (!strstr(text, "populated 1"))
			return true;
		if (now >= deadline)
			return false;
		poll(&p, 1, (int)((deadline - now) / NSEC_PER_MSEC) + 1);
	}
}

static void move_one(pid_t pid, void *fd)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", pid);

	if (write(*(int *)fd, text, (size_t)n) < 0)
		log_debug("process %d stays in its cgroup: %s", pid, strerror(errno));
}

/* The cgroup that saker itself is in, to write to. */
static int open_own_procs(void)
{
	_cleanup_buf_ struct buf root = {}, own = {};
	char *at, *end;

	if (cgroup2_root(&root) || read_file("/proc/self/cgroup", 1 << 16, &own))
		return -1;
	at = strncmp(own.data, "0::", 3) ? strstr(own.data, "\n0::") : own.data - 1;
	if (!at)
		return -1;
	at += 4;
	end = strchr(at, '\n');
	buf_printf(&root, "%.*s/cgroup.procs", end ? (int)(end - at) : (int)strlen(at), at);
	return root.error ? -1 : open(root.data, O_WRONLY | O_CLOEXEC);
}

void child_cgroup_remove(struct child *c)
{
	_cleanup_close_ int fd = -1;

	if (!c->cgroup[0])
		return;
	/* A process may fork while it is moved: again, until there is none. */
	for (int i = 0; rmdir(c->cgroup) && errno == EBUSY && i < 100; i++) {
		if (fd < 0)
			fd = open_own_procs();
		if (fd < 0 || !each_process(c, move_one, &fd))
			child_cgroup_wait_empty(c, 10 * NSEC_PER_MSEC);
	}
	if (!access(c->cgroup, F_OK))
		log_warning("the cgroup %s stays: %s", c->cgroup, strerror(errno));
	c->cgroup[0] = '\0';
}

void child_cgroup_remove_stale(void)
{
	_cleanup_buf_ struct buf root = {};
	DIR *folder = cgroup2_root(&root) ? NULL : opendir(root.data);
	struct dirent *d;

	while (folder && (d = readdir(folder))) {
		pid_t pid = str_starts(d->d_name, PREFIX) ? atoi(d->d_name + strlen(PREFIX)) : 0;

		/* One that is in use cannot be removed: the kernel refuses. */
		if (pid > 0 && kill(pid, 0) && errno == ESRCH)
			unlinkat(dirfd(folder), d->d_name, AT_REMOVEDIR);
	}
	if (folder)
		closedir(folder);
}
