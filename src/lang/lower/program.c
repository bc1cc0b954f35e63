// SPDX-License-Identifier: Apache-2.0
/*
 * A program from beginning to end: its frame, predicate, body, and compiling. What the frame needs
 * is known behind the body only, so the first block is written last:
 *
 *	entry:	exiting? -> out		claim the scratch frame, too deep? -> out
 *	start:	predicate -> leave, body
 *	leave:	give the frame back
 *	out:	return 0, or what the script returned
 *
 * Frames have one size for the whole script, which is in every program's code: when a program turns
 * out to need more than was thought, all are written again. One that needs too much stack is
 * written again with less of it.
 */
#include "lang/lower/internal.h"

#define FRAME_FIRST 4096
#define STACK_FIRST 256

/* What is tried when the stack does not suffice: less for temporary memory, then no registers. */
static const struct attempt {
	u32 stack;
	bool variables_in_frame;
} attempts[] = { { STACK_FIRST, false }, { 96, false }, { 0, false }, { 0, true } };

static bool script_exits(const struct script *s)
{
	for (size_t i = 0; i < s->action_count; i++)
		if (s->actions[i]->kind == ACTION_EXIT)
			return true;
	return false;
}

static bool is_end(const struct lower *l)
{
	return l->program->provider && !strcmp(l->program->provider->name, "end");
}

/* Does somebody look at what the program returns? */
static bool returns_value(const struct lower *l)
{
	const struct provider *p = l->program->provider;

	return p && (!strcmp(p->name, "test") || !strcmp(p->name, "bench"));
}

/* This CPU's frame of the first free depth; counts and leaves when there is none. */
static void claim_frame(struct lower *l, u32 out)
{
	struct script *s = l->script;
	u32 shift = (u32)__builtin_ctz(s->frame_size), free = ir_block(l->f), full = ir_block(l->f);
	u32 frames = s->cpus * NESTING_LEVELS * s->frame_size;
	ir_reg cpu, depths, depth, base;

	cpu = lower_cpu(l);
	depths = ir_binary(l->f, IR_ADD, 64, lower_own_map_value(l, OWN_SCRATCH, frames),
			   ir_binary_imm(l->f, IR_SHL, 64, cpu, 2));
	depth = ir_load(l->f, 4, false, depths, 0);
	ir_branch_imm(l->f, IR_LT, 64, depth, NESTING_LEVELS, free, full);
	ir_at(l->f, full);
	lower_cold_loss(l, LOSS_NESTED, out);
	ir_at(l->f, free);
	ir_store(l->f, 4, depths, 0, ir_binary_imm(l->f, IR_ADD, 64, depth, 1));
	base = ir_binary_imm(l->f, IR_AND, 64, depth, NESTING_LEVELS - 1);
	base = ir_binary_imm(l->f, IR_SHL, 64, base, shift);
	base = ir_binary(l->f, IR_ADD, 64, base, ir_binary_imm(l->f, IR_SHL, 64, cpu, shift + 2));
	ir_set(l->f, l->frame,
	       ir_binary(l->f, IR_ADD, 64, lower_own_map_value(l, OWN_SCRATCH, 0), base));
}

static void give_frame_back(struct lower *l)
{
	u32 frames = l->script->cpus * NESTING_LEVELS * l->script->frame_size;
	ir_reg depths, depth;

	depths = ir_binary(l->f, IR_ADD, 64, lower_own_map_value(l, OWN_SCRATCH, frames),
			   ir_binary_imm(l->f, IR_SHL, 64, lower_cpu(l), 2));
	depth = ir_load(l->f, 4, false, depths, 0);
	ir_store(l->f, 4, depths, 0, ir_binary_imm(l->f, IR_SUB, 64, depth, 1));
}

static void write_entry(struct lower *l, u32 start, u32 out)
{
	u32 go_on = start;
	ir_reg state;

	ir_location(l->f, 0);
	if (l->result)
		ir_set_imm(l->f, l->result, 0);
	if ((script_exits(l->script) || script_detaches_late(l->script)) && !is_end(l)) {
		go_on = ir_block(l->f);
		state = lower_own_map_value(l, OWN_STATE, offsetof(struct script_state, exiting));
		ir_branch_imm(l->f, IR_EQ, 64, ir_load(l->f, 4, false, state, 0), 0, go_on, out);
		ir_at(l->f, go_on);
	}
	if (l->uses_frame)
		claim_frame(l, out);
	ir_jump(l->f, start);
}

