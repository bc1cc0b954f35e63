/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stacks.h: stacks of addresses, each kept once in the map `stacks`, whose ids are
 * kernel_stack_t and user_stack_t. Not the kernel's own map of stacks (bpf_get_stackid): that
 * has one place for every value of its hash and loses a stack that meets another there, some in
 * a hundred already when it is nearly empty. Here the next places are tried too, and only a
 * full map loses.
 *
 * One program of a gadget may use it: the scratch memory is one for each CPU.
 */
#pragma once

#include "gadget.h"

enum { STACK_DEPTH = 127, STACK_TRIES = 4, STACK_ID_MASK = 0x7fffffff };

struct stack {
	u64 addresses[STACK_DEPTH]; /* innermost first; 0 ends it */
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u32);
	__type(value, struct stack);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct stack);
} stack_scratch SEC(".maps");

static __always_inline u32 stack_hash(const struct stack *stack)
{
	u64 hash = 0xcbf29ce484222325;

	for (u32 i = 0; i < STACK_DEPTH; i++) {
		if (!stack->addresses[i])
			break;
		hash = (hash ^ stack->addresses[i]) * 0x100000001b3;
	}
	return (hash ^ hash >> 32) & STACK_ID_MASK;
}

static __always_inline bool stack_is_same(const struct stack *a, const struct stack *b)
{
	for (u32 i = 0; i < STACK_DEPTH; i++) {
		if (a->addresses[i] != b->addresses[i])
			return false;
		if (!a->addresses[i])
			break;
	}
	return true;
}

/* The id under which @stack lies in the map, where it is put when it is new; -1 when it is lost. */
static __always_inline s32 stack_id(const struct stack *stack)
{
	u32 id = stack_hash(stack);

	for (u32 i = 0; i < STACK_TRIES; i++) {
		struct stack *other = bpf_map_lookup_elem(&stacks, &id);

		if (!other && !bpf_map_update_elem(&stacks, &id, stack, BPF_NOEXIST))
			return id;
		if (!other)
			other = bpf_map_lookup_elem(&stacks, &id); /* another CPU was first */
		if (!other)
			break; /* the map is full */
		if (stack_is_same(other, stack))
			return id;
		id = (id + 1) & STACK_ID_MASK;
	}
	lost(SAKER_LOST_STACK);
	return -1;
}

/* A kernel thread has no user stack, a program in user mode no kernel stack: that is no loss. */
static __always_inline s32 stack_of(void *context, u64 flags)
{
	u32 zero = 0;
	struct stack *stack = bpf_map_lookup_elem(&stack_scratch, &zero);

	if (!stack || bpf_get_stack(context, stack, sizeof(*stack), flags) <= 0)
		return -1;
	return stack_id(stack);
}
