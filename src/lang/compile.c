// SPDX-License-Identifier: Apache-2.0
/*
 * The stages in their order: parse, declare, configure, expand probes, check, lower. Each adds to
 * the same diagnostics; a stage is not entered when the one before it found errors.
 */
#include "lang/lang.h"

#define MEMORY_LIMIT (512u << 20)

static u32 cpus_rounded(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	u32 cpus = 1;

	while (cpus < (u32)(n > 0 ? n : 1))
		cpus *= 2;
	return cpus;
}

static struct compilation *compilation_new(const struct lang_options *o)
{
	struct compilation *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->arena = arena_new(o->memory_limit ? o->memory_limit : MEMORY_LIMIT);
	if (!c->arena) {
		free(c);
		return NULL;
	}
	c->sources = sources_new(c->arena);
	c->diagnostics.arena = c->arena;
	c->diagnostics.sources = c->sources;
	c->script = arena_new_of(c->arena, struct script);
	c->script->arena = c->arena;
	c->script->sources = c->sources;
	c->script->diagnostics = &c->diagnostics;
	c->script->options = &o->script;
	c->script->kernel = o->script.kernel ? o->script.kernel : kernel_version();
	c->script->cpus = cpus_rounded();
	return c;
}

struct compilation *compilation_free(struct compilation *c)
{
	if (!c)
		return NULL;
	if (c->script)
		script_release(c->script);
	type_world_free(c->world);
	buf_free(&c->dump);
	arena_free(c->arena);
	free(c);
	return NULL;
}

void compilation_freep(struct compilation **c)
{
	*c = compilation_free(*c);
}

static int parse(struct compilation *c, const char *text, size_t len, const struct lang_options *o)
{
	struct parse_options p = {
		.arena = c->arena,
		.sources = c->sources,
		.diagnostics = &c->diagnostics,
		.arguments = &o->script.arguments,
		.read = o->script.read,
		.context = o->script.context,
	};
	int number = sources_add(c->sources, o->name, text, len);

	return number < 0 ? number : syntax_parse(&p, (u32)number, &c->script->syntax);
}

/* The headers that the command line names, and the script's own C parts, in one list. */
static int declare_parts(struct compilation *c, const struct lang_options *o)
{
	const struct syntax *s = c->script->syntax;
	size_t count = s->c_part_count + (o->include_count ? 1 : 0), n = 0;
	struct span *parts = arena_alloc(c->arena, (count + 1) * sizeof(*parts));
	_cleanup_buf_ struct buf text = {};

	for (size_t i = 0; i < o->include_count; i++)
		buf_printf(&text, "#include \"%s\"\n", o->includes[i]);
	if (o->include_count) {
		int number = sources_add(c->sources, "command line", buf_str(&text), text.len);

		if (number < 0)
			return number;
		parts[n].source = (u32)number;
		parts[n++].end = (u32)text.len;
	}
	if (s->c_part_count)
		memcpy(parts + n, s->c_parts, s->c_part_count * sizeof(*parts));
	return count ? type_world_declare(c->world, parts, count) : 0;
}

static int declare(struct compilation *c, const struct lang_options *o)
{
	struct type_world_options w = {
		.arena = c->arena,
		.sources = c->sources,
		.diagnostics = &c->diagnostics,
		.read = o->script.read,
		.context = o->script.context,
		.btf_path = o->script.btf,
	};

	c->world = type_world_new(&w);
	if (!c->world)
		return fail(-ENOMEM, "out of memory");
	c->script->world = c->world;
	return declare_parts(c, o);
}

/* 0: go on. */
static int stage(struct compilation *c, int err)
{
	if (err)
		return err;
	if (arena_error(c->arena))
		return fail(-ENOMEM, "the script needs more memory than the compiler may take");
	return c->diagnostics.errors ? -EINVAL : 0;
}

static int run_stages(struct compilation *c, const char *text, size_t len,
		      const struct lang_options *o)
{
	struct script *s = c->script;
	int err = stage(c, parse(c, text, len, o));

	if (err)
		return err;
	if (o->dump == LANG_AST) {
		syntax_print(s->syntax, &c->dump);
		return 0;
	}
	err = stage(c, declare(c, o));
	c->failed_in_c = err == -EINVAL;
	if (!err)
		err = stage(c, config_read(&s->config, s->syntax->config, o->script.environment,
					   &c->diagnostics));
	if (!err)
		err = stage(c, script_make_programs(s));
	if (!err)
		err = stage(c, script_check(s));
	if (err)
		return err;
	if (o->dump == LANG_TYPES) {
		syntax_print(s->syntax, &c->dump);
		return 0;
	}
	if (o->dump == LANG_IR)
		return stage(c, script_lower_dump(s, &c->dump));
	err = stage(c, script_lower(s));
	if (!err && o->dump == LANG_BPF)
		script_dump_code(s, &c->dump);
	return err;
}

int lang_compile(const char *text, size_t len, const struct lang_options *o,
		 struct compilation **ret)
{
	struct compilation *c = compilation_new(o);
	int err;

	if (!c)
		return fail(-ENOMEM, "out of memory");
	err = run_stages(c, text, len, o);
	*ret = c;
	return err;
}
