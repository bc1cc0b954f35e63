// SPDX-License-Identifier: Apache-2.0
/*
 * Puts a loaded program on its points. Which bpf(2) calls that takes is kernel/hook.h's; here is
 * which of them a point needs, on how many CPUs, and that all is let go when one of them fails.
 */
#include <linux/bpf.h>
#include <linux/perf_event.h>

#include "lang/probes/counter.h"
#include "lang/probes/internal.h"

/* Values of enum bpf_attach_type that old headers lack. */
enum { ATTACH_KPROBE_MULTI = 42, ATTACH_UPROBE_MULTI = 48 };

struct probe_attachment {
	int program;
	int *fds;
	size_t count, capacity;
	char **pins; /* pinned iterators, removed at the end */
	size_t pin_count, pin_capacity;
	bool counts_misses;
};

/* ---- what the program must be -------------------------------------------------------------- */

static bool is_uprobe(const struct attach_point *a)
{
	return is_kind(a, "uprobe") || is_kind(a, "uretprobe") || is_kind(a, "usdt");
}

static bool is_kprobe(const struct attach_point *a)
{
	return point_is(a, "kprobe") || point_is(a, "kretprobe");
}

static bool is_return(const struct attach_point *a)
{
	return point_is(a, "kretprobe") || point_is(a, "uretprobe");
}

bool point_multi(const struct attach_point *a)
{
	if (a->alone)
		return false;
	if (is_uprobe(a))
		return !a->refused && !hook_available(HOOK_UPROBE_MULTI);
	return is_kprobe(a) && !a->has_address && !a->offset && !hook_available(HOOK_KPROBE_MULTI);
}

static int function_kind(const struct attach_point *a, struct program_kind *k)
{
	u32 id;

	k->type = BPF_PROG_TYPE_TRACING;
	k->attach = point_is(a, "fentry") ? BPF_TRACE_FENTRY : BPF_TRACE_FEXIT;
	k->btf_id = a->btf_id;
	if (a->space && !strcmp(a->space, "bpf")) {
		k->btf_fd = hook_program(NULL, (u32)a->address, &id);
		k->btf_id = id;
		return k->btf_fd < 0 ? k->btf_fd : 0;
	}
	if (!k->btf_id) {
		char module[64];
		int found = hook_function_id(a->target ? a->target : "vmlinux", a->event, module,
					     sizeof(module));

		if (found < 0)
			return fail(found, "function %s is not in the kernel's BTF", a->event);
		k->btf_id = (u32)found;
	}
	if (a->target)
		k->btf_fd = hook_module_btf(a->target);
	return k->btf_fd < 0 ? k->btf_fd : 0;
}

int attach_point_kind(const struct attach_point *a, bool several, struct program_kind *ret)
{
	struct program_kind k = {};
	int err = 0;

	switch (point_provider(a)->context) {
	case CONTEXT_NONE:
	case CONTEXT_RAW_ARGUMENTS:
		k.type = BPF_PROG_TYPE_RAW_TRACEPOINT;
		break;
	case CONTEXT_REGISTERS:
		k.type = BPF_PROG_TYPE_KPROBE;
		if (several && point_multi(a))
			k.attach = is_uprobe(a) ? ATTACH_UPROBE_MULTI : ATTACH_KPROBE_MULTI;
		break;
	case CONTEXT_PERF_EVENT:
		k.type = BPF_PROG_TYPE_PERF_EVENT;
		break;
	case CONTEXT_TRACEPOINT:
		k.type = BPF_PROG_TYPE_TRACEPOINT;
		break;
	case CONTEXT_BTF_ARGUMENTS:
		err = function_kind(a, &k);
		break;
	case CONTEXT_ITERATOR:
		k.type = BPF_PROG_TYPE_TRACING;
		k.attach = BPF_TRACE_ITER;
		k.btf_id = a->btf_id;
		break;
	}
	if (!err)
		*ret = k;
	return err;
}

