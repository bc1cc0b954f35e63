/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's end of wire.h: scripts come, their schemas are checked and adopted, their records are
 * published on the bus like any gadget's, and they go. Nothing that comes over the socket is
 * believed: lengths, names, numbers and times are checked, and each source has its limits.
 */
#pragma once

#include "agent/wire.h"
#include "event/event.h"

#define INGEST_SOURCES_MAX 64
#define INGEST_SCHEMAS_MAX 64  /* of a source */
#define INGEST_COLUMNS_MAX 128 /* of a schema */

struct worker;
struct ingest;

/*
 * Listens at @path, root only: the folder is made when its parent is there, what a killed agent
 * left behind is replaced, another agent's socket is left alone (-EADDRINUSE). The broker does it
 * and hands the descriptor on.
 */
int ingest_listen(const char *path, int *ret_fd);

/* Takes scripts from @listener (the caller's) on the worker's loop. */
int ingest_start(struct worker *w, int listener, struct ingest **ret);
/* Takes what has been sent already, then lets everybody go. The loop closes its handles after. */
void ingest_stop(struct ingest *in);
struct ingest *ingest_free(struct ingest *in); /* behind uv_loop_close(); returns NULL */
/* What is stored of a record is another: see sources_configure(). */
void ingest_configure(struct ingest *in);
/* Calls @fn for each schema on the bus. */
void ingest_schemas(const struct ingest *in, void (*fn)(void *context, const struct schema *s),
		    void *context);
/* Calls @fn for each loss of the scripts that are connected: "(ring full)". NULL is fine. */
void ingest_losses(const struct ingest *in,
		   void (*fn)(void *context, const char *script, u64 count, const char *why),
		   void *context);
/* An array of objects for /api/v1/status; lines for /metrics. NULL is fine. */
void ingest_status(const struct ingest *in, struct buf *b);
void ingest_metrics(const struct ingest *in, struct buf *b);

/* ---- for tests ---- */

/* A definition as it came: 0, or -EBADMSG, -E2BIG with what is wrong with it. */
int ingest_check_schema(const struct schema *s, const char *source);
bool ingest_check_name(const char *name);
