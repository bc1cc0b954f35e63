// SPDX-License-Identifier: Apache-2.0
/*
 * The one reader of schemas: struct members become columns. The first typedef on the way to a
 * member's type names its kind; declaration tags give the rest. What cannot be a column (a
 * bit-field, a pointer, an array of structs) is an error that names the member, because a column
 * that is silently missing is worse.
 */
#include "event/schema_btf.h"

#include <linux/btf.h>

#define NESTING_MAX 8
#define CHAIN_MAX 32 /* of typedefs and qualifiers, as libbpf has it */

struct reader {
	const struct btf *btf;
	struct schema *schema;
	bool is_key;
};

/*
 * The object may be anybody's, and not every libbpf checks what its BTF refers to: a type or a name
 * may not be there, and a typedef may be one of itself.
 */
static const char *name_at(const struct btf *btf, u32 offset)
{
	const char *name = btf__name_by_offset(btf, offset);

	return name ? name : "";
}

int btf_tag(const struct btf *btf, u32 type, int component, const char *word, unsigned n,
	    struct tag *ret)
{
	u32 count = btf__type_cnt(btf);

	for (u32 id = 1; id < count; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		struct tag tag;
		int err;

		if (!btf_is_decl_tag(t) || t->type != type ||
		    btf_decl_tag(t)->component_idx != component)
			continue;
		err = tag_parse(name_at(btf, t->name_off), &tag);
		if (err == -ENOENT)
			continue;
		if (err)
			return err;
		if (strcmp(tag.word, word) || n--)
			continue;
		*ret = tag;
		return 0;
	}
	return -ENOENT;
}

/* Follows typedefs and qualifiers; the first typedef that names a kind wins. */
static const struct btf_type *resolve(const struct btf *btf, u32 id, const struct kind **ret_kind)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	for (int i = 0; t && i < CHAIN_MAX && (btf_is_mod(t) || btf_is_typedef(t)); i++) {
		if (btf_is_typedef(t) && !*ret_kind)
			*ret_kind = kind_find(name_at(btf, t->name_off));
		t = btf__type_by_id(btf, t->type);
	}
	return t && !btf_is_mod(t) && !btf_is_typedef(t) ? t : NULL;
}

static bool is_tail(const struct btf *btf, const struct btf_type *t)
{
	return btf_is_struct(t) && !strcmp(name_at(btf, t->name_off), "tail");
}

static bool is_char_array(const struct btf *btf, const struct btf_type *t)
{
	const struct kind *ignored = NULL;
	const struct btf_type *element;

	if (!btf_is_array(t))
		return false;
	element = resolve(btf, btf_array(t)->type, &ignored);
	return element && btf_is_int(element) && element->size == 1;
}

static int names_of_enum(struct reader *r, int index, const struct btf_type *t,
			 const struct tag *tag)
{
	const struct btf_enum *e = btf_enum(t);
	const char *strip = "";
	size_t strip_len = 0;
	struct name_of_number *names = calloc(btf_vlen(t) + 1, sizeof(*names));
	char word[64];

	if (!names)
		return fail(-ENOMEM, "out of memory");
	r->schema->columns[index].names = names;
	tag_option(tag, "strip", &strip, &strip_len);
	snprintf(word, sizeof(word), "%.*s", (int)strip_len, strip);
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const char *name = name_at(r->btf, e[i].name_off);

		name = schema_strdup(r->schema,
				     name + (*word && str_starts(name, word) ? strlen(word) : 0));
		if (!name)
			return -ENOMEM;
		names[i] = (struct name_of_number){ .number = e[i].val, .name = name };
		r->schema->columns[index].name_count = i + 1;
	}
	return 0;
}

static int apply_tag(struct reader *r, int index, const struct tag *tag)
{
	struct column *c = &r->schema->columns[index];
	const char *value;
	u64 width;
	size_t len;
	int err;

	err = tag_number(tag, "width", (u64)c->width, &width);
	if (err)
		return err;
	c->width = (int)MIN(width, 1000);
	c->wide = tag_option(tag, "wide", NULL, NULL);
	c->hidden = c->wide || tag_option(tag, "hide", NULL, NULL);
	c->left |= tag_option(tag, "left", NULL, NULL);
	c->bit_flags = tag_option(tag, "flags", NULL, NULL);
	if (tag_option(tag, "hex", NULL, NULL) && c->kind->class == VALUE_UNSIGNED)
		c->kind = kind_find("hex");
	if (tag_option(tag, "label", &value, &len) || tag_option(tag, "unit", &value, &len) ||
	    tag_option(tag, "when", &value, &len)) {
		static const char *const keys[] = { "label", "unit", "when" };
		const char **members[] = { &c->label, &c->unit, &c->when };

		for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
			_cleanup_free_ char *copy = NULL;

			if (!tag_option(tag, keys[i], &value, &len))
				continue;
			copy = strndup(value, len);
			*members[i] = copy ? schema_strdup(r->schema, copy) : NULL;
			if (!*members[i])
				return fail(-ENOMEM, "out of memory");
		}
	}
	return 0;
}

