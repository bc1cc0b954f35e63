// SPDX-License-Identifier: Apache-2.0
/*
 * Schemas that came over the socket. Names go into SQL, metrics and URLs, texts onto terminals:
 * they are words of known letters, and short, or the script is refused.
 */
#include "agent/ingest_internal.h"

#define SUMMARY_MAX 256
#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789_"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_word(const char *text, const char *letters, size_t max)
{
	size_t len = strlen(text);

	return len && len <= max && strspn(text, letters) == len;
}

bool ingest_check_name(const char *name)
{
	return is_word(name, LOWER UPPER "-", WIRE_NAME_MAX - 1);
}

static bool is_plain(const char *text)
{
	size_t len = 0;

	for (; text[len]; len++) {
		if (text[len] < 0x20 || text[len] > 0x7e)
			return false;
	}
	return len <= SUMMARY_MAX;
}

static bool is_unit(const char *unit)
{
	static const char *const units[] = { "", "ns", "us", "ms", "bytes" };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strcmp(units[i], unit))
			return true;
	}
	return false;
}

static int check_column(const struct schema *s, const struct column *c)
{
	if (!is_word(c->name, LOWER, 63) || (*c->name >= '0' && *c->name <= '9'))
		return fail(-EBADMSG, "%s: a column's name is not one", s->name);
	if (!is_plain(c->help) || !is_plain(c->label) || !is_unit(c->unit))
		return fail(-EBADMSG, "%s: column '%s' is malformed", s->name, c->name);
	return 0;
}

int ingest_check_schema(const struct schema *s, const char *source)
{
	size_t len = strlen(source), histograms = 0, stacks = 0;

	if (strncmp(s->name, source, len) || s->name[len] != '.' ||
	    !is_word(s->name + len + 1, LOWER, 63))
		return fail(-EBADMSG, "a schema's name does not begin with the script's");
	if (!is_plain(s->summary))
		return fail(-EBADMSG, "%s: its summary is malformed", s->name);
	if (!s->count || s->count > INGEST_COLUMNS_MAX)
		return fail(-E2BIG, "%s: %zu columns (1 to %d)", s->name, s->count,
			    INGEST_COLUMNS_MAX);
	for (size_t i = 0; i < s->count; i++) {
		int err = check_column(s, &s->columns[i]);

		if (err)
			return err;
		histograms += s->columns[i].kind->class == VALUE_HISTOGRAM;
		stacks += s->columns[i].kind->class == VALUE_STACK;
	}
	if ((s->sort == SCHEMA_HISTOGRAM && histograms != 1) ||
	    (s->sort == SCHEMA_STACKS && !stacks))
		return fail(-EBADMSG, "%s: has no column for what it is", s->name);
	return 0;
}

struct search {
	const char *name;
	bool found;
};

static void compare(void *context, const struct schema *s)
{
	struct search *search = context;

	search->found |= !strcasecmp(s->name, search->name);
}

static bool is_on_bus(const struct worker *w, const char *name)
{
	struct search search = { .name = name };

	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		const struct gadget_info *info;

		if (!w->sources[i] || !w->sources[i]->loaded)
			continue;
		info = gadget_info(w->sources[i]->gadget);
		for (size_t k = 0; k < info->schema_count; k++)
			compare(&search, info->schemas[k]);
	}
	ingest_schemas(w->ingest, compare, &search);
	return search.found;
}

static int make_materializer(struct ingest_source *s, struct ingest_schema *one)
{
	const struct config *c = s->in->worker->config;
	struct materialize_options o = { .columns = (const char *const *)c->store_columns,
					 .count = c->store_column_count,
					 .mask_secrets = c->store_mask_secrets };

	return s->in->worker->sink ? materializer_new(one->schema, &o, &one->materializer) : 0;
}

int ingest_adopt(struct ingest_source *s, u32 number, const char *json, size_t len)
{
	_cleanup_(schema_freep) struct schema *schema = NULL;
	struct worker *w = s->in->worker;
	struct ingest_schema *one = &s->schemas[s->count];
	int err;

	if (number != s->count || number >= INGEST_SCHEMAS_MAX)
		return fail(-E2BIG, "schema %u comes behind %u (at most %d)", number, s->count,
			    INGEST_SCHEMAS_MAX);
	err = schema_from_json(json, len, &schema);
	if (!err)
		err = ingest_check_schema(schema, s->name);
	if (!err && is_on_bus(w, schema->name))
		err = fail(-EEXIST, "there is a schema '%s' already", schema->name);
	if (!err)
		err = host_add_columns(w->host, schema);
	if (err)
		return err;
	*one = (struct ingest_schema){ .schema = TAKE_PTR(schema) };
	s->count++;
	err = make_materializer(s, one);
	if (!err && w->serve)
		err = serve_add_schema(w->serve, one->schema);
	return err;
}

int ingest_materialize(struct ingest_source *s)
{
	for (u32 i = 0; i < s->count; i++) {
		int err;

		s->schemas[i].materializer = materializer_free(s->schemas[i].materializer);
		err = make_materializer(s, &s->schemas[i]);
		if (err)
			return err;
	}
	return 0;
}

void ingest_drop_schemas(struct ingest_source *s)
{
	struct worker *w = s->in->worker;

	if (s->count && w->sink)
		sink_drain(w->sink);
	for (u32 i = 0; i < s->count; i++) {
		struct ingest_schema *one = &s->schemas[i];

		if (w->serve)
			serve_remove_schema(w->serve, one->schema);
		summary_forget(w->summary, one->schema);
		materializer_free(one->materializer);
		schema_free(one->schema);
	}
	s->count = 0;
}
