// SPDX-License-Identifier: Apache-2.0
/*
 * Values out of records, and values as text. This runs for every column of every event that a sink
 * shows: no allocation, no copy; text is borrowed from the record, numbers are loaded by size.
 */
#include "event/schema.h"

#include <arpa/inet.h>

static inline u64 load_unsigned(const u8 *p, u32 size)
{
	u64 v8 = 0;
	u32 v4;
	u16 v2;

	switch (size) {
	case 8:
		memcpy(&v8, p, 8);
		return v8;
	case 4:
		memcpy(&v4, p, 4);
		return v4;
	case 2:
		memcpy(&v2, p, 2);
		return v2;
	case 1:
		return *p;
	default: /* a histogram's or an address's bytes are never loaded */
		return 0;
	}
}

static inline s64 load_signed(const u8 *p, u32 size)
{
	unsigned shift = 64 - 8 * (size <= 8 ? size : 8);

	return (s64)(load_unsigned(p, size) << shift) >> shift;
}

static u64 record_time(const struct record *r)
{
	return load_unsigned(r->data + offsetof(struct record_header, time), 8);
}

int record_check(const struct schema *s, const void *data, size_t size)
{
	const u8 *bytes = data;

	if (size < s->fixed_size || size < sizeof(struct record_header))
		return fail(-EBADMSG, "%s: a record of %zu bytes, at least %u are needed", s->name,
			    size, s->fixed_size);
	for (size_t i = 0; i < s->stored; i++) {
		const struct column *c = &s->columns[i];
		u32 offset, length;

		if (!c->in_tail)
			continue;
		offset = (u32)load_unsigned(bytes + c->offset, 2);
		length = (u32)load_unsigned(bytes + c->offset + 2, 2);
		if (length && (offset < s->fixed_size || offset + length > size))
			return fail(
				-EBADMSG,
				"%s: column %s points outside its record (%u + %u of %zu bytes)",
				s->name, c->name, offset, length, size);
	}
	return 0;
}

static void text_value(const struct column *c, const struct record *r, struct value *ret)
{
	const char *bytes = (const char *)r->data + c->offset;
	size_t len = c->size;

	if (c->in_tail) {
		bytes = (const char *)r->data + load_unsigned(r->data + c->offset, 2);
		len = load_unsigned(r->data + c->offset + 2, 2);
	}
	ret->class = c->kind->class;
	ret->text.bytes = bytes;
	ret->text.len = len;
	if (c->kind->class == VALUE_TEXT)
		ret->text.len = strnlen(bytes, len);
	else if (len && !bytes[len - 1])
		ret->text.len = len - 1; /* the last word's NUL separates nothing */
}

static void stack_value(const struct column *c, const struct record *r, struct value *ret,
			struct buf *scratch)
{
	bool user = !strcmp(c->kind->name, "user_stack");
	s64 id;

	if (c->in_tail) { /* from the store: resolved when it was kept */
		text_value(c, r, ret);
		return;
	}
	id = load_signed(r->data + c->offset, c->size);
	ret->class = VALUE_NONE;
	if (id < 0 || !r->stacks)
		return;
	buf_clear(scratch);
	if (r->stacks->read(r->stacks, r, id, user, scratch))
		return;
	ret->class = VALUE_STACK;
	ret->text.bytes = buf_str(scratch);
	ret->text.len = scratch->len;
}

static void virtual_value(const struct column *c, const struct record *r, struct value *ret,
			  struct buf *scratch)
{
	struct value from = {};

	buf_clear(scratch);
	ret->class = VALUE_NONE;
	if (c->from)
		column_value(c->from, r, &from, scratch);
	c->compute(c->compute_context, r, c->from ? &from : NULL, ret, scratch);
}

void column_value(const struct column *c, const struct record *r, struct value *ret,
		  struct buf *scratch)
{
	const u8 *p = r->data + c->offset;

