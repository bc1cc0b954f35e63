// SPDX-License-Identifier: Apache-2.0
/*
 * For every relocation the members that it names are looked up in every kernel type of the root's
 * name, through anonymous structs and unions as libbpf does, and marked. What is marked is then
 * written out: structs with their size and just those members at their offsets, arrays, integers
 * and enums whole, pointers to void. Types keep the kernel's order, so that libbpf meets its
 * candidates in the order it always does.
 */
#include <bpf/btf.h>
#include <sys/mman.h>

#include "kernel/minimal_btf.h"

#define DEPTH 32 /* of anonymous nesting, as much as libbpf goes into */

struct mark {
	u32 id;
	u32 out;      /* id in the blob */
	u64 *members; /* a bit for each that is kept */
	bool values;  /* keep an enum's values */
};

struct minimizer {
	const struct kernel_btf *kernel;
	const struct btf *local;
	/* kernel id -> index + 1 of its mark; pages that nobody marks are never touched */
	u32 *slot;
	struct mark *marks;
	size_t count, capacity;
	struct buf types, strings;
	struct buf *missing;
	int error;
};

static bool is_composite(unsigned kind)
{
	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

static bool is_enum(unsigned kind)
{
	return kind == BTF_KIND_ENUM || kind == KIND_ENUM64;
}

static const struct btf_member *members_of(const struct btf_type *t)
{
	return (const void *)(t + 1);
}

/*
 * Marks the type itself, and what it holds by value where its size depends on that. Returns its
 * mark or NULL.
 */
static struct mark *mark_type(struct minimizer *m, u32 id)
{
	const struct btf_type *t = kernel_btf_type(m->kernel, id);
	struct mark *mark;

	if (!t || m->error)
		return NULL;
	if (!m->slot[id]) {
		if (m->count == m->capacity)
			m->error = grow(&m->marks, &m->capacity, m->count + 1, sizeof(*m->marks));
		if (m->error)
			return NULL;
		m->marks[m->count++].id = id;
		m->slot[id] = m->count;
		if (btf_kind_of(t) == BTF_KIND_TYPEDEF)
			mark_type(m, kernel_btf_resolve(m->kernel, t->type));
		if (btf_kind_of(t) == BTF_KIND_ARRAY) {
			const struct btf_array *a = (const void *)(t + 1);

			mark_type(m, kernel_btf_resolve(m->kernel, a->type));
		}
	}
	mark = &m->marks[m->slot[id] - 1];
	if (is_composite(btf_kind_of(t)) && !mark->members && btf_count_of(t)) {
		mark->members = calloc((btf_count_of(t) + 63) / 64, sizeof(u64));
		if (!mark->members)
			m->error = -ENOMEM;
	}
	return m->error ? NULL : mark;
}

static void mark_member(struct minimizer *m, u32 id, unsigned index)
{
	const struct btf_type *t = kernel_btf_type(m->kernel, id), *its;
	u32 type = kernel_btf_resolve(m->kernel, members_of(t)[index].type);
	struct mark *mark = mark_type(m, id);
	unsigned last = btf_count_of(t) - 1;

	if (!mark)
		return;
	mark->members[index / 64] |= 1ULL << index % 64;
	mark_type(m, type);
	/*
	 * An empty array is flexible only as the last member: it must not become the last by our
	 * doing.
	 */
	its = kernel_btf_type(m->kernel, type);
	if (its && btf_kind_of(its) == BTF_KIND_ARRAY && index != last &&
	    !((const struct btf_array *)(its + 1))->nelems)
		mark_member(m, id, last);
}

/* Marks the member and the anonymous members on the way to it. Its type, or 0. */
static u32 find_member(struct minimizer *m, u32 id, const char *name, int depth)
{
	const struct btf_type *t = kernel_btf_type(m->kernel, id);

	if (!t || !is_composite(btf_kind_of(t)) || depth > DEPTH)
		return 0;
	for (unsigned i = 0; i < btf_count_of(t); i++) {
		const struct btf_member *member = &members_of(t)[i];
		const char *its = kernel_btf_string(m->kernel, member->name_off);
		u32 found = kernel_btf_resolve(m->kernel, member->type);

		if (!*its)
			found = find_member(m, found, name, depth + 1);
		else if (strcmp(its, name))
			continue;
		if (!found)
			continue;
		mark_member(m, id, i);
		return found;
	}
	return 0;
}

/* Follows "0:1:2" through the local type and, by the members' names, through the kernel's type. */
static void mark_access(struct minimizer *m, u32 local_id, const char *access, u32 kernel_id)
{
	char *end;

	strtoul(access, &end, 10); /* an index into an array of the root: says nothing of types */
	while (*end == ':' && kernel_id) {
		unsigned index = strtoul(end + 1, &end, 10);
		int id = btf__resolve_type(m->local, local_id);
		const struct btf_type *t = id > 0 ? btf__type_by_id(m->local, id) : NULL;

		if (t && btf_is_composite(t) && index < btf_vlen(t)) {
			const struct btf_member *member = &btf_members(t)[index];
			const char *name = btf__name_by_offset(m->local, member->name_off);

			local_id = member->type;
			if (name && *name)
				kernel_id = find_member(m, kernel_id, name, 0);
		} else if (t && btf_is_array(t)) {
			const struct btf_type *its = kernel_btf_type(m->kernel, kernel_id);

			local_id = btf_array(t)->type;
			if (!its || btf_kind_of(its) != BTF_KIND_ARRAY)
				return;
			kernel_id = kernel_btf_resolve(m->kernel,
						       ((const struct btf_array *)(its + 1))->type);
		} else {
			return;
		}
	}
}

/* May a kernel type stand for the local one, by kind? */
static bool kinds_agree(unsigned local, unsigned kernel)
{
	return local == kernel || (is_enum(local) && is_enum(kernel));
}

static void mark_candidate(struct minimizer *m, const struct bpf_core_relo *r, const char *access,
			   u32 id)
{
	struct mark *mark;
	u32 behind;

	mark_type(m, id);
	behind = kernel_btf_resolve(m->kernel, id);
	if (r->kind <= BPF_CORE_FIELD_RSHIFT_U64) {
		mark_access(m, r->type_id, access, behind);
	} else if (r->kind >= BPF_CORE_ENUMVAL_EXISTS) {
		mark = mark_type(m, behind);
		if (mark)
			mark->values = true;
	}
}

/* Type questions about pointers and functions go through all that they point to: not for us. */
static bool is_plain(const struct btf *local, u32 id)
{
	int behind = btf__resolve_type(local, id);
	const struct btf_type *t = behind > 0 ? btf__type_by_id(local, behind) : NULL;

	return t && (btf_is_composite(t) || btf_is_any_enum(t) || btf_is_int(t) || btf_is_float(t));
}

static int mark_relocation(struct minimizer *m, const struct bpf_core_relo *r)
{
	const struct btf_type *t = btf__type_by_id(m->local, r->type_id);
	const char *name = t ? btf__name_by_offset(m->local, t->name_off) : NULL;
	const char *access = btf__name_by_offset(m->local, r->access_str_off);
	bool found = false;

	if (r->kind == BPF_CORE_TYPE_ID_LOCAL || !name || !*name || !access)
		return 0;
	if (!is_plain(m->local, r->type_id) && r->kind > BPF_CORE_FIELD_RSHIFT_U64)
		return -EOPNOTSUPP;
	for (u32 id = 0; (id = kernel_btf_named(m->kernel, name, id));) {
		if (!kinds_agree(btf_kind(t), btf_kind_of(kernel_btf_type(m->kernel, id))))
			continue;
		mark_candidate(m, r, access, id);
		found = true;
	}
	if (!found) {
		buf_add(m->missing, name, btf_essential_length(name));
		buf_add_char(m->missing, '\0');
	}
	return m->error;
}

static int mark_all(struct minimizer *m, const struct extension *e)
{
	struct extension_walk w = {};
	struct bpf_core_relo last = {}, r;
	const void *record;

	while ((record = extension_next(&e->relocations, &w))) {
		int err;

		memcpy(&r, record, sizeof(r));
		if (r.type_id == last.type_id && r.access_str_off == last.access_str_off &&
		    r.kind == last.kind)
			continue;
		last = r;
		err = mark_relocation(m, &r);
		if (err)
			return err;
	}
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static u32 add_string(struct minimizer *m, u32 offset)
{
	const char *s = kernel_btf_string(m->kernel, offset);
	u32 at = m->strings.len;

	if (!*s)
		return 0;
	buf_add(&m->strings, s, strlen(s) + 1);
	return at;
}

static u32 out_id(const struct minimizer *m, u32 id)
{
	id = kernel_btf_resolve(m->kernel, id);
	return id && m->slot[id] ? m->marks[m->slot[id] - 1].out : 0;
}

static void write_members(struct minimizer *m, const struct btf_type *t, const struct mark *mark)
{
	struct btf_type head = *t;
	unsigned kept = 0;

	for (unsigned i = 0; mark->members && i < btf_count_of(t); i++)
		kept += mark->members[i / 64] >> i % 64 & 1;
	head.name_off = add_string(m, t->name_off);
	head.info = (t->info & ~0xffffu) | kept;
	buf_add(&m->types, &head, sizeof(head));
	for (unsigned i = 0; kept && i < btf_count_of(t); i++) {
		struct btf_member member = members_of(t)[i];

		if (!(mark->members[i / 64] >> i % 64 & 1))
			continue;
		member.name_off = add_string(m, member.name_off);
		member.type = out_id(m, member.type);
		buf_add(&m->types, &member, sizeof(member));
	}
}

static void write_enum(struct minimizer *m, const struct btf_type *t, const struct mark *mark)
{
	size_t size = btf_kind_of(t) == KIND_ENUM64 ? 12 : sizeof(struct btf_enum);
	unsigned count = mark->values ? btf_count_of(t) : 0;
	struct btf_type head = *t;
	u32 value[3];

	head.name_off = add_string(m, t->name_off);
	head.info = (t->info & ~0xffffu) | count;
	buf_add(&m->types, &head, sizeof(head));
	for (unsigned i = 0; i < count; i++) {
		memcpy(value, (const u8 *)(t + 1) + i * size, size);
		value[0] = add_string(m, value[0]);
		buf_add(&m->types, value, size);
	}
}

static void write_type(struct minimizer *m, const struct mark *mark)
{
	const struct btf_type *t = kernel_btf_type(m->kernel, mark->id);
	struct btf_type head = *t;
	struct btf_array array;

	switch (btf_kind_of(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		write_members(m, t, mark);
		return;
	case BTF_KIND_ENUM:
	case KIND_ENUM64:
		write_enum(m, t, mark);
		return;
	case BTF_KIND_ARRAY:
		array = *(const struct btf_array *)(t + 1);
		array.type = out_id(m, array.type);
		array.index_type = 0;
		buf_add(&m->types, &head, sizeof(head));
		buf_add(&m->types, &array, sizeof(array));
		return;
	case BTF_KIND_INT:
		head.name_off = add_string(m, t->name_off);
		buf_add(&m->types, &head, sizeof(head));
		buf_add(&m->types, t + 1, sizeof(u32));
		return;
	case BTF_KIND_TYPEDEF:
		head.type = out_id(m, t->type);
		break;
	case BTF_KIND_PTR:
		head.type = 0;
		break;
	}
	/* also FWD and FLOAT, which end here, and whatever has no size of its own */
	head.name_off = add_string(m, t->name_off);
	buf_add(&m->types, &head, sizeof(head));
}

static int by_id(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int write_all(struct minimizer *m, struct buf *ret)
{
	struct btf_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h) };

	if (m->count)
		qsort(m->marks, m->count, sizeof(*m->marks), by_id);
	for (size_t i = 0; i < m->count; i++) {
		m->slot[m->marks[i].id] = i + 1;
		m->marks[i].out = i + 1;
	}
	buf_add_char(&m->strings, '\0');
	for (size_t i = 0; i < m->count; i++)
		write_type(m, &m->marks[i]);
	h.type_len = m->types.len;
	h.str_off = m->types.len;
	h.str_len = m->strings.len;
	buf_add(ret, &h, sizeof(h));
	buf_add(ret, buf_str(&m->types), m->types.len);
	buf_add(ret, m->strings.data, m->strings.len);
	return ret->error ?: m->types.error ?: m->strings.error;
}

static size_t slots_size(const struct minimizer *m)
{
	return kernel_btf_count(m->kernel) * sizeof(*m->slot);
}

static void minimizer_free(struct minimizer *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->marks[i].members);
	free(m->marks);
	if (m->slot)
		munmap(m->slot, slots_size(m));
	buf_free(&m->types);
	buf_free(&m->strings);
}

int minimal_btf(const struct kernel_btf *kernel, const struct btf *local, const struct extension *e,
		struct buf *ret, struct buf *missing)
{
	_cleanup_(minimizer_free) struct minimizer m = { .kernel = kernel,
							 .local = local,
							 .missing = missing };
	int err;

	if (!kernel)
		return write_all(&m, ret);
	m.slot = mmap(NULL, slots_size(&m), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (m.slot == MAP_FAILED) {
		m.slot = NULL;
		return fail(-ENOMEM, "out of memory");
	}
	err = mark_all(&m, e);
	if (!err)
		err = write_all(&m, ret);
	if (err == -ENOMEM)
		return fail(err, "out of memory");
	return err;
}
