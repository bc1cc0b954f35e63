// SPDX-License-Identifier: Apache-2.0
/*
 * Ring records against a schema: whatever the bytes are, a record that gadget_record() passes can
 * be read, formatted, written as JSON and made to stand on its own, and then fits its new schema.
 * The first byte chooses an embedded gadget; the record's type and size are set right in half of
 * the cases, so that the rest of it is reached.
 */
#include "event/event.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_text(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if ((u8)b->data[i] < 0x20 || b->data[i] == 0x7f)
			abort();
	}
}

static void read_columns(const struct record *r)
{
	_cleanup_buf_ struct buf text = {}, json = {}, scratch = {};

	for (size_t i = 0; i < r->schema->stored; i++) {
		const struct column *c = &r->schema->columns[i];
		struct value v;

		column_value(c, r, &v, &scratch);
		buf_clear(&text);
		value_format(c, &v, &text);
		check_text(&text);
		value_json(c, &v, &json);
		if (value_compare(&v, &v))
			abort();
	}
	buf_clear(&json);
	record_to_json(r, &json);
	check_text(&json);
}

static void on_record(void *context, const struct record *r)
{
	const struct materialize_options o = { .mask_secrets = true };
	struct materializer *m;
	struct record made;

	*(unsigned *)context += 1;
	read_columns(r);
	if (materializer_new(r->schema, &o, &m))
		return;
	if (!materialize(m, r, &made)) {
		if (record_check(made.schema, made.data, made.size))
			abort();
		read_columns(&made);
	}
	materializer_free(m);
}

static struct gadget *gadget_number(unsigned n)
{
	static struct gadget *opened[64];
	size_t count;
	const struct embedded_gadget *all = gadget_embedded(&count);

	n %= (unsigned)MIN(count, ARRAY_SIZE(opened));
	if (!opened[n] && gadget_open(all[n].name, &opened[n]))
		abort();
	return opened[n];
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct gadget *g = size ? gadget_number(data[0] >> 1) : NULL;
	const struct gadget_info *info = g ? gadget_info(g) : NULL;
	struct record_header header;
	unsigned records = 0;
	u8 *copy;

	if (!size || !info->schema_count)
		return 0;
	/* Of its exact size and aligned, as a ring gives it. */
	copy = malloc(size > 1 ? size - 1 : 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	if ((data[0] & 1) && size > sizeof(header)) {
		memcpy(&header, copy, sizeof(header));
		header.type = (u16)info->schemas[header.type % info->schema_count]->btf_type;
		header.size = (u32)size - 1;
		memcpy(copy, &header, sizeof(header));
	}
	if (!gadget_record(g, copy, size - 1, 0, on_record, &records) != (records == 1))
		abort();
	free(copy);
	return 0;
}
