// SPDX-License-Identifier: Apache-2.0
/*
 * Filter expressions on one record whose values are known: what each means, in user space and,
 * where it compiles, in an interpreter of eBPF; its normal form; splitting and joining.
 * Disagreement by chance is sought elsewhere.
 */
#include "expression_fixture.h"
#include "groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void fill(struct sample_record *r)
{
	static const u8 v4[16] = { [10] = 0xff, [11] = 0xff, 10, 1, 2, 3 };
	static const u8 v6[16] = { 0xfe, 0x80, [15] = 1 };

	*r = (struct sample_record){ .fixed = {
					     .header = { .size = sizeof(struct sample) },
					     .pid = 42,
					     .port = 443,
					     .state = 2,
					     .truth = 4,
					     .cgroup = 1ULL << 40,
					     .ret = -2,
					     .error = 2,
					     .nice = -20,
					     .level = -1,
					     .wide_state = 200,
					     .comm = "nginx",
					     .tag = "thirteen.long",
					     .odd = "ab",
					     .flags = 0x241,
					     .bytes = 4096,
					     .took = 10000000,
					     .took_us = 10000,
					     .signal = 9,
					     .syscall = 0,
					     .share = 0.5,
					     .mask = 0x8000000000000001ULL,
				     } };
	memcpy(r->fixed.saddr, v4, 16);
	memcpy(r->fixed.daddr, v6, 16);
	sample_tail(r, r->fixed.path, "/etc/passwd", 12);
	sample_tail(r, r->fixed.args, "sh\0-c\0ls -l", 12);
}

