/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From probes as written to programs: each probe's attach points are expanded, and those that one
 * program can serve become a group with a program (and a tree) of its own. A classic tracepoint
 * whose block does not look at args is attached as a raw one, which costs less.
 */
#include "lang/check/script.h"

#include <ctype.h>

struct uses {
	bool args;    /* args in any way */
	u32 times;    /* so often */
	u32 fields;   /* those that are args.id or args.ret */
	bool typed;   /* arg0, retval: of a type where BTF knows it */
	bool context; /* ctx: the bytes of the context */
	bool probe;
	bool function; /* func */
};

static bool note_use(void *context, struct node *n)
{
	struct uses *u = context;
	const char *name;

	if (n->kind == NODE_FIELD && n->field.e->kind == NODE_IDENTIFIER &&
	    !strcmp(n->field.e->identifier.name, "args") &&
	    (!strcmp(n->field.name, "id") || !strcmp(n->field.name, "ret")))
		u->fields++;
	if (n->kind != NODE_IDENTIFIER && n->kind != NODE_CALL)
		return true;
	name = n->identifier.name;
	if (n->kind == NODE_CALL)
		name = n->call.name;
	if (!strcmp(name, "args")) {
		u->args = true;
		u->times++;
	}
	u->typed = u->typed || !strcmp(name, "retval") ||
		   (str_starts(name, "arg") && isdigit((unsigned char)name[3]));
	u->context = u->context || !strcmp(name, "ctx");
	u->probe = u->probe || !strcmp(name, "probe");
	u->function = u->function || !strcmp(name, "func");
	return true;
}

static struct uses uses_of(const struct probe *p)
{
	struct uses u = {};

	if (p->predicate)
		node_walk(p->predicate, note_use, &u);
	if (p->body)
		node_walk(p->body, note_use, &u);
	return u;
}

static const struct provider *effective(const struct attach_point *a)
{
	return a->effective ?: a->provider;
}

/* "kprobe_vfs_read_1": what BTF takes as a function's name. */
static const char *program_name(struct script *s, const struct attach_point *a, u32 number)
{
	const char *event = a->event ?: "";
	char name[64];
	size_t len;

	snprintf(name, sizeof(name), "%s%s%.40s", a->provider->name, *event ? "_" : "", event);
	len = strlen(name);
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]))
			name[i] = '_';
	}
	return arena_printf(s->arena, "%s_%u", name, number);
}

static bool room(struct script *s, void *array, size_t *capacity, size_t need, size_t size)
{
	void **items = array, *more;
	size_t wanted = MAX(*capacity * 2, MAX(need, (size_t)16));

	if (need <= *capacity)
		return true;
	more = arena_alloc(s->arena, wanted * size);
	if (arena_error(s->arena))
		return false;
	if (*capacity)
		memcpy(more, *items, *capacity * size);
	*items = more;
	*capacity = wanted;
	return true;
}

static const struct probe *copy_probe(struct script *s, const struct probe *p)
{
	struct probe *copy = arena_new_of(s->arena, struct probe);

	*copy = *p;
	copy->predicate = p->predicate ? node_copy(s->arena, p->predicate) : NULL;
	copy->body = p->body ? node_copy(s->arena, p->body) : NULL;
	return copy;
}

/* Points of a group, linked by nothing: an array that grows. */
struct group {
	struct attach_point **points;
	size_t count, capacity;
};

static int add_program(struct script *s, const struct probe *p, const struct group *g,
		       const struct uses *u, bool is_first)
{
	struct script_program *program = arena_new_of(s->arena, struct script_program);
	size_t n = s->program_count, first = s->point_count;

	if (!room(s, &s->programs, &s->program_capacity, n + 1, sizeof(*s->programs)) ||
	    !room(s, &s->points, &s->point_capacity, first + g->count, sizeof(*s->points)))
		return -ENOMEM;
	memcpy(s->points + first, g->points, g->count * sizeof(*s->points));
	s->point_count += g->count;
	program->number = (u32)n;
	program->probe = is_first ? p : copy_probe(s, p);
	program->points = g->points;
	program->point_count = g->count;
	program->first_point = (u32)first;
	program->provider = effective(g->points[0]);
	if (u->args || u->typed || (u->context && program->provider->context == CONTEXT_ITERATOR))
		program->args = attach_point_args(s->world, g->points[0]);
	program->uses_args = u->args;
	program->uses_probe = u->probe;
	program->name = program_name(s, g->points[0], (u32)n + 1);
	s->programs[s->program_count++] = program;
	if (attach_point_kind(g->points[0], g->count > 1, &program->kind) < 0)
		return diagnose(s->diagnostics, p->attach ? p->attach->span : p->span, "%s",
				error_text());
	return 0;
}

/*
 * Old kernels do not tell a program which of its points it runs at: then each point has its own. An
 * entry's registers say which function it is; its end and trampolines do so since 5.15.
 */
static bool is_alone(const struct script *s, const struct attach_point *a, const struct uses *u)
{
	if (u->function && !script_kernel(s, 5, 15) && strcmp(effective(a)->name, "kprobe") != 0 &&
	    effective(a)->context != CONTEXT_PERF_EVENT &&
	    !(effective(a)->allows & ALLOWS_USER_PLACE))
		return true;
	return u->probe && !attach_point_has_cookie(a, true);
}

