// SPDX-License-Identifier: Apache-2.0
/*
 * Deeds: each is done by a child process, whose pid tells its records from all others, on things
 * that the test made itself (a mount namespace, a cgroup, a port of the loopback interface). The
 * one exception reads 4 KiB of a disk.
 */
#include "matrix.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Runs @fn in a child and waits for its end. Its exit status, or -errno. */
static int in_child(struct deed *d, int (*fn)(struct deed *d))
{
	int status;

	fflush(stdout);
	d->pid = fork();
	if (d->pid < 0)
		return fail_errno(-errno, "fork");
	if (!d->pid)
		_exit(fn(d));
	if (waitpid(d->pid, &status, 0) < 0)
		return fail_errno(-errno, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static int exec_self(struct deed *d UNUSED)
{
	execl("/proc/self/exe", "kernel_matrix", "--nothing", "and", "more", (char *)NULL);
	return 1;
}

int do_exec(struct deed *d)
{
	return in_child(d, exec_self) ? fail(-EIO, "the program could not be run again") : 0;
}

static int exec_nothing(struct deed *d)
{
	execl(d->text, "nothing", (char *)NULL);
	return 0;
}

int do_failed_exec(struct deed *d)
{
	snprintf(d->text, sizeof(d->text), "/saker-no-such-program");
	return in_child(d, exec_nothing);
}

static int exit_42(struct deed *d UNUSED)
{
	return 42;
}

int do_exit(struct deed *d)
{
	in_child(d, exit_42);
	return 0;
}

static int open_nothing(struct deed *d)
{
	return open(d->text, O_RDONLY) >= 0;
}

int do_open(struct deed *d)
{
	snprintf(d->text, sizeof(d->text), "/saker-no-such-file");
	return in_child(d, open_nothing);
}

int do_kill(struct deed *d)
{
	d->pid = fork();
	if (d->pid < 0)
		return fail_errno(-errno, "fork");
	if (!d->pid) {
		pause();
		_exit(0);
	}
	kill(d->pid, SIGUSR1);
	waitpid(d->pid, NULL, 0);
	return 0;
}

static int mount_tmpfs(struct deed *d)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("saker", d->text, "tmpfs", 0, "size=64k"))
		return 1;
	umount(d->text);
	return 0;
}

int do_mount(struct deed *d)
{
	int status;

	snprintf(d->text, sizeof(d->text), "/tmp/saker-mount-XXXXXX");
	if (!mkdtemp(d->text))
		return fail_errno(-errno, "mkdtemp");
	status = in_child(d, mount_tmpfs);
	rmdir(d->text);
	return status ? fail(-EPERM, "tmpfs cannot be mounted here") : 0;
}

static int put(const char *folder, const char *file, const char *text)
{
	char path[256];
	int fd, n;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	n = (int)write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

static int eat_memory(struct deed *d)
{
	size_t size = 256 << 20;

	if (put(d->text, "cgroup.procs", "0"))
		return 1;
	char *p = malloc(size);

	for (size_t i = 0; p && i < size; i += 4096)
		((volatile char *)p)[i] = 1;
	return 2; /* it should have been killed */
}

/* A cgroup of 16 MiB, of either version; a process in it that wants 256. */
int do_oom(struct deed *d)
{
	static const char *const roots[] = { "/sys/fs/cgroup/memory", "/sys/fs/cgroup" };
	int status = -1;

	put("/sys/fs/cgroup", "cgroup.subtree_control", "+memory");
	for (size_t i = 0; i < ARRAY_SIZE(roots) && status < 0; i++) {
		snprintf(d->text, sizeof(d->text), "%s/saker-test-%d", roots[i], getpid());
		if (mkdir(d->text, 0700))
			continue;
		if (!put(d->text, "memory.max", "16M") ||
		    !put(d->text, "memory.limit_in_bytes", "16M")) {
			put(d->text, "memory.swap.max", "0");
			status = in_child(d, eat_memory);
		}
		rmdir(d->text);
	}
	return status ? fail(-EPERM, "no cgroup with a memory limit can be made here") : 0;
}

/* ---- network ------------------------------------------------------------ */

static struct sockaddr_in loopback(const char *address, u16 port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, address, &a.sin_addr);
	return a;
}

static int connect_and_send(struct deed *d)
{
	struct sockaddr_in a = loopback("127.0.0.1", (u16)d->number);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char bytes[1000] = "", byte;

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
		return 1;
	/* Until the other side closes: then every byte was acknowledged. */
	shutdown(fd, SHUT_WR);
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
	return 0;
}

