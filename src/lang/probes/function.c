// SPDX-License-Identifier: Apache-2.0
/*
 * Functions of the kernel: kprobe and kretprobe, fentry and fexit. Each takes the other's place on
 * a kernel that lacks it: what is written as kprobe is attached as fentry (arguments by BTF), and
 * the reverse; the point says so in `effective` and `why`.
 */
#include "lang/probes/internal.h"

static bool is_return(const struct attach_point *a)
{
	return is_kind(a, "kretprobe") || is_kind(a, "fexit");
}

static bool is_bpf(const struct attach_point *a)
{
	return a->target && !strcmp(a->target, "bpf");
}

/* ---- parsing ------------------------------------------------------------------------------- */

int kprobe_parse(struct attach_point *a, struct diagnostics *d)
{
	int err = parts_between(a, d, 1, 2);

	if (!err)
		err = part_place(a, d, part_count(a) - 1, &a->event);
	if (err)
		return err;
	a->target = part_count(a) == 2 ? part(a, 0) : NULL;
	a->is_wildcard = has_wildcard(a->event) || (a->target && has_wildcard(a->target));
	if (!a->has_address && !*a->event)
		return diagnose(d, a->text->span,
				"%s should be attached to a function and/or "
				"address",
				a->provider->name);
	if (is_return(a) && (a->has_address || (a->has_offset && a->offset)))
		return diagnose(d, a->text->span, "Offset not allowed");
	if (a->is_wildcard && a->has_offset)
		return diagnose(d, a->text->span, "an offset needs one function, not a wildcard");
	return 0;
}

int fentry_parse(struct attach_point *a, struct diagnostics *d)
{
	u32 count = part_count(a);
	bool bpf = count > 1 && !strcmp(part(a, 0), "bpf");
	int err = parts_between(a, d, 1, bpf ? 3 : 2);
	s64 number;

	if (err)
		return err;
	a->target = count > 1 ? part(a, 0) : NULL;
	a->event = part(a, count - 1);
	if (!*a->event)
		return diagnose(d, a->text->span, "%s probe type requires a function",
				a->provider->name);
	a->is_wildcard = has_wildcard(a->event) || (a->target && has_wildcard(a->target));
	if (count < 3)
		return 0;
	err = part_number(a, d, part(a, 1), "Invalid program id", &number);
	a->address = (u64)number;
	return err;
}

/* ---- which way ----------------------------------------------------------------------------- */

/*
 * What each is taken as: the other's context with what the script was promised. `func` and arg0 of
 * a kprobe are there in an fentry too; an fentry's args are the first registers of a kprobe, but
 * gone when a function returns.
 */
static const struct provider taken_as[] = {
	{ .name = "fentry",
	  .context = CONTEXT_BTF_ARGUMENTS,
	  .allows = ALLOWS_CURRENT | ALLOWS_CONTEXT | ALLOWS_FUNC | ALLOWS_ARGUMENTS },
	{ .name = "fexit",
	  .context = CONTEXT_BTF_ARGUMENTS,
	  .allows = ALLOWS_CURRENT | ALLOWS_CONTEXT | ALLOWS_FUNC | ALLOWS_RETVAL },
	{ .name = "kprobe",
	  .context = CONTEXT_REGISTERS,
	  .allows = ALLOWS_CURRENT | ALLOWS_CONTEXT | ALLOWS_FUNC | ALLOWS_ARGS },
	{ .name = "kretprobe",
	  .context = CONTEXT_REGISTERS,
	  .allows = ALLOWS_CURRENT | ALLOWS_CONTEXT | ALLOWS_FUNC | ALLOWS_RETVAL },
};

/* Is the way there, and not switched off ("no-kprobe", "no-fentry" in the mode)? */
static int way_available(const struct attach_list *l, bool kprobe)
{
	const char *off = kprobe ? "no-kprobe" : "no-fentry";

	if (list_mode(l, off))
		return fail(-EOPNOTSUPP, "%s are switched off", kprobe ? "kprobes" : "trampolines");
	return hook_available(kprobe ? HOOK_KPROBE : HOOK_FENTRY);
}

