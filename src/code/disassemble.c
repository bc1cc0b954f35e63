// SPDX-License-Identifier: Apache-2.0
/*
 * One instruction to text. The operation's four or five bits index tables of signs; each class of
 * instruction has a function, found by the lowest three bits. What no table knows is shown as its
 * number: a newer kernel's program must still be readable.
 */
#include "code/code.h"

#define HELPER_NAME(name) [BPF_FUNC_##name] = "bpf_" #name
static const char *const helper_names[] = {
#ifdef __BPF_FUNC_MAPPER
	__BPF_FUNC_MAPPER(HELPER_NAME)
#else
	NULL
#endif
};

static const char *const alu_signs[16] = {
	[BPF_ADD >> 4] = "+=",	[BPF_SUB >> 4] = "-=",	[BPF_MUL >> 4] = "*=",
	[BPF_DIV >> 4] = "/=",	[BPF_OR >> 4] = "|=",	[BPF_AND >> 4] = "&=",
	[BPF_LSH >> 4] = "<<=", [BPF_RSH >> 4] = ">>=", [BPF_MOD >> 4] = "%=",
	[BPF_XOR >> 4] = "^=",	[BPF_MOV >> 4] = "=",	[BPF_ARSH >> 4] = "s>>=",
};

static const char *const jump_signs[16] = {
	[BPF_JEQ >> 4] = "==",	[BPF_JNE >> 4] = "!=",	 [BPF_JSET >> 4] = "&",
	[BPF_JGT >> 4] = ">",	[BPF_JGE >> 4] = ">=",	 [BPF_JLT >> 4] = "<",
	[BPF_JLE >> 4] = "<=",	[BPF_JSGT >> 4] = "s>",	 [BPF_JSGE >> 4] = "s>=",
	[BPF_JSLT >> 4] = "s<", [BPF_JSLE >> 4] = "s<=",
};

/* By BPF_SIZE() >> 3: BPF_W, BPF_H, BPF_B, BPF_DW. */
static const char *const unsigned_types[] = { "u32", "u16", "u8", "u64" };
static const char *const signed_types[] = { "s32", "s16", "s8", "s64" };

static const struct {
	s32 op;
	const char *sign; /* without a result */
	const char *name; /* with one */
} atomics[] = {
	{ BPF_ADD, "+=", NULL },
	{ BPF_OR, "|=", NULL },
	{ BPF_AND, "&=", NULL },
	{ BPF_XOR, "^=", NULL },
	{ BPF_ADD | BPF_FETCH, NULL, "fetch_add" },
	{ BPF_OR | BPF_FETCH, NULL, "fetch_or" },
	{ BPF_AND | BPF_FETCH, NULL, "fetch_and" },
	{ BPF_XOR | BPF_FETCH, NULL, "fetch_xor" },
	{ BPF_XCHG, NULL, "xchg" },
};

const char *code_helper_name(s32 helper)
{
	return helper > 0 && helper < (s32)ARRAY_SIZE(helper_names) ? helper_names[helper] : NULL;
}

static void add_unknown(const struct bpf_insn *insn, struct buf *b)
{
	buf_printf(b, "unknown 0x%02x dst=r%d src=r%d off=%d imm=0x%x", insn->code, insn->dst_reg,
		   insn->src_reg, insn->off, (u32)insn->imm);
}

/* "(r6 + 8)" */
static void add_address(u8 reg, s16 offset, struct buf *b)
{
	buf_printf(b, "(r%d %c %d)", reg, offset < 0 ? '-' : '+', abs(offset));
}

/* "*(u64 *)(r6 + 8)" */
static void add_memory(const char *type, u8 reg, s16 offset, struct buf *b)
{
	buf_printf(b, "*(%s *)", type);
	add_address(reg, offset, b);
}

static void add_byte_order(const struct bpf_insn *insn, struct buf *b)
{
	bool swap = BPF_CLASS(insn->code) == BPF_ALU64; /* 6.6: always swaps */
	const char *order = swap ? "bswap" : BPF_SRC(insn->code) == BPF_TO_BE ? "be" : "le";

	buf_printf(b, "r%d = %s%d r%d", insn->dst_reg, order, insn->imm, insn->dst_reg);
}

/*
 * Moves between registers carry in `off` how many bits are extended (6.6), or the cast of an arena
 * (6.9).
 */
