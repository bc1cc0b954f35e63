// SPDX-License-Identifier: Apache-2.0
/* Live records: what is asked for comes, a client that does not read costs nobody anything. */
#include "groups.h"

#include <sys/socket.h>

static const char words[] = "curl\0--password=hunter2\0x";

static int open_stream(struct fixture *f, const char *arguments, struct buf *b)
{
	_cleanup_buf_ struct buf request = {};
	int fd = client(f);

	buf_printf(&request, "GET /api/v1/stream%s HTTP/1.1\r\nHost: localhost\r\n\r\n", arguments);
	send_text(fd, request.data, request.len);
	if (!receive_until(fd, ": saker\n\n", b))
		fail_msg("%s: %s", arguments, buf_str(b));
	return fd;
}

static void records_come_with_secrets_masked(void **state)
{
	_cleanup_buf_ struct buf b = {};
	_cleanup_close_ int fd = open_stream(*state, "", &b);

	assert_non_null(strcasestr(b.data, "content-type: text/event-stream"));
	publish(*state, 42, words, sizeof(words));
	assert_true(receive_until(fd, "}\n\n", &b));
	assert_non_null(strstr(b.data, "event: said\ndata: {"));
	assert_non_null(strstr(b.data, "\"number\":42"));
	assert_non_null(strstr(b.data, "curl"));
	assert_null(strstr(b.data, "hunter2"));
	publish_latency(*state, "key", 1, 1);
	assert_true(receive_until(fd, "event: my.latency\n", &b));
}

static void filters_choose(void **state)
{
	_cleanup_buf_ struct buf a = {}, b = {};
	_cleanup_close_ int filtered = open_stream(*state, "?schema=said&where=number+%3E+100", &a);
	_cleanup_close_ int any = open_stream(*state, "?where=number+%3D%3D+7", &b);

	publish(*state, 7, words, sizeof(words));
	publish(*state, 107, words, sizeof(words));
	assert_true(receive_until(filtered, "}\n\n", &a));
	assert_non_null(strstr(a.data, "\"number\":107"));
	assert_null(strstr(a.data, "\"number\":7,"));
	assert_true(receive_until(any, "}\n\n", &b));
	assert_non_null(strstr(b.data, "\"number\":7"));
}

static void wrong_wishes_are_refused(void **state)
{
	_cleanup_buf_ struct buf b = {};

	assert_int_equal(get(*state, "/api/v1/stream?schema=sayd", &b), 404);
	assert_non_null(strstr(b.data, "did you mean 'said'?"));
	assert_int_equal(get(*state, "/api/v1/stream?schema=said&where=number+%3D%3D", &b), 400);
	assert_int_equal(get(*state, "/api/v1/stream?where=nosuch+%3D%3D+1", &b), 400);
	assert_true(str_starts(b.data, "{\"error\":"));
}

static void at_most_so_many(void **state)
{
	_cleanup_buf_ struct buf b = {};
	int fds[16];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		buf_clear(&b);
		fds[i] = open_stream(*state, "", &b);
	}
	assert_int_equal(get(*state, "/api/v1/stream", &b), 503);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	/* A client that has gone is noticed when something is sent to it. */
	for (u64 until = clock_monotonic_ns() + 10 * NSEC_PER_SEC; clock_monotonic_ns() < until;) {
		_cleanup_close_ int fd = client(*state);
		static const char ask[] = "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";

		publish(*state, 1, words, sizeof(words));
		buf_clear(&b);
		send_text(fd, ask, sizeof(ask) - 1);
		receive_until(fd, "\r\n\r\n", &b);
		if (str_starts(b.data, "HTTP/1.1 200"))
			return;
	}
	fail_msg("sixteen streams stay taken");
}

/* 40 MB for a client that does not read: it is told how much it missed, once it reads again. */
static void a_client_that_sleeps(void **state)
{
	static char large[3900];
	_cleanup_buf_ struct buf b = {};
	_cleanup_close_ int fd = open_stream(*state, "?schema=said", &b);
	unsigned long long lost;
	const char *at;

	memset(large, 'x', sizeof(large));
	for (u32 i = 0; i < 10000; i++)
		publish(*state, i, large, sizeof(large));
	buf_clear(&b);
	assert_int_equal(get(*state, "/metrics", &b), 200); /* the others are served */
	at = strstr(b.data, "\nsaker_stream_lost_total ");
	assert_non_null(at);
	lost = strtoull(strchr(at, ' '), NULL, 10);
	assert_in_range(lost, 1000, 10000);
	/*
	 * What is said goes into the queue as soon as there is room: read, and say something more.
	 */
	for (bool told = false; !told;) {
		size_t kept = MIN(b.len, 64); /* it may come in two pieces */

		memmove(b.data, b.data + b.len - kept, kept);
		b.len = kept;
		assert_true(receive_more(fd, &b));
		publish(*state, 123456, words, sizeof(words));
		told = strstr(b.data, "event: lost\ndata: {\"lost\":") != NULL;
	}
}

static void a_stop_waits_for_nobody(void **state)
{
	struct fixture *f = *state;
	static const char slow[] =
		"GET /api/v1/query?sql=WITH+RECURSIVE+n(i)+AS+(SELECT+1+UNION+ALL+SELECT+i%2B1+FROM"
		"+n)+SELECT+count(*)+FROM+n HTTP/1.1\r\nHost: localhost\r\n\r\n";
	_cleanup_buf_ struct buf b = {};
	int query = client(f), idle = open_stream(f, "", &b), half = client(f), full;
	u64 began;

	buf_clear(&b);
	full = open_stream(f, "", &b);
	send_text(query, slow, sizeof(slow) - 1);
	send_text(half, "GET / HT", 8);
	for (u32 i = 0; i < 10000; i++)
		publish(f, i, words, sizeof(words));
	began = clock_monotonic_ns();
	f->serve = serve_stop(f->serve);
	assert_true(clock_monotonic_ns() - began < NSEC_PER_SEC);
	close(query);
	close(idle);
	close(half);
	close(full);
}

/* A gadget that is unloaded while clients listen to it. */
static void a_schema_that_goes(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct buf b = {};
	_cleanup_close_ int fd = open_stream(f, "?where=number+%3E+0", &b);

	publish(f, 1, words, sizeof(words));
	assert_true(receive_until(fd, "\"number\":1", &b));
	serve_remove_schema(f->serve, f->said);
	publish(f, 2, words, sizeof(words));
	assert_int_equal(get(f, "/api/v1/stream?schema=said", &b), 404);
	assert_int_equal(get(f, "/metrics", &b), 200);
}

int run_stream_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records_come_with_secrets_masked, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(filters_choose, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(wrong_wishes_are_refused, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(at_most_so_many, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_client_that_sleeps, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_stop_waits_for_nobody, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_schema_that_goes, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
