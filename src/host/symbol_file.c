// SPDX-License-Identifier: Apache-2.0
/*
 * The files that processes have mapped, opened by whatever way leads to the very file: its mapping,
 * the process's own root directory, or, when the process has gone, our own. A path is only a hint:
 * what it leads to counts if it is the file that the kernel named by device and inode. The least
 * recently used files go first.
 */
#include "host/symbol.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <elf.h>

#define FILES_MAX 256 /* each holds a descriptor */
#define HELD_MAX 256  /* some do */
#define VDSO_INODE UINT64_MAX

struct held_file {
	struct cache_item item; /* by device, inode and path */
	int fd;			/* O_PATH; -1: our own tree leads to it */
};

static void file_free(struct symbol_tables *s, struct cache_item *item)
{
	struct elf_file *f = item_of(item, struct elf_file, item);

	s->bytes -= elf_bytes(f);
	elf_free(f);
}

static void held_free(struct cache_item *item)
{
	struct held_file *f = item_of(item, struct held_file, item);

	close_fd(&f->fd);
	free(f);
}

void files_free_all(struct symbol_tables *s)
{
	struct cache_item *item;

	while ((item = cache_take_oldest(&s->files)))
		file_free(s, item);
	cache_free(&s->files);
	while ((item = cache_take_oldest(&s->held)))
		held_free(item);
	cache_free(&s->held);
}

void files_trim(struct host *h)
{
	struct symbol_tables *s = h->symbols;

	while (s->files.count > 1 &&
	       (s->bytes > h->limits.symbol_bytes || s->files.count > FILES_MAX))
		file_free(s, cache_take_oldest(&s->files));
}

int open_regular(const char *path, struct stat *st)
{
	/* O_PATH opens nothing yet: no device wakes up, no FIFO waits. */
	_cleanup_close_ int handle = open(path, O_PATH | O_CLOEXEC);
	char link[64];

	if (handle < 0 || fstat(handle, st) || !S_ISREG(st->st_mode))
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", handle);
	return open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/*
 * Is the file that the path leads to the one that is mapped? Overlays show other numbers in maps
 * than in stat(), so there the process's own path is believed; but in our own tree (@ours) the path
 * may be another container's, and at least the inode must be the same.
 */
static bool is_mapped_file(int fd, const struct stat *st, const struct region *r, bool ours)
{
	struct statfs fs;

	if (st->st_ino == r->inode && st->st_dev == makedev(r->major, r->minor))
		return true;
	if (ours && st->st_ino != r->inode)
		return false;
	return !fstatfs(fd, &fs) &&
	       (fs.f_type == OVERLAYFS_SUPER_MAGIC || fs.f_type == BTRFS_SUPER_MAGIC);
}

/*
 * Without privileges another user's root directory and executable come from elsewhere. What a path
 * below leads to is still only read if we may.
 */
static int open_region_elsewhere(struct host *h, u32 pid, const char *name, const struct region *r,
				 struct stat *st)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	_cleanup_close_ int root = h->open && *name == '/' ? host_open_elsewhere(h, pid, HOST_ROOT)
							   : -1;
	_cleanup_close_ int handle = -1, exe = -1;
	char link[64], target[PATH_SIZE];
	ssize_t n;
	int fd;

	if (root < 0)
		return -1;
	handle = (int)syscall(SYS_openat2, root, name, &how, sizeof(how));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", handle);
	fd = handle < 0 ? -1 : open_regular(link, st);
	if (fd >= 0 && is_mapped_file(fd, st, r, false))
		return fd;
	if (fd >= 0)
		close(fd);
	exe = host_open_elsewhere(h, pid, HOST_EXE);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", exe);
	n = exe < 0 ? -1 : readlink(link, target, sizeof(target));
	if (n < 0 || (size_t)n != strlen(name) || memcmp(target, name, (size_t)n) || fstat(exe, st))
		return -1;
	return TAKE_FD(exe);
}

static int open_path(const char *path, const struct region *r, bool ours, struct stat *st)
{
	int fd = open_regular(path, st);

	if (fd < 0 || is_mapped_file(fd, st, r, ours))
		return fd;
	close(fd);
	return -1;
}

/* ---- of who may be gone when it is asked for ---- */

static u64 held_key(const struct region *r, const char *path)
{
	return hash_text(path, strlen(path)) ^
	       (makedev(r->major, r->minor) * 0x9e3779b97f4a7c15ULL + r->inode) *
		       0xff51afd7ed558ccdULL;
}

/* Names no process: a handle that only says where the file is. */
static int handle_of(const char *path, const struct region *r)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || !is_mapped_file(fd, &st, r, true))
		return -1;
	return TAKE_FD(fd);
}

void region_hold(struct host *h, const struct process_maps *m, const struct region *r,
		 const char *name)
{
	struct symbol_tables *s = h->symbols;
	u64 key = held_key(r, name);
	char path[PATH_SIZE];
	struct held_file *f;
	int fd;

	if (*name != '/' || !r->inode || cache_find(&s->held, key))
		return;
	fd = handle_of(host_path(h, path, "%s", name), r);
	if (fd >= 0) {
		close_fd(&fd);
		fd = -1;
	} else {
		fd = handle_of(host_path(h, path, "/proc/%u/root%s", (u32)m->item.key, name), r);
		if (fd < 0 && m->parent) /* it is gone, but who has the same root may not be */
			fd = handle_of(host_path(h, path, "/proc/%u/root%s", m->parent, name), r);
		if (fd < 0)
			return;
	}
	f = calloc(1, sizeof(*f));
	if (!f || cache_add(&s->held, &f->item, key)) {
		close_fd(&fd);
		free(f);
		return;
	}
	f->fd = fd;
	while (s->held.count > HELD_MAX)
		held_free(cache_take_oldest(&s->held));
}

