// SPDX-License-Identifier: Apache-2.0
/*
 * Histograms as pictures: one block for each key, slots from the first to the last that holds
 * something.
 *
 *	disk = sda
 *	     usecs : count    distribution
 *	    0 -> 0 : 3       |****                |
 *	    1 -> 1 : 12      |********************|
 *	count 15, p50 1us, p90 1us, p99 1us
 *
 * Slots are powers of two in the unit that was counted, so nanoseconds are shown as the durations
 * that bound a slot (1.02us -> 2.05us), not as if the slots were whole microseconds. Quantiles are
 * interpolated in their slot.
 */
#include "event/writer_internal.h"

#define BAR_DEFAULT 40
#define BAR_LEAST 10
#define BAR_MOST 60

u64 slots_total(const struct column *c, const struct value *v)
{
	u64 total = 0;

	for (u32 i = 0; v->class == VALUE_HISTOGRAM && i < slot_count(c); i++)
		total += v->slots[i];
	return total;
}

static u64 unit_ns(const char *unit)
{
	return !strcmp(unit, "ns")   ? 1
	       : !strcmp(unit, "us") ? NSEC_PER_USEC
	       : !strcmp(unit, "ms") ? NSEC_PER_MSEC
				     : 0;
}

static const char *unit_words(const char *unit)
{
	if (!strcmp(unit, "ns"))
		return "duration";
	if (!strcmp(unit, "us"))
		return "usecs";
	if (!strcmp(unit, "ms"))
		return "msecs";
	return *unit ? unit : "value";
}

/* A value of the histogram with its unit: 12.3us, 4.0KiB, 17. */
static void add_quantity(const struct column *c, u64 v, struct buf *b)
{
	u64 ns = unit_ns(c->unit);

	if (ns)
		add_duration(b, v > UINT64_MAX / ns ? UINT64_MAX : v * ns);
	else if (!strcmp(c->unit, "bytes"))
		add_size(b, v);
	else
		buf_add_u64(b, v);
}

/* The value below which the share @p of what was counted lies. */
static u64 quantile(const struct column *c, const u64 *slots, u64 total, double p)
{
	double wanted = p * (double)total, before = 0;
	u32 last = 0;

	for (u32 i = 0; i < slot_count(c); i++) {
		double in_slot = (double)slots[i], min = (double)slot_min(c, i);

		if (!slots[i])
			continue;
		last = i;
		if (before + in_slot >= wanted)
			return (u64)(min +
				     ((double)slot_max(c, i) - min) *
					     ((wanted - before) / in_slot) +
				     0.5);
		before += in_slot;
	}
	return slot_max(c, last); /* rounding left a little over */
}

/* The bounds of a slot as two texts. */
static void slot_label(const struct column *c, u32 slot, struct buf *low, struct buf *high)
{
	bool durations = unit_ns(c->unit) == 1;

	buf_clear(low);
	buf_clear(high);
	if (durations) {
		add_duration(low, slot_min(c, slot));
		add_duration(high,
			     slot_max(c, slot) + (slot_max(c, slot) != UINT64_MAX && slot > 1));
	} else {
		buf_add_u64(low, slot_min(c, slot));
		buf_add_u64(high, slot_max(c, slot));
	}
}

/* The picture's measures: slots shown, widths of its columns. */
struct picture {
	const struct column *column;
	const u64 *slots;
	u32 first, last;
	u64 most;
	size_t low, high, count, bar;
	struct buf low_text, high_text;
};

static size_t digits(u64 v)
{
	size_t n = 1;

	while (v /= 10)
		n++;
	return n;
}

static void measure(struct picture *p, u32 cut_at)
{
	size_t used;

	p->count = strlen("count");
	for (u32 i = p->first; i <= p->last; i++) {
		slot_label(p->column, i, &p->low_text, &p->high_text);
		p->low = MAX(p->low, p->low_text.len);
		p->high = MAX(p->high, p->high_text.len);
		p->count = MAX(p->count, digits(p->slots[i]));
		p->most = MAX(p->most, p->slots[i]);
	}
	used = 4 + MAX(p->low + 4 + p->high, strlen(unit_words(p->column->unit))) + 3 + p->count +
	       4;
	p->bar = BAR_DEFAULT;
	if (cut_at)
		p->bar = cut_at > used + BAR_LEAST ? MIN(cut_at - used, BAR_MOST) : BAR_LEAST;
}

