/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker: one thread reads the rings, the most important class first, and publishes on the bus;
 * the store and the web server have threads of their own behind bounded queues, so that a slow disk
 * or a slow client never holds up a ring.
 *
 *	rings ──► source.c ──► bus ──┬─► sink.c ──queue──► store thread
 *	maps, every interval ──┘     ├─► serve ──queues──► HTTP threads
 *	             │               └─► summary.c (the terminal)
 *	             └─► host (processes that have exited keep their names)
 */
#pragma once

#include "agent/agent.h"
#include "agent/broker.h"
#include "agent/config.h"
#include "agent/ingest.h"
#include "event/event.h"
#include "host/host.h"
#include "kernel/kernel.h"
#include "serve/serve.h"
#include "store/store.h"

#include <pthread.h>
#include <uv.h>

struct sink;
struct summary;
struct worker;

/* One gadget that runs in the agent, or says why it does not. */
struct source {
	struct worker *worker;
	struct gadget *gadget;
	struct config_gadget config; /* borrowed from the worker's configuration */
	u32 number;
	struct expression *user;	     /* the part of `where` that the kernel cannot decide */
	struct materializer **materializers; /* one per schema; NULL where nothing is stored */
	bool loaded, seen;		     /* seen: by the last reload */
	char error[512];		     /* why it does not run */
	u64 records, filtered, bad_records, missed;
	u64 budget_tokens, budget_time, budget_dropped; /* store budget, see sink_offer() */
	u64 failed;					/* could not be made ready for the store */
};

/* /api/v1/status and /metrics: asked for by HTTP threads, made by the worker's. */
struct report {
	pthread_mutex_t lock;
	pthread_cond_t made;
	uv_async_t ask;
	bool open;	    /* the loop runs: it can be asked */
	u64 made_ns;	    /* when the texts below were made; 0: never */
	u64 missed_ns;	    /* when the broker was asked for skipped runs */
	struct buf scripts; /* what the broker says of those it runs */
	struct buf status, metrics;
};

struct worker {
	const struct worker_start *start;
	struct config *config;
	struct broker *broker;
	struct host *host;
	struct bus *bus;
	struct sink *sink;
	struct serve *serve;
	struct summary *summary;
	struct ingest *ingest;	 /* scripts that export; NULL: none may */
	struct source **sources; /* by the broker's number; NULL where free */
	struct ring *rings[CONFIG_RINGS];
	int ring_fds[CONFIG_RINGS];
	u64 now; /* monotonic, of the reading under way */
	u64 wall_offset;
	u64 ring_bad; /* records of no known gadget */
	u64 started;
	struct report report;
	uv_loop_t loop;
	bool loop_runs;
	uv_poll_t ring_polls[CONFIG_RINGS], broker_poll;
	uv_timer_t poll, second, interval;
	u64 poll_ms;
	uv_signal_t hangup, terminate, interrupt, resized;
};

/* Exit status of a worker that never ran. */
#define WORKER_CANNOT_START 3

struct worker_start {
	const struct agent_options *options;
	struct config *config; /* the worker's own */
	int socket;	       /* to the broker */
	pid_t broker;
	unsigned restarts; /* workers before this one */
	int ingest;	   /* socket that listens for scripts; -1 */
};
/* Returns the exit status. */
int worker_run(const struct worker_start *start);

/* ---- gadget_setup.c: from the configuration to an opened gadget ------------------------------ */

/* Opens it, adds @host's columns to its schemas, sets its parameters. */
int gadget_setup(const struct config_gadget *c, struct host *host, struct gadget **ret);
/*
 * Its filter as at most BROKER_PREDICATE_MAX instructions, and what is left for user space (NULL:
 * nothing).
 */
int gadget_setup_where(const struct config_gadget *c, struct gadget *g, struct bpf_insn *predicate,
		       size_t *ret_count, struct expression **ret_user);
/* Tries all that are enabled. The error's text begins with the place in @file. */
int gadget_setup_check(const struct config *c, const char *file);

/* ---- source.c: gadgets in the agent ---------------------------------------------------------- */

/*
 * Loads what the configuration wants and is not there, unloads what it no longer wants; what is the
 * same goes on. @store_changed: what is stored of a record is another. Failures are logged.
 */
void sources_configure(struct worker *w, bool store_changed);
/* At the end: nothing is unloaded, the broker does that when the worker has gone. */
void sources_free(struct worker *w);
/* Reads every ring until it is empty or a fair share was read; returns the number of records. */
size_t sources_consume(struct worker *w);
/* Until all are empty, or for 100 ms. */
size_t sources_consume_all(struct worker *w);
void sources_read_tables(struct worker *w, bool last);
size_t sources_running(const struct worker *w);

/* ---- sink.c: the way to the store ------------------------------------------------------------ */

struct sink_statistics {
	u64 records, dropped; /* taken into the queue; refused because it was full */
	u64 stored, dropped_store;
	struct store_health health;
};
int sink_start(const struct config *c, struct sink **ret);
struct sink *sink_stop(struct sink *s); /* flushes; NULL is fine */
/* @now: CLOCK_MONOTONIC, of the reading under way. */
void sink_offer(struct sink *s, struct source *source, struct materializer *m,
		const struct record *r, u64 now);
/*
 * Waits until nothing in the queue refers to a schema any more: before a materializer is freed.
 */
void sink_drain(struct sink *s);
void sink_configure(struct sink *s, const struct config *c);
void sink_statistics(struct sink *s, struct sink_statistics *ret);

/* ---- privilege.c, folder.c ------------------------------------------------------------------- */

/* Becomes @user without capabilities, or root without capabilities when there is no such user. */
int privileges_drop(const char *user, bool keep_bpf);
/* Who the worker will be. -ENOENT when there is no such user. */
int privileges_user(const char *user, uid_t *ret_uid, gid_t *ret_gid);
/* Makes the store's folder for the worker's user, or refuses one that is somebody else's. */
int store_folder(const struct config *c);

/* ---- progress.c: what takes longer than a second says so ------------------------------------- */

struct progress;
/* @what: "opening the store". NULL when it cannot be shown: no harm. */
struct progress *progress_begin(const char *what);
void progress_set(struct progress *p, size_t done, size_t all);
struct progress *progress_end(struct progress *p);

/* ---- report.c -------------------------------------------------------------------------------- */

void report_init(struct worker *w);
/* From here on, while the loop runs, it answers. */
int report_open(struct worker *w);
void report_close(struct worker *w);
void report_free(struct worker *w);
/* For struct serve_options: on any thread. They wait for the worker's thread, a second at most. */
void report_status(void *context, struct buf *b);
void report_metrics(void *context, struct buf *b);

/* ---- the rest -------------------------------------------------------------------------------- */

struct summary *summary_new(struct worker *w); /* NULL when stdout is no terminal */
struct summary *summary_free(struct summary *s);
void summary_draw(struct summary *s);
/* Before a source's schemas go. */
void summary_forget(struct summary *s, const struct schema *schema);
