/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine made of files: a temporary folder with the parts of proc, etc, sys, run and var that a
 * test needs.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "host/host.h"

#include <cmocka.h> /* behind base.h: its fail() is a macro */

#define HEX8 "0123456789abcdef"
#define ID_A HEX8 HEX8 HEX8 HEX8
#define ID_B \
	"b1" \
	"23456789abcdef" HEX8 HEX8 HEX8

struct machine {
	char root[64];
	struct host *host;
};

int machine_setup(void **state);
int machine_teardown(void **state);

/* Writes a file (and the folders above it) below the root; @fmt is its content. */
void put_file(const struct machine *m, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);
void put_bytes(const struct machine *m, const char *path, const void *bytes, size_t len);
void put_link(const struct machine *m, const char *path, const char *target);
void put_folder(const struct machine *m, const char *path);
/* Removes a file or a whole folder. */
void remove_path(const struct machine *m, const char *path);
/* Ten seconds ago on CLOCK_MONOTONIC; skips the test on a machine that is younger than 20. */
u64 long_ago(void);
/* Writes /proc/PID/stat; @start is on CLOCK_MONOTONIC. */
void put_process(const struct machine *m, u32 pid, u32 ppid, const char *comm, u64 start);
/* mountinfo with a version 2 hierarchy at /sys/fs/cgroup. */
void put_cgroup_mount(const struct machine *m);
u64 inode_of(const struct machine *m, const char *path);
