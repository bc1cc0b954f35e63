// SPDX-License-Identifier: Apache-2.0
/*
 * Where a link is attached, in words. The kernel is asked twice: once for the type, then again
 * with buffers for the names which that type has. The layout is ours and as new as we know: the
 * headers of a distribution are older than its users' kernels, and a kernel that knows less leaves
 * the rest zero (or refuses the second question).
 */
#include "kernel/inventory_internal.h"

#include <bpf/bpf.h>
#include <linux/netfilter.h>
#include <linux/perf_event.h>

enum {
	LINK_RAW_TRACEPOINT = 1,
	LINK_TRACING,
	LINK_CGROUP,
	LINK_ITER,
	LINK_NETNS,
	LINK_XDP,
	LINK_PERF_EVENT,
	LINK_KPROBE_MULTI,
	LINK_STRUCT_OPS,
	LINK_NETFILTER,
	LINK_TCX,
	LINK_UPROBE_MULTI,
	LINK_NETKIT,
	LINK_SOCKMAP,
};

enum { PERF_UPROBE = 1, PERF_URETPROBE, PERF_KPROBE, PERF_KRETPROBE, PERF_TRACEPOINT, PERF_EVENT };

#define NAME_SIZE 4096
#define PLACES 3 /* so many addresses of a multi link are named */
#define FLAG_RETURN 1

struct link_details {
	u32 type, id, program, padding;
	union {
		u64 words[16];
		struct {
			u64 name;
			u32 name_len;
		} raw_tracepoint;
		struct {
			u32 attach_type, object, btf_type;
		} tracing;
		struct {
			u64 id;
			u32 attach_type;
		} cgroup;
		struct {
			u64 name;
			u32 name_len;
			u32 map;
			u32 tid, pid;
		} iter;
		struct {
			u32 inode, attach_type;
		} netns;
		struct {
			u32 ifindex, attach_type;
		} interface; /* XDP has no attach type */
		struct {
			u32 map, attach_type;
		} map;
		struct {
			u32 family, hook;
			s32 priority;
		} netfilter;
		struct {
			u64 addresses;
			u32 count, flags;
		} kprobe_multi;
		struct {
			u64 path, offsets, counters, cookies;
			u32 path_size, count, flags, pid;
		} uprobe_multi;
		struct {
			u32 type, padding;
			union {
				u64 name; /* of the file, the function or the tracepoint */
				u64 config;
			};
			union {
				u32 name_len;
				u32 event_type;
			};
			u32 offset;
			u64 address;
		} perf;
	};
};

/* What the second question's pointers point to. */
struct answers {
	char name[NAME_SIZE];
	u64 *places;
	u32 place_count;
};

static void answers_freep(struct answers **a)
{
	if (*a)
		free((*a)->places);
	free(*a);
}

static int ask(int fd, struct link_details *d)
{
	u32 len = sizeof(*d);

	return bpf_obj_get_info_by_fd(fd, d, &len) ? -errno : 0;
}

static int ask_names(int fd, struct link_details *d, struct answers *a)
{
	struct link_details again = { 0 };
	u32 count = d->type == LINK_KPROBE_MULTI ? d->kprobe_multi.count : d->uprobe_multi.count;

	switch (d->type) {
	case LINK_RAW_TRACEPOINT:
	case LINK_ITER:
		again.raw_tracepoint.name = (uintptr_t)a->name;
		again.raw_tracepoint.name_len = sizeof(a->name);
		break;
	case LINK_PERF_EVENT:
		if (d->perf.type < PERF_UPROBE || d->perf.type > PERF_TRACEPOINT)
			return 0;
		again.perf.name = (uintptr_t)a->name;
		again.perf.name_len = sizeof(a->name);
		break;
	case LINK_KPROBE_MULTI:
	case LINK_UPROBE_MULTI:
		if (!count || count > 1u << 20)
			return 0;
		a->places = calloc(count, sizeof(u64));
		if (!a->places)
			return -ENOMEM;
		if (d->type == LINK_KPROBE_MULTI) {
			again.kprobe_multi.addresses = (uintptr_t)a->places;
			again.kprobe_multi.count = count;
		} else {
			again.uprobe_multi.path = (uintptr_t)a->name;
			again.uprobe_multi.path_size = sizeof(a->name);
			again.uprobe_multi.offsets = (uintptr_t)a->places;
			again.uprobe_multi.count = count;
		}
		break;
	default:
		return 0;
	}
	if (ask(fd, &again))
		return 0; /* the first answer is all there is */
	*d = again;
	a->place_count = a->places ? count : 0;
	a->name[sizeof(a->name) - 1] = '\0';
	return 0;
}

