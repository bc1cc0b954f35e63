// SPDX-License-Identifier: Apache-2.0
/*
 * What a partition holds, in the hands of an enemy: a schema's definition and a batch of it. Every
 * record that comes out is shown in every way. The input:
 *
 *	u8 mode: bit 0 the checksum is made right, bit 1 sizes are made right (the
 *		bytes are records, not packed)
 *	u32 count, u32 raw_size, u16 size of the definition, the definition, the batch's
 *		bytes; little endian
 */
#include "store/batch.h"

struct input {
	u8 mode;
	u32 count, raw_size;
	u16 definition_size;
} __attribute__((packed));

static const char plain_definition[] =
	"{\"name\":\"f\",\"summary\":\"\",\"sort\":\"events\",\"version\":1,\"fixed_size\":48,\"columns\":["
	"{\"name\":\"pid\",\"kind\":\"pid\",\"offset\":16,\"size\":4},"
	"{\"name\":\"error\",\"kind\":\"errno\",\"signed\":true,\"offset\":20,\"size\":4},"
	"{\"name\":\"path\",\"kind\":\"path\",\"tail\":true,\"offset\":24,\"size\":4},"
	"{\"name\":\"args\",\"kind\":\"args\",\"tail\":true,\"offset\":28,\"size\":4},"
	"{\"name\":\"ip\",\"kind\":\"ip\",\"offset\":32,\"size\":16}]}";

static void show(const struct record *r, struct buf *out, struct buf *scratch)
{
	for (size_t i = 0; i < r->schema->count; i++) {
		const struct column *c = &r->schema->columns[i];
		struct value v;

		column_value(c, r, &v, scratch);
		value_format(c, &v, out);
		value_json(c, &v, out);
		buf_clear(out);
	}
}

static void read_batch(const struct schema *schema, const struct batch_header *h, const u8 *data,
		       size_t size)
{
	_cleanup_(batch_reader_free) struct batch_reader reader = { 0 };
	_cleanup_buf_ struct buf out = { 0 }, scratch = { 0 };
	struct record r;
	u32 n = 0;

	if (batch_open(&reader, h, data, size))
		return;
	while (batch_next(&reader, schema, &r)) {
		show(&r, &out, &scratch);
		n++;
	}
	if (n + reader.bad_records != h->count)
		abort();
}

/* As many frames as there are, so that the walk over them is not stopped by the count. */
static u32 count_frames(const u8 *data, size_t size)
{
	u32 n = 0, frame;

	for (size_t at = 0; size - at >= 16; n++) {
		memcpy(&frame, data + at + 8, sizeof(frame));
		if (frame > size - at - 16 || (16 + ((size_t)frame + 7) / 8 * 8) > size - at)
			break;
		at += 16 + ((size_t)frame + 7) / 8 * 8;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	_cleanup_(schema_freep) struct schema *schema = NULL;
	struct batch_header h = { .time_min = 1, .time_max = 2 };
	const char *definition = plain_definition;
	size_t definition_size = sizeof(plain_definition) - 1;
	struct input in;

	if (size < sizeof(in))
		return 0;
	memcpy(&in, data, sizeof(in));
	data += sizeof(in);
	size -= sizeof(in);
	if (in.definition_size) {
		definition = (const char *)data;
		definition_size = MIN((size_t)in.definition_size, size);
		data += definition_size;
		size -= definition_size;
	}
	if (schema_from_json(definition, definition_size, &schema))
		return 0;
	h.count = in.count;
	h.raw_size = in.raw_size;
	if (in.mode & 2) {
		h.raw_size = (u32)size;
		h.count = count_frames(data, size);
	}
	if (in.mode & 1)
		h.crc = batch_checksum(&h, data, size);
	read_batch(schema, &h, data, size);
	return 0;
}
