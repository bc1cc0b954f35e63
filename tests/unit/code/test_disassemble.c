// SPDX-License-Identifier: Apache-2.0
/*
 * The disassembler by a table of instructions, some of them newer than the headers of the build;
 * then every opcode with bytes of every sort, which must give some text and no harm.
 */
#include "groups.h"

#include "code/code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define INSN(c, d, s, o, i)                                                         \
	{                                                                           \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) \
	}

static const struct {
	struct bpf_insn insn[2];
	const char *text;
} table[] = {
	{ { INSN(BPF_ALU64 | BPF_ADD | BPF_X, 1, 2, 0, 0) }, "r1 += r2" },
	{ { INSN(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -5) }, "r1 += -5" },
	{ { INSN(BPF_ALU | BPF_SUB | BPF_X, 1, 2, 0, 0) }, "w1 -= w2" },
	{ { INSN(BPF_ALU64 | BPF_ARSH | BPF_K, 3, 0, 0, 32) }, "r3 s>>= 32" },
	{ { INSN(BPF_ALU64 | BPF_LSH | BPF_X, 3, 4, 0, 0) }, "r3 <<= r4" },
	{ { INSN(BPF_ALU | BPF_MOV | BPF_X, 0, 9, 0, 0) }, "w0 = w9" },
	{ { INSN(BPF_ALU64 | BPF_MOV | BPF_K, 10, 0, 0, 7) }, "r10 = 7" },
	{ { INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, 8, 0) }, "r1 = (s8)r2" },
	{ { INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, 32, 0) }, "r1 = (s32)r2" },
	{ { INSN(BPF_ALU | BPF_MOV | BPF_X, 1, 2, 16, 0) }, "w1 = (s16)w2" },
	{ { INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, 1, 65536) }, "r1 = addr_space_cast(r2, 1, 0)" },
	{ { INSN(BPF_ALU64 | BPF_DIV | BPF_X, 1, 2, 1, 0) }, "r1 s/= r2" },
	{ { INSN(BPF_ALU | BPF_MOD | BPF_K, 1, 0, 1, 3) }, "w1 s%= 3" },
	{ { INSN(BPF_ALU64 | BPF_MOD | BPF_X, 1, 2, 0, 0) }, "r1 %= r2" },
	{ { INSN(BPF_ALU64 | BPF_NEG, 4, 0, 0, 0) }, "r4 = -r4" },
	{ { INSN(BPF_ALU | BPF_NEG, 4, 0, 0, 0) }, "w4 = -w4" },
	{ { INSN(BPF_ALU | BPF_END | BPF_TO_BE, 1, 0, 0, 16) }, "r1 = be16 r1" },
	{ { INSN(BPF_ALU | BPF_END | BPF_TO_LE, 1, 0, 0, 64) }, "r1 = le64 r1" },
	{ { INSN(BPF_ALU64 | BPF_END, 1, 0, 0, 32) }, "r1 = bswap32 r1" },
	{ { INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 6, 8, 0) }, "r1 = *(u64 *)(r6 + 8)" },
	{ { INSN(BPF_LDX | BPF_MEM | BPF_B, 1, 10, -1, 0) }, "r1 = *(u8 *)(r10 - 1)" },
	{ { INSN(BPF_LDX | BPF_MEMSX | BPF_H, 1, 6, 0, 0) }, "r1 = *(s16 *)(r6 + 0)" },
	{ { INSN(BPF_STX | BPF_MEM | BPF_W, 10, 1, -8, 0) }, "*(u32 *)(r10 - 8) = r1" },
	{ { INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -32768, -1) }, "*(u64 *)(r10 - 32768) = -1" },
	{ { INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, BPF_ADD) },
	  "lock *(u64 *)(r1 + 0) += r2" },
	{ { INSN(BPF_STX | BPF_ATOMIC | BPF_W, 1, 2, 4, BPF_XOR) }, "lock *(u32 *)(r1 + 4) ^= r2" },
	{ { INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, BPF_ADD | BPF_FETCH) },
	  "r2 = atomic64_fetch_add((u64 *)(r1 + 0), r2)" },
	{ { INSN(BPF_STX | BPF_ATOMIC | BPF_W, 1, 2, -4, BPF_AND | BPF_FETCH) },
	  "r2 = atomic_fetch_and((u32 *)(r1 - 4), r2)" },
	{ { INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, BPF_XCHG) },
	  "r2 = atomic64_xchg((u64 *)(r1 + 0), r2)" },
	{ { INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, BPF_CMPXCHG) },
	  "r0 = atomic64_cmpxchg((u64 *)(r1 + 0), r0, r2)" },
	{ { INSN(BPF_STX | BPF_ATOMIC | BPF_B, 1, 2, 0, BPF_LOAD_ACQ) },
	  "r1 = load_acquire((u8 *)(r2 + 0))" },
	{ { INSN(BPF_STX | BPF_ATOMIC | BPF_W, 1, 2, 8, BPF_STORE_REL) },
	  "store_release((u32 *)(r1 + 8), r2)" },
	{ { INSN(BPF_LD | BPF_ABS | BPF_H, 0, 0, 0, 12) }, "r0 = *(u16 *)skb[12]" },
	{ { INSN(BPF_LD | BPF_IND | BPF_B, 0, 7, 0, 14) }, "r0 = *(u8 *)skb[r7 + 14]" },
	{ { INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, 0x55667788), INSN(0, 0, 0, 0, 0x11223344) },
	  "r1 = 0x1122334455667788 ll" },
	{ { INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, 5), INSN(0, 0, 0, 0, 0) },
	  "r1 = map[fd:5]" },
	{ { INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_VALUE, 0, 5), INSN(0, 0, 0, 0, 16) },
	  "r1 = map[fd:5][0]+16" },
	{ { INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_IDX, 0, 5), INSN(0, 0, 0, 0, 0) },
	  "r1 = map[index:5]" },
	{ { INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_BTF_ID, 0, 99), INSN(0, 0, 0, 0, 0) },
	  "r1 = btf_id[99]" },
	{ { INSN(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_FUNC, 0, 7), INSN(0, 0, 0, 0, 0) },
	  "r2 = subprog[+7]" },
	{ { INSN(BPF_JMP | BPF_JA, 0, 0, 3, 0) }, "goto +3" },
	{ { INSN(BPF_JMP | BPF_JA, 0, 0, -3, 0) }, "goto -3" },
	{ { INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0) }, "goto +0" },
	{ { INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, 100000) }, "gotol +100000" },
	{ { INSN(BPF_JMP | BPF_JCOND, 0, 0, 2, 0) }, "may_goto +2" },
	{ { INSN(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 3, 5) }, "if r1 == 0x5 goto +3" },
	{ { INSN(BPF_JMP32 | BPF_JSLT | BPF_X, 1, 2, -9, 0) }, "if w1 s< w2 goto -9" },
	{ { INSN(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 3, -1) }, "if r1 & 0xffffffff goto +3" },
	{ { INSN(BPF_JMP | BPF_JSGE | BPF_X, 1, 2, 3, 0) }, "if r1 s>= r2 goto +3" },
	{ { INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 1) }, "call bpf_map_lookup_elem#1" },
	{ { INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 14) }, "call bpf_get_current_pid_tgid#14" },
	{ { INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 0) }, "call unknown#0" },
	{ { INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 123456) }, "call unknown#123456" },
	{ { INSN(BPF_JMP | BPF_CALL, 0, 0, 0, -7) }, "call unknown#-7" },
	{ { INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 5) }, "call +5" },
	{ { INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 77) },
	  "call kernel-function#77" },
	{ { INSN(BPF_JMP | BPF_CALL | BPF_X, 3, 0, 0, 0) }, "callx r3" },
	{ { INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0) }, "exit" },
	{ { INSN(0xff, 1, 2, 3, 4) }, "unknown 0xff dst=r1 src=r2 off=3 imm=0x4" },
	{ { INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, 0x77) },
	  "unknown 0xdb dst=r1 src=r2 off=0 imm=0x77" },
};

