// SPDX-License-Identifier: Apache-2.0
/*
 * Records that stand on their own: see materialize.h. One buffer per materializer, reused for every
 * record.
 */
#include "event/materialize.h"

#define TEXT_LIMIT 60000 /* offsets have 16 bits */

struct added {
	const struct column *from;
	u32 offset; /* of its {offset,length} in the new fixed part */
};

struct materializer {
	const struct schema *from;
	struct schema *to;
	struct added *added;
	size_t count;
	bool mask;
	u32 grown; /* how much longer the fixed part became */
	struct buf bytes, scratch, masked;
};

static bool is_wanted(const struct materialize_options *o, const struct column *c)
{
	if (!c->compute)
		return c->kind->class == VALUE_STACK && !c->in_tail;
	for (size_t i = 0; i < o->count; i++) {
		if (!strcmp(o->columns[i], c->name))
			return true;
	}
	return false;
}

static int copy_names(struct schema *to, struct column *c, const struct column *from)
{
	struct name_of_number *names;

	if (!from->name_count)
		return 0;
	names = calloc(from->name_count, sizeof(*names));
	if (!names)
		return fail(-ENOMEM, "out of memory");
	c->names = names;
	for (size_t i = 0; i < from->name_count; i++) {
		names[i].number = from->names[i].number;
		names[i].name = schema_strdup(to, from->names[i].name);
		if (!names[i].name)
			return -ENOMEM;
		c->name_count = i + 1;
	}
	return 0;
}

static int copy_column(struct materializer *m, const struct column *from)
{
	struct column *c;
	int i = schema_add(m->to, from->name, from->help, from->kind, from->offset, from->size,
			   from->is_signed);

	if (i < 0)
		return i;
	c = &m->to->columns[i];
	c->label = schema_strdup(m->to, from->label);
	c->unit = schema_strdup(m->to, from->unit);
	if (!c->label || !c->unit)
		return -ENOMEM;
	c->in_tail = from->in_tail;
	c->bit_flags = from->bit_flags;
	c->hidden = from->hidden;
	c->wide = from->wide;
	c->left = from->left;
	c->is_key = from->is_key;
	c->width = from->width;
	c->slot_step = from->slot_step;
	return copy_names(m->to, c, from);
}

/*
 * Whatever its kind was, an added column is text: virtual numbers are few, and text is what people
 * search.
 */
static int add_column(struct materializer *m, const struct column *from)
{
	bool number = from->kind->class == VALUE_UNSIGNED || from->kind->class == VALUE_SIGNED ||
		      from->kind->class == VALUE_BOOL || from->kind->class == VALUE_DOUBLE ||
		      from->kind->class == VALUE_IP;
	const struct kind *kind = number ? kind_find("text") : from->kind;
	u32 offset = m->from->fixed_size + m->grown;
	int i = schema_add(m->to, from->name, from->help, kind, offset, 4, false);

	if (i < 0)
		return i;
	m->to->columns[i].in_tail = true;
	m->to->columns[i].hidden = true;
	m->to->columns[i].is_key = from->is_key;
	m->added[m->count++] = (struct added){ .from = from, .offset = offset };
	m->grown += 4;
	return 0;
}

int materializer_new(const struct schema *from, const struct materialize_options *o,
		     struct materializer **ret)
{
	struct materializer *m = calloc(1, sizeof(*m));
	int err = 0;

	if (!m)
		return fail(-ENOMEM, "out of memory");
	m->from = from;
	m->mask = o->mask_secrets;
	m->added = calloc(from->count + 1, sizeof(*m->added));
	m->to = schema_new(from->name, from->summary, from->sort);
	if (!m->added || !m->to)
		err = fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < from->count && !err; i++) {
		const struct column *c = &from->columns[i];

		if (is_wanted(o, c))
			err = add_column(m, c);
		else if (!c->compute)
			err = copy_column(m, c);
	}
	if (err) {
		materializer_free(m);
		return err;
	}
	m->to->version = from->version;
	schema_seal(m->to, from->fixed_size + m->grown);
	*ret = m;
	return 0;
}

struct materializer *materializer_free(struct materializer *m)
{
	if (!m)
		return NULL;
	schema_free(m->to);
	free(m->added);
	buf_free(&m->bytes);
	buf_free(&m->scratch);
	buf_free(&m->masked);
	free(m);
	return NULL;
}

const struct schema *materializer_schema(const struct materializer *m)
{
	return m->to;
}

static void put_tail(struct materializer *m, u32 at, const char *bytes, size_t len)
{
	u16 where[2] = { (u16)m->bytes.len, 0 };

	if (m->bytes.len >= TEXT_LIMIT)
		len = 0;
	else
		len = MIN(len, TEXT_LIMIT - m->bytes.len);
	where[1] = (u16)len;
	buf_add(&m->bytes, bytes, len);
	if (m->bytes.data && !m->bytes.error)
		memcpy(m->bytes.data + at, where, sizeof(where));
}

/*
 * Texts of the record itself: moved behind the longer fixed part; arguments are masked on the way.
 */
static void copy_tails(struct materializer *m, const struct record *r)
{
	for (size_t i = 0; i < m->from->stored; i++) {
		const struct column *c = &m->from->columns[i];
		u16 where[2];

		if (!c->in_tail)
			continue;
		memcpy(where, r->data + c->offset, sizeof(where));
		if (m->mask && c->kind->class == VALUE_WORDS) {
			buf_clear(&m->masked);
			mask_secrets((const char *)r->data + where[0], where[1], &m->masked);
			put_tail(m, c->offset, buf_str(&m->masked), m->masked.len);
		} else {
			put_tail(m, c->offset, (const char *)r->data + where[0], where[1]);
		}
	}
}

static void add_texts(struct materializer *m, const struct record *r)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct added *a = &m->added[i];
		struct value v = {};

		column_value(a->from, r, &v, &m->scratch);
		buf_clear(&m->masked);
		switch (v.class) {
		case VALUE_NONE:
			break;
		case VALUE_WORDS:
			if (m->mask)
				mask_secrets(v.text.bytes, v.text.len, &m->masked);
			else
				buf_add(&m->masked, v.text.bytes, v.text.len);
			break;
		case VALUE_TEXT:
		case VALUE_STACK:
			buf_add(&m->masked, v.text.bytes, v.text.len);
			break;
		default:
			value_format(a->from, &v, &m->masked);
			break;
		}
		put_tail(m, a->offset, buf_str(&m->masked), m->masked.len);
	}
}

int materialize(struct materializer *m, const struct record *r, struct record *ret)
{
	struct record_header header;

	buf_clear(&m->bytes);
	buf_add(&m->bytes, r->data, m->from->fixed_size);
	buf_add_fill(&m->bytes, '\0', m->grown);
	copy_tails(m, r);
	add_texts(m, r);
	if (m->bytes.error)
		return fail(-ENOMEM, "out of memory");
	memcpy(&header, m->bytes.data, sizeof(header));
	header.size = (u32)m->bytes.len;
	memcpy(m->bytes.data, &header, sizeof(header));
	*ret = (struct record){ .schema = m->to,
				.data = (const u8 *)m->bytes.data,
				.size = (u32)m->bytes.len,
				.wall_ns = r->wall_ns };
	return 0;
}
