// SPDX-License-Identifier: Apache-2.0
/*
 * The reader of the configuration: libyaml's document with its marks, walked once. Every complaint
 * has a line and a column; an unknown key is an error, since a misspelt one that is ignored is a
 * setting that somebody believes in.
 */
#include "agent/config_internal.h"
#include "event/event.h"

#include <yaml.h>

#define FILE_MAX (1 << 20)
#define GADGETS_MAX 100 /* fewer than the broker's numbers */
#define KEYS_MAX 1000

struct reader {
	const char *file;
	yaml_document_t *document;
	struct config *config;
};

static int complain(const struct reader *r, const yaml_node_t *n, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
static int complain(const struct reader *r, const yaml_node_t *n, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return fail(-EINVAL, "%s:%zu:%zu: %s", r->file, n->start_mark.line + 1,
		    n->start_mark.column + 1, text);
}

static struct config_place place_of(const yaml_node_t *n)
{
	return (struct config_place){ n->start_mark.line + 1, n->start_mark.column + 1 };
}

static yaml_node_t *node(const struct reader *r, int id)
{
	return yaml_document_get_node(r->document, id);
}

static const char *scalar(const yaml_node_t *n)
{
	/* A NUL ("\0" in double quotes) would end the text early: as if it were no text. */
	if (n->type != YAML_SCALAR_NODE ||
	    memchr(n->data.scalar.value, '\0', n->data.scalar.length))
		return NULL;
	return (const char *)n->data.scalar.value;
}

static int unknown_key(const struct reader *r, const yaml_node_t *key, const char *section)
{
	const char *names[64], *near;
	size_t count = 0, len = strlen(section);

	for (size_t i = 0; i < setting_count && count < ARRAY_SIZE(names); i++) {
		if (!strncmp(settings[i].name, section, len) && settings[i].name[len] == '.')
			names[count++] = settings[i].name + len + 1;
	}
	near = suggest(scalar(key), names, count);
	return complain(r, key, "unknown setting '%s.%.100s'%s%s%s", section, scalar(key),
			near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/* The second of two equal keys would win in silence. */
static int refuse_duplicates(const struct reader *r, const yaml_node_t *map)
{
	const yaml_node_pair_t *first = map->data.mapping.pairs.start,
			       *end = map->data.mapping.pairs.top;

	if (end - first > KEYS_MAX)
		return complain(r, map, "more than %d settings", KEYS_MAX);
	for (const yaml_node_pair_t *a = first; a < end; a++) {
		for (const yaml_node_pair_t *b = first; b < a; b++) {
			const char *x = scalar(node(r, a->key)), *y = scalar(node(r, b->key));

			if (x && y && !strcmp(x, y))
				return complain(r, node(r, a->key),
						"'%.100s' is here for the second time", x);
		}
	}
	return 0;
}

static int read_list(const struct reader *r, const yaml_node_t *value)
{
	struct config *c = r->config;
	const yaml_node_item_t *item;

	if (value->type != YAML_SEQUENCE_NODE)
		return complain(r, value, "a list is needed: [a, b]");
	config_list_free(c->store_columns, c->store_column_count);
	c->store_columns = NULL;
	c->store_column_count = 0;
	for (item = value->data.sequence.items.start; item < value->data.sequence.items.top;
	     item++) {
		const char *word = scalar(node(r, *item));
		int err = word ? config_list_add(c, word)
			       : complain(r, value, "a list of words is needed");

		if (err)
			return err;
	}
	return 0;
}

static int read_section(const struct reader *r, const char *section, const yaml_node_t *map)
{
	const yaml_node_pair_t *pair;

	if (map->type != YAML_MAPPING_NODE)
		return complain(r, map, "'%s' holds settings: one 'name: value' a line", section);
	if (refuse_duplicates(r, map))
		return -EINVAL;
	for (pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = node(r, pair->key), *value = node(r, pair->value);
		const struct setting *found = NULL;
		char name[128];
		int err;

		if (!scalar(key))
			return complain(r, key, "a name is needed");
		snprintf(name, sizeof(name), "%s.%s", section, scalar(key));
		for (size_t i = 0; i < setting_count && !found; i++)
			found = strcmp(settings[i].name, name) ? NULL : &settings[i];
		if (!found)
			return unknown_key(r, key, section);
		if (found->type == SETTING_LIST)
			err = read_list(r, value);
		else if (!scalar(value))
			return complain(r, value, "%s takes one value", name);
		else
			err = setting_set(r->config, found, scalar(value));
		if (err)
			return found->type == SETTING_LIST ? err
							   : complain(r, value, "%s", error_text());
	}
	return 0;
}

static int read_parameters(const struct reader *r, struct config_gadget *g, const yaml_node_t *map)
{
	_cleanup_buf_ struct buf words = {};
	const yaml_node_pair_t *pair;

	if (map->type != YAML_MAPPING_NODE)
		return complain(r, map, "parameters are written { name: value }");
	if (refuse_duplicates(r, map))
		return -EINVAL;
	for (pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		const char *name = scalar(node(r, pair->key)),
			   *value = scalar(node(r, pair->value));

		if (!name || !*name || !value || strchr(name, '='))
			return complain(r, map, "parameters are written { name: value }");
		buf_printf(&words, "%s=%s", name, value);
		buf_add_char(&words, '\0');
	}
	if (words.error || words.len > 4096)
		return complain(r, map, "more than 4096 bytes of parameters");
	free(g->parameters);
	g->parameters_size = words.len;
	g->parameters = TAKE_PTR(words.data);
	g->parameters_place = place_of(map);
	return 0;
}

static int read_flag(const struct reader *r, const yaml_node_t *value, bool *ret)
{
	const char *word = scalar(value);

	if (!word || (strcmp(word, "true") && strcmp(word, "false")))
		return complain(r, value, "true or false is needed");
	*ret = !strcmp(word, "true");
	return 0;
}

static int read_ring(const struct reader *r, const yaml_node_t *value, enum ring_class *ret)
{
	const char *word = scalar(value);

	for (int i = 0; word && i < CONFIG_RINGS; i++) {
		if (!strcmp(ring_class_names[i], word)) {
			*ret = (enum ring_class)i;
			return 0;
		}
	}
	return complain(r, value, "a ring is needed: process, network, block or file");
}

static int read_gadget_key(const struct reader *r, struct config_gadget *g, const yaml_node_t *key,
			   const yaml_node_t *value)
{
	static const char *const names[] = { "enabled", "store",  "ring",
					     "where",	"budget", "parameters" };
	const char *name = scalar(key), *near;

	if (name && !strcmp(name, "enabled"))
		return read_flag(r, value, &g->enabled);
	if (name && !strcmp(name, "store"))
		return read_flag(r, value, &g->store);
	if (name && !strcmp(name, "ring"))
		return read_ring(r, value, &g->ring);
	if (name && !strcmp(name, "parameters"))
		return read_parameters(r, g, value);
	if (name && !strcmp(name, "budget"))
		return scalar(value) && !parse_u64(scalar(value), &g->budget)
			       ? 0
			       : complain(r, value, "budget takes a number of records a second");
	if (name && !strcmp(name, "where")) {
		char *copy = scalar(value) ? strdup(scalar(value)) : NULL;

		if (!copy)
			return complain(r, value, "where takes an expression");
		free(g->where);
		g->where = copy;
		g->where_place = place_of(value);
		return 0;
	}
	near = name ? suggest(name, names, ARRAY_SIZE(names)) : NULL;
	return complain(r, key, "a gadget has no setting '%.100s'%s%s%s", name ? name : "",
			near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/* The broker loads no others: what runs as root comes with the program. */
static int require_gadget(const struct reader *r, const yaml_node_t *key)
{
	size_t count;
	const struct embedded_gadget *all = gadget_embedded(&count);
	_cleanup_free_ const char **names = calloc(count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; names && i < count; i++) {
		names[i] = all[i].name;
		if (!strcmp(all[i].name, scalar(key)))
			return 0;
	}
	near = names ? suggest(scalar(key), names, count) : NULL;
	return complain(r, key, "no gadget '%.100s'%s%s%s", scalar(key),
			near ? " (did you mean '" : "", near ? near : "",
			near ? "'?)" : " (see: saker list)");
}

static int read_gadgets(const struct reader *r, const yaml_node_t *map)
{
	const yaml_node_pair_t *pair, *each;

	if (map->type != YAML_MAPPING_NODE)
		return complain(r, map, "'gadgets' holds gadgets: 'name: { enabled: true }'");
	if (refuse_duplicates(r, map))
		return -EINVAL;
	for (pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = node(r, pair->key), *value = node(r, pair->value);
		struct config_gadget *g;

		if (!scalar(key))
			return complain(r, key, "a gadget's name is needed");
		if (require_gadget(r, key))
			return -EINVAL;
		if (r->config->gadget_count >= GADGETS_MAX)
			return complain(r, key, "more than %d gadgets", GADGETS_MAX);
		g = config_gadget_add(r->config, scalar(key));
		if (!g)
			return -ENOMEM;
		if (value->type != YAML_MAPPING_NODE)
			return complain(r, value, "settings are needed: { enabled: true }");
		if (refuse_duplicates(r, value))
			return -EINVAL;
		for (each = value->data.mapping.pairs.start; each < value->data.mapping.pairs.top;
		     each++) {
			int err = read_gadget_key(r, g, node(r, each->key), node(r, each->value));

			if (err)
				return err;
		}
	}
	return 0;
}

static int read_root(const struct reader *r)
{
	static const char *const sections[] = { "store",  "http",  "scripts",
						"worker", "rings", "gadgets" };
	const yaml_node_t *root = yaml_document_get_root_node(r->document);
	const yaml_node_pair_t *pair;

	if (!root || (scalar(root) && !*scalar(root)))
		return 0; /* an empty file: the defaults */
	if (root->type != YAML_MAPPING_NODE)
		return complain(r, root, "sections are needed (see: saker agent --print-config)");
	if (refuse_duplicates(r, root))
		return -EINVAL;
	for (pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = node(r, pair->key), *value = node(r, pair->value);
		const char *name = scalar(key), *near;
		size_t i = 0;
		int err;

		while (i < ARRAY_SIZE(sections) && (!name || strcmp(sections[i], name)))
			i++;
		if (i == ARRAY_SIZE(sections)) {
			near = name ? suggest(name, sections, i) : NULL;
			return complain(r, key, "unknown section '%.100s'%s%s%s", name ? name : "",
					near ? " (did you mean '" : "", near ? near : "",
					near ? "'?)" : "");
		}
		if (scalar(value) && !*scalar(value))
			continue; /* "store:" with nothing below it */
		err = !strcmp(name, "gadgets") ? read_gadgets(r, value)
					       : read_section(r, name, value);
		if (err)
			return err;
	}
	return 0;
}

/* A second document would be settings that nobody reads. */
static int expect_end(const struct reader *r, yaml_parser_t *parser)
{
	yaml_document_t rest;
	const yaml_node_t *root;
	int err = 0;

	if (!yaml_parser_load(parser, &rest))
		return fail(-EINVAL, "%s:%zu:%zu: %s", r->file, parser->problem_mark.line + 1,
			    parser->problem_mark.column + 1,
			    parser->problem ? parser->problem : "not YAML");
	root = yaml_document_get_root_node(&rest);
	if (root)
		err = complain(r, root, "a second YAML document (only one is read)");
	yaml_document_delete(&rest);
	return err;
}

int config_parse(const char *file, const char *text, size_t len, struct config **ret)
{
	_cleanup_(config_freep) struct config *c = config_new();
	yaml_document_t document;
	yaml_parser_t parser;
	struct reader r = { .file = file, .document = &document, .config = c };
	int err;

	if (!c || !yaml_parser_initialize(&parser))
		return fail(-ENOMEM, "out of memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &document)) {
		err = fail(-EINVAL, "%s:%zu:%zu: %s", file, parser.problem_mark.line + 1,
			   parser.problem_mark.column + 1,
			   parser.problem ? parser.problem : "not YAML");
		yaml_parser_delete(&parser);
		return err;
	}
	err = read_root(&r);
	if (!err && yaml_document_get_root_node(&document))
		err = expect_end(&r, &parser);
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	if (!err)
		*ret = TAKE_PTR(c);
	return err;
}

static int read_descriptor(int fd, const char *file, struct buf *b)
{
	for (;;) {
		char *room = buf_room(b, 4096);
		ssize_t n = room ? read(fd, room, 4096) : 0;

		if (!room)
			return fail(-ENOMEM, "out of memory");
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(-errno, "%s", file);
		if (!n)
			return 0;
		b->len += (size_t)n;
		if (b->len > FILE_MAX)
			return fail(-EFBIG, "%s: more than 1 MiB", file);
	}
}

int config_read(const char *file, int fd, struct config **ret)
{
	_cleanup_buf_ struct buf text = {};
	int err = fd < 0 ? read_file(file, FILE_MAX, &text) : read_descriptor(fd, file, &text);

	return err ? err : config_parse(file, buf_str(&text), text.len, ret);
}
