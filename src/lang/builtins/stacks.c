/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kstack and ustack: the addresses themselves, kept whole in the value, so that equal stacks are
 * equal keys and nothing is lost to a table that is full. What lies behind the last frame is zero.
 * Modes only say how user space writes them.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

#define STACK_DEPTH 127
#define STACK_DEPTH_MAX 1024

static const char *const mode_names[] = {
	[STACK_BPFTRACE] = "bpftrace",
	[STACK_PERF] = "perf",
	[STACK_RAW] = "raw",
	[STACK_BUILD_ID] = "build_id",
};

static bool find_mode(const char *word, enum stack_mode *ret)
{
	for (unsigned i = 0; word && i < ARRAY_SIZE(mode_names); i++) {
		if (strcmp(word, mode_names[i]) == 0) {
			*ret = (enum stack_mode)i;
			return true;
		}
	}
	return false;
}

static bool read_depth(struct checker *c, struct node *n, unsigned i, u32 *ret)
{
	s64 depth;

	if (!check_literal_integer(c, n, i, &depth))
		return false;
	if (depth < 0 || depth > STACK_DEPTH_MAX) {
		check_error(c, n->span, "%s([int limit]): limit shouldn't exceed %d, %lld given",
			    call_name(n), STACK_DEPTH_MAX, (long long)depth);
		return false;
	}
	*ret = (u32)depth;
	return true;
}

const struct type *builtin_check_stack(struct checker *c, struct node *n)
{
	bool user = strcmp(call_name(n), "kstack") != 0;
	enum stack_mode mode = c->script->config.stack_mode;
	unsigned count = call_count(n);
	const char *word = call_word(n, 0);
	u32 depth = STACK_DEPTH;
	struct type *t;

	if (!check_context(c, n))
		return &type_none;
	if (word && !find_mode(word, &mode))
		return check_error(c, call_argument(n, 0)->span,
				   "Error parsing stack mode: %s: Invalid value for stack_mode: "
				   "valid values are bpftrace, raw, perf, and build_id.",
				   call_name(n));
	if (count == 2 && !word)
		return check_error(c, n->span, "Expected stack mode as first argument");
	if (count == 1 + !!word && !read_depth(c, n, count - 1, &depth))
		return &type_none;
	if (mode == STACK_BUILD_ID && !user && word)
		return check_error(c, n->span, "'build_id' stack mode can only be used for ustack");
	if (mode == STACK_BUILD_ID && !user)
		mode = STACK_RAW;
	if (n->extra)
		return n->extra;
	t = arena_new_of(c->script->arena, struct type);
	t->kind = user ? TYPE_USTACK : TYPE_KSTACK;
	t->stack_mode = mode;
	t->stack_depth = depth;
	t->size = sizeof(struct stack_value) + depth * sizeof(u64);
	t->align = 8;
	n->extra = t;
	return t;
}

struct operand builtin_emit_stack(struct lower *l, const struct node *n)
{
	bool user = n->type->kind == TYPE_USTACK;
	u32 size = n->type->stack_depth * sizeof(u64);
	u32 failed = ir_block(l->f), next = ir_block(l->f);
	struct operand to = lower_temporary(l, n->type), frames;
	ir_reg got = ir_new(l->f), taken;

	l->script->uses_stacks = true;
	if (user) {
		l->script->uses_user_symbols = true;
		emit_store(l, to, offsetof(struct stack_value, pid), 8, emit_process(l));
	} else {
		ir_store_imm(l->f, 8, to.reg, to.offset, 0);
	}
	ir_set_imm(l->f, got, 0);
	if (size) {
		frames = operand_part(to, n->type, offsetof(struct stack_value, frames));
		lower_zero(l, frames, size);
		taken = IR_CALL(l->f, BPF_FUNC_get_stack, l->context, operand_address(l, frames),
				ir_const(l->f, size), ir_const(l->f, user ? BPF_F_USER_STACK : 0));
		ir_set(l->f, got, taken);
		ir_branch_imm(l->f, IR_SLT, 64, got, 0, failed, next);
		ir_at(l->f, failed);
		if (!user) /* a kernel thread has no user stack: that is no loss */
			lower_count_loss(l, LOSS_STACK);
		ir_set_imm(l->f, got, 0);
		ir_jump(l->f, next);
	} else {
		ir_jump(l->f, next);
		ir_at(l->f, failed);
		ir_jump(l->f, next);
	}
	ir_at(l->f, next);
	emit_store(l, to, offsetof(struct stack_value, count), 8,
		   ir_binary_imm(l->f, IR_SHR, 64, got, 3));
	return to;
}
