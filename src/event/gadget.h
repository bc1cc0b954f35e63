/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gadget at run time: an object that was opened, told its parameters and its filter, loaded,
 * attached, and is then read. The phases are explicit, each undoes itself on failure, and
 * gadget_free() undoes all:
 *
 *	open -> (set parameters, filter, virtual columns) -> load -> attach -> consume / tick ... ->
 * free
 */
#pragma once

#include "event/schema.h"

struct gadget;
struct expression;

struct parameter {
	const char *name, *help;
	const char *type; /* "bool", "u32", "s64", "text" */
	u32 offset, size; /* in .rodata */
	bool is_signed, is_text, is_bool;
	char value[256]; /* as text, for --help and --explain */
};
struct alias {
	char flag;	       /* 'x' of -x */
	const char *argument;  /* "PID" when it takes a value, else NULL */
	const char *expansion; /* "--pid PID" */
	const char *help;
};
struct example {
	const char *command, *text;
};

/* What `saker list`, --help and the manual show; valid from open on, owned by the gadget. */
struct gadget_info {
	const char *name, *summary;
	struct schema **schemas;
	size_t schema_count;
	struct parameter *parameters;
	size_t parameter_count;
	struct alias *aliases;
	size_t alias_count;
	struct example *examples;
	size_t example_count;
	struct schema *input; /* of INPUT(): only --where sees it; NULL: there is none */
	const struct schema *where_schema; /* what WHERE() sees; NULL: this gadget has none */
	bool tagged; /* false: a plain libbpf program, shown by its printk lines and maps */
};

/* Losses since the start. UNKNOWN_LOSS where this kernel cannot tell. */
#define UNKNOWN_LOSS UINT64_MAX
struct losses {
	u64 ring, map_full, stack, missed;
};

/* The embedded gadgets, sorted by name. */
struct embedded_gadget {
	const char *name;
	const void *bytes;
	size_t size;
};
const struct embedded_gadget *gadget_embedded(size_t *ret_count);

/* By the name of an embedded gadget or, when it holds a slash or ends in .o, by path. */
int gadget_open(const char *name, struct gadget **ret);
int gadget_open_bytes(const char *name, const void *bytes, size_t size, struct gadget **ret);
struct gadget *gadget_free(struct gadget *g); /* detaches; returns NULL */
void gadget_freep(struct gadget **g);
struct gadget_info *gadget_info(struct gadget *g);

/*
 * Before load. -ENOENT with a suggestion, -EINVAL, -ERANGE. A bool takes true/false/1/0 or ""
 * (true).
 */
int gadget_set_parameter(struct gadget *g, const char *name, const char *value);
/* Before load; the expression's kernel part is written into every WHERE(). The caller keeps @e. */
int gadget_set_where(struct gadget *g, const struct expression *e);
/* The same for a predicate that was compiled elsewhere (expression_compile). */
struct bpf_insn;
int gadget_set_predicate(struct gadget *g, const struct bpf_insn *insns, size_t count);
/* The bytes of a record that a predicate may look at: expression_compile()'s record_limit. */
u32 gadget_where_limit(const struct gadget *g);
void gadget_set_number(struct gadget *g, u16 number);
void gadget_set_self_pid(struct gadget *g, u32 pid);
/*
 * Turns stack addresses into "outer;...;inner" for @pid (0: the kernel's). Set by whoever has
 * symbols (host); without it stacks are hexadecimal addresses.
 */
typedef int (*gadget_symbolize_fn)(void *context, u32 pid, const u64 *addresses, size_t count,
				   bool user, struct buf *b);
void gadget_set_symbolizer(struct gadget *g, gadget_symbolize_fn fn, void *context);
/*
 * Bytes of its own ring (rounded up to a power of two), or a ring that several share (a map
 * descriptor, borrowed).
 */
int gadget_set_ring(struct gadget *g, size_t bytes, int shared_fd);

int gadget_load(struct gadget *g);
/* All that the verifier said when it refused a program; "" when it did not. */
const char *gadget_verifier_log(const struct gadget *g);
int gadget_attach(struct gadget *g);

/*
 * Loaded in one process, read in another: the loader lists the descriptors of the maps that a
 * reader needs (in an order that both derive from the object; borrowed; -1 where there is none),
 * the reader, which has opened the same bytes, takes them over (also on failure). GADGET_SHARED_MAX
 * bounds the count.
 */
#define GADGET_SHARED_MAX 32
int gadget_shared(const struct gadget *g, int fds[GADGET_SHARED_MAX]);
int gadget_adopt(struct gadget *g, const int *fds, size_t count);

typedef void (*record_fn)(void *context, const struct record *r);
/*
 * Makes a record of raw bytes from a ring (its own or a shared one) and hands it to @fn. -EBADMSG
 * when the bytes do not fit the schema. @wall_offset: wall clock minus CLOCK_MONOTONIC, ns.
 */
int gadget_record(struct gadget *g, const void *data, size_t size, u64 wall_offset, record_fn fn,
		  void *context);
/* Hands every record in the ring to @fn. Returns their number or -errno. */
int gadget_consume(struct gadget *g, record_fn fn, void *context);
/*
 * Reads tables, histograms and stacks; each row is a record. @last: the final reading at the end.
 * Returns the number of rows or -errno. Rows of one schema come together.
 */
int gadget_read(struct gadget *g, bool last, record_fn fn, void *context);
/* To wait on (epoll) for ring data; -1 when the gadget has no ring of its own. */
int gadget_poll_fd(const struct gadget *g);
bool gadget_has_events(const struct gadget *g);
/* Do the parameters, as they are set now, ask for records of this schema of the gadget? */
bool gadget_shows(struct gadget *g, const struct schema *s);
bool gadget_has_tables(const struct gadget *g);
void gadget_losses(const struct gadget *g, struct losses *ret);
/*
 * One line per program: which alternative was taken, what is reduced. For --explain and `saker
 * check`.
 */
void gadget_describe(struct gadget *g, struct buf *b);
/* The schema with header.type @btf_type, NULL when there is none. */
const struct schema *gadget_schema(const struct gadget *g, u32 btf_type);
