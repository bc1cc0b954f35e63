/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share: ways to look at a call's arguments, to say what is wrong
 * with them in bpftrace's words, to build trees (a built-in that is only shorthand becomes what it
 * stands for), and to write the short sequences that several families need.
 *
 * A family's file has, for each of its rows in table.c, a check_NAME and an emit_NAME.
 */
#pragma once

#include "lang/check/builtin.h"
#include "lang/lower/lower.h"

/* ---- arguments ------------------------------------------------------------------------------- */

/* Argument @i of a call; NULL: there is none (or @n is the bare name). */
struct node *call_argument(const struct node *n, unsigned i);
unsigned call_count(const struct node *n);
/* "printf", "pid": as the node says it. */
const char *call_name(const struct node *n);
/* A bare word as argument: "monotonic"; NULL: it is something else. */
const char *call_word(const struct node *n, unsigned i);
/* "int", "string", "pointer" ... as messages name what was given. */
const char *type_base_name(const struct type *t);
/* A type's own name in the arena. */
const char *type_text(struct checker *c, const struct type *t);
/* check_expression() of an argument, with an error when it has no value and nobody said so. */
const struct type *check_value_of(struct checker *c, struct node *a);
/* Argument @i must be a string literal; false with an error when it is not. */
bool check_literal_text(struct checker *c, struct node *n, unsigned i, const char **ret,
			u32 *ret_len);
/* Argument @i is checked and must be an integer; NULL with an error, or while it is not known. */
const struct type *check_integer_argument(struct checker *c, struct node *n, unsigned i);
/* Is it text: a string, an array of char, a pointer to char? */
bool type_is_text(const struct type *t);
/* Argument @i is checked and must be text; NULL with an error, or while it is not known. */
const struct type *check_text_argument(struct checker *c, struct node *n, unsigned i);
/* Argument @i must be an integer known when compiled. */
bool check_literal_integer(struct checker *c, struct node *n, unsigned i, s64 *ret);
/* An error in a loop that runs as a callback, where the program's context is out of reach. */
bool check_context(struct checker *c, struct node *n);
/* In the words of a kernel: "@what needs Linux a.b". */
bool check_kernel(struct checker *c, struct node *n, const char *what, unsigned a, unsigned b);
/* Where memory named by @t is, when it is a pointer, an array or an address in an integer. */
enum address_space space_of(const struct script_program *p, const struct type *t);

/* ---- trees ----------------------------------------------------------------------------------- */

struct node *tree_new(struct checker *c, const struct node *at, enum node_kind kind);
struct node *tree_call(struct checker *c, const struct node *at, const char *name, unsigned count,
		       ...);
struct node *tree_name(struct checker *c, const struct node *at, const char *name);
struct node *tree_field(struct checker *c, const struct node *at, struct node *e, const char *name);
struct node *tree_integer(struct checker *c, const struct node *at, s64 value);
struct node *tree_text(struct checker *c, const struct node *at, const char *text);
struct node *tree_binary(struct checker *c, const struct node *at, enum operator_kind op,
			 struct node *left, struct node *right);
/* @n becomes @by (its place in the list stays) and is checked. */
const struct type *tree_replace(struct checker *c, struct node *n, const struct node *by);
const struct type *tree_replace_bool(struct checker *c, struct node *n, bool value);
const struct type *tree_replace_text(struct checker *c, struct node *n, const char *text);

/* ---- code ------------------------------------------------------------------------------------ */

ir_reg emit_call0(struct lower *l, s32 helper);
/* The value of argument @i in a register. */
ir_reg emit_argument(struct lower *l, const struct node *n, unsigned i);
/* Stores an integer at an offset of memory of SPACE_OWN. */
void emit_store(struct lower *l, struct operand to, u32 offset, unsigned size, ir_reg value);
/* A variable that is @a or @b, whichever is smaller (unsigned). */
ir_reg emit_minimum(struct lower *l, ir_reg a, u64 b);
ir_reg
emit_process(struct lower *l); /* the number of the process, of the machine's own namespace */
/* A string in memory that plain loads reach, and its capacity with the NUL. */
struct operand emit_string(struct lower *l, const struct node *n, u32 *ret_capacity);
/* Bytes of @o without its NUL, at most @capacity - 1, in a register that the verifier can bound. */
ir_reg emit_length(struct lower *l, struct operand o, u32 capacity);
/* The address that an expression is or lies at, for reading from it. */
ir_reg emit_address(struct lower *l, const struct node *n, enum address_space *ret_space);
struct operand emit_unit(struct lower *l, const struct node *n); /* sends the record of n->extra */

struct operand emit_nothing(struct lower *l, const struct node *n);

#define DECLARE_CHECK(name) \
	const struct type *builtin_check_##name(struct checker *c, struct node *n)
#define DECLARE_EMIT(name) struct operand builtin_emit_##name(struct lower *l, const struct node *n)
#define DECLARE_UPDATE(name)                                                                 \
	void builtin_update_##name(struct lower *l, struct map *map, const struct node *key, \
				   const struct node *n)

