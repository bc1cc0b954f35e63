/* SPDX-License-Identifier: Apache-2.0 */
/* Notices that a file was changed or replaced: see watch.c. */
#pragma once

#include "base/base.h"

struct config_watch;
int config_watch_new(const char *path, struct config_watch **ret);
struct config_watch *config_watch_free(struct config_watch *w); /* NULL is fine */
/* To poll; -1 for NULL. */
int config_watch_fd(const struct config_watch *w);
/* When the descriptor is readable: is it another file than the last time? */
bool config_watch_changed(struct config_watch *w);
