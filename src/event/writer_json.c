// SPDX-License-Identifier: Apache-2.0
/*
 * JSON, one object a line, and CSV. This is the hot path of a busy stream: a key is copied as one
 * piece that was made beforehand, and the time's text up to the second is made once a second.
 *
 *	{"time":"2026-01-31T12:00:00.123456789Z","pid":1,"comm":"init","error":null,...}
 *
 * Names are the columns' names, also for virtual columns ("process.exe"): flat, so that a key can
 * be found without a path. CSV (RFC 4180's quoting, but lines end as other tools' lines end here)
 * holds the same columns and the same values: names where JSON has names, nothing where it has
 * null.
 */
#include "event/writer_internal.h"

/* A value from "00" to "99" at @p. */
static inline void two_digits(char *p, u32 v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
}

/* Adds RFC 3339 as add_rfc3339() does. */
static void add_time(struct writer *w, u64 wall_ns, struct buf *b)
{
	struct time_text *t = &w->time;
	u64 second = wall_ns / NSEC_PER_SEC;
	u32 ns = (u32)(wall_ns % NSEC_PER_SEC);
	char *p;

	if (!t->len || t->second != second) {
		struct buf text = {};

		add_rfc3339(&text, second * NSEC_PER_SEC);
		/* All but the nine digits and the Z. */
		t->len = text.len > 10 ? MIN(text.len - 10, sizeof(t->text)) : 0;
		memcpy(t->text, buf_str(&text), t->len);
		t->second = second;
		buf_free(&text);
	}
	p = buf_room(b, t->len + 10);
	if (!p)
		return;
	memcpy(p, t->text, t->len);
	p += t->len;
	p[0] = (char)('0' + ns / 100000000);
	for (int i = 7, rest = (int)(ns % 100000000); i > 0; i -= 2, rest /= 100)
		two_digits(p + i, (u32)rest % 100);
	p[9] = 'Z';
	p[10] = '\0';
	b->len += t->len + 10;
}

static int start_json(struct writer *w)
{
	for (size_t i = 0; i < w->shown_count; i++) {
		struct shown *s = &w->shown[i];
		struct buf key = {};

		buf_add_char(&key, ',');
		text_add_json(&key, s->column->name, strlen(s->column->name));
		buf_add_char(&key, ':');
		if (key.error) {
			buf_free(&key);
			return fail(-ENOMEM, "out of memory");
		}
		s->key = key.data;
		s->key_len = key.len;
	}
	return 0;
}

/* A value as JSON. A time is written here only to save the calendar's work for each. */
static inline void add_value(struct writer *w, const struct column *c, const struct record *r,
			     struct buf *b)
{
	struct value v;

	column_value(c, r, &v, &w->scratch);
	if (c->is_time && v.class == VALUE_UNSIGNED) {
		buf_add_char(b, '"');
		add_time(w, v.u, b);
		buf_add_char(b, '"');
	} else {
		value_json(c, &v, b);
	}
}

/* Adds `,"name":value` (the first without its comma). */
static void json_member(struct writer *w, const struct shown *s, bool first, const struct record *r)
{
	buf_add(&w->out, s->key + first, s->key_len - first);
	add_value(w, s->column, r, &w->out);
}

static void put_json(struct writer *w, const struct record *r)
{
	buf_add_char(&w->out, '{');
	for (size_t i = 0; i < w->shown_count; i++)
		json_member(w, &w->shown[i], i == 0, r);
	buf_add(&w->out, "}\n", 2);
}

