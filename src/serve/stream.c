// SPDX-License-Identifier: Apache-2.0
/*
 * Live records as server-sent events. Each client has a bounded queue of text; the publishing
 * thread only appends; what does not fit is counted and told as an event of its own: `event: lost`,
 * `data: {"lost":N}`.
 */
#include "serve/internal.h"

#define QUEUE_BYTES (256 << 10)
#define KEEP_ALIVE_NS (10 * NSEC_PER_SEC)
#define STREAMS_MAX 16
#define STREAM_SCHEMAS_MAX 32

struct wanted {
	const struct schema *schema;
	struct expression *where;
};

struct stream {
	struct stream *next;
	struct serve *serve;
	bool all; /* every schema, with no filter */
	struct wanted wanted[STREAM_SCHEMAS_MAX];
	size_t wanted_count;
	struct buf queue;
	size_t sent; /* of the queue's beginning */
	u64 lost;
	pthread_cond_t ready;
};

/* ---- the publishing thread ------------------------------------------------------------------- */

static bool is_wanted(const struct stream *c, const struct record *r)
{
	if (c->all)
		return true;
	for (size_t i = 0; i < c->wanted_count; i++) {
		if (c->wanted[i].schema == r->schema)
			return !c->wanted[i].where || expression_match(c->wanted[i].where, r);
	}
	return false;
}

static void offer(struct stream *c, const struct record *r, const struct buf *json)
{
	if (c->queue.len - c->sent + json->len > QUEUE_BYTES || c->queue.error) {
		c->lost++;
		c->serve->stream_lost++;
		return;
	}
	if (c->queue.len > QUEUE_BYTES) {
		memmove(c->queue.data, c->queue.data + c->sent, c->queue.len - c->sent);
		c->queue.len -= c->sent;
		c->sent = 0;
	}
	if (c->lost) {
		buf_printf(&c->queue, "event: lost\ndata: {\"lost\":%llu}\n\n",
			   (unsigned long long)c->lost);
		c->lost = 0;
	}
	buf_printf(&c->queue, "event: %s\ndata: ", r->schema->name);
	buf_add(&c->queue, json->data, json->len);
	buf_add_str(&c->queue, "\n\n");
	pthread_cond_signal(&c->ready);
}

/*
 * As JSON, once for all streams: through a materializer, which masks secrets and gives stacks their
 * names.
 */
static bool make_json(struct serve *s, const struct record *r)
{
	const struct materialize_options o = { .mask_secrets = s->options.mask_secrets };
	struct served *served = NULL;
	struct record made;

	for (size_t i = 0; i < s->schema_count && !served; i++)
		served = s->schemas[i].schema == r->schema ? &s->schemas[i] : NULL;
	if (!served ||
	    (!served->materializer && materializer_new(r->schema, &o, &served->materializer)) ||
	    materialize(served->materializer, r, &made))
		return false;
	buf_clear(&s->scratch);
	record_to_json(&made, &s->scratch);
	return !s->scratch.error;
}

void streams_record(struct serve *s, const struct record *r)
{
	bool made = false;

	for (struct stream *c = s->streams; c; c = c->next) {
		if (!is_wanted(c, r))
			continue;
		made = made || make_json(s, r);
		if (made) {
			offer(c, r, &s->scratch);
		} else {
			s->scratch.error = 0;
			c->lost++;
			s->stream_lost++;
		}
	}
}

void streams_forget(struct serve *s, const struct schema *schema)
{
	for (struct stream *c = s->streams; c; c = c->next) {
		for (size_t i = 0; i < c->wanted_count; i++) {
			if (c->wanted[i].schema != schema)
				continue;
			c->wanted[i].schema = NULL;
			c->wanted[i].where = expression_free(c->wanted[i].where);
		}
	}
}

void streams_stop(struct serve *s)
{
	for (struct stream *c = s->streams; c; c = c->next)
		pthread_cond_signal(&c->ready);
}

/* ---- a connection's thread ------------------------------------------------------------------- */

/* Until something is there. Now and then a comment, so that a client that went away is noticed. */
static void wait_for_text(struct stream *c)
{
	u64 until = clock_monotonic_ns() + KEEP_ALIVE_NS;
	struct timespec t = { .tv_sec = (time_t)(until / NSEC_PER_SEC),
			      .tv_nsec = (long)(until % NSEC_PER_SEC) };

	while (!c->queue.len && !c->serve->stopping) {
		if (pthread_cond_timedwait(&c->ready, &c->serve->lock, &t) == ETIMEDOUT &&
		    !c->queue.len)
			buf_add_str(&c->queue, ": still here\n\n");
	}
}

