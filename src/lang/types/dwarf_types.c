// SPDX-License-Identifier: Apache-2.0
/*
 * Types out of a program's DWARF, as btf.c makes them out of BTF: structs are named first and read
 * when somebody looks inside. A program is opened when the first question reaches it. Its pointers
 * point to its own memory.
 */
#include "lang/types/dwarf.h"

#define CACHE_BUCKETS 1024
#define MEMBERS_MAX 65535
#define DIMENSIONS_MAX 8

struct cached {
	u32 offset, next;
	const struct type *type;
};

struct program {
	struct dwarf *dwarf;
	bool is_open; /* or was tried */
	struct cached *cache;
	size_t cached, capacity;
	u32 buckets[CACHE_BUCKETS];
};

static struct dwarf *dwarf_of(struct type_origin *o)
{
	struct program *p = o->program;

	if (!p->is_open) {
		p->is_open = true;
		dwarf_open(o->name, &p->dwarf);
	}
	return p->dwarf;
}

void program_free(struct program *p)
{
	if (!p)
		return;
	dwarf_free(p->dwarf);
	free(p->cache);
	free(p);
}

static struct type_origin *program_new(struct type_world *w, const char *path)
{
	struct type_origin *o = calloc(1, sizeof(*o));

	if (o) {
		o->program = calloc(1, sizeof(*o->program));
		o->name = strdup(path);
	}
	if (!o || !o->program || !o->name ||
	    grow(&w->programs, &w->program_capacity, w->program_count + 1, sizeof(*w->programs))) {
		origin_free(o);
		return NULL;
	}
	o->world = w;
	o->pointers = SPACE_USER;
	w->programs[w->program_count++] = o;
	return o;
}

static struct type_origin *program_at(struct type_world *w, const char *path)
{
	for (size_t i = 0; i < w->program_count; i++)
		if (!strcmp(w->programs[i]->name, path))
			return w->programs[i];
	return program_new(w, path);
}

void type_world_add_program(struct type_world *w, const char *path)
{
	struct type_origin *o = program_at(w, path);

	if (o)
		o->is_searched = true;
}

/* ---- types ----------------------------------------------------------------------------------- */

static const struct type *type_at(struct type_origin *o, u32 offset, unsigned depth);

/* Behind typedefs and qualifiers; false: void, or nothing. */
static bool resolve(struct dwarf *d, u32 offset, struct dwarf_entry *ret)
{
	for (int i = 0; i < 64 && offset; i++) {
		if (!dwarf_entry(d, offset, ret))
			return false;
		switch (ret->tag) {
		case DWARF_TYPEDEF:
		case DWARF_CONST:
		case DWARF_VOLATILE:
		case DWARF_RESTRICT:
		case DWARF_ATOMIC:
			offset = ret->type;
			continue;
		}
		return true;
	}
	return false;
}

static const struct type *make_base(struct type_origin *o, const struct dwarf_entry *e)
{
	struct arena *a = o->world->o.arena;
	u32 size = MIN(e->size, 64u);

	switch (e->encoding) {
	case 2: /* boolean */
		return size == 1 ? &type_bool : type_integer(size, false);
	case 5: /* signed, signed char */
	case 6:
		if (size == 16)
			return type_array(a, &type_u64, 2);
		return type_integer(size, true);
	case 7: /* unsigned, unsigned char, Unicode */
	case 8:
	case 0x10:
		if (size == 16)
			return type_array(a, &type_u64, 2);
		return type_integer(size, false);
	}
	return type_new(a, TYPE_NONE, size);
}

static bool is_char(struct dwarf *d, u32 offset)
{
	struct dwarf_entry e;

	return resolve(d, offset, &e) && e.tag == DWARF_BASE && e.name && !strcmp(e.name, "char");
}

static const struct type *make_array(struct type_origin *o, const struct dwarf_entry *of,
				     unsigned depth)
{
	struct dwarf *d = dwarf_of(o);
	const struct type *t = type_at(o, of->type, depth + 1);
	u64 counts[DIMENSIONS_MAX];
	struct dwarf_entry e, next;
	unsigned n = 0;

	for (bool more = dwarf_first(d, of, &e); more && n < DIMENSIONS_MAX;
	     more = dwarf_next(d, &e, &next), e = next) {
		if (e.tag != DWARF_SUBRANGE)
			continue;
		counts[n] = e.has_count ? e.count : e.has_upper_bound ? (u64)e.upper_bound + 1 : 0;
		if (counts[n] > 1 << 28)
			counts[n] = 0;
		n++;
	}
	if (n == 1 && is_char(d, of->type))
		return type_string(o->world->o.arena, counts[0]);
	if (!n)
		return type_array(o->world->o.arena, t, 0);
	while (n--)
		t = type_array(o->world->o.arena, t, counts[n]);
	return t;
}

