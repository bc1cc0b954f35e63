/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strstr and strcontains. A kernel from 6.17 on searches itself; else it is a loop over the text:
 *
 *	the part is known	at each place its words are compared with constants by xor
 *				and or, and one branch asks whether anything differs
 *	the part is not known	a loop in the loop
 *
 * From 6.9 on the loops end by may_goto, and start where the verifier does not know, so that it
 * sees one round and not all. Before, it follows each round, with at most 8192 branches open: two
 * a place are few enough for 1024 places; of a part that is not known only so much is compared as
 * it can follow (8 bytes in 1024 places).
 */
#include "lang/builtins/builtins.h"

#define NOT_FOUND (-ENOENT) /* as the kernel's own search says */
#define BRANCHES 8192	    /* places times the part's room, when the verifier follows all */
#define WORDS_FROM 64	    /* larger texts are not on the stack, which wants aligned loads */

const struct type *builtin_check_strstr(struct checker *c, struct node *n)
{
	if (!check_text_argument(c, n, 0) || !check_text_argument(c, n, 1))
		return &type_none;
	return &type_s32;
}

const struct type *builtin_check_strcontains(struct checker *c, struct node *n)
{
	if (!check_text_argument(c, n, 0) || !check_text_argument(c, n, 1))
		return &type_none;
	return &type_bool;
}

struct search {
	ir_reg text, part; /* addresses */
	ir_reg length, part_length;
	u32 size, part_size; /* room */
	const char *literal; /* the part, when known */
	u32 literal_len;
	bool endless; /* may_goto ends loops */
	bool words;
	ir_reg i; /* the place; the result */
	u32 next, found, missing;
};

/* Starts of loops that may_goto ends: 0, which the verifier does not know. */
static ir_reg loop_start(struct lower *l, const struct search *s)
{
	ir_reg state;

	if (!s->endless)
		return ir_const(l->f, 0);
	state = lower_own_map_value(l, OWN_STATE, offsetof(struct script_state, zero));
	return ir_load(l->f, 8, false, state, 0);
}

static void loop_again(struct lower *l, const struct search *s, u32 head, u32 out)
{
	if (s->endless)
		ir_may_goto(l->f, head, out);
	else
		ir_jump(l->f, head);
}

static u32 unit(const struct search *s, u32 at)
{
	u32 n = s->words ? 8 : 1;

	while (n > s->literal_len - at)
		n /= 2;
	return n;
}

/* One value that is 0 when the literal stands at @at. */
static ir_reg difference(struct lower *l, const struct search *s, ir_reg at)
{
	ir_reg all = 0;

	for (u32 j = 0; j < s->literal_len;) {
		u32 n = unit(s, j);
		u64 want = 0;
		ir_reg x = ir_load(l->f, n, false, at, (s32)j);

		memcpy(&want, s->literal + j, n);
		if ((s64)want == (s32)want)
			x = ir_binary_imm(l->f, IR_XOR, 64, x, (s64)want);
		else
			x = ir_binary(l->f, IR_XOR, 64, x, ir_const(l->f, (s64)want));
		all = all ? ir_binary(l->f, IR_OR, 64, all, x) : x;
		j += n;
	}
	return all;
}

/* The part at place i of the text, byte by byte up to its length. */
static void match_loop(struct lower *l, const struct search *s)
{
	u32 head = ir_block(l->f), inside = ir_block(l->f), compare = ir_block(l->f);
	u32 more = ir_block(l->f), again = ir_block(l->f);
	ir_reg j = ir_new(l->f), k = ir_new(l->f), wanted, c;

	ir_set(l->f, j, loop_start(l, s));
	ir_jump(l->f, head);
	ir_at(l->f, head);
	ir_branch_imm(l->f, IR_LT, 64, j, s->part_size, inside, s->found);
	ir_at(l->f, inside);
	wanted = ir_load(l->f, 1, false, ir_binary(l->f, IR_ADD, 64, s->part, j), 0);
	ir_branch_imm(l->f, IR_EQ, 64, wanted, 0, s->found, compare);
	ir_at(l->f, compare);
	ir_set(l->f, k, ir_binary(l->f, IR_ADD, 64, s->i, j));
	ir_branch_imm(l->f, IR_LT, 64, k, s->size, more, s->missing);
	ir_at(l->f, more);
	c = ir_load(l->f, 1, false, ir_binary(l->f, IR_ADD, 64, s->text, k), 0);
	ir_set(l->f, j, ir_binary_imm(l->f, IR_ADD, 64, j, 1));
	ir_branch(l->f, IR_NE, 64, c, wanted, s->next, again);
	ir_at(l->f, again);
	loop_again(l, s, head, s->missing);
}