static void test_table(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_buf_ struct buf b = {};
		bool two = table[i].insn[0].code == (BPF_LD | BPF_IMM | BPF_DW);

		assert_int_equal(code_disassemble(table[i].insn, 2, NULL, &b), two ? 2 : 1);
		assert_string_equal(buf_str(&b), table[i].text);
	}
}

static bool name_call(void *context, const struct bpf_insn *insn, struct buf *b)
{
	if (insn->imm != 1000000)
		return false;
	buf_printf(b, "%s", (const char *)context);
	return true;
}

static bool name_imm64(void *context, const struct bpf_insn *insn, u64 value, struct buf *b)
{
	if (insn->src_reg || value != 0xffffffff81000000)
		return false;
	buf_add_str(b, "_text");
	return true;
}

static void test_names(void **state)
{
	static const struct code_names names = {
		.context = "bpf_prog_abc_helper",
		.call = name_call,
		.imm64 = name_imm64,
		.maps_by_id = true,
	};
	static const struct bpf_insn insns[] = {
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 1000000),
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1000000),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 1),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 1000001),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, (s32)0x81000000),
		INSN(0, 0, 0, 0, -1),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, 9),
		INSN(0, 0, 0, 0, 0),
	};
	static const char *const texts[] = {
		"call bpf_prog_abc_helper",
		"call bpf_prog_abc_helper",
		"call bpf_map_lookup_elem#1",
		"call unknown#1000001",
		"r1 = _text",
		"r1 = map[id:9]",
	};
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_buf_ struct buf b = {};

		at += code_disassemble(&insns[at], ARRAY_SIZE(insns) - at, &names, &b);
		assert_string_equal(buf_str(&b), texts[i]);
	}
	assert_int_equal(at, ARRAY_SIZE(insns));
}

