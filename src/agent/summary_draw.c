// SPDX-License-Identifier: Apache-2.0
/*
 * The summary's screen, from the top: who and how much; losses, in red when there are any; the
 * latencies; what is busy, with its last records; what is quiet, in one line; what was logged.
 * Every line fits the width, and there are never more lines than rows.
 *
 *	saker  12:00:00  11 gadgets  142/s  stored 12,345 (+141/s, 4.2MiB)  http://127.0.0.1:9753/
 *	runqlat     9,412/s  p50 12us  p90 85us  p99 1.20ms  max 4.2ms  ▁▃█▆▂▁
 *	opensnoop     118/s  51,034
 *	  12:00:00  812 nginx  0 - /etc/passwd
 */
#include "agent/summary.h"

#include <wchar.h>

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[31;1m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"
#define MESSAGE_LINES 2

struct screen {
	struct summary *summary;
	struct buf *out;
	size_t columns, rows, row; /* @row: lines drawn */
};

void summary_fit(struct buf *b, const char *text, size_t len, size_t width, bool utf8)
{
	size_t used = 0, at = 0;

	if (text_width(text, len) <= width) {
		buf_add(b, text, len);
		return;
	}
	while (at < len && width) {
		size_t next = at + 1, w;

		while (next < len && ((u8)text[next] & 0xc0) == 0x80)
			next++;
		w = text_width(text + at, next - at);
		if (used + w > width - 1)
			break;
		buf_add(b, text + at, next - at);
		used += w;
		at = next;
	}
	if (width)
		buf_add_str(b, utf8 ? "…" : ">");
}

/* One line: cut to the width, in @style, the rest of the old line erased. */
static void put_line(struct screen *s, const char *style, const struct buf *text)
{
	if (s->row >= s->rows)
		return;
	buf_printf(s->out, "\033[%zu;1H%s", s->row + 1, s->summary->colour ? style : "");
	summary_fit(s->out, buf_str(text), text->len, s->columns, s->summary->utf8);
	buf_printf(s->out, "%s\033[K", s->summary->colour && *style ? PLAIN : "");
	s->row++;
}

/* A count for people: 51,034. */
static void add_count(struct buf *b, u64 v)
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf_add_char(b, ',');
		buf_add_char(b, digits[i]);
	}
}

static void add_rate(struct buf *b, double rate)
{
	if (rate > 0 && rate < 9.95)
		buf_printf(b, "%.1f/s", rate);
	else {
		add_count(b, (u64)(rate + 0.5));
		buf_add_str(b, "/s");
	}
}

static void add_rate_right(struct buf *b, double rate, size_t width)
{
	_cleanup_buf_ struct buf text = {};

	add_rate(&text, rate);
	buf_add_fill(b, ' ', text.len < width ? width - text.len : 0);
	buf_add(b, text.data, text.len);
}

/* ---- the head ------------------------------------------------------------------------------- */

static void draw_title(struct screen *s, double seconds)
{
	struct summary *m = s->summary;
	struct worker *w = m->worker;
	_cleanup_buf_ struct buf b = {}, time = {};
	struct sink_statistics st = {};
	double rate = 0;

	for (size_t i = 0; i < m->count; i++)
		rate += m->blocks[i].schema->sort == SCHEMA_EVENTS ? m->blocks[i].rate : 0;
	add_wall_time(&time, clock_wall_ns(), 0);
	buf_printf(&b, "saker  %s  up ",
		   strchr(buf_str(&time), ' ') ? strchr(buf_str(&time), ' ') + 1 : "");
	add_duration(&b, (clock_monotonic_ns() - m->began) / NSEC_PER_SEC * NSEC_PER_SEC);
	buf_printf(&b, "  %zu gadgets  ", sources_running(w));
	add_rate(&b, rate);
	if (w->sink) {
		sink_statistics(w->sink, &st);
		m->stored_rate +=
			((double)(st.stored - MIN(m->stored_before, st.stored)) / seconds -
			 m->stored_rate) /
			3;
		m->stored_before = st.stored;
		buf_add_str(&b, "  stored ");
		add_count(&b, st.stored);
		buf_add_str(&b, " (");
		add_rate(&b, m->stored_rate < 0.05 ? 0 : m->stored_rate);
		if (st.health.disk_bytes) {
			buf_add_str(&b, ", ");
			add_size(&b, st.health.disk_bytes);
		}
		buf_add_char(&b, ')');
	}
	put_line(s, BOLD, &b);
}

