// SPDX-License-Identifier: Apache-2.0
/*
 * SQLite's own attach limit is ten databases, and partitions hold batches, not rows: so every
 * schema is a virtual table over all partitions. A bound on time or time_ns becomes the reader's
 * range, which leaves out partitions and batches; SQLite checks every row again, so a bound need
 * only never be too narrow. A column's value is made when SQLite asks for it, so what a query does
 * not use is never computed.
 */
#include "store/vtable.h"

#include "store/reader.h"
#include "store/time_text.h"

#include <sqlite3.h>

#define LINES_MAX 10

enum { COLUMN_TIME, COLUMN_TIME_NS, COLUMN_FIRST };

struct table {
	sqlite3_vtab base;
	struct vtable_context *context;
	const struct catalog_table *def;
	u16 *words; /* columns that have a hidden NAME_text, in order */
	size_t word_count;
};

struct cursor {
	sqlite3_vtab_cursor base;
	struct table *table;
	struct reader *reader;
	struct record record;
	const struct schema *schema; /* that map[] is for */
	s16 *map; /* the table's column to the schema's; -1: not in this version */
	struct buf scratch, text;
	struct time_text time;
	s64 row;
	bool end;
};

/* ---- the table ------------------------------------------------------------------------------- */

static int disconnect(sqlite3_vtab *base)
{
	struct table *t = (struct table *)base;

	free(t->words);
	free(t);
	return SQLITE_OK;
}

static bool name_exists(const struct catalog_table *def, const char *name)
{
	for (size_t i = 0; i < def->count; i++)
		if (!sqlite3_stricmp(def->columns[i].name, name))
			return true;
	return false;
}

/* Declares the columns and notes which have words. */
static int declare(sqlite3 *db, struct table *t)
{
	const struct catalog_table *def = t->def;
	sqlite3_str *sql = sqlite3_str_new(db);
	char *text;
	int r;

	sqlite3_str_appendall(sql, "CREATE TABLE x(time TEXT COLLATE time, time_ns INTEGER HIDDEN");
	for (size_t i = 0; i < def->count; i++)
		sqlite3_str_appendf(sql, ", \"%w\" %s", def->columns[i].name, def->columns[i].type);
	for (size_t i = 0; i < def->count; i++) {
		char *name = def->columns[i].words
				     ? sqlite3_mprintf("%s_text", def->columns[i].name)
				     : NULL;

		if (name && !name_exists(def, name)) {
			sqlite3_str_appendf(sql, ", \"%w\" TEXT HIDDEN", name);
			t->words[t->word_count++] = (u16)i;
		}
		sqlite3_free(name);
	}
	sqlite3_str_appendall(sql, ")");
	text = sqlite3_str_finish(sql);
	r = text ? sqlite3_declare_vtab(db, text) : SQLITE_NOMEM;
	sqlite3_free(text);
	return r;
}

static int connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
		   char **error)
{
	struct vtable_context *context = aux;
	struct table *t;
	u64 index;
	int r;

	if (argc < 4 || parse_u64(argv[3], &index) || index >= context->catalog->count)
		return SQLITE_ERROR;
	t = calloc(1, sizeof(*t));
	if (!t)
		return SQLITE_NOMEM;
	t->context = context;
	t->def = &context->catalog->tables[index];
	t->words = calloc(t->def->count + 1, sizeof(*t->words));
	r = t->words ? declare(db, t) : SQLITE_NOMEM;
	if (r != SQLITE_OK) {
		disconnect(&t->base);
		return r;
	}
	sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
	*ret = &t->base;
	return SQLITE_OK;
}

/* ---- bounds of time -------------------------------------------------------------------------- */

/* '<' an upper bound, '>' a lower one, '=' both, 0 neither. */
static char bound_of(unsigned char op)
{
	switch (op) {
	case SQLITE_INDEX_CONSTRAINT_GT:
	case SQLITE_INDEX_CONSTRAINT_GE:
		return '>';
	case SQLITE_INDEX_CONSTRAINT_LT:
	case SQLITE_INDEX_CONSTRAINT_LE:
		return '<';
	case SQLITE_INDEX_CONSTRAINT_EQ:
		return '=';
	}
	return 0;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct table *t = (const struct table *)base;
	double rows = (double)t->def->records + 1;
	sqlite3_str *bounds = sqlite3_str_new(NULL);
	int args = 0;

	for (int i = 0; i < info->nConstraint; i++) {
		char bound = bound_of(info->aConstraint[i].op);
		int column = info->aConstraint[i].iColumn;

		if (!info->aConstraint[i].usable || !bound ||
		    (column != COLUMN_TIME && column != COLUMN_TIME_NS))
			continue;
		/* An order of bytes that somebody asked for is not the order of time. */
		if (column == COLUMN_TIME && strcmp(sqlite3_vtab_collation(info, i), "time"))
			continue;
		sqlite3_str_appendf(bounds, "%c%c", column == COLUMN_TIME ? 't' : 'n', bound);
		info->aConstraintUsage[i].argvIndex = ++args;
		rows /= 8;
	}
	info->idxStr = sqlite3_str_finish(bounds);
	info->needToFreeIdxStr = 1;
	info->estimatedRows = (sqlite3_int64)rows;
	info->estimatedCost = rows + 1000;
	return SQLITE_OK;
}