/* A server in this process: takes what comes, then closes. */
int do_connect(struct deed *d)
{
	struct sockaddr_in a = loopback("127.0.0.1", 0);
	struct timeval limit = { .tv_sec = 10 }; /* accept() keeps it too */
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd, status = 1;
	char bytes[4096];

	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));

	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&a, &len)) {
		close(listener);
		return fail_errno(-errno, "cannot listen on the loopback interface");
	}
	d->number = ntohs(a.sin_port);
	fflush(stdout);
	d->pid = fork();
	if (!d->pid)
		_exit(connect_and_send(d));
	fd = accept(listener, NULL, NULL);
	while (fd >= 0 && read(fd, bytes, sizeof(bytes)) > 0)
		;
	close(fd);
	close(listener);
	waitpid(d->pid, &status, 0);
	return status ? fail(-EIO, "the connection failed") : 0;
}

static const u8 dns_question[] = {
	0x5a, 0x4b, 1,	 0,   0, 1,   0,   0,	0,   0, 0, 0, 5, 's',
	'a',  'k',  'e', 'r', 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1,
};

static int ask_dns(struct deed *d UNUSED)
{
	struct sockaddr_in a = loopback("127.0.77.1", 53);
	struct timeval limit = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	u8 answer[512];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    send(fd, dns_question, sizeof(dns_question), 0) != (ssize_t)sizeof(dns_question))
		return 1;
	return recv(fd, answer, sizeof(answer), 0) <= 0;
}

/* A name server of one answer: "no such name". */
int do_dns(struct deed *d)
{
	struct sockaddr_in a = loopback("127.0.77.1", 53), from;
	struct timeval limit = { .tv_sec = 10 };
	socklen_t len = sizeof(from);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), status = 1;
	u8 packet[512];
	ssize_t n;

	if (bind(fd, (struct sockaddr *)&a, sizeof(a))) {
		close(fd);
		return fail_errno(-errno, "cannot be a name server on 127.0.77.1");
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	snprintf(d->text, sizeof(d->text), "saker.test");
	fflush(stdout);
	d->pid = fork();
	if (!d->pid)
		_exit(ask_dns(d));
	n = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len);
	if (n > 3) {
		packet[2] |= 0x80; /* an answer */
		packet[3] = 3;	   /* no such name */
		sendto(fd, packet, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
	waitpid(d->pid, &status, 0);
	close(fd);
	return status ? fail(-EIO, "the question failed") : 0;
}

/* ---- disk, CPU ------------------------------------------------------------ */

/* Past every cache, so that the device is asked. */
static int read_block(struct deed *d)
{
	int fd = open(d->text, O_RDONLY | O_DIRECT);
	void *room = aligned_alloc(4096, 4096);

	return fd < 0 || !room || pread(fd, room, 4096, 0) != 4096;
}

/* Where no disk can be opened (a container): a file of our own, read past the cache. */
static int read_file_block(struct deed *d)
{
	void *room = aligned_alloc(4096, 4096);
	int fd, status = 1;

	snprintf(d->text, sizeof(d->text), "/var/tmp/saker-block-XXXXXX");
	fd = mkostemp(d->text, O_DIRECT);
	if (fd < 0 || !room)
		return 1;
	memset(room, 1, 4096);
	if (write(fd, room, 4096) == 4096 && !fsync(fd))
		status = pread(fd, room, 4096, 0) != 4096;
	close(fd);
	unlink(d->text);
	return status;
}

int do_read_disk(struct deed *d)
{
	DIR *blocks = opendir("/sys/block");
	int status = 1;

	for (struct dirent *e; blocks && status && (e = readdir(blocks));) {
		if (e->d_name[0] == '.' || str_starts(e->d_name, "loop") ||
		    str_starts(e->d_name, "ram"))
			continue;
		snprintf(d->text, sizeof(d->text), "/dev/%.100s", e->d_name);
		status = in_child(d, read_block);
	}
	if (blocks)
		closedir(blocks);
	if (status)
		status = in_child(d, read_file_block);
	return status ? fail(-ENODEV, "there is no disk to read from") : 0;
}

static int call_often(struct deed *d)
{
	for (u64 i = 0; i < d->number; i++)
		syscall(__NR_getppid);
	return 0;
}

int do_calls(struct deed *d)
{
	d->number = 1000;
	return in_child(d, call_often);
}

static int spin(struct deed *d UNUSED)
{
	u64 until = clock_monotonic_ns() + NSEC_PER_SEC / 2;

	while (clock_monotonic_ns() < until)
		sched_yield();
	return 0;
}

int do_spin(struct deed *d)
{
	return in_child(d, spin);
}
