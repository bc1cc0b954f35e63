// SPDX-License-Identifier: Apache-2.0
/*
 * Sort and top over the rows of one reading. The values that are compared are computed once per row
 * (a virtual column may cost a look into /proc), not once per comparison; a text that had to be
 * made is moved to an arena of its own, because the next row's would overwrite it.
 */
#include "event/operator.h"

static bool is_number(const struct column *c)
{
	switch (c->kind->class) {
	case VALUE_UNSIGNED:
	case VALUE_SIGNED:
	case VALUE_BOOL:
	case VALUE_DOUBLE:
		return true;
	default:
		return false;
	}
}

static bool is_sortable(const struct column *c)
{
	return c->kind->class != VALUE_HISTOGRAM && c->kind->class != VALUE_STACK;
}

static void add_order(struct rows *rows, const struct column *c, bool descending)
{
	if (rows->order_count < ORDER_COLUMNS && is_sortable(c))
		rows->order[rows->order_count++] = (struct order){ c, descending };
}

/* "-name", "name:desc", "name:asc" or the bare name: numbers descend, the rest ascends. */
static int parse_sort(const struct schema *schema, const char *sort, struct order *ret)
{
	const char *name = sort + (*sort == '-'), *colon = strchr(name, ':');
	_cleanup_free_ char *copy = strndup(name, colon ? (size_t)(colon - name) : strlen(name));
	const struct column *c;
	bool descending;
	int i;

	if (!copy)
		return fail(-ENOMEM, "out of memory");
	i = schema_require(schema, copy);
	if (i < 0)
		return i;
	c = &schema->columns[i];
	if (!is_sortable(c))
		return fail(-EINVAL, "rows cannot be sorted by '%s'", c->name);
	if (!colon)
		descending = *sort == '-' || is_number(c);
	else if (!strcmp(colon, ":desc"))
		descending = true;
	else if (!strcmp(colon, ":asc"))
		descending = false;
	else
		return fail(-EINVAL, "the order '%s' is not known: asc, desc", colon + 1);
	*ret = (struct order){ c, descending };
	return 0;
}

/*
 * What a schema is sorted by when nobody says: its own column, else the most frequent stack; -1:
 * nothing.
 */
static int default_column(const struct schema *s)
{
	int i = s->sort_column ? schema_find(s, s->sort_column) : -1;

	if (i >= 0 || s->sort != SCHEMA_STACKS)
		return i;
	for (size_t k = 0; k < s->stored; k++) {
		const struct column *c = &s->columns[k];

		if (!c->is_key && !c->is_time && is_number(c))
			return (int)k;
	}
	return -1;
}

int rows_set_order(struct rows *rows, const struct schema *schema, const char *sort)
{
	int own = sort ? -1 : default_column(schema);
	struct order first = { NULL, true };

	if (sort) {
		int err = parse_sort(schema, sort, &first);

		if (err)
			return err;
	} else if (own >= 0) {
		first.column = &schema->columns[own];
	}
	rows->schema = schema;
	rows->order_count = 0;
	if (sort || own >= 0)
		add_order(rows, first.column, first.descending);
	for (size_t i = 0; i < schema->stored; i++) {
		const struct column *c = &schema->columns[i];

		if (c != first.column && c->is_key)
			add_order(rows, c, false);
	}
	return 0;
}

/* Every record begins at a multiple of 8: a histogram is read in place. */
static int add_aligned(struct buf *b, const void *bytes, size_t size, size_t *ret_offset)
{
	size_t pad = -b->len % 8;

	if (!buf_room(b, pad + size)) {
		b->error = 0;
		return fail(-ENOMEM, "out of memory for the rows of a table");
	}
	buf_add_fill(b, 0, pad);
	*ret_offset = b->len;
	buf_add(b, bytes, size);
	return 0;
}

int rows_add(struct rows *rows, const struct record *r)
{
	struct row row = { .size = r->size, .wall_ns = r->wall_ns, .stacks = r->stacks };
	int err = grow(&rows->rows, &rows->capacity, rows->count + 1, sizeof(*rows->rows));

	if (!err)
		err = add_aligned(&rows->bytes, r->data, r->size, &row.offset);
	if (err)
		return err;
	rows->rows[rows->count++] = row;
	return 0;
}

