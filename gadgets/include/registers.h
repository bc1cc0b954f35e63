/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * registers.h: the arguments of a kprobe, and the number and the arguments of a system call, from
 * registers whose names differ by architecture. CO-RE picks the names at load time, so that one
 * object serves all of them.
 */
#pragma once

#include "gadget.h"

/* Copied out: the verifier wants every access to a context at a constant offset of its own. */
static __always_inline u64 function_argument(const struct pt_regs *ctx, u32 n)
{
	const struct pt_regs___x86_64 *x86 = (const void *)ctx;
	const struct pt_regs___arm64 *arm = (const void *)ctx;
	bool is_x86 = bpf_core_field_exists(struct pt_regs___x86_64, di);

	if (n == 0)
		return is_x86 ? BPF_CORE_READ(x86, di) : BPF_CORE_READ(arm, regs[0]);
	if (n == 1)
		return is_x86 ? BPF_CORE_READ(x86, si) : BPF_CORE_READ(arm, regs[1]);
	return is_x86 ? BPF_CORE_READ(x86, dx) : BPF_CORE_READ(arm, regs[2]);
}

/* What raw_syscalls:sys_exit does not pass along: which call it was. */
static __always_inline u32 syscall_number(const struct pt_regs *regs)
{
	if (bpf_core_field_exists(struct pt_regs___x86_64, orig_ax))
		return ((const struct pt_regs___x86_64 *)regs)->orig_ax;
	return ((const struct pt_regs___arm64 *)regs)->syscallno;
}

/* ---- the arguments of a system call that ends, so that none need be kept from its beginning -- */

static __always_inline bool is_call(const struct pt_regs *regs, u64 number)
{
	if (bpf_core_field_exists(struct pt_regs___x86_64, orig_ax))
		return BPF_CORE_READ((const struct pt_regs___x86_64 *)regs, orig_ax) == number;
	return (u32)BPF_CORE_READ((const struct pt_regs___arm64 *)regs, syscallno) == number;
}

/*
 * The registers with which the current task called @number, or NULL. Before 5.15 no helper tells
 * them: they are at the end of the kernel's stack. How large that is depends on how the kernel was
 * made (16 KB but for KASAN and pages of 64 KB); the number says where it ends.
 */
static __always_inline const struct pt_regs *call_registers(s64 number)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 registers, size = bpf_core_type_size(struct pt_regs___x86_64);

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (const void *)bpf_task_pt_regs(bpf_get_current_task_btf());
#pragma unroll
	for (u64 stack = 16 << 10; stack <= 64 << 10; stack *= 2) {
		registers = (u64)BPF_CORE_READ(task, stack) + stack - size;
		if (is_call((const struct pt_regs *)registers, number))
			return (const struct pt_regs *)registers;
	}
	return NULL;
}

/* Argument @n, from 0 to 3. */
static __always_inline u64 call_argument(const struct pt_regs *regs, u32 n)
{
	const struct pt_regs___x86_64 *x86 = (const void *)regs;
	const struct pt_regs___arm64 *arm = (const void *)regs;
	bool is_x86 = bpf_core_field_exists(struct pt_regs___x86_64, di);

	if (n == 0)
		return is_x86 ? BPF_CORE_READ(x86, di) : BPF_CORE_READ(arm, orig_x0);
	if (n == 1)
		return is_x86 ? BPF_CORE_READ(x86, si) : BPF_CORE_READ(arm, regs[1]);
	if (n == 2)
		return is_x86 ? BPF_CORE_READ(x86, dx) : BPF_CORE_READ(arm, regs[2]);
	return is_x86 ? BPF_CORE_READ(x86, r10) : BPF_CORE_READ(arm, regs[3]);
}
