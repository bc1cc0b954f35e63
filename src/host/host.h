/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host: the machine's state, as far as somebody asked for it: who a process is (or was), the
 * names of users, which container a cgroup belongs to, the names behind addresses. The folder's
 * one public header.
 *
 *	record (pid, uid, cgroup, address, time) --asks--> host --reads--> /proc /sys /etc ELF
 *
 * Nothing is read before it is asked for, everything kept has a bound, and an answer that is not
 * certain is no answer: a record is never given to a process that began after it or to another
 * process that got the same pid.
 *
 * Not for several threads at once: each consumer has a host of its own or a lock. Times are
 * CLOCK_MONOTONIC in ns, as in records. Pointers that are handed out live until the next call for
 * the same host.
 */
#pragma once

#include "base/base.h"

struct record;
struct schema;
struct host;

/* Zero means the default. */
struct host_options {
	/* Where proc, etc, sys, run and var lie; NULL: "". Tests have a tree of their own. */
	const char *root;
	u32 processes;	      /* kept, 16384; those that have exited go first */
	size_t process_bytes; /* of their names and arguments, 4 MiB */
	size_t symbol_bytes;  /* of indexes of ELF files and perf maps, 8 MiB */
};

/* @o may be NULL. NULL when memory ran out. Reads nothing. */
struct host *host_new(const struct host_options *o);
struct host *host_free(struct host *h); /* returns NULL */
void host_freep(struct host **h);

/*
 * Adds to @s what the host knows beyond its stored columns; costs nothing until a sink asks. From
 * the first column of kind pid (the one called "pid" if there is one): process.exe, process.args,
 * process.start, process.parent, process.chain ("systemd>sshd>bash", the process itself last).
 * From the column of kind cgroup, or the pid where there is none: container.id, .name, .image,
 * .runtime, pod.name, .namespace, .uid, unit, cgroup.path. From the first of kind uid: user; of
 * gid: group. A further column of kind pid called X gets X.comm. Names that @s already has are
 * left alone. @h must outlive @s.
 */
int host_add_columns(struct host *h, struct schema *s);

/* ---- files that need privileges ------------------------------------------------------------ */

/*
 * Who reads without privileges may not see other users' executables and maps, nor the kernel's
 * addresses. @fn opens them elsewhere: a descriptor, the host's to close, or -errno. @pid is 0 for
 * HOST_KALLSYMS; HOST_ROOT is a directory to look up in (O_PATH will do).
 */
enum host_file { HOST_EXE, HOST_MAPS, HOST_ROOT, HOST_KALLSYMS };
typedef int (*host_open_fn)(void *context, u32 pid, enum host_file what);
void host_set_opener(struct host *h, host_open_fn fn, void *context);

/* ---- processes --------------------------------------------------------------------------- */

enum process_part {
	PROCESS_IDS = 1, /* uid, gid */
	PROCESS_EXE = 2,
	PROCESS_ARGS = 4,
	PROCESS_CGROUP = 8, /* cgroup_path, identity */
};

/* comm, ppid and start are always there; the rest if it was asked for and could be read. */
struct process {
	u32 pid, ppid;
	u32 uid, gid;
	u64 start; /* 0: not known */
	u64 exit;  /* when it was seen to be gone, 0: it was there when last looked at */
	u64 image; /* changes with each exec that was noticed */
	bool has_ids;
	char comm[64]; /* kernel threads of work queues have long ones */
	const char *exe;
	const char *args; /* words, each ended by NUL */
	u32 args_len;
	const char *cgroup_path; /* the one that tells most: see host_cgroup_of_lines() */
};

/*
 * Who was @pid at @time (0: now)? NULL: not known, which includes that the pid belongs to
 * somebody who began later. @parts: process_part bits.
 */
const struct process *host_process(struct host *h, u32 pid, u64 time, unsigned parts);

/*
 * Fed from records, so that a process is named after it has gone. @args: @args_len bytes of
 * words; NULLs: not known. All return 0 or -ENOMEM.
 */
int host_process_exec(struct host *h, u32 pid, u32 ppid, const char *comm, const char *exe,
		      const char *args, size_t args_len, u64 time);
int host_process_fork(struct host *h, u32 pid, u32 ppid, const char *comm, u64 time);
void host_process_exit(struct host *h, u32 pid, u64 time);
/* Does so for a record of execsnoop or exitsnoop (events); any other is passed over. */
void host_feed(struct host *h, const struct record *r);
/*
 * Reads all of /proc once, so that even who is never asked for before its end is known. @progress
 * (may be NULL) is told from time to time how many of how many entries are done. Returns the
 * number of processes or -errno.
 */
ssize_t host_seed(struct host *h, unsigned parts,
		  void (*progress)(void *context, size_t done, size_t all), void *context);

/* ---- users, groups ----------------------------------------------------------------------- */

/*
 * The name, or the number as text when there is none. Read from /etc/passwd and /etc/group,
 * looked at again once a second.
 */
void host_add_user(struct host *h, u32 uid, struct buf *b);
void host_add_group(struct host *h, u32 gid, struct buf *b);

/* ---- cgroups and containers -------------------------------------------------------------- */

