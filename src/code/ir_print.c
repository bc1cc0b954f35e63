// SPDX-License-Identifier: Apache-2.0
/*
 * The representation as text, one instruction a line, as it was built: registers are %1, %2 ...,
 * blocks are listed in the order in which they became current.
 *
 *	function 0 probe_1(%1)
 *	block 0:
 *		%2 = u64 [%1 + 8]
 *		if %2 == 7 goto 1 else 2
 */
#include "code/ir_internal.h"

static const char *const operators[] = {
	[IR_ADD] = "+",	 [IR_SUB] = "-",  [IR_MUL] = "*",   [IR_DIV] = "/",
	[IR_MOD] = "%",	 [IR_AND] = "&",  [IR_OR] = "|",    [IR_XOR] = "^",
	[IR_SHL] = "<<", [IR_SHR] = ">>", [IR_SAR] = "s>>",
};
static const char *const conditions[] = {
	[IR_EQ] = "==",	 [IR_NE] = "!=",   [IR_GT] = ">",    [IR_GE] = ">=",
	[IR_LT] = "<",	 [IR_LE] = "<=",   [IR_SGT] = "s>",  [IR_SGE] = "s>=",
	[IR_SLT] = "s<", [IR_SLE] = "s<=", [IR_SET] = "has",
};

static void add_offset(struct buf *b, s64 offset)
{
	if (offset)
		buf_printf(b, " %c %lld", offset < 0 ? '-' : '+',
			   (long long)(offset < 0 ? -offset : offset));
}

static void add_address(struct buf *b, const struct ir_insn *insn, bool is_signed)
{
	buf_printf(b, "%c%u [%%%u", is_signed ? 's' : 'u', insn->size * 8, insn->in[0]);
	add_offset(b, insn->offset);
	buf_add_char(b, ']');
}

/* The second operand, a register or an immediate; 32-bit operations carry a "w". */
static void add_operation(struct buf *b, const struct ir_insn *insn, const char *sign, bool imm)
{
	buf_printf(b, "%%%u %s%s ", insn->in[0], sign, insn->bits == 32 ? "w" : "");
	if (imm)
		buf_add_s64(b, insn->imm);
	else
		buf_printf(b, "%%%u", insn->in[1]);
}

static void add_arguments(struct buf *b, const struct ir_insn *insn)
{
	buf_add_char(b, '(');
	for (unsigned i = 0; i < insn->count; i++)
		buf_printf(b, "%s%%%u", i ? ", " : "", insn->in[i]);
	buf_add_char(b, ')');
}

static void add_atomic(struct buf *b, const struct ir_insn *insn)
{
	s64 plain = insn->imm & ~(s64)BPF_FETCH;

	buf_add_str(b, insn->imm == BPF_CMPXCHG ? "atomic compare-exchange "
		       : insn->imm == BPF_XCHG	? "atomic exchange "
		       : plain == BPF_ADD	? "atomic add "
		       : plain == BPF_OR	? "atomic or "
		       : plain == BPF_AND	? "atomic and "
						: "atomic xor ");
	add_address(b, insn, false);
	buf_printf(b, ", %%%u", insn->in[1]);
	if (insn->imm == BPF_CMPXCHG)
		buf_printf(b, " if %%%u", insn->in[2]);
}

static const char *function_name(const struct ir_function *f, s64 number)
{
	const struct ir_module *m = f->module;

	return number < (s64)m->function_count ? m->functions[number]->name : "?";
}

static void add_call(struct buf *b, const struct ir_function *f, const struct ir_insn *insn)
{
	const char *helper = code_helper_name((s32)insn->imm);

	if (insn->kind == DO_CALL_FUNCTION)
		buf_add_str(b, function_name(f, insn->imm));
	else if (insn->kind == DO_CALL_KERNEL)
		buf_printf(b, "kernel function %lld", (long long)insn->imm);
	else if (helper)
		buf_add_str(b, helper);
	else
		buf_printf(b, "helper %lld", (long long)insn->imm);
	add_arguments(b, insn);
}

