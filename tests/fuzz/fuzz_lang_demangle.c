// SPDX-License-Identifier: Apache-2.0
/*
 * Names of C++ as an ELF file may have them, of at most the length that is read from one: taken
 * apart within bounds, or not at all.
 */
#include "lang/probes/internal.h"

#define NAME_MAX_BYTES 1024

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	_cleanup_free_ char *name = NULL, *plain = NULL;

	if (size > NAME_MAX_BYTES)
		return 0;
	name = malloc(size + 3);
	if (!name)
		return 0;
	memcpy(name, "_Z", 2);
	memcpy(name + 2, data, size);
	name[size + 2] = '\0';
	plain = demangle(name);
	if (plain && strlen(plain) > 128 << 10)
		abort();
	return 0;
}
