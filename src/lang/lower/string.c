// SPDX-License-Identifier: Apache-2.0
/*
 * Strings: literals lie once each in OWN_STRINGS, with zeros up to a multiple of 8, or are written
 * as immediates where they are short. Two strings are compared in words of 8 bytes: where the words
 * differ, what stands behind the first NUL does not count.
 *
 * A string that is a key or a value has zeros behind its NUL, so that it is compared whole.
 */
#include "lang/lower/internal.h"

struct literal {
	u32 hash, offset, len, next; /* next: index + 1 */
};

#define LITERAL_BUCKETS 1024

struct literals {
	struct literal *items;
	size_t count, capacity;
	u32 buckets[LITERAL_BUCKETS];
};

struct literals *literals_new(void)
{
	return calloc(1, sizeof(struct literals));
}

struct literals *literals_free(struct literals *p)
{
	if (p)
		free(p->items);
	free(p);
	return NULL;
}

static u32 hash_bytes(const char *s, u32 len)
{
	u32 h = 2166136261u;

	for (u32 i = 0; i < len; i++)
		h = (h ^ (u8)s[i]) * 16777619u;
	return h;
}

static u32 literal_add(struct lower *l, const char *bytes, u32 len)
{
	struct buf *b = &l->script->strings;
	struct literals *t = l->literals;
	u32 hash = hash_bytes(bytes, len), *bucket = &t->buckets[hash % LITERAL_BUCKETS];
	u32 offset = (u32)b->len;

	for (u32 i = *bucket; i; i = t->items[i - 1].next) {
		const struct literal *p = &t->items[i - 1];

		if (p->hash == hash && p->len == len && !memcmp(b->data + p->offset, bytes, len))
			return p->offset;
	}
	if (b->len + len + 16 > INT32_MAX / 4 ||
	    grow(&t->items, &t->capacity, t->count + 1, sizeof(*t->items))) {
		lower_error(l, l->at, "the script's literals are too long");
		return 0;
	}
	buf_add(b, bytes, len);
	buf_add_fill(b, '\0', 8 - len % 8);
	t->items[t->count++] =
		(struct literal){ .hash = hash, .offset = offset, .len = len, .next = *bucket };
	*bucket = (u32)t->count;
	return offset;
}

struct operand operand_literal(struct lower *l, const char *bytes, u32 len)
{
	u32 offset = literal_add(l, bytes, len);
	struct operand o = operand_place(type_string(l->script->arena, len + 1), SPACE_OWN,
					 lower_own_map_value(l, OWN_STRINGS, offset), 0);

	o.length = ir_const(l->f, len);
	o.is_padded = true;
	o.literal = bytes;
	o.literal_len = len;
	return o;
}

/* ---- storing --------------------------------------------------------------------------------- */

/* The bytes [at, at + size) of a literal with zeros behind it. */
static u64 literal_word(const struct operand *o, u32 at, u32 size)
{
	u64 v = 0;

	for (u32 i = 0; i < size && at + i < o->literal_len; i++)
		v |= (u64)(u8)o->literal[at + i] << (i * 8);
	return v;
}

static u32 unit(u32 at, u32 size, s32 offset)
{
	u32 n = 8, bits = (u32)offset + at;

	while (n > size - at || bits % n)
		n /= 2;
	return n;
}

static void store_word(struct lower *l, struct operand to, u32 at, u32 size, u64 v)
{
	if ((s64)v == (s32)v || size < 8)
		ir_store_imm(l->f, size, to.reg, to.offset + (s32)at, (s64)v);
	else
		ir_store(l->f, size, to.reg, to.offset + (s32)at, ir_const(l->f, (s64)v));
}

static void store_literal(struct lower *l, struct operand to, const struct operand *from)
{
	struct operand cut = *from;
	u32 size = to.type->size;

	cut.literal_len = MIN(cut.literal_len, size - 1);
	if (size > STRING_IMMEDIATE) {
		lower_zero(l, to, size);
		lower_copy(l, to, cut, cut.literal_len);
		return;
	}
	operand_reach(l, &to, size);
	for (u32 at = 0; at < size;) {
		u32 n = unit(at, size, to.offset);

		store_word(l, to, at, n, literal_word(&cut, at, n));
		at += n;
	}
}

