// SPDX-License-Identifier: Apache-2.0
/*
 * Entries of DWARF: units, their tables of abbreviations, attributes by their forms,. An
 * entry is named by its offset in .debug_info, and is read anew each time.
 */
#include "lang/types/dwarf.h"

#define UNITS_MAX 200000
#define ABBREVIATIONS_MAX 20000
#define WALK_DEPTH_MAX 200

struct cursor {
	const u8 *start, *at, *end;
	bool bad;
};

struct abbreviation {
	u32 code, tag;
	bool has_children;
	const u8 *attributes;
};

struct unit {
	u32 offset, first, end; /* of the header, of the first entry, behind the last */
	u32 abbreviations_at;
	u8 version, offset_size, address_size;
	u64 str_offsets;
	struct abbreviation *abbreviations;
	size_t count, capacity;
	bool read;
};

struct dwarf {
	struct dwarf_file *file;
	struct dwarf_section sections[DWARF_SECTIONS];
	struct unit *units;
	size_t unit_count, unit_capacity;
	struct dwarf_index *index; /* NULL: not made yet */
};

/* ---- bytes ----------------------------------------------------------------------------------- */

static u64 take(struct cursor *c, size_t size)
{
	u64 v = 0;

	if ((size_t)(c->end - c->at) < size || size > 8) {
		c->bad = true;
		c->at = c->end;
		return 0;
	}
	memcpy(&v, c->at, size); /* of this machine's byte order: so are its programs */
	c->at += size;
	return v;
}

static u64 take_leb(struct cursor *c, bool is_signed)
{
	u64 v = 0;
	unsigned shift = 0;
	u8 byte;

	do {
		if (c->at == c->end) {
			c->bad = true;
			return 0;
		}
		byte = *c->at++;
		if (shift < 64)
			v |= (u64)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && shift < 64 && byte & 0x40)
		v |= ~0ULL << shift;
	return v;
}

static u32 take_u32(struct cursor *c)
{
	u64 v = take_leb(c, false);

	return v > UINT32_MAX ? UINT32_MAX : v;
}

static void skip(struct cursor *c, u64 size)
{
	if ((u64)(c->end - c->at) < size) {
		c->bad = true;
		c->at = c->end;
		return;
	}
	c->at += size;
}

/* A text that ends within its section; NULL: it does not. */
static const char *text_at(const struct dwarf_section *s, u64 offset)
{
	if (offset >= s->len || !memchr(s->bytes + offset, '\0', s->len - offset))
		return NULL;
	return (const char *)s->bytes + offset;
}

/* ---- units ----------------------------------------------------------------------------------- */

static bool read_unit(const struct dwarf *d, u32 offset, struct unit *u)
{
	const struct dwarf_section *info = &d->sections[DWARF_INFO];
	struct cursor c = { info->bytes, info->bytes + offset, info->bytes + info->len, false };
	u64 len = take(&c, 4);
	u64 version;
	u8 type = 1;

	*u = (struct unit){ .offset = offset, .offset_size = 4 };
	if (len == 0xffffffff) {
		u->offset_size = 8;
		len = take(&c, 8);
	}
	if (c.bad || len > (u64)(c.end - c.at))
		return false;
	u->end = c.at + len - c.start;
	version = take(&c, 2);
	u->version = version > 255 ? 255 : version;
	if (u->version < 2 || u->version > 5)
		return !c.bad; /* walked past: it has no entries for us */
	if (u->version == 5) {
		type = take(&c, 1);
		u->address_size = take(&c, 1);
		u->abbreviations_at = take(&c, u->offset_size);
	} else {
		u->abbreviations_at = take(&c, u->offset_size);
		u->address_size = take(&c, 1);
	}
	if (type == 2 || type == 6) /* a type's unit */
		skip(&c, 8 + u->offset_size);
	else if (type == 4 || type == 5) /* a skeleton, split */
		skip(&c, 8);
	u->str_offsets = u->offset_size == 4 ? 8 : 16;
	u->first = c.at - c.start;
	return !c.bad && u->first <= u->end;
}

