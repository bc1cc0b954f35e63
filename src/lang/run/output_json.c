// SPDX-License-Identifier: Apache-2.0
/*
 * The same in JSON, in bpftrace's shapes: one object a line. Integers that a double does not hold
 * exactly are strings; an enum is its number, a buffer an array of bytes.
 */
#include "lang/run/output_internal.h"

void add_json_integer(s64 v, bool is_signed, struct buf *b)
{
	bool exact = is_signed ? (s64)(double)v == v && v != INT64_MAX
			       : (u64)v <= 1ULL << 53 || (u64)(double)(u64)v == (u64)v;

	/* 2^64 - 1 rounds up to what no u64 holds */
	if (!is_signed && (u64)v > UINT64_MAX - 1024)
		exact = false;
	buf_add_str(b, exact ? "" : "\"");
	if (is_signed)
		buf_add_s64(b, v);
	else
		buf_add_u64(b, (u64)v);
	buf_add_str(b, exact ? "" : "\"");
}

/*
 * As bpftrace writes it: what is not ASCII comes out there as \uffffffNN, which no reader of JSON
 * takes; in its place ours is the same, elsewhere it is UTF-8.
 */
void output_json_string(struct output *o, const char *bytes, size_t len, struct buf *b)
{
	static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";

	if (!o->is_bpftrace) {
		text_add_json(b, bytes, len);
		return;
	}
	buf_add_char(b, '"');
	for (size_t i = 0; i < len; i++) {
		u8 c = (u8)bytes[i];
		const char *at = c ? strchr(escaped, c) : NULL;

		if (at) {
			buf_add_char(b, '\\');
			buf_add_char(b, letters[at - escaped]);
		} else if (c < 0x20) {
			buf_printf(b, "\\u%04x", c);
		} else if (c >= 0x80) {
			buf_printf(b, "\\u%08x", (u32)(s32)(s8)c);
		} else {
			buf_add_char(b, (char)c);
		}
	}
	buf_add_char(b, '"');
}

static void add_json_text(struct output *o, const struct type *t, const void *data, struct buf *b)
{
	_cleanup_buf_ struct buf text = {};

	value_text(o, t, data, false, &text);
	output_json_string(o, buf_str(&text), text.len, b);
}

static void add_json_struct(struct output *o, const struct type *t, const void *data, struct buf *b)
{
	const struct members *m = type_members(o->script->world, t);

	buf_add_char(b, t->is_tuple ? '[' : '{');
	for (u32 i = 0; m && i < m->count; i++) {
		const struct field *f = &m->fields[i];

		buf_add_str(b, !i ? "" : t->is_tuple ? "," : ", ");
		if (!t->is_tuple) {
			text_add_json(b, f->name ? f->name : "", f->name ? strlen(f->name) : 0);
			buf_add_str(b, ": ");
		}
		value_json_text(o, f->type, (const u8 *)data + f->offset, b);
	}
	buf_add_char(b, t->is_tuple ? ']' : '}');
}

static void add_json_stats(const struct type *t, const struct stats_value *v, struct buf *b)
{
	buf_printf(b, "{\"count\": %llu, \"average\": ", (unsigned long long)v->count);
	add_json_integer(aggregate_number(t, v), t->aggregation.is_signed, b);
	buf_add_str(b, ", \"total\": ");
	add_json_integer((s64)v->total, t->aggregation.is_signed, b);
	buf_add_char(b, '}');
}

static void add_json_bytes(const u8 *bytes, u32 len, struct buf *b)
{
	buf_add_char(b, '[');
	for (u32 i = 0; i < len; i++)
		buf_printf(b, i ? ",%u" : "%u", bytes[i]);
	buf_add_char(b, ']');
}

static void add_json_array(struct output *o, const struct type *t, const u8 *data, struct buf *b)
{
	u32 size = t->of->kind == TYPE_POINTER ? 8 : t->of->size;

	buf_add_char(b, '[');
	for (u32 i = 0; i < t->count; i++) {
		buf_add_str(b, i ? "," : "");
		value_json_text(o, t->of, data + (size_t)i * size, b);
	}
	buf_add_char(b, ']');
}

