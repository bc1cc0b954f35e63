// SPDX-License-Identifier: Apache-2.0
/* The bus: who hears what, and what may happen while a record is on its way. */
#include "groups.h"
#include "writer_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct listener {
	struct bus *bus;
	struct subscription *own, *other;
	struct listener *next; /* subscribed by the first record that this one hears */
	int records, batches;
	bool leave;
};

static void on_record(void *context, const struct record *r UNUSED)
{
	struct listener *l = context;
	struct listener *next = TAKE_PTR(l->next);

	l->records++;
	if (l->leave) {
		bus_unsubscribe(l->bus, TAKE_PTR(l->own));
		bus_unsubscribe(l->bus, TAKE_PTR(l->other));
	}
	if (next) {
		/* Enough of them that the array of subscriptions moves. */
		for (int i = 0; i < 64; i++)
			assert_non_null(bus_subscribe(
				l->bus, NULL, &(struct subscriber){ next, on_record, NULL }));
	}
}

static void on_batch(void *context, const struct schema *s UNUSED)
{
	struct listener *l = context;

	l->batches++;
}

static struct subscription *listen(struct bus *bus, const struct schema *s, struct listener *l)
{
	l->bus = bus;
	l->own = bus_subscribe(bus, s, &(struct subscriber){ l, on_record, on_batch });
	assert_non_null(l->own);
	return l->own;
}

static void by_schema(void **state UNUSED)
{
	struct bus *bus = bus_new();
	struct schema *a = opened_schema(), *b = traffic_schema();
	struct record of_a = { .schema = a }, of_b = { .schema = b };
	struct listener all = {}, only_a = {};

	bus_publish(bus, &of_a); /* nobody listens */
	listen(bus, NULL, &all);
	listen(bus, a, &only_a);
	bus_publish(bus, &of_a);
	bus_publish(bus, &of_b);
	bus_batch_end(bus, b);
	assert_int_equal(all.records, 2);
	assert_int_equal(only_a.records, 1);
	assert_int_equal(all.batches, 1);
	assert_int_equal(only_a.batches, 0);
	bus_unsubscribe(bus, all.own);
	bus_publish(bus, &of_a);
	assert_int_equal(all.records, 2);
	assert_int_equal(only_a.records, 2);
	bus_unsubscribe(bus, NULL);
	bus_free(bus);
	schema_free(a);
	schema_free(b);
}

static void leave_during_publish(void **state UNUSED)
{
	struct bus *bus = bus_new();
	struct record r = {};
	struct listener first = { .leave = true }, second = {}, third = {};

	listen(bus, NULL, &first);
	first.other = listen(bus, NULL, &second);
	listen(bus, NULL, &third);
	bus_publish(bus, &r);
	bus_publish(bus, &r);
	assert_int_equal(first.records, 1);
	assert_int_equal(second.records, 0);
	assert_int_equal(third.records, 2);
	bus_free(bus);
}

static void join_during_publish(void **state UNUSED)
{
	struct bus *bus = bus_new();
	struct record r = {};
	struct listener late = {}, first = { .next = &late };

	listen(bus, NULL, &first);
	bus_publish(bus, &r);
	assert_int_equal(late.records, 0);
	bus_publish(bus, &r);
	assert_int_equal(late.records, 64);
	bus_free(bus);
}

static void publish_again(void *context, const struct record *r)
{
	struct listener *l = context;

	if (++l->records < 5)
		bus_publish(l->bus, r);
	else
		bus_unsubscribe(l->bus, TAKE_PTR(l->own));
}

static void publish_during_publish(void **state UNUSED)
{
	struct bus *bus = bus_new();
	struct record r = {};
	struct listener nested = { .bus = bus }, other = {};

	nested.own = bus_subscribe(bus, NULL, &(struct subscriber){ &nested, publish_again, NULL });
	listen(bus, NULL, &other);
	bus_publish(bus, &r);
	assert_int_equal(nested.records, 5);
	assert_int_equal(other.records, 5);
	bus_publish(bus, &r);
	assert_int_equal(nested.records, 5);
	assert_int_equal(other.records, 6);
	bus_free(bus);
}

int test_bus(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_schema),
		cmocka_unit_test(leave_during_publish),
		cmocka_unit_test(join_during_publish),
		cmocka_unit_test(publish_during_publish),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
