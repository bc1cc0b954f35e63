// SPDX-License-Identifier: Apache-2.0
/*
 * Which schemas a script has, and their columns (those of maps: export_schema_map.c). Names come
 * from the script's own words: emit()'s columns, what stands in a printf's arguments and in a map's
 * brackets. A column's kind comes from its type, and from its name where both fit: an unsigned
 * `pid` is a process, `x_ns` a duration.
 */
#include "lang/run/export_internal.h"

#include <ctype.h>

#define NAME_MAX_BYTES 48

/* ---- names ----------------------------------------------------------------------------------- */

/* Lower case, what SQL takes without quotes. */
static void clean_name(const char *name, char ret[NAME_MAX_BYTES])
{
	size_t n = 0;

	if (!isalpha((unsigned char)*name) && *name != '_')
		ret[n++] = '_';
	for (; *name && n < NAME_MAX_BYTES - 4; name++)
		ret[n++] = isalnum((unsigned char)*name) ? (char)tolower((unsigned char)*name)
							 : '_';
	ret[n] = '\0';
}

/* The same with _2, _3 ... when the schema has it. */
static void free_name(const struct schema *s, const char *name, char ret[NAME_MAX_BYTES])
{
	size_t len;

	clean_name(name, ret);
	len = strlen(ret);
	for (unsigned i = 2; schema_find(s, ret) >= 0 && i < 100; i++)
		snprintf(ret + len, NAME_MAX_BYTES - len, "_%u", i);
}

const char *export_word_of(const struct node *n)
{
	const char *inner;

	if (!n)
		return NULL;
	switch (n->kind) {
	case NODE_IDENTIFIER:
		return n->identifier.name;
	case NODE_VARIABLE:
		return n->variable.name + 1;
	case NODE_FIELD:
		return n->field.name;
	case NODE_MAP:
		return n->map.name[1] ? n->map.name + 1 : NULL;
	case NODE_CAST:
		return export_word_of(n->cast.e);
	case NODE_INDEX:
		return export_word_of(n->index.e);
	case NODE_UNARY:
		return export_word_of(n->unary.e);
	case NODE_CALL:
		inner = export_word_of(n->call.arguments);
		return inner ? inner : n->call.name;
	default:
		return NULL;
	}
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static const struct kind *number_kind(const struct type *t, const char *name, u32 *ret_mask)
{
	/* Of 32 bits, also where the kernel has it as a signed number. */
	static const char *const ids[][2] = {
		{ "pid", "pid" },	{ "ppid", "pid" },   { "tgid", "pid" },
		{ "tid", "tid" },	{ "uid", "uid" },    { "gid", "gid" },
		{ "signal", "signal" }, { "sig", "signal" }, { "cpu", "cpu" },
	};
	static const char *const named[][2] = {
		{ "cgroup", "cgroup" }, { "port", "port" },	  { "sport", "port" },
		{ "dport", "port" },	{ "lport", "port" },	  { "rport", "port" },
		{ "bytes", "bytes" },	{ "syscall", "syscall" },
	};
	static const struct {
		const char *suffix, *kind;
	} suffixes[] = { { "_ns", "duration_ns" },
			 { "_us", "duration_us" },
			 { "_bytes", "bytes" } };

	*ret_mask = 0;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (strcmp(ids[i][0], name) || (t->is_signed && t->size != 4))
			continue;
		*ret_mask = t->is_signed ? UINT32_MAX : 0;
		return kind_find(ids[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(named) && !t->is_signed; i++) {
		if (!strcmp(named[i][0], name))
			return kind_find(named[i][1]);
	}
	if (t->is_signed && (!strcmp(name, "errno") || !strcmp(name, "error")))
		return kind_find("errno");
	if (t->is_signed && (!strcmp(name, "ret") || !strcmp(name, "retval")))
		return kind_find("return");
	for (size_t i = 0; i < ARRAY_SIZE(suffixes) && !t->is_signed; i++) {
		if (str_ends(name, suffixes[i].suffix))
			return kind_find(suffixes[i].kind);
	}
	return kind_find(t->is_signed ? "signed" : "unsigned");
}

static const struct kind *text_kind(const struct type *t, const char *name)
{
	if (t->kind == TYPE_STRING && !strcmp(name, "comm"))
		return kind_find("comm");
	if (t->kind == TYPE_STRING &&
	    (str_ends(name, "path") || str_ends(name, "file") || str_ends(name, "filename")))
		return kind_find("path");
	return kind_find("text");
}

static const struct kind *kind_of(const struct type *t, const char *name, struct export_column *c)
{
	switch (t->kind) {
	case TYPE_INTEGER:
		c->form = FORM_NUMBER;
		return number_kind(t, name, &c->mask);
	case TYPE_BOOL:
		c->form = FORM_NUMBER;
		return kind_find("bool");
	case TYPE_POINTER:
		c->form = FORM_NUMBER;
		return kind_find("hex");
	case TYPE_MIN:
	case TYPE_MAX:
		c->form = FORM_NUMBER;
		return kind_find(t->aggregation.is_signed ? "signed" : "unsigned");
	case TYPE_INET:
		c->form = FORM_IP;
		return kind_find("ip");
	case TYPE_KSTACK:
	case TYPE_USTACK:
		c->form = FORM_STACK;
		return kind_find(t->kind == TYPE_KSTACK ? "kernel_stack" : "user_stack");
	default:
		c->form = FORM_TEXT;
		return text_kind(t, name);
	}
}

const char *export_unit_of(const char *name)
{
	static const struct {
		const char *word, *unit;
	} words[] = {
		{ "ns", "ns" }, { "nsecs", "ns" }, { "us", "us" },	 { "usecs", "us" },
		{ "ms", "ms" }, { "msecs", "ms" }, { "bytes", "bytes" }, { "size", "bytes" },
	};
	const char *last = strrchr(name, '_');

	last = last ? last + 1 : name;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(words[i].word, last))
			return words[i].unit;
	}
	return "";
}

