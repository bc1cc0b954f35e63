/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the checked tree to IR. Scalars live in virtual registers. Everything larger lives in memory
 * that plain loads and stores reach: the stack for what is at most on_stack_limit bytes, else the
 * frame, which is this CPU's part of the map OWN_SCRATCH (for this depth of nesting); literals lie
 * in OWN_STRINGS. A value read from the kernel or a program is copied into such memory first.
 *
 *	operand:  a value in a register | a place: base register + offset, in an address space
 *
 * Temporary memory lasts until the end of the statement (lower_mark/lower_release); variables'
 * until the end of their block.
 */
#pragma once

#include "code/code.h"
#include "lang/check/builtin.h"

struct operand {
	const struct type *type;
	bool in_memory;
	ir_reg reg;		  /* the value; or the base address */
	s32 offset;		  /* in memory: from the base */
	enum address_space space; /* in memory */
	u8 bit_offset, bit_size;  /* in memory, of a bit-field */
	ir_reg length; /* strings: bytes without NUL where they are known at run time; 0: not */
	bool may_be_absent; /* a lookup's: reg may be 0 and must be tested before use */
	/*
	 * Strings in SPACE_OWN: every byte behind the NUL is zero too, so that it may be a key as
	 * it lies there. Nothing else may write to it.
	 */
	bool is_padded;
	bool is_constant; /* in a register: and this is its value */
	s64 constant;
	/* strings: the bytes are known when compiled (NUL behind); NULL: not */
	const char *literal;
	u32 literal_len;
	struct span at; /* in memory that a helper reads: what is said when that fails */
};

struct loop {
	struct loop *outer;
	u32 next, end; /* blocks of continue and break; in a callback: they return */
	u32 rounds;    /* that it is known to take, in place; 0: not known */
	bool is_callback;
};

/* What temporary memory was taken: a slot of the stack, or bytes of the frame. */
struct temporary {
	bool is_slot;
	u32 slot, frame_before;
};

/* What a function is being written with: the program's own, or a loop's callback. */
struct callback;
struct literals;
struct local;

struct lower {
	struct script *script;
	struct script_program *program;
	struct ir_module *module;
	struct ir_function *f;
	ir_reg context;		   /* the program's context; in a callback: not there (0) */
	ir_reg frame;		   /* base of this CPU's scratch frame; 0: none was asked for yet */
	u32 frame_used, frame_max; /* bytes of it: now, and ever */
	ir_reg result; /* of the program, where what it returns is told: test, bench; else 0 */
	u32 leave;     /* the block that ends the program (nesting guard, return value) */
	struct loop *loop;
	unsigned callback_depth;
	bool failed; /* an error was diagnosed: go on, but the code is not used */
	/* ---- of src/lang/lower only ---- */
	bool uses_frame;	   /* in the function being written */
	struct callback *callback; /* the function being written is this loop's; NULL: main */
	struct local *locals;	   /* the program's variables, by variable->place - 1 */
	size_t local_count, local_capacity;
	struct temporary *temporaries;
	size_t temporary_count, temporary_capacity;
	u32 stack_used;		 /* bytes of slots in the function being written */
	u32 stack_limit;	 /* of them; above it temporaries lie in the frame */
	bool variables_in_frame; /* all of them: too many for registers and stack */
	unsigned padding; /* strings that are read now will be keys or values: zeros behind them */
	bool place_only;  /* of the field that is lowered next only the address counts: path() */
	struct literals *literals; /* where they lie in OWN_STRINGS; of all programs */
	u32 functions;		   /* that were made: for their names */
	struct span at;
};

/* Lowers and compiles every program of the checked script into program->code. */
int script_lower(struct script *s);
/* The IR as text, of all programs: --dump ir. Calls @fn per program when its IR is complete. */
int script_lower_dump(struct script *s, struct buf *b);

/* ---- expressions and statements -------------------------------------------------------------- */

struct operand lower_expression(struct lower *l, const struct node *n);
/* Its value in a register: integers extended to 64 bits by their own sign, pointers as they are. */
ir_reg lower_value(struct lower *l, const struct node *n);
ir_reg lower_operand_value(struct lower *l, struct operand o);
/* Jumps by truth: not 0, not "". */
void lower_condition(struct lower *l, const struct node *n, u32 yes, u32 no);
void lower_statements(struct lower *l, const struct node *list);
/* Ends the probe here, also out of a loop's callback: return, and exit() behind its record. */
void lower_leave(struct lower *l);

/* The name of the current task, 16 bytes with zeros behind it. */
void lower_comm(struct lower *l, struct operand to);

struct operand operand_none(void);
struct operand operand_value(const struct type *t, ir_reg reg);
struct operand operand_constant(struct lower *l, const struct type *t, s64 value);
struct operand operand_place(const struct type *t, enum address_space space, ir_reg base,
			     s32 offset);
/* A literal in OWN_STRINGS: NUL-ended, in SPACE_OWN. The same bytes once. */
struct operand operand_literal(struct lower *l, const char *bytes, u32 len);
/* What @o's place is, as one register (base + offset). */
ir_reg operand_address(struct lower *l, struct operand o);

/* ---- memory ---------------------------------------------------------------------------------- */

