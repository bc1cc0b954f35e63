/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * gadget.h: the one header that a gadget includes. Everything that user space must know about a
 * gadget is said here with types and declaration tags and read back from the object's BTF:
 *
 *	GADGET("what it is for")		once
 *	PARAM(type, name, "text") = default	a command-line parameter, a constant to the verifier
 *	ALIAS("-x", "--failed", "text")		a short flag, as an alias of general options
 *	struct EVENT("...") name { ... }	a schema of events; its members are columns
 *	TABLE / HISTOGRAM / STACKS		the same for what a map holds
 *	ALTERNATIVE("group", rank, "text")	programs of which the best that loads is taken
 *
 * A member's typedef is its *kind* (pid_t, errno_t, duration_ns_t ...): how it is compared, printed
 * and stored. Kinds are listed in src/event/kind.c, which must know every name used here.
 */
#pragma once

#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SAKER_TAG(text) __attribute__((btf_decl_tag("saker:" text)))

/* ---- kinds -------------------------------------------------------------------------------- */

typedef u64 time_ns_t;	   /* CLOCK_MONOTONIC, shown as a time of day */
typedef u64 duration_ns_t; /* shown as 12.3us */
typedef u64 duration_us_t;
typedef u32 pid_t; /* what user space calls a process id: the thread group */
typedef u32 tid_t; /* one thread */
typedef u32 uid_t;
typedef u32 gid_t;
typedef u64 cgroup_t; /* cgroup v2 id */
typedef char comm_t[16];
typedef s32 errno_t;   /* positive errno, 0 is success; shown as ENOENT */
typedef s64 return_t;  /* what a system call returned; negative is -errno */
typedef u32 signal_t;  /* shown as SIGKILL */
typedef u32 syscall_t; /* shown as its name */
typedef u64 bytes_t;   /* shown as 4.0KiB */
typedef u64 count_t;
typedef u32 cpu_t;
typedef u16 port_t;	 /* in host order */
typedef u32 device_t;	 /* kernel dev_t (major << 20 | minor), shown as a disk's name */
typedef u32 mode_bits_t; /* a file's mode, shown in octal */
typedef u64 hex_t;
typedef struct {
	u8 bytes[16];
} ip_t;			    /* IPv6, or IPv4 as ::ffff:a.b.c.d */
typedef s32 kernel_stack_t; /* key into the map `stacks` (stacks.h), negative: none */
typedef s32 user_stack_t;

/*
 * Text of variable length lies behind the fixed part of the record; these say where, in bytes from
 * the start of the record.
 */
struct tail {
	u16 offset, length;
};
typedef struct tail text_t;
typedef struct tail path_t;
typedef struct tail args_t; /* words, each ended by NUL */

#define HISTOGRAM_SLOTS 64
/*
 * slots[0] counts zeros, slots[i] values in [2^(i-1), 2^i); with linear= in the tag, value /
 * step.
 */
typedef struct {
	u64 slots[HISTOGRAM_SLOTS];
} histogram_t;

/* ---- what is declared ---------------------------------------------------------------------- */

/* First member of every event. 16 bytes. */
struct header {
	u16 type;   /* BTF id of the event's struct in the gadget's own BTF */
	u16 gadget; /* the loader's number for this gadget: several may share one ring */
	u32 size;   /* of the whole record */
	time_ns_t time;
};

/* Who an event is about. Filled by owner_current(), or field by field when `current` is wrong. */
#define OWNER_COLUMNS                                  \
	pid_t pid COL(": process");                    \
	tid_t tid COL("hide: thread that did it");     \
	uid_t uid COL("hide: user of the process");    \
	u32 owner_padding COL("skip");                 \
	cgroup_t cgroup COL("hide: id of the cgroup"); \
	comm_t comm COL(": command name of the process")

#define SAKER_CAT_(a, b) a##b
#define SAKER_CAT(a, b) SAKER_CAT_(a, b)

/* Also says the licence, which the kernel asks for before it gives most helpers. */
#define GADGET(text)                  \
	char LICENSE[] SEC("license") \
	SAKER_TAG("gadget : " text) = "Dual BSD/GPL"
/*
 * A short option as the drawer's older tools have it: "-x", or "-p PID" with a value; what it
 * stands for.
 */
#define ALIAS(flag, expansion, text)                           \
	const volatile u8 SAKER_CAT(saker_alias_, __COUNTER__) \
		SAKER_TAG("alias " flag " = " expansion " : " text) = 0
