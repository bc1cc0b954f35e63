// SPDX-License-Identifier: Apache-2.0
/*
 * saker check: what this machine is, what its kernel can do, and which gadgets can run here, tried
 * one by one. Nothing is attached to the host and nothing is changed. The exit status is a gate: 0
 * all gadgets can run, 1 some cannot, 2 none.
 */
#include "cli/command.h"

#include <getopt.h>

#include "cli/grid.h"
#include "event/event.h"
#include "kernel/kernel.h"

#define DEFAULT_WIDTH 100
#define LEAST_WIDTH 40
#define NAME_WIDTH 21

struct check {
	struct findings findings;
	size_t gadgets, can_run;
	bool json, verbose;
};

static const struct {
	const char *title, *key;
	bool gather; /* those that are there stand together in one line */
} groups[FINDING_GROUPS] = {
	[FINDING_KERNEL] = { "Kernel", "kernel", false },
	[FINDING_SECURITY] = { "Security settings", "security", false },
	[FINDING_MOUNT] = { "File systems", "mounts", false },
	[FINDING_CAPABILITY] = { "Capabilities of this process", "capabilities", true },
	[FINDING_PROGRAM] = { "Programs and hooks", "programs", true },
	[FINDING_MAP] = { "Maps", "maps", true },
	[FINDING_HELPER] = { "Helpers and instructions", "helpers", true },
	[FINDING_GADGET] = { "Gadgets", "gadgets", false },
};

static const char help[] =
	"Usage: saker check [options]\n"
	"\n"
	"Says what this machine's kernel can do for Saker, what it refuses and what that\n"
	"means, and which gadgets can run here. Nothing is attached to the host or\n"
	"changed (but tracefs is mounted where it is not). Without root it says what\n"
	"could not be tried.\n"
	"\n"
	"  -o, --output FORMAT  table (default) or json: one object\n"
	"  -v, --verbose        every feature on a line of its own, with its use\n"
	"  -h, --help           this text\n"
	"\n"
	"Exit status: 0 all gadgets can run, 1 some cannot, 2 none can, or the command\n"
	"line is wrong.\n";

/* ---- gadgets ----------------------------------------------------------------------------- */

static void add_gadget(struct check *c, const struct embedded_gadget *e)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	_cleanup_buf_ struct buf b = { 0 };
	int r;

	error_clear();
	c->gadgets++;
	if (!capability_have(CAPABILITY_SYS_ADMIN) &&
	    !(capability_have(CAPABILITY_BPF) && capability_have(CAPABILITY_PERFMON))) {
		findings_add(&c->findings, FINDING_GADGET, FINDING_UNKNOWN, e->name, NULL, NULL,
			     "not tried: it needs CAP_BPF and CAP_PERFMON (or root)");
		return;
	}
	r = gadget_open(e->name, &g);
	if (!r) {
		gadget_set_self_pid(g, (u32)getpid());
		r = gadget_load(g);
	}
	c->can_run += !r;
	if (r) {
		buf_add_str(&b, *error_text() ? error_text() : strerror(-r));
	} else {
		gadget_describe(g, &b);
		while (b.len && b.data[b.len - 1] == '\n')
			b.data[--b.len] = '\0';
	}
	findings_add(&c->findings, FINDING_GADGET, r ? FINDING_NO : FINDING_OK, e->name, NULL, NULL,
		     "%s", buf_str(&b));
}

static int examine(struct check *c)
{
	size_t count;
	const struct embedded_gadget *list = gadget_embedded(&count);
	bool held;

	held = !kernel_btf_hold();
	capability_examine(&c->findings);
	features_probe(&c->findings);
	for (size_t i = 0; i < count; i++)
		add_gadget(c, &list[i]);
	if (held)
		kernel_btf_release();
	return c->findings.error;
}

/* ---- text -------------------------------------------------------------------------------- */

static void add_state(struct buf *b, enum finding_state state, bool colour)
{
	static const char *const words[] = { "ok", "no", "? " };
	static const char *const colours[] = { "\033[32m", "\033[31m", "\033[33m" };

	buf_printf(b, "  %s%s%s  ", colour ? colours[state] : "", words[state],
		   colour ? "\033[0m" : "");
}

