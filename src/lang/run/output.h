/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a script prints, as bpftrace prints it: records by their action, values by their type, maps
 * with their order. Text or JSON lines. Nothing is written to a file here: bytes are added to
 * `text` (stdout) and `messages` (stderr: warnings, "Attached N probes"), which the caller empties.
 *
 *	record --actions[type - 1]--> output_action()  --printf: format walked once per script,
 *							 arguments taken from their offsets
 *	map    --map_read()--> entries, reduced over CPUs, sorted --> output_map()
 */
#pragma once

#include "base/base.h"
#include "host/host.h"
#include "lang/check/script.h"

struct run;

struct output {
	struct buf text, messages;
	bool json;
	bool warnings;	  /* -k */
	bool no_warnings; /* --no-warnings */
	bool quiet;	  /* -q */
	/*
	 * Takes bpftrace's place: where its output is plainly wrong, ours is the same (the places
	 * are listed in docs/language.md).
	 */
	bool is_bpftrace;
	struct script *script;
	struct host *host;
	u64 wall_offset, boot_offset; /* see struct run */
	struct printf_plan **plans;   /* by action number, made when first used */
	struct buf scratch;
	/* exit(), clear() and so on ask for what only the run can do */
	bool exit_asked;
	bool safe;   /* for a terminal: strings of others are shown escaped */
	bool failed; /* at once, without maps */
	int exit_code;
	int (*map_fd)(void *context, const struct map *m);
	void *context;
	/* system() and cat(): run by the caller (cli), who owns processes; output comes to `text`.
	 * NULL: an error line. */
	int (*run_command)(void *context, const char *command, struct buf *b);
};

int output_init(struct output *o, struct script *s, struct host *h);
void output_free(struct output *o);

/*
 * One record of the ring, @size bytes, not trusted to be whole: -EBADMSG when it cannot be. The hot
 * path: a printf of numbers and strings allocates nothing.
 */
int output_record(struct output *o, const void *data, size_t size);
/* A map as print() and the end of the script show it. @top, @divisor 0: none. */
int output_map(struct output *o, const struct map *m, u64 top, u64 divisor);
/* All maps, sorted by name, as at the end. */
int output_maps(struct output *o);
/* {"type": "attached_probes", ...} or "Attached N probes" to messages. */
void output_attached(struct output *o, u32 count);
/* Lost events and other losses: bpftrace's line, then ours by probe. */
void output_lost(struct output *o, u64 count);
void output_warning(struct output *o, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* ---- values ---------------------------------------------------------------------------------- */

/*
 * Adds a value as text, the way print() does (@nested: inside a tuple or struct), from the bytes of
 * its type as they are stored (type_stored_size).
 */
void value_text(struct output *o, const struct type *t, const void *data, bool nested,
		struct buf *b);
void value_json_text(struct output *o, const struct type *t, const void *data, struct buf *b);

/* ---- maps ------------------------------------------------------------------------------------ */

/* One entry of a map: key bytes (key_size), value reduced over the CPUs into `value`. */
struct map_entry {
	const u8 *key;
	u8 *value; /* layout of type.h, reduced */
};
struct map_entries {
	struct map_entry *items;
	size_t count;
	u8 *bytes; /* owns all of them */
};
void map_entries_free(struct map_entries *e);
/* Reads all of it, in the map's own order; scalars that were never set give no entry. */
int map_read(struct output *o, const struct map *m, struct map_entries *ret);
/* One entry by its key: -ENOENT. */
int map_read_one(struct output *o, const struct map *m, const void *key, struct map_entries *ret);
int map_clear(struct output *o, const struct map *m);
int map_zero(struct output *o, const struct map *m);
/* In the order in which bpftrace prints: aggregations ascending, keys of hists ... */
void map_entries_sort(const struct map *m, struct map_entries *e);
