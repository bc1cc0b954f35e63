// SPDX-License-Identifier: Apache-2.0
/*
 * Every class of value through the store and out of SQL, with what the query promises about each.
 */
#include "fixture.h"

#include <arpa/inet.h>

struct all_record {
	struct record_header header;
	u64 u64_value;
	s64 s64_value;
	u8 flag, u8_value;
	u16 port;
	u32 signal;
	s32 error;
	u32 state;
	double rate;
	u64 duration, started;
	u8 ip[16];
	char comm[16];
	u64 slots[8];
	struct {
		u16 offset, length;
	} text, words, stack;
	u32 syscall;
	char tail[128];
};

static int add(struct schema *s, const char *name, const char *kind, size_t offset, u32 size,
	       bool is_signed)
{
	int i = schema_add(s, name, "", kind_find(kind), (u32)offset, size, is_signed);

	assert_true(i >= 0);
	return i;
}

#define ADD(name, kind, member, is_signed)                      \
	add(s, name, kind, offsetof(struct all_record, member), \
	    sizeof(((struct all_record *)0)->member), is_signed)

static struct schema *all_schema(void)
{
	struct schema *s = schema_new("all.kinds", "one of each", SCHEMA_EVENTS);
	struct name_of_number *names = calloc(2, sizeof(*names));
	int i;

	assert_true(s && names);
	add(s, "time", "time_ns", offsetof(struct record_header, time), 8, false);
	ADD("u", "unsigned", u64_value, false);
	ADD("s", "signed", s64_value, true);
	ADD("flag", "bool", flag, false);
	ADD("small", "unsigned", u8_value, false);
	ADD("port", "port", port, false);
	ADD("signal", "signal", signal, false);
	ADD("error", "errno", error, true);
	i = ADD("state", "unsigned", state, false);
	names[0] = (struct name_of_number){ 1, "RUNNING" };
	names[1] = (struct name_of_number){ 2, "STOPPED" };
	s->columns[i].names = names;
	s->columns[i].name_count = 2;
	ADD("rate", "double", rate, false);
	ADD("duration", "duration_ns", duration, false);
	ADD("started", "time_ns", started, false);
	ADD("ip", "ip", ip, false);
	ADD("comm", "comm", comm, false);
	ADD("slots", "histogram", slots, false);
	i = ADD("text", "text", text, false);
	ADD("words", "args", words, false);
	ADD("stack", "user_stack", stack, false);
	for (int k = i; k < i + 3; k++)
		s->columns[k].in_tail = true;
	ADD("syscall", "syscall", syscall, false);
	schema_seal(s, offsetof(struct all_record, tail));
	return s;
}

static void add_tail(struct all_record *a, void *to, const char *bytes, u16 len)
{
	u16 place[2] = { (u16)a->header.size, len };

	memcpy((char *)a + a->header.size, bytes, len);
	memcpy(to, place, sizeof(place));
	a->header.size += len;
}

static void append_all(struct store *s, const struct schema *schema)
{
	struct all_record a = {
		.header = { .time = 5000, .size = offsetof(struct all_record, tail) },
		.u64_value = UINT64_MAX,
		.s64_value = INT64_MIN,
		.flag = 1,
		.u8_value = 200,
		.port = 65535,
		.signal = 9,
		.error = 2,
		.state = 2,
		.rate = 0.25,
		.duration = 1200000,
		.started = 3000,
		.comm = "sixteen-letters!",
		.slots = { 3, 0, 5 },
		.syscall = 0,
	};
	struct record r = { .schema = schema, .data = (u8 *)&a, .wall_ns = T0_NS + 123456789 };

	inet_pton(AF_INET6, "::ffff:10.1.2.3", a.ip);
	add_tail(&a, &a.text, "caf\xc3\xa9 \xff\n\x1b[31m", 13);
	add_tail(&a, &a.words, "ls\0-l\0two words\0", 16);
	add_tail(&a, &a.stack, "main;work;sleep", 15);
	r.size = a.header.size;
	assert_int_equal(store_append(s, &r), 0);
	memset(&a, 0, offsetof(struct all_record, tail));
	a.header.time = 6000;
	a.header.size = r.size = offsetof(struct all_record, tail);
	inet_pton(AF_INET6, "fe80::1", a.ip);
	r.wall_ns = T0_NS + NSEC_PER_SEC;
	assert_int_equal(store_append(s, &r), 0);
	assert_int_equal(store_flush(s), 0);
}

