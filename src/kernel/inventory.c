// SPDX-License-Identifier: Apache-2.0
/*
 * Programs, maps and links by id, and the gathering of all. An object is held open only while it
 * is read, so that looking does not keep alive what its owner lets go.
 */
#include "kernel/inventory_internal.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <time.h>

#define FDINFO_LIMIT 65536
#define MAX_MAPS 4096

static u64 boot_to_wall(u64 boot_ns)
{
	struct timespec boot;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	return clock_wall_ns() - ((u64)boot.tv_sec * NSEC_PER_SEC + (u64)boot.tv_nsec) + boot_ns;
}

bool fdinfo_number(const char *text, const char *key, u64 *ret)
{
	size_t len = strlen(key);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (!strncmp(line, key, len) && line[len] == ':') {
			*ret = strtoull(line + len + 1, NULL, 10);
			return true;
		}
	return false;
}

static int own_fdinfo(int fd, struct buf *b)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return read_file(path, FDINFO_LIMIT, b);
}

/* The kernel keeps 15 characters of a name; the function's BTF has all of it. */
static void full_name(int fd, const struct bpf_prog_info *info, char *name, size_t size)
{
	struct bpf_prog_info again = { 0 };
	struct bpf_func_info function;
	const struct btf_type *type;
	u32 len = sizeof(again);
	struct btf *btf;

	if (strlen(name) < BPF_OBJ_NAME_LEN - 1 || !info->btf_id || !info->nr_func_info)
		return;
	again.nr_func_info = 1;
	again.func_info_rec_size = sizeof(function);
	again.func_info = (uintptr_t)&function;
	if (bpf_obj_get_info_by_fd(fd, &again, &len) || !again.nr_func_info)
		return;
	btf = btf__load_from_kernel_by_id(info->btf_id);
	type = btf ? btf__type_by_id(btf, function.type_id) : NULL;
	if (type && str_starts(btf__name_by_offset(btf, type->name_off), name))
		snprintf(name, size, "%s", btf__name_by_offset(btf, type->name_off));
	btf__free(btf);
}

static int program_maps(int fd, u32 count, struct program_info *p)
{
	_cleanup_free_ u32 *maps = NULL;
	struct bpf_prog_info info = { 0 };
	u32 len = sizeof(info);

	if (!count)
		return 0;
	count = MIN(count, MAX_MAPS);
	maps = calloc(count, sizeof(*maps));
	if (!maps)
		return fail(-ENOMEM, "out of memory");
	info.nr_map_ids = count;
	info.map_ids = (uintptr_t)maps;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return fail_errno(-errno, "the maps of a program");
	p->map_count = MIN(count, info.nr_map_ids);
	p->maps = TAKE_PTR(maps);
	return 0;
}

static int program_read(int fd, struct program_info *ret)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct bpf_prog_info info = { 0 };
	struct program_info p = { 0 };
	u32 len = sizeof(info);
	int r;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return fail_errno(-errno, "information of a program");
	p.id = info.id;
	p.type = info.type;
	snprintf(p.name, sizeof(p.name), "%.*s", BPF_OBJ_NAME_LEN, info.name);
	full_name(fd, &info, p.name, sizeof(p.name));
	memcpy(p.tag, info.tag, sizeof(p.tag));
	p.loaded_wall_ns = boot_to_wall(info.load_time);
	p.uid = info.created_by_uid;
	p.btf_id = info.btf_id;
	p.ifindex = info.ifindex;
	p.gpl = info.gpl_compatible;
	p.instructions = info.xlated_prog_len / sizeof(struct bpf_insn);
	p.jited_bytes = info.jited_prog_len;
	p.run_ns = info.run_time_ns;
	p.runs = info.run_cnt;
	/*
	 * the kernel returns how much it knows of: 5.12 counts recursion misses, 5.16 what was
	 * verified
	 */
	p.missed = len > offsetof(struct bpf_prog_info, recursion_misses) ? info.recursion_misses
									  : UNKNOWN_U64;
	p.verified_instructions = len > offsetof(struct bpf_prog_info, verified_insns)
					  ? info.verified_insns
					  : UNKNOWN_U32;
	p.memory = UNKNOWN_U64;
	if (!own_fdinfo(fd, &b))
		fdinfo_number(buf_str(&b), "memlock", &p.memory);
	r = program_maps(fd, info.nr_map_ids, &p);
	if (!r)
		*ret = p;
	return r;
}

