/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the summary share: summary.c gathers, summary_draw.c draws. */
#pragma once

#include "agent/worker.h"

#define LINES_KEPT 8
#define RECORD_KEPT 1024
#define BLOCKS_MAX 64
#define SLOTS_MAX 64
#define MESSAGES_BYTES (16 << 10)

/* One schema on the screen. */
struct block {
	const struct schema *schema;
	u64 records, before;
	double rate; /* a second, smoothed over the last few */
	struct {
		u8 bytes[RECORD_KEPT];
		u32 size;
		u64 wall_ns;
	} last[LINES_KEPT];
	u64 kept;
	/* Of a histogram, all keys together: the reading under way, and the last whole one. */
	u64 gathering[SLOTS_MAX], slots[SLOTS_MAX], total;
	u64 read_ns;
	double read_seconds; /* that the last whole one covers */
};

struct summary {
	struct worker *worker;
	struct subscription *subscription;
	struct block *blocks; /* BLOCKS_MAX */
	size_t count;
	u64 began, drawn_ns;
	u64 stored_before;
	double stored_rate;
	bool colour, utf8;
	/*
	 * What is logged would stand across the screen: it goes through a pipe, is shown in the
	 * last lines, and is given to the real stderr at the end.
	 */
	int messages_fd, real_stderr; /* -1: stderr is elsewhere, and left alone */
	struct buf messages;
};

/* The whole screen for a terminal of that size, as bytes to write. */
void summary_screen(struct summary *s, size_t columns, size_t rows, struct buf *b);
/* A line's text cut to what fits, at a character. Adds it with "…" where something is missing. */
void summary_fit(struct buf *b, const char *text, size_t len, size_t width, bool utf8);
/* The value below which the share @p of what was counted lies, interpolated in its slot. */
u64 summary_quantile(const struct column *c, const u64 *slots, u64 total, double p);
