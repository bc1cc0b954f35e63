/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the inventory. Not for other folders. */
#pragma once

#include "kernel/inventory.h"

/* Reads the number behind "KEY:" of /proc/PID/fdinfo/FD text; false when it is not there. */
bool fdinfo_number(const char *text, const char *key, u64 *ret);
/* Fills @ret from an open link. */
int link_describe(int fd, struct link_info *ret);
/* Path below the mount point of cgroup v2; "cgroup id N" when it cannot be found. */
void add_cgroup_path(struct buf *b, u64 id);
void add_interface(struct buf *b, u32 ifindex);
/*
 * Name of a type in a BTF object of the kernel (vmlinux or a module) without its btf_trace_ or
 * bpf_lsm_. -errno.
 */
int add_btf_type_name(struct buf *b, u32 btf_id, u32 type);
void add_attach_type(struct buf *b, u32 type);

/* Takes @text (a buf's data is copied). */
int attachment_add(struct inventory *i, u32 program, u32 link, const char *text);
bool attachment_known(const struct inventory *i, u32 program);
int owners_scan(struct inventory *i);
/* Programs on perf events of old style, found through the descriptors of their owners. */
int attachments_perf(struct inventory *i, pid_t pid, int fd);
/*
 * What is attached without a link: cgroups, XDP, tc. Looks only where there is a program of that
 * sort.
 */
int attachments_other(struct inventory *i);
int attachments_tc(struct inventory *i, u32 ifindex);