static int map_read(int fd, struct map_info *ret)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct bpf_map_info info = { 0 };
	u32 len = sizeof(info);
	u64 frozen = 0;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return fail_errno(-errno, "information of a map");
	*ret = (struct map_info){
		.id = info.id,
		.type = info.type,
		.key_size = info.key_size,
		.value_size = info.value_size,
		.max_entries = info.max_entries,
		.flags = info.map_flags,
		.btf_id = info.btf_id,
		.btf_key_type = info.btf_key_type_id,
		.btf_value_type = info.btf_value_type_id,
		.ifindex = info.ifindex,
		.memory = UNKNOWN_U64,
	};
	snprintf(ret->name, sizeof(ret->name), "%.*s", BPF_OBJ_NAME_LEN, info.name);
	if (!own_fdinfo(fd, &b)) {
		fdinfo_number(buf_str(&b), "memlock", &ret->memory);
		fdinfo_number(buf_str(&b), "frozen", &frozen);
	}
	ret->frozen = frozen;
	/*
	 * 5.11 to 6.3 multiply entries by the size of a value, which a ring has not: its size is
	 * its entries
	 */
	if (!ret->memory && !ret->value_size)
		ret->memory = ret->max_entries;
	return 0;
}

static int id_error(int err, const char *what)
{
	if (err == -EPERM)
		return fail(err, "the %s of other people can only be listed with CAP_SYS_ADMIN",
			    what);
	return fail_errno(err, "listing the %s", what);
}

int program_get(u32 id, struct program_info *ret)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);

	return fd < 0 ? fail_errno(-errno, "program %u", id) : program_read(fd, ret);
}

int map_get(u32 id, struct map_info *ret)
{
	_cleanup_close_ int fd = bpf_map_get_fd_by_id(id);

	return fd < 0 ? fail_errno(-errno, "map %u", id) : map_read(fd, ret);
}

int link_get(u32 id, struct link_info *ret)
{
	_cleanup_close_ int fd = bpf_link_get_fd_by_id(id);

	return fd < 0 ? fail_errno(-errno, "link %u", id) : link_describe(fd, ret);
}

/* EAGAIN: the kernel has the link's id, but not yet the link; ENOENT: gone since it was listed. */
static bool skippable(int r)
{
	return r == -ENOENT || r == -EAGAIN;
}

int program_next(u32 id, struct program_info *ret)
{
	int r;

	do {
		if (bpf_prog_get_next_id(id, &id))
			return errno == ENOENT ? 0 : id_error(-errno, "programs");
		r = program_get(id, ret);
	} while (skippable(r));
	return r ? r : 1;
}

int map_next(u32 id, struct map_info *ret)
{
	int r;

	do {
		if (bpf_map_get_next_id(id, &id))
			return errno == ENOENT ? 0 : id_error(-errno, "maps");
		r = map_get(id, ret);
	} while (skippable(r));
	return r ? r : 1;
}

int link_next(u32 id, struct link_info *ret)
{
	int r;

	do {
		if (bpf_link_get_next_id(id, &id))
			return errno == ENOENT ? 0 : id_error(-errno, "links");
		r = link_get(id, ret);
	} while (skippable(r));
	return r ? r : 1;
}

void program_info_free(struct program_info *p)
{
	free(p->maps);
	p->maps = NULL;
}

void link_info_free(struct link_info *l)
{
	free(l->target);
	l->target = NULL;
}

/* ---- all of them ------------------------------------------------------------------------- */

static int take_programs(struct inventory *i)
{
	struct program_info p = {};
	int r;

	for (u32 id = 0; (r = program_next(id, &p)) > 0; id = p.id) {
		if (grow(&i->programs, &i->program_capacity, i->program_count + 1, sizeof(p))) {
			program_info_free(&p);
			return -ENOMEM;
		}
		i->programs[i->program_count++] = p;
	}
	return r;
}

static int take_maps(struct inventory *i)
{
	struct map_info m = {};
	int r;

	for (u32 id = 0; (r = map_next(id, &m)) > 0; id = m.id) {
		if (grow(&i->maps, &i->map_capacity, i->map_count + 1, sizeof(m)))
			return -ENOMEM;
		i->maps[i->map_count++] = m;
	}
	return r;
}

static int take_links(struct inventory *i)
{
	struct link_info l = {};
	int r;

	for (u32 id = 0; (r = link_next(id, &l)) > 0; id = l.id) {
		if (grow(&i->links, &i->link_capacity, i->link_count + 1, sizeof(l))) {
			link_info_free(&l);
			return -ENOMEM;
		}
		i->links[i->link_count++] = l;
		if (attachment_add(i, l.program, l.id,
				   l.target ? l.target : link_type_name(l.type)))
			return -ENOMEM;
	}
	return r;
}

