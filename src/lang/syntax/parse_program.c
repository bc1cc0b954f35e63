// SPDX-License-Identifier: Apache-2.0
/*
 * A script from the outside: C definitions first, then configuration and imports, then probes,
 * macros and map declarations in any order. What stands where it may not is told and read all the
 * same, so that one misplaced line does not hide the others' errors.
 */
#include "lang/syntax/parser.h"

bool parse_import(struct parser *p)
{
	struct import *i = arena_new_of(p->arena, struct import);
	u32 start = p->token.start, len;

	next_token(p);
	if (p->token.kind != TOKEN_STRING)
		return syntax_error(p, "expected string after 'import'");
	i->name = take_string(p, &len);
	i->span = span_from(p, start);
	list_add(&p->script->imports, i);
	if (take_sign(p, ';'))
		return true;
	return syntax_error(p, "expected ';' after import");
}

/* ---- config = { name = value; ... } -------------------------------------------------------- */

static struct node *config_value(struct parser *p)
{
	if (p->token.kind == TOKEN_NUMBER || p->token.kind == TOKEN_STRING)
		return parse_primary(p);
	if (p->token.kind == TOKEN_NAME && !peek_sign(p, '('))
		return parse_primary(p);
	return syntax_error(p, "expected string, int, boolean, or ident");
}

static bool config_entry(struct parser *p)
{
	struct config_entry *e = arena_new_of(p->arena, struct config_entry);
	u32 start = p->token.start;

	e->name = expect_name(p, "config key");
	if (!e->name || !expect_sign(p, '='))
		return false;
	e->value = config_value(p);
	if (!e->value)
		return false;
	e->span = span_from(p, start);
	list_add(&p->script->config, e);
	return take_sign(p, ';') || at_sign(p, '}') || syntax_error(p, "expected ';'");
}

static bool parse_config(struct parser *p)
{
	u32 start = p->token.start;

	next_token(p);
	if (!expect_sign(p, '=') || !expect_sign(p, '{'))
		return false;
	while (p->token.kind != TOKEN_END && !at_sign(p, '}')) {
		if (!config_entry(p))
			skip_statement(p);
		while (take_sign(p, ';'))
			;
	}
	if (!expect_sign(p, '}'))
		return false;
	p->script->config_span = span_from(p, start);
	return true;
}

/* ---- let @m = hash(100); ------------------------------------------------------------------- */

static bool parse_map_declaration(struct parser *p)
{
	struct map_declaration *m = arena_new_of(p->arena, struct map_declaration);
	u32 start = p->token.start;
	struct node *size;

	next_token(p);
	if (p->token.kind != TOKEN_MAP)
		return syntax_error(p, "only a map can be declared here: let @name = hash(100)");
	m->name = token_text(p);
	next_token(p);
	if (!expect_sign(p, '='))
		return false;
	m->type = expect_name(p, "map type");
	if (!m->type || !expect_sign(p, '('))
		return false;
	if (p->token.kind != TOKEN_NUMBER)
		return syntax_error(p, "expected positive integer for map declaration max entries");
	size = parse_integer(p);
	m->size = size->integer.value;
	if (!expect_sign(p, ')'))
		return false;
	m->span = span_from(p, start);
	list_add(&p->script->maps, m);
	take_sign(p, ';');
	return true;
}

/* ---- macro name($x, @m, e) { ... } --------------------------------------------------------- */

static struct node *macro_parameter(struct parser *p, const struct macro *m)
{
	struct node *n = syntax_node_new(p, NODE_IDENTIFIER, p->token.start);
	const char *name, *kind;

	if (p->token.kind != TOKEN_VARIABLE && p->token.kind != TOKEN_MAP &&
	    p->token.kind != TOKEN_NAME)
		return syntax_error(p, "expected macro argument ($var, @map, or identifier)");
	if (p->token.kind != TOKEN_NAME)
		n->kind = p->token.kind == TOKEN_MAP ? NODE_MAP : NODE_VARIABLE;
	name = token_text(p);
	kind = n->kind == NODE_MAP ? "Map" : n->kind == NODE_VARIABLE ? "Variable" : "Ident";
	for (const struct node *o = m->parameters; o; o = o->next)
		if (!strcmp(parameter_name(o), name))
			diagnose(p->o->diagnostics, token_span(p),
				 "%s for macro argument has already been used: %s", kind, name);
	if (n->kind == NODE_MAP)
		n->map.name = name;
	else if (n->kind == NODE_VARIABLE)
		n->variable.name = name;
	else
		n->identifier.name = name;
	next_token(p);
	return node_done(p, n);
}

const char *parameter_name(const struct node *n)
{
	switch (n->kind) {
	case NODE_MAP:
		return n->map.name;
	case NODE_VARIABLE:
		return n->variable.name;
	default:
		return n->identifier.name;
	}
}