static const struct {
	const char *text;
	bool answer;
} meanings[] = {
	{ "pid == 42", true },
	{ "pid != 42", false },
	{ "PID == 0x2a && Pid == 052", true },
	{ "pid > 41 && pid < 43 && pid >= 42 && pid <= 42", true },
	{ "pid in (1, 42)", true },
	{ "pid in (1, 2)", false },
	{ "pid not in (1, 2)", true },
	{ "pid not in (42)", false },
	{ "!pid", false },
	{ "pid", true },
	{ "port == 443 and not port == 80", true },
	{ "port >= 65535 or wide_state > 199", true },
	{ "ret < 0", true },
	{ "ret == -2", true },
	{ "ret == -ENOENT", true },
	{ "ret == -0", false },
	{ "error == ENOENT && error != EPERM", true },
	{ "error == 2", true },
	{ "nice == -20 && nice < -19 && nice >= -20", true },
	{ "level == -1 && level < 0 && level > -128", true },
	{ "level in (-1, 5) && nice not in (-19, -21)", true },
	{ "wide_state == 200 && wide_state > 127", true },
	{ "cgroup == 1099511627776", true },
	{ "cgroup > 4294967295 && cgroup < 18446744073709551615", true },
	{ "truth", true },
	{ "truth == true && truth != false && truth == 1", true },
	{ "truth in (true, false)", true },
	{ "truth in (true, false) && pid == 1 || pid == 42", true },
	{ "truth not in (true, false)", false },
	{ "!(truth in (true, false)) || pid == 42", true },
	{ "state == CLOSED", true },
	{ "state in (OPEN, CLOSING)", false },
	{ "flags & O_CREAT", true },
	{ "flags & 2", false },
	{ "flags & O_CREAT|O_TRUNC == O_CREAT|O_TRUNC", true },
	{ "flags & (O_CREAT | O_TRUNC) == 0x40", false },
	{ "(flags & 3) == 1", true },
	{ "(flags & 3) != 1", false },
	{ "flags == O_CREAT|O_TRUNC|O_WRONLY", true },
	{ "!(flags & O_CREAT)", false },
	{ "level & 0x80 == 0x80", true },
	{ "ret & 0x8000000000000000", true },
	{ "mask & 0x8000000000000000 && mask & 1 && !(mask & 2)", true },
	{ "mask == 0x8000000000000001 && mask > 0x8000000000000000", true },
	{ "bytes == 4KiB && bytes < 1M && bytes >= 4096", true },
	{ "took == 10ms && took > 9999us && took < 1.5s && took == 10000000", true },
	{ "took_us == 10ms && took_us == 10000", true },
	{ "took < 0.5s && took >= 0.01s", true },
	{ "signal == SIGKILL && signal == 9 && signal == KILL", true },
	{ "syscall == read", true },
	{ "share == 0.5 && share < 1 && share > -1.5e-3 && share", true },
	{ "share in (0.25, 0.5) && share not in (1)", true },
	{ "comm == \"nginx\"", true },
	{ "comm == 'nginx' && comm != \"nginx2\" && comm != \"ngin\"", true },
	{ "comm in (\"bash\", \"nginx\")", true },
	{ "comm not in (\"bash\", \"sh\")", true },
	{ "comm startswith \"ng\" && !(comm startswith \"x\")", true },
	{ "comm startswith \"\" && comm contains \"\" && comm endswith \"\"", true },
	{ "comm startswith \"nginx\" && !(comm startswith \"nginx-\")", true },
	{ "comm endswith \"inx\" && comm contains \"gin\" && !(comm contains \"ginn\")", true },
	{ "comm like \"ng*\" && comm like \"n?in*x\" && comm like \"nginx\" && !(comm like \"n\")",
	  true },
	{ "comm matches \"^n.i\" && !(comm matches \"^g\") && comm matches \"(n).*x$\"", true },
	{ "comm", true },
	{ "comm == \"\" || comm != \"\"", true },
	{ "tag == \"thirteen.long\" && tag startswith \"thirteen.long\" && tag", true },
	{ "tag == \"thirteen.lon\"", false },
	{ "odd == \"ab\" && odd startswith \"a\" && odd != \"abc\" && odd != \"a\"", true },
	{ "path == \"/etc/passwd\" && path startswith \"/etc/\"", true },
	{ "path == \"/etc/passw\" || path == \"/etc/passwdx\"", false },
	{ "path endswith \"/passwd\" && path contains \"tc/p\" && path like \"/*/*wd\"", true },
	{ "path like \"/etc/passwd*\" && path like \"/etc\\/*\"", true },
	{ "path", true },
	{ "args == \"sh -c ls -l\" && args startswith \"sh -c \"", true },
	{ "args startswith \"sh -c ls -l\" && !(args startswith \"sh -c ls -l \")", true },
	{ "args contains \"-c ls\" && args endswith \"ls -l\" && args matches \"^sh -c\" && args",
	  true },
	{ "args == \"sh -c ls -l \"", false },
	{ "saddr == 10.1.2.3 && saddr != 10.1.2.4 && saddr == \"10.1.2.3\"", true },
	{ "saddr in 10.0.0.0/8 && saddr in 10.1.2.0/23 && saddr not in 10.1.2.4/30", true },
	{ "saddr in (192.168.0.0/16, 10.1.2.3)", true },
	{ "saddr == ::ffff:10.1.2.3 && saddr in ::ffff:0:0/96 && saddr in ::/0", true },
	{ "saddr in 0.0.0.0/0 && daddr not in 0.0.0.0/0", true },
	{ "daddr == fe80::1 && daddr in fe80::/10 && daddr in fe80::/64 && daddr", true },
	{ "daddr in (fe80::2, fe80::/127)", true },
	{ "container.name == \"c42\" && container.name", true },
	{ "container.name startswith \"c\" && pid == 42", true },
	{ "time > 0 || pid == 42", true },
	{ "!!(pid == 42)", true },
	{ "pid == 1 || pid == 42 && port == 443", true },
	{ "(pid == 1 || pid == 42) && port == 80", false },
	{ "NOT pid == 1 AND (port == 80 OR port == 443)", true },
};

static void test_meaning(void **state)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	struct sample_record r;
	struct record view;

	fill(&r);
	view = sample_view(s, &r);
	assert_int_equal(record_check(s, &r, view.size), 0);
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		_cleanup_(expression_freep) struct expression *e = NULL, *again = NULL;
		_cleanup_buf_ struct buf first = {}, second = {};
		int err = expression_parse(meanings[i].text, s, &e), kernel;

		if (err)
			fail_msg("%s: %s", meanings[i].text, error_text());
		if (expression_match(e, &view) != meanings[i].answer)
			fail_msg("%s: not %d", meanings[i].text, meanings[i].answer);
		kernel = sample_in_kernel(e, &r);
		if (kernel < -1 || (kernel >= 0 && kernel != meanings[i].answer))
			fail_msg("%s: the kernel says %d", meanings[i].text, kernel);
		expression_print(e, &first);
		if (expression_parse(buf_str(&first), s, &again))
			fail_msg("%s: its normal form %s: %s", meanings[i].text, buf_str(&first),
				 error_text());
		expression_print(again, &second);
		assert_string_equal(buf_str(&first), buf_str(&second));
		assert_int_equal(expression_match(again, &view), meanings[i].answer);
	}
}

