/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a query can name: the tables of a directory, each the union of the versions of one schema.
 */
#pragma once

#include "store/backend.h"

struct catalog_column {
	char *name;   /* in SQL */
	char *source; /* in the schemas; the same but for a clash with time and time_ns */
	char *kind, *unit, *help;
	const char *type; /* "INTEGER", "REAL", "TEXT", "" when versions disagree */
	bool words;	  /* there is a hidden NAME_text */
};

struct catalog_table {
	char *name, *schema;
	struct catalog_column *columns;
	size_t count, capacity;
	u32 version; /* the highest */
	u64 records, first_ns, last_ns;
	char **definitions; /* those that were merged */
	size_t definition_count, definition_capacity;
};

struct catalog {
	struct catalog_table *tables;
	size_t count, capacity;
};

/*
 * Reads every partition's list of schemas. Damaged ones are said and left out. -ENOENT: no such
 * directory.
 */
int catalog_load(const char *directory, const struct store_log *log, struct catalog *ret);
void catalog_free(struct catalog *c);
