/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts of the machine that decide what Saker can do on it, read and not tried: kernel and
 * BTF, security settings, mounts, and the capabilities of this process. They become findings
 * (features.h). Nothing is changed on the machine.
 */
#pragma once

#include "kernel/features.h"

/* Capabilities that Saker has a use for; the numbers are the kernel's. */
enum capability {
	CAPABILITY_DAC_READ_SEARCH = 2,
	CAPABILITY_KILL = 5,
	CAPABILITY_NET_ADMIN = 12,
	CAPABILITY_SYS_PTRACE = 19,
	CAPABILITY_SYS_ADMIN = 21,
	CAPABILITY_SYS_RESOURCE = 24,
	CAPABILITY_SYSLOG = 34,
	CAPABILITY_PERFMON = 38,
	CAPABILITY_BPF = 39,
};

/* Is it in this thread's effective set? */
bool capability_have(enum capability c);
/* Adds the findings of the groups kernel, security, mount and capability. 0 or -ENOMEM. */
int capability_examine(struct findings *f);
/*
 * The first mount point of a file system type ("cgroup2", "bpf", "tracefs") in a text of
 * /proc/self/mountinfo, put into @ret unescaped; -ENOENT. @options NULL, or gets the super block's
 * options.
 */
int mount_find(const char *mountinfo, const char *type, struct buf *ret, struct buf *options);
/* One of "none integrity confidentiality", the one in brackets; "" when there is none. */
void bracketed_word(const char *text, char *ret, size_t size);
