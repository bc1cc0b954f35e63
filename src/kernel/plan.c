// SPDX-License-Identifier: Apache-2.0
/*
 * Which of an object's programs are loaded. Programs of one group are alternatives: the one of the
 * lowest rank that nothing speaks against is taken; each of the others carries the reason why not.
 */
#include "kernel/object_internal.h"
#include "kernel/sections.h"

static bool in_group(const struct program *p, const char *group)
{
	return p->plan && p->plan->group && !strcmp(p->plan->group, group);
}

/* Where a tracepoint's arguments changed over time, a program is written for one number of them. */
static int arguments_fit(const struct program *p, const struct program_plan *plan)
{
	struct section s = section_of(p->bpf);
	int n = plan->arguments ? kernel_tracepoint_arguments(s.target) : 0;

	if (n < 0 || (unsigned)n == plan->arguments)
		return 0; /* where it cannot be known, the verifier has the word */
	return fail(-EOPNOTSUPP, "tracepoint %s has %d arguments on this kernel, not %u", s.target,
		    n, plan->arguments);
}

static void check(struct program *p, struct program_plan *plan)
{
	p->plan = plan;
	p->possible = false;
	plan->reason[0] = '\0';
	if (!plan->wanted)
		snprintf(plan->reason, sizeof(plan->reason), "not asked for");
	else if (program_available(p->bpf) < 0 || arguments_fit(p, plan) < 0)
		snprintf(plan->reason, sizeof(plan->reason), "%s", error_text());
	else
		p->possible = true;
}

static struct program *best_of(const struct object *o, const char *group)
{
	struct program *best = NULL;

	for (size_t i = 0; i < o->program_count; i++) {
		struct program *p = &o->programs[i];

		if (in_group(p, group) && p->possible &&
		    (!best || p->plan->rank < best->plan->rank))
			best = p;
	}
	return best;
}

int object_none_left(const struct object *o, const struct program *p, int err)
{
	_cleanup_buf_ struct buf why = {};

	for (size_t i = 0; i < o->program_count && p->plan && p->plan->group; i++) {
		const struct program *other = &o->programs[i];

		if (other != p && in_group(other, p->plan->group) && other->plan->wanted)
			buf_printf(&why, "%s%s: %s",
				   why.len ? "; " : "; the alternatives are not possible: ",
				   other->plan->program, other->plan->reason);
	}
	return why.len ? fail(err, "%s%s", error_text(), buf_str(&why)) : err;
}

static int none_of(const struct object *o, const char *group)
{
	_cleanup_buf_ struct buf why = {};

	for (size_t i = 0; i < o->program_count; i++) {
		const struct program *p = &o->programs[i];

		if (in_group(p, group) && p->plan->wanted)
			buf_printf(&why, "%s%s: %s", why.len ? "; " : "", p->plan->program,
				   p->plan->reason);
	}
	return fail(-EOPNOTSUPP, "this kernel has no hook for it: %s", buf_str(&why));
}

static int choose(struct object *o, struct program *p)
{
	struct program_plan *plan = p->plan;
	const struct program *best;

	p->selected = plan->chosen = false;
	if (!plan->wanted)
		return 0;
	best = plan->group ? best_of(o, plan->group) : p->possible ? p : NULL;
	if (!best && plan->optional)
		return 0;
	if (!best && plan->group)
		return none_of(o, plan->group);
	if (!best)
		return fail(-EOPNOTSUPP, "this kernel has no hook for it: %s: %s", plan->program,
			    plan->reason);
	p->selected = plan->chosen = best == p;
	if (best == p)
		plan->reason[0] = '\0';
	else if (p->possible)
		snprintf(plan->reason, sizeof(plan->reason), "%s is preferred",
			 best->plan->program);
	return 0;
}

int object_choose(struct object *o)
{
	for (size_t i = 0; i < o->program_count; i++) {
		struct program *p = &o->programs[i];
		int err = 0;

		if (p->plan)
			err = choose(o, p);
		if (err)
			return err;
		if (p->plan)
			bpf_program__set_autoload(p->bpf, p->selected);
	}
	return 0;
}

bool object_can_without(const struct object *o, const struct program *p)
{
	if (p->plan && p->plan->optional)
		return true;
	for (size_t i = 0; i < o->program_count; i++)
		if (&o->programs[i] != p && o->programs[i].possible && p->plan && p->plan->group &&
		    in_group(&o->programs[i], p->plan->group))
			return true;
	return false;
}

int object_plan(struct object *o, struct program_plan *plans, size_t count)
{
	int err = 0;

	object_hold_btf(o);
	for (size_t i = 0; i < count && !err; i++) {
		struct program *p = object_program(o, plans[i].program);

		if (p)
			check(p, &plans[i]);
		else
			err = fail(-EINVAL, "there is no program '%s'", plans[i].program);
	}
	return err ? err : object_choose(o);
}
