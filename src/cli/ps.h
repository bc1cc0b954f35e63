/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of `saker ps`. */
#pragma once

#include "cli/grid.h"
#include "kernel/kernel.h"

struct ps_options {
	bool programs, maps, links;
	bool json, cost;
	u64 for_ns;
	bool show; /* one object, in detail */
	bool any_kind;
	enum object_kind kind;
	u32 id;
};

struct ps {
	struct ps_options options;
	struct inventory *inventory;
	struct cost_report *cost; /* NULL: not asked for */
};

/* Prints the lists that were asked for. */
int ps_list(const struct ps *ps);
/* Prints one object. */
int ps_show(const struct ps *ps);

/* A type's name, or "type 33" when it is newer than this program. */
void ps_add_type(struct buf *b, const char *name, u32 type);
/* "nginx/123, pinned /sys/fs/bpf/x, +2 more"; "-" for none. Safe to print. */
void ps_add_owners(struct buf *b, const struct inventory *i, enum object_kind kind, u32 id);
/*
 * Where a link is attached: what its owner's descriptors told of it comes before what the link
 * says. "-": not known.
 */
const char *ps_link_target(const struct ps *ps, const struct link_info *l);
/* One object as JSON, with or without what --cost measured. */
void ps_json_program(struct buf *b, const struct ps *ps, const struct program_info *p);
void ps_json_map(struct buf *b, const struct ps *ps, const struct map_info *m);
void ps_json_link(struct buf *b, const struct ps *ps, const struct link_info *l);
