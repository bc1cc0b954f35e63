/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of an object share: object.c (open, load), plan.c and hooks.c (which program to
 * take), again.c (the next alternative), attach.c (put it to work). Nobody outside the folder
 * includes this.
 */
#pragma once

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "kernel/extension.h"
#include "kernel/object.h"
#include "kernel/sections.h"

struct program {
	struct bpf_program *bpf;
	struct program_plan *plan; /* the caller's; NULL: loaded and attached as it is */
	struct bpf_link *iterator; /* of an iterator program, once attached */
	bool possible;		   /* nothing speaks against it, so far */
	bool selected;		   /* loaded and attached */
};

struct object {
	char *name;
	void *bytes;
	size_t size;
	struct extension extension;
	struct bpf_object *bpf;
	/*
	 * Those that were refused stay open: names that callers took from the first one's BTF must
	 * not die.
	 */
	struct bpf_object **spent;
	size_t spent_count, spent_capacity;
	bool held;	/* the kernel's BTF, from the plan to the load */
	bool whole_btf; /* types of a module are asked for: libbpf must find them itself */
	/* what libbpf takes for the kernel's BTF; -1 when the object does not need it */
	int btf_fd;
	struct program *programs; /* in the order of the object */
	size_t program_count;
	struct buf log;		 /* what libbpf said in the current phase */
	struct buf verifier_log; /* of the program that was refused */
	struct bpf_link **links;
	size_t link_count, link_capacity;
};

/* Between these, what libbpf says on this thread goes to the object's log. */
void object_listen(struct object *o);
void object_unlisten(void);
/*
 * The first warning of libbpf in the log, without its "libbpf: prog 'x': "; NULL when there is
 * none.
 */
const char *object_complaint(const struct object *o, char *room, size_t size);

/*
 * Several questions, one scan: holds the kernel's BTF until object_load(), if the object asks for
 * it.
 */
void object_hold_btf(struct object *o);
struct program *object_program(const struct object *o, const char *name);
/* Chooses for every group the lowest rank that has no reason against it. */
int object_choose(struct object *o);
/* Does the program's group have another alternative, or does the object work without it? */
bool object_can_without(const struct object *o, const struct program *p);
/*
 * Adds to the text of @err, why the program was refused, why the others of its group are not
 * possible.
 */
int object_none_left(const struct object *o, const struct program *p, int err);
/* Can this kernel have the program? 0, or a negative errno with the text. */
int program_available(const struct bpf_program *p);

/* What callers changed between open and load, so that the object can be opened again. */
struct snapshot;
int snapshot_take(const struct object *o, struct snapshot **ret);
int snapshot_apply(const struct snapshot *s, struct object *o);
void snapshot_freep(struct snapshot **s);
