/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rounds. Types only ever grow, so that going over all programs again and again comes to an
 * end; then what still has no type is settled, and a last round reports all that is wrong.
 */
#include "lang/check/internal.h"

/*
 * Nodes in all rounds: two seconds of work. A chain of maps assigned in reverse order takes a round
 * for each; any other script three.
 */
#define WORK_MAX 20000000

const struct type *check_error(struct checker *c, struct span at, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = {};
	va_list args;

	if (!c->final)
		return &type_none;
	va_start(args, fmt);
	buf_vprintf(&b, fmt, args);
	va_end(args);
	diagnose(c->script->diagnostics, at, "%s", buf_str(&b));
	return &type_none;
}

void check_warning(struct checker *c, struct span at, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = {};
	va_list args;

	if (!c->final)
		return;
	va_start(args, fmt);
	buf_vprintf(&b, fmt, args);
	va_end(args);
	diagnose_warning(c->script->diagnostics, at, "%s", buf_str(&b));
}

void check_hint(struct checker *c, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = {};
	va_list args;

	if (!c->final)
		return;
	va_start(args, fmt);
	buf_vprintf(&b, fmt, args);
	va_end(args);
	diagnose_hint(c->script->diagnostics, "%s", buf_str(&b));
}

static void check_program(struct checker *c, struct script_program *p)
{
	struct node *predicate = p->probe->predicate;

	c->program = p;
	c->loop_depth = c->for_depth = c->callback_depth = c->depth = 0;
	scope_clear(c->scope);
	if (predicate) {
		check_expression(c, predicate);
		check_condition(c, predicate, predicate->span);
	}
	if (p->probe->body)
		check_block(c, p->probe->body);
}

static void check_round(struct checker *c)
{
	c->changed = false;
	for (size_t i = 0; i < c->script->program_count; i++)
		check_program(c, c->script->programs[i]);
	c->round++;
}

/* A variable that was declared and never written. */
static bool is_never_assigned(void *context, struct node *n)
{
	struct checker *c = context;
	const struct variable *v;

	if (n->kind != NODE_LET)
		return true;
	v = n->let.variable->symbol;
	if (v && v->declaration == n->let.variable && !v->is_assigned && !v->in_memory)
		check_warning(c, v->span, "Variable %s was never assigned to.", v->name);
	return true;
}

/*
 * Until nothing changes; then sizes and names of types may be asked for, which may decide what is
 * compiled at all; then what still has no type gets its default.
 */
static void settle_types(struct checker *c)
{
	for (;;) {
		check_round(c);
		if (arena_error(c->script->arena) || c->too_deep ||
		    (c->work > WORK_MAX && c->round > 8))
			return;
		if (c->changed)
			continue;
		if (c->settle && !maps_settle(c))
			return;
		c->settle = true;
	}
}

int script_check(struct script *s)
{
	struct checker c = { .script = s, .scope = scope_new(s->arena) };

	maps_declare(s);
	settle_types(&c);
	if (arena_error(s->arena))
		return fail(arena_error(s->arena), "the script needs more memory than it may have");
	c.final = true;
	check_round(&c);
	if (c.changed && !c.too_deep && !s->diagnostics->errors)
		return fail(-E2BIG, "the script's types are not settled after %u rounds", c.round);
	maps_finish(&c);
	for (size_t i = 0; i < s->program_count; i++)
		node_walk(s->programs[i]->probe->body, is_never_assigned, &c);
	if (arena_error(s->arena))
		return fail(arena_error(s->arena), "the script needs more memory than it may have");
	return s->diagnostics->errors ? -EINVAL : 0;
}
