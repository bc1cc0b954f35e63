/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schema says what the bytes of a record mean: columns with a kind each. It is read from the BTF
 * and the tags of a gadget (or of a script, or of a stored partition); nothing here knows any
 * gadget.
 *
 *	record:  | header 16 bytes | fixed part ...  {offset,length} | tail: text, text |
 *
 * Columns are of two sorts: stored ones lie in the record, virtual ones (a process's executable, a
 * container's name) are computed from a stored one by whoever registered them, when a sink asks.
 */
#pragma once

#include "base/base.h"

struct record;
struct schema;
struct column;
struct btf;

/* How a value is held; several kinds share one class. */
enum value_class {
	VALUE_NONE, /* not known (the process is gone, no such stack): SQL NULL, JSON null, "-" */
	VALUE_UNSIGNED,
	VALUE_SIGNED,
	VALUE_BOOL,
	VALUE_TEXT,	 /* bytes, perhaps not UTF-8 */
	VALUE_WORDS,	 /* text of words, each ended by NUL */
	VALUE_IP,	 /* 16 bytes */
	VALUE_HISTOGRAM, /* u64 slots[] */
	VALUE_STACK,	 /* text of frames "a;b;c", outermost first, once resolved */
	VALUE_DOUBLE,	 /* rates and shares, computed only */
};

struct value {
	enum value_class class;
	union {
		u64 u;
		s64 s;
		double d;
		struct {
			const char *bytes;
			size_t len;
		} text; /* TEXT, WORDS, STACK; borrowed from the record or the scratch buffer */
		const u8 *ip;
		const u64 *slots;
	};
};

/* One row of the table in kind.c. */
struct kind {
	const char *name; /* the typedef's name in gadget.h without _t: "pid", "duration_ns" */
	enum value_class class;
	const char *unit; /* for metrics, documentation: "ns", "bytes", "" */
	int width;	  /* of a table column, 0: by the schema */
	bool left;	  /* aligned left */
	bool counts;	  /* a number that adds up (per-CPU sums, Prometheus counters) */
	/* Adds the text for people; NULL: by class. Never adds bytes that are not safe to print. */
	void (*format)(const struct column *c, const struct value *v, struct buf *b);
	/*
	 * Reads what a person writes in a filter: "ENOENT", "SIGKILL", "10ms", "openat"; NULL: a
	 * number.
	 */
	int (*parse)(const struct column *c, const char *text, s64 *ret);
};

extern const struct kind kinds[];
extern const size_t kind_count;
/* By name, with or without "_t"; NULL when there is no such kind. */
const struct kind *kind_find(const char *name);

/* Names for a column's numbers, from a BTF enum. */
struct name_of_number {
	s64 number;
	const char *name;
};

/* Computes a virtual column. Returns with class VALUE_NONE when it is not known. */
typedef void (*column_compute_fn)(void *context, const struct record *r, const struct value *from,
				  struct value *ret, struct buf *scratch);

struct column {
	const char *name; /* as in JSON, SQL, filters: lower case */
	/* a table's heading: upper case, from the name unless the tag says other */
	const char *label;
	const char *help;
	const struct kind *kind;
	const char *unit; /* the tag's or the kind's */
	u32 offset, size; /* in the record; size of one value (8 for a tail column's
			     {offset,length}: 4) */
	bool is_signed, in_tail, bit_flags;
	bool is_time;  /* CLOCK_MONOTONIC in the record, time of day as a value */
	u64 slot_step; /* histograms: 0 is log2, else linear with this step */
	bool hidden;   /* not shown unless asked for: with --columns, or `wide` in -o wide */
	bool wide;     /* shown with -o wide only */
	bool left;
	bool is_key; /* part of the key of a table, histogram or stacks */
	int width;
	const char *when; /* shown only when this parameter is set; NULL: always */
	const struct name_of_number *names;
	size_t name_count;
	/* virtual columns */
	column_compute_fn compute;
	void *compute_context;
	const struct column *from;
};

enum schema_sort { SCHEMA_EVENTS, SCHEMA_TABLE, SCHEMA_HISTOGRAM, SCHEMA_STACKS };

struct schema {
	char *name; /* "opensnoop"; "gadget.part" when a gadget has several */
	char *summary;
	enum schema_sort sort;
	u32 version;
	u64 hash;		/* of names, kinds, offsets and sizes: equal hash, equal bytes */
	u32 btf_type;		/* header.type of its records */
	u32 fixed_size;		/* smallest valid record */
	struct column *columns; /* stored first, then virtual */
	size_t count, capacity;
	size_t stored;
	const char *sort_column; /* tables: default order (descending), NULL: none */
	u32 top;		 /* tables: default number of rows, 0: all */
	void *arena;		 /* owns every string above */
};

/* A record is borrowed for the length of a call; who keeps it copies the bytes. */
struct record {
	const struct schema *schema;
	const u8 *data;
	u32 size;
	u64 wall_ns; /* time of day of the record */
	/* Resolves stack ids of this record's source; NULL when it has none. */
	const struct stack_reader *stacks;
};

/*
 * Where a source keeps its stacks. Adds frames "outer;...;inner" of stack @id to @b; -ENOENT when
 * it is gone.
 */
struct stack_reader {
	int (*read)(const struct stack_reader *r, const struct record *record, s64 id, bool user,
		    struct buf *b);
};

/* The layout that starts every record: must equal `struct header` in gadgets/include/gadget.h. */
struct record_header {
	u16 type;
	u16 gadget;
	u32 size;
	u64 time; /* CLOCK_MONOTONIC ns */
};

struct schema *schema_free(struct schema *s); /* returns NULL */
void schema_freep(struct schema **s);

/*
 * Checks a record that came from outside against its schema: size, every tail column inside the
 * record. 0, or -EBADMSG with the text. A record that passed is safe for every function below.
 */
int record_check(const struct schema *s, const void *data, size_t size);

/* Finds a column by name (case-insensitive), -1 when there is none. */
int schema_find(const struct schema *s, const char *name);
/* The same with an error that suggests the nearest name. */
int schema_require(const struct schema *s, const char *name);
/*
 * Appends a virtual column computed from the stored column @from (an index). 0 or -errno. Names are
 * copied.
 */
int schema_add_virtual(struct schema *s, const char *name, const char *help,
		       const struct kind *kind, int from, column_compute_fn compute, void *context);

/* The value of column @c in @r. Text that had to be made is put into @scratch (cleared first). */
void column_value(const struct column *c, const struct record *r, struct value *ret,
		  struct buf *scratch);
/* Adds the value as text for people; safe for a terminal. */
void value_format(const struct column *c, const struct value *v, struct buf *b);
/* Adds the value as JSON: numbers, booleans, strings, arrays; null for VALUE_NONE. */
void value_json(const struct column *c, const struct value *v, struct buf *b);
/*
 * The closed interval that a slot of a histogram counts, and how many slots there are: as many as a
 * u64 has powers of two (and the zero) where they are logarithmic, since more would have no bounds.
 */
u64 slot_min(const struct column *c, u32 slot);
u64 slot_max(const struct column *c, u32 slot);
u32 slot_count(const struct column *c);
/* <0, 0, >0; by class; NONE sorts first. */
int value_compare(const struct value *a, const struct value *b);

/* ---- making schemas -------------------------------------------------------------------------- */

/* An empty schema to be filled (by the store, which reads definitions back). -ENOMEM: NULL. */
struct schema *schema_new(const char *name, const char *summary, enum schema_sort sort);
/*
 * Adds a stored column. @offset and @size in bytes. Returns its index or -errno. The pointer in
 * `columns` may move: fill further members through the index.
 */
int schema_add(struct schema *s, const char *name, const char *help, const struct kind *kind,
	       u32 offset, u32 size, bool is_signed);
/* A copy of @text that lives as long as the schema. */
char *schema_strdup(struct schema *s, const char *text);
/* To be called when all stored columns are there: computes hash and fixed size. */
void schema_seal(struct schema *s, u32 fixed_size);
/*
 * The whole definition as JSON, and back: what the store keeps beside the bytes, and `saker list
 * columns -o json`.
 */
void schema_to_json(const struct schema *s, struct buf *b);
int schema_from_json(const char *json, size_t len, struct schema **ret);
