// SPDX-License-Identifier: Apache-2.0
/*
 * A script as records: which schemas it has, what stands in the records, and that readings of maps
 * are differences. What a `begin` block does is all there is to see, so every number is known.
 */
#include "unit/lang/groups.h"

#include "lang/lang.h"
#include "lang/run/export.h"

struct fixture {
	struct compilation *c;
	struct host *host;
	struct run *run;
	struct export *export;
	struct buf seen; /* a line for each record: "t.open pid=1 comm=x" */
};

static void on_record(void *context, u32 number, const struct record *r)
{
	struct fixture *f = context;
	_cleanup_buf_ struct buf scratch = {};

	assert_ptr_equal(export_schema(f->export, number), r->schema);
	if (record_check(r->schema, r->data, r->size))
		fail_msg("%s", error_text());
	assert_true(((const struct record_header *)(const void *)r->data)->size == r->size);
	buf_add_str(&f->seen, r->schema->name);
	for (size_t i = 0; i < r->schema->stored; i++) {
		const struct column *c = &r->schema->columns[i];
		struct value v;

		if (c->hidden)
			continue;
		column_value(c, r, &v, &scratch);
		buf_printf(&f->seen, " %s=", c->name);
		if (c->kind->class == VALUE_HISTOGRAM)
			value_json(c, &v, &f->seen);
		else
			value_format(c, &v, &f->seen);
	}
	buf_add_char(&f->seen, '\n');
}

static void on_batch_end(void *context, u32 number)
{
	struct fixture *f = context;

	assert_int_not_equal(export_schema(f->export, number)->sort, SCHEMA_EVENTS);
}

static void load(struct fixture *f, const char *text)
{
	struct lang_options o = { .name = "stdin", .script.timestamps = true };
	struct export_sink sink = { .context = f, .record = on_record, .batch_end = on_batch_end };
	_cleanup_buf_ struct buf errors = {};
	int err = lang_compile(text, strlen(text), &o, &f->c);

	if (err) {
		diagnostics_print(&f->c->diagnostics, false, false, &errors);
		fail_msg("%s\n%s", text, buf_str(&errors));
	}
	f->host = host_new(NULL);
	assert_non_null(f->host);
	err = run_load(f->c->script, f->host, &f->run);
	if (err == -EPERM || geteuid())
		skip();
	if (!err)
		err = export_new(f->run, "t", &sink, &f->export);
	if (err)
		fail_msg("%s\n%s", text, error_text());
}

static void begin(struct fixture *f)
{
	assert_int_equal(run_attach(f->run), 0);
	assert_true(export_consume(f->export) >= 0);
}

static void expect(struct fixture *f, const char *lines)
{
	assert_string_equal(buf_str(&f->seen), lines);
	buf_clear(&f->seen);
}

static void fixture_free(struct fixture *f)
{
	export_free(f->export);
	run_free(f->run);
	compilation_free(f->c);
	host_free(f->host);
	buf_free(&f->seen);
}
#define _cleanup_fixture_ _cleanup_(fixture_free)

static const struct column *column(const struct fixture *f, const char *schema, const char *name)
{
	for (size_t i = 0; i < export_count(f->export); i++) {
		const struct schema *s = export_schema(f->export, i);
		int at = schema_find(s, name);

		if (!strcmp(s->name, schema) && at >= 0)
			return &s->columns[at];
	}
	fail_msg("no column %s in %s", name, schema);
	return NULL;
}

