// SPDX-License-Identifier: Apache-2.0
/* Writers: columns, JSON, CSV, and how bytes leave. */
#include "groups.h"
#include "writer_fixture.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

static void compute_exe(void *context UNUSED, const struct record *r UNUSED,
			const struct value *from UNUSED, struct value *ret, struct buf *scratch)
{
	buf_add_str(scratch, "/usr/sbin/nginx");
	ret->class = VALUE_TEXT;
	ret->text.bytes = buf_str(scratch);
	ret->text.len = scratch->len;
}

/* The first line that a writer with these options gives for one open. */
static void assert_line(struct writer_options options, const char *comm, const char *path,
			const char *wanted)
{
	struct schema *s = opened_schema();
	struct opened e;
	struct output o;
	struct record r;

	assert_true(schema_add_virtual(s, "process.exe", "", kind_find("path"),
				       schema_find(s, "pid"), compute_exe, NULL) >= 0);
	output_open(&o, s, options);
	opened_fill(&e, s, 12, comm, 2, path, &r);
	writer_record(o.writer, &r);
	assert_string_equal(output_text(&o), wanted);
	assert_int_equal(writer_count(o.writer), 1);
	output_close(&o);
	schema_free(s);
}

#define JSON_LINE                                                                              \
	"{\"time\":\"2026-01-31T12:00:00.123456789Z\",\"pid\":12,\"tid\":13,\"uid\":1000,"     \
	"\"cgroup\":77,\"comm\":\"nginx\",\"fd\":-1,\"error\":\"ENOENT\",\"path\":\"/etc/x\"," \
	"\"flags\":32768}"

static void json(void **state UNUSED)
{
	struct writer_options o = { .format = OUTPUT_JSON, .headings = true };

	assert_line(o, "nginx", "/etc/x", JSON_LINE "\n");
	o.columns = "path,process.exe";
	assert_line(o, "nginx", "/etc/x",
		    "{\"path\":\"/etc/x\",\"process.exe\":\"/usr/sbin/nginx\"}\n");
	o.columns = "-time,-tid,-uid,-cgroup,-flags,-fd";
	assert_line(o, "nginx", "/etc/x",
		    "{\"pid\":12,\"comm\":\"nginx\",\"error\":\"ENOENT\",\"path\":\"/etc/x\"}\n");
}

static void json_is_always_json(void **state UNUSED)
{
	static const char *const paths[] = {
		"a\"b\\c",
		"\033[31mred\033[0m",
		"new\nline\ttab\r",
		"\xff\xfe half \xc3",
		"ünïcode ✓",
		"\x7f\x01",
		"",
	};
	struct schema *s = opened_schema();

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct opened e;
		struct output o;
		struct record r;
		json_t *parsed;
		const char *text;

		output_open(&o, s, (struct writer_options){ .format = OUTPUT_JSON });
		opened_fill(&e, s, 1, "\"}\n", 0, paths[i], &r);
		writer_record(o.writer, &r);
		text = output_text(&o);
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		for (const char *p = text; p[1]; p++)
			assert_true((u8)*p >= 0x20 && *p != 0x7f);
		parsed = json_loads(text, 0, NULL);
		assert_non_null(parsed);
		assert_string_equal(json_string_value(json_object_get(parsed, "comm")), "\"}\n");
		assert_true(json_is_null(json_object_get(parsed, "error")));
		json_decref(parsed);
		output_close(&o);
	}
	schema_free(s);
}

