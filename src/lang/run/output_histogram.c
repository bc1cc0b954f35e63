// SPDX-License-Identifier: Apache-2.0
/*
 * Histograms and time series. hist(n, k) has 2^k buckets to each power of two; slot numbers are
 * those of hist_slot() in lang/builtins/aggregate.c:
 *
 *	0: below zero   1: zero   2 ...: for k = 0 the powers [1], [2, 4), [4, 8) ...; for k > 0 the
 *	values 1 ... 2^k - 1 one by one, then 2^k buckets to each power
 *
 * lhist(n, min, max, step): 0: below min, then whole steps, then what is above them.
 */
#include "lang/run/output_internal.h"

#include <time.h>

#define BAR_WIDTH 52

struct bucket {
	s64 min, max; /* [min, max) */
	bool no_min, no_max;
};

/* Values from which on slots are logarithmic. */
static struct bucket hist_bucket(const struct type *t, u32 slot)
{
	u32 k = t->aggregation.bits, linear = 1u << k, i;

	if (slot == 0)
		return (struct bucket){ .no_min = true, .max = 0 };
	if (slot <= linear) /* 0 ... 2^k - 1 one by one */
		return (struct bucket){ .min = slot - 1, .max = slot };
	i = slot - 1 - linear;
	return (struct bucket){
		.min = (s64)((u64)(linear + (i & (linear - 1))) << (i >> k)),
		.max = (s64)((u64)(linear + (i & (linear - 1)) + 1) << (i >> k)),
	};
}

static struct bucket lhist_bucket(const struct type *t, u32 slot)
{
	const struct aggregation *a = &t->aggregation;

	if (slot == 0)
		return (struct bucket){ .no_min = true, .max = a->min };
	if (slot == a->buckets - 1)
		return (struct bucket){ .no_max = true, .min = a->min + (s64)(slot - 1) * a->step };
	return (struct bucket){ .min = a->min + (s64)(slot - 1) * a->step,
				.max = a->min + (s64)slot * a->step };
}

static struct bucket bucket_of(const struct type *t, u32 slot)
{
	return t->kind == TYPE_HIST ? hist_bucket(t, slot) : lhist_bucket(t, slot);
}

static const char units[] = " KMGTPE";

/* @number << @shift, with the unit that the shift alone makes up: 1 << 11 is 2K, 3 << 9 is 1536. */
static void add_power(u64 number, u32 shift, struct buf *b)
{
	buf_add_u64(b, number << shift % 10);
	if (shift >= 10)
		buf_add_char(b, units[shift / 10]);
}

static void add_hist_bound(const struct type *t, u32 slot, struct buf *b)
{
	u32 k = t->aggregation.bits, linear = 1u << k, i;

	if (slot <= linear) {
		buf_add_u64(b, slot ? slot - 1 : 0);
		return;
	}
	i = slot - 1 - linear;
	add_power(linear + (i & (linear - 1)), i >> k, b);
}

static void add_lhist_bound(s64 v, struct buf *b)
{
	u32 unit = 0;

	while (v && v % 1024 == 0 && unit < sizeof(units) - 2) {
		v /= 1024;
		unit++;
	}
	buf_add_s64(b, v);
	if (unit)
		buf_add_char(b, units[unit]);
}

static void add_bound(const struct type *t, u32 slot, bool upper, struct buf *b)
{
	struct bucket k = bucket_of(t, slot);

	if (t->kind == TYPE_HIST)
		add_hist_bound(t, upper ? slot + 1 : slot, b);
	else
		add_lhist_bound(upper ? k.max : k.min, b);
}

static void add_label(const struct type *t, u32 slot, struct buf *b)
{
	struct bucket k = bucket_of(t, slot);

	buf_add_char(b, k.no_min ? '(' : '[');
	if (k.no_min)
		buf_add_str(b, "...");
	else
		add_bound(t, slot, false, b);
	if (k.no_max) {
		buf_add_str(b, ", ...)");
	} else if (!k.no_min && (u64)k.max == (u64)k.min + 1) {
		buf_add_char(b, ']');
	} else {
		buf_add_str(b, ", ");
		add_bound(t, slot, true, b);
		buf_add_char(b, ')');
	}
}

