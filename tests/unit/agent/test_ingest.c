// SPDX-License-Identifier: Apache-2.0
/*
 * Scripts that come to the agent over its socket: what they may say, when, and that whatever else
 * they say is refused and takes nothing along. The other end is spoken by hand.
 */
#include "groups.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct agent {
	struct worker w;
	char folder[64], path[96];
	int listener;
	u64 records, batches; /* seen on the bus */
	u64 sum;	      /* of their first column */
};

static void on_record(void *context, const struct record *r)
{
	struct agent *a = context;
	struct value v;

	a->records++;
	column_value(&r->schema->columns[0], r, &v, NULL);
	a->sum += v.u;
	assert_true(r->wall_ns <= clock_wall_ns() + NSEC_PER_SEC);
	assert_true(r->wall_ns + 2 * 3600 * NSEC_PER_SEC > clock_wall_ns());
}

static void on_batch_end(void *context, const struct schema *schema UNUSED)
{
	((struct agent *)context)->batches++;
}

static int agent_setup(void **state)
{
	struct agent *a = calloc(1, sizeof(*a));
	struct subscriber sub = { .context = a, .record = on_record, .batch_end = on_batch_end };

	*state = a;
	snprintf(a->folder, sizeof(a->folder), "/tmp/saker-ingest-XXXXXX");
	if (!mkdtemp(a->folder))
		return -1;
	snprintf(a->path, sizeof(a->path), "%s/in", a->folder);
	a->w.config = config_new();
	a->w.host = host_new(NULL);
	a->w.bus = bus_new();
	a->w.sources = calloc(BROKER_GADGETS_MAX, sizeof(*a->w.sources));
	if (!a->w.config || !a->w.host || !a->w.bus || !a->w.sources || uv_loop_init(&a->w.loop) ||
	    !bus_subscribe(a->w.bus, NULL, &sub))
		return -1;
	a->w.loop_runs = true;
	if (ingest_listen(a->path, &a->listener))
		return -1;
	return ingest_start(&a->w, a->listener, &a->w.ingest);
}

static void close_handle(uv_handle_t *handle, void *context UNUSED)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static int agent_teardown(void **state)
{
	struct agent *a = *state;
	int open;

	ingest_stop(a->w.ingest);
	uv_walk(&a->w.loop, close_handle, NULL);
	uv_run(&a->w.loop, UV_RUN_DEFAULT);
	open = uv_loop_close(&a->w.loop);
	ingest_free(a->w.ingest);
	bus_free(a->w.bus);
	host_free(a->w.host);
	config_free(a->w.config);
	free(a->w.sources);
	close(a->listener);
	unlink(a->path);
	rmdir(a->folder);
	free(a);
	return open;
}

/* ---- the script's end ------------------------------------------------------------------------ */

static int connect_to(struct agent *a)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (geteuid())
		skip();
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", a->path);
	assert_int_equal(connect(fd, (const void *)&to, sizeof(to)), 0);
	return fd;
}

static void turn(struct agent *a)
{
	for (int i = 0; i < 4; i++)
		uv_run(&a->w.loop, UV_RUN_NOWAIT);
}

static void say(int fd, u32 type, u32 number, const void *body, size_t len)
{
	u8 packet[4096];
	struct wire_header h = { .type = type, .number = number, .size = (u32)(sizeof(h) + len) };

	assert_true(h.size <= sizeof(packet));
	memcpy(packet, &h, sizeof(h));
	if (len)
		memcpy(packet + sizeof(h), body, len);
	assert_int_equal(send(fd, packet, h.size, MSG_NOSIGNAL), h.size);
}

static void hello(int fd, const char *name)
{
	struct wire_hello h = {};

	snprintf(h.name, sizeof(h.name), "%s", name);
	say(fd, WIRE_HELLO, WIRE_VERSION, &h, sizeof(h));
}

/* One column of 8 bytes, one text. */
static struct schema *make_schema(const char *name, const char *column)
{
	struct schema *s = schema_new(name, "a test", SCHEMA_EVENTS);
	int text;

	assert_non_null(s);
	assert_true(schema_add(s, column, "", kind_find("unsigned"), 16, 8, false) >= 0);
	text = schema_add(s, "text", "", kind_find("text"), 24, 4, false);
	assert_true(text >= 0);
	s->columns[text].in_tail = true;
	schema_seal(s, 32);
	return s;
}

