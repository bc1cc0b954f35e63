/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which probe fired: probe is a constant where the program has one attach point; for several their
 * names lie in a table and the cookie that each was attached with says which. func is the address
 * of the function, named by user space.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

static bool in_user_code(const struct script_program *p)
{
	return p->provider->allows & ALLOWS_USER_PLACE;
}

/*
 * A user probe's program learns the address from Linux 6.6 on; its registers hold it at an
 * entry.
 */
static bool has_helper(const struct script *s, const struct script_program *p)
{
	return in_user_code(p) ? script_kernel(s, 6, 6) : script_kernel(s, 5, 15);
}

/* Where nothing at run time says which function it is: of a program on one function it is known. */
static u64 only_function(const struct script_program *p)
{
	const struct attach_point *a = p->points[0];
	u64 address = 0;

	if (p->point_count > 1 || !a->event || hook_symbol(a->target, a->event, &address))
		return 0;
	return address;
}

static bool begins(const struct script_program *p)
{
	return p->provider->context == CONTEXT_REGISTERS && strcmp(p->provider->name, "kretprobe");
}

const struct type *builtin_check_func(struct checker *c, struct node *n)
{
	const struct script_program *p = c->program;

	if (!check_context(c, n))
		return &type_none;
	if (!has_helper(c->script, p) && !begins(p) && !only_function(p))
		check_error(c, n->span, "func needs Linux 5.15 or newer here; use 'probe' instead");
	return in_user_code(p) ? &type_usym : &type_ksym;
}

static ir_reg function_address(struct lower *l)
{
#if defined(__x86_64__)
	const s32 ip = 128;
#else
	const s32 ip = 256;
#endif
	if (has_helper(l->script, l->program))
		return IR_CALL(l->f, BPF_FUNC_get_func_ip, l->context);
	if (!begins(l->program))
		return ir_const(l->f, (s64)only_function(l->program));
	return ir_load(l->f, 8, false, l->context, ip);
}

struct operand builtin_emit_func(struct lower *l, const struct node *n)
{
	ir_reg address = function_address(l);
	struct operand to;

	if (!in_user_code(l->program))
		return operand_value(&type_ksym, address);
	l->script->uses_user_symbols = true;
	to = lower_temporary(l, &type_usym);
	emit_store(l, to, offsetof(struct usym_value, address), 8, address);
	emit_store(l, to, offsetof(struct usym_value, pid), 8, emit_process(l));
	return to;
}

/* ---- probe ----------------------------------------------------------------------------------- */

static u32 longest_name(const struct script_program *p)
{
	size_t longest = 0;

	for (size_t i = 0; i < p->point_count; i++)
		longest = MAX(longest, strlen(p->points[i]->name ? p->points[i]->name : ""));
	return (u32)longest;
}

const struct type *builtin_check_probe(struct checker *c, struct node *n)
{
	struct script_program *p = c->program;

	if (p->point_count > 1) {
		if (!check_context(c, n))
			return &type_none;
		p->uses_probe = true;
		if (!attach_point_has_cookie(p->points[0], true))
			check_error(
				c, n->span,
				"this kernel does not tell which of the %zu attach points "
				"fired (cookies need Linux 5.15; some probes newer ones): write "
				"them as blocks of their own",
				p->point_count);
	}
	return type_string(c->script->arena, longest_name(p) + 1);
}

/* All names, each in @stride bytes. */
static struct operand name_table(struct lower *l, const struct script_program *p, u32 stride)
{
	u32 size = stride * (u32)p->point_count;
	char *table = arena_alloc(l->script->arena, size);

	for (size_t i = 0; i < p->point_count; i++)
		snprintf(table + i * stride, stride, "%s",
			 p->points[i]->name ? p->points[i]->name : "");
	return operand_literal(l, table, size - 1);
}

struct operand builtin_emit_probe(struct lower *l, const struct node *n)
{
	const struct script_program *p = l->program;
	u32 inside, next, stride = (longest_name(p) + 8) & ~7u;
	struct operand table, o;
	ir_reg index;

	if (p->point_count <= 1) {
		const char *name = p->point_count ? p->points[0]->name : "";

		return operand_literal(l, name ? name : "", (u32)strlen(name ? name : ""));
	}
	table = name_table(l, p, stride);
	index = ir_new(l->f);
	ir_set(l->f, index,
	       ir_binary_imm(l->f, IR_SUB, 64,
			     IR_CALL(l->f, BPF_FUNC_get_attach_cookie, l->context),
			     p->first_point));
	inside = ir_block(l->f);
	next = ir_block(l->f);
	ir_branch_imm(l->f, IR_LT, 64, index, (s64)p->point_count, next, inside);
	ir_at(l->f, inside);
	ir_set_imm(l->f, index, 0);
	ir_jump(l->f, next);
	ir_at(l->f, next);
	o = operand_place(n->type, SPACE_OWN,
			  ir_binary(l->f, IR_ADD, 64, operand_address(l, table),
				    ir_binary_imm(l->f, IR_MUL, 64, index, stride)),
			  0);
	o.is_padded = true;
	return o;
}

const struct type *builtin_check_probetype(struct checker *c, struct node *n)
{
	const struct script_program *p = c->program;
	const struct provider *written = p->point_count ? p->points[0]->provider : p->provider;
	const char *name = written->name;

	if (written->context == CONTEXT_NONE && strcmp(name, "test") && strcmp(name, "bench"))
		name = "special";
	return tree_replace_text(c, n, name);
}
