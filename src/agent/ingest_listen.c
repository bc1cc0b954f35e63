// SPDX-License-Identifier: Apache-2.0
/*
 * The socket that scripts connect to. The broker makes it, as root, before there is a worker: the
 * worker could not, and a worker that dies leaves it to the next one.
 */
#include "agent/ingest.h"

#include <libgen.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int make_folder(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	const char *folder = copy ? dirname(copy) : NULL;
	struct stat st;

	if (!folder)
		return fail(-ENOMEM, "out of memory");
	if (mkdir(folder, 0755) && errno != EEXIST)
		return fail_errno(-errno, "cannot make the folder %s", folder);
	/* Whoever may write there could put a socket of his own in our place. */
	if (lstat(folder, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    ((st.st_mode & 022) && !(st.st_mode & S_ISVTX)))
		return fail(-EPERM, "%s is not a folder that only root writes to", folder);
	return 0;
}

/* A socket that nobody listens at is what a killed agent left. */
static int remove_stale(int fd, const struct sockaddr_un *to)
{
	struct stat st;

	if (lstat(to->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return fail(-EEXIST, "%s is there and is no socket", to->sun_path);
	if (!connect(fd, (const void *)to, sizeof(*to)) || errno == EAGAIN)
		return fail(-EADDRINUSE, "another agent listens at %s", to->sun_path);
	if (errno == ECONNREFUSED && unlink(to->sun_path))
		return fail_errno(-errno, "%s", to->sun_path);
	return 0;
}

int ingest_listen(const char *path, int *ret_fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1, probe = -1;
	mode_t mask;
	int err;

	if (strlen(path) >= sizeof(to.sun_path) || *path != '/')
		return fail(-EINVAL, "scripts.socket takes a path from / of at most %zu letters",
			    sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, path, strlen(path) + 1);
	err = make_folder(path);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || probe < 0)
		return fail_errno(-errno, "cannot make a socket");
	err = remove_stale(probe, &to);
	if (err)
		return err;
	mask = umask(0177);
	err = bind(fd, (const void *)&to, sizeof(to)) ? -errno : 0;
	umask(mask);
	if (err || listen(fd, 16))
		return fail_errno(err ? err : -errno, "cannot listen at %s", path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
