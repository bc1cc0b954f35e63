/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files that give names to addresses:
 *
 *	address -> region (symbol_maps.c) -> ELF file (symbol_elf.c), perf map (..._perf.c) -> name
 *	address -> the kernel's table (symbol_kernel.c) -> name
 *
 * Files are read with pread() and never mapped: a process can shorten its file while we look, and
 * a mapping would then kill us. What stays in memory is an index of 16 bytes a function; names
 * are read when one is shown.
 */
#pragma once

#include <sys/stat.h>

#include "host/internal.h"

/* ---- the kernel's ---- */

struct kernel_symbols {
	struct kernel_symbol *items;
	size_t count, capacity;
	struct buf names; /* "name\0module\0" each */
	u64 read;
};

void kernel_symbols_free(struct kernel_symbols *k);

/* ---- ELF files ---- */

/* Where bytes come from: a file, or (the vdso) our own memory. */
struct image {
	int fd;
	const u8 *memory;
	u64 size;
};

struct function {
	u64 start; /* address in the file's own terms (st_value) */
	u32 size : 30;
	u32 rank : 2; /* among names of one address: global, weak, local */
	u32 name;     /* offset in the string table */
};

struct segment {
	u64 offset, size, address;
};

#define SEGMENTS_MAX 8

struct elf_file {
	struct cache_item item;
	u64 device, inode, bytes_long, mtime;
	struct image image; /* where the names are: the file, or its separate debug file */
	u64 strings, strings_size;
	struct segment segments[SEGMENTS_MAX];
	unsigned segment_count;
	struct function *functions;
	size_t count, capacity;
};

/*
 * Reads the index of @image (taken over) into a new file; @debug_root is where usr/lib/debug
 * lies. A file that is no ELF has no functions and no segments. -ENOMEM.
 */
int elf_load(struct image image, const char *debug_root, size_t bytes_max, struct elf_file **ret);
void elf_free(struct elf_file *f);
static inline size_t elf_bytes(const struct elf_file *f)
{
	return sizeof(*f) + f->capacity * sizeof(*f->functions);
}
/*
 * From an offset in the file to an address in its own terms; false when no executable segment
 * holds it.
 */
bool elf_address(const struct elf_file *f, u64 offset, u64 *ret);
/*
 * Adds the name of the function that holds @address to @name; its start to @ret_start. false:
 * none does.
 */
bool elf_name(const struct elf_file *f, u64 address, struct buf *name, u64 *ret_start);

/* ---- perf maps ---- */

struct perf_map {
	struct perf_entry *items;
	size_t count, capacity;
	struct buf names;
	struct stat st; /* of the file when it was read */
	u64 looked;
};

void perf_map_free(struct perf_map *p);
/* Reads /tmp/perf-PID.map of the process again when it has changed. */
void perf_map_refresh(struct host *h, u32 pid, struct perf_map *p);
bool perf_map_name(const struct perf_map *p, u64 address, struct buf *name, u64 *ret_start);
static inline size_t perf_map_bytes(const struct perf_map *p)
{
	return p->capacity * 16 + p->names.cap;
}

/* ---- processes ---- */

struct frame {
	u64 maps, address; /* see struct process_maps.id */
	u64 offset;
	bool known;
	char *text; /* "name\0module\0" */
};

#define FRAMES 4096

struct symbol_tables {
	struct kernel_symbols kernel;
	struct cache files, maps;
	size_t bytes; /* of files and maps */
	u64 next_id;
	struct frame frames[FRAMES];
	struct buf name; /* of the last answer */
};

/* The tables, made when first needed; NULL when memory ran out. */
struct symbol_tables *symbols_of(struct host *h);
/* Opens a regular file without ever waiting for it; -1. */
int open_regular(const char *path, struct stat *st);
