/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of base's unit tests: one file for each source file, called from main.c. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* cmocka has a macro of that name */

#include "base/base.h"

int run_error_tests(void);
int run_buf_tests(void);
int run_text_tests(void);
int run_units_tests(void);
