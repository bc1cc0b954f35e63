// SPDX-License-Identifier: Apache-2.0
/*
 * Who holds a program, map or link: every descriptor of every process is looked at (its name says
 * what it is, its fdinfo which one), and every file of bpffs is opened. A bpf iterator over files
 * would need a program of our own and CAP_PERFMON; reading /proc costs some 3 us a descriptor and
 * works everywhere.
 */
#include "kernel/inventory_internal.h"

#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "kernel/capability.h"

#define FDINFO_LIMIT 65536
#define MOUNTINFO_LIMIT (8u << 20)
#define PIN_DEPTH 8

static const char *const id_keys[OBJECT_KINDS] = { "prog_id", "map_id", "link_id" };

static int add_owner(struct inventory *i, enum object_kind kind, u32 id, pid_t pid,
		     const char *comm, const char *path)
{
	struct owner o = { .kind = kind, .id = id, .pid = pid };

	/* two descriptors of one process */
	for (size_t n = i->owner_count; pid && n-- && i->owners[n].pid == pid;)
		if (i->owners[n].kind == kind && i->owners[n].id == id)
			return 0;
	if (path && !(o.path = strdup(path)))
		return fail(-ENOMEM, "out of memory");
	snprintf(o.comm, sizeof(o.comm), "%s", comm ? comm : "");
	if (grow(&i->owners, &i->owner_capacity, i->owner_count + 1, sizeof(o))) {
		free(o.path);
		return -ENOMEM;
	}
	i->owners[i->owner_count++] = o;
	return 0;
}

/* The links of /proc/PID/fd name what is no file: "anon_inode:bpf-map". */
static bool kind_of(const char *target, enum object_kind *ret)
{
	if (strstr(target, "bpf-prog"))
		*ret = OBJECT_PROGRAM;
	else if (strstr(target, "bpf-map"))
		*ret = OBJECT_MAP;
	else if (strstr(target, "bpf_link") || strstr(target, "bpf-link"))
		*ret = OBJECT_LINK;
	else
		return false;
	return true;
}

static int look_at_descriptor(struct inventory *i, int process, int dir, pid_t pid,
			      const char *comm, const char *fd)
{
	_cleanup_buf_ struct buf info = { 0 };
	enum object_kind kind;
	char target[64], path[32];
	ssize_t n = readlinkat(dir, fd, target, sizeof(target) - 1);
	u64 id;

	if (n < 0 || strncmp(target, "anon_inode:", MIN((size_t)n, strlen("anon_inode:"))))
		return 0;
	target[n] = '\0';
	if (strstr(target, "perf_event"))
		return attachments_perf(i, pid, atoi(fd));
	if (!kind_of(target, &kind))
		return 0;
	snprintf(path, sizeof(path), "fdinfo/%.16s", fd);
	if (read_file_at(process, path, FDINFO_LIMIT, &info) ||
	    !fdinfo_number(buf_str(&info), id_keys[kind], &id))
		return 0;
	return add_owner(i, kind, (u32)id, pid, comm, NULL);
}

static int look_at_process(struct inventory *i, int proc, const char *name)
{
	_cleanup_close_ int process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_buf_ struct buf comm = { 0 };
	struct dirent *e;
	int fd, r = 0;
	DIR *dir;

	fd = process < 0 ? -1 : openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0; /* gone, or not ours to look into */
	}
	if (!read_file_at(process, "comm", 64, &comm) && comm.len)
		comm.data[comm.len - 1] = '\0';
	while (!r && (e = readdir(dir)))
		if (isdigit(e->d_name[0]))
			r = look_at_descriptor(i, process, fd, atoi(name), buf_str(&comm),
					       e->d_name);
	closedir(dir);
	return r;
}

static int look_at_pin(struct inventory *i, const char *path)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	_cleanup_buf_ struct buf info = { 0 };
	char fdinfo[64];
	u64 id;

	if (fd < 0)
		return 0;
	snprintf(fdinfo, sizeof(fdinfo), "/proc/self/fdinfo/%d", fd);
	if (read_file(fdinfo, FDINFO_LIMIT, &info))
		return 0;
	/* a link's text holds prog_id too */
	for (int kind = OBJECT_LINK; kind >= OBJECT_PROGRAM; kind--)
		if (fdinfo_number(buf_str(&info), id_keys[kind], &id))
			return add_owner(i, (enum object_kind)kind, (u32)id, 0, NULL, path);
	return 0;
}

static int walk_pins(struct inventory *i, struct buf *path, int depth)
{
	DIR *dir = opendir(buf_str(path));
	struct dirent *e;
	int r = 0;

	while (!r && dir && (e = readdir(dir))) {
		size_t len = path->len;
		struct stat st;

		if (e->d_name[0] == '.')
			continue;
		buf_printf(path, "/%s", e->d_name);
		if (!path->error && !fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW)) {
			if (S_ISDIR(st.st_mode) && depth < PIN_DEPTH)
				r = walk_pins(i, path, depth + 1);
			else if (S_ISREG(st.st_mode))
				r = look_at_pin(i, buf_str(path));
		}
		if (!r && path->error)
			r = fail(path->error, "out of memory");
		path->len = len;
		if (path->data)
			path->data[len] = '\0';
	}
	if (dir)
		closedir(dir);
	return r;
}

int owners_scan(struct inventory *i)
{
	_cleanup_buf_ struct buf info = { 0 }, pins = { 0 };
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int r = 0;

	if (!proc)
		return fail_errno(-errno, "/proc");
	while (!r && (e = readdir(proc)))
		if (isdigit(e->d_name[0]))
			r = look_at_process(i, dirfd(proc), e->d_name);
	closedir(proc);
	if (!r && !read_file("/proc/self/mountinfo", MOUNTINFO_LIMIT, &info) &&
	    !mount_find(buf_str(&info), "bpf", &pins, NULL))
		r = walk_pins(i, &pins, 0);
	return r;
}
