// SPDX-License-Identifier: Apache-2.0
/*
 * The reader of the configuration: any bytes are refused with a place, or give a configuration that
 * is printed, read back, and printed to the same.
 */
#include "agent/config.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	_cleanup_(config_freep) struct config *c = NULL, *again = NULL;
	_cleanup_buf_ struct buf first = {}, second = {};

	if (config_parse("f", (const char *)data, size, &c)) {
		if (!str_starts(error_text(), "f:"))
			abort();
		return 0;
	}
	config_print(c, &first);
	if (config_parse("printed", buf_str(&first), first.len, &again))
		abort();
	config_print(again, &second);
	if (strcmp(buf_str(&first), buf_str(&second)))
		abort();
	return 0;
}