static int open_held(struct host *h, const struct region *r, const char *name, struct stat *st)
{
	struct cache_item *item = cache_find(&h->symbols->held, held_key(r, name));
	const struct held_file *f = item ? item_of(item, struct held_file, item) : NULL;
	char link[64];

	if (!f || f->fd < 0)
		return -1;
	cache_touch(&h->symbols->held, item);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", f->fd);
	return open_regular(link, st);
}

/* Whoever has a pid now that was another's is not asked: the numbers of files do not say so. */
static int open_region(struct host *h, const struct process_maps *m, const struct region *r,
		       struct stat *st)
{
	const char *name = region_path(m->table, r);
	u32 pid = (u32)m->item.key;
	char path[PATH_SIZE];
	int fd = -1;

	/*
	 * The very file, even deleted, even in another mount name space; needs CAP_SYS_ADMIN or
	 * CAP_CHECKPOINT_RESTORE.
	 */
	if (!m->end)
		fd = open_regular(host_path(h, path, "/proc/%u/map_files/%llx-%llx", pid,
					    (unsigned long long)r->start,
					    (unsigned long long)r->end),
				  st);
	if (fd < 0 && !m->end && *name == '/')
		fd = open_path(host_path(h, path, "/proc/%u/root%s", pid, name), r, false, st);
	if (fd < 0 && *name == '/') /* the process has gone: its file may be one of ours */
		fd = open_path(host_path(h, path, "%s", name), r, true, st);
	if (fd < 0)
		fd = open_held(h, r, name, st);
	return fd < 0 && !m->end ? open_region_elsewhere(h, pid, name, r, st) : fd;
}

static bool is_same_file(const struct elf_file *f, const struct stat *st)
{
	return f->device == st->st_dev && f->inode == st->st_ino &&
	       f->bytes_long == (u64)st->st_size &&
	       f->mtime == (u64)st->st_mtim.tv_sec * NSEC_PER_SEC + (u64)st->st_mtim.tv_nsec;
}

/* Keeps @image (taken over) as the file of @st under @key. */
static struct elf_file *file_add(struct host *h, struct image image, const struct stat *st, u64 key)
{
	struct symbol_tables *s = h->symbols;
	struct elf_file *f;

	if (elf_load(image, h->root, h->limits.symbol_bytes / 2, &f))
		return NULL;
	f->device = st->st_dev;
	f->inode = st->st_ino;
	f->bytes_long = (u64)st->st_size;
	f->mtime = (u64)st->st_mtim.tv_sec * NSEC_PER_SEC + (u64)st->st_mtim.tv_nsec;
	if (cache_add(&s->files, &f->item, key)) {
		elf_free(f);
		return NULL;
	}
	s->bytes += elf_bytes(f);
	symbols_trim(h);
	return f;
}

/* The vdso is the same in all processes of a class: ours is at hand. */
static struct elf_file *vdso_file(struct host *h)
{
	struct cache_item *item = cache_find(&h->symbols->files, VDSO_INODE);
	const Elf64_Ehdr *e = (const void *)getauxval(AT_SYSINFO_EHDR);

	if (item)
		return item_of(item, struct elf_file, item);
	if (!e || sizeof(void *) != 8)
		return NULL;
	return file_add(h,
			(struct image){ -1, (const void *)e,
					e->e_shoff + (u64)e->e_shnum * e->e_shentsize },
			&(struct stat){}, VDSO_INODE);
}

struct elf_file *region_file(struct host *h, const struct process_maps *m, struct region *r)
{
	struct symbol_tables *s = h->symbols;
	struct cache_item *item;
	struct stat st;
	u64 key;
	int fd;

	if (!strcmp(region_path(m->table, r), "[vdso]"))
		return r->start > UINT32_MAX ? vdso_file(h) : NULL;
	if (r->failed || !r->inode)
		return NULL;
	if (r->opened && (item = cache_find(&s->files, r->file))) {
		cache_touch(&s->files, item);
		return item_of(item, struct elf_file, item);
	}
	fd = open_region(h, m, r, &st);
	r->failed = fd < 0;
	if (fd < 0)
		return NULL;
	/*
	 * Everything that tells one state of a file from another is in the key; the comparison is
	 * for collisions.
	 */
	key = ((u64)st.st_dev * 31 + st.st_ino) * 31 + (u64)st.st_mtim.tv_nsec;
	r->file = key;
	r->opened = true;
	item = cache_find(&s->files, key);
	if (item && is_same_file(item_of(item, struct elf_file, item), &st)) {
		close(fd);
		cache_touch(&s->files, item);
		return item_of(item, struct elf_file, item);
	}
	if (item) {
		cache_remove(&s->files, item);
		file_free(s, item);
	}
	return file_add(h, (struct image){ .fd = fd }, &st, key);
}
