// SPDX-License-Identifier: Apache-2.0
/*
 * Schemas as data: made column by column (by the reader of BTF, by the store, by tests), sealed
 * with a hash, written as JSON and read back. Strings live in an arena, a list of blocks that goes
 * with the schema.
 */
#include "event/schema.h"

#include <ctype.h>
#include <jansson.h>
#include <strings.h>

#define COLUMNS_MAX 512
#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-. "
#define RECORD_MAX 65535 /* offsets of tail columns have 16 bits */

struct arena_block {
	struct arena_block *next;
	char text[];
};

char *schema_strdup(struct schema *s, const char *text)
{
	size_t size = strlen(text) + 1;
	struct arena_block *block = malloc(sizeof(*block) + size);

	if (!block) {
		fail(-ENOMEM, "out of memory");
		return NULL;
	}
	memcpy(block->text, text, size);
	block->next = s->arena;
	s->arena = block;
	return block->text;
}

struct schema *schema_new(const char *name, const char *summary, enum schema_sort sort)
{
	struct schema *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->sort = sort;
	s->version = 1;
	s->name = schema_strdup(s, name);
	s->summary = schema_strdup(s, summary);
	return s->name && s->summary ? s : schema_free(s);
}

struct schema *schema_free(struct schema *s)
{
	struct arena_block *block, *next;

	if (!s)
		return NULL;
	for (block = s->arena; block; block = next) {
		next = block->next;
		free(block);
	}
	for (size_t i = 0; i < s->count; i++)
		free((void *)s->columns[i].names);
	free(s->columns);
	free(s);
	return NULL;
}

void schema_freep(struct schema **s)
{
	*s = schema_free(*s);
}

static char *heading(struct schema *s, const char *name)
{
	char *label = schema_strdup(s, name);

	for (char *p = label; p && *p; p++)
		*p = *p == '_' ? '-' : (char)toupper((unsigned char)*p);
	return label;
}

static int column_append(struct schema *s, const char *name, const char *help,
			 const struct kind *kind)
{
	struct column *c;
	char *own_name, *own_help, *label;
	int err;

	if (s->count >= COLUMNS_MAX)
		return fail(-E2BIG, "%s: more than %d columns", s->name, COLUMNS_MAX);
	if (schema_find(s, name) >= 0)
		return fail(-EEXIST, "%s: two columns are called '%s'", s->name, name);
	own_name = schema_strdup(s, name);
	own_help = schema_strdup(s, help);
	label = heading(s, name);
	if (!own_name || !own_help || !label)
		return -ENOMEM;
	err = grow(&s->columns, &s->capacity, s->count + 1, sizeof(*s->columns));
	if (err)
		return err;
	c = &s->columns[s->count];
	*c = (struct column){
		.name = own_name,
		.label = label,
		.help = own_help,
		.kind = kind,
		.unit = kind->unit,
		.width = kind->width,
		.left = kind->left,
	};
	return (int)s->count++;
}

int schema_add(struct schema *s, const char *name, const char *help, const struct kind *kind,
	       u32 offset, u32 size, bool is_signed)
{
	bool number = kind->class == VALUE_UNSIGNED || kind->class == VALUE_SIGNED ||
		      kind->class == VALUE_BOOL;
	int i;

	if (size > RECORD_MAX || offset > RECORD_MAX - size)
		return fail(-E2BIG, "%s: column '%s' ends beyond %d bytes", s->name, name,
			    RECORD_MAX);
	if ((number && size != 1 && size != 2 && size != 4 && size != 8) || !size ||
	    (kind->class == VALUE_IP && size != 16) || (kind->class == VALUE_DOUBLE && size != 8) ||
	    (kind->class == VALUE_HISTOGRAM && (size % 8 || offset % 8)))
		return fail(-EINVAL, "%s: column '%s' cannot have %u bytes as %s", s->name, name,
			    size, kind->name);
	i = column_append(s, name, help, kind);
	if (i < 0)
		return i;
	s->columns[i].offset = offset;
	s->columns[i].size = size;
	s->columns[i].is_signed = is_signed;
	s->columns[i].is_time = !strcmp(kind->name, "time_ns");
	return i;
}

