// SPDX-License-Identifier: Apache-2.0
/*
 * The assembler. One function writes every instruction and checks what the format cannot hold;
 * labels are numbers, and a jump to one is kept on a list until code_finish() knows where it lies.
 */
#include "code/code.h"

static void code_fail(struct code *c, int err, const char *why)
{
	if (c->error)
		return;
	c->error = err;
	c->why = why;
}

static void emit(struct code *c, u8 opcode, u8 dst, u8 src, s32 offset, s32 imm)
{
	if (c->error)
		return;
	if (dst > BPF_REG_10 || src > BPF_REG_10) {
		code_fail(c, -EINVAL, "a register above r10");
		return;
	}
	if (offset < INT16_MIN || offset > INT16_MAX) {
		code_fail(c, -E2BIG, "an offset of more than 16 bits");
		return;
	}
	if (c->count >= CODE_MAX) {
		code_fail(c, -E2BIG, "a program of more than a million instructions");
		return;
	}
	if (grow(&c->insns, &c->capacity, c->count + 1, sizeof(*c->insns))) {
		code_fail(c, -ENOMEM, "out of memory");
		return;
	}
	c->insns[c->count++] = (struct bpf_insn){
		.code = opcode,
		.dst_reg = dst,
		.src_reg = src,
		.off = (s16)offset,
		.imm = imm,
	};
}

/* The instruction that is added next refers to @label. */
static void refer(struct code *c, u32 label)
{
	if (c->error)
		return;
	if (label >= c->label_count) {
		code_fail(c, -EINVAL, "a jump to a label that does not exist");
		return;
	}
	if (grow(&c->fixups, &c->fixup_capacity, c->fixup_count + 1, sizeof(*c->fixups))) {
		code_fail(c, -ENOMEM, "out of memory");
		return;
	}
	c->fixups[c->fixup_count++] = (struct code_fixup){ .insn = (u32)c->count, .label = label };
}

void code_free(struct code *c)
{
	free(c->insns);
	free(c->labels);
	free(c->fixups);
	*c = (struct code){};
}

u32 code_label(struct code *c)
{
	if (c->error)
		return 0;
	if (grow(&c->labels, &c->label_capacity, c->label_count + 1, sizeof(*c->labels))) {
		code_fail(c, -ENOMEM, "out of memory");
		return 0;
	}
	return (u32)c->label_count++;
}

void code_bind(struct code *c, u32 label)
{
	if (c->error)
		return;
	if (label >= c->label_count || c->labels[label]) {
		code_fail(c, -EINVAL, "a label that does not exist, or is bound twice");
		return;
	}
	c->labels[label] = (u32)c->count + 1;
}

static void resolve(struct code *c, const struct code_fixup *f)
{
	struct bpf_insn *insn = &c->insns[f->insn];
	s64 distance;

	if (!c->labels[f->label]) {
		code_fail(c, -EINVAL, "a jump to a label that was never bound");
		return;
	}
	distance = (s64)c->labels[f->label] - 1 - (s64)f->insn - 1;
	if (insn->code == (BPF_JMP | BPF_CALL) || insn->code == (BPF_LD | BPF_DW | BPF_IMM)) {
		insn->imm = (s32)distance;
		return;
	}
	if (distance < INT16_MIN || distance > INT16_MAX) {
		code_fail(c, -E2BIG, "a jump over more than 32767 instructions");
		return;
	}
	insn->off = (s16)distance;
}

int code_finish(struct code *c)
{
	for (size_t i = 0; i < c->fixup_count && !c->error; i++)
		resolve(c, &c->fixups[i]);
	if (c->error)
		return fail(c->error, "assembler: %s", c->why);
	c->fixup_count = 0;
	return 0;
}

void code_alu(struct code *c, u8 op, u8 dst, u8 src)
{
	emit(c, BPF_ALU64 | BPF_X | op, dst, src, 0, 0);
}

void code_alu_imm(struct code *c, u8 op, u8 dst, s32 imm)
{
	emit(c, BPF_ALU64 | BPF_K | op, dst, 0, 0, imm);
}

void code_alu32(struct code *c, u8 op, u8 dst, u8 src)
{
	emit(c, BPF_ALU | BPF_X | op, dst, src, 0, 0);
}

void code_alu32_imm(struct code *c, u8 op, u8 dst, s32 imm)
{
	emit(c, BPF_ALU | BPF_K | op, dst, 0, 0, imm);
}

