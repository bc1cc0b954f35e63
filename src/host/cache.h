/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table whose items also stand in the order of their last use: what a bounded memory needs
 * to forget the right thing. Items are embedded in what they hold; equal keys may stand side by
 * side (the pid of several processes).
 *
 *	buckets[hash(key)] -> item -> item		newest <-> item <-> item <-> oldest
 */
#pragma once

#include "base/base.h"

struct cache_item {
	u64 key;
	struct cache_item *chain;
	struct cache_item *newer, *older;
};

struct cache {
	struct cache_item **buckets;
	size_t bucket_count, count;
	struct cache_item *newest, *oldest;
};

int cache_add(struct cache *c, struct cache_item *item, u64 key);
void cache_remove(struct cache *c, struct cache_item *item);
/*
 * The item of that key which was added last, NULL when there is none; cache_next(): the one
 * before.
 */
struct cache_item *cache_find(const struct cache *c, u64 key);
struct cache_item *cache_next(const struct cache_item *item);
/* Makes it the newest. */
void cache_touch(struct cache *c, struct cache_item *item);
/* Takes the item that was not used for longest out of the cache; NULL when it is empty. */
struct cache_item *cache_take_oldest(struct cache *c);
/* The table itself; the items must be gone. */
void cache_free(struct cache *c);

/* FNV-1a, for keys that are text. */
u64 hash_text(const char *bytes, size_t len);

#define item_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
