/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between process.c (who had a pid when) and process_read.c (what /proc says). An entry holds for
 * the span in which the process is known to have had the pid:
 *
 *	start ........ first .......... seen .............. end
 *	(from stat     (heard of        (last time it was   (heard of exit, or seen
 *	or fork)       by exec)         looked at: there)   if it was found gone)
 */
#pragma once

#include "host/internal.h"

struct process_entry {
	struct cache_item item;
	struct process p;      /* texts are owned */
	u64 first, seen, end;  /* end: 0 while it is not known to have gone */
	u64 boot_start;	       /* p.start on CLOCK_BOOTTIME, which a suspend does not change */
	u64 parts_read;	       /* when /proc was last read for parts */
	unsigned tried, known; /* process_part bits */
	bool ppid_fed;	       /* the parent at the fork: /proc has the one that adopted it later */
};

/*
 * How far CLOCK_BOOTTIME, in which /proc tells start times, is before CLOCK_MONOTONIC, which
 * records have: more after each suspend, so it is asked for each time.
 */
u64 boot_offset(void);
/*
 * What a look at /proc/PID/stat says: -ESRCH when there is no such process. The start is in ns of
 * CLOCK_BOOTTIME; @line points into h->text.
 */
int process_look(struct host *h, u32 pid, struct stat_line *line, u64 *ret_boot_start);
/*
 * Reads the parts not tried yet. Whether it is still the same process is for the caller to check
 * afterwards.
 */
void process_read_parts(struct host *h, struct process_entry *e, unsigned parts);
/* Replaces a text of an entry, counted against the table's bytes. NULL clears. 0 or -ENOMEM. */
int process_set_text(struct host *h, const char **text, const char *bytes, size_t len);
void process_set_comm(struct process_entry *e, const char *comm, size_t len);
int process_set_args(struct host *h, struct process_entry *e, const char *args, size_t len);
