// SPDX-License-Identifier: Apache-2.0
/*
 * The file systems that Saker reads or pins to: where they are mounted, and what is lacking where
 * they are not.
 */
#include "kernel/capability_mount.h"

#include <fcntl.h>
#include <sys/mount.h>

#define MOUNTINFO_LIMIT (8u << 20)

/* procfs writes a space, a tab, a newline and a backslash as three octal digits. */
static void add_unescaped(struct buf *b, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\\' && i + 3 < len && s[i + 1] >= '0' && s[i + 1] <= '3') {
			buf_add_char(b, (char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 |
					       (s[i + 3] - '0')));
			i += 3;
		} else {
			buf_add_char(b, s[i]);
		}
	}
}

/* The @n-th word (from 0) of a line, and where it ends. */
static const char *word_at(const char *line, size_t n, size_t *ret_len)
{
	for (; n && *line && *line != '\n'; n--) {
		line += strcspn(line, " \n");
		line += *line == ' ';
	}
	*ret_len = strcspn(line, " \n");
	return line;
}

/*
 * "36 35 98:0 / /mnt rw,noatime shared:1 - ext4 /dev/root rw": the part behind " - " has no fixed
 * place.
 */
int mount_find(const char *mountinfo, const char *type, struct buf *ret, struct buf *options)
{
	for (const char *line = mountinfo; *line;
	     line += strcspn(line, "\n"), line += *line == '\n') {
		size_t len, type_len, options_len;
		const char *point = word_at(line, 4, &len), *dash = strstr(line, " - "), *word;

		if (!dash || dash > line + strcspn(line, "\n"))
			continue;
		word = word_at(dash + 3, 0, &type_len);
		if (type_len != strlen(type) || memcmp(word, type, type_len))
			continue;
		buf_clear(ret);
		add_unescaped(ret, point, len);
		if (options) {
			word = word_at(dash + 3, 2, &options_len);
			buf_clear(options);
			buf_add(options, word, options_len);
		}
		return ret->error;
	}
	return -ENOENT;
}

bool word_in_list(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; *at; at += strcspn(at, ",\n"), at += *at != '\0')
		if (strcspn(at, ",\n") == len && !memcmp(at, word, len))
			return true;
	return false;
}

int securityfs_open(void)
{
	_cleanup_close_ int context = -1;
	int fd = open("/sys/kernel/security", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && !faccessat(fd, "lsm", F_OK, 0))
		return fd;
	if (fd >= 0)
		close(fd);
	/* an instance of our own, which is in no mount table and goes with the descriptor */
	context = fsopen("securityfs", FSOPEN_CLOEXEC);
	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -errno;
	fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* Controllers of version 1, for the sentence that a machine has both. */
static size_t count_mounts(const char *mountinfo, const char *type)
{
	size_t n = 0, len = strlen(type);

	for (const char *dash = mountinfo; (dash = strstr(dash, " - ")); dash += 3)
		n += !strncmp(dash + 3, type, len) && dash[3 + len] == ' ';
	return n;
}

static void examine_cgroups(struct findings *f, const char *mountinfo)
{
	_cleanup_buf_ struct buf point = { 0 }, safe = { 0 };
	size_t v1 = count_mounts(mountinfo, "cgroup");
	bool v2 = !mount_find(mountinfo, "cgroup2", &point, NULL);

	text_add_safe(&safe, buf_str(&point), point.len);
	if (v2 && v1)
		findings_add(f, FINDING_MOUNT, FINDING_OK, "cgroups", "containers, --cgroup", NULL,
			     "version 2 at %s, version 1 beside it (%zu controllers)",
			     buf_str(&safe), v1);
	else
		findings_add(f, FINDING_MOUNT, v2 ? FINDING_OK : FINDING_NO, "cgroups",
			     "containers, --cgroup",
			     "no filter by cgroup or container, no cgroup programs", "%s%s",
			     v2	  ? "version 2 at "
			     : v1 ? "version 1 only"
				  : "not mounted",
			     v2 ? buf_str(&safe) : "");
}

void examine_mounts(struct findings *f)
{
	static const struct {
		const char *type, *use, *otherwise;
		bool needed;
	} list[] = {
		{ "tracefs", "classic tracepoints", "Saker mounts it when it needs it", true },
		{ "bpf", "pins that outlive the process",
		  "nothing can be pinned until it is at /sys/fs/bpf", true },
		{ "debugfs", NULL, NULL, false },
	};
	_cleanup_buf_ struct buf info = { 0 };

	if (read_file("/proc/self/mountinfo", MOUNTINFO_LIMIT, &info)) {
		findings_add(f, FINDING_MOUNT, FINDING_UNKNOWN, "mounts", NULL, NULL,
			     "/proc/self/mountinfo cannot be read");
		return;
	}
	examine_cgroups(f, buf_str(&info));
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		_cleanup_buf_ struct buf point = { 0 }, safe = { 0 };
		bool there = !mount_find(buf_str(&info), list[i].type, &point, NULL);

		text_add_safe(&safe, buf_str(&point), point.len);
		findings_add(f, FINDING_MOUNT, there || !list[i].needed ? FINDING_OK : FINDING_NO,
			     list[i].type, list[i].use, list[i].otherwise, "%s",
			     there	      ? buf_str(&safe)
			     : list[i].needed ? "not mounted"
					      : "not mounted, not needed");
	}
}