void code_mov(struct code *c, u8 dst, u8 src)
{
	code_alu(c, BPF_MOV, dst, src);
}

void code_mov_imm(struct code *c, u8 dst, s64 value)
{
	if (value == (s32)value)
		code_alu_imm(c, BPF_MOV, dst, (s32)value);
	else if (value == (u32)value)
		code_alu32_imm(c, BPF_MOV, dst, (s32)(u32)value);
	else
		code_load_imm64(c, dst, (u64)value);
}

void code_neg(struct code *c, u8 dst)
{
	emit(c, BPF_ALU64 | BPF_NEG, dst, 0, 0, 0);
}

static void byte_order(struct code *c, u8 order, u8 dst, s32 bits)
{
	if (bits != 16 && bits != 32 && bits != 64)
		code_fail(c, -EINVAL, "a byte order of other than 16, 32 or 64 bits");
	emit(c, BPF_ALU | BPF_END | order, dst, 0, 0, bits);
}

void code_to_big_endian(struct code *c, u8 dst, s32 bits)
{
	byte_order(c, BPF_TO_BE, dst, bits);
}

void code_to_little_endian(struct code *c, u8 dst, s32 bits)
{
	byte_order(c, BPF_TO_LE, dst, bits);
}

void code_load(struct code *c, u8 size, u8 dst, u8 src, s32 offset)
{
	emit(c, BPF_LDX | BPF_MEM | size, dst, src, offset, 0);
}

void code_load_signed(struct code *c, u8 size, u8 dst, u8 src, s32 offset)
{
	emit(c, BPF_LDX | BPF_MEMSX | size, dst, src, offset, 0);
}

void code_store(struct code *c, u8 size, u8 dst, s32 offset, u8 src)
{
	emit(c, BPF_STX | BPF_MEM | size, dst, src, offset, 0);
}

void code_store_imm(struct code *c, u8 size, u8 dst, s32 offset, s32 imm)
{
	emit(c, BPF_ST | BPF_MEM | size, dst, 0, offset, imm);
}

void code_atomic(struct code *c, u8 size, s32 op, u8 dst, s32 offset, u8 src)
{
	emit(c, BPF_STX | BPF_ATOMIC | size, dst, src, offset, op);
}

static void double_insn(struct code *c, u8 dst, u8 sort, u32 low, u32 high)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, dst, sort, 0, (s32)low);
	emit(c, 0, 0, 0, 0, (s32)high);
}

void code_load_imm64(struct code *c, u8 dst, u64 value)
{
	double_insn(c, dst, 0, (u32)value, (u32)(value >> 32));
}

void code_load_map_fd(struct code *c, u8 dst, int fd)
{
	double_insn(c, dst, BPF_PSEUDO_MAP_FD, (u32)fd, 0);
}

void code_load_map_value(struct code *c, u8 dst, int fd, u32 offset)
{
	double_insn(c, dst, BPF_PSEUDO_MAP_VALUE, (u32)fd, offset);
}

void code_load_function(struct code *c, u8 dst, u32 label)
{
	refer(c, label);
	double_insn(c, dst, BPF_PSEUDO_FUNC, 0, 0);
}

void code_jump(struct code *c, u32 label)
{
	refer(c, label);
	emit(c, BPF_JMP | BPF_JA, 0, 0, 0, 0);
}

void code_jump_if(struct code *c, u8 op, u8 dst, u8 src, u32 label)
{
	refer(c, label);
	emit(c, BPF_JMP | BPF_X | op, dst, src, 0, 0);
}

void code_jump_if_imm(struct code *c, u8 op, u8 dst, s32 imm, u32 label)
{
	refer(c, label);
	emit(c, BPF_JMP | BPF_K | op, dst, 0, 0, imm);
}

void code_jump32_if(struct code *c, u8 op, u8 dst, u8 src, u32 label)
{
	refer(c, label);
	emit(c, BPF_JMP32 | BPF_X | op, dst, src, 0, 0);
}

void code_jump32_if_imm(struct code *c, u8 op, u8 dst, s32 imm, u32 label)
{
	refer(c, label);
	emit(c, BPF_JMP32 | BPF_K | op, dst, 0, 0, imm);
}

void code_call(struct code *c, s32 helper)
{
	emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void code_call_function(struct code *c, u32 label)
{
	refer(c, label);
	emit(c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
}

void code_exit(struct code *c)
{
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}
