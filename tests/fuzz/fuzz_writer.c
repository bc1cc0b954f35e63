// SPDX-License-Identifier: Apache-2.0
/*
 * Records that passed record_check() go through every writer, whatever their bytes are: JSON must
 * be one object that a reader of JSON takes, and no output may hold a control character but the end
 * of its lines. The first byte chooses format and schema, the second the width of the terminal.
 * Numbers are read as doubles: the reader has no integers above 2^63, JSON has.
 */
#include "event/event.h"

/* A fuzz target is one object: the schemas come with it. */
#include "unit/event/writer_fixture.c"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check(const char *text, size_t len, enum output_format format)
{
	for (size_t i = 0; i < len; i++) {
		if ((u8)text[i] < 0x20 && text[i] != '\n')
			abort();
	}
	if (format == OUTPUT_JSON) {
		json_t *object = json_loadb(text, len, JSON_DECODE_INT_AS_REAL, NULL);

		if (!json_is_object(object))
			abort();
		json_decref(object);
	}
}

static void write_one(const struct schema *s, const void *record, size_t size,
		      const struct writer_options *options)
{
	struct writer_options o = *options;
	struct writer *w = NULL;
	char *text = NULL;
	size_t len = 0;
	bool wrote;

	o.out = open_memstream(&text, &len);
	if (o.out && !writer_new(s, &o, &w)) {
		writer_record(w, &(struct record){ .schema = s,
						   .data = record,
						   .size = (u32)size,
						   .wall_ns = WALL_NS });
		writer_batch_end(w);
		writer_flush(w);
	}
	wrote = w != NULL;
	writer_free(w);
	if (o.out)
		fclose(o.out);
	check(text, len, wrote ? o.format : OUTPUT_NONE);
	free(text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct schema *schemas[4];
	struct writer_options o = { .headings = false };
	struct schema *s;
	u8 *copy;

	if (size < 2)
		return 0;
	if (!schemas[0]) {
		schemas[0] = opened_schema();
		schemas[1] = traffic_schema();
		schemas[2] = latency_schema("ns", 0);
		schemas[3] = sampled_schema();
	}
	o.format = (enum output_format)MIN(data[0] & 7, OUTPUT_NONE);
	s = schemas[data[0] >> 3 & 3];
	o.terminal_width = data[1];
	/* Of its exact size and aligned, as a ring gives it. */
	copy = malloc(size - 2 ? size - 2 : 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 2, size - 2);
	if (!record_check(s, copy, size - 2))
		write_one(s, copy, size - 2, &o);
	free(copy);
	return 0;
}
