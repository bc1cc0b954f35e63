/* SPDX-License-Identifier: Apache-2.0 */
/* A server with one schema on its bus, and clients that speak HTTP by hand. */
#pragma once

#include "serve/serve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

int run_http_tests(void);
int run_stream_tests(void);

struct served_record {
	struct record_header header;
	u32 number;
	u16 words[2];
	char tail[4000];
};

struct fixture {
	char directory[64]; /* of a store with 1000 records of "said" */
	struct bus *bus;
	struct schema *said, *latency;
	struct serve *serve;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* @words: "a\0b\0". */
void publish(struct fixture *f, u32 number, const char *words, size_t len);
void publish_latency(struct fixture *f, const char *key, u64 slot, u64 count);

/* A connection; ends after ten seconds without a byte. */
int client(const struct fixture *f);
/* Sends all of it; the server may close before the end. */
void send_text(int fd, const char *text, size_t len);
/* What is there, or comes next; false at the end. */
bool receive_more(int fd, struct buf *b);
/* Reads until @pattern is in @b, or the connection ends: then false. */
bool receive_until(int fd, const char *pattern, struct buf *b);
void receive_all(int fd, struct buf *b);
/* GET @target: the status; the body (chunks put together) in @body. */
unsigned get(const struct fixture *f, const char *target, struct buf *body);
/* The status of the answer to these bytes; 0 when there is none. */
unsigned status_of_bytes(const struct fixture *f, const char *bytes, size_t len);
