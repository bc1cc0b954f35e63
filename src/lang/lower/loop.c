// SPDX-License-Identifier: Apache-2.0
/*
 * Loops, in the way that the kernel has. In place with may_goto (6.9), where the kernel itself ends
 * what runs too long; as a callback of bpf_loop() (5.17); before, in place with a number of rounds
 * that the verifier can follow. Over a map always as a callback of bpf_for_each_map_elem().
 *
 * A callback is a function with registers of its own. It is handed a closure on its caller's stack:
 *
 *	{ context, frame, first value of the range }
 *
 * and finds variables and the mark "the probe has returned" in the frame, whose bytes the verifier
 * takes for unknown whenever they are read.
 */
#include "lang/lower/internal.h"

enum closure { CLOSURE_CONTEXT = 0, CLOSURE_FRAME = 8, CLOSURE_FIRST = 16, CLOSURE_SIZE = 24 };

struct callback {
	struct callback *outer;
	ir_reg closure; /* the argument */
	u32 entry, start;
	u32 number; /* of its function */
	bool returns;
	u32 returned; /* offset in the frame of the mark, when `returns` */
	struct loop loop;
	/* of the function around */
	struct ir_function *f;
	ir_reg context, frame;
	bool uses_frame;
	struct loop *around;
	u32 stack_used;
};

enum loop_form loop_form(const struct lower *l)
{
	if (script_kernel(l->script, 6, 9))
		return LOOP_MAY_GOTO;
	return script_kernel(l->script, 5, 17) ? LOOP_CALLBACK : LOOP_BOUNDED;
}

bool loop_is_callback(const struct lower *l, const struct node *n)
{
	if (n->kind == NODE_FOR_MAP)
		return true;
	return (n->kind == NODE_WHILE || n->kind == NODE_FOR_RANGE) &&
	       loop_form(l) == LOOP_CALLBACK;
}

/* ---- leaving --------------------------------------------------------------------------------- */

static struct operand returned_mark(struct lower *l, const struct callback *c)
{
	struct operand o = operand_place(&type_u64, SPACE_OWN, lower_frame(l), (s32)c->returned);

	operand_reach(l, &o, 8);
	return o;
}

void lower_leave(struct lower *l)
{
	struct callback *c = l->callback;
	struct operand mark;

	if (!c) {
		ir_jump(l->f, l->leave);
		return;
	}
	if (c->returns) {
		mark = returned_mark(l, c);
		ir_store_imm(l->f, 8, mark.reg, mark.offset, 1);
	}
	ir_jump(l->f, c->loop.end);
}

