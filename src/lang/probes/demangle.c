// SPDX-License-Identifier: Apache-2.0
/*
 * Names of C++ through the runtime's own demangler. It lies alone in libstdc++'s archive and needs
 * nothing but libc, so the program takes this one member and no shared library: a demangler of our
 * own would be seven hundred lines that are never quite done. A build that is not linked to it says
 * so when `:cpp:` is asked for.
 *
 * A name is somebody else's: a few hundred bytes can stand for petabytes (a pair of pairs of pairs
 * ...). So not __cxa_demangle(), which would allocate them, but its sister, which hands out pieces
 * and keeps nothing on the heap: after so many bytes we jump out of it.
 */
#include "lang/probes/internal.h"

#include <setjmp.h>

#define DEMANGLED_MAX (64 << 10)

typedef void (*demangled_fn)(const char *text, size_t len, void *context);
extern int __gcclibcxx_demangle_callback(const char *name, demangled_fn fn, void *context)
	__attribute__((weak));

struct demangled {
	jmp_buf too_long;
	struct buf text;
};

bool demangle_available(void)
{
	return __gcclibcxx_demangle_callback;
}

static void add_piece(const char *text, size_t len, void *context)
{
	struct demangled *d = context;

	buf_add(&d->text, text, len);
	if (d->text.error || d->text.len > DEMANGLED_MAX)
		longjmp(d->too_long, 1);
}

char *demangle(const char *name)
{
	struct demangled d = {};

	if (!demangle_available() || name[0] != '_' || name[1] != 'Z')
		return NULL;
	if (setjmp(d.too_long) || __gcclibcxx_demangle_callback(name, add_piece, &d)) {
		buf_free(&d.text);
		return NULL;
	}
	return d.text.data;
}