int schema_add_virtual(struct schema *s, const char *name, const char *help,
		       const struct kind *kind, int from, column_compute_fn compute, void *context)
{
	uintptr_t old = (uintptr_t)s->columns;
	int i = column_append(s, name, help, kind);

	if (i < 0)
		return i;
	/* The array may have moved: pointers between columns move with it. */
	for (size_t k = 0; k + 1 < s->count; k++) {
		const char *moved =
			(const char *)s->columns + ((uintptr_t)s->columns[k].from - old);

		if (s->columns[k].from)
			s->columns[k].from = (const struct column *)(const void *)moved;
	}
	s->columns[i].from = from >= 0 ? &s->columns[from] : NULL;
	s->columns[i].compute = compute;
	s->columns[i].compute_context = context;
	s->columns[i].hidden = true;
	return i;
}

static u64 hash_bytes(u64 h, const void *bytes, size_t len)
{
	const u8 *p = bytes;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL; /* FNV-1a, 64 bits */
	return h;
}

void schema_seal(struct schema *s, u32 fixed_size)
{
	u64 h = 0xcbf29ce484222325ULL;

	s->stored = s->count;
	s->fixed_size = fixed_size;
	h = hash_bytes(h, s->name, strlen(s->name) + 1);
	h = hash_bytes(h, &fixed_size, sizeof(fixed_size));
	for (size_t i = 0; i < s->count; i++) {
		const struct column *c = &s->columns[i];

		h = hash_bytes(h, c->name, strlen(c->name) + 1);
		h = hash_bytes(h, c->kind->name, strlen(c->kind->name) + 1);
		h = hash_bytes(h, &c->offset, sizeof(c->offset));
		h = hash_bytes(h, &c->size, sizeof(c->size));
		h = hash_bytes(h, &c->in_tail, sizeof(c->in_tail));
	}
	s->hash = h;
}

int schema_find(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++) {
		if (!strcasecmp(s->columns[i].name, name))
			return (int)i;
	}
	return -1;
}

int schema_require(const struct schema *s, const char *name)
{
	const char *names[COLUMNS_MAX], *near;
	int i = schema_find(s, name);

	if (i >= 0)
		return i;
	for (size_t k = 0; k < s->count; k++)
		names[k] = s->columns[k].name;
	near = suggest(name, names, s->count);
	if (near)
		return fail(-ENOENT, "no column '%s' in %s (did you mean '%s'?)", name, s->name,
			    near);
	return fail(-ENOENT, "no column '%s' in %s (see: saker list columns %s)", name, s->name,
		    s->name);
}

/*
 * ---- definitions as JSON ----------------------------------------------------------------------
 */

static const char *const sort_names[] = {
	[SCHEMA_EVENTS] = "events",
	[SCHEMA_TABLE] = "table",
	[SCHEMA_HISTOGRAM] = "histogram",
	[SCHEMA_STACKS] = "stacks",
};

static void json_text(struct buf *b, const char *key, const char *text)
{
	buf_printf(b, "\"%s\":", key);
	text_add_json(b, text, strlen(text));
	buf_add_char(b, ',');
}

static void column_to_json(const struct column *c, struct buf *b)
{
	static const char *const words[] = { "signed", "tail", "flags", "hidden",
					     "wide",   "left", "key",	"virtual" };
	bool set[] = { c->is_signed, c->in_tail, c->bit_flags, c->hidden,
		       c->wide,	     c->left,	 c->is_key,    c->compute };

	buf_add_char(b, '{');
	json_text(b, "name", c->name);
	json_text(b, "label", c->label);
	json_text(b, "help", c->help);
	json_text(b, "kind", c->kind->name);
	json_text(b, "unit", c->unit);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (set[i])
			buf_printf(b, "\"%s\":true,", words[i]);
	}
	if (c->name_count) {
		buf_add_str(b, "\"names\":{");
		for (size_t i = 0; i < c->name_count; i++) {
			if (i)
				buf_add_char(b, ',');
			text_add_json(b, c->names[i].name, strlen(c->names[i].name));
			buf_printf(b, ":%lld", (long long)c->names[i].number);
		}
		buf_add_str(b, "},");
	}
	buf_printf(b, "\"step\":%llu,\"width\":%d,\"offset\":%u,\"size\":%u}",
		   (unsigned long long)c->slot_step, c->width, c->offset, c->size);
}

