// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * mountsnoop: mounts and unmounts. Since util-linux 2.39 mount(8) takes four small steps in
 * place of one call: a context is opened for a type (fsopen), told its source (fsconfig), made
 * into a mount and moved to its place (move_mount); each step that names something is a record
 * of its own.
 */
#include "gadget.h"

GADGET("Trace mounts and unmounts, with their errors");
PARAM(bool, failed, "only calls that failed") = false;
ALIAS("-x", "--failed", "only calls that failed");
ALIAS("-T", "--columns +time", "show the time");
ALIAS("-t", "--columns +time", "show the time");
EXAMPLE("mountsnoop", "every mount and unmount");
EXAMPLE("mountsnoop --where 'target startswith \"/mnt\"'", "what is mounted below /mnt");

enum operation { MOUNT, UMOUNT, FSOPEN, FSCONFIG, MOVE_MOUNT };

enum mount_flags {
	MS_RDONLY = 1,
	MS_NOSUID = 2,
	MS_NODEV = 4,
	MS_NOEXEC = 8,
	MS_SYNCHRONOUS = 16,
	MS_REMOUNT = 32,
	MS_MANDLOCK = 64,
	MS_DIRSYNC = 128,
	MS_NOSYMFOLLOW = 256,
	MS_NOATIME = 1024,
	MS_NODIRATIME = 2048,
	MS_BIND = 4096,
	MS_MOVE = 8192,
	MS_REC = 16384,
	MS_SILENT = 32768,
	MS_UNBINDABLE = 1 << 17,
	MS_PRIVATE = 1 << 18,
	MS_SLAVE = 1 << 19,
	MS_SHARED = 1 << 20,
	MS_RELATIME = 1 << 21,
	MS_STRICTATIME = 1 << 24,
	MS_LAZYTIME = 1 << 25,
};

struct EVENT("a step of mounting or unmounting") mount_call {
	struct header header;
	OWNER_COLUMNS;
	enum operation op COL("width=10: the system call");
	errno_t result COL(": why it failed");
	enum mount_flags flags COL("hide, flags, strip=MS_, width=20: flags of mount(2)");
	u32 umount_flags COL("hide, hex: flags of umount2(2)");
	text_t fs COL("width=10: type of file system");
	path_t source COL("width=24: what is mounted");
	path_t target COL("width=32: where");
};

struct call {
	const char *source, *target, *type;
	u32 flags, op;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct call);
} calls SEC(".maps");

enum { PATH = 1024, TYPE = 64, FSCONFIG_SET_STRING = 1, FSCONFIG_SET_PATH = 3 };

static __always_inline int enter(struct call *call)
{
	u32 tid = bpf_get_current_pid_tgid();

	map_update_or_lose(&calls, &tid, call);
	return 0;
}

#define LEAVE(name)                                                                  \
	EVENT_BUFFER(name##_buffer, struct mount_call, 4096);                        \
	SEC("tp/syscalls/sys_exit_" #name)                                           \
	int name##_leave(struct syscall_exit_context *c)                             \
	{                                                                            \
		u32 tid = bpf_get_current_pid_tgid();                                \
		struct call *call = bpf_map_lookup_elem(&calls, &tid);               \
		struct mount_call *e = event_buffer(name##_buffer);                  \
                                                                                     \
		if (!call)                                                           \
			return 0;                                                    \
		if (!failed || c->ret < 0) {                                         \
			fill(e, call, c->ret);                                       \
			add_user_text(name##_buffer, e, fs, TYPE, call->type);       \
			add_user_text(name##_buffer, e, source, PATH, call->source); \
			add_user_text(name##_buffer, e, target, PATH, call->target); \
			if (WHERE(e))                                                \
				emit_buffer(name##_buffer, e);                       \
		}                                                                    \
		bpf_map_delete_elem(&calls, &tid);                                   \
		return 0;                                                            \
	}

static __always_inline void fill(struct mount_call *e, const struct call *call, s64 ret)
{
	header_init(e);
	owner_current(e);
	e->op = call->op;
	e->result = ret < 0 ? -ret : 0;
	e->flags = call->op == MOUNT ? call->flags : 0;
	e->umount_flags = call->op == UMOUNT ? call->flags : 0;
}

SEC("tp/syscalls/sys_enter_mount")
int mount_enter(struct syscall_enter_context *c)
{
	struct call call = { .op = MOUNT, .flags = c->args[3] };

	call.source = (const char *)c->args[0];
	call.target = (const char *)c->args[1];
	call.type = (const char *)c->args[2];
	return enter(&call);
}
LEAVE(mount)

/* umount2(2); the kernel's name for it is umount. */
SEC("tp/syscalls/sys_enter_umount")
int umount_enter(struct syscall_enter_context *c)
{
	struct call call = { .op = UMOUNT, .flags = c->args[1] };

	call.target = (const char *)c->args[0];
	return enter(&call);
}
LEAVE(umount)

SEC("tp/syscalls/sys_enter_fsopen")
int fsopen_enter(struct syscall_enter_context *c)
{
	struct call call = { .op = FSOPEN, .type = (const char *)c->args[0] };

	return enter(&call);
}
LEAVE(fsopen)

SEC("tp/syscalls/sys_enter_fsconfig")
int fsconfig_enter(struct syscall_enter_context *c)
{
	struct call call = { .op = FSCONFIG, .source = (const char *)c->args[3] };
	u64 key = 0, source = 0;

	if (c->args[1] != FSCONFIG_SET_STRING && c->args[1] != FSCONFIG_SET_PATH)
		return 0;
	__builtin_memcpy(&source, "source", sizeof("source"));
	bpf_probe_read_user_str(&key, sizeof(key), (const void *)c->args[2]);
	if (key != source)
		return 0;
	return enter(&call);
}
LEAVE(fsconfig)

SEC("tp/syscalls/sys_enter_move_mount")
int move_mount_enter(struct syscall_enter_context *c)
{
	struct call call = { .op = MOVE_MOUNT };

	call.source = (const char *)c->args[1];
	call.target = (const char *)c->args[3];
	return enter(&call);
}
LEAVE(move_mount)
