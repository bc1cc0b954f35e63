// SPDX-License-Identifier: Apache-2.0
/*
 * A map as print() and the end of a script show it. The order is bpftrace's: aggregations ascend by
 * value, maps of plain integers stand as the kernel gives them, all others ascend by key.
 */
#include "lang/run/output_internal.h"

bool type_is_histogram(const struct type *t)
{
	return t->kind == TYPE_HIST || t->kind == TYPE_LHIST || t->kind == TYPE_TSERIES;
}

/* ---- order ----------------------------------------------------------------------------------- */

struct sort_context {
	const struct map *map;
	bool by_key;
};

static int compare_numbers(s64 a, s64 b, bool is_signed)
{
	if (is_signed)
		return a < b ? -1 : a > b;
	return (u64)a < (u64)b ? -1 : (u64)a > (u64)b;
}

static int compare_keys(const struct type *t, const u8 *a, const u8 *b)
{
	if (t->kind == TYPE_STRUCT && t->members) {
		for (u32 i = 0; i < t->members->count; i++) {
			const struct field *f = &t->members->fields[i];
			int order = compare_keys(f->type, a + f->offset, b + f->offset);

			if (order)
				return order;
		}
		return 0;
	}
	if (t->kind == TYPE_STRING)
		return strncmp((const char *)a, (const char *)b, t->size);
	if (type_in_register(t))
		return compare_numbers(value_integer(t, a), value_integer(t, b), t->is_signed);
	return memcmp(a, b, type_stored_size(t));
}

static s64 total_of(const struct type *t, const u8 *value)
{
	const u64 *slots = (const u64 *)value;
	s64 sum = 0;

	for (u32 i = 0; i < t->aggregation.buckets; i++)
		sum += (s64)slots[i];
	return sum;
}

static int compare_entries(const void *a, const void *b, void *context)
{
	const struct sort_context *c = context;
	const struct map_entry *x = a, *y = b;
	const struct type *t = c->map->value;

	if (c->by_key)
		return c->map->key ? compare_keys(c->map->key, x->key, y->key) : 0;
	if (t->kind == TYPE_HIST || t->kind == TYPE_LHIST)
		return compare_numbers(total_of(t, x->value), total_of(t, y->value), true);
	return compare_numbers(aggregate_number(t, x->value), aggregate_number(t, y->value),
			       t->aggregation.is_signed);
}

/* qsort_r() is not stable everywhere; entries of one value keep the map's order. */
static void sort_stable(struct map_entries *e, struct sort_context *c, struct map_entry *room,
			size_t from, size_t to)
{
	size_t middle = from + (to - from) / 2, i = from, k = middle, n = from;

	if (to - from < 2)
		return;
	sort_stable(e, c, room, from, middle);
	sort_stable(e, c, room, middle, to);
	memcpy(room + from, e->items + from, (to - from) * sizeof(*room));
	while (i < middle && k < to)
		e->items[n++] = compare_entries(&room[i], &room[k], c) <= 0 ? room[i++] : room[k++];
	while (i < middle)
		e->items[n++] = room[i++];
	while (k < to)
		e->items[n++] = room[k++];
}

