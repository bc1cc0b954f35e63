/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A BPF program without tags, as any book on BPF has it: loaded and attached by its sections, its
 * bpf_printk() lines shown as they come, its maps dumped at the end.
 */
#pragma once

#include "event/event.h"

/* Takes @g. Returns the exit status. */
int run_plain(struct gadget *g, const char *name, int argc, char **argv);
