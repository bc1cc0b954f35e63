// SPDX-License-Identifier: Apache-2.0
/*
 * A map's entries out of the kernel, each reduced over the CPUs to one value. Hashes are read in
 * batches where the kernel has them (5.6); an entry that another CPU moves meanwhile is read once.
 */
#include "lang/run/output_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define BATCH 256

static bool is_per_cpu(const struct map *m)
{
	return m->form == MAP_SCALAR_PER_CPU || m->form == MAP_PER_CPU_HASH ||
	       m->form == MAP_PER_CPU_LRU;
}

static bool is_scalar(const struct map *m)
{
	return m->form == MAP_SCALAR || m->form == MAP_SCALAR_PER_CPU;
}

void map_entries_free(struct map_entries *e)
{
	free(e->items);
	free(e->bytes);
	*e = (struct map_entries){};
}

/* ---- one value out of those of all CPUs ------------------------------------------------------ */

static void reduce_extreme(const struct type *t, struct extreme_value *to,
			   const struct extreme_value *from)
{
	bool less = t->aggregation.is_signed ? (s64)from->value < (s64)to->value
					     : from->value < to->value;

	if (!from->is_set)
		return;
	if (!to->is_set || less == (t->kind == TYPE_MIN))
		to->value = from->value;
	to->is_set = 1;
}

static void reduce_row(const struct type *t, struct tseries_value *to,
		       const struct tseries_value *from)
{
	bool less = t->aggregation.is_signed ? (s64)from->value < (s64)to->value
					     : from->value < to->value;

	if (!from->count || (to->count && from->epoch < to->epoch))
		return;
	if (!to->count || from->epoch > to->epoch) {
		*to = *from;
		return;
	}
	switch (t->aggregation.reduce) {
	case TYPE_SUM:
	case TYPE_AVG:
		to->value += from->value;
		break;
	case TYPE_MIN:
		to->value = less ? from->value : to->value;
		break;
	case TYPE_MAX:
		to->value = less ? to->value : from->value;
		break;
	default: /* the last one: count is the time when it came */
		to->value = from->count > to->count ? from->value : to->value;
		to->count = from->count > to->count ? from->count : to->count;
		return;
	}
	to->count += from->count;
}

static void reduce(const struct map *m, u8 *to, const u8 *from)
{
	const struct type *t = m->value;
	u32 words = m->value_size / 8;

	switch (t->kind) {
	case TYPE_MIN:
	case TYPE_MAX:
		reduce_extreme(t, (void *)to, (const void *)from);
		break;
	case TYPE_TSERIES:
		for (u32 i = 0; i < t->aggregation.buckets; i++)
			reduce_row(t, (struct tseries_value *)to + i,
				   (const struct tseries_value *)from + i);
		break;
	default: /* sums, counts, slots */
		for (u32 i = 0; i < words; i++)
			((u64 *)to)[i] += ((const u64 *)from)[i];
		break;
	}
}

/* @values: one for each CPU, @stride bytes apart. */
static void reduce_all(const struct map *m, u8 *to, const u8 *values, u32 stride, u32 cpus)
{
	memcpy(to, values, m->value_size);
	for (u32 i = 1; i < cpus; i++)
		reduce(m, to, values + (size_t)i * stride);
}

/* ---- scalars --------------------------------------------------------------------------------- */

static int make_room(const struct map *m, size_t count, struct map_entries *e)
{
	size_t each = m->key_size + m->value_size;

	e->items = calloc(count ? count : 1, sizeof(*e->items));
	e->bytes = calloc(count ? count : 1, each ? each : 1);
	if (e->items && e->bytes)
		return 0;
	map_entries_free(e);
	return fail(-ENOMEM, "out of memory");
}

static void point_at(const struct map *m, struct map_entries *e, size_t i)
{
	u8 *at = e->bytes + i * (m->key_size + m->value_size);

	e->items[i].key = at + m->value_size;
	e->items[i].value = at;
}

