// SPDX-License-Identifier: Apache-2.0
/*
 * The entries: saker bpftrace (and the binary called as `bpftrace`), saker -e, saker run FILE.bt.
 */
#include "cli/command.h"
#include "cli/script/script.h"

#include <sys/stat.h>

#ifndef SAKER_VERSION
#define SAKER_VERSION "0.1"
#endif

static int list_pattern(struct script_command *c, const char *pattern);

/* -l FILE and -l -e PROGRAM: the probes that a script names. */
static int list_of_script(struct script_command *c, const char *text, size_t len)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new(64 << 20);
	struct diagnostics d = { .arena = arena };
	struct parse_options p = { .arena = arena,
				   .diagnostics = &d,
				   .arguments = &c->lang.script.arguments };
	_cleanup_buf_ struct buf b = {};
	struct syntax *s;
	int number;

	if (!arena)
		return 1;
	d.sources = p.sources = sources_new(arena);
	number = sources_add(p.sources, "stdin", text, len);
	if (number < 0 || syntax_parse(&p, (u32)number, &s)) {
		diagnostics_print(&d, true, false, &b);
		fputs(buf_str(&b), stderr);
		return 1;
	}
	for (const struct probe *probe = s->probes; probe; probe = probe->next) {
		for (const struct attach_text *a = probe->attach; a; a = a->next) {
			/* begin and end are in no list */
			if (a->count > 1)
				list_pattern(c, a->text);
		}
	}
	return 0;
}

static int list_probes(struct script_command *c)
{
	_cleanup_buf_ struct buf text = {};
	struct stat st;

	if (c->expression)
		return list_of_script(c, c->expression, strlen(c->expression));
	if (c->pattern && !stat(c->pattern, &st) && S_ISREG(st.st_mode)) {
		if (!read_file(c->pattern, 4 << 20, &text))
			return list_of_script(c, buf_str(&text), text.len);
		fprintf(stderr, "ERROR: %s\n", error_text());
		return 1;
	}
	return list_pattern(c, c->pattern ? c->pattern : "*:*");
}

static int list_pattern(struct script_command *c, const char *pattern)
{
	struct lang_options *o = &c->lang;
	_cleanup_(arena_freep) struct arena *arena = arena_new(256 << 20);
	struct type_world_options w = { .arena = arena };
	struct diagnostics d = { .arena = arena };
	struct attach_list list = {
		.arena = arena,
		.pid = o->script.pid,
		.max = UINT32_MAX,
		.traceable = o->script.traceable,
		.filter = o->script.probe_filter,
	};
	_cleanup_(type_world_freep) struct type_world *world = NULL;
	_cleanup_buf_ struct buf text = {};
	int err;

	if (!arena)
		return 1;
	d.sources = w.sources = sources_new(arena);
	w.diagnostics = &d;
	world = type_world_new(&w);
	list.world = world;
	err = probes_list(pattern, c->verbose, &list, &d, &text);
	fwrite(buf_str(&text), 1, text.len, stdout);
	if (err) {
		buf_clear(&text);
		diagnostics_print(&d, true, false, &text);
		fputs(buf_str(&text), stderr);
		if (!d.errors)
			fprintf(stderr, "ERROR: %s\n", error_text());
	}
	return err ? 1 : 0;
}

static int run_command(struct script_command *c)
{
	if (c->help) {
		script_usage(stdout);
		return 0;
	}
	if (c->version) {
		/* Others look for a version of the language behind the name. */
		printf(c->is_bpftrace ? "bpftrace v0.27.1\n" : "saker %s\n", SAKER_VERSION);
		return 0;
	}
	if (c->info) {
		script_info(stdout);
		return 0;
	}
	if (c->list)
		return list_probes(c);
	if ((!c->expression || !*c->expression) && !c->file_count) {
		script_usage(stderr);
		return 1;
	}
	return script_session(c);
}

static int run_words(const char *as, bool is_bpftrace, int argc, char **argv)
{
	struct script_command c = { .as = as, .is_bpftrace = is_bpftrace };
	int status = 1, err;

	c.lang.script.as_bpftrace = is_bpftrace;
	err = script_options_read(&c, argc, argv, &status);
	if (!err)
		status = run_command(&c);
	script_options_free(&c);
	return status;
}

int command_bpftrace(int argc, char **argv)
{
	return run_words("bpftrace", true, argc, argv);
}

int command_script(int argc, char **argv)
{
	return run_words("saker", false, argc, argv);
}

/* `saker -e PROGRAM`: the option is argv[0] already. */
int command_expression(int argc, char **argv)
{
	char **words = calloc((size_t)argc + 2, sizeof(*words));
	int status;

	if (!words)
		return 1;
	words[0] = (char *)"saker";
	memcpy(words + 1, argv, (size_t)argc * sizeof(*words));
	status = run_words("saker", false, argc + 1, words);
	free(words);
	return status;
}
