// SPDX-License-Identifier: Apache-2.0
/*
 * The parts of an ELF file that probes need. A symbol table is read whole with its strings, looked
 * through once and let go: who asks for one function of libc pays for a megabyte of reading, and
 * for nothing afterwards.
 */
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lang/probes/elf.h"

#define SEGMENTS_MAX 64
#define BYTES_MAX (512u << 20)

struct elf_image {
	int fd;
	u64 size;
	Elf64_Phdr segments[SEGMENTS_MAX]; /* PT_LOAD and PT_NOTE */
	u32 segment_count;
	Elf64_Shdr *sections;
	u32 section_count, names;
};

static int read_at(const struct elf_image *e, u64 offset, void *to, size_t size)
{
	size_t done = 0;

	if (offset > e->size || size > e->size - offset)
		return -EINVAL;
	while (done < size) {
		ssize_t n = pread(e->fd, (char *)to + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EINVAL;
		done += (size_t)n;
	}
	return 0;
}

ssize_t elf_image_read(const struct elf_image *e, u64 offset, void *to, size_t size)
{
	if (offset > e->size)
		return -EINVAL;
	size = MIN(size, e->size - offset);
	return read_at(e, offset, to, size) ? -EINVAL : (ssize_t)size;
}

/* With a NUL behind, so that its last string ends. */
static int read_bytes(const struct elf_image *e, const Elf64_Shdr *s, struct buf *b)
{
	char *to;

	buf_clear(b);
	if (s->sh_type == SHT_NOBITS || s->sh_size > BYTES_MAX || s->sh_offset > e->size ||
	    s->sh_size > e->size - s->sh_offset)
		return -EINVAL;
	to = buf_room(b, s->sh_size);
	if (!to)
		return -ENOMEM;
	if (read_at(e, s->sh_offset, to, s->sh_size))
		return -EINVAL;
	to[s->sh_size] = '\0';
	b->len = s->sh_size;
	return 0;
}

static int read_headers(struct elf_image *e)
{
	const u16 order = 1;
	const u8 data = *(const u8 *)&order ? ELFDATA2LSB : ELFDATA2MSB;
	Elf64_Ehdr h;

	if (read_at(e, 0, &h, sizeof(h)) || memcmp(h.e_ident, ELFMAG, SELFMAG) ||
	    h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != data)
		return -EINVAL;
	if (h.e_phentsize == sizeof(Elf64_Phdr))
		for (u32 i = 0; i < h.e_phnum && e->segment_count < SEGMENTS_MAX; i++) {
			Elf64_Phdr *p = &e->segments[e->segment_count];

			if (read_at(e, h.e_phoff + i * sizeof(*p), p, sizeof(*p)))
				break;
			e->segment_count += p->p_type == PT_LOAD || p->p_type == PT_NOTE;
		}
	if (h.e_shentsize != sizeof(Elf64_Shdr))
		return 0;
	e->sections = calloc(h.e_shnum ? h.e_shnum : 1, sizeof(*e->sections));
	if (!e->sections)
		return -ENOMEM;
	if (read_at(e, h.e_shoff, e->sections, h.e_shnum * sizeof(*e->sections)))
		return 0;
	e->section_count = h.e_shnum;
	e->names = h.e_shstrndx;
	return 0;
}

int elf_image_open(const char *path, struct elf_image **ret)
{
	_cleanup_(elf_image_freep) struct elf_image *e = calloc(1, sizeof(*e));
	struct stat st;
	int err;

	if (!e)
		return fail(-ENOMEM, "out of memory");
	/* never wait for a pipe that somebody named */
	e->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (e->fd < 0 || fstat(e->fd, &st))
		return fail_errno(-errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return fail(-EINVAL, "%s is not a file", path);
	e->size = (u64)st.st_size;
	err = read_headers(e);
	if (err)
		return fail(err, err == -ENOMEM ? "out of memory" : "%s is not a 64-bit ELF file",
			    path);
	*ret = TAKE_PTR(e);
	return 0;
}

void elf_image_free(struct elf_image *e)
{
	if (!e)
		return;
	if (e->fd >= 0)
		close(e->fd);
	free(e->sections);
	free(e);
}

void elf_image_freep(struct elf_image **e)
{
	elf_image_free(*e);
}

/* ---- sections, segments -------------------------------------------------------------------- */

int elf_image_section(const struct elf_image *e, const char *name, struct buf *b, u64 *ret_address)
{
	_cleanup_buf_ struct buf names = {};

	if (e->names >= e->section_count || read_bytes(e, &e->sections[e->names], &names))
		return -ENOENT;
	for (u32 i = 0; i < e->section_count; i++) {
		const Elf64_Shdr *s = &e->sections[i];

		if (s->sh_name >= names.len || strcmp(names.data + s->sh_name, name))
			continue;
		if (ret_address)
			*ret_address = s->sh_addr;
		return b ? read_bytes(e, s, b) : 0;
	}
	return -ENOENT;
}

bool elf_image_offset(const struct elf_image *e, u64 address, u64 *ret)
{
	for (u32 i = 0; i < e->segment_count; i++) {
		const Elf64_Phdr *p = &e->segments[i];

		if (p->p_type == PT_LOAD && address >= p->p_vaddr &&
		    address - p->p_vaddr < p->p_filesz) {
			*ret = address - p->p_vaddr + p->p_offset;
			return true;
		}
	}
	return false;
}

bool elf_image_address(const struct elf_image *e, u64 offset, u64 *ret)
{
	for (u32 i = 0; i < e->segment_count; i++) {
		const Elf64_Phdr *p = &e->segments[i];

		if (p->p_type == PT_LOAD && offset >= p->p_offset &&
		    offset - p->p_offset < p->p_filesz) {
			*ret = offset - p->p_offset + p->p_vaddr;
			return true;
		}
	}
	return false;
}

/* ---- symbols ------------------------------------------------------------------------------- */

typedef bool symbol_fn(void *context, const struct elf_function *f);

static bool give_symbol(const Elf64_Sym *s, const struct buf *strings, symbol_fn *fn, void *context)
{
	unsigned type = ELF64_ST_TYPE(s->st_info);
	struct elf_function f = { .address = s->st_value, .size = s->st_size };

	if ((type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_OBJECT) ||
	    s->st_shndx == SHN_UNDEF || !s->st_name || s->st_name >= strings->len)
		return true;
	f.name = strings->data + s->st_name;
	f.is_object = type == STT_OBJECT;
	return !*f.name || fn(context, &f);
}

/* 1: there was such a table; 0: none; 2: @fn has enough. */
static int each_symbol(const struct elf_image *e, u32 type, symbol_fn *fn, void *context)
{
	_cleanup_buf_ struct buf table = {}, strings = {};
	const Elf64_Shdr *s = NULL;
	int err;

	for (u32 i = 0; i < e->section_count && !s; i++)
		if (e->sections[i].sh_type == type && e->sections[i].sh_link < e->section_count)
			s = &e->sections[i];
	if (!s || s->sh_entsize != sizeof(Elf64_Sym))
		return 0;
	err = read_bytes(e, s, &table);
	if (!err)
		err = read_bytes(e, &e->sections[s->sh_link], &strings);
	if (err)
		return err == -ENOMEM ? err : 0;
	for (size_t at = 0; at + sizeof(Elf64_Sym) <= table.len; at += sizeof(Elf64_Sym)) {
		Elf64_Sym symbol;

		memcpy(&symbol, table.data + at, sizeof(symbol));
		if (!give_symbol(&symbol, &strings, fn, context))
			return 2;
	}
	return 1;
}

/* The build id among the notes of a segment, as hexadecimal text. */
static bool build_id(const struct elf_image *e, const Elf64_Phdr *p, char id[130])
{
	u8 notes[4096];
	size_t size = MIN(p->p_filesz, sizeof(notes)), at = 0;

	if (p->p_type != PT_NOTE || read_at(e, p->p_offset, notes, size))
		return false;
	while (at + sizeof(Elf64_Nhdr) <= size) {
		Elf64_Nhdr n;
		size_t name, desc;

		memcpy(&n, notes + at, sizeof(n));
		name = at + sizeof(n);
		desc = name + (((size_t)n.n_namesz + 3) & ~(size_t)3);
		if (desc > size || n.n_descsz > size - desc)
			return false;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
		    !memcmp(notes + name, "GNU", 4) && n.n_descsz > 1 && n.n_descsz <= 64) {
			for (u32 i = 0; i < n.n_descsz; i++)
				snprintf(id + 2 * i, 3, "%02x", notes[desc + i]);
			return true;
		}
		at = desc + (((size_t)n.n_descsz + 3) & ~(size_t)3);
	}
	return false;
}

static int debug_symbols(const struct elf_image *e, const char *root, symbol_fn *fn, void *context)
{
	_cleanup_(elf_image_freep) struct elf_image *debug = NULL;
	char id[130] = "", path[512];

	for (u32 i = 0; i < e->segment_count && !*id; i++)
		build_id(e, &e->segments[i], id);
	if (!*id)
		return 0;
	snprintf(path, sizeof(path), "%s/usr/lib/debug/.build-id/%.2s/%s.debug", root, id, id + 2);
	if (access(path, R_OK) || elf_image_open(path, &debug))
		return 0;
	return each_symbol(debug, SHT_SYMTAB, fn, context);
}

int elf_image_symbols(struct elf_image *e, const char *root, symbol_fn *fn, void *context)
{
	int had = each_symbol(e, SHT_SYMTAB, fn, context);

	if (!had)
		had = debug_symbols(e, root, fn, context);
	if (had >= 0 && had < 2)
		had = each_symbol(e, SHT_DYNSYM, fn, context);
	return had < 0 ? fail(had, "out of memory") : 0;
}
