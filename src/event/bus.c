// SPDX-License-Identifier: Apache-2.0
/*
 * The bus is an array of pointers to subscriptions: publishing walks it and costs a comparison and
 * perhaps a call for each. It belongs to one thread, as a ring has one consumer; a sink that is
 * slow or lives on another thread puts a bounded queue behind its function.
 *
 * Functions that are called may subscribe, unsubscribe (themselves too) and publish: while anything
 * is being published a subscription that ends only loses its functions, and is swept away when the
 * outermost call returns; one that begins then does not see the record under way.
 */
#include "event/bus.h"

struct subscription {
	const struct schema *schema; /* NULL: every record */
	struct subscriber to;
	bool ended;
};

struct bus {
	struct subscription **all;
	size_t count, capacity;
	unsigned int depth; /* calls of publish under way */
	bool sweep;	    /* something ended in the meantime */
};

struct bus *bus_new(void)
{
	return calloc(1, sizeof(struct bus));
}

struct bus *bus_free(struct bus *bus)
{
	if (!bus)
		return NULL;
	for (size_t i = 0; i < bus->count; i++)
		free(bus->all[i]);
	free(bus->all);
	free(bus);
	return NULL;
}

struct subscription *bus_subscribe(struct bus *bus, const struct schema *schema,
				   const struct subscriber *s)
{
	struct subscription *new;

	if (grow(&bus->all, &bus->capacity, bus->count + 1, sizeof(*bus->all)))
		return NULL;
	new = calloc(1, sizeof(*new));
	if (!new)
		return NULL;
	new->schema = schema;
	new->to = *s;
	bus->all[bus->count++] = new;
	return new;
}

static void sweep(struct bus *bus)
{
	size_t kept = 0;

	for (size_t i = 0; i < bus->count; i++) {
		if (bus->all[i]->ended)
			free(bus->all[i]);
		else
			bus->all[kept++] = bus->all[i];
	}
	bus->count = kept;
	bus->sweep = false;
}

void bus_unsubscribe(struct bus *bus, struct subscription *s)
{
	if (!s)
		return;
	s->ended = true;
	s->to = (struct subscriber){};
	bus->sweep = true;
	if (!bus->depth)
		sweep(bus);
}

static void leave(struct bus *bus)
{
	if (!--bus->depth && bus->sweep)
		sweep(bus);
}

void bus_publish(struct bus *bus, const struct record *r)
{
	/*
	 * The array may move and grow under a callee's hands: indices, and only those who were
	 * there before.
	 */
	size_t count = bus->count;

	bus->depth++;
	for (size_t i = 0; i < count; i++) {
		const struct subscription *s = bus->all[i];

		if ((!s->schema || s->schema == r->schema) && s->to.record)
			s->to.record(s->to.context, r);
	}
	leave(bus);
}

void bus_batch_end(struct bus *bus, const struct schema *schema)
{
	size_t count = bus->count;

	bus->depth++;
	for (size_t i = 0; i < count; i++) {
		const struct subscription *s = bus->all[i];

		if ((!s->schema || s->schema == schema) && s->to.batch_end)
			s->to.batch_end(s->to.context, schema);
	}
	leave(bus);
}
