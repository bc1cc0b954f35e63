/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the providers share: the parts of an attach point as written, numbers in them, names that
 * are collected and matched. Nobody outside the folder includes this.
 */
#pragma once

#include "lang/probes/probe.h"

/* Rows of the table, by the file that has them. */
int begin_parse(struct attach_point *a, struct diagnostics *d);
int self_parse(struct attach_point *a, struct diagnostics *d);
int test_parse(struct attach_point *a, struct diagnostics *d);
int interval_parse(struct attach_point *a, struct diagnostics *d);
int counter_parse(struct attach_point *a, struct diagnostics *d);
int counter_expand(struct attach_point *a, struct attach_list *l);
int counter_list(struct attach_point *a, struct attach_list *l);
int interval_list(struct attach_point *a, struct attach_list *l);
int self_list(struct attach_point *a, struct attach_list *l);
int test_list(struct attach_point *a, struct attach_list *l);
int watchpoint_parse(struct attach_point *a, struct diagnostics *d);
int expand_itself(struct attach_point *a, struct attach_list *l);
int list_nothing(struct attach_point *a, struct attach_list *l);
int tracepoint_parse(struct attach_point *a, struct diagnostics *d);
int tracepoint_expand(struct attach_point *a, struct attach_list *l);
int raw_parse(struct attach_point *a, struct diagnostics *d);
int raw_expand(struct attach_point *a, struct attach_list *l);
int kprobe_parse(struct attach_point *a, struct diagnostics *d);
int kprobe_expand(struct attach_point *a, struct attach_list *l);
int fentry_parse(struct attach_point *a, struct diagnostics *d);
int fentry_expand(struct attach_point *a, struct attach_list *l);
int iter_parse(struct attach_point *a, struct diagnostics *d);
int iter_expand(struct attach_point *a, struct attach_list *l);
int iter_list(struct attach_point *a, struct attach_list *l);
int uprobe_parse(struct attach_point *a, struct diagnostics *d);
int uprobe_expand(struct attach_point *a, struct attach_list *l);
int usdt_parse(struct attach_point *a, struct diagnostics *d);
int usdt_expand(struct attach_point *a, struct attach_list *l);

/* ---- parts ---- */

/* How many parts stand behind the provider's name; the I-th of them, "" when there is none. */
u32 part_count(const struct attach_point *a);
const char *part(const struct attach_point *a, u32 i);
/* 0 when there are @least to @most parts, else the diagnostic. */
int parts_between(const struct attach_point *a, struct diagnostics *d, u32 least, u32 most);
/* A whole number, decimal or 0x; @what begins the diagnostic: "Invalid rate of interval probe". */
int part_number(const struct attach_point *a, struct diagnostics *d, const char *text,
		const char *what, s64 *ret);
bool has_wildcard(const char *text);
bool matches(const char *pattern, const char *text);

/*
 * Splits "name+0x10" of part @i: the name, and @a->offset. A text that is all a number is an
 * address: "" and @a->address.
 */
int part_place(struct attach_point *a, struct diagnostics *d, u32 i, const char **ret_name);

/* ---- points ---- */

/* A copy of @a with its name printed. */
struct attach_point *point_copy(struct arena *arena, const struct attach_point *a);
/* May the list take one more? */
bool list_full(const struct attach_list *l);
/* Is the word in the mode? */
bool list_mode(const struct attach_list *l, const char *word);
/* Does --probe-filter let the name through? */
bool list_wants(const struct attach_list *l, const char *name);
bool is_kind(const struct attach_point *a, const char *provider);
/* The provider whose context holds. */
static inline const struct provider *point_provider(const struct attach_point *a)
{
	return a->effective ? a->effective : a->provider;
}
static inline bool point_is(const struct attach_point *a, const char *provider)
{
	return !strcmp(point_provider(a)->name, provider);
}

/* ---- names, collected, sorted and each once ---- */

struct names {
	struct arena *arena;
	const char **items; /* "module:name" or "name"; points into the arena */
	size_t count, capacity;
	int error;
};
#define _cleanup_names_ _cleanup_(names_free)
void names_free(struct names *n);
void names_add(struct names *n, const char *name);
/* Sorts and drops what is there twice. */
void names_sort(struct names *n);
/* The nearest to @word, or NULL. */
const char *names_suggest(const struct names *n, const char *word);

/* ---- names of C++ ---- */

/* Can names be taken apart in this build? */
bool demangle_available(void);

/* ---- how a point is attached ---- */

/* May one kprobe.multi or uprobe.multi link hold points like this one? */
bool point_multi(const struct attach_point *a);
