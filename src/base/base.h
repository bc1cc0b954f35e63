/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base: what every other folder stands on. Error text, memory discipline, growable text,
 * numbers with units, and text made safe for a terminal or for JSON.
 *
 * The rules that make a function readable on its own:
 *   - errors are negative errno values; the words go to one slot per thread (fail()),
 *     and only `cli` and `serve` print them;
 *   - what a function owns it declares with a _cleanup_ attribute and gives away with TAKE_PTR;
 *   - an out-parameter (`ret_...`) is untouched when the function fails.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))

/* ---- errors ------------------------------------------------------------------------------ */

/* Records the text for this thread and returns @err (a negative errno). A line, no newline. */
int fail(int err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Puts "PREFIX: " before the text recorded so far and returns @err. */
int fail_in(int err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* As fail(), with ": " and the words for @err behind. */
int fail_errno(int err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The text of the last failure of this thread; never NULL, "" when there was none. */
const char *error_text(void);
void error_clear(void);

/* ---- memory ------------------------------------------------------------------------------ */

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(free_pointer)
#define _cleanup_close_ _cleanup_(close_fd)
#define _cleanup_file_ _cleanup_(close_file)

static inline void free_pointer(void *p)
{
	free(*(void **)p);
}

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Gives the pointer (or the descriptor) away: the variable no longer owns it. */
#define TAKE_PTR(p)                         \
	({                                  \
		__typeof__(p) _taken = (p); \
		(p) = NULL;                 \
		_taken;                     \
	})
#define TAKE_FD(fd)                \
	({                         \
		int _taken = (fd); \
		(fd) = -1;         \
		_taken;            \
	})

/*
 * Makes room for @need elements in the array *@array of capacity *@capacity (both updated, growth
 * by doubling, new room is zeroed). Returns 0 or -ENOMEM with nothing changed.
 */
int grow(void *array, size_t *capacity, size_t need, size_t element_size);

/* ---- buf: growable text or bytes ---------------------------------------------------------- */

/*
 * Always NUL-terminated once anything was added. An allocation that fails is remembered in @error
 * and later additions do nothing, so that a writer checks once, at the end. Zero-initialise.
 */
struct buf {
	char *data;
	size_t len, cap;
	int error;
};

#define _cleanup_buf_ _cleanup_(buf_free)
void buf_free(struct buf *b);
static inline void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}
/*
 * Room for @more bytes at the end, plus the NUL, which whoever writes there puts behind them. NULL
 * when memory ran out. Does not change len.
 */
char *buf_room(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_add_fill(struct buf *b, char c, size_t count);
void buf_add_u64(struct buf *b, u64 v);
void buf_add_s64(struct buf *b, s64 v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list args);
/* The text so far, "" when empty; owned by @b. */
static inline const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

/* ---- text -------------------------------------------------------------------------------- */

/*
 * Adds bytes that came from outside (a process name, a path): control characters, DEL, C1 controls
 * and invalid UTF-8 become \n, \t, \xNN, and a backslash doubles, so that nothing can steer a
 * terminal and nothing is lost.
 */
void text_add_safe(struct buf *b, const char *bytes, size_t len);
/* Adds a JSON string with its quotes. Invalid UTF-8 becomes U+FFFD (RFC 8259 needs UTF-8). */
void text_add_json(struct buf *b, const char *bytes, size_t len);
/* Adds a CSV field, quoted when it must be (RFC 4180). */
void text_add_csv(struct buf *b, const char *bytes, size_t len);
/* Columns a UTF-8 text takes on a terminal, by wcwidth(3); invalid bytes count one each. */
size_t text_width(const char *bytes, size_t len);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/*
 * Shell-like pattern with * and ? (and \ to quote) over bytes that may hold NULs; no allocation,
 * linear in practice, never exponential.
 */
bool glob_match(const char *pattern, size_t pattern_len, const char *text, size_t len);
/* The candidate nearest to @word by edit distance, or NULL when none is near enough to suggest. */
const char *suggest(const char *word, const char *const *candidates, size_t count);

/* ---- numbers with units -------------------------------------------------------------------- */

/* Decimal, 0x hexadecimal or 0 octal; the whole string; -EINVAL or -ERANGE. */
int parse_u64(const char *s, u64 *ret);
int parse_s64(const char *s, s64 *ret);
/* "10s", "5ms", "250us", "1h30m", a bare number is seconds (fractions allowed). Result in ns. */
int parse_duration(const char *s, u64 *ret_ns);
/* "4096", "4K", "4KiB", "1.5M" (powers of 1024). Result in bytes. */
int parse_size(const char *s, u64 *ret_bytes);
/* Adds a duration for people: 850ns, 12.3us, 4.56ms, 1.20s, 2m03s, 3h12m, 4d03h. */
void add_duration(struct buf *b, u64 ns);
/* Adds a size for people: 512B, 4.0KiB, 1.5MiB. */
void add_size(struct buf *b, u64 bytes);

/* ---- clock, files ------------------------------------------------------------------------- */

u64 clock_monotonic_ns(void); /* the kernel's bpf_ktime_get_ns() is this clock */
u64 clock_wall_ns(void);
/* Adds "2026-01-31 12:00:00.123456" (local time; @decimals 0 to 9) of a wall-clock time in ns. */
void add_wall_time(struct buf *b, u64 wall_ns, int decimals);
/* Adds RFC 3339 in UTC with nanoseconds: "2026-01-31T12:00:00.123456789Z". */
void add_rfc3339(struct buf *b, u64 wall_ns);
/* Reads a whole file (procfs too) of at most @limit bytes, -EFBIG above. Replaces @b's contents. */
int read_file(const char *path, size_t limit, struct buf *b);
int read_file_at(int dirfd, const char *path, size_t limit, struct buf *b);

/*
 * ---- log (for `cli`, `serve` and modules; libraries return errors instead) --------------------
 */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
extern enum log_level log_level; /* the only global variable of the program */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