static void zero_from(struct lower *l, struct operand to, u32 at)
{
	u32 size = to.type->size;

	if (at < size)
		lower_zero(l, operand_part(to, to.type, at), size - at);
}

static void store_padded(struct lower *l, struct operand to, struct operand value)
{
	u32 size = to.type->size, has = value.type->size;
	struct operand last;

	lower_copy(l, to, value, MIN(size, has));
	if (has < size) {
		zero_from(l, to, has);
	} else if (has > size) {
		last = operand_part(to, to.type, size - 1);
		operand_reach(l, &last, 1);
		ir_store_imm(l->f, 1, last.reg, last.offset, 0);
	}
}

/*
 * From memory in which anything may stand behind the NUL. Short arrays of the kernel (a comm) are
 * taken whole: they need not end with NUL.
 */
static void store_read(struct lower *l, struct operand to, struct operand value)
{
	u32 size = to.type->size, has = value.type->size;
	s32 helper = value.space == SPACE_USER ? BPF_FUNC_probe_read_user_str
					       : BPF_FUNC_probe_read_kernel_str;
	ir_reg from = operand_address(l, value);

	if (value.space == SPACE_NONE && lower_space(l, value.space) == SPACE_NONE)
		helper = BPF_FUNC_probe_read_str;
	else if (value.space == SPACE_NONE)
		helper = BPF_FUNC_probe_read_user_str;
	if (value.space != SPACE_OWN && has && has <= 16 && has <= size) {
		lower_read(l, to, has, value.space, from, value.at.source ? value.at : l->at);
		zero_from(l, to, has);
		return;
	}
	lower_zero(l, to, size);
	IR_CALL(l->f, helper, operand_address(l, to), ir_const(l->f, has ? MIN(size, has) : size),
		from);
}