/* ---- columns --------------------------------------------------------------------------------- */

int export_add_column(struct export_schema *s, const char *name, const char *help,
		      const struct kind *kind, u32 size, u32 *ret_offset)
{
	char own[NAME_MAX_BYTES];
	u32 offset = s->schema->fixed_size;
	int i;

	free_name(s->schema, name, own);
	i = schema_add(s->schema, own, help, kind, offset, size == 4 ? 4 : size,
		       kind->class == VALUE_SIGNED);
	if (i < 0)
		return i;
	s->schema->columns[i].in_tail = size == 4;
	s->schema->fixed_size += (size + 7) / 8 * 8;
	*ret_offset = offset;
	return i;
}

int export_add_value(struct export_schema *s, const char *name, const char *help,
		     const struct type *t, u32 source, bool is_key)
{
	struct export_column *c = &s->columns[s->count];
	static const u32 sizes[] = {
		[FORM_NUMBER] = 8, [FORM_IP] = 16, [FORM_TEXT] = 4, [FORM_STACK] = 4
	};
	char own[NAME_MAX_BYTES];
	const struct kind *kind;
	int i;

	if (s->count == EXPORT_COLUMNS_MAX)
		return fail(-E2BIG, "%s: more than %d columns", s->schema->name,
			    EXPORT_COLUMNS_MAX);
	clean_name(name, own);
	*c = (struct export_column){ .type = t, .source = source };
	kind = kind_of(t, own, c);
	i = export_add_column(s, own, help, kind, sizes[c->form], &c->offset);
	if (i < 0)
		return i;
	s->schema->columns[i].is_key = is_key;
	s->count++;
	return i;
}

static int add_time(struct schema *s)
{
	int i = schema_add(s, "time", "when it happened", kind_find("time_ns"),
			   offsetof(struct record_header, time), 8, false);

	if (i >= 0)
		s->columns[i].hidden = true;
	return i;
}

/* ---- schemas --------------------------------------------------------------------------------- */

static bool is_taken(const struct export *e, const char *name)
{
	for (size_t i = 0; i < e->count; i++) {
		if (!strcmp(e->schemas[i]->schema->name, name))
			return true;
	}
	return false;
}

int export_new_schema(struct export *e, const char *part, const char *what, enum schema_sort sort,
		      struct export_schema **ret)
{
	char own[NAME_MAX_BYTES], name[160], summary[160];
	struct export_schema *s;

