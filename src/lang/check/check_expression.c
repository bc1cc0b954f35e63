/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions: what each sort of node is, and names: a word is a built-in, an enum's constant, or a
 * #define, in this order. What is constant becomes a literal in place.
 */
#include "lang/check/internal.h"
#include "lang/syntax/lexer.h"

#define DEPTH_MAX 400
#define MEMBERS_MAX 256
#define TUPLE_MAX 65536 /* bytes: a map's values and keys are bounded, and so is our memory */

static const struct type *too_deep(struct checker *c, struct node *n)
{
	if (!c->too_deep)
		diagnose(c->script->diagnostics, n->span,
			 "nested more than %d deep: split the expression with variables",
			 DEPTH_MAX);
	c->too_deep = true;
	return &type_none;
}

/* Another tree in a node's place. */
static void replace(struct node *n, const struct node *by)
{
	struct node *next = n->next;
	struct span span = n->span;

	*n = *by;
	n->span = span;
	n->next = next;
}

/* A #define's text is an expression of its own, parsed where the name stands. */
static bool expand_define(struct checker *c, struct node *n, u32 source)
{
	const struct parse_options o = {
		.arena = c->script->arena,
		.sources = c->script->sources,
		.diagnostics = c->script->diagnostics,
		.arguments = &c->script->options->arguments,
	};
	struct node *e = syntax_parse_expression(&o, source);

	if (!e)
		return false;
	replace(n, e);
	return true;
}

static const struct type *use_builtin(struct checker *c, struct node *n, const struct builtin *b)
{
	struct script *s = c->script;

	n->symbol = (void *)b;
	if (b->allows && !check_allowed(c, n->span, b->name, b->allows))
		return &type_none;
	if (b->kernel && s->kernel && s->kernel < b->kernel)
		return check_error(c, n->span, "%s needs Linux %u.%u or newer", b->name,
				   b->kernel >> 16, b->kernel >> 8 & 255);
	if (!strcmp(b->name, "args"))
		c->program->uses_args = true;
	if (!strcmp(b->name, "probe"))
		c->program->uses_probe = true;
	if (b->check)
		return b->check(c, n);
	return b->type ? b->type : &type_none;
}

/*
 * A name that means nothing is looked for in all enums of the kernel and its modules, in every
 * round: once is enough. So many of them are a script that has no meaning anyway.
 */
struct unknown_names {
	const char *names[128];
	size_t count;
};

static bool is_known_unknown(struct checker *c, const char *name)
{
	if (!c->unknown)
		return false;
	for (size_t i = 0; i < c->unknown->count; i++) {
		if (!strcmp(c->unknown->names[i], name))
			return true;
	}
	return c->unknown->count == ARRAY_SIZE(c->unknown->names);
}

static const struct type *unknown_name(struct checker *c, struct node *n)
{
	const char *near;

	if (!is_known_unknown(c, n->identifier.name)) {
		if (!c->unknown)
			c->unknown = arena_new_of(c->script->arena, struct unknown_names);
		if (!arena_error(c->script->arena))
			c->unknown->names[c->unknown->count++] = n->identifier.name;
	}
	if (!c->final || c->script->diagnostics->too_many)
		return check_error(c, n->span, "Unknown identifier");
	check_error(c, n->span, "Unknown identifier: '%s'", n->identifier.name);
	near = builtin_suggest(n->identifier.name, BUILTIN_VARIABLE);
	if (near)
		check_hint(c, "did you mean '%s'?", near);
	return &type_none;
}

const struct type *check_identifier(struct checker *c, struct node *n)
{
	const struct builtin *b = builtin_find(n->identifier.name, BUILTIN_VARIABLE);
	const struct type *of;
	u32 source;
	s64 value;

	if (b)
		return use_builtin(c, n, b);
	if (is_known_unknown(c, n->identifier.name))
		return unknown_name(c, n);
	if (type_enumerator(c->script->world, n->identifier.name, &value, &of)) {
		check_fold_integer(n, value, value >= 0 || (of->of && !of->of->is_signed));
		n->symbol = (void *)of;
		return of;
	}
	source = type_world_define(c->script->world, n->identifier.name);
	if (source) {
		if (c->depth > DEPTH_MAX / 2)
			return too_deep(c, n);
		if (!expand_define(c, n, source))
			return check_error(c, n->span,
					   "'%s' is defined as something that is no expression",
					   n->identifier.name);
		return check_expression(c, n);
	}
	return unknown_name(c, n);
}

/* As the language writes numbers: 0x10, 010, 1e3, 5ms. */
static bool is_number_literal(struct checker *c, const char *text, u64 *ret)
{
	struct literal_number l = {
		.arena = c->script->arena,
		.text = text,
		.len = (u32)strlen(text),
	};

	if (!is_digit(*text) || literal_number(&l))
		return false;
	*ret = l.value;
	return true;
}

