/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The perf events of software and hardware: names, what the kernel calls them, and after how many
 * of them a probe fires when nobody says.
 */
#pragma once

#include "base/base.h"

struct attach_point;

struct counter {
	const char *name, *alias;
	u32 type;
	u64 config, period;
};

const struct counter *counter_find(u32 type, const char *name);
/* NULL when the point's event is none. */
const struct counter *counter_of(const struct attach_point *a);
