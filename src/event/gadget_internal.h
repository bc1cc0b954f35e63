/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the gadget runtime (gadget.c, gadget_describe.c, gadget_read.c) share. */
#pragma once

#include "event/gadget.h"
#include "event/schema_btf.h"
#include "kernel/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <uthash.h>

/* A row as it was read last time: a reading reports what came since (see gadget_read.c). */
struct row_before {
	UT_hash_handle hh;
	u64 round; /* the reading that saw it last */
	bool idle; /* nothing came between the last two */
	u8 *value;
	u8 key[];
};

/* A map that is read as a table. */
struct table {
	struct schema *schema;
	/*
	 * By name: loading may replace the object, when an alternative is refused
	 * (kernel/object.h).
	 */
	char map[64];
	enum bpf_map_type type;
	u32 max_entries;
	/* a parameter, or !parameter: read only when it is set, or not; "": always */
	char when[64];
	bool unwanted;
	int fd; /* the map's, once loaded or adopted */
	u32 key_size, value_size, value_offset;
	bool per_cpu, is_array, keep; /* keep: report totals, not what came since */
	struct row_before *before;
	u64 round;
	u8 *row; /* one row being made: header, key, value */
	u8 *per_cpu_values;
};

struct gadget {
	struct gadget_info info;
	size_t schema_capacity, parameter_capacity, alias_capacity, example_capacity;
	struct object *object;
	struct schema *input; /* what WHERE() sees when it is no event */
	struct program_plan *plans;
	char (*plan_names)[2][64]; /* program, group */
	size_t plan_count;
	struct table *tables;
	size_t table_count, table_capacity;
	char *name;
	u16 number;
	u32 where_limit; /* bytes that a filter may look at */
	const u64 *lost; /* in .bss, mapped */
	struct ring *ring;
	int ring_fd, stack_fd; /* borrowed from the object, or adopted; -1: none */
	int *adopted;	       /* descriptors that another process sent */
	size_t adopted_count;
	void *bss; /* mapped, for the losses */
	size_t bss_size;
	bool attached, shared_ring;
	int cpus;
	struct stack_reader stacks;
	gadget_symbolize_fn symbolize;
	void *symbolize_context;
};

/*
 * Reads everything that the object's BTF says into @g->info, tables and plans (gadget_describe.c).
 */
int gadget_read_description(struct gadget *g);
int gadget_make_plans(struct gadget *g);
u64 gadget_parameter_number(const struct gadget *g, const char *name);
/* Which tables the parameters want, once these are set. */
void gadget_choose_tables(struct gadget *g);
void table_free(struct table *t);
/* Takes the descriptors of its maps from the loaded object. */
int gadget_take_maps(struct gadget *g);
void gadget_share_free(struct gadget *g);
/* `struct header` of a record made in user space. */
void gadget_row_header(const struct gadget *g, const struct schema *s, u8 *row);