/* The part may begin below @limit, and where it still ends within the text. */
static ir_reg search(struct lower *l, struct search *s, u32 limit)
{
	u32 head = ir_block(l->f), body = ir_block(l->f), try = ir_block(l->f);
	u32 end = ir_block(l->f);
	ir_reg last;

	s->i = ir_new(l->f);
	s->next = ir_block(l->f);
	s->found = ir_block(l->f);
	s->missing = ir_block(l->f);
	last = s->literal ? ir_binary_imm(l->f, IR_SUB, 64, s->length, s->literal_len)
			  : ir_binary(l->f, IR_SUB, 64, s->length, s->part_length);
	ir_set(l->f, s->i, loop_start(l, s));
	ir_jump(l->f, head);
	ir_at(l->f, head);
	ir_branch_imm(l->f, IR_LT, 64, s->i, limit, body, s->missing);
	ir_at(l->f, body);
	ir_branch(l->f, IR_SLE, 64, s->i, last, try, s->missing);
	ir_at(l->f, try);
	if (s->literal)
		ir_branch_imm(l->f, IR_EQ, 64,
			      difference(l, s, ir_binary(l->f, IR_ADD, 64, s->text, s->i)), 0,
			      s->found, s->next);
	else
		match_loop(l, s);
	ir_at(l->f, s->next);
	ir_set(l->f, s->i, ir_binary_imm(l->f, IR_ADD, 64, s->i, 1));
	loop_again(l, s, head, s->missing);
	ir_at(l->f, s->missing);
	ir_set_imm(l->f, s->i, NOT_FOUND);
	ir_jump(l->f, end);
	ir_at(l->f, s->found);
	ir_jump(l->f, end);
	ir_at(l->f, end);
	return s->i;
}

/* The kernel's own, where it is callable: both end with NUL. 0: there is none. */
static ir_reg kernel_search(struct lower *l, const struct search *s)
{
	u32 id = 0;

	if (!script_kernel(l->script, 6, 17) ||
	    !type_function(l->script->world, NULL, "bpf_strstr", &id) || !id)
		return 0;
	return ir_extend(l->f, 32, true,
			 ir_call_kernel(l->f, id, 2, (const ir_reg[]){ s->text, s->part }));
}

static ir_reg find_part(struct lower *l, const struct node *n)
{
	struct search s = { .endless = script_kernel(l->script, 6, 9) };
	struct operand text = emit_string(l, call_argument(n, 0), &s.size);
	struct operand part = emit_string(l, call_argument(n, 1), &s.part_size);
	u32 limit;
	ir_reg r;

	s.literal = part.literal;
	s.literal_len = part.literal ? (u32)strnlen(part.literal, part.literal_len) : 0;
	if (s.literal && !s.literal_len)
		return ir_const(l->f, 0);
	if (s.literal && s.literal_len >= s.size)
		return ir_const(l->f, NOT_FOUND);
	s.text = operand_address(l, text);
	s.part = operand_address(l, part);
	r = kernel_search(l, &s);
	if (r)
		return r;
	if (s.literal && s.literal_len > WORDS_FROM)
		s.literal = NULL;
	s.words = s.size > MAX((u64)WORDS_FROM, l->script->config.on_stack_limit);
	s.length = emit_length(l, text, s.size);
	if (!s.literal)
		s.part_length = emit_length(l, part, s.part_size);
	if (!s.literal && !s.endless && s.part_size > MAX(BRANCHES / s.size, 1u)) {
		s.part_size = MAX(BRANCHES / s.size, 1u);
		diagnose_warning(l->script->diagnostics, n->span,
				 "before Linux 6.9 only the first %u bytes of a part that is not a "
				 "literal are compared here",
				 s.part_size);
	}
	limit = s.literal ? s.size - s.literal_len : s.size;
	return search(l, &s, limit);
}

struct operand builtin_emit_strstr(struct lower *l, const struct node *n)
{
	return operand_value(&type_s32, find_part(l, n));
}

struct operand builtin_emit_strcontains(struct lower *l, const struct node *n)
{
	return operand_value(&type_bool, ir_compare_imm(l->f, IR_SGE, 64, find_part(l, n), 0));
}
