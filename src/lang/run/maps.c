// SPDX-License-Identifier: Apache-2.0
/*
 * The maps of a script: its own (@x) and those that every script may have (ring, scratch memory,
 * losses, state, literals). What a script does not use is not made.
 */
#include "lang/run/load.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#define RING_EVENTS (4u << 20)	  /* for what can come at any rate; mapped twice */
#define RING_CONTROL (256u << 10) /* for a script that only says exit() and print() */
/* Above this, entries are allocated when they are used; safe in every context from 6.1 on. */
#define PREALLOCATED_MAX 256

static u32 power_of_two(u64 size)
{
	u32 n = 4096;

	while (n < size && n < 1u << 30)
		n *= 2;
	return n;
}

static bool sends_events(const struct script *s)
{
	for (size_t i = 0; i < s->action_count; i++) {
		switch (s->actions[i]->kind) {
		case ACTION_EXIT:
		case ACTION_CLEAR:
		case ACTION_ZERO:
		case ACTION_PRINT_MAP:
		case ACTION_HELPER_ERROR:
		case ACTION_RUNTIME_ERROR:
			break;
		default:
			return true;
		}
	}
	return false;
}

static u32 ring_bytes(const struct script *s)
{
	if (s->config.perf_rb_pages)
		return power_of_two(s->config.perf_rb_pages * 4096);
	return sends_events(s) ? RING_EVENTS : RING_CONTROL;
}

static void describe_hash(const struct script *s, const struct map *m, struct map_create *c)
{
	bool per_cpu = m->form == MAP_PER_CPU_HASH || m->form == MAP_PER_CPU_LRU;
	bool lru = m->form == MAP_LRU || m->form == MAP_PER_CPU_LRU;

	c->type = per_cpu ? (lru ? BPF_MAP_TYPE_LRU_PERCPU_HASH : BPF_MAP_TYPE_PERCPU_HASH)
			  : (lru ? BPF_MAP_TYPE_LRU_HASH : BPF_MAP_TYPE_HASH);
	c->key_size = m->key_size;
	c->value_size = m->value_size;
	c->max_entries = m->max_entries;
	if (!lru && script_kernel(s, 6, 1) && m->key_size + m->value_size > PREALLOCATED_MAX)
		c->flags |= BPF_F_NO_PREALLOC;
}

static int create(const struct script *s, const struct map *m)
{
	struct map_create c = { .name = m->name[1] ? m->name : "@anonymous" };

	if (m->form == MAP_SCALAR || m->form == MAP_SCALAR_PER_CPU) {
		c.type = BPF_MAP_TYPE_ARRAY;
		c.key_size = 4;
		c.value_size = m->form == MAP_SCALAR ? m->stride : m->stride * s->cpus;
		c.max_entries = 1;
	} else {
		describe_hash(s, m, &c);
	}
	return kernel_create_map(&c);
}

/* 0 bytes: the script has no use for it. */
static u32 own_size(const struct script *s, enum own_map m)
{
	switch (m) {
	case OWN_SCRATCH:
		return s->frame_size ? s->cpus * (4 * s->frame_size + 8) : 0;
	case OWN_LOSSES:
		return s->uses_losses ? (u32)s->program_count * LOSS_KINDS * 8 : 0;
	case OWN_STATE:
		return s->uses_state ? sizeof(struct script_state) : 0;
	case OWN_STRINGS:
		return (u32)s->strings.len;
	default:
		return 0;
	}
}

static int create_own(struct script *s, enum own_map m)
{
	static const char *const names[OWN_MAPS] = { "ring", "scratch", "losses", "state",
						     "strings" };
	struct map_create c = { .name = names[m],
				.type = BPF_MAP_TYPE_ARRAY,
				.key_size = 4,
				.value_size = own_size(s, m),
				.max_entries = 1 };

	if (m == OWN_RING) {
		c.type = BPF_MAP_TYPE_RINGBUF;
		c.key_size = 0;
		c.max_entries = ring_bytes(s);
		return s->uses_ring ? kernel_create_map(&c) : -1;
	}
	if (!c.value_size)
		return -1;
	if (m == OWN_LOSSES || m == OWN_STATE)
		c.flags = BPF_F_MMAPABLE;
	if (m == OWN_STRINGS)
		c.flags = BPF_F_RDONLY_PROG;
	return kernel_create_map(&c);
}

static int fill_strings(struct run *r)
{
	struct script *s = r->script;
	int fd = r->map_fds[script_own_map(s, OWN_STRINGS)];
	u32 zero = 0;

	if (fd < 0)
		return 0;
	if (bpf_map_update_elem(fd, &zero, s->strings.data, 0) || bpf_map_freeze(fd))
		return fail_errno(-errno, "the script's literals cannot be stored");
	return 0;
}

int run_create_maps(struct run *r)
{
	struct script *s = r->script;

	for (size_t i = 0; i < s->map_count; i++) {
		r->map_fds[i] = create(s, s->maps[i]);
		if (r->map_fds[i] < 0)
			return r->map_fds[i];
	}
	for (int m = 0; m < OWN_MAPS; m++) {
		int fd = create_own(s, m);

		if (fd < -1)
			return fd;
		r->map_fds[s->map_count + m] = fd;
	}
	return fill_strings(r);
}

static int map_memory(struct run *r, enum own_map m, size_t *ret_size, void **ret)
{
	int fd = r->map_fds[script_own_map(r->script, m)];
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (own_size(r->script, m) + page - 1) / page * page;
	void *at;

	if (fd < 0)
		return 0;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return fail_errno(-errno, "the script's state cannot be mapped");
	*ret_size = size;
	*ret = at;
	return 0;
}

int run_map_memory(struct run *r)
{
	void *state = NULL, *losses = NULL;
	int err = map_memory(r, OWN_STATE, &r->state_size, &state);

	r->state = state;
	if (!err)
		err = map_memory(r, OWN_LOSSES, &r->losses_size, &losses);
	r->losses = losses;
	return err;
}
