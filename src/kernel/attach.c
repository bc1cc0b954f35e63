// SPDX-License-Identifier: Apache-2.0
/*
 * Puts loaded programs to work, all of them or none. libbpf attaches most; sampling programs get one
 * software clock event per online CPU.
 */
#include <linux/perf_event.h>
#include <sys/ioctl.h>
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

static int sample_cpu(struct object *o, struct program *p, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = p->plan->sample_hz,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link;

	if (fd < 0)
		return fail_errno(-errno, "%s: cannot sample CPU %d", o->name, cpu);
	link = bpf_program__attach_perf_event(p->bpf, fd);
	if (!link) {
		int err = -errno;

		close(fd);
		return fail_errno(err, "%s: cannot sample CPU %d", o->name, cpu);
	}
	return keep_link(o, link);
}

static int sample(struct object *o, struct program *p)
{
	int cpus = libbpf_num_possible_cpus();

	for (int cpu = 0; cpu < cpus; cpu++) {
		int err = sample_cpu(o, p, cpu);

		if (err == -ENODEV)
			continue;
		if (err)
			return err;
	}
	return 0;
}

static int attach(struct object *o, struct program *p)
{
	struct bpf_link *link;
	char room[300];

	if (bpf_program__type(p->bpf) == BPF_PROG_TYPE_PERF_EVENT)
		return p->plan && p->plan->sample_hz ? sample(o, p) : 0;
	if (section_has_btf_id(section_of(p->bpf).sort))
		link = bpf_program__attach_trace(p->bpf);
	else
		link = bpf_program__attach(p->bpf);
	if (link)
		return keep_link(o, link);
	return fail(-errno, "%s: program %s cannot be attached: %s", o->name,
		    bpf_program__name(p->bpf),
		    object_complaint(o, room, sizeof(room)) ? room : strerror(errno));
}

int object_attach(struct object *o)
{
	for (size_t i = 0; i < o->program_count; i++) {
		struct program *p = &o->programs[i];
		int err;

		if (!p->selected || str_starts(bpf_program__section_name(p->bpf), "iter"))
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

void object_detach(struct object *o)
{
	while (o->link_count)
		bpf_link__destroy(o->links[--o->link_count]);
	while (o->event_count)
		close(o->events[--o->event_count]);
}

u64 object_missed(const struct object *o)
{
	u64 sum = 0;

	for (size_t i = 0; i < o->program_count; i++) {
		struct bpf_prog_info info = {};
		u32 size = sizeof(info);

		if (!o->programs[i].selected)
			continue;
		if (bpf_obj_get_info_by_fd(bpf_program__fd(o->programs[i].bpf), &info, &size))
			return UINT64_MAX;
		sum += info.recursion_misses;
	}
	return sum;
}