void value_json_text(struct output *o, const struct type *t, const void *data, struct buf *b)
{
	switch (t->kind) {
	case TYPE_BOOL:
		buf_add_str(b, *(const u8 *)data ? "true" : "false");
		break;
	case TYPE_POINTER:
	case TYPE_INTEGER:
		add_json_integer(value_integer(t, data), t->is_signed, b);
		break;
	case TYPE_ENUM: {
		_cleanup_buf_ struct buf name = {};

		value_text(o, t, data, false, &name); /* fails where it has none */
		add_json_integer(value_integer(t, data), t->is_signed, b);
		break;
	}
	case TYPE_ARRAY:
		add_json_array(o, t, data, b);
		break;
	case TYPE_STRUCT:
		add_json_struct(o, t, data, b);
		break;
	case TYPE_BUFFER: {
		u32 len = *(const u32 *)data;

		add_json_bytes((const u8 *)data + 4, len < t->size ? len : t->size, b);
		break;
	}
	case TYPE_STATS:
		add_json_stats(t, data, b);
		break;
	case TYPE_COUNT:
	case TYPE_SUM:
	case TYPE_MIN:
	case TYPE_MAX:
	case TYPE_AVG:
		add_json_integer(aggregate_number(t, data), t->aggregation.is_signed, b);
		break;
	case TYPE_HIST:
	case TYPE_LHIST:
		histogram_json(t, data, b);
		break;
	case TYPE_TSERIES:
		tseries_json(o, t, data, b);
		break;
	default:
		add_json_text(o, t, data, b);
		break;
	}
}

/* ---- maps ------------------------------------------------------------------------------------ */

/* "1,a,(2,3)": the key as text with all blanks taken out. */
static void add_json_key(struct output *o, const struct map *m, const u8 *key, struct buf *b)
{
	_cleanup_buf_ struct buf text = {};
	const struct type *t = m->key;
	size_t kept = 0;

	if (t->kind == TYPE_STRUCT && t->is_tuple && t->members) {
		for (u32 i = 0; i < t->members->count; i++) {
			buf_add_str(&text, i ? "," : "");
			value_text(o, t->members->fields[i].type,
				   key + t->members->fields[i].offset, true, &text);
		}
	} else {
		value_text(o, t, key, false, &text);
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] != ' ')
			text.data[kept++] = text.data[i];
	}
	output_json_string(o, buf_str(&text), kept, b);
}

static const char *map_word(const struct type *t)
{
	switch (t->kind) {
	case TYPE_HIST:
	case TYPE_LHIST:
		return "hist";
	case TYPE_TSERIES:
		return "tseries";
	case TYPE_AVG:
	case TYPE_STATS:
		return "stats";
	default:
		return "map";
	}
}

static void add_json_value(struct output *o, const struct type *t, const u8 *value, u64 divisor,
			   struct buf *b)
{
	bool is_signed = t->kind == TYPE_INTEGER ? t->is_signed : t->aggregation.is_signed;
	s64 number;

	if (divisor > 1 && divided_number(t, value, divisor, &number))
		add_json_integer(number, is_signed, b);
	else
		value_json_text(o, t, value, b);
}

void output_map_json(struct output *o, const struct map *m, const struct map_entries *e,
		     size_t from, u64 divisor)
{
	struct buf *b = &o->text;

	buf_printf(b, "{\"type\": \"%s\", \"data\": {", map_word(m->value));
	text_add_json(b, m->name, strlen(m->name));
	buf_add_str(b, ": ");
	if (!m->key) {
		add_json_value(o, m->value, e->items[0].value, divisor, b);
	} else {
		buf_add_char(b, '{');
		for (size_t i = from; i < e->count; i++) {
			buf_add_str(b, i == from ? "" : ", ");
			add_json_key(o, m, e->items[i].key, b);
			buf_add_str(b, ": ");
			add_json_value(o, m->value, e->items[i].value, divisor, b);
		}
		buf_add_char(b, '}');
	}
	buf_add_str(b, "}}\n");
}
