// SPDX-License-Identifier: Apache-2.0
/*
 * From a source to a tree: the script is parsed, then what it imports and what that imports, each
 * once; then macros are expanded, and what getopt() names is collected.
 */
#include "lang/syntax/parser.h"

#define IMPORTS_MAX 500
#define IMPORT_DEPTH_MAX 50

struct loader {
	const struct parse_options *o;
	struct script whole;
	const char *names[IMPORTS_MAX]; /* imported so far */
	u32 count, depth;
};

void script_start(struct script *s)
{
	memset(s, 0, sizeof(*s));
	list_start(&s->probes);
	list_start(&s->maps);
	list_start(&s->config);
	list_start(&s->macros);
	list_start(&s->imports);
}

#define list_append(to, from)                        \
	do {                                         \
		if ((from)->first) {                 \
			*(to)->tail = (from)->first; \
			(to)->tail = (from)->tail;   \
		}                                    \
	} while (0)

static void add_parts(struct arena *a, struct script *to, const struct span *parts, size_t count)
{
	struct span *all;

	if (!count)
		return;
	all = arena_alloc(a, (to->c_part_count + count) * sizeof(*all));
	if (to->c_part_count)
		memcpy(all, to->c_parts, to->c_part_count * sizeof(*all));
	memcpy(all + to->c_part_count, parts, count * sizeof(*all));
	to->c_parts = all;
	to->c_part_count += count;
}

/* ---- imports ------------------------------------------------------------------------------- */

static bool is_known(const struct loader *l, const char *name)
{
	for (u32 i = 0; i < l->count; i++)
		if (!strcmp(l->names[i], name))
			return true;
	return false;
}

static int read_import(struct loader *l, const struct import *i, struct buf *b)
{
	const struct parse_options *o = l->o;
	int err;

	if (!o->read)
		return diagnose(o->diagnostics, i->span, "imports are not possible here");
	if (str_ends(i->name, ".c") || str_ends(i->name, ".o"))
		return diagnose(o->diagnostics, i->span,
				"'%s' would need a C compiler; only .bt and .h can be imported",
				i->name);
	err = o->read(o->context, i->name, i->span.source, b);
	if (err == -ENOENT)
		return diagnose(o->diagnostics, i->span, "Unable to find suitable path for import");
	if (err || b->error)
		return diagnose(o->diagnostics, i->span, "cannot import '%s': %s", i->name,
				error_text());
	return 0;
}

static void load(struct loader *l, u32 source, u32 expansion);

static void import_one(struct loader *l, const struct import *i)
{
	const struct parse_options *o = l->o;
	bool header = str_ends(i->name, ".h");
	_cleanup_buf_ struct buf b = {};
	struct span all = {};
	int number;

	if (is_known(l, i->name))
		return;
	if (l->count == IMPORTS_MAX || l->depth == IMPORT_DEPTH_MAX) {
		diagnose(o->diagnostics, i->span, "too many imports: %d, or %d in each other",
			 IMPORTS_MAX, IMPORT_DEPTH_MAX);
		return;
	}
	l->names[l->count++] = i->name;
	if (read_import(l, i, &b))
		return;
	number = (header ? sources_add_header : sources_add)(o->sources, i->name, buf_str(&b),
							     b.len);
	if (number < 0) {
		diagnose(o->diagnostics, i->span, "cannot import '%s': %s", i->name, error_text());
		return;
	}
	all = (struct span){ (u32)number, 0, (u32)b.len, sources_expand(o->sources, i->span) };
	if (header)
		add_parts(o->arena, &l->whole, &all, 1);
	else
		load(l, all.source, all.expansion);
}

/* Parses one source; its imports' probes come before its own, its macros before theirs. */
static void load(struct loader *l, u32 source, u32 expansion)
{
	struct script s;
	struct parser p;

	script_start(&s);
	parser_start(&p, l->o, source, expansion, &s);
	parse_program(&p);
	if (p.stopped || arena_error(l->o->arena))
		return;
	if (l->depth && s.config_span.source)
		diagnose(l->o->diagnostics, s.config_span, "invalid `config` within import");
	list_append(&l->whole.macros, &s.macros);
	l->depth++;
	for (const struct import *i = s.imports.first; i; i = i->next)
		import_one(l, i);
	l->depth--;
	add_parts(l->o->arena, &l->whole, s.c_parts, s.c_part_count);
	list_append(&l->whole.probes, &s.probes);
	list_append(&l->whole.maps, &s.maps);
	if (!l->depth) {
		list_append(&l->whole.config, &s.config);
		l->whole.shebang = s.shebang;
	}
}

/* ---- getopt("name", default, "help") ------------------------------------------------------- */

struct collector {
	const struct parse_options *o;
	struct named_parameter *first, **tail;
};

