/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that a tool starts and watches (`-- COMMAND`), in a cgroup of its own. What it is at
 * the end: when it ended by itself, whatever it left running goes on; when saker was stopped first,
 * all of it is ended, with SIGTERM and after two seconds with SIGKILL.
 */
#pragma once

#include "base/base.h"

struct child {
	pid_t pid;
	int release_fd;	  /* closing it without a byte sends the command away */
	char *path;	  /* of the program, found in PATH */
	char cgroup[256]; /* folder, removed at the end; "" when there is none */
	u64 cgroup_id;
	bool ended;
	int status; /* as an exit status: 128 + signal when killed */
};

/*
 * Finds the program, before anything is loaded. 0, or a shell's status with the words in
 * error_text(): 127 it is not there, 126 it cannot be run.
 */
int child_find(struct child *c, const char *program);
/* Starts @command stopped, in a new cgroup. */
int child_start(struct child *c, char **command);
void child_release(struct child *c);
void child_ended(struct child *c, int wait_status);
/* Ends what is left of the command and removes the cgroup. */
void child_clean(struct child *c);

/* The cgroup (child_cgroup.c). */
int child_cgroup_make(struct child *c);
void child_cgroup_signal(const struct child *c, int number);
/* Waits until the last process is gone; false when the time is over before. */
bool child_cgroup_wait_empty(const struct child *c, u64 ns);
void child_cgroup_remove(struct child *c);
/* Those of a saker that is no more. */
void child_cgroup_remove_stale(void);