static bool macro_parameters(struct parser *p, struct macro *m)
{
	struct node **tail = &m->parameters;

	if (!expect_sign(p, '('))
		return false;
	if (take_sign(p, ')'))
		return true;
	do {
		if (m->count == p->depth_max)
			return syntax_error(p, "a macro of more than %u parameters", m->count);
		*tail = macro_parameter(p, m);
		if (!*tail)
			return false;
		tail = &(*tail)->next;
		m->count++;
	} while (take_sign(p, ','));
	return expect_sign(p, ')');
}

struct no_return {
	struct parser *p;
	bool found;
};

static bool find_return(void *context, struct node *n)
{
	struct no_return *search = context;

	if (n->kind != NODE_RETURN)
		return true;
	search->found = true;
	diagnose(search->p->o->diagnostics, n->span,
		 "'return' statement is not allowed in a macro");
	return true;
}

struct macro *parse_macro(struct parser *p)
{
	struct macro *m = arena_new_of(p->arena, struct macro);
	struct no_return search = { .p = p };
	u32 start = p->token.start;

	next_token(p);
	m->name = expect_name(p, "macro name");
	if (!m->name)
		return NULL;
	m->span = span_from(p, start);
	if (!macro_parameters(p, m))
		return NULL;
	m->body = parse_block(p, true);
	if (!m->body)
		return NULL;
	if (!p->stopped)
		node_walk(m->body, find_return, &search);
	m->bad = search.found;
	list_add(&p->script->macros, m);
	return m;
}

/* ---- probes -------------------------------------------------------------------------------- */

static bool parse_predicate(struct parser *p, struct probe *probe)
{
	if (!at_sign(p, '/'))
		return true;
	next_token(p);
	p->in_predicate = true;
	probe->predicate = parse_expression(p);
	p->in_predicate = false;
	if (!probe->predicate)
		return false;
	return take_sign(p, '/') || syntax_error(p, "expected '/' to close predicate");
}

static bool parse_probe(struct parser *p)
{
	struct probe *probe = arena_new_of(p->arena, struct probe);
	u32 start = p->token.start;

	if (!parse_attach_points(p, probe) || !parse_predicate(p, probe))
		return false;
	probe->body = parse_block(p, false);
	if (!probe->body)
		return false;
	probe->span = span_from(p, start);
	list_add(&p->script->probes, probe);
	return true;
}

/* ---- the whole ----------------------------------------------------------------------------- */

/* Behind the next block, or the end: what a broken probe or macro leaves. */
static void skip_definition(struct parser *p)
{
	u32 nested = 0;

	for (; p->token.kind != TOKEN_END; next_token(p)) {
		if (at_sign(p, '{'))
			nested++;
		if (at_sign(p, '}') && (!nested || !--nested)) {
			next_token(p);
			return;
		}
	}
}

static void take_shebang(struct parser *p)
{
	const char *text = p->lexer.text, *end;

	if (p->token.start || !at_sign(p, '#') || text[1] != '!')
		return;
	end = memchr(text, '\n', p->lexer.len);
	move_to(p, end ? (u32)(end - text) + 1 : p->lexer.len);
	p->script->shebang =
		arena_strndup(p->arena, text, end ? (size_t)(end - text) : p->lexer.len);
}

/* How far the script has come; a part of an earlier stage is out of place. */
enum stage { STAGE_C, STAGE_SETTINGS, STAGE_PROBES };

static bool parse_settings(struct parser *p, enum stage stage)
{
	const char *what = at_word(p, "import") ? "root imports" : "config";

	if (stage > STAGE_SETTINGS)
		syntax_error(p, "%s must appear before probes and functions", what);
	if (at_word(p, "import"))
		return parse_import(p);
	if (p->script->config_span.source)
		syntax_error(p, "duplicate config block");
	return parse_config(p);
}

static bool parse_definition(struct parser *p)
{
	if (at_word(p, "macro") && (peek_token(p).kind != TOKEN_SIGN || peek_sign(p, '(')))
		return parse_macro(p);
	if (at_word(p, "let"))
		return parse_map_declaration(p);
	if (at_word(p, "fn") && peek_token(p).kind == TOKEN_NAME)
		return syntax_error(p, "functions are not supported; a macro may do instead");
	return parse_probe(p);
}

void parse_program(struct parser *p)
{
	enum stage stage = STAGE_C;

	take_shebang(p);
	while (p->token.kind != TOKEN_END) {
		u32 at = p->token.start;
		bool good = true;

		if (at_c_part(p)) {
			take_c_part(p, stage == STAGE_C);
		} else if (at_word(p, "config") || at_word(p, "import")) {
			good = parse_settings(p, stage);
			stage = MAX(stage, STAGE_SETTINGS);
		} else {
			stage = STAGE_PROBES;
			good = parse_definition(p);
		}
		if (good)
			continue;
		/* An import has no block that could be skipped. */
		if (p->lexer.text[at] != 'i' || !take_sign(p, ';'))
			skip_definition(p);
	}
}
