// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * opensnoop: every open of a file, with its result. Only the end of the calls is watched: the
 * registers still hold the arguments then, nothing need be kept in between, and the path's page,
 * which may be missing on entry, is there. Four system calls open files; open and creat exist on
 * x86 only.
 */
#include "registers.h"

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

struct call {
	const char *path;
	u32 flags, mode;
};

static __always_inline void fill(struct open *e, const struct call *call, s64 ret)
{
	header_init(e);
	owner_current(e);
	e->fd = ret < 0 ? -1 : ret;
	e->error = ret < 0 ? -ret : 0;
	e->ret = ret;
	e->flags = call->flags;
	e->mode = call->flags & (O_CREAT | O_TMPFILE) ? call->mode : 0;
}

static __always_inline struct call open_call(const struct pt_regs *regs)
{
	return (struct call){ (const char *)call_argument(regs, 0), call_argument(regs, 1),
			      call_argument(regs, 2) };
}

static __always_inline struct call openat_call(const struct pt_regs *regs)
{
	return (struct call){ (const char *)call_argument(regs, 1), call_argument(regs, 2),
			      call_argument(regs, 3) };
}

static __always_inline struct call openat2_call(const struct pt_regs *regs)
{
	struct open_how {
		u64 flags, mode;
	} how = {};

	bpf_probe_read_user(&how, sizeof(how), (const void *)call_argument(regs, 2));
	return (struct call){ (const char *)call_argument(regs, 1), how.flags, how.mode };
}

static __always_inline struct call creat_call(const struct pt_regs *regs)
{
	return (struct call){ (const char *)call_argument(regs, 0), O_CREAT | O_WRONLY | O_TRUNC,
			      call_argument(regs, 1) };
}

/* A macro, since every program has a buffer of its own (see EVENT_BUFFER). */
#define LEAVE(name, c)                                                            \
	({                                                                        \
		const struct pt_regs *_regs = NULL;                               \
		if (!is_self() && !(failed && (c)->ret >= 0)) {                   \
			_regs = call_registers((c)->number);                      \
			if (!_regs)                                               \
				lost(SAKER_LOST_MAP);                             \
		}                                                                 \
		if (_regs) {                                                      \
			struct open *_e = event_buffer(name##_buffer);            \
			struct call _call = name##_call(_regs);                   \
			fill(_e, &_call, (c)->ret);                               \
			add_user_text(name##_buffer, _e, path, 4096, _call.path); \
			if (WHERE(_e)) {                                          \
				if (summary)                                      \
					count(_e);                                \
				emit_buffer(name##_buffer, _e);                   \
			}                                                         \
		}                                                                 \
		0;                                                                \
	})

SEC("tp/syscalls/sys_exit_openat")
int openat_leave(struct syscall_exit_context *c)
{
	return LEAVE(openat, c);
}

SEC("tp/syscalls/sys_exit_openat2")
int openat2_leave(struct syscall_exit_context *c)
{
	return LEAVE(openat2, c);
}

SEC("?tp/syscalls/sys_exit_open")
OPTIONAL
int open_leave(struct syscall_exit_context *c)
{
	return LEAVE(open, c);
}

SEC("?tp/syscalls/sys_exit_creat")
OPTIONAL
int creat_leave(struct syscall_exit_context *c)
{
	return LEAVE(creat, c);
}
