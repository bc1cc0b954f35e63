// SPDX-License-Identifier: Apache-2.0
/*
 * What a script may tell the agent: a schema as JSON up to the first NUL, a record behind it.
 * Whatever the bytes are, a schema that passes has names that need no quotes anywhere and reads
 * back the same, and a record that passes can be shown, written as JSON, filtered and stored.
 */
#include "agent/ingest.h"

#include <ctype.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_name(const char *name)
{
	if (!*name)
		abort();
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("_-.", *name))
			abort();
	}
}

static void check_text(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if ((u8)b->data[i] < 0x20 || b->data[i] == 0x7f)
			abort();
	}
}

static void check_schema(const struct schema *s)
{
	_cleanup_(schema_freep) struct schema *again = NULL;
	_cleanup_buf_ struct buf json = {};

	check_name(s->name);
	for (size_t i = 0; i < s->count; i++)
		check_name(s->columns[i].name);
	schema_to_json(s, &json);
	check_text(&json);
	if (schema_from_json(json.data, json.len, &again) || again->hash != s->hash ||
	    again->count != s->count || ingest_check_schema(again, "s"))
		abort();
}

static void read_columns(const struct record *r)
{
	_cleanup_buf_ struct buf text = {}, scratch = {};

	for (size_t i = 0; i < r->schema->stored; i++) {
		const struct column *c = &r->schema->columns[i];
		struct value v;

		column_value(c, r, &v, &scratch);
		buf_clear(&text);
		value_format(c, &v, &text);
		check_text(&text);
		buf_clear(&text);
		value_json(c, &v, &text);
		check_text(&text);
	}
}

static void store(const struct record *r)
{
	const struct materialize_options o = { .mask_secrets = true };
	struct materializer *m;
	struct record made;

	if (materializer_new(r->schema, &o, &m))
		return;
	if (!materialize(m, r, &made)) {
		if (record_check(made.schema, made.data, made.size))
			abort();
		read_columns(&made);
	}
	materializer_free(m);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	size_t json = strnlen((const char *)data, size), rest = size - MIN(json + 1, size);
	_cleanup_(schema_freep) struct schema *s = NULL;
	struct record r = { .wall_ns = NSEC_PER_SEC };
	u8 *bytes;

	if (schema_from_json((const char *)data, json, &s) || ingest_check_schema(s, "s"))
		return 0;
	check_schema(s);
	/* As short as it may be, else nothing but long inputs would get this far. */
	r.size = (u32)MAX(rest, s->fixed_size);
	r.schema = s;
	bytes = calloc(1, r.size);
	if (!bytes)
		return 0;
	memcpy(bytes, data + size - rest, rest);
	r.data = bytes;
	if (!record_check(s, bytes, r.size)) {
		read_columns(&r);
		store(&r);
	}
	free(bytes);
	return 0;
}
