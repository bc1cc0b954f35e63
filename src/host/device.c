// SPDX-License-Identifier: Apache-2.0
/*
 * Names of disks and interfaces by number, remembered for a second: both can be renamed, and a
 * tool asks for the same few thousands of times.
 */
#include "host/internal.h"

#include <net/if.h>

#define NAMES_MAX 1024
#define NAME_VALID NSEC_PER_SEC

struct name_entry {
	struct cache_item item;
	u64 read;
	char name[64];
};

void names_free(struct cache *c)
{
	struct cache_item *item;

	while ((item = cache_take_oldest(c)))
		free(item_of(item, struct name_entry, item));
	cache_free(c);
}

typedef void (*read_name_fn)(const struct host *h, u32 number, char *name, size_t size);

static void add_name_of(struct host *h, struct cache *c, u32 number, read_name_fn read_name,
			struct buf *b)
{
	struct cache_item *item = cache_find(c, number);
	struct name_entry *e = item ? item_of(item, struct name_entry, item) : NULL;
	u64 now = clock_monotonic_ns();

	if (!e) {
		if (c->count >= NAMES_MAX) {
			item = cache_take_oldest(c);
			e = item_of(item, struct name_entry, item);
		} else {
			e = malloc(sizeof(*e));
		}
		if (!e || cache_add(c, &e->item, number)) {
			free(e);
			buf_add_u64(b, number);
			return;
		}
		e->read = 0;
	}
	if (now > e->read + NAME_VALID) {
		read_name(h, number, e->name, sizeof(e->name));
		e->read = now;
	}
	cache_touch(c, &e->item);
	buf_add_str(b, e->name);
}

static void read_disk(const struct host *h, u32 device, char *name, size_t size)
{
	char path[PATH_SIZE], target[PATH_SIZE];
	u32 major = device >> 20, minor = device & 0xfffff;
	const char *slash;
	ssize_t n;

	snprintf(name, size, "%u:%u", major, minor);
	n = readlink(host_path(h, path, "/sys/dev/block/%u:%u", major, minor), target,
		     sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, size, "%s", slash ? slash + 1 : target);
}

static void read_interface(const struct host *h UNUSED, u32 index, char *name, size_t size)
{
	char text[IF_NAMESIZE];

	if (if_indextoname(index, text))
		snprintf(name, size, "%s", text);
	else
		snprintf(name, size, "%u", index);
}

void host_add_disk(struct host *h, u32 device, struct buf *b)
{
	add_name_of(h, &h->disks, device, read_disk, b);
}

void host_add_interface(struct host *h, u32 index, struct buf *b)
{
	add_name_of(h, &h->interfaces, index, read_interface, b);
}
