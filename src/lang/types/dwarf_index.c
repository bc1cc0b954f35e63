// SPDX-License-Identifier: Apache-2.0
/*
 * Names of a program's debug information: types, functions and constants of enums of all its units,
 * found by one walk along the units' own entries and those of namespaces, when the first is asked
 * for. Of what is defined in many units the first definition counts.
 */
#include "lang/types/dwarf.h"

#define INDEX_MAX 4000000
#define INDEX_BUCKETS 16384

struct indexed {
	const char *name;
	u32 offset, next;
	enum dwarf_class as;
};

struct dwarf_index {
	struct indexed *items;
	size_t count, capacity;
	u32 buckets[INDEX_BUCKETS];
};

static u32 *bucket_of(struct dwarf_index *x, const char *name)
{
	return &x->buckets[hash_of_name(name, strlen(name)) % INDEX_BUCKETS];
}

static u32 find(struct dwarf_index *x, const char *name, enum dwarf_class as)
{
	for (u32 i = *bucket_of(x, name); i; i = x->items[i - 1].next) {
		const struct indexed *its = &x->items[i - 1];

		if ((its->as == as || (!as && its->as <= DWARF_OF_TYPEDEF)) &&
		    !strcmp(its->name, name))
			return its->offset;
	}
	return 0;
}

static void add(struct dwarf_index *x, const char *name, u32 offset, enum dwarf_class as)
{
	u32 *b;

	if (!name || !*name || x->count >= INDEX_MAX || find(x, name, as) ||
	    grow(&x->items, &x->capacity, x->count + 1, sizeof(*x->items)))
		return;
	b = bucket_of(x, name);
	x->items[x->count] = (struct indexed){ name, offset, *b, as };
	*b = ++x->count;
}

static void index_enum(struct dwarf *d, struct dwarf_index *x, const struct dwarf_entry *of)
{
	struct dwarf_entry e, next;

	for (bool more = dwarf_first(d, of, &e); more; more = dwarf_next(d, &e, &next), e = next)
		if (e.tag == DWARF_ENUMERATOR)
			add(x, e.name, of->offset, DWARF_OF_ENUMERATOR);
}

static void index_entry(struct dwarf *d, struct dwarf_index *x, const struct dwarf_entry *e)
{
	bool whole = !e->is_declaration;

	if ((e->tag == DWARF_STRUCT || e->tag == DWARF_CLASS) && whole) {
		add(x, e->name, e->offset, DWARF_OF_STRUCT);
	} else if (e->tag == DWARF_UNION && whole) {
		add(x, e->name, e->offset, DWARF_OF_UNION);
	} else if (e->tag == DWARF_TYPEDEF) {
		add(x, e->name, e->offset, DWARF_OF_TYPEDEF);
	} else if (e->tag == DWARF_ENUM && whole) {
		add(x, e->name, e->offset, DWARF_OF_ENUM);
		index_enum(d, x, e);
	} else if (e->tag == DWARF_FUNCTION) {
		add(x, e->name, e->offset, DWARF_OF_FUNCTION);
		add(x, e->linkage_name, e->offset, DWARF_OF_FUNCTION);
	}
}

static void index_list(struct dwarf *d, struct dwarf_index *x, const struct dwarf_entry *of,
		       unsigned depth)
{
	struct dwarf_entry e, next;

	for (bool more = dwarf_first(d, of, &e); more; more = dwarf_next(d, &e, &next), e = next) {
		if (e.tag == DWARF_NAMESPACE && depth < 8)
			index_list(d, x, &e, depth + 1);
		else
			index_entry(d, x, &e);
	}
}

u32 dwarf_named(struct dwarf *d, const char *name, enum dwarf_class as)
{
	struct dwarf_index **x = dwarf_index_of(d);
	struct dwarf_entry e;

	if (!*x) {
		*x = calloc(1, sizeof(**x));
		for (size_t i = 0; *x && i < dwarf_unit_count(d); i++)
			if (dwarf_unit_entry(d, i, &e))
				index_list(d, *x, &e, 0);
	}
	return *x ? find(*x, name, as) : 0;
}

void dwarf_index_free(struct dwarf_index *x)
{
	if (x)
		free(x->items);
	free(x);
}
