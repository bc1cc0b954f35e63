// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes of a record: header, a fixed part in which every column has its 8 bytes (an address 16,
 * a histogram its slots), and a tail of texts. What does not fit is cut and counted.
 */
#include "lang/run/export_internal.h"

#include <sys/socket.h>

void export_begin(struct export *e, const struct export_schema *s, u64 time)
{
	struct record_header h = { .time = time };

	buf_clear(&e->record);
	buf_add(&e->record, &h, sizeof(h));
	buf_add_fill(&e->record, '\0', s->schema->fixed_size - sizeof(h));
}

static void put_bytes(struct export *e, u32 offset, const void *bytes, size_t len)
{
	if (!e->record.error && offset + len <= e->record.len)
		memcpy(e->record.data + offset, bytes, len);
}

void export_put(struct export *e, u32 offset, u64 value)
{
	put_bytes(e, offset, &value, sizeof(value));
}

void export_put_text(struct export *e, u32 offset, const char *bytes, size_t len)
{
	size_t room = EXPORT_RECORD_MAX - MIN(e->record.len, EXPORT_RECORD_MAX);
	u16 place[2] = { (u16)e->record.len, (u16)MIN(len, room) };

	e->cut += len > room;
	buf_add(&e->record, bytes, place[1]);
	put_bytes(e, offset, place, sizeof(place));
}

static void put_ip(struct export *e, u32 offset, const u8 *bytes)
{
	u8 ip[16] = { [10] = 0xff, [11] = 0xff };
	struct inet_value v;

	memcpy(&v, bytes, sizeof(v));
	if (v.family == AF_INET6)
		memcpy(ip, v.bytes, sizeof(ip));
	else
		memcpy(ip + 12, v.bytes, 4);
	put_bytes(e, offset, ip, sizeof(ip));
}

static void add_frames(struct export *e, const struct type *t, const struct stack_value *s)
{
	u32 count = MIN(s->count, t->stack_depth), n = 0;
	bool user = t->kind == TYPE_USTACK;

	while (n < count && s->frames[n])
		n++;
	if (e->run->host) {
		host_symbolize(e->run->host, (u32)s->pid, s->frames, n, user, &e->text);
		return;
	}
	for (u32 i = n; i-- > 0;)
		buf_printf(&e->text, i ? "0x%llx;" : "0x%llx", (unsigned long long)s->frames[i]);
}

/* A string or buffer of the ring's record. */
static void add_tail(struct export *e, const struct export_column *c, const u8 *record, u32 size)
{
	u16 place[2];
	u32 len;

	memcpy(place, record + c->source, sizeof(place));
	len = place[1] & (TAIL_TRUNCATED - 1);
	if (place[0] > size || len > size - place[0])
		return;
	if (c->type->kind == TYPE_BUFFER) {
		add_buffer_text(record + place[0], len, CONVERT_BUFFER, &e->text);
		return;
	}
	buf_add(&e->text, record + place[0], strnlen((const char *)record + place[0], len));
	if (place[1] & TAIL_TRUNCATED)
		buf_add_str(&e->text, e->run->script->config.str_trunc_trailer);
}

void export_put_column(struct export *e, const struct export_column *c, const u8 *bytes, u32 size)
{
	const u8 *value = bytes + c->source;
	u64 number;

	switch (c->form) {
	case FORM_NUMBER:
		number = (u64)value_integer(c->type, value);
		export_put(e, c->offset, c->mask ? number & c->mask : number);
		return;
	case FORM_IP:
		put_ip(e, c->offset, value);
		return;
	case FORM_STACK:
		buf_clear(&e->text);
		add_frames(e, c->type, (const struct stack_value *)(const void *)value);
		break;
	case FORM_TEXT:
		buf_clear(&e->text);
		if (c->in_tail)
			add_tail(e, c, bytes, size);
		else
			value_text(&e->run->out, c->type, value, false, &e->text);
		break;
	}
	export_put_text(e, c->offset, buf_str(&e->text), e->text.len);
}

void export_send(struct export *e, u32 number)
{
	const struct schema *s = e->schemas[number]->schema;
	struct record_header h;
	struct record r = { .schema = s, .size = (u32)e->record.len };

	if (e->record.error || e->text.error) {
		e->record.error = e->text.error = 0;
		e->failed++;
		return;
	}
	memcpy(&h, e->record.data, sizeof(h));
	h.size = r.size;
	memcpy(e->record.data, &h, sizeof(h));
	r.data = (const u8 *)e->record.data;
	r.wall_ns = h.time + e->run->wall_offset;
	e->sink.record(e->sink.context, number, &r);
}

/* printf's text, without the newline that ends it. */
static void put_message(struct export *e, const struct export_schema *s, const struct action *a,
			const u8 *record, u32 size)
{
	const struct printf_plan *p = printf_plan_of(&e->run->out, a);
	size_t len;

	buf_clear(&e->text);
	if (p)
		printf_run(&e->run->out, p, a, record, size, &e->text);
	len = e->text.len;
	if (len && e->text.data[len - 1] == '\n')
		len--;
	export_put_text(e, s->message, buf_str(&e->text), len);
}

void export_event(struct export *e, const u8 *record, u32 size)
{
	const struct script *script = e->run->script;
	const struct export_schema *s;
	const struct action *a;
	struct record_header h;
	u32 number;

	if (size < sizeof(h)) {
		e->malformed++;
		return;
	}
	memcpy(&h, record, sizeof(h));
	if (!h.type || h.type > script->action_count ||
	    size < script->actions[h.type - 1]->fixed_size) {
		e->malformed++;
		return;
	}
	a = script->actions[h.type - 1];
	number = e->by_action[a->number];
	if (!number)
		return;
	s = e->schemas[number - 1];
	if (s->map) { /* clear(), zero(): what is in the map now is read before it goes */
		if (export_read_map(e, number - 1))
			e->failed++;
		export_forget_map(e->schemas[number - 1]);
		return;
	}
	export_begin(e, s, h.time ? h.time : clock_monotonic_ns());
	if (s->message)
		put_message(e, s, a, record, size);
	for (size_t i = 0; i < s->count; i++) {
		struct export_column c = s->columns[i];

		/* Places of one name share a schema; each has its own record. */
		c.type = a->arguments[i].type;
		c.source = a->arguments[i].offset;
		c.in_tail = a->arguments[i].in_tail;
		export_put_column(e, &c, record, size);
	}
	export_send(e, number - 1);
}
