// SPDX-License-Identifier: Apache-2.0
/*
 * Notices that the configuration file is another one. Editors write in place, or write a new file
 * and move it over the old one; configuration managers swap a link in the path. So its folder and
 * the file itself (where a link leads) are watched, and whatever happens there, what counts is
 * whether the path now shows another file than before.
 */
#include "agent/watch.h"

#include <libgen.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB)

struct config_watch {
	int fd;
	char *path, *folder;
	struct stat last;
};

static void look(struct config_watch *w, struct stat *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (stat(w->path, ret))
		memset(ret, 0, sizeof(*ret));
	/*
	 * The same inode is the same watch; another one adds one, and the old goes with its file.
	 */
	inotify_add_watch(w->fd, w->path, IN_CLOSE_WRITE);
}

struct config_watch *config_watch_free(struct config_watch *w)
{
	if (!w)
		return NULL;
	if (w->fd >= 0)
		close(w->fd);
	free(w->path);
	free(w->folder);
	free(w);
	return NULL;
}

int config_watch_new(const char *path, struct config_watch **ret)
{
	struct config_watch *w = calloc(1, sizeof(*w));
	_cleanup_free_ char *copy = strdup(path);
	int err = 0;

	if (!w || !copy) {
		free(w);
		return fail(-ENOMEM, "out of memory");
	}
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	w->path = strdup(path);
	w->folder = strdup(dirname(copy));
	if (!w->path || !w->folder)
		err = fail(-ENOMEM, "out of memory");
	else if (w->fd < 0 || inotify_add_watch(w->fd, w->folder, EVENTS) < 0)
		err = fail_errno(-errno, "%s cannot be watched", w->folder);
	if (err) {
		config_watch_free(w);
		return err;
	}
	look(w, &w->last);
	*ret = w;
	return 0;
}

int config_watch_fd(const struct config_watch *w)
{
	return w ? w->fd : -1;
}

bool config_watch_changed(struct config_watch *w)
{
	char events[4096] __attribute__((aligned(8)));
	struct stat now;
	bool changed;

	while (read(w->fd, events, sizeof(events)) > 0)
		;
	look(w, &now);
	/* A file that is away for a moment is being replaced. */
	if (!now.st_ino)
		return false;
	changed = now.st_ino != w->last.st_ino || now.st_dev != w->last.st_dev ||
		  now.st_size != w->last.st_size || now.st_mtim.tv_sec != w->last.st_mtim.tv_sec ||
		  now.st_mtim.tv_nsec != w->last.st_mtim.tv_nsec;
	w->last = now;
	return changed;
}
