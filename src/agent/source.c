// SPDX-License-Identifier: Apache-2.0
/*
 * Gadgets in the agent. The worker opens each one to know its schemas; the broker loads it and sends the maps. Gadgets of one
 * class share a ring: the header of a record says whose it is.
 */
#include "agent/worker.h"

/* Records read from one ring before the next has its turn. */
#define SHARE 8192

static struct source *source_free(struct source *s)
{
	struct worker *w;

	if (!s)
		return NULL;
	w = s->worker;
	if (w->sink)
		sink_drain(w->sink);
	if (s->loaded)
		broker_unload(w->broker, s->number);
	for (size_t i = 0; s->gadget && i < gadget_info(s->gadget)->schema_count; i++) {
		if (w->serve)
			serve_remove_schema(w->serve, gadget_info(s->gadget)->schemas[i]);
		summary_forget(w->summary, gadget_info(s->gadget)->schemas[i]);
		if (s->materializers)
			materializer_free(s->materializers[i]);
	}
	free(s->materializers);
	expression_free(s->user);
	gadget_free(s->gadget);
	free(s);
	return NULL;
}

void sources_free(struct worker *w)
{
	for (u32 i = 0; w->sources && i < BROKER_GADGETS_MAX; i++)
		w->sources[i] = source_free(w->sources[i]);
	free(w->sources);
	w->sources = NULL;
}

static int set_parameters(struct source *s)
{
	const char *p = s->config.parameters, *end = p ? p + s->config.parameters_size : NULL;

	for (; p < end; p += strlen(p) + 1) {
		char word[4200], *equals;
		int err;

		snprintf(word, sizeof(word), "%s", p);
		equals = strchr(word, '=');
		*equals = '\0'; /* config_read.c put one there */
		err = gadget_set_parameter(s->gadget, word, equals + 1);
		if (err)
			return err;
	}
	return 0;
}

/* The filter's kernel part as instructions for the broker; the rest stays here. */
static int compile_where(struct source *s, struct bpf_insn *predicate, size_t *ret_count)
{
	_cleanup_(expression_freep) struct expression *all = NULL, *kernel = NULL;
	const struct schema *schema = gadget_info(s->gadget)->where_schema;
	int err, n = 0;

	*ret_count = 0;
	if (!*s->config.where)
		return 0;
	if (!schema)
		return fail(-EOPNOTSUPP, "this gadget has no filter");
	err = expression_parse(s->config.where, schema, &all);
	if (!err)
		err = expression_split(all, &kernel, &s->user);
	if (!err && kernel)
		n = expression_compile(kernel, gadget_where_limit(s->gadget), predicate, BROKER_PREDICATE_MAX);
	if (err || n < 0)
		return err ? err : n;
	if (s->user && !gadget_has_events(s->gadget))
		return fail(-EOPNOTSUPP, "it counts in the kernel, where this filter cannot run: %s",
			    expression_why_user(s->user));
	*ret_count = (size_t)n;
	return 0;
}