static bool same_standard(const struct node *a, const struct node *b)
{
	if (!a || !b || a->kind != b->kind)
		return a == b;
	if (a->kind == NODE_STRING)
		return a->string.len == b->string.len &&
		       !memcmp(a->string.bytes, b->string.bytes, a->string.len);
	return a->kind == NODE_BOOL ? a->boolean == b->boolean
				    : a->integer.value == b->integer.value;
}

static void describe(const struct node *n, struct buf *b)
{
	if (!n || n->kind == NODE_BOOL)
		buf_add_str(b, n && n->boolean ? "true" : "false");
	else if (n->kind == NODE_STRING)
		buf_add(b, n->string.bytes, n->string.len);
	else
		buf_add_s64(b, (s64)n->integer.value);
}

static void add_parameter(struct collector *c, const struct named_parameter *new)
{
	struct named_parameter *p = c->first;
	_cleanup_buf_ struct buf was = {};

	while (p && strcmp(p->name, new->name))
		p = p->next;
	if (!p) {
		p = arena_new_of(c->o->arena, struct named_parameter);
		*p = *new;
		*c->tail = p;
		c->tail = &p->next;
		return;
	}
	p->help = p->help ?: new->help;
	if (same_standard(p->standard, new->standard))
		return;
	describe(p->standard, &was);
	diagnose(c->o->diagnostics, new->span,
		 "Command line option '%s' needs to have the same default value in all places it "
		 "is used. Previous default value: %s",
		 p->name, buf_str(&was));
}

/* -5 is an operator and a number. */
static struct node *fold_negative(const struct parse_options *o, struct node *n)
{
	struct node *folded;

	if (n->kind != NODE_UNARY || n->unary.op != OPERATOR_NEGATE ||
	    n->unary.e->kind != NODE_INTEGER)
		return n;
	folded = node_copy(o->arena, n->unary.e);
	folded->span = n->span;
	folded->integer.value = -folded->integer.value;
	folded->integer.is_negative = folded->integer.value != 0;
	return folded;
}

/* What is not as it must be is told by the function's own check. */
static bool collect(void *context, struct node *n)
{
	struct collector *c = context;
	struct named_parameter p = { .span = n->span };
	struct node *argument;

	if (n->kind != NODE_CALL || strcmp(n->call.name, "getopt"))
		return true;
	argument = n->call.arguments;
	if (!argument || argument->kind != NODE_STRING)
		return true;
	p.name = argument->string.bytes;
	argument = argument->next;
	if (argument) {
		p.standard = fold_negative(c->o, argument);
		if (p.standard->kind != NODE_INTEGER && p.standard->kind != NODE_STRING &&
		    p.standard->kind != NODE_BOOL)
			return true;
		argument = argument->next;
	}
	if (argument && argument->kind == NODE_STRING)
		p.help = argument->string.bytes;
	add_parameter(c, &p);
	return true;
}

static struct named_parameter *collect_parameters(const struct parse_options *o,
						  const struct script *s)
{
	struct collector c = { .o = o };

	c.tail = &c.first;
	for (const struct probe *p = s->probes.first; p; p = p->next) {
		node_walk(p->predicate, collect, &c);
		node_walk(p->body, collect, &c);
	}
	return c.first;
}

/* ---- the public ones ----------------------------------------------------------------------- */

static int out_of_memory(const struct parse_options *o)
{
	diagnose(o->diagnostics, (struct span){},
		 "the script is too large: no memory to compile it");
	return fail(-ENOMEM, "the script is too large: no memory to compile it");
}

int syntax_parse(const struct parse_options *o, u32 number, struct syntax **ret)
{
	struct loader *l = arena_new_of(o->arena, struct loader);
	size_t errors = o->diagnostics->errors;
	struct syntax *s;

	l->o = o;
	script_start(&l->whole);
	load(l, number, 0);
	if (arena_error(o->arena))
		return out_of_memory(o);
	if (o->diagnostics->errors == errors)
		expand_macros(o, &l->whole);
	if (arena_error(o->arena))
		return out_of_memory(o);
	if (o->diagnostics->errors != errors)
		return -EINVAL;
	s = arena_new_of(o->arena, struct syntax);
	s->parameters = collect_parameters(o, &l->whole);
	if (o->diagnostics->errors != errors)
		return -EINVAL;
	s->probes = l->whole.probes.first;
	s->maps = l->whole.maps.first;
	s->config = l->whole.config.first;
	s->c_parts = l->whole.c_parts;
	s->c_part_count = l->whole.c_part_count;
	s->shebang = l->whole.shebang;
	if (arena_error(o->arena))
		return out_of_memory(o);
	*ret = s;
	return 0;
}

struct node *syntax_parse_expression(const struct parse_options *o, u32 number)
{
	size_t errors = o->diagnostics->errors;
	struct script s;
	struct parser p;
	struct node *n;

	script_start(&s);
	parser_start(&p, o, number, 0, &s);
	n = parse_expression(&p);
	if (n && p.token.kind != TOKEN_END)
		return syntax_error(&p, "expected the end of the expression");
	return arena_error(o->arena) || o->diagnostics->errors != errors ? NULL : n;
}
