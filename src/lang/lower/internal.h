/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the lowering share and nobody else calls: the kernel's helpers by what they are
 * used for, conversions, the program's variables, loops' callbacks.
 *
 *	program    frame of a program, compiling	operand   values, places, conversions
 *	memory     temporary memory, copies, reads	string    literals, strings, comparing
 *	expression what is not an operator	operator  arithmetic, comparisons, conditions
 *	access     fields, elements, pointers	variable  where variables live
 *	statement  statements			assign    = += ++ of variables and maps
 *	loop       the three ways to loop	map       lookups, updates, aggregations
 *	send       records into the ring
 */
#pragma once

#include "lang/lower/lower.h"

#define FRAME_LIMIT 65536 /* bytes of one nesting level that a script may need */
#define NESTING_LEVELS 4
#define OFFSET_MAX 32000      /* that a load or store names; above it the base is moved */
#define COPY_UNROLLED 128     /* bytes; above it a helper copies */
#define STRING_IMMEDIATE 64   /* bytes; longer literals are copied */
#define EQUAL_UNROLLED 64     /* bytes of strings that are compared without a loop */
#define LOOP_LIMIT (1 << 23)  /* bpf_loop()'s own */
#define BRANCHES_PENDING 6000 /* that the verifier may have to come back to: its limit is 8192 */
#define BOUNDED_LIMIT 1024    /* rounds, where the verifier must follow each of them */

/* How loops run on the kernel that the script is for. */
enum loop_form {
	LOOP_MAY_GOTO, /* 6.9: in place; the kernel ends what runs too long */
	LOOP_CALLBACK, /* 5.17: bpf_loop() */
	LOOP_BOUNDED,  /* in place, the verifier counts */
};
enum loop_form loop_form(const struct lower *l);

/* ---- memory ---- */

#define IR_NO_SLOT UINT32_MAX
/* @in_frame: not on the stack. @ret_slot: the stack's, or IR_NO_SLOT for the frame at o.offset. */
struct operand lower_memory(struct lower *l, u32 size, bool in_frame, u32 *ret_slot);

/* ---- variables ---- */

enum local_kind { LOCAL_NOWHERE, LOCAL_REGISTER, LOCAL_SLOT, LOCAL_FRAME };

struct local {
	struct variable *variable;
	enum local_kind kind;
	const struct type *type; /* as it is kept: pointers to BTF objects become plain ones */
	u32 slot, offset;
	u32 function;  /* the loop's callback in which it was first named; 0: the program itself */
	bool captured; /* named in others too, or its address is taken */
	bool is_padded;
};

/* Finds the variables of the program and which of them callbacks share. */
void locals_find(struct lower *l, const struct node *predicate, const struct node *body);
struct local *local_of(struct lower *l, const struct node *variable);
/* Gives it a place, without a value. */
void local_declare(struct lower *l, struct local *v);
/* In memory: its place. */
struct operand local_place(struct lower *l, const struct local *v);
struct operand local_read(struct lower *l, const struct local *v);
void local_write(struct lower *l, struct local *v, struct operand value);
void local_zero(struct lower *l, struct local *v);
/*
 * At the start of a loop in place: the verifier forgets what it knows of the variables that @body
 * changes, so that it need not follow each round.
 */
void locals_forget(struct lower *l, const struct node *body);
/* Calls @fn for each node directly below @n. */
void lower_children(const struct node *n, void (*fn)(void *context, const struct node *child),
		    void *context);

/* ---- values ---- */

