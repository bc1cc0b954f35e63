/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent is two processes. The broker keeps root and does four things: it loads and attaches
 * gadgets, makes rings, opens a few files by pid, and counts what the kernel skipped. The worker
 * does all the rest (parsing, storing, serving) without capabilities, and asks over a socket pair:
 * one packet a request, one a reply, descriptors with it.
 *
 *	broker (root) <--- SOCK_SEQPACKET ---> worker (no capabilities)
 *
 * The broker believes nothing: lengths, names and numbers are checked, only embedded gadgets are
 * loaded, and of a predicate only what the filter compiler makes is taken: no calls, no stores,
 * only forward jumps.
 */
#pragma once

#include "event/event.h"

#include <linux/bpf.h>

#define BROKER_NAME_MAX 64
#define BROKER_PARAMETERS_MAX 4096
#define BROKER_PREDICATE_MAX 192
#define BROKER_GADGETS_MAX 128
#define BROKER_RINGS_MAX 8

enum broker_request_type {
	BROKER_RING,   /* make ring number @ring of @size bytes -> its descriptor */
	BROKER_LOAD,   /* load gadget @name as @number into ring @ring -> descriptors of its maps */
	BROKER_UNLOAD, /* detach and forget gadget @number */
	BROKER_MISSED, /* runs of gadget @number that the kernel skipped -> value */
	BROKER_OPEN,   /* @what, of process @number -> a descriptor to read from */
	BROKER_SCRIPT, /* what became of the script @number -> text, JSON */
};

/*
 * An executable and the maps for symbols, the root directory to look files up in (O_PATH), the
 * kernel's symbols, the agent's configuration file.
 */
enum broker_file {
	BROKER_EXE,
	BROKER_MAPS,
	BROKER_ROOT,
	BROKER_KALLSYMS,
	BROKER_CONFIG,
	BROKER_FILES
};

struct broker_request {
	u32 type;
	u32 number; /* of the gadget, or a pid */
	u32 ring;
	u32 size;
	u32 what; /* enum broker_file */
	char name[BROKER_NAME_MAX];
	u32 parameters_size; /* "name=value\0name=value\0" */
	u32 predicate_count;
	char parameters[BROKER_PARAMETERS_MAX];
	struct bpf_insn predicate[BROKER_PREDICATE_MAX];
};

struct broker_reply {
	s32 error; /* 0 or -errno; then @text says it */
	u32 slots; /* descriptors and gaps: bit i of @present says whether slot i has one */
	u32 present;
	u64 value;
	char text[2048];
};

/* The broker's side: what it has loaded for one worker. */
struct broker_server;
/* @config_file (borrowed) may be NULL. NULL: out of memory. */
struct broker_server *broker_server_new(const char *config_file);
/* Whose state it tells; may be NULL. Borrowed. */
struct scripts;
void broker_server_scripts(struct broker_server *s, const struct scripts *scripts);
/* Reads one request and answers it. 0, or -EPIPE when the worker is gone or does not listen. */
int broker_server_answer(struct broker_server *s, int socket);
/*
 * Detaches all that was loaded; maps live on where they are in use. It can be another thread that
 * calls it, once: what the worker asks meanwhile is answered, only nothing is loaded any more.
 */
void broker_server_detach(struct broker_server *s);
/* Before that. */
void broker_server_ending(struct broker_server *s);
/* And frees it. */
struct broker_server *broker_server_free(struct broker_server *s);

/* The worker's side. */
struct broker;
struct broker *broker_new(int socket); /* takes the socket */
struct broker *broker_free(struct broker *b);
/* To notice the broker's end: readable then, between requests. Owned by @b. */
int broker_socket(const struct broker *b);
/* Ring @ring of @bytes (a power of two); the descriptor is the caller's. */
int broker_ring(struct broker *b, u32 ring, size_t bytes, int *ret_fd);
/*
 * Loads the embedded gadget that @g has open and hands its maps to @g. @parameters: "name=value"
 * words, each ended by NUL. @predicate may be NULL.
 */
int broker_load(struct broker *b, struct gadget *g, u32 number, u32 ring, const char *parameters,
		size_t size, const struct bpf_insn *predicate, size_t count);
int broker_unload(struct broker *b, u32 number);
int broker_missed(struct broker *b, u32 number, u64 *ret);
int broker_open(struct broker *b, u32 pid, enum broker_file what, int *ret_fd);

/* Adds what became of the script @i to @b: a JSON object. -ENOENT: there are no more. */
int broker_script(struct broker *b, u32 i, struct buf *text);

/* Is this what expression_compile() makes? 0 or -EPERM. */
int broker_check_predicate(const struct bpf_insn *insns, size_t count);
