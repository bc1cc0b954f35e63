// SPDX-License-Identifier: Apache-2.0
/*
 * Where programs are attached without a link: cgroups and XDP the old way, tc, perf events by
 * ioctl; and the names of the places. Only what belongs to the network namespace and the cgroup
 * mount of this process can be seen.
 */
#include "kernel/inventory_internal.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>

#include "kernel/capability.h"
#include "kernel/kernel_btf.h"

#define MOUNTINFO_LIMIT (8u << 20)
#define CGROUP_DEPTH 16
#define CGROUP_PROGRAMS 64

static int cgroup_root(struct buf *b)
{
	_cleanup_buf_ struct buf info = { 0 };
	int r = read_file("/proc/self/mountinfo", MOUNTINFO_LIMIT, &info);

	return r ? r : mount_find(buf_str(&info), "cgroup2", b, NULL);
}

/* kernfs takes a handle that is just the id. */
void add_cgroup_path(struct buf *b, u64 id)
{
	union {
		struct file_handle handle;
		u8 bytes[sizeof(struct file_handle) + sizeof(u64)];
	} u = { .handle = { .handle_bytes = sizeof(u64), .handle_type = 0xfe } };
	_cleanup_buf_ struct buf root = { 0 };
	_cleanup_close_ int mount = -1, fd = -1;
	char path[64], target[4096];
	ssize_t n = -1;

	memcpy(u.bytes + sizeof(struct file_handle), &id, sizeof(id));
	if (!cgroup_root(&root)) {
		mount = open(buf_str(&root), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		fd = mount < 0 ? -1 : open_by_handle_at(mount, &u.handle, O_PATH | O_CLOEXEC);
	}
	if (fd >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
	}
	if (n < 0) {
		buf_printf(b, "id %llu", (unsigned long long)id);
		return;
	}
	target[n] = '\0';
	buf_add_str(b, !strcmp(target, buf_str(&root))	    ? "/"
		       : str_starts(target, buf_str(&root)) ? target + root.len
							    : target);
}

void add_interface(struct buf *b, u32 ifindex)
{
	char name[IF_NAMESIZE];

	if (!ifindex)
		buf_add_str(b, "(gone)");
	else if (if_indextoname(ifindex, name))
		buf_add_str(b, name);
	else
		buf_printf(b, "interface %u", ifindex); /* of another network namespace */
}

static bool is_vmlinux(u32 btf_id)
{
	_cleanup_close_ int fd = bpf_btf_get_fd_by_id(btf_id);
	struct bpf_btf_info info = { 0 };
	u32 len = sizeof(info);
	char name[64] = "";

	info.name = (uintptr_t)name;
	info.name_len = sizeof(name);
	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && !strcmp(name, "vmlinux");
}

static void add_hook_name(struct buf *b, const char *name)
{
	name += str_starts(name, "btf_trace_") ? strlen("btf_trace_") : 0;
	name += str_starts(name, "bpf_lsm_") ? strlen("bpf_lsm_") : 0;
	buf_add_str(b, name);
}

/* A module's BTF continues that of the kernel: libbpf puts the two together. */
static int add_module_type_name(struct buf *b, u32 btf_id, u32 type)
{
	struct btf *base = btf__load_vmlinux_btf();
	struct btf *split = base ? btf__load_from_kernel_by_id_split(btf_id, base) : NULL;
	const struct btf_type *t = split ? btf__type_by_id(split, type) : NULL;

	if (t)
		add_hook_name(b, btf__name_by_offset(split, t->name_off));
	btf__free(split);
	btf__free(base);
	return t ? 0 : -ENOENT;
}

int add_btf_type_name(struct buf *b, u32 btf_id, u32 type)
{
	_cleanup_(kernel_btf_putp) const struct kernel_btf *btf = NULL;
	const struct btf_type *t;
	int r;

	if (!is_vmlinux(btf_id))
		return add_module_type_name(b, btf_id, type);
	r = kernel_btf_get(&btf);
	t = r ? NULL : kernel_btf_type(btf, type);
	if (t)
		add_hook_name(b, kernel_btf_string(btf, t->name_off));
	return t ? 0 : r ? r : -ENOENT;
}

/* ---- perf events ------------------------------------------------------------------------- */

int attachments_perf(struct inventory *i, pid_t pid, int fd)
{
	static const char *const words[] = { "raw_tp",	  "tracepoint", "kprobe",
					     "kretprobe", "uprobe",	"uretprobe" };
	_cleanup_buf_ struct buf b = { 0 };
	char name[4096] = "";
	u32 len = sizeof(name), program = 0, type = 0;
	__u64 offset = 0, address = 0;

	if (bpf_task_fd_query(pid, fd, 0, name, &len, &program, &type, &offset, &address))
		return 0; /* no program, or a sampling event, of which it says nothing */
	buf_printf(&b, "%s %s", type < ARRAY_SIZE(words) ? words[type] : "perf event", name);
	if (type >= 4 || offset)
		buf_printf(&b, "+0x%llx", (unsigned long long)offset);
	for (size_t n = 0; n < i->attachment_count; n++) {
		struct attachment *a = &i->attachments[n];

		if (a->program != program)
			continue;
		/* a perf link of which this kernel does not say more than that it is one */
		if (!strcmp(a->text, "perf event")) {
			free(a->text);
			a->text = TAKE_PTR(b.data);
			return a->text ? 0 : fail(-ENOMEM, "out of memory");
		}
		if (a->link || !strcmp(a->text, buf_str(&b)))
			return 0;
	}
	return attachment_add(i, program, 0, buf_str(&b));
}

/* ---- cgroups ----------------------------------------------------------------------------- */

static bool is_cgroup_type(u32 type)
{
	const char *name = program_type_name(type);

	return name && (str_starts(name, "cgroup_") || !strcmp(name, "sock_ops"));
}

static int query_cgroup(struct inventory *i, int fd, const char *path)
{
	/* attach types of cgroups: all but those of sockets' maps, tracing, LSM and interfaces */
	static const u8 types[] = { 0,	1,  2,	3,  6,	8,  9,	10, 11, 12, 13, 14, 15, 18,
				    19, 20, 21, 22, 29, 30, 31, 32, 34, 49, 50, 51, 52, 53 };

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		u32 ids[CGROUP_PROGRAMS], flags, count = ARRAY_SIZE(ids);

		if (bpf_prog_query(fd, types[t], 0, &flags, ids, &count))
			continue;
		for (u32 n = 0; n < MIN(count, ARRAY_SIZE(ids)); n++) {
			_cleanup_buf_ struct buf b = { 0 };
			bool linked = false;

			for (size_t k = 0; k < i->attachment_count; k++)
				linked |= i->attachments[k].program == ids[n] &&
					  i->attachments[k].link;
			if (linked)
				continue;
			buf_printf(&b, "cgroup %s ", path);
			add_attach_type(&b, types[t]);
			if (attachment_add(i, ids[n], 0, buf_str(&b)))
				return -ENOMEM;
		}
	}
	return 0;
}

