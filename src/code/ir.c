// SPDX-License-Identifier: Apache-2.0
/*
 * Building: modules, functions, blocks, and what is added to them. Every addition goes through
 * add(), which checks its operands, so that what comes later need not. The words of the first error
 * stay with the module.
 */
#include "code/ir_internal.h"

static void stick(struct ir_function *f, int err, const char *why)
{
	struct ir_module *m = f ? f->module : NULL;

	if (!m || m->error)
		return;
	m->error = err;
	buf_printf(&m->why, "%s: %s", f->name, why);
}

int ir_error(const struct ir_module *m)
{
	return m ? m->error : -ENOMEM;
}

/* ---- modules and functions ----------------------------------------------------------------- */

struct ir_module *ir_module_new(void)
{
	return calloc(1, sizeof(struct ir_module));
}

static void function_free(struct ir_function *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->comment_count; i++)
		free(f->comments[i]);
	free(f->comments);
	free(f->insns);
	free(f->blocks);
	free(f->slots);
	free(f->open_slots);
	free(f->name);
	free(f);
}

struct ir_module *ir_module_free(struct ir_module *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->function_count; i++)
		function_free(m->functions[i]);
	free(m->functions);
	buf_free(&m->why);
	free(m);
	return NULL;
}

void ir_module_freep(struct ir_module **m)
{
	*m = ir_module_free(*m);
}

struct ir_function *ir_function_new(struct ir_module *m, const char *name, unsigned arguments)
{
	struct ir_function *f;

	if (!m)
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f || !(f->name = strdup(name)) ||
	    grow(&m->functions, &m->function_capacity, m->function_count + 1, sizeof(f))) {
		m->error = m->error ? m->error : -ENOMEM;
		function_free(f);
		return NULL;
	}
	f->module = m;
	f->number = (u32)m->function_count;
	f->arguments = arguments;
	f->regs = arguments;
	m->functions[m->function_count++] = f;
	if (arguments > 5)
		stick(f, -EINVAL, "a function of more than five arguments");
	ir_at(f, ir_block(f));
	return f;
}

ir_reg ir_argument(const struct ir_function *f, unsigned index)
{
	if (f && index < f->arguments)
		return index + 1;
	stick((struct ir_function *)f, -EINVAL, "an argument that the function does not have");
	return 0;
}

u32 ir_function_number(const struct ir_function *f)
{
	return f ? f->number : 0;
}

u32 ir_block(struct ir_function *f)
{
	if (!f || f->module->error)
		return 0;
	if (grow(&f->blocks, &f->block_capacity, f->block_count + 1, sizeof(*f->blocks))) {
		stick(f, -ENOMEM, "out of memory");
		return 0;
	}
	return (u32)f->block_count++;
}

void ir_at(struct ir_function *f, u32 block)
{
	if (!f || f->module->error)
		return;
	if (block >= f->block_count) {
		stick(f, -EINVAL, "a block that does not exist");
		return;
	}
	f->current = block;
	if (!f->blocks[block].order)
		f->blocks[block].order = ++f->orders;
}

u32 ir_current(const struct ir_function *f)
{
	return f ? f->current : 0;
}

bool ir_ended(const struct ir_function *f)
{
	return !f || !f->block_count || f->blocks[f->current].ended;
}

void ir_location(struct ir_function *f, u32 location)
{
	if (f)
		f->location = location;
}

/* ---- instructions -------------------------------------------------------------------------- */

/* What no operand may be, in words; NULL: all is well. */
static const char *wrong(const struct ir_function *f, const struct ir_insn *insn)
{
	for (unsigned i = 0; i < insn->count; i++)
		if (!insn->in[i] || insn->in[i] > f->regs)
			return "an operand that is no register of the function";
	if (insn->dst > f->regs)
		return "a result that is no register of the function";
	if (ir_is_end(insn->kind) && insn->kind < DO_RETURN &&
	    (insn->to[0] >= f->block_count || insn->to[1] >= f->block_count))
		return "a jump to a block that does not exist";
	return NULL;
}

static bool add(struct ir_function *f, struct ir_insn insn)
{
	struct ir_block *b;
	const char *why;

	if (!f || f->module->error)
		return false;
	why = wrong(f, &insn);
	if (why) {
		stick(f, -EINVAL, why);
		return false;
	}
	b = &f->blocks[f->current];
	if (b->ended)
		return true;
	if (f->insn_count >= CODE_MAX) {
		stick(f, -E2BIG, "a function of more than a million instructions");
		return false;
	}
	if (grow(&f->insns, &f->insn_capacity, f->insn_count + 1, sizeof(insn))) {
		stick(f, -ENOMEM, "out of memory");
		return false;
	}
	insn.location = f->location;
	insn.next = 0;
	f->insns[f->insn_count++] = insn;
	if (b->last)
		f->insns[b->last - 1].next = (u32)f->insn_count;
	else
		b->first = (u32)f->insn_count;
	b->last = (u32)f->insn_count;
	b->ended = ir_is_end(insn.kind);
	return true;
}

