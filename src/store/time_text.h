/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as the text of a query: "2026-01-31T12:00:00.123456789Z". Order of text is order of time,
 * between texts of any precision; people also write a space for the T, and leave the Z out.
 */
#pragma once

#include "base/base.h"

/* The text up to the second is kept: records come in order of time, about. */
struct time_text {
	u64 second;
	bool known;
	char text[40];
	size_t prefix;
};

/* Valid until the next call. */
const char *time_text(struct time_text *t, u64 wall_ns, size_t *ret_len);
int time_text_compare(const char *a, size_t a_len, const char *b, size_t b_len);
/*
 * The first instant whose text begins like @text, which has at least a whole date. -EINVAL for
 * everything else: dates that do not exist, and time zones other than Z, where order of text would
 * not be order of time.
 */
int time_text_parse(const char *text, u64 *ret_ns);