bool attach_point_has_cookie(const struct attach_point *a, bool several)
{
	switch (point_provider(a)->context) {
	case CONTEXT_REGISTERS:
		if (several && point_multi(a))
			return true;
		return !hook_available(HOOK_PERF_LINK);
	case CONTEXT_PERF_EVENT:
	case CONTEXT_TRACEPOINT:
		return !hook_available(HOOK_PERF_LINK);
	case CONTEXT_RAW_ARGUMENTS:
		return !hook_available(HOOK_RAW_COOKIE);
	case CONTEXT_BTF_ARGUMENTS:
		return !hook_available(HOOK_TRACE_COOKIE);
	case CONTEXT_NONE:
	case CONTEXT_ITERATOR:
		break;
	}
	return false;
}

/*
 * Does the program's count of skipped runs tell the whole truth? Classic tracepoints count only
 * since 6.7; a kprobe can be missed below BPF; nobody counts what a perf event skips.
 */
static bool counts_misses(const struct attach_point *a)
{
	switch (point_provider(a)->context) {
	case CONTEXT_RAW_ARGUMENTS:
	case CONTEXT_BTF_ARGUMENTS:
	case CONTEXT_ITERATOR:
		return true;
	case CONTEXT_TRACEPOINT:
		return kernel_version() >= KERNEL_VERSION_CODE(6, 7, 0);
	case CONTEXT_NONE:
	case CONTEXT_REGISTERS:
	case CONTEXT_PERF_EVENT:
		break;
	}
	return false;
}

/* ---- one point ----------------------------------------------------------------------------- */

static int keep(struct probe_attachment *at, int fd)
{
	int err = fd < 0 ? fd : grow(&at->fds, &at->capacity, at->count + 1, sizeof(*at->fds));

	if (err) {
		if (fd >= 0)
			close(fd);
		return fd < 0 ? fd : fail(err, "out of memory");
	}
	at->fds[at->count++] = fd;
	return 0;
}

static void perf_attr(const struct attach_point *a, struct perf_event_attr *attr)
{
	const struct counter *c = NULL;

	*attr = (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = a->period,
		.freq = a->unit == PERIOD_HZ,
	};
	if (a->unit == PERIOD_COUNT)
		c = counter_of(a);
	if (c) {
		attr->type = c->type;
		attr->config = c->config;
	}
}

static int explain_perf(const struct attach_point *a, int err)
{
	if (is_kind(a, "hardware") && (err == -ENOENT || err == -EOPNOTSUPP || err == -ENODEV))
		return fail(err,
			    "Unable to attach probe: %s. This machine has no such hardware "
			    "counter (a virtual machine without a PMU?)",
			    a->name);
	if (err == -EINVAL && a->unit == PERIOD_HZ)
		return fail(err,
			    "Unable to attach probe: %s. The kernel samples no faster than "
			    "/proc/sys/kernel/perf_event_max_sample_rate",
			    a->name);
	return fail_in(err, "Unable to attach probe: %s", a->name);
}

/* On every CPU that is on line, or, for an interval, on the first. */
static int attach_perf(struct probe_attachment *at, const struct attach_point *a, s32 pid,
		       u64 cookie)
{
	bool once = is_kind(a, "interval");
	_cleanup_free_ int *cpus = NULL;
	struct perf_event_attr attr;
	size_t count, before = at->count;
	int err = hook_cpus(&cpus, &count);

	if (err)
		return err;
	if (!is_kind(a, "watchpoint"))
		perf_attr(a, &attr);
	for (size_t i = 0; i < count && !err; i++) {
		if (is_kind(a, "watchpoint"))
			err = hook_watchpoint(at->program, a->address, a->length, a->access, pid,
					      pid > 0 ? -1 : cpus[i], cookie);
		else
			err = hook_perf(at->program, &attr, pid > 0 && !once ? pid : -1, cpus[i],
					cookie);
		if (err == -ENODEV && i + 1 < count)
			err = 0; /* went off line meanwhile */
		else
			err = keep(at, err);
		if ((once && at->count > before) || (pid > 0 && is_kind(a, "watchpoint")))
			break;
	}
	return err ? explain_perf(a, err) : 0;
}

