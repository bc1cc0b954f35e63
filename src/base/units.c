// SPDX-License-Identifier: Apache-2.0
/* Numbers as people write and read them: durations, sizes, times of day; and small files. */
#include "base/base.h"

#include <ctype.h>
#include <fcntl.h>
#include <time.h>

int parse_u64(const char *s, u64 *ret)
{
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)*s))
		return fail(-EINVAL, "'%s' is not a number", s);
	errno = 0;
	v = strtoull(s, &end, 0);
	if (errno)
		return fail(-ERANGE, "'%s' is too large a number", s);
	if (*end)
		return fail(-EINVAL, "'%s' is not a number", s);
	*ret = v;
	return 0;
}

int parse_s64(const char *s, s64 *ret)
{
	bool negative = *s == '-';
	u64 v = 0;
	int err = parse_u64(s + negative, &v);

	if (err)
		return err;
	if (v > (u64)INT64_MAX + negative)
		return fail(-ERANGE, "'%s' is too large a number", s);
	*ret = negative ? (s64)-v : (s64)v;
	return 0;
}

int parse_duration(const char *s, u64 *ret_ns)
{
	/* Longest names first: "ms" before "m", "min" before "m". */
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{ "ns", 1 },  { "us", 1e3 }, { "ms", 1e6 },   { "min", 60e9 },
		{ "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 },
	};
	const char *p = s;
	double total = 0;

	do {
		char *end;
		double v;
		size_t i;

		if (!isdigit((unsigned char)*p) && *p != '.')
			goto bad;
		v = strtod(p, &end);
		if (end == p)
			goto bad;
		for (i = 0; i < ARRAY_SIZE(units) && !str_starts(end, units[i].name); i++)
			;
		if (i < ARRAY_SIZE(units)) {
			total += v * units[i].ns;
			p = end + strlen(units[i].name);
		} else if (!*end && p == s) {
			total = v * 1e9;
			p = end;
		} else {
			goto bad;
		}
	} while (*p);
	if (!(total < 9.2e18))
		return fail(-ERANGE, "the duration '%s' is too long", s);
	*ret_ns = (u64)(total + 0.5);
	return 0;
bad:
	return fail(-EINVAL, "'%s' is not a duration (write 10s, 500ms, 1h30m)", s);
}

int parse_size(const char *s, u64 *ret_bytes)
{
	static const char letters[] = "KMGT";
	const char *at;
	char *end;
	double v;

	if (!isdigit((unsigned char)*s))
		goto bad;
	v = strtod(s, &end);
	at = *end ? strchr(letters, toupper((unsigned char)*end)) : NULL;
	if (at) {
		v *= (double)(1ULL << (10 * (at - letters + 1)));
		end += str_starts(end + 1, "iB") ? 3 : end[1] == 'B' ? 2 : 1;
	} else if (*end == 'B') {
		end++;
	}
	if (*end)
		goto bad;
	if (!(v < 9.2e18))
		return fail(-ERANGE, "the size '%s' is too large", s);
	*ret_bytes = (u64)v;
	return 0;
bad:
	return fail(-EINVAL, "'%s' is not a size (write 4096, 64K, 1.5G)", s);
}

void add_duration(struct buf *b, u64 ns)
{
	u64 s = ns / NSEC_PER_SEC;

	if (ns < 1000)
		buf_printf(b, "%lluns", (unsigned long long)ns);
	else if (ns < 1000 * NSEC_PER_USEC)
		buf_printf(b, "%.3gus", MIN((double)ns / 1e3, 999));
	else if (ns < 1000 * NSEC_PER_MSEC)
		buf_printf(b, "%.3gms", MIN((double)ns / 1e6, 999));
	else if (s < 60)
		buf_printf(b, "%.2fs", (double)ns / 1e9);
	else if (s < 3600)
		buf_printf(b, "%llum%02llus", (unsigned long long)s / 60,
			   (unsigned long long)s % 60);
	else if (s < 86400)
		buf_printf(b, "%lluh%02llum", (unsigned long long)s / 3600,
			   (unsigned long long)s / 60 % 60);
	else
		buf_printf(b, "%llud%02lluh", (unsigned long long)s / 86400,
			   (unsigned long long)s / 3600 % 24);
}

void add_size(struct buf *b, u64 bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		buf_printf(b, "%lluB", (unsigned long long)bytes);
		return;
	}
	for (; v >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
		v /= 1024;
	buf_printf(b, "%.1f%s", v, units[i]);
}

static u64 clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (u64)t.tv_sec * NSEC_PER_SEC + (u64)t.tv_nsec;
}

u64 clock_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

u64 clock_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static void add_fraction(struct buf *b, u64 wall_ns, int decimals)
{
	char digits[16];

	if (decimals <= 0)
		return;
	snprintf(digits, sizeof(digits), "%09u", (unsigned)(wall_ns % NSEC_PER_SEC));
	buf_add_char(b, '.');
	buf_add(b, digits, MIN((size_t)decimals, 9));
}

void add_wall_time(struct buf *b, u64 wall_ns, int decimals)
{
	time_t t = (time_t)(wall_ns / NSEC_PER_SEC);
	char text[32];
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	buf_add_str(b, text);
	add_fraction(b, wall_ns, decimals);
}

void add_rfc3339(struct buf *b, u64 wall_ns)
{
	time_t t = (time_t)(wall_ns / NSEC_PER_SEC);
	char text[32];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_add_str(b, text);
	add_fraction(b, wall_ns, 9);
	buf_add_char(b, 'Z');
}

int read_file_at(int dirfd, const char *path, size_t limit, struct buf *b)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	buf_clear(b);
	if (fd < 0)
		return fail_errno(-errno, "cannot open %s", path);
	for (;;) {
		char *room = buf_room(b, 4096);
		ssize_t n;

		if (!room)
			return fail(-ENOMEM, "out of memory");
		n = read(fd, room, b->cap - b->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(-errno, "cannot read %s", path);
		b->len += n;
		b->data[b->len] = '\0';
		if (!n)
			return 0;
		if (b->len > limit)
			return fail(-EFBIG, "%s is larger than %zu bytes", path, limit);
	}
}

int read_file(const char *path, size_t limit, struct buf *b)
{
	return read_file_at(AT_FDCWD, path, limit, b);
}
