/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share: the state itself, and how files are read. Nobody else
 * includes this.
 */
#pragma once

#include "host/cache.h"
#include "host/host.h"
#include "host/parse.h"

#define PATH_SIZE 4096

/* At @at there was no process @pid. */
struct absent_process {
	u32 pid;
	u64 at;
};
#define ABSENT 512

struct process_table {
	struct absent_process absent[ABSENT]; /* by the last bits of the pid */
	struct cache live, gone;	      /* of struct process_entry, by pid */
	size_t bytes;			      /* of texts */
	u64 ns_per_tick;
	u64 grace; /* how soon a pid cannot have been used again; 0: not looked yet */
};

struct id_names {
	const char *file;
	struct id_name *items;
	size_t count, capacity;
	u64 looked, mtime;
};

struct cgroup_tree {
	bool looked;
	struct buf mount;   /* where version 2 is mounted, under the root; "" when it is not */
	int mount_fd;	    /* for open_by_handle_at(); -1 */
	bool by_handle;	    /* false once the kernel refused */
	u64 scanned;	    /* when the tree was last read whole */
	struct cache paths; /* of struct cgroup_entry, by id */
};

struct symbol_tables;

struct host {
	char *root;
	struct host_options limits;
	host_open_fn open; /* NULL: no help with files that need privileges */
	void *open_context;
	struct process_table processes;
	struct id_names users, groups;
	struct cgroup_tree cgroups;
	struct cache containers;
	struct symbol_tables *symbols; /* NULL until an address was asked for */
	struct column_source *columns; /* contexts of virtual columns, a list */
	struct buf text;	       /* for whatever a function reads; its callees use it too */
};

/* The root and a path below it, cut at PATH_SIZE (then no file is found). Returns @path. */
const char *host_path(const struct host *h, char path[PATH_SIZE], const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/*
 * Reads a regular file of at most @limit bytes into @b: never waits (a FIFO, a device), does not
 * follow a last link. Unlike read_file() it sets no error text, because what is not there is an
 * answer. 0 or -errno.
 */
int read_regular(const char *path, size_t limit, struct buf *b);
/* Reads a file of /proc the same way. */
int read_proc(const char *path, size_t limit, struct buf *b);
/* The same from what is open. */
int read_opened(int fd, size_t limit, struct buf *b);
/* Through the opener; -EACCES when there is none. */
int host_open_elsewhere(struct host *h, u32 pid, enum host_file what);

void process_table_free(struct process_table *t);
void cgroup_tree_free(struct cgroup_tree *t);
void containers_free(struct cache *c);
void id_names_free(struct id_names *n);
struct symbol_tables *symbols_free(struct symbol_tables *s);
void columns_free(struct column_source *c);

/*
 * Is the process that had @pid last known to be there a moment ago? As host_process(), but at
 * most one look every 100 ms.
 */
const struct process *host_process_recent(struct host *h, u32 pid);
