// SPDX-License-Identifier: Apache-2.0
/*
 * The HTTP server: a thread per connection (they are few: 64 at most, on the loopback interface), so that a query or a stream may
 * take its time without holding up another. Routes are a table; only GET; answers are made whole and then sent.
 */
#include "serve/internal.h"

#include <arpa/inet.h>

#define STACK_BYTES (256 << 10)
#define IDLE_SECONDS 30
#define ROWS_DEFAULT 10000
#define ANSWER_MAX (64 << 20)
#define QUERY_MEMORY (8 << 20) /* for sorting, before a temporary file is used */

struct answer {
	struct buf body;
	unsigned status;
	const char *type;
};

typedef int (*route_fn)(struct serve *s, struct MHD_Connection *c, struct answer *a);

static const char *argument(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);
}

static void complain(struct answer *a, unsigned status, const char *text)
{
	buf_clear(&a->body);
	buf_add_str(&a->body, "{\"error\":");
	text_add_json(&a->body, text, strlen(text));
	buf_add_str(&a->body, "}\n");
	a->status = status;
	a->type = "application/json";
}

/* ---- the routes -------------------------------------------------------------------------------------------------------- */

static int get_root(struct serve *s UNUSED, struct MHD_Connection *c UNUSED, struct answer *a)
{
	a->type = "text/plain; charset=utf-8";
	buf_add_str(&a->body, "Saker's agent\n\n"
			      "/metrics                              Prometheus\n"
			      "/api/v1/status                        the agent: gadgets, losses, store\n"
			      "/api/v1/schemas                       columns of every record\n"
			      "/api/v1/query?sql=SELECT...           the store in SQL (format=json|csv, limit=N)\n"
			      "/api/v1/stream?schema=A,B&where=EXPR  records as they come (server-sent events)\n");
	return 0;
}

