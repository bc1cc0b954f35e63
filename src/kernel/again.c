// SPDX-License-Identifier: Apache-2.0
/*
 * libbpf loads an object once, successfully or not. To try the next alternative the object is
 * opened again, and what its user set after the first open (constants, map sizes, shared maps,
 * patched instructions) is put back from a snapshot. Taken only where there is a next alternative.
 */
#include <fcntl.h>

#include "kernel/object_internal.h"

struct saved_map {
	u32 entries, value_size;
	bool created;
	int shared; /* a map that the user put in its place; -1: none */
	void *value;
	size_t size;
};

struct saved_program {
	struct bpf_insn *code;
	size_t length;
	bool load;
};

struct snapshot {
	struct saved_map *maps;
	struct saved_program *programs;
	size_t map_count, program_count;
};

static void *copy(const void *from, size_t size)
{
	void *to = malloc(size ? size : 1);

	if (to && size)
		memcpy(to, from, size);
	return to;
}

static int save_map(const struct bpf_map *map, struct saved_map *to)
{
	const void *value = bpf_map__initial_value((struct bpf_map *)map, &to->size);
	int fd = bpf_map__fd(map);

	to->entries = bpf_map__max_entries(map);
	to->value_size = bpf_map__value_size(map);
	to->created = bpf_map__autocreate(map);
	to->shared = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (!value)
		return 0;
	to->value = copy(value, to->size);
	return to->value ? 0 : fail(-ENOMEM, "out of memory");
}

int snapshot_take(const struct object *o, struct snapshot **ret)
{
	_cleanup_(snapshot_freep) struct snapshot *s = calloc(1, sizeof(*s));
	struct bpf_map *map;
	size_t maps = 0;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	bpf_object__for_each_map(map, o->bpf)
		maps++;
	s->maps = calloc(maps + 1, sizeof(*s->maps));
	s->programs = calloc(o->program_count + 1, sizeof(*s->programs));
	if (!s->maps || !s->programs)
		return fail(-ENOMEM, "out of memory");
	bpf_object__for_each_map(map, o->bpf) {
		int err = save_map(map, &s->maps[s->map_count++]);

		if (err)
			return err;
	}
	for (size_t i = 0; i < o->program_count; i++) {
		struct saved_program *p = &s->programs[s->program_count++];

		p->load = bpf_program__autoload(o->programs[i].bpf);
		p->length = bpf_program__insn_cnt(o->programs[i].bpf);
		p->code =
			copy(bpf_program__insns(o->programs[i].bpf), p->length * sizeof(*p->code));
		if (!p->code)
			return fail(-ENOMEM, "out of memory");
	}
	*ret = TAKE_PTR(s);
	return 0;
}

static int restore_map(const struct saved_map *from, struct bpf_map *map)
{
	int err = 0;

	if (from->shared >= 0)
		return bpf_map__reuse_fd(map, from->shared);
	if (from->created != bpf_map__autocreate(map))
		err = bpf_map__set_autocreate(map, from->created);
	if (!err && from->value_size != bpf_map__value_size(map))
		err = bpf_map__set_value_size(map, from->value_size);
	if (!err && from->entries != bpf_map__max_entries(map))
		err = bpf_map__set_max_entries(map, from->entries);
	if (!err && from->value)
		err = bpf_map__set_initial_value(map, from->value, from->size);
	return err;
}

int snapshot_apply(const struct snapshot *s, struct object *o)
{
	struct bpf_map *map;
	size_t i = 0;
	int err = 0;

	object_listen(o);
	bpf_object__for_each_map(map, o->bpf) {
		if (i < s->map_count && !err)
			err = restore_map(&s->maps[i++], map);
	}
	for (i = 0; i < o->program_count && i < s->program_count && !err; i++) {
		bpf_program__set_autoload(o->programs[i].bpf, s->programs[i].load);
		err = bpf_program__set_insns(o->programs[i].bpf, s->programs[i].code,
					     s->programs[i].length);
	}
	object_unlisten();
	return err ? fail_errno(err, "it cannot be opened again") : 0;
}

void snapshot_freep(struct snapshot **sp)
{
	struct snapshot *s = *sp;

	if (!s)
		return;
	for (size_t i = 0; i < s->map_count; i++) {
		close_fd(&s->maps[i].shared);
		free(s->maps[i].value);
	}
	for (size_t i = 0; i < s->program_count; i++)
		free(s->programs[i].code);
	free(s->maps);
	free(s->programs);
	free(s);
	*sp = NULL;
}
