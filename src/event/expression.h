/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filter expressions: --where 'ret < 0 && comm == "nginx"'. Parsed once and checked against a
 * schema, then evaluated in user space, or compiled to eBPF for a gadget's WHERE slots. Both give
 * the same answer.
 *
 *	expr    := and ("||" and)* ;  and := not ("&&" not)* ;  not := "!" not | "(" expr ")" | test
 *	test    := column                                 (not zero, not empty, not :: or 0.0.0.0)
 *	         | column (== != < <= > >=) literal       (order: of numbers)
 *	         | column & bits [(== !=) bits]           (of whole numbers; alone: any bit)
 *	         | column [not] in (literal, ...) | column [not] in 10.0.0.0/8
 *	         | column startswith|endswith|contains "text" | column like "glob*"
 *	         | column matches "regular expression"
 *	bits    := number ("|" number)* | "(" bits ")"
 *	literal := number | "text" | 'text' | true | false | NAME (ENOENT, SIGKILL, O_CREAT, openat)
 *	         | 10ms | 4KiB | 10.0.0.1
 *
 * `and`, `or`, `not` are taken for && || !. What holds:
 *
 *   - A column whose value is not known makes every test false, != and `not in` too.
 *   - Numbers are whole, decimal, 0x or 0 octal; a column's sign and size are kept exactly. A
 *     literal that its column cannot hold (pid == -1, a port of 70000, a comm of 20 bytes) is an
 *     error: it is a mistake, not a test that is never true. A number with a unit is converted to
 *     the column's; one without is taken as it is.
 *   - Text is bytes. It ends at its first NUL or with its length. Words (arguments) are one text
 *     with a blank between two words: the NUL that ends the last word is dropped, every other is a
 *     blank. Order of text is not defined.
 *   - In quotes \n \t \\ \" \' \xNN are read; a backslash before anything else stays there, for
 *     `like` and `matches`.
 *   - IPv4 addresses are ::ffff:a.b.c.d; a prefix of n bits is one of 96 + n. Host bits are
 *     ignored.
 *   - Regular expressions are PCRE2's, over bytes, not anchored, with a limit on steps: a record
 *     on which it is reached does not match, and is counted.
 */
#pragma once

#include "event/schema.h"

struct expression;
struct bpf_insn;

/* What a WHERE() has room for: must equal SAKER_WHERE_SLOTS in gadgets/include/gadget.h. */
#define EXPRESSION_SLOTS 192

/*
 * Parses and checks @text. On -EINVAL the error's text names the place: what is wrong, and below it
 * a line with the text and one with a caret. @schema must outlive the expression; columns may still
 * be added to it.
 */
int expression_parse(const char *text, const struct schema *schema, struct expression **ret);
struct expression *expression_free(struct expression *e);
void expression_freep(struct expression **e);
/* @a && @b as one; takes both (also on failure). Either may be NULL. */
int expression_and(struct expression *a, struct expression *b, struct expression **ret);

/*
 * By one thread at a time: the expression has working memory. @r must have passed record_check().
 */
bool expression_match(const struct expression *e, const struct record *r);
/*
 * How often a regular expression met its limit (or memory ran out): those tests counted as false.
 */
u64 expression_gave_up(const struct expression *e);

/*
 * Splits at the top-level &&: the part that the kernel can decide (stored columns, no search) and
 * that has room in EXPRESSION_SLOTS, and the rest for user space; either NULL when empty. @e stays
 * the caller's; the parts are new.
 */
int expression_split(const struct expression *e, struct expression **ret_kernel,
		     struct expression **ret_user);
/* Of the part for user space: why it runs there, in words. Owned by @e, until the next call. */
const char *expression_why_user(const struct expression *e);

/*
 * Compiles for a WHERE(): r1 holds the record, the result goes to r0 (1 passes), r0 to r5 are free,
 * no calls, only forward jumps. @record_limit: the bytes that may be read from the record's start
 * (the size of its buffer, at least one more than the largest record), for the verifier's sake.
 * Writes at most @max instructions to @insns; returns how many, -E2BIG when they do not fit (the
 * text says how many were needed), -EOPNOTSUPP for what a kernel cannot know. A record with columns
 * in its tail must lie in a map's value; one without may lie on the stack.
 */
int expression_compile(const struct expression *e, u32 record_limit, struct bpf_insn *insns,
		       size_t max);
/* Adds the expression in its normal form, inner groups in brackets; it parses to the same again. */
void expression_print(const struct expression *e, struct buf *b);