/* process.c */
DECLARE_CHECK(pid);
DECLARE_EMIT(pid);
DECLARE_EMIT(tid);
DECLARE_EMIT(uid);
DECLARE_EMIT(gid);
DECLARE_EMIT(username);
DECLARE_CHECK(comm);
DECLARE_EMIT(comm);
DECLARE_CHECK(curtask);
DECLARE_EMIT(curtask);
DECLARE_CHECK(task_field);
DECLARE_CHECK(cpid);
DECLARE_EMIT(cpid);
DECLARE_EMIT(has_cpid);
DECLARE_EMIT(cgroup);
DECLARE_CHECK(cgroupid);
DECLARE_CHECK(cgroup_path);
DECLARE_EMIT(cgroup_path);
/* machine.c */
DECLARE_EMIT(cpu);
DECLARE_EMIT(ncpus);
DECLARE_EMIT(numaid);
DECLARE_EMIT(rand);
DECLARE_EMIT(jiffies);
DECLARE_CHECK(usermode);
DECLARE_EMIT(usermode);
DECLARE_EMIT(constant); /* the s64 at n->extra, of n->type */
/* time.c */
DECLARE_CHECK(nsecs);
DECLARE_EMIT(nsecs);
DECLARE_EMIT(elapsed);
DECLARE_CHECK(time);
DECLARE_CHECK(strftime);
DECLARE_EMIT(strftime);
/* arguments.c */
DECLARE_CHECK(args);
DECLARE_EMIT(args);
DECLARE_CHECK(argument);
DECLARE_EMIT(argument);
DECLARE_CHECK(stack_argument);
DECLARE_EMIT(stack_argument);
DECLARE_CHECK(retval);
DECLARE_EMIT(retval);
DECLARE_CHECK(ctx);
DECLARE_EMIT(ctx);
DECLARE_CHECK(reg);
DECLARE_EMIT(reg);
/* probes.c */
DECLARE_CHECK(func);
DECLARE_EMIT(func);
DECLARE_CHECK(probe);
DECLARE_EMIT(probe);
DECLARE_CHECK(probetype);
/* memory.c */
DECLARE_CHECK(str);
DECLARE_EMIT(str);
DECLARE_CHECK(buf);
DECLARE_EMIT(buf);
DECLARE_CHECK(kptr);
DECLARE_EMIT(kptr);
DECLARE_CHECK(bswap);
DECLARE_EMIT(bswap);
DECLARE_CHECK(path);
DECLARE_EMIT(path);
/* strings.c */
DECLARE_CHECK(strlen);
DECLARE_EMIT(strlen);
DECLARE_CHECK(strcap);
DECLARE_EMIT(strcap);
DECLARE_CHECK(strncmp);
DECLARE_EMIT(strncmp);
DECLARE_CHECK(memcmp);
DECLARE_EMIT(memcmp);
DECLARE_CHECK(str_concat);
DECLARE_EMIT(str_concat);
/* search.c */
DECLARE_CHECK(strstr);
DECLARE_EMIT(strstr);
DECLARE_CHECK(strcontains);
DECLARE_EMIT(strcontains);
/* names.c */
DECLARE_CHECK(number_name);
DECLARE_EMIT(strerror);
DECLARE_EMIT(signal_name);
DECLARE_EMIT(syscall_name);
/* network.c */
DECLARE_CHECK(ntop);
DECLARE_EMIT(ntop);
DECLARE_CHECK(pton);
DECLARE_EMIT(pton);
DECLARE_CHECK(macaddr);
DECLARE_EMIT(macaddr);
DECLARE_CHECK(socket_cookie);
DECLARE_EMIT(socket_cookie);
DECLARE_CHECK(skboutput);
DECLARE_EMIT(skboutput);
/* stacks.c */
DECLARE_CHECK(stack);
DECLARE_EMIT(stack);
/* symbols.c */
DECLARE_CHECK(ksym);
DECLARE_EMIT(ksym);
DECLARE_CHECK(usym);
DECLARE_EMIT(usym);
DECLARE_CHECK(kaddr);
DECLARE_CHECK(percpu_kaddr);
DECLARE_EMIT(percpu_kaddr);
DECLARE_CHECK(uaddr);
DECLARE_EMIT(uaddr);
/* maps.c */
DECLARE_CHECK(delete);
DECLARE_EMIT(delete);
DECLARE_CHECK(has_key);
DECLARE_EMIT(has_key);
DECLARE_CHECK(len);
DECLARE_EMIT(len);
DECLARE_CHECK(whole_map_action);
DECLARE_CHECK(find);
DECLARE_CHECK(is_scalar);
/* aggregate.c */
DECLARE_CHECK(count);
DECLARE_CHECK(reduction);
DECLARE_CHECK(hist);
DECLARE_CHECK(lhist);
DECLARE_CHECK(tseries);
DECLARE_UPDATE(count);
DECLARE_UPDATE(sum);
DECLARE_UPDATE(extreme);
DECLARE_UPDATE(stats);
DECLARE_UPDATE(hist);
DECLARE_UPDATE(lhist);
DECLARE_UPDATE(tseries);
/* output.c */
DECLARE_CHECK(formatted);
DECLARE_CHECK(print);
DECLARE_CHECK(join);
DECLARE_EMIT(join);
DECLARE_CHECK(emit);
/* debug.c */
DECLARE_CHECK(debugf);
DECLARE_EMIT(debugf);
/* control.c */
DECLARE_CHECK(exit);
DECLARE_EMIT(exit);
DECLARE_CHECK(signal);
DECLARE_EMIT(signal);
DECLARE_CHECK(override);
DECLARE_EMIT(override);
DECLARE_CHECK(write_user);
DECLARE_EMIT(write_user);
DECLARE_CHECK(unwatch);
DECLARE_CHECK(fail);
DECLARE_CHECK(assert);
DECLARE_CHECK(static_assert);
/* reflect.c */
DECLARE_CHECK(is_type);
DECLARE_CHECK(is_literal);
DECLARE_EMIT(is_err);
DECLARE_CHECK(kfunc);
DECLARE_CHECK(getopt);
DECLARE_CHECK(default_str_length);
DECLARE_CHECK(config);
