/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of the language, and where they come from. A type is immutable and lies in the
 * compilation's arena; scalars are shared constants, so they are compared by type_equal() and never
 * by address. Structs are filled in when somebody first looks inside: the kernel has 150,000 types
 * and a script names three.
 *
 *	struct type_world: kernel BTF | module BTF | tracefs formats | DWARF of a program
 *			 | C declarations of the script and its headers
 */
#pragma once

#include "lang/syntax/ast.h"

struct type_world;

enum type_kind {
	TYPE_NONE, /* not known (yet): an error was reported, or inference goes on */
	TYPE_VOID,
	TYPE_BOOL,
	TYPE_INTEGER,
	TYPE_ENUM, /* an integer with names */
	TYPE_POINTER,
	/*
	 * char[size] with a NUL: size counts it. A C declaration's char[4] is a string of 5, as in
	 * bpftrace: read it with a string helper, not as 5 bytes. BTF's, DWARF's char[4] is 4.
	 */
	TYPE_STRING,
	TYPE_BUFFER, /* buf(): u32 length, then size bytes at most */
	TYPE_ARRAY,
	TYPE_STRUCT, /* struct, union, and tuples and records (named members or not) */
	TYPE_FUNCTION,
	TYPE_KSTACK, /* see struct stack_value */
	TYPE_USTACK,
	TYPE_KSYM,	   /* u64 address */
	TYPE_USYM,	   /* struct usym_value */
	TYPE_INET,	   /* struct inet_value */
	TYPE_MAC,	   /* 6 bytes */
	TYPE_TIMESTAMP,	   /* strftime: struct timestamp_value */
	TYPE_CGROUP_PATH,  /* struct cgroup_value */
	TYPE_USERNAME,	   /* u64 uid */
	TYPE_STRERROR,	   /* u64 errno, named by user space */
	TYPE_SYSCALL_NAME, /* u64 */
	TYPE_SIGNAL_NAME,  /* u64 */
	TYPE_TYPEINFO,	   /* typeinfo(): known when compiled */
	/* what a map's value may be besides */
	TYPE_COUNT,
	TYPE_SUM,
	TYPE_MIN,
	TYPE_MAX,
	TYPE_AVG,
	TYPE_STATS,
	TYPE_HIST,
	TYPE_LHIST,
	TYPE_TSERIES,
};

/* Where the bytes behind an address are, hence how they are read. */
enum address_space {
	SPACE_NONE,    /* not known: kernel */
	SPACE_KERNEL,  /* bpf_probe_read_kernel() */
	SPACE_USER,    /* bpf_probe_read_user() */
	SPACE_OWN,     /* map values, stack, ring: plain loads */
	SPACE_CONTEXT, /* the program's context: plain loads at constant offsets */
	SPACE_TRUSTED, /* BTF pointers of tp_btf, fentry, iter: plain loads, exceptions handled */
};

/* The values of hist(n, k), lhist(min, max, step), tseries(...). */
struct aggregation {
	s64 min, max, step;    /* lhist */
	u32 bits;	       /* hist: k, 0 to 5 */
	u64 interval_ns;       /* tseries */
	u32 buckets;	       /* slots of hist, lhist, tseries */
	enum type_kind reduce; /* tseries: AVG, MAX, MIN, SUM, or NONE for the last value */
	bool is_signed;
};

enum stack_mode { STACK_BPFTRACE, STACK_PERF, STACK_RAW, STACK_BUILD_ID };

struct field {
	const char *name; /* NULL or "" : anonymous (a tuple's member, an unnamed struct) */
	const struct type *type;
	u32 offset;    /* bytes */
	u8 bit_offset; /* of a bit-field within the `type->size` bytes at `offset` */
	u8 bit_size;   /* 0: not a bit-field */
	/*
	 * tracefs __data_loc: a u32 at `offset` holds length << 16 | offset in the record. The type
	 * is a string of size 0 or an array of count 0: the length is not known before.
	 */
	bool is_data_loc;
	bool is_rel_loc; /* besides: the offset counts from behind the u32 */
};

/* Of a struct, union, tuple or record. */
struct members {
	struct field *fields;
	u32 count;
	bool complete; /* false: not read yet (type_members() reads it) or only declared */
};