/* $1: a number where it reads as one, else a string; not given: 0. */
const struct type *check_parameter(struct checker *c, struct node *n)
{
	const struct script_arguments *a = &c->script->options->arguments;
	u32 number = n->parameter.number;
	const char *text;
	u64 u;
	s64 v;

	if (!number) {
		check_fold_integer(n, (s64)a->count, true);
		return n->type;
	}
	if (number > a->count) {
		diagnose_warning(c->script->diagnostics, n->span,
				 "Positional parameter $%u is empty or not provided.", number);
		check_fold_integer(n, 0, true);
		return n->type;
	}
	text = a->positional[number - 1];
	if (is_number_literal(c, text, &u))
		check_fold_integer(n, (s64)u, true);
	else if (*text == '-' && !parse_s64(text, &v))
		check_fold_integer(n, v, false);
	else
		check_fold_string(c, n, text, (u32)strlen(text));
	return n->type;
}

/* A member of a tuple or a record: everything but what has no value of its own. */
static const struct type *check_member(struct checker *c, struct node *n)
{
	const struct type *t = check_decay(check_expression(c, n));

	if (t->kind == TYPE_VOID)
		return check_error(c, n->span, "Value 'void' cannot be used in a tuple.");
	if (type_is_aggregate(t))
		return check_error(c, n->span, "Map type %s cannot exist inside a tuple.",
				   check_type_text(c, t));
	return t->kind == TYPE_STRUCT || t->kind == TYPE_ARRAY ? type_lying(c, t, SPACE_OWN) : t;
}

/* Does the type of the round before still hold? Then it is taken: rounds make no garbage. */
static bool still_holds(const struct type *t, const struct type *const *types,
			const char *const *names, u32 count)
{
	if (!t || t->kind != TYPE_STRUCT || !t->members || t->members->count != count ||
	    t->is_record != (names != NULL))
		return false;
	for (u32 i = 0; i < count; i++) {
		const struct field *f = &t->members->fields[i];

		if (names && (!f->name || strcmp(f->name, names[i]) != 0))
			return false;
		if (f->type != types[i] && (type_is_weak(f->type) || type_is_weak(types[i]) ||
					    !type_equal(f->type, types[i])))
			return false;
	}
	return true;
}

static const struct type *check_members(struct checker *c, struct node *n, struct node *first,
					u32 count, const char *const *names)
{
	const struct type *types[MEMBERS_MAX];
	bool known = true;
	u64 size = 0;
	u32 i = 0;

	if (count > MEMBERS_MAX)
		return check_error(c, n->span, "%u members: a tuple or record has at most %u",
				   count, MEMBERS_MAX);
	for (struct node *m = first; m && i < count; m = m->next, i++) {
		types[i] = check_member(c, m);
		known = known && types[i]->kind != TYPE_NONE;
		size += type_stored_size(types[i]);
	}
	if (size > TUPLE_MAX)
		return check_error(c, n->span, "%llu bytes: a tuple or record has at most %u",
				   (unsigned long long)size, TUPLE_MAX);
	if (!known)
		return &type_none;
	if (still_holds(n->type, types, names, i))
		return n->type;
	return type_tuple(c->script->arena, types, names, i);
}

const struct type *check_tuple(struct checker *c, struct node *n)
{
	if (!n->tuple.count)
		return check_error(c, n->span, "a tuple without members has no type");
	return check_members(c, n, n->tuple.members, n->tuple.count, NULL);
}

const struct type *check_record(struct checker *c, struct node *n)
{
	for (u32 i = 0; i < n->record.count && n->record.count <= MEMBERS_MAX; i++) {
		for (u32 k = 0; k < i; k++) {
			if (!strcmp(n->record.names[i], n->record.names[k]))
				return check_error(c, n->span, "Duplicate record field: %s",
						   n->record.names[i]);
		}
	}
	return check_members(c, n, n->record.members, n->record.count, n->record.names);
}

static bool same_order(const struct node *value, const struct members *m)
{
	for (u32 i = 0; i < m->count; i++) {
		if (!m->fields[i].name || strcmp(m->fields[i].name, value->record.names[i]) != 0)
			return false;
	}
	return true;
}

/* Names that @m does not have stay where they are: an error follows. */
static void order_members(struct checker *c, struct node *value, const struct members *m)
{
	u32 count = m->count, k = 0;
	struct node *all[MEMBERS_MAX], **last = &value->record.members;
	const char **names = arena_alloc(c->script->arena, (count + 1) * sizeof(*names));

	if (arena_error(c->script->arena))
		return;
	/* Copies of the tree share the names. */
	memcpy(names, value->record.names, count * sizeof(*names));
	value->record.names = names;
	for (struct node *e = value->record.members; e && k < count; e = e->next)
		all[k++] = e;
	for (u32 i = 0; i < count; i++) {
		const char *name = names[i];
		struct node *e = all[i];

		for (k = i; k < count && strcmp(names[k], m->fields[i].name ?: "") != 0; k++)
			;
		if (k < count) {
			names[i] = names[k];
			names[k] = name;
			all[i] = all[k];
			all[k] = e;
		}
		*last = all[i];
		last = &all[i]->next;
	}
	*last = NULL;
}

