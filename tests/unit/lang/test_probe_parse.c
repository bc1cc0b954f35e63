// SPDX-License-Identifier: Apache-2.0
/*
 * Attach points as they are written: what they are called, what they stand for on any machine, and
 * the words for what is wrong. The words of the errors are bpftrace's where it has any.
 */
#include "unit/lang/groups.h"
#include "unit/lang/probe_fixture.h"

struct good {
	const char *text, *name;
	u64 period;
	int unit;
};

static void good_ones(void **state)
{
	static const struct good cases[] = {
		{ "begin", "begin", 0, 0 },
		{ "BEGIN", "begin", 0, 0 },
		{ "End", "end", 0, 0 },
		{ "self:signal:SIGUSR1", "self:signal:SIGUSR1", 0, 0 },
		{ "test:x", "test:x", 0, 0 },
		{ "bench:x", "bench:x", 0, 0 },
		{ "interval:s:1", "interval:s:1", 1000000000, PERIOD_NS },
		{ "i:ms:100", "interval:ms:100", 100000000, PERIOD_NS },
		{ "i:us:50", "interval:us:50", 50000, PERIOD_NS },
		{ "i:hz:10", "interval:hz:10", 10, PERIOD_HZ },
		{ "interval:1s", "interval:us:1000000", 1000000000, PERIOD_NS },
		{ "interval:1000000", "interval:us:1000", 1000000, PERIOD_NS },
		{ "i:s:0x1", "interval:s:1", 1000000000, PERIOD_NS },
		{ "i:s:\"1\"", "interval:s:1", 1000000000, PERIOD_NS },
		{ "p:hz:99", "profile:hz:99", 99, PERIOD_HZ },
		{ "profile:5ms", "profile:us:5000", 5000000, PERIOD_NS },
		{ "software:cpu-clock:100", "software:cpu-clock:100", 100, PERIOD_COUNT },
		{ "s:cs", "software:cs", 1000, PERIOD_COUNT },
		{ "software:faults", "software:faults", 100, PERIOD_COUNT },
		{ "h:cycles:100000", "hardware:cycles:100000", 100000, PERIOD_COUNT },
		{ "hardware:branch-misses", "hardware:branch-misses", 100000, PERIOD_COUNT },
		{ "w:0x1000:8:rw", "watchpoint:0x1000:8:rw", 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;

		fixture_open(&f);
		assert_int_equal(fixture_expand(&f, cases[i].text), 0);
		assert_int_equal(f.list.count, 1);
		assert_string_equal(f.list.first->name, cases[i].name);
		assert_int_equal(f.list.first->period, cases[i].period);
		if (cases[i].period)
			assert_int_equal(f.list.first->unit, cases[i].unit);
		fixture_close(&f);
	}
}

struct bad {
	const char *text, *error;
};

static void bad_ones(void **state)
{
	static const struct bad cases[] = {
		{ "foo:bar", "Invalid probe type: foo" },
		{ "", "No attach points for probe" },
		{ "begin:x", "begin probe type requires 0 arguments, found 1" },
		{ "self", "self probe type requires 2 arguments, found 0" },
		{ "self:foo:SIGUSR1", "foo is not a supported trigger" },
		{ "self:signal:SIGFOO", "SIGFOO is not a supported signal" },
		{ "test:", "test probes must have a name" },
		{ "interval", "interval probe type requires 1 or 2 arguments, found 0" },
		{ "interval:s", "Invalid rate of interval probe: invalid integer: s" },
		{ "interval:1x", "Invalid rate of interval probe: invalid trailing bytes: 1x" },
		{ "interval:5", "Invalid rate of interval probe. Minimum is 1000 or 1us. "
				"Found: 5 nanoseconds" },
		{ "interval:s:0", "interval frequency should be a positive integer" },
		{ "interval:s:-1", "interval frequency should be a positive integer" },
		{ "interval:s:abc", "Invalid rate of interval probe: invalid integer: abc" },
		{ "i:s:1e0", "Invalid rate of interval probe: invalid trailing bytes: 1e0" },
		{ "interval:zs:1", "zs is not an accepted unit of time" },
		{ "profile:hz:99:3", "profile probe type requires 1 or 2 arguments, found 3" },
		{ "software:foo:1", "foo is not a software probe" },
		{ "software:cpu-clock:x", "Invalid count for software probe: invalid integer: x" },
		{ "hardware:foo:1", "foo is not a hardware probe" },
		{ "tracepoint:sched", "tracepoint probe type requires 2 arguments, found 1" },
		{ "tracepoint:a:b:c", "tracepoint probe type requires 2 arguments, found 3" },
		{ "rawtracepoint:a:b:c",
		  "rawtracepoint probe type requires 1 or 2 arguments, found 3" },
		{ "kprobe", "kprobe probe type requires 1 or 2 arguments, found 0" },
		{ "kprobe:a:b:c", "kprobe probe type requires 1 or 2 arguments, found 3" },
		{ "kprobe:f+zz", "Invalid offset: invalid integer: zz" },
		{ "kretprobe:f+4", "Offset not allowed" },
		{ "uprobe:libc", "uprobe probe type requires 2 or 3 arguments, found 1" },
		{ "uprobe:/bin/ls:0", "uprobe should be attached to a function and/or address" },
		{ "uprobe:/bin/zz:main",
		  "uprobe target file '/bin/zz' does not exist or is not executable" },
		{ "uprobe:/bin/sh:d:f", "Unsupported language: d" },
		{ "uprobe:/bin/sh@main.c:12", "/bin/sh has no debug information" },
		{ "uprobe:/bin/sh@main.c:x", "'x' is no number of a line" },
		{ "uretprobe:/bin/sh@main.c:12", "a source line is for uprobe:PROGRAM@FILE:LINE" },
		{ "usdt:libc", "usdt probe type requires 2 or 3 arguments, found 1" },
		{ "usdt:/bin/zz:x", "usdt target file '/bin/zz' does not exist or is not "
				    "executable" },
		{ "watchpoint:0x1000", "watchpoint probe type requires 3 arguments, found 1" },
		{ "watchpoint:0x1000:3:rw", "watchpoint length must be one of (1,2,4,8)" },
		{ "watchpoint:0x1000:8:r", "invalid watchpoint mode: r" },
		{ "watchpoint:0x1000:8:q", "watchpoint mode must be combination of (r,w,x)" },
		{ "iter", "iter probe type takes 2 arguments (1 optional)" },
		{ "iter:zz*", "iter probe type does not support wildcards" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;

		fixture_open(&f);
		assert_int_equal(fixture_expand(&f, cases[i].text), -EINVAL);
		assert_string_equal(fixture_error(&f), cases[i].error);
		fixture_close(&f);
	}
}

static void the_nearest_is_suggested(void **state)
{
	static const struct bad cases[] = {
		{ "traceponit:a:b", "did you mean 'tracepoint'?" },
		{ "software:cpu-clok", "did you mean 'cpu-clock'?" },
		{ "watchpoint:0x1000:8:x", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;

		fixture_open(&f);
		fixture_expand(&f, cases[i].text);
		assert_string_equal(fixture_hint(&f), cases[i].error);
		fixture_close(&f);
	}
}

static void every_row_can_be_found(void **state)
{
	assert_ptr_equal(provider_find("kfunc"), provider_find("fentry"));
	assert_ptr_equal(provider_find("kretfunc"), provider_find("fexit"));
	assert_null(provider_find("Kprobe"));
	assert_null(provider_find(""));
	for (size_t i = 0; i < provider_count; i++) {
		const struct provider *p = &providers[i];

		assert_ptr_equal(provider_find(p->name), p);
		assert_non_null(p->usage);
		assert_non_null(p->parse);
		assert_non_null(p->expand);
		for (const char *const *alias = p->aliases; *alias; alias++)
			assert_ptr_equal(provider_find(*alias), p);
	}
}

/* config missing_probes */
static void what_is_missing_is_said_or_not(void **state)
{
	struct fixture f;

	fixture_open(&f);
	f.list.missing_is_error = false;
	assert_int_equal(fixture_expand(&f, "tracepoint:nope:x,begin"), 0);
	assert_int_equal(f.list.count, 1);
	assert_string_equal(fixture_error(&f), "No matches for tracepoint nope:x. Skipping.");
	f.list.missing_is_silent = true;
	assert_int_equal(fixture_expand(&f, "tracepoint:nope:x"), 0);
	assert_int_equal(f.diagnostics.count, 0);
	f.list.missing_is_error = true;
	assert_int_equal(fixture_expand(&f, "tracepoint:nope*:x,begin"), 0);
	assert_int_equal(fixture_expand(&f, "tracepoint:nope*:x"), -EINVAL);
	fixture_close(&f);
}

TEST_GROUP(test_probe_parse)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(bad_ones),
		cmocka_unit_test(the_nearest_is_suggested),
		cmocka_unit_test(every_row_can_be_found),
		cmocka_unit_test(what_is_missing_is_said_or_not),
	};

	return cmocka_run_group_tests_name("probes: parse", tests, NULL, NULL);
}