static void put_slot(struct writer *w, struct picture *p, u32 slot, size_t label)
{
	u64 count = p->slots[slot];
	size_t stars = p->most ? (size_t)((double)count * (double)p->bar / (double)p->most + 0.5)
			       : 0;
	struct buf *out = &w->out;

	slot_label(p->column, slot, &p->low_text, &p->high_text);
	buf_add_fill(out, ' ', 4 + p->low - p->low_text.len);
	buf_printf(out, "%s -> %s", buf_str(&p->low_text), buf_str(&p->high_text));
	buf_add_fill(out, ' ', label - p->low - 4 - p->high_text.len);
	buf_printf(out, " : %-*llu |", (int)p->count, (unsigned long long)count);
	buf_add_fill(out, '*', MIN(stars, p->bar));
	buf_add_fill(out, ' ', p->bar - MIN(stars, p->bar));
	buf_add_str(out, "|\n");
}

static void put_picture(struct writer *w, const struct column *c, const u64 *slots, u64 total)
{
	struct picture p = { .column = c, .slots = slots, .last = slot_count(c) - 1 };
	static const struct {
		const char *name;
		double share;
	} quantiles[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 } };
	const char *unit = unit_words(c->unit);
	size_t label;

	while (!slots[p.first])
		p.first++;
	while (!slots[p.last])
		p.last--;
	measure(&p, w->cut_at);
	label = MAX(p.low + 4 + p.high, strlen(unit));
	if (w->options.headings) {
		buf_add_str(&w->out, w->options.colour ? DIM : "");
		buf_printf(&w->out, "    %*s : %-*s  distribution", (int)label, unit, (int)p.count,
			   "count");
		buf_add_str(&w->out, w->options.colour ? PLAIN "\n" : "\n");
	}
	for (u32 i = p.first; i <= p.last; i++)
		put_slot(w, &p, i, label);
	buf_printf(&w->out, "count %llu", (unsigned long long)total);
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++) {
		buf_printf(&w->out, ", %s ", quantiles[i].name);
		add_quantity(c, quantile(c, slots, total, quantiles[i].share), &w->out);
	}
	buf_add_char(&w->out, '\n');
	buf_free(&p.low_text);
	buf_free(&p.high_text);
}

/* "comm = nginx, disk = sda"; nothing when no column but the histogram is shown. */
static void put_key(struct writer *w, const struct record *r)
{
	bool first = true;

	for (size_t i = 0; i < w->shown_count; i++) {
		const struct column *c = w->shown[i].column;
		const struct buf *text;
		struct value v;

		if (c->kind->class == VALUE_HISTOGRAM)
			continue;
		text = writer_cell(w, c, r, &v);
		buf_printf(&w->out, "%s%s = ", first ? "" : ", ", c->name);
		buf_add(&w->out, buf_str(text), text->len);
		first = false;
	}
	if (!first)
		buf_add_char(&w->out, '\n');
}

/* Returns whether there was anything to show. */
static bool put_histogram(struct writer *w, const struct record *r, bool more)
{
	bool any = false;

	for (size_t i = 0; i < w->shown_count; i++) {
		const struct column *c = w->shown[i].column;
		struct value v;
		u64 total;

		if (c->kind->class != VALUE_HISTOGRAM)
			continue;
		column_value(c, r, &v, &w->scratch);
		total = slots_total(c, &v);
		if (!total)
			continue;
		if (!any) {
			if (more)
				buf_add_char(&w->out, '\n');
			put_key(w, r);
		}
		any = true;
		put_picture(w, c, v.slots, total);
	}
	return any;
}

static void put_reading(struct writer *w)
{
	struct record r = {};
	bool any = false;

	for (size_t i = 0; i < w->rows.count; i++) {
		rows_record(&w->rows, i, &r);
		if (i == 0)
			writer_time_line(w, r.wall_ns);
		any |= put_histogram(w, &r, any);
	}
}

static int start(struct writer *w)
{
	for (size_t i = 0; i < w->shown_count; i++) {
		if (w->shown[i].column->kind->class == VALUE_HISTOGRAM)
			return 0;
	}
	return fail(-EINVAL, "--columns leaves out the histogram of %s itself", w->schema->name);
}

const struct format format_histogram = { .start = start, .reading = put_reading };
