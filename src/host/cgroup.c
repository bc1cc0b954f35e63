// SPDX-License-Identifier: Apache-2.0
/*
 * Cgroups of the version 2 hierarchy by id. A cgroup's id is its file handle: the kernel opens it
 * directly for who may (CAP_DAC_READ_SEARCH); for others the tree is walked, since the id is the
 * inode number of the folder as well. Paths are kept after the cgroup has gone, and so is the
 * knowledge that there is none.
 */
#include "host/internal.h"
#include "kernel/kernel.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define MOUNTINFO_MAX (4 << 20)
#define PATHS_MAX 8192
#define DEPTH_MAX 64
#define IDS_MAX (1 << 16)
#define SCAN_EVERY NSEC_PER_SEC
#define FILEID_KERNFS 0xfe /* include/linux/exportfs.h: eight bytes, the id */

struct cgroup_entry {
	struct cache_item item;
	char *path; /* NULL: there is none */
};

static void entry_free(struct cgroup_entry *e)
{
	free(e->path);
	free(e);
}

void cgroup_tree_free(struct cgroup_tree *t)
{
	struct cache_item *item;

	while ((item = cache_take_oldest(&t->paths)))
		entry_free(item_of(item, struct cgroup_entry, item));
	cache_free(&t->paths);
	if (t->mount_fd >= 0)
		close(t->mount_fd);
	buf_free(&t->mount);
}

/* Finds where version 2 is mounted, once. false when it is not. */
static bool tree_open(struct host *h)
{
	struct cgroup_tree *t = &h->cgroups;
	char path[PATH_SIZE];
	struct statfs fs;

	if (t->looked)
		return t->mount_fd >= 0;
	t->looked = true;
	if (read_proc(host_path(h, path, "/proc/self/mountinfo"), MOUNTINFO_MAX, &h->text) ||
	    mount_find(buf_str(&h->text), "cgroup2", &t->mount, NULL))
		return false;
	t->mount_fd = open(host_path(h, path, "%s", buf_str(&t->mount)),
			   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t->by_handle = t->mount_fd >= 0 && !fstatfs(t->mount_fd, &fs) &&
		       fs.f_type == CGROUP2_SUPER_MAGIC;
	return t->mount_fd >= 0;
}

static struct cgroup_entry *remember(struct host *h, u64 id, const char *path)
{
	struct cgroup_tree *t = &h->cgroups;
	struct cache_item *item = cache_find(&t->paths, id);
	struct cgroup_entry *e = item ? item_of(item, struct cgroup_entry, item) : NULL;
	char *copy = path ? strdup(path) : NULL;

	if (path && !copy)
		return NULL;
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e || cache_add(&t->paths, &e->item, id)) {
			free(e);
			free(copy);
			return NULL;
		}
		if (t->paths.count > PATHS_MAX) {
			item = cache_take_oldest(&t->paths);
			entry_free(item_of(item, struct cgroup_entry, item));
		}
	}
	free(e->path);
	e->path = copy;
	return e;
}

/* ---- by handle --------------------------------------------------------------------------- */

