/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax tree. One struct for every node: kind, place, and the members of its kind in a union.
 * The parser fills the union; macro expansion copies trees; the checker fills `type` and `symbol`
 * and may replace a node by another (a folded constant) in place.
 *
 * Lists are linked by `next`.
 */
#pragma once

#include "lang/syntax/source.h"

struct type; /* lang/types/type.h */

enum node_kind {
	/* expressions */
	NODE_INTEGER,	 /* 42, 0x2a, 1e6, 10ms, 1_000 */
	NODE_STRING,	 /* "text" with escapes resolved */
	NODE_BOOL,	 /* true, false */
	NODE_IDENTIFIER, /* a built-in (pid), an enum's or #define's constant, a bare word */
	NODE_PARAMETER,	 /* $1, and $# with number 0 */
	NODE_VARIABLE,	 /* $x */
	NODE_MAP,	 /* @, @x, @x[key] */
	NODE_CALL,	 /* name(arguments) */
	NODE_UNARY,
	NODE_BINARY,
	NODE_TERNARY, /* with a NULL middle: a ?: b */
	NODE_CAST,    /* (type)e */
	NODE_FIELD,   /* e.name, e->name */
	NODE_ELEMENT, /* e.0 of a tuple */
	NODE_INDEX,   /* e[i] of an array, a pointer, a string */
	NODE_TUPLE,   /* (a, b), (a,), () */
	NODE_RECORD,  /* (a=1, b=2) */
	NODE_SIZEOF,
	NODE_OFFSETOF,
	NODE_TYPEOF, /* only as a type */
	NODE_TYPEINFO,
	NODE_BLOCK,	 /* { statements } and { statements; expression } */
	NODE_COMPTIME,	 /* comptime e */
	NODE_TYPE,	 /* a type that was written out: uint64, struct x *, int8[4] */
	NODE_ADDRESS_OF, /* &$x, &@m */
	/* statements */
	NODE_EXPRESSION, /* expression; */
	NODE_ASSIGN,	 /* target = e, target += e; target: VARIABLE, MAP, or NULL for `_ = e` */
	NODE_LET,	 /* let $x: type = e; both optional */
	NODE_IF,
	NODE_WHILE,
	NODE_UNROLL,
	NODE_FOR_RANGE, /* for $i : a..b */
	NODE_FOR_MAP,	/* for $kv : @map */
	NODE_BREAK,
	NODE_CONTINUE,
	NODE_RETURN,
};

enum operator_kind {
	OPERATOR_NONE,
	OPERATOR_ADD,
	OPERATOR_SUBTRACT,
	OPERATOR_MULTIPLY,
	OPERATOR_DIVIDE,
	OPERATOR_MODULO,
	OPERATOR_BIT_AND,
	OPERATOR_BIT_OR,
	OPERATOR_BIT_XOR,
	OPERATOR_SHIFT_LEFT,
	OPERATOR_SHIFT_RIGHT,
	OPERATOR_AND,
	OPERATOR_OR,
	OPERATOR_EQUAL,
	OPERATOR_NOT_EQUAL,
	OPERATOR_LESS,
	OPERATOR_LESS_EQUAL,
	OPERATOR_GREATER,
	OPERATOR_GREATER_EQUAL,
	/* unary */
	OPERATOR_NOT,
	OPERATOR_BIT_NOT,
	OPERATOR_NEGATE,
	OPERATOR_DEREFERENCE,
	OPERATOR_PRE_INCREMENT,
	OPERATOR_PRE_DECREMENT,
	OPERATOR_POST_INCREMENT,
	OPERATOR_POST_DECREMENT,
};
/* "+", "&&", "++" ... */
const char *operator_text(enum operator_kind o);

