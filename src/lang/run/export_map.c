// SPDX-License-Identifier: Apache-2.0
/*
 * Readings of maps. What a script counts is never touched: a reading reports the difference to the
 * last one, of which a copy is kept here. Values that do not add up are reported when they changed.
 */
#include "lang/run/export_internal.h"

#include <uthash.h>

struct export_row {
	UT_hash_handle hh;
	u64 round;
	u8 *value;
	u8 key[] __attribute__((aligned(8)));
};

static void row_free(struct export_row *row)
{
	free(row->value);
	free(row);
}

void export_forget_map(struct export_schema *s)
{
	struct export_row *row, *next;

	HASH_ITER(hh, s->before, row, next) {
		HASH_DEL(s->before, row);
		row_free(row);
	}
}

/* The copy of the last reading; a new one is all zero. NULL: out of memory. */
static struct export_row *row_of(struct export_schema *s, const u8 *key, bool *ret_new)
{
	u32 size = s->map->key_size;
	struct export_row *row;

	HASH_FIND(hh, s->before, key, size, row);
	*ret_new = !row;
	if (row)
		return row;
	row = calloc(1, sizeof(*row) + size + 8);
	if (!row)
		return NULL;
	row->value = calloc(1, s->map->value_size + 8);
	if (!row->value) {
		free(row);
		return NULL;
	}
	memcpy(row->key, key, size);
	HASH_ADD_KEYPTR(hh, s->before, row->key, size, row);
	return row;
}

static u64 word(const u8 *bytes, size_t i)
{
	u64 v;

	memcpy(&v, bytes + i * 8, sizeof(v));
	return v;
}

static void set_word(u8 *bytes, size_t i, u64 v)
{
	memcpy(bytes + i * 8, &v, sizeof(v));
}

/* Did it start anew (deleted and made again) since the last reading? Some count is smaller then. */
static bool is_restarted(const struct export_schema *s, const u8 *now, const u8 *was)
{
	const struct type *t = s->map->value;

	switch (t->kind) {
	case TYPE_SUM:
		return !t->aggregation.is_signed && word(now, 0) < word(was, 0);
	case TYPE_AVG:
	case TYPE_STATS:
		return word(now, offsetof(struct stats_value, count) / 8) <
		       word(was, offsetof(struct stats_value, count) / 8);
	default:
		break;
	}
	for (size_t i = 0; i < s->map->value_size / 8; i++) {
		if (word(now, i) < word(was, i))
			return true;
	}
	return false;
}

/* Makes @value what came since the last reading; false: nothing did. */
static bool difference(const struct export_schema *s, u8 *value, u8 *was)
{
	bool any = false, restarted = is_restarted(s, value, was);

	for (size_t i = 0; i < s->map->value_size / 8; i++) {
		u64 now = word(value, i), new = restarted ? now : now - word(was, i);

		any |= new != 0;
		set_word(value, i, new);
		set_word(was, i, now);
	}
	return any;
}

/*
 * The closed interval that a slot of hist() or lhist() counts (see output_histogram.c); false: it
 * is open below or above, and that end is the least or the greatest number.
 */
