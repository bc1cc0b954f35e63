/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug information of user programs, as far as types need it: DWARF 2 to 5, by offsets into
 * .debug_info, read when asked.
 *
 * Why not libdw: a program that is linked to it starts with five more libraries, and a helper
 * program beside ours costs an exec (2 ms) and what it says in a format of its own. What types need
 * of DWARF is entries, attributes and references, which is what stands in dwarf.c; sections, also
 * compressed ones, come from libelf, which libbpf brings along. A program's debug information is
 * whatever somebody put there: every read is checked, every walk has an end.
 */
#pragma once

#include "lang/types/internal.h"

struct dwarf;

enum dwarf_tag {
	DWARF_ARRAY = 0x01,
	DWARF_CLASS = 0x02,
	DWARF_ENUM = 0x04,
	DWARF_PARAMETER = 0x05,
	DWARF_MEMBER = 0x0d,
	DWARF_POINTER = 0x0f,
	DWARF_REFERENCE = 0x10,
	DWARF_STRUCT = 0x13,
	DWARF_SUBROUTINE_TYPE = 0x15,
	DWARF_TYPEDEF = 0x16,
	DWARF_UNION = 0x17,
	DWARF_VARARGS = 0x18,
	DWARF_INHERITANCE = 0x1c,
	DWARF_SUBRANGE = 0x21,
	DWARF_BASE = 0x24,
	DWARF_CONST = 0x26,
	DWARF_ENUMERATOR = 0x28,
	DWARF_FUNCTION = 0x2e,
	DWARF_VOLATILE = 0x35,
	DWARF_RESTRICT = 0x37,
	DWARF_NAMESPACE = 0x39,
	DWARF_RVALUE = 0x42,
	DWARF_ATOMIC = 0x47,
};

/* One entry; what it does not say is 0 or NULL. */
struct dwarf_entry {
	u32 offset, tag;
	u32 children; /* where they begin; 0: it has none */
	u32 after;    /* behind its attributes */
	u32 sibling;  /* 0: not said */
	u32 type;     /* offsets of entries */
	u32 specification, origin;
	const char *name, *linkage_name;
	u64 size, location, bit_size, data_bit_offset, old_bit_offset, encoding, count;
	s64 value;	 /* an enumerator's */
	s64 upper_bound; /* of a subrange */
	bool has_count, has_upper_bound, has_data_bit_offset, has_old_bit_offset;
	bool is_declaration;
};

/* What an index entry is looked for as. */
enum dwarf_class {
	DWARF_ANY_TYPE,
	DWARF_OF_STRUCT,
	DWARF_OF_UNION,
	DWARF_OF_ENUM,
	DWARF_OF_TYPEDEF,
	DWARF_OF_FUNCTION,
	DWARF_OF_ENUMERATOR,
};

/*
 * Opens a program's debug information, its own or of a file beside it (by build id or debug link).
 * -ENODATA with fail() text: there is none.
 */
int dwarf_open(const char *path, struct dwarf **ret);
void dwarf_free(struct dwarf *d);
/* The entry at @offset; false: there is none. */
bool dwarf_entry(struct dwarf *d, u32 offset, struct dwarf_entry *ret);
/* The first child, the next entry on the same level; false: no more. */
bool dwarf_first(struct dwarf *d, const struct dwarf_entry *of, struct dwarf_entry *ret);
bool dwarf_next(struct dwarf *d, const struct dwarf_entry *of, struct dwarf_entry *ret);
/* The offset of what has a name; 0: nothing. The first call goes through all units. */
u32 dwarf_named(struct dwarf *d, const char *name, enum dwarf_class as);

/* For the index: the units' own entries, and where it is kept. */
struct dwarf_index;
size_t dwarf_unit_count(const struct dwarf *d);
bool dwarf_unit_entry(struct dwarf *d, size_t i, struct dwarf_entry *ret);
struct dwarf_index **dwarf_index_of(struct dwarf *d);
void dwarf_index_free(struct dwarf_index *x);

/* ---- the file -------------------------------------------------------------------------------- */

struct dwarf_section {
	const u8 *bytes;
	size_t len;
};
struct dwarf_file;
enum {
	DWARF_INFO,
	DWARF_ABBREV,
	DWARF_STR,
	DWARF_LINE_STR,
	DWARF_STR_OFFSETS,
	DWARF_LINE,
	DWARF_SECTIONS
};
int dwarf_file_open(const char *path, struct dwarf_file **ret,
		    struct dwarf_section sections[DWARF_SECTIONS]);
void dwarf_file_free(struct dwarf_file *f);

/* ---- lines ----------------------------------------------------------------------------------- */

/*
 * The lowest address where a statement of @line begins in the file of that path, or the end of one
 * behind a slash. -ENOENT with bpftrace's words.
 */
int dwarf_line_find(const struct dwarf_section *sections, const char *file, u32 line, u64 *ret);
