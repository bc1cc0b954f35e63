// SPDX-License-Identifier: Apache-2.0
/*
 * Any text as an attach point: its provider is found or suggested and reads its parts. Nothing is
 * looked up on the machine. What is accepted has a name or a wildcard to look for.
 */
#include "lang/probes/probe.h"

static void split(struct arena *arena, const char *text, size_t len, struct attach_text *t)
{
	const char **parts = arena_alloc(arena, (len + 1) * sizeof(*parts));
	size_t start = 0;

	t->text = text;
	t->parts = parts;
	for (size_t i = 0; i <= len; i++)
		if (i == len || text[i] == ':') {
			parts[t->count++] = arena_strndup(arena, text + start, i - start);
			start = i + 1;
		}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct arena *arena = arena_new(16 << 20);
	struct diagnostics d = { .arena = arena, .sources = sources_new(arena) };
	struct attach_text text = {};
	struct attach_point a = { .text = &text };
	_cleanup_buf_ struct buf b = {};
	char *copy;

	if (size > 4096) {
		arena_free(arena);
		return 0;
	}
	copy = arena_strndup(arena, (const char *)data, size);
	sources_add((struct sources *)d.sources, "fuzz", copy, strlen(copy));
	text.span = (struct span){ .source = 1, .end = (u32)strlen(copy) };
	split(arena, copy, strlen(copy), &text);
	a.provider = provider_find(text.parts[0]);
	if (!a.provider) {
		provider_suggest(text.parts[0]);
	} else if (!a.provider->parse(&a, &d)) {
		if (d.errors || (!a.name && !a.event && !a.has_address))
			abort();
	} else if (!d.errors) {
		abort(); /* refused without a word */
	}
	diagnostics_print(&d, true, false, &b);
	arena_free(arena);
	return 0;
}
