/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * registers.h: the arguments of a kprobe and the number of a system call, from registers whose names differ by
 * architecture. CO-RE picks the names at load time, so that one object serves all of them.
 */
#pragma once

#include "gadget.h"

static __always_inline u64 function_argument(const struct pt_regs *ctx, u32 n)
{
	if (bpf_core_field_exists(struct pt_regs___x86_64, di)) {
		const struct pt_regs___x86_64 *regs = (const void *)ctx;

		return n == 0 ? regs->di : n == 1 ? regs->si : regs->dx;
	}
	return n == 0 ? ((const struct pt_regs___arm64 *)ctx)->regs[0] :
	       n == 1 ? ((const struct pt_regs___arm64 *)ctx)->regs[1] :
			((const struct pt_regs___arm64 *)ctx)->regs[2];
}

static __always_inline u64 function_result(const struct pt_regs *ctx)
{
	if (bpf_core_field_exists(struct pt_regs___x86_64, ax))
		return ((const struct pt_regs___x86_64 *)ctx)->ax;
	return ((const struct pt_regs___arm64 *)ctx)->regs[0];
}

/* What raw_syscalls:sys_exit does not pass along: which call it was. */
static __always_inline u32 syscall_number(const struct pt_regs *regs)
{
	if (bpf_core_field_exists(struct pt_regs___x86_64, orig_ax))
		return ((const struct pt_regs___x86_64 *)regs)->orig_ax;
	return ((const struct pt_regs___arm64 *)regs)->syscallno;
}
