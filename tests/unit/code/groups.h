/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder: each returns the number of its tests that failed. */
#pragma once

int test_assemble(void);
int test_disassemble(void);
int test_ir_build(void);
int test_ir_operations(void);
int test_ir_compile(void);
int test_ir_random(void);
