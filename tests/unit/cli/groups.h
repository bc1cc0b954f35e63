/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder: each returns the number of its tests that failed. */
#pragma once

int test_completion(void);
int test_grid(void);
int test_help(void);
int test_options(void);
