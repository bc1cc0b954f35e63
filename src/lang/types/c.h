/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C declarations: what the sources of their reader share.
 *
 *	bytes -> c_lexer -> tokens -> c_preprocess (directives, includes) -> c_macro (expansion)
 *	      -> one list of tokens -> c_declare, c_struct (c_expression) -> the world's tables
 *
 * A token points into its source, so that an error in a header is shown there. Everything that a
 * script can make grow has a limit: tokens, expansions, depth of includes and of brackets, errors.
 */
#pragma once

#include "lang/types/internal.h"

#define C_TOKENS_MAX 2000000u /* of all headers together */
#define C_EXPANSIONS_MAX 500000u
#define C_INCLUDE_DEPTH_MAX 64
#define C_FILES_MAX 1000
#define C_DEPTH_MAX 100
#define C_ERRORS_MAX 20
#define C_ARENA_MAX ((size_t)64 << 20)

enum c_kind {
	C_END,
	C_NAME,
	C_NUMBER,
	C_STRING,
	C_CHARACTER,
	C_SIGN, /* operators and brackets: `sign` */
	C_PACK, /* #pragma pack: `pack` */
	C_OTHER,
};

#define C_SIGN2(a, b) ((a) | (b) << 8)
#define C_SIGN3(a, b, c) ((a) | (b) << 8 | (c) << 16)

struct c_token {
	const char *text;
	struct span span;
	u32 len;
	u32 sign; /* its bytes, the first lowest */
	u8 kind;
	bool line_start, space_before;
	bool is_final; /* a macro's own name inside its expansion */
	s8 pack;       /* C_PACK: bytes; 0: as it was at first; -1: pop; with 64 added: push */
};

struct c_tokens {
	struct c_token *items;
	size_t count, capacity;
};

/* ---- lexer: one token after the other; line ends and comments are blanks --------------------- */

struct c_lexer {
	const char *text;
	u32 at, end, source;
	bool line_start;
};
struct c_token c_lex(struct c_lexer *l);
bool c_is(const struct c_token *t, const char *text);
static inline bool c_is_sign(const struct c_token *t, u32 sign)
{
	return t->kind == C_SIGN && t->sign == sign;
}
/* The value of a number or a character constant; false: it is none. */
bool c_token_value(const struct c_token *t, s64 *ret, bool *ret_unsigned);

/* ---- macros ---------------------------------------------------------------------------------- */

struct c_macro {
	const char *name;
	struct c_token *body;
	const char **parameters;
	u32 count, parameter_count;
	bool is_function, is_variadic, is_busy, is_undefined, is_builtin;
	struct c_macro *next;
};

struct c_macros {
	struct arena *arena;
	struct c_macro *buckets[C_BUCKETS];
	u32 expansions;
	size_t produced; /* tokens */
};

struct c_macro *c_macro_find(const struct c_macros *m, const char *name, size_t len);
/* What stands behind #define; a text of what is wrong with it, or NULL. */
const char *c_macro_define(struct c_macros *m, const struct c_token *tokens, u32 count,
			   bool is_builtin);
void c_macro_undefine(struct c_macros *m, const char *name, size_t len);
/* Adds the expansion to @out. -E2BIG beyond the limits, -ENOMEM. */
int c_macro_expand(struct c_macros *m, const struct c_token *tokens, size_t count,
		   struct c_tokens *out);
int c_tokens_add(struct c_tokens *to, const struct c_token *t);

/* ---- preprocessor ---------------------------------------------------------------------------- */

struct c_condition {
	bool active, taken, parent, has_else;
	struct span at;
};

struct c_preprocessor {
	struct type_world *w;
	struct c_macros *macros;
	struct c_tokens out, pending;
	struct c_condition conditions[C_DEPTH_MAX];
	u32 condition_count, include_depth, files;
	u32 errors;
	u32 sources[C_FILES_MAX]; /* what was read so far */
	bool once[C_FILES_MAX];
	bool defines_only; /* in a kernel's header */
	bool is_builtin;
	bool stop;
};

int c_preprocess(struct c_preprocessor *p, struct span part);
int c_error(struct c_preprocessor *p, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* What a compiler brings along: predefined macros, <stddef.h> and such; NULL: not ours. */
const char *c_builtin_header(const char *name);
extern const char c_predefined[];

/* ---- parser ---------------------------------------------------------------------------------- */

struct c_parser {
	struct type_world *w;
	const struct c_token *tokens;
	size_t count, at;
	u32 depth, errors;
	s8 pack_stack[16];
	u32 pack_depth;
	s8 pack;	   /* 0: natural */
	bool failed;	   /* in this declaration */
	bool is_directive; /* of #if: names are 0, there are no types */
	bool is_quiet;
};

struct c_attributes {
	bool packed;
	u32 aligned; /* 0: not said */
	u32 mode;    /* bytes of __mode__; 0: not said */
	u32 vector;  /* bytes of a vector; 0: it is none */
};

/* A plain char, told from int8 by its address: an array of it is a text. */
extern const struct type c_char;

const struct c_token *c_peek(struct c_parser *p);
const struct c_token *c_peek_at(struct c_parser *p, size_t ahead);
const struct c_token *c_next(struct c_parser *p);
bool c_accept(struct c_parser *p, u32 sign);
bool c_accept_word(struct c_parser *p, const char *word);
bool c_expect(struct c_parser *p, u32 sign);
/* Says so once for a declaration, and makes everything up to its end fail. Returns false. */
bool c_fail(struct c_parser *p, const struct c_token *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Past the bracket that closes the one that comes next. */
bool c_skip_brackets(struct c_parser *p);
void c_attributes(struct c_parser *p, struct c_attributes *a);
/* A constant expression; @p NULL parser parts are not there for #if: names are 0. */
bool c_constant(struct c_parser *p, s64 *ret);
bool c_starts_type(struct c_parser *p);
/* "unsigned long", "struct x *": as in a cast. */
const struct type *c_type_name(struct c_parser *p);
/* What stands before declarators. @ret_attributes may get packed, aligned, mode. */
const struct type *c_specifiers(struct c_parser *p, bool *ret_typedef, struct c_attributes *a);
const struct type *c_declarator(struct c_parser *p, const struct type *base,
				const struct c_token **ret_name, struct c_attributes *a);
const struct type *c_struct(struct c_parser *p, bool is_union);
const struct type *c_enumeration(struct c_parser *p);
/* As the checker sees it: char[4] is a string[5], as its NUL takes room too. */
const struct type *c_finished(struct arena *a, const struct type *t);
void c_parse(struct c_parser *p);

/* ---- the world's tables ---------------------------------------------------------------------- */

int c_add_type(struct type_world *w, const char *name, const struct type *t);
int c_add_constant(struct type_world *w, struct c_constant *c);
