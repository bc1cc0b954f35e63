/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probe providers: what stands before a block. A provider is one row of a table: its names, how its
 * attach point is written, what it expands to on this machine, what a program there is handed, and
 * how it is listed. Attaching itself is kernel/hook.h.
 *
 *	"kprobe:vfs_*"  --provider_parse--> attach point --provider_expand--> concrete ones
 *
 * Concrete attach points that one program can serve are a group: it is compiled once and attached
 * to each of them (with a cookie that says which, when the script asks for `probe`).
 */
#pragma once

#include "kernel/kernel.h"
#include "lang/types/type.h"

/* What the program's context is. */
enum context_kind {
	CONTEXT_NONE,	       /* begin, end, self, test, bench: run by BPF_PROG_TEST_RUN */
	CONTEXT_REGISTERS,     /* struct pt_regs: kprobe, uprobe, usdt */
	CONTEXT_PERF_EVENT,    /* struct bpf_perf_event_data (pt_regs first) */
	CONTEXT_TRACEPOINT,    /* the bytes that tracefs describes */
	CONTEXT_RAW_ARGUMENTS, /* u64 args[]: raw tracepoint */
	CONTEXT_BTF_ARGUMENTS, /* u64 args[], typed, trusted: tp_btf, fentry; fexit: result last */
	CONTEXT_ITERATOR,      /* struct bpf_iter__X */
};

/* What a built-in may ask for: bits of provider.allows. */
enum probe_allows {
	ALLOWS_ARGUMENTS = 1 << 0, /* arg0 ... argN */
	ALLOWS_ARGS = 1 << 1,	   /* args, args.x */
	ALLOWS_RETVAL = 1 << 2,
	ALLOWS_FUNC = 1 << 3,
	ALLOWS_REGISTERS = 1 << 4, /* reg() */
	ALLOWS_OVERRIDE = 1 << 5,
	ALLOWS_STACK_ARGUMENTS = 1 << 6, /* sarg0 ... */
	ALLOWS_CONTEXT = 1 << 7,	 /* ctx */
	ALLOWS_USER_PLACE = 1 << 8, /* is in user code: str() reads user memory, usym(reg("ip")) */
	ALLOWS_D_PATH = 1 << 9,
	ALLOWS_CURRENT = 1 << 10, /* pid, comm and so on belong to the event (not in begin: they are
				       the tracer's) */
};

struct attach_point;
struct attach_list;

/* One operand of a USDT probe, read from its note ("-4@%eax", "8@-16(%rbp)"). */
struct usdt_argument {
	u8 size; /* bytes */
	bool is_signed;
	enum { USDT_CONSTANT, USDT_REGISTER, USDT_MEMORY } kind;
	s64 constant;	     /* or the displacement */
	s16 base, index;     /* offset of the register in struct pt_regs; -1: none */
	u8 scale, base_size; /* base_size: bytes of the register that count */
};
#define USDT_ARGUMENTS_MAX 12

struct provider {
	const char *name;	    /* "kprobe" */
	const char *const *aliases; /* "k", NULL-ended; compared without case for begin and end */
	const char *usage;	    /* "kprobe[:MODULE]:FUNCTION[+OFFSET]" */
	enum context_kind context;
	u32 allows;
	const char *needs; /* what the kernel must have, for messages; NULL */
	/*
	 * Reads the parts of @a->text into the rest of it. -EINVAL with diagnostics at the part
	 * that is wrong, and what was expected.
	 */
	int (*parse)(struct attach_point *a, struct diagnostics *d);
	/*
	 * Adds what @a stands for on this machine with attach_list_add(): itself when it has no
	 * wildcard and exists. Adding nothing means: no match (a->why says why, with a suggestion).
	 */
	int (*expand)(struct attach_point *a, struct attach_list *list);
	/* Every point there is that the parts of @a match, for -l; NULL: as expand. */
	int (*list)(struct attach_point *a, struct attach_list *list);
};
extern const struct provider providers[];
extern const size_t provider_count;
/* By name or alias; NULL: none (provider_suggest() has the nearest). */
const struct provider *provider_find(const char *name);
const char *provider_suggest(const char *name);

