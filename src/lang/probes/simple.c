// SPDX-License-Identifier: Apache-2.0
/*
 * Providers that need nothing looked up: begin and end, signals to the tracer itself, tests, time
 * (interval, profile), the perf events of software and hardware, and watchpoints.
 */
#include <linux/perf_event.h>

#include "lang/probes/counter.h"
#include "lang/probes/internal.h"

int expand_itself(struct attach_point *a, struct attach_list *l)
{
	attach_list_add(l, point_copy(l->arena, a));
	return 0;
}

int list_nothing(struct attach_point *a, struct attach_list *l)
{
	return 0;
}

/* For -l: the name as it is, when the parts as written match it. */
static void list_name(const struct attach_point *a, struct attach_list *l, const char *event)
{
	struct attach_point *p;

	if (!matches(*part(a, 0) ? part(a, 0) : "*", event))
		return;
	p = point_copy(l->arena, a);
	p->name = arena_printf(l->arena, "%s:%s:", a->provider->name, event);
	attach_list_add(l, p);
}

/* ---- begin, end, self, test, bench --------------------------------------------------------- */

int begin_parse(struct attach_point *a, struct diagnostics *d)
{
	a->name = a->provider->name;
	return parts_between(a, d, 0, 0);
}

int self_parse(struct attach_point *a, struct diagnostics *d)
{
	int err = parts_between(a, d, 2, 2);

	if (err)
		return err;
	if (strcmp(part(a, 0), "signal")) {
		diagnose(d, a->text->span, "%s is not a supported trigger", part(a, 0));
		diagnose_hint(d, "write %s", a->provider->usage);
		return -EINVAL;
	}
	if (strcmp(part(a, 1), "SIGUSR1"))
		return diagnose(d, a->text->span, "%s is not a supported signal", part(a, 1));
	a->event = "SIGUSR1";
	a->name = "self:signal:SIGUSR1";
	return 0;
}

int self_list(struct attach_point *a, struct attach_list *l)
{
	struct attach_point *p = point_copy(l->arena, a);

	p->name = "self:signal:SIGUSR1";
	if (matches(*part(a, 0) ? part(a, 0) : "*", "signal") &&
	    matches(*part(a, 1) ? part(a, 1) : "*", "SIGUSR1"))
		attach_list_add(l, p);
	return 0;
}

int test_parse(struct attach_point *a, struct diagnostics *d)
{
	int err = parts_between(a, d, 1, 1);

	if (err)
		return err;
	if (!*part(a, 0))
		return diagnose(d, a->text->span, "%s probes must have a name", a->provider->name);
	a->event = part(a, 0);
	a->name = arena_printf(d->arena, "%s:%s", a->provider->name, a->event);
	return 0;
}

int test_list(struct attach_point *a, struct attach_list *l)
{
	struct attach_point *p = point_copy(l->arena, a);

	/* bpftrace's own words */
	p->name = is_kind(a, "bench") ? "benchmark::" : "test::";
	if (matches(*part(a, 0) ? part(a, 0) : "*", ""))
		attach_list_add(l, p);
	return 0;
}

/* ---- interval, profile --------------------------------------------------------------------- */

static const struct unit {
	const char *name;
	u64 ns;
} units[] = {
	{ "ns", 1 },
	{ "us", NSEC_PER_USEC },
	{ "ms", NSEC_PER_MSEC },
	{ "s", NSEC_PER_SEC },
	{ "m", 60 * NSEC_PER_SEC },
	{ "h", 3600 * NSEC_PER_SEC },
	{ "d", 86400 * NSEC_PER_SEC },
};

static const struct unit *unit_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(units[i].name, name))
			return &units[i];
	return NULL;
}

/* The kernel takes no period that has the top bit. */
static int set_period(struct attach_point *a, struct diagnostics *d, u64 count, u64 ns)
{
	a->unit = PERIOD_NS;
	if (__builtin_mul_overflow(count, ns, &a->period) || a->period >> 63)
		return diagnose(d, a->text->span, "%s: %s is longer than 292 years",
				a->provider->name, part(a, part_count(a) - 1));
	return 0;
}

