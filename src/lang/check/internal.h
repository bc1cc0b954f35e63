/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the checker's files share. One file for each sort of node; each has one entry that
 * check_expression() or check_statement() calls, which gives the type.
 *
 * Integers that come from literals only have "weak" types: equal to int8 ... int64 for everybody
 * else, but they give way to what they meet (1 and a uint32 make a uint32, not an int64).
 */
#pragma once

#include "lang/check/builtin.h"

/* ---- check_type.c ---- */
const struct type *weak_integer(u64 value, bool is_negative);
bool type_is_weak(const struct type *t);
const struct type *weak_s64(void);
/* Of integers, enums and bool; aggregations have decayed. */
const struct type *integer_common(const struct type *a, const struct type *b);
/* Is it an integer or an enum (not bool)? */
bool type_is_number(const struct type *t);
bool type_is_signed(const struct type *t);
/* 64 bits wide, unsigned when all are. */
const struct type *integer_wide(const struct type *a, const struct type *b);
/* Warns where a value of type @t loses its sign or bits as a @to. */
void check_conversion(struct checker *c, const struct node *n, const struct type *t,
		      const struct type *to);
/* May a value of type @t (of @value, may be NULL) be put where the declared type is @to? */
bool check_fits(struct checker *c, const struct type *to, const struct type *t,
		const struct node *value);
/* A type of a struct's member or a pointer's target, that lies in @space. */
const struct type *type_lying(struct checker *c, const struct type *t, enum address_space space);

/* ---- scope.c ---- */
struct scope *scope_new(struct arena *a);
void scope_clear(struct scope *s);
u32 scope_enter(struct scope *s);
void scope_leave(struct scope *s, u32 mark);
struct variable *scope_find(struct checker *c, const char *name);
/* Declares @n's variable (made once for a node) in the current scope; an error when it exists. */
struct variable *scope_declare(struct checker *c, struct node *n, struct span at,
			       bool is_declaration);
void variable_assign(struct checker *c, struct variable *v, const struct type *t,
		     const struct node *value, struct span at);
const struct type *check_variable(struct checker *c, struct node *n);

/* ---- fold.c ---- */
bool node_is_literal(const struct node *n);
/* Each: did it become a literal (or was an error reported: then *ret_failed)? */
bool fold_unary(struct checker *c, struct node *n);
bool fold_binary(struct checker *c, struct node *n, bool *ret_failed);
bool fold_truth(const struct node *n, bool *ret);

/* ---- the entries ---- */
const struct type *check_unary(struct checker *c, struct node *n);
const struct type *check_binary(struct checker *c, struct node *n);
const struct type *check_operands(struct checker *c, struct node *n, const struct type *left,
				  const struct type *right);
const struct type *check_ternary(struct checker *c, struct node *n);
const struct type *check_cast(struct checker *c, struct node *n);
const struct type *check_field(struct checker *c, struct node *n);
const struct type *check_element(struct checker *c, struct node *n);
const struct type *check_index(struct checker *c, struct node *n);
const struct type *check_tuple(struct checker *c, struct node *n);
const struct type *check_record(struct checker *c, struct node *n);
/* A record literal takes the order of names of what it is put in. */
void record_order(struct checker *c, struct node *value, const struct type *to);
const struct type *check_sizeof(struct checker *c, struct node *n);
const struct type *check_offsetof(struct checker *c, struct node *n);
const struct type *check_typeinfo(struct checker *c, struct node *n);
const struct type *check_identifier(struct checker *c, struct node *n);
const struct type *check_parameter(struct checker *c, struct node *n);
const struct type *check_call(struct checker *c, struct node *n);
/* What the configuration says of a feature that may change: false with an error, or a warning. */
bool check_unstable(struct checker *c, const struct node *n, const char *name,
		    enum unstable allowed);
const struct type *check_map_value_of(struct checker *c, struct node *n);
const struct type *check_address_of(struct checker *c, struct node *n);
const struct type *check_block_expression(struct checker *c, struct node *n);
const struct type *check_comptime(struct checker *c, struct node *n);
/* May it decide an if, a while, a ternary? Else an error. */
bool check_condition(struct checker *c, struct node *n, struct span at);

/* ---- statements ---- */
void check_statements(struct checker *c, struct node *list);
void check_statement(struct checker *c, struct node *n);
void check_block(struct checker *c, struct node *n);
void check_assign(struct checker *c, struct node *n);
void check_assign_map(struct checker *c, struct node *n);
void check_for_map(struct checker *c, struct node *n);
void check_for_range(struct checker *c, struct node *n);

/* ---- maps ---- */
int maps_declare(struct script *s);
void maps_finish(struct checker *c);
bool maps_settle(struct checker *c);
/* Notes how it is written; an error when it is used in both ways. */
struct map *map_use(struct checker *c, struct node *n, bool whole);
