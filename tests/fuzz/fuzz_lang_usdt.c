// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as what a program brings along for its probes: as notes, as the text of an argument's
 * place, and as the whole ELF file with its symbols and sections.
 */
#include <sys/mman.h>

#include "lang/probes/elf.h"
#include "lang/probes/usdt.h"

static bool find(void *context, const char *name, u64 *ret)
{
	*ret = strlen(name);
	return *name == 'c';
}

static bool read_note(void *context, const struct usdt_note *n)
{
	struct usdt_argument arguments[USDT_ARGUMENTS_MAX];
	u32 count = usdt_arguments(n->arguments, n->address, find, NULL, arguments);

	if (count > USDT_ARGUMENTS_MAX || strlen(n->space) + strlen(n->name) > 1 << 30)
		abort();
	return true;
}

static bool read_symbol(void *context, const struct elf_function *f)
{
	u64 offset, back;

	if (elf_image_offset(context, f->address, &offset) &&
	    !elf_image_address(context, offset, &back))
		abort();
	return strlen(f->name) != 1;
}

static void as_file(const u8 *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	_cleanup_(elf_image_freep) struct elf_image *e = NULL;
	_cleanup_buf_ struct buf notes = {};
	char path[64];
	u64 address;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (elf_image_open(path, &e))
		return;
	elf_image_symbols(e, "/nowhere", read_symbol, e);
	if (!elf_image_section(e, ".note.stapsdt", &notes, &address))
		usdt_notes(notes.data, notes.len, read_note, NULL);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct usdt_argument arguments[USDT_ARGUMENTS_MAX];
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (usdt_arguments(text, 0, find, NULL, arguments) > USDT_ARGUMENTS_MAX)
		abort();
	free(text);
	usdt_notes(data, size, read_note, NULL);
	if (size >= 64 && !memcmp(data, "\177ELF", 4))
		as_file(data, size);
	return 0;
}