/* "1s", "100ms", "5" (nanoseconds) */
static int duration_parse(struct attach_point *a, struct diagnostics *d)
{
	const char *text = part(a, 0), *kind = a->provider->name;
	size_t digits = strspn(text, "0123456789_");
	const struct unit *u = &units[0];
	u64 count = 0;
	int err;

	if (!digits || *text == '_')
		return diagnose(d, a->text->span, "Invalid rate of %s probe: invalid integer: %s",
				kind, text);
	if (text[digits])
		u = unit_find(text + digits);
	if (!u)
		return diagnose(d, a->text->span,
				"Invalid rate of %s probe: invalid trailing bytes: %s", kind, text);
	for (size_t i = 0; i < digits; i++)
		if (text[i] != '_' && (__builtin_mul_overflow(count, 10, &count) ||
				       __builtin_add_overflow(count, text[i] - '0', &count)))
			return diagnose(d, a->text->span, "Invalid rate of %s probe: %s is too big",
					kind, text);
	err = set_period(a, d, count, u->ns);
	if (err)
		return err;
	if (a->period < 1000)
		return diagnose(d, a->text->span,
				"Invalid rate of %s probe. Minimum is 1000 or 1us. "
				"Found: %llu nanoseconds",
				kind, (unsigned long long)a->period);
	a->name =
		arena_printf(d->arena, "%s:us:%llu", kind, (unsigned long long)(a->period / 1000));
	return 0;
}

int interval_parse(struct attach_point *a, struct diagnostics *d)
{
	const char *unit = part(a, 0), *kind = a->provider->name;
	char what[64];
	s64 count;
	int err = parts_between(a, d, 1, 2);

	if (err)
		return err;
	if (part_count(a) == 1)
		return duration_parse(a, d);
	snprintf(what, sizeof(what), "Invalid rate of %s probe", kind);
	err = part_number(a, d, part(a, 1), what, &count);
	if (err)
		return err;
	if (strcmp(unit, "hz") && strcmp(unit, "us") && strcmp(unit, "ms") && strcmp(unit, "s")) {
		diagnose(d, a->text->span, "%s is not an accepted unit of time", unit);
		diagnose_hint(d, "hz, us, ms or s");
		return -EINVAL;
	}
	if (count <= 0)
		return diagnose(d, a->text->span, "%s frequency should be a positive integer",
				kind);
	a->name = arena_printf(d->arena, "%s:%s:%lld", kind, unit, (long long)count);
	if (strcmp(unit, "hz"))
		return set_period(a, d, (u64)count, unit_find(unit)->ns);
	a->unit = PERIOD_HZ;
	a->period = (u64)count;
	return 0;
}

int interval_list(struct attach_point *a, struct attach_list *l)
{
	static const char *const names[] = { "hz", "ms", "s", "us" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		list_name(a, l, names[i]);
	return 0;
}

/* ---- software, hardware -------------------------------------------------------------------- */

#define SW(n) PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##n
#define HW(n) PERF_TYPE_HARDWARE, PERF_COUNT_HW_##n

static const struct counter counters[] = {
	{ "alignment-faults", NULL, SW(ALIGNMENT_FAULTS), 1 },
	{ "bpf-output", NULL, SW(BPF_OUTPUT), 1 },
	{ "context-switches", "cs", SW(CONTEXT_SWITCHES), 1000 },
	{ "cpu-clock", "cpu", SW(CPU_CLOCK), 1000000 },
	{ "cpu-migrations", NULL, SW(CPU_MIGRATIONS), 1 },
	{ "dummy", NULL, SW(DUMMY), 1 },
	{ "emulation-faults", NULL, SW(EMULATION_FAULTS), 1 },
	{ "major-faults", NULL, SW(PAGE_FAULTS_MAJ), 1 },
	{ "minor-faults", NULL, SW(PAGE_FAULTS_MIN), 100 },
	{ "page-faults", "faults", SW(PAGE_FAULTS), 100 },
	{ "task-clock", NULL, SW(TASK_CLOCK), 1 },
	{ "backend-stalls", NULL, HW(STALLED_CYCLES_BACKEND), 1000000 },
	{ "branch-instructions", "branches", HW(BRANCH_INSTRUCTIONS), 100000 },
	{ "branch-misses", NULL, HW(BRANCH_MISSES), 100000 },
	{ "bus-cycles", NULL, HW(BUS_CYCLES), 100000 },
	{ "cache-misses", NULL, HW(CACHE_MISSES), 1000000 },
	{ "cache-references", NULL, HW(CACHE_REFERENCES), 1000000 },
	{ "cpu-cycles", "cycles", HW(CPU_CYCLES), 1000000 },
	{ "frontend-stalls", NULL, HW(STALLED_CYCLES_FRONTEND), 1000000 },
	{ "instructions", NULL, HW(INSTRUCTIONS), 1000000 },
	{ "ref-cycles", NULL, HW(REF_CPU_CYCLES), 1000000 },
};

static u32 perf_type(const struct attach_point *a)
{
	return is_kind(a, "software") ? PERF_TYPE_SOFTWARE : PERF_TYPE_HARDWARE;
}

const struct counter *counter_find(u32 type, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		const struct counter *c = &counters[i];

		if (c->type == type &&
		    (!strcmp(c->name, name) || (c->alias && !strcmp(c->alias, name))))
			return c;
	}
	return NULL;
}

