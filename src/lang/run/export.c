// SPDX-License-Identifier: Apache-2.0
/*
 * A script's way to the bus: its ring is read once, for what it prints and for what it exports.
 */
#include "lang/run/export_internal.h"

#include "kernel/kernel.h"

char *export_name(const char *path)
{
	const char *base = strrchr(path, '/');
	char *name = strdup(base && base[1] ? base + 1 : path);
	size_t len = name ? strlen(name) : 0;

	if (len > 3 && str_ends(name, ".bt"))
		len -= 3;
	if (len > 48)
		len = 48;
	if (!name)
		return NULL;
	name[len] = '\0';
	for (char *p = name; *p; p++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *p))
			*p = '_';
	}
	return name;
}

int export_new(struct run *r, const char *name, const struct export_sink *sink, struct export **ret)
{
	_cleanup_(export_freep) struct export *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return fail(-ENOMEM, "out of memory");
	e->run = r;
	e->sink = *sink;
	e->name = strdup(name);
	e->by_action = calloc(r->script->action_count + 1, sizeof(*e->by_action));
	if (!e->name || !e->by_action)
		return fail(-ENOMEM, "out of memory");
	err = export_make_schemas(e);
	if (!err)
		*ret = TAKE_PTR(e);
	return err;
}

struct export *export_free(struct export *e)
{
	if (!e)
		return NULL;
	for (size_t i = 0; i < e->count; i++) {
		export_forget_map(e->schemas[i]);
		schema_free(e->schemas[i]->schema);
		free(e->schemas[i]);
	}
	free(e->schemas);
	free(e->by_action);
	free((char *)e->name);
	buf_free(&e->record);
	buf_free(&e->text);
	free(e);
	return NULL;
}

void export_freep(struct export **e)
{
	*e = export_free(*e);
}

size_t export_count(const struct export *e)
{
	return e->count;
}

const struct schema *export_schema(const struct export *e, size_t i)
{
	return e->schemas[i]->schema;
}

/* As in run.c, with the export before the output, which may clear a map. */
static void on_record(void *context, const void *data, size_t size)
{
	struct export *e = context;
	struct run *r = e->run;

	if (!r->exiting) {
		export_event(e, data, (u32)size);
		output_record(&r->out, data, size);
	}
	if (r->out.exit_asked && !r->exiting) {
		r->exiting = true;
		r->exit_code = r->out.exit_code;
	}
}

ssize_t export_consume(struct export *e)
{
	struct run *r = e->run;
	struct ring *ring = r->ring;
	bool exiting = r->exiting;
	ssize_t n;

	/* What a run does besides reading its ring: it has none for the moment. */
	r->ring = NULL;
	run_consume(r);
	r->ring = ring;
	r->exiting = exiting;
	n = ring ? ring_consume(ring, on_record, e, 0) : 0;
	if (n > 0)
		r->received += (u64)n;
	/* The record that says so may have found the ring full. */
	if (r->state && r->state->exiting && !r->exiting && (!ring || !ring_available(ring))) {
		r->exiting = true;
		r->exit_code = r->state->exit_code;
	}
	return n;
}

int export_read(struct export *e)
{
	int err = 0;

	for (u32 i = 0; i < e->count; i++) {
		int one;

		if (!e->schemas[i]->map)
			continue;
		one = export_read_map(e, i);
		if (!one && e->sink.batch_end)
			e->sink.batch_end(e->sink.context, i);
		err = err ? err : one;
	}
	return err;
}

/* The order of run_end(): detached, read to the end, `end` run, its records read, maps shown. */
int export_end(struct export *e)
{
	struct run *r = e->run;
	int err, read;

	run_detach(r);
	r->exiting = r->out.exit_asked = false;
	export_consume(e);
	r->exiting = r->out.exit_asked = false;
	err = run_fire(r, "end", NULL);
	while (!err && r->ring && ring_available(r->ring) && export_consume(e) > 0)
		r->exiting = false;
	read = export_read(e);
	if (r->out.exit_asked)
		r->exit_code = r->out.exit_code;
	if (!r->out.json)
		buf_add_str(&r->out.text, "\n\n");
	if (!err && r->script->config.print_maps_on_exit)
		err = output_maps(&r->out);
	run_report_losses(r, true);
	return err ? err : read;
}

void export_losses(const struct export *e, struct export_losses *ret)
{
	const struct run *r = e->run;

	*ret = (struct export_losses){ .malformed = e->malformed,
				       .cut = e->cut,
				       .failed = e->failed };
	for (size_t i = 0; r->losses && i < r->script->program_count; i++) {
		for (int k = 0; k < LOSS_KINDS; k++)
			ret->kinds[k] += r->losses[i * LOSS_KINDS + k];
	}
}
