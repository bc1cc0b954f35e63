/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps: how they are written (with a key or without, never both), the types of their keys and
 * values over all probes, and at the end their form and sizes in the kernel. A map without a key is
 * one value in an array; aggregations are kept per CPU.
 */
#include "lang/check/internal.h"

static bool note_use(struct checker *c, struct map *m, struct node *n)
{
	static const char keyed_text[] = "%s used as a map with an explicit key (non-scalar map), "
					 "previously used without an explicit key (scalar map)";
	static const char scalar_text[] = "%s used as a map without an explicit key (scalar map), "
					  "previously used with an explicit key (non-scalar map)";
	bool keyed = n->map.key != NULL;

	if (keyed ? m->is_scalar_use : m->is_keyed_use) {
		check_error(c, n->span, keyed ? keyed_text : scalar_text, m->name);
		return false;
	}
	if (keyed)
		m->is_keyed_use = true;
	else
		m->is_scalar_use = true;
	return true;
}

struct map *map_use(struct checker *c, struct node *n, bool whole)
{
	struct map *m = n->symbol ?: script_map(c->script, n->map.name, n->span);

	if (!m)
		return NULL;
	n->symbol = m;
	if (m->declaration && !m->is_scalar_use && !m->is_keyed_use)
		m->first_use = n->span;
	if (!whole && !note_use(c, m, n))
		return NULL;
	return m;
}

static bool key_allowed(struct checker *c, struct node *n, const struct type *t)
{
	if (t->kind == TYPE_VOID || type_is_aggregate(t)) {
		check_error(c, n->span, "Value '%s' cannot be used as a map key.",
			    check_type_text(c, t));
		return false;
	}
	return true;
}

static bool check_key(struct checker *c, struct map *m, struct node *n)
{
	const struct type *t, *both;

	check_expression(c, n->map.key);
	record_order(c, n->map.key, m->key);
	t = check_decay(n->map.key->type);
	if (t->kind == TYPE_NONE)
		return true;
	if (!key_allowed(c, n, t))
		return false;
	if (t->kind == TYPE_STRUCT || t->kind == TYPE_ARRAY)
		t = type_lying(c, t, SPACE_OWN);
	both = m->key ? check_unify(c, m->key, t) : t;
	if (!both) {
		check_error(
			c, n->span,
			"Argument mismatch for %s: trying to access with arguments: '%s' when map "
			"expects arguments: '%s'",
			m->name, check_type_text(c, t), check_type_text(c, m->key));
		return false;
	}
	check_conversion(c, n->map.key, t, both);
	if (both != m->key) {
		m->key = both;
		c->changed = true;
	}
	return true;
}

struct map *check_map(struct checker *c, struct node *n)
{
	struct map *m = map_use(c, n, false);

	if (!m)
		return NULL;
	if (n->map.key && !check_key(c, m, n))
		return NULL;
	n->type = m->value;
	return m;
}

struct map *check_whole_map(struct checker *c, struct node *n)
{
	struct map *m;

	if (n->kind != NODE_MAP || n->map.key) {
		check_error(c, n->span, "a map without a key was expected");
		return NULL;
	}
	m = map_use(c, n, true);
	if (!m)
		return NULL;
	n->type = m->value;
	if (c->final && m->value->kind == TYPE_NONE) {
		check_error(c, n->span, "Undefined map: %s", m->name);
		return NULL;
	}
	return m;
}

const struct type *check_map_value_of(struct checker *c, struct node *n)
{
	struct map *m = check_map(c, n);

	if (!m)
		return &type_none;
	m->is_read = true;
	return m->value;
}

static int map_mismatch(struct checker *c, struct map *m, const struct type *t, struct span at)
{
	if ((m->value->kind == TYPE_HIST || m->value->kind == TYPE_LHIST ||
	     m->value->kind == TYPE_TSERIES) &&
	    t->kind == m->value->kind)
		check_error(c, at,
			    t->kind == TYPE_HIST ? "Different bits in a single hist unsupported"
			    : t->kind == TYPE_LHIST
				    ? "Different lhist bounds in a single map unsupported"
				    : "Different tseries bounds in a single map unsupported");
	else
		check_error(
			c, at,
			"Type mismatch for %s: trying to assign value of type '%s' when map already "
			"has a type '%s'",
			m->name, check_type_text(c, t), check_type_text(c, m->value));
	return -EINVAL;
}

