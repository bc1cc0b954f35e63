// SPDX-License-Identifier: Apache-2.0
/*
 * The texts of a compilation, where their lines begin, and what was brought in by which macro call
 * or import.
 */
#include "lang/syntax/source.h"

#define SOURCE_MAX ((size_t)16 << 20)

struct text {
	struct source source;
	u32 *lines; /* offsets of their first bytes */
	u32 line_count;
};

struct sources {
	struct arena *arena;
	struct text *texts;
	u32 count, capacity;
	struct span *expansions;
	u32 expansion_count, expansion_capacity;
};

struct sources *sources_new(struct arena *a)
{
	struct sources *s = arena_new_of(a, struct sources);

	s->arena = a;
	return s;
}

static void find_lines(struct arena *a, struct text *t)
{
	const char *text = t->source.text, *end = text + t->source.len, *p;

	t->line_count = 1;
	for (p = text; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		t->line_count++;
	t->lines = arena_alloc(a, t->line_count * sizeof(*t->lines));
	t->line_count = 1;
	for (p = text; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		t->lines[t->line_count++] = (u32)(p + 1 - text);
}

static int add_text(struct sources *s, const char *name, const char *text, size_t len, bool header)
{
	struct text *t;

	if (len > SOURCE_MAX)
		return fail(-EFBIG, "%s: a script of more than %zu MiB", name, SOURCE_MAX >> 20);
	if (s->count == s->capacity) {
		struct text *more = arena_alloc(s->arena, (s->capacity * 2 + 8) * sizeof(*more));

		if (s->count)
			memcpy(more, s->texts, s->count * sizeof(*more));
		s->texts = more;
		s->capacity = s->capacity * 2 + 8;
	}
	t = &s->texts[s->count];
	t->source = (struct source){
		.name = arena_strndup(s->arena, name, strlen(name)),
		.text = arena_strndup(s->arena, text, len),
		.len = len,
		.is_header = header,
	};
	find_lines(s->arena, t);
	if (arena_error(s->arena))
		return fail(-ENOMEM, "%s: no memory for %zu bytes", name, len);
	return (int)++s->count;
}

int sources_add(struct sources *s, const char *name, const char *text, size_t len)
{
	return add_text(s, name, text, len, false);
}

int sources_add_header(struct sources *s, const char *name, const char *text, size_t len)
{
	return add_text(s, name, text, len, true);
}

const struct source *sources_get(const struct sources *s, u32 number)
{
	return number && number <= s->count ? &s->texts[number - 1].source : NULL;
}

void sources_place(const struct sources *s, u32 number, u32 offset, u32 *ret_line, u32 *ret_column)
{
	u32 low = 0, high;
	const struct text *t;

	*ret_line = *ret_column = 1;
	if (!sources_get(s, number))
		return;
	t = &s->texts[number - 1];
	/* The last line that begins at or before the offset. */
	high = t->line_count;
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (t->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	*ret_line = low + 1;
	*ret_column = MIN(offset, (u32)t->source.len) - t->lines[low] + 1;
}

u32 sources_expand(struct sources *s, struct span at)
{
	if (s->expansion_count == s->expansion_capacity) {
		u32 capacity = s->expansion_capacity * 2 + 32;
		struct span *more = arena_alloc(s->arena, capacity * sizeof(*more));

		if (s->expansion_count)
			memcpy(more, s->expansions, s->expansion_count * sizeof(*more));
		s->expansions = more;
		s->expansion_capacity = capacity;
	}
	s->expansions[s->expansion_count] = at;
	return ++s->expansion_count;
}

bool sources_expanded_from(const struct sources *s, u32 expansion, struct span *ret_at)
{
	if (!expansion || expansion > s->expansion_count)
		return false;
	*ret_at = s->expansions[expansion - 1];
	return true;
}
