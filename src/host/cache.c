// SPDX-License-Identifier: Apache-2.0
/* See cache.h. The table doubles when it holds more items than buckets and never shrinks. */
#include "host/cache.h"

static size_t bucket_of(u64 key, size_t buckets)
{
	/*
	 * Pids and inode numbers are dense: the multiplication spreads them, the upper bits are
	 * the good ones.
	 */
	return (size_t)((key * 0x9e3779b97f4a7c15ULL) >> 32) & (buckets - 1);
}

static int enlarge(struct cache *c)
{
	size_t n = c->bucket_count ? c->bucket_count * 2 : 64;
	struct cache_item **buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < c->bucket_count; i++) {
		struct cache_item *item = c->buckets[i], *next;

		/* In order, because items of one key keep theirs. */
		for (; item; item = next) {
			struct cache_item **slot = &buckets[bucket_of(item->key, n)];

			next = item->chain;
			item->chain = NULL;
			while (*slot)
				slot = &(*slot)->chain;
			*slot = item;
		}
	}
	free(c->buckets);
	c->buckets = buckets;
	c->bucket_count = n;
	return 0;
}

static void link_newest(struct cache *c, struct cache_item *item)
{
	item->newer = NULL;
	item->older = c->newest;
	if (c->newest)
		c->newest->newer = item;
	else
		c->oldest = item;
	c->newest = item;
}

static void unlink_order(struct cache *c, struct cache_item *item)
{
	if (item->newer)
		item->newer->older = item->older;
	else
		c->newest = item->older;
	if (item->older)
		item->older->newer = item->newer;
	else
		c->oldest = item->newer;
}

int cache_add(struct cache *c, struct cache_item *item, u64 key)
{
	size_t bucket;

	if (c->count >= c->bucket_count) {
		int err = enlarge(c);

		if (err)
			return err;
	}
	bucket = bucket_of(key, c->bucket_count);
	item->key = key;
	item->chain = c->buckets[bucket];
	c->buckets[bucket] = item;
	link_newest(c, item);
	c->count++;
	return 0;
}

void cache_remove(struct cache *c, struct cache_item *item)
{
	struct cache_item **slot = &c->buckets[bucket_of(item->key, c->bucket_count)];

	while (*slot != item)
		slot = &(*slot)->chain;
	*slot = item->chain;
	unlink_order(c, item);
	c->count--;
}

static struct cache_item *first_of_key(struct cache_item *item, u64 key)
{
	while (item && item->key != key)
		item = item->chain;
	return item;
}

struct cache_item *cache_find(const struct cache *c, u64 key)
{
	return c->bucket_count ? first_of_key(c->buckets[bucket_of(key, c->bucket_count)], key)
			       : NULL;
}

struct cache_item *cache_next(const struct cache_item *item)
{
	return first_of_key(item->chain, item->key);
}

void cache_touch(struct cache *c, struct cache_item *item)
{
	if (c->newest == item)
		return;
	unlink_order(c, item);
	link_newest(c, item);
}

struct cache_item *cache_take_oldest(struct cache *c)
{
	struct cache_item *item = c->oldest;

	if (item)
		cache_remove(c, item);
	return item;
}

void cache_free(struct cache *c)
{
	free(c->buckets);
	*c = (struct cache){};
}

u64 hash_text(const char *bytes, size_t len)
{
	u64 h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (u8)bytes[i]) * 0x100000001b3ULL;
	return h;
}