/* The kind where no typedef names one, by what the type is. */
static const struct kind *natural_kind(const struct btf *btf, const struct btf_type *t,
				       const struct kind *named)
{
	if (named)
		return named;
	if (is_char_array(btf, t))
		return kind_find("text");
	if (btf_is_enum(t))
		return kind_find(btf_kflag(t) ? "signed" : "unsigned");
	if (!btf_is_int(t))
		return NULL;
	if (btf_int_encoding(t) & BTF_INT_BOOL)
		return kind_find("bool");
	return kind_find(btf_int_encoding(t) & BTF_INT_SIGNED ? "signed" : "unsigned");
}

static u32 byte_size(const struct btf *btf, u32 id)
{
	s64 size = btf__resolve_size(btf, id);

	return size > 0 ? (u32)size : 0;
}

/* One column of type @id at @offset, called @name; @tag holds its COL() words, or none. */
static int add_column(struct reader *r, const char *name, u32 id, u32 offset, const struct tag *tag)
{
	const struct kind *kind = NULL;
	const struct btf_type *t = resolve(r->btf, id, &kind);
	const struct kind *natural = t ? natural_kind(r->btf, t, kind) : NULL;
	int index;

	if (!natural)
		return fail(-EINVAL, "%s: member '%s' has a type that cannot be a column",
			    r->schema->name, name);
	if ((natural->class == VALUE_TEXT || natural->class == VALUE_WORDS) &&
	    !is_tail(r->btf, t) && !is_char_array(r->btf, t))
		return fail(-EINVAL, "%s: member '%s' is called text but is none", r->schema->name,
			    name);
	index = schema_add(r->schema, name, tag->text, natural, offset, byte_size(r->btf, id),
			   btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_SIGNED));
	if (index < 0)
		return index;
	r->schema->columns[index].in_tail = is_tail(r->btf, t);
	r->schema->columns[index].is_key = r->is_key;
	if (btf_is_enum(t)) {
		int err = names_of_enum(r, index, t, tag);

		if (err)
			return err;
	}
	return apply_tag(r, index, tag);
}

static int add_members(struct reader *r, u32 id, u32 base, int depth);

static int add_member(struct reader *r, u32 struct_id, const struct btf_type *t, u32 i, u32 base,
		      int depth)
{
	const struct btf_member *m = btf_members(t) + i;
	const char *name = name_at(r->btf, m->name_off);
	u32 bits = btf_member_bit_offset(t, i);
	const struct kind *kind = NULL;
	const struct btf_type *type = resolve(r->btf, m->type, &kind);
	struct tag tag = { .options = "", .text = "" };
	int err;

	if (btf_member_bitfield_size(t, i) || bits % 8)
		return fail(-EINVAL, "%s: member '%s' is a bit-field, which cannot be a column",
			    r->schema->name, name);
	err = btf_tag(r->btf, struct_id, (int)i, "col", 0, &tag);
	if (err && err != -ENOENT)
		return err;
	if (tag_option(&tag, "skip", NULL, NULL))
		return 0;
	if (type && btf_is_struct(type) && !kind && !is_tail(r->btf, type)) {
		if (!strcmp(name_at(r->btf, type->name_off), "header"))
			return 0;
		if (depth >= NESTING_MAX)
			return fail(-EINVAL, "%s: structs nested too deep", r->schema->name);
		return add_members(r, (u32)btf__resolve_type(r->btf, m->type), base + bits / 8,
				   depth + 1);
	}
	return add_column(r, name, m->type, base + bits / 8, &tag);
}

static int add_members(struct reader *r, u32 id, u32 base, int depth)
{
	const struct btf_type *t = btf__type_by_id(r->btf, id);

	if (!t || !btf_is_struct(t))
		return fail(-EINVAL, "%s: its columns are no struct", r->schema->name);
	for (u32 i = 0; i < btf_vlen(t); i++) {
		int err = add_member(r, id, t, i, base, depth);

		if (err)
			return err;
	}
	return 0;
}

