// SPDX-License-Identifier: Apache-2.0
/*
 * Records into the ring. One of a fixed size is reserved and written where it will be read. One
 * with a tail is put together in the frame and leaves at its exact length:
 *
 *	header, arguments ... | text of argument 2 | text of argument 5
 *
 * The record's fixed part is taken before the arguments are evaluated, so that the first text was
 * read to where it belongs already and the others move down only.
 *
 * Waking the reader costs 50 times what a record costs: only what somebody waits for does it, and
 * what comes when the ring fills up.
 */
#include "event/event.h"
#include "lang/lower/internal.h"

#define RESERVED_MAX 4096
#define WAKE_BYTES (64 << 10)

struct outgoing {
	bool reserved;
	const struct action *action;
	struct operand at;	/* its first byte */
	struct operand *values; /* one for each argument; in the arena */
	bool has_tail, in_place;
	bool wake;
};

bool lower_is_seldom(const struct lower *l)
{
	static const char *const seldom[] = { "begin", "end", "interval", "self", "test", "bench" };

	for (size_t i = 0; i < ARRAY_SIZE(seldom) && l->program->provider; i++)
		if (!strcmp(l->program->provider->name, seldom[i]))
			return true;
	return false;
}

static bool is_control(const struct lower *l, const struct action *a)
{
	switch (a->kind) {
	case ACTION_PRINTF:
	case ACTION_ERRORF:
	case ACTION_WARNF:
	case ACTION_PRINT_VALUE:
	case ACTION_EMIT:
	case ACTION_SKBOUTPUT:
	case ACTION_HELPER_ERROR:
	case ACTION_RUNTIME_ERROR:
		break;
	default:
		return true;
	}
	return lower_is_seldom(l);
}

static ir_reg wake_flags(struct lower *l, bool wake)
{
	ir_reg waiting, flags;
	u32 full, join;

	if (wake)
		return ir_const(l->f, BPF_RB_FORCE_WAKEUP);
	waiting = IR_CALL(l->f, BPF_FUNC_ringbuf_query, lower_own_map(l, OWN_RING),
			  ir_const(l->f, BPF_RB_AVAIL_DATA));
	flags = ir_new(l->f);
	full = ir_block(l->f);
	join = ir_block(l->f);
	ir_set_imm(l->f, flags, BPF_RB_NO_WAKEUP);
	ir_branch_imm(l->f, IR_GE, 64, waiting, WAKE_BYTES, full, join);
	ir_at(l->f, full);
	ir_set_imm(l->f, flags, BPF_RB_FORCE_WAKEUP);
	ir_jump(l->f, join);
	ir_at(l->f, join);
	return flags;
}

/* ---- the fixed part -------------------------------------------------------------------------- */

static void write_header(struct lower *l, const struct outgoing *r, ir_reg size, ir_reg time)
{
	struct operand at = r->at;

	operand_reach(l, &at, sizeof(struct record_header));
	ir_store_imm(l->f, 4, at.reg, at.offset, (s64)r->action->number + 1);
	if (size)
		ir_store(l->f, 4, at.reg, at.offset + 4, size);
	else
		ir_store_imm(l->f, 4, at.reg, at.offset + 4, r->action->fixed_size);
	if (time)
		ir_store(l->f, 8, at.reg, at.offset + 8, time);
	else
		ir_store_imm(l->f, 8, at.reg, at.offset + 8, 0);
}

static ir_reg record_time(struct lower *l)
{
	return l->script->options->timestamps ? IR_CALL(l->f, BPF_FUNC_ktime_get_ns) : 0;
}

/* Is some byte of the 8 at @word no value's? */
static bool has_gap(const struct action *a, u32 word)
{
	u32 covered = 0;

	for (u32 i = 0; i < a->argument_count; i++) {
		const struct action_argument *p = &a->arguments[i];
		u32 start = p->offset;
		u32 end = start + (p->in_tail ? 4 : type_stored_size(p->type));

		start = MAX(start, word);
		end = MIN(end, word + 8);
		covered += end > start ? end - start : 0;
	}
	return covered < 8;
}

/* Nothing of the kernel's memory leaves with a record: what is between the values is zero. */
static void write_fixed(struct lower *l, const struct outgoing *r)
{
	const struct action *a = r->action;

	for (u32 at = sizeof(struct record_header); at + 8 <= a->fixed_size; at += 8)
		if (has_gap(a, at))
			lower_zero(l, operand_part(r->at, &type_u64, at), 8);
	for (u32 i = 0; i < a->argument_count; i++) {
		const struct action_argument *p = &a->arguments[i];

		if (p->in_tail)
			continue;
		if (!r->values[i].type)
			lower_into(l, operand_part(r->at, p->type, p->offset), p->node);
		else
			lower_store(l, operand_part(r->at, p->type, p->offset), r->values[i]);
	}
}