static int read_units(struct dwarf *d)
{
	size_t len = d->sections[DWARF_INFO].len;

	for (u32 at = 0; at + 11 < len && d->unit_count < UNITS_MAX;) {
		struct unit u;

		if (!read_unit(d, at, &u) || u.end <= at)
			break;
		if (grow(&d->units, &d->unit_capacity, d->unit_count + 1, sizeof(*d->units)))
			return fail(-ENOMEM, "out of memory");
		d->units[d->unit_count++] = u;
		at = u.end;
	}
	return d->unit_count ? 0 : fail(-ENODATA, "the debug information cannot be read");
}

static struct unit *unit_of(struct dwarf *d, u32 offset)
{
	size_t low = 0, high = d->unit_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		struct unit *u = &d->units[middle];

		if (offset < u->offset)
			high = middle;
		else if (offset >= u->end)
			low = middle + 1;
		else
			return u->first && offset >= u->first ? u : NULL;
	}
	return NULL;
}

static void read_abbreviations(struct dwarf *d, struct unit *u)
{
	const struct dwarf_section *s = &d->sections[DWARF_ABBREV];
	struct cursor c = { s->bytes, s->bytes + MIN(u->abbreviations_at, s->len),
			    s->bytes + s->len, false };

	u->read = true;
	while (!c.bad && u->count < ABBREVIATIONS_MAX) {
		struct abbreviation a = { .code = take_u32(&c) };
		u64 name, form;

		if (!a.code || c.bad)
			break;
		a.tag = take_u32(&c);
		a.has_children = take(&c, 1);
		a.attributes = c.at;
		do {
			name = take_leb(&c, false);
			form = take_leb(&c, false);
			if (form == 0x21)
				take_leb(&c, true);
		} while ((name || form) && !c.bad);
		if (c.bad ||
		    grow(&u->abbreviations, &u->capacity, u->count + 1, sizeof(*u->abbreviations)))
			break;
		u->abbreviations[u->count++] = a;
	}
}

static const struct abbreviation *abbreviation_of(struct dwarf *d, struct unit *u, u64 code)
{
	if (!u->read)
		read_abbreviations(d, u);
	/* compilers count from 1 */
	if (code && code <= u->count && u->abbreviations[code - 1].code == code)
		return &u->abbreviations[code - 1];
	for (size_t i = 0; i < u->count; i++)
		if (u->abbreviations[i].code == code)
			return &u->abbreviations[i];
	return NULL;
}

/* ---- attributes ------------------------------------------------------------------------------ */

struct attribute {
	u64 value;
	const char *text;
	bool is_reference, is_block;
};

static const char *indexed_text(const struct dwarf *d, const struct unit *u, u64 i)
{
	const struct dwarf_section *s = &d->sections[DWARF_STR_OFFSETS];
	struct cursor c = { s->bytes, s->bytes, s->bytes + s->len, false };
	u64 offset;

	if (i > s->len)
		return NULL;
	skip(&c, u->str_offsets + i * u->offset_size);
	offset = take(&c, u->offset_size);
	return c.bad ? NULL : text_at(&d->sections[DWARF_STR], offset);
}

/* DW_OP_plus_uconst N, as old compilers say a member's place. */
static u64 block_value(const u8 *bytes, u64 len)
{
	struct cursor c = { bytes, bytes + 1, bytes + len, false };

	return len > 1 && bytes[0] == 0x23 ? take_leb(&c, false) : 0;
}

static void take_block(struct cursor *c, u64 len, struct attribute *a)
{
	const u8 *bytes = c->at;

	skip(c, len);
	a->is_block = true;
	if (!c->bad)
		a->value = block_value(bytes, len);
}

static void take_text(const struct dwarf *d, const struct unit *u, struct cursor *c, u64 form,
		      struct attribute *a)
{
	const u8 *nul;

	switch (form) {
	case 0x08: /* string */
		nul = memchr(c->at, '\0', c->end - c->at);
		a->text = nul ? (const char *)c->at : NULL;
		skip(c, nul ? (u64)(nul - c->at + 1) : UINT64_MAX);
		break;
	case 0x0e: /* strp */
		a->text = text_at(&d->sections[DWARF_STR], take(c, u->offset_size));
		break;
	case 0x1f: /* line_strp */
		a->text = text_at(&d->sections[DWARF_LINE_STR], take(c, u->offset_size));
		break;
	case 0x1a: /* strx */
		a->text = indexed_text(d, u, take_leb(c, false));
		break;
	case 0x27: /* strx3 */
		a->value = take(c, 2);
		a->text = indexed_text(d, u, a->value | take(c, 1) << 16);
		break;
	default: /* strx1, strx2, strx4 */
		a->text = indexed_text(d, u, take(c, form == 0x25 ? 1 : form == 0x26 ? 2 : 4));
	}
}

