// SPDX-License-Identifier: Apache-2.0
/*
 * Names of C++ through the runtime's own __cxa_demangle(). It lies alone in libstdc++'s archive and
 * needs nothing but libc, so the program takes this one member and no shared library: a demangler
 * of our own would be seven hundred lines that are never quite done. A build that is not linked to
 * it says so when `:cpp:` is asked for.
 */
#include "lang/probes/internal.h"

extern char *__cxa_demangle(const char *name, char *room, size_t *size, int *status)
	__attribute__((weak));

bool demangle_available(void)
{
	return __cxa_demangle;
}

char *demangle(const char *name)
{
	int status;

	if (!demangle_available() || name[0] != '_' || name[1] != 'Z')
		return NULL;
	return __cxa_demangle(name, NULL, NULL, &status);
}
