/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators work on the rows of one reading, which are kept here until it is complete: sort them,
 * keep the first N. Bytes go into one arena that is used again for the next reading, so that a
 * steady state allocates nothing.
 */
#pragma once

#include "event/schema.h"

struct row {
	size_t offset; /* of the record's bytes in the arena */
	u32 size;
	u32 key; /* of the row's first sort key */
	u64 wall_ns;
	const struct stack_reader *stacks;
};

/* A value that rows are compared by. */
struct sort_key {
	struct value value;
	bool made; /* its bytes were computed: they lie in `texts`, at `offset` */
	size_t offset;
};

struct order {
	const struct column *column;
	bool descending;
};
#define ORDER_COLUMNS 8

struct rows {
	const struct schema *schema;
	struct row *rows;
	size_t count, capacity;
	struct buf bytes, spare, texts, scratch;
	struct sort_key *keys;
	size_t key_capacity;
	struct order order[ORDER_COLUMNS];
	size_t order_count;
	u64 left_out; /* rows that did not make it into the first N, since the last rows_clear() */
};

/*
 * Reads @sort ("column", "-column", "column:asc", "column:desc"; numbers descend and text ascends
 * unless it is said; NULL: the schema's own order) into the order of @rows. Columns of the key
 * break ties, so that the same rows give the same picture. -ENOENT with a suggestion.
 */
int rows_set_order(struct rows *rows, const struct schema *schema, const char *sort);
/* Copies the record. 0 or -ENOMEM. */
int rows_add(struct rows *rows, const struct record *r);
/* Sorts, and keeps the first @top (0: all). 0 or -ENOMEM (then the order is what it was). */
int rows_sort(struct rows *rows, size_t top);
/* Gives back the arena's bytes of rows that were dropped: for who sorts and goes on adding. */
int rows_compact(struct rows *rows);
void rows_record(const struct rows *rows, size_t i, struct record *ret);
void rows_clear(struct rows *rows);
void rows_free(struct rows *rows);
