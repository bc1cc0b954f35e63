// SPDX-License-Identifier: Apache-2.0
/*
 * From an attach point as written to those that there are, with the words for what is missing; and
 * what the points hand over, which is read from BTF, tracefs or DWARF when somebody asks.
 */
#include "lang/probes/internal.h"

/* A probe of so many points has the types of all read only when they are asked for. */
#define EAGER_MAX 16

static int no_match(const struct attach_point *a, const struct attach_list *l,
		    struct diagnostics *d)
{
	struct span at = a->text->span;
	const char *colon = strchr(a->text->text, ':');
	const char *rest = colon ? colon + 1 : a->text->text;

	if (a->is_wildcard || (l->missing_is_silent && !l->missing_is_error))
		return 0;
	if (l->missing_is_error)
		diagnose(d, at, "No matches for %s %s.", a->provider->name, rest);
	else
		diagnose_warning(d, at, "No matches for %s %s. Skipping.", a->provider->name, rest);
	if (a->why)
		diagnose_hint(d, "%s", a->why);
	return l->missing_is_error ? -EINVAL : 0;
}

static int too_many(const struct attach_list *l, const struct attach_point *a,
		    struct diagnostics *d)
{
	diagnose(d, a->text->span,
		 "Can't attach to %u probes or more because it exceeds the current limit of "
		 "%u probes.",
		 l->count, l->max);
	diagnose_hint(d, "You can increase the limit with the config variable max_probes or "
			 "BPFTRACE_MAX_PROBES, but a high number of probes can slow the system "
			 "down");
	return -EINVAL;
}

static int expand_text(const struct attach_text *text, struct attach_list *l, struct diagnostics *d,
		       const char **ret_why)
{
	struct attach_point *a = arena_new_of(l->arena, struct attach_point);
	const char *name = text->count ? text->parts[0] : "", *nearest;
	u32 before = l->count + l->filtered;
	int err;

	a->text = text;
	a->provider = provider_find(name);
	if (!a->provider && !*name)
		return diagnose(d, text->span, "No attach points for probe");
	if (!a->provider) {
		diagnose(d, text->span, "Invalid probe type: %s", name);
		nearest = provider_suggest(name);
		if (nearest)
			diagnose_hint(d, "did you mean '%s'?", nearest);
		return -EINVAL;
	}
	err = a->provider->parse(a, d);
	if (err)
		return err;
	error_clear();
	err = a->provider->expand(a, l);
	if (err == -ENOMEM)
		return err;
	if (err)
		return diagnose(d, text->span, "%s", *error_text() ? error_text() : strerror(-err));
	if (list_full(l))
		return too_many(l, a, d);
	*ret_why = a->why ? a->why : *ret_why;
	return l->count + l->filtered == before ? no_match(a, l, d) : 0;
}

static int nothing_left(const struct probe *p, const struct attach_list *l, const char *why,
			struct diagnostics *d)
{
	if (l->missing_is_error) {
		diagnose(d, p->attach->span,
			 "Probe has no valid attach points. If this is expected, set the "
			 "'missing_probes' config variable to 'warn'.");
		if (why)
			diagnose_hint(d, "%s", why);
		return -EINVAL;
	}
	if (!l->missing_is_silent)
		diagnose_warning(d, p->attach->span,
				 "Probe has no valid attach points. It is being removed which may "
				 "cause issues with program behavior.");
	return 0;
}

int probe_expand(const struct probe *p, struct attach_list *l, struct diagnostics *d)
{
	struct attach_point **tail, *a;
	const char *why = NULL;
	u32 before = l->count, filtered = l->filtered;
	int err = 0;

	if (!l->last)
		l->last = &l->first;
	tail = l->last;
	for (const struct attach_text *t = p->attach; t; t = t->next) {
		int bad = expand_text(t, l, d, &why);

		if (bad == -ENOMEM)
			return fail(bad, "out of memory");
		err = err ? err : bad;
	}
	if (err)
		return err;
	if (l->count == before) /* the filter's work is nobody's fault */
		return l->filtered == filtered ? nothing_left(p, l, why, d) : 0;
	for (a = *tail; a && l->count - before <= EAGER_MAX; a = a->next)
		if (point_provider(a)->context != CONTEXT_REGISTERS) /* DWARF is dear */
			attach_point_args(l->world, a);
	return arena_error(l->arena);
}

/* ---- what a point hands over --------------------------------------------------------------- */

static const struct type *read_args(struct type_world *w, struct attach_point *a)
{
	u32 id = 0;

	if (is_kind(a, "fentry") || is_kind(a, "fexit")) /* also when taken as kprobe */
		return a->space ? NULL : type_function(w, a->target, a->event, &id);
	switch (point_provider(a)->context) {
	case CONTEXT_TRACEPOINT:
		return type_tracepoint(w, a->target, a->event);
	case CONTEXT_RAW_ARGUMENTS:
		return type_raw_tracepoint(w, a->event, &id);
	case CONTEXT_BTF_ARGUMENTS:
		return type_function(w, a->target, a->event, &id);
	case CONTEXT_ITERATOR:
		return type_iterator(w, a->event, &id);
	case CONTEXT_REGISTERS:
		if (is_kind(a, "uprobe") && a->event && a->file)
			return type_user_function(w, a->file, a->event);
		return NULL;
	case CONTEXT_NONE:
	case CONTEXT_PERF_EVENT:
		break;
	}
	return NULL;
}

const struct type *attach_point_args(struct type_world *w, struct attach_point *a)
{
	if (!a->args_known && w)
		a->args = read_args(w, a);
	a->args_known = w;
	return a->args;
}

/* ---- may one program serve both? ----------------------------------------------------------- */

static bool same_members(struct type_world *w, const struct type *a, const struct type *b)
{
	const struct members *x, *y;

	if (!a || !b)
		return a == b;
	if (a == b)
		return true;
	x = type_members(w, a);
	y = type_members(w, b);
	if (!x || !y || x->count != y->count)
		return false;
	for (u32 i = 0; i < x->count; i++) {
		const struct field *f = &x->fields[i], *g = &y->fields[i];

		if (f->offset != g->offset || f->bit_offset != g->bit_offset ||
		    f->bit_size != g->bit_size || f->is_data_loc != g->is_data_loc ||
		    strcmp(f->name ? f->name : "", g->name ? g->name : "") ||
		    !type_equal(f->type, g->type))
			return false;
	}
	return true;
}

bool attach_point_shares(struct type_world *w, struct attach_point *a, struct attach_point *b,
			 bool uses_args)
{
	if (a->provider != b->provider || a->effective != b->effective ||
	    point_multi(a) != point_multi(b))
		return false;
	switch (point_provider(a)->context) {
	case CONTEXT_NONE:
		return !strcmp(a->name, b->name);
	case CONTEXT_BTF_ARGUMENTS:
	case CONTEXT_ITERATOR: /* such a program knows its one place since it was loaded */
		return !strcmp(a->name, b->name);
	case CONTEXT_TRACEPOINT:
	case CONTEXT_RAW_ARGUMENTS:
		return !uses_args ||
		       same_members(w, attach_point_args(w, a), attach_point_args(w, b));
	case CONTEXT_REGISTERS:
		if (!uses_args)
			return true;
		if (is_kind(a, "usdt"))
			return a->usdt_count == b->usdt_count &&
			       (!a->usdt_count ||
				!memcmp(a->usdt, b->usdt, a->usdt_count * sizeof(*a->usdt)));
		return same_members(w, attach_point_args(w, a), attach_point_args(w, b));
	case CONTEXT_PERF_EVENT:
		break;
	}
	return true;
}