static void expect_kind(const struct fixture *f, const char *schema, const char *name,
			const char *kind)
{
	assert_string_equal(column(f, schema, name)->kind->name, kind);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void emit_gives_typed_columns(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	load(&f, "begin { emit(\"open\", (pid=(uint32)7, comm=\"cat\", took_ns=(uint64)1500, "
		 "ok=true, ret=(int32)-2, file=\"/etc/x\", ip=ntop(0x0100007f), n=(int64)-5)); }");
	expect_kind(&f, "t.open", "pid", "pid");
	expect_kind(&f, "t.open", "comm", "comm");
	expect_kind(&f, "t.open", "took_ns", "duration_ns");
	expect_kind(&f, "t.open", "ok", "bool");
	expect_kind(&f, "t.open", "ret", "return");
	expect_kind(&f, "t.open", "file", "path");
	expect_kind(&f, "t.open", "ip", "ip");
	expect_kind(&f, "t.open", "n", "signed");
	begin(&f);
	expect(&f, "t.open pid=7 comm=cat took_ns=1.5us ok=true ret=-2 file=/etc/x ip=127.0.0.1 "
		   "n=-5\n");
}

static void emits_of_one_name_share_a_schema(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	load(&f,
	     "begin { emit(\"a\", (x=(uint64)1, y=\"s\")); emit(\"a\", (x=(uint8)2, y=\"longer\")); "
	     "emit(\"a\", (z=(uint64)3)); }");
	assert_int_equal(export_count(f.export), 2);
	begin(&f);
	expect(&f, "t.a x=1 y=s\nt.a x=2 y=longer\nt.a_2 z=3\n");
}

static void printf_gives_its_line_and_arguments(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	load(&f, "begin { $lat_ns = (uint64)2000; printf(\"%d and %s: %d %d\\n\", $lat_ns, \"x\", "
		 "(int8)-3, $lat_ns); printf(\"no end\"); }");
	begin(&f);
	expect(&f, "t.printf message=2000 and x: -3 2000 lat_ns=2us arg1=x arg2=-3 "
		   "lat_ns_2=2us\n"
		   "t.printf_2 message=no end\n");
	assert_string_equal(buf_str(&f.run->out.text), "2000 and x: -3 2000\nno end");
}

static void long_texts_lie_in_the_tail(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	_cleanup_buf_ struct buf text = {}, line = {};

	buf_add_fill(&line, 'a', 150);
	buf_printf(&text, "begin { $s = \"%s\"; emit(\"e\", (a=$s, b=\"x\", c=buf($s, 80))); }",
		   buf_str(&line));
	load(&f, buf_str(&text));
	begin(&f);
	buf_clear(&text);
	buf_printf(&text, "t.e a=%s b=x c=%.80s\n", buf_str(&line), buf_str(&line));
	expect(&f, buf_str(&text));
}

/* ---- maps ------------------------------------------------------------------------------------ */

static void tables_are_differences(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	load(&f, "begin { @c[\"a\"] = count(); @c[\"a\"] = count(); @bytes = sum((uint64)5); } "
		 "self:signal:SIGUSR1 { @c[\"a\"] = count(); @bytes = sum((uint64)7); }");
	begin(&f);
	assert_int_equal(export_read(f.export), 0);
	expect(&f, "t.c key=a count=2\nt.bytes sum=5B\n");
	assert_int_equal(export_read(f.export), 0);
	expect(&f, "");
	assert_int_equal(run_fire(f.run, "self", "SIGUSR1"), 0);
	assert_int_equal(export_read(f.export), 0);
	expect(&f, "t.c key=a count=1\nt.bytes sum=7B\n");
	expect_kind(&f, "t.c", "count", "count");
	assert_true(column(&f, "t.c", "key")->is_key);
}

static void averages_are_of_the_interval(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	load(&f, "begin { @a = avg((uint64)10); @a = avg((uint64)20); @s = stats((uint64)4); } "
		 "self:signal:SIGUSR1 { @a = avg((uint64)100); }");
	begin(&f);
	assert_int_equal(export_read(f.export), 0);
	expect(&f, "t.a count=2 average=15 total=30\nt.s count=1 average=4 total=4\n");
	assert_int_equal(run_fire(f.run, "self", "SIGUSR1"), 0);
	assert_int_equal(export_read(f.export), 0);
	expect(&f, "t.a count=1 average=100 total=100\n");
}

static void keys_are_named_by_the_script(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	load(&f,
	     "begin { $what = \"x\"; @[$what, (uint32)3] = count(); @k[pid] = max((uint64)9); }");
	begin(&f);
	assert_int_equal(export_read(f.export), 0);
	assert_non_null(strstr(buf_str(&f.seen), "t.map what=x key1=3 count=1\n"));
	assert_non_null(strstr(buf_str(&f.seen), "t.k pid="));
	assert_non_null(strstr(buf_str(&f.seen), " max=9\n"));
	expect_kind(&f, "t.k", "pid", "pid");
}

static void histograms_keep_their_bounds(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	load(&f, "begin { @us = hist(0); @us = hist(1); @us = hist(1000); @us = hist(-4); "
		 "@l = lhist(5, 0, 100, 10); @l = lhist(101, 0, 100, 10); @f = hist(1000, 4); "
		 "@big = lhist(105, 100, 5000, 5); @big = lhist(1, 100, 5000, 5); }");
	begin(&f);
	assert_int_equal(export_read(f.export), 0);
	expect(&f, "t.us histogram=[{\"min\":0,\"max\":0,\"count\":1},{\"min\":1,\"max\":1,"
		   "\"count\":1},{\"min\":512,\"max\":1023,\"count\":1}] below=1\n"
		   "t.l histogram=[{\"min\":0,\"max\":9,\"count\":1}] below=0 above=1\n"
		   "t.f histogram=[{\"min\":512,\"max\":1023,\"count\":1}] below=0\n"
		   "t.big bucket_min=-9223372036854775808 bucket_max=99 count=1\n"
		   "t.big bucket_min=105 bucket_max=109 count=1\n");
	assert_string_equal(column(&f, "t.us", "histogram")->unit, "us");
	assert_int_equal(column(&f, "t.l", "histogram")->slot_step, 10);
}

static void values_come_when_they_change(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	load(&f, "begin { @v[1] = \"one\"; @n = 0; @gone[1] = 2; delete(@gone, 1); } "
		 "self:signal:SIGUSR1 { @v[1] = \"two\"; @n = 3; }");
	assert_int_equal(export_count(f.export), 2); /* @gone is the script's own notebook */
	begin(&f);
	assert_int_equal(export_read(f.export), 0);
	expect(&f, "t.v key=1 value=one\nt.n value=0\n");
	assert_int_equal(export_read(f.export), 0);
	expect(&f, "");
	assert_int_equal(run_fire(f.run, "self", "SIGUSR1"), 0);
	assert_int_equal(export_read(f.export), 0);
	expect(&f, "t.v key=1 value=two\nt.n value=3\n");
}

static void stacks_are_folded(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	load(&f, "begin { @[kstack(2)] = count(); }");
	assert_int_equal(export_schema(f.export, 0)->sort, SCHEMA_STACKS);
	expect_kind(&f, "t.map", "kstack", "kernel_stack");
	begin(&f);
	assert_int_equal(export_read(f.export), 0);
	assert_non_null(strstr(buf_str(&f.seen), "t.map kstack="));
}

/* What is cleared is read before it goes, and what comes after is counted from zero. */
static void nothing_is_lost_by_clear(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	load(&f,
	     "begin { @c = count(); @c = count(); clear(@c); } "
	     "self:signal:SIGUSR1 { @c = count(); } end { @c = count(); print(@c); clear(@c); }");
	begin(&f);
	expect(&f, "t.c count=2\n");
	assert_int_equal(run_fire(f.run, "self", "SIGUSR1"), 0);
	assert_int_equal(export_read(f.export), 0);
	expect(&f, "t.c count=1\n");
	assert_int_equal(export_end(f.export), 0);
	expect(&f, "t.c count=1\n");
	assert_string_equal(buf_str(&f.run->out.text), "@c: 2\n\n\n");
}

static void the_end_is_exported_and_printed(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};

	load(&f, "begin { @c = count(); exit(3); } end { printf(\"bye\\n\"); }");
	begin(&f);
	assert_true(f.run->exiting);
	assert_int_equal(export_end(f.export), 0);
	expect(&f, "t.printf message=bye\nt.c count=1\n");
	assert_string_equal(buf_str(&f.run->out.text), "bye\n\n\n@c: 1\n");
	assert_int_equal(f.run->exit_code, 3);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void refuses_what_is_too_much(void **state UNUSED)
{
	_cleanup_fixture_ struct fixture f = {};
	struct export_sink sink = { .context = &f, .record = on_record };
	_cleanup_buf_ struct buf text = {};
	struct export *e = NULL;

	buf_add_str(&text, "begin { ");
	for (int i = 0; i < 65; i++)
		buf_printf(&text, "printf(\"%d\"); ", i);
	buf_add_str(&text, "}");
	{
		struct lang_options o = { .name = "stdin", .script.timestamps = true };

		assert_int_equal(lang_compile(text.data, text.len, &o, &f.c), 0);
	}
	if (geteuid())
		skip();
	if (run_load(f.c->script, NULL, &f.run))
		fail_msg("%s", error_text());
	assert_int_equal(export_new(f.run, "t", &sink, &e), -E2BIG);
	assert_null(e);
}

static void names_are_words(void **state UNUSED)
{
	static const char *const cases[][2] = {
		{ "/etc/saker/scripts.d/opens.bt", "opens" },
		{ "my opens.bt", "my_opens" },
		{ "a.b.bt", "a_b" },
		{ "x", "x" },
		{ "../../\033[2J.bt", "__2J" },
		{ "dir/", "dir_" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *name = export_name(cases[i][0]);

		assert_string_equal(name, cases[i][1]);
	}
}

TEST_GROUP(test_export)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emit_gives_typed_columns),
		cmocka_unit_test(emits_of_one_name_share_a_schema),
		cmocka_unit_test(printf_gives_its_line_and_arguments),
		cmocka_unit_test(long_texts_lie_in_the_tail),
		cmocka_unit_test(tables_are_differences),
		cmocka_unit_test(averages_are_of_the_interval),
		cmocka_unit_test(keys_are_named_by_the_script),
		cmocka_unit_test(histograms_keep_their_bounds),
		cmocka_unit_test(values_come_when_they_change),
		cmocka_unit_test(stacks_are_folded),
		cmocka_unit_test(nothing_is_lost_by_clear),
		cmocka_unit_test(the_end_is_exported_and_printed),
		cmocka_unit_test(refuses_what_is_too_much),
		cmocka_unit_test(names_are_words),
	};

	return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