/* What is not known makes a test false, whichever way it asks. */
static void test_unknown(void **state)
{
	static const char *const all[] = {
		"container.name == \"c42\"",
		"container.name != \"c42\"",
		"container.name in (\"a\", \"\")",
		"container.name not in (\"a\")",
		"container.name",
		"container.name startswith \"\"",
		"container.name matches \"\"",
		"container.name like \"*\"",
		"stack contains \"\"",
		"share == 0",
		"share != 0",
		"share not in (1, 2)",
		"share < 1",
		"share >= 1",
	};
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	struct sample_record r;
	struct record view;

	fill(&r);
	r.fixed.pid = 43;
	r.fixed.share = 0.0 / 0.0;
	view = sample_view(s, &r);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		_cleanup_(expression_freep) struct expression *e = NULL;

		assert_int_equal(expression_parse(all[i], s, &e), 0);
		if (expression_match(e, &view))
			fail_msg("%s is true", all[i]);
		assert_int_equal(sample_in_kernel(e, &r), -1);
	}
}

/* Where texts end: NULs before the length, no NUL, a full array, no text. */
static void test_ends_of_text(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *is_path, *is_args;
	} ends[] = {
		{ "", 0, "", "" },	   { "\0", 1, "", "" },	      { "a", 1, "a", "a" },
		{ "a\0", 2, "a", "a" },	   { "a\0b", 3, "a", "a b" }, { "a\0b\0", 4, "a", "a b" },
		{ "a\0\0", 3, "a", "a " }, { "\0a", 2, "", " a" },    { "\0\0", 2, "", " " },
		{ "a ", 2, "a ", "a " },   { "a \0", 3, "a ", "a " }, { "a\0 \0", 4, "a", "a  " },
		{ "\0\0\0", 3, "", "  " }, { " ", 1, " ", " " },
	};
	static const char *const texts[] = { "",   "a",	  "a b", "a ", " ",
					     " a", "a  ", "  ",	 "ab", "a b " };
	static const char *const ops[] = { "==", "!=", "startswith", "endswith" };
	_cleanup_(schema_freep) struct schema *s = sample_schema();

	for (size_t i = 0; i < ARRAY_SIZE(ends) * ARRAY_SIZE(texts) * ARRAY_SIZE(ops) * 2; i++) {
		size_t end = i / 2 / ARRAY_SIZE(ops) / ARRAY_SIZE(texts);
		const char *text = texts[i / 2 / ARRAY_SIZE(ops) % ARRAY_SIZE(texts)];
		size_t op = i / 2 % ARRAY_SIZE(ops);
		const char *is = i % 2 ? ends[end].is_args : ends[end].is_path;
		bool answers[] = { !strcmp(is, text), strcmp(is, text) != 0, str_starts(is, text),
				   str_ends(is, text) };
		_cleanup_(expression_freep) struct expression *e = NULL;
		struct sample_record r;
		struct record view;
		char where[64];
		int kernel;

		fill(&r);
		sample_tail(&r, i % 2 ? r.fixed.args : r.fixed.path, ends[end].bytes,
			    ends[end].len);
		view = sample_view(s, &r);
		snprintf(where, sizeof(where), "%s %s \"%s\"", i % 2 ? "args" : "path", ops[op],
			 text);
		assert_int_equal(expression_parse(where, s, &e), 0);
		if (expression_match(e, &view) != answers[op])
			fail_msg("%s of '%s' (case %zu): not %d", where, is, end, answers[op]);
		kernel = sample_in_kernel(e, &r);
		if (kernel != (op == 3 ? -1 : answers[op]))
			fail_msg("%s of '%s' (case %zu): the kernel says %d", where, is, end,
				 kernel);
	}
}

static void test_split(void **state)
{
	static const struct {
		const char *text, *kernel, *user, *why;
	} splits[] = {
		{ "pid == 1", "pid == 1", NULL, NULL },
		{ "container.name == \"a\"", NULL, "container.name == \"a\"",
		  "container.name is known to user space only" },
		{ "comm matches \"x\" && pid == 1 && (port == 2 || truth)",
		  "pid == 1 && (port == 2 || truth != false)", "comm matches \"x\"",
		  "'comm matches' is a regular expression" },
		{ "pid == 1 && (port == 2 || path endswith \".so\")", "pid == 1",
		  "port == 2 || path endswith \".so\"", "'path endswith' is a search" },
		{ "(pid == 1 && comm contains \"x\") && comm == \"a\"", "pid == 1 && comm == \"a\"",
		  "comm contains \"x\"", "'comm contains' is a search" },
		{ "time > 5 && share < 1", NULL, "time > 5 && share < 1",
		  "time is a time of day, which user space adds; share has a fraction, which the "
		  "kernel does not compute with" },
		{ "path like \"/etc/*\" && path like \"/*/x\"", "path startswith \"/etc/\"",
		  "path like \"/*/x\"", "'path like' is a search" },
	};
	_cleanup_(schema_freep) struct schema *s = sample_schema();

	for (size_t i = 0; i < ARRAY_SIZE(splits); i++) {
		_cleanup_(expression_freep) struct expression *e = NULL, *kernel = NULL,
							      *user = NULL;
		_cleanup_buf_ struct buf in_kernel = {}, in_user = {};

		assert_int_equal(expression_parse(splits[i].text, s, &e), 0);
		assert_int_equal(expression_split(e, &kernel, &user), 0);
		assert_int_equal(!kernel, !splits[i].kernel);
		assert_int_equal(!user, !splits[i].user);
		if (kernel) {
			expression_print(kernel, &in_kernel);
			assert_string_equal(buf_str(&in_kernel), splits[i].kernel);
		}
		if (user) {
			expression_print(user, &in_user);
			assert_string_equal(buf_str(&in_user), splits[i].user);
			assert_string_equal(expression_why_user(user), splits[i].why);
		}
	}
}

