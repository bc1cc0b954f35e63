// SPDX-License-Identifier: Apache-2.0
/*
 * What goes wrong while a script runs: counted per program and kind in OWN_LOSSES, and told with
 * its place in the script where that is asked for (-k).
 */
#include "lang/lower/internal.h"

#define TOLD_MAX 32

static u32 loss_offset(const struct lower *l, enum loss_kind what)
{
	return (u32)((l->program->number * LOSS_KINDS + what) * sizeof(u64));
}

void lower_count_loss(struct lower *l, enum loss_kind what)
{
	ir_reg counter = lower_own_map_value(l, OWN_LOSSES, loss_offset(l, what));

	ir_atomic(l->f, 8, BPF_ADD, counter, 0, ir_const(l->f, 1), 0);
}

void lower_cold_loss(struct lower *l, enum loss_kind what, u32 next)
{
	lower_count_loss(l, what);
	ir_jump(l->f, next);
}

/* One action for each helper and place, also when the program is lowered a second time. */
static struct action *error_action(struct lower *l, const char *helper, struct span at)
{
	struct script *s = l->script;
	struct action *a;

	for (size_t i = 0; i < s->action_count; i++) {
		a = s->actions[i];
		if (a->kind == ACTION_HELPER_ERROR && a->program == l->program &&
		    !memcmp(&a->span, &at, sizeof(at)) && !strcmp(a->helper, helper))
			return a;
	}
	a = script_action(s, ACTION_HELPER_ERROR, at);
	if (!a)
		return NULL;
	a->helper = helper;
	a->program = l->program;
	if (!a->argument_count)
		action_argument_add(s, a, "error", &type_s32, NULL);
	return a;
}

void lower_helper_error(struct lower *l, const char *helper, ir_reg ret, struct span at,
			bool always)
{
	struct operand value;
	struct action *a;

	if (!always && !l->script->options->warnings)
		return;
	a = error_action(l, helper, at);
	if (!a)
		return;
	value = operand_value(&type_s64, ret);
	lower_send_values(l, a, &value, false);
}

void lower_helper_failed(struct lower *l, enum loss_kind what, const char *helper, ir_reg ret,
			 struct span at, bool always)
{
	u32 tell, on;
	ir_reg told;

	lower_count_loss(l, what);
	if (!always) {
		lower_helper_error(l, helper, ret, at, false);
		return;
	}
	/* A full map fails at every event: the first times are told, all are counted. */
	tell = ir_block(l->f);
	on = ir_block(l->f);
	told = ir_load(l->f, 8, false, lower_own_map_value(l, OWN_LOSSES, loss_offset(l, what)), 0);
	ir_branch_imm(l->f, IR_LE, 64, told, TOLD_MAX, tell, on);
	ir_at(l->f, tell);
	lower_helper_error(l, helper, ret, at, true);
	ir_jump(l->f, on);
	ir_at(l->f, on);
}

/* Room for one more, in the arena. */
static bool place_room(struct script *s)
{
	size_t wanted = s->place_capacity ? s->place_capacity * 2 : 64;
	struct span *more;

	if (s->place_count < s->place_capacity)
		return true;
	more = arena_alloc(s->arena, wanted * sizeof(*more));
	if (arena_error(s->arena))
		return false;
	if (s->place_count)
		memcpy(more, s->places, s->place_count * sizeof(*more));
	s->places = more;
	s->place_capacity = wanted;
	return true;
}

void lower_at(struct lower *l, struct span at)
{
	struct script *s = l->script;
	size_t n = s->place_count;

	l->at = at;
	if (!at.source)
		return;
	if (!n || memcmp(&s->places[n - 1], &at, sizeof(at))) {
		if (!place_room(s))
			return;
		s->places[n] = at;
		s->place_count = n + 1;
	}
	ir_location(l->f, (u32)s->place_count);
}

void lower_error(struct lower *l, struct span at, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	diagnose(l->script->diagnostics, at, "%s", text);
	l->failed = true;
}
