// SPDX-License-Identifier: Apache-2.0
/*
 * ELF files: which functions are where. Read by hand rather than with libelf, which loads or maps
 * whole sections: here a symbol table passes through a small buffer, and what is kept is an index
 * of its functions. Everything in the file is somebody else's: each number is checked by reading
 * through pread(), which knows the file's end.
 */
#include "host/symbol.h"

#include <elf.h>
#include <fcntl.h>

#define CHUNK 16384
#define STRING_MAX 1024	      /* of a name */
#define SYMBOLS_MAX (4 << 20) /* looked at in one file: a file can claim any number */
#define NOTES_MAX 4096
/* A function written in assembly may have no size: it ends at the next, or here. */
#define UNSIZED_MAX 4096
/* How far back a function may begin that holds an address behind the beginning of a smaller one. */
#define LOOK_BACK 16

/* Both classes of files in one form. */
struct header {
	bool wide;
	u64 segments, sections;
	u32 segment_count, section_count;
};
struct section {
	u32 type, link;
	u64 offset, size;
};

static bool read_at(const struct image *i, u64 offset, void *to, size_t size)
{
	size_t done = 0;

	if (i->memory) {
		if (offset > i->size || size > i->size - offset)
			return false;
		memcpy(to, i->memory + offset, size);
		return true;
	}
	if (offset > INT64_MAX - size)
		return false;
	while (done < size) {
		ssize_t n = pread(i->fd, (char *)to + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static bool read_header(const struct image *i, struct header *ret)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf64_Ehdr h64;
		Elf32_Ehdr h32;
	} u = {};
	const u16 order = 1;
	bool little = *(const u8 *)&order == 1;

	if (!read_at(i, 0, &u.h32, sizeof(u.h32)) || memcmp(u.ident, ELFMAG, SELFMAG) ||
	    u.ident[EI_DATA] != (little ? ELFDATA2LSB : ELFDATA2MSB))
		return false;
	ret->wide = u.ident[EI_CLASS] == ELFCLASS64;
	if (ret->wide && !read_at(i, 0, &u.h64, sizeof(u.h64)))
		return false;
#define TAKE(h, phdr, shdr)                                                             \
	do {                                                                            \
		ret->segments = (h).e_phoff;                                            \
		ret->segment_count = (h).e_phentsize == sizeof(phdr) ? (h).e_phnum : 0; \
		ret->sections = (h).e_shoff;                                            \
		ret->section_count = (h).e_shentsize == sizeof(shdr) ? (h).e_shnum : 0; \
	} while (0)
	if (ret->wide)
		TAKE(u.h64, Elf64_Phdr, Elf64_Shdr);
	else
		TAKE(u.h32, Elf32_Phdr, Elf32_Shdr);
#undef TAKE
	return true;
}

static bool read_segment(const struct image *i, const struct header *h, u32 n, Elf64_Phdr *ret)
{
	Elf32_Phdr p;

	if (h->wide)
		return read_at(i, h->segments + (u64)n * sizeof(*ret), ret, sizeof(*ret));
	if (!read_at(i, h->segments + (u64)n * sizeof(p), &p, sizeof(p)))
		return false;
	*ret = (Elf64_Phdr){ .p_type = p.p_type,
			     .p_flags = p.p_flags,
			     .p_offset = p.p_offset,
			     .p_vaddr = p.p_vaddr,
			     .p_filesz = p.p_filesz };
	return true;
}

static bool read_section(const struct image *i, const struct header *h, u32 n, struct section *ret)
{
	Elf64_Shdr wide;
	Elf32_Shdr narrow;

	if (n >= h->section_count)
		return false;
	if (h->wide) {
		if (!read_at(i, h->sections + (u64)n * sizeof(wide), &wide, sizeof(wide)))
			return false;
		*ret = (struct section){ wide.sh_type, wide.sh_link, wide.sh_offset, wide.sh_size };
		return true;
	}
	if (!read_at(i, h->sections + (u64)n * sizeof(narrow), &narrow, sizeof(narrow)))
		return false;
	*ret = (struct section){ narrow.sh_type, narrow.sh_link, narrow.sh_offset, narrow.sh_size };
	return true;
}

static bool find_section(const struct image *i, const struct header *h, u32 type,
			 struct section *ret)
{
	for (u32 n = 0; n < h->section_count; n++) {
		struct section s;

		if (!read_section(i, h, n, &s))
			return false;
		if (s.type == type) {
			*ret = s;
			return true;
		}
	}
	return false;
}

/* ---- symbols ----------------------------------------------------------------------------- */

static int add_function(struct elf_file *f, const Elf64_Sym *s, size_t bytes_max)
{
	unsigned type = ELF64_ST_TYPE(s->st_info), binding = ELF64_ST_BIND(s->st_info);
	int err;

	if ((type != STT_FUNC && type != STT_GNU_IFUNC) || s->st_shndx == SHN_UNDEF || !s->st_name)
		return 0;
	if (elf_bytes(f) >= bytes_max)
		return -E2BIG; /* what is left out is shown by its address, never by a wrong name */
	err = grow(&f->functions, &f->capacity, f->count + 1, sizeof(*f->functions));
	if (err)
		return err;
	f->functions[f->count++] = (struct function){
		.start = s->st_value,
		.size = (u32)MIN(s->st_size, (u64)(1U << 30) - 1) & ((1U << 30) - 1),
		.rank = binding == STB_GLOBAL ? 0
			: binding == STB_WEAK ? 1
					      : 2,
		.name = s->st_name,
	};
	return 0;
}

static int read_symbols(struct elf_file *f, const struct image *i, const struct header *h,
			const struct section *table, size_t bytes_max)
{
	union {
		Elf64_Sym wide[CHUNK / sizeof(Elf64_Sym)];
		Elf32_Sym narrow[CHUNK / sizeof(Elf32_Sym)];
	} chunk;
	const size_t size = h->wide ? sizeof(chunk.wide[0]) : sizeof(chunk.narrow[0]);
	u64 left = MIN(table->size / size, (u64)SYMBOLS_MAX), at = table->offset;
	int err = 0;

	while (left && !err) {
		size_t n = (size_t)MIN(left, CHUNK / size);

		if (!read_at(i, at, &chunk, n * size))
			return 0;
		for (size_t k = 0; k < n && !err; k++) {
			const Elf32_Sym *s = &chunk.narrow[k];

			err = add_function(f,
					   h->wide ? &chunk.wide[k]
						   : &(Elf64_Sym){ s->st_name, s->st_info,
								   s->st_other, s->st_shndx,
								   s->st_value, s->st_size },
					   bytes_max);
		}
		left -= n;
		at += n * size;
	}
	return err == -E2BIG ? 0 : err;
}

/* Takes the functions of a symbol table of this type, if there is one that has any. 1: taken. */
static int take_table(struct elf_file *f, const struct image *i, const struct header *h, u32 type,
		      size_t bytes_max)
{
	struct section table, strings;
	int err;

	if (!find_section(i, h, type, &table) || !read_section(i, h, table.link, &strings))
		return 0;
	err = read_symbols(f, i, h, &table, bytes_max);
	if (err)
		return err;
	f->strings = strings.offset;
	f->strings_size = strings.size;
	return f->count != 0;
}

/* ---- separate debug files ---------------------------------------------------------------- */

/* Looks through notes for the build id; its length, 0 when there is none. */
static size_t id_in_notes(const u8 *notes, size_t len, u8 id[BUILD_ID_MAX])
{
	while (len >= sizeof(Elf64_Nhdr)) { /* the same for both classes */
		Elf64_Nhdr n;
		u64 name, desc;

		memcpy(&n, notes, sizeof(n));
		name = ((u64)n.n_namesz + 3) & ~3ULL;
		desc = ((u64)n.n_descsz + 3) & ~3ULL;
		if (name + n.n_descsz > len - sizeof(n))
			return 0;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
		    !memcmp(notes + sizeof(n), "GNU", 4) && n.n_descsz > 1 &&
		    n.n_descsz <= BUILD_ID_MAX) {
			memcpy(id, notes + sizeof(n) + name, n.n_descsz);
			return n.n_descsz;
		}
		if (name + desc > len - sizeof(n))
			return 0;
		notes += sizeof(n) + name + desc;
		len -= sizeof(n) + name + desc;
	}
	return 0;
}

