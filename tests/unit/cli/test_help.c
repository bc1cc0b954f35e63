// SPDX-License-Identifier: Apache-2.0
/* Help and manual pages of a gadget: both say everything that the gadget has, in lines that fit. */
#include "gadget_fixture.h"
#include "groups.h"

#include "cli/document.h"
#include "cli/help.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char *help_of(enum schema_sort sort, const char *parameter_help)
{
	struct gadget_fixture f;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	gadget_fixture_init(&f, sort);
	if (parameter_help)
		f.parameters[0].help = parameter_help;
	help_gadget(&f.info, out);
	gadget_fixture_free(&f);
	fclose(out);
	return text;
}

static void says_everything(void **state UNUSED)
{
	static const char *const parts[] = {
		"saker toolsnoop: Trace tools\n",
		"usage: saker toolsnoop [OPTION...] [INTERVAL [COUNT]] [-- COMMAND...]\n",
		"\n  --failed                only what failed\n",
		"\n  --min-us NUMBER         only what took",
		"wrapped (default:\n",
		"\n  --prefix TEXT           what the name begins with\n",
		"\n  -u UID                  only this user (--where uid==UID)\n",
		"\nColumns of toolsnoop\n  what tools do: a table, read at each interval\n",
		"\n  pid                     process that did it [pid]\n",
		"\n  latency                 [duration_ns, ns]\n",
		"\n  -o, --output FORMAT     table, wide, json",
		"\n  saker toolsnoop -x\n      only what failed\n",
	};
	_cleanup_free_ char *text = help_of(SCHEMA_TABLE, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!strstr(text, parts[i]))
			fail_msg("not in the help: %s\n%s", parts[i], text);
	}
	for (size_t i = 0; i < general_option_count; i++)
		assert_non_null(strstr(text, general_options[i].name));
}

static void fits(void **state UNUSED)
{
	_cleanup_free_ char *text = help_of(SCHEMA_STACKS, NULL);

	for (char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		if (text_width(line, len) > 80)
			fail_msg("wider than 80 columns: %.*s", (int)len, line);
		assert_true(!len || line[len - 1] != ' ');
		line += len + 1;
	}
}

static void safe_for_a_terminal(void **state UNUSED)
{
	_cleanup_free_ char *text = help_of(SCHEMA_EVENTS, "\033]0;title\a .x");

	assert_null(strchr(text, '\033'));
	assert_null(strchr(text, '\a'));
	assert_non_null(strstr(text, "\\x1b]0;title\\x07 .x"));
}

static void manual(void **state UNUSED)
{
	static const char *const parts[] = {
		".TH SAKER\\-TOOLSNOOP 1 ",
		".SH NAME\nsaker\\-toolsnoop \\- Trace tools\n",
		".SH SYNOPSIS\nsaker toolsnoop [OPTION...] [\\-\\- COMMAND...]\n",
		".TP\n\\fB\\-\\-failed\\fR\n\\&.x \\e\\e \\(aq\n",
		".SH COLUMNS OF TOOLSNOOP\n",
		".TP\n\\fB\\-o, \\-\\-output FORMAT\\fR\n",
		".TP\n\\fBsaker toolsnoop \\-x\\fR\nonly what failed\n",
	};
	struct document d = { .style = &troff_style };
	struct gadget_fixture f;

	gadget_fixture_init(&f, SCHEMA_EVENTS);
	f.parameters[0].help = ".x \\ '";
	document_gadget(&d, &f.info);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!strstr(buf_str(&d.out), parts[i]))
			fail_msg("not in the page: %s\n%s", parts[i], buf_str(&d.out));
	}
	buf_free(&d.out);
	gadget_fixture_free(&f);
}

static void options_are_distinct(void **state UNUSED)
{
	for (size_t i = 0; i < general_option_count; i++) {
		assert_non_null(general_options[i].help);
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(general_options[i].name, general_options[k].name);
			assert_true(!general_options[i].flag ||
				    general_options[i].flag != general_options[k].flag);
		}
	}
}

int test_help(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_everything),	cmocka_unit_test(fits),
		cmocka_unit_test(safe_for_a_terminal),	cmocka_unit_test(manual),
		cmocka_unit_test(options_are_distinct),
	};

	return cmocka_run_group_tests_name("help", tests, NULL, NULL);
}
