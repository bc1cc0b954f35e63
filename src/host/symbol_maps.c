// SPDX-License-Identifier: Apache-2.0
/*
 * Names of user addresses: which file a process has mapped at an address, and what that file
 * calls it. Maps and files stay within one budget of bytes, the least recently used go first;
 * answers stand in a small table of their own, so that the frames which every stack shares cost
 * one comparison.
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

#define MAPS_MAX (16 << 20)
#define REGIONS_MAX (1 << 16)
#define FILES_MAX 256 /* each holds a descriptor */
#define RELOAD_EVERY (100 * NSEC_PER_MSEC)
#define VDSO_INODE UINT64_MAX

struct region {
	u64 start, end, offset;
	u64 inode;
	u64 file; /* key of its elf_file, once it was opened */
	u32 major, minor;
	u32 path; /* in the names */
	bool opened, failed;
};

struct process_maps {
	struct cache_item item; /* by pid */
	u64 id;			/* of this reading: never used again */
	u64 start, image;	/* of the process */
	u64 read;
	struct region *regions;
	size_t count, capacity;
	struct buf names;
	struct perf_map perf;
	size_t bytes; /* as counted */
};

/* ---- memory ------------------------------------------------------------------------------ */

struct symbol_tables *symbols_of(struct host *h)
{
	if (!h->symbols)
		h->symbols = calloc(1, sizeof(*h->symbols));
	return h->symbols;
}

static void process_maps_free(struct symbol_tables *s, struct cache_item *item)
{
	struct process_maps *m = item_of(item, struct process_maps, item);

	s->bytes -= m->bytes;
	perf_map_free(&m->perf);
	buf_free(&m->names);
	free(m->regions);
	free(m);
}

static void file_free(struct symbol_tables *s, struct cache_item *item)
{
	struct elf_file *f = item_of(item, struct elf_file, item);

	s->bytes -= elf_bytes(f);
	elf_free(f);
}

struct symbol_tables *symbols_free(struct symbol_tables *s)
{
	struct cache_item *item;

	if (!s)
		return NULL;
	while ((item = cache_take_oldest(&s->maps)))
		process_maps_free(s, item);
	while ((item = cache_take_oldest(&s->files)))
		file_free(s, item);
	cache_free(&s->maps);
	cache_free(&s->files);
	kernel_symbols_free(&s->kernel);
	for (size_t i = 0; i < FRAMES; i++)
		free(s->frames[i].text);
	buf_free(&s->name);
	free(s);
	return NULL;
}

/* Back within the budget. The newest of both stay: they are in use. */
static void trim(struct host *h)
{
	struct symbol_tables *s = h->symbols;

	while (s->files.count > 1 &&
	       (s->bytes > h->limits.symbol_bytes || s->files.count > FILES_MAX))
		file_free(s, cache_take_oldest(&s->files));
	while (s->maps.count > 1 && s->bytes > h->limits.symbol_bytes)
		process_maps_free(s, cache_take_oldest(&s->maps));
}

static void count_bytes(struct symbol_tables *s, struct process_maps *m)
{
	s->bytes -= m->bytes;
	m->bytes = sizeof(*m) + m->capacity * sizeof(*m->regions) + m->names.cap +
		   perf_map_bytes(&m->perf);
	s->bytes += m->bytes;
}

/* ---- maps of a process ------------------------------------------------------------------- */

static int add_region(struct process_maps *m, const struct maps_line *line)
{
	const struct region *last;
	struct region *r;
	bool same;
	int err;

	if (m->count >= REGIONS_MAX)
		return -E2BIG;
	err = grow(&m->regions, &m->capacity, m->count + 1, sizeof(*m->regions));
	if (err)
		return err;
	last = m->count ? &m->regions[m->count - 1] : NULL;
	same = last && span_is(line->path, m->names.data + last->path);
	r = &m->regions[m->count];
	*r = (struct region){ .start = line->start,
			      .end = line->end,
			      .offset = line->offset,
			      .inode = line->inode,
			      .major = line->major,
			      .minor = line->minor };
	r->path = same ? last->path : (u32)m->names.len;
	if (!same) {
		buf_add(&m->names, line->path.bytes, line->path.len);
		buf_add_char(&m->names, '\0');
	}
	m->count++;
	return m->names.error;
}

