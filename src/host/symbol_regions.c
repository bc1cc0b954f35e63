// SPDX-License-Identifier: Apache-2.0
/*
 * What is mapped where, of one process: executable regions in ascending order. They come all at
 * once (/proc/PID/maps) or one after the other as the process maps them; the end of a mapping is
 * told by nobody, so a new one simply takes its place from those that were there.
 */
#include "host/symbol.h"

#define REGIONS_MAX (1 << 16)
#define NAMES_SLACK 4096

struct region_table *regions_new(void)
{
	struct region_table *t = calloc(1, sizeof(*t));

	if (t)
		t->refs = 1;
	return t;
}

void regions_unref(struct region_table *t)
{
	if (!t || --t->refs)
		return;
	buf_free(&t->names);
	free(t->items);
	free(t);
}

struct region *regions_find(const struct region_table *t, u64 address)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->count && t->items[low].start <= address ? &t->items[low] : NULL;
}

/* Where a region of @start belongs: behind all that end at or before it. */
static size_t place_of(const struct region_table *t, u64 start)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->items[middle].end <= start)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void cut_front(struct region *r, u64 to)
{
	r->offset += to - r->start;
	r->start = to;
}

/* Takes [start, end) away from others; room for one more is there. Returns where to put it. */
static size_t clear_range(struct region_table *t, u64 start, u64 end)
{
	size_t at = place_of(t, start), to = at;

	if (at < t->count && t->items[at].start < start) {
		if (t->items[at].end > end) { /* in the middle of one: two remain */
			memmove(&t->items[at + 1], &t->items[at],
				(t->count - at) * sizeof(*t->items));
			t->count++;
			t->items[at].end = start;
			cut_front(&t->items[at + 1], end);
			return at + 1;
		}
		t->items[at++].end = start;
	}
	for (to = at; to < t->count && t->items[to].end <= end;)
		to++;
	if (to < t->count && t->items[to].start < end)
		cut_front(&t->items[to], end);
	memmove(&t->items[at], &t->items[to], (t->count - to) * sizeof(*t->items));
	t->count -= to - at;
	return at;
}

/* The same file's neighbour has the path already, most often. */
static bool has_path(const struct region_table *t, size_t i, struct text_span path, u32 *ret)
{
	if (i >= t->count || !span_is(path, region_path(t, &t->items[i])))
		return false;
	*ret = t->items[i].path;
	return true;
}

static int add_path(struct region_table *t, size_t at, struct text_span path, u32 *ret)
{
	if (has_path(t, at, path, ret) || (at && has_path(t, at - 1, path, ret)))
		return 0;
	if (t->names.len > UINT32_MAX - path.len - 1)
		return -E2BIG;
	*ret = (u32)t->names.len;
	buf_add(&t->names, path.bytes, path.len);
	buf_add_char(&t->names, '\0');
	return t->names.error;
}

/* Leaves out the paths of regions that are no more. */
static int tidy_names(struct region_table *t)
{
	struct buf names = {};
	u32 last = UINT32_MAX, now = 0;

	for (size_t i = 0; i < t->count; i++) {
		const char *path = region_path(t, &t->items[i]);

		if (t->items[i].path != last) {
			last = t->items[i].path;
			now = (u32)names.len;
			buf_add(&names, path, strlen(path) + 1);
		}
		if (names.error) { /* half of it is of the new names already */
			buf_free(&names);
			t->count = 0;
			return -ENOMEM;
		}
		t->items[i].path = now;
	}
	buf_free(&t->names);
	t->names = names;
	t->names_tidy = names.len;
	return 0;
}

struct region_table *regions_copy(const struct region_table *from)
{
	struct region_table *t = regions_new();

	if (!t)
		return NULL;
	t->items = malloc((from->count + 1) * sizeof(*t->items));
	buf_add(&t->names, buf_str(&from->names), from->names.len);
	if (!t->items || t->names.error) {
		regions_unref(t);
		return NULL;
	}
	if (from->count)
		memcpy(t->items, from->items, from->count * sizeof(*t->items));
	t->count = from->count;
	t->capacity = from->count + 1;
	t->names_tidy = from->names_tidy;
	return t;
}

void regions_fit(struct region_table *t)
{
	void *items = t->count ? realloc(t->items, t->count * sizeof(*t->items)) : NULL;
	void *names = t->names.len ? realloc(t->names.data, t->names.len + 1) : NULL;

	if (items) {
		t->items = items;
		t->capacity = t->count;
	}
	if (names) {
		t->names.data = names;
		t->names.cap = t->names.len + 1;
	}
}

int regions_put(struct region_table *t, struct region r, struct text_span path)
{
	size_t at;
	int err;

	if (t->count + 2 > REGIONS_MAX)
		return -E2BIG;
	err = grow(&t->items, &t->capacity, t->count + 2, sizeof(*t->items));
	if (err)
		return err;
	at = clear_range(t, r.start, r.end);
	err = add_path(t, at, path, &r.path);
	if (err)
		return err;
	memmove(&t->items[at + 1], &t->items[at], (t->count - at) * sizeof(*t->items));
	t->items[at] = r;
	t->count++;
	return t->names.len > 2 * t->names_tidy + NAMES_SLACK ? tidy_names(t) : 0;
}