static void json_times(void **state UNUSED)
{
	/* Within a second, at its ends, backwards. */
	static const u64 times[] = { WALL_NS, WALL_NS + 1, WALL_NS - 123456789, WALL_NS - 123456790,
				     0,	      999999999,   WALL_NS + 876543211 };
	struct schema *s = opened_schema();
	_cleanup_buf_ struct buf wanted = {};
	struct output o;

	output_open(&o, s, (struct writer_options){ .format = OUTPUT_JSON, .columns = "time" });
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct opened e;
		struct record r;

		opened_fill(&e, s, 1, "x", 0, "y", &r);
		r.wall_ns = times[i];
		writer_record(o.writer, &r);
		buf_add_str(&wanted, "{\"time\":\"");
		add_rfc3339(&wanted, times[i]);
		buf_add_str(&wanted, "\"}\n");
	}
	assert_string_equal(output_text(&o), buf_str(&wanted));
	output_close(&o);
	schema_free(s);
}

static void one_record_to_json(void **state UNUSED)
{
	struct schema *s = opened_schema();
	_cleanup_buf_ struct buf b = {};
	struct opened e;
	struct record r;

	opened_fill(&e, s, 12, "nginx", 2, "/etc/x", &r);
	record_to_json(&r, &b);
	assert_string_equal(buf_str(&b), JSON_LINE);
	schema_free(s);
}

static void csv(void **state UNUSED)
{
	struct writer_options o = { .format = OUTPUT_CSV, .headings = true };

	assert_line(o, "nginx", "/etc/x",
		    "time,pid,tid,uid,cgroup,comm,fd,error,path,flags\n"
		    "2026-01-31T12:00:00.123456789Z,12,13,1000,77,nginx,-1,ENOENT,/etc/x,32768\n");
	o.columns = "comm,path";
	assert_line(o, "a,b", "say \"hi\"\nthere\033[m",
		    "comm,path\n\"a,b\",\"say \"\"hi\"\"\\nthere\\x1b[m\"\n");
	o.headings = false;
	o.columns = "pid,comm";
	assert_line(o, "", "", "12,\n");
}

static void csv_of_tables(void **state UNUSED)
{
	struct schema *s = traffic_schema();
	struct traffic t;
	struct output o;
	struct record r;

	output_open(&o, s,
		    (struct writer_options){
			    .format = OUTPUT_CSV, .headings = true, .columns = "-time" });
	traffic_fill(&t, s, 1, "small", 4096, &r);
	writer_record(o.writer, &r);
	traffic_fill(&t, s, 2, "large", UINT64_MAX, &r);
	writer_record(o.writer, &r);
	assert_string_equal(output_text(&o), ""); /* rows wait for the end of the reading */
	writer_batch_end(o.writer);
	assert_string_equal(output_text(&o), "pid,comm,sent,received\n"
					     "2,large,18446744073709551615,9223372036854775807\n"
					     "1,small,4096,2048\n");
	output_close(&o);
	schema_free(s);
}

static void columns(void **state UNUSED)
{
	/* The names of CSV's heading are the columns that are shown. */
	static const struct {
		enum output_format format;
		const char *columns, *heading;
	} cases[] = {
		{ OUTPUT_TABLE, NULL, "PID COMM FD ERROR PATH" },
		{ OUTPUT_WIDE, NULL, "PID COMM FD ERROR FLAGS PATH" },
		{ OUTPUT_TABLE, "+time", "TIME PID COMM FD ERROR PATH" },
		{ OUTPUT_TABLE, "+tid,-fd,+process.exe", "PID TID COMM ERROR PROCESS.EXE PATH" },
		{ OUTPUT_TABLE, "path,pid", "PATH PID" },
		{ OUTPUT_TABLE, "+time,path, pid,-path", "TIME PID" },
		{ OUTPUT_TABLE, "pid,pid,PID", "PID" },
		{ OUTPUT_TABLE, "-pid,-uid", "COMM FD ERROR PATH" },
	};
	struct schema *s = opened_schema();

	assert_true(schema_add_virtual(s, "process.exe", "", kind_find("path"),
				       schema_find(s, "pid"), compute_exe, NULL) >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf words = {};
		struct opened e;
		struct output o;
		struct record r;
		char *text, *save, *word;

		output_open(&o, s,
			    (struct writer_options){ .format = cases[i].format,
						     .headings = true,
						     .columns = cases[i].columns });
		opened_fill(&e, s, 1, "x", 0, "y", &r);
		writer_record(o.writer, &r);
		text = strdup(output_text(&o));
		*strchr(text, '\n') = '\0';
		for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
			buf_printf(&words, "%s%s", words.len ? " " : "", word);
		assert_string_equal(buf_str(&words), cases[i].heading);
		free(text);
		output_close(&o);
	}
	schema_free(s);
}

