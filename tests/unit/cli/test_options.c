// SPDX-License-Identifier: Apache-2.0
/* Command lines: what is understood, and what is refused with which words. */
#include "gadget_fixture.h"
#include "groups.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* All that was understood, as one line of text. */
static void describe(const struct options *o, struct buf *b)
{
	const char *const texts[][2] = {
		{ "output", o->output }, { "columns", o->columns }, { "where", o->where },
		{ "sort", o->sort },	 { "cgroup", o->cgroup },   { "container", o->container },
	};
	const struct {
		const char *name;
		u64 value;
	} numbers[] = {
		{ "top", o->top },	   { "interval", o->interval_ns },
		{ "for", o->for_ns },	   { "count", o->count },
		{ "explain", o->explain }, { "timestamp", o->timestamp },
		{ "verbose", o->verbose }, { "no-header", o->no_header },
		{ "help", o->help },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i][1] && strcmp(texts[i][1], "table"))
			buf_printf(b, "%s=%s ", texts[i][0], texts[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (numbers[i].value)
			buf_printf(b, "%s=%llu ", numbers[i].name,
				   (unsigned long long)numbers[i].value);
	}
	for (size_t i = 0; i < o->pid_count; i++)
		buf_printf(b, "pid=%u ", o->pids[i]);
	for (size_t i = 0; i < o->comm_count; i++)
		buf_printf(b, "comm=%s ", o->comms[i]);
	for (size_t i = 0; i < o->assignment_count; i++)
		buf_printf(b, "%s:=%s ", o->assignments[i].name, o->assignments[i].value);
	for (char **word = o->command; word && *word; word++)
		buf_printf(b, "[%s]", *word);
}

/* Reads @line, whose words are separated by '|'. */
static int parse(enum schema_sort sort, const char *line, struct buf *ret)
{
	_cleanup_options_ struct options o = {};
	struct gadget_fixture f;
	char *copy = strdup(line), *rest = copy, *words[32] = { (char *)"toolsnoop" };
	int count = 1, err;

	assert_non_null(copy);
	while (*line && count < 31 && (words[count] = strsep(&rest, "|")))
		count++;
	gadget_fixture_init(&f, sort);
	error_clear();
	err = options_parse(&o, &f.info, count, words);
	describe(&o, ret);
	gadget_fixture_free(&f);
	free(copy);
	return err;
}

static void assert_read(enum schema_sort sort, const char *line, const char *wanted)
{
	_cleanup_buf_ struct buf b = {};

	if (parse(sort, line, &b))
		fail_msg("%s: %s", line, error_text());
	assert_string_equal(buf_str(&b), wanted);
}

static void understood(void **state UNUSED)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "-o|json", "output=json " },
		{ "-ojson", "output=json " },
		{ "-o=json", "output=json " },
		{ "--output|csv", "output=csv " },
		{ "--output=wide", "output=wide " },
		{ "--columns|a,b|--columns=-c", "columns=a,b,-c " },
		{ "--where|pid == 1", "where=pid == 1 " },
		{ "--where|a=='x'|--where|b=1", "where=(a=='x') && (b=1) " },
		{ "--where|a|--where|b|--where|c", "where=((a) && (b)) && (c) " },
		{ "--sort|-pid", "sort=-pid " },
		{ "--top|5|--top=7|--sort|pid", "sort=pid top=7 " },
		{ "--interval|500ms|--for|1m30s|--count|3",
		  "interval=500000000 for=90000000000 count=3 " },
		{ "-p|1,2|--pid|3", "pid=1 pid=2 pid=3 " },
		{ "--comm|nginx|--comm|a b", "comm=nginx comm=a b " },
		{ "--cgroup|/system.slice|--container|web", "cgroup=/system.slice container=web " },
		{ "--explain|--verbose|--no-header", "explain=1 verbose=1 no-header=1 " },
		{ "--timestamp", "timestamp=1 " },
		{ "--failed", "failed:= " },
		{ "--failed=false", "failed:=false " },
		{ "--min-us|7|--min-us=8", "min_us:=7 min_us:=8 " },
		{ "--min-us|-7", "min_us:=-7 " },
		{ "--prefix=", "prefix:= " },
		{ "--|ls|-l|--where", "[ls][-l][--where]" },
		{ "-x|--|sh|-c|a -- b|--", "failed:= [sh][-c][a -- b][--]" },
		{ "--help", "help=1 " },
		{ "-h", "help=1 " },
		{ "--help|--nonsense", "help=1 " },
		{ "-xh|--nonsense", "help=1 failed:= " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_read(SCHEMA_EVENTS, cases[i][0], cases[i][1]);
}

