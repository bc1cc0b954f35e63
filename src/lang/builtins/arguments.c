/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a probe hands over: args, arg0 to arg9, sarg0 to sarg9, retval, ctx, reg(). Where it lies
 * depends on the context: registers of struct pt_regs by the calling convention, u64 args[] with
 * types from BTF, the record of a tracepoint, the operands of a USDT note.
 *
 * args of functions is made a struct in the context, a member per parameter, 8 bytes each.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

struct reg_place {
	const char *name;
	u16 offset;
};

#if defined(__x86_64__)
#define ARCHITECTURE "x86_64"
#define ARGUMENT_REGISTERS 6
#define STACK_ARGUMENT_FIRST 1 /* the return address lies first */
#define RETURN_OFFSET 80
#define STACK_OFFSET 152
static const u16 argument_offsets[] = { 112, 104, 96, 88, 72, 64 };
/* clang-format off */
static const struct reg_place registers[] = {
	{ "r15", 0 }, { "r14", 8 }, { "r13", 16 }, { "r12", 24 }, { "bp", 32 },
	{ "bx", 40 }, { "r11", 48 }, { "r10", 56 }, { "r9", 64 }, { "r8", 72 },
	{ "ax", 80 }, { "cx", 88 }, { "dx", 96 }, { "si", 104 }, { "di", 112 },
	{ "orig_ax", 120 }, { "ip", 128 }, { "cs", 136 }, { "flags", 144 }, { "sp", 152 },
	{ "ss", 160 },
};
/* clang-format on */
#elif defined(__aarch64__)
#define ARCHITECTURE "aarch64"
#define ARGUMENT_REGISTERS 8
#define STACK_ARGUMENT_FIRST 0
#define RETURN_OFFSET 0
#define STACK_OFFSET 248
static const u16 argument_offsets[] = { 0, 8, 16, 24, 32, 40, 48, 56 };
/* clang-format off */
static const struct reg_place registers[] = {
	{ "r0", 0 }, { "r1", 8 }, { "r2", 16 }, { "r3", 24 }, { "r4", 32 }, { "r5", 40 },
	{ "r6", 48 }, { "r7", 56 }, { "r8", 64 }, { "r9", 72 }, { "r10", 80 },
	{ "r11", 88 }, { "r12", 96 }, { "r13", 104 }, { "r14", 112 }, { "r15", 120 },
	{ "r16", 128 }, { "r17", 136 }, { "r18", 144 }, { "r19", 152 }, { "r20", 160 },
	{ "r21", 168 }, { "r22", 176 }, { "r23", 184 }, { "r24", 192 }, { "r25", 200 },
	{ "r26", 208 }, { "r27", 216 }, { "r28", 224 }, { "r29", 232 }, { "r30", 240 },
	{ "sp", 248 }, { "pc", 256 }, { "pstate", 264 },
};
/* clang-format on */
#else
#error "calling convention not known"
#endif

static ir_reg context_word(struct lower *l, u32 offset)
{
	return ir_load(l->f, 8, false, l->context, (s32)offset);
}

static bool has_registers(const struct script_program *p)
{
	return p->provider->context == CONTEXT_REGISTERS ||
	       p->provider->context == CONTEXT_PERF_EVENT;
}

/* ---- args ------------------------------------------------------------------------------------ */

/*
 * Where a pointer parameter points. The verifier trusts those to structs of programs that are typed
 * by BTF, and only them: they are read by plain loads.
 */
static const struct type *member_type(struct checker *c, const struct type *t)
{
	bool typed = c->program->kind.type == BPF_PROG_TYPE_TRACING;

	if (t->kind != TYPE_POINTER || t->space == SPACE_USER)
		return t;
	if (has_registers(c->program))
		return t->space == SPACE_TRUSTED ? type_in(c->script->arena, t, SPACE_NONE) : t;
	if (typed && t->of && t->of->kind == TYPE_STRUCT)
		return type_in(c->script->arena, t, SPACE_TRUSTED);
	return type_in(c->script->arena, t, SPACE_KERNEL);
}

static u16 member_offset(const struct script_program *p, u32 i)
{
	if (has_registers(p))
		return i < ARGUMENT_REGISTERS ? argument_offsets[i] : 0;
	return (u16)(i * 8);
}

