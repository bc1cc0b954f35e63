/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus: sources publish records, sinks subscribe. Nothing on it knows where a record came from.
 * Publishing is a call per subscriber on the publisher's thread, with no copy and no allocation; a
 * slow sink puts a bounded queue of its own behind its function.
 */
#pragma once

#include "event/schema.h"

struct bus;
struct subscription;

struct subscriber {
	void *context;
	/* A record of an event, or one row of a table. */
	void (*record)(void *context, const struct record *r);
	/*
	 * Rows of @schema that belong together are complete (one reading of a table). May be NULL.
	 */
	void (*batch_end)(void *context, const struct schema *schema);
};

struct bus *bus_new(void); /* NULL: out of memory */
struct bus *bus_free(struct bus *bus);
/* @schema NULL: every record. The subscription lives until bus_unsubscribe() or bus_free(). */
struct subscription *bus_subscribe(struct bus *bus, const struct schema *schema,
				   const struct subscriber *s);
void bus_unsubscribe(struct bus *bus, struct subscription *s);
void bus_publish(struct bus *bus, const struct record *r);
void bus_batch_end(struct bus *bus, const struct schema *schema);
