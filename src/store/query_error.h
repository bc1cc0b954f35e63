/* SPDX-License-Identifier: Apache-2.0 */
/* What is said when SQL does not compile: the reason, the place, and what was perhaps meant. */
#pragma once

#include "store/catalog.h"

struct sqlite3;

/* Records the text and returns the errno for @result of sqlite3_prepare. */
int query_fail_prepare(struct sqlite3 *db, int result, const char *sql,
		       const struct catalog *catalog, const char *directory);
