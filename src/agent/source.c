// SPDX-License-Identifier: Apache-2.0
/*
 * Gadgets in the agent. The worker opens each one to know its schemas; the broker loads it and
 * sends the maps. Gadgets of one class share a ring: the header of a record says whose it is.
 */
#include "agent/worker.h"

/* Records read from one ring before the next has its turn. */
#define SHARE 8192

static void materializers_free(struct source *s)
{
	for (size_t i = 0; s->materializers && i < gadget_info(s->gadget)->schema_count; i++)
		materializer_free(s->materializers[i]);
	free(s->materializers);
	s->materializers = NULL;
}

/* Nothing may refer to its schemas any more. */
static struct source *source_free(struct source *s)
{
	if (!s)
		return NULL;
	if (s->gadget)
		materializers_free(s);
	expression_free(s->user);
	gadget_free(s->gadget);
	free(s);
	return NULL;
}

/*
 * While the agent goes on: detached first, then what it said until then is taken out of the ring,
 * then everybody forgets its schemas.
 */
static void source_stop(struct worker *w, u32 number)
{
	struct source *s = w->sources[number];

	if (s->loaded) {
		if (broker_unload(w->broker, s->number))
			log_warning("%s: %s", s->config.name, error_text());
		sources_consume_all(w);
		if (w->sink)
			sink_drain(w->sink);
		for (size_t i = 0; i < gadget_info(s->gadget)->schema_count; i++) {
			if (w->serve)
				serve_remove_schema(w->serve, gadget_info(s->gadget)->schemas[i]);
			summary_forget(w->summary, gadget_info(s->gadget)->schemas[i]);
		}
	}
	w->sources[number] = source_free(s);
}

void sources_free(struct worker *w)
{
	for (u32 i = 0; w->sources && i < BROKER_GADGETS_MAX; i++)
		w->sources[i] = source_free(w->sources[i]);
	free(w->sources);
	w->sources = NULL;
}

size_t sources_running(const struct worker *w)
{
	size_t n = 0;

	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++)
		n += w->sources[i] && w->sources[i]->loaded;
	return n;
}

static int make_materializers(struct source *s)
{
	const struct config *c = s->worker->config; /* the new one, when it is read again */
	const struct gadget_info *info = gadget_info(s->gadget);
	struct materialize_options o = { .columns = (const char *const *)c->store_columns,
					 .count = c->store_column_count,
					 .mask_secrets = c->store_mask_secrets };

	s->materializers = calloc(info->schema_count + 1, sizeof(*s->materializers));
	if (!s->materializers)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < info->schema_count && s->config.store && s->worker->sink; i++) {
		int err = materializer_new(info->schemas[i], &o, &s->materializers[i]);

		if (err)
			return err;
	}
	return 0;
}

static int source_load(struct source *s)
{
	struct worker *w = s->worker;
	struct bpf_insn predicate[BROKER_PREDICATE_MAX];
	const struct gadget_info *info;
	size_t count;
	int err = gadget_setup(&s->config, w->host, &s->gadget);

	if (err)
		return err;
	info = gadget_info(s->gadget);
	err = gadget_setup_where(&s->config, s->gadget, predicate, &count, &s->user);
	if (!err)
		err = make_materializers(s);
	if (!err)
		err = gadget_set_ring(s->gadget, 0, w->ring_fds[s->config.ring]);
	if (err)
		return err;
	gadget_set_symbolizer(s->gadget, host_symbolize, w->host);
	err = broker_load(w->broker, s->gadget, s->number, s->config.ring,
			  s->config.parameters ? s->config.parameters : "",
			  s->config.parameters_size, predicate, count);
	if (err)
		return err;
	s->loaded = true;
	for (size_t i = 0; i < info->schema_count && w->serve; i++) {
		if (serve_add_schema(w->serve, info->schemas[i]))
			log_warning("%s is not served: %s", info->schemas[i]->name, error_text());
	}
	return 0;
}

/* What cannot change without loading it again. */
static bool same_gadget(const struct config_gadget *a, const struct config_gadget *b)
{
	return !strcmp(a->name, b->name) && a->ring == b->ring && !strcmp(a->where, b->where) &&
	       a->parameters_size == b->parameters_size &&
	       (!a->parameters_size || !memcmp(a->parameters, b->parameters, a->parameters_size));
}

/* The source that runs @c already, or NULL. */
static struct source *running(struct worker *w, const struct config_gadget *c)
{
	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		struct source *s = w->sources[i];

		if (s && s->loaded && same_gadget(&s->config, c))
			return s;
	}
	return NULL;
}

static void remake_materializers(struct source *s)
{
	sink_drain(s->worker->sink);
	materializers_free(s);
	if (make_materializers(s))
		log_error("%s is not stored: %s", s->config.name, error_text());
}