/*
 * Adds the names of kernel addresses; /proc/kallsyms is as long as the kernel is large, so all in
 * one pass.
 */
static void add_symbols(struct buf *b, const u64 *addresses, u32 count)
{
	_cleanup_file_ FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], name[256], found[PLACES][256] = { 0 };
	unsigned long long address;
	u32 left = MIN(count, PLACES);

	while (file && left && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %*c %255s", &address, name) != 2 || !address)
			continue;
		for (u32 i = 0; i < MIN(count, PLACES); i++)
			if (addresses[i] == address && !*found[i]) {
				snprintf(found[i], sizeof(found[i]), "%s", name);
				left--;
			}
	}
	for (u32 i = 0; i < MIN(count, PLACES); i++) {
		buf_add_str(b, i ? ", " : "");
		if (*found[i])
			buf_add_str(b, found[i]);
		else
			buf_printf(b, "0x%llx", (unsigned long long)addresses[i]);
	}
	buf_add_str(b, count > PLACES ? ", ..." : "");
}

static void add_multi(struct buf *b, const struct link_details *d, const struct answers *a)
{
	bool user = d->type == LINK_UPROBE_MULTI;
	u32 flags = user ? d->uprobe_multi.flags : d->kprobe_multi.flags;
	u32 count = user ? d->uprobe_multi.count : d->kprobe_multi.count;

	buf_printf(b, "%s%s.multi ", user ? "u" : "k", flags & FLAG_RETURN ? "retprobe" : "probe");
	if (!user) {
		buf_printf(b, "%u function%s", count, count == 1 ? "" : "s");
		if (a->place_count && a->places[0]) {
			buf_add_str(b, ": ");
			add_symbols(b, a->places, a->place_count);
		}
		return;
	}
	buf_add_str(b, *a->name ? a->name : "-");
	for (u32 i = 0; i < MIN(a->place_count, PLACES); i++)
		buf_printf(b, "%s0x%llx", i ? "," : "+", (unsigned long long)a->places[i]);
	if (count > PLACES)
		buf_printf(b, ",... (%u places)", count);
	if (d->uprobe_multi.pid)
		buf_printf(b, " pid %u", d->uprobe_multi.pid);
}

/*
 * A sampled event. Its type may be a number that the kernel gave a PMU when it started, which the
 * software clocks get too (perf_swevent_init() rewrites it) and which then is in no list: nothing
 * can be said.
 */
static void add_event(struct buf *b, const struct link_details *d)
{
	static const char *const software[] = { "cpu-clock",	   "task-clock",
						"page-faults",	   "context-switches",
						"cpu-migrations",  "minor-faults",
						"major-faults",	   "alignment-faults",
						"emulation-faults" };
	static const char *const hardware[] = { "cycles",	"instructions", "cache-references",
						"cache-misses", "branches",	"branch-misses",
						"bus-cycles" };

	if (d->perf.event_type == PERF_TYPE_SOFTWARE && d->perf.config < ARRAY_SIZE(software))
		buf_printf(b, " %s", software[d->perf.config]);
	else if (d->perf.event_type == PERF_TYPE_HARDWARE && d->perf.config < ARRAY_SIZE(hardware))
		buf_printf(b, " %s", hardware[d->perf.config]);
	else if (d->perf.event_type < PERF_TYPE_MAX)
		buf_printf(b, " type %u config 0x%llx", d->perf.event_type,
			   (unsigned long long)d->perf.config);
}

static void add_perf(struct buf *b, const struct link_details *d, const struct answers *a)
{
	static const char *const words[] = { "perf event", "uprobe",	 "uretprobe", "kprobe",
					     "kretprobe",  "tracepoint", "perf event" };

	/* before 6.6 nothing is said of perf links */
	buf_add_str(b, d->perf.type < ARRAY_SIZE(words) ? words[d->perf.type] : "perf event");
	if (d->perf.type == PERF_EVENT)
		add_event(b, d);
	if (!*a->name)
		return;
	buf_printf(b, " %s", a->name);
	if (d->perf.type == PERF_UPROBE || d->perf.type == PERF_URETPROBE || d->perf.offset)
		buf_printf(b, "+0x%x", d->perf.type == PERF_TRACEPOINT ? 0 : d->perf.offset);
}

static void add_netfilter(struct buf *b, const struct link_details *d)
{
	static const char *const hooks[] = { "prerouting", "input", "forward", "output",
					     "postrouting" };

	buf_printf(b, "netfilter %s ",
		   d->netfilter.family == NFPROTO_IPV4	 ? "ip"
		   : d->netfilter.family == NFPROTO_IPV6 ? "ip6"
							 : "family?");
	if (d->netfilter.hook < ARRAY_SIZE(hooks))
		buf_add_str(b, hooks[d->netfilter.hook]);
	else
		buf_printf(b, "hook %u", d->netfilter.hook);
	buf_printf(b, " priority %d", d->netfilter.priority);
}

