/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What probes want of a program's file: its functions by name, where an address lies in the file,
 * and the bytes of a section. 64-bit ELF of this machine's byte order, read with pread(): a file
 * that shrinks meanwhile is an error and never a signal. Everything in it is somebody else's.
 */
#pragma once

#include "base/base.h"

struct elf_image;

/* -ENOENT, -EINVAL when it is no such ELF, with texts. */
int elf_image_open(const char *path, struct elf_image **ret);
void elf_image_free(struct elf_image *e);
void elf_image_freep(struct elf_image **e);

struct elf_function {
	const char *name; /* lives until the callback returns */
	u64 address, size;
	bool is_object; /* a variable */
};
/*
 * Calls @fn for the functions (and variables) that the file defines: of its symbol table or its
 * debug file's (below @root: "" or "/proc/PID/root"), then of the dynamic one; a name can come
 * twice. Until @fn returns false.
 */
int elf_image_symbols(struct elf_image *e, const char *root,
		      bool (*fn)(void *context, const struct elf_function *f), void *context);
/* From an address in the file's own terms to its place in the file; false: no segment has it. */
bool elf_image_offset(const struct elf_image *e, u64 address, u64 *ret);
/* The reverse. */
bool elf_image_address(const struct elf_image *e, u64 offset, u64 *ret);
/* Reads the section; its address to @ret_address. -ENOENT. */
int elf_image_section(const struct elf_image *e, const char *name, struct buf *b, u64 *ret_address);
/* Bytes at an offset of the file; fewer at its end; -EINVAL. */
ssize_t elf_image_read(const struct elf_image *e, u64 offset, void *to, size_t size);
