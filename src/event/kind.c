// SPDX-License-Identifier: Apache-2.0
/*
 * The table of kinds: a value's meaning, from the name of its typedef in a gadget. One row says how
 * it is held, shown and read from a filter; every sink takes it from here.
 */
#include "event/schema.h"

#include <arpa/inet.h>
#include <limits.h>
#include <signal.h>
#include <strings.h>

static const char *const syscall_names[] = {
#include "syscall_names.h"
};

#define DEVICES 16	/* names of disks that are remembered */
#define ERRNO_LIMIT 134 /* include/uapi/asm-generic/errno.h ends at 133 */

static void format_errno(const struct column *c UNUSED, const struct value *v, struct buf *b)
{
	const char *name = v->s > 0 && v->s < ERRNO_LIMIT ? strerrorname_np((int)v->s) : NULL;

	if (name)
		buf_add_str(b, name);
	else
		buf_add_s64(b, v->s);
}

static int parse_errno(const struct column *c UNUSED, const char *text, s64 *ret)
{
	for (int i = 1; i < ERRNO_LIMIT; i++) {
		const char *name = strerrorname_np(i);

		if (name && !strcasecmp(name, text)) {
			*ret = i;
			return 0;
		}
	}
	return fail(-ENOENT, "'%s' is not the name of an error (such as ENOENT)", text);
}

static void format_signal(const struct column *c UNUSED, const struct value *v, struct buf *b)
{
	const char *name = v->u < NSIG ? sigabbrev_np((int)v->u) : NULL;

	if (name)
		buf_printf(b, "SIG%s", name);
	else if ((s64)v->u >= SIGRTMIN && (s64)v->u <= SIGRTMAX)
		buf_printf(b, "SIGRTMIN+%d", (int)v->u - SIGRTMIN);
	else
		buf_add_u64(b, v->u);
}

static int parse_signal(const struct column *c UNUSED, const char *text, s64 *ret)
{
	const char *bare = strncasecmp(text, "SIG", 3) ? text : text + 3;

	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && !strcasecmp(name, bare)) {
			*ret = i;
			return 0;
		}
	}
	return fail(-ENOENT, "'%s' is not the name of a signal (such as SIGKILL)", text);
}

static void format_syscall(const struct column *c UNUSED, const struct value *v, struct buf *b)
{
	if (v->u < ARRAY_SIZE(syscall_names) && syscall_names[v->u])
		buf_add_str(b, syscall_names[v->u]);
	else
		buf_printf(b, "syscall_%llu", (unsigned long long)v->u);
}

static int parse_syscall(const struct column *c UNUSED, const char *text, s64 *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(syscall_names); i++) {
		if (syscall_names[i] && !strcmp(syscall_names[i], text)) {
			*ret = (s64)i;
			return 0;
		}
	}
	return fail(-ENOENT, "'%s' is not the name of a system call", text);
}

static void format_time(const struct column *c UNUSED, const struct value *v, struct buf *b)
{
	struct buf whole = {};

	/*
	 * The day is left out: a table shows what happens now; JSON and the store have all of it.
	 */
	add_wall_time(&whole, v->u, 6);
	if (whole.len > 11)
		buf_add(b, whole.data + 11, whole.len - 11);
	buf_free(&whole);
}

static void format_duration(const struct column *c UNUSED, const struct value *v, struct buf *b)
{
	add_duration(b, v->u);
}

static void format_duration_us(const struct column *c UNUSED, const struct value *v, struct buf *b)
{
	add_duration(b, v->u > UINT64_MAX / 1000 ? UINT64_MAX : v->u * 1000);
}

static void format_bytes(const struct column *c UNUSED, const struct value *v, struct buf *b)
{
	add_size(b, v->u);
}

static void format_hex(const struct column *c UNUSED, const struct value *v, struct buf *b)
{
	buf_printf(b, "0x%llx", (unsigned long long)v->u);
}

static void format_mode(const struct column *c UNUSED, const struct value *v, struct buf *b)
{
	buf_printf(b, "%04llo", (unsigned long long)v->u);
}

/* The kernel's own dev_t: 12 bits of major, 20 of minor (include/linux/kdev_t.h). */
static void read_device_name(u64 device, char *name, size_t size)
{
	char path[64], target[PATH_MAX];
	const char *slash;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/dev/block/%llu:%llu", (unsigned long long)device >> 20,
		 (unsigned long long)device & 0xfffff);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0) {
		snprintf(name, size, "%s", path + strlen("/sys/dev/block/"));
		return;
	}
	target[n] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, size, "%s", slash ? slash + 1 : target);
}

/*
 * A tool asks for the same few disks thousands of times a second. A name is believed for a second,
 * since disks come, go and are renamed; kept per thread, so that no lock is needed.
 */
