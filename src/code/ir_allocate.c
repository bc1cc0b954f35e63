// SPDX-License-Identifier: Apache-2.0
/*
 * Linear scan over intervals with holes. Intervals come in the order of their starts; each takes a
 * register that is free for all of it, or for a part (the rest is split off and comes again), or
 * throws out the one that is needed last, or goes to the stack itself until its next use. Nothing
 * keeps r0-r5 but that calls destroy them: an interval over a call cannot have them across it.
 *
 * A split lies before an instruction (4i). At 4i+1, between reading and writing, one may leave a
 * register too: to the stack, or over a call, whose arguments are moved at the same time.
 */
#include "code/ir_internal.h"

struct scan {
	struct ir_work *w;
	u64 *heap; /* start << 32 | interval */
	size_t heap_count, heap_capacity;
	u32 active[IR_MACHINE]; /* 0: none */
	u32 *inactive;		/* in a hole, with a register */
	size_t inactive_count, inactive_capacity;
};

/* ---- intervals ----------------------------------------------------------------------------- */

static void set_bounds(struct ir_work *w, struct ir_interval *it)
{
	u32 range = it->ranges;

	it->from = w->ranges[range].from;
	it->current = range;
	while (w->ranges[range].next)
		range = w->ranges[range].next;
	it->to = w->ranges[range].to;
}

/* Is it alive at @at, which never goes back? */
static bool covers(struct ir_work *w, struct ir_interval *it, u32 at)
{
	while (it->current && w->ranges[it->current].to <= at)
		it->current = w->ranges[it->current].next;
	return it->current && w->ranges[it->current].from <= at;
}

/* The first position that both cover; IR_NONE. */
static u32 meeting(struct ir_work *w, const struct ir_interval *a, const struct ir_interval *b)
{
	u32 i = a->current ? a->current : a->ranges, k = b->current ? b->current : b->ranges;

	while (i && k) {
		const struct ir_range *x = &w->ranges[i], *y = &w->ranges[k];

		if (x->to <= y->from)
			i = x->next;
		else if (y->to <= x->from)
			k = y->next;
		else
			return MAX(x->from, y->from);
	}
	return IR_NONE;
}

/* The first of @list (ascending) that the interval covers; IR_NONE. */
static u32 first_in(struct ir_work *w, const struct ir_interval *it, const u32 *list, size_t count)
{
	for (u32 range = it->ranges; range; range = w->ranges[range].next) {
		size_t low = 0, high = count;

		while (low < high) {
			size_t middle = (low + high) / 2;

			if (list[middle] < w->ranges[range].from)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == count)
			break;
		if (list[low] < w->ranges[range].to)
			return list[low];
	}
	return IR_NONE;
}

static const struct ir_use *use_from(struct ir_work *w, const struct ir_interval *it, u32 at,
				     bool must)
{
	for (u32 use = it->uses; use; use = w->use_list[use].next)
		if (w->use_list[use].at >= at && (!must || w->use_list[use].must))
			return &w->use_list[use];
	return NULL;
}

static u32 next_use(struct ir_work *w, const struct ir_interval *it, u32 at, bool must)
{
	const struct ir_use *use = use_from(w, it, at, must);

	return use ? use->at : IR_NONE;
}

/* Cuts the chain of ranges before @at; returns the first range from there on. */
static int cut_ranges(struct ir_work *w, u32 first, u32 at, u32 *ret)
{
	u32 *link = NULL, range = first;

	while (range && w->ranges[range].to <= at) {
		link = &w->ranges[range].next;
		range = *link;
	}
	if (range && w->ranges[range].from < at) {
		if (grow(&w->ranges, &w->range_capacity, w->range_count + 1, sizeof(*w->ranges)))
			return -ENOMEM;
		w->ranges[w->range_count] = w->ranges[range];
		w->ranges[w->range_count].from = at;
		w->ranges[range].to = at;
		w->ranges[range].next = 0;
		*ret = (u32)w->range_count++;
		return 0;
	}
	if (link)
		*link = 0;
	*ret = range;
	return 0;
}