/* What the assembler writes reads as it was meant. */
static void test_assembled(void **state)
{
	static const char *const texts[] = {
		"r1 = *(s16 *)(r2 - 4)",
		"lock *(u64 *)(r1 + 8) += r2",
		"r3 = atomic64_xchg((u64 *)(r1 + 0), r3)",
		"r4 = le32 r4",
		"r5 = map[fd:7][0]+24",
	};
	_cleanup_code_ struct code c = {};
	size_t at = 0;

	code_load_signed(&c, BPF_H, BPF_REG_1, BPF_REG_2, -4);
	code_atomic(&c, BPF_DW, BPF_ADD, BPF_REG_1, 8, BPF_REG_2);
	code_atomic(&c, BPF_DW, BPF_XCHG, BPF_REG_1, 0, BPF_REG_3);
	code_to_little_endian(&c, BPF_REG_4, 32);
	code_load_map_value(&c, BPF_REG_5, 7, 24);
	assert_int_equal(code_finish(&c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_buf_ struct buf b = {};

		at += code_disassemble(&c.insns[at], c.count - at, NULL, &b);
		assert_string_equal(buf_str(&b), texts[i]);
	}
	assert_int_equal(at, c.count);
	assert_string_equal(code_helper_name(1), "bpf_map_lookup_elem");
	assert_null(code_helper_name(1 << 20));
}

static void test_everything(void **state)
{
	static const s32 imms[] = { 0, 1, -1, INT32_MIN, 16, 0x100, 0x110, 0xf1, 1 << 30 };

	for (u32 i = 0; i < 256 * 16 * ARRAY_SIZE(imms); i++) {
		const struct bpf_insn insn =
			INSN((u8)i, i % 16, i / 256 % 16, (s16)(i * 7919), imms[i / 256 / 16]);
		_cleanup_buf_ struct buf b = {};

		/* The second half of a double instruction may be cut off. */
		assert_int_equal(code_disassemble(&insn, 1, NULL, &b), 1);
		assert_true(b.len > 3 && b.len < 100);
		assert_null(strstr(buf_str(&b), "(null)"));
	}
}

int test_disassemble(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_assembled),
		cmocka_unit_test(test_everything),
	};

	return cmocka_run_group_tests_name("disassembler", tests, NULL, NULL);
}