struct text_span {
	const char *bytes;
	size_t len;
};

/* What a cgroup's path says by itself. Spans point into the path. */
struct cgroup_identity {
	/*
	 * "docker", "containerd", "cri-o", "podman", "lxc", "nspawn", "qemu"; "oci" and "cri" when
	 * the path does not say whose container it is; NULL: no container
	 */
	const char *runtime;
	struct text_span id;   /* 64 hexadecimal digits, or the name for lxc and machines */
	char pod_uid[40];      /* with dashes; "" when there is none */
	const char *qos;       /* "guaranteed", "burstable", "besteffort"; NULL */
	struct text_span unit; /* systemd's innermost service or scope outside the container */
};
void cgroup_identify(const char *path, size_t len, struct cgroup_identity *ret);

struct container {
	const char *runtime;
	const char *id;		  /* whole */
	const char *name, *image; /* NULL: not known */
	const char *pod_name, *pod_namespace, *pod_uid;
};

/*
 * Path of a cgroup by its id in the version 2 hierarchy; NULL when there is none (any more, that
 * nobody asked for before).
 */
const char *host_cgroup_path(struct host *h, u64 id);
/*
 * From the text of /proc/PID/cgroup, the path that tells most: that of version 2, unless only
 * another hierarchy knows of the container or the unit (hybrid machines).
 */
struct text_span host_cgroup_of_lines(const char *text, size_t len);
/* The container a cgroup's path belongs to, with what its runtime's state files say; NULL: none. */
const struct container *host_container(struct host *h, const char *path);

/*
 * For --cgroup: a path (of the file system, or from the hierarchy's root) or an id; for
 * --container: a name, or the beginning of an id. The ids of those cgroups and of all below; the
 * caller frees. -ENOENT, -ENOTUNIQ.
 */
int host_cgroup_resolve(struct host *h, const char *text, u64 **ret_ids, size_t *ret_count);
int host_container_resolve(struct host *h, const char *text, u64 **ret_ids, size_t *ret_count);

/* ---- symbols ----------------------------------------------------------------------------- */

struct symbol {
	/* "[kernel]", "[libc.so.6+0x1234]", "[unknown]" if there is none; until the next call. */
	const char *name;
	const char *module; /* base name of the file, the kernel's module; NULL */
	const char *path;   /* user addresses: the whole, as the process has it mapped; NULL */
	u64 offset;	    /* from the beginning of the function */
	bool known;
};

void host_kernel_symbol(struct host *h, u64 address, struct symbol *ret);
void host_user_symbol(struct host *h, u32 pid, u64 address, struct symbol *ret);
/*
 * Of what @pid had mapped at @time, where mappings are watched. 0: not known when; then it is what
 * it has mapped now, or last had at that address.
 */
void host_user_symbol_at(struct host *h, u32 pid, u64 time, u64 address, struct symbol *ret);

/* The file behind a user address, whatever its name is on the machine where it is looked up. */
struct build_id {
	u8 bytes[64];
	size_t size;
	u64 offset; /* of the address in the file */
};
/* false: not known, or the file has none. */
bool host_user_build_id(struct host *h, u32 pid, u64 time, u64 address, struct build_id *ret);

/*
 * From now on the host learns from the kernel (perf's side-band records, one small ring a CPU)
 * what every process maps, forks, executes and when it ends, so that the addresses of those which
 * have gone still have names; those that run already are read from /proc at the first question.
 * Costs nothing while nobody does any of that. What cannot be: -EACCES or -EPERM without
 * CAP_PERFMON, -ENOENT and the like. A second call does nothing.
 */
int host_watch_mappings(struct host *h);
/*
 * Takes in what the kernel has told until now: call it before addresses of records are looked up
 * that were fetched since the last call, and at least every 100 ms or so. Cheap when there is
 * nothing; nothing without a watch.
 */
void host_drain_mappings(struct host *h);
/* Records that did not fit the rings. Who is still there is then read from /proc again. */
u64 host_mappings_lost(const struct host *h);
/* Reads what @pid has mapped now, so that it is known when it has gone. 0 or -ESRCH. */
int host_learn_mappings(struct host *h, u32 pid);
/*
 * The same for all that ran before the watch began, @count of them at a call (some 50 us each): for
 * who counts stacks for long before one is shown. false: done, or a quarter of the budget is used.
 */
bool host_learn_all_mappings(struct host *h, unsigned count);
/*
 * Adds "outermost;...;innermost", as flame graph tools read it, of addresses as the kernel gives
 * them (innermost first). What would break such a line (semicolons, spaces, control characters)
 * is replaced.
 */
int host_format_stack(struct host *h, u32 pid, const u64 *addresses, size_t count, bool user,
		      struct buf *b);
/* The same as a gadget_symbolize_fn (event/gadget.h): @host is a struct host. */
int host_symbolize(void *host, u32 pid, const u64 *addresses, size_t count, bool user,
		   struct buf *b);
/* For people: one frame a line, the innermost first: "    name+0x1f (libc.so.6)". */
int host_format_stack_lines(struct host *h, u32 pid, const u64 *addresses, size_t count, bool user,
			    struct buf *b);
