/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of export: export_schema.c says which columns there are, export_record.c makes
 * a record's bytes, export_map.c reads maps, export.c holds them together.
 */
#pragma once

#include "lang/run/export.h"
#include "lang/run/output_internal.h"

#define EXPORT_COLUMNS_MAX 64
#define EXPORT_SCHEMAS_MAX 64
#define EXPORT_SLOTS_MAX 64	/* of a histogram; with more it is a table of its buckets */
#define EXPORT_RECORD_MAX 60000 /* offsets have 16 bits */

enum export_form {
	FORM_NUMBER, /* 8 bytes */
	FORM_IP,     /* 16 bytes */
	FORM_TEXT,   /* in the tail: as the script prints it */
	FORM_STACK,  /* in the tail: outermost;...;innermost */
};

/* A column that is made of a value of the script's. */
struct export_column {
	enum export_form form;
	const struct type *type;
	u32 source;   /* where the value lies: in the ring's record, in the map's key or value */
	bool in_tail; /* of the ring's record: {u16 offset, u16 length} stands there */
	u32 offset;   /* in the record that is made */
	u32 mask;     /* 32 bits of it are meant (ids that came as signed numbers); 0: all */
};

/* How a map's value becomes columns. */
enum export_value {
	EXPORT_CHANGED,	  /* the value itself, when it changed */
	EXPORT_COUNT,	  /* counts and sums: the difference */
	EXPORT_AVERAGE,	  /* avg, stats: of what came since the last reading */
	EXPORT_HISTOGRAM, /* slots */
	EXPORT_BUCKETS,	  /* a row for each bucket that counted something */
	EXPORT_SERIES,	  /* a row for each interval of a tseries */
};

struct export_row; /* a map's entry at the last reading */

struct export_schema {
	struct schema *schema;
	struct export_column columns[EXPORT_COLUMNS_MAX];
	size_t count;
	u32 message; /* offset of a printf's text; 0: none */
	/* ---- of a map ---- */
	const struct map *map; /* NULL: of actions */
	enum export_value value;
	u32 at[3];	  /* offsets of the columns that are made of the value, in their order */
	u32 value_offset; /* columns from here on are the value's */
	struct export_row *before;
	u64 round;
};

struct export
{
	struct run *run;
	struct export_sink sink;
	const char *name;
	struct export_schema **schemas;
	size_t count, capacity;
	u32 *by_action; /* number of the schema + 1 by the action's; 0: none */
	struct buf record, text;
	u64 malformed, cut, failed;
};

/* ---- export_schema.c ---- */

int export_make_schemas(struct export *e);
/* What somebody would call the value: pid, comm, filename of str(args.filename); NULL. */
const char *export_word_of(const struct node *n);
/* "usecs", "read_us", "ns" ...: what a map's name says of what it measures. */
const char *export_unit_of(const char *name);
/* Adds an empty schema called NAME.PART to @e. */
int export_new_schema(struct export *e, const char *part, const char *what, enum schema_sort sort,
		      struct export_schema **ret);
/* Adds a column of @size bytes (4: a text) to the fixed part; its index, or -errno. */
int export_add_column(struct export_schema *s, const char *name, const char *help,
		      const struct kind *kind, u32 size, u32 *ret_offset);
/* The same for a value of the script's that lies at @source. */
int export_add_value(struct export_schema *s, const char *name, const char *help,
		     const struct type *t, u32 source, bool is_key);

/* ---- export_schema_map.c ---- */

int export_add_map(struct export *e, const struct map *m);

/* ---- export_record.c ---- */

/* An empty record of @s in e->record, the fixed part zero. */
void export_begin(struct export *e, const struct export_schema *s, u64 time);
void export_put(struct export *e, u32 offset, u64 value);
void export_put_text(struct export *e, u32 offset, const char *bytes, size_t len);
/*
 * Column @c from the bytes it lies in; @size: of a ring's record, for texts in its tail, else 0.
 */
void export_put_column(struct export *e, const struct export_column *c, const u8 *bytes, u32 size);
/* Hands e->record to the sink. */
void export_send(struct export *e, u32 number);
/* A record of the ring, as it came. */
void export_event(struct export *e, const u8 *record, u32 size);

/* ---- export_map.c ---- */

/* One reading of one map. */
int export_read_map(struct export *e, u32 number);
/* It was cleared or zeroed: all that is in it from now on is new. */
void export_forget_map(struct export_schema *s);
