/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts: between the two files of capability.h. Not for other folders. */
#pragma once

#include "kernel/capability.h"

void examine_mounts(struct findings *f);
/* The root folder of securityfs, mounted or not; -errno. */
int securityfs_open(void);
/* Is @word one of the comma-separated words of @list? */
bool word_in_list(const char *list, const char *word);