/* What is behind @at becomes an interval of its own, which is returned; 0: no memory. */
static u32 split(struct ir_work *w, u32 index, u32 at)
{
	struct ir_interval *it, *child;
	u32 *link, ranges;

	if (cut_ranges(w, w->intervals[index].ranges, at, &ranges) ||
	    grow(&w->intervals, &w->interval_capacity, w->interval_count + 1,
		 sizeof(*w->intervals)))
		return 0;
	it = &w->intervals[index];
	child = &w->intervals[w->interval_count];
	*child = (struct ir_interval){
		.reg = it->reg,
		.ranges = ranges,
		.next = it->next,
		.previous = index,
		.machine = -1,
	};
	if (it->next)
		w->intervals[it->next].previous = (u32)w->interval_count;
	for (link = &it->uses; *link && w->use_list[*link].at < at;)
		link = &w->use_list[*link].next;
	child->uses = *link;
	*link = 0;
	it->next = (u32)w->interval_count++;
	set_bounds(w, it);
	set_bounds(w, child);
	return it->next;
}

/* ---- the queue ----------------------------------------------------------------------------- */

static int push(struct scan *s, u32 index)
{
	u64 key = (u64)s->w->intervals[index].from << 32 | index;
	size_t at = s->heap_count;

	if (grow(&s->heap, &s->heap_capacity, s->heap_count + 1, sizeof(*s->heap)))
		return -ENOMEM;
	s->heap_count++;
	for (; at && key < s->heap[(at - 1) / 2]; at = (at - 1) / 2)
		s->heap[at] = s->heap[(at - 1) / 2];
	s->heap[at] = key;
	return 0;
}

static u32 pop(struct scan *s)
{
	u64 top = s->heap[0], last = s->heap[--s->heap_count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= s->heap_count)
			break;
		if (child + 1 < s->heap_count && s->heap[child + 1] < s->heap[child])
			child++;
		if (s->heap[child] >= last)
			break;
		s->heap[at] = s->heap[child];
		at = child;
	}
	s->heap[at] = last;
	return (u32)top;
}

/*
 * Pushes what was split off, in as many pieces as it is written: where it is written anew it needs
 * not be where it was before, and had better be where a loop has it at its start.
 */
static int push_rest(struct scan *s, u32 index)
{
	struct ir_work *w = s->w;
	u32 range = w->intervals[index].ranges;

	while ((range = w->ranges[range].next)) {
		u32 from = w->ranges[range].from;
		int err;

		if (from % 4 != 2)
			continue;
		err = push(s, index);
		index = split(w, index, from);
		if (err || !index)
			return -ENOMEM;
		range = w->intervals[index].ranges;
	}
	return push(s, index);
}

/* ---- to the stack -------------------------------------------------------------------------- */

/* The interval lives on the stack as far as the next use that needs a register. */
static int to_stack(struct scan *s, u32 index)
{
	struct ir_work *w = s->w;
	struct ir_interval *it = &w->intervals[index];
	u32 use = next_use(w, it, it->from, true), child;

	it->machine = -1;
	w->spilled[it->reg] = 1;
	if (use == IR_NONE)
		return 0;
	if (use <= it->from)
		return fail(-EINVAL, "%s: no register is left for an operand", w->f->name);
	child = split(w, index, use);
	return child ? push_rest(s, child) : -ENOMEM;
}

/* Takes its register from an interval for the sake of one that starts at @at. */
static int throw_out(struct scan *s, u32 index, u32 at)
{
	struct ir_work *w = s->w;
	u32 rest, cut = at % 4 ? (at & ~3U) + 1 : at;

	if (w->intervals[index].from >= cut)
		return to_stack(s, index);
	rest = split(w, index, cut);
	if (!rest)
		return -ENOMEM;
	/* It may be in a hole there, with nothing to be kept before it is written again. */
	if (w->intervals[rest].from > at)
		return push_rest(s, rest);
	return to_stack(s, rest);
}

static int throw_out_of(struct scan *s, int machine, u32 current)
{
	struct ir_work *w = s->w;
	u32 at = w->intervals[current].from;
	int err = 0;

	if (s->active[machine]) {
		u32 index = s->active[machine];

		s->active[machine] = 0;
		err = throw_out(s, index, at);
	}
	for (size_t i = 0; i < s->inactive_count && !err; i++) {
		u32 index = s->inactive[i], rest;
		struct ir_interval *it = &w->intervals[index];

		if (it->machine != machine || meeting(w, it, &w->intervals[current]) == IR_NONE)
			continue;
		s->inactive[i--] = s->inactive[--s->inactive_count];
		rest = split(w, index, at);
		err = rest ? push_rest(s, rest) : -ENOMEM;
	}
	return err;
}