static bool add_special_move(const struct bpf_insn *insn, char reg, struct buf *b)
{
	if (BPF_SRC(insn->code) != BPF_X || !insn->off)
		return false;
	if (insn->off == 1 && reg == 'r')
		buf_printf(b, "r%d = addr_space_cast(r%d, %u, %u)", insn->dst_reg, insn->src_reg,
			   (u32)insn->imm >> 16, (u32)insn->imm & 0xffff);
	else
		buf_printf(b, "%c%d = (s%d)%c%d", reg, insn->dst_reg, insn->off, reg,
			   insn->src_reg);
	return true;
}

static void add_alu(const struct bpf_insn *insn, struct buf *b)
{
	char reg = BPF_CLASS(insn->code) == BPF_ALU64 ? 'r' : 'w';
	u8 op = BPF_OP(insn->code);
	const char *sign = alu_signs[op >> 4];
	/* 6.6: an offset of 1 makes division and remainder signed. */
	const char *prefix = (op == BPF_DIV || op == BPF_MOD) && insn->off == 1 ? "s" : "";

	if (op == BPF_END) {
		add_byte_order(insn, b);
	} else if (op == BPF_NEG) {
		buf_printf(b, "%c%d = -%c%d", reg, insn->dst_reg, reg, insn->dst_reg);
	} else if (!sign) {
		add_unknown(insn, b);
	} else if (op != BPF_MOV || !add_special_move(insn, reg, b)) {
		buf_printf(b, "%c%d %s%s ", reg, insn->dst_reg, prefix, sign);
		if (BPF_SRC(insn->code) == BPF_X)
			buf_printf(b, "%c%d", reg, insn->src_reg);
		else
			buf_printf(b, "%d", insn->imm);
	}
}

static void add_call(const struct bpf_insn *insn, const struct code_names *names, struct buf *b)
{
	const char *helper = insn->src_reg ? NULL : code_helper_name(insn->imm);

	buf_add_str(b, "call ");
	if (helper)
		buf_printf(b, "%s#%d", helper, insn->imm);
	else if (names && names->call && names->call(names->context, insn, b))
		return;
	else if (insn->src_reg == BPF_PSEUDO_CALL)
		buf_printf(b, "%+d", insn->imm);
	else if (insn->src_reg == BPF_PSEUDO_KFUNC_CALL)
		buf_printf(b, "kernel-function#%d", insn->imm);
	else
		buf_printf(b, "unknown#%d", insn->imm);
}

static void add_jump(const struct bpf_insn *insn, const struct code_names *names, struct buf *b)
{
	bool narrow = BPF_CLASS(insn->code) == BPF_JMP32;
	char reg = narrow ? 'w' : 'r';
	u8 op = BPF_OP(insn->code);

	if (op == BPF_JA) {
		/* JMP32 has the distance in 32 bits (6.6). */
		buf_printf(b, narrow ? "gotol %+d" : "goto %+d", narrow ? insn->imm : insn->off);
	} else if (op == BPF_JCOND && !narrow) {
		buf_printf(b, "may_goto %+d", insn->off);
	} else if (op == BPF_CALL && !narrow) {
		if (BPF_SRC(insn->code) == BPF_X)
			buf_printf(b, "callx r%d", insn->dst_reg);
		else
			add_call(insn, names, b);
	} else if (op == BPF_EXIT && !narrow) {
		buf_add_str(b, "exit");
	} else if (!jump_signs[op >> 4]) {
		add_unknown(insn, b);
	} else {
		buf_printf(b, "if %c%d %s ", reg, insn->dst_reg, jump_signs[op >> 4]);
		if (BPF_SRC(insn->code) == BPF_X)
			buf_printf(b, "%c%d", reg, insn->src_reg);
		else
			buf_printf(b, "0x%x", (u32)insn->imm);
		buf_printf(b, " goto %+d", insn->off);
	}
}

static void add_atomic(const struct bpf_insn *insn, struct buf *b)
{
	u8 size = BPF_SIZE(insn->code);
	const char *type = unsigned_types[size >> 3];
	const char *bits = size == BPF_DW ? "64" : "";

	if (insn->imm == BPF_LOAD_ACQ) {
		buf_printf(b, "r%d = load_acquire((%s *)", insn->dst_reg, type);
		add_address(insn->src_reg, insn->off, b);
		buf_add_char(b, ')');
		return;
	}
	if (insn->imm == BPF_STORE_REL || insn->imm == BPF_CMPXCHG) {
		if (insn->imm == BPF_STORE_REL)
			buf_printf(b, "store_release((%s *)", type);
		else
			buf_printf(b, "r0 = atomic%s_cmpxchg((%s *)", bits, type);
		add_address(insn->dst_reg, insn->off, b);
		buf_printf(b, insn->imm == BPF_STORE_REL ? ", r%d)" : ", r0, r%d)", insn->src_reg);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(atomics); i++) {
		if (atomics[i].op != insn->imm)
			continue;
		if (atomics[i].sign) {
			buf_add_str(b, "lock ");
			add_memory(type, insn->dst_reg, insn->off, b);
			buf_printf(b, " %s r%d", atomics[i].sign, insn->src_reg);
		} else {
			buf_printf(b, "r%d = atomic%s_%s((%s *)", insn->src_reg, bits,
				   atomics[i].name, type);
			add_address(insn->dst_reg, insn->off, b);
			buf_printf(b, ", r%d)", insn->src_reg);
		}
		return;
	}
	add_unknown(insn, b);
}