/*
 * An example for --help and the manual page: the command's words behind `saker`, and what it
 * shows.
 */
#define EXAMPLE(command, text)                                   \
	const volatile u8 SAKER_CAT(saker_example_, __COUNTER__) \
		SAKER_TAG("example " command " : " text) = 0
/*
 * Lives in .rodata: what it switches off, the verifier removes. `type` is an integer, bool or
 * char[N].
 */
#define PARAM(type, name, text) const volatile type name SAKER_TAG("param : " text)
#define PARAM_TEXT(name, size, text) const volatile char name[size] SAKER_TAG("param : " text)
#define EVENT(text) SAKER_TAG("event : " text)
/* The struct that WHERE() looks at in a gadget that emits no events of that type. */
#define INPUT(text) SAKER_TAG("input : " text)
/*
 * Words before the colon: hide, wide, skip, width=N, unit=NAME, hex, left, label=NAME,
 * when=PARAM.
 */
#define COL(text) SAKER_TAG("col " text)
/*
 * On a map variable: key and value structs give the columns. Words: each=clear|keep,
 * sort=COLUMN, top=N, when=PARAM or when=!PARAM (only then it is shown).
 */
#define TABLE(text) SAKER_TAG("table " text)
/*
 * On a map variable whose value is a histogram_t. Words: unit=ns|us|ms|bytes..., linear=STEP,
 * each=clear|keep.
 */
#define HISTOGRAM(text) SAKER_TAG("histogram " text)
/* On a map variable whose key holds kernel_stack_t/user_stack_t and whose value counts. */
#define STACKS(text) SAKER_TAG("stacks " text)
/* Programs of one group are alternatives: the lowest rank that this kernel allows is attached. */
#define ALTERNATIVE(group, rank, text) SAKER_TAG("alternative " group " " #rank " : " text)
/*
 * The hook may be missing on this kernel (a system call that an architecture lacks): the rest
 * works without.
 */
#define OPTIONAL SAKER_TAG("optional")
/* The raw tracepoint has exactly so many arguments on the kernels that this alternative is for. */
#define ARGUMENTS(n) SAKER_TAG("arguments " #n)
/* A program that is attached only when the parameter is set ("!name": is not set). */
#define WHEN(param) SAKER_TAG("when " param)
/* A perf_event program that samples every CPU at the rate (Hz) that the parameter holds. */
#define SAMPLE(param) SAKER_TAG("sample " param)

/* ---- what the loader fills in ---------------------------------------------------------------- */

const volatile u16 saker_gadget_number = 0;
const volatile u8 saker_filtering = 0;		/* is there an expression at WHERE()? */
const volatile u64 saker_wake_bytes = 64 << 10; /* wake the reader when the ring holds this much */
/* Our own process: never report it (a feedback loop: printing a line opens, writes, wakes ...). */
const volatile u32 saker_self_pid = 0;

/* ---- losses, counted where they happen ------------------------------------------------------- */

enum saker_loss { SAKER_LOST_RING, SAKER_LOST_MAP, SAKER_LOST_STACK, SAKER_LOSSES };
/* In .bss, which user space maps. Only touched when something is lost, so sharing is no cost. */
u64 saker_lost[SAKER_LOSSES];

static __always_inline void lost(enum saker_loss what)
{
	__sync_fetch_and_add(&saker_lost[what], 1);
}

/* For maps of what is in flight: a full map is a loss that the user hears of. */
#define map_update_or_lose(map, key, value)                                \
	({                                                                 \
		long _err = bpf_map_update_elem(map, key, value, BPF_ANY); \
		if (_err)                                                  \
			lost(SAKER_LOST_MAP);                              \
		_err;                                                      \
	})

/* ---- events ---------------------------------------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

/*
 * A wake-up costs 1.4 us, an event without one 25 ns: the reader polls on a timer and is woken
 * only when the ring fills faster than the timer runs.
 */
static __always_inline u64 saker_ring_flags(void)
{
	u64 waiting = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);

	return waiting >= saker_wake_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

#define header_init(e)                                                   \
	({                                                               \
		(e)->header.type = bpf_core_type_id_local(typeof(*(e))); \
		(e)->header.gadget = saker_gadget_number;                \
		(e)->header.size = sizeof(*(e));                         \
		(e)->header.time = bpf_ktime_get_ns();                   \
	})