static size_t build_id(const struct image *i, const struct header *h, u8 id[BUILD_ID_MAX])
{
	for (u32 n = 0; n < h->segment_count; n++) {
		u8 notes[NOTES_MAX];
		Elf64_Phdr p;
		size_t len;

		if (!read_segment(i, h, n, &p))
			break;
		if (p.p_type != PT_NOTE || p.p_filesz > sizeof(notes) ||
		    !read_at(i, p.p_offset, notes, p.p_filesz))
			continue;
		len = id_in_notes(notes, p.p_filesz, id);
		if (len)
			return len;
	}
	return 0;
}

/* Opens usr/lib/debug/.build-id/ab/cdef....debug; false when there is none. */
static bool open_debug(const char *root, const u8 *id, size_t len, struct image *ret)
{
	char path[PATH_SIZE];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/usr/lib/debug/.build-id/%02x/", root, id[0]);

	if (n < 0 || (size_t)n + 2 * len + sizeof(".debug") > sizeof(path))
		return false;
	for (size_t i = 1; i < len; i++)
		n += snprintf(path + n, sizeof(path) - (size_t)n, "%02x", id[i]);
	snprintf(path + n, sizeof(path) - (size_t)n, ".debug");
	*ret = (struct image){ .fd = open_regular(path, &st) };
	return ret->fd >= 0;
}

