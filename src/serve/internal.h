/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of serve share: http.c (daemon, routes), rows.c (queries), stream.c (live
 * records), metrics.c (Prometheus).
 */
#pragma once

#include "serve/serve.h"

#include <microhttpd.h>
#include <pthread.h>

#define SERVE_SCHEMAS_MAX 256

struct stream;
struct family;

/* A schema that is on the bus. */
struct served {
	const struct schema *schema;
	/* Masks secrets and resolves stacks; made when the first stream wants the schema. */
	struct materializer *materializer;
};

struct serve {
	struct serve_options options;
	struct MHD_Daemon *daemon;
	struct bus *bus;
	struct subscription *subscription;
	u16 port;
	bool is_loopback;
	bool cancel; /* queries are to end; read without the lock */
	/* @lock guards all below: the publishing thread and one thread per connection meet here. */
	pthread_mutex_t lock;
	bool stopping;
	unsigned queries; /* under way */
	struct served schemas[SERVE_SCHEMAS_MAX];
	size_t schema_count;
	struct stream *streams;
	unsigned stream_count;
	u64 stream_lost; /* records that clients were too slow for */
	struct family *families;
	struct buf scratch; /* a record as JSON, made once for all streams */
};

/* ---- stream.c, on the publishing thread, with the lock */
void streams_record(struct serve *s, const struct record *r);
void streams_forget(struct serve *s, const struct schema *schema);
/*
 * On a connection's thread. -EINVAL, -ENOENT with the text: no such schema, a filter that is wrong;
 * -EBUSY: too many streams.
 */
int stream_response(struct serve *s, const char *schemas, const char *where,
		    struct MHD_Response **ret);
void streams_stop(struct serve *s);

/* ---- rows.c, on a connection's thread: a query whose rows are sent as they come */
int rows_response(struct serve *s, const char *sql, bool csv, u64 limit, struct MHD_Response **ret);

/* ---- metrics.c, with the lock */
void metrics_record(struct serve *s, const struct record *r);
void metrics_forget(struct serve *s, const struct schema *schema);
void metrics_print(struct serve *s, struct buf *b);
void metrics_free(struct serve *s);
