// SPDX-License-Identifier: Apache-2.0
/*
 * The live summary on a terminal, in a screen that is drawn anew once a second: what the machine
 * does, and whether anything was lost. It takes what every schema offers (default columns,
 * histograms), so a new gadget shows up by itself. This half gathers, summary_draw.c draws.
 *
 * The terminal may stop (Ctrl-S, a link that hangs): a screen is written in small pieces, each only
 * when there is room, because this is the thread that reads the rings.
 */
#include "agent/summary.h"

#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <sys/ioctl.h>

#define PIECE 256

/* The other screen, no cursor, no wrapping; and back. */
static const char enter[] = "\033[?1049h\033[?25l\033[?7l\033[2J";
static const char leave[] = "\033[?7h\033[?25h\033[?1049l";

static struct block *block_of(struct summary *s, const struct schema *schema)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->blocks[i].schema == schema)
			return &s->blocks[i];
	}
	if (s->count == BLOCKS_MAX)
		return NULL;
	s->blocks[s->count] = (struct block){ .schema = schema, .read_ns = clock_monotonic_ns() };
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
		for (size_t k = 0; k < c->size / 8 && k < SLOTS_MAX; k++)
			b->gathering[k] += v.slots[k];
		return;
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
	u64 now = clock_monotonic_ns();

	if (!b || schema->sort != SCHEMA_HISTOGRAM)
		return;
	b->total = 0;
	for (size_t i = 0; i < SLOTS_MAX; i++) {
		b->slots[i] = b->gathering[i];
		b->total += b->slots[i];
		b->gathering[i] = 0;
	}
	b->read_seconds = (double)MAX(now - b->read_ns, 1) / 1e9;
	b->read_ns = now;
}

/* ---- the terminal ---------------------------------------------------------------------------- */

static void put(const char *bytes, size_t len)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	while (len) {
		ssize_t n;

		if (poll(&fd, 1, 0) <= 0 || !(fd.revents & POLLOUT))
			return;
		n = write(STDOUT_FILENO, bytes, MIN(len, (size_t)PIECE));
		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

static void open_messages(struct summary *s)
{
	int ends[2];

	s->messages_fd = s->real_stderr = -1;
	if (!isatty(STDERR_FILENO) || pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return;
	s->real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (s->real_stderr < 0 || dup2(ends[1], STDERR_FILENO) < 0) {
		if (s->real_stderr >= 0)
			close(s->real_stderr);
		s->real_stderr = -1;
		close(ends[0]);
	} else {
		s->messages_fd = ends[0];
	}
	close(ends[1]);
}

static void read_messages(struct summary *s)
{
	char text[4096];
	ssize_t n;

	while (s->messages_fd >= 0 && (n = read(s->messages_fd, text, sizeof(text))) > 0) {
		size_t over = s->messages.len + (size_t)n;

		over = over > MESSAGES_BYTES ? MIN(over - MESSAGES_BYTES, s->messages.len) : 0;
		if (over) {
			memmove(s->messages.data, s->messages.data + over, s->messages.len - over);
			s->messages.len -= over;
		}
		buf_add(&s->messages, text, (size_t)n);
	}
}

static void close_messages(struct summary *s)
{
	if (s->messages_fd < 0)
		return;
	read_messages(s);
	dup2(s->real_stderr, STDERR_FILENO);
	close(s->real_stderr);
	close(s->messages_fd);
	if (s->messages.len && write(STDERR_FILENO, s->messages.data, s->messages.len) < 0)
		log_debug("stderr is gone");
}

void summary_draw(struct summary *s)
{
	struct winsize size = {};
	_cleanup_buf_ struct buf b = {};

	if (!s)
		return;
	read_messages(s);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	summary_screen(s, size.ws_col, size.ws_row, &b);
	if (!b.error)
		put(b.data, b.len);
}

void summary_forget(struct summary *s, const struct schema *schema)
{
	for (size_t i = 0; s && i < s->count; i++) {
		if (s->blocks[i].schema != schema)
			continue;
		memmove(&s->blocks[i], &s->blocks[i + 1],
			(s->count - i - 1) * sizeof(s->blocks[0]));
		s->count--;
		return;
	}
}

/* A block for everything that runs, in the order of the configuration. */
static void add_running(struct summary *s)
{
	struct worker *w = s->worker;

	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		const struct source *source = w->sources[i];
		const struct gadget_info *info;

		if (!source || !source->loaded)
			continue;
		info = gadget_info(source->gadget);
		for (size_t k = 0; k < info->schema_count; k++)
			block_of(s, info->schemas[k]);
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
	s->blocks = calloc(BLOCKS_MAX, sizeof(*s->blocks));
	s->worker = w;
	s->began = s->drawn_ns = clock_monotonic_ns();
	s->colour = !getenv("NO_COLOR");
	s->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	sub.context = s;
	s->subscription = s->blocks ? bus_subscribe(w->bus, NULL, &sub) : NULL;
	if (!s->subscription) {
		free(s->blocks);
		free(s);
		return NULL;
	}
	add_running(s);
	open_messages(s);
	put(enter, sizeof(enter) - 1);
	return s;
}

struct summary *summary_free(struct summary *s)
{
	if (!s)
		return NULL;
	bus_unsubscribe(s->worker->bus, s->subscription);
	put(leave, sizeof(leave) - 1);
	close_messages(s);
	buf_free(&s->messages);
	free(s->blocks);
	free(s);
	return NULL;
}