static void find_return(void *context, const struct node *n)
{
	bool *found = context;

	if (n->kind == NODE_RETURN || (n->kind == NODE_CALL && !strcmp(n->call.name, "exit")))
		*found = true;
	if (!*found)
		lower_children(n, find_return, found);
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static void callback_begin(struct lower *l, struct callback *c, const struct node *n,
			   unsigned arguments, const char *what)
{
	char name[64];
	u32 slot;

	*c = (struct callback){ .outer = l->callback,
				.f = l->f,
				.context = l->context,
				.frame = l->frame,
				.uses_frame = l->uses_frame,
				.around = l->loop,
				.stack_used = l->stack_used };
	find_return(&c->returns, n);
	if (c->returns) {
		struct operand mark = lower_memory(l, 8, true, &slot);

		c->returned = (u32)mark.offset;
		operand_reach(l, &mark, 8);
		ir_store_imm(l->f, 8, mark.reg, mark.offset, 0);
		c->uses_frame = true;
	}
	snprintf(name, sizeof(name), "%s_%u", what, ++l->functions);
	l->f = ir_function_new(l->module, name, arguments);
	c->number = ir_function_number(l->f);
	c->closure = ir_argument(l->f, arguments - 1);
	c->entry = ir_current(l->f);
	c->start = ir_block(l->f);
	c->loop = (struct loop){ .outer = l->loop, .is_callback = true };
	c->loop.next = ir_block(l->f);
	c->loop.end = ir_block(l->f);
	l->context = ir_new(l->f);
	l->frame = ir_new(l->f);
	l->uses_frame = false;
	l->stack_used = 0;
	l->callback_depth++;
	l->callback = c;
	l->loop = &c->loop;
	ir_at(l->f, c->start);
	lower_at(l, n->span);
}

/* @ret: the callback's frame is needed. */
static void callback_end(struct lower *l, struct callback *c)
{
	bool uses_frame = l->uses_frame;

	if (!ir_ended(l->f))
		ir_jump(l->f, c->loop.next);
	ir_at(l->f, c->loop.next);
	ir_return_imm(l->f, 0);
	ir_at(l->f, c->loop.end);
	ir_return_imm(l->f, 1);
	ir_at(l->f, c->entry);
	ir_set(l->f, l->context, ir_load(l->f, 8, false, c->closure, CLOSURE_CONTEXT));
	if (uses_frame)
		ir_set(l->f, l->frame, ir_load(l->f, 8, false, c->closure, CLOSURE_FRAME));
	ir_jump(l->f, c->start);
	l->f = c->f;
	l->context = c->context;
	l->frame = c->frame;
	l->uses_frame = c->uses_frame || uses_frame;
	l->stack_used = c->stack_used;
	l->loop = c->around;
	l->callback = c->outer;
	l->callback_depth--;
	c->uses_frame = uses_frame;
}

/* On the caller's stack; valid until the mark around is released. */
static struct operand closure_make(struct lower *l, const struct callback *c, ir_reg first)
{
	u32 size = first ? CLOSURE_SIZE : CLOSURE_FIRST;
	u32 slot = ir_slot(l->f, size);
	struct operand o = operand_place(&type_none, SPACE_OWN, ir_slot_address(l->f, slot, 0), 0);

	ir_store(l->f, 8, o.reg, CLOSURE_CONTEXT, l->context);
	if (c->uses_frame)
		ir_store(l->f, 8, o.reg, CLOSURE_FRAME, lower_frame(l));
	else
		ir_store_imm(l->f, 8, o.reg, CLOSURE_FRAME, 0);
	if (first)
		ir_store(l->f, 8, o.reg, CLOSURE_FIRST, first);
	return o;
}

/* Behind the helper's call: a return inside of the body is one here, too. */
static void callback_returned(struct lower *l, const struct callback *c)
{
	u32 leave, go_on;
	struct operand mark;

	if (!c->returns)
		return;
	leave = ir_block(l->f);
	go_on = ir_block(l->f);
	mark = returned_mark(l, c);
	ir_branch_imm(l->f, IR_NE, 64, ir_load(l->f, 8, false, mark.reg, mark.offset), 0, leave,
		      go_on);
	ir_at(l->f, leave);
	lower_leave(l);
	ir_at(l->f, go_on);
}

/* Counts a loop that used up @limit rounds. */
static void loop_cut(struct lower *l, ir_reg rounds, u64 limit)
{
	u32 cut = ir_block(l->f), join = ir_block(l->f);

	ir_branch_imm(l->f, IR_GE, 64, rounds, (s64)limit, cut, join);
	ir_at(l->f, cut);
	lower_cold_loss(l, LOSS_LOOP, join);
	ir_at(l->f, join);
}

static void loop_variable(struct lower *l, const struct node *n, ir_reg value)
{
	struct local *v = local_of(l, n->for_.variable);

	if (!v)
		return;
	local_declare(l, v);
	local_write(l, v, operand_value(&type_s64, value));
}

/* ---- in place -------------------------------------------------------------------------------- */

/* What bounds the rounds of a loop in place. */
struct rounds {
	ir_reg count; /* LOOP_BOUNDED, and not known to the verifier otherwise */
	u32 limit;
	u32 head, go_on, cut, next, end;
	struct loop loop;
};

/*
 * How deep loops nest below a node, and about how many branches there are. Of loops whose rounds
 * are known: how many those are.
 */
struct weight {
	unsigned height, branches;
	u64 rounds;
};

/* Of a range of constants that is not too long; 0: they are not known. */
static u32 known_rounds(s64 from, s64 to)
{
	if (from >= to)
		return 1;
	return (u64)to - (u64)from <= BOUNDED_LIMIT ? (u32)(to - from) : 0;
}

static u32 rounds_of(const struct node *n)
{
	s64 from, to;

	if (n->kind != NODE_FOR_RANGE || !check_constant(n->for_.from, &from) ||
	    !check_constant(n->for_.to, &to))
		return 0;
	return known_rounds(from, to);
}

static void weigh(void *context, const struct node *n)
{
	struct weight *w = context, below = { .rounds = 1 };
	u32 known = rounds_of(n);

	w->branches += n->kind == NODE_IF || n->kind == NODE_TERNARY || n->kind == NODE_CALL ||
		       n->kind == NODE_MAP || n->kind == NODE_BINARY || n->kind == NODE_FIELD;
	lower_children(n, weigh, &below);
	w->branches += below.branches;
	if (known)
		below.rounds = MIN(below.rounds * known, UINT32_MAX);
	else
		below.height += n->kind == NODE_WHILE || n->kind == NODE_FOR_RANGE;
	w->height = MAX(w->height, below.height);
	w->rounds = MAX(w->rounds, below.rounds);
}

/*
 * Before 5.17 the verifier follows each round and keeps a list of the branches that it has not
 * taken yet, of 8192 at most. Loops in one another multiply.
 */
static u32 bounded_rounds(struct lower *l, const struct node *loop)
{
	struct weight w = { .rounds = 1 };
	unsigned depth = 0;
	u32 limit = 1;

	weigh(&w, loop);
	for (struct loop *p = l->loop; p; p = p->outer) {
		if (p->rounds)
			w.rounds = MIN(w.rounds * p->rounds, UINT32_MAX);
		else
			depth++;
	}
	depth += w.height;
	for (;; limit++) {
		u64 product = (w.branches + 1) * w.rounds;

		for (unsigned i = 0; i < depth && product <= BRANCHES_PENDING; i++)
			product *= limit + 1;
		if (product > BRANCHES_PENDING || limit == BOUNDED_LIMIT)
			return limit;
	}
}

static void rounds_begin(struct lower *l, struct rounds *r, const struct node *loop, bool known)
{
	if (loop_form(l) == LOOP_BOUNDED)
		r->limit = bounded_rounds(l, loop);
	r->head = ir_block(l->f);
	r->go_on = ir_block(l->f);
	r->cut = ir_block(l->f);
	r->next = ir_block(l->f);
	r->end = ir_block(l->f);
	r->loop = (struct loop){ .outer = l->loop, .next = r->next, .end = r->end };
	if (loop_form(l) == LOOP_MAY_GOTO) {
		locals_forget(l, loop);
	} else if (!known) {
		r->count = ir_new(l->f);
		ir_set_imm(l->f, r->count, 0);
	}
	ir_jump(l->f, r->head);
	ir_at(l->f, r->head);
	if (loop_form(l) == LOOP_MAY_GOTO)
		ir_may_goto(l->f, r->go_on, r->cut);
	else if (!known)
		ir_branch_imm(l->f, IR_LT, 64, r->count, r->limit, r->go_on, r->cut);
	else
		ir_jump(l->f, r->go_on);
	ir_at(l->f, r->go_on);
	l->loop = &r->loop;
}

/* The current block is what runs before the next round. */
static void rounds_end(struct lower *l, struct rounds *r)
{
	if (r->count)
		ir_set(l->f, r->count, ir_binary_imm(l->f, IR_ADD, 64, r->count, 1));
	ir_jump(l->f, r->head);
	ir_at(l->f, r->cut);
	lower_cold_loss(l, LOSS_LOOP, r->end);
	ir_at(l->f, r->end);
	l->loop = r->loop.outer;
}

static void while_in_place(struct lower *l, const struct node *n)
{
	struct rounds r = {};
	u32 body = ir_block(l->f), mark;

	rounds_begin(l, &r, n, false);
	mark = lower_mark(l);
	lower_condition(l, n->while_.condition, body, r.end);
	lower_release(l, mark);
	ir_at(l->f, body);
	lower_block(l, n->while_.body);
	if (!ir_ended(l->f))
		ir_jump(l->f, r.next);
	ir_at(l->f, r.next);
	rounds_end(l, &r);
}

static void range_in_place(struct lower *l, const struct node *n, struct operand from,
			   struct operand to)
{
	u32 body = ir_block(l->f), mark;
	ir_reg i = ir_new(l->f), first = lower_operand_value(l, from), last;
	struct rounds r = {};
	u32 known = from.is_constant && to.is_constant ? known_rounds(from.constant, to.constant)
						       : 0;

	if (loop_form(l) != LOOP_BOUNDED || !known)
		first = ir_binary(l->f, IR_ADD, 64, first, lower_unknown_zero(l));
	ir_set(l->f, i, first);
	last = ir_new(l->f);
	ir_set(l->f, last, lower_operand_value(l, to));
	rounds_begin(l, &r, n, known);
	r.loop.rounds = known;
	if (to.is_constant && to.constant == (s32)to.constant)
		ir_branch_imm(l->f, IR_SLT, 64, i, to.constant, body, r.end);
	else
		ir_branch(l->f, IR_SLT, 64, i, last, body, r.end);
	ir_at(l->f, body);
	mark = lower_mark(l);
	loop_variable(l, n, i);
	lower_block(l, n->for_.body);
	lower_release(l, mark);
	if (!ir_ended(l->f))
		ir_jump(l->f, r.next);
	ir_at(l->f, r.next);
	ir_set(l->f, i, ir_binary_imm(l->f, IR_ADD, 64, i, 1));
	rounds_end(l, &r);
}

/* ---- by bpf_loop() --------------------------------------------------------------------------- */

static void while_callback(struct lower *l, const struct node *n)
{
	struct callback c;
	struct operand closure;
	u32 body, mark;
	ir_reg done;

	callback_begin(l, &c, n, 2, "while");
	body = ir_block(l->f);
	mark = lower_mark(l);
	lower_condition(l, n->while_.condition, body, c.loop.end);
	lower_release(l, mark);
	ir_at(l->f, body);
	lower_block(l, n->while_.body);
	callback_end(l, &c);
	closure = closure_make(l, &c, 0);
	done = IR_CALL(l->f, BPF_FUNC_loop, ir_const(l->f, LOOP_LIMIT),
		       ir_function_address(l->f, c.number), closure.reg, ir_const(l->f, 0));
	loop_cut(l, done, LOOP_LIMIT);
	callback_returned(l, &c);
}

/* How many rounds: what the range holds, at most bpf_loop()'s limit. */
static ir_reg range_rounds(struct lower *l, ir_reg first, ir_reg last)
{
	u32 some = ir_block(l->f), many = ir_block(l->f), join = ir_block(l->f);
	ir_reg count = ir_new(l->f);

	ir_set_imm(l->f, count, 0);
	ir_branch(l->f, IR_SLT, 64, first, last, some, join);
	ir_at(l->f, some);
	ir_set(l->f, count, ir_binary(l->f, IR_SUB, 64, last, first));
	ir_branch_imm(l->f, IR_GT, 64, count, LOOP_LIMIT, many, join);
	ir_at(l->f, many);
	ir_set_imm(l->f, count, LOOP_LIMIT);
	lower_cold_loss(l, LOSS_LOOP, join);
	ir_at(l->f, join);
	return count;
}

static void range_callback(struct lower *l, const struct node *n, ir_reg first, ir_reg last)
{
	ir_reg index, count = range_rounds(l, first, last);
	struct operand closure;
	struct callback c;
	u32 mark;

	callback_begin(l, &c, n->for_.body, 2, "for");
	index = ir_extend(l->f, 32, false, ir_argument(l->f, 0));
	index = ir_binary(l->f, IR_ADD, 64, index,
			  ir_load(l->f, 8, false, c.closure, CLOSURE_FIRST));
	mark = lower_mark(l);
	loop_variable(l, n, index);
	lower_block(l, n->for_.body);
	lower_release(l, mark);
	callback_end(l, &c);
	closure = closure_make(l, &c, first);
	IR_CALL(l->f, BPF_FUNC_loop, count, ir_function_address(l->f, c.number), closure.reg,
		ir_const(l->f, 0));
	callback_returned(l, &c);
}

/* ---- over maps ------------------------------------------------------------------------------- */

/* $kv = (key, value) */
static void pair_variable(struct lower *l, const struct node *n, const struct map *m)
{
	struct operand key = operand_place(m->key, SPACE_OWN, ir_argument(l->f, 1), 0);
	struct operand value = operand_place(m->value, SPACE_OWN, ir_argument(l->f, 2), 0), to;
	struct local *v = local_of(l, n->for_.variable);
	const struct members *parts;

	if (!v)
		return;
	local_declare(l, v);
	parts = v->type->members;
	if (v->type->kind != TYPE_STRUCT || parts->count != 2)
		return;
	key.is_padded = value.is_padded = true;
	to = local_place(l, v);
	lower_zero_gaps(l, to);
	lower_store(l, operand_part(to, parts->fields[0].type, parts->fields[0].offset), key);
	if (type_is_aggregate(m->value))
		value = lower_aggregate(l, m, key, n->span);
	lower_store(l, operand_part(to, parts->fields[1].type, parts->fields[1].offset), value);
}

void lower_for_map(struct lower *l, const struct node *n)
{
	struct map *m = n->for_.map->symbol;
	struct operand closure;
	struct callback c;
	u32 mark;

	if (!m)
		return;
	if (!script_kernel(l->script, 5, 13)) {
		lower_error(l, n->span,
			    "a loop over a map needs Linux 5.13 (bpf_for_each_map_elem)");
		return;
	}
	callback_begin(l, &c, n->for_.body, 4, "for_map");
	mark = lower_mark(l);
	pair_variable(l, n, m);
	lower_block(l, n->for_.body);
	lower_release(l, mark);
	callback_end(l, &c);
	closure = closure_make(l, &c, 0);
	IR_CALL(l->f, BPF_FUNC_for_each_map_elem, lower_map(l, m),
		ir_function_address(l->f, c.number), closure.reg, ir_const(l->f, 0));
	callback_returned(l, &c);
}

/* ---- statements ------------------------------------------------------------------------------ */

void lower_while(struct lower *l, const struct node *n)
{
	if (loop_form(l) == LOOP_CALLBACK)
		while_callback(l, n);
	else
		while_in_place(l, n);
}

void lower_for_range(struct lower *l, const struct node *n)
{
	struct operand from = lower_stable(l, lower_expression(l, n->for_.from), n->for_.to);
	struct operand to = lower_expression(l, n->for_.to);
	ir_reg first, last;

	if (loop_form(l) != LOOP_CALLBACK) {
		range_in_place(l, n, from, to);
		return;
	}
	first = lower_operand_value(l, from);
	last = lower_operand_value(l, to);
	range_callback(l, n, first, last);
}

#define UNROLL_MAX 100

void lower_unroll(struct lower *l, const struct node *n)
{
	struct loop loop = { .outer = l->loop, .end = ir_block(l->f) };
	struct operand count = lower_expression(l, n->while_.condition);

	if (!count.is_constant || count.constant > UNROLL_MAX) {
		lower_error(l, n->span, "unroll takes a number known beforehand, at most %d",
			    UNROLL_MAX);
		return;
	}
	l->loop = &loop;
	for (s64 i = 0; i < count.constant; i++) {
		loop.next = ir_block(l->f);
		lower_block(l, n->while_.body);
		if (!ir_ended(l->f))
			ir_jump(l->f, loop.next);
		ir_at(l->f, loop.next);
	}
	ir_jump(l->f, loop.end);
	ir_at(l->f, loop.end);
	l->loop = loop.outer;
}
