// SPDX-License-Identifier: Apache-2.0
/*
 * Functions of programs: uprobe and uretprobe. A symbol, a C++ name behind `cpp:`, or an address
 * in the file's own terms becomes an offset in the file: there the kernel puts its breakpoint.
 */
#include "lang/probes/boundary.h"
#include "lang/probes/elf.h"
#include "lang/probes/path.h"

/* PROGRAM@FILE:LINE */
static int parse_line(struct attach_point *a, struct diagnostics *d)
{
	const char *at = strrchr(a->target, '@'), *number = part(a, part_count(a) - 1);
	u64 line;

	if (a->space || is_kind(a, "uretprobe"))
		return diagnose(d, a->text->span, "a source line is for uprobe:PROGRAM@FILE:LINE");
	if (parse_u64(number, &line) || !line || line > INT32_MAX)
		return diagnose(d, a->text->span, "'%s' is no number of a line", number);
	a->source = at + 1;
	a->line = (u32)line;
	a->target = arena_strndup(d->arena, a->target, (size_t)(at - a->target));
	return 0;
}

int uprobe_parse(struct attach_point *a, struct diagnostics *d)
{
	int err = parts_between(a, d, 2, 3);
	u32 last = part_count(a) - 1;

	if (err)
		return err;
	a->target = part(a, 0);
	if (last == 2)
		a->space = part(a, 1);
	if (a->space && strcmp(a->space, "cpp")) {
		diagnose(d, a->text->span, "Unsupported language: %s", a->space);
		diagnose_hint(d, "cpp is the only one");
		return -EINVAL;
	}
	if (strchr(a->target, '@') && access(a->target, F_OK))
		return parse_line(a, d);
	/* a C++ name may hold a '+', and begins with no digit */
	if (a->space)
		a->event = part(a, last);
	else
		err = part_place(a, d, last, &a->event);
	if (err)
		return err;
	if (!*a->event && (!a->has_address || !a->address))
		return diagnose(d, a->text->span,
				"%s should be attached to a function and/or address",
				a->provider->name);
	if (is_kind(a, "uretprobe") && (a->has_offset && a->offset))
		return diagnose(d, a->text->span, "Offset not allowed");
	a->is_wildcard = has_wildcard(a->event) || has_wildcard(a->target);
	if (has_wildcard(a->event) && a->has_offset)
		return diagnose(d, a->text->span, "an offset needs one function, not a wildcard");
	return 0;
}

/* ---- symbols ------------------------------------------------------------------------------- */

struct symbol {
	const char *name;
	u64 address, size;
};

struct symbol_search {
	const struct attach_point *a;
	struct arena *arena;
	struct symbol *items;
	size_t count, capacity;
	bool all, one; /* for suggestions; one name is enough */
	int error;
};

/* "A::f" is "A::f(int)", and so is "A::f(int)"; a pattern may be for either. */
static bool cpp_matches(const char *pattern, const char *name)
{
	char *whole = demangle(name);
	bool found = false;

	if (!whole)
		return matches(pattern, name);
	found = matches(pattern, whole);
	if (!found && !strchr(pattern, '(')) {
		whole[strcspn(whole, "(")] = '\0';
		found = matches(pattern, whole);
	}
	free(whole);
	return found;
}

static bool symbol_matches(const struct attach_point *a, const char *name)
{
	if (a->space)
		return !strcmp(a->event, name) || cpp_matches(a->event, name);
	return has_wildcard(a->event) ? matches(a->event, name) : !strcmp(a->event, name);
}

static bool collect_symbol(void *context, const struct elf_function *f)
{
	struct symbol_search *s = context;

	if (f->is_object || !f->address || (!s->all && !symbol_matches(s->a, f->name)))
		return true;
	s->error = grow(&s->items, &s->capacity, s->count + 1, sizeof(*s->items));
	if (s->error)
		return false;
	s->items[s->count].name = arena_strndup(s->arena, f->name, strlen(f->name));
	s->items[s->count].size = f->size;
	s->items[s->count++].address = f->address;
	return !s->one;
}

static int by_name(const void *x, const void *y)
{
	const struct symbol *a = x, *b = y;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->address > b->address) - (a->address < b->address);
}

static const char *suggest_symbol(const struct attach_point *a, struct elf_image *e,
				  struct arena *arena, const char *root)
{
	struct symbol_search s = { .a = a, .arena = arena, .all = true };
	_cleanup_free_ const char **names = NULL;
	const char *nearest = NULL;

	elf_image_symbols(e, root, collect_symbol, &s);
	names = calloc(s.count ? s.count : 1, sizeof(*names));
	for (size_t i = 0; names && i < s.count; i++)
		names[i] = s.items[i].name;
	if (names)
		nearest = suggest(a->event, names, s.count);
	free(s.items);
	return nearest;
}

/* ---- expansion ----------------------------------------------------------------------------- */

static struct attach_point *new_point(const struct attach_point *a, struct attach_list *l,
				      const char *path, const char *root)
{
	struct attach_point *p = point_copy(l->arena, a);

	p->target = path;
	p->alone = list_mode(l, "no-uprobe_multi");
	p->file = *root ? arena_printf(l->arena, "%s%s", root, path) : path;
	return p;
}

/* ---- is there an instruction? -------------------------------------------------------------- */

#define CODE_MAX (1u << 20)

struct holder {
	u64 address; /* asked for */
	u64 start, size;
};