static void time_of_events(void **state UNUSED)
{
	struct writer_options o = { .format = OUTPUT_CSV, .headings = true, .times = true };

	o.columns = "pid";
	assert_line(o, "x", "y", "time,pid\n2026-01-31T12:00:00.123456789Z,12\n");
	o.columns = "pid,-time";
	assert_line(o, "x", "y", "pid\n12\n");
}

static bool latency_is_set(void *context UNUSED, const char *name)
{
	return !strcmp(name, "latency");
}

static void columns_of_a_parameter(void **state UNUSED)
{
	struct writer_options options = { .format = OUTPUT_CSV,
					  .headings = true,
					  .columns = "-time" };
	struct schema *s = traffic_schema();
	struct output o;

	s->sort = SCHEMA_EVENTS; /* whose heading comes at once */
	s->columns[schema_find(s, "received")].when = "latency";
	output_open(&o, s, options);
	assert_string_equal(output_text(&o), "pid,comm,sent\n");
	output_close(&o);
	options.parameter_set = latency_is_set;
	output_open(&o, s, options);
	assert_string_equal(output_text(&o), "pid,comm,sent,received\n");
	output_close(&o);
	schema_free(s);
}

static void refusals(void **state UNUSED)
{
	static const struct {
		struct writer_options options;
		const char *words;
	} cases[] = {
		{ { .columns = "pidd" }, "did you mean 'pid'" },
		{ { .columns = "+pathh" }, "did you mean 'path'" },
		{ { .columns = "pid,-pid" }, "leaves no column" },
		{ { .columns = "pid,+" }, "a name is missing behind '+'" },
		{ { .sort = "comn" }, "did you mean 'comm'" },
		{ { .format = OUTPUT_COLLAPSED }, "is for stacks" },
	};
	struct schema *s = opened_schema();
	enum output_format format = OUTPUT_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct writer *w = NULL;

		assert_true(writer_new(s, &cases[i].options, &w) < 0);
		assert_null(w);
		assert_non_null(strstr(error_text(), cases[i].words));
	}
	assert_int_equal(output_format_parse("jsn", &format), -EINVAL);
	assert_int_equal(format, OUTPUT_NONE);
	assert_int_equal(output_format_parse("collapsed", &format), 0);
	assert_int_equal(format, OUTPUT_COLLAPSED);
	schema_free(s);
}

static void sorted_events(void **state UNUSED)
{
	struct schema *s = opened_schema();
	struct output o;

	output_open(&o, s,
		    (struct writer_options){
			    .format = OUTPUT_JSON, .columns = "pid", .sort = "pid", .top = 3 });
	for (u32 i = 0; i < 1000; i++) {
		struct opened e;
		struct record r;

		opened_fill(&e, s, i * 7 % 1000, "x", 0, "y", &r);
		writer_record(o.writer, &r);
	}
	assert_string_equal(output_text(&o), "");
	writer_batch_end(o.writer);
	assert_string_equal(output_text(&o), "{\"pid\":999}\n{\"pid\":998}\n{\"pid\":997}\n");
	output_close(&o);
	schema_free(s);
}

static void nothing(void **state UNUSED)
{
	assert_line((struct writer_options){ .format = OUTPUT_NONE, .headings = true }, "x", "y",
		    "");
}

/*
 * ---- how bytes leave ----------------------------------------------------------------------------
 */

