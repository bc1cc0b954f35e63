// SPDX-License-Identifier: Apache-2.0
/*
 * printf: the format is taken apart once, then every record walks the parts. A number without width
 * or flags is written by hand, which is what a busy script spends its time on; the rest goes
 * through snprintf(). Without a length modifier a conversion takes 32 bits, as C's does; precision
 * and the space flag are passed over: bpftrace does so.
 */
#include "lang/run/output_internal.h"

#include <ctype.h>

struct walk {
	const char *at;
	struct printf_plan *plan;
	size_t capacity;
	u32 argument;
};

static struct printf_part *add_part(struct walk *w)
{
	size_t capacity = w->capacity;

	if (grow(&w->plan->parts, &capacity, w->plan->count + 1, sizeof(struct printf_part)))
		return NULL;
	w->capacity = capacity;
	return &w->plan->parts[w->plan->count++];
}

static bool add_literal(struct walk *w, const char *text, size_t len)
{
	struct printf_part *p = add_part(w);

	if (!p)
		return false;
	p->conversion = CONVERT_LITERAL;
	p->text = text;
	p->len = (u32)len;
	return true;
}

static u8 read_length(struct walk *w)
{
	static const struct {
		const char *text;
		u8 bits;
	} lengths[] = { { "hh", 8 }, { "h", 16 }, { "ll", 64 }, { "l", 64 },
			{ "j", 64 }, { "z", 64 }, { "t", 64 } };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		if (str_starts(w->at, lengths[i].text)) {
			w->at += strlen(lengths[i].text);
			return lengths[i].bits;
		}
	}
	return 32;
}

static enum conversion conversion_of(struct walk *w, char letter)
{
	switch (letter) {
	case 'd':
	case 'i':
		return CONVERT_SIGNED;
	case 'u':
		return CONVERT_UNSIGNED;
	case 's':
		return CONVERT_TEXT;
	case 'p':
		return CONVERT_POINTER;
	case 'c':
		return CONVERT_CHARACTER;
	case 'r':
		if (*w->at == 'h' || *w->at == 'x')
			return *w->at++ == 'h' ? CONVERT_BUFFER_HEX : CONVERT_BUFFER_BYTES;
		return CONVERT_BUFFER;
	default:
		return CONVERT_OTHER;
	}
}

/* The flags that matter without a width, with 64 bits and the letter: padding is done by pad(). */
static const char *rebuilt(struct output *o, const char *flags, size_t flag_count, char letter)
{
	bool plus = memchr(flags, '+', flag_count), hash = memchr(flags, '#', flag_count);

	return arena_printf(o->script->arena, "%%%s%sll%c", plus ? "+" : "", hash ? "#" : "",
			    letter);
}

/* What is no conversion is text: "%q". */
static bool is_conversion(const char *at)
{
	at += strspn(at, "-+ #0");
	at += strspn(at, "0123456789");
	if (*at == '.')
		at += 1 + strspn(at + 1, "0123456789");
	at += strspn(at, "hljzt");
	return *at && (strchr("diuoxXcspr", *at) || str_starts(at, "gr"));
}

static bool read_conversion(struct output *o, struct walk *w)
{
	const char *flags = w->at;
	struct printf_part *p;
	size_t flag_count;
	u64 width = 0;

	flag_count = strspn(w->at, "-+ #0");
	w->at += flag_count;
	for (; isdigit((unsigned char)*w->at); w->at++)
		width = width < 4096 ? width * 10 + (u64)(*w->at - '0') : width;
	if (*w->at == '.')
		w->at += 1 + strspn(w->at + 1, "0123456789");
	p = add_part(w);
	if (!p)
		return false;
	p->bits = read_length(w);
	if (str_starts(w->at, "gr")) {
		w->at += 2;
		p->conversion = CONVERT_GFP;
	} else {
		p->letter = *w->at++;
		p->conversion = conversion_of(w, p->letter);
	}
	p->width = (u32)width;
	p->left = memchr(flags, '-', flag_count);
	p->zeros = !p->left && memchr(flags, '0', flag_count);
	p->plain = !width && strspn(flags, " ") >= flag_count;
	p->argument = w->argument++;
	if (p->conversion <= CONVERT_OTHER && (!p->plain || p->conversion == CONVERT_OTHER))
		p->text = rebuilt(o, flags, flag_count, p->letter);
	return true;
}

static bool walk_format(struct output *o, struct walk *w)
{
	while (*w->at) {
		size_t len = strcspn(w->at, "%");

		if (len && !add_literal(w, w->at, len))
			return false;
		w->at += len;
		if (!*w->at)
			break;
		if (w->at[1] == '%' || !is_conversion(w->at + 1)) {
			if (!add_literal(w, w->at, 1))
				return false;
			w->at += w->at[1] == '%' ? 2 : 1;
			continue;
		}
		w->at++;
		if (!read_conversion(o, w))
			return false;
	}
	return true;
}