static const struct type *make_struct(struct type_origin *o, struct dwarf_entry *e)
{
	struct dwarf *d = dwarf_of(o);
	bool is_union = e->tag == DWARF_UNION;
	struct type *t;

	if (e->is_declaration && e->name) {
		u32 whole = dwarf_named(d, e->name, is_union ? DWARF_OF_UNION : DWARF_OF_STRUCT);

		if (whole)
			dwarf_entry(d, whole, e);
	}
	t = type_new_struct(o->world->o.arena, e->name, MIN(e->size, 1u << 28), is_union);
	if (!e->is_declaration) {
		t->origin = o;
		t->btf_id = e->offset;
	}
	return t;
}

static const struct type *make_enum(struct type_origin *o, const struct dwarf_entry *e)
{
	struct type *t = type_new(o->world->o.arena, TYPE_ENUM, e->size == 8 ? 8 : 4);
	const struct type *of = e->type ? type_at(o, e->type, TYPE_DEPTH_MAX) : &type_u32;

	if (e->size == 1 || e->size == 2)
		t->size = e->size;
	t->name = e->name;
	t->is_anonymous = !e->name;
	t->is_signed = of->is_signed;
	t->of = type_integer(t->size, t->is_signed);
	t->align = t->size;
	t->origin = o;
	t->btf_id = e->offset;
	return t;
}

static const struct type *make(struct type_origin *o, struct dwarf_entry *e, unsigned depth)
{
	const struct type *of;

	switch (e->tag) {
	case DWARF_BASE:
		return make_base(o, e);
	case DWARF_POINTER:
	case DWARF_REFERENCE:
	case DWARF_RVALUE:
		of = e->type ? type_at(o, e->type, depth + 1) : &type_void;
		return type_pointer(o->world->o.arena, of->kind == TYPE_FUNCTION ? &type_void : of,
				    SPACE_USER);
	case DWARF_ARRAY:
		return make_array(o, e, depth);
	case DWARF_STRUCT:
	case DWARF_CLASS:
	case DWARF_UNION:
		return make_struct(o, e);
	case DWARF_ENUM:
		return make_enum(o, e);
	case DWARF_SUBROUTINE_TYPE:
		return type_new(o->world->o.arena, TYPE_FUNCTION, 0);
	}
	return type_new(o->world->o.arena, TYPE_NONE, MIN(e->size, 1u << 20));
}

static const struct type *type_at(struct type_origin *o, u32 offset, unsigned depth)
{
	struct program *p = o->program;
	struct dwarf_entry e;
	const struct type *t;
	u32 at;

	if (!resolve(dwarf_of(o), offset, &e))
		return &type_void;
	if (depth > TYPE_DEPTH_MAX + 1)
		return &type_none;
	at = e.offset;
	for (u32 i = p->buckets[at % CACHE_BUCKETS]; i; i = p->cache[i - 1].next)
		if (p->cache[i - 1].offset == at)
			return p->cache[i - 1].type;
	t = make(o, &e, depth);
	if (grow(&p->cache, &p->capacity, p->cached + 1, sizeof(*p->cache)))
		return t;
	p->cache[p->cached] = (struct cached){ at, p->buckets[at % CACHE_BUCKETS], t };
	p->buckets[at % CACHE_BUCKETS] = ++p->cached;
	return t;
}

/* ---- inside ---------------------------------------------------------------------------------- */

static bool is_member(const struct dwarf_entry *e)
{
	return (e->tag == DWARF_MEMBER && !e->is_declaration) || e->tag == DWARF_INHERITANCE;
}

