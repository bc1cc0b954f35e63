/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files a probe's program stands for: a path, a pattern of paths, a library as the dynamic
 * loader finds it, a command of PATH, or `*`: all that a process has mapped.
 */
#pragma once

#include "lang/probes/internal.h"

/* Adds the paths, as they are called inside of the process of -p. */
int path_find(const struct attach_list *l, const char *name, struct names *ret);
/* "" or "/proc/PID/root", when the process of -p lives in another mount namespace. */
const char *path_root(const struct attach_list *l);