static int make_materializers(struct source *s)
{
	const struct config *c = s->worker->config;
	const struct gadget_info *info = gadget_info(s->gadget);
	struct materialize_options o = { .columns = (const char *const *)c->store_columns,
					 .count = c->store_column_count, .mask_secrets = c->store_mask_secrets };

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

static int symbolize(void *context, u32 pid, const u64 *addresses, size_t count, bool user, struct buf *b)
{
	return host_format_stack(context, pid, addresses, count, user, b);
}

static int source_load(struct source *s)
{
	struct worker *w = s->worker;
	struct bpf_insn predicate[BROKER_PREDICATE_MAX];
	const struct gadget_info *info;
	size_t count;
	int err = gadget_open(s->config.name, &s->gadget);

	if (err)
		return err;
	info = gadget_info(s->gadget);
	for (size_t i = 0; i < info->schema_count && !err; i++)
		err = host_add_columns(w->host, info->schemas[i]);
	if (!err)
		err = set_parameters(s);
	if (!err)
		err = compile_where(s, predicate, &count);
	if (!err)
		err = make_materializers(s);
	if (!err)
		err = gadget_set_ring(s->gadget, 0, w->ring_fds[s->config.ring]);
	if (err)
		return err;
	gadget_set_symbolizer(s->gadget, symbolize, w->host);
	err = broker_load(w->broker, s->gadget, s->number, s->config.ring,
			  s->config.parameters ? s->config.parameters : "", s->config.parameters_size, predicate, count);
	if (err)
		return err;
	s->loaded = true;
	for (size_t i = 0; i < info->schema_count && w->serve && !err; i++)
		err = serve_add_schema(w->serve, info->schemas[i]);
	return err;
}

static bool same_gadget(const struct config_gadget *a, const struct config_gadget *b)
{
	return !strcmp(a->name, b->name) && a->ring == b->ring && a->store == b->store && !strcmp(a->where, b->where) &&
	       a->parameters_size == b->parameters_size &&
	       (!a->parameters_size || !memcmp(a->parameters, b->parameters, a->parameters_size));
}

/* The source that runs @c already, or NULL. Its texts are taken from the new configuration. */
static struct source *running(struct worker *w, const struct config_gadget *c)
{
	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		struct source *s = w->sources[i];

		if (s && s->loaded && !s->seen && same_gadget(&s->config, c)) {
			s->config = *c;
			return s;
		}
	}
	return NULL;
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
	*s = (struct source){ .worker = w, .config = *c, .number = number, .seen = true };
	w->sources[number] = s;
	if (source_load(s)) {
		snprintf(s->error, sizeof(s->error), "%s", error_text());
		log_warning("%s does not run: %s", c->name, s->error);
	} else {
		log_debug("%s runs", c->name);
	}
}

void sources_configure(struct worker *w)
{
	struct config *c = w->config;

	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		if (w->sources[i])
			w->sources[i]->seen = false;
	}
	for (size_t i = 0; i < c->gadget_count; i++) {
		struct source *s = c->gadgets[i].enabled ? running(w, &c->gadgets[i]) : NULL;

		if (s)
			s->seen = true;
	}
	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		if (w->sources[i] && !w->sources[i]->seen) {
			sources_consume(w); /* what it has already said */
			w->sources[i] = source_free(w->sources[i]);
		}
	}
	for (size_t i = 0; i < c->gadget_count; i++) {
		bool there = !c->gadgets[i].enabled;

		for (u32 k = 0; k < BROKER_GADGETS_MAX && !there; k++)
			there = w->sources[k] && same_gadget(&w->sources[k]->config, &c->gadgets[i]);
		if (!there)
			source_start(w, &c->gadgets[i]);
	}
}

/* ---- records ------------------------------------------------------------------------------------------------------ */

static struct materializer *materializer_for(const struct source *s, const struct schema *schema)
{
	const struct gadget_info *info = gadget_info(s->gadget);

	for (size_t i = 0; i < info->schema_count; i++) {
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
	feed_record(w->host, r);
	if (s->user && r->schema->sort == SCHEMA_EVENTS && !expression_match(s->user, r))
		return;
	bus_publish(w->bus, r);
	m = w->sink ? materializer_for(s, r->schema) : NULL;
	if (m)
		sink_offer(w->sink, s, m, r);
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
		w->ring_bad++; /* a gadget that was just unloaded had one more to say */
	else if (gadget_record(s->gadget, data, size, w->wall_offset, on_record, s))
		s->bad_records++;
}

size_t sources_consume(struct worker *w)
{
	size_t all = 0;

	w->wall_offset = clock_wall_ns() - clock_monotonic_ns();
	for (int i = 0; i < CONFIG_RINGS; i++) {
		ssize_t n = w->rings[i] ? ring_consume(w->rings[i], on_ring_record, w, SHARE) : 0;

		if (n < 0)
			log_error("ring %s: %s", ring_class_names[i], error_text());
		else
			all += (size_t)n;
	}
	return all;
}

void sources_read_tables(struct worker *w, bool last)
{
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
