// SPDX-License-Identifier: Apache-2.0
/*
 * The configuration: what is printed is read back to the same, every complaint has its place, and
 * nothing that is wrong is taken in silence.
 */
#include "groups.h"

#include "agent/config_internal.h"

static struct config *parse(const char *text)
{
	struct config *c = NULL;

	if (config_parse("f", text, strlen(text), &c))
		fail_msg("%s: %s", text, error_text());
	return c;
}

static void printed_is_read_back(void **state UNUSED)
{
	_cleanup_(config_freep) struct config *c = config_new(), *again = NULL;
	_cleanup_buf_ struct buf first = {}, second = {};

	config_print(c, &first);
	again = parse(buf_str(&first));
	config_print(again, &second);
	assert_string_equal(buf_str(&first), buf_str(&second));
	for (size_t i = 0; i < setting_count; i++) {
		const char *key = strstr(buf_str(&first), strchr(settings[i].name, '.') + 1);

		assert_non_null(key);
		assert_non_null(strstr(buf_str(&first), settings[i].help));
	}
}

static void everything_is_read_back(void **state UNUSED)
{
	static const char text[] =
		"store: { path: '/a \"b\" \\', columns: [], max_size: 1536K,\n"
		"         flush: 250ms, max_age: 0 }\n"
		"http: { port: 0, address: '::1' }\n"
		"gadgets:\n"
		"  opensnoop: { where: 'path like \"/etc/*\"', budget: 7, ring: block }\n"
		"  profile: { store: false, parameters: { user: true } }\n"
		"  execsnoop: { enabled: false }\n"
		"scripts: { folder: /x/scripts.d, socket: '', budget: 0 }\n";
	_cleanup_(config_freep) struct config *c = parse(text), *again = NULL;
	_cleanup_buf_ struct buf first = {}, second = {};
	const struct config_gadget *g = config_gadget_add(c, "profile");

	config_print(c, &first);
	again = parse(buf_str(&first));
	config_print(again, &second);
	assert_string_equal(buf_str(&first), buf_str(&second));
	assert_string_equal(again->store_path, "/a \"b\" \\");
	assert_int_equal(again->store_column_count, 0);
	assert_string_equal(again->scripts_folder, "/x/scripts.d");
	assert_string_equal(again->scripts_socket, "");
	assert_int_equal(again->scripts_budget, 0);
	assert_int_equal(again->store_max_bytes, 1536 << 10);
	assert_int_equal(g->parameters_size, sizeof("user=true"));
	assert_string_equal(g->parameters, "user=true");
	assert_int_equal(g->ring, RING_FILE);
	g = config_gadget_add(c, "opensnoop");
	assert_int_equal(g->where_place.line, 5);
	assert_int_equal(g->where_place.column, 23);
	assert_int_equal(g->ring, RING_BLOCK);
}

static void complaints_have_their_place(void **state UNUSED)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "store:\n  pat: /x\n",
		  "f:2:3: unknown setting 'store.pat' (did you mean 'path'?)" },
		{ "scripts: { foldr: x }\n",
		  "f:1:12: unknown setting 'scripts.foldr' (did you mean 'folder'?)" },
		{ "stor: {}\n", "f:1:1: unknown section 'stor' (did you mean 'store'?)" },
		{ "store:\n  max_age: tomorrow\n", "f:2:12: store.max_age" },
		{ "http:\n  port: 70000\n", "f:2:9: http.port takes 0 to 65535" },
		{ "http: { port: -1 }\n", "f:1:15: http.port" },
		{ "http: { enabled: yes }\n",
		  "f:1:18: http.enabled takes true or false, not 'yes'" },
		{ "rings: { file: 3000K }\n",
		  "f:1:16: rings.file takes a power of two from 4K to 256M" },
		{ "store: { flush: 0 }\n", "f:1:17: store.flush takes 10ms to 1min" },
		{ "store: { path: [a] }\n", "f:1:16: store.path takes one value" },
		{ "store: { columns: user }\n", "f:1:19: a list is needed" },
		{ "store: { columns: [[a]] }\n", "f:1:19: a list of words is needed" },
		{ "store: [a]\n", "f:1:8: 'store' holds settings" },
		{ "store: { path: a }\nstore: { path: b }\n",
		  "f:2:1: 'store' is here for the second time" },
		{ "store: { path: a, path: b }\n", "f:1:19: 'path' is here for the second time" },
		{ "gadgets: { opensnop: {} }\n",
		  "f:1:12: no gadget 'opensnop' (did you mean 'opensnoop'?)" },
		{ "gadgets: { opensnoop: { wher: x } }\n",
		  "f:1:25: a gadget has no setting 'wher' (did you mean 'where'?)" },
		{ "gadgets: { opensnoop: true }\n", "f:1:23: settings are needed" },
		{ "gadgets: { opensnoop: { ring: loud } }\n", "f:1:31: a ring is needed" },
		{ "gadgets: { opensnoop: { budget: many } }\n", "f:1:33: budget takes a number" },
		{ "gadgets: { opensnoop: { parameters: [a] } }\n",
		  "f:1:37: parameters are written" },
		{ "- a\n", "f:1:1: sections are needed" },
		{ "just text\n", "f:1:1: sections are needed" },
		{ "store: {}\n---\nhttp: {}\n", "f:3:1: a second YAML document" },
		{ "store: {\n", "f:2:1: " },
		{ "store:\n\tpath: x\n", "f:2:1: " },
		{ "store: { path: \"a\\0b\" }\n", "f:1:16: store.path takes one value" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config *c = NULL;

		assert_int_equal(config_parse("f", cases[i].text, strlen(cases[i].text), &c),
				 -EINVAL);
		assert_null(c);
		if (!str_starts(error_text(), cases[i].error))
			fail_msg("%s\n  says: %s\n  not: %s", cases[i].text, error_text(),
				 cases[i].error);
	}
}

