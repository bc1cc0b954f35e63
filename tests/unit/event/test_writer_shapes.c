// SPDX-License-Identifier: Apache-2.0
/* What is no table: histograms and stacks. */
#include "groups.h"
#include "writer_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What one histogram with @slots (from slot @first) looks like. */
static void assert_histogram(struct writer_options options, const char *unit, u64 step, u32 first,
			     const u64 *slots, size_t count, const char *wanted)
{
	struct schema *s = latency_schema(unit, step);
	struct latency l;
	struct output o;
	struct record r;

	output_open(&o, s, options);
	latency_fill(&l, s, "sda", &r);
	memcpy(l.slots + first, slots, count * sizeof(*slots));
	writer_record(o.writer, &r);
	writer_batch_end(o.writer);
	assert_string_equal(output_text(&o), wanted);
	output_close(&o);
	schema_free(s);
}

/* A definition from a disk may have more slots than a number has powers of two. */
static void too_many_slots(void **state UNUSED)
{
	static u64 slots[100] = { [64] = 1, [80] = 1 };
	struct column c = {
		.name = "h", .unit = "", .kind = kind_find("histogram"), .size = sizeof(slots)
	};
	struct value v = { .class = VALUE_HISTOGRAM, .slots = slots };
	_cleanup_buf_ struct buf b = {};

	value_json(&c, &v, &b);
	assert_string_equal(
		buf_str(&b),
		"[{\"min\":9223372036854775808,\"max\":18446744073709551615,\"count\":1}]");
	buf_clear(&b);
	value_format(&c, &v, &b);
	assert_string_equal(buf_str(&b), "1");
}

#define ASSERT_HISTOGRAM(options, unit, step, first, wanted, ...)                  \
	assert_histogram(options, unit, step, first, (const u64[]){ __VA_ARGS__ }, \
			 sizeof((const u64[]){ __VA_ARGS__ }) / sizeof(u64), wanted)

static void pictures(void **state UNUSED)
{
	struct writer_options o = { .headings = true, .terminal_width = 50 };

	ASSERT_HISTOGRAM(o, "us", 0, 0,
			 "disk = sda\n"
			 "     usecs : count  distribution\n"
			 "    0 -> 0 : 4     |*******                     |\n"
			 "    1 -> 1 : 16    |****************************|\n"
			 "    2 -> 3 : 0     |                            |\n"
			 "    4 -> 7 : 8     |**************              |\n"
			 "count 28, p50 1us, p90 6us, p99 7us\n",
			 4, 16, 0, 8);
	/* Powers of two of nanoseconds: as durations; a short terminal keeps a bar. */
	o.terminal_width = 20;
	ASSERT_HISTOGRAM(o, "ns", 0, 11,
			 "disk = sda\n"
			 "            duration : count  distribution\n"
			 "    1.02us -> 2.05us : 1     |**********|\n"
			 "    2.05us -> 4.1us  : 1     |**********|\n"
			 "count 2, p50 2.05us, p90 3.69us, p99 4.05us\n",
			 1, 1);
	o = (struct writer_options){ 0 };
	ASSERT_HISTOGRAM(o, "", 10, 2,
			 "disk = sda\n"
			 "    20 -> 29 : 1     |****************************************|\n"
			 "count 1, p50 25, p90 28, p99 29\n",
			 1);
	ASSERT_HISTOGRAM(o, "bytes", 0, 63,
			 "disk = sda\n"
			 "    4611686018427387904 -> 9223372036854775807 : 1     "
			 "|****************************************|\n"
			 "count 1, p50 6.0EiB, p90 7.6EiB, p99 8.0EiB\n",
			 1);
	ASSERT_HISTOGRAM(o, "us", 0, 5, "", 0, 0); /* nothing was counted */
}

static void several_histograms(void **state UNUSED)
{
	struct schema *s = latency_schema("us", 0);
	struct latency l;
	struct output o;
	struct record r;

	output_open(&o, s, (struct writer_options){ .headings = false });
	for (int i = 1; i >= 0; i--) {
		latency_fill(&l, s, i ? "sdb" : "sda", &r);
		l.slots[1] = 1;
		writer_record(o.writer, &r);
	}
	writer_batch_end(o.writer);
	assert_string_equal(output_text(&o),
			    "disk = sda\n"
			    "    1 -> 1 : 1     |****************************************|\n"
			    "count 1, p50 1us, p90 1us, p99 1us\n"
			    "\n"
			    "disk = sdb\n"
			    "    1 -> 1 : 1     |****************************************|\n"
			    "count 1, p50 1us, p90 1us, p99 1us\n");
	output_close(&o);
	schema_free(s);
}

