// SPDX-License-Identifier: Apache-2.0
/*
 * Schemas and records without a kernel: made by hand, written as JSON and read back, checked
 * against hostile bytes, and made to stand on their own.
 */
#include "event/event.h"
#include "event/schema_btf.h"
#include "groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct sample {
	struct record_header header;
	u32 pid;
	s32 error;
	u64 bytes;
	char comm[16];
	u16 path[2], args[2];
	s32 stack;
	u8 padding[4];
	char tail[64];
};

static int add(struct schema *s, const char *name, const char *kind, size_t offset, u32 size,
	       bool is_signed)
{
	int i = schema_add(s, name, name, kind_find(kind), (u32)offset, size, is_signed);

	assert_true(i >= 0);
	return i;
}

static struct schema *sample_schema(void)
{
	struct schema *s = schema_new("sample", "a sample", SCHEMA_EVENTS);
	int i;

	assert_non_null(s);
	add(s, "time", "time_ns", offsetof(struct sample, header.time), 8, false);
	add(s, "pid", "pid_t", offsetof(struct sample, pid), 4, false);
	add(s, "error", "errno", offsetof(struct sample, error), 4, true);
	add(s, "bytes", "bytes", offsetof(struct sample, bytes), 8, false);
	add(s, "comm", "comm", offsetof(struct sample, comm), 16, false);
	i = add(s, "path", "path", offsetof(struct sample, path), 4, false);
	s->columns[i].in_tail = true;
	i = add(s, "args", "args", offsetof(struct sample, args), 4, false);
	s->columns[i].in_tail = true;
	add(s, "user_stack", "user_stack", offsetof(struct sample, stack), 4, true);
	schema_seal(s, offsetof(struct sample, tail));
	return s;
}

static u32 sample_record(struct sample *r)
{
	static const char tail[] = "/etc/x\0a\0--password=p";

	*r = (struct sample){ .pid = 7, .error = 2, .bytes = 4096, .comm = "cat", .stack = 3 };
	memcpy(r->tail, tail, sizeof(tail));
	r->path[0] = offsetof(struct sample, tail);
	r->path[1] = 7;
	r->args[0] = offsetof(struct sample, tail) + 7;
	r->args[1] = sizeof(tail) - 7;
	r->header.size = (u32)(offsetof(struct sample, tail) + sizeof(tail));
	r->header.time = 1000;
	return r->header.size;
}

static void assert_text(const struct record *r, const char *column, const char *want)
{
	_cleanup_buf_ struct buf b = {}, scratch = {};
	struct value v;
	int i = schema_find(r->schema, column);

	assert_true(i >= 0);
	column_value(&r->schema->columns[i], r, &v, &scratch);
	value_format(&r->schema->columns[i], &v, &b);
	assert_string_equal(buf_str(&b), want);
}

static void values_come_out(void **state UNUSED)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	struct sample bytes;
	struct record r = { .schema = s, .data = (u8 *)&bytes, .size = sample_record(&bytes) };
	struct value v;

	r.wall_ns = 5000000000000;
	assert_int_equal(record_check(s, &bytes, r.size), 0);
	assert_text(&r, "pid", "7");
	assert_text(&r, "error", "ENOENT");
	assert_text(&r, "bytes", "4.0KiB");
	assert_text(&r, "comm", "cat");
	assert_text(&r, "path", "/etc/x");
	assert_text(&r, "args", "a --password=p");
	assert_text(&r, "user_stack", "-"); /* nobody resolves it */
	column_value(&s->columns[0], &r, &v, NULL);
	assert_int_equal(v.u, r.wall_ns);
}

static void hostile_records_are_refused(void **state UNUSED)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	struct sample bytes;
	u32 size = sample_record(&bytes);

	assert_int_equal(record_check(s, &bytes, s->fixed_size - 1), -EBADMSG);
	assert_int_equal(record_check(s, &bytes, 0), -EBADMSG);
	bytes.path[0] = 0; /* into the fixed part */
	assert_int_equal(record_check(s, &bytes, size), -EBADMSG);
	bytes.path[0] = 65535;
	assert_int_equal(record_check(s, &bytes, size), -EBADMSG);
	bytes.path[0] = (u16)size;
	bytes.path[1] = 1;
	assert_int_equal(record_check(s, &bytes, size), -EBADMSG);
	bytes.path[1] = 0; /* nothing is nowhere */
	assert_int_equal(record_check(s, &bytes, size), 0);
}

static void definitions_survive_json(void **state UNUSED)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema(), *back = NULL;
	_cleanup_buf_ struct buf first = {}, second = {};

	schema_to_json(s, &first);
	assert_int_equal(schema_from_json(first.data, first.len, &back), 0);
	schema_to_json(back, &second);
	assert_string_equal(first.data, second.data);
	assert_int_equal(s->hash, back->hash);
	/* Every cut of it is refused or read, never more. */
	for (size_t len = 0; len < first.len; len++) {
		_cleanup_(schema_freep) struct schema *cut = NULL;

		assert_int_not_equal(schema_from_json(first.data, len, &cut), 0);
		assert_null(cut);
	}
}