static void tell_schema(int fd, u32 number, const char *name, const char *column)
{
	_cleanup_(schema_freep) struct schema *s = make_schema(name, column);
	_cleanup_buf_ struct buf json = {};

	schema_to_json(s, &json);
	say(fd, WIRE_SCHEMA, number, json.data, json.len);
}

static int greeted(struct agent *a, const char *name)
{
	char schema[96];
	int fd = connect_to(a);

	snprintf(schema, sizeof(schema), "%s.e", name);
	hello(fd, name);
	tell_schema(fd, 0, schema, "x");
	say(fd, WIRE_READY, 0, NULL, 0);
	turn(a);
	return fd;
}

/* A packet of @count records {value, "hi"}. */
static void tell_records(int fd, u32 count, u32 schema, u64 value, u64 time)
{
	_cleanup_buf_ struct buf b = {};

	for (u32 i = 0; i < count; i++) {
		struct wire_record w = { .schema = schema, .size = 34 };
		struct record_header h = { .size = 34, .time = time };
		u16 place[4] = { 32, 2 };

		buf_add(&b, &w, sizeof(w));
		buf_add(&b, &h, sizeof(h));
		buf_add(&b, &value, sizeof(value));
		buf_add(&b, place, sizeof(place));
		buf_add(&b, "hi\0\0\0\0\0", 8);
	}
	say(fd, WIRE_RECORDS, count, b.data, b.len);
}

/* The next answer's type; its text or numbers in @body. 0: the end. */
static u32 answer(struct agent *a, int fd, void *body, size_t size)
{
	u8 packet[4096] = {};
	struct wire_header h;
	ssize_t n = -1;

	memset(body, 0, size);
	for (int i = 0; i < 100 && n < 0; i++) {
		turn(a);
		n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != ECONNRESET)
			break;
	}
	if (n < (ssize_t)sizeof(h))
		return 0;
	memcpy(&h, packet, sizeof(h));
	assert_int_equal(h.size, n);
	memcpy(body, packet + sizeof(h), MIN(size - 1, (size_t)n - sizeof(h)));
	return h.type;
}

static void expect_taken(struct agent *a, int fd, u64 records)
{
	u8 body[sizeof(struct wire_taken) + 1];
	struct wire_taken t;

	assert_int_equal(answer(a, fd, body, sizeof(body)), WIRE_TAKEN);
	memcpy(&t, body, sizeof(t));
	assert_int_equal(t.records, records);
	assert_int_equal(t.interval_ns, a->w.config->interval_ns);
}

static void expect_refused(struct agent *a, int fd, const char *words)
{
	char text[WIRE_TEXT_MAX + 1];
	u32 type;

	do
		type = answer(a, fd, text, sizeof(text));
	while (type == WIRE_TAKEN);
	assert_int_equal(type, WIRE_REFUSED);
	if (!strstr(text, words))
		fail_msg("'%s' is not in: %s", words, text);
	assert_int_equal(answer(a, fd, text, sizeof(text)), 0);
	close(fd);
}

static void count_schema(void *context, const struct schema *s UNUSED)
{
	++*(size_t *)context;
}