/*
 * Sets `effective` when the way that was written does not exist here. false with `why`: neither
 * does.
 */
static bool choose_way(struct attach_point *a, const struct attach_list *l)
{
	bool kprobe = is_kind(a, "kprobe") || is_kind(a, "kretprobe");
	const char *lacks;

	if (!way_available(l, kprobe))
		return true;
	lacks = arena_printf(l->arena, "%s", error_text());
	if (way_available(l, !kprobe)) {
		a->why = arena_printf(l->arena, "%s; %s", lacks, error_text());
		return false;
	}
	if (kprobe && (a->has_address || a->offset)) {
		a->why = arena_printf(l->arena,
				      "%s, and only the beginning of a function can be had without "
				      "them",
				      lacks);
		return false;
	}
	a->effective = &taken_as[(kprobe ? 0 : 2) + is_return(a)];
	a->why = arena_printf(l->arena, "%s: taken as %s", lacks, a->effective->name);
	return true;
}

static bool needs_btf(const struct attach_point *a)
{
	return point_provider(a)->context == CONTEXT_BTF_ARGUMENTS;
}

/* ---- expansion ----------------------------------------------------------------------------- */

/* kprobe:vfs_read, kprobe:ext4:ext4_open, fentry:vmlinux:vfs_read */
static void add_function(const struct attach_point *a, struct attach_list *l, const char *module,
			 const char *function, u32 btf_id)
{
	struct attach_point *p = point_copy(l->arena, a);
	bool kprobe = is_kind(a, "kprobe") || is_kind(a, "kretprobe");
	bool in_module = module && *module && strcmp(module, "vmlinux") != 0;
	char offset[32] = "";

	p->event = arena_strndup(l->arena, function, strlen(function));
	p->target = in_module ? arena_strndup(l->arena, module, strlen(module)) : NULL;
	p->btf_id = btf_id;
	p->alone = list_mode(l, "no-kprobe_multi");
	if (a->offset)
		snprintf(offset, sizeof(offset), "+%llu", (unsigned long long)a->offset);
	p->name = arena_printf(l->arena, "%s:%s%s%s%s", a->provider->name,
			       in_module || a->target || !kprobe ? (in_module ? module : "vmlinux")
								 : "",
			       in_module || a->target || !kprobe ? ":" : "", function, offset);
	attach_list_add(l, p);
}

struct function_search {
	const struct attach_point *a;
	struct names names;	/* "function module" that match */
	struct names traceable; /* fentry: what the tracer of functions lists, of those */
};

static bool wanted(const struct attach_point *a, const char *module, const char *name)
{
	if (!matches(a->event, name))
		return false;
	return !a->target || matches(a->target, module ? module : "vmlinux");
}

static void add_pair(struct names *n, const char *module, const char *name)
{
	char pair[600];

	snprintf(pair, sizeof(pair), "%s %s", name, module ? module : "vmlinux");
	names_add(n, pair);
}