static void fill_pipe(struct writer *w, const struct schema *s, size_t records)
{
	for (size_t i = 0; i < records; i++) {
		struct opened e;
		struct record r;

		opened_fill(&e, s, 1, "x", 0, "/some/path/that/is/not/short", &r);
		writer_record(w, &r);
	}
}

static void reader_has_gone(void **state UNUSED)
{
	struct schema *s = opened_schema();
	struct writer *w;
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	int ends[2];
	FILE *out;

	assert_int_equal(pipe(ends), 0);
	out = fdopen(ends[1], "w");
	assert_int_equal(
		writer_new(s, &(struct writer_options){ .format = OUTPUT_JSON, .out = out }, &w),
		0);
	fill_pipe(w, s, 1);
	assert_int_equal(writer_flush(w), 0);
	close(ends[0]);
	fill_pipe(w, s, 1);
	assert_int_equal(writer_flush(w), -EPIPE);
	fill_pipe(w, s, 10000); /* goes nowhere, takes no memory */
	assert_int_equal(writer_flush(w), -EPIPE);
	writer_free(w);
	fclose(out);
	signal(SIGPIPE, old);
	schema_free(s);
}

static void *read_all(void *context)
{
	int fd = *(int *)context;
	char bytes[4096];
	size_t lines = 0;
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			lines += bytes[i] == '\n';
	}
	return (void *)lines;
}

/* More than a pipe holds, into a descriptor that does not block. */
static void slow_reader(void **state UNUSED)
{
	struct schema *s = opened_schema();
	struct writer *w;
	pthread_t reader;
	void *lines;
	int ends[2];
	FILE *out;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	out = fdopen(ends[1], "w");
	assert_int_equal(pthread_create(&reader, NULL, read_all, &ends[0]), 0);
	assert_int_equal(
		writer_new(s, &(struct writer_options){ .format = OUTPUT_JSON, .out = out }, &w),
		0);
	fill_pipe(w, s, 20000);
	assert_int_equal(writer_flush(w), 0);
	writer_free(w);
	fclose(out);
	assert_int_equal(pthread_join(reader, &lines), 0);
	assert_int_equal((size_t)lines, 20000);
	close(ends[0]);
	schema_free(s);
}

static void full_disk(void **state UNUSED)
{
	struct schema *s = opened_schema();
	FILE *out = fopen("/dev/full", "w");
	struct writer *w;

	assert_non_null(out);
	assert_int_equal(
		writer_new(s, &(struct writer_options){ .format = OUTPUT_CSV, .out = out }, &w), 0);
	fill_pipe(w, s, 1);
	assert_int_equal(writer_flush(w), -ENOSPC);
	assert_non_null(strstr(error_text(), "No space left"));
	writer_free(w);
	fclose(out);
	schema_free(s);
}

static void into_memory(void **state UNUSED)
{
	struct schema *s = opened_schema();
	struct writer *w;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(writer_new(s,
				    &(struct writer_options){
					    .format = OUTPUT_JSON, .columns = "pid", .out = out },
				    &w),
			 0);
	fill_pipe(w, s, 2);
	assert_int_equal(writer_flush(w), 0);
	writer_free(w);
	fclose(out);
	assert_string_equal(text, "{\"pid\":1}\n{\"pid\":1}\n");
	free(text);
	schema_free(s);
}

int test_writer(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json),
		cmocka_unit_test(json_is_always_json),
		cmocka_unit_test(json_times),
		cmocka_unit_test(one_record_to_json),
		cmocka_unit_test(csv),
		cmocka_unit_test(csv_of_tables),
		cmocka_unit_test(columns),
		cmocka_unit_test(time_of_events),
		cmocka_unit_test(columns_of_a_parameter),
		cmocka_unit_test(refusals),
		cmocka_unit_test(sorted_events),
		cmocka_unit_test(nothing),
		cmocka_unit_test(reader_has_gone),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(into_memory),
	};

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
