// SPDX-License-Identifier: Apache-2.0
/*
 * Help as plain text: 80 columns, terms on the left, words wrapped on the right. What a gadget says
 * of itself comes from a file, so it is made safe for the terminal like everything else from
 * outside.
 */
#include "cli/help.h"

#include "cli/document.h"

#define LINE 80
#define TERM_WIDTH 26 /* a term that is longer stands on its own line */

/*
 * Adds @text behind @column columns that are taken, in lines of at most LINE that begin at @indent.
 */
static void add_wrapped(struct buf *b, const char *text, size_t column, size_t indent)
{
	_cleanup_buf_ struct buf safe = {};
	const char *p;
	bool first = true;

	text_add_safe(&safe, text, strlen(text));
	p = buf_str(&safe);
	while (*(p += strspn(p, " "))) {
		size_t len = strcspn(p, " "), width = text_width(p, len);

		if (!first && column + 1 + width > LINE) {
			buf_add_char(b, '\n');
			column = 0;
			first = true;
		}
		if (column < indent) {
			buf_add_fill(b, ' ', indent - column);
			column = indent;
		}
		if (!first) {
			buf_add_char(b, ' ');
			column++;
		}
		buf_add(b, p, len);
		column += width;
		first = false;
		p += len;
	}
	buf_add_char(b, '\n');
}

static void plain_title(struct document *d, const char *name, const char *summary)
{
	_cleanup_buf_ struct buf b = {};

	/* The page saker-NAME is about the command `saker NAME`. */
	buf_printf(&b, "%s%s: %s", "saker", name[5] ? name + 5 : "", summary);
	if (name[5])
		b.data[5] = ' ';
	add_wrapped(&d->out, buf_str(&b), 0, 0);
	buf_add_char(&d->out, '\n');
}

static void plain_section(struct document *d, const char *heading)
{
	buf_add_char(&d->out, '\n');
	add_wrapped(&d->out, heading, 0, 0);
}

static void plain_usage(struct document *d, const char *line)
{
	buf_add_str(&d->out, "usage: ");
	add_wrapped(&d->out, line, 7, 7);
}

static void plain_paragraph(struct document *d, const char *text)
{
	add_wrapped(&d->out, text, 0, 2);
}

static void plain_entry(struct document *d, const char *term, const char *text)
{
	size_t width = 2 + strlen(term);

	buf_add_str(&d->out, "  ");
	text_add_safe(&d->out, term, strlen(term));
	if (width >= TERM_WIDTH && *text) {
		buf_add_char(&d->out, '\n');
		width = 0;
	}
	add_wrapped(&d->out, text, width, TERM_WIDTH);
}

static void plain_example(struct document *d, const char *command, const char *text)
{
	buf_add_str(&d->out, "  ");
	text_add_safe(&d->out, command, strlen(command));
	buf_add_char(&d->out, '\n');
	add_wrapped(&d->out, text, 0, 6);
}

const struct document_style plain_style = {
	plain_title, plain_section, plain_usage, plain_paragraph, plain_entry, plain_example,
};

static void print(struct document *d, FILE *out)
{
	fwrite(buf_str(&d->out), 1, d->out.len, out);
	buf_free(&d->out);
}

void help_main(FILE *out)
{
	struct document d = { .style = &plain_style };

	document_main(&d);
	print(&d, out);
}

void help_gadget(const struct gadget_info *info, FILE *out)
{
	struct document d = { .style = &plain_style };

	document_gadget(&d, info);
	print(&d, out);
}

void help_command(const char *name, FILE *out)
{
	struct document d = { .style = &plain_style };

	for (size_t i = 0; i < command_info_count; i++) {
		if (!strcmp(command_infos[i].name, name)) {
			document_command(&d, &command_infos[i]);
			print(&d, out);
			return;
		}
	}
	help_main(out);
}
