// SPDX-License-Identifier: Apache-2.0
/*
 * One slot of error text per thread: the lowest function that knows what went wrong writes it,
 * callers put their own words before it, and the outermost (cli, serve) prints it.
 */
#include "base/base.h"

#include <time.h>

#define ERROR_TEXT_MAX 4096

static __thread char slot[ERROR_TEXT_MAX];

int fail(int err, const char *fmt, ...)
{
	/* The arguments may point into the slot (fail(err, "...: %s", error_text())). */
	char text[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	memcpy(slot, text, sizeof(slot));
	return err;
}

int fail_in(int err, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(text) && slot[0])
		snprintf(text + n, sizeof(text) - n, ": %s", slot);
	memcpy(slot, text, sizeof(slot));
	return err;
}

int fail_errno(int err, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, ": %s", strerror(abs(err)));
	memcpy(slot, text, sizeof(slot));
	return err;
}

const char *error_text(void)
{
	return slot;
}

void error_clear(void)
{
	slot[0] = '\0';
}

enum log_level log_level = LOG_LEVEL_INFO;

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const words[] = { "error: ", "warning: ", "", "debug: " };
	char text[ERROR_TEXT_MAX];
	va_list args;

	if (level > log_level)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* One write, so that lines of several threads do not mix. */
	fprintf(stderr, "saker: %s%s\n", words[level], text);
}