	if (c->compute) {
		virtual_value(c, r, ret, scratch);
		return;
	}
	ret->class = c->kind->class;
	switch (c->kind->class) {
	case VALUE_UNSIGNED:
		ret->u = load_unsigned(p, c->size);
		if (c->is_time) /* the kernel's clock to the time of day */
			ret->u += r->wall_ns - record_time(r);
		break;
	case VALUE_SIGNED:
		ret->s = load_signed(p, c->size);
		break;
	case VALUE_BOOL:
		ret->u = load_unsigned(p, c->size) != 0;
		break;
	case VALUE_DOUBLE:
		memcpy(&ret->d, p, sizeof(ret->d));
		break;
	case VALUE_TEXT:
	case VALUE_WORDS:
		text_value(c, r, ret);
		break;
	case VALUE_IP:
		ret->ip = p;
		break;
	case VALUE_HISTOGRAM:
		ret->slots = (const u64 *)(const void *)p;
		break;
	case VALUE_STACK:
		stack_value(c, r, ret, scratch);
		break;
	case VALUE_NONE:
		break;
	}
}

static const char *number_name(const struct column *c, s64 number)
{
	for (size_t i = 0; i < c->name_count; i++) {
		if (c->names[i].number == number)
			return c->names[i].name;
	}
	return NULL;
}

static void format_bit_flags(const struct column *c, u64 bits, struct buf *b)
{
	const char *name = number_name(c, (s64)bits);
	bool first = true;

	if (name) {
		buf_add_str(b, name);
		return;
	}
	for (size_t i = 0; i < c->name_count && bits; i++) {
		u64 mask = (u64)c->names[i].number;

		if (!mask || (bits & mask) != mask)
			continue;
		buf_printf(b, "%s%s", first ? "" : "|", c->names[i].name);
		bits &= ~mask;
		first = false;
	}
	if (bits || first)
		buf_printf(b, first ? "0x%llx" : "|0x%llx", (unsigned long long)bits);
}

/* Is the number shown by a name? Then @b got it. */
static bool format_named(const struct column *c, const struct value *v, struct buf *b)
{
	const char *name;

	if (!c->name_count || (v->class != VALUE_UNSIGNED && v->class != VALUE_SIGNED))
		return false;
	if (c->bit_flags) {
		format_bit_flags(c, v->u, b);
		return true;
	}
	name = number_name(c, v->s);
	if (name)
		buf_add_str(b, name);
	return name != NULL;
}

static void format_ip(const u8 *ip, struct buf *b)
{
	static const u8 v4_mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];

	if (memcmp(ip, v4_mapped, sizeof(v4_mapped)))
		inet_ntop(AF_INET6, ip, text, sizeof(text));
	else
		inet_ntop(AF_INET, ip + 12, text, sizeof(text));
	buf_add_str(b, text);
}

static void format_words(const struct value *v, struct buf *b)
{
	const char *p = v->text.bytes, *end = p + v->text.len;

	while (p < end) {
		const char *nul = memchr(p, '\0', end - p);

		text_add_safe(b, p, (nul ? nul : end) - p);
		if (nul)
			buf_add_char(b, ' ');
		p = nul ? nul + 1 : end;
	}
}

void value_format(const struct column *c, const struct value *v, struct buf *b)
{
	if (format_named(c, v, b))
		return;
	if (c->kind->format && v->class == c->kind->class) {
		c->kind->format(c, v, b);
		return;
	}
	switch (v->class) {
	case VALUE_NONE:
		buf_add_char(b, '-');
		break;
	case VALUE_UNSIGNED:
		buf_add_u64(b, v->u);
		break;
	case VALUE_SIGNED:
		buf_add_s64(b, v->s);
		break;
	case VALUE_BOOL:
		buf_add_str(b, v->u ? "true" : "false");
		break;
	case VALUE_DOUBLE:
		buf_printf(b, "%.2f", v->d);
		break;
	case VALUE_TEXT:
	case VALUE_STACK:
		text_add_safe(b, v->text.bytes, v->text.len);
		break;
	case VALUE_WORDS:
		format_words(v, b);
		break;
	case VALUE_IP:
		format_ip(v->ip, b);
		break;
	case VALUE_HISTOGRAM: {
		u64 total = 0;

		for (u32 i = 0; i < slot_count(c); i++)
			total += v->slots[i];
		buf_add_u64(b, total);
		break;
	}
	}
}

static void json_words(const struct value *v, struct buf *b)
{
	const char *p = v->text.bytes, *end = p + v->text.len;
	bool first = true;

	buf_add_char(b, '[');
	while (p <= end && v->text.len) {
		const char *nul = memchr(p, '\0', end - p);

		if (!first)
			buf_add_char(b, ',');
		text_add_json(b, p, (nul ? nul : end) - p);
		first = false;
		p = nul ? nul + 1 : end + 1;
	}
	buf_add_char(b, ']');
}