void lower_store_string(struct lower *l, struct operand to, struct operand value)
{
	if (!to.type->size)
		return;
	if (value.literal)
		store_literal(l, to, &value);
	else if (!value.in_memory)
		lower_zero(l, to, to.type->size);
	else if (value.space == SPACE_OWN && (value.is_padded || value.type->kind != TYPE_STRING))
		store_padded(l, to, value);
	else
		store_read(l, to, value);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static s64 repeat(u8 byte, u32 size)
{
	u64 v = 0;

	for (u32 i = 0; i < size; i++)
		v = v << 8 | byte;
	return (s64)v;
}

/*
 * One word of both. Equal: goes to *@next, or to @yes when it holds the end; else to @no, unless
 * the end comes first. The lowest set bit of (x - 01..) & ~x & 80.. is in the first NUL.
 */
static void equal_word(struct lower *l, ir_reg x, ir_reg y, u32 size, bool stop_at_nul, u32 next,
		       u32 yes, u32 no)
{
	struct ir_function *f = l->f;
	u32 same, differ;
	ir_reg nul, behind;

	if (!stop_at_nul) {
		ir_branch(f, IR_EQ, 64, x, y, next, no);
		return;
	}
	same = ir_block(f);
	differ = ir_block(f);
	nul = ir_binary(f, IR_SUB, 64, x, ir_const(f, repeat(1, size)));
	nul = ir_binary(f, IR_AND, 64, nul, ir_binary_imm(f, IR_XOR, 64, x, -1));
	nul = ir_binary(f, IR_AND, 64, nul, ir_const(f, repeat(0x80, size)));
	ir_branch(f, IR_EQ, 64, x, y, same, differ);
	ir_at(f, same);
	ir_branch_imm(f, IR_EQ, 64, nul, 0, next, yes);
	ir_at(f, differ);
	/* every bit up to the NUL's highest; all bits without one */
	behind = ir_binary(f, IR_XOR, 64, nul, ir_binary_imm(f, IR_SUB, 64, nul, 1));
	ir_branch(f, IR_SET, 64, behind, ir_binary(f, IR_XOR, 64, x, y), no, yes);
}

static u32 equal_at(struct lower *l, struct operand a, struct operand b, u32 at, u32 size,
		    bool stop_at_nul, u32 yes, u32 no)
{
	u32 n = unit(at, size, a.offset | b.offset), next = ir_block(l->f);
	ir_reg x = ir_load(l->f, n, false, a.reg, a.offset + (s32)at);
	ir_reg y = ir_load(l->f, n, false, b.reg, b.offset + (s32)at);

	equal_word(l, x, y, n, stop_at_nul, next, yes, no);
	ir_at(l->f, next);
	return n;
}

/* The verifier follows each round: there are 128 of them in 1024 bytes. */
static void equal_loop(struct lower *l, ir_reg a, ir_reg b, u32 size, bool stop_at_nul, u32 yes,
		       u32 no)
{
	u32 head = ir_block(l->f), next = ir_block(l->f), out = ir_block(l->f);
	ir_reg i = ir_new(l->f), x, y;

	ir_set_imm(l->f, i, 0);
	ir_jump(l->f, head);
	ir_at(l->f, head);
	x = ir_load(l->f, 8, false, ir_binary(l->f, IR_ADD, 64, a, i), 0);
	y = ir_load(l->f, 8, false, ir_binary(l->f, IR_ADD, 64, b, i), 0);
	equal_word(l, x, y, 8, stop_at_nul, next, yes, no);
	ir_at(l->f, next);
	ir_set(l->f, i, ir_binary_imm(l->f, IR_ADD, 64, i, 8));
	ir_branch_imm(l->f, IR_LT, 64, i, size, head, out);
	ir_at(l->f, out);
}

void lower_branch_equal(struct lower *l, struct operand a, struct operand b, u32 size,
			bool stop_at_nul, u32 yes, u32 no)
{
	u32 words = size & ~7u;

	if (size > EQUAL_UNROLLED) {
		a.reg = operand_address(l, a);
		b.reg = operand_address(l, b);
		a.offset = 0;
		b.offset = 0;
		equal_loop(l, a.reg, b.reg, words, stop_at_nul, yes, no);
		for (u32 at = words; at < size;)
			at += equal_at(l, a, b, at, size, stop_at_nul, yes, no);
	} else {
		operand_reach(l, &a, size);
		operand_reach(l, &b, size);
		for (u32 at = 0; at < size;)
			at += equal_at(l, a, b, at, size, stop_at_nul, yes, no);
	}
	ir_jump(l->f, yes);
}

ir_reg lower_equal_bytes(struct lower *l, struct operand a, struct operand b, u32 size,
			 bool stop_at_nul)
{
	u32 yes = ir_block(l->f), no = ir_block(l->f);

	lower_branch_equal(l, a, b, size, stop_at_nul, yes, no);
	return lower_truth(l, yes, no);
}

static void compare_literal(struct lower *l, struct operand o, const struct operand *literal,
			    u32 yes, u32 no)
{
	u32 size = MIN(literal->literal_len + 1, o.type->size);

	operand_reach(l, &o, size);
	for (u32 at = 0; at < size;) {
		u32 n = unit(at, size, o.offset), next = ir_block(l->f);
		u64 v = literal_word(literal, at, n);
		ir_reg x = ir_load(l->f, n, false, o.reg, o.offset + (s32)at);

		if ((s64)v == (s32)v)
			ir_branch_imm(l->f, IR_EQ, 64, x, (s64)v, next, no);
		else
			ir_branch(l->f, IR_EQ, 64, x, ir_const(l->f, (s64)v), next, no);
		ir_at(l->f, next);
		at += n;
	}
	ir_jump(l->f, literal->literal_len + 1 > o.type->size + 1 ? no : yes);
}

void lower_compare_strings(struct lower *l, struct operand a, struct operand b, u32 yes, u32 no)
{
	u32 size;

	a = lower_in_memory(l, a);
	b = lower_in_memory(l, b);
	if (a.literal && !b.literal) {
		compare_literal(l, b, &a, yes, no);
		return;
	}
	if (b.literal && b.literal_len <= EQUAL_UNROLLED) {
		compare_literal(l, a, &b, yes, no);
		return;
	}
	size = MIN(a.type->size, b.type->size);
	lower_branch_equal(l, a, b, size, true, yes, no);
}