ir_reg ir_new(struct ir_function *f)
{
	if (!f || f->module->error)
		return 0;
	return ++f->regs;
}

/* Adds @insn with a new register for its result. */
static ir_reg value(struct ir_function *f, struct ir_insn insn)
{
	insn.dst = ir_new(f);
	return insn.dst && add(f, insn) ? insn.dst : 0;
}

static bool check_bits(struct ir_function *f, unsigned bits)
{
	if (bits == 32 || bits == 64)
		return true;
	stick(f, -EINVAL, "an operation on other than 32 or 64 bits");
	return false;
}

static bool check_size(struct ir_function *f, unsigned size)
{
	if (size == 1 || size == 2 || size == 4 || size == 8)
		return true;
	stick(f, -EINVAL, "an access of other than 1, 2, 4 or 8 bytes");
	return false;
}

void ir_comment(struct ir_function *f, const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	if (!f || f->module->error || ir_ended(f))
		return;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (!text || grow(&f->comments, &f->comment_capacity, f->comment_count + 1, sizeof(text))) {
		free(text);
		stick(f, -ENOMEM, "out of memory");
		return;
	}
	f->comments[f->comment_count++] = text;
	add(f, (struct ir_insn){ .kind = DO_COMMENT, .imm = (s64)f->comment_count - 1 });
}

ir_reg ir_const(struct ir_function *f, s64 imm)
{
	return value(f, (struct ir_insn){ .kind = DO_CONST, .imm = imm });
}

void ir_set(struct ir_function *f, ir_reg dst, ir_reg src)
{
	if (f && !dst)
		stick(f, -EINVAL, "an assignment to no register");
	add(f, (struct ir_insn){ .kind = DO_MOVE, .dst = dst, .in = { src }, .count = 1 });
}

void ir_set_imm(struct ir_function *f, ir_reg dst, s64 imm)
{
	if (f && !dst)
		stick(f, -EINVAL, "an assignment to no register");
	add(f, (struct ir_insn){ .kind = DO_CONST, .dst = dst, .imm = imm });
}

ir_reg ir_binary(struct ir_function *f, enum ir_binary op, unsigned bits, ir_reg a, ir_reg b)
{
	if (op > IR_SAR)
		stick(f, -EINVAL, "an operation that does not exist");
	if (!check_bits(f, bits))
		return 0;
	return value(f, (struct ir_insn){ .kind = DO_BINARY,
					  .op = (u8)op,
					  .bits = (u8)bits,
					  .in = { a, b },
					  .count = 2 });
}

ir_reg ir_binary_imm(struct ir_function *f, enum ir_binary op, unsigned bits, ir_reg a, s64 b)
{
	if (op > IR_SAR)
		stick(f, -EINVAL, "an operation that does not exist");
	if (!check_bits(f, bits))
		return 0;
	return value(f, (struct ir_insn){ .kind = DO_BINARY_IMM,
					  .op = (u8)op,
					  .bits = (u8)bits,
					  .in = { a },
					  .count = 1,
					  .imm = bits == 32 ? (s32)b : b });
}

ir_reg ir_negate(struct ir_function *f, unsigned bits, ir_reg a)
{
	if (!check_bits(f, bits))
		return 0;
	return value(f, (struct ir_insn){
				.kind = DO_NEGATE, .bits = (u8)bits, .in = { a }, .count = 1 });
}

ir_reg ir_extend(struct ir_function *f, unsigned bits, bool is_signed, ir_reg a)
{
	if (bits != 8 && bits != 16 && bits != 32) {
		stick(f, -EINVAL, "an extension of other than 8, 16 or 32 bits");
		return 0;
	}
	return value(f, (struct ir_insn){ .kind = DO_EXTEND,
					  .bits = (u8)bits,
					  .is_signed = is_signed,
					  .in = { a },
					  .count = 1 });
}

ir_reg ir_byte_swap(struct ir_function *f, unsigned bits, ir_reg a)
{
	if (bits != 16 && bits != 32 && bits != 64) {
		stick(f, -EINVAL, "a byte order of other than 16, 32 or 64 bits");
		return 0;
	}
	return value(
		f, (struct ir_insn){ .kind = DO_SWAP, .bits = (u8)bits, .in = { a }, .count = 1 });
}

static bool check_condition(struct ir_function *f, enum ir_condition c, unsigned bits)
{
	if (c > IR_SET)
		stick(f, -EINVAL, "a condition that does not exist");
	return check_bits(f, bits) && c <= IR_SET;
}