static void add_loss(struct buf *b, const char *name, u64 count, const char *why)
{
	if (!count)
		return;
	buf_add_str(b, b->len ? ", " : "LOST  ");
	if (*name)
		buf_printf(b, "%s ", name);
	if (count == UNKNOWN_LOSS)
		buf_add_str(b, "unknown");
	else
		add_count(b, count);
	buf_printf(b, " %s", why);
}

static void add_script_loss(void *context, const char *script, u64 count, const char *why)
{
	add_loss(context, script, count, why);
}

/* Red: what is gone. Yellow: what the configuration said not to keep, and what does not run. */
static void draw_losses(struct screen *s)
{
	struct worker *w = s->summary->worker;
	_cleanup_buf_ struct buf lost = {}, kept = {};
	struct sink_statistics st = {};

	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		const struct source *source = w->sources[i];
		struct losses l;

		if (!source || !source->loaded)
			continue;
		gadget_losses(source->gadget, &l);
		add_loss(&lost, source->config.name, l.ring, "(ring full)");
		add_loss(&lost, source->config.name, l.map_full, "(table full)");
		add_loss(&lost, source->config.name, l.stack, "stacks");
		add_loss(&lost, source->config.name, source->bad_records, "malformed");
		if (source->budget_dropped) {
			buf_printf(&kept, "%s%s ",
				   kept.len ? ", " : "beyond the budget, not stored:  ",
				   source->config.name);
			add_count(&kept, source->budget_dropped);
		}
	}
	ingest_losses(w->ingest, add_script_loss, &lost);
	if (w->sink) {
		sink_statistics(w->sink, &st);
		add_loss(&lost, "", st.dropped, "not stored (queue full)");
		add_loss(&lost, "", st.dropped_store, "not stored (store)");
		if (st.health.disk_full || st.health.write_failing)
			buf_printf(&lost, "%s%s", lost.len ? ", " : "",
				   st.health.disk_full ? "THE DISK IS FULL"
						       : "THE STORE CANNOT WRITE");
	}
	if (lost.len)
		put_line(s, RED, &lost);
	if (kept.len)
		put_line(s, YELLOW, &kept);
}

static void draw_failures(struct screen *s)
{
	struct worker *w = s->summary->worker;

	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		_cleanup_buf_ struct buf b = {};
		const char *text;

		if (!w->sources[i] || w->sources[i]->loaded)
			continue;
		text = w->sources[i]->error;
		buf_printf(&b, "%s does not run: ", w->sources[i]->config.name);
		text_add_safe(&b, text, strcspn(text, "\n"));
		put_line(s, YELLOW, &b);
	}
}

/* ---- histograms ----------------------------------------------------------------------------- */

static u64 slot_low(const struct column *c, size_t slot)
{
	return c->slot_step ? slot * c->slot_step : slot ? 1ULL << (slot - 1) : 0;
}

static u64 slot_high(const struct column *c, size_t slot)
{
	if (c->slot_step)
		return slot * c->slot_step + c->slot_step - 1;
	return slot ? (1ULL << (slot - 1)) * 2 - 1 : 0;
}

u64 summary_quantile(const struct column *c, const u64 *slots, u64 total, double p)
{
	double wanted = p * (double)total, before = 0;
	size_t last = 0;

	for (size_t i = 0; i < SLOTS_MAX; i++) {
		if (!slots[i])
			continue;
		last = i;
		if (before + (double)slots[i] >= wanted) {
			u64 width = slot_high(c, i) - slot_low(c, i);
			double part = (wanted - before) / (double)slots[i];

			return slot_low(c, i) + MIN((u64)((double)width * part), width);
		}
		before += (double)slots[i];
	}
	return slot_high(c, last);
}

static void add_quantity(struct buf *b, const char *unit, u64 v)
{
	static const struct {
		const char *unit;
		u64 ns;
	} times[] = { { "ns", 1 }, { "us", NSEC_PER_USEC }, { "ms", NSEC_PER_MSEC } };

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		if (!strcmp(unit, times[i].unit)) {
			add_duration(b,
				     v > UINT64_MAX / times[i].ns ? UINT64_MAX : v * times[i].ns);
			return;
		}
	}
	if (!strcmp(unit, "bytes"))
		add_size(b, v);
	else
		add_count(b, v);
}