static const struct type *function_struct(struct checker *c, const struct type *function)
{
	const struct members *from = type_members(c->script->world, function);
	struct type *t = arena_new_of(c->script->arena, struct type);
	struct members *m = arena_new_of(c->script->arena, struct members);
	u32 count = from ? from->count : 0;

	if (has_registers(c->program))
		count = MIN(count, (u32)ARGUMENT_REGISTERS);
	m->fields = arena_alloc(c->script->arena, MAX(count, 1u) * sizeof(*m->fields));
	m->count = count;
	m->complete = true;
	for (u32 i = 0; i < count; i++) {
		m->fields[i] = from->fields[i];
		m->fields[i].offset = member_offset(c->program, i);
		m->fields[i].type = member_type(c, from->fields[i].type);
	}
	t->kind = TYPE_STRUCT;
	t->size = has_registers(c->program) ? 168 : MAX(count * 8, 8u);
	t->align = 8;
	t->is_anonymous = true;
	t->space = SPACE_CONTEXT;
	t->name = function->name;
	t->members = m;
	return t;
}

const struct type *builtin_check_args(struct checker *c, struct node *n)
{
	const struct type *t = c->program->args;

	c->program->uses_args = true;
	if (!check_context(c, n))
		return &type_none;
	if (!t)
		return check_error(
			c, n->span,
			"the arguments of this probe are not known: neither the kernel's "
			"BTF nor debug information describe them");
	if (t->kind != TYPE_FUNCTION)
		return t->space == SPACE_CONTEXT ? t : type_in(c->script->arena, t, SPACE_CONTEXT);
	if (!n->extra)
		n->extra = (void *)function_struct(c, t);
	return n->extra;
}

struct operand builtin_emit_args(struct lower *l, const struct node *n)
{
	return operand_place(n->type, SPACE_CONTEXT, l->context, 0);
}

/* ---- arg0 ... arg9 --------------------------------------------------------------------------- */

static u32 argument_number(const struct node *n)
{
	const char *name = call_name(n);

	return (u32)(name[strlen(name) - 1] - '0');
}

static bool too_many(struct checker *c, struct node *n, u32 count)
{
	if (argument_number(n) < count)
		return false;
	check_error(c, n->span, "'%s' is out of reach: the probe has %u argument%s", call_name(n),
		    count, count == 1 ? "" : "s");
	return true;
}

const struct type *builtin_check_argument(struct checker *c, struct node *n)
{
	const struct script_program *p = c->program;
	const struct attach_point *a = p->point_count ? p->points[0] : NULL;
	const struct members *m;
	u32 i = argument_number(n);

	c->program->uses_args = true;
	if (!check_context(c, n))
		return &type_none;
	if (a && a->usdt) {
		if (too_many(c, n, a->usdt_count))
			return &type_none;
		return type_integer(8, a->usdt[i].is_signed);
	}
	if (has_registers(p) && i >= ARGUMENT_REGISTERS)
		return check_error(c, n->span, "%s not available on architecture %s", call_name(n),
				   ARCHITECTURE);
	if (p->provider->context == CONTEXT_BTF_ARGUMENTS && p->args &&
	    p->args->kind == TYPE_FUNCTION) {
		m = type_members(c->script->world, p->args);
		if (m && too_many(c, n, m->count))
			return &type_none;
	}
	return &type_u64;
}

/* A register of what was interrupted, cut to the bytes that count. */
static ir_reg usdt_register(struct lower *l, const struct usdt_argument *u, s16 offset)
{
	ir_reg r = context_word(l, (u32)offset);

	return u->kind == USDT_MEMORY && u->base_size == 4 && offset == u->base
		       ? ir_extend(l->f, 32, false, r)
		       : r;
}

static ir_reg usdt_value(struct lower *l, const struct usdt_argument *u, struct span at)
{
	struct operand to;
	ir_reg r;

	if (u->kind == USDT_CONSTANT)
		return ir_const(l->f, u->constant);
	r = u->base >= 0 ? usdt_register(l, u, u->base) : ir_const(l->f, 0);
	if (u->kind == USDT_MEMORY) {
		if (u->index >= 0)
			r = ir_binary(l->f, IR_ADD, 64, r,
				      ir_binary_imm(l->f, IR_MUL, 64, usdt_register(l, u, u->index),
						    u->scale ? u->scale : 1));
		r = ir_binary(l->f, IR_ADD, 64, r, ir_const(l->f, u->constant));
		to = lower_temporary_bytes(l, 8);
		ir_store_imm(l->f, 8, to.reg, to.offset, 0);
		lower_read(l, to, u->size, SPACE_USER, r, at);
		return ir_load(l->f, u->size, u->is_signed, to.reg, to.offset);
	}
	return u->size < 8 ? ir_extend(l->f, u->size * 8u, u->is_signed, r) : r;
}

