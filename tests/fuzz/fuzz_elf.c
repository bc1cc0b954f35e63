// SPDX-License-Identifier: Apache-2.0
/*
 * ELF files as somebody else made them: an index of whatever bytes, and lookups in it. The image
 * lies in memory, as the vdso does; a file goes the same way through pread().
 */
#include "host/host.h"

#include "host/symbol.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	_cleanup_free_ u8 *bytes = malloc(size + 1);
	_cleanup_buf_ struct buf name = {};
	struct elf_file *f = NULL;
	u64 address = 0, start = 0;

	if (!bytes)
		return 0;
	memcpy(bytes, size ? data : (const u8 *)"", size);
	if (elf_load((struct image){ .fd = -1, .memory = bytes, .size = size }, "/nonexistent",
		     1 << 20, &f))
		return 0;
	for (size_t i = 0; i < MIN(f->count, (size_t)64); i++) {
		address = f->functions[i].start + 1;
		if (elf_name(f, address, &name, &start) && start > address)
			abort();
	}
	for (u64 offset = 0; offset < size; offset += 4096)
		elf_address(f, offset, &address);
	elf_name(f, UINT64_MAX, &name, &start);
	elf_free(f);
	return 0;
}
