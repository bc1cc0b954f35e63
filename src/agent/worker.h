/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker: one thread reads the rings, the most important class first, and publishes on the bus; the store and the web server have
 * threads of their own behind bounded queues, so that a slow disk or a slow client never holds up a ring.
 *
 *	rings ──► source.c ──► bus ──┬─► feed.c (processes that have exited keep their names)
 *	maps, every interval ──┘     ├─► sink.c ──queue──► store thread
 *	                             ├─► serve ──queues──► HTTP threads
 *	                             └─► summary.c (the terminal)
 */
#pragma once

#include "agent/agent.h"
#include "agent/broker.h"
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

/* One gadget that runs in the agent. */
struct source {
	struct worker *worker;
	struct gadget *gadget;
	struct config_gadget config; /* borrowed from the worker's configuration */
	u32 number;
	struct expression *user; /* the part of `where` that the kernel cannot decide */
	struct materializer **materializers; /* one per schema; NULL where nothing is stored */
	bool loaded, has_ring, seen; /* seen: by the last reload */
	char error[512];	     /* why it does not run */
	u64 records, bad_records, missed;
	u64 budget_tokens, budget_time, budget_dropped; /* store budget, see sink_offer() */
};

struct worker {
	struct config *config;
	const char *config_file;
	struct broker *broker;
	struct host *host;
	struct bus *bus;
	struct sink *sink;
	struct serve *serve;
	struct summary *summary;
	struct source **sources; /* by the broker's number; NULL where free */
	struct ring *rings[CONFIG_RINGS];
	int ring_fds[CONFIG_RINGS];
	u64 wall_offset;
	u64 ring_bad; /* records of no known gadget */
	u64 started;
	/* what HTTP threads may read */
	pthread_mutex_t lock;
	struct buf status, metrics;
	uv_loop_t loop;
	uv_poll_t ring_polls[CONFIG_RINGS];
	uv_timer_t poll, second, interval;
	uv_signal_t hangup, terminate, interrupt;
	uv_fs_event_t config_change;
	bool stopping;
};

/* Returns the exit status. @socket leads to the broker. */
int worker_run(const struct agent_options *o, struct config *c, int socket);

/* ---- source.c: gadgets in the agent -------------------------------------------------------------------------------- */

/* Loads what the configuration wants and is not there, unloads what it no longer wants. Failures are logged, not returned. */
void sources_configure(struct worker *w);
void sources_free(struct worker *w);
/* Reads every ring until it is empty or a fair share was read; returns the number of records. */
size_t sources_consume(struct worker *w);
void sources_read_tables(struct worker *w, bool last);

/* ---- sink.c: the way to the store ------------------------------------------------------------------------------------ */

struct sink_statistics {
	u64 records, dropped; /* taken into the queue; refused because it was full */
	u64 stored, dropped_store;
	struct store_health health;
};
int sink_start(const struct config *c, struct sink **ret);
struct sink *sink_stop(struct sink *s); /* flushes; NULL is fine */
void sink_offer(struct sink *s, struct source *source, struct materializer *m, const struct record *r);
/* Waits until nothing in the queue refers to a schema any more: before a materializer is freed. */
void sink_drain(struct sink *s);
void sink_configure(struct sink *s, const struct config *c);
void sink_statistics(struct sink *s, struct sink_statistics *ret);

/* ---- the rest ---------------------------------------------------------------------------------------------------------- */

/* Tells the host's table of processes what exec and exit records say. */
void feed_record(struct host *h, const struct record *r);
/* Becomes @user without capabilities, or root without capabilities when there is no such user; seccomp. */
int privileges_drop(const char *user, bool keep_bpf);
/* Who the worker will be: for the store's folder. -ENOENT when there is no such user. */
int privileges_user(const char *user, uid_t *ret_uid, gid_t *ret_gid);
/* Makes w->status and w->metrics anew (once a second). */
void worker_report(struct worker *w);

struct summary *summary_new(struct worker *w); /* NULL when stdout is no terminal */
struct summary *summary_free(struct summary *s);
void summary_draw(struct summary *s);
/* Before a source's schemas go. */
void summary_forget(struct summary *s, const struct schema *schema);