static int walk_cgroups(struct inventory *i, int parent, const char *name, struct buf *path,
			int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), r;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0; /* gone meanwhile */
	}
	r = query_cgroup(i, fd, path->len ? buf_str(path) : "/");
	while (!r && depth < CGROUP_DEPTH && (e = readdir(dir))) {
		size_t len = path->len;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		buf_printf(path, "/%s", e->d_name);
		r = walk_cgroups(i, fd, e->d_name, path, depth + 1);
		path->len = len;
		if (path->data)
			path->data[len] = '\0';
		if (!r && path->error)
			r = fail(path->error, "out of memory");
	}
	closedir(dir);
	return r;
}

/* ---- interfaces -------------------------------------------------------------------------- */

static int query_xdp(struct inventory *i, u32 ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, o);
	_cleanup_buf_ struct buf b = { 0 };
	u32 ids[4];

	if (bpf_xdp_query((int)ifindex, 0, &o))
		return 0;
	ids[0] = o.prog_id;
	ids[1] = o.drv_prog_id;
	ids[2] = o.skb_prog_id;
	ids[3] = o.hw_prog_id;
	for (size_t n = 0; n < ARRAY_SIZE(ids); n++) {
		if (!ids[n] || attachment_known(i, ids[n]))
			continue;
		buf_clear(&b);
		buf_add_str(&b, "xdp ");
		add_interface(&b, ifindex);
		if (attachment_add(i, ids[n], 0, buf_str(&b)))
			return -ENOMEM;
	}
	return 0;
}

int attachments_other(struct inventory *i)
{
	_cleanup_buf_ struct buf root = { 0 }, path = { 0 };
	bool cgroup = false, xdp = false, tc = false;
	struct if_nameindex *interfaces;
	int r = 0;

	for (size_t n = 0; n < i->program_count; n++) {
		const char *type = program_type_name(i->programs[n].type);

		cgroup |= is_cgroup_type(i->programs[n].type);
		xdp |= type && !strcmp(type, "xdp");
		tc |= type && !strcmp(type, "sched_cls");
	}
	if (cgroup && !cgroup_root(&root))
		r = walk_cgroups(i, AT_FDCWD, buf_str(&root), &path, 0);
	interfaces = xdp || tc ? if_nameindex() : NULL;
	for (struct if_nameindex *n = interfaces; !r && n && n->if_index; n++) {
		r = xdp ? query_xdp(i, n->if_index) : 0;
		if (!r && tc)
			r = attachments_tc(i, n->if_index);
	}
	if (interfaces)
		if_freenameindex(interfaces);
	return r;
}
