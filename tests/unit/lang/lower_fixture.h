/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts compiled for a kernel, loaded into this one and run: what a `begin` block prints says
 * whether its code is right. Code for an older kernel runs on a newer one, so that all forms of
 * loops, records and atomic operations are tried everywhere.
 */
#pragma once

#include "unit/lang/groups.h"

#include "lang/lang.h"

/* Of the running kernel; then those that differ in what is written for them. */
#define KERNEL_RUNNING 0
#define KERNEL_5_10 KERNEL_VERSION_CODE(5, 10, 0)
#define KERNEL_6_1 KERNEL_VERSION_CODE(6, 1, 0)

/*
 * NULL with the errors in @errors, when it does not compile. @o is the script's as long as it is.
 */
struct compilation *lower_compile(const char *text, u32 kernel, struct lang_options *o,
				  struct buf *errors);
/* What the script prints until it exits (10 seconds at most), maps at the end included. */
void lower_expect(const char *text, u32 kernel, const char *expected);
/* The same for all three. */
void lower_expect_everywhere(const char *text, const char *expected);
void lower_expect_error(const char *text, u32 kernel, const char *part);
/* Instructions of its one program on the running kernel. */
size_t lower_size(const char *text);
