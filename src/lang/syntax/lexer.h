/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of the language, one at a time. The parser asks for the next one when it needs it and may
 * move the lexer, because attach points and C definitions are not made of these words. The lexer
 * reports nothing but comments that do not end; literals are read by the parser when it uses them.
 */
#pragma once

#include "lang/syntax/source.h"

enum token_kind {
	TOKEN_END,
	TOKEN_NAME,	 /* words, the keywords too: most of them may be names elsewhere */
	TOKEN_VARIABLE,	 /* $x */
	TOKEN_PARAMETER, /* $1, $# */
	TOKEN_MAP,	 /* @, @x */
	TOKEN_NUMBER,	 /* a digit and all digits, letters and _ behind it */
	TOKEN_STRING,	 /* with its quotes; without the closing one when the line ended before */
	TOKEN_SIGN,
	TOKEN_BAD, /* no beginning of any word */
};

/* The characters of an operator in one number, so that it can be a case of a switch. */
#define SIGN1(a) ((u32)(a))
#define SIGN2(a, b) ((u32)(a) | (u32)(b) << 8)
#define SIGN3(a, b, c) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16)

struct token {
	enum token_kind kind;
	u32 start, end;
	u32 sign; /* of a TOKEN_SIGN */
};

struct lexer {
	const char *text; /* NUL behind the end */
	u32 len;
	u32 at;		  /* where the next token is looked for */
	u32 open_comment; /* start of a comment without an end, plus one; 0: none */
};

struct token lexer_next(struct lexer *l);
/* The offset at or behind @at that is neither white space nor in a comment. */
u32 lexer_skip(struct lexer *l, u32 at);
bool is_name_start(char c);
bool is_name_part(char c);
bool is_digit(char c);

/* The value of a TOKEN_NUMBER: 0, or -EINVAL with the error. */
struct literal_number {
	struct arena *arena;
	const char *text;
	u32 len;
	bool c_suffix; /* any as C has them (77UL), for what stands in headers */
	u64 value;
	bool has_unit;
	u32 bad; /* where in the text the error begins */
	const char *error;
};
int literal_number(struct literal_number *l);
/*
 * The bytes of a string between its quotes, escapes resolved; NUL behind. -EINVAL with the first
 * bad escape's place in @ret_bad (offsets into @text) and @ret_error; call again from there.
 */
struct literal_string {
	struct arena *arena;
	const char *text; /* between the quotes */
	u32 len, at;	  /* @at: what was read so far */
	char *bytes;
	u32 count;
	u32 bad_start, bad_end;
	const char *error;
};
int literal_string(struct literal_string *s);
