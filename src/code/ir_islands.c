// SPDX-License-Identifier: Apache-2.0
/*
 * Jumps of more than 32767 instructions go in hops: every so often the code is parted by an island,
 * which what runs along jumps over and which has one jump on for each far target. (The jump with 32
 * bits of distance exists only since 6.6.)
 */
#include "code/ir_internal.h"

#define NEAR 30000    /* how far a jump may go, with room for islands on the way */
#define SPACING 16000 /* between islands */

struct island {
	u32 at;	   /* before this instruction, in the old numbers */
	bool skip; /* what comes before it runs on: it needs a jump over */
	u32 *targets, *labels;
	size_t count, target_capacity, label_capacity;
};

struct islands {
	struct code *c;
	struct island *list;
	size_t count, capacity;
	u32 *moved; /* old instruction -> new */
};

static bool is_jump(const struct bpf_insn *insn)
{
	return insn->code != (BPF_JMP | BPF_CALL) && insn->code != (BPF_LD | BPF_DW | BPF_IMM);
}

static bool is_far(const struct code *c, const struct code_fixup *f)
{
	s64 distance = (s64)c->labels[f->label] - 1 - (s64)f->insn;

	return is_jump(&c->insns[f->insn]) && (distance > NEAR || distance < -NEAR);
}

static void islands_free(struct islands *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->list[i].targets);
		free(s->list[i].labels);
	}
	free(s->list);
	free(s->moved);
}

/* Islands every SPACING instructions, not inside of a double one. */
static int place_islands(struct islands *s)
{
	const struct code *c = s->c;

	for (u32 i = 0, last = 0; i < c->count; i++) {
		if (i - last >= SPACING) {
			if (grow(&s->list, &s->capacity, s->count + 1, sizeof(*s->list)))
				return -ENOMEM;
			s->list[s->count].skip = c->insns[i - 1].code != (BPF_JMP | BPF_JA) &&
						 c->insns[i - 1].code != (BPF_JMP | BPF_EXIT);
			s->list[s->count++].at = i;
			last = i;
		}
		if (c->insns[i].code == (BPF_LD | BPF_DW | BPF_IMM))
			i++;
	}
	return 0;
}

/* The label of the island's jump to @target; new when @ret_new. */
static int harbour(struct islands *s, struct island *island, u32 target, u32 *ret)
{
	for (size_t i = 0; i < island->count; i++)
		if (island->targets[i] == target) {
			*ret = island->labels[i];
			return 0;
		}
	if (grow(&island->targets, &island->target_capacity, island->count + 1, sizeof(u32)) ||
	    grow(&island->labels, &island->label_capacity, island->count + 1, sizeof(u32)))
		return -ENOMEM;
	island->targets[island->count] = target;
	island->labels[island->count] = *ret = code_label(s->c);
	island->count++;
	return 0;
}

/* Sends a far jump to the first island on its way, and that one to the next. */
static int route(struct islands *s, struct code_fixup *f)
{
	u32 target = f->label, to = s->c->labels[target] - 1, label;
	bool forward = to > f->insn;
	int err = 0;

	for (size_t k = 0; k < s->count && !err; k++) {
		struct island *island = &s->list[forward ? k : s->count - 1 - k];

		if (forward ? island->at <= f->insn || island->at >= to
			    : island->at > f->insn || island->at <= to)
			continue;
		err = harbour(s, island, target, &label);
		/* The jump itself goes to the nearest; each island to the next is written later. */
		if (!err && f->label == target)
			f->label = label;
	}
	return err;
}

/* What lies after which islands moves by their size: one jump over all, one for each target. */
static int renumber(struct islands *s)
{
	struct code *c = s->c;
	size_t island = 0;
	u32 shift = 0;

	s->moved = calloc(c->count + 1, sizeof(u32));
	if (!s->moved)
		return fail(-ENOMEM, "out of memory");
	for (u32 i = 0; i <= c->count; i++) {
		/* A jump to the instruction goes to the island's jump over, else past it. */
		while (island < s->count && s->list[island].at == i) {
			if (s->list[island].count)
				shift += (u32)s->list[island].count + s->list[island].skip;
			island++;
		}
		s->moved[i] = i + shift;
	}
	return 0;
}