/* What query() gives for the first and for the second (empty) record. */
static const struct {
	const char *sql, *first, *second;
} values[] = {
	{ "time", "2025-11-20T01:00:00.123456789Z", "2025-11-20T01:00:01.000000000Z" },
	{ "time_ns", "1763600400123456789", "1763600401000000000" },
	{ "u", "-1", "0" },
	{ "s", "-9223372036854775808", "0" },
	{ "flag", "1", "0" },
	{ "small", "200", "0" },
	{ "port", "65535", "0" },
	{ "signal", "9", "0" },
	{ "signal_text", "SIGKILL", "0" },
	{ "signal_name(signal)", "SIGKILL", "0" },
	{ "error", "2", "0" },
	{ "error_text", "ENOENT", "" },
	{ "errno_name(error)", "ENOENT", "" },
	{ "error_text = 'ENOENT'", "1", "" },
	{ "state", "2", "0" },
	{ "state_text", "STOPPED", "0" },
	{ "rate", "0.25", "0" },
	{ "duration", "1200000", "0" },
	{ "duration_text", "1.2ms", "0ns" },
	{ "duration / 1000", "1200", "0" },
	{ "started_text", "2025-11-20T01:00:00.123454789Z", NULL },
	{ "started = time_ns - 2000", "1", NULL },
	{ "ip", "10.1.2.3", "fe80::1" },
	{ "comm", "sixteen-letters!", "" },
	{ "slots", "[{\"min\":0,\"max\":0,\"count\":3},{\"min\":2,\"max\":3,\"count\":5}]", "[]" },
	{ "(SELECT sum(json_extract(value, '$.count')) FROM json_each(slots))", "8", "" },
	{ "text", "caf\xc3\xa9 \xff\n\x1b[31m", "" },
	{ "length(CAST(text AS BLOB))", "13", "0" },
	{ "words", "ls -l two words", "" },
	{ "stack", "main;work;sleep", "" },
	{ "syscall_name(1) = 'write' OR syscall_name(64) = 'write'", "1", "1" },
	{ "errno_name(NULL) IS NULL", "1", "1" },
	{ "typeof(u) || typeof(rate) || typeof(text)", "integerrealtext", "integerrealtext" },
};

static void test_values(void **state)
{
	struct fixture *f = *state;
	_cleanup_(schema_freep) struct schema *schema = all_schema();
	struct store *s = open_store(f);
	char sql[256];

	append_all(s, schema);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		snprintf(sql, sizeof(sql), "SELECT %s FROM all_kinds ORDER BY time_ns LIMIT 1",
			 values[i].sql);
		assert_string_equal(query_one(f, sql), values[i].first);
		snprintf(sql, sizeof(sql), "SELECT %s FROM all_kinds ORDER BY time_ns DESC LIMIT 1",
			 values[i].sql);
		if (values[i].second)
			assert_string_equal(query_one(f, sql), values[i].second);
	}
	store_close(s);
}

/* Hidden columns are there when asked for, and not in SELECT *. */
static void test_hidden(void **state)
{
	struct fixture *f = *state;
	_cleanup_(schema_freep) struct schema *schema = all_schema();
	struct query_options o = { .directory = f->directory };
	_cleanup_(query_closep) struct query *q = NULL;
	_cleanup_buf_ struct buf row = { 0 };
	struct store *s = open_store(f);

	append_all(s, schema);
	store_close(s);
	assert_int_equal(query_open(&o, "SELECT * FROM all_kinds", &q), 0);
	assert_int_equal(query_column_count(q), schema->stored);
	for (size_t i = 0; i < query_column_count(q); i++)
		assert_null(strchr(query_column_name(q, i), '_'));
	assert_int_equal(query_step(q), 1);
	query_row_json(q, &row);
	assert_true(str_starts(buf_str(&row), "{\"time\":\"2025-11-20T01:00:00.123456789Z\","
					      "\"u\":-1,"));
	assert_non_null(strstr(buf_str(&row), "\"rate\":0.25,"));
	assert_non_null(
		strstr(buf_str(&row), "\"text\":\"caf\xc3\xa9 \xef\xbf\xbd\\n\\u001b[31m\""));
	assert_int_equal(query_step(q), 1);
	assert_int_equal(query_step(q), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(test_values, fixture_setup, fixture_teardown),
	cmocka_unit_test_setup_teardown(test_hidden, fixture_setup, fixture_teardown),
};

int run_value_tests(void)
{
	return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
