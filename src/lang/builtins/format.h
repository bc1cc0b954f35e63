/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats of printf and its like, taken apart: flags, width, precision, length, then the letters of
 * the conversion. What is no conversion (%q, a lone %) is text.
 */
#pragma once

#include "base/base.h"

struct conversion {
	const char *letters; /* "d", "s", "rx", "gr": in the format itself */
	u32 len;
	const char *end; /* behind it */
};

/* The next conversion at or behind @p; false: there is none. "%%" is passed over. */
bool format_next(const char *p, struct conversion *ret);
