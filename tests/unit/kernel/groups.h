/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder: each returns the number of its tests that failed. */
#pragma once

int test_features(void);
int test_hook(void);
int test_inventory(void);
int test_kernel_btf(void);
int test_object(void);
int test_printk(void);
int test_ring(void);
int test_verifier(void);
