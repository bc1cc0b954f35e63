/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * owner.h: who began something, kept in a map of what is in flight until it ends, because
 * whoever is `current` in an interrupt, a completion or a timer has nothing to do with it.
 */
#pragma once

#include "gadget.h"

struct owner {
	u32 pid, tid, uid, known;
	u64 cgroup;
	char comm[16];
};

/* For members of OWNER_COLUMNS that nobody knows. */
#define owner_unknown(e, its_uid)                                  \
	({                                                         \
		(e)->pid = (e)->tid = 0;                           \
		(e)->uid = (its_uid);                              \
		(e)->cgroup = 0;                                   \
		__builtin_memset((e)->comm, 0, sizeof((e)->comm)); \
	})