static void format_device(const struct column *c UNUSED, const struct value *v, struct buf *b)
{
	static __thread struct {
		u64 device, until;
		char name[64];
	} known[DEVICES];
	u64 now = clock_monotonic_ns();
	size_t i = (v->u ^ v->u >> 20) % DEVICES;

	if (known[i].device != v->u || now >= known[i].until) {
		read_device_name(v->u, known[i].name, sizeof(known[i].name));
		known[i].device = v->u;
		known[i].until = now + NSEC_PER_SEC;
	}
	text_add_safe(b, known[i].name, strlen(known[i].name));
}

static int parse_device(const struct column *c UNUSED, const char *text, s64 *ret)
{
	_cleanup_buf_ struct buf number = {};
	unsigned major, minor;
	char path[300];

	snprintf(path, sizeof(path), "/sys/class/block/%.255s/dev", text);
	if (strchr(text, '/') || read_file(path, 64, &number) ||
	    sscanf(buf_str(&number), "%u:%u", &major, &minor) != 2)
		return fail(-ENOENT, "'%s' is not the name of a block device (such as sda)", text);
	*ret = (s64)major << 20 | minor;
	return 0;
}

#define NUMBER(kind_name, held, kind_unit, columns, ...)                               \
	{                                                                              \
		.name = kind_name, .class = held, .unit = kind_unit, .width = columns, \
		##__VA_ARGS__                                                          \
	}
#define WORDING(kind_name, held, columns)                                                    \
	{                                                                                    \
		.name = kind_name, .class = held, .unit = "", .width = columns, .left = true \
	}

const struct kind kinds[] = {
	NUMBER("unsigned", VALUE_UNSIGNED, "", 8),
	NUMBER("signed", VALUE_SIGNED, "", 8),
	NUMBER("bool", VALUE_BOOL, "", 5, .left = true),
	NUMBER("time_ns", VALUE_UNSIGNED, "ns", 15, .format = format_time, .left = true),
	NUMBER("duration_ns", VALUE_UNSIGNED, "ns", 9, .format = format_duration),
	NUMBER("duration_us", VALUE_UNSIGNED, "us", 9, .format = format_duration_us),
	NUMBER("pid", VALUE_UNSIGNED, "", 7),
	NUMBER("tid", VALUE_UNSIGNED, "", 7),
	NUMBER("uid", VALUE_UNSIGNED, "", 6),
	NUMBER("gid", VALUE_UNSIGNED, "", 6),
	NUMBER("cgroup", VALUE_UNSIGNED, "", 8),
	NUMBER("errno", VALUE_SIGNED, "", 7, .format = format_errno, .parse = parse_errno,
	       .left = true),
	NUMBER("return", VALUE_SIGNED, "", 5),
	NUMBER("signal", VALUE_UNSIGNED, "", 8, .format = format_signal, .parse = parse_signal,
	       .left = true),
	NUMBER("syscall", VALUE_UNSIGNED, "", 18, .format = format_syscall, .parse = parse_syscall,
	       .left = true),
	NUMBER("bytes", VALUE_UNSIGNED, "bytes", 9, .format = format_bytes, .counts = true),
	NUMBER("count", VALUE_UNSIGNED, "", 9, .counts = true),
	NUMBER("cpu", VALUE_UNSIGNED, "", 3),
	NUMBER("port", VALUE_UNSIGNED, "", 5),
	NUMBER("device", VALUE_UNSIGNED, "", 9, .format = format_device, .parse = parse_device,
	       .left = true),
	NUMBER("mode_bits", VALUE_UNSIGNED, "", 5, .format = format_mode),
	NUMBER("hex", VALUE_UNSIGNED, "", 10, .format = format_hex),
	NUMBER("double", VALUE_DOUBLE, "", 8),
	WORDING("comm", VALUE_TEXT, 16),
	WORDING("text", VALUE_TEXT, 20),
	WORDING("path", VALUE_TEXT, 40),
	WORDING("args", VALUE_WORDS, 40),
	WORDING("ip", VALUE_IP, 15),
	WORDING("histogram", VALUE_HISTOGRAM, 20),
	WORDING("kernel_stack", VALUE_STACK, 40),
	WORDING("user_stack", VALUE_STACK, 40),
};
const size_t kind_count = ARRAY_SIZE(kinds);

const struct kind *kind_find(const char *name)
{
	size_t len = strlen(name);

	if (len > 2 && str_ends(name, "_t"))
		len -= 2;
	for (size_t i = 0; i < kind_count; i++) {
		if (strlen(kinds[i].name) == len && !memcmp(kinds[i].name, name, len))
			return &kinds[i];
	}
	return NULL;
}
