// SPDX-License-Identifier: Apache-2.0
/*
 * `saker opensnoop -- make`: the command runs in a cgroup of its own, made for it, so that its children are watched with it and
 * nothing else is. It is held on a pipe until the programs are attached: its first exec is seen.
 */
#include "cli/run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Where cgroup v2 is: alone or beside v1 (hybrid). From /proc/mounts, since anybody may have put it elsewhere. */
static int cgroup2_root(struct buf *path)
{
	_cleanup_buf_ struct buf mounts = {};
	int err = read_file("/proc/mounts", 1 << 20, &mounts);
	char *line, *next = mounts.data;

	while (!err && (line = strsep(&next, "\n"))) {
		char *source = strsep(&line, " "), *at = strsep(&line, " "), *type = strsep(&line, " ");

		if (source && at && type && !strcmp(type, "cgroup2")) {
			buf_add_str(path, at);
			return 0;
		}
	}
	return fail(-ENOENT, "cgroup v2 is not mounted: a command cannot be watched on its own");
}

static int make_cgroup(struct child *c)
{
	_cleanup_buf_ struct buf path = {};
	struct stat st;
	int err = cgroup2_root(&path);

	if (err)
		return err;
	buf_printf(&path, "/saker-%d", getpid());
	if (path.error || path.len >= sizeof(c->cgroup))
		return fail(-ENAMETOOLONG, "the path of the cgroup is too long");
	if (mkdir(path.data, 0755))
		return fail_errno(-errno, "cannot make the cgroup %s", path.data);
	memcpy(c->cgroup, path.data, path.len + 1);
	if (stat(c->cgroup, &st))
		return fail_errno(-errno, "cannot look at %s", c->cgroup);
	c->cgroup_id = st.st_ino; /* the id that bpf_get_current_cgroup_id() gives */
	return 0;
}

/* In the child. Joins the cgroup itself, so that no moment of it is outside; waits; becomes the command. */
static void __attribute__((noreturn)) child_main(const struct child *c, int wait_fd, char **command)
{
	char path[300], byte;
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", c->cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1) {
		fprintf(stderr, "saker: cannot join %s: %s\n", c->cgroup, strerror(errno));
		_exit(126);
	}
	close(fd);
	/* One byte is the release; end of file means that saker died first. */
	if (read(wait_fd, &byte, 1) != 1)
		_exit(125);
	signal(SIGPIPE, SIG_DFL);
	execvp(command[0], command);
	fprintf(stderr, "saker: cannot run %s: %s\n", command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

int child_start(struct child *c, char **command)
{
	int fds[2], err;

	c->release_fd = -1;
	err = make_cgroup(c);
	if (err)
		return err;
	if (pipe2(fds, O_CLOEXEC))
		return fail_errno(-errno, "pipe");
	c->pid = fork();
	if (c->pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return fail_errno(-errno, "fork");
	}
	if (!c->pid) {
		close(fds[1]);
		child_main(c, fds[0], command);
	}
	close(fds[0]);
	c->release_fd = fds[1];
	return 0;
}

void child_release(struct child *c)
{
	if (c->release_fd < 0)
		return;
	if (write(c->release_fd, "x", 1) != 1)
		log_debug("the command ended before it began");
	close(c->release_fd);
	c->release_fd = -1;
}

void child_ended(struct child *c, int wait_status)
{
	c->ended = true;
	c->status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void child_clean(struct child *c)
{
	int status;

	if (c->release_fd >= 0)
		close(c->release_fd);
	c->release_fd = -1;
	if (c->pid > 0 && !c->ended) {
		kill(c->pid, SIGTERM);
		if (waitpid(c->pid, &status, 0) == c->pid)
			child_ended(c, status);
	}
	/* Fails while grandchildren live on: then the empty shell of a cgroup is the smaller harm. */
	if (c->cgroup[0] && rmdir(c->cgroup))
		log_warning("the cgroup %s stays, processes of the command still run in it", c->cgroup);
	c->cgroup[0] = '\0';
}
