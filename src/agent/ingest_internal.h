/* SPDX-License-Identifier: Apache-2.0 */
/* Between ingest.c (who comes and goes, packets), ingest_schema.c and ingest_report.c. */
#pragma once

#include "agent/ingest.h"
#include "agent/worker.h"

struct ingest_schema {
	struct schema *schema;
	struct materializer *materializer; /* NULL where nothing is stored */
};

/* One script that is connected. */
struct ingest_source {
	struct ingest *in;
	struct ingest_source *next;
	uv_poll_t poll;
	int fd; /* -1: it is gone, the handle is being closed */
	u32 pid;
	bool named, ready, goodbye;
	struct source source; /* what sink_offer() counts in: the name, the budget */
	char name[WIRE_NAME_MAX];
	struct ingest_schema schemas[INGEST_SCHEMAS_MAX];
	u32 count;
	struct wire_losses losses; /* as it says */
	u64 records, malformed;
};

struct ingest {
	struct worker *worker;
	int listener;
	uv_poll_t poll;
	bool has_poll;
	struct ingest_source *sources;
	u64 refused, vanished; /* scripts; those that ended without a word */
	u64 packet[(WIRE_PACKET_MAX + 64) / 8];
};

/* ---- ingest_schema.c ---- */

/* Adopts a definition: columns of the host, ready for the store, served. */
int ingest_adopt(struct ingest_source *s, u32 number, const char *json, size_t len);
/* Makes ready for the store what is to be stored as the configuration says it now. */
int ingest_materialize(struct ingest_source *s);
/* Nobody refers to the schemas any more behind it. */
void ingest_drop_schemas(struct ingest_source *s);