static struct group *group_for(struct script *s, struct group *groups, size_t count,
			       struct attach_point *a, const struct uses *u)
{
	bool typed = u->args || (u->typed && effective(a)->context == CONTEXT_BTF_ARGUMENTS);

	if (count && is_alone(s, a, u))
		return NULL;
	/* The newest first: neighbours are alike. */
	for (size_t i = count; i-- > 0;) {
		if (attach_point_shares(s->world, groups[i].points[0], a, typed))
			return &groups[i];
	}
	return NULL;
}

static int too_many(struct script *s, const struct probe *p, size_t count)
{
	int err = diagnose(
		s->diagnostics, p->attach ? p->attach->span : p->span,
		"Your program is trying to generate more than %zu BPF programs, which exceeds "
		"the current limit of %llu",
		count, (unsigned long long)s->config.max_bpf_progs);

	diagnose_hint(s->diagnostics,
		      "You can increase the limit through the BPFTRACE_MAX_BPF_PROGS "
		      "environment variable.");
	return err;
}

/*
 * Looking for a raw tracepoint may take a walk through the kernel's BTF: not for hundreds of them.
 * Those of single system calls have none.
 */
#define RAW_POINTS_MAX 16

static bool is_worth_raw(const struct attach_point *a)
{
	return a->target && strcmp(a->target, "syscalls") != 0;
}

/*
 * raw_syscalls: the number and the result are the raw tracepoint's own. Not so the arguments of the
 * call: a 32-bit process has them in other registers, which the classic event knows.
 */
static bool fields_are_raw(const struct attach_point *a, const struct uses *u)
{
	struct raw_field field;

	return u->args && u->fields == u->times && !u->typed && a->event &&
	       !strcmp(a->target, "raw_syscalls") && attach_point_raw_field(a, "id", 0, &field) &&
	       (!strcmp(a->event, "sys_enter") || attach_point_raw_field(a, "ret", 0, &field));
}

/* A raw tracepoint costs less; args keeps the type of what was written. */
static void take_raw(struct script *s, struct attach_point *a, const struct uses *u)
{
	if (u->context || !is_worth_raw(a) || (u->args && !fields_are_raw(a, u)) ||
	    !attach_point_can_be_raw(a))
		return;
	if (u->args)
		attach_point_args(s->world, a);
	attach_point_take_raw(a);
}

/* Sorts the points from @first on into groups, and makes a program of each. */
static int group_points(struct script *s, const struct probe *p, struct attach_point *first)
{
	struct uses u = uses_of(p);
	struct group *groups = NULL, *g;
	size_t count = 0, capacity = 0, few = 1;
	int err = 0;

	for (const struct attach_point *a = first; a && few; a = a->next)
		few = few < RAW_POINTS_MAX ? few + 1 : 0;
	for (struct attach_point *a = first; a; a = a->next) {
		if (few)
			take_raw(s, a, &u);
		g = group_for(s, groups, count, a, &u);
		if (!g) {
			if (count && s->program_count + count + 1 > s->config.max_bpf_progs)
				return too_many(s, p, s->program_count + count + 1);
			if (!room(s, &groups, &capacity, count + 1, sizeof(*groups)))
				return -ENOMEM;
			g = &groups[count++];
		}
		if (!room(s, &g->points, &g->capacity, g->count + 1, sizeof(*g->points)))
			return -ENOMEM;
		g->points[g->count++] = a;
	}
	for (size_t i = 0; i < count && !err; i++)
		err = add_program(s, p, &groups[i], &u, i == 0);
	return err;
}

static void list_init(struct attach_list *l, struct script *s)
{
	const struct script_options *o = s->options;

	l->arena = s->arena;
	l->world = s->world;
	l->last = &l->first;
	l->max = (u32)MIN(s->config.max_probes, (u64)UINT32_MAX);
	l->pid = o->child_pid ?: o->pid;
	l->child_path = o->child_path;
	l->filter = o->probe_filter;
	l->mode = o->mode;
	l->traceable = o->traceable;
	l->missing_is_error = s->config.missing_probes == MISSING_ERROR;
	l->missing_is_silent = s->config.missing_probes == MISSING_IGNORE;
}

int script_make_programs(struct script *s)
{
	struct attach_list list = {};
	struct attach_point **before;
	int err = 0;

	if (!s->config.max_probes && s->syntax->probes)
		return diagnose(
			s->diagnostics, s->syntax->probes->span,
			"Can't attach to any probe because the current limit (max_probes) is 0");
	list_init(&list, s);
	for (const struct probe *p = s->syntax->probes; p; p = p->next) {
		before = list.last;
		if (probe_expand(p, &list, s->diagnostics) < 0)
			err = -EINVAL;
		else if (*before && group_points(s, p, *before) < 0)
			err = -EINVAL;
		if (arena_error(s->arena))
			return fail(arena_error(s->arena),
				    "the script needs more memory than it may have");
	}
	return err;
}
