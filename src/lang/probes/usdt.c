// SPDX-License-Identifier: Apache-2.0
/*
 * usdt: from a program's notes to places. One probe can have many places (inlined, unrolled), each
 * with arguments of its own: each becomes a point, and all but the first are not counted.
 */
#include "lang/probes/usdt.h"

#include "lang/probes/elf.h"
#include "lang/probes/path.h"

#define NOTE_TYPE 3

int usdt_parse(struct attach_point *a, struct diagnostics *d)
{
	int err = parts_between(a, d, 2, 3);

	if (err)
		return err;
	a->target = part(a, 0);
	a->space = part_count(a) == 3 ? part(a, 1) : NULL;
	a->event = part(a, part_count(a) - 1);
	/* `usdt:/bin/x:ns:` stands for all of the namespace */
	if (!*a->event)
		a->event = "*";
	a->is_wildcard = has_wildcard(a->event) || has_wildcard(a->target) ||
			 (a->space && has_wildcard(a->space));
	return 0;
}

/* ---- notes --------------------------------------------------------------------------------- */

/* Three strings, one behind the other. */
static bool read_strings(const char *at, size_t size, struct usdt_note *n)
{
	const char **to[3] = { &n->space, &n->name, &n->arguments };

	for (size_t i = 0; i < 3; i++) {
		const char *end = memchr(at, '\0', size);

		if (!end)
			return false;
		*to[i] = at;
		size -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	return true;
}

void usdt_notes(const void *bytes, size_t size,
		bool (*fn)(void *context, const struct usdt_note *n), void *context)
{
	const char *at = bytes;

	while (size >= 12) {
		u32 header[3]; /* length of the name, of the rest, type */
		u64 numbers[3];
		size_t name, rest;
		struct usdt_note n;

		memcpy(header, at, sizeof(header));
		name = ((size_t)header[0] + 3) & ~(size_t)3;
		rest = ((size_t)header[1] + 3) & ~(size_t)3;
		at += 12;
		size -= 12;
		if (name > size || header[1] > size - name)
			return;
		if (header[2] == NOTE_TYPE && header[0] == 8 && !memcmp(at, "stapsdt", 8) &&
		    header[1] > sizeof(numbers)) {
			memcpy(numbers, at + name, sizeof(numbers));
			n.address = numbers[0];
			n.base = numbers[1];
			n.semaphore = numbers[2];
			if (read_strings(at + name + sizeof(numbers), header[1] - sizeof(numbers),
					 &n) &&
			    !fn(context, &n))
				return;
		}
		if (rest > size - name)
			return;
		at += name + rest;
		size -= name + rest;
	}
}

/* ---- expansion ----------------------------------------------------------------------------- */

struct usdt_search {
	struct attach_point *a;
	struct attach_list *list;
	struct elf_image *elf;
	const char *path, *root;
	u64 base;
	struct attach_point **points; /* found in this file */
	size_t count, capacity;
	struct names names; /* of all, for suggestions */
	int error;
};

struct variable {
	const char *name;
	u64 address;
	bool found;
};

static bool is_variable(void *context, const struct elf_function *f)
{
	struct variable *v = context;

	v->found = !strcmp(f->name, v->name);
	v->address = f->address;
	return !v->found;
}

static bool find_variable(void *context, const char *name, u64 *ret)
{
	struct usdt_search *s = context;
	struct variable v = { .name = name };

	elf_image_symbols(s->elf, s->root, is_variable, &v);
	*ret = v.address;
	return v.found;
}

static bool add_note(void *context, const struct usdt_note *n)
{
	struct usdt_argument arguments[USDT_ARGUMENTS_MAX];
	struct usdt_search *s = context;
	struct arena *arena = s->list->arena;
	u64 move = s->base && n->base ? s->base - n->base : 0, offset;
	struct attach_point *p;

	names_add(&s->names, n->name);
	if (!matches(s->a->event, n->name) ||
	    (s->a->space && !matches(*s->a->space ? s->a->space : "*", n->space)) ||
	    !elf_image_offset(s->elf, n->address + move, &offset))
		return true;
	s->error = grow(&s->points, &s->capacity, s->count + 1, sizeof(struct attach_point *));
	if (s->error)
		return false;
	p = point_copy(arena, s->a);
	p->target = s->path;
	p->alone = list_mode(s->list, "no-uprobe_multi");
	p->file = *s->root ? arena_printf(arena, "%s%s", s->root, s->path) : s->path;
	p->space = arena_strndup(arena, n->space, strlen(n->space));
	p->event = arena_strndup(arena, n->name, strlen(n->name));
	p->name = arena_printf(arena, "usdt:%s:%s:%s", s->path, n->space, n->name);
	p->file_offset = offset;
	p->address = n->address + move;
	if (n->semaphore && elf_image_offset(s->elf, n->semaphore + move, &offset))
		p->semaphore = offset;
	p->usdt_count = usdt_arguments(n->arguments, n->address, find_variable, s, arguments);
	p->usdt = arena_alloc(arena, sizeof(arguments));
	memcpy(p->usdt, arguments, p->usdt_count * sizeof(*arguments));
	s->points[s->count++] = p;
	return true;
}

static int by_name(const void *x, const void *y)
{
	const struct attach_point *a = *(struct attach_point *const *)x,
				  *b = *(struct attach_point *const *)y;
	int order = strcmp(a->name, b->name);

	return order ? order
		     : (a->file_offset > b->file_offset) - (a->file_offset < b->file_offset);
}

static void add_points(struct usdt_search *s)
{
	const struct attach_point *last = NULL;

	if (s->count)
		qsort(s->points, s->count, sizeof(struct attach_point *), by_name);
	for (size_t i = 0; i < s->count; i++) {
		struct attach_point *p = s->points[i];

		p->is_more = last && !strcmp(last->name, p->name);
		if (p->is_more && last->file_offset == p->file_offset)
			continue;
		attach_list_add(s->list, p);
		last = p;
	}
}

static int expand_file(struct attach_point *a, struct attach_list *l, const char *path,
		       const char *root)
{
	_cleanup_(elf_image_freep) struct elf_image *e = NULL;
	_cleanup_buf_ struct buf notes = {};
	struct usdt_search s = {
		.a = a,
		.list = l,
		.path = path,
		.root = root,
		.names.arena = l->arena,
	};
	char whole[4200];
	const char *nearest;
	int err;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	err = elf_image_open(whole, &e);
	if (err)
		return err;
	s.elf = e;
	elf_image_section(e, ".stapsdt.base", NULL, &s.base);
	if (elf_image_section(e, ".note.stapsdt", &notes, NULL)) {
		a->why = arena_printf(l->arena, "%s has no USDT probes", path);
		return 0;
	}
	usdt_notes(notes.data, notes.len, add_note, &s);
	add_points(&s);
	nearest = s.count || a->is_wildcard ? NULL : names_suggest(&s.names, a->event);
	if (nearest)
		a->why = arena_printf(l->arena, "did you mean 'usdt:%s:%s'?", path, nearest);
	names_free(&s.names);
	free(s.points);
	return s.error;
}

int usdt_expand(struct attach_point *a, struct attach_list *l)
{
	_cleanup_names_ struct names paths = { .arena = l->arena };
	const char *root = path_root(l);
	int err = path_find(l, a->target, &paths);

	for (size_t i = 0; i < paths.count && !err; i++) {
		char whole[4200];

		snprintf(whole, sizeof(whole), "%s%s", root, paths.items[i]);
		if (access(whole, F_OK))
			return fail(-ENOENT,
				    "usdt target file '%s' does not exist or is not executable",
				    paths.items[i]);
		err = expand_file(a, l, paths.items[i], root);
		if (err == -EINVAL && paths.count > 1)
			err = 0;
	}
	return err;
}