static size_t schemas_of(struct agent *a)
{
	size_t n = 0;

	turn(a);
	ingest_schemas(a->w.ingest, count_schema, &n);
	return n;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void takes_records_and_says_so(void **state)
{
	struct agent *a = *state;
	_cleanup_buf_ struct buf b = {};
	struct wire_losses l = { .ring = 3, .unsent = 4 };
	int fd = greeted(a, "one");

	expect_taken(a, fd, 0);
	assert_int_equal(schemas_of(a), 1);
	tell_records(fd, 10, 0, 7, clock_monotonic_ns());
	say(fd, WIRE_BATCH_END, 0, NULL, 0);
	say(fd, WIRE_LOSSES, 0, &l, sizeof(l));
	expect_taken(a, fd, 10);
	assert_int_equal(a->records, 10);
	assert_int_equal(a->sum, 70);
	assert_int_equal(a->batches, 1);
	ingest_status(a->w.ingest, &b);
	assert_non_null(strstr(b.data, "\"name\":\"one\""));
	assert_non_null(strstr(b.data, "\"records\":10,\"lost_ring\":3"));
	assert_non_null(strstr(b.data, "\"lost_unsent\":4"));
	buf_clear(&b);
	ingest_metrics(a->w.ingest, &b);
	assert_non_null(strstr(b.data, "saker_script_records_total{script=\"one\"} 10\n"));
	say(fd, WIRE_GOODBYE, 0, NULL, 0);
	expect_taken(a, fd, 10);
	close(fd);
	assert_int_equal(schemas_of(a), 0);
	buf_clear(&b);
	ingest_status(a->w.ingest, &b);
	assert_string_equal(b.data, "[]");
}

/* No record gets another day's partition, however old it says it is. */
static void times_are_of_today(void **state)
{
	struct agent *a = *state;
	int fd = greeted(a, "t");

	tell_records(fd, 1, 0, 1, 0);
	tell_records(fd, 1, 0, 1, UINT64_MAX);
	tell_records(fd, 1, 0, 1, clock_monotonic_ns() + NSEC_PER_SEC * 86400);
	turn(a);
	assert_int_equal(a->records, 3);
	close(fd);
}

static void a_name_is_taken_once(void **state)
{
	struct agent *a = *state;
	int first = greeted(a, "same"), second = connect_to(a), third;

	hello(second, "same");
	expect_refused(a, second, "is exported already");
	/* The first was killed, and the agent has not looked since. */
	tell_records(first, 2, 0, 5, 0);
	close(first);
	third = greeted(a, "same");
	expect_taken(a, third, 0);
	assert_int_equal(a->records, 2);
	assert_int_equal(schemas_of(a), 1);
	close(third);
}

static void refuses_a_wrong_order(void **state)
{
	struct agent *a = *state;
	int fd = connect_to(a);

	say(fd, WIRE_READY, 0, NULL, 0);
	expect_refused(a, fd, "without schemas");
	fd = connect_to(a);
	tell_schema(fd, 0, "x.e", "x");
	expect_refused(a, fd, "at the wrong time");
	fd = connect_to(a);
	tell_records(fd, 1, 0, 1, 0);
	expect_refused(a, fd, "before their schemas");
	fd = connect_to(a);
	hello(fd, "x");
	say(fd, WIRE_READY, 0, NULL, 0);
	expect_refused(a, fd, "without schemas");
	fd = connect_to(a);
	hello(fd, "x");
	hello(fd, "y");
	expect_refused(a, fd, "malformed greeting");
	fd = greeted(a, "x");
	tell_schema(fd, 1, "x.f", "x");
	expect_refused(a, fd, "at the wrong time");
	assert_int_equal(a->records, 0);
	assert_int_equal(schemas_of(a), 0);
}

static void refuses_wrong_names(void **state)
{
	static const char *const names[] = { "", "a b", "a/b", "a.b", "a\"b", "\xc3\xa4" };
	struct agent *a = *state;
	struct wire_hello h;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		fd = connect_to(a);
		hello(fd, names[i]);
		expect_refused(a, fd, "a script's name takes");
	}
	fd = connect_to(a);
	memset(&h, 'a', sizeof(h)); /* no end */
	say(fd, WIRE_HELLO, WIRE_VERSION, &h, sizeof(h));
	turn(a);
	say(fd, WIRE_READY, 0, NULL, 0);
	expect_refused(a, fd, "without schemas");
	fd = connect_to(a);
	say(fd, WIRE_HELLO, WIRE_VERSION + 1, &h, sizeof(h));
	expect_refused(a, fd, "speaks version");
	fd = connect_to(a);
	say(fd, WIRE_HELLO, WIRE_VERSION, &h, 3);
	expect_refused(a, fd, "malformed greeting");
}

static void refuses_wrong_schemas(void **state)
{
	static const char *const json[] = {
		"", "{", "[]", "{\"name\":\"s.e\"}",
		"{\"name\":\"s.e\",\"sort\":\"events\",\"fixed_size\":16}"
	};
	struct agent *a = *state;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(json); i++) {
		fd = connect_to(a);
		hello(fd, "s");
		say(fd, WIRE_SCHEMA, 0, json[i], strlen(json[i]));
		expect_refused(a, fd, "");
	}
	fd = connect_to(a);
	hello(fd, "s");
	tell_schema(fd, 0, "other.e", "x");
	expect_refused(a, fd, "does not begin with the script's");
	fd = connect_to(a);
	hello(fd, "s");
	tell_schema(fd, 0, "s.e", "x y");
	expect_refused(a, fd, "a column's name");
	fd = connect_to(a);
	hello(fd, "s");
	tell_schema(fd, 1, "s.e", "x");
	expect_refused(a, fd, "comes behind");
	fd = connect_to(a);
	hello(fd, "s");
	tell_schema(fd, 0, "s.e", "x");
	tell_schema(fd, 1, "s.e", "x");
	expect_refused(a, fd, "already");
	assert_int_equal(schemas_of(a), 0);
}

