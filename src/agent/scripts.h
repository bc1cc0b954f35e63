/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripts that run permanently: every *.bt of a folder is a child of the broker, `saker run
 * FILE --export`, started again when it dies, ended and replaced when its file changes. The broker
 * does not look into a script: the compiler runs in the child.
 */
#pragma once

#include "base/base.h"

#define SCRIPTS_MAX 32

struct scripts;

/*
 * @folder may be missing, or come later (scripts_rescan()); @socket: where they export
 * to. NULL: "saker" beside this program, else in ../../bin.
 */
int scripts_new(const char *folder, const char *socket, const char *saker, struct scripts **ret);
/* To poll for reading; then scripts_handle(). -1 for NULL. */
int scripts_fd(const struct scripts *s);
void scripts_handle(struct scripts *s);
/* Looks at the folder again. */
void scripts_rescan(struct scripts *s);
/* Behind SIGCHLD. Other children are left alone. */
void scripts_reap(struct scripts *s);
/* Asks all to end and starts none any more. */
void scripts_stop(struct scripts *s);
size_t scripts_running(const struct scripts *s);
/* Script @i as a JSON object of at most @max bytes; -ENOENT. */
int scripts_describe(const struct scripts *s, size_t i, char *text, size_t max);
/* In a forked process: forgets them, closes what was inherited. Returns NULL. */
struct scripts *scripts_abandon(struct scripts *s);
/* Ends what still runs; returns NULL. */
struct scripts *scripts_free(struct scripts *s);