/* A bound in ns; false: it cannot be used (the row check still holds). */
static bool bound_value(char column, sqlite3_value *v, u64 *ret_low, u64 *ret_high)
{
	double d;

	if (column == 't') {
		const char *text = sqlite3_value_type(v) == SQLITE_TEXT
					   ? (const char *)sqlite3_value_text(v)
					   : NULL;

		if (!text || time_text_parse(text, ret_low))
			return false;
		*ret_high = *ret_low;
		return true;
	}
	switch (sqlite3_value_type(v)) {
	case SQLITE_INTEGER:
		*ret_low = *ret_high = (u64)MAX(sqlite3_value_int64(v), 0);
		return true;
	case SQLITE_FLOAT: /* a double holds 53 bits: leave room on both sides */
		d = sqlite3_value_double(v);
		if (!(d >= 0 && d < 9e18))
			return false;
		*ret_low = (u64)d > 2048 ? (u64)d - 2048 : 0;
		*ret_high = (u64)d + 2048;
		return true;
	}
	return false;
}

static void set_range(const char *bounds, int argc, sqlite3_value **argv, struct store_range *range)
{
	range->time_max = UINT64_MAX;
	for (int i = 0; bounds && i < argc; i++) {
		char column = bounds[2 * i], bound = bounds[2 * i + 1];
		u64 low, high;

		if (!bound_value(column, argv[i], &low, &high))
			continue;
		if (bound != '<')
			range->time_min = MAX(range->time_min, low);
		if (bound != '>')
			range->time_max = MIN(range->time_max, MAX(high, 1));
	}
}

/* ---- the cursor ------------------------------------------------------------------------------ */

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct cursor *c = calloc(1, sizeof(*c));

	if (!c)
		return SQLITE_NOMEM;
	c->table = (struct table *)base;
	c->map = calloc(c->table->def->count + 1, sizeof(*c->map));
	if (!c->map) {
		free(c);
		return SQLITE_NOMEM;
	}
	*ret = &c->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	reader_close(c->reader);
	buf_free(&c->scratch);
	buf_free(&c->text);
	free(c->map);
	free(c);
	return SQLITE_OK;
}

static int vtable_error(struct cursor *c, int err)
{
	if (err == -ENOMEM)
		return SQLITE_NOMEM;
	sqlite3_free(c->table->base.zErrMsg);
	c->table->base.zErrMsg = sqlite3_mprintf("%s", error_text());
	return SQLITE_ERROR;
}

static void map_columns(struct cursor *c, const struct schema *schema)
{
	for (size_t i = 0; i < c->table->def->count; i++)
		c->map[i] = (s16)schema_find(schema, c->table->def->columns[i].source);
	c->schema = schema;
}

static int next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	int n = reader_next(c->reader, &c->record);

	if (n < 0)
		return vtable_error(c, n);
	c->row++;
	c->end = !n;
	if (n && c->record.schema != c->schema)
		map_columns(c, c->record.schema);
	return SQLITE_OK;
}

/* A join reads a table many times: its damage is said once, or a few times. */
static void say(void *context, enum log_level level, const char *text)
{
	struct vtable_context *v = context;

	if (v->lines++ < LINES_MAX)
		store_say(&v->log, level, "%s", text);
}

static int filter(sqlite3_vtab_cursor *base, int index UNUSED, const char *bounds, int argc,
		  sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	struct store_range range = { .schema = c->table->def->schema };
	struct store_log log = { .line = say, .context = c->table->context };
	int err;

	set_range(bounds, argc, argv, &range);
	c->reader = reader_close(c->reader);
	c->schema = NULL; /* it was the reader's */
	c->row = 0;
	err = reader_open(c->table->context->directory, &range, &log, &c->reader);
	return err ? vtable_error(c, err) : next(base);
}