/*
 * Adds @text from column @column on, with the lines that follow below its beginning. Its words are
 * Saker's own or were made safe, but for the errors of the verifier, which quote an object file.
 */
static void add_wrapped(struct buf *b, const char *text, size_t column, size_t width)
{
	size_t at = column;

	while (*text) {
		_cleanup_buf_ struct buf word = { 0 };
		size_t n = strcspn(text, " \n"), len;

		text_add_safe(&word, text, n);
		len = text_width(buf_str(&word), word.len);
		if (at > column && at + 1 + len > width) {
			buf_add_char(b, '\n');
			buf_add_fill(b, ' ', column);
			at = column;
		}
		if (at > column)
			buf_add_char(b, ' ');
		buf_add(b, buf_str(&word), word.len);
		at += len + (at > column);
		text += n;
		if (*text == '\n') {
			buf_add_char(b, '\n');
			buf_add_fill(b, ' ', column);
			at = column;
		}
		text += *text != '\0';
	}
	buf_add_char(b, '\n');
}

/* Of a gadget's programs those that are taken; why the others are not is for --verbose. */
static void add_taken(struct buf *b, const char *lines)
{
	for (const char *line = lines; *line;) {
		size_t len = strcspn(line, "\n");
		const char *taken = memmem(line, len, ": taken", strlen(": taken"));

		if (taken) {
			buf_add_str(b, b->len ? "\n" : "");
			buf_add(b, line, len);
		}
		line += len;
		line += *line == '\n';
	}
}

static void add_finding(struct buf *b, const struct finding *f, const struct check *c, size_t width)
{
	_cleanup_buf_ struct buf text = { 0 };
	size_t name = strlen(f->name), column = 6 + MAX(NAME_WIDTH, name + 2);

	add_state(b, f->state, terminal_colour());
	buf_add_str(b, f->name);
	if (f->group == FINDING_GADGET && f->state == FINDING_OK && !c->verbose)
		add_taken(&text, f->found);
	else
		buf_add_str(&text, f->found);
	if (f->state != FINDING_OK && f->otherwise)
		buf_printf(&text, "%s%s", text.len ? ": " : "", f->otherwise);
	if (c->verbose && f->use)
		buf_printf(&text, "%s(for %s)", text.len ? " " : "", f->use);
	if (text.len)
		buf_add_fill(b, ' ', column - 6 - name);
	add_wrapped(b, buf_str(&text), column, width);
}

/*
 * Is it one of those whose names stand together? What is there, and what could not be tried for
 * the same reason.
 */
static bool gathered(const struct finding *f, const struct finding *with)
{
	return f->group == with->group && f->state == with->state &&
	       (f->state == FINDING_OK ||
		(f->state == FINDING_UNKNOWN && !strcmp(f->found, with->found)));
}

/* From @first on, the names of all that are gathered with it, in as few lines as they need. */
static void add_gathered(struct buf *b, const struct check *c, size_t first, size_t width)
{
	const struct finding *with = &c->findings.items[first];
	_cleanup_buf_ struct buf names = { 0 };

	if (with->state == FINDING_UNKNOWN)
		buf_printf(&names, "%s:\n", with->found);
	for (size_t i = first, n = 0; i < c->findings.count; i++) {
		const struct finding *f = &c->findings.items[i];

		if (!gathered(f, with))
			continue;
		buf_add_str(&names, n++ ? ", " : "");
		buf_add_str(&names, f->name);
	}
	add_state(b, with->state, terminal_colour());
	add_wrapped(b, buf_str(&names), 6, width);
}

static bool first_of_gathered(const struct check *c, size_t i)
{
	for (size_t n = 0; n < i; n++)
		if (gathered(&c->findings.items[n], &c->findings.items[i]))
			return false;
	return true;
}

