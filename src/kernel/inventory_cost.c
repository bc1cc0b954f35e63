// SPDX-License-Identifier: Apache-2.0
/*
 * What programs cost, from the kernel's run-time statistics: runs and time before and after. They
 * charge every program of the machine some 70 ns a run, so they are on only while somebody looks:
 * through a descriptor that switches them off when it goes (5.8), and where that is refused by the
 * sysctl, which is put back.
 *
 * Part of what the kernel reports for a run is the reading of the clock itself. An empty program
 * is measured in the same way and its time taken off each run. That is a lower bound of what the
 * accounting adds: its code is in the cache.
 */
#include "kernel/inventory_internal.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>

#define STATS_PATH "/proc/sys/kernel/bpf_stats_enabled"
#define CALIBRATION_RUNS 20000
#define CALIBRATION_ROUNDS 3

struct statistics {
	int fd;	     /* on through this descriptor; -1 */
	bool sysctl; /* on through the sysctl, off before */
	bool was_on;
};

static int write_sysctl(char c)
{
	_cleanup_close_ int fd = open(STATS_PATH, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, &c, 1) != 1 ? -errno : 0;
}

static int statistics_on(struct statistics *s)
{
	_cleanup_buf_ struct buf b = { 0 };
	int r;

	*s = (struct statistics){ .fd = -1 };
	s->was_on = !read_file(STATS_PATH, 64, &b) && *buf_str(&b) == '1';
	s->fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (s->fd >= 0 || s->was_on)
		return 0;
	r = write_sysctl('1');
	if (r)
		return fail_errno(r, "switching run-time statistics on");
	s->sysctl = true;
	return 0;
}

static void statistics_off(struct statistics *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->sysctl)
		write_sysctl('0');
	s->fd = -1;
	s->sysctl = false;
}

static int program_counters(int fd, u64 *ret_runs, u64 *ret_ns)
{
	struct bpf_prog_info info = { 0 };
	u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	*ret_runs = info.run_cnt;
	*ret_ns = info.run_time_ns;
	return 0;
}

/*
 * What the kernel reports for a run of a program that does nothing; 0 when it cannot be tried. The
 * best of some rounds.
 */
static u64 calibrate(void)
{
	const struct bpf_insn insns[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K },
					  { .code = BPF_JMP | BPF_EXIT } };
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "saker_empty",
					       "Apache-2.0", insns, ARRAY_SIZE(insns), NULL);
	u64 best = 0, runs = 0, ns = 0;
	char packet[64] = { 0 };

	for (int i = 0; fd >= 0 && i < CALIBRATION_ROUNDS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = sizeof(packet),
			    .repeat = CALIBRATION_RUNS);
		u64 more_runs = 0, more_ns = 0;

		if (bpf_prog_test_run_opts(fd, &o) || program_counters(fd, &more_runs, &more_ns) ||
		    more_runs <= runs)
			return best;
		if (!best || (more_ns - ns) / (more_runs - runs) < best)
			best = (more_ns - ns) / (more_runs - runs);
		runs = more_runs;
		ns = more_ns;
	}
	return best;
}

/* Counters of every program there is; the descriptors are not kept. */
static int snapshot(struct program_cost **ret, size_t *ret_count)
{
	_cleanup_free_ struct program_cost *list = NULL;
	size_t count = 0, capacity = 0;
	u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
		u64 runs, ns;

		if (fd < 0 || program_counters(fd, &runs, &ns))
			continue;
		if (grow(&list, &capacity, count + 1, sizeof(*list)))
			return fail(-ENOMEM, "out of memory");
		list[count++] = (struct program_cost){ id, runs, ns };
	}
	if (errno != ENOENT)
		return fail_errno(-errno, "listing the programs");
	*ret = TAKE_PTR(list);
	*ret_count = count;
	return 0;
}

static void wait_until(u64 deadline, int stop_fd)
{
	struct pollfd p = { .fd = stop_fd, .events = POLLIN };
	u64 now;

	while ((now = clock_monotonic_ns()) < deadline) {
		u64 left = deadline - now;
		struct timespec t = { .tv_sec = (time_t)(left / NSEC_PER_SEC),
				      .tv_nsec = (long)(left % NSEC_PER_SEC) };

		if (ppoll(&p, 1, &t, NULL) > 0)
			return;
	}
}

const struct program_cost *cost_of(const struct cost_report *c, u32 program)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->programs[i].id == program)
			return &c->programs[i];
	return NULL;
}

/* Turns the second reading into differences; a program that came meanwhile began at zero. */
static void subtract(struct cost_report *c, const struct program_cost *before, size_t count)
{
	for (size_t i = 0; i < c->count; i++) {
		struct program_cost *p = &c->programs[i];
		u64 accounting;

		for (size_t n = 0; n < count; n++)
			if (before[n].id == p->id) {
				p->runs -= MIN(p->runs, before[n].runs);
				p->run_ns -= MIN(p->run_ns, before[n].run_ns);
			}
		accounting = p->runs * c->accounting_ns;
		p->run_ns -= MIN(p->run_ns, accounting);
	}
}

static int measure(struct cost_report *c, u64 duration_ns, int stop_fd)
{
	_cleanup_free_ struct program_cost *before = NULL;
	size_t count = 0;
	u64 start;
	int r;

	c->accounting_ns = calibrate();
	start = clock_monotonic_ns();
	r = snapshot(&before, &count);
	if (r)
		return r;
	wait_until(start + duration_ns, stop_fd);
	c->elapsed_ns = MAX(clock_monotonic_ns() - start, 1);
	r = snapshot(&c->programs, &c->count);
	if (!r)
		subtract(c, before, count);
	return r;
}

int cost_measure(u64 duration_ns, int stop_fd, struct cost_report **ret)
{
	_cleanup_(cost_report_freep) struct cost_report *c = calloc(1, sizeof(*c));
	struct statistics s;
	int r;

	if (!c)
		return fail(-ENOMEM, "out of memory");
	r = statistics_on(&s);
	if (r)
		return r;
	c->was_on = s.was_on;
	r = measure(c, duration_ns, stop_fd);
	statistics_off(&s);
	if (!r)
		*ret = TAKE_PTR(c);
	return r;
}

struct cost_report *cost_report_free(struct cost_report *c)
{
	if (!c)
		return NULL;
	free(c->programs);
	free(c);
	return NULL;
}

void cost_report_freep(struct cost_report **c)
{
	cost_report_free(*c);
}
