// SPDX-License-Identifier: Apache-2.0
/* Requests good and bad, queries, metrics. After every bad one the server still answers. */
#include "groups.h"

static void answers_what_it_offers(void **state)
{
	_cleanup_buf_ struct buf b = {};

	assert_int_equal(get(*state, "/", &b), 200);
	assert_int_equal(get(*state, "/api/v1/status", &b), 200);
	assert_string_equal(buf_str(&b), "{\"status\":\"here\"}\n");
	assert_int_equal(get(*state, "/api/v1/schemas", &b), 200);
	assert_non_null(strstr(buf_str(&b), "\"said\""));
	assert_int_equal(get(*state, "/none", &b), 404);
	assert_true(str_starts(buf_str(&b), "{\"error\":"));
	assert_int_equal(get(*state, "/api/v1/", &b), 404);
	assert_int_equal(get(*state, "/../etc/passwd", &b), 404);
}

static void refuses_bad_requests(void **state)
{
	static const struct {
		const char *bytes;
		unsigned status;
	} cases[] = {
		{ "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 405 },
		{ "DELETE /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n", 405 },
		{ "OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405 },
		{ "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200 },
		{ "HEAD /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		  200 },
		{ "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403 },
		{ "GET /metrics HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", 403 },
		{ "GET / HTTP/1.1\r\nHost: 127.0.0.1:9753\r\nConnection: close\r\n\r\n", 200 },
		{ "GET / HTTP/1.1\r\nHost: [::1]:9753\r\nConnection: close\r\n\r\n", 200 },
		{ "GET / HTTP/1.1\r\nHost: LocalHost\r\nConnection: close\r\n\r\n", 200 },
		{ "GET / HTTP/1.0\r\n\r\n", 200 },
		{ "GET /%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200 },
		{ "GET /%ff%fe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404 },
	};
	_cleanup_buf_ struct buf b = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned status = status_of_bytes(*state, cases[i].bytes, strlen(cases[i].bytes));

		if (status != cases[i].status)
			fail_msg("%s: %u", cases[i].bytes, status);
		assert_int_equal(get(*state, "/", &b), 200);
	}
}

/* Not a fuzzer: the library has its own. That nothing of it reaches us. */
static void outlives_garbage(void **state)
{
	static const char *const texts[] = {
		"\r\n\r\n",
		"GET",
		"GET /",
		"GET / HTTP/9.9\r\n\r\n",
		"\xff\xfe\x00 x",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
	};
	_cleanup_buf_ struct buf b = {}, large = {};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		status_of_bytes(*state, texts[i], strlen(texts[i]));
	buf_add_str(&large, "GET /");
	buf_add_fill(&large, 'a', 100000);
	buf_add_str(&large, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_true(status_of_bytes(*state, large.data, large.len) != 200);
	buf_clear(&large);
	buf_add_str(&large, "GET / HTTP/1.1\r\nHost: localhost\r\n");
	for (int i = 0; i < 5000; i++)
		buf_printf(&large, "X-%d: y\r\n", i);
	buf_add_str(&large, "\r\n");
	assert_true(status_of_bytes(*state, large.data, large.len) != 200);
	assert_int_equal(get(*state, "/", &b), 200);
}

static void answers_queries(void **state)
{
	static const struct {
		const char *target;
		unsigned status;
		const char *body; /* its beginning */
	} cases[] = {
		{ "sql=SELECT+count(*)+AS+n+FROM+said", 200, "[\n{\"n\":1000}\n]\n" },
		{ "sql=SELECT+count(*)+AS+n+FROM+said&format=csv", 200, "n\r\n1000\r\n" },
		{ "sql=SELECT+args+FROM+said&limit=1&format=csv", 200,
		  "args\r\n\"a,\"\"b\"\" c\"\r\n" },
		{ "sql=SELECT+1+WHERE+0", 200, "[\n]\n" },
		{ "sql=SELECT+number+FROM+said&limit=2", 200,
		  "[\n{\"number\":0},\n{\"number\":1}\n]\n" },
		{ "", 400, "{\"error\":\"sql= is needed" },
		{ "sql=", 400, "{\"error\":\"sql= is needed" },
		{ "sql=SELEKT+1", 400, "{\"error\":" },
		{ "sql=DROP+TABLE+said", 400, "{\"error\":" },
		{ "sql=SELECT+1&format=xml", 400, "{\"error\":\"format takes json or csv" },
		{ "sql=SELECT+1&limit=many", 400, "{\"error\":\"limit takes" },
		{ "sql=SELECT+*+FROM+sayd", 404, "{\"error\":" },
		{ "sql=WITH+RECURSIVE+n(i)+AS+(SELECT+1+UNION+ALL+SELECT+i%2B1+FROM+n)+"
		  "SELECT+count(*)+FROM+n",
		  504, "{\"error\":" },
	};
	_cleanup_buf_ struct buf b = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char target[512];
		unsigned status;

		snprintf(target, sizeof(target), "/api/v1/query?%s", cases[i].target);
		status = get(*state, target, &b);
		if (status != cases[i].status || !str_starts(buf_str(&b), cases[i].body))
			fail_msg("%s: %u %s", cases[i].target, status, buf_str(&b));
	}
}

/* Larger than any buffer on the way: sent as it is made. */
static void sends_long_answers(void **state)
{
	_cleanup_buf_ struct buf b = {};
	size_t lines = 0;

	assert_int_equal(
		get(*state,
		    "/api/v1/query?sql=SELECT+a.number,b.args+FROM+said+a,said+b+LIMIT+20000", &b),
		200);
	for (size_t i = 0; i < b.len; i++)
		lines += b.data[i] == '\n';
	assert_int_equal(lines, 20002);
	/* What ends in the middle (its time is over) is not taken for whole. */
	assert_int_equal(
		get(*state,
		    "/api/v1/query?sql=SELECT+a.args,b.args,c.args+FROM+said+a,said+b,said+c", &b),
		200);
	assert_int_equal(b.len, 0);
}

/* ---- metrics: the text format, strictly */

static bool is_name(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool letter = (p[i] | 32) >= 'a' && (p[i] | 32) <= 'z';

		if (!letter && p[i] != '_' && p[i] != ':' && (!i || p[i] < '0' || p[i] > '9'))
			return false;
	}
	return len > 0;
}

/* {name="value",...}; returns what follows, NULL when it is wrong. */
static const char *skip_labels(const char *p)
{
	if (*p != '{')
		return p;
	p++;
	while (*p != '}') {
		size_t len = strcspn(p, "=");

		if (!is_name(p, len) || p[len + 1] != '"')
			return NULL;
		for (p += len + 2; *p && *p != '"'; p++) {
			if (*p == '\\' && !strchr("\\\"n", *++p))
				return NULL;
		}
		if (*p++ != '"')
			return NULL;
		if (*p == ',')
			p++;
	}
	return p + 1;
}

static void check_sample(const char *line)
{
	size_t len = strcspn(line, "{ ");
	const char *p = is_name(line, len) ? skip_labels(line + len) : NULL;
	char *end = NULL;

	if (p && *p == ' ')
		strtod(p + 1, &end);
	if (!end || *end)
		fail_msg("not a sample: %s", line);
}

static void metrics_are_well_formed(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct buf b = {};
	char *next, *line;

	publish_latency(f, "a\"b\\c\nd", 0, 1);
	publish_latency(f, "plain", 3, 2);
	publish_latency(f, "plain", 3, 2);
	publish_latency(f, "plain", 15, 1);
	assert_int_equal(get(f, "/metrics", &b), 200);
	assert_non_null(strstr(b.data, "mine 1\n"));
	assert_non_null(strstr(b.data, "# TYPE saker_my_latency_seconds histogram\n"));
	assert_non_null(
		strstr(b.data, "saker_my_latency_seconds_bucket{who=\"plain\",le=\"7e-06\"} 4\n"));
	assert_non_null(
		strstr(b.data, "saker_my_latency_seconds_bucket{who=\"plain\",le=\"+Inf\"} 5\n"));
	assert_non_null(strstr(b.data, "saker_my_latency_seconds_count{who=\"plain\"} 5\n"));
	assert_non_null(strstr(b.data, "who=\"a\\\"b\\\\"));
	next = b.data;
	while ((line = strsep(&next, "\n")) && *line) {
		if (*line != '#')
			check_sample(line);
		else
			assert_true(str_starts(line, "# HELP ") || str_starts(line, "# TYPE "));
	}
	assert_true(line && !next); /* the last line ends */
}

static void series_are_bounded(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct buf b = {};

	for (u32 i = 0; i < 600; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key%u", i);
		publish_latency(f, key, 1, 1);
	}
	assert_int_equal(get(f, "/metrics", &b), 200);
	assert_non_null(strstr(b.data, "saker_series_refused_total{schema=\"my.latency\"} 100\n"));
}

static void says_what_cannot_be_served(void **state)
{
	struct fixture *f = *state;
	struct serve_options o = { .address = "nowhere", .clients = 1 };
	struct serve *s = NULL;

	assert_int_equal(serve_start(&o, f->bus, &s), -EINVAL);
	o.address = "127.0.0.1";
	o.port = serve_port(f->serve);
	assert_int_equal(serve_start(&o, f->bus, &s), -EADDRINUSE);
	assert_null(s);
	assert_null(serve_stop(NULL));
}

int run_http_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_what_it_offers, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(refuses_bad_requests, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(outlives_garbage, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(answers_queries, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(sends_long_answers, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(metrics_are_well_formed, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(series_are_bounded, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(says_what_cannot_be_served, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