/* Takes the texts of the new configuration: the old one's go. */
static void source_keep(struct source *s, const struct config_gadget *c, bool store_changed)
{
	bool remake = s->worker->sink && (store_changed || s->config.store != c->store);

	s->config = *c;
	s->seen = true;
	if (remake)
		remake_materializers(s);
}

static void source_start(struct worker *w, const struct config_gadget *c)
{
	struct source *s = calloc(1, sizeof(*s));
	u32 number = 0;

	while (number < BROKER_GADGETS_MAX && w->sources[number])
		number++;
	if (!s || number == BROKER_GADGETS_MAX) {
		free(s);
		log_error("%s: no room for another gadget", c->name);
		return;
	}
	*s = (struct source){
		.worker = w, .config = *c, .number = number, .seen = true, .missed = UNKNOWN_LOSS
	};
	w->sources[number] = s;
	if (source_load(s)) {
		snprintf(s->error, sizeof(s->error), "%s", error_text());
		log_warning("%s does not run: %s", c->name, s->error);
	} else {
		log_debug("%s runs", c->name);
	}
}

void sources_configure(struct worker *w, bool store_changed)
{
	struct progress *progress = progress_begin("loading gadgets");
	struct config *c = w->config;

	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		if (w->sources[i])
			w->sources[i]->seen = false;
	}
	for (size_t i = 0; i < c->gadget_count; i++) {
		struct source *s = c->gadgets[i].enabled ? running(w, &c->gadgets[i]) : NULL;

		if (s)
			source_keep(s, &c->gadgets[i], store_changed);
	}
	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		if (w->sources[i] && !w->sources[i]->seen)
			source_stop(w, i);
	}
	for (size_t i = 0; i < c->gadget_count; i++) {
		if (c->gadgets[i].enabled && !running(w, &c->gadgets[i]))
			source_start(w, &c->gadgets[i]);
		progress_set(progress, i + 1, c->gadget_count);
	}
	progress_end(progress);
}

/* ---- records --------------------------------------------------------------------------------- */

static struct materializer *materializer_for(const struct source *s, const struct schema *schema)
{
	const struct gadget_info *info = gadget_info(s->gadget);

	for (size_t i = 0; s->materializers && i < info->schema_count; i++) {
		if (info->schemas[i] == schema)
			return s->materializers[i];
	}
	return NULL;
}

static void on_record(void *context, const struct record *r)
{
	struct source *s = context;
	struct worker *w = s->worker;
	struct materializer *m;

	s->records++;
	host_feed(w->host, r);
	if (s->user && r->schema == gadget_info(s->gadget)->where_schema &&
	    !expression_match(s->user, r)) {
		s->filtered++;
		return;
	}
	bus_publish(w->bus, r);
	m = w->sink ? materializer_for(s, r->schema) : NULL;
	if (m)
		sink_offer(w->sink, s, m, r, w->now);
}

static void on_ring_record(void *context, const void *data, size_t size)
{
	struct worker *w = context;
	struct record_header header;
	struct source *s;

	if (size < sizeof(header)) {
		w->ring_bad++;
		return;
	}
	memcpy(&header, data, sizeof(header));
	s = header.gadget < BROKER_GADGETS_MAX ? w->sources[header.gadget] : NULL;
	if (!s || !s->loaded)
		w->ring_bad++;
	else if (gadget_record(s->gadget, data, size, w->wall_offset, on_record, s))
		s->bad_records++;
}

size_t sources_consume(struct worker *w)
{
	size_t all = 0;

	w->now = clock_monotonic_ns();
	w->wall_offset = clock_wall_ns() - w->now;
	for (int i = 0; i < CONFIG_RINGS; i++) {
		ssize_t n = w->rings[i] ? ring_consume(w->rings[i], on_ring_record, w, SHARE) : 0;

		if (n < 0)
			log_error("ring %s: %s", ring_class_names[i], error_text());
		else
			all += (size_t)n;
	}
	return all;
}

size_t sources_consume_all(struct worker *w)
{
	u64 began = clock_monotonic_ns();
	size_t all = 0, n;

	/* Less than one share: no ring had more to give. */
	do {
		n = sources_consume(w);
		all += n;
	} while (n >= SHARE && clock_monotonic_ns() - began < 100 * NSEC_PER_MSEC);
	return all;
}

void sources_read_tables(struct worker *w, bool last)
{
	w->now = clock_monotonic_ns();
	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		struct source *s = w->sources[i];
		const struct gadget_info *info;

		if (!s || !s->loaded || !gadget_has_tables(s->gadget))
			continue;
		if (gadget_read(s->gadget, last, on_record, s) < 0)
			log_warning("%s", error_text());
		info = gadget_info(s->gadget);
		for (size_t k = 0; k < info->schema_count; k++) {
			if (info->schemas[k]->sort != SCHEMA_EVENTS)
				bus_batch_end(w->bus, info->schemas[k]);
		}
	}
}
