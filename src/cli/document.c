// SPDX-License-Identifier: Apache-2.0
/*
 * What a page says, in which order: usage, what it is for, parameters, short flags, columns,
 * general options, examples. Everything comes from the tables that the parser reads and from what
 * the gadget says of itself.
 */
#include "cli/document.h"

#include <ctype.h>

const struct command_info command_infos[] = {
	{ "agent", "[--config FILE] [--print-config]",
	  "watch the machine all the time: store, serve and show what the default gadgets see "
	  "(also: saker alone)",
	  "" },
	{ "run", "NAME|FILE [OPTION...] [-- COMMAND...]",
	  "run a gadget by name, a script (.bt), or your own gadget from a .bpf.o or a .bpf.c file",
	  "" },
	{ "bpftrace", "[OPTION...] FILE | -e 'PROGRAM'",
	  "run a script of the tracing language; takes bpftrace's own command line", "" },
	{ "list", "[gadgets | probes [PATTERN] | columns NAME] [-o json]",
	  "what there is to look at: gadgets, the kernel's tracepoints, a gadget's columns",
	  "gadgets probes columns" },
	{ "check", "[OPTION...]", "what this machine can run, and why not where it cannot", "" },
	{ "ps", "[OPTION...] [prog|map|link] [ID]",
	  "every BPF program, map and link on the machine, and with --cost what it costs",
	  "prog map link" },
	{ "query", "[OPTION...] 'SELECT ...'", "ask the agent's store in SQL", "" },
	{ "completion", "bash|zsh", "print the completion script of a shell", "bash zsh" },
	{ "man", "[NAME]", "print the manual page of saker or of a gadget, for man -l", "" },
	{ "version", "", "print the version", "" },
};
const size_t command_info_count = ARRAY_SIZE(command_infos);

