// SPDX-License-Identifier: Apache-2.0
/*
 * Source lines of programs: .debug_line of DWARF 2 to 5. Its tables are run through one after the
 * other, each a small machine that counts addresses and lines; what is looked for is the lowest
 * address at which a statement of the line begins. As everywhere, the bytes are whatever somebody
 * put there.
 */
#include "lang/types/dwarf.h"

#define FILES_MAX 65536
#define FORMATS_MAX 16

struct reader {
	const u8 *start, *at, *end;
	bool bad;
};

struct header {
	u8 offset_size, version, address_size, minimum_length, line_range, opcode_base;
	u8 operations; /* of one instruction; VLIW only */
	bool is_statement;
	s8 line_base;
	const u8 *lengths; /* of the standard opcodes' operands */
	struct reader program;
};

struct search {
	const struct dwarf_section *sections;
	const char *file; /* as asked */
	u32 line;
	bool *matching; /* files of the table that are it, by number */
	size_t count, capacity;
	const char *folders[FORMATS_MAX * 16];
	u32 folder_count;
	bool file_found, found;
	u64 address;
};

static u64 take(struct reader *r, size_t size)
{
	u64 v = 0;

	if ((size_t)(r->end - r->at) < size || size > 8) {
		r->bad = true;
		r->at = r->end;
		return 0;
	}
	memcpy(&v, r->at, size);
	r->at += size;
	return v;
}

static u64 take_leb(struct reader *r, bool is_signed)
{
	unsigned shift = 0;
	u64 v = 0;
	u8 byte;

	do {
		byte = (u8)take(r, 1);
		if (shift < 64)
			v |= (u64)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !r->bad);
	if (is_signed && shift < 64 && byte & 0x40)
		v |= ~0ULL << shift;
	return v;
}

static void skip(struct reader *r, u64 size)
{
	if ((u64)(r->end - r->at) < size)
		r->bad = true;
	r->at += MIN(size, (u64)(r->end - r->at));
}

static const char *take_string(struct reader *r)
{
	const u8 *nul = memchr(r->at, '\0', r->end - r->at);
	const char *text = (const char *)r->at;

	if (!nul) {
		r->bad = true;
		r->at = r->end;
		return "";
	}
	r->at = nul + 1;
	return text;
}

static const char *text_at(const struct dwarf_section *s, u64 offset)
{
	if (offset >= s->len || !memchr(s->bytes + offset, '\0', s->len - offset))
		return "";
	return (const char *)s->bytes + offset;
}

/* ---- files --------------------------------------------------------------------------------- */

/* Is @asked the path, or its end behind a slash? */
static bool is_file(const char *folder, const char *name, const char *asked)
{
	char path[4096];
	size_t len, want = strlen(asked);
	int n;

	if (*name == '/' || !*folder)
		n = snprintf(path, sizeof(path), "%s", name);
	else
		n = snprintf(path, sizeof(path), "%s/%s", folder, name);
	len = n < 0 ? 0 : MIN((size_t)n, sizeof(path) - 1);
	if (want > len || strcmp(path + len - want, asked) != 0)
		return false;
	return want == len || path[len - want - 1] == '/' || *asked == '/';
}

static void add_file(struct search *s, u64 folder, const char *name)
{
	bool is = is_file(folder < s->folder_count ? s->folders[folder] : "", name, s->file);

	if (s->count >= FILES_MAX || grow(&s->matching, &s->capacity, s->count + 1, sizeof(bool)))
		return;
	s->matching[s->count++] = is;
	s->file_found = s->file_found || is;
}

static void add_folder(struct search *s, const char *name)
{
	if (s->folder_count < ARRAY_SIZE(s->folders))
		s->folders[s->folder_count++] = name;
}