void record_order(struct checker *c, struct node *value, const struct type *to)
{
	if (value->kind != NODE_RECORD || !to || !to->is_record || !to->members ||
	    to->members->count != value->record.count || value->record.count > MEMBERS_MAX ||
	    same_order(value, to->members))
		return;
	order_members(c, value, to->members);
	check_expression(c, value);
}

const struct type *check_address_of(struct checker *c, struct node *n)
{
	struct node *e = n->e;
	const struct type *t;

	if (e->kind == NODE_VARIABLE) {
		t = check_variable(c, e);
		e->type = t;
		if (e->symbol)
			((struct variable *)e->symbol)->in_memory = true;
	} else if (e->kind == NODE_MAP && !e->map.key) {
		struct map *m = map_use(c, e, true);

		t = m ? m->value : &type_none;
		e->type = t;
	} else {
		return check_error(c, n->span,
				   "the address can only be taken of a map or a variable");
	}
	if (t->kind == TYPE_NONE)
		return t;
	return type_pointer(c->script->arena, t, SPACE_OWN);
}

const struct type *check_block_expression(struct checker *c, struct node *n)
{
	u32 mark = scope_enter(c->scope);
	const struct type *t = &type_void;

	check_statements(c, n->block.statements);
	if (n->block.result)
		t = check_expression(c, n->block.result);
	scope_leave(c->scope, mark);
	if (n->block.result && !n->block.statements && node_is_literal(n->block.result))
		replace(n, n->block.result);
	return t;
}

const struct type *check_comptime(struct checker *c, struct node *n)
{
	struct node *e = n->e;
	const struct type *t;

	c->comptime++;
	t = check_expression(c, e);
	c->comptime--;
	if (node_is_literal(e)) {
		replace(n, e);
		return t;
	}
	return check_error(c, n->span, "Unable to resolve comptime expression");
}

static const struct type *check_integer(struct node *n)
{
	return n->symbol ? n->symbol : weak_integer(n->integer.value, n->integer.is_negative);
}

static const struct type *check_string(struct checker *c, struct node *n)
{
	u64 max = c->script->config.max_strlen;

	if (max && n->string.len > max)
		return check_error(c, n->span, "String is too long (over %llu bytes): %.32s...",
				   (unsigned long long)max, n->string.bytes);
	if (n->type && n->type->kind == TYPE_STRING && n->type->size == n->string.len + 1)
		return n->type;
	return type_string(c->script->arena, n->string.len + 1);
}

static const struct type *check_type_node(struct checker *c, struct node *n)
{
	const struct type *t = check_type_name(c, n->size_of.type, n->span);

	return t ? t : &type_none;
}

static const struct type *check_one(struct checker *c, struct node *n)
{
	switch (n->kind) {
	case NODE_INTEGER:
		return check_integer(n);
	case NODE_STRING:
		return check_string(c, n);
	case NODE_BOOL:
		return &type_bool;
	case NODE_IDENTIFIER:
		return check_identifier(c, n);
	case NODE_PARAMETER:
		return check_parameter(c, n);
	case NODE_VARIABLE:
		return check_variable(c, n);
	case NODE_MAP:
		return check_map_value_of(c, n);
	case NODE_CALL:
		return check_call(c, n);
	case NODE_UNARY:
		return check_unary(c, n);
	case NODE_BINARY:
		return check_binary(c, n);
	case NODE_TERNARY:
		return check_ternary(c, n);
	case NODE_CAST:
		return check_cast(c, n);
	case NODE_FIELD:
		return check_field(c, n);
	case NODE_ELEMENT:
		return check_element(c, n);
	case NODE_INDEX:
		return check_index(c, n);
	case NODE_TUPLE:
		return check_tuple(c, n);
	case NODE_RECORD:
		return check_record(c, n);
	case NODE_SIZEOF:
		return check_sizeof(c, n);
	case NODE_OFFSETOF:
		return check_offsetof(c, n);
	case NODE_TYPEINFO:
		return check_typeinfo(c, n);
	case NODE_BLOCK:
		return check_block_expression(c, n);
	case NODE_COMPTIME:
		return check_comptime(c, n);
	case NODE_TYPE:
	case NODE_TYPEOF:
		return check_type_node(c, n);
	case NODE_ADDRESS_OF:
		return check_address_of(c, n);
	default:
		return check_error(c, n->span, "an expression was expected");
	}
}

const struct type *check_expression(struct checker *c, struct node *n)
{
	const struct type *t;

	if (!n)
		return &type_none;
	if (c->depth >= DEPTH_MAX) {
		n->type = too_deep(c, n);
		return n->type;
	}
	c->depth++;
	c->work++;
	t = check_one(c, n);
	c->depth--;
	n->type = t ? t : &type_none;
	return n->type;
}

const struct type *check_expression_as(struct checker *c, struct node *n, const struct type *wanted)
{
	const struct type *t = check_expression(c, n);

	if (wanted && wanted->kind == TYPE_INTEGER && type_is_weak(t) && node_is_literal(n) &&
	    integer_common(t, wanted) == wanted)
		n->type = wanted;
	return n->type;
}
