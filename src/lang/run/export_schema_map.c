// SPDX-License-Identifier: Apache-2.0
/*
 * The schema of a map: columns of its key, called as the script calls what stands in the brackets,
 * then those of its value. Counts and sums become a table, with a stack in the key they become
 * stacks; hist() and lhist() become a histogram where their buckets are ones of ours, else a table
 * of buckets.
 */
#include "lang/run/export_internal.h"

/* What the script's text says about a map. */
struct mention {
	const char *name;
	const struct node *key; /* of the first use with one */
	bool is_emptied;	/* delete() or clear() of it */
};

static bool look(void *context, struct node *n)
{
	struct mention *m = context;
	const struct node *first = n->kind == NODE_CALL ? n->call.arguments : NULL;

	if (first && first->kind == NODE_MAP && !strcmp(first->map.name, m->name) &&
	    (!strcmp(n->call.name, "delete") || !strcmp(n->call.name, "clear")))
		m->is_emptied = true;
	if (n->kind == NODE_MAP && n->map.key && !m->key && !strcmp(n->map.name, m->name))
		m->key = n->map.key;
	return true;
}

static struct mention mention_of(const struct script *s, const struct map *map)
{
	struct mention m = { .name = map->name };

	for (size_t i = 0; i < s->program_count; i++) {
		const struct probe *p = s->programs[i]->probe;

		if (p->predicate)
			node_walk(p->predicate, look, &m);
		if (p->body)
			node_walk(p->body, look, &m);
	}
	return m;
}

/* A value, or each member of a tuple or record. @node (may be NULL) says what they are called. */
static int add_parts(struct export_schema *s, const struct type *t, const struct node *node,
		     const char *fallback, bool is_key)
{
	const struct node *part = node && node->kind == NODE_TUPLE ? node->tuple.members : NULL;
	const char *name;
	int err = 0;

	if (t->kind != TYPE_STRUCT || !(t->is_tuple || t->is_record) || !t->members) {
		name = export_word_of(node);
		return MIN(export_add_value(s, name ? name : fallback, "", t, 0, is_key), 0);
	}
	for (u32 i = 0; i < t->members->count && err >= 0; i++) {
		const struct field *f = &t->members->fields[i];
		char numbered[16];

		snprintf(numbered, sizeof(numbered), "%s%u", fallback, i);
		name = f->name && *f->name ? f->name : export_word_of(part);
		err = export_add_value(s, name ? name : numbered, "", f->type, f->offset, is_key);
		part = part ? part->next : NULL;
	}
	return MIN(err, 0);
}

/* A column that is made of the map's value by export_map.c: slot @i of s->at. */
static int add_made(struct export_schema *s, unsigned i, const char *name, const char *help,
		    const char *kind, const char *unit)
{
	int at = export_add_column(s, name, help, kind_find(kind), 8, &s->at[i]);

	if (at >= 0 && *unit)
		s->schema->columns[at].unit = unit;
	return MIN(at, 0);
}

static int add_slots(struct export_schema *s, const struct type *t, const char *unit)
{
	const struct aggregation *a = &t->aggregation;
	u64 first = t->kind == TYPE_LHIST ? (u64)a->min / (u64)a->step : 0;
	u32 slots = t->kind == TYPE_LHIST ? (u32)first + a->buckets - 2 : EXPORT_SLOTS_MAX;
	int err = export_add_column(s, "histogram", "how many values fell between which bounds",
				    kind_find("histogram"), slots * 8, &s->at[0]);

	if (err < 0)
		return err;
	s->schema->columns[err].slot_step = t->kind == TYPE_LHIST ? (u64)a->step : 0;
	s->schema->columns[err].unit = unit;
	err = add_made(s, 1, "below", "values below the first slot", "count", "");
	return err || t->kind == TYPE_HIST
		       ? err
		       : add_made(s, 2, "above", "values above the last slot", "count", "");
}

static int add_buckets(struct export_schema *s, const char *unit)
{
	int err = add_made(s, 0, "bucket_min", "the least value that the bucket counts", "signed",
			   unit);

	s->schema->columns[s->schema->count - 1].is_key = true;
	if (!err)
		err = add_made(s, 1, "bucket_max", "the greatest", "signed", unit);
	s->schema->columns[s->schema->count - 1].is_key = true;
	return err ? err : add_made(s, 2, "count", "how many values", "count", "");
}

static int add_series(struct export_schema *s, const struct type *t)
{
	int err = add_made(s, 0, "interval", "when the interval began", "time_ns", "");

	s->schema->columns[s->schema->count - 1].is_key = true;
	return err ? err
		   : add_made(s, 1, "value", "of the interval",
			      t->aggregation.is_signed ? "signed" : "unsigned", "");
}

