// SPDX-License-Identifier: Apache-2.0
/*
 * What must hold for records in number, not for one of them: losses are exact; a reader with
 * descriptors sees what the loader sees.
 */
#include "matrix.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

#define OPENS 2000

struct count {
	pid_t pid;
	u64 received;
};

static void count_one(void *context, const struct record *r)
{
	struct count *c = context;

	c->received += number_of(r, "pid") == (u64)c->pid &&
		       str_starts(text_of(r, "path"), "/saker-loss");
}

static void open_often(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(2);
	for (int i = 0; i < OPENS; i++)
		open("/saker-loss", O_RDONLY);
	_exit(0);
}

static int open_filtered(struct gadget **ret)
{
	_cleanup_(expression_freep) struct expression *e = NULL;
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	int err = gadget_open("opensnoop", &g);

	/* Only these opens reach the ring, so that every loss is one of them. */
	if (!err)
		err = expression_parse("path == \"/saker-loss\"", gadget_info(g)->where_schema, &e);
	if (!err)
		err = gadget_set_where(g, e);
	if (!err)
		err = gadget_set_ring(g, 8192, -1);
	if (!err)
		err = gadget_load(g);
	if (!err)
		*ret = TAKE_PTR(g);
	return err;
}

static int on_cpu(struct gadget *g, int cpu)
{
	struct losses before, after;
	struct count c = {};
	int status, err = 0;
	u64 lost;

	gadget_losses(g, &before);
	c.pid = fork();
	if (c.pid < 0)
		return fail_errno(-errno, "fork");
	if (!c.pid)
		open_often(cpu);
	/* Read too late on purpose: only when all was sent. */
	waitpid(c.pid, &status, 0);
	if (WEXITSTATUS(status) == 2)
		return 0; /* a CPU that is not for us */
	do
		err = gadget_consume(g, count_one, &c);
	while (err > 0);
	gadget_losses(g, &after);
	lost = after.ring - before.ring;
	if (err < 0)
		return err;
	if (!lost || c.received + lost != OPENS)
		return fail(-EIO, "CPU %d: %llu received and %llu lost of %d sent", cpu,
			    (unsigned long long)c.received, (unsigned long long)lost, OPENS);
	return 0;
}

int test_losses(void)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int err = open_filtered(&g);

	if (!err)
		err = gadget_attach(g);
	for (int cpu = 0; cpu < cpus && !err; cpu++)
		err = on_cpu(g, cpu);
	return err;
}

int test_adopt(void)
{
	_cleanup_(gadget_freep) struct gadget *loader = NULL, *reader = NULL;
	int fds[GADGET_SHARED_MAX], count, err;
	struct losses lost;
	struct count c = {};

	err = open_filtered(&loader);
	if (!err)
		err = gadget_attach(loader);
	if (!err)
		err = gadget_open("opensnoop", &reader);
	if (err)
		return err;
	count = gadget_shared(loader, fds);
	for (int i = 0; i < count; i++)
		fds[i] = fds[i] >= 0 ? dup(fds[i]) : -1;
	err = gadget_adopt(reader, fds, (size_t)count);
	if (err)
		return err;
	c.pid = getpid();
	gadget_set_self_pid(loader, 0);
	c.pid = fork();
	if (!c.pid)
		open_often(0);
	waitpid(c.pid, NULL, 0);
	do
		err = gadget_consume(reader, count_one, &c);
	while (err > 0);
	gadget_losses(reader, &lost);
	if (err < 0)
		return err;
	return c.received + lost.ring == OPENS && c.received
		       ? 0
		       : fail(-EIO, "the reader saw %llu and %llu lost of %d",
			      (unsigned long long)c.received, (unsigned long long)lost.ring, OPENS);
}
