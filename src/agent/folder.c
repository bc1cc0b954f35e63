// SPDX-License-Identifier: Apache-2.0
/*
 * The store's folder belongs to the worker's user. The broker makes it, and gives it away only
 * when it made it or when it is empty (systemd's StateDirectory makes it as root): files that are
 * there already, from a time when the worker was somebody else, are not handed over in silence,
 * because root would then change the owner of whatever a path leads to.
 */
#include "agent/worker.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static bool is_empty(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *e;
	bool empty = d != NULL;

	while (d && empty && (e = readdir(d)))
		empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
	if (d)
		closedir(d);
	return empty;
}

int store_folder(const struct config *c)
{
	_cleanup_close_ int folder = -1;
	struct stat st;
	uid_t uid = 0;
	gid_t gid = 0;
	bool known = !privileges_user(c->user, &uid, &gid);

	if (!c->store_enabled)
		return 0;
	if (mkdir(c->store_path, 0700) && errno != EEXIST)
		return fail_errno(-errno, "cannot make the store's folder %s", c->store_path);
	folder = open(c->store_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || fstat(folder, &st))
		return fail_errno(-errno, "the store's folder %s", c->store_path);
	if (st.st_uid == uid)
		return 0;
	if (is_empty(folder)) {
		if (fchown(folder, uid, gid) || fchmod(folder, 0700))
			return fail_errno(-errno, "cannot give %s to the user '%s'", c->store_path,
					  c->user);
		return 0;
	}
	if (known)
		return fail(
			-EPERM,
			"the store in %s belongs to the user number %u, the worker runs as '%s': "
			"chown -R %s %s, or set worker.user or store.path",
			c->store_path, st.st_uid, c->user, c->user, c->store_path);
	return fail(
		-EPERM,
		"the store in %s belongs to the user number %u, but there is no user '%s' and the "
		"worker stays root: chown -R root %s, or set worker.user or store.path",
		c->store_path, st.st_uid, c->user, c->store_path);
}
