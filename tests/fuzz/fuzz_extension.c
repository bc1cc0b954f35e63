// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a BPF object: its .BTF.ext is walked without reading outside, and the walk ends. */
#include "kernel/extension.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct extension_table *tables[2];
	struct extension e;

	extension_read(data, size, &e);
	tables[0] = &e.relocations;
	tables[1] = &e.lines;
	for (int i = 0; i < 2; i++) {
		struct extension_walk w = {};
		const u8 *record;

		while ((record = extension_next(tables[i], &w)))
			if (record < data || record + tables[i]->record_size > data + size)
				abort();
	}
	extension_needs_btf(&e);
	extension_needs_full_btf(&e);
	return 0;
}