static void add_value(struct buf *b, const struct ir_function *f, const struct ir_insn *insn)
{
	switch (insn->kind) {
	case DO_CONST:
		buf_add_s64(b, insn->imm);
		break;
	case DO_SLOT:
		buf_printf(b, "slot %lld", (long long)insn->imm);
		add_offset(b, insn->offset);
		break;
	case DO_MAP:
		buf_printf(b, "map %lld", (long long)insn->imm);
		break;
	case DO_MAP_VALUE:
		buf_printf(b, "value of map %lld", (long long)insn->imm);
		add_offset(b, (u32)insn->offset);
		break;
	case DO_FUNCTION:
		buf_printf(b, "function %s", function_name(f, insn->imm));
		break;
	case DO_MOVE:
		buf_printf(b, "%%%u", insn->in[0]);
		break;
	case DO_BINARY:
	case DO_BINARY_IMM:
		add_operation(b, insn, operators[insn->op], insn->kind == DO_BINARY_IMM);
		break;
	case DO_NEGATE:
		buf_printf(b, "-%s%%%u", insn->bits == 32 ? "w " : "", insn->in[0]);
		break;
	case DO_EXTEND:
		buf_printf(b, "%c%u %%%u", insn->is_signed ? 's' : 'u', insn->bits, insn->in[0]);
		break;
	case DO_SWAP:
		buf_printf(b, "swap%u %%%u", insn->bits, insn->in[0]);
		break;
	case DO_COMPARE:
	case DO_COMPARE_IMM:
		add_operation(b, insn, conditions[insn->op], insn->kind == DO_COMPARE_IMM);
		break;
	case DO_LOAD:
		add_address(b, insn, insn->is_signed);
		break;
	case DO_ATOMIC:
		add_atomic(b, insn);
		break;
	case DO_CALL:
	case DO_CALL_FUNCTION:
	case DO_CALL_KERNEL:
		add_call(b, f, insn);
		break;
	}
}

static void add_statement(struct buf *b, const struct ir_function *f, const struct ir_insn *insn)
{
	switch (insn->kind) {
	case DO_COMMENT:
		buf_printf(b, "; %s", f->comments[insn->imm]);
		break;
	case DO_STORE:
		add_address(b, insn, false);
		buf_printf(b, " = %%%u", insn->in[1]);
		break;
	case DO_STORE_IMM:
		add_address(b, insn, false);
		buf_printf(b, " = %lld", (long long)insn->imm);
		break;
	case DO_JUMP:
		buf_printf(b, "goto %u", insn->to[0]);
		break;
	case DO_BRANCH:
	case DO_BRANCH_IMM:
		buf_add_str(b, "if ");
		add_operation(b, insn, conditions[insn->op], insn->kind == DO_BRANCH_IMM);
		buf_printf(b, " goto %u else %u", insn->to[0], insn->to[1]);
		break;
	case DO_MAY_GOTO:
		buf_printf(b, "may goto %u else %u", insn->to[1], insn->to[0]);
		break;
	case DO_RETURN:
		buf_printf(b, "return %%%u", insn->in[0]);
		break;
	case DO_RETURN_IMM:
		buf_printf(b, "return %lld", (long long)insn->imm);
		break;
	default:
		if (insn->dst)
			buf_printf(b, "%%%u = ", insn->dst);
		add_value(b, f, insn);
	}
}

static void print_block(const struct ir_function *f, u32 block, struct buf *b)
{
	buf_printf(b, "block %u:\n", block);
	for (u32 at = f->blocks[block].first; at; at = f->insns[at - 1].next) {
		buf_add_char(b, '\t');
		add_statement(b, f, &f->insns[at - 1]);
		buf_add_char(b, '\n');
	}
}

static void print_function(const struct ir_function *f, struct buf *b)
{
	_cleanup_free_ u32 *by_order = calloc(f->block_count + 1, sizeof(u32));

	if (!by_order) {
		b->error = -ENOMEM;
		return;
	}
	buf_printf(b, "function %u %s(", f->number, f->name);
	for (unsigned i = 0; i < f->arguments; i++)
		buf_printf(b, "%s%%%u", i ? ", " : "", i + 1);
	buf_add_str(b, ")\n");
	for (size_t i = 0; i < f->slot_count; i++)
		buf_printf(b, "slot %zu: %u bytes at -%u\n", i, f->slots[i].size,
			   f->slots[i].offset);
	for (u32 i = 0; i < f->block_count; i++)
		if (f->blocks[i].order)
			by_order[f->blocks[i].order] = i + 1;
	for (u32 i = 1; i <= f->block_count; i++)
		if (by_order[i])
			print_block(f, by_order[i] - 1, b);
}

void ir_print(const struct ir_module *m, struct buf *b)
{
	for (size_t i = 0; i < m->function_count; i++) {
		if (i)
			buf_add_char(b, '\n');
		print_function(m->functions[i], b);
	}
}
