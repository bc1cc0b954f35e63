/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random filters and random records that have a chance to meet: both draw from the same small pools
 * of numbers, texts and addresses, which hold the values at which mistakes are made. The same seed
 * gives the same sequence.
 */
#pragma once

#include "expression_fixture.h"

struct random {
	u64 state;
};

u32 random_below(struct random *r, u32 limit);
/*
 * @deep: how far groups may nest. @kernel_only: nothing that only user space can decide;
 * @fixed_only: no tail.
 */
void random_expression(struct random *r, unsigned deep, bool kernel_only, bool fixed_only,
		       struct buf *b);
void random_record(struct random *r, struct sample_record *record);