/* What only must be walked past; -1: it is not such a form. */
static bool skip_form(const struct unit *u, struct cursor *c, u64 form)
{
	switch (form) {
	case 0x01: /* addr */
		skip(c, u->address_size);
		return true;
	case 0x1e: /* data16 */
		skip(c, 16);
		return true;
	case 0x1b: /* addrx, loclistx, rnglistx, GNU's */
	case 0x22:
	case 0x23:
	case 0x1f01:
	case 0x1f02:
		take_leb(c, false);
		return true;
	case 0x20: /* ref_sig8, ref_sup8 */
	case 0x24:
		skip(c, 8);
		return true;
	case 0x1c: /* ref_sup4 */
		skip(c, 4);
		return true;
	case 0x1d: /* strp_sup, GNU's */
	case 0x1f20:
	case 0x1f21:
		skip(c, u->offset_size);
		return true;
	case 0x29: /* addrx1 to 4 */
	case 0x2a:
	case 0x2b:
	case 0x2c:
		skip(c, form - 0x28);
		return true;
	}
	return false;
}

static void take_reference(const struct unit *u, struct cursor *c, u64 form, struct attribute *a)
{
	static const u8 sizes[] = { 1, 2, 4, 8 };

	a->is_reference = true;
	if (form == 0x10) {
		a->value = take(c, u->version == 2 ? u->address_size : u->offset_size);
		return;
	}
	a->value = form == 0x15 ? take_leb(c, false) : take(c, sizes[form - 0x11]);
	a->value += u->offset;
}

static void take_form(const struct dwarf *d, const struct unit *u, struct cursor *c, u64 form,
		      struct attribute *a)
{
	for (int i = 0; form == 0x16 && i < 4; i++) /* indirect */
		form = take_leb(c, false);
	if (form == 0x0b || form == 0x0c)
		a->value = take(c, 1);
	else if (form == 0x05)
		a->value = take(c, 2);
	else if (form == 0x06)
		a->value = take(c, 4);
	else if (form == 0x07)
		a->value = take(c, 8);
	else if (form == 0x0d || form == 0x0f)
		a->value = take_leb(c, form == 0x0d);
	else if (form == 0x17)
		a->value = take(c, u->offset_size);
	else if (form == 0x19)
		a->value = 1;
	else if (form == 0x0a)
		take_block(c, take(c, 1), a);
	else if (form == 0x03)
		take_block(c, take(c, 2), a);
	else if (form == 0x04)
		take_block(c, take(c, 4), a);
	else if (form == 0x09 || form == 0x18)
		take_block(c, take_leb(c, false), a);
	else if (form >= 0x10 && form <= 0x15)
		take_reference(u, c, form, a);
	else if (form == 0x08 || form == 0x0e || form == 0x1f || form == 0x1a ||
		 (form >= 0x25 && form <= 0x28))
		take_text(d, u, c, form, a);
	else if (!skip_form(u, c, form))
		c->bad = true;
}

/* A constant of fewer bytes than its type may be negative; which, its form does not say. */
static void set(struct dwarf_entry *e, u64 name, const struct attribute *a)
{
	u32 reference = a->is_reference && a->value <= UINT32_MAX ? a->value : 0;

	switch (name) {
	case 0x01:
		e->sibling = reference;
		break;
	case 0x03:
		e->name = a->text;
		break;
	case 0x0b:
		e->size = a->value;
		break;
	case 0x0c:
		e->old_bit_offset = a->value;
		e->has_old_bit_offset = true;
		break;
	case 0x0d:
		e->bit_size = a->value;
		break;
	case 0x1c:
		e->value = (s64)a->value;
		break;
	case 0x2f:
		e->upper_bound = (s64)a->value;
		e->has_upper_bound = !a->is_block && !a->is_reference;
		break;
	case 0x31:
		e->origin = reference;
		break;
	case 0x37:
		e->count = a->value;
		e->has_count = !a->is_block && !a->is_reference;
		break;
	case 0x38:
		e->location = a->value;
		break;
	case 0x3c:
		e->is_declaration = a->value;
		break;
	case 0x3e:
		e->encoding = a->value;
		break;
	case 0x47:
		e->specification = reference;
		break;
	case 0x49:
		e->type = reference;
		break;
	case 0x6b:
		e->data_bit_offset = a->value;
		e->has_data_bit_offset = true;
		break;
	case 0x6e:
		e->linkage_name = a->text;
		break;
	}
}