/*
 * The debug file's functions, in the same addresses as the file's own. 1: taken, and its image is
 * the one to read names from.
 */
static int take_debug(struct elf_file *f, const char *root, size_t bytes_max)
{
	struct header debug_header;
	struct image debug;
	int taken;

	if (!f->build_id_size || !open_debug(root, f->build_id, f->build_id_size, &debug))
		return 0;
	taken = read_header(&debug, &debug_header)
			? take_table(f, &debug, &debug_header, SHT_SYMTAB, bytes_max)
			: 0;
	if (taken <= 0) {
		close(debug.fd);
		return taken;
	}
	if (f->image.fd >= 0)
		close(f->image.fd);
	f->image = debug;
	return 1;
}

/* ---- loading ----------------------------------------------------------------------------- */

static void read_segments(struct elf_file *f, const struct header *h)
{
	for (u32 n = 0; n < h->segment_count && f->segment_count < SEGMENTS_MAX; n++) {
		Elf64_Phdr p;

		if (!read_segment(&f->image, h, n, &p))
			break;
		if (p.p_type == PT_LOAD && p.p_flags & PF_X)
			f->segments[f->segment_count++] =
				(struct segment){ p.p_offset, p.p_filesz, p.p_vaddr };
	}
}

static int by_start(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

int elf_load(struct image image, const char *debug_root, size_t bytes_max, struct elf_file **ret)
{
	struct elf_file *f = calloc(1, sizeof(*f));
	struct header h;
	int taken = 0;

	if (!f) {
		if (image.fd >= 0)
			close(image.fd);
		return fail(-ENOMEM, "out of memory");
	}
	f->image = image;
	if (read_header(&image, &h)) {
		read_segments(f, &h);
		f->build_id_size = build_id(&f->image, &h, f->build_id);
		taken = take_table(f, &f->image, &h, SHT_SYMTAB, bytes_max);
		if (!taken)
			taken = take_debug(f, debug_root, bytes_max);
		if (!taken)
			taken = take_table(f, &f->image, &h, SHT_DYNSYM, bytes_max);
	}
	if (taken < 0) {
		elf_free(f);
		return taken;
	}
	if (f->count) {
		void *exact = realloc(f->functions, f->count * sizeof(*f->functions));

		f->functions = exact ? exact : f->functions;
		f->capacity = exact ? f->count : f->capacity;
		qsort(f->functions, f->count, sizeof(*f->functions), by_start);
	}
	*ret = f;
	return 0;
}

void elf_free(struct elf_file *f)
{
	if (!f)
		return;
	if (f->image.fd >= 0)
		close(f->image.fd);
	free(f->functions);
	free(f);
}

/* ---- lookup ------------------------------------------------------------------------------ */

bool elf_address(const struct elf_file *f, u64 offset, u64 *ret)
{
	for (unsigned i = 0; i < f->segment_count; i++) {
		const struct segment *s = &f->segments[i];

		if (offset >= s->offset && offset - s->offset < s->size) {
			*ret = offset - s->offset + s->address;
			return true;
		}
	}
	return false;
}

static bool holds(const struct elf_file *f, size_t i, u64 address)
{
	const struct function *fn = &f->functions[i];

	/* Without a size the search has found it because no other begins between. */
	return address - fn->start < (fn->size ? fn->size : UNSIZED_MAX);
}

static size_t read_name(const struct elf_file *f, const struct function *fn, char name[STRING_MAX])
{
	const char *version;
	size_t n, len;

	if (fn->name >= f->strings_size)
		return 0;
	n = (size_t)MIN((u64)STRING_MAX, f->strings_size - fn->name);
	if (!read_at(&f->image, f->strings + fn->name, name, n))
		return 0;
	len = strnlen(name, n);
	version = len > 1 ? memchr(name + 1, '@', len - 1) : NULL; /* "fclose@@GLIBC_2.2.5" */
	return version ? (size_t)(version - name) : len;
}

static size_t underscores(const char *name, size_t len)
{
	size_t n = 0;

	while (n < len && name[n] == '_')
		n++;
	return n;
}

struct alias {
	char name[STRING_MAX];
	size_t len; /* 0: none yet */
	bool is_local;
};

static bool is_better(const struct alias *a, const struct alias *than)
{
	size_t mine, theirs;

	if (!a->len || !than->len)
		return a->len;
	if (a->is_local != than->is_local)
		return than->is_local;
	mine = underscores(a->name, a->len);
	theirs = underscores(than->name, than->len);
	return mine == theirs ? a->len < than->len : mine < theirs;
}

/*
 * Of the names of one place, the one that people use: "read", not "__read" or "__libc_read";
 * "open", not "open64".
 */
static void best_name(const struct elf_file *f, size_t i, struct buf *out)
{
	u64 start = f->functions[i].start;
	struct alias alias, best = {};
	size_t end;

	while (i && f->functions[i - 1].start == start)
		i--;
	end = MIN(f->count, i + LOOK_BACK);
	for (; i < end && f->functions[i].start == start; i++) {
		alias.is_local = f->functions[i].rank == 2;
		alias.len = read_name(f, &f->functions[i], alias.name);
		if (is_better(&alias, &best))
			best = alias;
	}
	buf_add(out, best.name, best.len);
}

bool elf_name(const struct elf_file *f, u64 address, struct buf *name, u64 *ret_start)
{
	size_t low = 0, high = f->count, first;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->functions[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	first = low > LOOK_BACK ? low - LOOK_BACK : 0;
	for (size_t i = low; i-- > first;) {
		if (!holds(f, i, address) ||
		    (!f->functions[i].size && f->functions[i].start != f->functions[low - 1].start))
			continue;
		buf_clear(name);
		best_name(f, i, name);
		*ret_start = f->functions[i].start;
		return name->len;
	}
	return false;
}