const struct printf_plan *printf_plan_of(struct output *o, const struct action *a)
{
	struct walk w = { .at = a->format ? a->format : "" };

	if (o->plans[a->number])
		return o->plans[a->number];
	w.plan = calloc(1, sizeof(*w.plan));
	if (!w.plan)
		return NULL;
	w.plan->minimum = a->fixed_size;
	if (!walk_format(o, &w)) {
		printf_plan_free(w.plan);
		return NULL;
	}
	return o->plans[a->number] = w.plan;
}

void printf_plan_free(struct printf_plan *p)
{
	if (p)
		free(p->parts);
	free(p);
}

/* ---- a record -------------------------------------------------------------------------------- */

static u64 cut(const struct printf_part *p, s64 v)
{
	switch (p->bits) {
	case 8:
		return p->conversion == CONVERT_SIGNED ? (u64)(s8)v : (u8)v;
	case 16:
		return p->conversion == CONVERT_SIGNED ? (u64)(s16)v : (u16)v;
	case 32:
		return p->conversion == CONVERT_SIGNED ? (u64)(s32)v : (u32)v;
	default:
		return (u64)v;
	}
}

static void add_number(const struct printf_part *p, s64 v, struct buf *b)
{
	u64 n = cut(p, v);

	if (p->text) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_printf(b, p->text, n);
#pragma GCC diagnostic pop
	} else if (p->conversion == CONVERT_SIGNED) {
		buf_add_s64(b, (s64)n);
	} else {
		buf_add_u64(b, n);
	}
}

/*
 * What was added since @from, brought to the conversion's width: counted in bytes, with zeros in
 * front of a sign too, as bpftrace does it. Of a tuple, struct or array @head bytes are what the
 * width is about: its opening bracket.
 */
static void pad(const struct printf_part *p, size_t from, size_t head, struct buf *b)
{
	size_t len = b->len - from, counted = head ? head : len;
	size_t fill = p->width > counted ? p->width - counted : 0, at = from;

	if (!fill)
		return;
	buf_add_fill(b, ' ', fill);
	if (b->error || (p->left && !head))
		return;
	at += p->left ? head : 0;
	memmove(b->data + at + fill, b->data + at, len - (at - from));
	memset(b->data + at, p->zeros ? '0' : ' ', fill);
}

static size_t head_of(const struct type *t)
{
	if (t->kind == TYPE_STRUCT)
		return t->is_tuple ? 1 : 2;
	return 0;
}

/* A string or buffer in the tail: where its bytes are; false: the record is not whole. */
static bool tail_of(const struct action_argument *arg, const u8 *record, u32 size, const u8 **ret,
		    u32 *ret_len, bool *ret_cut)
{
	u16 place[2];

	memcpy(place, record + arg->offset, sizeof(place));
	*ret_cut = place[1] & TAIL_TRUNCATED;
	*ret_len = place[1] & (TAIL_TRUNCATED - 1);
	*ret = record + place[0];
	return place[0] <= size && *ret_len <= size - place[0];
}

static void add_tail(struct output *o, const struct printf_part *p,
		     const struct action_argument *arg, const u8 *record, u32 size, struct buf *b)
{
	const u8 *bytes;
	bool is_cut;
	u32 len;

	if (!tail_of(arg, record, size, &bytes, &len, &is_cut))
		return;
	if (arg->type->kind == TYPE_BUFFER) {
		add_buffer_text(bytes, len, p->conversion, b);
		return;
	}
	add_foreign(o, (const char *)bytes, strnlen((const char *)bytes, len), b);
	if (is_cut)
		buf_add_str(b, o->script->config.str_trunc_trailer);
}

static void add_argument(struct output *o, const struct printf_part *p,
			 const struct action_argument *arg, const u8 *record, u32 size,
			 struct buf *b)
{
	const void *data = record + arg->offset;
	size_t from = b->len;

	if (arg->in_tail)
		add_tail(o, p, arg, record, size, b);
	else if (p->conversion <= CONVERT_OTHER)
		add_number(p, value_integer(arg->type, data), b);
	else if (p->conversion == CONVERT_POINTER && !value_integer(arg->type, data))
		buf_add_char(b, '0');
	else if (p->conversion == CONVERT_POINTER)
		buf_printf(b, "0x%llx", (unsigned long long)value_integer(arg->type, data));
	else if (p->conversion == CONVERT_CHARACTER)
		buf_add_char(b, (char)value_integer(arg->type, data));
	else if (p->conversion == CONVERT_GFP)
		add_gfp_flags((u32)value_integer(arg->type, data), b);
	else if (arg->type->kind == TYPE_BUFFER)
		add_buffer_text((const u8 *)data + 4, *(const u32 *)data, p->conversion, b);
	else if (arg->type->kind == TYPE_STRING)
		add_string(o, arg->type, data, b);
	else
		value_text(o, arg->type, data, false, b);
	if (p->width)
		pad(p, from, head_of(arg->type), b);
}

void printf_run(struct output *o, const struct printf_plan *plan, const struct action *a,
		const u8 *record, u32 size, struct buf *b)
{
	for (u32 i = 0; i < plan->count; i++) {
		const struct printf_part *p = &plan->parts[i];

		if (p->conversion == CONVERT_LITERAL)
			buf_add(b, p->text, p->len);
		else if (p->argument < a->argument_count)
			add_argument(o, p, &a->arguments[p->argument], record, size, b);
	}
}
