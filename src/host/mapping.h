/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side-band records of what processes map (perf_event_open(2)): between the rings that
 * they come in (mapping.c), the bytes that they are (mapping_record.c) and the tables that they
 * change (symbol_maps.c).
 *
 *	rings of all CPUs --by time--> struct mapping_record --> maps_map, _fork, _exec, _exit
 */
#pragma once

#include "host/symbol.h"

enum mapping_kind {
	MAPPING_OTHER, /* whole, but nothing to us */
	MAPPING_MAP,
	MAPPING_EXEC,
	MAPPING_FORK, /* of a process: threads are OTHER */
	MAPPING_EXIT, /* of the first thread */
	MAPPING_LOST,
};

struct mapping_record {
	enum mapping_kind kind;
	u32 pid, parent; /* FORK: the parent */
	u64 time;	 /* CLOCK_MONOTONIC, ns */
	u64 start, end, offset, inode;
	u32 major, minor;
	struct text_span path; /* into the record's bytes; NUL-ended */
	u64 lost;
};

/*
 * One record as it lies in a ring whose events are opened as mapping.c opens them (sample_id_all
 * with a time, no build ids); @data is aligned to 8. -EBADMSG when it cannot be one.
 */
int mapping_record_parse(const void *data, size_t size, struct mapping_record *ret);

struct mapping_watch *mapping_watch_free(struct mapping_watch *w); /* returns NULL */

/* ---- what they change (symbol_maps.c) ---- */

void mapping_apply(struct host *h, const struct mapping_record *r);
