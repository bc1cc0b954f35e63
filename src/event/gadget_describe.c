// SPDX-License-Identifier: Apache-2.0
/*
 * What a gadget says of itself: one pass over its BTF and the tags finds the summary, parameters
 * (variables of .rodata), aliases, examples, event schemas (tagged structs), tables (tagged
 * variables of .maps) and the plan for its programs (tagged functions).
 */
#include "event/gadget_internal.h"

#include <linux/btf.h>

static const struct btf *btf_of(const struct gadget *g)
{
	return object_btf(g->object);
}

/* Splits "a = b" of a tag's options at the first " = "; trims. */
static int add_alias(struct gadget *g, const struct tag *tag)
{
	_cleanup_free_ char *text = strndup(tag->options, tag->options_len);
	char *equals = text ? strstr(text, " = ") : NULL;
	struct alias a = { .help = strdup(tag->text) };
	char *space;
	int err;

	if (!a.help)
		return fail(-ENOMEM, "out of memory");
	if (!equals || text[0] != '-' || !text[1] || (text[2] && text[2] != ' ')) {
		free((void *)a.help);
		return fail(-EINVAL, "%s: malformed alias '%s'", g->name, text ? text : "");
	}
	*equals = '\0';
	a.flag = text[1];
	space = strchr(text, ' ');
	a.argument = space ? strdup(space + 1) : NULL;
	a.expansion = strdup(equals + 3);
	err = grow(&g->info.aliases, &g->alias_capacity, g->info.alias_count + 1, sizeof(a));
	if (err)
		return err;
	g->info.aliases[g->info.alias_count++] = a;
	return 0;
}

static int add_example(struct gadget *g, const struct tag *tag)
{
	struct example e;
	int err =
		grow(&g->info.examples, &g->example_capacity, g->info.example_count + 1, sizeof(e));

	if (err)
		return err;
	e.command = strndup(tag->options, tag->options_len);
	e.text = strdup(tag->text);
	g->info.examples[g->info.example_count++] = e;
	return e.command && e.text ? 0 : fail(-ENOMEM, "out of memory");
}

static int add_parameter(struct gadget *g, const struct btf_var_secinfo *at,
			 const struct btf_type *var, const struct tag *tag)
{
	const struct btf *btf = btf_of(g);
	const struct btf_type *t = btf__type_by_id(btf, (u32)btf__resolve_type(btf, var->type));
	struct parameter p = { .name = btf__name_by_offset(btf, var->name_off),
			       .help = tag->text,
			       .offset = at->offset,
			       .size = at->size };
	size_t rodata_size;
	struct bpf_map *map = bpf_object__find_map_by_name(object_bpf(g->object), ".rodata");
	const u8 *initial = map ? bpf_map__initial_value(map, &rodata_size) : NULL;
	s64 number = 0;
	int err;

	if (!initial || (size_t)at->offset + at->size > rodata_size)
		return fail(-EINVAL, "%s: parameter '%s' is not in .rodata", g->name, p.name);
	p.is_text = btf_is_array(t);
	p.is_bool = btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_BOOL);
	p.is_signed = btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_SIGNED);
	p.type = p.is_text ? "text" : p.is_bool ? "bool" : "number";
	if (!p.is_text && (!btf_is_int(t) || p.size > 8))
		return fail(-EINVAL, "%s: parameter '%s' is neither a number nor text", g->name,
			    p.name);
	if (p.is_text) {
		snprintf(p.value, sizeof(p.value), "%.*s", (int)MIN(p.size, sizeof(p.value) - 1),
			 (const char *)initial + p.offset);
	} else {
		memcpy(&number, initial + p.offset, p.size);
		if (p.is_bool)
			snprintf(p.value, sizeof(p.value), "%s", number ? "true" : "false");
		else
			snprintf(p.value, sizeof(p.value), "%lld", (long long)number);
	}
	err = grow(&g->info.parameters, &g->parameter_capacity, g->info.parameter_count + 1,
		   sizeof(p));
	if (!err)
		g->info.parameters[g->info.parameter_count++] = p;
	return err;
}

static int add_schema(struct gadget *g, struct schema *s)
{
	int err = grow(&g->info.schemas, &g->schema_capacity, g->info.schema_count + 1, sizeof(s));

	if (err) {
		schema_free(s);
		return err;
	}
	g->info.schemas[g->info.schema_count++] = s;
	return 0;
}