int check_map_value(struct checker *c, struct map *m, const struct type *t, struct span at)
{
	const struct type *both;

	if (t->kind == TYPE_NONE)
		return 0;
	if (t->kind == TYPE_VOID || t->kind == TYPE_FUNCTION) {
		check_error(c, at, "Value '%s' cannot be assigned to a map.",
			    check_type_text(c, t));
		return -EINVAL;
	}
	if (t->kind == TYPE_STRUCT || t->kind == TYPE_ARRAY)
		t = type_lying(c, t, SPACE_OWN);
	both = check_unify(c, m->value, t);
	if (!both)
		return map_mismatch(c, m, t, at);
	if (both != m->value) {
		m->value = both;
		c->changed = true;
	}
	return 0;
}

/* $kv.1 of a loop over a map of aggregations is one of them, though it reads as a number. */
static const struct type *before_decay(const struct node *n, const struct type *t)
{
	const struct variable *v;

	if (n->kind != NODE_ELEMENT || n->element.number != 1 ||
	    n->element.e->kind != NODE_VARIABLE)
		return t;
	v = n->element.e->symbol;
	return v && v->is_pair && v->pair_value ? v->pair_value : t;
}

static bool is_copy_of_aggregation(struct checker *c, struct map *m, struct node *n,
				   const struct type *t)
{
	const char *text;
	size_t len;

	t = before_decay(n->assign.value, t);
	if (!type_is_aggregate(t) || n->assign.value == c->aggregated)
		return false;
	text = check_type_text(c, t);
	len = strlen(text);
	if (len > 2 && !strcmp(text + len - 2, "_t"))
		len -= 2;
	check_error(c, n->span,
		    "Map value '%s' cannot be assigned from one map to another. The function that "
		    "returns this type must be called directly e.g. `%s = %.*s(%s);`.",
		    text, m->name, (int)len, text, t->kind == TYPE_COUNT ? "" : "retval");
	if (check_decay(t) != t && n->assign.value->kind == NODE_MAP)
		check_hint(
			c,
			"Add a cast to integer if you want the value of the aggregate, e.g. `%s = "
			"(int64)%s;`.",
			m->name, n->assign.value->map.name);
	return true;
}

/* += and its like: what the operator makes of the map's value and the right side. */
static const struct type *compound(struct checker *c, struct map *m, struct node *n,
				   const struct type *value)
{
	struct node *b = arena_new_of(c->script->arena, struct node);
	const struct type *t;

	m->is_compound = true;
	if (m->value->kind == TYPE_NONE)
		return &type_none;
	b->kind = NODE_BINARY;
	b->span = n->assign.value->span;
	b->binary.op = n->assign.op;
	b->binary.left = n->assign.target;
	b->binary.right = n->assign.value;
	t = check_operands(c, b, m->value, value);
	n->extra = b->extra;
	return t;
}

void check_assign_map(struct checker *c, struct node *n)
{
	struct node *target = n->assign.target, *value = n->assign.value;
	const struct node *outer = c->aggregated;
	struct map *outer_target = c->target;
	struct map *m = check_map(c, target);
	const struct type *t;
	struct span at = n->span;

	if (n->assign.op == OPERATOR_NONE && value->kind == NODE_CALL) {
		c->aggregated = value;
		c->target = m;
	}
	check_expression(c, value);
	if (m)
		record_order(c, value, m->value);
	t = value->type;
	if (m && !is_copy_of_aggregation(c, m, n, t)) {
		if (type_is_aggregate(t))
			at = value->span;
		if (n->assign.op != OPERATOR_NONE)
			t = compound(c, m, n, t);
		if (!check_map_value(c, m, t, at) && m->value->kind != TYPE_NONE)
			check_conversion(c, value, t, m->value);
		target->type = m->value;
	}
	c->aggregated = outer;
	c->target = outer_target;
}

/* ---- declarations, and what is left at the end ----------------------------------------------- */

static const struct {
	const char *name;
	enum map_form form;
} forms[] = {
	{ "percpulruhash", MAP_PER_CPU_LRU },
	{ "percpuhash", MAP_PER_CPU_HASH },
	{ "lruhash", MAP_LRU },
	{ "hash", MAP_HASH },
};

static const char *form_name(enum map_form form)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (forms[i].form == form)
			return forms[i].name;
	}
	return "hash";
}

int maps_declare(struct script *s)
{
	int err = 0;

	for (const struct map_declaration *d = s->syntax->maps; d; d = d->next) {
		struct map *m = script_map(s, d->name, d->span);
		size_t i = 0;

		while (i < ARRAY_SIZE(forms) && strcmp(forms[i].name, d->type))
			i++;
		if (i == ARRAY_SIZE(forms)) {
			err = diagnose(s->diagnostics, d->span, "Invalid bpf map type: %s",
				       d->type);
			diagnose_hint(s->diagnostics,
				      "Valid map types: percpulruhash, percpuhash, lruhash, hash");
			continue;
		}
		if (!d->size || d->size > UINT32_MAX / 2)
			err = diagnose(s->diagnostics, d->span,
				       "the size of a map is between 1 and %u", UINT32_MAX / 2);
		if (!m)
			return -ENOMEM;
		m->declaration = d;
		m->form = forms[i].form;
	}
	return err;
}