struct type {
	enum type_kind kind;
	u32 size; /* bytes; 0 when not known yet */
	u32 align;
	bool is_signed;
	bool is_union, is_tuple, is_record;
	bool is_anonymous;
	enum address_space space; /* POINTER: where it points; STRUCT, ARRAY: where it lies */
	const char *name; /* "task_struct", an enum's, a typedef's that hides an integer; or NULL */
	const struct type *of;	 /* POINTER, ARRAY: element; FUNCTION: result; ENUM: integer */
	u32 count;		 /* ARRAY: elements */
	struct members *members; /* STRUCT; FUNCTION: parameters */
	struct aggregation aggregation;
	enum stack_mode stack_mode;
	u32 stack_depth;
	/* where a lazily read type comes from */
	u32 btf_id;
	void *origin;
	/* ENUM: names; read by type_enum_name() */
};

/* ---- shared constants and constructors ------------------------------------------------------- */

extern const struct type type_none, type_void, type_bool, type_u8, type_u16, type_u32, type_u64,
	type_s8, type_s16, type_s32, type_s64, type_ksym, type_usym, type_inet, type_mac,
	type_timestamp, type_cgroup_path, type_username, type_strerror, type_syscall_name,
	type_signal_name;

const struct type *type_integer(u32 size, bool is_signed);
const struct type *type_string(struct arena *a, u32 size);
const struct type *type_buffer(struct arena *a, u32 size);
const struct type *type_pointer(struct arena *a, const struct type *of, enum address_space space);
const struct type *type_array(struct arena *a, const struct type *of, u32 count);
/* Members laid out like C, each aligned to its size; names NULL: a tuple. */
const struct type *type_tuple(struct arena *a, const struct type *const *members,
			      const char *const *names, u32 count);
/* The same type lying, or pointing, elsewhere. */
const struct type *type_in(struct arena *a, const struct type *t, enum address_space space);

bool type_equal(const struct type *a, const struct type *b);
bool type_is_integer(const struct type *t);   /* INTEGER, BOOL, ENUM */
bool type_is_aggregate(const struct type *t); /* COUNT ... TSERIES */
/* Held in one register: integers, pointers, KSYM and such of 8 bytes; all else is in memory. */
bool type_in_register(const struct type *t);
/* Bytes that a value of the type takes in a map or a record. */
u32 type_stored_size(const struct type *t);
/* As the language writes it: "uint32", "string[16]", "struct path *", "(int64,string[4])". */
void type_print(const struct type *t, struct buf *b);

/* ---- how values lie in keys, values and records (kernel and user side agree) ----------------- */

struct stack_value {
	u64 pid; /* process whose user stack it is; 0 for a kernel's */
	u32 count;
	u32 padding;
	u64 frames[]; /* type->stack_depth, innermost first, the rest zero */
};
struct usym_value {
	u64 address;
	u32 pid, padding;
};
struct inet_value {
	u64 family; /* AF_INET, AF_INET6 */
	u8 bytes[16];
};
struct timestamp_value {
	u64 ns;
	u32 format; /* index of the script's formats */
	u32 clock;  /* 0 boot time, 1 monotonic, 2 tai, 3 wall */
};
struct cgroup_value {
	u64 id;
	u32 filter; /* index of the script's strings, or UINT32_MAX */
	u32 padding;
};
/* Per CPU, as aggregations keep it. */
struct sum_value { /* SUM; COUNT */
	u64 total;
};
struct extreme_value { /* MIN, MAX */
	u64 value, is_set;
};
struct stats_value { /* AVG, STATS */
	u64 total, count;
};
struct tseries_value {		 /* one bucket; time / interval % buckets is its place */
	u64 value, count, epoch; /* epoch: time / interval; count 0: empty (the last: its time) */
};
/* HIST, LHIST: u64 slots[buckets] */

/* ---- the world ------------------------------------------------------------------------------- */

struct type_world_options {
	struct arena *arena;
	struct sources *sources;
	struct diagnostics *diagnostics;
	/* Reads a header that an #include names; -ENOENT. */
	int (*read)(void *context, const char *name, u32 from_source, struct buf *b);
	void *context;
	const char *btf_path; /* instead of the running kernel's; NULL */
};
/* Costs nothing until something is asked of it. */
struct type_world *type_world_new(const struct type_world_options *o);
void type_world_free(struct type_world *w);
void type_world_freep(struct type_world **w);

/*
 * Parses C declarations: the parts of the script in order, with their includes. Errors go to the
 * diagnostics. Kernel headers (linux/, asm/, net/ ...) are skipped in favour of BTF, with a note.
 */
