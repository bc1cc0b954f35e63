/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the parser share. A function parse_X() returns its node, or NULL after an error
 * was reported; who gets NULL returns NULL, up to the statement, which skips to where the next one
 * begins. So an error is told once and what stands behind it is still read.
 */
#pragma once

#include "lang/syntax/ast.h"
#include "lang/syntax/lexer.h"

#define DEPTH_MAX 200	/* nested brackets and blocks, unless the caller says otherwise */
#define HEIGHT_MAX 1000 /* of a tree: everything behind the parser walks them by recursion */

struct macro {
	struct macro *next, *same_name;
	const char *name;
	struct span span;	 /* "macro name" */
	struct node *parameters; /* list of VARIABLE, MAP, IDENTIFIER */
	u32 count;
	struct node *body; /* BLOCK, with a result if it has one */
	bool bad;	   /* never expanded: an error was reported */
};

struct import {
	struct import *next;
	struct span span;
	const char *name;
};

/* Both ends of the lists that grow. */
#define LIST_OF(type)                \
	struct {                     \
		type *first, **tail; \
	}
#define list_start(list) ((list)->tail = &(list)->first)
#define list_add(list, item) (*(list)->tail = (item), (list)->tail = &(item)->next)

/* What one source has in it, before imports and macros. */
struct script {
	LIST_OF(struct probe) probes;
	LIST_OF(struct map_declaration) maps;
	LIST_OF(struct config_entry) config;
	LIST_OF(struct macro) macros;
	LIST_OF(struct import) imports;
	struct span *c_parts;
	size_t c_part_count, c_part_capacity;
	struct span config_span; /* of the config block; source 0: none */
	const char *shebang;
};

struct parser {
	const struct parse_options *o;
	struct arena *arena;
	struct script *script;
	struct lexer lexer;
	struct token token; /* the one that is looked at */
	u32 last_end;	    /* where the one before it ended */
	u32 source, expansion;
	u32 depth, depth_max;
	bool c_suffixes;   /* numbers as in C */
	bool in_predicate; /* where `/ {` ends an expression */
	bool stopped;	   /* out of memory: everything reads as the end */
};

/* ---- parser.c: words and errors */

void parser_start(struct parser *p, const struct parse_options *o, u32 source, u32 expansion,
		  struct script *s);
/* Moves to the next token. */
void next_token(struct parser *p);
/* Goes on reading at @at. */
void move_to(struct parser *p, u32 at);
static inline bool at_sign(const struct parser *p, u32 sign)
{
	return p->token.kind == TOKEN_SIGN && p->token.sign == sign;
}
bool at_word(const struct parser *p, const char *word);
/* The token behind the one that is looked at. */
struct token peek_token(const struct parser *p);
bool peek_sign(const struct parser *p, u32 sign);
/* Takes the sign if it is there. */
bool take_sign(struct parser *p, u32 sign);
bool take_word(struct parser *p, const char *word);
/* Takes the sign, or reports "expected ..." and returns false. */
bool expect_sign(struct parser *p, u32 sign);
/* The token as text of its own; reports a name of more than a kilobyte. */
const char *token_text(struct parser *p);
/* The name that is looked at, taken; NULL after "expected WHAT" */
const char *expect_name(struct parser *p, const char *what);
struct span token_span(const struct parser *p);
/* From @start to the end of the token before. */
struct span span_from(const struct parser *p, u32 start);
/* Reports at the token; returns NULL for `return`. */
void *syntax_error(struct parser *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
void *syntax_error_at(struct parser *p, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Counts one more level of nesting; false after a report. Each true needs a leave(). */
bool enter(struct parser *p);
static inline void leave(struct parser *p)
{
	p->depth--;
}

/* A node from the token that is looked at; its end is set by node_done(). */
struct node *syntax_node_new(struct parser *p, enum node_kind kind, u32 start);
/* Sets the end, and returns @n. */
struct node *node_done(struct parser *p, struct node *n);
/* Notes that @child (may be NULL) hangs below @n. False after a report: the tree is too high. */
bool node_above(struct parser *p, struct node *n, const struct node *child);
/* The string that is looked at, without quotes and escapes; reports bad escapes and goes on. */
const char *take_string(struct parser *p, u32 *ret_len);
/* Skips to behind the next `;`, or before the `}` of the block that the parser is in. */
void skip_statement(struct parser *p);

/* ---- parse_program.c, parse_attach.c, parse_c.c */

void parse_program(struct parser *p);
/* The attach points of a probe: @probe gets them and its name. */
bool parse_attach_points(struct parser *p, struct probe *probe);
/* Whether a C definition begins at the token; and taking it. */
bool at_c_part(const struct parser *p);
void take_c_part(struct parser *p, bool allowed);
bool parse_import(struct parser *p);
struct macro *parse_macro(struct parser *p);
/* With its $ or @. */
const char *parameter_name(const struct node *n);

/* ---- parse_statement.c */

/* { ... }: with @as_value its last expression may be its result. */
struct node *parse_block(struct parser *p, bool as_value);
/* if, as a value: a TERNARY, or an IF when it is comptime. */
struct node *parse_if(struct parser *p, bool as_value);
/* Makes of a result the last of the statements, here and in the branches of an `if` there. */
void drop_result(struct arena *a, struct node *n);
/* The value of the block or `if` is taken: an `if` that gives it becomes a TERNARY. */
void keep_result(struct node *n);

/* ---- parse_expression.c, parse_primary.c */

struct node *parse_expression(struct parser *p);
/* The operators behind @left and what they need. */
struct node *parse_behind(struct parser *p, struct node *left);
struct node *parse_unary(struct parser *p);
/* A value without anything behind it. */
struct node *parse_primary(struct parser *p);
/* A primary and the .a, [i], ++ behind it. */
struct node *parse_postfix(struct parser *p);
struct node *parse_integer(struct parser *p);
/* A list of expressions up to @close, which is not taken. */
struct node *parse_list(struct parser *p, u32 close, u32 *ret_count);

/* ---- parse_type.c */

struct type_name *parse_type(struct parser *p);
/*
 * What stands between brackets could be a type: looks ahead without moving. TYPE_NONE: no type and
 * ")"; TYPE_WORD: a bare word, or word[n], which may be something else; TYPE_SURE: nothing else.
 * @ret_behind is the token behind the ")".
 */
enum type_guess { TYPE_NONE, TYPE_WORD, TYPE_SURE };
enum type_guess guess_type(const struct parser *p, struct token *ret_behind);
/* Whether the word is a built-in that stands for a value by itself, and so never a type. */
bool is_value_word(const char *word, size_t len);
/* struct, union or enum, and a name behind it. */
bool at_tag(const struct parser *p);

/* ---- syntax.c */

/* Empty lists. */
void script_start(struct script *s);

/* ---- expand.c */

/* Replaces every call of a macro in the script's probes. */
void expand_macros(const struct parse_options *o, struct script *s);