/* What has no room goes to user space, and says so; what is refused says how much was needed. */
static void test_room(void **state)
{
	_cleanup_(expression_freep) struct expression *e = NULL, *kernel = NULL, *user = NULL;
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	struct bpf_insn insns[EXPRESSION_SLOTS];
	_cleanup_buf_ struct buf b = {};

	buf_add_str(&b, "pid == 1 && path in (");
	for (int i = 0; i < 30; i++)
		buf_printf(&b, "%s\"/some/longer/path/%d\"", i ? "," : "", i);
	buf_add_str(&b, ") && port == 2");
	assert_int_equal(expression_parse(buf_str(&b), s, &e), 0);
	assert_int_equal(expression_compile(e, SAMPLE_LIMIT, insns, ARRAY_SIZE(insns)), -E2BIG);
	assert_non_null(strstr(error_text(), "instructions, and 192 fit"));
	assert_int_equal(expression_split(e, &kernel, &user), 0);
	buf_clear(&b);
	expression_print(kernel, &b);
	assert_string_equal(buf_str(&b), "pid == 1 && port == 2");
	assert_in_range(expression_compile(kernel, SAMPLE_LIMIT, insns, ARRAY_SIZE(insns)), 1,
			EXPRESSION_SLOTS);
	assert_non_null(
		strstr(expression_why_user(user), "no room is left in the 192 instructions"));
}

static void test_and(void **state)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema(), *other = sample_schema();
	_cleanup_(expression_freep) struct expression *all = NULL;
	struct expression *a = NULL, *b = NULL;
	_cleanup_buf_ struct buf text = {};

	assert_int_equal(expression_and(NULL, NULL, &all), 0);
	assert_null(all);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			expression_parse(i == 1 ? "pid == 1 && port == 2" : "truth || comm", s, &a),
			0);
		assert_int_equal(expression_and(TAKE_PTR(all), TAKE_PTR(a), &all), 0);
	}
	expression_print(all, &text);
	assert_string_equal(buf_str(&text),
			    "(truth != false || comm != \"\") && pid == 1 && port == 2 && "
			    "(truth != false || comm != \"\")");
	assert_int_equal(expression_parse("pid", s, &a), 0);
	assert_int_equal(expression_parse("pid", other, &b), 0);
	assert_int_equal(expression_and(a, b, &a), -EINVAL);
}

/*
 * A pattern that would run for ages is stopped, counted, and the next record is not the worse for
 * it.
 */
static void test_gave_up(void **state)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	_cleanup_(expression_freep) struct expression *e = NULL;
	char text[200];
	struct sample_record r;
	struct record view;

	fill(&r);
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '-';
	sample_tail(&r, r.fixed.path, text, sizeof(text));
	view = sample_view(s, &r);
	assert_int_equal(expression_parse("path matches \"^(a|aa)+$|^b\"", s, &e), 0);
	assert_false(expression_match(e, &view));
	assert_int_equal(expression_gave_up(e), 1);
	fill(&r);
	sample_tail(&r, r.fixed.path, "b", 1);
	view = sample_view(s, &r);
	assert_true(expression_match(e, &view));
	assert_int_equal(expression_gave_up(e), 1);
}

int test_expression(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meaning),	     cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_ends_of_text), cmocka_unit_test(test_split),
		cmocka_unit_test(test_room),	     cmocka_unit_test(test_and),
		cmocka_unit_test(test_gave_up),
	};

	return cmocka_run_group_tests_name("expression", tests, NULL, NULL);
}