int type_world_declare(struct type_world *w, const struct span *parts, size_t count);
/* The source number (a new source) that holds the text of a #define without parameters; 0: none. */
u32 type_world_define(struct type_world *w, const char *name);

/*
 * By name as written: "struct x", "union x", "enum x", a typedef, uint8 ... int64, u8, "unsigned
 * long", bool, string, void. The script's own come first, then the kernel's. NULL: there is none.
 */
const struct type *type_named(struct type_world *w, const char *name);
/* A written-out type; diagnostics at @at when it does not exist (with a suggestion). NULL then.
 * typeof() must have been resolved by the caller. string without a size has size 0. */
const struct type *type_resolve(struct type_world *w, const struct type_name *n, struct span at);
/* The members, read now if they were not. NULL when the type is only declared. */
const struct members *type_members(struct type_world *w, const struct type *t);
/*
 * The member @name of a struct or union, also inside unnamed members (offsets added up). false:
 * there is none; @ret_suggestion (may be NULL) gets the nearest name.
 */
bool type_field(struct type_world *w, const struct type *t, const char *name, struct field *ret,
		const char **ret_suggestion);
/* A constant of any enum, the script's first. */
bool type_enumerator(struct type_world *w, const char *name, s64 *ret,
		     const struct type **ret_enum);
/* The name of a number of an enum, NULL when it has none. */
const char *type_enum_name(struct type_world *w, const struct type *t, s64 value);

/* ---- what hooks hand over -------------------------------------------------------------------- */

/*
 * A kernel function's type (parameters with names, at 8 bytes each; `of` is the result) from BTF;
 * @module NULL: the kernel proper, then every module's; "vmlinux": the kernel proper. NULL: not in
 * BTF. @ret_btf_id (may be NULL) for attaching; it counts in the BTF of type_function_module().
 */
const struct type *type_function(struct type_world *w, const char *module, const char *name,
				 u32 *ret_btf_id);
/* The module that a function, raw tracepoint or struct is from; NULL: the kernel proper. */
const char *type_function_module(const struct type *t);
/*
 * Parameters of a raw tracepoint, from btf_trace_NAME, without its first; pointers to structs are
 * SPACE_TRUSTED. @ret_btf_id is the typedef's.
 */
const struct type *type_raw_tracepoint(struct type_world *w, const char *name, u32 *ret_btf_id);
/* A struct in SPACE_CONTEXT of what tracefs says: __data_loc fields as strings or arrays. */
const struct type *type_tracepoint(struct type_world *w, const char *category, const char *name);
/*
 * What `-lv` shows of a tracepoint: a line for each field, as tracefs has it, four blanks before.
 * -ENOENT.
 */
int type_tracepoint_print(struct type_world *w, const char *category, const char *name,
			  struct buf *b);
/* bpf_iter__NAME's context, its pointers SPACE_TRUSTED. @ret_btf_id: the function to attach to. */
const struct type *type_iterator(struct type_world *w, const char *name, u32 *ret_btf_id);
/* A function of a program by its DWARF; NULL with fail() text: no debug information. */
const struct type *type_user_function(struct type_world *w, const char *path, const char *name);
/*
 * The address, as in its symbols, of a line of a program's source: see dwarf_line_find(). -ENODATA:
 * it has no debug information.
 */
int type_source_line(const char *path, const char *file, u32 line, u64 *ret);
/* A program whose DWARF is searched for structs after the script's own, before the kernel's. */
void type_world_add_program(struct type_world *w, const char *path);
/*
 * For `-l 'struct x'`: calls @fn for each struct, union and enum of the kernel's BTF whose name
 * with its word ("union sigval") matches @glob, in the order of names, until @fn returns not 0.
 */
int type_list_structs(struct type_world *w, const char *glob,
		      int (*fn)(void *context, const struct type *t), void *context);
/* For `-lv`: a struct, union or enum of BTF as C, ending in "};\n"; false: nothing is known. */
bool type_print_definition(struct type_world *w, const struct type *t, struct buf *b);
/*
 * For `-lv`: a function's or raw tracepoint's parameters, "    TYPE NAME\n" each, as C; with
 * @result also the result, as "retval".
 */
void type_print_parameters(struct type_world *w, const struct type *t, bool result, struct buf *b);
/* The same of a function of a program, from its DWARF. */
void type_print_user_parameters(struct type_world *w, const char *path, const char *name,
				struct buf *b);