static int attach_iterator(struct probe_attachment *at, const struct attach_point *a)
{
	int fd = hook_iterator(at->program), err = keep(at, fd);

	if (err || !a->space || !*a->space)
		return err;
	err = grow(&at->pins, &at->pin_capacity, at->pin_count + 1, sizeof(*at->pins));
	if (err)
		return fail(err, "out of memory");
	err = hook_pin(fd, a->space);
	if (err)
		return err;
	at->pins[at->pin_count] = strdup(a->space);
	at->pin_count += at->pins[at->pin_count] != NULL;
	return 0;
}

static int attach_kprobe(struct probe_attachment *at, const struct attach_point *a, u64 cookie)
{
	char in_module[320];
	struct hook_kprobe k = { .function = a->event,
				 .offset = a->offset,
				 .is_return = is_return(a) };
	int fd;

	if (a->has_address) {
		k.function = NULL;
		k.offset = a->address;
	} else if (a->target) {
		snprintf(in_module, sizeof(in_module), "%s:%s", a->target, a->event);
		k.function = in_module;
	}
	fd = hook_kprobe(at->program, &k, cookie);
	if (fd == -ENOENT && k.function == in_module) { /* some kernels take no module's name */
		k.function = a->event;
		fd = hook_kprobe(at->program, &k, cookie);
	}
	return keep(at, fd);
}

static int attach_uprobe(struct probe_attachment *at, const struct attach_point *a, s32 pid,
			 u64 cookie)
{
	const struct hook_uprobe u = {
		.path = a->file,
		.offset = a->file_offset,
		.semaphore = a->semaphore,
		.is_return = is_return(a),
	};

	if (a->refused)
		return fail(-EINVAL, "%s", a->refused);
	return keep(at, hook_uprobe(at->program, &u, pid, cookie));
}

static int attach_one(struct probe_attachment *at, const struct attach_point *a, s32 pid,
		      u64 cookie)
{
	switch (point_provider(a)->context) {
	case CONTEXT_NONE:
		return 0;
	case CONTEXT_RAW_ARGUMENTS:
		return keep(at, hook_raw_tracepoint(at->program, a->event, cookie));
	case CONTEXT_REGISTERS:
		return is_uprobe(a) ? attach_uprobe(at, a, pid, cookie)
				    : attach_kprobe(at, a, cookie);
	case CONTEXT_PERF_EVENT:
		return attach_perf(at, a, pid, cookie);
	case CONTEXT_TRACEPOINT:
		return keep(at, hook_tracepoint(at->program, a->target, a->event, cookie));
	case CONTEXT_BTF_ARGUMENTS:
		return keep(at, hook_trace(at->program, cookie));
	case CONTEXT_ITERATOR:
		return attach_iterator(at, a);
	}
	return fail(-EINVAL, "%s cannot be attached", a->name);
}

/* ---- many points of one link --------------------------------------------------------------- */

struct batch {
	const struct attach_point *const *points;
	size_t count;
	u64 first_cookie;
	s32 pid;
	bool tolerant;
	u32 failed;
};

static int multi_kprobe(struct probe_attachment *at, const struct batch *b, size_t from,
			size_t count)
{
	_cleanup_free_ const char **names = calloc(count, sizeof(*names));

	if (!names)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		names[i] = b->points[from + i]->event;
	return keep(at, hook_kprobe_multi(at->program, names, (u32)count,
					  is_return(b->points[from]), b->first_cookie + from));
}

static int multi_uprobe(struct probe_attachment *at, const struct batch *b, size_t from,
			size_t count)
{
	_cleanup_free_ u64 *offsets = calloc(count, 2 * sizeof(*offsets));
	const struct attach_point *first = b->points[from];
	bool counted = false;

	if (!offsets)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		offsets[i] = b->points[from + i]->file_offset;
		offsets[count + i] = b->points[from + i]->semaphore;
		counted |= b->points[from + i]->semaphore != 0;
	}
	return keep(at, hook_uprobe_multi(at->program, first->file, offsets,
					  counted ? offsets + count : NULL, (u32)count,
					  is_return(first), b->pid, b->first_cookie + from));
}

/*
 * May the point be left out? Not every function that a wildcard finds can be probed, and which ones
 * cannot nobody lists; what was named must be there.
 */
