/* SPDX-License-Identifier: Apache-2.0 */
/* Between scripts.c (which scripts there are, when they start) and scripts_child.c (processes). */
#pragma once

#include "agent/scripts.h"
#include "agent/wire.h"

#include <sys/stat.h>

#define SCRIPT_NAME_MAX 256
#define SCRIPT_ERROR_MAX 256

struct script {
	char file[SCRIPT_NAME_MAX];   /* "opens.bt" */
	char name[WIRE_NAME_MAX];     /* "opens", as it exports */
	struct stat st;		      /* of the file that runs */
	pid_t pid;		      /* 0: it does not run */
	int messages;		      /* its stderr; -1 */
	int epoll;		      /* that waits for it */
	u64 started_ns, start_at_ns;  /* start_at: 0: not until its file changes */
	u64 kill_at_ns;		      /* it was asked to end; 0 */
	unsigned deaths, restarts;    /* in a row; all */
	bool gone, changed, seen;     /* the file is away; is another; was found by this look */
	bool refused;		      /* its file is somebody else's to write */
	char said[SCRIPT_ERROR_MAX];  /* the first line of this life */
	char error[SCRIPT_ERROR_MAX]; /* why it does not run */
	struct buf line;	      /* what it said of one */
};

struct scripts {
	char *folder;
	char socket[128];
	char *saker;
	int epoll, inotify, timer;
	u64 rescan_at_ns; /* 0: nothing has changed */
	bool stopping;
	struct script *all[SCRIPTS_MAX];
	size_t count;
	char too_many[SCRIPT_NAME_MAX]; /* the first that was one too many; "" */
};

/* What tells the events of the epoll apart: a script, or one of these. */
#define SCRIPTS_INOTIFY 1
#define SCRIPTS_TIMER 2

/* Starts its process. -errno: it is tried again later. */
int script_spawn(struct scripts *s, struct script *one);
/* Logs the lines that are there; at the end of file the descriptor is closed. */
void script_read_messages(struct script *one);
void script_close_messages(struct script *one);
