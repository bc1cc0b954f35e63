/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files that give names to addresses:
 *
 *	pid, address -> process (symbol_maps.c) -> region (..._regions.c) -> file (..._file.c)
 *	             -> ELF file (..._elf.c), perf map (..._perf.c) -> name (symbol_user.c)
 *	address -> the kernel's table (symbol_kernel.c) -> name
 *
 * Who has what mapped is read from /proc, and kept up to date by mapping.c where that is on.
 *
 * Files are read with pread() and never mapped: a process can shorten its file while we look, and
 * a mapping would then kill us. What stays in memory is an index of 16 bytes a function; names
 * are read when one is shown.
 */
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include "host/internal.h"

/* ---- the kernel's ---- */

struct kernel_symbols {
	struct kernel_symbol *items;
	size_t count, capacity;
	struct buf names; /* "name\0module\0" each */
	u64 read;
	bool is_local; /* while reading: the last one */
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
#define BUILD_ID_MAX 64

struct elf_file {
	struct cache_item item;
	u64 device, inode, bytes_long, mtime;
	struct image image; /* where the names are: the file, or its separate debug file */
	u64 strings, strings_size;
	struct segment segments[SEGMENTS_MAX];
	unsigned segment_count;
	struct function *functions;
	size_t count, capacity;
	u8 build_id[BUILD_ID_MAX];
	size_t build_id_size; /* 0: it has none */
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

/* ---- what is mapped where ---- */

struct region {
	u64 start, end, offset;
	u64 inode;
	u64 file; /* key of its elf_file, once it was opened */
	u32 major, minor;
	u32 path; /* in the names */
	bool opened, failed;
};

/* Executable regions, ascending. One table serves a process and the children that it forked. */
struct region_table {
	unsigned refs;
	u64 id; /* of this state: never used again */
	struct region *items;
	size_t count, capacity;
	struct buf names;
	size_t names_tidy; /* bytes of names when only used ones were in there */
};

/* NULL when memory ran out; _unref() accepts NULL. */
struct region_table *regions_new(void);
struct region_table *regions_copy(const struct region_table *t);
void regions_unref(struct region_table *t);
/*
 * Puts @r in; what it covers of others is theirs no more. The caller sets the id. -E2BIG: too many;
 * -ENOMEM.
 */
int regions_put(struct region_table *t, struct region r, struct text_span path);
/* Gives back the room for more. */
void regions_fit(struct region_table *t);
/* NULL: none has the address. */
struct region *regions_find(const struct region_table *t, u64 address);
static inline size_t regions_bytes(const struct region_table *t)
{
	return sizeof(*t) + t->capacity * sizeof(*t->items) + t->names.cap;
}
static inline const char *region_path(const struct region_table *t, const struct region *r)
{
	return t->names.data + r->path;
}

/* ---- processes ---- */

/* What one process had mapped from one exec (or fork) to the next. */
struct process_maps {
	struct cache_item item; /* by pid */
	struct region_table *table;
	u64 start, image;      /* of the process, where it was looked at; 0: not known */
	u64 read, tried;       /* when /proc was read, or should have been; 0: never */
	u64 begin, end;	       /* as far as the watch has seen it; end 0: it is there */
	u64 losses;	       /* of the tables, when it was known for certain */
	u32 parent;	       /* as told with its fork; 0: not known */
	bool watched;	       /* since then each change was told */
	struct perf_map *perf; /* NULL: not asked for yet */
	size_t perf_bytes;     /* as counted */
};

struct frame {
	u64 table, address; /* see struct region_table.id */
	u64 offset;
	bool known;
	char *text; /* "name\0path\0" */
};

#define FRAMES 4096

struct mapping_watch;

struct symbol_tables {
	struct kernel_symbols kernel;
	struct cache files, held; /* held: see region_hold() */
	struct cache maps, gone;  /* of struct process_maps: now, and before the last exec or end */
	size_t bytes;		  /* of files, maps and gone */
	size_t maps_bytes;	  /* of maps and gone alone */
	u64 next_id;
	struct mapping_watch *watch; /* NULL: off */
	DIR *seed;		     /* of /proc, where host_learn_all_mappings() is */
	bool seeded;		     /* it has come to the end */
	u64 losses;		     /* how often records of the watch were lost */
	struct frame frames[FRAMES];
	struct buf name; /* of the last answer */
};

/* The tables, made when first needed; NULL when memory ran out. */
struct symbol_tables *symbols_of(struct host *h);
/* Within the budget again. */
void symbols_trim(struct host *h);
/*
 * Who of @pid had @address mapped at @time (0: not known when, most likely now). The region is
 * NULL when nobody did; the process then is who could have it in a perf map, or NULL.
 */
struct process_maps *maps_find(struct host *h, u32 pid, u64 time, u64 address, struct region **ret);
/* The perf map of that process, read again if it has changed; NULL when memory ran out. */
const struct perf_map *maps_perf(struct host *h, struct process_maps *m);
void maps_free_all(struct symbol_tables *s);

/* ---- files ---- */

/* The file of a region, opened if need be; NULL when it cannot be, or is not the one any more. */
struct elf_file *region_file(struct host *h, const struct process_maps *m, struct region *r);
/*
 * Keeps the file of a region reachable for when its process has gone: nothing to do where our own
 * tree leads to it, else (another mount name space) a handle is kept, of so many at most.
 */
void region_hold(struct host *h, const struct process_maps *m, const struct region *r,
		 const char *path);
void files_free_all(struct symbol_tables *s);
void files_trim(struct host *h);
/* Opens a regular file without ever waiting for it; -1. */
int open_regular(const char *path, struct stat *st);
