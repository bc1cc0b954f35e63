// SPDX-License-Identifier: Apache-2.0
/*
 * A value as text, by its type: the one function that print(), maps, tuples and %s share.
 */
#include "lang/run/output_internal.h"

static s64 extended(const void *data, u32 size, bool is_signed)
{
	u64 raw = 0;

	memcpy(&raw, data, size > 8 ? 8 : size);
	if (is_signed && size < 8)
		return (s64)(raw << (64 - size * 8)) >> (64 - size * 8);
	return (s64)raw;
}

s64 value_integer(const struct type *t, const void *data)
{
	switch (t->kind) {
	case TYPE_BOOL:
		return *(const u8 *)data != 0;
	case TYPE_INTEGER:
	case TYPE_ENUM:
		return extended(data, t->size, t->is_signed);
	default:
		return extended(data, 8, false);
	}
}

u32 string_length(const struct type *t, const void *data)
{
	return (u32)strnlen(data, t->size);
}

void add_foreign(struct output *o, const char *bytes, size_t len, struct buf *b)
{
	if (o->safe)
		text_add_safe(b, bytes, len);
	else
		buf_add(b, bytes, len);
}

void add_string(struct output *o, const struct type *t, const char *bytes, struct buf *b)
{
	u32 len = string_length(t, bytes);
	u64 max = o->script->config.max_strlen;

	add_foreign(o, bytes, len, b);
	/*
	 * Only what str() read can have the greatest length, and may have been cut there. A string
	 * that has no room at all was cut, too.
	 */
	if ((max && t->size > max && len >= max) || !t->size)
		buf_add_str(b, o->script->config.str_trunc_trailer);
}

void add_buffer_text(const u8 *bytes, u32 len, enum conversion c, struct buf *b)
{
	for (u32 i = 0; i < len; i++) {
		if (c == CONVERT_BUFFER_HEX)
			buf_printf(b, i ? " %02x" : "%02x", bytes[i]);
		else if (c != CONVERT_BUFFER_BYTES && bytes[i] >= 0x20 && bytes[i] < 0x7f)
			buf_add_char(b, (char)bytes[i]);
		else
			buf_printf(b, "\\x%02x", bytes[i]);
	}
}

/* ---- structs, tuples, arrays ----------------------------------------------------------------- */

static s64 bit_field(const struct field *f, const void *data)
{
	u64 raw = (u64)extended((const u8 *)data + f->offset, f->type->size, false);

	/* not sign-extended: bpftrace does not */
	return (s64)(raw >> f->bit_offset & ((f->bit_size < 64 ? 1ULL << f->bit_size : 0) - 1));
}

static void add_member(struct output *o, const struct field *f, const void *data, struct buf *b)
{
	if (f->bit_size)
		buf_add_s64(b, bit_field(f, data));
	else
		value_text(o, f->type, (const u8 *)data + f->offset, true, b);
}

static void add_struct(struct output *o, const struct type *t, const void *data, struct buf *b)
{
	const struct members *m = type_members(o->script->world, t);
	bool first = true;

	buf_add_str(b, t->is_tuple ? "(" : "{ ");
	for (u32 i = 0; m && i < m->count; i++) {
		buf_add_str(b, first ? "" : ", ");
		first = false;
		if (!t->is_tuple)
			buf_printf(b, ".%s = ", m->fields[i].name ? m->fields[i].name : "");
		add_member(o, &m->fields[i], data, b);
	}
	buf_add_str(b, t->is_tuple ? ")" : " }");
}

static void add_array(struct output *o, const struct type *t, const void *data, struct buf *b)
{
	u32 size = t->of->kind == TYPE_POINTER ? 8 : t->of->size;

	buf_add_char(b, '[');
	for (u32 i = 0; i < t->count; i++) {
		buf_add_str(b, i ? "," : "");
		value_text(o, t->of, (const u8 *)data + (size_t)i * size, true, b);
	}
	buf_add_char(b, ']');
}

static void add_enum(struct output *o, const struct type *t, const void *data, struct buf *b)
{
	s64 v = value_integer(t, data);
	const char *name = type_enum_name(o->script->world, t, v);

	if (name) {
		buf_add_str(b, name);
		return;
	}
	buf_add_s64(b, v);
	if (!o->is_bpftrace)
		return;
	buf_printf(&o->messages, "ERROR: Enum: %s doesn't contain a variant value of %lld\n",
		   t->name ? t->name : "", (long long)v);
	o->failed = o->exit_asked = true;
	o->exit_code = 1;
}

