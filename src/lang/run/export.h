/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a script says, as records with schemas, for the store, Prometheus and the live stream:
 *
 *	emit("open", (pid=pid, ...))	NAME.open	events, its columns
 *	printf("%d %s\n", pid, comm)	NAME.printf	events: message and arguments
 *	@bytes[comm] = sum(...)		NAME.bytes	a table, a histogram or stacks, by its type
 *
 * It stands beside the text that the script prints and changes nothing of it: instead of
 * run_consume() and run_end() the caller uses the two functions here. A reading of a map reports
 * what came since the last one, as a gadget's does. Records are made for record_check().
 */
#pragma once

#include "lang/run/run.h"

struct export;

/* Called within the functions below; a record is borrowed for the length of the call. */
struct export_sink {
	void *context;
	void (*record)(void *context, u32 schema, const struct record *r);
	/* The rows of one reading of a map are complete. */
	void (*batch_end)(void *context, u32 schema);
};

/* Everything since the start. */
struct export_losses {
	u64 kinds[LOSS_KINDS]; /* as the programs counted them */
	u64 malformed;	       /* records of the ring that are none */
	u64 cut;	       /* texts that did not fit a record */
	u64 failed;	       /* out of memory */
};

/*
 * The name of a script by its file: "/etc/saker/scripts.d/my opens.bt" -> "my_opens". The caller
 * frees it. NULL: out of memory.
 */
char *export_name(const char *path);

/*
 * Schemas of a loaded script; its options asked for timestamps. @name is what export_name() makes.
 * @r and @sink's context outlive it.
 */
int export_new(struct run *r, const char *name, const struct export_sink *sink,
	       struct export **ret);
struct export *export_free(struct export *e); /* returns NULL */
void export_freep(struct export **e);
size_t export_count(const struct export *e);
const struct schema *export_schema(const struct export *e, size_t i); /* owned by @e */

/* Instead of run_consume(): the same, and the records of emit() and printf() go to the sink. */
ssize_t export_consume(struct export *e);
/* Reads all maps and hands the sink what is new in them. */
int export_read(struct export *e);
/* Instead of run_end(): the same, and the last records and readings go to the sink. */
int export_end(struct export *e);
void export_losses(const struct export *e, struct export_losses *ret);