static void write_program(struct lower *l)
{
	struct script_program *p = l->program;
	u32 entry, start, out, body, mark;

	l->f = ir_function_new(l->module, p->name, 1);
	l->context = ir_argument(l->f, 0);
	l->frame = ir_new(l->f);
	entry = ir_current(l->f);
	start = ir_block(l->f);
	l->leave = ir_block(l->f);
	out = ir_block(l->f);
	l->result = returns_value(l) ? ir_new(l->f) : 0;
	locals_find(l, p->probe->predicate, p->probe->body);

	ir_at(l->f, start);
	if (p->probe->predicate) {
		body = ir_block(l->f);
		mark = lower_mark(l);
		lower_at(l, p->probe->predicate->span);
		lower_condition(l, p->probe->predicate, body, l->leave);
		lower_release(l, mark);
		ir_at(l->f, body);
	}
	lower_block(l, p->probe->body);
	if (!ir_ended(l->f))
		ir_jump(l->f, l->leave);

	ir_at(l->f, l->leave);
	if (l->uses_frame)
		give_frame_back(l);
	ir_jump(l->f, out);
	ir_at(l->f, out);
	if (l->result)
		ir_return(l->f, l->result);
	else
		ir_return_imm(l->f, 0);
	ir_at(l->f, entry);
	write_entry(l, start, out);
}

/* ---- one program ----------------------------------------------------------------------------- */

struct lowering {
	struct script *script;
	struct literals *literals;
	u32 frame_max; /* of all programs */
};

static int report(struct lower *l, int err)
{
	if (err == -ENOMEM)
		return err;
	diagnose(l->script->diagnostics, l->program->probe->span,
		 "the probe cannot be compiled: %s", error_text());
	if (err == -E2BIG)
		diagnose_hint(l->script->diagnostics,
			      "a program has at most 512 bytes of stack and 1000000 instructions: "
			      "split the block, or make its loops smaller");
	return -EINVAL;
}

static int compile(struct lower *l)
{
	struct ir_target target = { .signed_loads = script_kernel(l->script, 6, 6),
				    .may_goto = script_kernel(l->script, 6, 9) };

	struct ir_program *code = &l->program->code;
	int err = ir_error(l->module);

	ir_program_free(code);
	if (!err)
		err = ir_compile(l->module, 0, &target, code);
	/* the names are the module's, which goes */
	for (size_t i = 0; !err && i < code->part_count; i++)
		code->parts[i].name = arena_strndup(l->script->arena, code->parts[i].name,
						    strlen(code->parts[i].name));
	return err;
}

static void lower_free(struct lower *l)
{
	ir_module_free(l->module);
	free(l->locals);
	free(l->temporaries);
}

/* @dump: only the IR as text. */
static int lower_once(struct lowering *w, struct script_program *p, const struct attempt *how,
		      struct buf *dump)
{
	struct lower l = { .script = w->script,
			   .program = p,
			   .literals = w->literals,
			   .stack_limit = how->stack,
			   .variables_in_frame = how->variables_in_frame };
	int err = 0;

	l.module = ir_module_new();
	if (!l.module)
		return -ENOMEM;
	w->script->ir = l.module;
	write_program(&l);
	w->script->ir = NULL;
	w->frame_max = MAX(w->frame_max, l.frame_max);
	if (arena_error(w->script->arena))
		err = arena_error(w->script->arena);
	else if (l.failed)
		err = -EINVAL;
	else if (dump)
		ir_print(l.module, dump);
	else
		err = compile(&l);
	if (err && !l.failed && (err != -E2BIG || how->variables_in_frame))
		err = report(&l, err);
	lower_free(&l);
	return err;
}

static int lower_program(struct lowering *w, struct script_program *p, struct buf *dump)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		err = lower_once(w, p, &attempts[i], dump);
		if (err != -E2BIG)
			break;
	}
	return err;
}

/* ---- the script ------------------------------------------------------------------------------ */

static u32 power_of_two(u32 n)
{
	u32 p = 64;

	while (p < n)
		p *= 2;
	return p;
}

static int lower_all(struct lowering *w, struct buf *dump)
{
	struct script *s = w->script;
	int err = 0, first = 0;

	s->uses_ring = s->uses_losses = s->uses_state = false;
	w->frame_max = 0;
	s->place_count = 0;
	for (size_t i = 0; i < s->program_count; i++) {
		if (dump)
			buf_printf(dump, "%s%s:\n", i ? "\n" : "", s->programs[i]->name);
		err = lower_program(w, s->programs[i], dump);
		if (err && err != -EINVAL)
			return err;
		first = first ? first : err;
	}
	return first;
}

static int lower_script(struct script *s, struct buf *dump)
{
	struct lowering w = { .script = s };
	size_t start = dump ? dump->len : 0;
	int err;

	w.literals = literals_new();
	if (!w.literals)
		return -ENOMEM;
	buf_clear(&s->strings);
	s->frame_size = FRAME_FIRST;
	err = lower_all(&w, dump);
	if (!err && w.frame_max > s->frame_size) {
		s->frame_size = power_of_two(w.frame_max);
		if (dump)
			dump->len = start;
		err = lower_all(&w, dump);
	}
	if (!w.frame_max)
		s->frame_size = 0;
	literals_free(w.literals);
	if (!err && s->strings.error)
		err = s->strings.error;
	return err;
}

int script_lower(struct script *s)
{
	return lower_script(s, NULL);
}

int script_lower_dump(struct script *s, struct buf *b)
{
	return lower_script(s, b);
}