struct operand builtin_emit_argument(struct lower *l, const struct node *n)
{
	const struct script_program *p = l->program;
	const struct attach_point *a = p->point_count ? p->points[0] : NULL;
	u32 i = argument_number(n);

	if (a && a->usdt && i < a->usdt_count)
		return operand_value(n->type, usdt_value(l, &a->usdt[i], n->span));
	if (has_registers(p))
		return operand_value(&type_u64, context_word(l, argument_offsets[i]));
	if (p->provider->context == CONTEXT_BTF_ARGUMENTS)
		return operand_value(&type_u64, lower_as_number(l, context_word(l, i * 8)));
	return operand_value(&type_u64, context_word(l, i * 8));
}

const struct type *builtin_check_stack_argument(struct checker *c, struct node *n)
{
	return check_context(c, n) ? &type_u64 : &type_none;
}

struct operand builtin_emit_stack_argument(struct lower *l, const struct node *n)
{
	struct operand to = lower_temporary_bytes(l, 8);
	ir_reg from = ir_binary_imm(l->f, IR_ADD, 64, context_word(l, STACK_OFFSET),
				    (STACK_ARGUMENT_FIRST + argument_number(n)) * 8);
	bool user = l->program->provider->allows & ALLOWS_USER_PLACE;

	lower_read(l, to, 8, user ? SPACE_USER : SPACE_KERNEL, from, n->span);
	return operand_value(&type_u64, ir_load(l->f, 8, false, to.reg, to.offset));
}

/* ---- retval, ctx, reg ------------------------------------------------------------------------ */

const struct type *builtin_check_retval(struct checker *c, struct node *n)
{
	const struct type *function = c->program->args;

	if (!check_context(c, n))
		return &type_none;
	if (has_registers(c->program) || !function || function->kind != TYPE_FUNCTION ||
	    !function->of)
		return &type_u64;
	c->program->uses_args = true;
	return member_type(c, function->of);
}

struct operand builtin_emit_retval(struct lower *l, const struct node *n)
{
	const struct type *function = l->program->args;
	const struct members *m;
	ir_reg r;

	if (has_registers(l->program))
		return operand_value(&type_u64, context_word(l, RETURN_OFFSET));
	m = function ? type_members(l->script->world, function) : NULL;
	r = context_word(l, (m ? m->count : 0) * 8);
	if (type_is_integer(n->type) && n->type->size < 8 && n->type->size)
		r = ir_extend(l->f, n->type->size * 8, n->type->is_signed, r);
	return operand_value(n->type, r);
}

const struct type *builtin_check_ctx(struct checker *c, struct node *n)
{
	static const char *const names[] = {
		[CONTEXT_REGISTERS] = "struct pt_regs",
		[CONTEXT_PERF_EVENT] = "struct bpf_perf_event_data",
		[CONTEXT_RAW_ARGUMENTS] = "uint64",
		[CONTEXT_BTF_ARGUMENTS] = "uint64",
	};
	enum context_kind kind = c->program->provider->context;
	const struct type *t = NULL;

	if (!check_context(c, n))
		return &type_none;
	if (kind == CONTEXT_ITERATOR)
		t = c->program->args;
	else if ((size_t)kind < ARRAY_SIZE(names) && names[kind])
		t = type_named(c->script->world, names[kind]);
	return type_pointer(c->script->arena, t ? t : &type_void, SPACE_CONTEXT);
}

struct operand builtin_emit_ctx(struct lower *l, const struct node *n)
{
	return operand_value(n->type, l->context);
}

static const struct reg_place *find_register(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		if (strcmp(registers[i].name, name) == 0)
			return &registers[i];
	return NULL;
}

const struct type *builtin_check_reg(struct checker *c, struct node *n)
{
	const char *name;

	if (!check_context(c, n) || !check_literal_text(c, n, 0, &name, NULL))
		return &type_u64;
	if (!find_register(name))
		return check_error(c, n->span,
				   "'%s' is not a valid register on this architecture (%s)", name,
				   ARCHITECTURE);
	return &type_u64;
}

struct operand builtin_emit_reg(struct lower *l, const struct node *n)
{
	const struct reg_place *r = NULL;
	const char *name;
	u32 len;

	if (check_constant_string(call_argument(n, 0), &name, &len))
		r = find_register(name);
	return operand_value(&type_u64, context_word(l, r ? r->offset : 0));
}
