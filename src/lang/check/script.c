/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a script that checking makes: maps by name, texts by index, and actions with the
 * layout of their records. The checker, the built-ins and the runtime share them.
 */
#include "lang/check/script.h"
#include "event/event.h"

/* Strings and buffers above this lie in the record's tail. */
#define FIXED_STRING_MAX 64

bool script_range_is_callback(const struct script *s)
{
	return script_kernel(s, 5, 17) && !script_kernel(s, 6, 9);
}

/* Room for one more in an array of the arena. */
static bool room(struct script *s, void *array, size_t *capacity, size_t count, size_t size)
{
	void **items = array, *more;
	size_t wanted = *capacity ? *capacity * 2 : 16;

	if (count < *capacity)
		return true;
	more = arena_alloc(s->arena, wanted * size);
	if (arena_error(s->arena))
		return false;
	if (count)
		memcpy(more, *items, count * size);
	*items = more;
	*capacity = wanted;
	return true;
}

u32 script_text(struct script *s, const char *text)
{
	for (size_t i = 0; i < s->text_count; i++) {
		if (!strcmp(s->texts[i], text))
			return (u32)i;
	}
	if (!room(s, &s->texts, &s->text_capacity, s->text_count, sizeof(*s->texts)))
		return 0;
	s->texts[s->text_count] = arena_strndup(s->arena, text, strlen(text));
	return (u32)s->text_count++;
}

static u32 *index_place(u32 *index, size_t size, struct map *const *maps, const char *name)
{
	u32 h = 2166136261u;

	for (const char *p = name; *p; p++)
		h = (h ^ (u8)*p) * 16777619u;
	for (size_t i = h & (size - 1);; i = (i + 1) & (size - 1)) {
		if (!index[i] || !strcmp(maps[index[i] - 1]->name, name))
			return &index[i];
	}
}

/* Where the map's number stands, or would; the index has twice the room that it needs. */
static u32 *map_slot(struct script *s, const char *name)
{
	size_t size = s->map_index_size;
	u32 *index;

	if ((s->map_count + 1) * 2 > size) {
		size = size ? size * 2 : 64;
		index = arena_alloc(s->arena, size * sizeof(*index));
		if (arena_error(s->arena))
			return NULL;
		for (size_t i = 0; i < s->map_count; i++)
			*index_place(index, size, s->maps, s->maps[i]->name) = (u32)i + 1;
		s->map_index = index;
		s->map_index_size = size;
	}
	return index_place(s->map_index, size, s->maps, name);
}

struct map *script_map(struct script *s, const char *name, struct span at)
{
	u32 *slot = map_slot(s, name);
	struct map *m;

	if (!slot)
		return NULL;
	if (*slot)
		return s->maps[*slot - 1];
	m = arena_new_of(s->arena, struct map);
	if (!room(s, &s->maps, &s->map_capacity, s->map_count, sizeof(*s->maps)))
		return NULL;
	m->name = name;
	m->number = (u32)s->map_count;
	m->first_use = at;
	m->value = &type_none;
	m->form = MAP_HASH;
	s->maps[s->map_count++] = m;
	*slot = (u32)s->map_count;
	return m;
}

struct action *script_action(struct script *s, enum action_kind kind, struct span at)
{
	struct action *a = arena_new_of(s->arena, struct action);

	if (!room(s, &s->actions, &s->action_capacity, s->action_count, sizeof(*s->actions)))
		return NULL;
	a->kind = kind;
	a->number = (u32)s->action_count;
	a->span = at;
	a->fixed_size = a->max_size = sizeof(struct record_header);
	s->actions[s->action_count++] = a;
	return a;
}

static u32 up(u32 n, u32 to)
{
	return (n + to - 1) / to * to;
}

static bool lies_in_tail(const struct type *t, u32 size)
{
	return (t->kind == TYPE_STRING || t->kind == TYPE_BUFFER) && size > FIXED_STRING_MAX;
}

struct action_argument *action_argument_add(struct script *s, struct action *a, const char *name,
					    const struct type *type, struct node *node)
{
	u32 size = type_stored_size(type), align, n = a->argument_count;
	struct action_argument *list, *argument;
	u32 end = sizeof(struct record_header), tail = 0;

	list = arena_alloc(s->arena, (n + 1) * sizeof(*list));
	if (arena_error(s->arena))
		return NULL;
	if (n)
		memcpy(list, a->arguments, n * sizeof(*list));
	for (u32 i = 0; i < n; i++) {
		u32 stored = type_stored_size(list[i].type);

		end = MAX(end, list[i].offset + (list[i].in_tail ? 4 : stored));
		tail += list[i].in_tail ? stored : 0;
	}
	if (a->has_probe)
		end = MAX(end, (u32)sizeof(struct record_header) + 4);
	argument = &list[n];
	argument->name = name;
	argument->type = type;
	argument->node = node;
	argument->in_tail = lies_in_tail(type, size);
	if (argument->in_tail) {
		tail += size;
		size = align = 4;
	} else {
		align = size >= 8 || type->kind == TYPE_STRUCT ? 8
			: size > 2			       ? 4
			: size > 1			       ? 2
							       : 1;
		if (type->kind == TYPE_STRING)
			align = 1;
	}
	argument->offset = up(end, align);
	a->arguments = list;
	a->argument_count = n + 1;
	a->fixed_size = up(argument->offset + size, 8);
	a->max_size = up(a->fixed_size + tail, 8);
	return argument;
}

#define LATE_POINTS 64

bool script_detaches_late(const struct script *s)
{
	u32 count = 0;

	for (size_t i = 0; i < s->program_count; i++) {
		const struct script_program *p = s->programs[i];

		if (p->provider->context == CONTEXT_TRACEPOINT)
			count += p->point_count;
	}
	return count >= LATE_POINTS;
}
