/* SPDX-License-Identifier: Apache-2.0 */
/* One script, parsed, with all that belongs to it. */
#pragma once

#include "lang/syntax/ast.h"
#include "unit/lang/groups.h"

struct parse {
	struct arena *arena;
	struct sources *sources;
	struct diagnostics diagnostics;
	struct syntax *syntax; /* NULL after an error */
	struct buf text;
	const char *const *positional; /* may be set before parse() */
	size_t positional_count;
	const char *const *imports; /* pairs of a name and its text, then NULL */
};

/* Parses it as "stdin"; what syntax_parse() returned. */
int parse(struct parse *p, const char *script);
int parse_bytes(struct parse *p, const char *script, size_t len);
void parse_end(struct parse *p);
/* What diagnostics_print() says, warnings too; valid until the next call. */
const char *parse_errors(struct parse *p);
/* The body of the only probe as node_print() shows it. */
const char *parse_body(struct parse *p);
