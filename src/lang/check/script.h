/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script on its way from a tree to something that runs: what the checker finds out, the lowering
 * turns into programs, and the runtime reads back. Everything lies in the compilation's arena.
 *
 *	script --- maps[]      one kernel map each: key and value types
 *	       |-- programs[]  a probe's block for one group of attach points, later its code
 *	       |-- actions[]   what a record in the ring means: printf #3, exit, print of a map
 *	       `-- config      bpftrace's configuration names
 */
#pragma once

#include "code/code.h"
#include "lang/probes/probe.h"

/* ---- configuration: one row of a table each (check/config.c) --------------------------------- */

enum missing_probes { MISSING_ERROR, MISSING_WARN, MISSING_IGNORE };
/* May an unstable feature be used? */
enum unstable { UNSTABLE_ERROR, UNSTABLE_ENABLE, UNSTABLE_WARN };

struct config {
	u64 max_map_keys;   /* 4096 */
	u64 max_strlen;	    /* 1024 */
	u64 max_probes;	    /* 1024 */
	u64 max_bpf_progs;  /* 1024 */
	u64 max_cat_bytes;  /* 10240 */
	u64 on_stack_limit; /* 32 */
	u64 perf_rb_pages;  /* 0: chosen by memory */
	u64 log_size;
	const char *str_trunc_trailer; /* ".." */
	const char *license;
	enum stack_mode stack_mode;
	enum missing_probes missing_probes;
	bool cache_user_symbols, cpp_demangle, lazy_symbolication, print_maps_on_exit;
	bool show_debug_info;
	enum unstable unstable_tseries, unstable_dw_ustack, unstable_typeinfo;
};
/*
 * Sets the defaults, then what the script's config block says, then BPFTRACE_X of @environment
 * (NULL-ended; the environment wins). Diagnostics name the option and what it takes;
 * @ret_environment becomes true when the environment is wrong.
 */
int script_config_read(struct config *c, const struct config_entry *entries,
		       const char *const *environment, struct diagnostics *d,
		       bool *ret_environment);
/* Every name with its help, for documentation: calls @fn. */
void config_list(void (*fn)(void *context, const char *name, const char *standard,
			    const char *help),
		 void *context);

/* ---- maps ------------------------------------------------------------------------------------ */

enum map_form {
	MAP_SCALAR,	    /* ARRAY of one: value, then u32 "is set" at set_offset */
	MAP_SCALAR_PER_CPU, /* ARRAY of one: that, `stride` bytes for each possible CPU, masked */
	MAP_HASH,
	MAP_LRU,
	MAP_PER_CPU_HASH, /* aggregations */
	MAP_PER_CPU_LRU,
};

struct map {
	const char *name; /* "@x" */
	u32 number;	  /* of script.maps, and of the IR's relocations */
	struct span first_use;
	const struct type *key;	  /* NULL: a scalar map. Several parts: a tuple */
	const struct type *value; /* TYPE_NONE while not known */
	enum map_form form;
	u32 max_entries;
	u32 key_size, value_size; /* bytes, padded to 8 */
	u32 set_offset, stride;	  /* scalars; the array's size is stride * script.cpus */
	const struct map_declaration *declaration; /* NULL: inferred */
	bool is_shared_by_type;			   /* declared without ever being assigned */
	bool is_scalar_use, is_keyed_use;	   /* written as @x, as @x[k] */
	bool is_iterated;			   /* by a for loop */
	bool is_compound, is_read; /* assigned with += and such; its value is asked for */
};

/* ---- variables ------------------------------------------------------------------------------- */

struct variable {
	const char *name; /* "$x" */
	struct span span;
	const struct type *type;
	u32 number;
	bool is_declared_type; /* let $x: type */
	bool is_assigned;
	bool is_loop, is_pair; /* the variable of a for loop; of one over a map: (key, value) */
	const struct type *pair_value;	/* is_pair: what the map's value is, an aggregation maybe */
	const struct node *declaration; /* the NODE_VARIABLE that made it */
	unsigned callback_depth;	/* of its declaration */
	/*
	 * Assigned or read inside the body of a loop that runs as a callback, but declared outside,
	 * or its address is taken: it lives in memory, not in a register.
	 */
	bool in_memory;
	/* ---- the lowering's ---- */
	ir_reg reg; /* IN_REGISTER: its register in the function being written */
	s64 place;  /* in memory: offset in the frame */
};

/* ---- actions: the meaning of a record in the ring -------------------------------------------- */

enum action_kind {
	ACTION_PRINTF,
	ACTION_ERRORF,
	ACTION_WARNF,
	ACTION_SYSTEM,
	ACTION_CAT,
	ACTION_PRINT_VALUE,   /* print(expression) */
	ACTION_PRINT_MAP,     /* print(@x[, top, div]) */
	ACTION_PRINT_ELEMENT, /* print(@x[key]) of an aggregation: read by user space */
	ACTION_CLEAR,
	ACTION_ZERO,
	ACTION_EXIT,
	ACTION_TIME,
	ACTION_JOIN,
	ACTION_EMIT, /* emit(name, column: value ...) */
	ACTION_SKBOUTPUT,
	ACTION_UNWATCH,
	ACTION_HELPER_ERROR,  /* a helper failed (-k), a map was full */
	ACTION_RUNTIME_ERROR, /* division by zero and such */
};

/*
 * One argument of an action as it lies in its record. Strings above 64 bytes and buffers lie in the
 * tail, behind the fixed part: their place holds {u16 offset, u16 length} from the record's start
 * (the length without NUL; truncated strings have is_truncated's bit 15 of the length set).
 */
struct action_argument {
	const char *name; /* emit()'s column; NULL */
	const struct type *type;
	u32 offset;
	bool in_tail;
	struct node *node;
};
#define TAIL_TRUNCATED 0x8000

/*
 * Its record: struct record_header (event/schema.h: type is the action's number + 1, gadget the
 * script's number, size, time), a u32 probe (the attach point's cookie, see script.points) when
 * `has_probe`, then the arguments in order, each aligned to its size (8 at most).
 */
struct action {
	enum action_kind kind;
	u32 number; /* of script.actions */
	struct span span;
	const char *format; /* printf and its like, time, strftime's format; emit: the name */
	struct map *map;
	struct action_argument *arguments;
	u32 argument_count;
	u32 fixed_size;	    /* header, probe and arguments, padded to 8 */
	u32 max_size;	    /* with the largest tail */
	u64 top, divisor;   /* print(); 0: not given */
	const char *helper; /* HELPER_ERROR: "map_update_elem" */
	const char *text;   /* RUNTIME_ERROR */
	const struct script_program *program;
	bool has_probe; /* set before the first argument is added */
};

/* ---- programs -------------------------------------------------------------------------------- */

struct script_program {
	u32 number;
	const struct probe *probe; /* its own copy of the tree when there are several groups */
	struct attach_point **points;
	size_t point_count;
	u32 first_point;		 /* cookie of points[0]: index into script.points */
	const struct provider *provider; /* effective: context and what it allows */
	const struct type *args;	 /* NULL: none */
	bool uses_args, uses_probe; /* the block asks for args; for probe (so for the cookie) */
	/* The name of its function: "kprobe_vfs_read_1"; C characters only. */
	const char *name;
	struct program_kind kind;
	/* ---- the lowering's ---- */
	struct ir_program code;
};

/* Counters of what goes wrong: u64 array [programs][LOSS_KINDS] in the map `losses`. */
enum loss_kind {
	LOSS_RING,	/* a record did not fit the ring */
	LOSS_MAP_FULL,	/* no room for a new key */
	LOSS_READ,	/* probe_read failed: a zero was used */
	LOSS_TRUNCATED, /* a string was cut at max_strlen */
	LOSS_STACK,	/* a stack could not be taken */
	LOSS_NESTED,	/* scratch memory of the CPU was in use more than 4 deep */
	LOSS_LOOP,	/* a loop was cut at its limit */
	LOSS_KINDS,
};

/* Maps that every script may have besides its own; numbers follow script.map_count. */
enum own_map {
	OWN_RING,    /* RINGBUF: records */
	OWN_SCRATCH, /* ARRAY of one: [cpus][4] frames of script.frame_size, then u32 depth[cpus] */
	OWN_LOSSES,
	OWN_STATE,   /* ARRAY of one: struct script_state */
	OWN_STRINGS, /* ARRAY of one, read only once loaded: literals above 8 bytes, tables */
	OWN_MAPS,
};
/* Shared with the programs. */
struct script_state {
	u32 exiting; /* exit() was called: blocks do nothing any more (end's still run) */
	s32 exit_code;
	u64 boot_ns; /* elapsed: start of the script, CLOCK_BOOTTIME */
	u32 pid;     /* the child of -c, for cpid */
	u32 ready;   /* 0 until everything is attached: begin has run */
	u64 zero;    /* always 0, which the verifier does not know: starts of loops' counters */
};

struct script_options {
	const char *const *environment; /* NULL: none */
	struct script_arguments arguments;
	bool unsafe;
	bool warnings;	  /* -k: report helpers that fail */
	bool timestamps;  /* records carry a time: for export */
	bool test, bench; /* --test, --bench: these probes only */
	bool as_bpftrace; /* what is plainly a bug of bpftrace's is kept */
	s32 pid, child_pid;
	const char *child_path;
	const char *probe_filter, *mode, *traceable, *btf;
	int (*read)(void *context, const char *name, u32 from_source, struct buf *b);
	void *context;
	u32 kernel; /* 0: the running one; else KERNEL_VERSION_CODE, for tests and dumps */
};

struct script {
	struct arena *arena;
	struct sources *sources;
	struct diagnostics *diagnostics;
	struct type_world *world;
	const struct script_options *options;
	struct config config;
	struct syntax *syntax;
	u32 kernel; /* version */
	u32 cpus;   /* possible CPUs, rounded up to a power of two: indexes are masked */

	struct map **maps;
	size_t map_count, map_capacity;
	u32 *map_index; /* by hash of the name: number + 1 */
	size_t map_index_size;
	struct action **actions;
	size_t action_count, action_capacity;
	struct script_program **programs;
	size_t program_count, program_capacity;
	struct attach_point **points; /* all, by cookie */
	size_t point_count, point_capacity;
	/* Formats of strftime, filters of cgroup_path: named by index in values. */
	const char **texts;
	size_t text_count, text_capacity;

	/* ---- the lowering's ---- */
	struct ir_module *ir; /* of the program being written; NULL between */
	struct buf strings;   /* bytes of OWN_STRINGS */
	struct span *places;  /* what ir_place.location - 1 of all programs' code names */
	size_t place_count, place_capacity;
	u32 frame_size; /* scratch of one nesting level: power of two, 0: none */
	bool uses_ring, uses_losses, uses_state;
	bool uses_stacks, uses_user_symbols;
};

u32 script_text(struct script *s, const char *text); /* its index; the same text once */
struct action *script_action(struct script *s, enum action_kind kind, struct span at);
/*
 * Adds an argument to the record of @a: decides its offset, and whether it lies in the tail.
 * @name may be NULL.
 */
struct action_argument *action_argument_add(struct script *s, struct action *a, const char *name,
					    const struct type *type, struct node *node);
/* The map of that name, made at its first use. */
struct map *script_map(struct script *s, const char *name, struct span at);
/* Number of a map of the script's own in relocations. */
static inline u32 script_own_map(const struct script *s, enum own_map m)
{
	return (u32)s->map_count + m;
}
/*
 * Do `for $i : a..b` and while run their bodies as callbacks (bpf_loop, 5.17) on this kernel? Since
 * 6.9 there is may_goto. Variables from outside that a body names are in memory then.
 */
bool script_range_is_callback(const struct script *s);
/*
 * Does it have so many classic tracepoints that the kernel takes seconds to let go of them (40 ms
 * each)? Then its programs look at script_state.exiting, and what ends the script sets that and has
 * the rest done behind its back: attachments_leave().
 */
bool script_detaches_late(const struct script *s);
/* Is the kernel at least a.b? */
static inline bool script_kernel(const struct script *s, unsigned a, unsigned b)
{
	return s->kernel >= KERNEL_VERSION_CODE(a, b, 0);
}
