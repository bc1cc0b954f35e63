// SPDX-License-Identifier: Apache-2.0
/*
 * Memory of one compilation: blocks that are handed out from front to back and given back all at
 * once. Who allocates need not check each time: what is asked for beyond the limit is still given,
 * up to half as much again, so that everything stays a thing of its own until the caller looks at
 * arena_error(); only after that one block serves everybody.
 */
#include "lang/syntax/source.h"

#define BLOCK_SIZE ((size_t)64 << 10)
#define ALIGNMENT 8

struct block {
	struct block *before;
	size_t used, size;
	char bytes[] __attribute__((aligned(ALIGNMENT)));
};

struct arena {
	struct block *blocks;
	size_t taken, limit;
	int error;
	char *scratch;
	size_t scratch_size;
};

struct arena *arena_new(size_t limit)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->scratch_size = BLOCK_SIZE;
	a->scratch = malloc(a->scratch_size);
	a->limit = limit;
	if (!a->scratch)
		arena_freep(&a);
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	while (a->blocks) {
		struct block *before = a->blocks->before;

		free(a->blocks);
		a->blocks = before;
	}
	free(a->scratch);
	free(a);
}

void arena_freep(struct arena **a)
{
	arena_free(*a);
	*a = NULL;
}

int arena_error(const struct arena *a)
{
	return a->error;
}

/* What nobody will read: large enough, zeroed. Without even that there is no way to go on. */
static void *scratch(struct arena *a, size_t size)
{
	if (!a->error)
		a->error = -ENOMEM;
	if (size > a->scratch_size) {
		free(a->scratch);
		a->scratch = malloc(size);
		a->scratch_size = size;
		if (!a->scratch)
			abort();
	}
	return memset(a->scratch, 0, size);
}

static struct block *add_block(struct arena *a, size_t size)
{
	size_t room = MAX(size, BLOCK_SIZE - sizeof(struct block));
	struct block *b;

	if (a->taken + room > a->limit)
		a->error = -ENOMEM;
	if (a->taken + room > a->limit + a->limit / 2 || !(b = calloc(1, sizeof(*b) + room)))
		return NULL;
	a->taken += room;
	b->size = room;
	/* What is larger than a block lies behind the one that still has room. */
	if (size > BLOCK_SIZE / 4 && a->blocks) {
		b->before = a->blocks->before;
		a->blocks->before = b;
	} else {
		b->before = a->blocks;
		a->blocks = b;
	}
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->blocks;
	void *p;

	if (size > SIZE_MAX / 4)
		abort();
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!b || b->size - b->used < size)
		b = add_block(a, size);
	if (!b)
		return scratch(a, size);
	p = b->bytes + b->used;
	b->used += size;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	memcpy(copy, s, len);
	return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = {};
	va_list args;

	va_start(args, fmt);
	buf_vprintf(&b, fmt, args);
	va_end(args);
	if (b.error)
		a->error = b.error;
	return arena_strndup(a, buf_str(&b), b.len);
}
