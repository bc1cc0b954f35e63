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

	if (number < 0)
		return number;
	if (o->dump == LANG_FORMAT)
		return syntax_format(&p, (u32)number, &c->dump);
	return syntax_parse(&p, (u32)number, &c->script->syntax);
}

/* ---- named parameters ------------------------------------------------------------------------ */

static bool is_declared(const struct named_parameter *p, const char *given)
{
	size_t len = strcspn(given, "=");

	while (p && (strlen(p->name) != len || memcmp(p->name, given, len) != 0))
		p = p->next;
	return p;
}

static void hint_parameters(struct compilation *c)
{
	const struct named_parameter *p = c->script->syntax->parameters;

	diagnose_hint(&c->diagnostics,
		      p ? "expected program options:" : "no custom program options defined.");
	for (; p; p = p->next)
		diagnose_hint(&c->diagnostics, "--%s%s%s", p->name, p->help ? ": " : "",
			      p->help ?: "");
}

/* What stands behind -- must be what some getopt() asks for; --help lists that. */
static int check_named(struct compilation *c, const struct script_arguments *a)
{
	const struct named_parameter *known = c->script->syntax->parameters;
	_cleanup_buf_ struct buf wrong = {};

	for (size_t i = 0; i < a->named_count; i++) {
		const char *given = a->named[i];

		if (is_declared(known, given))
			continue;
		if (!strcmp(given, "help")) {
			diagnose(&c->diagnostics, (struct span){}, "%s", "");
			hint_parameters(c);
			return -EINVAL;
		}
		buf_printf(&wrong, "%s--%.*s", wrong.len ? ", " : "", (int)strcspn(given, "="),
			   given);
	}
	if (!wrong.len)
		return 0;
	diagnose(&c->diagnostics, (struct span){}, "unexpected program command line options: %s",
		 buf_str(&wrong));
	hint_parameters(c);
	return -EINVAL;
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

	if (err || o->dump == LANG_FORMAT)
		return err;
	if (o->dump == LANG_AST) {
		syntax_print(s->syntax, &c->dump);
		return 0;
	}
	err = stage(c, check_named(c, &o->script.arguments));
	if (err)
		return err;
	err = stage(c, declare(c, o));
	c->failed_in_c = err == -EINVAL;
	if (!err)
		err = stage(c,
			    script_config_read(&s->config, s->syntax->config, o->script.environment,
					       &c->diagnostics, &c->failed_in_c));
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
