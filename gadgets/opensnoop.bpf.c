// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * opensnoop: every open of a file, with its result. The path is read when the call returns: on
 * entry its page may not be there yet. Four system calls open files; open and creat exist on
 * x86 only.
 */
#include "gadget.h"

GADGET("Trace files that are opened: open, openat, openat2 and creat, with their errors");
PARAM(bool, failed, "only opens that failed") = false;
PARAM(bool, summary, "also count opens and failures of each process") = false;
ALIAS("-x", "--failed", "only opens that failed");
ALIAS("-u UID", "--where uid==UID", "only this user");
ALIAS("-n NAME", "--comm NAME", "only this command");
ALIAS("-t TID", "--where tid==TID", "only this thread");
ALIAS("-f FLAG", "--where flags&FLAG", "only opens with this flag, such as O_CREAT");
ALIAS("-T", "--columns +time", "show the time");
ALIAS("-U", "--columns +uid", "show the user");
ALIAS("-e", "--columns +flags,+mode", "show flags and mode");
EXAMPLE("opensnoop -x", "opens that fail, with the reason");
EXAMPLE("opensnoop --where 'path startswith \"/etc/\"'", "who reads the configuration");
EXAMPLE("opensnoop --summary --for 10s", "which processes open most");

enum open_flags {
	O_RDONLY = 0,
	O_WRONLY = 01,
	O_RDWR = 02,
	O_CREAT = 0100,
	O_EXCL = 0200,
	O_NOCTTY = 0400,
	O_TRUNC = 01000,
	O_APPEND = 02000,
	O_NONBLOCK = 04000,
	O_DSYNC = 010000,
	O_CLOEXEC = 02000000,
	O_PATH = 010000000,
	O_TMPFILE = 020000000,
};

struct EVENT("a file was opened, or not") open {
	struct header header;
	OWNER_COLUMNS;
	s32 fd COL("width=4: the new descriptor, -1 when it failed");
	errno_t error COL(": why it failed");
	s32 ret COL("hide: what the call returned: a descriptor, or minus the error's number");
	enum open_flags flags COL("hide, flags, width=24: how it is to be opened");
	mode_bits_t mode COL("hide: permissions of a file that is created");
	path_t path COL("width=40: the path as the process gave it");
};

struct process {
	pid_t pid;
	comm_t comm;
};
struct opens {
	count_t opens COL(": calls, failed ones too");
	count_t failures COL(": calls that failed");
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct process);
	__type(value, struct opens);
} processes SEC(".maps")
TABLE("when=summary, sort=opens: opens of each process");

struct call {
	const char *path;
	u32 flags, mode;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u32);
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline int enter(u64 path, u32 flags, u32 mode)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct call call = { (const char *)path, flags, flags & (O_CREAT | O_TMPFILE) ? mode : 0 };

	if (!is_self())
		map_update_or_lose(&calls, &tid, &call);
	return 0;
}

static __always_inline void count(const struct open *e)
{
	static const struct opens none;
	struct process process = { .pid = e->pid };
	struct opens *opens;

	__builtin_memcpy(process.comm, e->comm, sizeof(process.comm));
	opens = lookup_or_make(&processes, &process, &none);
	if (!opens)
		return;
	__sync_fetch_and_add(&opens->opens, 1);
	if (e->error)
		__sync_fetch_and_add(&opens->failures, 1);
}

EVENT_BUFFER(open_buffer, struct open, 4096);
EVENT_BUFFER(openat_buffer, struct open, 4096);
EVENT_BUFFER(openat2_buffer, struct open, 4096);
EVENT_BUFFER(creat_buffer, struct open, 4096);

/* A macro, since every program has a buffer of its own (see EVENT_BUFFER). */
#define LEAVE(buffer, c)                                                    \
	({                                                                  \
		u32 _tid = bpf_get_current_pid_tgid();                      \
		struct call *_call = bpf_map_lookup_elem(&calls, &_tid);    \
		if (_call && !(failed && (c)->ret >= 0)) {                  \
			struct open *_e = event_buffer(buffer);             \
			fill(_e, _call, (c)->ret);                          \
			add_user_text(buffer, _e, path, 4096, _call->path); \
			if (WHERE(_e)) {                                    \
				if (summary)                                \
					count(_e);                          \
				emit_buffer(buffer, _e);                    \
			}                                                   \
		}                                                           \
		if (_call)                                                  \
			bpf_map_delete_elem(&calls, &_tid);                 \
		0;                                                          \
	})

static __always_inline void fill(struct open *e, const struct call *call, s64 ret)
{
	header_init(e);
	owner_current(e);
	e->fd = ret < 0 ? -1 : ret;
	e->error = ret < 0 ? -ret : 0;
	e->ret = ret;
	e->flags = call->flags;
	e->mode = call->mode;
}

SEC("tp/syscalls/sys_enter_openat")
int openat_enter(struct syscall_enter_context *c)
{
	return enter(c->args[1], c->args[2], c->args[3]);
}

SEC("tp/syscalls/sys_exit_openat")
int openat_leave(struct syscall_exit_context *c)
{
	return LEAVE(openat_buffer, c);
}

SEC("tp/syscalls/sys_enter_openat2")
int openat2_enter(struct syscall_enter_context *c)
{
	struct open_how {
		u64 flags, mode;
	} how = {};

	bpf_probe_read_user(&how, sizeof(how), (const void *)c->args[2]);
	return enter(c->args[1], how.flags, how.mode);
}

SEC("tp/syscalls/sys_exit_openat2")
int openat2_leave(struct syscall_exit_context *c)
{
	return LEAVE(openat2_buffer, c);
}

SEC("?tp/syscalls/sys_enter_open")
OPTIONAL
int open_enter(struct syscall_enter_context *c)
{
	return enter(c->args[0], c->args[1], c->args[2]);
}

SEC("?tp/syscalls/sys_exit_open")
OPTIONAL
int open_leave(struct syscall_exit_context *c)
{
	return LEAVE(open_buffer, c);
}

SEC("?tp/syscalls/sys_enter_creat")
OPTIONAL
int creat_enter(struct syscall_enter_context *c)
{
	return enter(c->args[0], O_CREAT | O_WRONLY | O_TRUNC, c->args[1]);
}

SEC("?tp/syscalls/sys_exit_creat")
OPTIONAL
int creat_leave(struct syscall_exit_context *c)
{
	return LEAVE(creat_buffer, c);
}
