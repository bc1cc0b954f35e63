// SPDX-License-Identifier: Apache-2.0
/* See feed.h. */
#include "cli/feed.h"

#define FEED_RING_BYTES (256 << 10)

bool feed_is_needed(const struct options *o)
{
	const char *const texts[] = { o->columns, o->where, o->sort };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i] && (strstr(texts[i], "process.") || strstr(texts[i], ".comm")))
			return true;
	}
	return false;
}

static struct gadget *start(const char *name)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	int err = gadget_open(name, &g);

	if (!err)
		err = gadget_set_ring(g, FEED_RING_BYTES, -1);
	if (!err)
		err = gadget_load(g);
	if (!err)
		err = gadget_attach(g);
	if (err) {
		log_debug("processes that have exited are not named: %s", error_text());
		return NULL;
	}
	return TAKE_PTR(g);
}

void feed_start(struct feed *f, struct host *h)
{
	static const char *const names[FEED_GADGETS] = { "execsnoop", "exitsnoop" };

	f->host = h;
	for (int i = 0; i < FEED_GADGETS; i++)
		f->gadgets[i] = start(names[i]);
}

static void on_record(void *context, const struct record *r)
{
	host_feed(context, r);
}

void feed_drain(struct feed *f)
{
	for (int i = 0; i < FEED_GADGETS; i++) {
		while (f->gadgets[i] && gadget_consume(f->gadgets[i], on_record, f->host) > 1024)
			;
	}
}

void feed_stop(struct feed *f)
{
	for (int i = 0; i < FEED_GADGETS; i++)
		f->gadgets[i] = gadget_free(f->gadgets[i]);
}