static void nothing_is_the_defaults(void **state UNUSED)
{
	static const char *const texts[] = { "", "# a comment\n", "store:\nhttp:\n", "---\n" };
	_cleanup_buf_ struct buf want = {};
	_cleanup_(config_freep) struct config *c = config_new();

	config_print(c, &want);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(config_freep) struct config *read = parse(texts[i]);
		_cleanup_buf_ struct buf got = {};

		config_print(read, &got);
		assert_string_equal(buf_str(&got), buf_str(&want));
	}
}

static void what_needs_a_restart_is_named(void **state UNUSED)
{
	_cleanup_(config_freep) struct config *a = config_new(), *b = NULL;
	_cleanup_buf_ struct buf names = {};

	b = parse(
		"store: { path: /x, max_age: 1d }\nhttp: { port: 1 }\nworker: { interval: 1s }\n");
	config_fixed_changes(a, a, &names);
	assert_int_equal(names.len, 0);
	config_fixed_changes(a, b, &names);
	assert_string_equal(buf_str(&names), "store.path, http.port");
}

/* Filters and parameters are tried against the gadgets, with no privilege. */
static void filters_are_checked_in_their_place(void **state UNUSED)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "gadgets:\n  opensnoop:\n    where: 'pid == \"x\"'\n", "f:3:12: " },
		{ "gadgets:\n  opensnoop:\n    where: 'nosuch == 1'\n", "f:3:12: " },
		{ "gadgets:\n  opensnoop: { parameters: { nosuch: 1 } }\n", "f:2:28: " },
		{ "gadgets: { opensnoop: { where: 'unit == \"x\" && path like \"/e*\"' } }\n",
		  NULL },
		{ "gadgets:\n  opensnoop: { where: 'nosuch == 1', enabled: false }\n", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(config_freep) struct config *c = parse(cases[i].text);
		int err = gadget_setup_check(c, "f");

		if (!cases[i].error && err)
			fail_msg("%s: %s", cases[i].text, error_text());
		if (cases[i].error && (!err || !str_starts(error_text(), cases[i].error)))
			fail_msg("%s\n  says: %s", cases[i].text, err ? error_text() : "nothing");
	}
}

static void the_command_line_is_stronger(void **state)
{
	const char *path = in_folder(state, "agent.yaml");
	struct agent_options o = { .config_file = path, .store = "/elsewhere", .port = "0" };
	_cleanup_(config_freep) struct config *c = NULL;

	write_text(path, "store: { path: /there, max_age: 1h }\nhttp: { port: 80 }\n");
	assert_int_equal(agent_config(&o, -1, &c), 0);
	assert_string_equal(c->store_path, "/elsewhere");
	assert_int_equal(c->http_port, 0);
	assert_int_equal(c->store_max_age_ns, 3600 * NSEC_PER_SEC);
	o.port = "http";
	assert_int_equal(agent_config(&o, -1, &c), -EINVAL);
	assert_string_equal(error_text(), "--port: 'http' is not a port");
	o.config_file = in_folder(state, "none.yaml");
	assert_int_equal(agent_config(&o, -1, &c), -ENOENT);
}

int run_config_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printed_is_read_back),
		cmocka_unit_test(everything_is_read_back),
		cmocka_unit_test(complaints_have_their_place),
		cmocka_unit_test(nothing_is_the_defaults),
		cmocka_unit_test(what_needs_a_restart_is_named),
		cmocka_unit_test(filters_are_checked_in_their_place),
		cmocka_unit_test_setup_teardown(the_command_line_is_stronger, folder_setup,
						folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