static int rebuild(struct islands *s)
{
	struct code *c = s->c;
	size_t total = s->moved[c->count];
	struct bpf_insn *insns = calloc(total + 1, sizeof(*insns));

	if (!insns)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < c->count; i++)
		insns[s->moved[i]] = c->insns[i];
	for (size_t i = 0; i < c->fixup_count; i++)
		c->fixups[i].insn = s->moved[c->fixups[i].insn];
	for (size_t i = 0; i < c->label_count; i++)
		if (c->labels[i])
			c->labels[i] = s->moved[c->labels[i] - 1] + 1;
	free(c->insns);
	c->insns = insns;
	c->count = total;
	c->capacity = total + 1;
	return total > CODE_MAX ? fail(-E2BIG, "a program of more than a million instructions") : 0;
}

static int add_jump(struct code *c, u32 at, u32 label)
{
	if (grow(&c->fixups, &c->fixup_capacity, c->fixup_count + 1, sizeof(*c->fixups)))
		return -ENOMEM;
	c->insns[at] = (struct bpf_insn){ .code = BPF_JMP | BPF_JA };
	c->fixups[c->fixup_count++] = (struct code_fixup){ .insn = at, .label = label };
	return 0;
}

/* The jump to @target on the island next to number @k on the way; else the target. */
static u32 onward(const struct islands *s, size_t k, u32 target)
{
	bool forward = s->c->labels[target] - 1 >= s->moved[s->list[k].at];
	size_t i = forward ? k + 1 : k - 1;

	/* A route takes every island on its way: the next has it, or the target comes first. */
	for (size_t n = 0; i < s->count && n < s->list[i].count; n++)
		if (s->list[i].targets[n] == target)
			return s->list[i].labels[n];
	return target;
}

static int fill(struct islands *s)
{
	struct code *c = s->c;
	int err = 0;

	for (size_t k = 0; k < s->count; k++) {
		const struct island *island = &s->list[k];
		u32 end = s->moved[island->at], at = end - (u32)island->count;

		if (!island->count)
			continue;
		if (island->skip)
			c->insns[at - 1] = (struct bpf_insn){ .code = BPF_JMP | BPF_JA,
							      .off = (s16)island->count };
		for (size_t n = 0; n < island->count; n++)
			c->labels[island->labels[n]] = at + (u32)n + 1;
	}
	for (size_t k = 0; k < s->count && !err; k++) {
		const struct island *island = &s->list[k];
		u32 at = s->moved[island->at] - (u32)island->count;

		for (size_t n = 0; n < island->count && !err; n++)
			err = add_jump(c, at + (u32)n, onward(s, k, island->targets[n]));
	}
	return err;
}

static void renumber_output(struct ir_output *o, const u32 *moved)
{
	for (size_t i = 0; i < o->relocation_count; i++)
		o->relocations[i].insn = moved[o->relocations[i].insn];
	for (size_t i = 0; i < o->place_count; i++)
		o->places[i].insn = moved[o->places[i].insn];
	for (size_t i = 0; i < o->part_count; i++)
		o->parts[i].insn = moved[o->parts[i].insn];
}

int ir_islands(struct ir_output *o)
{
	_cleanup_(islands_free) struct islands s = { .c = &o->code };
	struct code *c = &o->code;
	size_t far = 0, fixups = c->fixup_count;
	int err;

	if (c->error || c->count <= NEAR)
		return 0;
	for (size_t i = 0; i < fixups; i++)
		far += is_far(c, &c->fixups[i]);
	if (!far)
		return 0;
	err = place_islands(&s);
	for (size_t i = 0; i < fixups && !err; i++)
		if (is_far(c, &c->fixups[i]))
			err = route(&s, &c->fixups[i]);
	err = err ? err : renumber(&s);
	err = err ? err : rebuild(&s);
	err = err ? err : fill(&s);
	if (!err)
		renumber_output(o, s.moved);
	return err;
}