/* The first and the last bucket that counted something; false: none did. */
static bool extent(const struct type *t, const u64 *slots, u32 *first, u32 *last, u64 *max)
{
	bool any = false;

	*max = 0;
	for (u32 i = 0; i < t->aggregation.buckets; i++) {
		if (!slots[i])
			continue;
		if (!any)
			*first = i;
		any = true;
		*last = i;
		*max = slots[i] > *max ? slots[i] : *max;
	}
	return any;
}

void histogram_text(const struct type *t, const u64 *slots, u64 divisor, struct buf *b)
{
	u64 by = divisor ? divisor : 1, max;
	u32 first, last;

	if (!extent(t, slots, &first, &last, &max))
		return;
	for (u32 i = first; i <= last; i++) {
		size_t from = b->len;
		u32 bar = max / by ? (u32)((double)(slots[i] / by) / (double)(max / by) * BAR_WIDTH)
				   : 0;

		add_label(t, i, b);
		if (b->len - from < 16)
			buf_add_fill(b, ' ', 16 - (b->len - from));
		buf_printf(b, " %7llu |", (unsigned long long)(slots[i] / by));
		buf_add_fill(b, '@', bar);
		buf_add_fill(b, ' ', BAR_WIDTH - bar);
		buf_add_str(b, "|\n");
	}
}

void histogram_json(const struct type *t, const u64 *slots, struct buf *b)
{
	u32 first = 1, last = 0;
	u64 max;

	buf_add_char(b, '[');
	if (extent(t, slots, &first, &last, &max)) {
		for (u32 i = first; i <= last; i++) {
			struct bucket k = bucket_of(t, i);

			buf_add_str(b, i == first ? "{" : ",{");
			if (!k.no_min) {
				buf_add_str(b, "\"min\": ");
				add_json_integer(k.min, true, b);
				buf_add_str(b, ", ");
			}
			if (!k.no_max) {
				buf_add_str(b, "\"max\": ");
				add_json_integer((s64)((u64)k.max - 1), true, b);
				buf_add_str(b, ", ");
			}
			buf_printf(b, "\"count\": %llu}", (unsigned long long)slots[i]);
		}
	}
	buf_add_char(b, ']');
}

/* ---- time series ----------------------------------------------------------------------------- */

#define GRAPH_WIDTH 53 /* with its edges */

static s64 row_value(const struct type *t, const struct tseries_value *row, u64 divisor)
{
	s64 v = (s64)row->value, by = divisor ? (s64)divisor : 1;

	if (t->aggregation.reduce == TYPE_AVG && row->count)
		v = t->aggregation.is_signed ? v / (s64)row->count : (s64)((u64)v / row->count);
	return t->aggregation.is_signed ? v / by : (s64)((u64)v / (u64)by);
}

struct series {
	u64 first, last; /* epochs */
	s64 min, max;
	bool any;
};

static void measure(const struct type *t, const struct tseries_value *rows, u64 divisor,
		    struct series *s)
{
	for (u32 i = 0; i < t->aggregation.buckets; i++) {
		s64 v;

		if (!rows[i].count)
			continue;
		v = row_value(t, &rows[i], divisor);
		if (!s->any || rows[i].epoch < s->first)
			s->first = rows[i].epoch;
		if (!s->any || rows[i].epoch > s->last)
			s->last = rows[i].epoch;
		if (!s->any || v < s->min)
			s->min = v;
		if (!s->any || v > s->max)
			s->max = v;
		s->any = true;
	}
}

static const struct tseries_value *row_at(const struct type *t, const struct tseries_value *rows,
					  u64 epoch)
{
	const struct tseries_value *row = &rows[epoch % t->aggregation.buckets];

	return row->count && row->epoch == epoch ? row : NULL;
}

/*
 * The start of a row. The kernel counts from boot; rows are shown on the wall clock's multiples of
 * the interval. Digits of a second are as many as the interval has, in steps of three.
 */