static int get_metrics(struct serve *s, struct MHD_Connection *c UNUSED, struct answer *a)
{
	a->type = "text/plain; version=0.0.4; charset=utf-8";
	if (s->options.metrics)
		s->options.metrics(s->options.context, &a->body);
	pthread_mutex_lock(&s->lock);
	metrics_print(s, &a->body);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static int get_status(struct serve *s, struct MHD_Connection *c UNUSED, struct answer *a)
{
	if (s->options.status)
		s->options.status(s->options.context, &a->body);
	return 0;
}

static int get_schemas(struct serve *s, struct MHD_Connection *c UNUSED, struct answer *a)
{
	pthread_mutex_lock(&s->lock);
	buf_add_char(&a->body, '[');
	for (size_t i = 0; i < s->schema_count; i++) {
		if (i)
			buf_add_str(&a->body, ",\n");
		schema_to_json(s->schemas[i], &a->body);
	}
	buf_add_str(&a->body, "]\n");
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void csv_value(const struct query *q, size_t i, struct buf *b)
{
	struct query_value v;

	query_value(q, i, &v);
	switch (v.type) {
	case QUERY_INTEGER:
		buf_add_s64(b, v.integer);
		break;
	case QUERY_REAL:
		buf_printf(b, "%.17g", v.real);
		break;
	case QUERY_TEXT:
	case QUERY_BLOB:
		text_add_csv(b, v.bytes, v.len);
		break;
	case QUERY_NULL:
		break;
	}
}

static void csv_row(const struct query *q, bool heading, struct buf *b)
{
	for (size_t i = 0; i < query_column_count(q); i++) {
		if (i)
			buf_add_char(b, ',');
		if (heading)
			text_add_csv(b, query_column_name(q, i), strlen(query_column_name(q, i)));
		else
			csv_value(q, i, b);
	}
	buf_add_str(b, "\r\n");
}

static int query_rows(struct query *q, bool csv, struct buf *b)
{
	bool first = true;
	int err;

	if (csv)
		csv_row(q, true, b);
	else
		buf_add_char(b, '[');
	while ((err = query_step(q)) > 0) {
		if (b->len > ANSWER_MAX)
			return fail(-E2BIG, "the answer is larger than 64 MiB (use limit=, or select less)");
		if (csv) {
			csv_row(q, false, b);
			continue;
		}
		buf_add_str(b, first ? "\n" : ",\n");
		query_row_json(q, b);
		first = false;
	}
	if (!csv)
		buf_add_str(b, "\n]\n");
	return err;
}

static int get_query(struct serve *s, struct MHD_Connection *c, struct answer *a)
{
	const char *sql = argument(c, "sql"), *format = argument(c, "format"), *limit = argument(c, "limit");
	struct query_options o = { .directory = s->options.store_directory, .timeout_ns = s->options.query_timeout_ns,
				   .row_limit = ROWS_DEFAULT, .memory_bytes = QUERY_MEMORY };
	_cleanup_(query_closep) struct query *q = NULL;
	bool csv = format && !strcmp(format, "csv");
	int err;

	if (!o.directory)
		return fail(-ENOENT, "the store is switched off");
	if (!sql)
		return fail(-EINVAL, "sql= is needed");
	if (format && !csv && strcmp(format, "json"))
		return fail(-EINVAL, "format takes json or csv");
	err = limit ? parse_u64(limit, &o.row_limit) : 0;
	if (!err)
		err = query_open(&o, sql, &q);
	if (!err)
		err = query_rows(q, csv, &a->body);
	if (csv)
		a->type = "text/csv; charset=utf-8";
	return err;
}

static const struct {
	const char *path;
	route_fn get;
} routes[] = {
	{ "/", get_root },		    { "/metrics", get_metrics },   { "/api/v1/status", get_status },
	{ "/api/v1/schemas", get_schemas }, { "/api/v1/query", get_query },
};

/* ---- requests ------------------------------------------------------------------------------------------------------------ */

static enum MHD_Result send_response(struct MHD_Connection *c, unsigned status, const char *type,
				     struct MHD_Response *response)
{
	enum MHD_Result r;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	r = MHD_queue_response(c, status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result send_answer(struct MHD_Connection *c, struct answer *a)
{
	size_t len = a->body.len;
	char *body = TAKE_PTR(a->body.data);
	struct MHD_Response *r;

	if (!body)
		return send_response(c, a->status, a->type,
				     MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
	r = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
	if (!r)
		free(body);
	return send_response(c, a->status, a->type, r);
}

static unsigned status_of(int err)
{
	switch (err) {
	case -ENOENT:
		return MHD_HTTP_NOT_FOUND;
	case -EINVAL:
	case -EPERM:
	case -ERANGE:
		return MHD_HTTP_BAD_REQUEST;
	case -ETIMEDOUT:
		return MHD_HTTP_GATEWAY_TIMEOUT;
	case -E2BIG:
		return 413;
	default:
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
}

/*
 * A page in a browser may send requests to the loopback interface under a name of its own (DNS rebinding): a Host that is
 * neither an address nor localhost is refused.
 */
static bool host_is_ours(struct MHD_Connection *c)
{
	const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	char name[80];
	u8 address[16];

	if (!host)
		return true;
	snprintf(name, sizeof(name), "%s", host[0] == '[' ? host + 1 : host);
	name[strcspn(name, host[0] == '[' ? "]" : ":")] = '\0';
	return !strcmp(name, "localhost") || inet_pton(AF_INET, name, address) == 1 ||
	       inet_pton(AF_INET6, name, address) == 1;
}

static enum MHD_Result answer_stream(struct serve *s, struct MHD_Connection *c)
{
	struct answer a = {};
	struct MHD_Response *r;

	if (!stream_response(s, argument(c, "schema"), argument(c, "where"), &r))
		return send_response(c, MHD_HTTP_OK, "text/event-stream", r);
	complain(&a, MHD_HTTP_BAD_REQUEST, error_text());
	return send_answer(c, &a);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version UNUSED, const char *upload UNUSED, size_t *upload_size UNUSED,
				  void **state UNUSED)
{
	struct answer a = { .status = MHD_HTTP_OK, .type = "application/json" };
	struct serve *s = context;
	size_t i = 0;
	int err;

	if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
		complain(&a, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET is answered");
		return send_answer(c, &a);
	}
	if (!host_is_ours(c)) {
		complain(&a, MHD_HTTP_FORBIDDEN, "ask by address or as localhost");
		return send_answer(c, &a);
	}
	if (!strcmp(url, "/api/v1/stream"))
		return answer_stream(s, c);
	while (i < ARRAY_SIZE(routes) && strcmp(routes[i].path, url))
		i++;
	if (i == ARRAY_SIZE(routes)) {
		complain(&a, MHD_HTTP_NOT_FOUND, "there is nothing here (see /)");
		return send_answer(c, &a);
	}
	error_clear();
	err = routes[i].get(s, c, &a);
	if (!err && a.body.error)
		err = fail(-ENOMEM, "out of memory");
	if (err)
		complain(&a, status_of(err), error_text());
	return send_answer(c, &a);
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

static void on_record(void *context, const struct record *r)
{
	struct serve *s = context;

	pthread_mutex_lock(&s->lock);
	metrics_record(s, r);
	if (s->streams)
		streams_record(s, r);
	pthread_mutex_unlock(&s->lock);
}

static int parse_address(const struct serve_options *o, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, o->address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(o->port);
	} else if (inet_pton(AF_INET6, o->address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(o->port);
	} else {
		return fail(-EINVAL, "http.address: '%s' is not an address", o->address);
	}
	return 0;
}

static int start_daemon(struct serve *s)
{
	struct sockaddr_storage address;
	const union MHD_DaemonInfo *info;
	int err = parse_address(&s->options, &address);

	if (err)
		return err;
	errno = 0;
	s->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC |
			(address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0),
		s->options.port, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &address,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX(s->options.clients, 1), MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_SECONDS, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES, MHD_OPTION_END);
	if (!s->daemon)
		return fail_errno(errno ? -errno : -EIO, "cannot listen on %s port %u", s->options.address,
				  s->options.port);
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
	s->port = info ? info->port : s->options.port;
	return 0;
}

int serve_start(const struct serve_options *o, struct bus *bus, struct serve **ret)
{
	struct serve *s = calloc(1, sizeof(*s));
	struct subscriber sub = { .context = s, .record = on_record };
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->options = *o;
	s->bus = bus;
	pthread_mutex_init(&s->lock, NULL);
	/* The configuration may be replaced while threads read these. */
	s->options.address = NULL;
	s->options.store_directory = o->store_directory ? strdup(o->store_directory) : NULL;
	s->options.address = strdup(o->address);
	s->subscription = bus_subscribe(bus, NULL, &sub);
	if (!s->subscription || !s->options.address || (o->store_directory && !s->options.store_directory))
		err = fail(-ENOMEM, "out of memory");
	else
		err = start_daemon(s);
	if (err) {
		serve_stop(s);
		return err;
	}
	*ret = s;
	return 0;
}

struct serve *serve_stop(struct serve *s)
{
	if (!s)
		return NULL;
	if (s->subscription)
		bus_unsubscribe(s->bus, s->subscription);
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	streams_stop(s);
	pthread_mutex_unlock(&s->lock);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	metrics_free(s);
	buf_free(&s->scratch);
	pthread_mutex_destroy(&s->lock);
	free((void *)s->options.store_directory);
	free((void *)s->options.address);
	free(s);
	return NULL;
}

u16 serve_port(const struct serve *s)
{
	return s->port;
}

int serve_add_schema(struct serve *s, const struct schema *schema)
{
	int err = 0;

	pthread_mutex_lock(&s->lock);
	if (s->schema_count < SERVE_SCHEMAS_MAX)
		s->schemas[s->schema_count++] = schema;
	else
		err = fail(-E2BIG, "more than %d schemas", SERVE_SCHEMAS_MAX);
	pthread_mutex_unlock(&s->lock);
	return err;
}

void serve_remove_schema(struct serve *s, const struct schema *schema)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->schema_count; i++) {
		if (s->schemas[i] == schema)
			s->schemas[i--] = s->schemas[--s->schema_count];
	}
	streams_forget(s, schema);
	metrics_forget(s, schema);
	pthread_mutex_unlock(&s->lock);
}
