/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every BPF program, map and link of the machine, whoever loaded it; where programs are attached;
 * who holds them; what they cost. Read only, nothing is printed. Two ways in: the iterators, which
 * cost one or two system calls for each object, and inventory_take(), which gathers what was asked
 * for and knows which belongs to which.
 *
 * What a kernel cannot tell is UNKNOWN_U32 / UNKNOWN_U64 or NULL: 5.10 says little of links, later
 * kernels have types that this program has no name for. Names and paths are bytes from outside:
 * print them through text_add_safe().
 */
#pragma once

#include "base/base.h"

#define UNKNOWN_U32 UINT32_MAX
#define UNKNOWN_U64 UINT64_MAX
#define INVENTORY_NAME 128

struct program_info {
	u32 id, type;
	char name[INVENTORY_NAME]; /* from its BTF where the kernel's 15 characters cut it */
	u8 tag[8];
	u64 loaded_wall_ns;
	u32 uid, btf_id, ifindex;
	u32 instructions, jited_bytes, verified_instructions;
	bool gpl;
	u64 memory;
	u64 run_ns, runs, missed; /* run_ns and runs count only while statistics are on */
	u32 *maps;
	u32 map_count;
};

struct map_info {
	u32 id, type;
	char name[INVENTORY_NAME];
	u32 key_size, value_size, max_entries, flags;
	u64 memory;
	u32 btf_id, btf_key_type, btf_value_type, ifindex;
	bool frozen;
};

struct link_info {
	u32 id, type, program;
	u32 attach_type; /* UNKNOWN_U32 where this type of link has none */
	u32 map;	 /* struct_ops and sockmap; else UNKNOWN_U32 */
	char *target;	 /* "tracepoint sched:sched_switch", "eth0 ingress", NULL: not known */
};

/*
 * Go to the next object behind @id (0: the first). 1 and @ret filled, 0 at the end, -errno (-EPERM
 * without CAP_SYS_ADMIN). One that disappears meanwhile is skipped.
 */
int program_next(u32 id, struct program_info *ret);
int map_next(u32 id, struct map_info *ret);
int link_next(u32 id, struct link_info *ret);
/* One object by its id; -ENOENT. */
int program_get(u32 id, struct program_info *ret);
int map_get(u32 id, struct map_info *ret);
int link_get(u32 id, struct link_info *ret);
void program_info_free(struct program_info *p);
void link_info_free(struct link_info *l);

/* Names of numbers; NULL for what is newer than this program. */
const char *program_type_name(u32 type);
const char *map_type_name(u32 type);
const char *link_type_name(u32 type);
const char *attach_type_name(u32 type);

enum object_kind { OBJECT_PROGRAM, OBJECT_MAP, OBJECT_LINK, OBJECT_KINDS };

struct owner {
	enum object_kind kind;
	u32 id;
	pid_t pid; /* 0: pinned at @path */
	char comm[16];
	char *path;
};

struct attachment {
	u32 program;
	u32 link; /* 0: not by a link */
	char *text;
};

enum {
	INVENTORY_PROGRAMS = 1,
	INVENTORY_MAPS = 2,
	INVENTORY_LINKS = 4,
	INVENTORY_OWNERS = 8, /* every descriptor of every process is looked at: some 3 us each */
	INVENTORY_ATTACHMENTS = 16, /* implies programs and links */
};

struct inventory {
	struct program_info *programs;
	struct map_info *maps;
	struct link_info *links;
	struct owner *owners;		/* sorted by kind, id, pid */
	struct attachment *attachments; /* sorted by program */
	size_t program_count, map_count, link_count, owner_count, attachment_count;
	size_t program_capacity, map_capacity, link_capacity, owner_capacity, attachment_capacity;
};

int inventory_take(unsigned what, struct inventory **ret);
struct inventory *inventory_free(struct inventory *i);
void inventory_freep(struct inventory **i);
/* The first of those that hold an object, and how many there are; NULL and 0. */
const struct owner *inventory_owners(const struct inventory *i, enum object_kind kind, u32 id,
				     size_t *ret_count);
const struct attachment *inventory_attachments(const struct inventory *i, u32 program,
					       size_t *ret_count);
const struct program_info *inventory_program(const struct inventory *i, u32 id);
const struct map_info *inventory_map(const struct inventory *i, u32 id);

/* ---- the instructions of one program ----------------------------------------------------- */

struct bpf_insn;

/* The source line from which the instructions from @instruction on were made. */
struct source_line {
	u32 instruction;
	u32 line;
	const char *file, *text; /* live as long as the code */
};

/*
 * The kernel function that a call goes to: the verifier puts a distance where the helper's number
 * was.
 */
struct call_name {
	s32 imm;
	char name[64];
};

struct program_code {
	struct bpf_insn *instructions; /* as the verifier left them */
	struct source_line *lines;
	struct call_name *calls; /* what could be named: addresses need CAP_SYSLOG */
	u32 count, line_count, call_count;
	struct btf *btf; /* owns the texts; NULL: the program has none */
};

/* -EPERM when the kernel gives no instructions away (it needs CAP_PERFMON or CAP_SYS_ADMIN). */
int program_code_get(u32 id, struct program_code **ret);
struct program_code *program_code_free(struct program_code *c);
void program_code_freep(struct program_code **c);
/*
 * Adds the C declarations of a map's key and value, and all they stand on. -ENOENT when it has no
 * BTF.
 */
int map_types_describe(const struct map_info *m, struct buf *b);

/* ---- cost -------------------------------------------------------------------------------- */

struct program_cost {
	u32 id;
	u64 runs, run_ns; /* in the time measured; run_ns with the accounting taken off */
};

struct cost_report {
	struct program_cost *programs; /* by id */
	size_t count;
	u64 elapsed_ns;
	u64 accounting_ns; /* reported for a run of an empty program; taken off each */
	bool was_on;	   /* statistics were on before */
};

/*
 * Switches run-time statistics on for @duration_ns and looks at every program before and after.
 * @stop_fd (or -1) becomes readable when it shall end early. Whatever happens, statistics are as
 * they were afterwards.
 */
int cost_measure(u64 duration_ns, int stop_fd, struct cost_report **ret);
struct cost_report *cost_report_free(struct cost_report *c);
void cost_report_freep(struct cost_report **c);
const struct program_cost *cost_of(const struct cost_report *c, u32 program);