static void add_row_time(struct output *o, const struct type *t, u64 epoch, const char *format,
			 int digits, struct buf *b)
{
	static const u64 powers[] = { 1, 1000000, 1000 };
	u64 interval = t->aggregation.interval_ns;
	u64 wall = epoch * interval + o->boot_offset;
	u64 part;

	wall -= wall % interval;
	part = wall % NSEC_PER_SEC;
	add_strftime(format, wall, b);
	if (digits == 9)
		buf_printf(b, ".%09llu", (unsigned long long)part);
	else if (digits)
		buf_printf(b, ".%0*llu", digits, (unsigned long long)(part / powers[digits / 3]));
}

/* As few digits of a second as tell two rows apart; a single row has all of them. */
static int digits_of(const struct series *s, u64 interval, const char **ret_heading)
{
	if (s->first == s->last || interval < NSEC_PER_USEC) {
		*ret_heading = "hh:mm:ss.ns";
		return 9;
	}
	if (interval >= NSEC_PER_SEC) {
		*ret_heading = "hh:mm:ss";
		return 0;
	}
	*ret_heading = interval >= NSEC_PER_MSEC ? "hh:mm:ss.ms" : "hh:mm:ss.us";
	return interval >= NSEC_PER_MSEC ? 3 : 6;
}

static void add_scale(const struct series *s, int indent, struct buf *b)
{
	char low[32], high[32];

	snprintf(low, sizeof(low), "%lld", (long long)s->min);
	snprintf(high, sizeof(high), "%lld", (long long)s->max);
	buf_printf(b, "%*s%s%*s\n", indent, "", low, GRAPH_WIDTH - (int)strlen(low), high);
}

static void add_row(const struct series *s, const struct tseries_value *row, s64 v, struct buf *b)
{
	char graph[GRAPH_WIDTH + 1];
	u32 at = (u32)((double)(v - s->min) / (double)(s->max - s->min) * (GRAPH_WIDTH - 1));

	memset(graph, ' ', GRAPH_WIDTH);
	graph[0] = graph[GRAPH_WIDTH - 1] = '|';
	graph[GRAPH_WIDTH] = '\0';
	if (row)
		graph[at] = '*';
	buf_printf(b, " %s ", graph);
	if (row)
		buf_add_s64(b, v);
	else
		buf_add_char(b, '-');
	buf_add_char(b, '\n');
}

void tseries_text(struct output *o, const struct type *t, const struct tseries_value *rows,
		  u64 divisor, struct buf *b)
{
	struct series s = {};
	const char *heading;
	int digits, width;

	measure(t, rows, divisor, &s);
	if (!s.any)
		return;
	digits = digits_of(&s, t->aggregation.interval_ns, &heading);
	width = 8 + (digits ? digits + 1 : 0);
	if (s.min == s.max) {
		s.min--;
		s.max++;
	}
	add_scale(&s, width + 1, b);
	buf_printf(b, "%-*s |", width, heading);
	buf_add_fill(b, '_', GRAPH_WIDTH - 2);
	buf_add_str(b, "|\n");
	for (u64 e = s.first; e <= s.last; e++) {
		const struct tseries_value *row = row_at(t, rows, e);

		add_row_time(o, t, e, "%H:%M:%S", digits, b);
		add_row(&s, row, row ? row_value(t, row, divisor) : 0, b);
	}
	buf_printf(b, "%*sv", width + 1, "");
	buf_add_fill(b, '_', GRAPH_WIDTH - 2);
	buf_add_str(b, "v\n");
	add_scale(&s, width + 1, b);
}

void tseries_json(struct output *o, const struct type *t, const struct tseries_value *rows,
		  struct buf *b)
{
	struct series s = {};
	bool first = true;

	measure(t, rows, 0, &s);
	buf_add_char(b, '[');
	for (u64 e = s.first; s.any && e <= s.last; e++) {
		const struct tseries_value *row = row_at(t, rows, e);

		buf_add_str(b, first ? "{\"interval_start\":\"" : ",{\"interval_start\":\"");
		first = false;
		add_row_time(o, t, e, "%Y-%m-%d %H:%M:%S", 9, b);
		buf_add_str(b, "\",\"value\":");
		if (row)
			buf_add_s64(b, row_value(t, row, 0));
		else
			buf_add_str(b, "null");
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}
