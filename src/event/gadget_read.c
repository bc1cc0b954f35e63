// SPDX-License-Identifier: Apache-2.0
/*
 * Reading a gadget: bytes of the ring become records, rows of maps become records too. A reading of
 * a map reports what came since the last one, as the difference to a copy of the last one: deleting
 * or zeroing entries while programs count in them would lose what came in between, a difference
 * loses nothing.
 */
#include "event/gadget_internal.h"

#include <linux/bpf.h>

#define STACK_DEPTH_MAX 127 /* PERF_MAX_STACK_DEPTH */
#define BATCH 4096

/*
 * ---- events
 * ------------------------------------------------------------------------------------------
 */

const struct schema *gadget_schema(const struct gadget *g, u32 btf_type)
{
	for (size_t i = 0; i < g->info.schema_count; i++) {
		if (g->info.schemas[i]->btf_type == btf_type &&
		    g->info.schemas[i]->sort == SCHEMA_EVENTS)
			return g->info.schemas[i];
	}
	return NULL;
}

int gadget_record(struct gadget *g, const void *data, size_t size, u64 wall_offset, record_fn fn,
		  void *context)
{
	struct record_header header;
	struct record r = { .data = data,
			    .size = (u32)size,
			    .stacks = g->symbolize ? &g->stacks : NULL };
	int err;

	if (size < sizeof(header))
		return fail(-EBADMSG, "%s: a record of %zu bytes", g->name, size);
	memcpy(&header, data, sizeof(header));
	r.schema = gadget_schema(g, header.type);
	if (!r.schema)
		return fail(-EBADMSG, "%s: a record of the unknown type %u", g->name, header.type);
	err = record_check(r.schema, data, size);
	if (err)
		return err;
	r.wall_ns = header.time + wall_offset;
	fn(context, &r);
	return 0;
}

struct consumer {
	struct gadget *gadget;
	record_fn fn;
	void *context;
	u64 wall_offset;
	int error;
};

static void consume_one(void *context, const void *data, size_t size)
{
	struct consumer *c = context;
	int err = gadget_record(c->gadget, data, size, c->wall_offset, c->fn, c->context);

	if (err && !c->error)
		c->error = err;
}

int gadget_consume(struct gadget *g, record_fn fn, void *context)
{
	struct consumer c = { .gadget = g, .fn = fn, .context = context };
	int n;

	if (!g->ring)
		return 0;
	c.wall_offset = clock_wall_ns() - clock_monotonic_ns();
	n = ring_consume(g->ring, consume_one, &c, BATCH);
	return n < 0 ? n : c.error ? c.error : n;
}

/*
 * ---- stacks
 * -------------------------------------------------------------------------------------------
 */

static u32 pid_of(const struct record *r)
{
	int i = schema_find(r->schema, "pid");
	struct value v;

	if (i < 0 || (size_t)i >= r->schema->stored)
		return 0;
	column_value(&r->schema->columns[i], r, &v, NULL);
	return v.class == VALUE_UNSIGNED ? (u32)v.u : 0;
}

static int read_stack(const struct stack_reader *reader, const struct record *record, s64 id,
		      bool user, struct buf *b)
{
	struct gadget *g = (struct gadget *)((char *)reader - offsetof(struct gadget, stacks));
	u64 addresses[STACK_DEPTH_MAX];
	u32 key = (u32)id;
	size_t n = 0;

	if (g->stack_fd < 0)
		return -ENOENT;
	memset(addresses, 0, sizeof(addresses));
	if (bpf_map_lookup_elem(g->stack_fd, &key, addresses))
		return -ENOENT;
	while (n < STACK_DEPTH_MAX && addresses[n])
		n++;
	if (g->symbolize)
		return g->symbolize(g->symbolize_context, pid_of(record), addresses, n, user, b);
	for (size_t i = n; i-- > 0;)
		buf_printf(b, "%s0x%llx", i + 1 == n ? "" : ";", (unsigned long long)addresses[i]);
	return 0;
}

/*
 * ---- tables
 * --------------------------------------------------------------------------------------------
 */

void table_free(struct table *t)
{
	struct row_before *row, *next;

	HASH_ITER(hh, t->before, row, next) {
		HASH_DEL(t->before, row);
		free(row->value);
		free(row);
	}
	free(t->row);
	free(t->per_cpu_values);
}

void gadget_row_header(const struct gadget *g, const struct schema *s, u8 *row)
{
	struct record_header h = { .gadget = g->number,
				   .size = s->fixed_size,
				   .time = clock_monotonic_ns() };

	memcpy(row, &h, sizeof(h));
}