static void send_reserved(struct lower *l, struct outgoing *r)
{
	u32 there = ir_block(l->f), none = ir_block(l->f), join = ir_block(l->f);
	ir_reg time = record_time(l), at;

	at = IR_CALL(l->f, BPF_FUNC_ringbuf_reserve, lower_own_map(l, OWN_RING),
		     ir_const(l->f, r->action->fixed_size), ir_const(l->f, 0));
	ir_branch_imm(l->f, IR_NE, 64, at, 0, there, none);
	ir_at(l->f, none);
	lower_cold_loss(l, LOSS_RING, join);
	ir_at(l->f, there);
	r->at = operand_place(&type_none, SPACE_OWN, at, 0);
	write_header(l, r, 0, time);
	write_fixed(l, r);
	IR_CALL(l->f, BPF_FUNC_ringbuf_submit, at, wake_flags(l, r->wake));
	ir_jump(l->f, join);
	ir_at(l->f, join);
}

/* ---- tails ----------------------------------------------------------------------------------- */

static u32 tail_max(const struct action_argument *p)
{
	return MIN(p->type->size, TAIL_TRUNCATED - 1u);
}

/* Do the texts lie behind the record in their order, each no nearer than it may come to lie? */
static bool tails_follow(struct lower *l, const struct outgoing *r)
{
	u32 next = (u32)r->at.offset + r->action->fixed_size;

	for (u32 i = 0; i < r->action->argument_count; i++) {
		const struct operand *o = &r->values[i];

		if (!r->action->arguments[i].in_tail)
			continue;
		if (!o->in_memory || o->reg != l->frame || o->offset < (s32)next || !o->length)
			return false;
		next = (u32)o->offset + tail_max(&r->action->arguments[i]);
	}
	return true;
}

/* At most @max; so that the verifier sees it, wherever the length comes from. */
static ir_reg bounded(struct lower *l, ir_reg length, u32 max)
{
	ir_reg v = ir_new(l->f);
	u32 large = ir_block(l->f), join = ir_block(l->f);

	ir_set(l->f, v, length);
	ir_branch_imm(l->f, IR_GT, 64, v, max, large, join);
	ir_at(l->f, large);
	ir_set_imm(l->f, v, max);
	ir_jump(l->f, join);
	ir_at(l->f, join);
	return v;
}

/* Copies @o's bytes to @to; how many, without NUL. */
static ir_reg copy_tail(struct lower *l, ir_reg to, struct operand o, u32 max)
{
	ir_reg length, got;
	u32 good, join;

	if (o.type->kind == TYPE_BUFFER) {
		length = bounded(l, lower_operand_value(l, operand_part(o, &type_u32, 0)), max);
		IR_CALL(l->f, BPF_FUNC_probe_read_kernel, to, length,
			operand_address(l, operand_part(o, &type_u8, 4)));
		return length;
	}
	if (o.length) {
		length = bounded(l, o.length, max - 1);
		IR_CALL(l->f, BPF_FUNC_probe_read_kernel, to, length, operand_address(l, o));
		return length;
	}
	length = ir_new(l->f);
	good = ir_block(l->f);
	join = ir_block(l->f);
	got = IR_CALL(l->f, BPF_FUNC_probe_read_kernel_str, to, ir_const(l->f, max),
		      operand_address(l, o));
	ir_set_imm(l->f, length, 0);
	ir_branch_imm(l->f, IR_SGT, 64, got, 0, good, join);
	ir_at(l->f, good);
	ir_set(l->f, length, ir_binary_imm(l->f, IR_SUB, 64, got, 1));
	ir_jump(l->f, join);
	ir_at(l->f, join);
	return bounded(l, length, max - 1);
}

/* The length from which on a string of the type counts as cut, as bpftrace marks it; 0: never. */
static u32 cut_from(const struct lower *l, const struct action_argument *p)
{
	u64 max = l->script->config.max_strlen;

	if (p->type->kind != TYPE_STRING || p->type->size <= max || max >= TAIL_TRUNCATED)
		return 0;
	return (u32)max;
}

/* {u16 offset, u16 length} */
static void write_tail_place(struct lower *l, const struct outgoing *r,
			     const struct action_argument *p, ir_reg at, ir_reg length)
{
	struct operand to = operand_part(r->at, &type_u16, p->offset);
	u32 from = cut_from(l, p), cut, join;

	operand_reach(l, &to, 4);
	ir_store(l->f, 2, to.reg, to.offset, at);
	ir_store(l->f, 2, to.reg, to.offset + 2, length);
	if (!from)
		return;
	cut = ir_block(l->f);
	join = ir_block(l->f);
	ir_branch_imm(l->f, IR_GE, 64, length, from, cut, join);
	ir_at(l->f, cut);
	ir_store(l->f, 2, to.reg, to.offset + 2,
		 ir_binary_imm(l->f, IR_OR, 64, length, TAIL_TRUNCATED));
	ir_jump(l->f, join);
	ir_at(l->f, join);
}