static void bad_columns_are_refused(void **state UNUSED)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();

	assert_int_equal(schema_add(s, "pid", "", kind_find("pid"), 16, 4, false), -EEXIST);
	assert_int_equal(schema_add(s, "x", "", kind_find("pid"), 16, 3, false), -EINVAL);
	assert_int_equal(schema_add(s, "x", "", kind_find("ip"), 16, 4, false), -EINVAL);
	assert_int_equal(schema_add(s, "x", "", kind_find("pid"), 70000, 4, false), -E2BIG);
	assert_int_equal(schema_require(s, "pdi"), -ENOENT);
	assert_non_null(strstr(error_text(), "did you mean 'pid'"));
}

static void disks_have_names(void **state UNUSED)
{
	struct column c = { .name = "disk", .kind = kind_find("device"), .size = 4 };
	struct value none = { .class = VALUE_UNSIGNED, .u = 4000u << 20 | 7 };
	_cleanup_buf_ struct buf b = {};

	/* twice: the second time it is remembered; 0 is no device and nothing is known of it yet */
	for (int i = 0; i < 2; i++) {
		buf_clear(&b);
		value_format(&c, &none, &b);
		assert_string_equal(buf_str(&b), "4000:7");
	}
	none.u = 0;
	buf_clear(&b);
	value_format(&c, &none, &b);
	assert_string_equal(buf_str(&b), "0:0");
}

/* An object of anybody's: its BTF refers to what is not there, or to itself. */
static void hostile_types_are_refused(void **state UNUSED)
{
	struct btf *btf = btf__new_empty();
	struct tag tag = { .word = "input", .options = "", .text = "" };
	struct schema *s = NULL;
	u32 offset = 0;
	int loop, record, missing;

	assert_non_null(btf);
	loop = btf__add_typedef(btf, "loop", btf__type_cnt(btf));
	record = btf__add_struct(btf, "record", 8);
	assert_int_equal(btf__add_field(btf, "x", loop, 0, 0), 0);
	missing = btf__add_struct(btf, "missing", 8);
	assert_int_equal(btf__add_field(btf, "x", 4711, 0, 0), 0);
	assert_int_equal(schema_of_struct(btf, "s", &tag, (u32)record, &s), -EINVAL);
	assert_int_equal(schema_of_struct(btf, "s", &tag, (u32)missing, &s), -EINVAL);
	assert_int_equal(schema_of_struct(btf, "s", &tag, 4711, &s), -EINVAL);
	assert_int_equal(schema_of_struct(btf, "s", &tag, (u32)loop, &s), -EINVAL);
	assert_int_equal(schema_of_map(btf, "s", &tag, SCHEMA_TABLE, 4711, 4711, &s, &offset),
			 -EINVAL);
	assert_null(s);
	btf__free(btf);
}

static void user_name(void *context UNUSED, const struct record *r UNUSED, const struct value *from,
		      struct value *ret, struct buf *scratch)
{
	if (!from || from->u != 7)
		return;
	buf_add_str(scratch, "seven");
	*ret = (struct value){ .class = VALUE_TEXT, .text = { buf_str(scratch), scratch->len } };
}

static void records_stand_on_their_own(void **state UNUSED)
{
	static const char *const columns[] = { "name", "not.there" };
	static const struct materialize_options o = { .columns = columns,
						      .count = 2,
						      .mask_secrets = true };
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	struct materializer *m = NULL;
	struct sample bytes;
	struct record r = { .schema = s, .data = (u8 *)&bytes, .size = sample_record(&bytes) },
		      kept;

	assert_true(schema_add_virtual(s, "name", "", kind_find("text"), schema_find(s, "pid"),
				       user_name, NULL) >= 0);
	assert_int_equal(materializer_new(s, &o, &m), 0);
	assert_int_equal(materialize(m, &r, &kept), 0);
	assert_int_equal(record_check(kept.schema, kept.data, kept.size), 0);
	assert_text(&kept, "path", "/etc/x");
	assert_text(&kept, "args", "a --password=***");
	assert_text(&kept, "name", "seven");
	assert_text(&kept, "user_stack", "");
	assert_text(&kept, "bytes", "4.0KiB");
	/* A full record does not overflow its 16-bit offsets: texts are cut. */
	bytes.args[1] = 0;
	assert_int_equal(materialize(m, &r, &kept), 0);
	assert_text(&kept, "args", "");
	materializer_free(m);
}

static void virtual_columns_keep_their_source(void **state UNUSED)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	_cleanup_buf_ struct buf scratch = {};
	struct sample bytes;
	struct record r = { .schema = s, .data = (u8 *)&bytes, .size = sample_record(&bytes) };

	/* More than fit the array at first: it moves while pointers into it exist. */
	for (int i = 0; i < 40; i++) {
		char name[16];

		snprintf(name, sizeof(name), "v%d", i);
		assert_true(schema_add_virtual(s, name, "", kind_find("text"), 1, user_name,
					       NULL) >= 0);
	}
	for (size_t i = s->stored; i < s->count; i++) {
		struct value v;

		column_value(&s->columns[i], &r, &v, &scratch);
		assert_int_equal(v.class, VALUE_TEXT);
	}
}

int test_schema(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_out),
		cmocka_unit_test(hostile_records_are_refused),
		cmocka_unit_test(definitions_survive_json),
		cmocka_unit_test(bad_columns_are_refused),
		cmocka_unit_test(hostile_types_are_refused),
		cmocka_unit_test(disks_have_names),
		cmocka_unit_test(records_stand_on_their_own),
		cmocka_unit_test(virtual_columns_keep_their_source),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