static struct ir_insn condition(u8 kind, enum ir_condition c, unsigned bits, ir_reg a, ir_reg b,
				s64 imm)
{
	return (struct ir_insn){ .kind = kind,
				 .op = (u8)c,
				 .bits = (u8)bits,
				 .in = { a, b },
				 .count = kind == DO_COMPARE || kind == DO_BRANCH ? 2 : 1,
				 .imm = bits == 32 ? (s32)imm : imm };
}

ir_reg ir_compare(struct ir_function *f, enum ir_condition c, unsigned bits, ir_reg a, ir_reg b)
{
	return check_condition(f, c, bits) ? value(f, condition(DO_COMPARE, c, bits, a, b, 0)) : 0;
}

ir_reg ir_compare_imm(struct ir_function *f, enum ir_condition c, unsigned bits, ir_reg a, s64 b)
{
	return check_condition(f, c, bits) ? value(f, condition(DO_COMPARE_IMM, c, bits, a, 0, b))
					   : 0;
}

/* ---- control ------------------------------------------------------------------------------- */

void ir_jump(struct ir_function *f, u32 block)
{
	add(f, (struct ir_insn){ .kind = DO_JUMP, .to = { block } });
}

void ir_branch(struct ir_function *f, enum ir_condition c, unsigned bits, ir_reg a, ir_reg b,
	       u32 yes, u32 no)
{
	struct ir_insn insn = condition(DO_BRANCH, c, bits, a, b, 0);

	insn.to[0] = yes;
	insn.to[1] = no;
	if (check_condition(f, c, bits))
		add(f, insn);
}

void ir_branch_imm(struct ir_function *f, enum ir_condition c, unsigned bits, ir_reg a, s64 b,
		   u32 yes, u32 no)
{
	struct ir_insn insn = condition(DO_BRANCH_IMM, c, bits, a, 0, b);

	insn.to[0] = yes;
	insn.to[1] = no;
	if (check_condition(f, c, bits))
		add(f, insn);
}

void ir_may_goto(struct ir_function *f, u32 next, u32 out)
{
	add(f, (struct ir_insn){ .kind = DO_MAY_GOTO, .to = { out, next } });
}

void ir_return(struct ir_function *f, ir_reg v)
{
	add(f, (struct ir_insn){ .kind = DO_RETURN, .in = { v }, .count = 1 });
}

void ir_return_imm(struct ir_function *f, s64 v)
{
	add(f, (struct ir_insn){ .kind = DO_RETURN_IMM, .imm = v });
}

static ir_reg call(struct ir_function *f, u8 kind, s64 what, unsigned count,
		   const ir_reg *arguments)
{
	struct ir_insn insn = { .kind = kind, .imm = what, .count = (u8)count };

	if (count > 5) {
		stick(f, -EINVAL, "a call with more than five arguments");
		return 0;
	}
	for (unsigned i = 0; i < count; i++)
		insn.in[i] = arguments[i];
	return value(f, insn);
}

ir_reg ir_call(struct ir_function *f, s32 helper, unsigned count, const ir_reg *arguments)
{
	return call(f, DO_CALL, helper, count, arguments);
}

ir_reg ir_call_function(struct ir_function *f, u32 function, unsigned count,
			const ir_reg *arguments)
{
	return call(f, DO_CALL_FUNCTION, function, count, arguments);
}

ir_reg ir_call_kernel(struct ir_function *f, u32 btf_id, unsigned count, const ir_reg *arguments)
{
	return call(f, DO_CALL_KERNEL, btf_id, count, arguments);
}

/* ---- memory -------------------------------------------------------------------------------- */

ir_reg ir_load(struct ir_function *f, unsigned size, bool is_signed, ir_reg base, s32 offset)
{
	if (!check_size(f, size))
		return 0;
	return value(f, (struct ir_insn){ .kind = DO_LOAD,
					  .size = (u8)size,
					  .is_signed = is_signed && size < 8,
					  .in = { base },
					  .count = 1,
					  .offset = offset });
}

void ir_store(struct ir_function *f, unsigned size, ir_reg base, s32 offset, ir_reg v)
{
	if (check_size(f, size))
		add(f, (struct ir_insn){ .kind = DO_STORE,
					 .size = (u8)size,
					 .in = { base, v },
					 .count = 2,
					 .offset = offset });
}

void ir_store_imm(struct ir_function *f, unsigned size, ir_reg base, s32 offset, s64 v)
{
	if (check_size(f, size))
		add(f, (struct ir_insn){ .kind = DO_STORE_IMM,
					 .size = (u8)size,
					 .in = { base },
					 .count = 1,
					 .offset = offset,
					 .imm = v });
}

