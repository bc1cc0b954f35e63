/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual tables of a query: SQLite asks for rows and columns, a reader gives records. */
#pragma once

#include "store/catalog.h"

struct sqlite3;

struct vtable_context {
	const char *directory;
	const struct catalog *catalog;
	struct store_log log;
	u32 lines; /* said so far by all readers of this query */
};

/*
 * Registers the module and makes a table for each of the catalog. @context must outlive the
 * connection.
 */
int vtable_create_all(struct sqlite3 *db, struct vtable_context *context);