void rows_record(const struct rows *rows, size_t i, struct record *ret)
{
	const struct row *row = &rows->rows[i];

	*ret = (struct record){
		.schema = rows->schema,
		.data = (const u8 *)rows->bytes.data + row->offset,
		.size = row->size,
		.wall_ns = row->wall_ns,
		.stacks = row->stacks,
	};
}

static bool is_text(const struct value *v)
{
	return v->class == VALUE_TEXT || v->class == VALUE_WORDS;
}

/* Is this memory the scratch buffer's, which the next value overwrites? */
static bool is_made(const struct buf *scratch, const void *p)
{
	return scratch->data && (const char *)p >= scratch->data &&
	       (const char *)p < scratch->data + scratch->cap;
}

/* Keeps made bytes; by offset, since the arena may move while it grows. */
static void keep_bytes(struct rows *rows, struct sort_key *key)
{
	const struct value *v = &key->value;
	const void *bytes = is_text(v)		   ? (const void *)v->text.bytes
			    : v->class == VALUE_IP ? v->ip
						   : NULL;

	key->made = bytes && is_made(&rows->scratch, bytes);
	key->offset = rows->texts.len;
	if (key->made)
		buf_add(&rows->texts, bytes, is_text(v) ? v->text.len : 16);
}

/* The arena no longer moves. */
static void place_bytes(struct rows *rows, struct sort_key *key)
{
	if (!key->made)
		return;
	if (is_text(&key->value))
		key->value.text.bytes = rows->texts.data + key->offset;
	else
		key->value.ip = (const u8 *)rows->texts.data + key->offset;
}

static int compute_keys(struct rows *rows)
{
	size_t count = rows->count * rows->order_count;
	int err = grow(&rows->keys, &rows->key_capacity, count, sizeof(*rows->keys));
	struct sort_key *key = rows->keys;

	if (err)
		return err;
	buf_clear(&rows->texts);
	for (size_t i = 0; i < rows->count; i++) {
		struct record r;

		rows_record(rows, i, &r);
		rows->rows[i].key = (u32)(key - rows->keys);
		for (size_t k = 0; k < rows->order_count; k++, key++) {
			column_value(rows->order[k].column, &r, &key->value, &rows->scratch);
			keep_bytes(rows, key);
		}
	}
	if (rows->texts.error || rows->scratch.error) {
		rows->texts.error = rows->scratch.error = 0;
		return fail(-ENOMEM, "out of memory for sorting");
	}
	for (size_t i = 0; i < count; i++)
		place_bytes(rows, &rows->keys[i]);
	return 0;
}

static int compare_rows(const void *pa, const void *pb, void *context)
{
	const struct row *a = pa, *b = pb;
	const struct rows *rows = context;

	for (size_t k = 0; k < rows->order_count; k++) {
		int d = value_compare(&rows->keys[a->key + k].value, &rows->keys[b->key + k].value);

		if (d)
			return rows->order[k].descending ? -d : d;
	}
	return a->offset < b->offset ? -1 : a->offset > b->offset; /* as they came */
}

int rows_sort(struct rows *rows, size_t top)
{
	if (rows->order_count && rows->count > 1) {
		int err = compute_keys(rows);

		if (err)
			return err;
		qsort_r(rows->rows, rows->count, sizeof(*rows->rows), compare_rows, rows);
	}
	if (top && rows->count > top) {
		rows->left_out += rows->count - top;
		rows->count = top;
	}
	return 0;
}

int rows_compact(struct rows *rows)
{
	struct buf kept = rows->spare;

	buf_clear(&kept);
	for (size_t i = 0; i < rows->count; i++) {
		struct row *row = &rows->rows[i];
		size_t offset = 0;
		int err = add_aligned(&kept, rows->bytes.data + row->offset, row->size, &offset);

		if (err) {
			/* Some offsets point into the copy by now: the rows cannot be read. */
			rows->spare = kept;
			rows_clear(rows);
			return err;
		}
		row->offset = offset;
	}
	rows->spare = rows->bytes;
	rows->bytes = kept;
	return 0;
}

void rows_clear(struct rows *rows)
{
	rows->count = 0;
	rows->left_out = 0;
	buf_clear(&rows->bytes);
}

void rows_free(struct rows *rows)
{
	free(rows->rows);
	free(rows->keys);
	buf_free(&rows->bytes);
	buf_free(&rows->spare);
	buf_free(&rows->texts);
	buf_free(&rows->scratch);
	*rows = (struct rows){};
}
