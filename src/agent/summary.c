// SPDX-License-Identifier: Apache-2.0
/*
 * The live summary on a terminal: for each source its rate and the last things it said, in a
 * screen that is drawn anew once a second. It takes what every schema offers (default columns,
 * histograms), so a new gadget shows up by itself.
 */
#include "agent/worker.h"

#include <sys/ioctl.h>

#define LINES_KEPT 3
#define RECORD_KEPT 512
#define SCHEMAS_MAX 64

struct block {
	const struct schema *schema;
	u64 records, before;
	struct {
		u8 bytes[RECORD_KEPT];
		u32 size;
		u64 wall_ns;
	} last[LINES_KEPT];
	u64 kept;
	u64 slots[64], total; /* of a histogram's last reading, all keys together */
};

struct summary {
	struct worker *worker;
	struct subscription *subscription;
	struct block blocks[SCHEMAS_MAX];
	size_t count;
	u64 drawn_ns;
	bool colour;
};

static struct block *block_of(struct summary *s, const struct schema *schema)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->blocks[i].schema == schema)
			return &s->blocks[i];
	}
	if (s->count == SCHEMAS_MAX)
		return NULL;
	s->blocks[s->count].schema = schema;
	return &s->blocks[s->count++];
}

static void keep_histogram(struct block *b, const struct record *r)
{
	for (size_t i = 0; i < r->schema->stored; i++) {
		const struct column *c = &r->schema->columns[i];
		struct value v;

		if (c->kind->class != VALUE_HISTOGRAM)
			continue;
		column_value(c, r, &v, NULL);
		for (size_t k = 0; k < c->size / 8 && k < ARRAY_SIZE(b->slots); k++) {
			b->slots[k] += v.slots[k];
			b->total += v.slots[k];
		}
	}
}

static void on_record(void *context, const struct record *r)
{
	struct block *b = block_of(context, r->schema);
	unsigned at;

	if (!b)
		return;
	b->records++;
	if (r->schema->sort == SCHEMA_HISTOGRAM) {
		keep_histogram(b, r);
		return;
	}
	/* A long record is not shown rather than cut: its texts lie behind. */
	if (r->size > RECORD_KEPT)
		return;
	at = (unsigned)(b->kept++ % LINES_KEPT);
	memcpy(b->last[at].bytes, r->data, r->size);
	b->last[at].size = r->size;
	b->last[at].wall_ns = r->wall_ns;
}

static void on_batch_end(void *context, const struct schema *schema)
{
	struct block *b = block_of(context, schema);

	/* A reading starts afresh with the next one; `drawn` shows the last complete one. */
	if (b && schema->sort == SCHEMA_HISTOGRAM)
		b->kept = 1;
}

/* The value below which @share of the total lies: the upper end of its slot. */
static u64 percentile(const struct block *b, double share)
{
	u64 want = (u64)((double)b->total * share), seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(b->slots); i++) {
		seen += b->slots[i];
		if (seen > want)
			return i ? (1ULL << i) - 1 : 0;
	}
	return 0;
}

static const struct column *histogram_column(const struct schema *s)
{
	for (size_t i = 0; i < s->stored; i++) {
		if (s->columns[i].kind->class == VALUE_HISTOGRAM)
			return &s->columns[i];
	}
	return NULL;
}

static void add_with_unit(struct buf *b, const char *unit, u64 v)
{
	u64 factor = !strcmp(unit, "us") || !strcmp(unit, "usecs") ? 1000
		     : !strcmp(unit, "ms")			   ? 1000000
								   : 1;

	if (!strcmp(unit, "bytes"))
		add_size(b, v);
	else
		add_duration(b, v * factor);
}

static void draw_histogram(struct block *block, struct buf *b)
{
	const struct column *c = histogram_column(block->schema);
	static const double shares[] = { 0.5, 0.9, 0.99 };

	buf_printf(b, "  %llu", (unsigned long long)block->total);
	for (size_t i = 0; i < ARRAY_SIZE(shares) && block->total && !c->slot_step; i++) {
		buf_printf(b, "  p%.0f <= ", shares[i] * 100);
		add_with_unit(b, c->unit, percentile(block, shares[i]));
	}
	buf_add_char(b, '\n');
}

