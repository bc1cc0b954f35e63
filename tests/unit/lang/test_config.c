// SPDX-License-Identifier: Apache-2.0
/* Configuration: what a script's block and the environment set, who wins, and what is refused. */
#include "unit/lang/check_fixture.h"

struct reading {
	struct arena *arena;
	struct sources *sources;
	struct diagnostics diagnostics;
	struct config config;
	struct buf text;
	int err;
	bool in_environment;
};

static void reading_free(struct reading *r)
{
	buf_free(&r->text);
	arena_free(r->arena);
}

/* @block: what stands between the braces; NULL: there is no config. */
static void read_config(struct reading *r, const char *block, const char *const *environment)
{
	_cleanup_buf_ struct buf script = {};
	struct parse_options p = {};
	struct syntax *s = NULL;
	int number;

	memset(r, 0, sizeof(*r));
	r->arena = arena_new(16u << 20);
	r->sources = sources_new(r->arena);
	r->diagnostics.arena = p.arena = r->arena;
	r->diagnostics.sources = p.sources = r->sources;
	p.diagnostics = &r->diagnostics;
	if (block)
		buf_printf(&script, "config = { %s }\n", block);
	buf_add_str(&script, "BEGIN { }");
	number = sources_add(r->sources, "stdin", buf_str(&script), script.len);
	assert_int_equal(syntax_parse(&p, (u32)number, &s), 0);
	r->err = script_config_read(&r->config, s->config, environment, &r->diagnostics,
				    &r->in_environment);
	diagnostics_print(&r->diagnostics, true, false, &r->text);
}
#define _cleanup_reading_ _cleanup_(reading_free)

static void defaults_are_bpftraces(void **state)
{
	_cleanup_reading_ struct reading r;

	read_config(&r, NULL, NULL);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.config.max_map_keys, 4096);
	assert_int_equal(r.config.max_strlen, 1024);
	assert_int_equal(r.config.max_probes, 1024);
	assert_int_equal(r.config.max_bpf_progs, 1024);
	assert_int_equal(r.config.max_cat_bytes, 10240);
	assert_int_equal(r.config.on_stack_limit, 32);
	assert_string_equal(r.config.str_trunc_trailer, "..");
	assert_string_equal(r.config.license, "GPL");
	assert_int_equal(r.config.stack_mode, STACK_BPFTRACE);
	assert_int_equal(r.config.missing_probes, MISSING_ERROR);
	assert_true(r.config.print_maps_on_exit && r.config.cpp_demangle);
	assert_int_equal(r.config.unstable_typeinfo, UNSTABLE_ERROR);
	assert_int_equal(r.config.unstable_tseries, UNSTABLE_WARN);
}

static void blocks_set_options(void **state)
{
	_cleanup_reading_ struct reading r;

	read_config(&r,
		    "max_strlen = 20; stack_mode = perf; missing_probes = \"ignore\";"
		    " license = \"GPL v2\";"
		    "print_maps_on_exit = 0; BPFTRACE_MAX_MAP_KEYS = 7; str_trunc_trailer = \"x\";"
		    "unstable_typeinfo = enable; cache_user_symbols = NONE; max_probes = true",
		    NULL);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.config.max_strlen, 20);
	assert_int_equal(r.config.stack_mode, STACK_PERF);
	assert_int_equal(r.config.missing_probes, MISSING_IGNORE);
	assert_string_equal(r.config.license, "GPL v2");
	assert_false(r.config.print_maps_on_exit);
	assert_int_equal(r.config.max_map_keys, 7);
	assert_string_equal(r.config.str_trunc_trailer, "x");
	assert_int_equal(r.config.unstable_typeinfo, UNSTABLE_ENABLE);
	assert_false(r.config.cache_user_symbols);
	assert_int_equal(r.config.max_probes, 1);
}

static void the_environment_wins(void **state)
{
	static const char *const environment[] = {
		"HOME=/",
		"BPFTRACE_MAX_STRLEN=0x10",
		"BPFTRACE_NOSUCH=1",
		"BPFTRACE_CPP_DEMANGLE=false",
		"BPFTRACE_COLOR=auto",
		NULL,
	};
	_cleanup_reading_ struct reading r;

	read_config(&r, "max_strlen = 20; max_probes = 5", environment);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.config.max_strlen, 16);
	assert_int_equal(r.config.max_probes, 5);
	assert_false(r.config.cpp_demangle);
}

static void old_names_are_understood(void **state)
{
	_cleanup_reading_ struct reading r;

	read_config(&r, "strlen = 5; unstable_macro = enable", NULL);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.config.max_strlen, 5);
	assert_non_null(strstr(buf_str(&r.text), "strlen has been renamed, please use max_strlen"));
	assert_non_null(strstr(buf_str(&r.text), "unstable_macro is deprecated and has no effect"));
}

static void wrong_values_are_refused(void **state)
{
	static const char *const wrong[][2] = {
		{ "nosuch = 20", "nosuch: not a known configuration option" },
		{ "max_strlenn = 20", "did you mean 'max_strlen'?" },
		{ "max_strlen = \"a\"", "max_strlen: expecting a number, got a" },
		{ "max_strlen = 20000000", "above the limit of 1048576" },
		{ "stack_mode = foo", "valid values are bpftrace, raw, perf, and build_id" },
		{ "stack_mode = 1", "Invalid value for stack_mode" },
		{ "missing_probes = foo", "valid values are ignore, warn, and error" },
		{ "cache_user_symbols = foo", "valid values are PER_PID, PER_PROGRAM, and NONE" },
		{ "cpp_demangle = foo", "Invalid bool value" },
		{ "license = \"MIT\"", "Invalid value for license. Found: MIT" },
		{ "unstable_typeinfo = foo", "Invalid value for unstable config" },
		{ "btf = \"a\"", "btf: can only be set as an environment variable" },
	};
	static const char *const environment[] = { "BPFTRACE_MAX_STRLEN=abc", NULL };
	_cleanup_reading_ struct reading last;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_reading_ struct reading r;

		read_config(&r, wrong[i][0], NULL);
		assert_int_equal(r.err, -EINVAL);
		if (!strstr(buf_str(&r.text), wrong[i][1]))
			fail_msg("%s: %s", wrong[i][0], buf_str(&r.text));
	}
	read_config(&last, NULL, environment);
	assert_int_equal(last.err, -EINVAL);
	assert_non_null(strstr(buf_str(&last.text), "max_strlen: expecting a number, got abc"));
}

static void count_option(void *context, const char *name, const char *standard, const char *help)
{
	size_t *count = context;

	assert_true(*name && standard && help && *help);
	(*count)++;
}

static void every_option_has_help(void **state)
{
	size_t count = 0;

	config_list(count_option, &count);
	assert_true(count >= 20);
}

TEST_GROUP(test_config)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_bpftraces),
		cmocka_unit_test(blocks_set_options),
		cmocka_unit_test(the_environment_wins),
		cmocka_unit_test(old_names_are_understood),
		cmocka_unit_test(wrong_values_are_refused),
		cmocka_unit_test(every_option_has_help),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
