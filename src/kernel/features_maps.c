// SPDX-License-Identifier: Apache-2.0
/*
 * Map types, each tried by creating one with a single entry (a page where the type counts in
 * pages).
 */
#include "kernel/features_probe.h"

#include <linux/btf.h>

struct map_feature {
	const char *name, *use, *otherwise;
	u32 type, key_size, value_size, max_entries, flags;
	bool storage; /* local storage: wants BTF for key and value */
	bool nested;  /* a map of maps */
};

#define STORAGE .flags = BPF_F_NO_PREALLOC, .storage = true
#define NEEDED "needed by most gadgets"

#define MAP(a, b, c, d, key, value, entries, ...)                                          \
	{                                                                                  \
		.name = (a), .use = (b), .otherwise = (c), .type = (d), .key_size = (key), \
		.value_size = (value), .max_entries = (entries), ##__VA_ARGS__             \
	}
static const struct map_feature maps[] = {
	MAP("hash", NEEDED, NULL, BPF_MAP_TYPE_HASH, 4, 4, 1),
	MAP("array", NEEDED, NULL, BPF_MAP_TYPE_ARRAY, 4, 4, 1),
	MAP("percpu_hash", NEEDED, NULL, BPF_MAP_TYPE_PERCPU_HASH, 4, 4, 1),
	MAP("percpu_array", NEEDED, NULL, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 4, 1),
	MAP("lru_hash", "in-flight tables that cannot fill up", NULL, BPF_MAP_TYPE_LRU_HASH, 4, 4,
	    1),
	MAP("lru_percpu_hash", "counters per key that cannot fill up", NULL,
	    BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 4, 1),
	MAP("ringbuf", "the way of every event to user space (5.8)", NULL, BPF_MAP_TYPE_RINGBUF, 0,
	    0, 4096),
	MAP("user_ringbuf", "messages to programs (6.1)", NULL, BPF_MAP_TYPE_USER_RINGBUF, 0, 0,
	    4096),
	MAP("perf_event_array", "hardware counters", NULL, BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 1),
	MAP("stack_trace", "stacks of profile and others", NULL, BPF_MAP_TYPE_STACK_TRACE, 4,
	    8 * 16, 1),
	MAP("lpm_trie", "address ranges", NULL, BPF_MAP_TYPE_LPM_TRIE, 8, 4, 1,
	    .flags = BPF_F_NO_PREALLOC),
	MAP("prog_array", "tail calls", NULL, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1),
	MAP("array_of_maps", "tables replaced as a whole", NULL, BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4,
	    1, .nested = true),
	MAP("hash_of_maps", "tables per container", NULL, BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 1,
	    .nested = true),
	MAP("bloom_filter", "quick 'never seen' tests (5.16)", "a hash is taken",
	    BPF_MAP_TYPE_BLOOM_FILTER, 0, 4, 1),
	MAP("queue", "free lists in the kernel", NULL, BPF_MAP_TYPE_QUEUE, 0, 4, 1),
	MAP("cgroup_array", "tests for a cgroup", NULL, BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 1),
	MAP("sockhash", "moving data between sockets", NULL, BPF_MAP_TYPE_SOCKHASH, 4, 4, 1),
	MAP("devmap", "sending packets on with XDP", NULL, BPF_MAP_TYPE_DEVMAP, 4, 4, 1),
	MAP("cpumap", "spreading packets over CPUs with XDP", NULL, BPF_MAP_TYPE_CPUMAP, 4, 4, 1),
	MAP("xskmap", "AF_XDP sockets", NULL, BPF_MAP_TYPE_XSKMAP, 4, 4, 1),
	MAP("sk_storage", "state per socket", "a hash is taken", BPF_MAP_TYPE_SK_STORAGE, 4, 4, 0,
	    STORAGE),
	MAP("inode_storage", "state per file", "a hash is taken", BPF_MAP_TYPE_INODE_STORAGE, 4, 4,
	    0, STORAGE),
	MAP("task_storage", "state per task (5.11)", "a hash is taken", BPF_MAP_TYPE_TASK_STORAGE,
	    4, 4, 0, STORAGE),
	MAP("cgrp_storage", "state per cgroup (6.2)", "a hash is taken", MAP_CGRP_STORAGE, 4, 4, 0,
	    STORAGE),
	MAP("arena", "memory shared with user space (6.9)", "arrays are taken", MAP_ARENA, 0, 0, 1,
	    .flags = BPF_F_MMAPABLE),
};

/* One 32-bit int: type 1, for key and value alike. */
static int storage_create(const struct map_feature *m)
{
	static const u32 int_type[] = { 1, BTF_KIND_INT << 24, 4, BTF_INT_SIGNED << 24 | 32 };
	_cleanup_close_ int btf = btf_load(int_type, sizeof(int_type));
	union bpf_attr attr = { 0 };

	if (btf < 0)
		return btf;
	attr.map_type = m->type;
	attr.key_size = m->key_size;
	attr.value_size = m->value_size;
	attr.map_flags = m->flags;
	attr.btf_fd = (u32)btf;
	attr.btf_key_type_id = 1;
	attr.btf_value_type_id = 1;
	return (int)bpf_call(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int nested_create(const struct map_feature *m)
{
	_cleanup_close_ int inner = map_create(BPF_MAP_TYPE_HASH, 4, 4, 1, 0);
	union bpf_attr attr = { 0 };

	if (inner < 0)
		return inner;
	attr.map_type = m->type;
	attr.key_size = m->key_size;
	attr.value_size = m->value_size;
	attr.max_entries = m->max_entries;
	attr.inner_map_fd = (u32)inner;
	return (int)bpf_call(BPF_MAP_CREATE, &attr, sizeof(attr));
}

void probe_maps(const struct probe *p, struct findings *f)
{
	u32 page = (u32)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		const struct map_feature *m = &maps[i];
		u32 entries = m->max_entries == 4096 ? page : m->max_entries;
		struct attempt a;
		_cleanup_close_ int fd = m->storage  ? storage_create(m)
					 : m->nested ? nested_create(m)
						     : map_create(m->type, m->key_size,
								  m->value_size, entries, m->flags);

		attempt_judge(p, fd, &a);
		attempt_add(f, FINDING_MAP, m->name, m->use, m->otherwise, &a);
	}
}