/* Strings of other memory are read to memory of our own first. */
static struct operand own_tail(struct lower *l, struct operand o)
{
	struct operand to;

	if (o.in_memory && o.space == SPACE_OWN && !o.may_be_absent)
		return o;
	to = lower_temporary(l, o.type);
	lower_store(l, to, o);
	return to;
}

/* Returns the size of the record. */
static ir_reg write_tails(struct lower *l, struct outgoing *r)
{
	const struct action *a = r->action;
	ir_reg end = ir_const(l->f, a->fixed_size), length;
	bool first = true;

	for (u32 i = 0; i < a->argument_count; i++) {
		const struct action_argument *p = &a->arguments[i];
		u32 max = tail_max(p);
		struct operand *o = &r->values[i];

		if (!p->in_tail)
			continue;
		if (first && r->in_place && o->offset == r->at.offset + (s32)a->fixed_size) {
			length = bounded(l, o->length, max - 1);
		} else {
			ir_reg to = ir_binary(l->f, IR_ADD, 64, operand_address(l, r->at), end);

			length = copy_tail(l, to, *o, max);
		}
		write_tail_place(l, r, p, end, length);
		end = ir_binary(l->f, IR_ADD, 64, end, length);
		first = false;
	}
	return end;
}

static void send_built(struct lower *l, struct outgoing *r)
{
	u32 lost = ir_block(l->f), join = ir_block(l->f);
	ir_reg size, err;

	write_fixed(l, r);
	size = write_tails(l, r);
	write_header(l, r, size, record_time(l));
	err = IR_CALL(l->f, BPF_FUNC_ringbuf_output, lower_own_map(l, OWN_RING),
		      operand_address(l, r->at), size, wake_flags(l, r->wake));
	ir_branch_imm(l->f, IR_EQ, 64, err, 0, join, lost);
	ir_at(l->f, lost);
	lower_cold_loss(l, LOSS_RING, join);
	ir_at(l->f, join);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/*
 * Before 6.2 the verifier likes to compare states where a reservation is held, and none is like
 * another there: each record would double its work.
 */
static bool can_reserve(const struct lower *l, const struct outgoing *r)
{
	return !r->has_tail && r->action->fixed_size <= RESERVED_MAX &&
	       script_kernel(l->script, 6, 2);
}

static void record_begin(struct lower *l, struct outgoing *r, const struct action *a, bool wake)
{
	u32 slot;

	*r = (struct outgoing){ .action = a, .wake = wake || is_control(l, a) };
	r->values = arena_alloc(l->script->arena, (a->argument_count + 1) * sizeof(*r->values));
	for (u32 i = 0; i < a->argument_count; i++)
		r->has_tail |= a->arguments[i].in_tail;
	r->reserved = can_reserve(l, r);
	if (!r->reserved)
		r->at = lower_memory(l, a->fixed_size, r->has_tail, &slot);
}

static void record_send(struct lower *l, struct outgoing *r)
{
	const struct action *a = r->action;
	u32 slot;

	if (r->reserved) {
		send_reserved(l, r);
		return;
	}
	for (u32 i = 0; i < a->argument_count; i++)
		if (a->arguments[i].in_tail)
			r->values[i] = own_tail(l, r->values[i]);
	r->in_place = r->has_tail && tails_follow(l, r);
	if (!r->has_tail)
		; /* it is where it was begun */
	else if (!r->in_place)
		r->at = lower_memory(l, a->max_size, true, &slot);
	else if ((u32)r->at.offset + a->max_size > l->frame_used)
		lower_memory(l, (u32)r->at.offset + a->max_size - l->frame_used, true, &slot);
	send_built(l, r);
}

void lower_send(struct lower *l, const struct action *a)
{
	u32 mark = lower_mark(l);
	struct outgoing record, *r = &record;

	record_begin(l, r, a, false);
	if (arena_error(l->script->arena))
		return;
	for (u32 i = 0; i < a->argument_count; i++) {
		const struct node *later = i + 1 < a->argument_count ? a->arguments[i + 1].node
								     : NULL;

		if (node_is_comm(a->arguments[i].node, a->arguments[i].type))
			continue; /* straight into the record */
		r->values[i] = lower_expression(l, a->arguments[i].node);
		/* a number is taken now: what follows may change it */
		if (type_in_register(r->values[i].type))
			r->values[i] = lower_convert(l, r->values[i], r->values[i].type);
		for (; later; later = later->next)
			r->values[i] = lower_stable(l, r->values[i], later);
	}
	record_send(l, r);
	lower_release(l, mark);
}

void lower_send_values(struct lower *l, const struct action *a, const struct operand *values,
		       bool wake)
{
	u32 mark = lower_mark(l);
	struct outgoing r;

	record_begin(l, &r, a, wake);
	if (arena_error(l->script->arena))
		return;
	for (u32 i = 0; i < a->argument_count; i++)
		r.values[i] = values[i];
	record_send(l, &r);
	lower_release(l, mark);
}