/* A type as it was written; resolved by the checker. */
struct type_name {
	struct span span;
	const char *name;  /* "struct task_struct", "uint64", "string", "count_t", "struct x" */
	struct node *size; /* string[N], buffer[N]: the literal; NULL: none */
	struct node *of;   /* typeof(e): the expression or NODE_TYPE */
	struct type_name **members; /* of a tuple type (a, b): member_count */
	size_t member_count;
	bool is_tuple;
	/*
	 * What stands behind, from left to right: SUFFIX_POINTER, SUFFIX_UNSIZED for `[]` (as many
	 * as fit), or a number n >= 0: an array of n.
	 */
	s64 *suffixes;
	size_t suffix_count;
};
#define SUFFIX_POINTER (-1)
#define SUFFIX_UNSIZED (-2)

struct node {
	enum node_kind kind;
	u32 height; /* levels of nodes from here down, itself included; at most 1000 */
	struct span span;
	struct node *next;
	/* ---- the checker's ---- */
	const struct type *type;
	void *symbol; /* VARIABLE: struct variable; MAP: struct map; CALL, IDENTIFIER: what it is */
	void *extra;  /* what the built-in's own check wants its emitter to know */
	union {
		struct {
			u64 value;
			bool is_negative; /* only after folding: value is two's complement */
			bool has_unit;	  /* 10ms: a count of nanoseconds */
		} integer;
		struct {
			const char *bytes; /* NUL behind */
			u32 len;
		} string;
		bool boolean;
		struct {
			const char *name;
		} identifier;
		struct {
			u32 number;
		} parameter;
		struct {
			const char *name; /* with its $ */
		} variable;
		struct {
			const char *name; /* with its @ */
			struct node *key; /* NULL: none; several parts are one NODE_TUPLE */
		} map;
		struct {
			const char *name;
			struct node *arguments; /* list */
			u32 count;
			struct span name_span;
		} call;
		struct {
			enum operator_kind op;
			struct node *e;
		} unary;
		struct {
			enum operator_kind op;
			struct node *left, *right;
		} binary;
		struct {
			struct node *condition, *yes, *no;
		} ternary;
		struct {
			struct type_name *to;
			struct node *e;
		} cast;
		struct {
			struct node *e;
			const char *name;
			bool arrow;
			struct span name_span;
		} field;
		struct {
			struct node *e;
			u32 number;
		} element;
		struct {
			struct node *e, *index;
		} index;
		struct {
			struct node *members; /* list */
			u32 count;
		} tuple;
		struct {
			struct node *members; /* list of values */
			const char **names;   /* count */
			u32 count;
		} record;
		struct {
			/*
			 * One of the two. A bare word, sizeof(foo), is a type, unless the word is
			 * a built-in's (pid, args); so an unknown type may be a constant's name.
			 */
			struct type_name *type;
			struct node *e;
			const char **path; /* offsetof: names, then array indexes as text */
			u32 path_count;
		} size_of; /* SIZEOF, OFFSETOF, TYPEOF, TYPEINFO, TYPE */
		struct {
			struct node *statements; /* list */
			/*
			 * The value of a block expression; NULL: a plain block. Where nobody takes
			 * the value (bodies of probes, loops, `if`), it is the last of the
			 * statements instead.
			 */
			struct node *result;
		} block;
		struct node *e; /* COMPTIME, ADDRESS_OF, EXPRESSION, RETURN (may be NULL) */
		struct {
			struct node *target;
			enum operator_kind op; /* NONE for plain = */
			struct node *value;
		} assign;
		struct {
			struct node *variable;
			struct type_name *type; /* NULL: inferred */
			struct node *value;	/* NULL: zero */
		} let;
		struct {
			/*
			 * yes and no are BLOCKs; no may be NULL or another IF. As a value,
			 * `if c {a} else {b}` is a TERNARY of two BLOCKs; only `if comptime` stays
			 * an IF there, with BLOCKs that have results.
			 */
			struct node *condition, *yes, *no;
			bool comptime;
		} if_;
		struct {
			struct node *condition, *body;
		} while_; /* and UNROLL, where the condition is the count */
		struct {
			struct node *variable;
			struct node *from, *to; /* range */
			struct node *map;	/* or a NODE_MAP without key */
			struct node *body;
		} for_;
	};
};