/* Is this column of the value a number that adds up over CPUs and differs over time? */
static bool adds_up(const struct column *c)
{
	return c->kind->class == VALUE_HISTOGRAM ||
	       (c->kind->class == VALUE_UNSIGNED && c->size == 8 &&
		(c->kind->counts || !strcmp(c->kind->name, "unsigned") ||
		 str_starts(c->kind->name, "duration")));
}

/* Calls @fn for each u64 of @t's value that adds up: offset within the value. */
#define FOR_EACH_COUNTER(t, offset)                                                            \
	for (size_t _i = 0; _i < (t)->schema->stored; _i++)                                    \
		if (!(t)->schema->columns[_i].is_key &&                                        \
		    (t)->schema->columns[_i].offset >= (t)->value_offset &&                    \
		    adds_up(&(t)->schema->columns[_i]))                                        \
			for (u32 offset = (t)->schema->columns[_i].offset - (t)->value_offset, \
				 _end = offset + (t)->schema->columns[_i].size;                \
			     offset < _end; offset += 8)

static u64 load(const u8 *p)
{
	u64 v;

	memcpy(&v, p, 8);
	return v;
}

static void store(u8 *p, u64 v)
{
	memcpy(p, &v, 8);
}

/*
 * Sums the CPUs' values into @value; what does not add up is taken from the first CPU that has any
 * of it.
 */
static void merge_cpus(const struct table *t, int cpus, u8 *value)
{
	size_t stride = (t->value_size + 7) & ~(size_t)7;
	const u8 *each = t->per_cpu_values;
	bool found = false;

	memset(value, 0, t->value_size);
	for (int cpu = 0; cpu < cpus && !found; cpu++) {
		for (u32 i = 0; i < t->value_size && !found; i++)
			found = each[stride * cpu + i];
		if (found)
			memcpy(value, each + stride * cpu, t->value_size);
	}
	FOR_EACH_COUNTER(t, offset) {
		u64 sum = 0;

		for (int cpu = 0; cpu < cpus; cpu++)
			sum += load(each + stride * cpu + offset);
		store(value + offset, sum);
	}
}

/* Makes @value the difference to the last reading and remembers it. False: nothing came. */
static bool difference(struct table *t, const u8 *key, u8 *value)
{
	struct row_before *row;
	bool any = false;

	HASH_FIND(hh, t->before, key, t->key_size, row);
	if (!row) {
		row = calloc(1, sizeof(*row) + t->key_size);
		if (!row)
			return true; /* no memory for the copy: report the total */
		row->value = calloc(1, t->value_size);
		if (!row->value) {
			free(row);
			return true;
		}
		memcpy(row->key, key, t->key_size);
		HASH_ADD_KEYPTR(hh, t->before, row->key, t->key_size, row);
	}
	row->round = t->round;
	FOR_EACH_COUNTER(t, offset) {
		u64 now = load(value + offset), was = load(row->value + offset);

		/* Smaller than before: the entry went and came again (an LRU map). */
		store(value + offset, now >= was ? now - was : now);
		store(row->value + offset, now);
		any |= now != was;
	}
	row->idle = !any;
	return any;
}

static void forget_gone(struct table *t)
{
	struct row_before *row, *next;

	HASH_ITER(hh, t->before, row, next) {
		if (row->round == t->round)
			continue;
		HASH_DEL(t->before, row);
		free(row->value);
		free(row);
	}
}

/* Elements of an array that nobody ever wrote to. */
static bool all_zero(const struct table *t, const u8 *value)
{
	for (u32 i = 0; i < t->value_size; i++) {
		if (value[i])
			return false;
	}
	return true;
}

static int prepare_table(struct gadget *g, struct table *t)
{
	t->is_array = t->type == BPF_MAP_TYPE_ARRAY || t->type == BPF_MAP_TYPE_PERCPU_ARRAY;
	t->per_cpu = t->type == BPF_MAP_TYPE_PERCPU_ARRAY || t->type == BPF_MAP_TYPE_PERCPU_HASH ||
		     t->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	if (!t->per_cpu || t->per_cpu_values)
		return 0;
	t->per_cpu_values = calloc((size_t)g->cpus, (t->value_size + 7) & ~(size_t)7);
	return t->per_cpu_values ? 0 : fail(-ENOMEM, "out of memory");
}