/* Can it be a histogram of ours: zero-based slots, no more than every reader takes? */
static bool has_slots(const struct type *t)
{
	const struct aggregation *a = &t->aggregation;

	if (t->kind == TYPE_HIST)
		return true;
	return a->min >= 0 && a->min % a->step == 0 &&
	       (u64)a->min / (u64)a->step + a->buckets - 2 <= EXPORT_SLOTS_MAX;
}

static enum export_value value_of(const struct type *t)
{
	switch (t->kind) {
	case TYPE_COUNT:
	case TYPE_SUM:
		return EXPORT_COUNT;
	case TYPE_AVG:
	case TYPE_STATS:
		return EXPORT_AVERAGE;
	case TYPE_HIST:
	case TYPE_LHIST:
		return has_slots(t) ? EXPORT_HISTOGRAM : EXPORT_BUCKETS;
	case TYPE_TSERIES:
		return EXPORT_SERIES;
	default:
		return EXPORT_CHANGED;
	}
}

static const char *sum_kind(const struct type *t, const char *unit)
{
	if (t->kind == TYPE_SUM && t->aggregation.is_signed)
		return "signed";
	if (t->kind == TYPE_SUM && !strcmp(unit, "ns"))
		return "duration_ns";
	if (t->kind == TYPE_SUM && !strcmp(unit, "us"))
		return "duration_us";
	return t->kind == TYPE_SUM && !strcmp(unit, "bytes") ? "bytes" : "count";
}

static int add_map_value(struct export_schema *s, const struct map *m)
{
	const struct type *t = m->value;
	const char *unit = export_unit_of(m->name + 1), *number;
	int err;

	switch (s->value) {
	case EXPORT_COUNT:
		return add_made(s, 0, t->kind == TYPE_SUM ? "sum" : "count",
				"since the last reading", sum_kind(t, unit),
				t->kind == TYPE_SUM ? unit : "");
	case EXPORT_AVERAGE:
		number = t->aggregation.is_signed ? "signed" : "unsigned";
		err = add_made(s, 0, "count", "values since the last reading", "count", "");
		if (!err)
			err = add_made(s, 1, "average", "of these", number, unit);
		return err ? err : add_made(s, 2, "total", "their sum", number, unit);
	case EXPORT_HISTOGRAM:
		return add_slots(s, t, unit);
	case EXPORT_BUCKETS:
		return add_buckets(s, unit);
	case EXPORT_SERIES:
		return add_series(s, t);
	case EXPORT_CHANGED:
		break;
	}
	return add_parts(s, t, NULL,
			 t->kind == TYPE_MIN   ? "min"
			 : t->kind == TYPE_MAX ? "max"
					       : "value",
			 false);
}

static bool has_stack(const struct type *t)
{
	if (t->kind == TYPE_STRUCT && t->members) {
		for (u32 i = 0; i < t->members->count; i++) {
			if (has_stack(t->members->fields[i].type))
				return true;
		}
	}
	return t->kind == TYPE_KSTACK || t->kind == TYPE_USTACK;
}

int export_add_map(struct export *e, const struct map *m)
{
	const struct mention mention = mention_of(e->run->script, m);
	enum export_value value = value_of(m->value);
	enum schema_sort sort = SCHEMA_TABLE;
	struct export_schema *s;
	int err;

	/*
	 * What a script takes out again is its own notebook (when a call began, by thread), not
	 * something it has found out.
	 */
	if (m->value->kind == TYPE_NONE ||
	    (value == EXPORT_CHANGED && mention.is_emptied && !type_is_aggregate(m->value)))
		return 0;
	if (value == EXPORT_HISTOGRAM)
		sort = SCHEMA_HISTOGRAM;
	else if (value == EXPORT_COUNT && m->key && has_stack(m->key))
		sort = SCHEMA_STACKS;
	err = export_new_schema(e, m->name[1] ? m->name + 1 : "map", "a map", sort, &s);
	if (err)
		return err;
	s->map = m;
	s->value = value;
	if (m->key)
		err = add_parts(s, m->key, mention.key, "key", true);
	s->value_offset = s->schema->fixed_size;
	if (!err)
		err = add_map_value(s, m);
	if (err)
		return err;
	schema_seal(s->schema, s->schema->fixed_size);
	for (size_t i = 0; i < e->run->script->action_count; i++) {
		const struct action *a = e->run->script->actions[i];

		if ((a->kind == ACTION_CLEAR || a->kind == ACTION_ZERO) && a->map == m)
			e->by_action[a->number] = (u32)e->count;
	}
	return 0;
}
