/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where instructions begin: a breakpoint in the middle of one would destroy the program that it is
 * put in, and the kernel does not look.
 */
#pragma once

#include "base/base.h"

/* Bytes of the x86-64 instruction at @code, 0 when it is none or goes past @size. */
size_t x86_length(const u8 *code, size_t size);
/* Does an instruction of this machine begin at @offset of the function at @code? */
bool begins_instruction(const u8 *code, size_t size, u64 offset);
