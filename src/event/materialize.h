/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a record as the kernel sent it to a record that stands on its own: stacks become text,
 * chosen virtual columns (container.name, process.exe) become stored ones, secrets in arguments are
 * masked. What the store keeps.
 *
 *	from:	| header | fixed part                  | tail |
 *	to:	| header | fixed part | {offset,length} of each added column | tail | added texts |
 */
#pragma once

#include "event/schema.h"

struct materializer;

struct materialize_options {
	/* names of virtual columns to keep; those a schema lacks are left out */
	const char *const *columns;
	size_t count;
	bool mask_secrets;
};

int materializer_new(const struct schema *from, const struct materialize_options *o,
		     struct materializer **ret);
struct materializer *materializer_free(struct materializer *m);
/* The schema of what comes out: only stored columns; owned by @m. */
const struct schema *materializer_schema(const struct materializer *m);
/*
 * Makes @ret of @r; its bytes are valid until the next call. What does not fit a record of 64 KiB
 * is cut from its last texts. 0 or -ENOMEM.
 */
int materialize(struct materializer *m, const struct record *r, struct record *ret);

/*
 * Adds the words of a command line (each ended by NUL) with what looks like a secret replaced by
 * "***": the value of
 * --password=X, --token X, PASSWORD=X, and the password in scheme://user:password@host.
 */
void mask_secrets(const char *words, size_t len, struct buf *b);