/* One attach point as written: "uprobe:/bin/sh:readline", split at its colons outside of quotes. */
struct attach_text {
	struct attach_text *next;
	struct span span;
	const char *text;   /* parameters ($1) put in; without "name=" */
	const char *name;   /* of "name=..."; NULL: none */
	const char **parts; /* quotes removed */
	u32 count;
};

struct probe {
	struct probe *next;
	struct span span;
	const char *name; /* of `name=probe {...}`, the first attach point's; NULL: none */
	struct attach_text *attach;
	struct node *predicate; /* NULL: none */
	struct node *body;	/* BLOCK */
};

struct map_declaration {
	struct map_declaration *next;
	struct span span;
	const char *name, *type; /* "@x", "lruhash" */
	u64 size;
};

struct config_entry {
	struct config_entry *next;
	struct span span;
	const char *name;
	struct node *value; /* INTEGER, STRING, BOOL, IDENTIFIER */
};

/* A script after parsing, imports and macro expansion: no macro is left in it. */
struct syntax {
	struct probe *probes;
	struct map_declaration *maps;
	struct config_entry *config;
	/*
	 * The C part (#include, #define, struct, union, enum) as it stands in the script, in order,
	 * one span for each directive or definition, those of imports first (a header that was
	 * imported is one span).
	 */
	struct span *c_parts;
	size_t c_part_count;
	/* What getopt() names, for --help of the script. */
	struct named_parameter *parameters;
	/* `#!` line, if there is one. */
	const char *shebang;
};

struct named_parameter {
	struct named_parameter *next;
	struct span span;
	const char *name, *help;
	struct node *standard; /* the default: INTEGER, STRING, BOOL */
};

/* What stands on the command line behind the script. */
struct script_arguments {
	const char *const *positional; /* $1 ... */
	size_t count;
	const char *const *named; /* "name=value" or "name" of --name=value behind -- */
	size_t named_count;
};

struct parse_options {
	struct arena *arena;
	struct sources *sources;
	struct diagnostics *diagnostics;
	const struct script_arguments *arguments;
	/* Reads an import or header: into @b; -ENOENT. NULL: imports are an error. */
	int (*read)(void *context, const char *name, u32 from_source, struct buf *b);
	void *context;
	u32 depth_max; /* of nesting; 0: 200 */
};

/*
 * Parses source @number, its imports, and expands macros. On errors returns -EINVAL with all that
 * were found in the diagnostics; it goes on after an error at the next statement or probe.
 * Positional parameters stay NODE_PARAMETER, getopt() stays a call; attach points have them put in.
 */
int syntax_parse(const struct parse_options *o, u32 number, struct syntax **ret);
/*
 * Source @number laid out anew, its comments kept: --fmt. Imports are not read and macros not
 * expanded. -EINVAL with diagnostics when it cannot be parsed.
 */
int syntax_format(const struct parse_options *o, u32 number, struct buf *b);
/* A deep copy without the checker's notes. */
struct node *node_copy(struct arena *a, const struct node *n);
/* The tree as text, indented, stable: --dump ast. */
void syntax_print(const struct syntax *s, struct buf *b);
/* The same; @note adds to each node's line what the caller knows of it: " : uint64". */
void syntax_print_noted(const struct syntax *s, struct buf *b,
			void (*note)(void *context, const struct node *n, struct buf *b),
			void *context);
void node_print(const struct node *n, unsigned depth, struct buf *b);
/*
 * One expression from text (a #define's value). NULL with diagnostics when it is none.
 */
struct node *syntax_parse_expression(const struct parse_options *o, u32 number);
/* Calls @fn for @n and every node below it, parents first; stops when it returns false. */
bool node_walk(struct node *n, bool (*fn)(void *context, struct node *n), void *context);