static int at_end(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->end;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	*ret = ((struct cursor *)base)->row;
	return SQLITE_OK;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void result_text(sqlite3_context *x, const char *bytes, size_t len)
{
	sqlite3_result_text64(x, bytes ? bytes : "", len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void result_buf(sqlite3_context *x, const struct buf *b)
{
	if (b->error)
		sqlite3_result_error_nomem(x);
	else
		result_text(x, b->data, b->len);
}

static void result_words(sqlite3_context *x, struct cursor *c, const struct value *v)
{
	buf_clear(&c->text);
	buf_add(&c->text, v->text.bytes, v->text.len);
	for (size_t i = 0; i < c->text.len; i++)
		if (!c->text.data[i])
			c->text.data[i] = ' ';
	result_buf(x, &c->text);
}

static void result_value(sqlite3_context *x, struct cursor *c, const struct column *column,
			 const struct value *v)
{
	switch (v->class) {
	case VALUE_NONE:
		break; /* NULL */
	case VALUE_UNSIGNED:
	case VALUE_SIGNED:
	case VALUE_BOOL:
		sqlite3_result_int64(x, v->s);
		break;
	case VALUE_DOUBLE:
		sqlite3_result_double(x, v->d);
		break;
	case VALUE_TEXT:
	case VALUE_STACK:
		result_text(x, v->text.bytes, v->text.len);
		break;
	case VALUE_WORDS:
		result_words(x, c, v);
		break;
	case VALUE_IP:
		buf_clear(&c->text);
		value_format(column, v, &c->text);
		result_buf(x, &c->text);
		break;
	case VALUE_HISTOGRAM:
		buf_clear(&c->text);
		value_json(column, v, &c->text);
		result_buf(x, &c->text);
		break;
	}
}

/* The hidden NAME_text: the number's words. */
static void result_in_words(sqlite3_context *x, struct cursor *c, const struct column *column,
			    const struct value *v)
{
	/* No error has no name: NULL, as in JSON. */
	if (v->class == VALUE_NONE || (v->class == VALUE_SIGNED && column->kind->parse && !v->s))
		return;
	buf_clear(&c->text);
	if (column->is_time && v->class == VALUE_UNSIGNED)
		add_rfc3339(&c->text, v->u);
	else
		value_format(column, v, &c->text);
	result_buf(x, &c->text);
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *x, int index)
{
	struct cursor *c = (struct cursor *)base;
	const struct catalog_table *def = c->table->def;
	const struct column *column;
	struct value v = { 0 };
	size_t i = (size_t)index - COLUMN_FIRST;
	bool words = false;

	if (index == COLUMN_TIME) {
		size_t len;
		const char *text = time_text(&c->time, c->record.wall_ns, &len);

		result_text(x, text, len);
		return SQLITE_OK;
	}
	if (index == COLUMN_TIME_NS) {
		sqlite3_result_int64(x, (s64)c->record.wall_ns);
		return SQLITE_OK;
	}
	if (i >= def->count) {
		i = c->table->words[i - def->count];
		words = true;
	}
	if (c->map[i] < 0)
		return SQLITE_OK; /* NULL: this version has no such column */
	column = &c->record.schema->columns[c->map[i]];
	column_value(column, &c->record, &v, &c->scratch);
	if (words)
		result_in_words(x, c, column, &v);
	else
		result_value(x, c, column, &v);
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.iVersion = 1,
	.xCreate = connect,
	.xConnect = connect,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xDestroy = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = filter,
	.xNext = next,
	.xEof = at_end,
	.xColumn = column,
	.xRowid = row_id,
};

static int collate(void *context UNUSED, int a_len, const void *a, int b_len, const void *b)
{
	return time_text_compare(a, (size_t)a_len, b, (size_t)b_len);
}

int vtable_create_all(sqlite3 *db, struct vtable_context *context)
{
	int r = sqlite3_create_module_v2(db, "saker", &module, context, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_create_collation_v2(db, "time", SQLITE_UTF8, NULL, collate, NULL);
	for (size_t i = 0; i < context->catalog->count && r == SQLITE_OK; i++) {
		char *sql = sqlite3_mprintf("CREATE VIRTUAL TABLE \"%w\" USING saker(%llu)",
					    context->catalog->tables[i].name,
					    (unsigned long long)i);

		r = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
		sqlite3_free(sql);
	}
	return r == SQLITE_OK ? 0
			      : fail(r == SQLITE_NOMEM ? -ENOMEM : -EINVAL, "store: %s",
				     sqlite3_errmsg(db));
}