/* From the first slot that holds something to the last, the fullest the highest. */
static void add_picture(struct buf *b, const u64 *slots, bool utf8)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char letters[] = " .:-=+*#@";
	size_t first = SLOTS_MAX, last = 0;
	u64 most = 1;

	for (size_t i = 0; i < SLOTS_MAX; i++) {
		if (!slots[i])
			continue;
		first = MIN(first, i);
		last = i;
		most = MAX(most, slots[i]);
	}
	for (size_t i = first; i <= last; i++) {
		size_t height = slots[i] ? 1 + (size_t)((double)slots[i] / (double)most * 7) : 0;

		if (utf8)
			buf_add_str(b, blocks[height]);
		else
			buf_add_char(b, letters[height]);
	}
}

static void draw_histogram(struct screen *s, const struct block *block)
{
	static const double shares[] = { 0.5, 0.9, 0.99 };
	_cleanup_buf_ struct buf b = {};
	const struct column *c = NULL;

	for (size_t i = 0; i < block->schema->stored && !c; i++) {
		if (block->schema->columns[i].kind->class == VALUE_HISTOGRAM)
			c = &block->schema->columns[i];
	}
	if (!c)
		return;
	buf_printf(&b, "%-12s", block->schema->name);
	add_rate_right(&b, (double)block->total / block->read_seconds, 10);
	for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
		buf_printf(&b, "  p%.0f ", shares[i] * 100);
		add_quantity(&b, c->unit,
			     summary_quantile(c, block->slots, block->total, shares[i]));
	}
	buf_add_str(&b, "  max ");
	add_quantity(&b, c->unit, summary_quantile(c, block->slots, block->total, 1));
	buf_add_str(&b, "  ");
	add_picture(&b, block->slots, s->summary->utf8);
	put_line(s, "", &b);
}

/* ---- records -------------------------------------------------------------------------------- */

static bool is_shown(const struct column *c)
{
	return !c->hidden && !c->wide && !c->when && !c->compute && !c->is_time &&
	       c->kind->class != VALUE_HISTOGRAM;
}

static bool is_wide_text(const struct column *c)
{
	return c->kind->class == VALUE_TEXT || c->kind->class == VALUE_WORDS ||
	       c->kind->class == VALUE_STACK;
}

static size_t width_of(const struct column *c)
{
	size_t width = (size_t)MAX(c->width ? c->width : c->kind->width, 0);

	return MAX(width, strlen(c->label));
}

/* The last column takes what is left of the line. */
static void add_cell(struct buf *b, const struct column *c, const struct buf *cell, bool last,
		     bool utf8)
{
	size_t width = width_of(c), len = text_width(buf_str(cell), cell->len);
	bool left = c->left || c->kind->left || is_wide_text(c);

	if (last) {
		buf_add(b, buf_str(cell), cell->len);
		return;
	}
	if (!left && len < width)
		buf_add_fill(b, ' ', width - len);
	summary_fit(b, buf_str(cell), cell->len, MAX(width, left ? 0 : len), utf8);
	if (left && len < width)
		buf_add_fill(b, ' ', width - len);
	buf_add_char(b, ' ');
}

static size_t last_shown(const struct schema *s)
{
	size_t last = 0;

	for (size_t i = 0; i < s->stored; i++)
		last = is_shown(&s->columns[i]) ? i : last;
	return last;
}

static void draw_record(struct screen *s, const struct block *block, size_t at)
{
	struct record r = { .schema = block->schema,
			    .data = block->last[at].bytes,
			    .size = block->last[at].size,
			    .wall_ns = block->last[at].wall_ns };
	size_t last = last_shown(block->schema);
	_cleanup_buf_ struct buf line = {}, time = {}, cell = {}, scratch = {};

	add_wall_time(&time, r.wall_ns, 0);
	buf_printf(&line, "  %s ",
		   strchr(buf_str(&time), ' ') ? strchr(buf_str(&time), ' ') + 1 : "");
	for (size_t i = 0; i < block->schema->stored; i++) {
		const struct column *c = &block->schema->columns[i];
		struct value v;

		if (!is_shown(c))
			continue;
		buf_clear(&cell);
		column_value(c, &r, &v, &scratch);
		value_format(c, &v, &cell);
		add_cell(&line, c, &cell, i == last, s->summary->utf8);
	}
	put_line(s, "", &line);
}

static void draw_heading(struct screen *s, const struct schema *schema)
{
	size_t last = last_shown(schema);
	_cleanup_buf_ struct buf line = {}, cell = {};

	buf_add_str(&line, "  TIME     ");
	for (size_t i = 0; i < schema->stored; i++) {
		if (!is_shown(&schema->columns[i]))
			continue;
		buf_clear(&cell);
		buf_add_str(&cell, schema->columns[i].label);
		add_cell(&line, &schema->columns[i], &cell, i == last, s->summary->utf8);
	}
	put_line(s, DIM, &line);
}

