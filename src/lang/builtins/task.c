/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The task and what hangs on it: its name, its struct, its parent and its thread group's leader,
 * the child of -c, and its cgroup. The name comes from a helper that fills with zeros, so that it
 * can be a key as it lies there.
 */
#include <fcntl.h>
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

#define COMM_SIZE 16
#define COMM_OF_SIZE 64 /* what comm(pid) gives */

const struct type *builtin_check_comm(struct checker *c, struct node *n)
{
	u32 id;

	if (!call_count(n))
		return type_string(c->script->arena, COMM_SIZE);
	if (!check_integer_argument(c, n, 0))
		return &type_none;
	if (!type_function(c->script->world, NULL, "bpf_task_from_pid", &id) ||
	    c->program->kind.type != BPF_PROG_TYPE_TRACING)
		return check_error(
			c, n->span,
			"comm(PID) is not supported in this probe type: it takes a probe "
			"with BTF arguments and a kernel with bpf_task_from_pid (6.2)");
	return type_string(c->script->arena, COMM_OF_SIZE);
}

/* comm(pid): the task is taken by a reference, which is given back on every path. */
static struct operand comm_of(struct lower *l, const struct node *n)
{
	struct operand to = lower_temporary(l, type_string(l->script->arena, COMM_OF_SIZE));
	u32 found = ir_block(l->f), missing = ir_block(l->f), next = ir_block(l->f);
	struct type_world *w = l->script->world;
	const struct type *task = type_named(w, "struct task_struct");
	u32 take = 0, give = 0;
	ir_reg number, t;
	struct field f;

	type_function(w, NULL, "bpf_task_from_pid", &take);
	type_function(w, NULL, "bpf_task_release", &give);
	number = emit_argument(l, n, 0);
	lower_zero(l, to, COMM_OF_SIZE);
	if (!task || !type_field(w, task, "comm", &f, NULL) || !give) {
		l->failed = true;
		return to;
	}
	t = ir_call_kernel(l->f, take, 1, &number);
	ir_branch_imm(l->f, IR_EQ, 64, t, 0, missing, found);
	ir_at(l->f, found);
	IR_CALL(l->f, BPF_FUNC_probe_read_kernel_str, operand_address(l, to),
		ir_const(l->f, COMM_SIZE), ir_binary_imm(l->f, IR_ADD, 64, t, f.offset));
	ir_call_kernel(l->f, give, 1, &t);
	ir_jump(l->f, next);
	ir_at(l->f, missing);
	ir_store_imm(l->f, 4, to.reg, to.offset, 'N' | '/' << 8 | 'A' << 16);
	ir_jump(l->f, next);
	ir_at(l->f, next);
	to.is_padded = true;
	return to;
}

struct operand builtin_emit_comm(struct lower *l, const struct node *n)
{
	struct operand to;

	if (call_count(n))
		return comm_of(l, n);
	to = lower_temporary(l, type_string(l->script->arena, COMM_SIZE));
	lower_comm(l, to);
	to.is_padded = true;
	return to;
}

const struct type *builtin_check_curtask(struct checker *c, struct node *n)
{
	const struct type *task = type_named(c->script->world, "struct task_struct");

	if (!task)
		return &type_u64;
	return type_pointer(c->script->arena, task, SPACE_KERNEL);
}

struct operand builtin_emit_curtask(struct lower *l, const struct node *n)
{
	return operand_value(n->type, emit_call0(l, BPF_FUNC_get_current_task));
}

/* ppid, pcomm, leader_tid, leader_comm, each of the current task or of one that is given. */
const struct type *builtin_check_task_field(struct checker *c, struct node *n)
{
	const char *name = call_name(n);
	const char *to = str_starts(name, "leader_") ? "group_leader" : "real_parent";
	const char *what = str_ends(name, "comm") ? "comm" : "pid";
	struct node *task = call_argument(n, 0);

	if (!task)
		task = tree_name(c, n, "curtask");
	return tree_replace(c, n, tree_field(c, n, tree_field(c, n, task, to), what));
}

const struct type *builtin_check_cpid(struct checker *c, struct node *n)
{
	const struct script_options *o = c->script->options;

	if (c->final && !o->child_pid && !o->child_path)
		diagnose_warning(c->script->diagnostics, n->span,
				 "No child command (`-c`); cpid is zero");
	return &type_u64;
}

static ir_reg child(struct lower *l)
{
	l->script->uses_state = true;
	return ir_load(l->f, 4, false,
		       lower_own_map_value(l, OWN_STATE, offsetof(struct script_state, pid)), 0);
}

struct operand builtin_emit_cpid(struct lower *l, const struct node *n)
{
	return operand_value(&type_u64, child(l));
}

struct operand builtin_emit_has_cpid(struct lower *l, const struct node *n)
{
	/* bpftrace says the opposite of what its name does */
	enum ir_condition c = l->script->options->as_bpftrace ? IR_EQ : IR_NE;

	return operand_value(&type_bool, ir_compare_imm(l->f, c, 64, child(l), 0));
}

/* ---- cgroups --------------------------------------------------------------------------------- */

struct operand builtin_emit_cgroup(struct lower *l, const struct node *n)
{
	return operand_value(&type_u64, emit_call0(l, BPF_FUNC_get_current_cgroup_id));
}

/* The id of a cgroup is its handle in cgroupfs: 8 bytes. */
static int cgroup_id(const char *path, u64 *ret)
{
	union {
		struct file_handle handle;
		u8 room[sizeof(struct file_handle) + sizeof(u64)];
	} h = { .handle.handle_bytes = sizeof(u64) };
	int mount;

	if (name_to_handle_at(AT_FDCWD, path, &h.handle, &mount, 0) < 0)
		return -errno;
	if (h.handle.handle_bytes != sizeof(u64))
		return -EINVAL;
	memcpy(ret, h.handle.f_handle, sizeof(u64));
	return 0;
}

const struct type *builtin_check_cgroupid(struct checker *c, struct node *n)
{
	const char *path;
	u64 id = 0;
	s64 *keep;
	int err;

	if (n->extra)
		return &type_u64;
	if (!check_literal_text(c, n, 0, &path, NULL))
		return &type_none;
	err = cgroup_id(path, &id);
	if (err < 0)
		return check_error(c, n->span, "Failed to get `cgroupid` for path: \"%s\": %s",
				   path,
				   err == -ENOENT ? "there is no such directory"
						  : "it is no cgroup of version 2");
	keep = arena_new_of(c->script->arena, s64);
	*keep = (s64)id;
	n->extra = keep;
	return &type_u64;
}

const struct type *builtin_check_cgroup_path(struct checker *c, struct node *n)
{
	const char *filter;

	if (!check_integer_argument(c, n, 0))
		return &type_none;
	if (call_count(n) > 1 && !check_literal_text(c, n, 1, &filter, NULL))
		return &type_none;
	return &type_cgroup_path;
}

struct operand builtin_emit_cgroup_path(struct lower *l, const struct node *n)
{
	struct operand to = lower_temporary(l, &type_cgroup_path);
	const char *filter;
	u32 text = UINT32_MAX, len;

	if (call_count(n) > 1 && check_constant_string(call_argument(n, 1), &filter, &len))
		text = script_text(l->script, filter);
	emit_store(l, to, offsetof(struct cgroup_value, id), 8, emit_argument(l, n, 0));
	ir_store_imm(l->f, 8, to.reg, to.offset + (s32)offsetof(struct cgroup_value, filter), text);
	return to;
}