static bool bucket(const struct type *t, u32 slot, s64 *ret_min, s64 *ret_max)
{
	const struct aggregation *a = &t->aggregation;
	u64 linear = 1ULL << a->bits, part;
	u32 i;

	*ret_min = INT64_MIN;
	*ret_max = t->kind == TYPE_LHIST ? a->min - 1 : -1;
	if (!slot)
		return false;
	if (t->kind == TYPE_LHIST) {
		*ret_min = a->min + (s64)(slot - 1) * a->step;
		*ret_max = slot + 1 < a->buckets ? *ret_min + a->step - 1 : INT64_MAX;
		return slot + 1 < a->buckets;
	}
	*ret_min = *ret_max = (s64)slot - 1;
	if (slot <= linear)
		return true;
	i = slot - 1 - (u32)linear;
	part = linear + (i & (linear - 1));
	*ret_min = (s64)(part << (i >> a->bits));
	*ret_max = (s64)(((part + 1) << (i >> a->bits)) - 1);
	return true;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void begin_row(struct export *e, struct export_schema *s, const struct map_entry *entry)
{
	export_begin(e, s, clock_monotonic_ns());
	/* Columns of the key stand before those of the value. */
	for (size_t i = 0; i < s->count; i++) {
		const struct export_column *c = &s->columns[i];
		bool is_value = c->offset >= s->value_offset;

		export_put_column(e, c, is_value ? entry->value : entry->key, 0);
	}
}

static void put_histogram(struct export *e, const struct export_schema *s, const u8 *value)
{
	const struct type *t = s->map->value;

	for (u32 i = 0; i < t->aggregation.buckets; i++) {
		u64 count = word(value, i), slot, was;
		s64 min, max;
		u32 at;

		if (!count)
			continue;
		if (!bucket(t, i, &min, &max)) {
			at = s->at[i ? 2 : 1];
		} else {
			slot = t->kind == TYPE_LHIST ? (u64)min / (u64)t->aggregation.step
			       : min		     ? 64 - (u64)__builtin_clzll((u64)min)
						     : 0;
			at = s->at[0] + 8 * (u32)MIN(slot, EXPORT_SLOTS_MAX - 1);
		}
		memcpy(&was, e->record.data + at, sizeof(was));
		export_put(e, at, was + count);
	}
}

static void send_buckets(struct export *e, u32 number, const struct map_entry *entry)
{
	struct export_schema *s = e->schemas[number];
	const struct type *t = s->map->value;

	for (u32 i = 0; i < t->aggregation.buckets; i++) {
		s64 min, max;

		if (!word(entry->value, i))
			continue;
		bucket(t, i, &min, &max);
		begin_row(e, s, entry);
		export_put(e, s->at[0], (u64)min);
		export_put(e, s->at[1], (u64)max);
		export_put(e, s->at[2], word(entry->value, i));
		export_send(e, number);
	}
}

/* Intervals that changed; the one under way comes again when it goes on. */
static void send_series(struct export *e, u32 number, const struct map_entry *entry, u8 *was)
{
	struct export_schema *s = e->schemas[number];
	const struct aggregation *a = &s->map->value->aggregation;
	const struct tseries_value *rows = (const void *)entry->value;
	struct tseries_value *old = (void *)was;

	for (u32 i = 0; i < a->buckets; i++) {
		u64 value = rows[i].value;

		if (!rows[i].count || !memcmp(&rows[i], &old[i], sizeof(rows[i])))
			continue;
		old[i] = rows[i];
		if (a->reduce == TYPE_AVG)
			value = a->is_signed ? (u64)((s64)value / (s64)rows[i].count)
					     : value / rows[i].count;
		begin_row(e, s, entry);
		/* nsecs() counts from the boot; a record's times are monotonic */
		export_put(e, s->at[0],
			   rows[i].epoch * a->interval_ns + e->run->boot_offset -
				   e->run->wall_offset);
		export_put(e, s->at[1], value);
		export_send(e, number);
	}
}

static void put_average(struct export *e, const struct export_schema *s, const u8 *value)
{
	struct stats_value v;

	memcpy(&v, value, sizeof(v));
	export_put(e, s->at[0], v.count);
	export_put(e, s->at[1], (u64)aggregate_number(s->map->value, &v));
	export_put(e, s->at[2], v.total);
}

static void send_entry(struct export *e, u32 number, const struct map_entry *entry,
		       struct export_row *row, bool is_new)
{
	struct export_schema *s = e->schemas[number];

	if (s->value == EXPORT_SERIES) {
		send_series(e, number, entry, row->value);
		return;
	}
	if (s->value == EXPORT_CHANGED) {
		if (!is_new && !memcmp(row->value, entry->value, s->map->value_size))
			return;
		memcpy(row->value, entry->value, s->map->value_size);
	} else if (!difference(s, entry->value, row->value)) {
		return;
	}
	if (s->value == EXPORT_BUCKETS) {
		send_buckets(e, number, entry);
		return;
	}
	begin_row(e, s, entry);
	if (s->value == EXPORT_COUNT)
		export_put(e, s->at[0], word(entry->value, 0));
	else if (s->value == EXPORT_AVERAGE)
		put_average(e, s, entry->value);
	else if (s->value == EXPORT_HISTOGRAM)
		put_histogram(e, s, entry->value);
	export_send(e, number);
}

/* Entries that the script deleted. */
static void forget_gone(struct export_schema *s)
{
	struct export_row *row, *next;

	HASH_ITER(hh, s->before, row, next) {
		if (row->round == s->round)
			continue;
		HASH_DEL(s->before, row);
		row_free(row);
	}
}

int export_read_map(struct export *e, u32 number)
{
	struct export_schema *s = e->schemas[number];
	struct map_entries entries;
	int err = map_read(&e->run->out, s->map, &entries);

	if (err)
		return err;
	s->round++;
	for (size_t i = 0; i < entries.count; i++) {
		bool is_new;
		struct export_row *row = row_of(s, entries.items[i].key, &is_new);

		if (!row) {
			e->failed++;
			continue;
		}
		row->round = s->round;
		send_entry(e, number, &entries.items[i], row, is_new);
	}
	forget_gone(s);
	map_entries_free(&entries);
	return 0;
}
