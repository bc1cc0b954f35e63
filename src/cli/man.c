// SPDX-License-Identifier: Apache-2.0
/*
 * The manual's pages as troff (man macros): saker(1) and saker-NAME(1), from the same walk as
 * --help.
 *
 *	saker man opensnoop | man -l -
 */
#include "cli/document.h"
#include "cli/help.h"

#include <ctype.h>

/*
 * A backslash begins a request, a dash may become a hyphen that cannot be pasted, a dot or quote
 * begins a macro.
 */
static void add_troff(struct buf *b, const char *text)
{
	_cleanup_buf_ struct buf safe = {};

	text_add_safe(&safe, text, strlen(text));
	if (safe.len && (*safe.data == '.' || *safe.data == '\''))
		buf_add_str(b, "\\&");
	for (size_t i = 0; i < safe.len; i++) {
		if (safe.data[i] == '\\')
			buf_add_str(b, "\\e");
		else if (safe.data[i] == '-')
			buf_add_str(b, "\\-");
		else if (safe.data[i] == '\'')
			buf_add_str(b, "\\(aq");
		else if (safe.data[i] == '`')
			buf_add_str(b, "\\(ga");
		else
			buf_add_char(b, safe.data[i]);
	}
}

static void troff_line(struct document *d, const char *macro, const char *text)
{
	buf_add_str(&d->out, macro);
	add_troff(&d->out, text);
	buf_add_char(&d->out, '\n');
}

static void add_upper(struct buf *b, const char *text)
{
	for (; *text; text++)
		buf_add_char(b, (char)toupper((unsigned char)*text));
}

static void troff_title(struct document *d, const char *name, const char *summary)
{
	_cleanup_buf_ struct buf upper = {};

	add_upper(&upper, name);
	buf_add_str(&d->out, ".TH ");
	add_troff(&d->out, buf_str(&upper));
	buf_add_str(&d->out, " 1 \"\" \"saker\" \"Saker\"\n.SH NAME\n");
	add_troff(&d->out, name);
	buf_add_str(&d->out, " \\- ");
	add_troff(&d->out, summary);
	buf_add_str(&d->out, "\n.SH SYNOPSIS\n");
}

static void troff_section(struct document *d, const char *heading)
{
	_cleanup_buf_ struct buf upper = {};

	add_upper(&upper, heading);
	troff_line(d, ".SH ", buf_str(&upper));
}

static void troff_usage(struct document *d, const char *line)
{
	troff_line(d, "", line);
	buf_add_str(&d->out, ".br\n");
}

static void troff_paragraph(struct document *d, const char *text)
{
	troff_line(d, ".PP\n", text);
}

static void troff_entry(struct document *d, const char *term, const char *text)
{
	buf_add_str(&d->out, ".TP\n\\fB");
	add_troff(&d->out, term);
	buf_add_str(&d->out, "\\fR\n");
	troff_line(d, "", text);
}

static void troff_example(struct document *d, const char *command, const char *text)
{
	troff_entry(d, command, text);
}

const struct document_style troff_style = {
	troff_title, troff_section, troff_usage, troff_paragraph, troff_entry, troff_example,
};

static int gadget_page(struct document *d, const char *name)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	int err = gadget_open(name, &g);

	if (!err)
		document_gadget(d, gadget_info(g));
	return err;
}

int command_man(int argc, char **argv)
{
	struct document d = { .style = &troff_style };
	const char *name = argc > 1 ? argv[1] : "saker";
	int err = 0;

	if (argc > 2 || *name == '-') {
		bool help = argc == 2 && (!strcmp(name, "--help") || !strcmp(name, "-h"));

		help_command("man", help ? stdout : stderr);
		return help ? 0 : 2;
	}
	if (!strcmp(name, "saker"))
		document_main(&d);
	else
		err = gadget_page(&d, str_starts(name, "saker-") ? name + strlen("saker-") : name);
	if (err)
		fprintf(stderr, "saker man: %s\n", error_text());
	else
		fwrite(buf_str(&d.out), 1, d.out.len, stdout);
	buf_free(&d.out);
	return err ? 2 : 0;
}