static void short_flags_of_a_gadget(void **state UNUSED)
{
	static const char *const cases[][2] = {
		{ "-x", "failed:= " },
		{ "-T", "columns=+time " },
		{ "-xT", "columns=+time failed:= " },
		{ "-T|--columns|pid", "columns=+time,pid " },
		{ "-u|1000", "where=uid==1000 " },
		{ "-u1000", "where=uid==1000 " },
		{ "-xTu1000|-p1", "columns=+time where=uid==1000 pid=1 failed:= " },
		{ "-n|my app", "where=comm contains \"my app\" " },
		{ "-n|' --where x",
		  "where=comm contains \"' --where x\" " }, /* one piece whatever it holds */
		{ "-v", "columns=+uid " },		    /* the gadget's, not --verbose */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_read(SCHEMA_EVENTS, cases[i][0], cases[i][1]);
}

static void words_without_dashes(void **state UNUSED)
{
	assert_read(SCHEMA_TABLE, "1", "interval=1000000000 ");
	assert_read(SCHEMA_HISTOGRAM, "1|10", "interval=1000000000 count=10 ");
	assert_read(SCHEMA_HISTOGRAM, "-x|0.5|10|-o|json",
		    "output=json interval=500000000 count=10 failed:= ");
	assert_read(SCHEMA_STACKS, "5", "for=5000000000 ");
}

static const struct {
	enum schema_sort sort;
	const char *line, *words;
} refusals[] = {
	{ SCHEMA_EVENTS, "--whre|x", "unknown option '--whre' (did you mean '--where'?)" },
	{ SCHEMA_EVENTS, "--whre=x", "unknown option '--whre' (did you mean '--where'?)" },
	{ SCHEMA_EVENTS, "--min_us|1", "unknown option '--min_us' (did you mean '--min-us'?)" },
	{ SCHEMA_EVENTS, "--zzzzzzzz",
	  "unknown option '--zzzzzzzz' (see: saker toolsnoop --help)" },
	{ SCHEMA_EVENTS, "-where|x", "unknown option '-where' (did you mean '--where'?)" },
	{ SCHEMA_EVENTS, "-Z", "unknown option '-Z' (see: saker toolsnoop --help)" },
	{ SCHEMA_EVENTS, "-xZ", "unknown option '-Z' (see: saker toolsnoop --help)" },
	{ SCHEMA_EVENTS, "-o|xml",
	  "the output 'xml' is not known: table, wide, json, csv, collapsed, none" },
	{ SCHEMA_EVENTS, "--where", "--where needs a value: EXPR" },
	{ SCHEMA_EVENTS, "--where|--top|3", "--where needs a value: EXPR" },
	{ SCHEMA_EVENTS, "--where|--", "--where needs a value: EXPR" },
	{ SCHEMA_EVENTS, "--where=", "--where: the expression is empty" },
	{ SCHEMA_EVENTS, "--where| ", "--where: the expression is empty" },
	{ SCHEMA_EVENTS, "--columns=", "--columns: no column is named" },
	{ SCHEMA_EVENTS, "--sort=", "--sort: no column is named" },
	{ SCHEMA_EVENTS, "-o", "-o needs a value: FORMAT" },
	{ SCHEMA_EVENTS, "-p", "-p needs a value: PID" },
	{ SCHEMA_EVENTS, "-p|0", "--pid: 0 is not between 1 and 4194304" },
	{ SCHEMA_EVENTS, "-p|1,", "--pid: '' is not a number" },
	{ SCHEMA_EVENTS, "-p|nginx", "--pid: 'nginx' is not a number" },
	{ SCHEMA_EVENTS, "-p|-1", "--pid: '-1' is not a number" },
	{ SCHEMA_EVENTS, "-p|99999999999999999999",
	  "--pid: '99999999999999999999' is too large a number" },
	{ SCHEMA_EVENTS, "--top|0", "--top: 0 is not between 1 and 4294967295" },
	{ SCHEMA_EVENTS, "--top|4294967296", "--top: 4294967296 is not between 1 and 4294967295" },
	{ SCHEMA_EVENTS, "--top|3", "--top needs --sort: toolsnoop gives events as they happen" },
	{ SCHEMA_EVENTS, "--count|-1", "--count: '-1' is not a number" },
	{ SCHEMA_EVENTS, "--for|soon",
	  "--for: 'soon' is not a duration (write 10s, 500ms, 1h30m)" },
	{ SCHEMA_EVENTS, "--for|0", "--for: 0 is shorter than a millisecond" },
	{ SCHEMA_EVENTS, "--interval|10us", "--interval: 10us is shorter than a millisecond" },
	{ SCHEMA_EVENTS, "--comm=", "--comm: the name is empty" },
	{ SCHEMA_EVENTS, "--comm|a-very-long-process-name",
	  "--comm: 'a-very-long-process-name' is longer than a process name can be; "
	  "the kernel keeps 'a-very-long-pro'" },
	{ SCHEMA_EVENTS, "--cgroup=", "--cgroup: the path is empty" },
	{ SCHEMA_EVENTS, "--container=", "--container: the name is empty" },
	{ SCHEMA_EVENTS, "--explain=1", "--explain takes no value" },
	{ SCHEMA_EVENTS, "--min-us", "--min-us needs a value: u64" },
	{ SCHEMA_EVENTS, "--", "the command behind -- is missing" },
	{ SCHEMA_EVENTS, "-r",
	  "-r: -r: -r: -r: -r: the gadget's short flags stand for each other without end" },
	{ SCHEMA_EVENTS, "-b", "-b: unknown option '--nonsense' (see: saker toolsnoop --help)" },
	{ SCHEMA_EVENTS, "-u", "-u needs a value: UID" },
	{ SCHEMA_EVENTS, "5",
	  "'5' is one word too many (a command to watch stands behind --: "
	  "saker toolsnoop -- 5)" },
	{ SCHEMA_TABLE, "1|2|3",
	  "'3' is one word too many (a command to watch stands behind --: "
	  "saker toolsnoop -- 3)" },
	{ SCHEMA_TABLE, "nginx",
	  "the word 'nginx' is taken for an option: --interval: 'nginx' is not a "
	  "duration (write 10s, 500ms, 1h30m)" },
	{ SCHEMA_TABLE, "1|x",
	  "the word 'x' is taken for an option: --count: 'x' is not a number" },
	{ SCHEMA_STACKS, "1|2",
	  "'2' is one word too many (a command to watch stands behind --: "
	  "saker toolsnoop -- 2)" },
};

static void refused(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		_cleanup_buf_ struct buf b = {};
		int err = parse(refusals[i].sort, refusals[i].line, &b);

		assert_string_equal(error_text(), refusals[i].words);
		assert_true(err == -EINVAL || err == -ENOENT || err == -ERANGE);
	}
}

int test_options(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understood),
		cmocka_unit_test(short_flags_of_a_gadget),
		cmocka_unit_test(words_without_dashes),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
