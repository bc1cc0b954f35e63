// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * execsnoop: new programs. A success is seen where the kernel has just finished it: the
 * argument block lies complete in the new memory and one copy takes all of it. Failures have no
 * such moment; only when they are asked for, the system calls themselves are watched and their
 * arguments gathered one by one.
 */
#include "gadget.h"

GADGET("Trace programs that are executed, with their arguments");
PARAM(bool, failed, "also programs that could not be executed") = false;
ALIAS("-x", "--failed", "also programs that could not be executed");
ALIAS("-u UID", "--where uid==UID", "only this user");
ALIAS("-P PPID", "--where ppid==PPID", "only children of this process");
ALIAS("-T", "--columns +time", "show the time");
ALIAS("-U", "--columns +uid", "show the user");
ALIAS("-n NAME", "--comm NAME", "only this command");
EXAMPLE("execsnoop", "every program that starts");
EXAMPLE("execsnoop -x --where 'ret < 0'", "programs that could not be started");
EXAMPLE("execsnoop --where 'uid == 0 && args contains \"curl\"'", "what root fetches");

enum { ARGS_MAX = 4096, WORD_MAX = 256, WORDS = 20, FILENAME_MAX = 512 };

struct EVENT("a program was executed, or not") exec {
	struct header header;
	OWNER_COLUMNS;
	pid_t ppid COL(": process id of the parent");
	errno_t error COL("hide: why it failed");
	return_t ret COL("width=4: 0, or minus the error's number");
	path_t filename COL("hide, width=30: the file that was asked for");
	args_t args COL("width=60: the program's arguments, its name first");
	bool cut COL("hide: there were more arguments than are shown");
	u8 padding[7] COL("skip");
};
EVENT_BUFFER(exec_buffer, struct exec, 8192);
EVENT_BUFFER(failure_buffer, struct exec, 8192);

static __always_inline void fill(struct exec *e, s64 ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	header_init(e);
	owner_current(e);
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	e->ret = ret;
	e->error = ret < 0 ? -ret : 0;
	e->cut = false;
}

struct call {
	const char *filename;
	const char *const *argv;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct call);
} calls SEC(".maps");

SEC("tp_btf/sched_process_exec")
int BPF_PROG(executed, struct task_struct *task, u32 old_tid, struct linux_binprm *binary)
{
	struct exec *e = event_buffer(exec_buffer);
	u64 start = BPF_CORE_READ(task, mm, arg_start);
	u64 size = BPF_CORE_READ(task, mm, arg_end) - start;

	/*
	 * The call returns under the leader's thread id when another thread made it: forget it
	 * here.
	 */
	if (failed)
		bpf_map_delete_elem(&calls, &old_tid);
	fill(e, 0);
	e->cut = size > ARGS_MAX;
	add_kernel_text(exec_buffer, e, filename, FILENAME_MAX, BPF_CORE_READ(binary, filename));
	add_user_bytes(exec_buffer, e, args, ARGS_MAX, (const void *)start, size);
	if (WHERE(e))
		emit_buffer(exec_buffer, e);
	return 0;
}

/* ---- failures, when they are asked for ------------------------------------------------------- */

static __always_inline int enter(u64 filename, u64 argv)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct call call = { (const char *)filename, (const char *const *)argv };

	map_update_or_lose(&calls, &tid, &call);
	return 0;
}

/* Copies the words that argv points to behind each other. */
static __always_inline void add_words(struct exec *e, const char *const *argv)
{
	struct failure_buffer *b = (void *)e;
	u32 start = e->header.size - sizeof(*e), used = start;
	const char *word = NULL;

	for (u32 i = 0; i <= WORDS; i++) {
		long n;

		if (bpf_probe_read_user(&word, sizeof(word), &argv[i]) || !word)
			break;
		if (i == WORDS || used > failure_buffer_room - WORD_MAX) {
			e->cut = true;
			break;
		}
		n = bpf_probe_read_user_str(b->tail + used, WORD_MAX, word);
		if (n <= 0 || n > WORD_MAX)
			break;
		e->cut |= n == WORD_MAX;
		used += n;
	}
	e->args.offset = e->header.size;
	e->args.length = used - start;
	e->header.size += used - start;
}

static __always_inline int leave(s64 ret)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &tid);
	struct exec *e;

	if (!call)
		return 0;
	if (ret < 0) {
		e = event_buffer(failure_buffer);
		fill(e, ret);
		add_user_text(failure_buffer, e, filename, FILENAME_MAX, call->filename);
		add_words(e, call->argv);
		if (WHERE(e))
			emit_buffer(failure_buffer, e);
	}
	bpf_map_delete_elem(&calls, &tid);
	return 0;
}

SEC("tp/syscalls/sys_enter_execve")
WHEN("failed")
int execve_enter(struct syscall_enter_context *c)
{
	return enter(c->args[0], c->args[1]);
}

SEC("tp/syscalls/sys_exit_execve")
WHEN("failed")
int execve_leave(struct syscall_exit_context *c)
{
	return leave(c->ret);
}

SEC("tp/syscalls/sys_enter_execveat")
WHEN("failed")
int execveat_enter(struct syscall_enter_context *c)
{
	return enter(c->args[1], c->args[2]);
}

SEC("tp/syscalls/sys_exit_execveat")
WHEN("failed")
int execveat_leave(struct syscall_exit_context *c)
{
	return leave(c->ret);
}
