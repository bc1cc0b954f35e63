/* SPDX-License-Identifier: Apache-2.0 */
/* What store.c shares with the backends: the store's own part of a store, and where they count. */
#pragma once

#include "store/store.h"

struct store {
	const struct store_backend *backend;
	struct store_options options; /* with defaults filled in; strings are owned */
	struct store_source **sources;
	size_t source_count, source_capacity;
	struct store_source *last; /* of the record before: they come in runs */
	struct store_health health;
	bool too_many_said;
	void *state; /* the backend's */
};

struct store_source {
	struct store_statistics statistics; /* name is owned */
	struct store_budget budget;
	double record_tokens, byte_tokens;
	u64 refilled_ns; /* the records' clock; 0: never */
};

void store_say(const struct store_log *log, enum log_level level, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
