// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel by its own words: its version, where tracefs is mounted, which classic tracepoints it
 * lists.
 */
#include <sys/mount.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#include "kernel/object.h"

static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

static bool is_tracefs(const char *path)
{
	struct statfs st;

	return !statfs(path, &st) && st.f_type == TRACEFS_MAGIC;
}

const char *tracefs_path(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (is_tracefs(places[i]))
			return places[i];
	if (!mount("tracefs", places[0], "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return places[0];
	fail_errno(-errno, "tracefs is not mounted and cannot be mounted on %s", places[0]);
	return NULL;
}

bool tracepoint_exists(const char *category, const char *name)
{
	const char *root = tracefs_path();
	char path[512];

	errno = ENOENT;
	if (!root || strchr(category, '/') || strchr(name, '/'))
		return false;
	snprintf(path, sizeof(path), "%s/events/%s/%s/id", root, category, name);
	return !access(path, F_OK);
}

/*
 * Debian's release says 6.1.0-44 for what its version says is 6.1.164, Ubuntu's has its own file.
 * What is not found so, the release says.
 */
u32 kernel_version(void)
{
	_cleanup_buf_ struct buf signature = {};
	unsigned a = 0, b = 0, c = 0;
	struct utsname uts;
	const char *debian;

	if (!access("/proc/version_signature", R_OK) &&
	    !read_file("/proc/version_signature", 4096, &signature) &&
	    sscanf(buf_str(&signature), "%*s %*s %u.%u.%u", &a, &b, &c) == 3)
		return KERNEL_VERSION_CODE(a, b, c);
	if (uname(&uts))
		return 0;
	debian = strstr(uts.version, "Debian ");
	if (!debian || sscanf(debian, "Debian %u.%u.%u", &a, &b, &c) != 3)
		sscanf(uts.release, "%u.%u.%u", &a, &b, &c);
	return KERNEL_VERSION_CODE(a, b, c);
}