static void read_member(struct type_origin *o, const struct dwarf_entry *e, struct field *f)
{
	u64 at = e->location * 8;

	f->name = e->tag == DWARF_INHERITANCE ? NULL : e->name;
	f->type = type_at(o, e->type, 0);
	f->offset = MIN(e->location, 1u << 28);
	if (!e->bit_size || e->bit_size > 64 || e->location > 1 << 28 || !type_is_integer(f->type))
		return;
	if (e->has_data_bit_offset)
		at = e->data_bit_offset;
	else if (e->has_old_bit_offset)
		/* counted from the highest bit of its unit */
		at += (e->size ? e->size : f->type->size) * 8 - e->old_bit_offset - e->bit_size;
	if (at < 1ULL << 31 && e->bit_size <= f->type->size * 8)
		field_set_bits(f, at, e->bit_size);
}

bool program_members(struct type_origin *o, const struct type *t)
{
	struct dwarf *d = dwarf_of(o);
	struct arena *a = o->world->o.arena;
	struct members *m = t->members;
	struct dwarf_entry of, e, next;
	u32 count = 0;

	if (!d || !dwarf_entry(d, t->btf_id, &of))
		return false;
	for (bool more = dwarf_first(d, &of, &e); more && count < MEMBERS_MAX;
	     more = dwarf_next(d, &e, &next), e = next)
		count += is_member(&e);
	m->fields = arena_alloc(a, (count + 1) * sizeof(*m->fields));
	if (arena_error(a))
		return false;
	m->complete = true; /* before its members: one may lead here */
	for (bool more = dwarf_first(d, &of, &e); more && m->count < count;
	     more = dwarf_next(d, &e, &next), e = next)
		if (is_member(&e))
			read_member(o, &e, &m->fields[m->count++]);
	return true;
}

const struct type *program_named(struct type_origin *o, const char *name, unsigned kind)
{
	struct dwarf *d = o->is_searched ? dwarf_of(o) : NULL;
	enum dwarf_class as = kind == BTF_KIND_STRUCT	 ? DWARF_OF_STRUCT
			      : kind == BTF_KIND_UNION	 ? DWARF_OF_UNION
			      : kind == BTF_KIND_ENUM	 ? DWARF_OF_ENUM
			      : kind == BTF_KIND_TYPEDEF ? DWARF_OF_TYPEDEF
							 : DWARF_ANY_TYPE;
	u32 offset = d ? dwarf_named(d, name, as) : 0;

	return offset ? type_at(o, offset, 0) : NULL;
}

static bool find_constant(struct dwarf *d, u32 offset, const char *name, s64 value,
			  struct dwarf_entry *ret)
{
	struct dwarf_entry of, next;

	if (!dwarf_entry(d, offset, &of))
		return false;
	for (bool more = dwarf_first(d, &of, ret); more;
	     more = dwarf_next(d, ret, &next), *ret = next)
		if (ret->tag == DWARF_ENUMERATOR && ret->name &&
		    (name ? !strcmp(ret->name, name) : ret->value == value))
			return true;
	return false;
}

bool program_enumerator(struct type_origin *o, const char *name, s64 *ret,
			const struct type **ret_enum)
{
	struct dwarf *d = o->is_searched ? dwarf_of(o) : NULL;
	u32 offset = d ? dwarf_named(d, name, DWARF_OF_ENUMERATOR) : 0;
	struct dwarf_entry e;

	if (!offset || !find_constant(d, offset, name, 0, &e))
		return false;
	*ret = e.value;
	if (ret_enum)
		*ret_enum = type_at(o, offset, 0);
	return true;
}

const char *program_enum_name(struct type_origin *o, u32 id, s64 value)
{
	struct dwarf *d = dwarf_of(o);
	struct dwarf_entry e;

	return d && find_constant(d, id, NULL, value, &e) ? e.name : NULL;
}

/* ---- functions ------------------------------------------------------------------------------- */

/* What an entry leaves to the one that it is a copy of. */
static void inherit(struct dwarf *d, struct dwarf_entry *e)
{
	struct dwarf_entry from;

	for (int i = 0; i < 4; i++) {
		u32 offset = e->origin ? e->origin : e->specification;

		if (!offset || !dwarf_entry(d, offset, &from))
			return;
		e->name = e->name ? e->name : from.name;
		e->type = e->type ? e->type : from.type;
		e->children = e->children ? e->children : from.children;
		e->origin = from.origin;
		e->specification = from.specification;
	}
}