/* Temporary memory for a value of @type (or @size bytes, 8-byte aligned), not initialised. */
struct operand lower_temporary(struct lower *l, const struct type *type);
struct operand lower_temporary_bytes(struct lower *l, u32 size);
u32 lower_mark(struct lower *l);
void lower_release(struct lower *l, u32 mark);
/*
 * The value in memory of SPACE_OWN: as it is if it lies there, else copied or read there; a scalar
 * is stored at its type's size.
 */
struct operand lower_in_memory(struct lower *l, struct operand o);
/*
 * Stores @value at @to (SPACE_OWN) converted to @to's type: integers cut or extended, strings cut
 * with their NUL or padded with zeros (all bytes are written: keys are compared whole).
 */
void lower_store(struct lower *l, struct operand to, struct operand value);
/* Copies and zeros @size bytes of SPACE_OWN: unrolled when small, by a helper when large. */
void lower_copy(struct lower *l, struct operand to, struct operand from, u32 size);
void lower_zero(struct lower *l, struct operand to, u32 size);
/*
 * Reads @size bytes at address @from of @space to @to. A failure counts LOSS_READ, is reported
 * under -k, and leaves zeros.
 */
void lower_read(struct lower *l, struct operand to, u32 size, enum address_space space, ir_reg from,
		struct span at);
/*
 * Reads a NUL-ended string of at most @max bytes (NUL included) at @from into new temporary memory;
 * `length` is set. @max must be what the memory has room for.
 */
struct operand lower_read_string(struct lower *l, u32 max, enum address_space space, ir_reg from,
				 struct span at);
/* 0 or 1: the first bytes of two strings or byte arrays agree (see bpftrace's ==, strncmp). */
ir_reg lower_equal_bytes(struct lower *l, struct operand a, struct operand b, u32 size,
			 bool stop_at_nul);

/* ---- maps ------------------------------------------------------------------------------------ */

/* The key of @m from @key (NULL for scalars) in memory, padded with zeros; memory is temporary. */
struct operand lower_key(struct lower *l, struct map *m, const struct node *key);
/*
 * The place of the value: address of the scalar, or of what the lookup found, 0 when there is none
 * (branch on it). Of per-CPU forms: this CPU's.
 */
ir_reg lower_lookup(struct lower *l, struct map *m, struct operand key);
/*
 * The same, made with zeros when there is none; on a full map counts LOSS_MAP_FULL, reports and
 * jumps to @absent.
 */
ir_reg lower_lookup_or_make(struct lower *l, struct map *m, struct operand key, u32 absent,
			    struct span at);
/* Stores a whole value under the key. */
void lower_update(struct lower *l, struct map *m, struct operand key, struct operand value,
		  struct span at);
void lower_delete(struct lower *l, struct map *m, struct operand key, ir_reg *ret_existed);
/* The value of @m[@key] as an expression: absent is zero. Aggregations: summed over all CPUs. */
struct operand lower_map_value(struct lower *l, struct map *m, const struct node *key,
			       struct span at);

/* ---- records, losses, this CPU --------------------------------------------------------------- */

/*
 * Sends the record of @a with its arguments evaluated from their nodes. Small ones of fixed size
 * are written straight into the ring; with tails they are built in the frame and leave at exact
 * length.
 */
void lower_send(struct lower *l, const struct action *a);
/* The same with values that are there already (one for each argument). @wake: at once. */
void lower_send_values(struct lower *l, const struct action *a, const struct operand *values,
		       bool wake);
void lower_count_loss(struct lower *l, enum loss_kind what);
/* Under -k (or @always) sends HELPER_ERROR with @ret. */
void lower_helper_error(struct lower *l, const char *helper, ir_reg ret, struct span at,
			bool always);
/* Counts, and does that. */
void lower_helper_failed(struct lower *l, enum loss_kind what, const char *helper, ir_reg ret,
			 struct span at, bool always);
/* The number of this CPU, masked to script.cpus. */
ir_reg lower_cpu(struct lower *l);
/* The frame's base, claimed at the program's start when it is first asked for. */
ir_reg lower_frame(struct lower *l);
ir_reg lower_own_map(struct lower *l, enum own_map m);
ir_reg lower_own_map_value(struct lower *l, enum own_map m, u32 offset);
ir_reg lower_map(struct lower *l, const struct map *m);
/*
 * A place of the source for what follows: line info and messages. ir_place.location is its index in
 * script->places plus one.
 */
void lower_at(struct lower *l, struct span at);
/* Adds an error; the program's code is not used then. */
void lower_error(struct lower *l, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/*
 * A value of TRUSTED, CONTEXT or OWN memory's address as a plain number, on which all arithmetic is
 * allowed, but through which nothing may be loaded.
 */
ir_reg lower_as_number(struct lower *l, ir_reg address);
/*
 * The value converted to @type, as an assignment or an argument needs it: an integer's width and
 * sign, a string's size, a tuple's members. In a register where the type is.
 */
struct operand lower_convert(struct lower *l, struct operand o, const struct type *type);
/* The bytes [offset, offset + type's size) of a place, as another type. */
struct operand operand_part(struct operand o, const struct type *type, u32 offset);
