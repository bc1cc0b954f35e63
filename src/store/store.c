// SPDX-License-Identifier: Apache-2.0
/*
 * The part of a store that is the same for every backend: options, the sources with their budgets,
 * and what was counted for each. A budget is a token bucket that runs on the records' own clock, so
 * that it costs no clock call per record and a replay is measured as the original was.
 */
#include "store/backend.h"

#define SOURCES_MAX 1024
#define BURST_SECONDS 10

void store_say(const struct store_log *log, enum log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	if (!log || !log->line)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log->line(log->context, level, text);
}

static void options_free(struct store_options *o)
{
	for (size_t i = 0; i < o->budget_count; i++)
		free((char *)o->budgets[i].source);
	free((void *)o->budgets);
	free((char *)o->directory);
	memset(o, 0, sizeof(*o));
}

static int options_copy(const struct store_options *from, struct store_options *ret)
{
	_cleanup_(options_free) struct store_options o = *from;
	struct store_source_budget *budgets;

	o.budget_count = 0;
	o.directory = strdup(from->directory);
	o.budgets = budgets = calloc(from->budget_count + 1, sizeof(*budgets));
	if (!o.directory || !budgets)
		return fail(-ENOMEM, "store: out of memory");
	for (size_t i = 0; i < from->budget_count; i++) {
		budgets[i].budget = from->budgets[i].budget;
		budgets[i].source = strdup(from->budgets[i].source);
		if (!budgets[i].source)
			return fail(-ENOMEM, "store: out of memory");
		o.budget_count++;
	}
	if (!o.backend)
		o.backend = &store_embedded;
	if (!o.partition_ns)
		o.partition_ns = 3600 * NSEC_PER_SEC;
	if (!o.batch_records)
		o.batch_records = 4096;
	if (!o.memory_bytes)
		o.memory_bytes = 16 << 20;
	*ret = o;
	memset(&o, 0, sizeof(o));
	return 0;
}

static int options_check(const struct store_options *o)
{
	if (!o->directory || !*o->directory)
		return fail(-EINVAL, "store: no directory given");
	if (o->partition_ns % NSEC_PER_SEC || o->partition_ns > 366 * 86400 * NSEC_PER_SEC)
		return fail(
			-EINVAL,
			"store: the span of a partition must be whole seconds and at most a year");
	if (o->batch_records > 1 << 20)
		return fail(-EINVAL, "store: a batch holds at most %d records", 1 << 20);
	return 0;
}

/*
 * ---- sources ------------------------------------------------------------------------------------
 */

static void source_set_budget(const struct store *s, struct store_source *source)
{
	source->budget = s->options.budget;
	for (size_t i = 0; i < s->options.budget_count; i++)
		if (!strcmp(s->options.budgets[i].source, source->statistics.name))
			source->budget = s->options.budgets[i].budget;
	source->record_tokens = (double)source->budget.records * BURST_SECONDS;
	source->byte_tokens = (double)source->budget.bytes * BURST_SECONDS;
	source->refilled_ns = 0;
}

static void source_free(struct store_source *source)
{
	free((char *)source->statistics.name);
	free(source);
}

static struct store_source *source_new(struct store *s, const char *name)
{
	struct store_source *source;

	if (s->source_count >= SOURCES_MAX) {
		if (!s->too_many_said)
			store_say(
				&s->options.log, LOG_LEVEL_WARNING,
				"store: more than %d sources; records of '%s' and further ones are "
				"dropped",
				SOURCES_MAX, name);
		s->too_many_said = true;
		return NULL;
	}
	if (grow(&s->sources, &s->source_capacity, s->source_count + 1, sizeof(*s->sources)))
		return NULL;
	source = calloc(1, sizeof(*source));
	if (!source)
		return NULL;
	source->statistics.name = strdup(name);
	if (!source->statistics.name) {
		free(source);
		return NULL;
	}
	source_set_budget(s, source);
	s->sources[s->source_count++] = source;
	return source;
}

