// SPDX-License-Identifier: Apache-2.0
/* The stages up to the checker, without the rest of the compiler. */
#include "unit/lang/check_fixture.h"

static int stages(struct checked *c, const char *text)
{
	struct script *s = &c->script;
	struct parse_options p = {
		.arena = c->arena,
		.sources = c->sources,
		.diagnostics = &c->diagnostics,
		.arguments = &c->options.arguments,
	};
	struct type_world_options w = {
		.arena = c->arena,
		.sources = c->sources,
		.diagnostics = &c->diagnostics,
	};
	int err, number = sources_add(c->sources, "stdin", text, strlen(text));
	bool in_environment;

	err = syntax_parse(&p, (u32)number, &s->syntax);
	if (err)
		return err;
	c->world = s->world = type_world_new(&w);
	assert_non_null(c->world);
	if (s->syntax->c_part_count)
		err = type_world_declare(c->world, s->syntax->c_parts, s->syntax->c_part_count);
	err = err
		      ?: script_config_read(&s->config, s->syntax->config, NULL, &c->diagnostics,
					    &in_environment);
	err = err ?: script_make_programs(s);
	return err ?: script_check(s);
}

void check_open(struct checked *c, const char *text, const char *const *arguments, size_t count)
{
	memset(c, 0, sizeof(*c));
	c->arena = arena_new(256u << 20);
	assert_non_null(c->arena);
	c->sources = sources_new(c->arena);
	c->diagnostics.arena = c->arena;
	c->diagnostics.sources = c->sources;
	c->options.arguments.positional = arguments;
	c->options.arguments.count = count;
	c->script.arena = c->arena;
	c->script.sources = c->sources;
	c->script.diagnostics = &c->diagnostics;
	c->script.options = &c->options;
	c->script.kernel = KERNEL_VERSION_CODE(6, 1, 0);
	c->script.cpus = 4;
	c->err = stages(c, text);
	diagnostics_print(&c->diagnostics, true, false, &c->text);
}

void check_close(struct checked *c)
{
	type_world_free(c->world);
	buf_free(&c->text);
	arena_free(c->arena);
}

struct map *check_map_named(struct checked *c, const char *name)
{
	for (size_t i = 0; i < c->script.map_count; i++) {
		if (strcmp(c->script.maps[i]->name, name) == 0)
			return c->script.maps[i];
	}
	return NULL;
}

struct search {
	const char *name;
	struct variable *found;
};

static bool is_wanted(void *context, struct node *n)
{
	struct search *s = context;

	if (n->kind == NODE_VARIABLE && n->symbol && strcmp(n->variable.name, s->name) == 0)
		s->found = n->symbol;
	return true;
}

struct variable *check_variable_named(struct checked *c, const char *name)
{
	struct search s = { .name = name };

	for (size_t i = 0; i < c->script.program_count; i++)
		node_walk(c->script.programs[i]->probe->body, is_wanted, &s);
	return s.found;
}

const char *check_type_of(struct checked *c, const char *name)
{
	_cleanup_buf_ struct buf b = {};
	const struct type *t = NULL;

	if (*name == '@') {
		struct map *m = check_map_named(c, name);

		t = m ? m->value : NULL;
		if (m && m->key) {
			buf_add_char(&b, '[');
			type_print(m->key, &b);
			buf_add_str(&b, "] ");
		}
	} else {
		struct variable *v = check_variable_named(c, name);

		t = v ? v->type : NULL;
	}
	if (t)
		type_print(t, &b);
	return arena_strndup(c->arena, buf_str(&b), b.len);
}
