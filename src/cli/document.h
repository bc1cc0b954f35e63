/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page about a command or a gadget is written once, as a walk over the tables (document.c), and
 * appears in two styles: plain text of 80 columns for --help, troff for the manual.
 */
#pragma once

#include "cli/options.h"

struct document;

struct document_style {
	void (*title)(struct document *d, const char *name, const char *summary);
	void (*section)(struct document *d, const char *heading);
	void (*usage)(struct document *d, const char *line);
	void (*paragraph)(struct document *d, const char *text);
	/* A term and what it is. */
	void (*entry)(struct document *d, const char *term, const char *text);
	/* A command line and what it shows. */
	void (*example)(struct document *d, const char *command, const char *text);
};

struct document {
	const struct document_style *style;
	struct buf out;
};

extern const struct document_style plain_style, troff_style;

void document_gadget(struct document *d, const struct gadget_info *info);
void document_main(struct document *d);
void document_command(struct document *d, const struct command_info *c);

/* "-o, --output FORMAT" */
void term_of_option(const struct option_info *o, struct buf *b);
/* "--min-us U64" */
void term_of_parameter(const struct parameter *p, struct buf *b);
/* "-p PID" */
void term_of_alias(const struct alias *a, struct buf *b);
