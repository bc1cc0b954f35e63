/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that make a script's output. */
#pragma once

#include "event/event.h"
#include "lang/run/output.h"

/* A printf format, walked once. */
enum conversion {
	CONVERT_LITERAL,
	CONVERT_SIGNED,	  /* d i */
	CONVERT_UNSIGNED, /* u */
	CONVERT_OTHER,	  /* x X o c with flags: by snprintf */
	CONVERT_TEXT,	  /* s of anything */
	CONVERT_POINTER,
	CONVERT_CHARACTER,
	CONVERT_BUFFER,	      /* r */
	CONVERT_BUFFER_HEX,   /* rh */
	CONVERT_BUFFER_BYTES, /* rx */
	CONVERT_GFP,	      /* gr: names of allocation flags */
};
struct printf_part {
	enum conversion conversion;
	const char *text; /* literal; or the flags for snprintf: "%-5ll" + conversion */
	u32 len;
	u8 bits; /* that the length modifier asks for: 8, 16, 32, 64 */
	u32 width;
	bool left, zeros, plain; /* plain: no width and no flags */
	char letter;
	u32 argument;
};
struct printf_plan {
	struct printf_part *parts;
	u32 count;
	u32 minimum; /* bytes that a whole record has */
};

/* The plan of an action, made at its first use. NULL: no memory. */
const struct printf_plan *printf_plan_of(struct output *o, const struct action *a);
void printf_plan_free(struct printf_plan *p);
void printf_run(struct output *o, const struct printf_plan *p, const struct action *a,
		const u8 *record, u32 size, struct buf *b);

/* An integer of the record or of a value, extended by its own sign. */
s64 value_integer(const struct type *t, const void *data);
/* Bytes of a string: up to its NUL. */
u32 string_length(const struct type *t, const void *data);
void stats_text(const struct type *t, const struct stats_value *v, u64 divisor, struct buf *b);
void add_buffer_text(const u8 *bytes, u32 len, enum conversion c, struct buf *b);
/* Bytes of a process or the kernel: escaped where a terminal would obey them. */
void add_foreign(struct output *o, const char *bytes, size_t len, struct buf *b);
void add_string(struct output *o, const struct type *t, const char *bytes, struct buf *b);

/* ---- names (output_name.c) ---- */

void add_stack(struct output *o, const struct type *t, const struct stack_value *s, struct buf *b);
void add_kernel_symbol(struct output *o, u64 address, bool with_offset, struct buf *b);
void add_user_symbol(struct output *o, u32 pid, u64 address, bool with_offset, struct buf *b);
void add_build_id_frame(struct output *o, u32 pid, u64 address, struct buf *b);
void add_inet(const struct inet_value *v, struct buf *b);
void add_timestamp(struct output *o, const struct timestamp_value *v, struct buf *b);
void add_cgroup_value(struct output *o, const struct cgroup_value *v, struct buf *b);
void add_user_name(struct output *o, u32 uid, struct buf *b);
/* Of STRERROR, SYSCALL_NAME, SIGNAL_NAME. */
void add_number_name(enum type_kind kind, s64 number, struct buf *b);
void add_strftime(const char *format, u64 wall_ns, struct buf *b);

/* "GFP_KERNEL|__GFP_NOWARN"; "0". */
void add_gfp_flags(u32 flags, struct buf *b);

/* ---- histograms (output_histogram.c) ---- */

void histogram_text(const struct type *t, const u64 *slots, u64 divisor, struct buf *b);
void histogram_json(const struct type *t, const u64 *slots, struct buf *b);
void tseries_text(struct output *o, const struct type *t, const struct tseries_value *rows,
		  u64 divisor, struct buf *b);
void tseries_json(struct output *o, const struct type *t, const struct tseries_value *rows,
		  struct buf *b);

/* ---- maps ---- */

bool type_is_histogram(const struct type *t);
/* The number by which aggregations are sorted and which they print. */
s64 aggregate_number(const struct type *t, const void *value);
void output_map_json(struct output *o, const struct map *m, const struct map_entries *e,
		     size_t from, u64 divisor);
/* A number, or a string where a double does not hold it exactly. */
void add_json_integer(s64 v, bool is_signed, struct buf *b);
/* A JSON string with its quotes. */
void output_json_string(struct output *o, const char *bytes, size_t len, struct buf *b);
/* The number of an integer or an aggregation, divided; false: it has none that can be. */
bool divided_number(const struct type *t, const u8 *value, u64 divisor, s64 *ret);
/* Sorts and prints entries that were read. */
int output_entries(struct output *o, const struct map *m, struct map_entries *e, u64 top,
		   u64 divisor);
void output_packet(struct output *o, const struct action *a, const u8 *record, u32 size);