static void draw_record(const struct block *block, size_t at, size_t width, struct buf *b)
{
	struct record r = { .schema = block->schema,
			    .data = block->last[at].bytes,
			    .size = block->last[at].size,
			    .wall_ns = block->last[at].wall_ns };
	_cleanup_buf_ struct buf scratch = {}, line = {};
	size_t used = 2;

	buf_add_str(&line, "  ");
	for (size_t i = 0; i < block->schema->stored; i++) {
		const struct column *c = &block->schema->columns[i];
		size_t start = line.len, len;
		struct value v;

		if (c->hidden || c->when)
			continue;
		column_value(c, &r, &v, &scratch);
		value_format(c, &v, &line);
		len = text_width(line.data + start, line.len - start);
		if (used + len > width) {
			line.len = start;
			break;
		}
		used += len;
		while (len++ < (size_t)c->width && used < width) {
			buf_add_char(&line, ' ');
			used++;
		}
		buf_add_char(&line, ' ');
		used++;
	}
	buf_add(b, line.data, line.len);
	buf_add_str(b, "\033[K\n");
}

static void draw_block(struct summary *s, struct block *block, double seconds, size_t width,
		       struct buf *b)
{
	double rate = (double)(block->records - block->before) / seconds;

	block->before = block->records;
	buf_printf(b, "%s%-12s%s", s->colour ? "\033[1m" : "", block->schema->name,
		   s->colour ? "\033[0m" : "");
	if (block->schema->sort == SCHEMA_HISTOGRAM) {
		draw_histogram(block, b);
		return;
	}
	buf_printf(b, " %8.1f/s  %llu\033[K\n", rate, (unsigned long long)block->records);
	for (u64 i = block->kept > LINES_KEPT ? block->kept - LINES_KEPT : 0; i < block->kept; i++)
		draw_record(block, i % LINES_KEPT, width, b);
}

/* The lines that fit; the rest would scroll the screen. */
static size_t cut_lines(const struct buf *b, size_t rows)
{
	const char *p = b->data, *end = p + b->len;

	while (rows > 1 && p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		if (!newline)
			return b->len;
		p = newline + 1;
		rows--;
	}
	return (size_t)(p - b->data);
}

void summary_draw(struct summary *s)
{
	_cleanup_buf_ struct buf b = {};
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct sink_statistics st = {};
	u64 now = clock_monotonic_ns();

	if (!s)
		return;
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	if (s->worker->sink)
		sink_statistics(s->worker->sink, &st);
	buf_add_str(&b, "\033[H");
	buf_add_str(&b, "saker  ");
	add_wall_time(&b, clock_wall_ns(), 0);
	buf_printf(&b, "  stored %llu", (unsigned long long)st.stored);
	if (s->worker->serve)
		buf_printf(&b, "  http://%s:%u/", s->worker->config->http_address,
			   serve_port(s->worker->serve));
	buf_add_str(&b, "  Ctrl-C ends\033[K\n\033[K\n");
	for (size_t i = 0; i < s->count; i++)
		draw_block(s, &s->blocks[i], (double)MAX(now - s->drawn_ns, 1) / 1e9, size.ws_col,
			   &b);
	s->drawn_ns = now;
	b.len = cut_lines(&b, size.ws_row);
	buf_add_str(&b, "\033[J");
	if (write(STDOUT_FILENO, b.data, b.len) < 0)
		log_debug("the terminal is gone");
}

void summary_forget(struct summary *s, const struct schema *schema)
{
	for (size_t i = 0; s && i < s->count; i++) {
		if (s->blocks[i].schema != schema)
			continue;
		memmove(&s->blocks[i], &s->blocks[i + 1],
			(s->count - i - 1) * sizeof(s->blocks[0]));
		memset(&s->blocks[--s->count], 0, sizeof(s->blocks[0]));
		return;
	}
}

struct summary *summary_new(struct worker *w)
{
	struct subscriber sub = { .record = on_record, .batch_end = on_batch_end };
	struct summary *s;

	if (!isatty(STDOUT_FILENO))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->worker = w;
	s->drawn_ns = clock_monotonic_ns();
	s->colour = !getenv("NO_COLOR");
	sub.context = s;
	s->subscription = bus_subscribe(w->bus, NULL, &sub);
	if (!s->subscription) {
		free(s);
		return NULL;
	}
	/* Blocks for everything that runs, so that the quiet ones are seen to be quiet. */
	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		const struct gadget_info *info = w->sources[i] && w->sources[i]->loaded
							 ? gadget_info(w->sources[i]->gadget)
							 : NULL;

		for (size_t k = 0; info && k < info->schema_count; k++)
			block_of(s, info->schemas[k]);
	}
	/* The alternate screen: what was on the terminal comes back at the end. */
	if (write(STDOUT_FILENO, "\033[?1049h\033[2J", 12) < 0)
		log_debug("the terminal is gone");
	return s;
}

struct summary *summary_free(struct summary *s)
{
	if (!s)
		return NULL;
	bus_unsubscribe(s->worker->bus, s->subscription);
	if (write(STDOUT_FILENO, "\033[?1049l", 8) < 0)
		log_debug("the terminal is gone");
	free(s);
	return NULL;
}
