/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiled script in the kernel: its maps and programs loaded, attached, its records turned into
 * output, its maps printed at the end.
 *
 *	run_load -> run_attach -> run_begin -> run_consume ... -> run_end -> run_free
 *
 * Nothing here waits or prints: output goes to a buffer that the caller writes where it wants, and
 * the caller's loop says when to consume. One thread.
 */
#pragma once

#include "event/event.h"
#include "host/host.h"
#include "lang/check/script.h"
#include "lang/run/output.h"

struct run_program {
	const struct script_program *program;
	int fd;
	struct probe_attachment *attachment;
	u64 missed; /* runs that the kernel skipped, once it is detached */
};

struct run {
	struct script *script;
	int *map_fds; /* script maps, then own maps; -1: not made */
	size_t map_count;
	struct run_program *programs;
	struct ring *ring;
	volatile struct script_state *state; /* mapped; NULL: the script has none */
	const volatile u64 *losses;	     /* mapped: [program][LOSS_KINDS] */
	size_t state_size, losses_size;
	struct host *host;
	struct output out;
	u64 wall_offset; /* wall clock minus CLOCK_MONOTONIC, ns */
	u64 boot_offset; /* wall clock minus CLOCK_BOOTTIME, ns */
	bool exiting;	 /* exit() was seen */
	int exit_code;
	u32 failed_points; /* attach points that could not be attached (missing_probes) */
	u64 received;	   /* records */
	u64 lost_shown;
	struct buf verifier_log;
};

/*
 * Creates maps, loads programs. The text of a refusal names the probe and the script's line. When
 * it fails *@ret is there all the same, for run_verifier_log(), and can only be freed; NULL: no
 * memory.
 */
int run_load(struct script *s, struct host *h, struct run **ret);
struct run *run_free(struct run *r); /* detaches; returns NULL */
void run_freep(struct run **r);
/* All the verifier said when it refused a program. */
const char *run_verifier_log(const struct run *r);
/* Runs `begin`, then attaches the rest. `self`, `test` and `bench` probes are run by run_fire(). */
int run_attach(struct run *r);
/* Runs the iterators that are not pinned: once, from the first to the last. After run_attach(). */
int run_iterate(struct run *r);
/* Takes the programs off again; what they sent stays to be consumed. */
void run_detach(struct run *r);
/* Runs the programs of a provider ("begin", "end", "self", "test"); @event NULL: all of it. */
int run_fire(struct run *r, const char *provider, const char *event);
/* Handles what is in the ring. Number of records, or -errno. Output is in r->out. */
ssize_t run_consume(struct run *r);
int run_poll_fd(const struct run *r); /* to wait on; -1: the script sends no records */
/* Runs `end`, consumes, prints maps (unless configured otherwise) and what was lost. */
int run_end(struct run *r);
/* Losses since the last call, as warnings in r->out; true: there were some. */
bool run_report_losses(struct run *r, bool final);