struct attach_point {
	const struct provider *provider;
	const struct attach_text *text; /* as written */
	struct attach_point *next;
	/* parsed; wildcards allowed before expansion */
	const char *target; /* module, category, program's path, usdt namespace's program */
	const char *event;  /* function, tracepoint, usdt name, "cpu-clock", "SIGUSR1" */
	const char *space;  /* usdt's provider name; the language ("cpp") of a uprobe */
	const char *source; /* uprobe at a source line: its file; NULL */
	u32 line;
	u64 offset, address; /* function+offset; absolute address */
	u64 period;	     /* events, or ns, or Hz */
	enum { PERIOD_COUNT, PERIOD_NS, PERIOD_HZ } unit;
	u32 length, access; /* watchpoint: bytes; bit 0 r, 1 w, 2 x */
	bool has_offset, has_address, is_wildcard;
	/* concrete */
	const char *name; /* as the built-in `probe` says it: "kprobe:vfs_read" */
	const char *file; /* uprobe, usdt: where we reach `target`, /proc/PID/root/... */
	bool is_more;	  /* another place of the same probe as the one before: not counted */
	bool alone;	  /* no multi link: --no-feature */
	bool of_wildcard; /* need not be there: see attachment_new() */
	u64 file_offset;  /* uprobe, usdt: where the breakpoint goes */
	u64 semaphore;	  /* usdt: offset of its reference counter in the file; 0: none */
	u32 btf_id, module_btf_id; /* fentry, iter */
	/*
	 * STRUCT in CONTEXT, or FUNCTION; NULL: there are none, or nobody asked yet: read it by
	 * attach_point_args(), because a wildcard's hundreds of points have theirs read only then.
	 */
	const struct type *args;
	bool args_known;
	struct usdt_argument *usdt;
	u32 usdt_count;
	/*
	 * Taken in place of what was written, because this kernel lacks that: "fentry" for a
	 * kprobe. Whose context and permissions hold (a row of its own: a kprobe taken as fentry
	 * keeps arg0, an fentry taken as kprobe its args, which are the first registers);
	 * `provider` stays what was written. Compare names, not addresses.
	 */
	const struct provider *effective;
	const char *why; /* no match, or why `effective` differs */
	/* Why it must not be attached without --unsafe: attachment_new() says it. NULL. */
	const char *refused;
};

struct attach_list {
	struct arena *arena;
	struct type_world *world;
	struct attach_point *first, **last;
	u32 count, max; /* config max_probes: reaching it is an error that names it */
	u32 filtered;	/* those that the filter kept out */
	const struct attach_text *wildcard; /* that of the last one: counted once */
	s32 pid;		/* -p, or the child of -c: uprobes of one process; 0: all */
	const char *child_path; /* program of -p or -c, for `uprobe:*:` and usdt without a path */
	const char *filter;	/* --probe-filter: a regular expression; NULL */
	/*
	 * --mode and --no-feature: words, commas between: no-kprobe, no-fentry, no-kprobe_multi,
	 * no-uprobe_multi; others mean nothing here. NULL.
	 */
	const char *mode;
	const char *traceable; /* --traceable-functions: a file; NULL */
	bool unsafe;	       /* --unsafe: uprobes anywhere, also where no instruction begins */
	bool missing_is_error, missing_is_silent; /* config missing_probes */
};
void attach_list_add(struct attach_list *l, struct attach_point *a);
/*
 * What the point hands over: TRACEPOINT: a STRUCT; fentry, raw tracepoint, kprobe taken as fentry:
 * a FUNCTION; iter: the context's STRUCT; uprobe with DWARF: a FUNCTION. NULL: not known.
 */
const struct type *attach_point_args(struct type_world *w, struct attach_point *a);

