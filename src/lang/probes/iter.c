// SPDX-License-Identifier: Apache-2.0
/*
 * Iterators: programs that run when their descriptor is read, once for every task, file, socket and
 * so on. Which kinds there are the kernel's BTF says: struct bpf_iter__KIND.
 */
#include "lang/probes/internal.h"

int iter_parse(struct attach_point *a, struct diagnostics *d)
{
	u32 count = part_count(a);

	if (count < 1 || count > 2) {
		diagnose(d, a->text->span, "iter probe type takes 2 arguments (1 optional)");
		diagnose_hint(d, "write %s", a->provider->usage);
		return -EINVAL;
	}
	a->event = part(a, 0);
	if (has_wildcard(a->event))
		return diagnose(d, a->text->span, "iter probe type does not support wildcards");
	if (count == 2)
		a->space = part(a, 1);
	a->name = arena_printf(d->arena, "iter:%s%s%s", a->event, count == 2 ? ":" : "",
			       count == 2 ? a->space : "");
	return 0;
}

static bool collect_kind(void *context, const char *module, const char *name)
{
	struct names *n = context;

	names_add(n, name);
	return !n->error;
}

static int kinds(struct names *n)
{
	int err = hook_iterators(collect_kind, n);

	names_sort(n);
	return err ? err : n->error;
}

int iter_expand(struct attach_point *a, struct attach_list *l)
{
	_cleanup_names_ struct names all = { .arena = l->arena };
	struct attach_point *p;
	int id = hook_iterator_id(a->event);
	const char *nearest;

	if (id > 0) {
		p = point_copy(l->arena, a);
		p->btf_id = (u32)id;
		/* a name without a slash lies where the kernel keeps pinned things */
		if (p->space && *p->space && *p->space != '/')
			p->space = arena_printf(l->arena, "/sys/fs/bpf/%s", p->space);
		attach_list_add(l, p);
		return 0;
	}
	if (id != -ENOENT)
		return id;
	nearest = kinds(&all) ? NULL : names_suggest(&all, a->event);
	return fail(-ENOENT, "iter %s not available for your kernel version.%s%s%s", a->event,
		    nearest ? " Did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

int iter_list(struct attach_point *a, struct attach_list *l)
{
	_cleanup_names_ struct names all = { .arena = l->arena };
	int err = kinds(&all);

	for (size_t i = 0; i < all.count && !err; i++) {
		struct attach_point *p;

		if (!matches(*part(a, 0) ? part(a, 0) : "*", all.items[i]))
			continue;
		p = point_copy(l->arena, a);
		p->event = all.items[i];
		p->name = arena_printf(l->arena, "iter:%s", all.items[i]);
		attach_list_add(l, p);
	}
	return err;
}