void schema_to_json(const struct schema *s, struct buf *b)
{
	buf_add_char(b, '{');
	json_text(b, "name", s->name);
	json_text(b, "summary", s->summary);
	json_text(b, "sort", sort_names[s->sort]);
	buf_printf(b, "\"version\":%u,\"hash\":\"%016llx\",\"fixed_size\":%u,\"columns\":[",
		   s->version, (unsigned long long)s->hash, s->fixed_size);
	for (size_t i = 0; i < s->count; i++) {
		if (i)
			buf_add_char(b, ',');
		column_to_json(&s->columns[i], b);
	}
	buf_add_str(b, "]}");
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static bool is_set(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static int names_from_json(struct schema *s, struct column *c, json_t *names)
{
	struct name_of_number *list;
	size_t n = json_object_size(names), i = 0;
	const char *key;
	json_t *number;

	if (!n)
		return 0;
	list = calloc(n, sizeof(*list));
	if (!list)
		return fail(-ENOMEM, "out of memory");
	c->names = list;
	c->name_count = n;
	json_object_foreach(names, key, number) {
		/*
		 * Writers print names as they are: a definition from a disk may not bring anything
		 * but words.
		 */
		if (strspn(key, NAME_LETTERS) != strlen(key))
			return fail(-EBADMSG, "%s: a name of column '%s' is malformed", s->name,
				    c->name);
		list[i].name = schema_strdup(s, key);
		if (!list[i].name)
			return -ENOMEM;
		list[i++].number = json_integer_value(number);
	}
	return 0;
}

static int column_from_json(struct schema *s, const json_t *o)
{
	const struct kind *kind = kind_find(text_of(o, "kind"));
	json_int_t offset = json_integer_value(json_object_get(o, "offset"));
	json_int_t size = json_integer_value(json_object_get(o, "size"));
	json_int_t step = json_integer_value(json_object_get(o, "step"));
	struct column *c;
	int i;

	if (is_set(o, "virtual"))
		return 0;
	if (!kind || !*text_of(o, "name") || offset < 0 || offset > RECORD_MAX || size < 0 ||
	    size > RECORD_MAX)
		return fail(-EBADMSG, "%s: a column of the definition is malformed", s->name);
	i = schema_add(s, text_of(o, "name"), text_of(o, "help"), kind, (u32)offset, (u32)size,
		       is_set(o, "signed"));
	if (i < 0)
		return i;
	c = &s->columns[i];
	c->label = schema_strdup(s, text_of(o, "label"));
	c->unit = schema_strdup(s, text_of(o, "unit"));
	if (!c->label || !c->unit)
		return -ENOMEM;
	c->in_tail = is_set(o, "tail");
	c->bit_flags = is_set(o, "flags");
	c->hidden = is_set(o, "hidden");
	c->wide = is_set(o, "wide");
	c->left = is_set(o, "left");
	c->is_key = is_set(o, "key");
	c->slot_step = step > 0 ? (u64)step : 0;
	c->width = (int)json_integer_value(json_object_get(o, "width")) & 0xfff;
	if (c->in_tail && c->size != 4)
		return fail(-EBADMSG, "%s: column '%s' is malformed", s->name, c->name);
	return names_from_json(s, c, json_object_get(o, "names"));
}

int schema_from_json(const char *json, size_t len, struct schema **ret)
{
	json_auto_t *o = json_loadb(json, len, 0, NULL);
	_cleanup_(schema_freep) struct schema *s = NULL;
	json_int_t fixed = json_integer_value(json_object_get(o, "fixed_size"));
	const char *sort = text_of(o, "sort");
	size_t index, which = 0;
	json_t *column;
	int err;

	while (which < ARRAY_SIZE(sort_names) && strcmp(sort_names[which], sort))
		which++;
	if (!o || which == ARRAY_SIZE(sort_names) || !*text_of(o, "name") ||
	    fixed < (json_int_t)sizeof(struct record_header) || fixed > RECORD_MAX)
		return fail(-EBADMSG, "a schema's definition is malformed");
	s = schema_new(text_of(o, "name"), text_of(o, "summary"), (enum schema_sort)which);
	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->version = (u32)json_integer_value(json_object_get(o, "version"));
	json_array_foreach(json_object_get(o, "columns"), index, column) {
		err = column_from_json(s, column);
		if (err)
			return err;
	}
	for (size_t i = 0; i < s->count; i++) {
		if (s->columns[i].offset + s->columns[i].size > (u32)fixed)
			return fail(-EBADMSG, "%s: column '%s' lies outside the record", s->name,
				    s->columns[i].name);
	}
	schema_seal(s, (u32)fixed);
	*ret = TAKE_PTR(s);
	return 0;
}