/* Every key of @map, copied first: changing a hash while walking it may start over or skip. */
static int all_keys(const struct table *t, u8 **ret_keys, size_t *ret_count)
{
	int fd = t->fd;
	_cleanup_free_ u8 *keys = NULL;
	size_t count = 0, capacity = 0, max = t->max_entries;
	void *previous = NULL;

	while (count < max) {
		int err = grow(&keys, &capacity, count + 1, t->key_size);

		if (err)
			return err;
		previous = count ? keys + (count - 1) * t->key_size : NULL;
		if (bpf_map_get_next_key(fd, previous, keys + count * t->key_size))
			break;
		count++;
	}
	*ret_keys = TAKE_PTR(keys);
	*ret_count = count;
	return 0;
}

/*
 * With @take the entry goes in the same moment in which it is read, so that nothing counted is
 * lost; before 5.14 a hash can only do one after the other.
 */
static int read_value(const struct table *t, const u8 *key, void *value, bool take)
{
	int err;

	if (!take)
		return bpf_map_lookup_elem(t->fd, key, value);
	err = bpf_map_lookup_and_delete_elem(t->fd, key, value);
	if (!err || errno == ENOENT)
		return err;
	err = bpf_map_lookup_elem(t->fd, key, value);
	return err ? err : bpf_map_delete_elem(t->fd, key);
}

/* One row, handed to @fn when anything came since the last reading. Returns how many: 0 or 1. */
static int read_row(struct gadget *g, struct table *t, const u8 *key, bool take, record_fn fn,
		    void *context)
{
	u8 *value = t->row + t->value_offset;
	struct record r = { .schema = t->schema,
			    .data = t->row,
			    .size = t->schema->fixed_size,
			    .wall_ns = clock_wall_ns(),
			    .stacks = &g->stacks };

	if (read_value(t, key, t->per_cpu ? t->per_cpu_values : value, take))
		return 0; /* deleted meanwhile */
	if (t->per_cpu)
		merge_cpus(t, g->cpus, value);
	memcpy(t->row + sizeof(struct record_header), key, t->key_size);
	if (t->keep ? t->is_array && all_zero(t, value) : !difference(t, key, value))
		return 0;
	gadget_row_header(g, t->schema, t->row);
	fn(context, &r);
	return 1;
}

/*
 * A hash that is never emptied is full one day, and then counts no newcomer. When it is half full,
 * the entries that were idle since the last reading go.
 */
static int make_room(struct gadget *g, struct table *t, const u8 *keys, size_t count, record_fn fn,
		     void *context)
{
	bool lru = t->type == BPF_MAP_TYPE_LRU_HASH || t->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	int rows = 0;

	if (t->is_array || t->keep || lru || count <= t->max_entries / 2)
		return 0;
	for (size_t i = 0; i < count; i++) {
		const u8 *key = keys + i * t->key_size;
		struct row_before *row;

		HASH_FIND(hh, t->before, key, t->key_size, row);
		if (!row || !row->idle)
			continue;
		rows += read_row(g, t, key, true, fn, context);
		row->round = 0; /* gone: forget_gone() */
	}
	return rows;
}

static int read_table(struct gadget *g, struct table *t, record_fn fn, void *context)
{
	_cleanup_free_ u8 *keys = NULL;
	size_t count = 0;
	int rows = 0;
	int err = prepare_table(g, t);

	if (!err)
		err = all_keys(t, &keys, &count);
	if (err)
		return err;
	t->round++;
	for (size_t i = 0; i < count; i++)
		rows += read_row(g, t, keys + i * t->key_size, false, fn, context);
	rows += make_room(g, t, keys, count, fn, context);
	if (!t->is_array)
		forget_gone(t);
	return rows;
}

/*
 * The same for stacks: when the map is half full it starts anew, and what is sampled again comes
 * again.
 */
static void make_room_for_stacks(struct gadget *g)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object_bpf(g->object), "stacks");
	u32 key, count = 0;
	bool first = true;

	if (!map || g->stack_fd < 0 || bpf_map__type(map) != BPF_MAP_TYPE_HASH)
		return;
	while (!bpf_map_get_next_key(g->stack_fd, first ? NULL : &key, &key) &&
	       count < bpf_map__max_entries(map)) {
		first = false;
		count++;
	}
	if (count <= bpf_map__max_entries(map) / 2)
		return;
	while (!bpf_map_get_next_key(g->stack_fd, NULL, &key)) {
		if (bpf_map_delete_elem(g->stack_fd, &key))
			break;
	}
}

int gadget_read(struct gadget *g, bool last, record_fn fn, void *context)
{
	int rows = 0;

	g->stacks.read = read_stack;
	for (size_t i = 0; i < g->table_count; i++) {
		int n = g->tables[i].unwanted ? 0 : read_table(g, &g->tables[i], fn, context);

		if (n < 0)
			return fail_in(n, "%s", g->name);
		rows += n;
	}
	if (!last)
		make_room_for_stacks(g);
	return rows;
}