const struct counter *counter_of(const struct attach_point *a)
{
	return counter_find(perf_type(a), a->event);
}

static void hint_counter(const struct attach_point *a, struct diagnostics *d)
{
	const char *candidates[2 * ARRAY_SIZE(counters)], *nearest;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		if (counters[i].type != perf_type(a))
			continue;
		candidates[count++] = counters[i].name;
		if (counters[i].alias)
			candidates[count++] = counters[i].alias;
	}
	nearest = suggest(part(a, 0), candidates, count);
	if (nearest)
		diagnose_hint(d, "did you mean '%s'?", nearest);
}

int counter_parse(struct attach_point *a, struct diagnostics *d)
{
	const char *kind = a->provider->name;
	const struct counter *c;
	char what[64];
	s64 count;
	int err = parts_between(a, d, 1, 2);

	if (err)
		return err;
	a->event = part(a, 0);
	a->is_wildcard = has_wildcard(a->event);
	if (a->is_wildcard)
		return diagnose(d, a->text->span, "%s probe type does not support wildcards", kind);
	c = counter_of(a);
	if (!c) {
		diagnose(d, a->text->span, "%s is not a %s probe", a->event, kind);
		hint_counter(a, d);
		return -EINVAL;
	}
	a->unit = PERIOD_COUNT;
	a->period = c->period;
	a->name = arena_printf(d->arena, "%s:%s", kind, a->event);
	if (part_count(a) == 1)
		return 0;
	snprintf(what, sizeof(what), "Invalid count for %s probe", kind);
	err = part_number(a, d, part(a, 1), what, &count);
	if (err)
		return err;
	if (count < 0)
		return diagnose(d, a->text->span, "%s count should be a positive integer", kind);
	a->period = count ? (u64)count : c->period;
	a->name = arena_printf(d->arena, "%s:%s:%lld", kind, a->event, (long long)count);
	return 0;
}

int counter_list(struct attach_point *a, struct attach_list *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		if (counters[i].type != perf_type(a))
			continue;
		list_name(a, l, counters[i].name);
		if (counters[i].alias)
			list_name(a, l, counters[i].alias);
	}
	return 0;
}

/* ---- watchpoint ---------------------------------------------------------------------------- */

static int watch_mode(struct attach_point *a, struct diagnostics *d, const char *mode)
{
	static const char letters[] = "rwx";

	for (const char *c = mode; *c; c++) {
		const char *at = strchr(letters, *c);

		if (!at || a->access & 1u << (at - letters))
			return diagnose(d, a->text->span,
					"watchpoint mode must be combination of (r,w,x)");
		a->access |= 1u << (at - letters);
	}
	/* what a debug register can do: writes, accesses, execution */
	if (a->access == 2 || a->access == 3 || a->access == 4)
		return 0;
	diagnose(d, a->text->span, "invalid watchpoint mode: %s", mode);
	diagnose_hint(d, "supported modes: x,w,rw");
	return -EINVAL;
}

int watchpoint_parse(struct attach_point *a, struct diagnostics *d)
{
	s64 address, length;
	int err = parts_between(a, d, 3, 3);

	if (!err)
		err = part_number(a, d, part(a, 0), "Invalid address of watchpoint", &address);
	if (!err)
		err = part_number(a, d, part(a, 1), "Invalid length of watchpoint", &length);
	if (err)
		return err;
	if (length != 1 && length != 2 && length != 4 && length != 8)
		err = diagnose(d, a->text->span, "watchpoint length must be one of (1,2,4,8)");
	if (!address)
		err = diagnose(d, a->text->span,
			       "watchpoint must be attached to a non-zero address");
	if (watch_mode(a, d, part(a, 2)) || err)
		return -EINVAL;
	a->has_address = true;
	a->address = (u64)address;
	a->length = (u32)length;
	a->name = arena_printf(d->arena, "watchpoint:%s:%s:%s", part(a, 0), part(a, 1), part(a, 2));
	return 0;
}
