// SPDX-License-Identifier: Apache-2.0
/*
 * The embedded store: batches per schema in memory, sealed when they are full, written with one
 * transaction per partition, and kept until that has worked.
 *
 *	record ──► stream (one per schema) ──full──► waiting list ──flush──► partition of its time
 *
 * What open batches and the waiting list take is bounded. While the disk refuses, records are
 * dropped once that memory is full, and every flush tries again.
 */
#include "store/embedded.h"

#define STREAMS_MAX 2048
#define ATTEMPTS 8 /* of one flush, when partitions are set aside or expired on the way */

/* ---- streams --------------------------------------------------------------------------------- */

static void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	batch_free(&stream->batch);
	free(stream->name);
	free(stream->definition);
	free(stream);
}

static struct stream *stream_new(struct embedded *e, struct store_source *source,
				 const struct schema *schema)
{
	_cleanup_buf_ struct buf definition = { 0 };
	struct stream *stream;

	if (e->stream_count >= STREAMS_MAX ||
	    grow(&e->streams, &e->stream_capacity, e->stream_count + 1, sizeof(*e->streams)))
		return NULL;
	schema_to_json(schema, &definition);
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NULL;
	stream->source = source;
	stream->hash = schema->hash;
	stream->version = schema->version;
	stream->name = strdup(schema->name);
	if (!stream->name || definition.error) {
		stream_free(stream);
		return NULL;
	}
	stream->definition = TAKE_PTR(definition.data);
	e->streams[e->stream_count++] = stream;
	return stream;
}

/*
 * By what the schema says, not by its address: a script's schema may be freed and another one made
 * in its place.
 */
static bool stream_is_of(const struct stream *stream, const struct schema *schema)
{
	return stream->hash == schema->hash && stream->version == schema->version &&
	       !strcmp(stream->name, schema->name);
}

static struct stream *stream_of(struct embedded *e, struct store_source *source,
				const struct schema *schema)
{
	if (e->last && stream_is_of(e->last, schema))
		return e->last;
	for (size_t i = 0; i < e->stream_count; i++)
		if (stream_is_of(e->streams[i], schema))
			return e->last = e->streams[i];
	return e->last = stream_new(e, source, schema);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static size_t memory_used(const struct embedded *e)
{
	return e->open_bytes + e->waiting_bytes;
}

static int seal(struct embedded *e, struct stream *stream)
{
	struct waiting *w;
	u32 raw = stream->batch.header.raw_size;

	if (!stream->batch.header.count)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w || batch_seal(&stream->batch, e->packer, &w->sealed)) {
		free(w);
		return fail(-ENOMEM, "store: out of memory");
	}
	w->stream = stream;
	w->id = stream->id;
	e->open_bytes -= raw;
	e->waiting_bytes += w->sealed->size + sizeof(*w->sealed) + sizeof(*w);
	*e->waiting_end = w;
	e->waiting_end = &w->next;
	return 0;
}