static int compare_attachments(const void *a, const void *b)
{
	const struct attachment *x = a, *y = b;

	return x->program != y->program ? (x->program > y->program) - (x->program < y->program)
					: (x->link > y->link) - (x->link < y->link);
}

static int compare_owners(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	/* pins behind processes */
	return (x->pid ? x->pid : INT32_MAX) - (y->pid ? y->pid : INT32_MAX);
}

int attachment_add(struct inventory *i, u32 program, u32 link, const char *text)
{
	char *copy = strdup(text ? text : "");

	if (!copy || grow(&i->attachments, &i->attachment_capacity, i->attachment_count + 1,
			  sizeof(*i->attachments))) {
		free(copy);
		return fail(-ENOMEM, "out of memory");
	}
	i->attachments[i->attachment_count++] = (struct attachment){ program, link, copy };
	return 0;
}

bool attachment_known(const struct inventory *i, u32 program)
{
	for (size_t n = 0; n < i->attachment_count; n++)
		if (i->attachments[n].program == program)
			return true;
	return false;
}

int inventory_take(unsigned what, struct inventory **ret)
{
	_cleanup_(inventory_freep) struct inventory *i = calloc(1, sizeof(*i));
	int r = 0;

	if (!i)
		return fail(-ENOMEM, "out of memory");
	if (what & INVENTORY_ATTACHMENTS)
		what |= INVENTORY_PROGRAMS | INVENTORY_LINKS;
	if (what & INVENTORY_PROGRAMS)
		r = take_programs(i);
	if (!r && (what & INVENTORY_MAPS))
		r = take_maps(i);
	if (!r && (what & INVENTORY_LINKS))
		r = take_links(i);
	/* owners before the other attachments: perf events are found on the way */
	if (!r && (what & (INVENTORY_OWNERS | INVENTORY_ATTACHMENTS)))
		r = owners_scan(i);
	if (!r && (what & INVENTORY_ATTACHMENTS))
		r = attachments_other(i);
	if (r)
		return r;
	if (i->owner_count)
		qsort(i->owners, i->owner_count, sizeof(*i->owners), compare_owners);
	if (i->attachment_count)
		qsort(i->attachments, i->attachment_count, sizeof(*i->attachments),
		      compare_attachments);
	*ret = TAKE_PTR(i);
	return 0;
}

struct inventory *inventory_free(struct inventory *i)
{
	if (!i)
		return NULL;
	for (size_t n = 0; n < i->program_count; n++)
		program_info_free(&i->programs[n]);
	for (size_t n = 0; n < i->link_count; n++)
		link_info_free(&i->links[n]);
	for (size_t n = 0; n < i->owner_count; n++)
		free(i->owners[n].path);
	for (size_t n = 0; n < i->attachment_count; n++)
		free(i->attachments[n].text);
	free(i->programs);
	free(i->maps);
	free(i->links);
	free(i->owners);
	free(i->attachments);
	free(i);
	return NULL;
}

void inventory_freep(struct inventory **i)
{
	inventory_free(*i);
}

const struct owner *inventory_owners(const struct inventory *i, enum object_kind kind, u32 id,
				     size_t *ret_count)
{
	const struct owner *first = NULL;
	size_t count = 0;

	for (size_t n = 0; n < i->owner_count; n++)
		if (i->owners[n].kind == kind && i->owners[n].id == id) {
			first = first ? first : &i->owners[n];
			count++;
		}
	*ret_count = count;
	return first;
}

const struct attachment *inventory_attachments(const struct inventory *i, u32 program,
					       size_t *ret_count)
{
	const struct attachment *first = NULL;
	size_t count = 0;

	for (size_t n = 0; n < i->attachment_count; n++)
		if (i->attachments[n].program == program) {
			first = first ? first : &i->attachments[n];
			count++;
		}
	*ret_count = count;
	return first;
}

const struct program_info *inventory_program(const struct inventory *i, u32 id)
{
	for (size_t n = 0; n < i->program_count; n++)
		if (i->programs[n].id == id)
			return &i->programs[n];
	return NULL;
}

const struct map_info *inventory_map(const struct inventory *i, u32 id)
{
	for (size_t n = 0; n < i->map_count; n++)
		if (i->maps[n].id == id)
			return &i->maps[n];
	return NULL;
}