/*
 * false: the maps could not be read (the process has gone, or is a kernel thread): what was known
 * stays.
 */
static bool maps_read(struct host *h, struct process_maps *m)
{
	struct text_span rest, line;
	struct maps_line parsed;
	char path[PATH_SIZE];
	u32 pid = (u32)m->item.key;
	int err;

	m->read = clock_monotonic_ns();
	err = read_proc(host_path(h, path, "/proc/%u/maps", pid), MAPS_MAX, &h->text);
	if (err == -EACCES) {
		_cleanup_close_ int fd = host_open_elsewhere(h, pid, HOST_MAPS);

		err = fd < 0 ? fd : read_opened(fd, MAPS_MAX, &h->text);
	}
	if (err || !h->text.len)
		return false;
	m->id = ++h->symbols->next_id;
	m->count = 0;
	buf_clear(&m->names);
	rest = (struct text_span){ buf_str(&h->text), h->text.len };
	while (next_line(&rest, &line)) {
		if (!parse_maps_line(line.bytes, line.len, &parsed) && parsed.executable &&
		    add_region(m, &parsed))
			break;
	}
	if (h->text.cap > (256 << 10))
		buf_free(&h->text);
	count_bytes(h->symbols, m);
	return true;
}

/* The maps of who has @pid now, or had it when it was last seen; NULL when there are none. */
static struct process_maps *maps_of(struct host *h, u32 pid)
{
	struct symbol_tables *s = h->symbols;
	const struct process *p = host_process_recent(h, pid);
	struct cache_item *item = cache_find(&s->maps, pid);
	struct process_maps *m = item ? item_of(item, struct process_maps, item) : NULL;
	u64 start, image;

	if (m && (!p || p->exit || (p->start == m->start && p->image == m->image))) {
		cache_touch(&s->maps, item);
		return m;
	}
	if (!p || p->exit)
		return NULL;
	start = p->start;
	image = p->image;
	if (m) {
		cache_remove(&s->maps, item);
		process_maps_free(s, item);
	}
	m = calloc(1, sizeof(*m));
	if (!m || cache_add(&s->maps, &m->item, pid)) {
		free(m);
		return NULL;
	}
	m->start = start;
	m->image = image;
	maps_read(h, m);
	trim(h);
	return m;
}

static struct region *find_region(struct process_maps *m, u64 address)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->regions[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->count && m->regions[low].start <= address ? &m->regions[low] : NULL;
}

/* ---- their files ------------------------------------------------------------------------- */

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
 * than in stat().
 */
