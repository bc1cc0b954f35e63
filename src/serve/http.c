// SPDX-License-Identifier: Apache-2.0
/*
 * The HTTP server: a thread per connection (they are few), so that a query or a stream may take its
 * time without holding up another. Routes are a table; only GET. Small answers are made whole and
 * then sent, rows and streams come in pieces.
 */
#include "serve/internal.h"

#include <arpa/inet.h>

#define STACK_BYTES (256 << 10)
#define IDLE_SECONDS 30
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

/* ---- the routes ------------------------------------------------------------------------------ */

static int get_root(struct serve *s UNUSED, struct MHD_Connection *c UNUSED, struct answer *a)
{
	a->type = "text/plain; charset=utf-8";
	buf_add_str(&a->body,
		    "Saker's agent\n\n"
		    "/metrics                          Prometheus\n"
		    "/api/v1/status                    the agent: gadgets, losses, store\n"
		    "/api/v1/schemas                   columns of every record\n"
		    "/api/v1/query?sql=SELECT...       the store in SQL (format=, limit=)\n"
		    "/api/v1/stream?schema=A,B&where=  records as they come, as events\n");
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
		schema_to_json(s->schemas[i].schema, &a->body);
	}
	buf_add_str(&a->body, "]\n");
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static const struct {
	const char *path;
	route_fn get;
} routes[] = {
	{ "/", get_root },
	{ "/metrics", get_metrics },
	{ "/api/v1/status", get_status },
	{ "/api/v1/schemas", get_schemas },
};

/* ---- requests -------------------------------------------------------------------------------- */

static enum MHD_Result send_response(struct MHD_Connection *c, unsigned status, const char *type,
				     struct MHD_Response *response)
{
	enum MHD_Result r;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
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
				     MHD_create_response_from_buffer(0, NULL,
								     MHD_RESPMEM_PERSISTENT));
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
	case -EBUSY:
	case -ECANCELED:
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	default:
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
}

/*
 * A page in a browser may send requests to the loopback interface under a name of its own (DNS
 * rebinding): there, a Host that is neither an address nor localhost is refused. Who listens
 * elsewhere is asked by whatever name the machine has.
 */
static bool host_is_ours(const struct serve *s, struct MHD_Connection *c)
{
	const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	char name[80];
	u8 address[16];

	if (!host || !s->is_loopback)
		return true;
	snprintf(name, sizeof(name), "%s", host[0] == '[' ? host + 1 : host);
	name[strcspn(name, host[0] == '[' ? "]" : ":")] = '\0';
	return !strcasecmp(name, "localhost") || inet_pton(AF_INET, name, address) == 1 ||
	       inet_pton(AF_INET6, name, address) == 1;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *text)
{
	struct answer a = {};

	complain(&a, status, text);
	return send_answer(c, &a);
}

static enum MHD_Result answer_stream(struct serve *s, struct MHD_Connection *c)
{
	struct MHD_Response *r;
	int err = stream_response(s, argument(c, "schema"), argument(c, "where"), &r);

	if (err)
		return refuse(c, status_of(err), error_text());
	return send_response(c, MHD_HTTP_OK, "text/event-stream", r);
}

static enum MHD_Result answer_query(struct serve *s, struct MHD_Connection *c)
{
	const char *sql = argument(c, "sql"), *format = argument(c, "format"),
		   *limit = argument(c, "limit");
	bool csv = format && !strcmp(format, "csv");
	struct MHD_Response *r;
	u64 rows = 0;
	int err;

	if (!sql || !*sql)
		return refuse(c, MHD_HTTP_BAD_REQUEST,
			      "sql= is needed: /api/v1/query?sql=SELECT...");
	if (format && !csv && strcmp(format, "json"))
		return refuse(c, MHD_HTTP_BAD_REQUEST, "format takes json or csv");
	if (limit && parse_u64(limit, &rows))
		return refuse(c, MHD_HTTP_BAD_REQUEST, "limit takes a number of rows");
	err = rows_response(s, sql, csv, rows, &r);
	if (err)
		return refuse(c, status_of(err), error_text());
	return send_response(c, MHD_HTTP_OK, csv ? "text/csv; charset=utf-8" : "application/json",
			     r);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version UNUSED,
				  const char *upload UNUSED, size_t *upload_size UNUSED,
				  void **state UNUSED)
{
	struct answer a = { .status = MHD_HTTP_OK, .type = "application/json" };
	struct serve *s = context;
	size_t i = 0;
	int err;

	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET is answered");
	if (!host_is_ours(s, c))
		return refuse(c, MHD_HTTP_FORBIDDEN, "ask by address or as localhost");
	if (!strcmp(url, "/api/v1/stream"))
		return answer_stream(s, c);
	if (!strcmp(url, "/api/v1/query"))
		return answer_query(s, c);
	while (i < ARRAY_SIZE(routes) && strcmp(routes[i].path, url))
		i++;
	if (i == ARRAY_SIZE(routes))
		return refuse(c, MHD_HTTP_NOT_FOUND, "there is nothing here (see /)");
	error_clear();
	err = routes[i].get(s, c, &a);
	if (!err && a.body.error)
		err = fail(-ENOMEM, "out of memory");
	if (err)
		complain(&a, status_of(err), error_text());
	return send_answer(c, &a);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void on_record(void *context, const struct record *r)
{
	struct serve *s = context;

	pthread_mutex_lock(&s->lock);
	metrics_record(s, r);
	if (s->streams)
		streams_record(s, r);
	pthread_mutex_unlock(&s->lock);
}

static int parse_address(const struct serve_options *o, struct sockaddr_storage *ret,
			 bool *ret_loopback)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, o->address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(o->port);
		*ret_loopback = ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	} else if (inet_pton(AF_INET6, o->address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(o->port);
		*ret_loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	} else {
		return fail(-EINVAL, "http.address: '%s' is not an address", o->address);
	}
	return 0;
}

static int start_daemon(struct serve *s)
{
	struct sockaddr_storage address;
	const union MHD_DaemonInfo *info;
	int err = parse_address(&s->options, &address, &s->is_loopback);

	if (err)
		return err;
	errno = 0;
	s->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
			MHD_USE_ITC | (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0),
		s->options.port, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &address,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX(s->options.clients, 1),
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_THREAD_STACK_SIZE,
		(size_t)STACK_BYTES, MHD_OPTION_END);
	if (!s->daemon)
		return fail_errno(errno ? -errno : -EIO, "cannot listen on %s port %u",
				  s->options.address, s->options.port);
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
	if (!s->subscription || !s->options.address ||
	    (o->store_directory && !s->options.store_directory))
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
	__atomic_store_n(&s->cancel, true, __ATOMIC_RELAXED);
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	streams_stop(s);
	pthread_mutex_unlock(&s->lock);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	metrics_free(s);
	while (s->schema_count)
		materializer_free(s->schemas[--s->schema_count].materializer);
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
		s->schemas[s->schema_count++] = (struct served){ .schema = schema };
	else
		err = fail(-E2BIG, "more than %d schemas", SERVE_SCHEMAS_MAX);
	pthread_mutex_unlock(&s->lock);
	return err;
}

void serve_remove_schema(struct serve *s, const struct schema *schema)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->schema_count; i++) {
		if (s->schemas[i].schema != schema)
			continue;
		materializer_free(s->schemas[i].materializer);
		s->schemas[i--] = s->schemas[--s->schema_count];
	}
	streams_forget(s, schema);
	metrics_forget(s, schema);
	pthread_mutex_unlock(&s->lock);
}