#define owner_current(e)                                             \
	({                                                           \
		u64 _id = bpf_get_current_pid_tgid();                \
		(e)->pid = _id >> 32;                                \
		(e)->tid = (u32)_id;                                 \
		(e)->uid = (u32)bpf_get_current_uid_gid();           \
		(e)->cgroup = bpf_get_current_cgroup_id();           \
		bpf_get_current_comm(&(e)->comm, sizeof((e)->comm)); \
	})

/* The same of another task: what woke, what is about to run, what is killed. */
#define owner_task(e, task)                                    \
	({                                                     \
		(e)->pid = BPF_CORE_READ(task, tgid);          \
		(e)->tid = BPF_CORE_READ(task, pid);           \
		(e)->uid = BPF_CORE_READ(task, cred, uid.val); \
		(e)->cgroup = task_cgroup_id(task);            \
		BPF_CORE_READ_INTO(&(e)->comm, task, comm);    \
	})

/* The owner that was kept since the event began: @from has the members of OWNER_COLUMNS too. */
#define owner_copy(e, from)                                                   \
	({                                                                    \
		(e)->pid = (from)->pid;                                       \
		(e)->tid = (from)->tid;                                       \
		(e)->uid = (from)->uid;                                       \
		(e)->cgroup = (from)->cgroup;                                 \
		__builtin_memcpy((e)->comm, (from)->comm, sizeof((e)->comm)); \
	})

static __always_inline bool is_self(void)
{
	return saker_self_pid && (u32)(bpf_get_current_pid_tgid() >> 32) == saker_self_pid;
}

/*
 * An event of fixed size is built on the stack:	struct foo e = {}; header_init(&e); ...
 * then						if (WHERE(&e)) emit(&e);
 * Padding must be zeroed (= {} does), since every byte goes to user space.
 */
#define emit(e) saker_emit(e, sizeof(*(e)))

static __always_inline void saker_emit(void *e, u64 size)
{
	if (bpf_ringbuf_output(&events, e, size, saker_ring_flags()))
		lost(SAKER_LOST_RING);
}

/*
 * An event with text of variable length is built in per-CPU memory, since it does not fit the
 * stack, and leaves at its exact length. One buffer per *program*: two programs of one gadget can
 * nest on a CPU (a preempted raw tracepoint), the same program cannot (the kernel counts it as a
 * recursion miss, which is reported).
 *
 *	EVENT_BUFFER(foo_buffer, struct foo, 4096);	room for 4096 bytes of text
 *	struct foo *e = event_buffer(foo_buffer);
 *	header_init(e);
 *	add_user_text(foo_buffer, e, path, pointer);
 *	if (WHERE(e)) emit_buffer(foo_buffer, e);
 */
#define SAKER_TAIL_SLACK 264 /* so that a WHERE() literal may be compared at any offset */
#define EVENT_BUFFER(buffer, event_type, room)           \
	struct buffer {                                  \
		event_type event;                        \
		char tail[(room) + SAKER_TAIL_SLACK];    \
	};                                               \
	enum { buffer##_room = (room) };                 \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, 1);                  \
		__type(key, u32);                        \
		__type(value, struct buffer);            \
	} buffer##s SEC(".maps")

