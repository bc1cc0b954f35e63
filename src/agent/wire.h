/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a script that runs elsewhere (saker run --export) hands its records to the agent: packets
 * over a Unix socket, SOCK_SEQPACKET, which only root may connect to.
 *
 *	script			agent
 *	HELLO name, pid
 *	SCHEMA number, JSON ...
 *	READY		   -->
 *			   <--	TAKEN (it may begin) or REFUSED with the reason
 *	RECORDS, BATCH_END, LOSSES ...
 *			   <--	TAKEN: how many records so far
 *	GOODBYE		   -->
 *			   <--	TAKEN, then the end
 *
 * A packet is a struct wire_header and what belongs to its type. What was sent and is not yet TAKEN
 * when the agent goes is lost, and the script knows how much that is.
 */
#pragma once

#include "base/base.h"

#define WIRE_VERSION 1
#define WIRE_PATH "/run/saker/ingest"
#define WIRE_NAME_MAX 64
#define WIRE_PACKET_MAX (128 << 10) /* with the header */
#define WIRE_TEXT_MAX 1024

enum wire_type {
	WIRE_HELLO,	/* struct wire_hello; number: WIRE_VERSION */
	WIRE_SCHEMA,	/* JSON of a definition; number: counted from 0 */
	WIRE_READY,	/* that were all schemas */
	WIRE_RECORDS,	/* number: how many; each a struct wire_record and its bytes, padded to 8 */
	WIRE_BATCH_END, /* number: of the schema whose rows are complete */
	WIRE_LOSSES,	/* struct wire_losses, so far */
	WIRE_GOODBYE,
	/* the agent's */
	WIRE_TAKEN,   /* struct wire_taken */
	WIRE_REFUSED, /* text */
	WIRE_TYPES
};

struct wire_header {
	u32 type;
	u32 number;
	u32 size; /* of the whole packet */
	u32 padding;
};

struct wire_hello {
	char name[WIRE_NAME_MAX]; /* of the script: letters, digits, _ and - */
};

struct wire_record {
	u32 schema;
	u32 size; /* of the record that follows */
};

struct wire_losses {
	u64 ring;     /* the kernel found the ring full */
	u64 map_full; /* no room for a new key */
	u64 other;    /* reads that failed, texts that were cut, loops, nested events, stacks */
	u64 unsent;   /* the script's own queue was full, or the agent away */
};

struct wire_taken {
	u64 records;	 /* taken so far */
	u64 interval_ns; /* how often the script's maps are to be read */
};
