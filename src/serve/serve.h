/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve: what the agent offers over HTTP, on the loopback interface unless told otherwise. Read
 * only. The folder's one public header.
 *
 *	GET /metrics			Prometheus text: the records on the bus, the agent itself
 *	GET /api/v1/status		the agent's own state, one JSON object
 *	GET /api/v1/schemas		definitions of what is on the bus and in the store
 *	GET /api/v1/query?sql=...	the store in SQL (limit=, format=json|csv)
 *	GET /api/v1/stream?schema=a,b&where=EXPR	records as they come, server-sent events
 *	GET /				what there is, as text
 *
 * The HTTP library has threads of its own, one per connection: a slow client has a bounded queue
 * and is told how many records it missed; the bus never waits for it. What is sent has the secrets
 * in command lines masked, like what is stored.
 */
#pragma once

#include "event/event.h"
#include "store/store.h"

struct serve;

struct serve_options {
	const char *address; /* "127.0.0.1", "::1" */
	u16 port;	     /* 0: any (see serve_port) */
	u32 clients;	     /* connections at a time */
	u64 query_timeout_ns;
	const char *store_directory; /* NULL: no store */
	bool mask_secrets;
	/*
	 * The agent's own words; called on any thread. Add a JSON object, lines in Prometheus'
	 * format.
	 */
	void *context;
	void (*status)(void *context, struct buf *b);
	void (*metrics)(void *context, struct buf *b);
};

/*
 * Subscribes to @bus (on the thread that publishes) and begins to answer. -EADDRINUSE, ... with the
 * text.
 */
int serve_start(const struct serve_options *o, struct bus *bus, struct serve **ret);
/* Ends streams and connections within a second, unsubscribes. NULL is fine. */
struct serve *serve_stop(struct serve *s);
u16 serve_port(const struct serve *s);
/* On the publishing thread: @schema comes onto the bus, or is about to be freed. */
int serve_add_schema(struct serve *s, const struct schema *schema);
void serve_remove_schema(struct serve *s, const struct schema *schema);
