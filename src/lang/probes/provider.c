// SPDX-License-Identifier: Apache-2.0
/*
 * The table of providers. A new sort of probe is one row here and the functions that it names.
 */
#include <strings.h>

#include "lang/probes/internal.h"

#define NAMES(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
#define IN_KERNEL (ALLOWS_CURRENT | ALLOWS_CONTEXT)
#define FUNCTION (IN_KERNEL | ALLOWS_FUNC | ALLOWS_REGISTERS | ALLOWS_STACK_ARGUMENTS)

const struct provider providers[] = {
	{ "begin", NAMES(), "begin", CONTEXT_NONE, 0, NULL, begin_parse, expand_itself,
	  list_nothing },
	{ "end", NAMES(), "end", CONTEXT_NONE, 0, NULL, begin_parse, expand_itself, list_nothing },
	{ "self", NAMES(), "self:signal:SIGUSR1", CONTEXT_NONE, 0, NULL, self_parse, expand_itself,
	  self_list },
	{ "test", NAMES(), "test:NAME", CONTEXT_NONE, 0, NULL, test_parse, expand_itself,
	  test_list },
	{ "bench", NAMES(), "bench:NAME", CONTEXT_NONE, 0, NULL, test_parse, expand_itself,
	  test_list },
	{ "interval", NAMES("i"), "interval:hz|s|ms|us:COUNT or interval:DURATION (10ms)",
	  CONTEXT_PERF_EVENT, ALLOWS_CONTEXT | ALLOWS_REGISTERS, "software perf events",
	  interval_parse, expand_itself, interval_list },
	{ "profile", NAMES("p"), "profile:hz|s|ms|us:COUNT or profile:DURATION (10ms)",
	  CONTEXT_PERF_EVENT, IN_KERNEL | ALLOWS_REGISTERS, "software perf events", interval_parse,
	  expand_itself, interval_list },
	{ "software", NAMES("s"), "software:EVENT[:COUNT]", CONTEXT_PERF_EVENT,
	  IN_KERNEL | ALLOWS_REGISTERS, "software perf events", counter_parse, expand_itself,
	  counter_list },
	{ "hardware", NAMES("h"), "hardware:EVENT[:COUNT]", CONTEXT_PERF_EVENT,
	  IN_KERNEL | ALLOWS_REGISTERS, "a PMU", counter_parse, expand_itself, counter_list },
	{ "tracepoint", NAMES("t"), "tracepoint:CATEGORY:EVENT", CONTEXT_TRACEPOINT,
	  ALLOWS_CURRENT | ALLOWS_ARGS, "tracefs", tracepoint_parse, tracepoint_expand, NULL },
	{ "rawtracepoint", NAMES("rt"), "rawtracepoint:[MODULE:]EVENT", CONTEXT_RAW_ARGUMENTS,
	  ALLOWS_CURRENT | ALLOWS_ARGS | ALLOWS_ARGUMENTS, "BTF", raw_parse, raw_expand, NULL },
	{ "kprobe", NAMES("k"), "kprobe:[MODULE:]FUNCTION[+OFFSET] or kprobe:ADDRESS",
	  CONTEXT_REGISTERS, FUNCTION | ALLOWS_ARGUMENTS | ALLOWS_OVERRIDE, "kprobes", kprobe_parse,
	  kprobe_expand, NULL },
	{ "kretprobe", NAMES("kr"), "kretprobe:[MODULE:]FUNCTION", CONTEXT_REGISTERS,
	  IN_KERNEL | ALLOWS_FUNC | ALLOWS_REGISTERS | ALLOWS_RETVAL, "kprobes", kprobe_parse,
	  kprobe_expand, NULL },
	{ "fentry", NAMES("f", "kfunc"), "fentry:[MODULE:]FUNCTION or fentry:bpf:[ID:]PROGRAM",
	  CONTEXT_BTF_ARGUMENTS, ALLOWS_CURRENT | ALLOWS_FUNC | ALLOWS_ARGS | ALLOWS_D_PATH,
	  "BTF and trampolines", fentry_parse, fentry_expand, NULL },
	{ "fexit", NAMES("fr", "kretfunc"), "fexit:[MODULE:]FUNCTION or fexit:bpf:[ID:]PROGRAM",
	  CONTEXT_BTF_ARGUMENTS,
	  ALLOWS_CURRENT | ALLOWS_FUNC | ALLOWS_ARGS | ALLOWS_RETVAL | ALLOWS_D_PATH,
	  "BTF and trampolines", fentry_parse, fentry_expand, NULL },
	{ "uprobe", NAMES("u"), "uprobe:PROGRAM:[cpp:]FUNCTION[+OFFSET] or uprobe:PROGRAM:OFFSET",
	  CONTEXT_REGISTERS, FUNCTION | ALLOWS_ARGUMENTS | ALLOWS_ARGS | ALLOWS_USER_PLACE,
	  "uprobes", uprobe_parse, uprobe_expand, NULL },
	{ "uretprobe", NAMES("ur"), "uretprobe:PROGRAM:[cpp:]FUNCTION", CONTEXT_REGISTERS,
	  IN_KERNEL | ALLOWS_FUNC | ALLOWS_REGISTERS | ALLOWS_RETVAL | ALLOWS_USER_PLACE, "uprobes",
	  uprobe_parse, uprobe_expand, NULL },
	{ "usdt", NAMES("U"), "usdt:PROGRAM:[NAMESPACE:]PROBE", CONTEXT_REGISTERS,
	  IN_KERNEL | ALLOWS_REGISTERS | ALLOWS_STACK_ARGUMENTS | ALLOWS_ARGUMENTS |
		  ALLOWS_USER_PLACE,
	  "uprobes", usdt_parse, usdt_expand, NULL },
	{ "watchpoint", NAMES("w"), "watchpoint:ADDRESS:LENGTH:MODE", CONTEXT_PERF_EVENT,
	  IN_KERNEL | ALLOWS_REGISTERS, "debug registers", watchpoint_parse, expand_itself,
	  list_nothing },
	{ "iter", NAMES("it"), "iter:KIND[:PIN]", CONTEXT_ITERATOR, ALLOWS_CONTEXT | ALLOWS_D_PATH,
	  "BTF", iter_parse, iter_expand, iter_list },
};
const size_t provider_count = ARRAY_SIZE(providers);

/* BEGIN, END and Begin are as good as begin. */
static bool ignores_case(const struct provider *p)
{
	return !strcmp(p->name, "begin") || !strcmp(p->name, "end");
}

const struct provider *provider_find(const char *name)
{
	for (size_t i = 0; i < provider_count; i++) {
		const struct provider *p = &providers[i];

		if (!strcmp(p->name, name) || (ignores_case(p) && !strcasecmp(p->name, name)))
			return p;
		for (const char *const *alias = p->aliases; *alias; alias++)
			if (!strcmp(*alias, name))
				return p;
	}
	return NULL;
}

const char *provider_suggest(const char *name)
{
	const char *candidates[ARRAY_SIZE(providers) * 3];
	size_t count = 0;

	for (size_t i = 0; i < provider_count; i++) {
		candidates[count++] = providers[i].name;
		for (const char *const *alias = providers[i].aliases; *alias; alias++)
			if (strlen(*alias) > 2)
				candidates[count++] = *alias;
	}
	return suggest(name, candidates, count);
}
