/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of the files that the host reads, as pure functions over bytes: nothing is opened,
 * nothing is allocated, nothing outside of the given bytes is read. Processes write into some of
 * these files (their own name, their mappings' names), hence the fuzz targets.
 */
#pragma once

#include "host/host.h"

/* /proc/PID/stat */
struct stat_line {
	u32 pid, ppid;
	u64 start_ticks; /* since boot */
	struct text_span comm;
};
int parse_stat(const char *text, size_t len, struct stat_line *ret);

/* /proc/PID/status: real ids, and the pid in the innermost pid name space. */
struct status_ids {
	u32 uid, gid, inner_pid;
};
int parse_status(const char *text, size_t len, struct status_ids *ret);

/*
 * One line of /proc/PID/maps. @path is "" for anonymous memory; octal escapes (\012) are left as
 * they are.
 */
struct maps_line {
	u64 start, end, offset, inode;
	u32 major, minor;
	bool executable;
	struct text_span path;
};
int parse_maps_line(const char *line, size_t len, struct maps_line *ret);

/*
 * One line of /proc/kallsyms: "ffffffff81000000 T _text" or, of a module, with "\t[module]"
 * behind.
 */
struct kallsyms_line {
	u64 address;
	char type;
	struct text_span name, module;
};
int parse_kallsyms_line(const char *line, size_t len, struct kallsyms_line *ret);

/* One line of a perf map: "START SIZE name of the function", the numbers hexadecimal. */
struct perf_map_line {
	u64 start, size;
	struct text_span name;
};
int parse_perf_map_line(const char *line, size_t len, struct perf_map_line *ret);

/* A line of /etc/passwd or /etc/group: "name:x:ID:...". */
struct id_line {
	struct text_span name;
	u32 id;
};
int parse_id_line(const char *line, size_t len, struct id_line *ret);

/* Cuts the next line (without its newline) off the front of @rest; false at the end. */
bool next_line(struct text_span *rest, struct text_span *ret_line);
/* Is @s the NUL-ended @text? */
bool span_is(struct text_span s, const char *text);
bool span_starts(struct text_span s, const char *prefix);