/* ---- the choice ---------------------------------------------------------------------------- */

/* The last place before @limit where the interval may be cut; 0: none behind its start. */
static u32 cut_before(struct ir_work *w, const struct ir_interval *it, u32 limit)
{
	u32 cut = limit;

	if (cut % 4 != 1 || !ir_is_call(w->insns[cut / 4].kind))
		cut &= ~3U;
	return cut > it->from ? cut : 0;
}

/* Up to where each machine register is free for the interval. */
static void free_until(struct scan *s, const struct ir_interval *it, u32 *until)
{
	struct ir_work *w = s->w;
	u32 call = first_in(w, it, w->clobbers, w->clobber_count);
	u32 call0 = first_in(w, it, w->clobbers0, w->clobber0_count);

	for (int r = 0; r < IR_MACHINE; r++) {
		until[r] = r == 0 ? call0 : r < IR_SAVED ? call : IR_NONE;
		if (s->active[r])
			until[r] = 0;
	}
	for (size_t i = 0; i < s->inactive_count; i++) {
		const struct ir_interval *other = &w->intervals[s->inactive[i]];
		u32 met;

		if (!until[other->machine])
			continue;
		met = meeting(w, other, it);
		until[other->machine] = MIN(until[other->machine], met);
	}
}

/* Machine registers that would save a move, best first; -1 ends the list. */
static void wishes(struct ir_work *w, u32 index, int list[5])
{
	const struct ir_interval *it = &w->intervals[index];
	ir_reg friend = w->friend[it->reg];
	unsigned n = 0;

	if (it->previous && w->intervals[it->previous].to == it->from &&
	    w->intervals[it->previous].machine >= 0)
		list[n++] = w->intervals[it->previous].machine;
	else if (it->from % 4 == 2 && index != it->reg && w->intervals[it->reg].machine >= 0)
		list[n++] = w->intervals[it->reg].machine;
	if (w->hint[it->reg])
		list[n++] = w->hint[it->reg] - 1;
	if (friend && w->intervals[friend].machine >= 0)
		list[n++] = w->intervals[friend].machine;
	if (w->hint[it->reg] == 0 && index != it->reg && w->intervals[it->reg].machine >= 0)
		list[n++] = w->intervals[it->reg].machine;
	list[n] = -1;
}

/* Those for arguments and results last: others wish for them. */
static const u8 preference[IR_MACHINE] = { 5, 4, 3, 2, 1, 0, 9, 8, 7, 6 };

static int choose_free(struct scan *s, u32 index, const u32 *until)
{
	struct ir_work *w = s->w;
	const struct ir_interval *it = &w->intervals[index];
	int wish[5], best = -1;

	wishes(w, index, wish);
	for (unsigned i = 0; wish[i] >= 0; i++)
		if (until[wish[i]] >= it->to)
			return wish[i];
	for (unsigned i = 0; i < IR_MACHINE; i++)
		if (until[preference[i]] >= it->to)
			return preference[i];
	for (unsigned i = 0; wish[i] >= 0; i++)
		if (best < 0 || until[wish[i]] > until[best])
			best = wish[i];
	for (unsigned i = 0; i < IR_MACHINE; i++)
		if (best < 0 || until[preference[i]] > until[best])
			best = preference[i];
	return best;
}

static int take(struct scan *s, u32 index, int machine, u32 limit)
{
	struct ir_work *w = s->w;
	u32 child;

	w->intervals[index].machine = (s8)machine;
	s->active[machine] = index;
	if (limit >= w->intervals[index].to)
		return 0;
	child = split(w, index, limit);
	return child ? push_rest(s, child) : -ENOMEM;
}

/* Is there a register that is free, for all of it or as far as is of use? 1: taken. */
static int take_free(struct scan *s, u32 index)
{
	struct ir_work *w = s->w;
	const struct ir_interval *it = &w->intervals[index];
	u32 until[IR_MACHINE], cut;
	int best, err;

	free_until(s, it, until);
	best = choose_free(s, index, until);
	if (until[best] >= it->to)
		cut = it->to;
	else
		cut = cut_before(w, it, until[best]);
	if (!cut || (cut < it->to && next_use(w, it, it->from, false) >= cut))
		return 0;
	err = take(s, index, best, cut);
	return err ? err : 1;
}