static void checks_what_goes_into_metrics(void **state UNUSED)
{
	_cleanup_(schema_freep) struct schema *s = make_schema("s.e", "x");

	assert_int_equal(ingest_check_schema(s, "s"), 0);
	s->summary = schema_strdup(s, "one\nsaker_evil 1");
	assert_int_equal(ingest_check_schema(s, "s"), -EBADMSG);
	s->summary = schema_strdup(s, "fine");
	s->columns[0].help = "\033[2J";
	assert_int_equal(ingest_check_schema(s, "s"), -EBADMSG);
	s->columns[0].help = "";
	s->columns[0].unit = "furlongs";
	assert_int_equal(ingest_check_schema(s, "s"), -EBADMSG);
	s->columns[0].unit = "ns";
	s->columns[0].name = "x\"} 1";
	assert_int_equal(ingest_check_schema(s, "s"), -EBADMSG);
	s->columns[0].name = "0x";
	assert_int_equal(ingest_check_schema(s, "s"), -EBADMSG);
	s->columns[0].name = "x";
	s->sort = SCHEMA_HISTOGRAM;
	assert_int_equal(ingest_check_schema(s, "s"), -EBADMSG);
	s->sort = SCHEMA_STACKS;
	assert_int_equal(ingest_check_schema(s, "s"), -EBADMSG);
	s->sort = SCHEMA_TABLE;
	assert_int_equal(ingest_check_schema(s, "s"), 0);
	assert_int_equal(ingest_check_schema(s, "S"), -EBADMSG);
	assert_int_equal(ingest_check_schema(s, "s.e"), -EBADMSG);
}

static void refuses_malformed_packets(void **state)
{
	struct agent *a = *state;
	struct wire_record w = { .schema = 0, .size = 34 };
	struct wire_header lie = { .type = WIRE_RECORDS, .size = 4096 };
	int fd = greeted(a, "m");

	say(fd, WIRE_RECORDS, 1, &w, 4);
	expect_refused(a, fd, "within a record");
	fd = greeted(a, "m");
	say(fd, WIRE_RECORDS, 1, &w, sizeof(w)); /* and no bytes */
	expect_refused(a, fd, "malformed");
	fd = greeted(a, "m");
	w.size = UINT32_MAX; /* padded to 0 in 32 bits */
	say(fd, WIRE_RECORDS, 1, &w, sizeof(w));
	expect_refused(a, fd, "malformed");
	fd = greeted(a, "m");
	tell_records(fd, 1, 1, 0, 0);
	expect_refused(a, fd, "malformed");
	fd = greeted(a, "m");
	say(fd, WIRE_RECORDS, 0, "12345678", 8);
	expect_refused(a, fd, "more than its records");
	fd = greeted(a, "m");
	assert_int_equal(send(fd, &lie, sizeof(lie), 0), sizeof(lie));
	expect_refused(a, fd, "malformed packet");
	fd = greeted(a, "m");
	assert_int_equal(send(fd, "x", 1, 0), 1);
	expect_refused(a, fd, "malformed packet");
	fd = greeted(a, "m");
	say(fd, WIRE_TYPES, 0, NULL, 0);
	expect_refused(a, fd, "no known type");
	fd = greeted(a, "m");
	say(fd, WIRE_BATCH_END, 9, NULL, 0);
	expect_refused(a, fd, "unknown schema");
	assert_int_equal(a->records, 0);
}

/* A record that does not fit its schema is counted; the others count on. */
static void counts_records_that_are_none(void **state)
{
	struct agent *a = *state;
	struct {
		struct wire_record w;
		u8 bytes[40];
	} bad = { .w = { .size = 34 } };
	u16 place[2] = { 32, 9 }; /* beyond its end */
	_cleanup_buf_ struct buf b = {};
	int fd = greeted(a, "c");

	memcpy(bad.bytes + 24, place, sizeof(place));
	say(fd, WIRE_RECORDS, 1, &bad, sizeof(bad));
	bad.w.size = 7;
	say(fd, WIRE_RECORDS, 1, &bad, sizeof(bad.w) + 8);
	tell_records(fd, 1, 0, 1, 0);
	turn(a);
	assert_int_equal(a->records, 1);
	ingest_status(a->w.ingest, &b);
	assert_non_null(strstr(b.data, "\"malformed\":2"));
	close(fd);
}