/*
 * All attach points of one probe as written: parsed, expanded, with diagnostics (unknown provider,
 * wrong parts, "no match", with suggestions). Concrete ones are appended to @list.
 */
int probe_expand(const struct probe *p, struct attach_list *list, struct diagnostics *d);

/* Points that one program may serve: same context, same types of args where @uses_args. */
bool attach_point_shares(struct type_world *w, struct attach_point *a, struct attach_point *b,
			 bool uses_args);

/* What the program is to the kernel. */
struct program_kind {
	u32 type;   /* enum bpf_prog_type */
	u32 attach; /* expected_attach_type */
	u32 btf_id; /* attach_btf_id; 0: none */
	int btf_fd; /* of the module whose BTF it is, or of the program: the caller's; 0: none */
	bool sleepable;
};
/*
 * @several: the program is attached to more than one point of this sort (multi links): then
 * attachment_new() must be called with more than one point too. 0, or -errno with a text.
 */
int attach_point_kind(const struct attach_point *a, bool several, struct program_kind *ret);
/*
 * A classic tracepoint whose program looks at nothing of its context costs less as a raw one: is
 * there a raw tracepoint of that name and meaning? Then a program that does not use args may be
 * attached there (attach_point_take_raw() turns the point into that).
 */
bool attach_point_can_be_raw(const struct attach_point *a);
void attach_point_take_raw(struct attach_point *a);
/*
 * The same for a program that reads args only where the raw tracepoint's arguments hold them too
 * (raw_syscalls). Offset into the u64 arguments of field @name: via pt_regs or directly.
 */
struct raw_field {
	u8 argument;	   /* which u64 */
	bool in_registers; /* the argument is a struct pt_regs *; */
	u16 offset;	   /* then the register's offset there */
};
/* (A 32-bit process's arguments are in other registers: there the classic event knows better.) */
bool attach_point_raw_field(const struct attach_point *a, const char *field, u32 element,
			    struct raw_field *ret);

/* ---- attaching ----------------------------------------------------------------------------- */

struct probe_attachment; /* links, perf events: kept until freed */
/*
 * Attaches @program_fd to all @points (of one group) with cookies @first_cookie, +1, ... where the
 * kind has them. All or nothing, but for what a wildcard found (of_wildcard), or
 * unless @tolerant (missing_probes): then @ret_failed counts and fail() has the last reason.
 * CONTEXT_NONE programs are not attached at all.
 */
int attachment_new(int program_fd, const struct attach_point *const *points, size_t count,
		   u64 first_cookie, s32 pid, bool tolerant, struct probe_attachment **ret,
		   u32 *ret_failed);
struct probe_attachment *attachment_free(struct probe_attachment *a);
/*
 * Frees all of @list without waiting for the kernel: see hook_leave(). For who ends now.
 */
void attachments_leave(struct probe_attachment **list, size_t count);
/* Does the cookie reach the program for points of this sort on this kernel? */
bool attach_point_has_cookie(const struct attach_point *a, bool several);
/* Times the kernel skipped the program (recursion), UINT64_MAX where it does not say. */
u64 attachment_missed(const struct probe_attachment *a);

/* ---- listing (-l, -lv) --------------------------------------------------------------------- */

/*
 * Iterators run when they are read: a descriptor to read one from the beginning, the caller's. With
 * `:pin` the link was pinned to the path in a->space.
 */
int attachment_read(const struct probe_attachment *a, size_t number);

/*
 * One line per probe that matches @pattern ("*", "kprobe:vfs_*", "struct x"), sorted as bpftrace
 * sorts. What it finds is added to @options, which is of no use for anything else then.
 */
int probes_list(const char *pattern, bool verbose, struct attach_list *options,
		struct diagnostics *d, struct buf *b);

/*
 * A name of C++ as it was written, "ns::f(int)": the caller's to free. NULL when it is no mangled
 * name.
 */
char *demangle(const char *name);
