/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * registers.h: the arguments of a kprobe and the number of a system call, from registers whose
 * names differ by architecture. CO-RE picks the names at load time, so that one object serves
 * all of them.
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