/* DWARF 2 to 4: folders, an empty one, files, an empty one; both are counted from 1. */
static void old_files(struct search *s, struct reader *r)
{
	const char *name;
	u64 folder;

	add_folder(s, "");
	add_file(s, 0, "");
	while (*(name = take_string(r)))
		add_folder(s, name);
	while (*(name = take_string(r))) {
		folder = take_leb(r, false);
		take_leb(r, false);
		take_leb(r, false);
		add_file(s, folder, name);
	}
}

struct entry {
	const char *name;
	u64 folder;
};

/* One attribute of an entry of DWARF 5: 1 is its name, 2 its folder. */
static void take_attribute(struct search *s, const struct header *h, struct reader *r, u64 type,
			   u64 form, struct entry *e)
{
	const char *text = NULL;
	u64 value = 0;

	switch (form) {
	case 0x08:
		text = take_string(r);
		break;
	case 0x0e:
		text = text_at(&s->sections[DWARF_STR], take(r, h->offset_size));
		break;
	case 0x1f:
		text = text_at(&s->sections[DWARF_LINE_STR], take(r, h->offset_size));
		break;
	case 0x0b:
		value = take(r, 1);
		break;
	case 0x05:
		value = take(r, 2);
		break;
	case 0x06:
		value = take(r, 4);
		break;
	case 0x07:
		value = take(r, 8);
		break;
	case 0x0f:
		value = take_leb(r, false);
		break;
	case 0x1e: /* an MD5 sum */
		skip(r, 16);
		break;
	case 0x09: /* a block */
		skip(r, take_leb(r, false));
		break;
	default:
		r->bad = true;
	}
	if (type == 1 && text)
		e->name = text;
	if (type == 2)
		e->folder = value;
}

static void new_list(struct search *s, const struct header *h, struct reader *r, bool files)
{
	u64 types[FORMATS_MAX], forms[FORMATS_MAX], count;
	u8 formats = (u8)take(r, 1);

	if (formats > FORMATS_MAX)
		r->bad = true;
	for (u8 i = 0; i < formats && !r->bad; i++) {
		types[i] = take_leb(r, false);
		forms[i] = take_leb(r, false);
	}
	count = take_leb(r, false);
	for (u64 n = 0; n < count && !r->bad && formats; n++) {
		struct entry e = { .name = "" };

		for (u8 i = 0; i < formats && !r->bad; i++)
			take_attribute(s, h, r, types[i], forms[i], &e);
		if (files)
			add_file(s, e.folder, e.name);
		else
			add_folder(s, e.name);
	}
}

/* ---- tables -------------------------------------------------------------------------------- */

/* @r stands at a table, and is left behind it; false: it is none that can be read. */
static bool read_header(struct search *s, struct reader *r, struct header *h)
{
	struct reader table;
	u64 len = take(r, 4), header_len, version;
	const u8 *program;

	*h = (struct header){ .offset_size = 4, .operations = 1, .address_size = 8 };
	if (len == 0xffffffff) {
		h->offset_size = 8;
		len = take(r, 8);
	}
	table = (struct reader){ r->start, r->at, r->at, false };
	skip(r, len);
	table.end = r->at;
	if (r->bad)
		return false;
	version = take(&table, 2);
	if (version < 2 || version > 5)
		return false;
	h->version = (u8)version;
	if (h->version == 5) {
		h->address_size = (u8)take(&table, 1);
		take(&table, 1);
	}
	header_len = take(&table, h->offset_size);
	if (table.bad || header_len > (u64)(table.end - table.at))
		return false;
	program = table.at + header_len;
	h->minimum_length = (u8)take(&table, 1);
	if (h->version >= 4)
		h->operations = (u8)take(&table, 1);
	h->is_statement = take(&table, 1);
	h->line_base = (s8)take(&table, 1);
	h->line_range = (u8)take(&table, 1);
	h->opcode_base = (u8)take(&table, 1);
	h->lengths = table.at;
	skip(&table, h->opcode_base ? h->opcode_base - 1 : 0);
	h->program = (struct reader){ r->start, program, table.end, false };
	table.end = program;
	if (table.bad || !h->line_range || table.at > program)
		return false;
	s->count = s->folder_count = 0;
	if (h->version < 5) {
		old_files(s, &table);
	} else {
		new_list(s, h, &table, false);
		new_list(s, h, &table, true);
	}
	return true;
}