void term_of_option(const struct option_info *o, struct buf *b)
{
	if (o->flag)
		buf_printf(b, "-%c, ", o->flag);
	buf_printf(b, "--%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
}

void term_of_parameter(const struct parameter *p, struct buf *b)
{
	char name[128];

	parameter_option_name(p, name, sizeof(name));
	buf_printf(b, "--%s", name);
	if (p->is_bool)
		return;
	buf_add_char(b, ' ');
	for (const char *s = p->is_text ? "TEXT" : "NUMBER"; *s; s++)
		buf_add_char(b, *s);
}

void term_of_alias(const struct alias *a, struct buf *b)
{
	buf_printf(b, "-%c%s%s", a->flag, a->argument ? " " : "", a->argument ? a->argument : "");
}

static void entry(struct document *d, struct buf *term, struct buf *text)
{
	d->style->entry(d, buf_str(term), buf_str(text));
	buf_clear(term);
	buf_clear(text);
}

/* A switch that is off and a text that is empty have nothing to say. */
static bool has_default(const struct parameter *p)
{
	return p->value[0] &&
	       !(p->is_bool && (!strcmp(p->value, "false") || !strcmp(p->value, "0")));
}

static void parameters(struct document *d, const struct gadget_info *info)
{
	_cleanup_buf_ struct buf term = {}, text = {};

	if (info->parameter_count)
		d->style->section(d, "Parameters");
	for (size_t i = 0; i < info->parameter_count; i++) {
		const struct parameter *p = &info->parameters[i];

		term_of_parameter(p, &term);
		buf_add_str(&text, p->help);
		if (has_default(p))
			buf_printf(&text, " (default: %s)", p->value);
		entry(d, &term, &text);
	}
}

static void aliases(struct document *d, const struct gadget_info *info)
{
	_cleanup_buf_ struct buf term = {}, text = {};

	if (info->alias_count)
		d->style->section(d, "Short flags");
	for (size_t i = 0; i < info->alias_count; i++) {
		const struct alias *a = &info->aliases[i];

		term_of_alias(a, &term);
		buf_printf(&text, "%s%s%s%s", a->help, *a->help ? " (" : "", a->expansion,
			   *a->help ? ")" : "");
		entry(d, &term, &text);
	}
}

static void columns(struct document *d, const struct schema *s)
{
	static const char *const sorts[] = {
		[SCHEMA_EVENTS] = "a record for each event",
		[SCHEMA_TABLE] = "a table, read at each interval",
		[SCHEMA_HISTOGRAM] = "a histogram, read at each interval",
		[SCHEMA_STACKS] = "counts by stack",
	};
	_cleanup_buf_ struct buf term = {}, text = {};

	buf_printf(&text, "Columns of %s", s->name);
	d->style->section(d, buf_str(&text));
	buf_clear(&text);
	buf_printf(&text, "%s%s%s", s->summary, *s->summary ? ": " : "", sorts[s->sort]);
	d->style->paragraph(d, buf_str(&text));
	buf_clear(&text);
	for (size_t i = 0; i < s->count; i++) {
		const struct column *c = &s->columns[i];

		buf_add_str(&term, c->name);
		buf_printf(&text, "%s%s%s", c->help, *c->help ? " " : "", "[");
		buf_printf(&text, "%s%s%s", c->kind->name, *c->unit ? ", " : "", c->unit);
		buf_printf(&text, "%s%s%s]",
			   c->wide     ? ", with -o wide"
			   : c->hidden ? ", with --columns"
				       : "",
			   c->when ? ", with --" : "", c->when ? c->when : "");
		entry(d, &term, &text);
	}
}

static void options(struct document *d)
{
	_cleanup_buf_ struct buf term = {}, text = {};

	d->style->section(d, "Options of every tool");
	for (size_t i = 0; i < general_option_count; i++) {
		term_of_option(&general_options[i], &term);
		buf_add_str(&text, general_options[i].help);
		entry(d, &term, &text);
	}
}

/* The words that the tool takes beside options. */
static const char *positionals(const struct gadget_info *info)
{
	bool stacks = false;

	for (size_t i = 0; i < info->schema_count; i++) {
		enum schema_sort sort = info->schemas[i]->sort;

		if (sort == SCHEMA_TABLE || sort == SCHEMA_HISTOGRAM)
			return " [INTERVAL [COUNT]]";
		stacks |= sort == SCHEMA_STACKS;
	}
	return stacks ? " [DURATION]" : "";
}

void document_gadget(struct document *d, const struct gadget_info *info)
{
	_cleanup_buf_ struct buf b = {};

	buf_printf(&b, "saker-%s", info->name);
	d->style->title(d, buf_str(&b), info->summary ? info->summary : "");
	buf_clear(&b);
	buf_printf(&b, "saker %s [OPTION...]%s [-- COMMAND...]", info->name, positionals(info));
	d->style->usage(d, buf_str(&b));
	parameters(d, info);
	aliases(d, info);
	for (size_t i = 0; i < info->schema_count; i++)
		columns(d, info->schemas[i]);
	buf_clear(&b);
	buf_printf(&b,
		   "There is more, about the process, its user and its container, for --columns, "
		   "--where and --sort: "
		   "saker list columns %s",
		   info->name);
	d->style->paragraph(d, buf_str(&b));
	options(d);
	if (info->example_count)
		d->style->section(d, "Examples");
	for (size_t i = 0; i < info->example_count; i++) {
		buf_clear(&b);
		buf_printf(&b, "saker %s", info->examples[i].command);
		d->style->example(d, buf_str(&b), info->examples[i].text);
	}
}

static void commands(struct document *d)
{
	_cleanup_buf_ struct buf term = {}, text = {};

	d->style->section(d, "Commands");
	for (size_t i = 0; i < command_info_count; i++) {
		const struct command_info *c = &command_infos[i];

		buf_printf(&term, "%s%s%s", c->name, *c->usage ? " " : "", c->usage);
		buf_add_str(&text, c->help);
		entry(d, &term, &text);
	}
}

/* Each gadget's summary is in its object: opening one costs about a millisecond. */
static void tools(struct document *d)
{
	size_t count;
	const struct embedded_gadget *all = gadget_embedded(&count);

	d->style->section(d, "Tools");
	for (size_t i = 0; i < count; i++) {
		_cleanup_(gadget_freep) struct gadget *g = NULL;
		int err = gadget_open_bytes(all[i].name, all[i].bytes, all[i].size, &g);

		d->style->entry(d, all[i].name, err ? "" : gadget_info(g)->summary);
	}
}

void document_main(struct document *d)
{
	d->style->title(d, "saker", "observe, protect and steer a machine with eBPF");
	d->style->usage(d, "saker COMMAND [ARGUMENT...]");
	d->style->usage(d, "saker TOOL [OPTION...] [-- COMMAND...]");
	d->style->paragraph(
		d, "Without a word it is the agent. `saker TOOL --help` says what a tool shows "
		   "and takes. "
		   "Behind -- stands a command that is started, watched and waited for.");
	commands(d);
	tools(d);
	options(d);
	d->style->section(d, "Exit status");
	d->style->paragraph(
		d, "0: all went well, also when it was interrupted. 1: it could not be done here. "
		   "2: the "
		   "command line is wrong. With -- COMMAND: the command's own.");
	d->style->section(d, "Examples");
	d->style->example(d, "saker opensnoop --where 'error == ENOENT'",
			  "files that were not found, as it happens");
	d->style->example(d, "saker execsnoop -o json --for 10s",
			  "ten seconds of new processes, one JSON object a line");
	d->style->example(d, "saker check", "what this machine's kernel allows");
}

void document_command(struct document *d, const struct command_info *c)
{
	_cleanup_buf_ struct buf b = {};

	buf_printf(&b, "saker-%s", c->name);
	d->style->title(d, buf_str(&b), c->help);
	buf_clear(&b);
	buf_printf(&b, "saker %s%s%s", c->name, *c->usage ? " " : "", c->usage);
	d->style->usage(d, buf_str(&b));
}