static ssize_t on_read(void *context, uint64_t position UNUSED, char *room, size_t max)
{
	struct stream *c = context;
	struct serve *s = c->serve;
	size_t n;

	pthread_mutex_lock(&s->lock);
	wait_for_text(c);
	n = s->stopping ? 0 : MIN(c->queue.len - c->sent, max);
	if (n) {
		memcpy(room, c->queue.data + c->sent, n);
		c->sent += n;
	}
	if (c->sent == c->queue.len) {
		buf_clear(&c->queue);
		c->queue.error = 0;
		c->sent = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return n ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void stream_free(struct stream *c)
{
	for (size_t i = 0; i < c->wanted_count; i++)
		expression_free(c->wanted[i].where);
	buf_free(&c->queue);
	pthread_cond_destroy(&c->ready);
	free(c);
}

static void on_end(void *context)
{
	struct stream *c = context, **at;
	struct serve *s = c->serve;

	pthread_mutex_lock(&s->lock);
	for (at = &s->streams; *at; at = &(*at)->next) {
		if (*at == c) {
			*at = c->next;
			s->stream_count--;
			break;
		}
	}
	pthread_mutex_unlock(&s->lock);
	stream_free(c);
}

static const struct schema *find_schema(const struct serve *s, const char *name)
{
	const char *names[SERVE_SCHEMAS_MAX], *near;

	for (size_t i = 0; i < s->schema_count; i++) {
		names[i] = s->schemas[i].schema->name;
		if (!strcmp(names[i], name))
			return s->schemas[i].schema;
	}
	near = suggest(name, names, s->schema_count);
	fail(-ENOENT, "no schema '%.100s' on the bus%s%s%s", name, near ? " (did you mean '" : "",
	     near ? near : "", near ? "'?)" : "");
	return NULL;
}

static int add_wanted(struct stream *c, const struct schema *schema, const char *where)
{
	struct wanted *w = &c->wanted[c->wanted_count];
	int err;

	if (c->wanted_count == STREAM_SCHEMAS_MAX)
		return fail(-E2BIG, "more than %d schemas in one stream", STREAM_SCHEMAS_MAX);
	err = where ? expression_parse(where, schema, &w->where) : 0;
	if (!err) {
		w->schema = schema;
		c->wanted_count++;
	}
	return err;
}

/* Under the lock: schemas may not go meanwhile. */
static int choose(struct serve *s, struct stream *c, const char *names, const char *where)
{
	_cleanup_free_ char *copy = NULL;
	char *next, *name;
	int err = 0;

	c->all = !names && !where;
	if (!names) {
		/* A filter and no schema: every schema that has the filter's columns. */
		for (size_t i = 0; i < s->schema_count && where; i++)
			err = add_wanted(c, s->schemas[i].schema, where);
		if (where && !s->schema_count)
			return fail(-ENOENT, "nothing runs that could be filtered");
		return !where || c->wanted_count ? 0 : err;
	}
	next = copy = strdup(names);
	while (copy && !err && (name = strsep(&next, ","))) {
		const struct schema *schema = find_schema(s, name);

		err = schema ? add_wanted(c, schema, where) : -ENOENT;
	}
	return copy ? err : fail(-ENOMEM, "out of memory");
}

int stream_response(struct serve *s, const char *schemas, const char *where,
		    struct MHD_Response **ret)
{
	struct stream *c = calloc(1, sizeof(*c));
	pthread_condattr_t monotonic;
	int err;

	if (!c)
		return fail(-ENOMEM, "out of memory");
	c->serve = s;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&c->ready, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_lock(&s->lock);
	if (s->stream_count == STREAMS_MAX)
		err = fail(-EBUSY, "%d streams are open: close one, or ask again later",
			   STREAMS_MAX);
	else
		err = choose(s, c, schemas && *schemas ? schemas : NULL,
			     where && *where ? where : NULL);
	if (!err) {
		buf_add_str(&c->queue,
			    ": saker\n\n"); /* so that a client sees at once that it is connected */
		c->next = s->streams;
		s->streams = c;
		s->stream_count++;
	}
	pthread_mutex_unlock(&s->lock);
	if (err) {
		stream_free(c);
		return err;
	}
	*ret = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32 << 10, on_read, c, on_end);
	if (!*ret) {
		on_end(c);
		return fail(-ENOMEM, "out of memory");
	}
	return 0;
}