static u32 read_parameters(struct type_origin *o, const struct dwarf_entry *of, struct field *to)
{
	struct dwarf *d = dwarf_of(o);
	struct dwarf_entry e, next;
	u32 n = 0;

	for (bool more = dwarf_first(d, of, &e); more && n < 64;
	     more = dwarf_next(d, &e, &next), e = next) {
		if (e.tag != DWARF_PARAMETER)
			continue;
		inherit(d, &e);
		to[n].name = e.name ? e.name : "";
		to[n].type = type_at(o, e.type, 0);
		if (to[n].type->kind == TYPE_ENUM && to[n].type->of)
			to[n].type = to[n].type->of; /* a number, as bpftrace has it */
		to[n].offset = n * sizeof(u64);
		n++;
	}
	return n;
}

const struct type *type_user_function(struct type_world *w, const char *path, const char *name)
{
	struct type_origin *o = program_at(w, path);
	struct dwarf *d = o ? dwarf_of(o) : NULL;
	struct arena *a = w->o.arena;
	struct field list[64] = {};
	struct dwarf_entry e;
	struct type *t;
	u32 offset;

	if (!d) {
		fail(-ENODATA, "%s has no debug information", path);
		return NULL;
	}
	offset = dwarf_named(d, name, DWARF_OF_FUNCTION);
	if (!offset || !dwarf_entry(d, offset, &e)) {
		fail(-ENOENT, "the debug information of %s has no function %s", path, name);
		return NULL;
	}
	inherit(d, &e);
	t = type_new(a, TYPE_FUNCTION, 0);
	t->name = e.name;
	t->of = type_at(o, e.type, 0);
	t->origin = o;
	t->members = arena_new_of(a, struct members);
	t->members->complete = true;
	t->members->fields = arena_alloc(a, sizeof(list));
	if (arena_error(a))
		return NULL;
	t->members->count = read_parameters(o, &e, list);
	memcpy(t->members->fields, list, sizeof(list));
	return t;
}

/* ---- as C, for -lv --------------------------------------------------------------------------- */

static void print_type(struct dwarf *d, u32 offset, unsigned depth, struct buf *b)
{
	struct dwarf_entry e = {}, of;
	const char *word = NULL;

	if (depth > TYPE_DEPTH_MAX || (offset && !dwarf_entry(d, offset, &e))) {
		buf_add_str(b, "<unknown type>");
		return;
	}
	switch (e.tag) {
	case 0:
		buf_add_str(b, "void");
		return;
	case DWARF_POINTER:
	case DWARF_ARRAY:
	case DWARF_REFERENCE:
	case DWARF_RVALUE:
		print_type(d, e.type, depth + 1, b);
		buf_add_str(b, e.tag == DWARF_REFERENCE ? "&" : e.tag == DWARF_RVALUE ? "&&" : "*");
		return;
	case DWARF_CONST:
	case DWARF_VOLATILE:
	case DWARF_RESTRICT:
		word = e.tag == DWARF_CONST	 ? "const"
		       : e.tag == DWARF_VOLATILE ? "volatile"
						 : "restrict";
		if (e.type && dwarf_entry(d, e.type, &of) && of.tag == DWARF_POINTER) {
			print_type(d, e.type, depth + 1, b);
			buf_printf(b, " %s", word);
			return;
		}
		buf_printf(b, "%s ", word);
		print_type(d, e.type, depth + 1, b);
		return;
	case DWARF_STRUCT:
	case DWARF_UNION:
	case DWARF_ENUM:
		word = e.tag == DWARF_STRUCT  ? "struct "
		       : e.tag == DWARF_UNION ? "union "
					      : "enum ";
		buf_printf(b, "%s%s", word, e.name ? e.name : "<anonymous>");
		return;
	default:
		buf_add_str(b, e.name ? e.name : "<unknown type>");
	}
}

void type_print_user_parameters(struct type_world *w, const char *path, const char *name,
				struct buf *b)
{
	struct type_origin *o = program_at(w, path);
	struct dwarf *d = o ? dwarf_of(o) : NULL;
	struct dwarf_entry of, e, next;
	u32 offset = d ? dwarf_named(d, name, DWARF_OF_FUNCTION) : 0;

	if (!offset || !dwarf_entry(d, offset, &of))
		return;
	inherit(d, &of);
	for (bool more = dwarf_first(d, &of, &e); more; more = dwarf_next(d, &e, &next), e = next) {
		if (e.tag != DWARF_PARAMETER)
			continue;
		inherit(d, &e);
		buf_add_str(b, "    ");
		print_type(d, e.type, 0, b);
		buf_printf(b, " %s\n", e.name ? e.name : "");
	}
}