ir_reg ir_atomic(struct ir_function *f, unsigned size, s32 op, ir_reg base, s32 offset, ir_reg v,
		 ir_reg expected)
{
	struct ir_insn insn = {
		.kind = DO_ATOMIC,
		.size = (u8)size,
		.in = { base, v, expected },
		.count = op == BPF_CMPXCHG ? 3 : 2,
		.offset = offset,
		.imm = op,
	};
	s32 plain = op & ~BPF_FETCH;

	if (size != 4 && size != 8) {
		stick(f, -EINVAL, "an atomic operation on other than 4 or 8 bytes");
		return 0;
	}
	if (op != BPF_CMPXCHG && op != BPF_XCHG && plain != BPF_ADD && plain != BPF_OR &&
	    plain != BPF_AND && plain != BPF_XOR) {
		stick(f, -EINVAL, "an atomic operation that does not exist");
		return 0;
	}
	if (op & BPF_FETCH)
		return value(f, insn);
	add(f, insn);
	return 0;
}

/* The lowest place of @size bytes that no slot in use overlaps. */
static u32 slot_place(const struct ir_function *f, u32 size)
{
	u32 start = 0;

	if (f->slots_size > 8 * IR_STACK) /* refused later: only its size matters */
		return f->slots_size + size;
	for (size_t i = 0; i < f->open_count; i++) {
		const struct ir_slot_info *s = &f->slots[f->open_slots[i]];

		if (s->offset - s->size >= start + size || s->offset <= start)
			continue;
		start = s->offset;
		i = (size_t)-1; /* once more from the first, above that one */
	}
	return start + size;
}

u32 ir_slot(struct ir_function *f, u32 size)
{
	struct ir_slot_info slot = { .size = MAX(size + 7, 8) / 8 * 8 };

	if (!f || f->module->error)
		return 0;
	if (size > 1 << 20 || f->slot_count > 100000 || f->slots_size > 1 << 24) {
		stick(f, -E2BIG, "far more on the stack than its 512 bytes");
		return 0;
	}
	if (grow(&f->slots, &f->slot_capacity, f->slot_count + 1, sizeof(slot)) ||
	    grow(&f->open_slots, &f->open_capacity, f->open_count + 1, sizeof(u32))) {
		stick(f, -ENOMEM, "out of memory");
		return 0;
	}
	slot.offset = slot_place(f, slot.size);
	f->slots_size = MAX(f->slots_size, slot.offset);
	f->open_slots[f->open_count++] = (u32)f->slot_count;
	f->slots[f->slot_count++] = slot;
	return (u32)f->slot_count - 1;
}

void ir_slot_release(struct ir_function *f, u32 slot)
{
	if (!f || f->module->error)
		return;
	if (slot >= f->slot_count) {
		stick(f, -EINVAL, "a slot that does not exist");
		return;
	}
	f->slots[slot].released = true;
	/* Mostly the newest. */
	for (size_t i = f->open_count; i-- > 0;) {
		if (f->open_slots[i] != slot)
			continue;
		f->open_slots[i] = f->open_slots[--f->open_count];
		break;
	}
}

u32 ir_slots_size(const struct ir_function *f)
{
	return f ? f->slots_size : 0;
}

ir_reg ir_slot_address(struct ir_function *f, u32 slot, u32 offset)
{
	if (f && (slot >= f->slot_count || offset > f->slots[slot].size))
		stick(f, -EINVAL, "a slot that does not exist, or a place behind its end");
	return value(f, (struct ir_insn){ .kind = DO_SLOT, .imm = slot, .offset = (s32)offset });
}

ir_reg ir_map(struct ir_function *f, u32 map)
{
	return value(f, (struct ir_insn){ .kind = DO_MAP, .imm = map });
}

ir_reg ir_map_value(struct ir_function *f, u32 map, u32 offset)
{
	return value(f,
		     (struct ir_insn){ .kind = DO_MAP_VALUE, .imm = map, .offset = (s32)offset });
}

ir_reg ir_function_address(struct ir_function *f, u32 function)
{
	return value(f, (struct ir_insn){ .kind = DO_FUNCTION, .imm = function });
}

static unsigned unit(struct ir_function *f, u32 left, unsigned align)
{
	unsigned size = align;

	if (!check_size(f, align))
		return 1;
	while (size > left)
		size /= 2;
	return size;
}

void ir_copy(struct ir_function *f, ir_reg to, s32 to_offset, ir_reg from, s32 from_offset,
	     u32 size, unsigned align)
{
	for (u32 i = 0, n; i < size && f && !f->module->error; i += n) {
		n = unit(f, size - i, align);
		ir_store(f, n, to, to_offset + (s32)i,
			 ir_load(f, n, false, from, from_offset + (s32)i));
	}
}

void ir_zero(struct ir_function *f, ir_reg to, s32 to_offset, u32 size, unsigned align)
{
	for (u32 i = 0, n; i < size && f && !f->module->error; i += n) {
		n = unit(f, size - i, align);
		ir_store_imm(f, n, to, to_offset + (s32)i, 0);
	}
}
