/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts from the command line: `saker bpftrace ...` with bpftrace's own words, `saker run x.bt`
 * and `saker -e '...'`. The parts: options.c (the words), read.c (files), child.c (-c), session.c
 * (compile, load, loop, end), export.c (--export), explain.c (--explain), info.c (--info).
 */
#pragma once

#include "lang/lang.h"

enum buffering { BUFFER_LINE, BUFFER_FULL, BUFFER_NONE };

/* What the command line says. Strings point into argv. */
struct script_command {
	const char *as; /* the name in front of messages: "bpftrace", "saker run" */
	bool is_bpftrace;
	const char *expression; /* -e */
	const char **files;	/* script files; "-" is stdin */
	size_t file_count, file_capacity;
	bool list, verbose, quiet, help, version, info, dry_run, json, no_warnings, explain;
	const char *pattern; /* of -l; NULL: all */
	enum buffering buffering;
	const char *output; /* -o */
	const char *child;  /* -c */
	const char **include_folders, **include_files;
	size_t include_folder_count, include_folder_capacity, include_file_count,
		include_file_capacity;
	const char **positional, **named;
	size_t positional_count, positional_capacity, named_count, named_capacity;
	const char *emit_elf;
	bool export;
	const char *export_socket, *export_name; /* --export=SOCKET, --export-name; NULL */
	struct buf features; /* what must not be used: words for lang.script.mode */
	struct lang_options lang;
};

/*
 * Reads the words. 0: go on; else the exit status is *ret_status and what was to be said was said.
 */
int script_options_read(struct script_command *c, int argc, char **argv, int *ret_status);
void script_options_free(struct script_command *c);
void script_usage(FILE *out);

/* Reads imports and headers for the compiler: struct lang_options.script.read. */
int script_read(void *context, const char *name, u32 from_source, struct buf *b);

/* A command that is started stopped and let go when everything is attached. */
struct script_child {
	pid_t pid;
	int gate; /* closing it without a byte sends the command away */
	char *path;
	bool ended;
	int status;
};
/* Splits @command like a shell's simple command (quotes, backslashes) and starts it stopped. */
int script_child_start(struct script_child *c, const char *command, const char *as);
void script_child_release(struct script_child *c);
/* Ends it when it is still there: SIGTERM. */
void script_child_stop(struct script_child *c);
/* Runs `sh -c COMMAND` and collects its output; its status is told on stderr when not 0. */
int script_shell(void *context, const char *command, struct buf *b);

/* Compiles and runs what the command line says. The exit status. */
int script_session(struct script_command *c);
/* --test and --bench: runs those probes and reports in r->out. */
int script_run_tests(struct run *r);
int script_run_benchmarks(struct run *r);
/*
 * --export: records to the agent besides the output. The run is loaded and not yet attached; @file
 * NULL: -e. -ENOENT, -ECONNREFUSED: no agent runs. In place of run_consume() and run_end(); tick
 * is called every few milliseconds.
 */
struct script_exporter;
int script_exporter_new(const struct script_command *c, struct run *r, const char *file,
			struct script_exporter **ret);
struct script_exporter *script_exporter_free(struct script_exporter *x);
ssize_t script_exporter_consume(struct script_exporter *x);
void script_exporter_tick(struct script_exporter *x);
int script_exporter_end(struct script_exporter *x);
/* --info. */
void script_info(FILE *out);
/* --explain: probes, alternatives, instructions, maps, memory, capabilities. */
void script_explain(const struct script *s, FILE *out);