/* What is there first, then what is not, then what is not known. */
static void add_group(struct buf *b, const struct check *c, enum finding_group group, size_t width)
{
	static const enum finding_state order[] = { FINDING_OK, FINDING_NO, FINDING_UNKNOWN };
	bool gather = !c->verbose && (groups[group].gather || !features_can_try());

	gather = gather && group >= FINDING_CAPABILITY;
	for (size_t s = 0; s < (gather ? ARRAY_SIZE(order) : 1); s++)
		for (size_t i = 0; i < c->findings.count; i++) {
			const struct finding *f = &c->findings.items[i];

			if (f->group != group || (gather && f->state != order[s]))
				continue;
			if (!gather || f->state == FINDING_NO)
				add_finding(b, f, c, width);
			else if (first_of_gathered(c, i))
				add_gathered(b, c, i, width);
		}
}

static void print_text(const struct check *c)
{
	_cleanup_buf_ struct buf b = { 0 };
	unsigned columns = terminal_columns();
	size_t width = columns ? MAX(columns, LEAST_WIDTH) : DEFAULT_WIDTH;
	bool colour = terminal_colour();

	for (int group = 0; group < FINDING_GROUPS; group++) {
		buf_printf(&b, "%s%s%s%s\n", group ? "\n" : "", colour ? "\033[1m" : "",
			   groups[group].title, colour ? "\033[0m" : "");
		add_group(&b, c, (enum finding_group)group, width);
	}
	buf_printf(&b, "\n%zu of %zu gadgets can run here\n", c->can_run, c->gadgets);
	fwrite(buf_str(&b), 1, b.len, stdout);
}

/* ---- JSON -------------------------------------------------------------------------------- */

static void print_json(const struct check *c, int status)
{
	static const char *const states[] = { "ok", "no", "unknown" };
	_cleanup_buf_ struct buf b = { 0 };

	json_open(&b, NULL, '{');
	for (int group = 0; group < FINDING_GROUPS; group++) {
		json_open(&b, groups[group].key, '{');
		for (size_t i = 0; i < c->findings.count; i++) {
			const struct finding *f = &c->findings.items[i];

			if (f->group != (enum finding_group)group)
				continue;
			json_open(&b, f->name, '{');
			json_text(&b, "state", states[f->state]);
			json_text(&b, "found", f->found);
			if (f->use)
				json_text(&b, "used_for", f->use);
			if (f->otherwise)
				json_text(&b, "otherwise", f->otherwise);
			json_close(&b, '}');
		}
		json_close(&b, '}');
	}
	json_number(&b, "gadget_count", c->gadgets);
	json_number(&b, "gadgets_that_can_run", c->can_run);
	json_number(&b, "status", (u64)status);
	json_close(&b, '}');
	buf_add_char(&b, '\n');
	fwrite(buf_str(&b), 1, b.len, stdout);
}

/* ---- the command ------------------------------------------------------------------------- */

/* 0 go on, 1 help was asked for, -EINVAL */
static int parse(struct check *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int o;

	optind = 0;
	opterr = 0;
	while ((o = getopt_long(argc, argv, "+:o:vh", options, NULL)) != -1) {
		switch (o) {
		case 'o':
			if (strcmp(optarg, "table") && strcmp(optarg, "json"))
				return fail(-EINVAL, "no output format '%s': table or json",
					    optarg);
			c->json = !strcmp(optarg, "json");
			break;
		case 'v':
			c->verbose = true;
			break;
		case 'h':
			return 1;
		default:
			return cli_option_error(o, argv, "check");
		}
	}
	return optind < argc ? fail(-EINVAL, "unexpected word '%s'", argv[optind]) : 0;
}

static int complain(int status)
{
	_cleanup_buf_ struct buf b = { 0 };

	text_add_safe(&b, error_text(), strlen(error_text()));
	fprintf(stderr, "saker check: %s\n", buf_str(&b));
	return status;
}

int command_check(int argc, char **argv)
{
	struct check c = { 0 };
	int r = parse(&c, argc, argv), status;

	if (r < 0)
		return complain(2);
	if (r > 0) {
		fputs(help, stdout);
		return 0;
	}
	r = examine(&c);
	if (r) {
		findings_free(&c.findings);
		fail(r, "out of memory");
		return complain(2);
	}
	status = c.can_run == c.gadgets ? 0 : c.can_run ? 1 : 2;
	if (c.json)
		print_json(&c, status);
	else
		print_text(&c);
	findings_free(&c.findings);
	return status;
}