static bool collect_traceable(void *context, const char *module, const char *name)
{
	struct function_search *s = context;

	if (wanted(s->a, module, name))
		add_pair(&s->traceable, module, name);
	return !s->traceable.error;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool collect_btf(void *context, const char *module, const char *name)
{
	struct function_search *s = context;
	char pair[600];
	const char *key = pair;

	if (!wanted(s->a, module, name))
		return true;
	snprintf(pair, sizeof(pair), "%s %s", name, module ? module : "vmlinux");
	if (bsearch(&key, s->traceable.items, s->traceable.count, sizeof(key), by_text))
		names_add(&s->names, pair);
	return !s->names.error;
}

static int expand_wildcard(struct attach_point *a, struct attach_list *l)
{
	struct function_search s = {
		.a = a,
		.names.arena = l->arena,
		.traceable.arena = l->arena,
	};
	const struct names *take = &s.traceable;
	char last[512] = "";
	int err = hook_functions(l->traceable, collect_traceable, &s);

	names_sort(&s.traceable);
	if (!err && needs_btf(a) && s.traceable.count) {
		err = hook_btf_functions(!a->target || strcmp(a->target, "vmlinux") != 0,
					 collect_btf, &s);
		names_sort(&s.names);
	}
	if (needs_btf(a))
		take = &s.names;
	for (size_t i = 0; i < take->count && !err && !list_full(l); i++) {
		const char *space = strchr(take->items[i], ' ');
		char name[512];

		snprintf(name, sizeof(name), "%.*s", (int)(space - take->items[i]), take->items[i]);
		/* several of one name: a kprobe cannot tell them apart */
		if (strcmp(name, last) != 0)
			add_function(a, l, space + 1, name, 0);
		memcpy(last, name, sizeof(last));
	}
	names_free(&s.names);
	names_free(&s.traceable);
	return err;
}

static bool collect_all(void *context, const char *module, const char *name)
{
	struct names *n = context;

	names_add(n, name);
	return !n->error;
}

static int suggest_function(struct attach_point *a, struct attach_list *l)
{
	_cleanup_names_ struct names all = { .arena = l->arena };
	const char *nearest;
	int err = hook_btf_functions(false, collect_all, &all);

	nearest = err ? NULL : names_suggest(&all, a->event);
	if (nearest)
		a->why =
			arena_printf(l->arena, "did you mean '%s:%s'?", a->provider->name, nearest);
	return all.error;
}

int kprobe_expand(struct attach_point *a, struct attach_list *l)
{
	char module[64] = "";
	u64 address;
	int id;

	if (!choose_way(a, l))
		return 0;
	if (a->is_wildcard)
		return expand_wildcard(a, l);
	if (a->has_address) {
		struct attach_point *p = point_copy(l->arena, a);

		p->name = arena_printf(l->arena, "%s:%s", a->provider->name, part(a, 0));
		attach_list_add(l, p);
		return 0;
	}
	id = hook_function_id(a->target, a->event, module, sizeof(module));
	if (id > 0) {
		add_function(a, l, module, a->event, (u32)id);
		return 0;
	}
	/* written in assembly, or without debug information */
	if (!needs_btf(a) && !hook_symbol(a->target, a->event, &address)) {
		add_function(a, l, a->target, a->event, 0);
		return 0;
	}
	return suggest_function(a, l);
}

/* ---- programs ------------------------------------------------------------------------------ */

struct program_search {
	const struct attach_point *a;
	struct attach_list *list;
	struct names names;
};

static void add_program(const struct attach_point *a, struct attach_list *l, u32 number,
			const char *name, u32 btf_id)
{
	struct attach_point *p = point_copy(l->arena, a);

	p->event = arena_strndup(l->arena, name, strlen(name));
	p->target = "bpf";
	p->space = "bpf";
	p->address = number;
	p->btf_id = btf_id;
	p->name = arena_printf(l->arena, "%s:bpf:%u:%s", a->provider->name, number, name);
	attach_list_add(l, p);
}

static bool collect_program(void *context, const char *number, const char *name)
{
	struct program_search *s = context;

	if (matches(s->a->event, name) &&
	    (!s->a->address || s->a->address == strtoull(number, NULL, 10)))
		add_program(s->a, s->list, (u32)strtoul(number, NULL, 10), name, 0);
	names_add(&s->names, name);
	return !s->names.error;
}

static int expand_programs(struct attach_point *a, struct attach_list *l)
{
	struct program_search s = { .a = a, .list = l, .names.arena = l->arena };
	u32 before = l->count;
	int err = hook_programs(collect_program, &s);
	const char *nearest = names_suggest(&s.names, a->event);

	if (l->count == before && nearest && !a->is_wildcard)
		a->why = arena_printf(l->arena, "did you mean '%s:bpf:%s'?", a->provider->name,
				      nearest);
	names_free(&s.names);
	return err;
}

int fentry_expand(struct attach_point *a, struct attach_list *l)
{
	if (!is_bpf(a))
		return kprobe_expand(a, l);
	if (!hook_available(HOOK_FENTRY))
		return expand_programs(a, l);
	a->why = arena_printf(l->arena, "%s", error_text());
	return 0;
}
