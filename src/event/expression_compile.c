// SPDX-License-Identifier: Apache-2.0
/*
 * The compiler to eBPF. A tree becomes jumps: jump_when(n, label, sense) adds code that goes to
 * @label when @n turns out as @sense and falls through otherwise, so && and || cost nothing of
 * their own. Only forward jumps, no calls, no stack. Registers:
 *
 *	r0 result	r2 number, offset of a text		r4 address of a text
 *	r1 record	r3 wide constant, length of a text	r5 bytes
 *
 * The answer must be that of expression_match() for every record that record_check() lets pass.
 */
#include "event/expression_internal.h"

/*
 * Texts of the tail begin anywhere. Where the kernel itself is built for unaligned loads, the
 * verifier takes them from map values; elsewhere single bytes. Fixed columns may lie on the stack,
 * where every load must be aligned.
 */
#if defined(__x86_64__) || defined(__aarch64__)
#define UNALIGNED_MAX 4
#else
#define UNALIGNED_MAX 1
#endif

struct compiler {
	const struct expression *e;
	struct code code;
	u32 record_limit;
};

/* Bytes to compare: where they are, how they are aligned. */
struct place {
	u8 base;
	s32 offset;
	bool anywhere; /* of unknown alignment */
};

/* ---- what the kernel can decide ------------------------------------------------------------- */

static bool is_long(const struct node *n)
{
	for (size_t i = 0; i < n->count && class_is_text(n->class); i++) {
		if (n->literals[i].len > EXPRESSION_KERNEL_TEXT_MAX)
			return true;
	}
	return false;
}

/* In a packed struct: the verifier takes no such load from the stack. Texts are read in bytes. */
static bool is_unaligned(const struct column *c)
{
	enum value_class class = c->kind->class;
	u32 size = c->in_tail ? 2 : c->size;

	return size && c->offset % size &&
	       (c->in_tail || class == VALUE_UNSIGNED || class == VALUE_SIGNED ||
		class == VALUE_BOOL);
}

bool test_needs_user(const struct expression *e, const struct node *n, struct buf *b)
{
	static const char *const words[] = {
		[TEST_ENDS] = "endswith",
		[TEST_CONTAINS] = "contains",
		[TEST_LIKE] = "like",
		[TEST_MATCHES] = "matches",
	};
	const struct column *c = node_column(e, n);

	if (c->compute || n->class == VALUE_STACK)
		buf_printf(b, "%s is known to user space only", c->name);
	else if (c->is_time)
		buf_printf(b, "%s is a time of day, which user space adds", c->name);
	else if (n->class == VALUE_DOUBLE)
		buf_printf(b, "%s has a fraction, which the kernel does not compute with", c->name);
	else if (n->op == TEST_MATCHES)
		buf_printf(b, "'%s matches' is a regular expression", c->name);
	else if (n->op > TEST_STARTS)
		buf_printf(b, "'%s %s' is a search", c->name, words[n->op]);
	else if (n->class == VALUE_WORDS && !c->in_tail)
		buf_printf(b, "%s has words in a fixed place", c->name);
	else if (is_unaligned(c))
		buf_printf(b, "%s lies unaligned in the record", c->name);
	else if (is_long(n))
		buf_printf(b, "a text for %s is longer than %d bytes", c->name,
			   EXPRESSION_KERNEL_TEXT_MAX);
	else
		return false;
	return true;
}

static const struct node *find_user_test(const struct expression *e, const struct node *n)
{
	const struct node *found = NULL;

	if (n->type == NODE_TEST) {
		_cleanup_buf_ struct buf reason = {};

		return test_needs_user(e, n, &reason) ? n : NULL;
	}
	for (const struct node *child = n->first; child && !found; child = child->next)
		found = find_user_test(e, child);
	return found;
}

/* ---- numbers -------------------------------------------------------------------------------- */

static u8 size_code(u32 size)
{
	return size == 8 ? BPF_DW : size == 4 ? BPF_W : size == 2 ? BPF_H : BPF_B;
}

static u8 jump_code(enum test_op op, bool is_signed, bool sense)
{
	/* By op: unsigned, signed; and the same for the opposite. */
	static const u8 jumps[][2] = {
		[TEST_EQ] = { BPF_JEQ, BPF_JEQ },  [TEST_NE] = { BPF_JNE, BPF_JNE },
		[TEST_LT] = { BPF_JLT, BPF_JSLT }, [TEST_LE] = { BPF_JLE, BPF_JSLE },
		[TEST_GT] = { BPF_JGT, BPF_JSGT }, [TEST_GE] = { BPF_JGE, BPF_JSGE },
	};
	static const enum test_op opposite[] = {
		[TEST_EQ] = TEST_NE, [TEST_NE] = TEST_EQ, [TEST_LT] = TEST_GE,
		[TEST_LE] = TEST_GT, [TEST_GT] = TEST_LE, [TEST_GE] = TEST_LT,
	};

	return jumps[sense ? op : opposite[op]][is_signed];
}

