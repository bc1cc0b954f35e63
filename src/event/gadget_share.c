// SPDX-License-Identifier: Apache-2.0
/*
 * The descriptors through which a gadget is read, and their way from the process that loads to the
 * one that reads: after loading, a reader needs no privilege and no more than the maps (ring, .bss
 * with the losses, stacks, tables).
 */
#include "event/gadget_internal.h"

#include <linux/btf.h>
#include <sys/mman.h>

static const u64 *find_losses(const struct gadget *g, const u8 *data, size_t size)
{
	const struct btf *btf = object_btf(g->object);
	s32 section = btf__find_by_name_kind(btf, ".bss", BTF_KIND_DATASEC);
	const struct btf_type *t = section > 0 ? btf__type_by_id(btf, (u32)section) : NULL;

	for (u32 i = 0; t && data && i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *at = btf_var_secinfos(t) + i;
		const struct btf_type *var = btf__type_by_id(btf, at->type);

		if (!strcmp(btf__name_by_offset(btf, var->name_off), "saker_lost") &&
		    at->size >= 3 * sizeof(u64) && at->offset + at->size <= size)
			return (const u64 *)(const void *)(data + at->offset);
	}
	return NULL;
}

static struct bpf_map *find_map(const struct gadget *g, const char *name)
{
	return bpf_object__find_map_by_name(object_bpf(g->object), name);
}

static int map_fd(const struct bpf_map *map)
{
	return map ? bpf_map__fd(map) : -1;
}

/*
 * .bss through its map's descriptor, read only: the counters of losses stay visible without bpf(2).
 * libbpf before 1.5 leaves what bpf_map__initial_value() gives unmapped unless a skeleton loads the
 * object.
 */
static void map_losses(struct gadget *g, int fd)
{
	struct bpf_map *map = find_map(g, ".bss");
	size_t size = map ? (bpf_map__value_size(map) + 4095) & ~(size_t)4095 : 0;
	void *data = size && fd >= 0 ? mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (data == MAP_FAILED)
		return;
	g->bss = data;
	g->bss_size = size;
	g->lost = find_losses(g, data, size);
}

int gadget_take_maps(struct gadget *g)
{
	map_losses(g, map_fd(find_map(g, ".bss")));
	g->stack_fd = map_fd(find_map(g, "stacks"));
	for (size_t i = 0; i < g->table_count; i++)
		g->tables[i].fd = map_fd(find_map(g, g->tables[i].map));
	if (!gadget_has_events(g) || g->shared_ring)
		return 0;
	g->ring_fd = map_fd(find_map(g, "events"));
	return ring_open(g->ring_fd, &g->ring);
}

int gadget_shared(const struct gadget *g, int fds[GADGET_SHARED_MAX])
{
	int count = 0;

	if (g->table_count + 3 > GADGET_SHARED_MAX)
		return fail(-E2BIG, "%s: more than %d maps to share", g->name, GADGET_SHARED_MAX);
	fds[count++] = g->ring ? g->ring_fd : -1;
	fds[count++] = map_fd(find_map(g, ".bss"));
	fds[count++] = g->stack_fd;
	for (size_t i = 0; i < g->table_count; i++)
		fds[count++] = g->tables[i].fd;
	return count;
}

int gadget_adopt(struct gadget *g, const int *fds, size_t count)
{
	int *own = calloc(count + 1, sizeof(*own));

	if (!own) {
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		return fail(-ENOMEM, "out of memory");
	}
	memcpy(own, fds, count * sizeof(*own));
	g->adopted = own;
	g->adopted_count = count;
	if (count != g->table_count + 3)
		return fail(-EPROTO, "%s: %zu maps were sent, %zu are needed", g->name, count,
			    g->table_count + 3);
	gadget_choose_tables(g);
	map_losses(g, fds[1]);
	g->stack_fd = fds[2];
	for (size_t i = 0; i < g->table_count; i++)
		g->tables[i].fd = fds[3 + i];
	if (fds[0] < 0 || !gadget_has_events(g))
		return 0;
	g->ring_fd = fds[0];
	return ring_open(g->ring_fd, &g->ring);
}

void gadget_share_free(struct gadget *g)
{
	if (g->bss)
		munmap(g->bss, g->bss_size);
	for (size_t i = 0; i < g->adopted_count; i++) {
		if (g->adopted[i] >= 0)
			close(g->adopted[i]);
	}
	free(g->adopted);
}