static void add_load_store(const struct bpf_insn *insn, struct buf *b)
{
	u8 mode = BPF_MODE(insn->code), class = BPF_CLASS(insn->code);
	const char *type = unsigned_types[BPF_SIZE(insn->code) >> 3];

	if (class == BPF_STX && mode == BPF_ATOMIC) {
		add_atomic(insn, b);
	} else if (class == BPF_LDX && (mode == BPF_MEM || mode == BPF_MEMSX)) {
		buf_printf(b, "r%d = ", insn->dst_reg);
		add_memory(mode == BPF_MEM ? type : signed_types[BPF_SIZE(insn->code) >> 3],
			   insn->src_reg, insn->off, b);
	} else if (class == BPF_STX && mode == BPF_MEM) {
		add_memory(type, insn->dst_reg, insn->off, b);
		buf_printf(b, " = r%d", insn->src_reg);
	} else if (class == BPF_ST && mode == BPF_MEM) {
		add_memory(type, insn->dst_reg, insn->off, b);
		buf_printf(b, " = %d", insn->imm);
	} else {
		add_unknown(insn, b);
	}
}

static void add_imm64(const struct bpf_insn *insn, const struct code_names *names, struct buf *b)
{
	u64 value = (u32)insn[0].imm | (u64)(u32)insn[1].imm << 32;
	const char *what = names && names->maps_by_id ? "id" : "fd";
	u32 offset = (u32)insn[1].imm;

	buf_printf(b, "r%d = ", insn->dst_reg);
	if (names && names->imm64 && names->imm64(names->context, insn, value, b))
		return;
	switch (insn->src_reg) {
	case BPF_PSEUDO_MAP_FD:
		buf_printf(b, "map[%s:%d]", what, insn->imm);
		break;
	case BPF_PSEUDO_MAP_VALUE:
		buf_printf(b, "map[%s:%d][0]+%u", what, insn->imm, offset);
		break;
	case BPF_PSEUDO_MAP_IDX:
		buf_printf(b, "map[index:%d]", insn->imm);
		break;
	case BPF_PSEUDO_MAP_IDX_VALUE:
		buf_printf(b, "map[index:%d][0]+%u", insn->imm, offset);
		break;
	case BPF_PSEUDO_BTF_ID:
		buf_printf(b, "btf_id[%d]", insn->imm);
		break;
	case BPF_PSEUDO_FUNC:
		buf_printf(b, "subprog[%+d]", insn->imm);
		break;
	default:
		buf_printf(b, "0x%llx ll", (unsigned long long)value);
	}
}

/* Loads that have no class of their own: packet bytes of classic filters, and 64-bit immediates. */
static size_t add_load(const struct bpf_insn *insn, size_t left, const struct code_names *names,
		       struct buf *b)
{
	const char *type = unsigned_types[BPF_SIZE(insn->code) >> 3];

	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		buf_printf(b, "r0 = *(%s *)skb[%d]", type, insn->imm);
		return 1;
	case BPF_IND:
		buf_printf(b, "r0 = *(%s *)skb[r%d + %d]", type, insn->src_reg, insn->imm);
		return 1;
	case BPF_IMM:
		if (BPF_SIZE(insn->code) == BPF_DW && left > 1) {
			add_imm64(insn, names, b);
			return 2;
		}
	}
	add_unknown(insn, b);
	return 1;
}

size_t code_disassemble(const struct bpf_insn *insn, size_t left, const struct code_names *names,
			struct buf *b)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return add_load(insn, left, names, b);
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		add_load_store(insn, b);
		return 1;
	case BPF_ALU:
	case BPF_ALU64:
		add_alu(insn, b);
		return 1;
	default:
		add_jump(insn, names, b);
		return 1;
	}
}