/* Those CPUs' values that were ever set; false: none was. */
static bool reduce_scalar(const struct output *o, const struct map *m, const u8 *all, u8 *to)
{
	u32 cpus = m->form == MAP_SCALAR ? 1 : o->script->cpus;
	bool any = false;

	for (u32 i = 0; i < cpus; i++) {
		const u8 *one = all + (size_t)i * m->stride;
		u32 is_set;

		memcpy(&is_set, one + m->set_offset, sizeof(is_set));
		if (!is_set)
			continue;
		if (any)
			reduce(m, to, one);
		else
			memcpy(to, one, m->value_size);
		any = true;
	}
	return any;
}

static int read_scalar(struct output *o, const struct map *m, int fd, struct map_entries *ret)
{
	u32 cpus = m->form == MAP_SCALAR ? 1 : o->script->cpus, zero = 0;
	_cleanup_free_ u8 *all = calloc(cpus, m->stride);
	int err = make_room(m, 1, ret);

	if (err || !all)
		return fail(-ENOMEM, "out of memory");
	if (bpf_map_lookup_elem(fd, &zero, all))
		return fail_errno(-errno, "map %s cannot be read", m->name);
	point_at(m, ret, 0);
	ret->count = reduce_scalar(o, m, all, ret->items[0].value) ? 1 : 0;
	return 0;
}

/* ---- hashes ---------------------------------------------------------------------------------- */

struct reading {
	struct output *o;
	const struct map *m;
	int fd;
	u32 cpus, value_bytes;	 /* of one lookup */
	struct buf keys, values; /* reduced */
};

static void take(struct reading *r, const u8 *key, const u8 *value)
{
	char *room;

	buf_add(&r->keys, key, r->m->key_size);
	if (r->cpus == 1) {
		buf_add(&r->values, value, r->m->value_size);
		return;
	}
	room = buf_room(&r->values, r->m->value_size);
	if (!room)
		return;
	reduce_all(r->m, (u8 *)room, value, r->value_bytes / r->cpus, r->cpus);
	r->values.len += r->m->value_size;
}

/* -ENOTSUP-like errors mean: no batches here, and nothing was read. */
static int read_batches(struct reading *r)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	_cleanup_free_ u8 *keys = malloc((size_t)BATCH * r->m->key_size);
	_cleanup_free_ u8 *values = malloc((size_t)BATCH * r->value_bytes);
	u8 place[512]; /* the kernel's cursor: a u32, or a key */
	bool first = true;

	if (!keys || !values || r->m->key_size > sizeof(place))
		return -ENOMEM;
	for (;;) {
		u32 count = BATCH;
		int err = bpf_map_lookup_batch(r->fd, first ? NULL : place, place, keys, values,
					       &count, &opts);

		err = err ? -errno : 0;
		if (err && err != -ENOENT)
			return err;
		for (u32 i = 0; i < count; i++)
			take(r, keys + (size_t)i * r->m->key_size,
			     values + (size_t)i * r->value_bytes);
		if (err)
			return 0;
		first = false;
	}
}

static int read_one_by_one(struct reading *r)
{
	_cleanup_free_ u8 *key = malloc(r->m->key_size), *next = malloc(r->m->key_size);
	_cleanup_free_ u8 *value = malloc(r->value_bytes);
	bool first = true;
	u64 steps = 0;

	if (!key || !next || !value)
		return fail(-ENOMEM, "out of memory");
	/* An entry that goes while we stand on it sends the kernel back to the start. */
	while (!bpf_map_get_next_key(r->fd, first ? NULL : key, next) &&
	       steps++ < 2ULL * r->m->max_entries + 16) {
		first = false;
		memcpy(key, next, r->m->key_size);
		if (!bpf_map_lookup_elem(r->fd, key, value))
			take(r, key, value);
	}
	return 0;
}