void record_to_json(const struct record *r, struct buf *b)
{
	struct buf scratch = {};

	buf_add_char(b, '{');
	for (size_t i = 0; i < r->schema->stored; i++) {
		const struct column *c = &r->schema->columns[i];
		struct value v;

		if (i)
			buf_add_char(b, ',');
		text_add_json(b, c->name, strlen(c->name));
		buf_add_char(b, ':');
		column_value(c, r, &v, &scratch);
		value_json(c, &v, b);
	}
	buf_add_char(b, '}');
	buf_free(&scratch);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void put_heading(struct writer *w)
{
	for (size_t i = 0; i < w->shown_count; i++) {
		const char *name = w->shown[i].column->name;

		if (i)
			buf_add_char(&w->out, ',');
		text_add_csv(&w->out, name, strlen(name));
	}
	buf_add_str(&w->out, "\n");
}

static void csv_field(struct writer *w, const struct column *c, const struct record *r)
{
	struct value v;

	column_value(c, r, &v, &w->scratch);
	if (v.class == VALUE_NONE)
		return;
	buf_clear(&w->text);
	switch (v.class) {
	case VALUE_TEXT:
	case VALUE_WORDS:
	case VALUE_STACK:
	case VALUE_IP:
		value_format(c, &v, &w->text);
		break;
	default: /* numbers as they are, not as "4.0KiB"; names without JSON's quotes */
		value_json(c, &v, &w->text);
		if (w->text.len >= 2 && w->text.data[0] == '"') {
			text_add_csv(&w->out, w->text.data + 1, w->text.len - 2);
			return;
		}
		if (!strcmp(buf_str(&w->text), "null"))
			return;
	}
	text_add_csv(&w->out, buf_str(&w->text), w->text.len);
}

static void put_csv(struct writer *w, const struct record *r)
{
	for (size_t i = 0; i < w->shown_count; i++) {
		if (i)
			buf_add_char(&w->out, ',');
		csv_field(w, w->shown[i].column, r);
	}
	buf_add_str(&w->out, "\n");
}

/* Histograms: a line for each slot that holds something, behind the columns of its key. */
static size_t histogram_at(const struct writer *w)
{
	size_t i = 0;

	while (i < w->shown_count && w->shown[i].column->kind->class != VALUE_HISTOGRAM)
		i++;
	return i;
}

static void put_histogram_heading(struct writer *w)
{
	size_t at = histogram_at(w);

	for (size_t i = 0; i < w->shown_count; i++) {
		const char *name = w->shown[i].column->name;

		if (i == at)
			continue;
		text_add_csv(&w->out, name, strlen(name));
		buf_add_char(&w->out, ',');
	}
	buf_add_str(&w->out, "unit,min,max,count\n");
}

static void put_slot(struct writer *w, const struct record *r, size_t at, u32 slot, u64 count)
{
	const struct column *h = w->shown[at].column;

	for (size_t i = 0; i < w->shown_count; i++) {
		if (i == at)
			continue;
		csv_field(w, w->shown[i].column, r);
		buf_add_char(&w->out, ',');
	}
	text_add_csv(&w->out, h->unit, strlen(h->unit));
	buf_printf(&w->out, ",%llu,%llu,%llu\n", (unsigned long long)slot_min(h, slot),
		   (unsigned long long)slot_max(h, slot), (unsigned long long)count);
}

static void put_histogram_csv(struct writer *w, const struct record *r)
{
	size_t at = histogram_at(w);
	struct value v;

	if (at == w->shown_count) {
		put_csv(w, r);
		return;
	}
	column_value(w->shown[at].column, r, &v, &w->scratch);
	for (u32 i = 0; v.class == VALUE_HISTOGRAM && i < slot_count(w->shown[at].column); i++) {
		if (v.slots[i])
			put_slot(w, r, at, i, v.slots[i]);
	}
}

/* {"time":...,"disk":"sda","unit":"us","count":12,"histogram":[{"min":1,"max":1,"count":3},...]} */
static void put_histogram_json(struct writer *w, const struct record *r)
{
	bool first = true;

	buf_add_char(&w->out, '{');
	for (size_t i = 0; i < w->shown_count; i++) {
		const struct column *c = w->shown[i].column;
		struct value v;

		if (c->kind->class != VALUE_HISTOGRAM) {
			json_member(w, &w->shown[i], first, r);
			first = false;
			continue;
		}
		column_value(c, r, &v, &w->scratch);
		buf_add_str(&w->out, first ? "\"unit\":" : ",\"unit\":");
		text_add_json(&w->out, c->unit, strlen(c->unit));
		buf_printf(&w->out, ",\"count\":%llu", (unsigned long long)slots_total(c, &v));
		buf_add_str(&w->out, ",\"histogram\":");
		value_json(c, &v, &w->out);
		first = false;
	}
	buf_add_str(&w->out, "}\n");
}

const struct format format_json = { .start = start_json, .record = put_json };
const struct format format_csv = { .heading = put_heading, .record = put_csv };
const struct format format_histogram_csv = {
	.heading = put_histogram_heading,
	.record = put_histogram_csv,
};
const struct format format_histogram_json = { .start = start_json, .record = put_histogram_json };
