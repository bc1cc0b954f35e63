/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of serve share: http.c (daemon, routes), stream.c (live records), metrics.c (Prometheus). */
#pragma once

#include "serve/serve.h"

#include <microhttpd.h>
#include <pthread.h>

#define SERVE_SCHEMAS_MAX 256

struct stream;
struct family;

struct serve {
	struct serve_options options;
	struct MHD_Daemon *daemon;
	struct bus *bus;
	struct subscription *subscription;
	u16 port;
	/* @lock guards all below: the publishing thread and one thread per connection meet here. */
	pthread_mutex_t lock;
	bool stopping;
	const struct schema *schemas[SERVE_SCHEMAS_MAX];
	size_t schema_count;
	struct stream *streams;
	struct family *families;
	struct buf scratch; /* a record as JSON, made once for all streams */
};

/* ---- stream.c, on the publishing thread, with the lock */
void streams_record(struct serve *s, const struct record *r);
void streams_forget(struct serve *s, const struct schema *schema);
/* On a connection's thread. -EINVAL with the text: no such schema, a filter that is wrong. */
int stream_response(struct serve *s, const char *schemas, const char *where, struct MHD_Response **ret);
void streams_stop(struct serve *s);

/* ---- metrics.c, with the lock */
void metrics_record(struct serve *s, const struct record *r);
void metrics_forget(struct serve *s, const struct schema *schema);
void metrics_print(struct serve *s, struct buf *b);
void metrics_free(struct serve *s);
