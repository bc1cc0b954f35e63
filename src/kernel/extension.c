// SPDX-License-Identifier: Apache-2.0
/*
 * Finds .BTF.ext in an ELF object and walks its tables (Documentation/bpf/btf.rst). The bytes may
 * come from anybody: every offset is checked before it is followed.
 */
#include <elf.h>

#include "kernel/extension.h"

#define EXTENSION_MAGIC 0xeb9f

struct extension_header {
	u16 magic;
	u8 version, flags;
	u32 header_size;
	u32 functions_at, functions_size;
	u32 lines_at, lines_size;
	u32 relocations_at, relocations_size; /* since libbpf 0.0.6 */
};

static bool fits(size_t at, size_t len, size_t size)
{
	return at <= size && len <= size - at;
}

static const u8 *find_section(const u8 *elf, size_t size, const char *name, size_t *ret_size)
{
	Elf64_Ehdr head;
	Elf64_Shdr names, s;

	if (size < sizeof(head))
		return NULL;
	memcpy(&head, elf, sizeof(head));
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) || head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_shentsize != sizeof(s) || head.e_shstrndx >= head.e_shnum ||
	    !fits(head.e_shoff, (size_t)head.e_shnum * sizeof(s), size))
		return NULL;
	memcpy(&names, elf + head.e_shoff + head.e_shstrndx * sizeof(s), sizeof(s));
	if (!fits(names.sh_offset, names.sh_size, size))
		return NULL;
	for (size_t i = 0; i < head.e_shnum; i++) {
		memcpy(&s, elf + head.e_shoff + i * sizeof(s), sizeof(s));
		if (!fits(s.sh_name, strlen(name) + 1, names.sh_size) ||
		    memcmp(elf + names.sh_offset + s.sh_name, name, strlen(name) + 1))
			continue;
		if (s.sh_type == SHT_NOBITS || !fits(s.sh_offset, s.sh_size, size))
			return NULL;
		*ret_size = s.sh_size;
		return elf + s.sh_offset;
	}
	return NULL;
}

static void set_table(struct extension_table *t, const u8 *bytes, size_t size, size_t at,
		      size_t len, size_t least)
{
	u32 record_size;

	if (len < sizeof(u32) || !fits(at, len, size))
		return;
	memcpy(&record_size, bytes + at, sizeof(u32));
	if (record_size < least || record_size % 4 || record_size > 256)
		return;
	*t = (struct extension_table){ bytes + at, len, record_size };
}

void extension_read(const void *object, size_t size, struct extension *ret)
{
	struct extension_header h = {};
	size_t len = 0, base;
	const u8 *bytes = find_section(object, size, ".BTF.ext", &len);

	memset(ret, 0, sizeof(*ret));
	if (!bytes || len < offsetof(struct extension_header, relocations_at))
		return;
	memcpy(&h, bytes, MIN(len, sizeof(h)));
	base = h.header_size;
	if (h.magic != EXTENSION_MAGIC || base > len)
		return;
	set_table(&ret->lines, bytes + base, len - base, h.lines_at, h.lines_size,
		  sizeof(struct bpf_line_info));
	if (base >= sizeof(h))
		set_table(&ret->relocations, bytes + base, len - base, h.relocations_at,
			  h.relocations_size, sizeof(struct bpf_core_relo));
}

const void *extension_next(const struct extension_table *t, struct extension_walk *w)
{
	const void *record;
	u32 head[2];

	if (!w->at)
		w->at = sizeof(u32);
	while (!w->left) {
		if (w->at > t->size || t->size - w->at < sizeof(head))
			return NULL;
		memcpy(head, t->bytes + w->at, sizeof(head));
		w->at += sizeof(head);
		w->section = head[0];
		w->left = head[1];
	}
	if (t->size - w->at < t->record_size)
		return NULL;
	record = t->bytes + w->at;
	w->at += t->record_size;
	w->left--;
	return record;
}

static bool any_relocation(const struct extension *e, bool (*test)(enum bpf_core_relo_kind kind))
{
	struct extension_walk w = {};
	struct bpf_core_relo r;
	const void *record;

	while ((record = extension_next(&e->relocations, &w))) {
		memcpy(&r, record, sizeof(r));
		if (test(r.kind))
			return true;
	}
	return false;
}

static bool is_remote(enum bpf_core_relo_kind kind)
{
	return kind != BPF_CORE_TYPE_ID_LOCAL;
}

static bool is_beyond_minimum(enum bpf_core_relo_kind kind)
{
	return kind == BPF_CORE_TYPE_ID_TARGET || kind > BPF_CORE_ENUMVAL_VALUE;
}

bool extension_has_relocations(const struct extension *e)
{
	return extension_next(&e->relocations, &(struct extension_walk){});
}

bool extension_needs_btf(const struct extension *e)
{
	return any_relocation(e, is_remote);
}

bool extension_needs_full_btf(const struct extension *e)
{
	return any_relocation(e, is_beyond_minimum);
}