/* All are in use: who needs one last, this interval or the holder of some register? */
static int take_blocked(struct scan *s, u32 index)
{
	struct ir_work *w = s->w;
	const struct ir_interval *it = &w->intervals[index];
	u32 used[IR_MACHINE], blocked[IR_MACHINE], first = next_use(w, it, it->from, true);
	u32 call = first_in(w, it, w->clobbers, w->clobber_count);
	u32 call0 = first_in(w, it, w->clobbers0, w->clobber0_count);
	int best = -1, err;

	for (int r = 0; r < IR_MACHINE; r++) {
		const struct ir_interval *other = &w->intervals[s->active[r]];

		blocked[r] = r == 0 ? call0 : r < IR_SAVED ? call : IR_NONE;
		used[r] = IR_NONE - 1;
		if (!s->active[r])
			continue;
		used[r] = next_use(w, other, it->from & ~3U, true);
		if (used[r] / 4 == it->from / 4 && used[r] != IR_NONE)
			used[r] = 0; /* needed by this very instruction */
		else if (w->cheap[other->reg])
			used[r] = IR_NONE;
		else
			used[r] = MIN(used[r], next_use(w, other, it->from, false));
	}
	for (size_t i = 0; i < s->inactive_count; i++) {
		const struct ir_interval *other = &w->intervals[s->inactive[i]];

		if (meeting(w, other, it) != IR_NONE)
			used[other->machine] =
				MIN(used[other->machine], next_use(w, other, it->from, false));
	}
	for (unsigned i = 0; i < IR_MACHINE; i++) {
		int r = preference[i];

		if (!used[r] || (blocked[r] < it->to && !cut_before(w, it, blocked[r])))
			continue;
		if (best < 0 || MIN(used[r], blocked[r]) > MIN(used[best], blocked[best]))
			best = r;
	}
	if (first != it->from && (best < 0 || first >= MIN(used[best], blocked[best])))
		return to_stack(s, index);
	if (best < 0)
		return fail(-EINVAL, "%s: no register is left for an operand", w->f->name);
	err = throw_out_of(s, best, index);
	it = &w->intervals[index];
	if (err)
		return err;
	return take(s, index, best,
		    blocked[best] < it->to ? cut_before(w, it, blocked[best]) : it->to);
}

/* ---- the scan ------------------------------------------------------------------------------ */

static int advance(struct scan *s, u32 at)
{
	struct ir_work *w = s->w;
	size_t kept = 0;

	for (int r = 0; r < IR_MACHINE; r++) {
		struct ir_interval *it = &w->intervals[s->active[r]];

		if (!s->active[r] || covers(w, it, at))
			continue;
		if (it->to > at) {
			if (grow(&s->inactive, &s->inactive_capacity, s->inactive_count + 1,
				 sizeof(u32)))
				return -ENOMEM;
			s->inactive[s->inactive_count++] = s->active[r];
		}
		s->active[r] = 0;
	}
	for (size_t i = 0; i < s->inactive_count; i++) {
		u32 index = s->inactive[i];
		struct ir_interval *it = &w->intervals[index];

		if (it->to <= at)
			continue;
		if (covers(w, it, at))
			s->active[it->machine] = index;
		else
			s->inactive[kept++] = index;
	}
	s->inactive_count = kept;
	return 0;
}

static int scan(struct scan *s)
{
	struct ir_work *w = s->w;

	while (s->heap_count) {
		u32 index = pop(s);
		int err = advance(s, w->intervals[index].from);

		if (err)
			return err;
		err = take_free(s, index);
		if (!err)
			err = take_blocked(s, index);
		if (err < 0)
			return err;
	}
	return 0;
}

int ir_allocate(struct ir_work *w)
{
	struct scan s = { .w = w };
	int err = 0;

	w->spilled = ir_pool_get(&w->pool, w->regs + 1, 1);
	if (!w->spilled)
		return -ENOMEM;
	for (ir_reg reg = 1; reg <= w->regs && !err; reg++) {
		struct ir_interval *it = &w->intervals[reg];

		it->reg = reg;
		it->machine = -1;
		if (!it->ranges)
			continue;
		set_bounds(w, it);
		err = push(&s, reg);
	}
	if (!err)
		err = scan(&s);
	free(s.heap);
	free(s.inactive);
	return err;
}