#define event_buffer(name)                                               \
	({                                                               \
		u32 _zero = 0;                                           \
		struct name *_b = bpf_map_lookup_elem(&name##s, &_zero); \
		if (!_b)                                                 \
			return 0;                                        \
		&_b->event;                                              \
	})

/*
 * Where the next text goes, when the most that it may be still fits there: that comparison is the
 * bound which the verifier of 5.10 sees.
 */
#define saker_add_tail(name, e, member, max, read)                                   \
	({                                                                           \
		struct name *_b = (struct name *)(e);                                \
		u32 _used = (e)->header.size - sizeof(*(e));                         \
		long _n = 0;                                                         \
		_Static_assert((max) <= name##_room, "text larger than its buffer"); \
		if (_used <= name##_room - (max)) {                                  \
			char *_to = _b->tail + _used;                                \
			_n = read;                                                   \
			if (_n < 0 || _n > (max))                                    \
				_n = 0;                                              \
		}                                                                    \
		(e)->member.offset = (u16)(e)->header.size;                          \
		(e)->member.length = (u16)_n;                                        \
		(e)->header.size += _n;                                              \
		_n;                                                                  \
	})

/*
 * Adds at most @max bytes (a power of two is not needed) of a NUL-ended string; the NUL is
 * counted and sent.
 */
#define add_user_text(name, e, member, max, from) \
	saker_add_tail(name, e, member, max, bpf_probe_read_user_str(_to, max, from))
#define add_kernel_text(name, e, member, max, from) \
	saker_add_tail(name, e, member, max, bpf_probe_read_kernel_str(_to, max, from))
/*
 * Adds exactly @length bytes (bounded by @max) as they are: an argument block, a name with a
 * length.
 */
#define add_user_bytes(name, e, member, max, from, length)                            \
	saker_add_tail(name, e, member, max, ({                                       \
			       u32 _len = (length);                                   \
			       if (_len > (max))                                      \
				       _len = (max);                                  \
			       bpf_probe_read_user(_to, _len, from) ? 0 : (long)_len; \
		       }))

#define emit_buffer(name, e)                             \
	({                                               \
		u32 _size = (e)->header.size;            \
		if (_size <= sizeof(*(e)) + name##_room) \
			saker_emit(e, _size);            \
	})

/* ---- WHERE: the filter, compiled by user space into these slots before the program is loaded - */

/*
 * r0 = marker; then SAKER_WHERE_SLOTS times `goto +0`. The loader looks for the marker and
 * overwrites the slots with a predicate over r1 (the record) that leaves 0 or 1 in r0, using r0
 * to r5 and no call. Unfilled, the verifier drops the jumps, and r0 is not zero: everything
 * passes.
 */
#define SAKER_WHERE_MARKER 0x53414b52 /* "SAKR" */
#define SAKER_WHERE_SLOTS 192

static __always_inline bool saker_where(const void *record)
{
	u64 pass;

	if (!saker_filtering)
		return true;
	asm volatile("r1 = %[record]\n"
		     "r0 = 0x53414b52\n"
		     ".rept 192\n"
		     "goto +0\n"
		     ".endr\n"
		     "%[pass] = r0\n"
		     : [pass] "=r"(pass)
		     : [record] "r"(record)
		     : "r0", "r1", "r2", "r3", "r4", "r5", "memory");
	return pass;
}
/*
 * The type's id is named so that an INPUT() struct, which nothing else mentions, stays in the
 * BTF.
 */
#define WHERE(record)                                                                        \
	({                                                                                   \
		if (saker_filtering)                                                         \
			asm volatile("" : : "r"(bpf_core_type_id_local(typeof(*(record))))); \
		saker_where(record);                                                         \
	})

/* ---- helpers for aggregates ------------------------------------------------------------------ */

/*
 * Index of @v in a histogram_t: 0 for 0, else 1 + floor(log2 v). No loop: 5.10 has no
 * bounded-loop cost to pay.
 */
static __always_inline u32 log2_slot(u64 v)
{
	u32 slot = 0;

	if (!v)
		return 0;
	if (v >> 32) {
		v >>= 32;
		slot += 32;
	}
	if (v >> 16) {
		v >>= 16;
		slot += 16;
	}
	if (v >> 8) {
		v >>= 8;
		slot += 8;
	}
	if (v >> 4) {
		v >>= 4;
		slot += 4;
	}
	if (v >> 2) {
		v >>= 2;
		slot += 2;
	}
	slot += (v >> 1) + 1;
	return slot < HISTOGRAM_SLOTS ? slot : HISTOGRAM_SLOTS - 1;
}

static __always_inline void histogram_add(histogram_t *h, u64 v)
{
	u32 slot = log2_slot(v);

	if (slot < HISTOGRAM_SLOTS)
		__sync_fetch_and_add(&h->slots[slot], 1);
}

/*
 * The value at @key, made from @zero when it is not there; counts a loss and gives NULL when
 * the map is full.
 */
static __always_inline void *lookup_or_make(void *map, const void *key, const void *zero)
{
	void *value = bpf_map_lookup_elem(map, key);

	if (value)
		return value;
	bpf_map_update_elem(map, key, zero, BPF_NOEXIST);
	value = bpf_map_lookup_elem(map, key);
	if (!value)
		lost(SAKER_LOST_MAP);
	return value;
}

static __always_inline ip_t ip_from_v4(u32 network_order)
{
	ip_t ip = { .bytes = { [10] = 0xff, [11] = 0xff } };

	__builtin_memcpy(ip.bytes + 12, &network_order, 4);
	return ip;
}
