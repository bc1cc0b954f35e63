/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder: each returns the number of its tests that failed. */
#pragma once

int test_tags(void);
int test_schema(void);
int test_mask(void);
int test_table(void);
int test_bus(void);
int test_operator(void);
int test_writer(void);
int test_writer_table(void);
int test_writer_shapes(void);
int test_expression(void);
int test_expression_errors(void);
int test_expression_random(void);
int test_expression_kernel(void);