static bool fits_immediate(u64 v)
{
	return (s64)v == (s32)v;
}

/*
 * The column's bits into r2: those above its size are zero, or copies of the sign within 32 bits.
 */
static void load_number(struct compiler *g, const struct node *n, const struct column *c)
{
	u32 shift = 8 * (4 - c->size);

	code_load(&g->code, size_code(c->size), BPF_REG_2, BPF_REG_1, (s32)c->offset);
	if (n->masked) {
		if (c->size < 8) {
			code_alu32_imm(&g->code, BPF_AND, BPF_REG_2, (s32)(u32)n->mask);
		} else if (fits_immediate(n->mask)) {
			code_alu_imm(&g->code, BPF_AND, BPF_REG_2, (s32)n->mask);
		} else {
			code_load_imm64(&g->code, BPF_REG_3, n->mask);
			code_alu(&g->code, BPF_AND, BPF_REG_2, BPF_REG_3);
		}
	} else if (n->class == VALUE_SIGNED && c->size < 4) {
		code_alu32_imm(&g->code, BPF_LSH, BPF_REG_2, (s32)shift);
		code_alu32_imm(&g->code, BPF_ARSH, BPF_REG_2, (s32)shift);
	}
}

static void jump_number(struct compiler *g, u8 op, u32 size, u64 literal, u32 label)
{
	if (size < 8) {
		code_jump32_if_imm(&g->code, op, BPF_REG_2, (s32)(u32)literal, label);
	} else if (fits_immediate(literal)) {
		code_jump_if_imm(&g->code, op, BPF_REG_2, (s32)literal, label);
	} else {
		code_load_imm64(&g->code, BPF_REG_3, literal);
		code_jump_if(&g->code, op, BPF_REG_2, BPF_REG_3, label);
	}
}

/*
 * A jump that the verifier's first pass takes for a conditional one (r0 is zero until the end): it
 * refuses programs with code that no path leads to, and behind this there may be some.
 */
static void jump_always(struct compiler *g, u32 label)
{
	code_jump_if_imm(&g->code, BPF_JEQ, BPF_REG_0, 0, label);
}