s64 aggregate_number(const struct type *t, const void *value)
{
	const struct stats_value *v = value;

	if (t->kind != TYPE_AVG && t->kind != TYPE_STATS)
		return (s64)v->total;
	if (!v->count)
		return 0;
	return t->aggregation.is_signed ? (s64)v->total / (s64)v->count
					: (s64)(v->total / v->count);
}

/* bpftrace divides the average alone. */
void stats_text(const struct type *t, const struct stats_value *v, u64 divisor, struct buf *b)
{
	bool is_signed = t->aggregation.is_signed;
	s64 average = aggregate_number(t, v);
	u64 count = v->count;

	if (divisor > 1)
		average = is_signed ? average / (s64)divisor : (s64)((u64)average / divisor);

	buf_printf(b, "{ .count = %llu, .average = ", (unsigned long long)count);
	buf_add_s64(b, average);
	buf_add_str(b, ", .total = ");
	if (is_signed)
		buf_add_s64(b, (s64)v->total);
	else
		buf_add_u64(b, v->total);
	buf_add_str(b, " }");
}

static void add_aggregate(const struct type *t, const void *data, struct buf *b)
{
	s64 number = aggregate_number(t, data);

	if (t->kind == TYPE_STATS)
		stats_text(t, data, 0, b);
	else if (t->aggregation.is_signed)
		buf_add_s64(b, number);
	else
		buf_add_u64(b, (u64)number);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void add_named(struct output *o, const struct type *t, const void *data, struct buf *b)
{
	const u8 *mac = data;

	switch (t->kind) {
	case TYPE_KSYM:
		add_kernel_symbol(o, *(const u64 *)data, false, b);
		break;
	case TYPE_USYM: {
		const struct usym_value *v = data;

		add_user_symbol(o, v->pid, v->address, false, b);
		break;
	}
	case TYPE_INET:
		add_inet(data, b);
		break;
	case TYPE_MAC:
		buf_printf(b, "%02X:%02X:%02X:%02X:%02X:%02X", mac[0], mac[1], mac[2], mac[3],
			   mac[4], mac[5]);
		break;
	case TYPE_TIMESTAMP:
		add_timestamp(o, data, b);
		break;
	case TYPE_CGROUP_PATH:
		add_cgroup_value(o, data, b);
		break;
	case TYPE_USERNAME:
		add_user_name(o, (u32) * (const u64 *)data, b);
		break;
	case TYPE_STRERROR:
	case TYPE_SYSCALL_NAME:
	case TYPE_SIGNAL_NAME:
		add_number_name(t->kind, *(const s64 *)data, b);
		break;
	case TYPE_KSTACK:
	case TYPE_USTACK:
		add_stack(o, t, data, b);
		break;
	default:
		add_aggregate(t, data, b);
		break;
	}
}

void value_text(struct output *o, const struct type *t, const void *data, bool nested UNUSED,
		struct buf *b)
{
	switch (t->kind) {
	case TYPE_NONE:
	case TYPE_VOID:
		break;
	case TYPE_BOOL:
		buf_add_str(b, *(const u8 *)data ? "true" : "false");
		break;
	case TYPE_INTEGER:
		if (t->is_signed)
			buf_add_s64(b, value_integer(t, data));
		else
			buf_add_u64(b, (u64)value_integer(t, data));
		break;
	case TYPE_ENUM:
		add_enum(o, t, data, b);
		break;
	case TYPE_POINTER:
	case TYPE_FUNCTION:
		buf_printf(b, "0x%llx", (unsigned long long)value_integer(t, data));
		break;
	case TYPE_STRING:
		add_string(o, t, data, b);
		break;
	case TYPE_BUFFER: {
		u32 len = *(const u32 *)data;

		add_buffer_text((const u8 *)data + 4, len < t->size ? len : t->size, CONVERT_BUFFER,
				b);
		break;
	}
	case TYPE_ARRAY:
		add_array(o, t, data, b);
		break;
	case TYPE_STRUCT:
		add_struct(o, t, data, b);
		break;
	default:
		add_named(o, t, data, b);
		break;
	}
}
