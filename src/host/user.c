// SPDX-License-Identifier: Apache-2.0
/*
 * Names of users and groups from the files themselves: the C library's way (NSS) loads shared
 * objects, which a static program cannot, and may ask the network, which an observer must not.
 * The file is read again when its time changed, looked at once a second at most.
 */
#include "host/internal.h"

#include <sys/stat.h>

#define ID_FILE_MAX (16 << 20)

struct id_name {
	u32 id, line;
	char *name;
};

static void drop_names(struct id_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->items[i].name);
	n->count = 0;
}

void id_names_free(struct id_names *n)
{
	drop_names(n);
	free(n->items);
	n->items = NULL;
	n->capacity = 0;
}

static int by_id(const void *a, const void *b)
{
	const struct id_name *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

/* The position of @id, or where it would stand. */
static size_t position(const struct id_names *n, u32 id)
{
	size_t low = 0, high = n->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (n->items[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int add_name(struct id_names *n, const struct id_line *line)
{
	int err = grow(&n->items, &n->capacity, n->count + 1, sizeof(*n->items));
	char *name;

	if (err)
		return err;
	name = strndup(line->name.bytes, line->name.len);
	if (!name)
		return -ENOMEM;
	n->items[n->count] = (struct id_name){ line->id, (u32)n->count, name };
	n->count++;
	return 0;
}

static void reload(struct host *h, struct id_names *n, const char *path)
{
	struct text_span rest, line;
	struct id_line id;
	size_t kept = 0;

	drop_names(n);
	if (read_proc(path, ID_FILE_MAX, &h->text)) /* may be a link, on some systems */
		return;
	rest = (struct text_span){ buf_str(&h->text), h->text.len };
	while (next_line(&rest, &line)) {
		if (!parse_id_line(line.bytes, line.len, &id) && add_name(n, &id))
			break;
	}
	if (!n->count)
		return;
	/* Several names of one id: the first line counts, as with getpwuid(). */
	qsort(n->items, n->count, sizeof(*n->items), by_id);
	for (size_t i = 0; i < n->count; i++) {
		if (kept && n->items[kept - 1].id == n->items[i].id)
			free(n->items[i].name);
		else
			n->items[kept++] = n->items[i];
	}
	n->count = kept;
}

static void add_name_of(struct host *h, struct id_names *n, u32 id, struct buf *b)
{
	u64 now = clock_monotonic_ns();
	size_t i;

	if (!n->looked || now > n->looked + NSEC_PER_SEC) {
		char path[PATH_SIZE];
		struct stat st;
		u64 mtime = 0;

		if (!stat(host_path(h, path, "%s", n->file), &st))
			mtime = (u64)st.st_mtim.tv_sec * NSEC_PER_SEC + (u64)st.st_mtim.tv_nsec;
		if (!n->looked || mtime != n->mtime)
			reload(h, n, path);
		n->mtime = mtime;
		n->looked = now;
	}
	i = position(n, id);
	if (i < n->count && n->items[i].id == id)
		buf_add_str(b, n->items[i].name);
	else
		buf_add_u64(b, id);
}

void host_add_user(struct host *h, u32 uid, struct buf *b)
{
	add_name_of(h, &h->users, uid, b);
}

void host_add_group(struct host *h, u32 gid, struct buf *b)
{
	add_name_of(h, &h->groups, gid, b);
}