/*
 * The struct behind EVENT_BUFFER begins with the event: its whole size may be looked at by a
 * filter.
 */
static u32 buffer_size(const struct btf *btf, u32 event_type)
{
	for (u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (btf_is_struct(t) && btf_vlen(t) == 2 &&
		    btf__resolve_type(btf, btf_members(t)[0].type) == (int)event_type &&
		    !strcmp(btf__name_by_offset(btf, btf_members(t)[1].name_off), "tail"))
			return t->size;
	}
	return btf__type_by_id(btf, event_type)->size;
}

static int add_event(struct gadget *g, u32 type, const struct tag *tag, bool input)
{
	const struct btf *btf = btf_of(g);
	bool first = !g->info.schema_count;
	struct schema *s = NULL;
	char name[128];
	int err;

	if (first || input)
		snprintf(name, sizeof(name), "%s", g->name);
	else
		snprintf(name, sizeof(name), "%s.%s", g->name,
			 btf__name_by_offset(btf, btf__type_by_id(btf, type)->name_off));
	err = schema_of_struct(btf, name, tag, type, &s);
	if (err)
		return fail_in(err, "%s", g->name);
	if (input) {
		/* Only the filter sees it: it publishes nothing, so it is not among the schemas. */
		if (g->input) {
			schema_free(s);
			return fail(-EINVAL, "%s: more than one INPUT()", g->name);
		}
		g->input = g->info.input = s;
		g->info.where_schema = s;
	} else if (!g->info.where_schema) {
		g->info.where_schema = s;
	}
	if (g->info.where_schema == s)
		g->where_limit = buffer_size(btf, type);
	return input ? 0 : add_schema(g, s);
}

static int map_types(const struct btf *btf, const struct btf_type *var, u32 *ret_key,
		     u32 *ret_value)
{
	const struct btf_type *t = btf__type_by_id(btf, (u32)btf__resolve_type(btf, var->type));
	u32 key = 0, value = 0;

	for (u32 i = 0; btf_is_struct(t) && i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(btf, btf_members(t)[i].name_off);
		const struct btf_type *pointer = btf__type_by_id(btf, btf_members(t)[i].type);

		if (!btf_is_ptr(pointer))
			continue;
		if (!strcmp(name, "key"))
			key = pointer->type;
		if (!strcmp(name, "value"))
			value = pointer->type;
	}
	if (!key || !value)
		return -ENOENT;
	*ret_key = key;
	*ret_value = value;
	return 0;
}

static int add_table(struct gadget *g, const char *map_name, const struct btf_type *var,
		     const struct tag *tag, enum schema_sort sort)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object_bpf(g->object), map_name);
	struct table t = { .fd = -1 };
	u32 key, value;
	char name[128];
	int err;

	if (!map || map_types(btf_of(g), var, &key, &value))
		return fail(-EINVAL, "%s: map '%s' has no types for its key and value", g->name,
			    map_name);
	if (!g->table_count && !g->info.schema_count && g->info.tagged)
		snprintf(name, sizeof(name), "%s", g->name);
	else
		snprintf(name, sizeof(name), "%s.%s", g->name, map_name);
	err = schema_of_map(btf_of(g), name, tag, sort, key, value, &t.schema, &t.value_offset);
	if (err)
		return fail_in(err, "%s: map '%s'", g->name, map_name);
	snprintf(t.map, sizeof(t.map), "%s", map_name);
	t.type = bpf_map__type(map);
	t.max_entries = bpf_map__max_entries(map);
	t.key_size = bpf_map__key_size(map);
	t.value_size = bpf_map__value_size(map);
	t.keep = false;
	if (tag->options) {
		const char *each;
		size_t len;

		t.keep = tag_option(tag, "each", &each, &len) && len == 4 &&
			 !memcmp(each, "keep", 4);
		if (tag_option(tag, "when", &each, &len))
			snprintf(t.when, sizeof(t.when), "%.*s", (int)len, each);
	}
	t.row = calloc(1, t.value_offset + t.value_size + 8);
	err = t.row ? add_schema(g, t.schema) : fail(-ENOMEM, "out of memory");
	if (!err)
		err = grow(&g->tables, &g->table_capacity, g->table_count + 1, sizeof(t));
	if (err) {
		free(t.row);
		return err;
	}
	g->tables[g->table_count++] = t;
	return 0;
}