static int add_time(struct reader *r)
{
	int i = schema_add(r->schema, "time", "when it happened", kind_find("time_ns"),
			   offsetof(struct record_header, time), 8, false);

	if (i < 0)
		return i;
	r->schema->columns[i].hidden = true;
	return 0;
}

static bool has_header(const struct btf *btf, u32 type)
{
	const struct btf_type *t = btf__type_by_id(btf, type), *first;

	if (!t || !btf_is_struct(t) || !btf_vlen(t) || btf_member_bit_offset(t, 0))
		return false;
	first = btf__type_by_id(btf, btf_members(t)[0].type);
	return first && btf_is_struct(first) && first->size == sizeof(struct record_header) &&
	       !strcmp(name_at(btf, first->name_off), "header");
}

int schema_of_struct(const struct btf *btf, const char *name, const struct tag *tag, u32 type,
		     struct schema **ret)
{
	_cleanup_(schema_freep) struct schema *s = schema_new(name, tag->text, SCHEMA_EVENTS);
	struct reader r = { .btf = btf, .schema = s };
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	if (!strcmp(tag->word, "event") && !has_header(btf, type))
		return fail(-EINVAL, "%s: the struct does not begin with `struct header header`",
			    name);
	err = has_header(btf, type) ? add_time(&r) : 0;
	if (!err)
		err = add_members(&r, type, 0, 0);
	if (err)
		return err;
	s->btf_type = type;
	schema_seal(s, byte_size(btf, type));
	*ret = TAKE_PTR(s);
	return 0;
}

/* A key or a value: a struct's members, or a single number named by its kind. */
static int add_part(struct reader *r, u32 id, u32 offset, const char *fallback)
{
	const struct kind *kind = NULL;
	const struct btf_type *t = resolve(r->btf, id, &kind);
	struct tag none = { .options = "", .text = "" };

	if (!t)
		return fail(-EINVAL, "%s: a map without types", r->schema->name);
	if (btf_is_struct(t) && !kind)
		return add_members(r, (u32)btf__resolve_type(r->btf, id), offset, 0);
	return add_column(r, kind ? kind->name : fallback, id, offset, &none);
}

static int apply_map_tag(struct schema *s, const struct tag *tag)
{
	const char *value;
	size_t len;
	u64 top, step;
	int err = tag_number(tag, "top", 0, &top);

	if (!err)
		err = tag_number(tag, "linear", 0, &step);
	if (err)
		return err;
	s->top = (u32)MIN(top, UINT32_MAX);
	for (size_t i = 0; i < s->count; i++) {
		struct column *c = &s->columns[i];

		if (c->kind->class != VALUE_HISTOGRAM)
			continue;
		c->slot_step = step;
		if (tag_option(tag, "unit", &value, &len)) {
			_cleanup_free_ char *unit = strndup(value, len);

			c->unit = unit ? schema_strdup(s, unit) : NULL;
			if (!c->unit)
				return fail(-ENOMEM, "out of memory");
		}
	}
	if (tag_option(tag, "sort", &value, &len)) {
		_cleanup_free_ char *name = strndup(value, len);
		int i = name ? schema_require(s, name) : -ENOMEM;

		if (i < 0)
			return i;
		s->sort_column = s->columns[i].name;
	}
	return 0;
}

int schema_of_map(const struct btf *btf, const char *name, const struct tag *tag,
		  enum schema_sort sort, u32 key, u32 value, struct schema **ret,
		  u32 *ret_value_offset)
{
	_cleanup_(schema_freep) struct schema *s = schema_new(name, tag->text, sort);
	struct reader r = { .btf = btf, .schema = s, .is_key = true };
	u32 value_offset = (u32)(sizeof(struct record_header) + ((byte_size(btf, key) + 7) & ~7u));
	bool only_one; /* an array of one element: its key says nothing */
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	only_one = tag_option(tag, "single", NULL, NULL);
	err = add_time(&r);
	if (!err && !only_one)
		err = add_part(&r, key, sizeof(struct record_header), "key");
	r.is_key = false;
	if (!err)
		err = add_part(&r, value, value_offset, "count");
	if (!err)
		err = apply_map_tag(s, tag);
	if (err)
		return err;
	schema_seal(s, value_offset + byte_size(btf, value));
	*ret = TAKE_PTR(s);
	*ret_value_offset = value_offset;
	return 0;
}