static bool holds(void *context, const struct elf_function *f)
{
	struct holder *h = context;

	if (f->is_object || h->address < f->address || h->address - f->address >= f->size)
		return true;
	h->start = f->address;
	h->size = f->size;
	return false;
}

/* Sets `refused` when a breakpoint there could land in the middle of an instruction. */
static void check_boundary(struct attach_point *p, const struct attach_list *l,
			   const struct elf_image *e, u64 start, u64 offset)
{
	size_t size = (size_t)MIN(offset + 16, (u64)CODE_MAX);
	_cleanup_free_ u8 *code = offset ? malloc(size) : NULL;
	ssize_t n = -1;
	u64 at;

	if (!offset || l->unsafe)
		return;
	if (code && elf_image_offset(e, start, &at))
		n = elf_image_read(e, at, code, size);
	if (n > 0 && begins_instruction(code, (size_t)n, offset))
		return;
	p->refused = arena_printf(l->arena,
				  "Could not add uprobe into middle of instruction: %s. Use "
				  "--unsafe to force attachment; it could destroy the process",
				  p->name);
}

static void check_address(struct attach_point *p, const struct attach_list *l, struct elf_image *e,
			  const char *root)
{
	struct holder h = { .address = p->address };

	if (l->unsafe)
		return;
	elf_image_symbols(e, root, holds, &h);
	if (h.start) {
		check_boundary(p, l, e, h.start, p->address - h.start);
		return;
	}
	p->refused =
		arena_printf(l->arena,
			     "Could not determine instruction boundary for %s (binary appears "
			     "stripped). Use --unsafe to force attachment; it could destroy the "
			     "process",
			     p->name);
}

static void add_symbol(const struct attach_point *a, struct attach_list *l,
		       const struct elf_image *e, const char *path, const char *root,
		       const struct symbol *s)
{
	struct attach_point *p = new_point(a, l, path, root);
	char offset[32] = "";

	if (!elf_image_offset(e, s->address + a->offset, &p->file_offset))
		return;
	if (a->offset)
		snprintf(offset, sizeof(offset), "+%llu", (unsigned long long)a->offset);
	p->event = s->name;
	p->address = s->address;
	p->name = arena_printf(l->arena, "%s:%s:%s%s%s", a->provider->name, path,
			       a->space ? "cpp:" : "", s->name, offset);
	if (a->offset && s->size && a->offset >= s->size)
		p->refused = arena_printf(l->arena,
					  "Offset outside the function bounds ('%s' size is %llu)",
					  s->name, (unsigned long long)s->size);
	else
		check_boundary(p, l, e, s->address, a->offset);
	attach_list_add(l, p);
}

static int add_address(struct attach_point *a, struct attach_list *l, struct elf_image *e,
		       const char *path, const char *root)
{
	struct attach_point *p = new_point(a, l, path, root);

	if (!elf_image_offset(e, a->address, &p->file_offset))
		return fail(-EINVAL, "%s has nothing at address 0x%llx", path,
			    (unsigned long long)a->address);
	p->event = NULL;
	p->name = arena_printf(l->arena, "%s:%s:%llu", a->provider->name, path,
			       (unsigned long long)a->address);
	if (!a->source)
		check_address(p, l, e, root);
	attach_list_add(l, p);
	return 0;
}

static int expand_file(struct attach_point *a, struct attach_list *l, const char *path,
		       const char *root)
{
	_cleanup_(elf_image_freep) struct elf_image *e = NULL;
	struct symbol_search s = { .a = a, .arena = l->arena };
	char whole[4200];
	const char *nearest, *last = NULL;
	int err;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	err = elf_image_open(whole, &e);
	if (err)
		return err;
	if (a->source) {
		err = type_source_line(whole, a->source, a->line, &a->address);
		if (err)
			return err;
	}
	if (a->has_address || a->source)
		return add_address(a, l, e, path, root);
	s.one = !a->space && !has_wildcard(a->event);
	err = elf_image_symbols(e, root, collect_symbol, &s);
	if (!err)
		err = s.error;
	if (s.count)
		qsort(s.items, s.count, sizeof(*s.items), by_name);
	for (size_t i = 0; i < s.count && !err && !list_full(l); i++) {
		if (!last || strcmp(last, s.items[i].name) != 0)
			add_symbol(a, l, e, path, root, &s.items[i]);
		last = s.items[i].name;
	}
	if (!err && !s.count && !a->is_wildcard && !a->space) {
		nearest = suggest_symbol(a, e, l->arena, root);
		if (nearest)
			a->why = arena_printf(l->arena, "did you mean '%s:%s:%s'?",
					      a->provider->name, path, nearest);
	}
	free(s.items);
	return err;
}

int uprobe_expand(struct attach_point *a, struct attach_list *l)
{
	_cleanup_names_ struct names paths = { .arena = l->arena };
	const char *root = path_root(l);
	int err = path_find(l, a->target, &paths);

	if (!err && a->space && !demangle_available())
		err = fail(-EOPNOTSUPP, "this build cannot read C++ names; write the symbol as "
					"`nm` shows it");
	for (size_t i = 0; i < paths.count && !err; i++) {
		char whole[4200];

		snprintf(whole, sizeof(whole), "%s%s", root, paths.items[i]);
		if (access(whole, F_OK))
			return fail(-ENOENT,
				    "%s target file '%s' does not exist or is not executable",
				    a->provider->name, paths.items[i]);
		err = expand_file(a, l, paths.items[i], root);
		if (err == -EINVAL && paths.count > 1)
			err = 0; /* a pattern also finds what is no program */
	}
	return err;
}