static int read_hash(struct output *o, const struct map *m, int fd, struct map_entries *ret)
{
	struct reading r = { .o = o, .m = m, .fd = fd, .cpus = 1, .value_bytes = m->value_size };
	int err;

	if (is_per_cpu(m)) {
		r.cpus = (u32)MAX(libbpf_num_possible_cpus(), 1);
		r.value_bytes = (m->value_size + 7) / 8 * 8 * r.cpus;
	}
	err = read_batches(&r);
	if (err) {
		buf_clear(&r.keys);
		buf_clear(&r.values);
		err = read_one_by_one(&r);
	}
	if (!err && (r.keys.error || r.values.error))
		err = fail(-ENOMEM, "out of memory");
	if (!err) {
		size_t count = r.keys.len / m->key_size;

		err = make_room(m, count, ret);
		for (size_t i = 0; !err && i < count; i++) {
			point_at(m, ret, i);
			memcpy((u8 *)ret->items[i].key, r.keys.data + i * m->key_size, m->key_size);
			memcpy(ret->items[i].value, r.values.data + i * m->value_size,
			       m->value_size);
		}
		ret->count = err ? 0 : count;
	}
	buf_free(&r.keys);
	buf_free(&r.values);
	return err;
}

int map_read(struct output *o, const struct map *m, struct map_entries *ret)
{
	int fd = o->map_fd(o->context, m);

	*ret = (struct map_entries){};
	if (fd < 0)
		return 0;
	return is_scalar(m) ? read_scalar(o, m, fd, ret) : read_hash(o, m, fd, ret);
}

int map_read_one(struct output *o, const struct map *m, const void *key, struct map_entries *ret)
{
	int fd = o->map_fd(o->context, m), err;
	_cleanup_free_ u8 *value = NULL;
	u32 cpus = is_per_cpu(m) ? (u32)MAX(libbpf_num_possible_cpus(), 1) : 1;

	*ret = (struct map_entries){};
	if (is_scalar(m))
		return map_read(o, m, ret);
	value = calloc(cpus, (m->value_size + 7) / 8 * 8);
	err = make_room(m, 1, ret);
	if (err || !value)
		return fail(-ENOMEM, "out of memory");
	if (bpf_map_lookup_elem(fd, key, value))
		return errno == ENOENT ? -ENOENT
				       : fail_errno(-errno, "map %s cannot be read", m->name);
	point_at(m, ret, 0);
	memcpy((u8 *)ret->items[0].key, key, m->key_size);
	reduce_all(m, ret->items[0].value, value, (m->value_size + 7) / 8 * 8, cpus);
	ret->count = 1;
	return 0;
}

/* ---- clear, zero ----------------------------------------------------------------------------- */

static int wipe_scalar(struct output *o, const struct map *m, int fd, bool keep_set)
{
	u32 cpus = m->form == MAP_SCALAR ? 1 : o->script->cpus, zero = 0;
	_cleanup_free_ u8 *all = calloc(cpus, m->stride);
	_cleanup_free_ u8 *old = calloc(cpus, m->stride);

	if (!all || !old)
		return fail(-ENOMEM, "out of memory");
	if (keep_set && !bpf_map_lookup_elem(fd, &zero, old)) {
		for (u32 i = 0; i < cpus; i++)
			memcpy(all + (size_t)i * m->stride + m->set_offset,
			       old + (size_t)i * m->stride + m->set_offset, 4);
	}
	return bpf_map_update_elem(fd, &zero, all, 0) ? fail_errno(-errno, "map %s", m->name) : 0;
}

static int wipe_hash(struct output *o, const struct map *m, int fd, bool zero)
{
	u32 cpus = is_per_cpu(m) ? (u32)MAX(libbpf_num_possible_cpus(), 1) : 1;
	_cleanup_free_ u8 *zeros = calloc(cpus, (m->value_size + 7) / 8 * 8);
	struct map_entries e;
	int err = map_read(o, m, &e);

	if (!zeros)
		err = fail(-ENOMEM, "out of memory");
	for (size_t i = 0; !err && i < e.count; i++) {
		if (zero)
			bpf_map_update_elem(fd, e.items[i].key, zeros, BPF_EXIST);
		else
			bpf_map_delete_elem(fd, e.items[i].key);
	}
	map_entries_free(&e);
	return err;
}

int map_clear(struct output *o, const struct map *m)
{
	int fd = o->map_fd(o->context, m);

	return is_scalar(m) ? wipe_scalar(o, m, fd, false) : wipe_hash(o, m, fd, false);
}

int map_zero(struct output *o, const struct map *m)
{
	int fd = o->map_fd(o->context, m);

	return is_scalar(m) ? wipe_scalar(o, m, fd, true) : wipe_hash(o, m, fd, true);
}