static bool is_mapped_file(int fd, const struct stat *st, const struct region *r)
{
	struct statfs fs;

	if (st->st_ino == r->inode && st->st_dev == makedev(r->major, r->minor))
		return true;
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
	if (fd >= 0 && is_mapped_file(fd, st, r))
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

static int open_region(struct host *h, u32 pid, const struct process_maps *m,
		       const struct region *r, struct stat *st)
{
	const char *name = m->names.data + r->path;
	char path[PATH_SIZE];
	int fd;

	/*
	 * The very file, even deleted, even in another mount name space; needs CAP_SYS_ADMIN or
	 * CAP_CHECKPOINT_RESTORE.
	 */
	fd = open_regular(host_path(h, path, "/proc/%u/map_files/%llx-%llx", pid,
				    (unsigned long long)r->start, (unsigned long long)r->end),
			  st);
	for (int ours = 0; fd < 0 && ours < 2 && *name == '/'; ours++) {
		if (ours) /* the process has gone: its file may be one of ours */
			host_path(h, path, "%s", name);
		else
			host_path(h, path, "/proc/%u/root%s", pid, name);
		fd = open_regular(path, st);
		if (fd >= 0 && !is_mapped_file(fd, st, r)) {
			close(fd);
			fd = -1;
		}
	}
	return fd < 0 ? open_region_elsewhere(h, pid, name, r, st) : fd;
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
	trim(h);
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

static struct elf_file *file_of(struct host *h, u32 pid, struct process_maps *m, struct region *r)
{
	struct symbol_tables *s = h->symbols;
	struct cache_item *item;
	struct stat st;
	u64 key;
	int fd;

	if (!strcmp(m->names.data + r->path, "[vdso]"))
		return r->start > UINT32_MAX ? vdso_file(h) : NULL;
	if (r->failed || !r->inode)
		return NULL;
	if (r->opened && (item = cache_find(&s->files, r->file))) {
		cache_touch(&s->files, item);
		return item_of(item, struct elf_file, item);
	}
	fd = open_region(h, pid, m, r, &st);
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

/* ---- lookup ------------------------------------------------------------------------------ */

/* The last part of a path, without what the kernel adds behind; "" for memory without a file. */
static struct text_span module_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct text_span s = { slash ? slash + 1 : path, strlen(slash ? slash + 1 : path) };

	if (str_ends(path, " (deleted)") && s.len > strlen(" (deleted)"))
		s.len -= strlen(" (deleted)");
	return s;
}

/* Code made at run time lies in memory that belongs to no file on a disk. */
static bool may_be_jit(const char *path)
{
	return !*path || str_starts(path, "[anon") || str_starts(path, "//anon") ||
	       str_starts(path, "/memfd:") || str_starts(path, "/dev/zero") ||
	       str_starts(path, "[heap]");
}

/* Puts the name into s->name: "name\0module\0". */
static void resolve(struct host *h, u32 pid, struct process_maps *m, struct region *r, u64 address,
		    struct frame *ret)
{
	struct symbol_tables *s = h->symbols;
	const char *path = m->names.data + r->path;
	struct text_span module = module_of(path);
	u64 place = address - r->start + r->offset, start;
	struct elf_file *f;

	buf_clear(&s->name);
	ret->known = false;
	ret->offset = 0;
	if (may_be_jit(path)) {
		perf_map_refresh(h, pid, &m->perf);
		count_bytes(s, m);
		ret->known = perf_map_name(&m->perf, address, &s->name, &start);
		ret->offset = ret->known ? address - start : 0;
	}
	f = ret->known ? NULL : file_of(h, pid, m, r);
	if (f && elf_address(f, place, &place)) {
		ret->known = elf_name(f, place, &s->name, &start);
		ret->offset = ret->known ? place - start : place;
	}
	if (!ret->known) {
		buf_clear(&s->name);
		if (module.len && *module.bytes == '[')
			buf_add(&s->name, module.bytes, module.len);
		else if (module.len)
			buf_printf(&s->name, "[%.*s+0x%llx]", (int)module.len, module.bytes,
				   (unsigned long long)place);
		else
			buf_add_str(&s->name, "[unknown]");
	}
	buf_add_char(&s->name, '\0');
	buf_add(&s->name, module.bytes, module.len);
	buf_add_char(&s->name, '\0');
}

static void answer(const struct frame *frame, const char *text, struct symbol *ret)
{
	ret->name = text;
	ret->module = text + strlen(text) + 1;
	if (!*ret->module)
		ret->module = NULL;
	ret->offset = frame->offset;
	ret->known = frame->known;
}

/* Where the answer stands, if it is known: twelve bits of a hash make FRAMES. */
static struct frame *frame_of(struct symbol_tables *s, const struct process_maps *m, u64 address)
{
	return &s->frames[((address ^ m->id << 48) * 0x9e3779b97f4a7c15ULL) >> 52];
}

void host_user_symbol(struct host *h, u32 pid, u64 address, struct symbol *ret)
{
	struct symbol_tables *s = symbols_of(h);
	struct process_maps *m = s ? maps_of(h, pid) : NULL;
	struct region *r = NULL;
	struct frame *frame;
	char *text;

	*ret = (struct symbol){ .name = "[unknown]", .offset = address };
	if (!m)
		return;
	frame = frame_of(s, m, address);
	if (frame->text && frame->maps == m->id && frame->address == address) {
		answer(frame, frame->text, ret);
		return;
	}
	r = find_region(m, address);
	if (!r && clock_monotonic_ns() > m->read + RELOAD_EVERY && maps_read(h, m))
		r = find_region(m, address);
	if (!r)
		return;
	frame = frame_of(s, m, address); /* the maps may have got a new id */
	resolve(h, pid, m, r, address, frame);
	text = s->name.error ? NULL : malloc(s->name.len);
	free(frame->text);
	frame->text = text;
	if (!text) {
		s->name.error = 0;
		return;
	}
	memcpy(text, s->name.data, s->name.len);
	frame->maps = m->id;
	frame->address = address;
	answer(frame, text, ret);
}
