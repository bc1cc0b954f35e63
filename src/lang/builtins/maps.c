/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions over maps: those that run in the kernel (delete, has_key, find, len) and those that
 * user space does when it reads the record (clear, zero). Deleting from a map without keys takes
 * the whole value away.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

static struct map *map_argument(struct checker *c, struct node *n)
{
	struct node *a = call_argument(n, 0);

	if (a->kind != NODE_MAP || a->map.key) {
		check_error(c, a->span, "%s() expects a map argument", call_name(n));
		return NULL;
	}
	return check_whole_map(c, a);
}

/* The map with its key checked as if @map[key] were read. */
static bool check_key(struct checker *c, struct node *n, const char *what)
{
	struct node *a = call_argument(n, 0), *access = n->extra;
	struct map *m = map_argument(c, n);

	if (!m)
		return false;
	if (!m->key && c->final) {
		check_error(c, n->span,
			    "call to %s expects a map with explicit keys (non-scalar map)", what);
		return false;
	}
	if (!access) {
		access = tree_new(c, n, NODE_MAP);
		access->map.name = a->map.name;
		access->map.key = call_argument(n, 1);
		n->extra = access;
	}
	return check_map(c, access) != NULL;
}

/* ---- delete ---------------------------------------------------------------------------------- */

const struct type *builtin_check_delete(struct checker *c, struct node *n)
{
	struct node *a = call_argument(n, 0);
	struct map *m;

	if (call_count(n) == 2)
		return check_key(c, n, "delete() with two arguments") ? &type_bool : &type_none;
	if (a->kind != NODE_MAP)
		return check_error(c, a->span, "delete() expects a map argument");
	if (a->map.key)
		return check_map(c, a) ? &type_bool : &type_none;
	m = check_whole_map(c, a);
	if (!m)
		return &type_none;
	if (m->key && c->final)
		return check_error(c, n->span,
				   "call to delete() with a single argument expects a map without "
				   "explicit keys (scalar map)");
	return &type_bool;
}

static struct map *map_of(const struct node *n)
{
	return call_argument(n, 0)->symbol;
}

static const struct node *key_of(const struct node *n)
{
	return call_count(n) == 2 ? call_argument(n, 1) : call_argument(n, 0)->map.key;
}

struct operand builtin_emit_delete(struct lower *l, const struct node *n)
{
	struct map *m = map_of(n);
	ir_reg existed = 0;

	lower_delete(l, m, lower_key(l, m, key_of(n)), &existed);
	return operand_value(&type_bool, existed);
}

/* ---- has_key, find, len ---------------------------------------------------------------------- */

const struct type *builtin_check_has_key(struct checker *c, struct node *n)
{
	return check_key(c, n, "has_key()") ? &type_bool : &type_none;
}

struct operand builtin_emit_has_key(struct lower *l, const struct node *n)
{
	struct map *m = map_of(n);
	ir_reg value = lower_lookup(l, m, lower_key(l, m, key_of(n)));

	return operand_value(&type_bool, ir_compare_imm(l->f, IR_NE, 64, value, 0));
}

/* find(@m, key, $v): { let $f = has_key(@m, key); if ($f) { $v = @m[key]; } $f } */
const struct type *builtin_check_find(struct checker *c, struct node *n)
{
	struct node *map = call_argument(n, 0), *key = call_argument(n, 1);
	struct node *to = call_argument(n, 2), *found, *let, *test, *set, *inner, *all;

	if (!map_argument(c, n))
		return &type_none;
	if (to->kind != NODE_VARIABLE)
		return check_error(c, to->span, "find() expects a variable for arg %s", "result");
	found = tree_new(c, n, NODE_VARIABLE);
	found->variable.name =
		arena_printf(c->script->arena, "$find at %u:%u", n->span.source, n->span.start);
	let = tree_new(c, n, NODE_LET);
	let->let.variable = found;
	let->let.value = tree_call(c, n, "has_key", 2, node_copy(c->script->arena, map),
				   node_copy(c->script->arena, key));
	set = tree_new(c, n, NODE_ASSIGN);
	set->assign.target = to;
	set->assign.value = node_copy(c->script->arena, map);
	set->assign.value->map.key = node_copy(c->script->arena, key);
	set->assign.value->next = NULL;
	inner = tree_new(c, n, NODE_BLOCK);
	inner->block.statements = set;
	test = tree_new(c, n, NODE_IF);
	test->if_.condition = node_copy(c->script->arena, found);
	test->if_.yes = inner;
	let->next = test;
	all = tree_new(c, n, NODE_BLOCK);
	all->block.statements = let;
	all->block.result = node_copy(c->script->arena, found);
	return tree_replace(c, n, all);
}