static struct store_source *source_of(struct store *s, const char *name)
{
	if (s->last && !strcmp(s->last->statistics.name, name))
		return s->last;
	for (size_t i = 0; i < s->source_count; i++)
		if (!strcmp(s->sources[i]->statistics.name, name))
			return s->last = s->sources[i];
	return s->last = source_new(s, name);
}

static void refill(struct store_source *source, u64 now)
{
	double seconds = 0;

	/*
	 * A clock that was set back starts a new count from there; it must not stop the source
	 * until it catches up.
	 */
	if (source->refilled_ns && now > source->refilled_ns)
		seconds = (double)(now - source->refilled_ns) / NSEC_PER_SEC;
	source->refilled_ns = now;
	source->record_tokens =
		MIN(source->record_tokens + seconds * (double)source->budget.records,
		    (double)source->budget.records * BURST_SECONDS);
	source->byte_tokens = MIN(source->byte_tokens + seconds * (double)source->budget.bytes,
				  (double)source->budget.bytes * BURST_SECONDS);
}

static bool within_budget(struct store_source *source, const struct record *r)
{
	const struct store_budget *b = &source->budget;

	if (!b->records && !b->bytes)
		return true;
	refill(source, r->wall_ns);
	if ((b->records && source->record_tokens < 1) ||
	    (b->bytes && source->byte_tokens < r->size))
		return false;
	source->record_tokens -= 1;
	source->byte_tokens -= r->size;
	return true;
}

/* ---- the interface --------------------------------------------------------------------------- */

int store_open(const struct store_options *options, struct store **ret)
{
	_cleanup_(store_closep) struct store *s = NULL;
	int err;

	err = options_check(options);
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return fail(-ENOMEM, "store: out of memory");
	err = options_copy(options, &s->options);
	if (err)
		return err;
	err = s->options.backend->open(s);
	if (err)
		return err;
	s->backend = s->options.backend;
	*ret = TAKE_PTR(s);
	return 0;
}

struct store *store_close(struct store *s)
{
	if (!s)
		return NULL;
	if (s->backend)
		s->backend->close(s);
	for (size_t i = 0; i < s->source_count; i++)
		source_free(s->sources[i]);
	free(s->sources);
	options_free(&s->options);
	free(s);
	return NULL;
}

void store_closep(struct store **s)
{
	store_close(*s);
}

int store_configure(struct store *s, const struct store_options *options)
{
	struct store_options o = { 0 };
	int err;

	err = options_check(options);
	if (!err && strcmp(options->directory, s->options.directory))
		err = fail(-EINVAL, "store: another directory ('%s') needs a restart",
			   options->directory);
	if (!err)
		err = options_copy(options, &o);
	if (err)
		return err;
	o.backend = s->options.backend;
	options_free(&s->options);
	s->options = o;
	for (size_t i = 0; i < s->source_count; i++)
		source_set_budget(s, s->sources[i]);
	return 0;
}

int store_append(struct store *s, const struct record *r)
{
	struct store_source *source = source_of(s, r->schema->name);

	if (!source) {
		s->health.dropped_unnamed++;
		return 0;
	}
	if (!within_budget(source, r)) {
		source->statistics.dropped_budget++;
		return 0;
	}
	source->statistics.appended++;
	source->statistics.bytes += r->size;
	if (s->backend->append(s, source, r))
		source->statistics.dropped_error++;
	return 0;
}

int store_flush(struct store *s)
{
	return s->backend->flush(s);
}

int store_expire(struct store *s, u64 now_ns)
{
	return s->backend->expire(s, now_ns);
}

int store_scan(struct store *s, const struct store_range *range, store_record_fn fn, void *context,
	       struct store_scan_report *ret)
{
	return s->backend->scan(s, range, fn, context, ret);
}

const struct store_statistics *store_statistics(const struct store *s, size_t index)
{
	return index < s->source_count ? &s->sources[index]->statistics : NULL;
}

void store_health(const struct store *s, struct store_health *ret)
{
	*ret = s->health;
}
