// SPDX-License-Identifier: Apache-2.0
/*
 * Tracepoints: classic ones, which tracefs lists by category, and raw ones, which BTF lists. A
 * classic one whose program does not look at its context costs less when it is attached raw.
 */
#include <dirent.h>

#include "lang/probes/internal.h"

/* ---- classic ------------------------------------------------------------------------------- */

int tracepoint_parse(struct attach_point *a, struct diagnostics *d)
{
	int err = parts_between(a, d, 2, 2);

	if (err)
		return err;
	a->target = part(a, 0);
	a->event = part(a, 1);
	if (!*a->target || !*a->event || strchr(a->target, '/') || strchr(a->event, '/'))
		return diagnose(d, a->text->span, "tracepoints are written %s", a->provider->usage);
	a->is_wildcard = has_wildcard(a->target) || has_wildcard(a->event);
	return 0;
}

static void add_tracepoint(const struct attach_point *a, struct attach_list *l,
			   const char *category, const char *event)
{
	struct attach_point *p = point_copy(l->arena, a);

	p->target = arena_strndup(l->arena, category, strlen(category));
	p->event = arena_strndup(l->arena, event, strlen(event));
	p->name = arena_printf(l->arena, "tracepoint:%s:%s", category, event);
	attach_list_add(l, p);
}

/* Folders below events/CATEGORY, or events/ itself when @category is NULL. */
static int folders(const char *category, struct names *ret)
{
	const char *root = tracefs_path();
	struct dirent *entry;
	char path[512];
	DIR *dir;

	if (!root)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/events/%s", root, category ? category : "");
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : fail_errno(-errno, "%s", path);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN))
			names_add(ret, entry->d_name);
	closedir(dir);
	names_sort(ret);
	return ret->error;
}

/* Which category has an event @event, for who wrote another. */
static const char *category_of(struct attach_list *l, const struct names *categories,
			       const char *event)
{
	for (size_t i = 0; i < categories->count; i++)
		if (tracepoint_exists(categories->items[i], event))
			return categories->items[i];
	return NULL;
}

static int suggest_tracepoint(struct attach_point *a, struct attach_list *l)
{
	_cleanup_names_ struct names categories = { .arena = l->arena };
	_cleanup_names_ struct names events = { .arena = l->arena };
	const char *category = a->target, *event = NULL;
	int err = folders(NULL, &categories);

	if (err)
		return err;
	err = folders(a->target, &events);
	if (err)
		return err;
	if (!events.count) {
		category = category_of(l, &categories, a->event);
		if (!category)
			category = names_suggest(&categories, a->target);
		if (category && tracepoint_exists(category, a->event))
			event = a->event;
		else if (category && !folders(category, &events))
			event = names_suggest(&events, a->event);
	} else {
		event = names_suggest(&events, a->event);
	}
	if (category && event)
		a->why =
			arena_printf(l->arena, "did you mean 'tracepoint:%s:%s'?", category, event);
	else if (category && category != a->target)
		a->why = arena_printf(l->arena, "did you mean category '%s'?", category);
	return 0;
}

static int expand_category(struct attach_point *a, struct attach_list *l, const char *category)
{
	_cleanup_names_ struct names events = { .arena = l->arena };
	int err;

	if (!has_wildcard(a->event)) {
		if (tracepoint_exists(category, a->event))
			add_tracepoint(a, l, category, a->event);
		return 0;
	}
	err = folders(category, &events);
	for (size_t i = 0; i < events.count && !err; i++)
		if (matches(a->event, events.items[i]))
			add_tracepoint(a, l, category, events.items[i]);
	return err;
}

int tracepoint_expand(struct attach_point *a, struct attach_list *l)
{
	_cleanup_names_ struct names categories = { .arena = l->arena };
	int err;

	if (!tracefs_path())
		return fail_in(-ENOENT, "tracepoints cannot be had");
	if (!a->is_wildcard) {
		if (!tracepoint_exists(a->target, a->event))
			return errno == EACCES
				       ? fail(-EACCES, "%s is not open to this user; run as root",
					      tracefs_path())
				       : suggest_tracepoint(a, l);
		add_tracepoint(a, l, a->target, a->event);
		return 0;
	}
	if (!has_wildcard(a->target))
		return expand_category(a, l, a->target);
	err = folders(NULL, &categories);
	for (size_t i = 0; i < categories.count && !err && !list_full(l); i++)
		/* what tracers print, and nobody can attach to */
		if (matches(a->target, categories.items[i]) &&
		    strcmp(categories.items[i], "ftrace") != 0)
			err = expand_category(a, l, categories.items[i]);
	return err;
}

/* ---- raw ----------------------------------------------------------------------------------- */

int raw_parse(struct attach_point *a, struct diagnostics *d)
{
	int err = parts_between(a, d, 1, 2);

	if (err)
		return err;
	a->target = part_count(a) == 2 ? part(a, 0) : NULL;
	a->event = part(a, part_count(a) - 1);
	if (!*a->event || (a->target && !*a->target))
		return diagnose(d, a->text->span, "raw tracepoints are written %s",
				a->provider->usage);
	a->is_wildcard = has_wildcard(a->event) || (a->target && has_wildcard(a->target));
	return 0;
}