/* Variables: .rodata holds parameters, aliases and examples; .maps holds tables. */
static int read_variable(struct gadget *g, const struct btf_var_secinfo *at, const char *section)
{
	static const struct {
		const char *word;
		enum schema_sort sort;
	} sorts[] = { { "table", SCHEMA_TABLE },
		      { "histogram", SCHEMA_HISTOGRAM },
		      { "stacks", SCHEMA_STACKS } };
	const struct btf *btf = btf_of(g);
	const struct btf_type *var = btf__type_by_id(btf, at->type);
	const char *name = btf__name_by_offset(btf, var->name_off);
	struct tag tag;
	int err;

	if (!strcmp(section, ".rodata")) {
		err = btf_tag(btf, at->type, -1, "param", 0, &tag);
		if (err != -ENOENT)
			return err ? err : add_parameter(g, at, var, &tag);
		err = btf_tag(btf, at->type, -1, "alias", 0, &tag);
		if (err != -ENOENT)
			return err ? err : add_alias(g, &tag);
		err = btf_tag(btf, at->type, -1, "example", 0, &tag);
		return err == -ENOENT ? 0 : err ? err : add_example(g, &tag);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sorts) && !strcmp(section, ".maps"); i++) {
		err = btf_tag(btf, at->type, -1, sorts[i].word, 0, &tag);
		if (err != -ENOENT)
			return err ? err : add_table(g, name, var, &tag, sorts[i].sort);
	}
	return 0;
}

/*
 * A program without tags: every map whose types are known is dumped at the end, as a table of
 * totals. What cannot be columns (pointers, arrays of structs) leaves its map out: such a program
 * never promised any.
 */
static void read_plain_maps(struct gadget *g)
{
	static const struct tag totals = {
		.word = "table", .options = "each=keep", .options_len = 9, .text = ""
	};
	const struct btf *btf = btf_of(g);
	s32 id = btf__find_by_name_kind(btf, ".maps", BTF_KIND_DATASEC);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (u32)id) : NULL;

	for (u32 i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_type *var = btf__type_by_id(btf, btf_var_secinfos(t)[i].type);
		const char *name = btf__name_by_offset(btf, var->name_off);
		struct bpf_map *map = bpf_object__find_map_by_name(object_bpf(g->object), name);

		switch (map ? bpf_map__type(map) : BPF_MAP_TYPE_UNSPEC) {
		case BPF_MAP_TYPE_HASH:
		case BPF_MAP_TYPE_ARRAY:
		case BPF_MAP_TYPE_PERCPU_HASH:
		case BPF_MAP_TYPE_PERCPU_ARRAY:
		case BPF_MAP_TYPE_LRU_HASH:
		case BPF_MAP_TYPE_LRU_PERCPU_HASH:
			add_table(g, name, var, &totals, SCHEMA_TABLE);
			break;
		default:
			break;
		}
	}
}

static int read_summary(struct gadget *g)
{
	const struct btf *btf = btf_of(g);
	s32 license = btf__find_by_name_kind(btf, "LICENSE", BTF_KIND_VAR);
	struct tag tag;
	int err = license > 0 ? btf_tag(btf, (u32)license, -1, "gadget", 0, &tag) : -ENOENT;

	if (err && err != -ENOENT)
		return err;
	g->info.tagged = !err;
	g->info.summary = err ? "a BPF object without tags" : tag.text;
	return 0;
}

int gadget_read_description(struct gadget *g)
{
	const struct btf *btf = btf_of(g);
	int err = read_summary(g);

	/*
	 * Events first, so that the first event struct and not a table gets the gadget's plain
	 * name.
	 */
	for (u32 id = 1; id < btf__type_cnt(btf) && !err; id++) {
		struct tag tag;
		bool input = false;

		if (!btf_is_struct(btf__type_by_id(btf, id)))
			continue;
		err = btf_tag(btf, id, -1, "event", 0, &tag);
		if (err == -ENOENT) {
			err = btf_tag(btf, id, -1, "input", 0, &tag);
			input = !err;
		}
		err = err == -ENOENT ? 0 : err ? err : add_event(g, id, &tag, input);
	}
	for (u32 id = 1; id < btf__type_cnt(btf) && !err; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!btf_is_datasec(t))
			continue;
		for (u32 i = 0; i < btf_vlen(t) && !err; i++)
			err = read_variable(g, btf_var_secinfos(t) + i,
					    btf__name_by_offset(btf, t->name_off));
	}
	if (!err && !g->info.tagged)
		read_plain_maps(g);
	return err;
}