/* Takes the batch out of the list at @link. */
static void forget_waiting(struct embedded *e, struct waiting **link)
{
	struct waiting *w = *link;

	*link = w->next;
	if (e->waiting_end == &w->next)
		e->waiting_end = link;
	e->waiting_bytes -= w->sealed->size + sizeof(*w->sealed) + sizeof(*w);
	e->store->health.waiting_records -= w->sealed->header.count;
	free(w->sealed);
	free(w);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Totals of the schemas in this transaction. */
static int add_totals(struct embedded *e)
{
	int err = 0;

	for (size_t i = 0; i < e->stream_count; i++) {
		struct stream *s = e->streams[i];

		if (s->total.records && !err)
			err = partition_add_total(e->partition, s->schema_id, s->total.records,
						  s->total.first_ns, s->total.last_ns);
		memset(&s->total, 0, sizeof(s->total));
	}
	return err;
}

static int add_batch(struct embedded *e, const struct waiting *w)
{
	const struct batch_header *h = &w->sealed->header;
	struct stream *s = w->stream;
	int err;

	if (s->schema_generation != e->generation) {
		err = partition_schema(e->partition, s->name, s->version, s->hash, s->definition,
				       &s->schema_id);
		if (err)
			return err;
		s->schema_generation = e->generation;
	}
	err = partition_add(e->partition, s->schema_id, w->sealed);
	if (err)
		return err;
	if (!s->total.records || h->time_min < s->total.first_ns)
		s->total.first_ns = h->time_min;
	s->total.last_ns = MAX(s->total.last_ns, h->time_max);
	s->total.records += h->count;
	return 0;
}

static int write_transaction(struct embedded *e, const struct partition_id *id)
{
	int err = partition_begin(e->partition);

	for (struct waiting *w = e->waiting; w && !err; w = w->next)
		if (partition_same_span(&w->id, id))
			err = add_batch(e, w);
	if (err)
		goto rollback;
	err = add_totals(e);
	if (!err)
		err = partition_commit(e->partition);
	if (!err)
		return 0;
rollback:
	partition_rollback(e->partition);
	e->generation++; /* ids of schemas that this transaction added are no more */
	for (size_t i = 0; i < e->stream_count; i++)
		memset(&e->streams[i]->total, 0, sizeof(e->streams[i]->total));
	return err;
}

/* Writes every waiting batch of the first one's partition. */
static int write_partition(struct embedded *e)
{
	struct partition_id id = e->waiting->id;
	struct waiting **link = &e->waiting;
	int err = embedded_enter(e, &id);

	if (!err)
		err = write_transaction(e, &id);
	if (err)
		return err;
	while (*link) {
		struct waiting *w = *link;
		struct store_statistics *st = &w->stream->source->statistics;

		if (!partition_same_span(&w->id, &id)) {
			link = &w->next;
			continue;
		}
		st->stored += w->sealed->header.count;
		st->stored_bytes += w->sealed->size;
		forget_waiting(e, link);
	}
	embedded_roll(e);
	return 0;
}

static int write_waiting(struct embedded *e)
{
	int attempts = 0, err = 0;

	while (e->waiting) {
		err = write_partition(e);
		if (err && (++attempts > ATTEMPTS || !embedded_recover(e, err)))
			break;
	}
	embedded_say_state(e, err);
	return err;
}

static int embedded_flush(struct store *s)
{
	struct embedded *e = s->state;
	int err = 0;

	for (size_t i = 0; i < e->stream_count && !err; i++)
		err = seal(e, e->streams[i]);
	if (err)
		return err;
	return write_waiting(e);
}

/* ---- appending ------------------------------------------------------------------------------- */

/* Memory is full, or would be soon: what waits goes to the disk before its second is over. */
static int make_room(struct store *s, struct embedded *e, u32 size)
{
	size_t limit = s->options.memory_bytes;

	if (memory_used(e) + size <= limit / 4)
		return 0;
	if (!e->refused)
		embedded_flush(s);
	if (memory_used(e) + size <= limit)
		return 0;
	e->dropped++;
	return -ENOSPC;
}

static int embedded_append(struct store *s, struct store_source *source, const struct record *r)
{
	struct embedded *e = s->state;
	struct stream *stream = stream_of(e, source, r->schema);
	u32 before;
	int err;

	if (!stream)
		return -ENOMEM;
	if (r->size < sizeof(struct record_header) || r->wall_ns > INT64_MAX)
		return -EINVAL;
	err = make_room(s, e, r->size);
	if (err)
		return err;
	if (r->wall_ns < stream->from_ns || r->wall_ns > stream->to_ns) {
		err = seal(e, stream);
		if (err)
			return err;
		stream->id = partition_id_of(r->wall_ns, s->options.partition_ns);
		stream->from_ns = stream->id.start * NSEC_PER_SEC;
		stream->to_ns = partition_end_ns(&stream->id);
	}
	before = stream->batch.header.raw_size;
	err = batch_add(&stream->batch, r);
	if (err)
		return err;
	e->open_bytes += stream->batch.header.raw_size - before;
	s->health.waiting_records++;
	if (batch_full(&stream->batch, s->options.batch_records))
		seal(e, stream); /* out of memory: the batch grows on, up to its limit */
	return 0;
}

/* ---- the rest of the interface --------------------------------------------------------------- */

static int embedded_scan(struct store *s, const struct store_range *range, store_record_fn fn,
			 void *context, struct store_scan_report *ret)
{
	return store_scan_directory(s->options.directory, range, fn, context, &s->options.log, ret);
}

static void embedded_close(struct store *s)
{
	struct embedded *e = s->state;

	if (!e)
		return;
	if (e->lock >= 0 && embedded_flush(s) && s->health.waiting_records)
		store_say(&s->options.log, LOG_LEVEL_ERROR,
			  "store: closed with %llu records that could not be written: %s",
			  (unsigned long long)s->health.waiting_records, error_text());
	embedded_leave(e);
	while (e->waiting)
		forget_waiting(e, &e->waiting);
	for (size_t i = 0; i < e->stream_count; i++)
		stream_free(e->streams[i]);
	free(e->streams);
	batch_packer_free(e->packer);
	if (e->lock >= 0)
		close(e->lock);
	free(e);
	s->state = NULL;
}

static int embedded_open(struct store *s)
{
	struct embedded *e = calloc(1, sizeof(*e));
	int err = 0;

	s->state = e;
	if (!e)
		return fail(-ENOMEM, "store: out of memory");
	e->store = s;
	e->lock = -1;
	e->waiting_end = &e->waiting;
	e->generation = 1;
	e->packer = batch_packer_new();
	if (!e->packer)
		err = fail(-ENOMEM, "store: out of memory");
	if (!err)
		err = e->lock = directory_claim(s->options.directory);
	if (err >= 0)
		err = embedded_check_all(e);
	if (err >= 0)
		return 0;
	embedded_close(s);
	return err;
}

const struct store_backend store_embedded = {
	.name = "embedded",
	.open = embedded_open,
	.append = embedded_append,
	.flush = embedded_flush,
	.expire = embedded_expire,
	.scan = embedded_scan,
	.close = embedded_close,
};
