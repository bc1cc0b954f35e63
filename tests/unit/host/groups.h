/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder: each returns the number of its tests that failed. */
#pragma once

int test_parse(void);
int test_cache(void);
int test_cgroup_path(void);
int test_cgroup(void);
int test_container(void);
int test_process(void);
int test_columns(void);
int test_names(void);
int test_symbol_kernel(void);
int test_symbol_user(void);
int test_mapping(void);