	if (e->count >= EXPORT_SCHEMAS_MAX)
		return fail(-E2BIG, "%s: more than %d maps, printf() and emit() to export", e->name,
			    EXPORT_SCHEMAS_MAX);
	clean_name(part, own);
	snprintf(name, sizeof(name), "%s.%s", e->name, own);
	for (unsigned i = 2; is_taken(e, name); i++)
		snprintf(name, sizeof(name), "%s.%s_%u", e->name, own, i);
	snprintf(summary, sizeof(summary), "%s of the script %s", what, e->name);
	if (grow(&e->schemas, &e->capacity, e->count + 1, sizeof(*e->schemas)))
		return -ENOMEM;
	s = calloc(1, sizeof(*s));
	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->schema = schema_new(name, summary, sort);
	if (!s->schema) {
		free(s);
		return fail(-ENOMEM, "out of memory");
	}
	s->schema->fixed_size = sizeof(struct record_header);
	e->schemas[e->count++] = s;
	*ret = s;
	return 0;
}

/* ---- emit(), printf(), print() --------------------------------------------------------------- */

static int add_arguments(struct export_schema *s, const struct action *a)
{
	for (u32 i = 0; i < a->argument_count; i++) {
		const struct action_argument *arg = &a->arguments[i];
		const char *name = arg->name ? arg->name : export_word_of(arg->node);
		char fallback[16];
		int err;

		snprintf(fallback, sizeof(fallback), "arg%u", i);
		err = export_add_value(s, name ? name : fallback, "", arg->type, 0, false);
		if (err < 0)
			return err;
	}
	return 0;
}

static bool same_columns(const struct schema *a, const struct schema *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->columns[i].name, b->columns[i].name) ||
		    a->columns[i].kind != b->columns[i].kind)
			return false;
	}
	return true;
}

/* Several emit() of one name and the same columns are one schema: the last that was made goes. */
static u32 merge_emit(struct export *e, const struct action *a)
{
	struct export_schema *last = e->schemas[e->count - 1];

	for (u32 i = 0; i + 1 < e->count; i++) {
		const struct action *other = NULL;

		for (size_t k = 0; k < e->run->script->action_count && !other; k++) {
			if (e->by_action[k] == i + 1)
				other = e->run->script->actions[k];
		}
		if (!other || other->kind != ACTION_EMIT || strcmp(other->format, a->format) ||
		    !same_columns(e->schemas[i]->schema, last->schema))
			continue;
		schema_free(last->schema);
		free(last);
		e->count--;
		return i;
	}
	return (u32)e->count - 1;
}

static int add_action(struct export *e, const struct action *a)
{
	bool emit = a->kind == ACTION_EMIT, is_printf = a->kind == ACTION_PRINTF;
	const char *part = emit ? a->format : is_printf ? "printf" : "print";
	struct export_schema *s;
	int err;

	if (!emit && !is_printf && a->kind != ACTION_PRINT_VALUE)
		return 0;
	err = export_new_schema(e, part,
				emit	    ? "emit()"
				: is_printf ? "printf()"
					    : "print()",
				SCHEMA_EVENTS, &s);
	if (!err)
		err = MIN(add_time(s->schema), 0);
	if (!err && is_printf)
		err = MIN(export_add_column(s, "message", "the line as it is printed",
					    kind_find("text"), 4, &s->message),
			  0);
	if (!err)
		err = add_arguments(s, a);
	if (err)
		return err;
	schema_seal(s->schema, s->schema->fixed_size);
	e->by_action[a->number] = (emit ? merge_emit(e, a) : (u32)e->count - 1) + 1;
	return 0;
}

int export_make_schemas(struct export *e)
{
	const struct script *s = e->run->script;
	int err = 0;

	for (size_t i = 0; i < s->action_count && !err; i++)
		err = add_action(e, s->actions[i]);
	for (size_t i = 0; i < s->map_count && !err; i++)
		err = export_add_map(e, s->maps[i]);
	if (!err && !e->count)
		err = fail(-ENOENT, "%s has nothing to export: no map, no printf(), no emit()",
			   e->name);
	return err;
}
