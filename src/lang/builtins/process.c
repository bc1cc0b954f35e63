/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that an event belongs to: its numbers, names, users, cgroup, and its parent. Numbers
 * are those of the PID namespace that Saker runs in, unless (init) asks for the machine's own; in
 * the machine's own namespace that is one helper and a shift.
 *
 * What only walks from task to task (ppid, pcomm) is shorthand for fields of curtask.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lang/builtins/builtins.h"

/* The machine's own PID namespace has this inode everywhere (PROC_PID_INIT_INO). */
#define OWN_PID_NAMESPACE 0xEFFFFFFCU

const struct type *builtin_check_pid(struct checker *c, struct node *n)
{
	const char *word = call_word(n, 0);

	if (call_count(n) && (!word || (strcmp(word, "init") && strcmp(word, "curr_ns"))))
		return check_error(c, call_argument(n, 0)->span,
				   "Invalid PID namespace mode: %s (expects: curr_ns or init)",
				   word ? word : "an expression");
	return &type_u32;
}

/*
 * The two numbers as this namespace has them: tid in the low half of what is stored, as tgid,
 * tid.
 */
static ir_reg namespace_number(struct lower *l, const struct stat *st, bool thread)
{
	u64 device = (u64)major(st->st_dev) << 20 | minor(st->st_dev);
	u32 slot = ir_slot(l->f, sizeof(struct bpf_pidns_info));
	ir_reg info = ir_slot_address(l->f, slot, 0);
	ir_reg value;

	ir_store_imm(l->f, 8, info, 0, 0);
	IR_CALL(l->f, BPF_FUNC_get_ns_current_pid_tgid, ir_const(l->f, (s64)device),
		ir_const(l->f, (s64)st->st_ino), ir_slot_address(l->f, slot, 0),
		ir_const(l->f, sizeof(struct bpf_pidns_info)));
	value = ir_load(l->f, 4, false, ir_slot_address(l->f, slot, 0),
			thread ? offsetof(struct bpf_pidns_info, pid)
			       : offsetof(struct bpf_pidns_info, tgid));
	ir_slot_release(l->f, slot);
	return value;
}

static struct operand emit_number(struct lower *l, const struct node *n, bool thread)
{
	const char *word = call_word(n, 0);
	struct stat st;
	ir_reg both;

	if (!(word && strcmp(word, "init") == 0) && stat("/proc/self/ns/pid", &st) == 0 &&
	    st.st_ino != OWN_PID_NAMESPACE)
		return operand_value(&type_u32, namespace_number(l, &st, thread));
	both = emit_call0(l, BPF_FUNC_get_current_pid_tgid);
	if (thread)
		return operand_value(&type_u32, ir_extend(l->f, 32, false, both));
	return operand_value(&type_u32, ir_binary_imm(l->f, IR_SHR, 64, both, 32));
}

struct operand builtin_emit_pid(struct lower *l, const struct node *n)
{
	return emit_number(l, n, false);
}

struct operand builtin_emit_tid(struct lower *l, const struct node *n)
{
	return emit_number(l, n, true);
}

static ir_reg user_and_group(struct lower *l)
{
	return emit_call0(l, BPF_FUNC_get_current_uid_gid);
}

struct operand builtin_emit_uid(struct lower *l, const struct node *n)
{
	return operand_value(&type_u64, ir_extend(l->f, 32, false, user_and_group(l)));
}

struct operand builtin_emit_gid(struct lower *l, const struct node *n)
{
	return operand_value(&type_u64, ir_binary_imm(l->f, IR_SHR, 64, user_and_group(l), 32));
}

struct operand builtin_emit_username(struct lower *l, const struct node *n)
{
	return operand_value(&type_username, ir_extend(l->f, 32, false, user_and_group(l)));
}
