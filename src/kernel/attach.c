// SPDX-License-Identifier: Apache-2.0
/*
 * Puts loaded programs to work, all of them or none. libbpf attaches most; sampling programs get a
 * software clock event on every online CPU; iterators get a link, from which each reading opens its
 * own descriptor.
 */
#include <pthread.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "kernel/object_internal.h"

static int keep_link(struct object *o, struct bpf_link *link)
{
	int err = grow(&o->links, &o->link_capacity, o->link_count + 1, sizeof(*o->links));

	if (err) {
		bpf_link__destroy(link);
		return fail(err, "out of memory");
	}
	o->links[o->link_count++] = link;
	return 0;
}

static int not_attached(const struct object *o, const struct program *p, int err)
{
	char room[300];
	const char *words = object_complaint(o, room, sizeof(room));

	return fail(err, "program %s (%s) cannot be attached: %s", bpf_program__name(p->bpf),
		    bpf_program__section_name(p->bpf), words ? words : strerror(-err));
}

/* ---- sampling -------------------------------------------------------------------------------- */

static int sample_cpu(struct object *o, struct program *p, u32 hz, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = hz,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link;
	int err;

	if (fd < 0 && errno == ENODEV)
		return 0; /* the CPU is offline */
	if (fd < 0 && errno == EINVAL)
		return fail(-EINVAL,
			    "this kernel does not sample at %u Hz "
			    "(/proc/sys/kernel/perf_event_max_sample_rate)",
			    hz);
	if (fd < 0)
		return fail_errno(-errno, "CPU %d cannot be sampled", cpu);
	link = bpf_program__attach_perf_event(p->bpf, fd); /* takes the descriptor */
	if (link)
		return keep_link(o, link);
	err = -errno;
	close(fd);
	return not_attached(o, p, err);
}

static int sample(struct object *o, struct program *p)
{
	int cpus = libbpf_num_possible_cpus();
	size_t before = o->link_count;

	if (!p->plan || !p->plan->sample_hz)
		return fail(-EINVAL, "program %s samples, but nothing says how often",
			    bpf_program__name(p->bpf));
	for (int cpu = 0; cpu < cpus; cpu++) {
		int err = sample_cpu(o, p, p->plan->sample_hz, cpu);

		if (err)
			return err;
	}
	return o->link_count > before ? 0 : fail(-ENODEV, "there is no CPU that can be sampled");
}

/* ---- the rest -------------------------------------------------------------------------------- */

static int attach_iterator(struct object *o, struct program *p)
{
	p->iterator = bpf_program__attach_iter(p->bpf, NULL);
	return p->iterator ? 0 : not_attached(o, p, -errno);
}

static int attach(struct object *o, struct program *p)
{
	struct section s = section_of(p->bpf);
	struct bpf_link *link;

	switch (s.sort) {
	case SECTION_PERF_EVENT:
		return sample(o, p);
	case SECTION_ITER:
		return attach_iterator(o, p);
	case SECTION_CLASSIC:
		if (!tracefs_path())
			return fail_in(-ENOENT, "program %s cannot be attached",
				       bpf_program__name(p->bpf));
		link = bpf_program__attach(p->bpf);
		break;
	case SECTION_TP_BTF:
	case SECTION_FENTRY:
	case SECTION_LSM:
		link = bpf_program__attach_trace(p->bpf);
		break;
	default:
		link = bpf_program__attach(p->bpf);
		break;
	}
	return link ? keep_link(o, link) : not_attached(o, p, -errno);
}

int object_attach(struct object *o)
{
	for (size_t i = 0; i < o->program_count; i++) {
		struct program *p = &o->programs[i];
		int err;

		if (!p->selected || !bpf_program__autoattach(p->bpf))
			continue;
		object_listen(o);
		err = attach(o, p);
		object_unlisten();
		if (err) {
			object_detach(o);
			return err;
		}
	}
	return 0;
}

int object_iterator_open(const struct object *o, const char *program)
{
	const struct program *p = object_program(o, program);
	int fd;

	if (!p || !p->iterator)
		return fail(-ENOENT, "there is no iterator '%s' that is attached", program);
	fd = bpf_iter_create(bpf_link__fd(p->iterator));
	return fd >= 0 ? fd : fail_errno(-errno, "iterator %s cannot be read", program);
}

/* Takes links from the end until there are none; two threads may do so at a time. */
static void *detach_links(void *object)
{
	struct object *o = object;

	for (;;) {
		size_t left = __atomic_load_n(&o->link_count, __ATOMIC_RELAXED);

		while (left && !__atomic_compare_exchange_n(&o->link_count, &left, left - 1, false,
							    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			;
		if (!left)
			return NULL;
		bpf_link__destroy(o->links[left - 1]);
	}
}

/*
 * The kernel lets go of a classic tracepoint only after two grace periods, some 35 ms each, one of
 * them under a lock that all share: with a second thread one link's first passes beside another's
 * second, which halves the time. More threads gain nothing.
 */
void object_detach(struct object *o)
{
	pthread_t helper;
	bool has_helper = o->link_count > 1 && !pthread_create(&helper, NULL, detach_links, o);

	detach_links(o);
	if (has_helper)
		pthread_join(helper, NULL);
	for (size_t i = 0; i < o->program_count; i++) {
		bpf_link__destroy(o->programs[i].iterator);
		o->programs[i].iterator = NULL;
	}
}

/* ---- what was missed ------------------------------------------------------------------------- */

/*
 * Does recursion_misses of such a program tell the whole truth? BTF and raw tracepoints and
 * trampolines count what they skip, or skip nothing (raw before 6.1, trampolines before 5.12, where
 * the field is absent: 0). What runs through trace_call_bpf() is skipped while any program runs on
 * the CPU, and counted only since 6.7. A kprobe can also be missed below BPF, and a perf event's
 * skipped run is counted by nobody.
 */
static bool counts_misses(enum section_sort sort)
{
	switch (sort) {
	case SECTION_TP_BTF:
	case SECTION_RAW:
	case SECTION_FENTRY:
	case SECTION_LSM:
	case SECTION_ITER: /* runs when we read: nothing to miss */
		return true;
	case SECTION_CLASSIC:
		return kernel_version() >= KERNEL_VERSION_CODE(6, 7, 0);
	case SECTION_UPROBE: /* runs through trace_call_bpf() before 6.0, then skips only itself */
	case SECTION_KPROBE:
	case SECTION_KSYSCALL:
	case SECTION_KPROBE_MULTI:
	case SECTION_PERF_EVENT:
	case SECTION_OTHER:
		break;
	}
	return false;
}

u64 object_missed(const struct object *o)
{
	u64 sum = 0;

	for (size_t i = 0; i < o->program_count; i++) {
		struct bpf_prog_info info = {};
		u32 size = sizeof(info);

		if (!o->programs[i].selected)
			continue;
		if (!counts_misses(section_of(o->programs[i].bpf).sort) ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(o->programs[i].bpf), &info, &size))
			return UINT64_MAX;
		sum += info.recursion_misses;
	}
	return sum;
}
