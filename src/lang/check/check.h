/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker: gives every expression a type and every name a meaning, folds what is constant, and
 * says all that is wrong. It goes over all probes until no type changes any more (a map may be read
 * in an earlier block than the one that first assigns it), then once more to report.
 *
 *	script_check:	for each round: for each program: statements -> expressions -> built-ins
 *	after it:	node->type is set for every expression, node->symbol for every variable and
 *			map, calls and identifiers point to their built-in, scripts' maps have forms
 *			and sizes, actions exist
 */
#pragma once

#include "lang/check/script.h"

struct builtin;

struct checker {
	struct script *script;
	struct script_program *program; /* being checked */
	bool final;	     /* the last round: unknown types are errors now, actions are made */
	bool changed;	     /* a type became known, or wider, in this round */
	unsigned loop_depth; /* loops around */
	unsigned for_depth;  /* those of them that are `for` */
	unsigned callback_depth; /* those that run as callbacks */
	struct scope *scope;
	struct unknown_names *unknown; /* looked for in vain: the kernel's BTF is long */
	u32 variable_count;
	u64 work;	/* nodes looked at, in all rounds */
	unsigned depth; /* of expressions and blocks around */
	unsigned round;
	bool settle; /* types do not change any more: sizeof(e), typeinfo(e) are known */
	bool too_deep;
	unsigned comptime;	       /* expressions that must be known at once */
	bool type_only;		       /* inside sizeof() and typeof(): nothing is run */
	const struct node *aggregated; /* the call on the right of @x = f(): allowed there only */
	struct map *target;	       /* of that assignment */
};

/*
 * What lowering needs to know of a node beyond its type:
 *
 *	INTEGER	`symbol` is its type where that is not the smallest that holds it (an enum's)
 *	BINARY	`extra` is the type (struct type *) that both operands are converted to first: int64
 *		or uint64 for arithmetic, what holds both for comparisons; NULL where nothing is
 *		converted (strings, pointers, arrays, tuples, && and ||)
 *	CAST, LET	`extra`: the resolved type
 *	INDEX	of a tuple became an ELEMENT
 *	IF	of comptime became the BLOCK (or IF) that was chosen
 *
 * An aggregation (@c = count()) read as a value has the map's type in node->type; where it is
 * converted to a number check_decay() says to which.
 */

/*
 * Checks all programs of @s (made by script_make_programs()). -EINVAL with diagnostics. Types of
 * @s->maps are complete afterwards.
 */
int script_check(struct script *s);
/*
 * Expands the probes of the script's syntax: one program for each group of attach points that can
 * share one; copies the tree where a probe has several groups. Applies missing_probes and limits.
 */
int script_make_programs(struct script *s);

/* ---- for built-ins' check functions ---------------------------------------------------------- */

/* Checks @n and gives its type (also in n->type); type_none after an error or while not known. */
const struct type *check_expression(struct checker *c, struct node *n);
/*
 * The same where a scalar literal may take the wanted type: 1 where a uint64 is wanted.
 */
const struct type *check_expression_as(struct checker *c, struct node *n,
				       const struct type *wanted);
/* After check: is it a constant, and which? Diagnostics "expects a literal" are the caller's. */
bool check_constant(const struct node *n, s64 *ret);
bool check_constant_string(const struct node *n, const char **ret, u32 *ret_len);
/* Error in the final round only (before, types may still become known). Returns &type_none. */
const struct type *check_error(struct checker *c, struct span at, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/*
 * Makes an action for call @n, once, in the final round: the same node gets the same action
 * (n->extra). NULL in earlier rounds.
 */
struct action *check_action(struct checker *c, struct node *n, enum action_kind kind);
/* The map that NODE_MAP @n names, its key checked against the map's key type. */
struct map *check_map(struct checker *c, struct node *n);
/* As an argument that is a whole map: print(@x), clear(@x). */
struct map *check_whole_map(struct checker *c, struct node *n);
/* The value type of a map becomes @t, or must agree with it (promoted: int to int64, strings to the
 * longer). */
int check_map_value(struct checker *c, struct map *m, const struct type *t, struct span at);
/* The number that an aggregation gives as a value: uint64 of a count; @t where it has none. */
const struct type *check_decay(const struct type *t);
/*
 * The type that holds values of both: int8 and int16 give int16, "a" and "abc" string[4]. NULL:
 * they do not agree. A literal's type gives way: 1 and a uint32 give uint32.
 */
const struct type *check_unify(struct checker *c, const struct type *a, const struct type *b);
/* The type as text in the arena, for messages. */
const char *check_type_text(struct checker *c, const struct type *t);
/* A warning, in the final round only. */
void check_warning(struct checker *c, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);
void check_hint(struct checker *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A type as written, typeof() included. NULL after an error. */
const struct type *check_type_name(struct checker *c, struct type_name *n, struct span at);
/* The address space that a number cast to a pointer points to in this program. */
enum address_space check_default_space(const struct checker *c);
/* Makes @n a literal in place. */
void check_fold_integer(struct node *n, s64 value, bool is_unsigned);
void check_fold_bool(struct node *n, bool value);
void check_fold_string(struct checker *c, struct node *n, const char *bytes, u32 len);

/* Does the program's context allow it? Else an error: "'retval' cannot be used with 'kprobe'". */
bool check_allowed(struct checker *c, struct span at, const char *what, u32 allows);
