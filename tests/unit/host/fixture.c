// SPDX-License-Identifier: Apache-2.0
/* See fixture.h. */
#include "unit/host/fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <time.h>

int machine_setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	strcpy(m->root, "/tmp/saker-host-XXXXXX");
	assert_non_null(mkdtemp(m->root));
	m->host = host_new(&(struct host_options){ .root = m->root });
	assert_non_null(m->host);
	*state = m;
	return 0;
}

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED,
		      struct FTW *ftw UNUSED)
{
	return remove(path);
}

int machine_teardown(void **state)
{
	struct machine *m = *state;

	host_free(m->host);
	nftw(m->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(m);
	return 0;
}

static void full_path(const struct machine *m, const char *path, char full[4096])
{
	snprintf(full, 4096, "%s%s", m->root, path);
	for (char *slash = full + strlen(m->root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
}

void put_bytes(const struct machine *m, const char *path, const void *bytes, size_t len)
{
	char full[4096];
	_cleanup_close_ int fd = -1;

	full_path(m, path, full);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
}

void put_file(const struct machine *m, const char *path, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = {};
	va_list args;

	va_start(args, fmt);
	buf_vprintf(&b, fmt, args);
	va_end(args);
	put_bytes(m, path, buf_str(&b), b.len);
}

void put_link(const struct machine *m, const char *path, const char *target)
{
	char full[4096];

	full_path(m, path, full);
	unlink(full);
	assert_int_equal(symlink(target, full), 0);
}

void put_folder(const struct machine *m, const char *path)
{
	char full[4096];

	full_path(m, path, full);
	mkdir(full, 0755);
}

void remove_path(const struct machine *m, const char *path)
{
	char full[4096];

	full_path(m, path, full);
	assert_int_equal(nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

u64 long_ago(void)
{
	u64 now = clock_monotonic_ns();

	if (now < 20 * NSEC_PER_SEC)
		skip();
	return now - 10 * NSEC_PER_SEC;
}

static u64 clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (u64)t.tv_sec * NSEC_PER_SEC + (u64)t.tv_nsec;
}

void put_process(const struct machine *m, u32 pid, u32 ppid, const char *comm, u64 start)
{
	u64 boot = start + clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	put_file(m, path, "%u (%s) S %u 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %llu 1000 100\n",
		 pid, comm, ppid,
		 (unsigned long long)(boot / (NSEC_PER_SEC / (u64)sysconf(_SC_CLK_TCK))));
}

void put_cgroup_mount(const struct machine *m)
{
	put_file(m, "/proc/self/mountinfo",
		 "22 1 0:21 / /proc rw - proc proc rw\n"
		 "31 1 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n");
	put_folder(m, "/sys/fs/cgroup");
}

u64 inode_of(const struct machine *m, const char *path)
{
	char full[4096];
	struct stat st;

	full_path(m, path, full);
	assert_int_equal(stat(full, &st), 0);
	return st.st_ino;
}