static bool may_miss(const struct batch *b, const struct attach_point *a, int err)
{
	if (err == -ENOMEM || err == -EPERM || err == -EMFILE)
		return false;
	return b->tolerant || a->of_wildcard;
}

/* When the kernel refuses one of them, the halves are tried: so the rest is kept. */
static int attach_range(struct probe_attachment *at, struct batch *b, size_t from, size_t count)
{
	int err = is_uprobe(b->points[from]) ? multi_uprobe(at, b, from, count)
					     : multi_kprobe(at, b, from, count);

	if (!err || !may_miss(b, b->points[from], err))
		return err;
	if (count == 1) {
		b->failed++;
		return 0;
	}
	err = attach_range(at, b, from, count / 2);
	return err ? err : attach_range(at, b, from + count / 2, count - count / 2);
}

static int attach_multi(struct probe_attachment *at, struct batch *b)
{
	size_t from = 0;
	int err = 0;

	while (from < b->count && !err) {
		size_t end = from + 1;

		/* one link is for one file */
		while (end < b->count && (!is_uprobe(b->points[from]) ||
					  !strcmp(b->points[end]->file, b->points[from]->file)))
			end++;
		err = attach_range(at, b, from, end - from);
		from = end;
	}
	return err;
}

/* ---- all ----------------------------------------------------------------------------------- */

static int attach_all(struct probe_attachment *at, struct batch *b)
{
	if (b->count > 1 && point_multi(b->points[0]))
		return attach_multi(at, b);
	for (size_t i = 0; i < b->count; i++) {
		size_t before = at->count;
		int err = attach_one(at, b->points[i], b->pid, b->first_cookie + i);

		if (err && !may_miss(b, b->points[i], err))
			return err;
		if (err) {
			hook_close(at->fds + before, at->count - before);
			at->count = before;
			b->failed++;
		}
	}
	return 0;
}

int attachment_new(int program_fd, const struct attach_point *const *points, size_t count,
		   u64 first_cookie, s32 pid, bool tolerant, struct probe_attachment **ret,
		   u32 *ret_failed)
{
	struct probe_attachment *at = calloc(1, sizeof(*at));
	struct batch b = { points, count, first_cookie, pid, tolerant, 0 };
	int err;

	if (!at)
		return fail(-ENOMEM, "out of memory");
	at->program = program_fd;
	err = count ? attach_all(at, &b) : 0;
	/* the first reason stands in the text: a wildcard of which nothing is left is an error */
	if (!err && b.failed == count && !tolerant && count)
		err = -EINVAL;
	if (err) {
		attachment_free(at);
		return err;
	}
	if (count)
		at->counts_misses = counts_misses(points[0]);
	if (ret_failed)
		*ret_failed = b.failed;
	*ret = at;
	return 0;
}

static void free_memory(struct probe_attachment *at)
{
	for (size_t i = 0; i < at->pin_count; i++) {
		unlink(at->pins[i]);
		free(at->pins[i]);
	}
	free(at->pins);
	free(at->fds);
	free(at);
}

struct probe_attachment *attachment_free(struct probe_attachment *at)
{
	if (!at)
		return NULL;
	hook_close(at->fds, at->count);
	free_memory(at);
	return NULL;
}

void attachments_leave(struct probe_attachment **list, size_t count)
{
	_cleanup_free_ int *all = NULL;
	size_t capacity = 0, n = 0;

	for (size_t i = 0; i < count; i++) {
		struct probe_attachment *at = list[i];

		if (!at)
			continue;
		if (grow(&all, &capacity, n + at->count + 1, sizeof(*all))) {
			hook_close(at->fds, at->count);
		} else if (at->count) {
			memcpy(all + n, at->fds, at->count * sizeof(*all));
			n += at->count;
		}
		free_memory(at);
		list[i] = NULL;
	}
	hook_leave(all, n);
}

int attachment_read(const struct probe_attachment *at, size_t number)
{
	if (number >= at->count)
		return fail(-EINVAL, "there is no such iterator");
	return hook_iterator_open(at->fds[number]);
}

u64 attachment_missed(const struct probe_attachment *at)
{
	return at->counts_misses ? hook_misses(at->program) : UINT64_MAX;
}