struct machine {
	u64 address, file;
	s64 line;
	bool is_statement;
};

static void row(struct search *s, const struct machine *m)
{
	if (!m->is_statement || m->line != (s64)s->line || m->file >= s->count ||
	    !s->matching[m->file] || !m->address)
		return;
	if (!s->found || m->address < s->address)
		s->address = m->address;
	s->found = true;
}

static void reset(struct machine *m, const struct header *h)
{
	*m = (struct machine){ .file = 1, .line = 1, .is_statement = h->is_statement };
}

static void extended(struct header *h, struct machine *m)
{
	struct reader *r = &h->program;
	u64 len = take_leb(r, false);
	const u8 *next = r->at + MIN(len, (u64)(r->end - r->at));

	switch (len ? take(r, 1) : 0) {
	case 1: /* the end of a sequence */
		reset(m, h);
		break;
	case 2:
		m->address = take(r, MIN(len - 1, 8ULL));
		break;
	}
	r->at = next;
}

static void standard(struct search *s, struct header *h, struct machine *m, u8 opcode)
{
	struct reader *r = &h->program;

	switch (opcode) {
	case 1: /* copy */
		row(s, m);
		break;
	case 2: /* advance_pc */
		m->address += take_leb(r, false) * h->minimum_length;
		break;
	case 3: /* advance_line */
		m->line += (s64)take_leb(r, true);
		break;
	case 4: /* set_file */
		m->file = take_leb(r, false);
		break;
	case 6: /* negate_stmt */
		m->is_statement = !m->is_statement;
		break;
	case 8: /* const_add_pc */
		m->address += (255U - h->opcode_base) / h->line_range * h->minimum_length;
		break;
	case 9: /* fixed_advance_pc */
		m->address += take(r, 2);
		break;
	default:
		for (u8 n = h->lengths[opcode - 1]; n && !r->bad; n--)
			take_leb(r, false);
	}
}

static void run_table(struct search *s, struct header *h)
{
	struct machine m;

	reset(&m, h);
	while (h->program.at < h->program.end && !h->program.bad) {
		u8 opcode = (u8)take(&h->program, 1);

		if (!opcode) {
			extended(h, &m);
		} else if (opcode < h->opcode_base) {
			standard(s, h, &m, opcode);
		} else {
			opcode = (u8)(opcode - h->opcode_base);
			m.address += (u64)(opcode / h->line_range) * h->minimum_length;
			m.line += h->line_base + opcode % h->line_range;
			row(s, &m);
		}
	}
}

static bool any_matches(const struct search *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->matching[i])
			return true;
	return false;
}

int dwarf_line_find(const struct dwarf_section *sections, const char *file, u32 line, u64 *ret)
{
	struct search s = { .sections = sections, .file = file, .line = line };
	const struct dwarf_section *lines = &sections[DWARF_LINE];
	struct reader r = { lines->bytes, lines->bytes, lines->bytes + lines->len, false };
	struct header h;

	while (r.at < r.end && !r.bad && *file)
		if (read_header(&s, &r, &h) && any_matches(&s))
			run_table(&s, &h);
	free(s.matching);
	if (!s.file_found)
		return fail(-ENOENT, "DWARF error: No compilation unit matches %s", file);
	if (!s.found)
		return fail(-ENOENT, "DWARF error: Unable to map '%s:%u' to address", file, line);
	*ret = s.address;
	return 0;
}

int type_source_line(const char *path, const char *file, u32 line, u64 *ret)
{
	struct dwarf_section sections[DWARF_SECTIONS];
	struct dwarf_file *f;
	int err = dwarf_file_open(path, &f, sections);

	if (err)
		return err;
	err = dwarf_line_find(sections, file, line, ret);
	dwarf_file_free(f);
	return err;
}
