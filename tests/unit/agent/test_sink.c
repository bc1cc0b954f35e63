// SPDX-License-Identifier: Apache-2.0
/* The way to the store: what is offered arrives, the budget holds, a drain waits for the disk. */
#include "groups.h"

struct said {
	struct record_header header;
	u32 number, padding;
};

static struct schema *said_schema(void)
{
	struct schema *s = schema_new("said", "a test", SCHEMA_EVENTS);

	assert_non_null(s);
	assert_true(schema_add(s, "number", "", kind_find("unsigned"),
			       offsetof(struct said, number), 4, false) >= 0);
	schema_seal(s, sizeof(struct said));
	return s;
}

static int count_one(void *context, const struct record *r UNUSED)
{
	++*(u64 *)context;
	return 0;
}

static u64 count_stored(const char *folder)
{
	const struct store_range range = { .schema = "said" };
	u64 n = 0;

	assert_int_equal(store_scan_directory(folder, &range, count_one, &n, NULL, NULL), 0);
	return n;
}

struct sinking {
	struct config *config;
	struct sink *sink;
	struct schema *schema;
	struct materializer *materializer;
	struct source source;
};

static void begin(struct sinking *s, const char *folder, u64 budget)
{
	const struct materialize_options o = {};

	*s = (struct sinking){ .config = config_new(), .schema = said_schema() };
	free(s->config->store_path);
	s->config->store_path = strdup(folder);
	s->source.config.budget = budget;
	assert_int_equal(sink_start(s->config, &s->sink), 0);
	assert_int_equal(materializer_new(s->schema, &o, &s->materializer), 0);
}

static void end(struct sinking *s)
{
	sink_stop(s->sink);
	materializer_free(s->materializer);
	schema_free(s->schema);
	config_free(s->config);
}

static void offer(struct sinking *s, u32 number, u64 now)
{
	const struct said bytes = { .header = { .size = sizeof(bytes) }, .number = number };
	const struct record r = { .schema = s->schema,
				  .data = (const u8 *)&bytes,
				  .size = sizeof(bytes),
				  .wall_ns = clock_wall_ns() };

	sink_offer(s->sink, &s->source, s->materializer, &r, now);
}

static void what_was_offered_is_on_disk_after_a_drain(void **state)
{
	const char *folder = in_folder(state, "store");
	struct sink_statistics st;
	struct sinking s;

	begin(&s, folder, 0);
	for (u32 i = 0; i < 50000; i++)
		offer(&s, i, 1);
	sink_drain(s.sink);
	sink_statistics(s.sink, &st);
	assert_int_equal(st.records + st.dropped, 50000);
	assert_int_equal(st.stored, st.records);
	assert_int_equal(count_stored(folder), st.records);
	offer(&s, 1, 1);
	sink_configure(s.sink, s.config); /* waits as well */
	assert_int_equal(count_stored(folder), st.records + 1);
	offer(&s, 1, 1);
	end(&s);
	assert_int_equal(count_stored(folder), st.records + 2);
}

static void the_budget_holds(void **state)
{
	const char *folder = in_folder(state, "store");
	struct sinking s;
	u64 now = NSEC_PER_SEC;

	begin(&s, folder, 10);
	for (u32 i = 0; i < 500; i++)
		offer(&s, i, now);
	assert_int_equal(s.source.budget_dropped, 400); /* ten seconds' worth passed */
	now += NSEC_PER_SEC;
	for (u32 i = 0; i < 500; i++)
		offer(&s, i, now);
	assert_int_equal(s.source.budget_dropped, 890);
	now += 1000000 * NSEC_PER_SEC;
	for (u32 i = 0; i < 500; i++)
		offer(&s, i, now);
	assert_int_equal(s.source.budget_dropped, 1290);
	end(&s);
	assert_int_equal(count_stored(folder), 210);
}

int run_sink_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_offered_is_on_disk_after_a_drain,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(the_budget_holds, folder_setup, folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