/* 0; -ESTALE: no such cgroup; another error: handles cannot be used here. */
static int path_by_handle(struct host *h, u64 id, char path[PATH_SIZE])
{
	union {
		struct file_handle handle;
		u8 room[sizeof(struct file_handle) + sizeof(id)];
	} u = { .handle = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS } };
	_cleanup_close_ int fd = -1;
	char link[64];
	size_t mount = strlen(buf_str(&h->cgroups.mount));
	ssize_t n;

	memcpy(u.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(h->cgroups.mount_fd, &u.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_SIZE - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	if ((size_t)n < mount || memcmp(path, buf_str(&h->cgroups.mount), mount) ||
	    str_ends(path, " (deleted)"))
		return -ESTALE;
	memmove(path, path + mount, (size_t)n - mount + 1);
	if (!*path)
		memcpy(path, "/", 2);
	return 0;
}

/* ---- by walking -------------------------------------------------------------------------- */

struct walk {
	struct buf path; /* of the folder looked at, from the hierarchy's root; "" is the root */
	int (*visit)(struct walk *w, u64 id);
	struct host *host;
	void *context;
};

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static const char *walk_path(const struct walk *w)
{
	return w->path.len ? w->path.data : "/";
}

/* @fd is consumed. Visits the folder and all below it until a visit returns other than 0. */
static int walk_folder(struct walk *w, int fd, int depth)
{
	_cleanup_(close_dir) DIR *dir = fdopendir(fd);
	size_t len = w->path.len;
	const struct dirent *d;
	struct stat st;
	int err;

	if (!dir) {
		close(fd);
		return 0; /* removed while we walked */
	}
	err = fstat(fd, &st) ? 0 : w->visit(w, st.st_ino);
	while (!err && depth < DEPTH_MAX && (d = readdir(dir))) {
		int child;

		if ((d->d_type != DT_DIR && d->d_type != DT_UNKNOWN) || !strcmp(d->d_name, ".") ||
		    !strcmp(d->d_name, ".."))
			continue;
		child = openat(fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child < 0)
			continue;
		buf_add_char(&w->path, '/');
		buf_add_str(&w->path, d->d_name);
		err = w->path.error ? -ENOMEM : walk_folder(w, child, depth + 1);
		w->path.len = len;
		if (w->path.data)
			w->path.data[len] = '\0';
	}
	return err;
}

/*
 * Walks the tree below @start (a path from the hierarchy's root). What @visit returned, or
 * -errno.
 */
static int walk_tree(struct walk *w, const char *start)
{
	int fd;
	int err;

	while (*start == '/')
		start++;
	fd = openat(w->host->cgroups.mount_fd, *start ? start : ".",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (*start) {
		buf_add_char(&w->path, '/');
		buf_add_str(&w->path, start);
		while (w->path.len && w->path.data[w->path.len - 1] == '/')
			w->path.data[--w->path.len] = '\0';
	}
	err = walk_folder(w, fd, 0);
	buf_free(&w->path);
	return err;
}

/* Learns every path on the way; stops at the wanted one. */
static int visit_learn(struct walk *w, u64 id)
{
	remember(w->host, id, walk_path(w));
	return id == *(const u64 *)w->context;
}

const char *host_cgroup_path(struct host *h, u64 id)
{
	struct cgroup_tree *t = &h->cgroups;
	struct cache_item *item = cache_find(&t->paths, id);
	struct cgroup_entry *e = item ? item_of(item, struct cgroup_entry, item) : NULL;
	char path[PATH_SIZE];
	u64 now;
	int err;

	if (e) {
		cache_touch(&t->paths, &e->item);
		return e->path;
	}
	if (!tree_open(h))
		return NULL;
	if (t->by_handle) {
		err = path_by_handle(h, id, path);
		if (!err || err == -ESTALE) {
			e = remember(h, id, err ? NULL : path);
			return e ? e->path : NULL;
		}
		t->by_handle = false;
	}
	now = clock_monotonic_ns();
	if (t->scanned && now < t->scanned + SCAN_EVERY)
		return NULL;
	t->scanned = now;
	if (walk_tree(&(struct walk){ .visit = visit_learn, .host = h, .context = &id }, "/") == 1)
		item = cache_find(&t->paths, id);
	e = item ? item_of(item, struct cgroup_entry, item) : remember(h, id, NULL);
	return e ? e->path : NULL;
}

/* ---- --cgroup and --container ------------------------------------------------------------ */

struct id_list {
	u64 *ids;
	size_t count, capacity;
	/* containers only */
	const char *wanted;
	bool by_name; /* found by name, which beats the beginning of an id */
	char id[65];
	bool several;
};

static int list_add(struct id_list *list, u64 id)
{
	int err;

	if (list->count >= IDS_MAX)
		return fail(-E2BIG, "more than %d cgroups", IDS_MAX);
	err = grow(&list->ids, &list->capacity, list->count + 1, sizeof(*list->ids));
	if (!err)
		list->ids[list->count++] = id;
	return err;
}

static int visit_all(struct walk *w, u64 id)
{
	return list_add(w->context, id);
}

static int no_hierarchy(void)
{
	return fail(-EOPNOTSUPP,
		    "this machine has no cgroup hierarchy of version 2 (mount -t cgroup2)");
}

/* The path below the hierarchy's root that a user means; NULL when it leads elsewhere. */
static const char *path_of_user(struct host *h, const char *text)
{
	const char *mount = buf_str(&h->cgroups.mount);
	size_t n = strlen(mount);

	for (const char *p = text; (p = strstr(p, "..")); p += 2) {
		if ((p == text || p[-1] == '/') && (!p[2] || p[2] == '/'))
			return NULL;
	}
	if (!strncmp(text, mount, n) && (!text[n] || text[n] == '/'))
		return text + n;
	return text;
}

int host_cgroup_resolve(struct host *h, const char *text, u64 **ret_ids, size_t *ret_count)
{
	struct id_list list = {};
	_cleanup_free_ char *known = NULL;
	const char *path = NULL;
	u64 id;
	int err;

	if (!tree_open(h))
		return no_hierarchy();
	if (!parse_u64(text, &id)) {
		path = host_cgroup_path(h, id);
		if (!path)
			return fail(-ENOENT, "there is no cgroup with the id %llu",
				    (unsigned long long)id);
		path = known = strdup(path);
		if (!known)
			return fail(-ENOMEM, "out of memory");
	} else {
		path = path_of_user(h, text);
	}
	err = !path || !*text
		      ? -ENOENT
		      : walk_tree(&(struct walk){ .visit = visit_all, .host = h, .context = &list },
				  path);
	if (err) {
		free(list.ids);
		return err == -E2BIG || err == -ENOMEM
			       ? err
			       : fail(-ENOENT, "there is no cgroup '%s' below %s", text,
				      buf_str(&h->cgroups.mount));
	}
	*ret_ids = list.ids;
	*ret_count = list.count;
	return 0;
}

static int visit_container(struct walk *w, u64 id)
{
	struct id_list *list = w->context;
	const struct container *c = host_container(w->host, walk_path(w));
	bool by_name = c && c->name && !strcmp(c->name, list->wanted);

	if (!c ||
	    (!by_name && (list->by_name || strncmp(c->id, list->wanted, strlen(list->wanted)))))
		return 0;
	if (by_name && !list->by_name) {
		list->by_name = true;
		list->several = false;
		list->count = 0;
	}
	if (!list->count)
		snprintf(list->id, sizeof(list->id), "%s", c->id);
	else if (!by_name && strncmp(list->id, c->id, sizeof(list->id) - 1))
		list->several = true;
	return list_add(list, id);
}

int host_container_resolve(struct host *h, const char *text, u64 **ret_ids, size_t *ret_count)
{
	struct id_list list = { .wanted = text };
	int err;

	if (!tree_open(h))
		return no_hierarchy();
	err = *text ? walk_tree(&(struct walk){ .visit = visit_container,
						.host = h,
						.context = &list },
				"/")
		    : 0;
	if (!err && list.several)
		err = fail(-ENOTUNIQ, "several containers have an id that begins with '%s'", text);
	else if (!err && !list.count)
		err = fail(-ENOENT, "there is no container called '%s' and none whose id begins so",
			   text);
	if (err) {
		free(list.ids);
		return err;
	}
	*ret_ids = list.ids;
	*ret_count = list.count;
	return 0;
}
