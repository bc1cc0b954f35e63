/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statically defined probes of programs, as <sys/sdt.h> leaves them in .note.stapsdt: where, which
 * counter says that somebody listens, and where the arguments are at that place.
 */
#pragma once

#include "lang/probes/probe.h"

struct usdt_note {
	u64 address, base, semaphore;
	const char *space, *name, *arguments; /* point into the notes */
};
/* Calls @fn for each note; damaged ones end it. Until @fn returns false. */
void usdt_notes(const void *bytes, size_t size,
		bool (*fn)(void *context, const struct usdt_note *n), void *context);
/*
 * Reads "-4@%eax 8@-16(%rbp) 4@$5" into @ret (USDT_ARGUMENTS_MAX) and returns how many there are.
 * What cannot be read (a vector register) gets size 0. @symbol finds a variable's address for
 * "x(%rip)"; NULL. @address: the probe's own.
 */
u32 usdt_arguments(const char *text, u64 address,
		   bool (*symbol)(void *context, const char *name, u64 *ret), void *context,
		   struct usdt_argument *ret);