static void histograms_as_data(void **state UNUSED)
{
	struct writer_options o = { .format = OUTPUT_JSON, .headings = true, .columns = "-time" };

	ASSERT_HISTOGRAM(o, "us", 0, 0,
			 "{\"disk\":\"sda\",\"unit\":\"us\",\"count\":7,\"histogram\":["
			 "{\"min\":0,\"max\":0,\"count\":4},{\"min\":2,\"max\":3,\"count\":3}]}\n",
			 4, 0, 3);
	o.columns = NULL;
	ASSERT_HISTOGRAM(o, "us", 0, 0,
			 "{\"time\":\"2026-01-31T12:00:00.123456789Z\",\"disk\":\"sda\","
			 "\"unit\":\"us\",\"count\":0,"
			 "\"histogram\":[]}\n",
			 0);
	o.format = OUTPUT_CSV;
	o.columns = "-time";
	ASSERT_HISTOGRAM(o, "us", 5, 0, "disk,unit,min,max,count\nsda,us,0,4,4\nsda,us,10,14,3\n",
			 4, 0, 3);
}

static void histogram_left_out(void **state UNUSED)
{
	struct schema *s = latency_schema("us", 0);
	struct writer *w = NULL;

	assert_int_equal(writer_new(s, &(struct writer_options){ .columns = "disk" }, &w), -EINVAL);
	assert_non_null(strstr(error_text(), "leaves out the histogram"));
	schema_free(s);
}

static void add_sample(struct output *o, const struct schema *s, const char *comm, s32 kernel,
		       s32 user, u64 count)
{
	struct sampled sample;
	struct record r;

	sampled_fill(&sample, s, comm, kernel, user, count, &r);
	writer_record(o->writer, &r);
}

static void assert_stacks(struct writer_options options, const char *wanted)
{
	struct schema *s = sampled_schema();
	struct output o;

	output_open(&o, s, options);
	add_sample(&o, s, "a b;c", 1, 2, 17);
	add_sample(&o, s, "swapper", 1, -14, 90);
	add_sample(&o, s, "gone", -1, 9, 2);
	add_sample(&o, s, "app", -14, 3, 5);
	writer_batch_end(o.writer);
	assert_string_equal(output_text(&o), wanted);
	output_close(&o);
	schema_free(s);
}

static void stacks(void **state UNUSED)
{
	assert_stacks((struct writer_options){ .headings = true },
		      "    [no stack]\n"
		      "    -                gone (42)\n"
		      "        2\n"
		      "\n"
		      "    write\n"
		      "    work\n"
		      "    main\n"
		      "    -                app (42)\n"
		      "        5\n"
		      "\n"
		      "    vfs_write\n"
		      "    entry\n"
		      "    --\n"
		      "    write\n"
		      "    work\n"
		      "    main\n"
		      "    -                a b;c (42)\n"
		      "        17\n"
		      "\n"
		      "    vfs_write\n"
		      "    entry\n"
		      "    -                swapper (42)\n"
		      "        90\n"
		      "\n");
	assert_stacks((struct writer_options){ .top = 1, .columns = "pid" },
		      "    vfs_write\n"
		      "    entry\n"
		      "    -                pid = 42\n"
		      "        90\n"
		      "\n");
}

static void collapsed(void **state UNUSED)
{
	assert_stacks((struct writer_options){ .format = OUTPUT_COLLAPSED },
		      "swapper;entry_[k];vfs_write_[k] 90\n"
		      "a_b:c;main;work;write;entry_[k];vfs_write_[k] 17\n"
		      "app;main;work;write 5\n"
		      "gone;[no stack] 2\n");
}

static void stacks_as_json(void **state UNUSED)
{
	assert_stacks(
		(struct writer_options){ .format = OUTPUT_JSON, .top = 2, .columns = "-time" },
		"{\"pid\":42,\"kernel_stack\":\"entry;vfs_write\",\"user_stack\":null,"
		"\"comm\":\"swapper\","
		"\"count\":90}\n"
		"{\"pid\":42,\"kernel_stack\":\"entry;vfs_write\","
		"\"user_stack\":\"main;work;write\","
		"\"comm\":\"a b;c\",\"count\":17}\n");
}

int test_writer_shapes(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pictures),	      cmocka_unit_test(too_many_slots),
		cmocka_unit_test(several_histograms), cmocka_unit_test(histograms_as_data),
		cmocka_unit_test(histogram_left_out), cmocka_unit_test(stacks),
		cmocka_unit_test(collapsed),	      cmocka_unit_test(stacks_as_json),
	};

	return cmocka_run_group_tests_name("writer_shapes", tests, NULL, NULL);
}
