// SPDX-License-Identifier: Apache-2.0
/*
 * A query over HTTP. Its rows are sent as they come, so an answer of any length takes one buffer.
 * What goes wrong before the first buffer is full gets a proper status; later, the connection ends
 * in the middle of a chunk, which every client takes for what it is: an answer that is not whole.
 */
#include "serve/internal.h"

#define BUFFER_BYTES (64 << 10)
#define SORT_BYTES (8 << 20)
#define QUERIES_MAX 4

struct rows {
	struct serve *serve;
	struct query *query;
	struct buf text; /* made and not yet sent, from @sent on */
	size_t sent;
	bool csv, begun, any, ended;
};

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

static void add_row(struct rows *r)
{
	if (r->csv) {
		csv_row(r->query, false, &r->text);
		return;
	}
	buf_add_str(&r->text, r->any ? ",\n" : "\n");
	query_row_json(r->query, &r->text);
	r->any = true;
}

/* Until the buffer is full or there are no more. */
static int make(struct rows *r)
{
	buf_clear(&r->text);
	r->sent = 0;
	if (!r->begun && r->csv)
		csv_row(r->query, true, &r->text);
	else if (!r->begun)
		buf_add_char(&r->text, '[');
	r->begun = true;
	while (!r->ended && r->text.len < BUFFER_BYTES) {
		int more = query_step(r->query);

		if (more < 0)
			return more;
		if (more) {
			add_row(r);
			continue;
		}
		r->ended = true;
		if (!r->csv)
			buf_add_str(&r->text, "\n]\n");
	}
	return r->text.error ? fail(-ENOMEM, "out of memory") : 0;
}

static ssize_t on_read(void *context, uint64_t position UNUSED, char *room, size_t max)
{
	struct rows *r = context;
	size_t n;

	if (r->sent == r->text.len && !r->ended && make(r))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = MIN(r->text.len - r->sent, max);
	if (!n)
		return MHD_CONTENT_READER_END_OF_STREAM;
	memcpy(room, r->text.data + r->sent, n);
	r->sent += n;
	return (ssize_t)n;
}

static void on_end(void *context)
{
	struct rows *r = context;

	query_close(r->query);
	pthread_mutex_lock(&r->serve->lock);
	r->serve->queries--;
	pthread_mutex_unlock(&r->serve->lock);
	buf_free(&r->text);
	free(r);
}

static int take_turn(struct serve *s)
{
	int err = 0;

	pthread_mutex_lock(&s->lock);
	if (s->queries >= QUERIES_MAX)
		err = fail(-EBUSY, "%d queries are under way: ask again later", QUERIES_MAX);
	else
		s->queries++;
	pthread_mutex_unlock(&s->lock);
	return err;
}

static int begin(struct rows *r, const char *sql, u64 limit)
{
	struct serve *s = r->serve;
	struct query_options o = { .directory = s->options.store_directory,
				   .timeout_ns = s->options.query_timeout_ns,
				   .row_limit = limit,
				   .memory_bytes = SORT_BYTES,
				   .cancel = &s->cancel };
	int err = query_open(&o, sql, &r->query);

	return err ? err : make(r);
}

int rows_response(struct serve *s, const char *sql, bool csv, u64 limit, struct MHD_Response **ret)
{
	struct rows *r;
	int err;

	if (!s->options.store_directory)
		return fail(-ENOENT, "the store is switched off");
	err = take_turn(s);
	if (err)
		return err;
	r = calloc(1, sizeof(*r));
	if (!r) {
		pthread_mutex_lock(&s->lock);
		s->queries--;
		pthread_mutex_unlock(&s->lock);
		return fail(-ENOMEM, "out of memory");
	}
	r->serve = s;
	r->csv = csv;
	err = begin(r, sql, limit);
	if (!err) {
		*ret = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32 << 10, on_read, r,
							 on_end);
		if (*ret)
			return 0;
		err = fail(-ENOMEM, "out of memory");
	}
	on_end(r);
	return err;
}
