/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the expression_*.c files share: the tree, and who makes, checks, evaluates and compiles it.
 *
 *	text --lex--> tokens --parse--> nodes --literal--> checked nodes --+--> match (user space)
 *	                                                                   +--> compile (eBPF)
 *
 * The parser makes the tree small: a bare column becomes `!= 0`, `in` a test with several literals,
 * `like "x*"` a prefix, and groups of one operator are flat. So the evaluator and the compiler know
 * few cases.
 */
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include "code/code.h"
#include "event/expression.h"

#include <pcre2.h>

#define EXPRESSION_TEXT_MAX (64 << 10)
/* Groups within groups; and brackets in the text, some of which make no group. */
#define EXPRESSION_DEPTH_MAX 64
#define EXPRESSION_BRACKETS_MAX (2 * EXPRESSION_DEPTH_MAX)
#define EXPRESSION_NODES_MAX 4096
/* A regular expression gives up on a record after this many steps: about a millisecond. */
#define EXPRESSION_MATCH_LIMIT 100000
/* Instructions around the tests: r0 = 0 before, r0 = 1 behind. */
#define EXPRESSION_SLOTS_FRAME 2
/* Longer texts are compared in user space: they would not fit the slots anyway. */
#define EXPRESSION_KERNEL_TEXT_MAX 1024

enum node_type { NODE_AND, NODE_OR, NODE_NOT, NODE_TEST };

enum test_op {
	TEST_EQ, /* one of the literals */
	TEST_NE, /* known, and none of them */
	TEST_LT,
	TEST_LE,
	TEST_GT,
	TEST_GE,
	TEST_STARTS,
	TEST_ENDS,
	TEST_CONTAINS,
	TEST_LIKE,
	TEST_MATCHES,
};

/* By the class of the column. */
struct literal {
	union {
		u64 number; /* SIGNED: as two's complement of 64 bits */
		double real;
		struct {
			char *text;
			size_t len;
		};
		struct {
			u8 address[16]; /* zero behind the prefix */
			u32 prefix;	/* 128: one address */
		};
	};
};

struct node {
	enum node_type type;
	struct node *first, *next; /* children: two or more of AND and OR, one of NOT */
	/* a test */
	enum test_op op;
	u32 column; /* an index: the schema's array may move */
	enum value_class class;
	bool masked;   /* column & mask, for EQ and NE */
	bool compared; /* masked, and with a literal behind it: for the parser */
	u64 mask;
	struct literal *literals;
	size_t count, capacity;
	pcre2_code *regex;
};

/* Working memory of the evaluator, made once. */
struct matcher {
	struct buf scratch, words, why;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	u64 gave_up;
};

struct expression {
	const struct schema *schema;
	struct node *root;
	size_t nodes;
	struct matcher *matcher;
};

/* ---- expression.c: life ---- */
struct node *node_free(struct node *n); /* the children too; returns NULL */
void node_freep(struct node **n);
struct node *node_new(enum node_type type); /* NULL: out of memory */
/* Joins @more to @list by AND or OR, flat. Takes both, also on failure. */
int node_join(enum node_type type, struct node *list, struct node *more, struct node **ret);
bool class_is_text(enum value_class class);
static inline const struct column *node_column(const struct expression *e, const struct node *n)
{
	return &e->schema->columns[n->column];
}

/* ---- expression_lex.c ---- */
enum token_type {
	TOKEN_END,
	TOKEN_WORD, /* a name, a number, an address */
	TOKEN_TEXT, /* "..." or '...' */
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_LT,
	TOKEN_LE,
	TOKEN_GT,
	TOKEN_GE,
	TOKEN_IN,
	TOKEN_STARTS,
	TOKEN_ENDS,
	TOKEN_CONTAINS,
	TOKEN_LIKE,
	TOKEN_MATCHES,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_BITS,
	TOKEN_BAR,
	TOKEN_MINUS,
};

struct parser {
	const char *text;
	size_t len;
	const struct schema *schema;
	struct {
		enum token_type type;
		size_t at, len;
	} token;
	unsigned depth;
	size_t nodes;
};

/* Reads the next token into p->token. */
int parser_next(struct parser *p);
/* -EINVAL, with the text of the expression and a caret under @at. */
int parser_fail(const struct parser *p, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The word in the present token; cut at @size, which no name or number reaches. */
void parser_word(const struct parser *p, char *word, size_t size);
/* The text in the present token, unquoted; the caller frees it. */
int parser_text(const struct parser *p, char **ret, size_t *ret_len);

/* ---- expression_literal.c ---- */
/* Reads one literal for the test @n at the present token and appends it. */
int parse_literal(struct parser *p, struct node *n);
/* Reads a number for the bits of a column; `A|B` and `(A|B)` too. */
int parse_bits(struct parser *p, struct node *n, u64 *ret);

/* A text that an array cannot hold is an error; not for patterns. */
int check_text_length(const struct parser *p, const struct node *n, size_t at, size_t len);

/* ---- expression_parse.c ---- */
int parse_tree(struct parser *p, struct node **ret);

/* ---- expression_compile.c ---- */
/* Instructions for @n alone in a row of &&; negative when it cannot be done. */
int node_size(const struct expression *e, const struct node *n);
/* Why the kernel cannot decide the test @n; adds the words and returns true. */
bool test_needs_user(const struct expression *e, const struct node *n, struct buf *b);