u64 slot_min(const struct column *c, u32 slot)
{
	if (c->slot_step)
		return slot * c->slot_step;
	return slot ? 1ULL << (slot - 1) : 0;
}

u64 slot_max(const struct column *c, u32 slot)
{
	if (c->slot_step)
		return slot * c->slot_step + c->slot_step - 1;
	return slot ? (1ULL << (slot - 1)) * 2 - 1 : 0;
}

u32 slot_count(const struct column *c)
{
	return c->slot_step ? c->size / 8 : MIN(c->size / 8, 65);
}

/*
 * Closed intervals, as integers are counted: {"min":4,"max":7,"count":2}; empty slots are left out.
 */
static void json_histogram(const struct column *c, const struct value *v, struct buf *b)
{
	bool first = true;

	buf_add_char(b, '[');
	for (u32 i = 0; i < slot_count(c); i++) {
		if (!v->slots[i])
			continue;
		buf_printf(b, "%s{\"min\":%llu,\"max\":%llu,\"count\":%llu}", first ? "" : ",",
			   (unsigned long long)slot_min(c, i), (unsigned long long)slot_max(c, i),
			   (unsigned long long)v->slots[i]);
		first = false;
	}
	buf_add_char(b, ']');
}

/*
 * Numbers that people know by name: the name is the JSON value. Names are C identifiers: nothing to
 * escape.
 */
static bool json_named(const struct column *c, const struct value *v, struct buf *b)
{
	size_t start = b->len;

	if (c->kind->parse && v->class == c->kind->class) {
		if (v->class == VALUE_SIGNED && !v->s) {
			buf_add_str(b, "null"); /* errno 0: there was no error */
			return true;
		}
		buf_add_char(b, '"');
		c->kind->format(c, v, b);
		buf_add_char(b, '"');
		return true;
	}
	if (!c->name_count)
		return false;
	buf_add_char(b, '"');
	if (!format_named(c, v, b)) {
		b->len = start;
		return false;
	}
	buf_add_char(b, '"');
	return true;
}

void value_json(const struct column *c, const struct value *v, struct buf *b)
{
	if (json_named(c, v, b))
		return;
	switch (v->class) {
	case VALUE_NONE:
		buf_add_str(b, "null");
		break;
	case VALUE_UNSIGNED:
		if (c->is_time) {
			buf_add_char(b, '"');
			add_rfc3339(b, v->u);
			buf_add_char(b, '"');
		} else {
			buf_add_u64(b, v->u);
		}
		break;
	case VALUE_SIGNED:
		buf_add_s64(b, v->s);
		break;
	case VALUE_BOOL:
		buf_add_str(b, v->u ? "true" : "false");
		break;
	case VALUE_DOUBLE:
		if (v->d == v->d && v->d < 1e300 && v->d > -1e300)
			buf_printf(b, "%.6g", v->d);
		else
			buf_add_str(b, "null"); /* JSON has no infinity */
		break;
	case VALUE_TEXT:
	case VALUE_STACK:
		text_add_json(b, v->text.bytes, v->text.len);
		break;
	case VALUE_WORDS:
		json_words(v, b);
		break;
	case VALUE_IP:
		buf_add_char(b, '"');
		format_ip(v->ip, b);
		buf_add_char(b, '"');
		break;
	case VALUE_HISTOGRAM:
		json_histogram(c, v, b);
		break;
	}
}

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, MIN(a_len, b_len));

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

int value_compare(const struct value *a, const struct value *b)
{
	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	switch (a->class) {
	case VALUE_NONE:
		return 0;
	case VALUE_UNSIGNED:
	case VALUE_BOOL:
		return (a->u > b->u) - (a->u < b->u);
	case VALUE_SIGNED:
		return (a->s > b->s) - (a->s < b->s);
	case VALUE_DOUBLE:
		return (a->d > b->d) - (a->d < b->d);
	case VALUE_IP:
		return memcmp(a->ip, b->ip, 16);
	case VALUE_TEXT:
	case VALUE_WORDS:
	case VALUE_STACK:
		return compare_bytes(a->text.bytes, a->text.len, b->text.bytes, b->text.len);
	case VALUE_HISTOGRAM:
		break; /* no order: the keys decide */
	}
	return 0;
}