struct operand operand_with(const struct type *type, struct operand o);
/* What the register of @o holds as @type's integer: cut and extended. */
ir_reg lower_narrow(struct lower *l, ir_reg v, const struct type *from, const struct type *to);
/* @o's base and offset, such that the offset fits an instruction with @size bytes behind. */
void operand_reach(struct lower *l, struct operand *o, u32 size);
void lower_store_register(struct lower *l, struct operand to, ir_reg value);
/* A scalar that the verifier knows nothing of, which is 0. */
ir_reg lower_unknown_zero(struct lower *l);
/* The bytes of a tuple that are no member's. */
void lower_zero_gaps(struct lower *l, struct operand to);
struct operand lower_zero_value(struct lower *l, const struct type *type);
/* The space that a pointer of no known one points to, in this program. */
enum address_space lower_space(const struct lower *l, enum address_space space);
/* Two ways meet: the value of each is set to the same register. */
u32 lower_join_value(struct lower *l, ir_reg result, ir_reg value, u32 join);
/* Counts without a test: for the blocks that are seldom reached. */
void lower_cold_loss(struct lower *l, enum loss_kind what, u32 next);

/* ---- statements ---- */

void lower_statement(struct lower *l, const struct node *n);
/* A block with its variables, which end with it. */
void lower_block(struct lower *l, const struct node *block);

/* ---- expressions ---- */

struct operand lower_binary(struct lower *l, const struct node *n);
struct operand lower_binary_values(struct lower *l, enum operator_kind op, struct operand a,
				   struct operand b, const struct type *type, struct span at);
/* Does the program's probe fire now and then only? */
bool lower_is_seldom(const struct lower *l);
struct operand lower_unary(struct lower *l, const struct node *n);
/* Under -k: a lookup that found nothing is told. */
void lower_report_absent(struct lower *l, const struct map *m, ir_reg place, struct span at);
/* One side of an operator, or what is cast: -$a of an int8 has its sign there, and only there. */
struct operand lower_side(struct lower *l, const struct node *n);
struct operand lower_field(struct lower *l, const struct node *n);
struct operand lower_element(struct lower *l, const struct node *n);
struct operand lower_index(struct lower *l, const struct node *n);
struct operand lower_dereference(struct lower *l, struct operand pointer, struct span at);
struct operand lower_cast(struct lower *l, const struct node *n);
/* Jumps by the truth of the comparison of two operands. */
void lower_compare(struct lower *l, enum operator_kind op, struct operand a, struct operand b,
		   u32 yes, u32 no);
bool operator_compares(enum operator_kind op);
/* 1 or 0 of what lower_condition() or lower_compare() jump by. */
ir_reg lower_truth(struct lower *l, u32 yes, u32 no);
void lower_condition_of(struct lower *l, struct operand o, u32 yes, u32 no);
/* ++ and --. @wanted: its value is used. */
struct operand lower_increment(struct lower *l, const struct node *n, bool wanted);
void lower_assign(struct lower *l, const struct node *n);
bool node_has_effects(const struct node *n);
struct operand lower_stable(struct lower *l, struct operand o, const struct node *later);
/* The value to memory, evaluated straight into it where it can be. */
void lower_into(struct lower *l, struct operand to, const struct node *n);
/* The name of the task, as a whole string of the type: a helper writes it where it shall be. */
bool node_is_comm(const struct node *n, const struct type *to);

/* ---- strings ---- */

struct literals *literals_new(void);
struct literals *literals_free(struct literals *p);
void lower_store_string(struct lower *l, struct operand to, struct operand value);
/* Both in SPACE_OWN, with @size bytes; jumps. */
void lower_branch_equal(struct lower *l, struct operand a, struct operand b, u32 size,
			bool stop_at_nul, u32 yes, u32 no);
void lower_compare_strings(struct lower *l, struct operand a, struct operand b, u32 yes, u32 no);

/* ---- maps ---- */

/* An aggregation's number, of all CPUs. */
struct operand lower_aggregate(struct lower *l, const struct map *m, struct operand key,
			       struct span at);
bool map_is_scalar(const struct map *m);
bool map_is_per_cpu(const struct map *m);

/* ---- loops, functions ---- */

void lower_while(struct lower *l, const struct node *n);
void lower_unroll(struct lower *l, const struct node *n);
void lower_for_range(struct lower *l, const struct node *n);
void lower_for_map(struct lower *l, const struct node *n);
bool loop_is_callback(const struct lower *l, const struct node *n);