/* What has no type by now: += makes an int64, a value that is only read is an int8 zero. */
bool maps_settle(struct checker *c)
{
	struct script *s = c->script;
	bool any = false;

	for (size_t i = 0; i < s->map_count; i++) {
		struct map *m = s->maps[i];

		if (m->value->kind == TYPE_NONE && m->is_compound) {
			m->value = &type_s64;
			any = true;
		}
	}
	for (size_t i = 0; !any && i < s->map_count; i++) {
		struct map *m = s->maps[i];

		if (m->value->kind == TYPE_NONE && m->is_read) {
			m->value = weak_integer(0, false);
			any = true;
		}
	}
	return any;
}

static u32 padded(u32 size)
{
	return (MAX(size, 1U) + 7) & ~7U;
}

static void finish_form(struct checker *c, struct map *m)
{
	bool per_cpu = type_is_aggregate(m->value);
	bool declared_per_cpu = m->form == MAP_PER_CPU_HASH || m->form == MAP_PER_CPU_LRU;

	if (m->declaration && per_cpu != declared_per_cpu)
		check_error(
			c, m->first_use,
			"Incompatible map types. Type from declaration: %s. Type from value/key "
			"type: %s",
			form_name(m->form), per_cpu ? "percpuhash" : "hash");
	if (!m->key)
		m->form = per_cpu ? MAP_SCALAR_PER_CPU : MAP_SCALAR;
	else if (!m->declaration)
		m->form = per_cpu ? MAP_PER_CPU_HASH : MAP_HASH;
}

#define OLD_KEY_MAX 512 /* bytes, before 5.11 */

/* @t with no string of more than @max bytes. */
static const struct type *cut_strings(struct arena *a, const struct type *t, u32 max)
{
	const struct type *types[16];
	const char *names[ARRAY_SIZE(types)];

	if (t->kind == TYPE_STRING && t->size > max)
		return type_string(a, max);
	if (t->kind != TYPE_STRUCT || (!t->is_tuple && !t->is_record) ||
	    t->members->count > ARRAY_SIZE(types))
		return t;
	for (u32 i = 0; i < t->members->count; i++) {
		types[i] = cut_strings(a, t->members->fields[i].type, max);
		names[i] = t->members->fields[i].name;
	}
	return type_tuple(a, types, t->is_record ? names : NULL, t->members->count);
}

/* Old kernels take no long keys: the strings in them are cut, the longest first. */
static void fit_key(struct checker *c, struct map *m)
{
	const struct type *t = m->key;

	if (script_kernel(c->script, 5, 11))
		return;
	for (u32 max = OLD_KEY_MAX; max > 8 && padded(type_stored_size(t)) > OLD_KEY_MAX; max -= 8)
		t = cut_strings(c->script->arena, m->key, max);
	if (padded(type_stored_size(t)) > OLD_KEY_MAX)
		check_error(c, m->first_use,
			    "the key of %s has %u bytes: before Linux 5.11 it can "
			    "have %u",
			    m->name, type_stored_size(m->key), OLD_KEY_MAX);
	m->key = t;
}

static void finish_map(struct checker *c, struct map *m)
{
	struct script *s = c->script;

	if (m->value->kind == TYPE_NONE) {
		if (m->declaration && !m->is_keyed_use && !m->is_scalar_use)
			check_warning(c, m->declaration->span, "Unused map: %s", m->name);
		else if (!s->diagnostics->errors)
			check_error(c, m->first_use, "Undefined map: %s", m->name);
		m->value = &type_s64;
	}
	if (m->is_keyed_use && !m->key)
		m->key = &type_s64;
	finish_form(c, m);
	if (m->key)
		fit_key(c, m);
	m->key_size = m->key ? padded(type_stored_size(m->key)) : 4;
	m->value_size = padded(type_stored_size(m->value));
	m->set_offset = m->value_size;
	m->stride = padded(m->set_offset + 4);
	if (m->form == MAP_SCALAR_PER_CPU)
		m->stride = (m->stride + 63) & ~63U;
	m->max_entries = !m->key	  ? 1
			 : m->declaration ? (u32)m->declaration->size
					  : (u32)MIN(s->config.max_map_keys, (u64)UINT32_MAX / 2);
	if (!m->max_entries)
		check_error(c, m->first_use, "%s has no room: max_map_keys is 0", m->name);
}

void maps_finish(struct checker *c)
{
	for (size_t i = 0; i < c->script->map_count; i++)
		finish_map(c, c->script->maps[i]);
}
