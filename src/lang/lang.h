/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lang: the tracing language, from text to a running script. The folder's one public header.
 *
 *	syntax/   text -> tree			types/	  BTF, tracefs, DWARF, C -> types
 *	probes/   attach points, attaching	check/	  names, types, what is wrong
 *	builtins/ the table of built-ins	lower/	  tree -> IR (code/) -> instructions
 *	run/	  maps, programs, records -> what bpftrace prints
 *
 *	err = lang_compile(text, options, &compilation);
 *	err = run_load(compilation->script, ...);
 */
#pragma once

#include "lang/lower/lower.h"
#include "lang/run/export.h"
#include "lang/run/run.h"

struct lang_options {
	struct script_options script;
	const char *name;	     /* of the source: "stdin", a path */
	const char *const *includes; /* headers in front of the script's own */
	size_t include_count;
	/*
	 * Stop behind a stage and leave its text in compilation->dump. FORMAT: the source itself,
	 * laid out anew.
	 */
	enum { LANG_ALL, LANG_FORMAT, LANG_AST, LANG_TYPES, LANG_IR, LANG_BPF } dump;
	size_t memory_limit; /* bytes of the compilation; 0: 512 MiB */
};

struct compilation {
	struct arena *arena;
	struct sources *sources;
	struct diagnostics diagnostics;
	struct type_world *world;
	struct script *script;
	struct buf dump;
	/* the error is in C declarations or the environment: bpftrace ends with 2 */
	bool failed_in_c;
};

/*
 * Compiles @text. On errors the result is there all the same, with its diagnostics, and its
 * programs have no code; the return value is -EINVAL (the script's fault), -ENOMEM or another errno
 * with fail().
 */
int lang_compile(const char *text, size_t len, const struct lang_options *o,
		 struct compilation **ret);
struct compilation *compilation_free(struct compilation *c);
void compilation_freep(struct compilation **c);

/* The instructions of all programs as text: --dump bpf. */
void script_dump_code(const struct script *s, struct buf *b);
/* Gives back what a script holds outside of its arena. */
void script_release(struct script *s);