/* A bool is true when any of its bits is set: only zero can be compared with. */
static void test_bool(struct compiler *g, const struct node *n, u32 label, bool sense)
{
	const struct column *c = node_column(g->e, n);
	bool with[2] = {};

	for (size_t i = 0; i < n->count; i++)
		with[n->literals[i].number] = true;
	if (n->op == TEST_NE) {
		with[0] = !with[0];
		with[1] = !with[1];
	}
	if (with[0] == with[1]) {
		if (with[0] == sense)
			jump_always(g, label);
		return;
	}
	load_number(g, n, c);
	jump_number(g, jump_code(TEST_NE, false, with[1] == sense), c->size, 0, label);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static u32 chunk(const struct place *at, s32 offset, size_t left)
{
	u32 size = at->anywhere ? UNALIGNED_MAX : 4;

	while (size > left || (!at->anywhere && offset % (s32)size))
		size /= 2;
	return size;
}

static u32 native(const u8 *bytes, u32 size)
{
	u32 v4;
	u16 v2;

	if (size == 1)
		return *bytes;
	if (size == 2) {
		memcpy(&v2, bytes, 2);
		return v2;
	}
	memcpy(&v4, bytes, 4);
	return v4;
}

/* Goes to @unequal unless the bytes under @mask (NULL: all bits) are those. */
static void compare_bytes(struct compiler *g, struct place at, const u8 *bytes, const u8 *mask,
			  size_t len, u32 unequal)
{
	for (u32 size; len; len -= size, bytes += size, at.offset += (s32)size) {
		u32 bits;

		size = chunk(&at, at.offset, len);
		bits = size == 4 ? UINT32_MAX : size == 2 ? UINT16_MAX : UINT8_MAX;
		if (mask) {
			u32 wanted = native(mask, size);

			mask += size;
			if (!wanted)
				continue;
			code_load(&g->code, size_code(size), BPF_REG_5, at.base, at.offset);
			if (wanted != bits)
				code_alu32_imm(&g->code, BPF_AND, BPF_REG_5, (s32)wanted);
		} else {
			code_load(&g->code, size_code(size), BPF_REG_5, at.base, at.offset);
		}
		code_jump32_if_imm(&g->code, BPF_JNE, BPF_REG_5, (s32)native(bytes, size), unequal);
	}
}

static void match_ip(struct compiler *g, const struct column *c, const struct literal *l, u32 no)
{
	struct place at = { .base = BPF_REG_1, .offset = (s32)c->offset };
	u8 mask[16];

	for (u32 i = 0; i < sizeof(mask); i++)
		mask[i] = l->prefix >= 8 * (i + 1) ? 0xff
			  : l->prefix > 8 * i	   ? (u8)(0xff << (8 * (i + 1) - l->prefix))
						   : 0;
	compare_bytes(g, at, l->address, mask, sizeof(mask), no);
}

/* An array: its text ends at the first NUL or with it. */
static void match_fixed(struct compiler *g, const struct column *c, const struct literal *l,
			bool whole, u32 no)
{
	struct place at = { .base = BPF_REG_1, .offset = (s32)c->offset };

	if (l->len > c->size) {
		jump_always(g, no);
		return;
	}
	/* The literal has its own NUL behind it. */
	compare_bytes(g, at, (const u8 *)l->text, NULL, l->len + (whole && l->len < c->size), no);
}

/*
 * Words: a blank of the literal is a blank or the NUL between two words, but not the NUL that ends
 * the last one and is no part of the text (r3 is the length with it).
 */
static void match_blank(struct compiler *g, s32 offset, bool last, size_t len, u32 no)
{
	struct code *code = &g->code;
	u32 yes = code_label(code);

	code_load(code, BPF_B, BPF_REG_5, BPF_REG_4, offset);
	code_jump32_if_imm(code, BPF_JEQ, BPF_REG_5, ' ', yes);
	code_jump32_if_imm(code, BPF_JNE, BPF_REG_5, 0, no);
	if (last)
		code_jump32_if_imm(code, BPF_JEQ, BPF_REG_3, (s32)len, no);
	code_bind(code, yes);
}

static void match_tail_bytes(struct compiler *g, enum value_class class, const struct literal *l,
			     u32 no)
{
	struct place at = { .base = BPF_REG_4, .anywhere = true };
	size_t from = 0;

	while (from < l->len) {
		const char *text = l->text + from;
		const char *blank = class == VALUE_WORDS ? memchr(text, ' ', l->len - from) : NULL;
		size_t run = blank ? (size_t)(blank - text) : l->len - from;

		at.offset = (s32)from;
		compare_bytes(g, at, (const u8 *)text, NULL, run, no);
		from += run;
		if (blank) {
			match_blank(g, (s32)from, from + 1 == l->len, l->len, no);
			from++;
		}
	}
}

/*
 * In the tail: {offset, length} of 16 bits each. The text is as long as the length, or one less for
 * the NUL that ends it (words), or ends at its first NUL (text).
 */
static void match_tail(struct compiler *g, const struct node *n, const struct column *c,
		       const struct literal *l, u32 no)
{
	bool whole = n->op != TEST_STARTS;
	struct code *code = &g->code;
	u32 need = (u32)l->len + whole, yes;

	if (!need)
		return;
	if (need > g->record_limit) {
		jump_always(g, no);
		return;
	}
	yes = code_label(code);
	code_load(code, BPF_H, BPF_REG_3, BPF_REG_1, (s32)c->offset + 2);
	if (l->len)
		code_jump32_if_imm(code, BPF_JLT, BPF_REG_3, (s32)l->len, no);
	else
		code_jump32_if_imm(code, BPF_JEQ, BPF_REG_3, 0, yes);
	if (whole && n->class == VALUE_WORDS)
		code_jump32_if_imm(code, BPF_JGT, BPF_REG_3, (s32)l->len + 1, no);
	code_load(code, BPF_H, BPF_REG_2, BPF_REG_1, (s32)c->offset);
	code_jump_if_imm(code, BPF_JGT, BPF_REG_2, (s32)(g->record_limit - need), no);
	code_mov(code, BPF_REG_4, BPF_REG_1);
	code_alu(code, BPF_ADD, BPF_REG_4, BPF_REG_2);
	match_tail_bytes(g, n->class, l, no);
	if (whole) {
		if (l->len)
			code_jump32_if_imm(code, BPF_JEQ, BPF_REG_3, (s32)l->len, yes);
		code_load(code, BPF_B, BPF_REG_5, BPF_REG_4, (s32)l->len);
		code_jump32_if_imm(code, BPF_JNE, BPF_REG_5, 0, no);
	}
	code_bind(code, yes);
}

/* ---- tests ---------------------------------------------------------------------------------- */

/* Goes to @no unless the column equals (or begins with) the literal. */
static void match_one(struct compiler *g, const struct node *n, const struct literal *l, u32 no)
{
	const struct column *c = node_column(g->e, n);

	if (n->class == VALUE_IP)
		match_ip(g, c, l, no);
	else if (c->in_tail)
		match_tail(g, n, c, l, no);
	else
		match_fixed(g, c, l, n->op != TEST_STARTS, no);
}

/* Bytes: one of several literals. */
static void test_bytes(struct compiler *g, const struct node *n, u32 label, bool sense)
{
	bool inverted = n->op == TEST_NE;
	u32 done = code_label(&g->code), yes = sense != inverted ? label : done;

	for (size_t i = 0; i < n->count; i++) {
		bool last = i + 1 == n->count;
		/* The last one falls through when it matches, if that is where "yes" is. */
		u32 no = last && yes == done ? label : code_label(&g->code);

		match_one(g, n, &n->literals[i], no);
		if (!(last && yes == done)) {
			jump_always(g, yes);
			code_bind(&g->code, no);
		}
	}
	code_bind(&g->code, done);
}

static void test_number(struct compiler *g, const struct node *n, u32 label, bool sense)
{
	const struct column *c = node_column(g->e, n);
	bool is_signed = n->class == VALUE_SIGNED && !n->masked;
	enum test_op op = n->op;
	u32 done;

	load_number(g, n, c);
	if (n->count == 1) {
		jump_number(g, jump_code(op, is_signed, sense), c->size, n->literals[0].number,
			    label);
		return;
	}
	if (op == TEST_NE)
		sense = !sense;
	done = code_label(&g->code);
	for (size_t i = 0; i + 1 < n->count; i++)
		jump_number(g, BPF_JEQ, c->size, n->literals[i].number, sense ? label : done);
	jump_number(g, sense ? BPF_JEQ : BPF_JNE, c->size, n->literals[n->count - 1].number, label);
	code_bind(&g->code, done);
}

static void jump_when(struct compiler *g, const struct node *n, u32 label, bool sense)
{
	bool group_ends_on = n->type == NODE_OR; /* the answer of a child that decides the group */
	u32 done;

	if (n->type == NODE_NOT) {
		jump_when(g, n->first, label, !sense);
	} else if (n->type == NODE_TEST) {
		if (n->class == VALUE_BOOL)
			test_bool(g, n, label, sense);
		else if (n->class == VALUE_UNSIGNED || n->class == VALUE_SIGNED)
			test_number(g, n, label, sense);
		else
			test_bytes(g, n, label, sense);
	} else if (sense == group_ends_on) {
		for (const struct node *child = n->first; child; child = child->next)
			jump_when(g, child, label, sense);
	} else {
		done = code_label(&g->code);
		for (const struct node *child = n->first; child; child = child->next) {
			if (child->next)
				jump_when(g, child, done, !sense);
			else
				jump_when(g, child, label, sense);
		}
		code_bind(&g->code, done);
	}
}

static void compiler_free(struct compiler *g)
{
	code_free(&g->code);
}

int node_size(const struct expression *e, const struct node *n)
{
	/* No record is larger: the code is as long as it can get. */
	_cleanup_(compiler_free) struct compiler g = { .e = e, .record_limit = 2 * UINT16_MAX };
	u32 end = code_label(&g.code);
	int err;

	if (find_user_test(e, n))
		return -EOPNOTSUPP;
	jump_when(&g, n, end, false);
	code_bind(&g.code, end);
	err = code_finish(&g.code);
	return err ? err : (int)g.code.count;
}

int expression_compile(const struct expression *e, u32 record_limit, struct bpf_insn *insns,
		       size_t max)
{
	_cleanup_(compiler_free) struct compiler g = { .e = e, .record_limit = record_limit };
	const struct node *other = find_user_test(e, e->root);
	u32 end = code_label(&g.code);
	int err;

	if (other) {
		_cleanup_buf_ struct buf reason = {};

		test_needs_user(e, other, &reason);
		return fail(-EOPNOTSUPP, "%s", buf_str(&reason));
	}
	code_mov_imm(&g.code, BPF_REG_0, 0);
	jump_when(&g, e->root, end, false);
	code_mov_imm(&g.code, BPF_REG_0, 1);
	code_bind(&g.code, end);
	err = code_finish(&g.code);
	if (err)
		return err;
	if (g.code.count > max)
		return fail(-E2BIG, "the filter needs %zu instructions, and %zu fit", g.code.count,
			    max);
	memcpy(insns, g.code.insns, g.code.count * sizeof(*insns));
	return (int)g.code.count;
}
