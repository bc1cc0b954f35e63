/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of built-ins: variables (pid), functions (printf), aggregations (count). One row and
 * two functions each: what the checker must know, and what the lowering emits. The rows stand in
 * lang/builtins/table.c; this header lies below so that the checker can read them.
 */
#pragma once

#include "lang/check/check.h"

struct lower;
struct operand;

enum builtin_flags {
	BUILTIN_VARIABLE = 1 << 0, /* used without brackets (pid); with empty ones too (pid()) */
	BUILTIN_FUNCTION = 1 << 1,
	BUILTIN_AGGREGATION = 1 << 2, /* only as the right side of @x = f() */
	BUILTIN_UNSAFE = 1 << 3,      /* needs --unsafe */
	BUILTIN_STATEMENT = 1 << 4,   /* has no value: not inside an expression */
	BUILTIN_MAP_FIRST = 1 << 5,   /* the first argument is a whole map: not checked as value */
	BUILTIN_CONSTANT = 1 << 6,    /* known when compiled: may be folded by its check */
	BUILTIN_NAMED_ARGUMENTS = 1 << 7, /* emit(): `name: value` or a record */
};

struct builtin {
	const char *name;
	u32 flags;
	u8 min, max;	   /* arguments; 255: any number */
	u32 allows;	   /* of enum probe_allows, all must be there; 0: everywhere */
	u32 kernel;	   /* KERNEL_VERSION_CODE of the first that has it; 0: all of ours */
	const char *usage; /* "printf(const string fmt, args...)" */
	const char *help;  /* one line, for documentation */
	/*
	 * Checks the arguments and gives the type; may fold @n in place. NULL: `type` says it and
	 * arguments are checked as values.
	 */
	const struct type *(*check)(struct checker *c, struct node *n);
	const struct type *type;
	/* Writes the code. NULL: folded by check, or an aggregation. */
	struct operand (*emit)(struct lower *l, const struct node *n);
	/* Aggregations: @map[@key] is updated with @n's arguments. */
	void (*update)(struct lower *l, struct map *map, const struct node *key,
		       const struct node *n);
};

extern const struct builtin builtins[];
extern const size_t builtin_count;
/* By name; of flags VARIABLE or FUNCTION|AGGREGATION as asked. NULL: none. */
const struct builtin *builtin_find(const char *name, u32 flags);
const char *builtin_suggest(const char *name, u32 flags);