static bool entry_in(struct dwarf *d, struct unit *u, u32 offset, struct dwarf_entry *ret)
{
	const u8 *bytes = d->sections[DWARF_INFO].bytes;
	struct cursor c = { bytes, bytes + offset, bytes + u->end, false }, names;
	const struct dwarf_section *s = &d->sections[DWARF_ABBREV];
	const struct abbreviation *a;

	*ret = (struct dwarf_entry){ .offset = offset };
	a = abbreviation_of(d, u, take_leb(&c, false));
	ret->after = c.at - c.start;
	if (!a)
		return false; /* 0: the end of a list */
	ret->tag = a->tag;
	names = (struct cursor){ s->bytes, a->attributes, s->bytes + s->len, false };
	for (;;) {
		u64 name = take_leb(&names, false), form = take_leb(&names, false);
		struct attribute value = {};

		if (!name && !form)
			break;
		if (form == 0x21) /* implicit_const */
			value.value = take_leb(&names, true);
		else
			take_form(d, u, &c, form, &value);
		if (c.bad || names.bad)
			return false;
		if (name == 0x72 && a->tag == 0x11) /* str_offsets_base, of the unit's own entry */
			u->str_offsets = value.value;
		set(ret, name, &value);
	}
	ret->after = c.at - c.start;
	ret->children = a->has_children ? ret->after : 0;
	return true;
}

bool dwarf_entry(struct dwarf *d, u32 offset, struct dwarf_entry *ret)
{
	struct unit *u = unit_of(d, offset);

	return u && entry_in(d, u, offset, ret);
}

bool dwarf_first(struct dwarf *d, const struct dwarf_entry *of, struct dwarf_entry *ret)
{
	return of->children && dwarf_entry(d, of->children, ret);
}

/* Behind an entry and all below it. */
static u32 behind(struct dwarf *d, struct unit *u, const struct dwarf_entry *of)
{
	struct dwarf_entry e = *of;
	u32 at = of->after, depth = 1;

	if (!of->children)
		return of->after;
	if (of->sibling > of->after && of->sibling < u->end)
		return of->sibling;
	while (depth && at < u->end && depth < WALK_DEPTH_MAX) {
		if (!entry_in(d, u, at, &e)) {
			if (d->sections[DWARF_INFO].bytes[at])
				return 0; /* not the end of a list: damaged */
			depth--;
			at++;
			continue;
		}
		if (e.children && e.sibling > e.after && e.sibling < u->end) {
			at = e.sibling;
			continue;
		}
		depth += !!e.children;
		at = e.after;
	}
	return depth ? 0 : at;
}

bool dwarf_next(struct dwarf *d, const struct dwarf_entry *of, struct dwarf_entry *ret)
{
	struct unit *u = unit_of(d, of->offset);
	u32 at = u ? behind(d, u, of) : 0;

	return at > of->offset && at < u->end && entry_in(d, u, at, ret);
}

size_t dwarf_unit_count(const struct dwarf *d)
{
	return d->unit_count;
}

bool dwarf_unit_entry(struct dwarf *d, size_t i, struct dwarf_entry *ret)
{
	return d->units[i].first && dwarf_entry(d, d->units[i].first, ret);
}

struct dwarf_index **dwarf_index_of(struct dwarf *d)
{
	return &d->index;
}

void dwarf_free(struct dwarf *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->unit_count; i++)
		free(d->units[i].abbreviations);
	free(d->units);
	dwarf_index_free(d->index);
	dwarf_file_free(d->file);
	free(d);
}

int dwarf_open(const char *path, struct dwarf **ret)
{
	struct dwarf *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return fail(-ENOMEM, "out of memory");
	err = dwarf_file_open(path, &d->file, d->sections);
	if (!err)
		err = read_units(d);
	if (err) {
		dwarf_free(d);
		return err;
	}
	*ret = d;
	return 0;
}
