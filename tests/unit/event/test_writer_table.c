// SPDX-License-Identifier: Apache-2.0
/* Tables: places, widths, what is cut and what is coloured. */
#include "groups.h"
#include "writer_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_event(struct writer_options options, const char *comm, s32 error,
			 const char *path, const char *wanted)
{
	struct schema *s = opened_schema();
	struct opened e;
	struct output o;
	struct record r;

	output_open(&o, s, options);
	opened_fill(&e, s, 12, comm, error, path, &r);
	writer_record(o.writer, &r);
	assert_string_equal(output_text(&o), wanted);
	output_close(&o);
	schema_free(s);
}

#define LONG_PATH "/usr/share/a/path/that/goes/on/and/on/and/on/until/the/end/of/the/line"

static void events(void **state UNUSED)
{
	assert_event((struct writer_options){ .headings = true }, "nginx", 2, "/etc/nginx.conf",
		     "    PID COMM                   FD ERROR   PATH\n"
		     "     12 nginx                  -1 ENOENT  /etc/nginx.conf\n");
	assert_event((struct writer_options){ .headings = false }, "nginx", 0, LONG_PATH,
		     "     12 nginx                   3 0       " LONG_PATH "\n");
}

static void terminal(void **state UNUSED)
{
	struct writer_options o = { .terminal_width = 60 };

	assert_event(o, "nginx", 0, LONG_PATH,
		     "     12 nginx                   3 0       /usr/share/a/path…\n");
	/* Exactly as wide as the terminal, and one more. */
	assert_event(o, "nginx", 0, "/usr/share/a/path/",
		     "     12 nginx                   3 0       /usr/share/a/path/\n");
	assert_event(o, "nginx", 0, "/usr/share/a/path/1",
		     "     12 nginx                   3 0       /usr/share/a/path…\n");
	o.format = OUTPUT_WIDE;
	assert_event(o, "nginx", 0, LONG_PATH,
		     "     12 nginx                   3 0           0x8000 " LONG_PATH "\n");
	/* Narrower than the columns before the path: the line is cut. */
	o = (struct writer_options){ .terminal_width = 20 };
	assert_event(o, "nginx", 0, LONG_PATH, "     12 nginx\n");
	o.terminal_width = 11;
	assert_event(o, "nginx", 0, LONG_PATH, "     12 ng…\n");
	o.terminal_width = 1;
	assert_event(o, "nginx", 0, LONG_PATH, "\n");
}

static void hostile_text(void **state UNUSED)
{
	assert_event((struct writer_options){ .columns = "comm,path" }, "\033[2J\n\r", 0,
		     "\xc3(\x9b", "\\x1b[2J\\n\\x0d    \\xc3(\\x9b\n");
	/* Wide characters are not cut in half. */
	assert_event((struct writer_options){ .columns = "path", .terminal_width = 4 }, "x", 0,
		     "äöüßé", "äöü…\n");
}

static void colours(void **state UNUSED)
{
	struct writer_options o = { .columns = "pid,error", .colour = true, .headings = true };

	assert_event(o, "x", 2, "y",
		     "\033[2m    PID ERROR\033[0m\n     12 \033[31mENOENT\033[0m\n");
	assert_event(o, "x", 0, "y", "\033[2m    PID ERROR\033[0m\n     12 0\n");
}

/* A value that is too wide pushes the next, which is back in its place as soon as there is room. */
static void overflow(void **state UNUSED)
{
	struct schema *s = traffic_schema();
	struct traffic t;
	struct output o;
	struct record r;

	s->sort = SCHEMA_EVENTS;
	for (size_t i = 0; i < s->count; i++)
		s->columns[i].width = i == 1 ? 2 : 6;
	output_open(&o, s, (struct writer_options){ .headings = true });
	traffic_fill(&t, s, 7, "ab", 1, &r);
	writer_record(o.writer, &r);
	traffic_fill(&t, s, 1234567, "abc", 1, &r);
	writer_record(o.writer, &r);
	assert_string_equal(output_text(&o), "PID COMM     SENT RECEIVED\n"
					     "  7 ab         1B       0B\n"
					     "1234567 abc    1B       0B\n");
	output_close(&o);
	schema_free(s);
}

static void readings(void **state UNUSED)
{
	struct writer_options options = { .headings = true, .top = 2, .times = true };
	struct schema *s = traffic_schema();
	_cleanup_buf_ struct buf clock = {}, wanted = {};
	struct traffic t;
	struct output o;
	struct record r;

	options.apart = true;
	add_wall_time(&clock, WALL_NS, 0);
	output_open(&o, s, options);
	for (int reading = 0; reading < 2; reading++) {
		for (u32 i = 1; i <= 3; i++) {
			traffic_fill(&t, s, i * 1000, i == 2 ? "a name" : "sh", i << 10, &r);
			writer_record(o.writer, &r);
		}
		writer_batch_end(o.writer);
		buf_printf(&wanted, "\n%s\n", buf_str(&clock) + 11);
		buf_add_str(&wanted, " PID  COMM      SENT  RECEIVED\n"
				     "3000  sh      3.0KiB    1.5KiB\n"
				     "2000  a name  2.0KiB    1.0KiB\n");
	}
	assert_string_equal(output_text(&o), buf_str(&wanted));
	output_close(&o);
	schema_free(s);
}

static void headings_of_what_is_empty(void **state UNUSED)
{
	struct writer_options options = { .headings = true, .columns = "pid,comm" };
	struct schema *table = traffic_schema(), *stream = opened_schema();
	struct output o;

	/* A table of a gadget may be one that nobody asked for. */
	output_open(&o, table, options);
	writer_batch_end(o.writer);
	assert_string_equal(output_text(&o), "");
	output_close(&o);
	/* A stream may be quiet for long. */
	output_open(&o, stream, options);
	assert_string_equal(output_text(&o), "    PID COMM\n");
	output_close(&o);
	options.format = OUTPUT_CSV;
	output_open(&o, stream, options);
	assert_string_equal(output_text(&o), "pid,comm\n");
	output_close(&o);
	schema_free(table);
	schema_free(stream);
}

int test_writer_table(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events),
		cmocka_unit_test(terminal),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(colours),
		cmocka_unit_test(overflow),
		cmocka_unit_test(readings),
		cmocka_unit_test(headings_of_what_is_empty),
	};

	return cmocka_run_group_tests_name("writer_table", tests, NULL, NULL);
}
