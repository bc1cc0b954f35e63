// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a verifier's log: one printable line comes out, of bounded length. */
#include "kernel/verifier.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	_cleanup_buf_ struct buf b = {};
	char *log = malloc(size + 1);

	if (!log)
		return 0;
	memcpy(log, data, size);
	log[size] = '\0';
	verifier_explain(log, "program", -EINVAL, NULL, &b);
	for (size_t i = 0; i < b.len; i++)
		if ((u8)b.data[i] < ' ' || b.data[i] == 127)
			abort();
	free(log);
	return 0;
}