void map_entries_sort(const struct map *m, struct map_entries *e)
{
	struct sort_context c = { .map = m };
	_cleanup_free_ struct map_entry *room = NULL;

	if (m->value->kind == TYPE_INTEGER || m->value->kind == TYPE_TSERIES)
		return;
	c.by_key = !type_is_aggregate(m->value);
	room = calloc(e->count + 1, sizeof(*room));
	if (room)
		sort_stable(e, &c, room, 0, e->count);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* "1, a": the parts of a key without the tuple's brackets. */
static void add_key(struct output *o, const struct map *m, const u8 *key, struct buf *b)
{
	const struct type *t = m->key;

	if (t->kind != TYPE_STRUCT || !t->is_tuple || !t->members) {
		value_text(o, t, key, false, b);
		return;
	}
	for (u32 i = 0; i < t->members->count; i++) {
		const struct field *f = &t->members->fields[i];

		buf_add_str(b, i ? ", " : "");
		value_text(o, f->type, key + f->offset, true, b);
	}
}

bool divided_number(const struct type *t, const u8 *value, u64 divisor, s64 *ret)
{
	bool is_signed = t->kind == TYPE_INTEGER ? t->is_signed : t->aggregation.is_signed;

	if (t->kind == TYPE_STATS || type_is_histogram(t) ||
	    !(type_is_aggregate(t) || t->kind == TYPE_INTEGER))
		return false;
	*ret = t->kind == TYPE_INTEGER ? value_integer(t, value) : aggregate_number(t, value);
	if (divisor > 1)
		*ret = is_signed ? *ret / (s64)divisor : (s64)((u64)*ret / divisor);
	return true;
}

static void add_divided(struct output *o, const struct type *t, const u8 *value, u64 divisor,
			struct buf *b)
{
	bool is_signed = t->kind == TYPE_INTEGER ? t->is_signed : t->aggregation.is_signed;
	s64 number;

	if (t->kind == TYPE_STATS)
		stats_text(t, (const void *)value, divisor, b);
	else if (divisor < 2 || !divided_number(t, value, divisor, &number))
		value_text(o, t, value, false, b);
	else if (is_signed)
		buf_add_s64(b, number);
	else
		buf_add_u64(b, (u64)number);
}

static void add_entry(struct output *o, const struct map *m, const struct map_entry *e, u64 divisor,
		      struct buf *b)
{
	buf_add_str(b, m->name);
	if (m->key) {
		buf_add_char(b, '[');
		add_key(o, m, e->key, b);
		buf_add_char(b, ']');
	}
	if (!type_is_histogram(m->value)) {
		buf_add_str(b, ": ");
		add_divided(o, m->value, e->value, divisor, b);
		buf_add_char(b, '\n');
		return;
	}
	buf_add_str(b, ":\n");
	if (m->value->kind == TYPE_TSERIES)
		tseries_text(o, m->value, (const void *)e->value, divisor, b);
	else
		histogram_text(m->value, (const void *)e->value, divisor, b);
	buf_add_char(b, '\n');
}

int output_entries(struct output *o, const struct map *m, struct map_entries *e, u64 top,
		   u64 divisor)
{
	size_t from;

	bool counted = m->value->kind == TYPE_AVG || m->value->kind == TYPE_STATS;

	map_entries_sort(m, e);
	from = top && top < e->count ? e->count - (size_t)top : 0;
	if (!e->count && !(o->json && counted && m->key))
		return 0;
	if (o->json)
		output_map_json(o, m, e, from, divisor);
	else
		for (size_t i = from; i < e->count; i++)
			add_entry(o, m, &e->items[i], divisor, &o->text);
	return 0;
}

int output_map(struct output *o, const struct map *m, u64 top, u64 divisor)
{
	struct map_entries e;
	int err = map_read(o, m, &e);

	if (!err)
		err = output_entries(o, m, &e, top, divisor);
	map_entries_free(&e);
	return err;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(struct map *const *)a)->name, (*(struct map *const *)b)->name);
}

int output_maps(struct output *o)
{
	struct script *s = o->script;
	_cleanup_free_ struct map **sorted = calloc(s->map_count + 1, sizeof(*sorted));
	int err = 0;

	if (!sorted)
		return fail(-ENOMEM, "out of memory");
	if (!s->map_count)
		return 0;
	memcpy(sorted, s->maps, s->map_count * sizeof(*sorted));
	qsort(sorted, s->map_count, sizeof(*sorted), compare_names);
	for (size_t i = 0; i < s->map_count && !err; i++)
		err = output_map(o, sorted[i], 0, 0);
	return err;
}