static void random_packets_do_no_harm(void **state)
{
	struct agent *a = *state;
	u32 seed = 12345;

	for (int i = 0; i < 300; i++) {
		int fd = i % 3 ? greeted(a, "r") : connect_to(a);
		u8 packet[512];

		for (int k = 0; k < 8; k++) {
			struct wire_header h = { .type = (seed >> 9) % (WIRE_TYPES + 1),
						 .number = (seed >> 13) % 4 };

			for (size_t n = 0; n < sizeof(packet); n++)
				packet[n] = (u8)((seed = seed * 1664525 + 1013904223) >> 24) &
					    (k & 1 ? 0xff : 0x3f);
			h.size = (u32)sizeof(h) + seed % (sizeof(packet) - sizeof(h));
			memcpy(packet, &h, sizeof(h));
			send(fd, packet, h.size, MSG_NOSIGNAL | MSG_DONTWAIT);
		}
		turn(a);
		close(fd);
		turn(a);
	}
	assert_int_equal(schemas_of(a), 0);
}

static void only_so_many_scripts(void **state)
{
	struct agent *a = *state;
	int fds[INGEST_SOURCES_MAX + 1];
	char name[16];

	for (int i = 0; i < INGEST_SOURCES_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		fds[i] = greeted(a, name);
	}
	assert_int_equal(schemas_of(a), INGEST_SOURCES_MAX);
	fds[INGEST_SOURCES_MAX] = connect_to(a);
	expect_refused(a, fds[INGEST_SOURCES_MAX], "64 scripts are exported already");
	for (int i = 0; i < INGEST_SOURCES_MAX; i++)
		close(fds[i]);
	assert_int_equal(schemas_of(a), 0);
}

static void listens_in_its_own_place(void **state)
{
	struct agent *a = *state;
	struct stat st;
	char path[128];
	int fd = -7;

	assert_int_equal(stat(a->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Another agent's. */
	assert_int_equal(ingest_listen(a->path, &fd), -EADDRINUSE);
	assert_int_equal(fd, -7);
	/* What is no socket stays. */
	snprintf(path, sizeof(path), "%s/file", a->folder);
	write_text(path, "x");
	assert_int_equal(ingest_listen(path, &fd), -EEXIST);
	unlink(path);
	/* What a killed agent left behind. */
	snprintf(path, sizeof(path), "%s/stale", a->folder);
	assert_int_equal(ingest_listen(path, &fd), 0);
	close(fd);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(ingest_listen(path, &fd), 0);
	close(fd);
	unlink(path);
	/* A folder that is made, and one that others write to. */
	snprintf(path, sizeof(path), "%s/new/in", a->folder);
	assert_int_equal(ingest_listen(path, &fd), 0);
	close(fd);
	unlink(path);
	snprintf(path, sizeof(path), "%s/new", a->folder);
	assert_int_equal(chmod(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/new/in", a->folder);
	assert_int_equal(ingest_listen(path, &fd), -EPERM);
	snprintf(path, sizeof(path), "%s/new", a->folder);
	rmdir(path);
	assert_int_equal(ingest_listen("relative", &fd), -EINVAL);
}

int run_ingest_tests(void)
{
#define WITH_AGENT(test) cmocka_unit_test_setup_teardown(test, agent_setup, agent_teardown)
	const struct CMUnitTest tests[] = {
		WITH_AGENT(takes_records_and_says_so),
		WITH_AGENT(times_are_of_today),
		WITH_AGENT(a_name_is_taken_once),
		WITH_AGENT(refuses_a_wrong_order),
		WITH_AGENT(refuses_wrong_names),
		WITH_AGENT(refuses_wrong_schemas),
		cmocka_unit_test(checks_what_goes_into_metrics),
		WITH_AGENT(refuses_malformed_packets),
		WITH_AGENT(counts_records_that_are_none),
		WITH_AGENT(random_packets_do_no_harm),
		WITH_AGENT(only_so_many_scripts),
		WITH_AGENT(listens_in_its_own_place),
	};

	enum log_level before = log_level;
	int failed;

	log_level = LOG_LEVEL_ERROR; /* what is refused is said */
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	log_level = before;
	return failed;
}
