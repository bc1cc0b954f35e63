/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the formatter share: format.c goes over the parts of a source and what stands
 * between them, format_tree.c writes statements and expressions.
 */
#pragma once

#include "lang/syntax/parser.h"

struct formatter {
	const char *text;
	u32 len;
	u32 at; /* of the text: what is before it has been written */
	struct buf *b;
	u32 indent; /* levels */
};

/* Comments and empty lines up to @start, then a line of its own. */
void format_part(struct formatter *f, u32 start);
/* Comments up to the bracket at @end, which closes a level and stands on a line of its own. */
void format_close(struct formatter *f, u32 end);
/* Comments among the words of [from, to) are written, a line each. */
void format_hoist(struct formatter *f, u32 from, u32 to);
bool format_has_comment(struct formatter *f, const struct node *n);
/* As it stands in the source. */
void format_text(struct formatter *f, struct span at);
void format_expression(struct formatter *f, const struct node *n);
/* A block from its bracket on; @ends: its last statement gets a `;` in any case. */
void format_body(struct formatter *f, const struct node *n, bool ends);
