// SPDX-License-Identifier: Apache-2.0
/*
 * `saker opensnoop -- make`: the command runs in a cgroup of its own, made for it, so that its
 * children are watched with it and nothing else is. It is held on a pipe until the programs are
 * attached: its first exec is seen.
 */
#include "cli/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TERM_NS (2 * NSEC_PER_SEC)

/* A folder has its x bit for another reason. */
static bool may_run(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return false;
	}
	return !access(path, X_OK);
}

/* As execvp() looks for it, but now: it would try, and so execute, each folder of PATH in turn. */
static char *find_in_path(const char *program)
{
	const char *path = getenv("PATH");
	int err = ENOENT;

	if (strchr(program, '/'))
		return may_run(program) ? strdup(program) : NULL;
	for (const char *p = path ? path : "/usr/bin:/bin"; *program; p++) {
		size_t len = strcspn(p, ":");
		_cleanup_buf_ struct buf b = {};

		buf_printf(&b, "%.*s/%s", len ? (int)len : 1, len ? p : ".", program);
		if (!b.error && may_run(b.data))
			return TAKE_PTR(b.data);
		if (errno == EACCES)
			err = EACCES;
		p += len;
		if (!*p)
			break;
	}
	errno = err;
	return NULL;
}

int child_find(struct child *c, const char *program)
{
	int err;

	c->path = find_in_path(program);
	if (c->path)
		return 0;
	err = errno;
	fail_errno(-err, "cannot run %s", program);
	return err == ENOENT || err == ENOTDIR ? 127 : 126;
}

/*
 * In the child. Joins the cgroup itself, so that no moment of it is outside; waits; becomes the
 * command.
 */
static void __attribute__((noreturn)) child_main(const struct child *c, int wait_fd, char **command)
{
	static const int handled[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE };
	char path[300], byte;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(handled); i++)
		signal(handled[i], SIG_DFL);
	snprintf(path, sizeof(path), "%s/cgroup.procs", c->cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1) {
		fprintf(stderr, "saker: cannot join %s: %s\n", c->cgroup, strerror(errno));
		_exit(126);
	}
	close(fd);
	/* One byte is the release; end of file means that saker ended first. */
	if (read(wait_fd, &byte, 1) != 1)
		_exit(125);
	execvp(c->path, command); /* not execv: a script without #! is the shell's */
	fprintf(stderr, "saker: cannot run %s: %s\n", command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

int child_start(struct child *c, char **command)
{
	int fds[2], err;

	c->release_fd = -1;
	err = child_cgroup_make(c);
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
	c->status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status)
					     : WEXITSTATUS(wait_status);
}

/* All of it: a shell's children would not hear of a signal to the shell. */
static void end_command(struct child *c)
{
	int status;

	kill(c->pid, SIGCONT); /* who is stopped cannot end */
	child_cgroup_signal(c, SIGTERM);
	if (!child_cgroup_wait_empty(c, TERM_NS)) {
		child_cgroup_signal(c, SIGKILL);
		child_cgroup_wait_empty(c, TERM_NS);
	}
	kill(c->pid,
	     SIGKILL); /* perhaps it went to another cgroup; no harm to one that has ended */
	if (waitpid(c->pid, &status, 0) == c->pid)
		child_ended(c, status);
}

void child_clean(struct child *c)
{
	if (c->release_fd >= 0)
		close(c->release_fd);
	c->release_fd = -1;
	if (c->pid > 0 && !c->ended)
		end_command(c);
	child_cgroup_remove(c);
	free(c->path);
	c->path = NULL;
}