static void draw_events(struct screen *s, const struct block *block, size_t lines)
{
	u64 shown = MIN(block->kept, (u64)LINES_KEPT);
	_cleanup_buf_ struct buf b = {};

	buf_printf(&b, "%-12s", block->schema->name);
	add_rate_right(&b, block->rate, 10);
	buf_add_str(&b, "  ");
	add_count(&b, block->records);
	put_line(s, BOLD, &b);
	if (!lines)
		return;
	if (lines >= 3) {
		draw_heading(s, block->schema);
		lines--;
	}
	for (u64 i = block->kept - MIN(shown, lines); i < block->kept; i++)
		draw_record(s, block, i % LINES_KEPT);
}

/* ---- all of it ------------------------------------------------------------------------------ */

/*
 * The longest-known first part of the name says which gadget it is: "runqlat.each" is part of one.
 */
static bool is_part(const struct schema *s)
{
	return strchr(s->name, '.') != NULL;
}

static bool is_active(const struct block *b)
{
	return b->schema->sort == SCHEMA_HISTOGRAM ? b->total > 0 : b->records > 0;
}

static void draw_quiet(struct screen *s)
{
	_cleanup_buf_ struct buf b = {};

	for (size_t i = 0; i < s->summary->count; i++) {
		const struct block *block = &s->summary->blocks[i];

		if (is_active(block) || is_part(block->schema))
			continue;
		buf_printf(&b, "%s%s", b.len ? ", " : "quiet        ", block->schema->name);
	}
	if (b.len)
		put_line(s, DIM, &b);
}

static void draw_messages(struct screen *s, size_t lines)
{
	const struct buf *m = &s->summary->messages;
	const char *end = buf_str(m) + m->len, *at = end;

	while (at > m->data && lines) {
		const char *before = at - 1;

		while (before > m->data && before[-1] != '\n')
			before--;
		at = before;
		lines--;
	}
	while (at < end) {
		size_t len = strcspn(at, "\n");
		_cleanup_buf_ struct buf b = {};

		text_add_safe(&b, at, len);
		put_line(s, YELLOW, &b);
		at += len + (at + len < end);
	}
}

static size_t message_lines(const struct summary *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->messages.len && n < MESSAGE_LINES; i++)
		n += s->messages.data[i] == '\n';
	return n;
}

static void draw_blocks(struct screen *s, size_t below)
{
	size_t active = 0, room, each;

	for (size_t i = 0; i < s->summary->count; i++) {
		const struct block *b = &s->summary->blocks[i];

		if (is_active(b) && b->schema->sort == SCHEMA_HISTOGRAM)
			draw_histogram(s, b);
	}
	for (size_t i = 0; i < s->summary->count; i++)
		active += is_active(&s->summary->blocks[i]) &&
			  s->summary->blocks[i].schema->sort != SCHEMA_HISTOGRAM;
	room = s->rows > s->row + below ? s->rows - s->row - below : 0;
	for (size_t i = 0; i < s->summary->count && room; i++) {
		const struct block *b = &s->summary->blocks[i];
		size_t before = s->row;

		if (!is_active(b) || b->schema->sort == SCHEMA_HISTOGRAM)
			continue;
		/* A fair share of what is left; who needs less leaves it to those behind. */
		each = room / active;
		draw_events(s, b, each ? each - 1 : 0);
		room -= MIN(room, s->row - before);
		active--;
	}
}

static void new_rates(struct summary *s, double seconds)
{
	for (size_t i = 0; i < s->count; i++) {
		struct block *b = &s->blocks[i];
		double rate = (double)(b->records - b->before) / seconds;

		b->rate += (rate - b->rate) / 3;
		if (b->rate < 0.05)
			b->rate = 0;
		b->before = b->records;
	}
}

void summary_screen(struct summary *s, size_t columns, size_t rows, struct buf *b)
{
	struct screen screen = { .summary = s, .out = b, .columns = columns, .rows = rows };
	u64 now = clock_monotonic_ns();
	double seconds = (double)MAX(now - s->drawn_ns, 1) / 1e9;
	size_t messages = message_lines(s);

	new_rates(s, seconds);
	s->drawn_ns = now;
	draw_title(&screen, seconds);
	draw_losses(&screen);
	draw_failures(&screen);
	draw_blocks(&screen, 1 + messages);
	draw_quiet(&screen);
	draw_messages(&screen, messages);
	if (screen.row < rows)
		buf_printf(b, "\033[%zu;1H\033[J", screen.row + 1);
}
