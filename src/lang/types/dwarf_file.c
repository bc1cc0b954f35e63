// SPDX-License-Identifier: Apache-2.0
/*
 * Where a program's debug information is: in itself, or in a file of its own that its build id or
 * its .gnu_debuglink names.
 */
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>

#include "lang/types/dwarf.h"

#define SECTION_MAX ((size_t)1 << 31)
#define DEBUG_ROOT "/usr/lib/debug"

struct dwarf_file {
	Elf *elf;
	int fd;
};

static const char *const names[] = {
	[DWARF_INFO] = ".debug_info",
	[DWARF_ABBREV] = ".debug_abbrev",
	[DWARF_STR] = ".debug_str",
	[DWARF_LINE_STR] = ".debug_line_str",
	[DWARF_STR_OFFSETS] = ".debug_str_offsets",
	[DWARF_LINE] = ".debug_line",
};

void dwarf_file_free(struct dwarf_file *f)
{
	if (!f)
		return;
	elf_end(f->elf);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

static void dwarf_file_freep(struct dwarf_file **f)
{
	dwarf_file_free(*f);
}

static int open_elf(const char *path, struct dwarf_file **ret)
{
	_cleanup_(dwarf_file_freep) struct dwarf_file *f = calloc(1, sizeof(*f));

	if (!f)
		return fail(-ENOMEM, "out of memory");
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0)
		return fail_errno(-errno, "%s", path);
	if (elf_version(EV_CURRENT) == EV_NONE)
		return fail(-EINVAL, "libelf is too old");
	f->elf = elf_begin(f->fd, ELF_C_READ, NULL);
	if (!f->elf || elf_kind(f->elf) != ELF_K_ELF)
		return fail(-ENOEXEC, "%s is no ELF file", path);
	*ret = TAKE_PTR(f);
	return 0;
}

static Elf_Scn *section_named(Elf *elf, const char *name)
{
	Elf_Scn *s = NULL;
	size_t strings;

	if (elf_getshdrstrndx(elf, &strings))
		return NULL;
	while ((s = elf_nextscn(elf, s))) {
		GElf_Shdr h;
		const char *its = gelf_getshdr(s, &h) ? elf_strptr(elf, strings, h.sh_name) : NULL;

		if (its && !strcmp(its, name))
			return s;
	}
	return NULL;
}

static void read_section(Elf *elf, const char *name, struct dwarf_section *ret)
{
	Elf_Scn *s = section_named(elf, name);
	Elf_Data *data;
	GElf_Chdr c;
	GElf_Shdr h;

	if (!s || !gelf_getshdr(s, &h) || h.sh_type == SHT_NOBITS || h.sh_size > SECTION_MAX)
		return;
	if (h.sh_flags & SHF_COMPRESSED &&
	    (!gelf_getchdr(s, &c) || c.ch_size > SECTION_MAX || elf_compress(s, 0, 0) < 0))
		return;
	data = elf_rawdata(s, NULL);
	if (data && data->d_buf)
		*ret = (struct dwarf_section){ data->d_buf, data->d_size };
}

static bool has_info(struct dwarf_file *f, struct dwarf_section sections[DWARF_SECTIONS])
{
	memset(sections, 0, DWARF_SECTIONS * sizeof(*sections));
	if (!section_named(f->elf, names[DWARF_INFO]))
		return false;
	for (size_t i = 0; i < DWARF_SECTIONS; i++) {
		sections[i].bytes = (const u8 *)""; /* of no bytes, when there is none */
		read_section(f->elf, names[i], &sections[i]);
	}
	return sections[DWARF_INFO].len && sections[DWARF_ABBREV].len;
}

/* "/usr/lib/debug/.build-id/ab/cdef....debug"; false: it has no build id. */
static bool path_by_id(Elf *elf, char *path, size_t size)
{
	struct dwarf_section note = {};
	size_t at, n;

	read_section(elf, ".note.gnu.build-id", &note);
	if (note.len < 16 + 2)
		return false;
	n = note.bytes[4] | note.bytes[5] << 8;
	if (n < 2 || n > 64 || note.len < 16 + n)
		return false;
	at = snprintf(path, size, DEBUG_ROOT "/.build-id/%02x/", note.bytes[16]);
	for (size_t i = 1; i < n && at < size; i++)
		at += snprintf(path + at, size - at, "%02x", note.bytes[16 + i]);
	if (at < size)
		snprintf(path + at, size - at, ".debug");
	return true;
}

static bool take(const char *path, struct dwarf_file **f,
		 struct dwarf_section sections[DWARF_SECTIONS])
{
	struct dwarf_file *other;

	if (access(path, R_OK) || open_elf(path, &other))
		return false;
	if (!has_info(other, sections)) {
		dwarf_file_free(other);
		return false;
	}
	dwarf_file_free(*f);
	*f = other;
	return true;
}

static bool find_beside(const char *path, struct dwarf_file **f,
			struct dwarf_section sections[DWARF_SECTIONS])
{
	struct dwarf_section link = {};
	char real[PATH_MAX], other[PATH_MAX * 2];
	char *slash;

	if (path_by_id((*f)->elf, other, sizeof(other)) && take(other, f, sections))
		return true;
	read_section((*f)->elf, ".gnu_debuglink", &link);
	if (!link.len || !memchr(link.bytes, '\0', link.len) ||
	    strchr((const char *)link.bytes, '/') || !realpath(path, real))
		return false;
	slash = strrchr(real, '/');
	*slash = '\0';
	for (size_t i = 0; i < 3; i++) {
		/* the program itself may be so called: then it has none, as was seen */
		snprintf(other, sizeof(other),
			 i == 0	  ? "%s/%s"
			 : i == 1 ? "%s/.debug/%s"
				  : DEBUG_ROOT "%s/%s",
			 real, (const char *)link.bytes);
		if (take(other, f, sections))
			return true;
	}
	return false;
}

int dwarf_file_open(const char *path, struct dwarf_file **ret,
		    struct dwarf_section sections[DWARF_SECTIONS])
{
	_cleanup_(dwarf_file_freep) struct dwarf_file *f = NULL;
	int err = open_elf(path, &f);

	if (err)
		return err;
	if (!has_info(f, sections) && !find_beside(path, &f, sections))
		return fail(-ENODATA, "%s has no debug information", path);
	*ret = TAKE_PTR(f);
	return 0;
}
