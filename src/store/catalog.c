// SPDX-License-Identifier: Apache-2.0
/*
 * The catalog is made anew for each query, from the few rows that each partition has about its
 * schemas. A definition is parsed once, however many partitions hold it.
 */
#include "store/catalog.h"

#include "store/partition.h"
#include "store/reader.h"

#include <ctype.h>
#include <strings.h>

#define TABLES_MAX 2048
#define COLUMNS_MAX 900 /* of a table; with the hidden ones below SQLite's 2000 */

static void table_free(struct catalog_table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->columns[i].name);
		free(t->columns[i].source);
		free(t->columns[i].kind);
		free(t->columns[i].unit);
		free(t->columns[i].help);
	}
	for (size_t i = 0; i < t->definition_count; i++)
		free(t->definitions[i]);
	free(t->definitions);
	free(t->columns);
	free(t->name);
	free(t->schema);
}

void catalog_free(struct catalog *c)
{
	for (size_t i = 0; i < c->count; i++)
		table_free(&c->tables[i]);
	free(c->tables);
	memset(c, 0, sizeof(*c));
}

/* ---- columns --------------------------------------------------------------------------------- */

static const char *type_of(const struct column *c)
{
	switch (c->kind->class) {
	case VALUE_UNSIGNED:
	case VALUE_SIGNED:
	case VALUE_BOOL:
		return "INTEGER";
	case VALUE_DOUBLE:
		return "REAL";
	default:
		return "TEXT";
	}
}

/* A number that people know by words. */
static bool has_words(const struct column *c)
{
	return !strcmp(type_of(c), "INTEGER") && (c->name_count || c->kind->format);
}

static bool is_taken(const struct catalog_table *t, const char *name)
{
	if (!strcasecmp(name, "time") || !strcasecmp(name, "time_ns"))
		return true;
	for (size_t i = 0; i < t->count; i++)
		if (!strcasecmp(t->columns[i].name, name))
			return true;
	return false;
}

static int add_column(struct catalog_table *t, const struct column *c)
{
	_cleanup_buf_ struct buf name = { 0 };
	struct catalog_column *new;

	for (size_t i = 0; i < t->count; i++) {
		struct catalog_column *old = &t->columns[i];

		if (strcasecmp(old->source, c->name))
			continue;
		if (strcmp(old->type, type_of(c)))
			old->type = "";
		old->words |= has_words(c);
		return 0;
	}
	if (t->count >= COLUMNS_MAX)
		return 0;
	if (grow(&t->columns, &t->capacity, t->count + 1, sizeof(*t->columns)))
		return -ENOMEM;
	buf_add_str(&name, c->name);
	while (!name.error && is_taken(t, name.data))
		buf_add_char(&name, '_');
	new = &t->columns[t->count++];
	*new = (struct catalog_column){
		.name = TAKE_PTR(name.data),
		.source = strdup(c->name),
		.kind = strdup(c->kind->name),
		.unit = strdup(c->unit),
		.help = strdup(c->help),
		.type = type_of(c),
		.words = has_words(c),
	};
	return new->name &&new->source &&new->kind &&new->unit &&new->help ? 0 : -ENOMEM;
}

static int merge(struct catalog_table *t, const struct partition_schema *s)
{
	_cleanup_(schema_freep) struct schema *schema = NULL;
	int err;

	for (size_t i = 0; i < t->definition_count; i++)
		if (!strcmp(t->definitions[i], s->definition))
			return 0;
	if (grow(&t->definitions, &t->definition_capacity, t->definition_count + 1, sizeof(char *)))
		return -ENOMEM;
	t->definitions[t->definition_count] = strdup(s->definition);
	if (!t->definitions[t->definition_count])
		return -ENOMEM;
	t->definition_count++;
	err = schema_from_json(s->definition, s->definition_size, &schema);
	if (err)
		return err == -ENOMEM ? err
				      : 0; /* the scan says so, when somebody asks for the table */
	for (size_t i = 0; i < schema->count; i++) {
		/* Every record's time is there already. */
		if (!strcasecmp(schema->columns[i].name, "time") && schema->columns[i].is_time)
			continue;
		err = add_column(t, &schema->columns[i]);
		if (err)
			return err;
	}
	return 0;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static bool is_table(const struct catalog *c, const char *name)
{
	if (!strcasecmp(name, "schemas") || !strcasecmp(name, "columns") ||
	    !strncasecmp(name, "sqlite_", 7))
		return true;
	for (size_t i = 0; i < c->count; i++)
		if (c->tables[i].name && !strcasecmp(c->tables[i].name, name))
			return true;
	return false;
}

/* A name that needs no quotes in SQL. */
static char *table_name(const struct catalog *c, const char *schema)
{
	_cleanup_buf_ struct buf name = { 0 };

	if (isdigit((unsigned char)*schema) || !strncasecmp(schema, "sqlite_", 7))
		buf_add_char(&name, '_');
	for (; *schema; schema++)
		buf_add_char(&name, isalnum((unsigned char)*schema) ? *schema : '_');
	while (!name.error && is_table(c, buf_str(&name)))
		buf_add_char(&name, '_');
	return name.error ? NULL : TAKE_PTR(name.data);
}

static struct catalog_table *table_of(struct catalog *c, const char *schema)
{
	struct catalog_table *t;

	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->tables[i].schema, schema))
			return &c->tables[i];
	if (grow(&c->tables, &c->capacity, c->count + 1, sizeof(*c->tables)))
		return NULL;
	t = &c->tables[c->count];
	t->name = table_name(c, schema);
	t->schema = strdup(schema);
	c->count++;
	return t->name && t->schema ? t : NULL;
}

static int add_schema(void *context, const struct partition_schema *s)
{
	struct catalog *c = context;
	struct catalog_table *t;

	if (c->count >= TABLES_MAX)
		return 0;
	t = table_of(c, s->name);
	if (!t)
		return -ENOMEM;
	t->version = MAX(t->version, s->version);
	if (s->records) {
		t->first_ns = t->records ? MIN(t->first_ns, s->first_ns) : s->first_ns;
		t->last_ns = MAX(t->last_ns, s->last_ns);
		t->records += s->records;
	}
	return merge(t, s);
}

static int compare_tables(const void *a, const void *b)
{
	return strcmp(((const struct catalog_table *)a)->name,
		      ((const struct catalog_table *)b)->name);
}

int catalog_load(const char *directory, const struct store_log *log, struct catalog *ret)
{
	_cleanup_(partition_list_free) struct partition_list l = { 0 };
	_cleanup_(catalog_free) struct catalog c = { 0 };
	int err = directory_list(directory, &l);

	if (err)
		return err;
	for (size_t i = 0; i < l.count; i++) {
		_cleanup_(partition_closep) struct partition *p = NULL;
		_cleanup_free_ char *path = NULL;

		if (l.files[i].aside)
			continue;
		path = store_path(directory, l.files[i].name);
		err = path ? partition_open_read(path, &p) : -ENOMEM;
		if (!err)
			err = partition_schemas(p, add_schema, &c);
		if (err == -ENOMEM)
			return fail(err, "store: out of memory");
		if (err && err != -ENOENT)
			store_say(log, LOG_LEVEL_WARNING, "store: %s: this partition is left out",
				  error_text());
	}
	if (c.count)
		qsort(c.tables, c.count, sizeof(*c.tables), compare_tables);
	*ret = c;
	memset(&c, 0, sizeof(c));
	return 0;
}
