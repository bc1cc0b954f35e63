// SPDX-License-Identifier: Apache-2.0
/*
 * -l and -lv: what a pattern finds, a line each, sorted; with arguments below. `struct x`, `union
 * x` and `enum x` list types in place of probes.
 */
#include "lang/probes/describe.h"
#include "lang/probes/internal.h"

#define LIST_MAX 4000000

/* Splits at colons outside of quotes. */
static void split(struct arena *arena, const char *pattern, struct attach_text *t)
{
	_cleanup_buf_ struct buf part = {};
	const char **parts = arena_alloc(arena, (strlen(pattern) + 1) * sizeof(*parts));
	bool quoted = false;

	t->text = pattern;
	t->parts = parts;
	for (const char *c = pattern;; c++) {
		if (*c == '"') {
			quoted = !quoted;
		} else if (!*c || (*c == ':' && !quoted)) {
			parts[t->count++] = arena_strndup(arena, buf_str(&part), part.len);
			buf_clear(&part);
		} else {
			buf_add_char(&part, *c);
		}
		if (!*c)
			return;
	}
}

/* In `*` and such only what is found without a program, and each function once. */
static bool in_all(const struct provider *p)
{
	static const char *const names[] = { "fentry",	      "hardware", "iter",      "kprobe",
					     "rawtracepoint", "software", "tracepoint" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(p->name, names[i]))
			return true;
	return false;
}

/*
 * As many parts as the provider has. What is written last is the event's name: `sched_switch` is of
 * any provider, `tracepoint:sched_switch` of any category.
 */
static void fill(struct arena *arena, const struct provider *p, const struct attach_text *from,
		 struct attach_text *to)
{
	const char **parts = arena_alloc(arena, (from->count + 2) * sizeof(*parts));
	u32 count = 0;

	*to = *from;
	parts[count++] = p->name;
	if (from->count <= 2 && !strcmp(p->name, "tracepoint"))
		parts[count++] = "*";
	for (u32 i = from->count > 1; i < from->count; i++)
		parts[count++] = *from->parts[i] ? from->parts[i] : "*";
	to->parts = parts;
	to->count = count;
}

static int list_provider(const struct provider *p, const struct attach_text *pattern,
			 struct attach_list *l)
{
	struct diagnostics silent = { .arena = l->arena };
	struct attach_point *a = arena_new_of(l->arena, struct attach_point);
	struct attach_text *t = arena_new_of(l->arena, struct attach_text);

	fill(l->arena, p, pattern, t);
	a->provider = p;
	a->text = t;
	if (p->list)
		return p->list(a, l);
	if (p->parse(a, &silent))
		return 0;
	return p->expand(a, l);
}

static int by_name(const void *x, const void *y)
{
	return strcmp((*(struct attach_point *const *)x)->name,
		      (*(struct attach_point *const *)y)->name);
}

static int print_points(const struct attach_point *first, size_t count, bool verbose,
			struct type_world *w, struct buf *b)
{
	_cleanup_free_ const struct attach_point **points = calloc(count, sizeof(*points));
	_cleanup_(describer_free) struct describer d = { .world = w };
	const char *last = NULL;
	size_t n = 0;

	if (!points)
		return fail(-ENOMEM, "out of memory");
	for (const struct attach_point *a = first; a && n < count; a = a->next)
		points[n++] = a;
	qsort(points, n, sizeof(*points), by_name);
	for (size_t i = 0; i < n; i++) {
		if (last && !strcmp(last, points[i]->name))
			continue;
		last = points[i]->name;
		buf_add_str(b, last);
		buf_add_char(b, '\n');
		if (verbose)
			describe_point(&d, points[i], b);
	}
	return b->error;
}

static int list_probes(const char *pattern, bool verbose, struct attach_list *l, struct buf *b)
{
	struct attach_text text = {};
	const struct provider *exact;
	struct attach_point **tail;
	size_t count = 0;
	int err = 0;

	split(l->arena, pattern, &text);
	if (!l->last)
		l->last = &l->first;
	tail = l->last;
	exact = text.count > 1 ? provider_find(text.parts[0]) : NULL;
	for (size_t i = 0; i < provider_count && !err; i++) {
		const struct provider *p = &providers[i];

		if (exact ? p == exact
			  : in_all(p) && (text.count == 1 || matches(text.parts[0], p->name)))
			err = list_provider(p, &text, l);
		if (err && !exact && err != -ENOMEM)
			err = 0; /* of everything: what can be had */
	}
	if (err)
		return err;
	for (const struct attach_point *a = *tail; a; a = a->next)
		count++;
	return count ? print_points(*tail, count, verbose, l->world, b) : 0;
}

int probes_list(const char *pattern, bool verbose, struct attach_list *options,
		struct diagnostics *d, struct buf *b)
{
	static const char *const kinds[] = { "struct ", "union ", "enum " };
	int err;

	if (!pattern || !*pattern)
		pattern = "*";
	options->max = LIST_MAX;
	kernel_btf_hold(); /* without BTF there is still something to list */
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_starts(pattern, kinds[i])) {
			err = describe_types(pattern, verbose, b);
			kernel_btf_release();
			return err;
		}
	err = list_probes(pattern, verbose, options, b);
	kernel_btf_release();
	return err;
}