void add_attach_type(struct buf *b, u32 type)
{
	const char *name = attach_type_name(type);

	if (name)
		buf_add_str(b, name);
	else
		buf_printf(b, "attach type %u", type);
}

static void add_tracing(struct buf *b, const struct link_details *d)
{
	add_attach_type(b, d->tracing.attach_type);
	if (!d->tracing.btf_type)
		return; /* 5.10 does not say */
	buf_add_char(b, ' ');
	if (add_btf_type_name(b, d->tracing.object, d->tracing.btf_type))
		buf_printf(b, "BTF type %u of object %u", d->tracing.btf_type, d->tracing.object);
}

/*
 * The iterators over the elements of a map say which; for others the same bytes mean another
 * thing.
 */
static void add_iter(struct buf *b, const struct link_details *d, const struct answers *a)
{
	buf_printf(b, "iter %s", a->name);
	if (d->iter.map && str_starts(a->name, "bpf_") && str_ends(a->name, "_elem"))
		buf_printf(b, " of map %u", d->iter.map);
}

static void add_target(struct buf *b, const struct link_details *d, const struct answers *a)
{
	switch (d->type) {
	case LINK_RAW_TRACEPOINT:
		buf_printf(b, "raw_tp %s", a->name);
		break;
	case LINK_TRACING:
		add_tracing(b, d);
		break;
	case LINK_CGROUP:
		buf_add_str(b, "cgroup ");
		add_cgroup_path(b, d->cgroup.id);
		buf_add_char(b, ' ');
		add_attach_type(b, d->cgroup.attach_type);
		break;
	case LINK_ITER:
		add_iter(b, d, a);
		break;
	case LINK_NETNS:
		buf_printf(b, "netns %u ", d->netns.inode);
		add_attach_type(b, d->netns.attach_type);
		break;
	case LINK_XDP:
	case LINK_TCX:
	case LINK_NETKIT:
		buf_printf(b, "%s ", link_type_name(d->type));
		add_interface(b, d->interface.ifindex);
		if (d->type != LINK_XDP) {
			buf_add_char(b, ' ');
			add_attach_type(b, d->interface.attach_type);
		}
		break;
	case LINK_PERF_EVENT:
		add_perf(b, d, a);
		break;
	case LINK_KPROBE_MULTI:
	case LINK_UPROBE_MULTI:
		add_multi(b, d, a);
		break;
	case LINK_STRUCT_OPS:
		buf_printf(b, "struct_ops map %u", d->map.map);
		break;
	case LINK_SOCKMAP:
		buf_printf(b, "map %u ", d->map.map);
		add_attach_type(b, d->map.attach_type);
		break;
	case LINK_NETFILTER:
		add_netfilter(b, d);
		break;
	default:
		buf_printf(b, "link type %u", d->type);
		break;
	}
}

static u32 attach_type_of(const struct link_details *d)
{
	switch (d->type) {
	case LINK_TRACING:
		return d->tracing.attach_type;
	case LINK_CGROUP:
		return d->cgroup.attach_type;
	case LINK_NETNS:
		return d->netns.attach_type;
	case LINK_TCX:
	case LINK_NETKIT:
		return d->interface.attach_type;
	case LINK_SOCKMAP:
		return d->map.attach_type;
	default:
		return UNKNOWN_U32;
	}
}

int link_describe(int fd, struct link_info *ret)
{
	_cleanup_(answers_freep) struct answers *a = calloc(1, sizeof(*a));
	_cleanup_buf_ struct buf b = { 0 };
	struct link_details d = { 0 };
	int r;

	if (!a)
		return fail(-ENOMEM, "out of memory");
	r = ask(fd, &d);
	if (r)
		return fail_errno(r, "information of a link");
	r = ask_names(fd, &d, a);
	if (r)
		return fail_errno(r, "information of link %u", d.id);
	add_target(&b, &d, a);
	if (b.error)
		return fail(b.error, "out of memory");
	*ret = (struct link_info){
		.id = d.id,
		.type = d.type,
		.program = d.program,
		.attach_type = attach_type_of(&d),
		.map = d.type == LINK_STRUCT_OPS || d.type == LINK_SOCKMAP ? d.map.map
									   : UNKNOWN_U32,
		.target = TAKE_PTR(b.data),
	};
	return 0;
}