/*
 * ---- the plan -----------------------------------------------------------------------------------
 */

/* The number that a parameter holds now (in the .rodata that will be loaded). */
u64 gadget_parameter_number(const struct gadget *g, const char *name)
{
	for (size_t i = 0; i < g->info.parameter_count; i++) {
		const struct parameter *p = &g->info.parameters[i];
		struct bpf_map *map =
			bpf_object__find_map_by_name(object_bpf(g->object), ".rodata");
		size_t size;
		const u8 *data = map ? bpf_map__initial_value(map, &size) : NULL;
		u64 number = 0;

		if (strcmp(p->name, name) || !data)
			continue;
		if (p->is_text)
			return data[p->offset] != 0;
		memcpy(&number, data + p->offset, MIN(p->size, 8));
		return number;
	}
	return 0;
}

static int plan_program(struct gadget *g, const struct bpf_program *program,
			struct program_plan *plan, char names[2][64])
{
	const struct btf *btf = btf_of(g);
	s32 id = btf__find_by_name_kind(btf, bpf_program__name(program), BTF_KIND_FUNC);
	struct tag tag;
	char word[64];
	int err;

	snprintf(names[0], 64, "%s", bpf_program__name(program));
	*plan = (struct program_plan){ .program = names[0], .wanted = true };
	if (id < 0)
		return 0;
	err = btf_tag(btf, (u32)id, -1, "alternative", 0, &tag);
	if (!err) {
		snprintf(word, sizeof(word), "%.*s", (int)tag.options_len, tag.options);
		if (sscanf(word, "%63s %u", names[1], &plan->rank) != 2)
			return fail(-EINVAL, "%s: malformed alternative '%s'", g->name, word);
		plan->group = names[1];
		plan->note = tag.text;
	}
	if (!err || err == -ENOENT)
		err = btf_tag(btf, (u32)id, -1, "when", 0, &tag);
	if (!err) {
		bool negate = tag.options_len && tag.options[0] == '!';

		snprintf(word, sizeof(word), "%.*s", (int)tag.options_len - negate,
			 tag.options + negate);
		plan->wanted = (gadget_parameter_number(g, word) != 0) != negate;
	}
	if (!err || err == -ENOENT)
		err = btf_tag(btf, (u32)id, -1, "optional", 0, &tag);
	plan->optional = !err;
	if (!err || err == -ENOENT)
		err = btf_tag(btf, (u32)id, -1, "arguments", 0, &tag);
	if (!err)
		plan->arguments = (unsigned)strtoul(tag.options, NULL, 10);
	if (!err || err == -ENOENT)
		err = btf_tag(btf, (u32)id, -1, "sample", 0, &tag);
	if (!err) {
		snprintf(word, sizeof(word), "%.*s", (int)tag.options_len, tag.options);
		plan->sample_hz = (u32)gadget_parameter_number(g, word);
	}
	return err == -ENOENT ? 0 : err;
}

int gadget_make_plans(struct gadget *g)
{
	struct bpf_program *program;
	size_t count = 0;

	bpf_object__for_each_program(program, object_bpf(g->object))
		count++;
	g->plans = calloc(count + 1, sizeof(*g->plans));
	g->plan_names = calloc(count + 1, sizeof(*g->plan_names));
	if (!g->plans || !g->plan_names)
		return fail(-ENOMEM, "out of memory");
	bpf_object__for_each_program(program, object_bpf(g->object)) {
		int err = plan_program(g, program, &g->plans[g->plan_count],
				       g->plan_names[g->plan_count]);

		if (err)
			return err;
		g->plan_count++;
	}
	return 0;
}

void gadget_choose_tables(struct gadget *g)
{
	for (size_t i = 0; i < g->table_count; i++) {
		struct table *t = &g->tables[i];
		bool negate = t->when[0] == '!';

		t->unwanted = t->when[0] &&
			      (gadget_parameter_number(g, t->when + negate) != 0) == negate;
	}
}

bool gadget_shows(struct gadget *g, const struct schema *s)
{
	gadget_choose_tables(g);
	for (size_t i = 0; i < g->table_count; i++) {
		if (g->tables[i].schema == s)
			return !g->tables[i].unwanted;
	}
	return true;
}