const struct type *builtin_check_len(struct checker *c, struct node *n)
{
	struct node *a = call_argument(n, 0);
	const struct type *t;
	struct map *m;

	if (a->kind == NODE_MAP && !a->map.key) {
		m = check_whole_map(c, a);
		if (m && !m->key && c->final)
			return check_error(c, n->span,
					   "call to len() expects a map with explicit "
					   "keys (non-scalar map)");
		return m ? &type_s64 : &type_none;
	}
	t = check_value_of(c, a);
	if (t->kind == TYPE_NONE)
		return &type_none;
	if (t->kind != TYPE_KSTACK && t->kind != TYPE_USTACK)
		return check_error(c, n->span, "call to len() expects a map, ustack, or kstack");
	return &type_s64;
}

/* The callback of a walk that only counts. */
static u32 counting_callback(struct lower *l)
{
	char name[32];
	struct ir_function *f;

	snprintf(name, sizeof(name), "len_%u", ++l->functions);
	f = ir_function_new(l->module, name, 4);
	ir_return_imm(f, 0);
	return ir_function_number(f);
}

/* A kernel with bpf_map_sum_elem_count() knows; others walk (5.13). */
static ir_reg map_length(struct lower *l, const struct node *n)
{
	struct map *m = map_of(n);
	u32 id = 0;
	ir_reg map;

	if (type_function(l->script->world, NULL, "bpf_map_sum_elem_count", &id) && id) {
		map = lower_map(l, m);
		return ir_call_kernel(l->f, id, 1, &map);
	}
	if (!script_kernel(l->script, 5, 13)) {
		lower_error(l, n->span, "len() of a map needs Linux 5.13 or newer");
		return ir_const(l->f, 0);
	}
	return IR_CALL(l->f, BPF_FUNC_for_each_map_elem, lower_map(l, m),
		       ir_function_address(l->f, counting_callback(l)), ir_const(l->f, 0),
		       ir_const(l->f, 0));
}

struct operand builtin_emit_len(struct lower *l, const struct node *n)
{
	struct node *a = call_argument(n, 0);
	struct operand o;

	if (a->kind == NODE_MAP && !a->map.key)
		return operand_value(&type_s64, map_length(l, n));
	o = lower_in_memory(l, lower_expression(l, a));
	return operand_value(&type_s64,
			     ir_load(l->f, 4, false, o.reg,
				     o.offset + (s32)offsetof(struct stack_value, count)));
}

/* ---- clear, zero ----------------------------------------------------------------------------- */

const struct type *builtin_check_whole_map_action(struct checker *c, struct node *n)
{
	struct map *m = map_argument(c, n);
	struct action *a;

	if (!m)
		return &type_void;
	a = check_action(c, n, call_name(n)[0] == 'c' ? ACTION_CLEAR : ACTION_ZERO);
	if (a)
		a->map = m;
	return &type_void;
}

const struct type *builtin_check_is_scalar(struct checker *c, struct node *n)
{
	struct map *m = map_argument(c, n);

	if (!m)
		return &type_none;
	if (!m->key && m->value->kind == TYPE_NONE && !c->final)
		return &type_bool;
	return tree_replace_bool(c, n, !m->key);
}
