/* SPDX-License-Identifier: Apache-2.0 */
/* What the store's tests share: directories, schemas, records, and a log that can be asked. */
#pragma once

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define T0 1763600400ULL /* 2025-11-20T01:00:00Z, a whole hour */
#define T0_NS (T0 * NSEC_PER_SEC)
#define HOUR_NS (3600 * NSEC_PER_SEC)

/* As a gadget's would be: header, numbers, comm, and a path in the tail. */
struct open_record {
	struct record_header header;
	u32 pid;
	s32 error;
	u64 duration;
	char comm[16];
	struct {
		u16 offset, length;
	} path;
	u32 padding;
	char tail[64];
};
#define OPEN_FIXED (offsetof(struct open_record, tail))

struct fixture {
	char directory[64];
	struct buf log; /* every line, with its level before it */
	struct schema *schema;
	struct store_options options;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

struct schema *open_schema(const char *name);
/* Appends a record whose pid is @number and whose path is "/tmp/NUMBER". */
int append_open(struct store *s, const struct schema *schema, u64 wall_ns, u32 number);
/* Opens with the fixture's options; fails the test when that fails. */
struct store *open_store(struct fixture *f);
/* Without an assertion: for children, which must not jump back into the tests. */
int try_count(struct fixture *f, const char *schema, struct store_scan_report *report, u64 *ret);
u64 count_records(struct fixture *f, const char *schema, struct store_scan_report *ret);
/*
 * The one value that the query gives, as text; "" for NULL. Owned by the fixture of the last call.
 */
const char *query_one(struct fixture *f, const char *sql);
/* The error's text of a query that must fail with @err when opened or stepped. */
const char *query_error(struct fixture *f, const char *sql, int err);
/*
 * Path of the @index-th partition in order of name (0: the oldest), or of one set aside when
 * @aside.
 */
const char *partition_path(struct fixture *f, size_t index, bool aside);
size_t file_count(struct fixture *f);
size_t partition_count(struct fixture *f, bool aside);
void remove_directory(const char *path);

int run_store_tests(void);
int run_retention_tests(void);
int run_damage_tests(void);
int run_query_tests(void);
int run_value_tests(void);