struct raw_search {
	const struct attach_point *a;
	struct names names; /* "module:event" */
	struct names all;   /* "event", for suggestions */
	bool suggest;
};

static bool collect_raw(void *context, const char *module, const char *event)
{
	struct raw_search *s = context;
	char name[256];

	if (s->suggest)
		names_add(&s->all, event);
	module = module ? module : "vmlinux";
	if (!matches(s->a->event, event) || (s->a->target && !matches(s->a->target, module)))
		return true;
	snprintf(name, sizeof(name), "%s:%s", module, event);
	names_add(&s->names, name);
	return !s->names.error;
}

static void add_raw(const struct attach_point *a, struct attach_list *l, const char *name)
{
	struct attach_point *p = point_copy(l->arena, a);
	const char *colon = strchr(name, ':');

	p->target = arena_strndup(l->arena, name, (size_t)(colon - name));
	p->event = colon + 1;
	p->name = arena_printf(l->arena, "rawtracepoint:%s", name);
	attach_list_add(l, p);
}

int raw_expand(struct attach_point *a, struct attach_list *l)
{
	struct raw_search s = { .a = a, .names.arena = l->arena, .all.arena = l->arena };
	char typedef_name[256];
	const char *nearest;
	int err;

	snprintf(typedef_name, sizeof(typedef_name), "btf_trace_%s", a->event);
	if (!a->is_wildcard && (!a->target || !strcmp(a->target, "vmlinux")) &&
	    hook_has_function(typedef_name)) {
		add_raw(a, l, arena_printf(l->arena, "vmlinux:%s", a->event));
		return 0;
	}
	s.suggest = !a->is_wildcard;
	err = hook_raw_tracepoints(collect_raw, &s);
	names_sort(&s.names);
	for (size_t i = 0; i < s.names.count && !err; i++)
		add_raw(a, l, s.names.items[i]);
	nearest = s.names.count || err ? NULL : names_suggest(&s.all, a->event);
	if (nearest)
		a->why = arena_printf(l->arena, "did you mean 'rawtracepoint:%s'?", nearest);
	if (!err)
		err = s.names.error ? s.names.error : s.all.error;
	names_free(&s.names);
	names_free(&s.all);
	return err;
}

/* ---- classic as raw ------------------------------------------------------------------------ */

/* Did somebody make an event of that name with tracefs? Then it is no tracepoint of the kernel. */
static bool is_dynamic(const char *category, const char *event)
{
	_cleanup_buf_ struct buf text = {};
	const char *root = tracefs_path();
	char path[256], name[256];

	snprintf(path, sizeof(path), "%s/dynamic_events", root ? root : "");
	snprintf(name, sizeof(name), "%s/%s", category, event);
	return read_file(path, 1 << 20, &text) == -EFBIG || strstr(buf_str(&text), name);
}

bool attach_point_can_be_raw(const struct attach_point *a)
{
	/* Their events are tracepoints of the same name: BTF need not be scanned for them. */
	static const char *const plain[] = { "raw_syscalls", "sched", "irq",   "block",	 "skb",
					     "net",	     "tcp",   "sock",  "signal", "task",
					     "kmem",	     "timer", "power", "oom",	 "napi" };
	char name[256];

	if (!is_kind(a, "tracepoint") || a->effective || !a->event)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (!strcmp(plain[i], a->target))
			return !is_dynamic(a->target, a->event);
	snprintf(name, sizeof(name), "btf_trace_%s", a->event);
	return hook_has_function(name) && !is_dynamic(a->target, a->event);
}

void attach_point_take_raw(struct attach_point *a)
{
	a->effective = provider_find("rawtracepoint");
	a->why = "attached raw: its program looks at nothing that only the event has";
}

/* Where struct pt_regs has a system call's arguments and its number. */
#if defined(__x86_64__)
static const u16 argument_registers[6] = { 112, 104, 96, 56, 72, 64 };
#define NUMBER_OFFSET 120
#elif defined(__aarch64__)
static const u16 argument_registers[6] = { 272, 8, 16, 24, 32, 40 };
#endif

bool attach_point_raw_field(const struct attach_point *a, const char *field, u32 element,
			    struct raw_field *ret)
{
	bool enter;

	if (!is_kind(a, "tracepoint") || strcmp(a->target, "raw_syscalls"))
		return false;
	enter = !strcmp(a->event, "sys_enter");
	if (!enter && strcmp(a->event, "sys_exit"))
		return false;
	if ((enter && !strcmp(field, "id")) || (!enter && !strcmp(field, "ret"))) {
		*ret = (struct raw_field){ .argument = 1 };
		return true;
	}
#if defined(__x86_64__) || defined(__aarch64__)
	if (enter && !strcmp(field, "args") && element < ARRAY_SIZE(argument_registers)) {
		*ret = (struct raw_field){ .in_registers = true,
					   .offset = argument_registers[element] };
		return true;
	}
#endif
#ifdef NUMBER_OFFSET
	if (!enter && !strcmp(field, "id")) {
		*ret = (struct raw_field){ .in_registers = true, .offset = NUMBER_OFFSET };
		return true;
	}
#endif
	return false;
}
