// SPDX-License-Identifier: Apache-2.0
/*
 * C declarations as anybody writes them, with headers that are the same text again: whatever it is,
 * reading ends, and every type that comes of it can be looked into, printed and asked for its size.
 * What stands behind a line "%%" is a header called "h".
 */
#include "lang/types/internal.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct input {
	const char *header;
	size_t len;
};

static int read_header(void *context, const char *name, u32 from, struct buf *b)
{
	const struct input *in = context;

	(void)from;
	if (strcmp(name, "h"))
		return -ENOENT;
	buf_add(b, in->header, in->len);
	return 0;
}

static void look_inside(struct type_world *w, const struct type *t, struct buf *text)
{
	const struct members *m = type_members(w, t);
	struct field f;

	buf_clear(text);
	type_print(t, text);
	if (type_alignment(t) == 0)
		abort();
	for (u32 i = 0; m && i < m->count && i < 64; i++) {
		const struct field *its = &m->fields[i];

		if (its->bit_size && its->bit_offset + its->bit_size > its->type->size * 8)
			abort();
		if (!its->bit_size && its->offset > t->size && t->size)
			abort();
		if (its->name && *its->name && !type_field(w, t, its->name, &f, NULL))
			abort();
	}
}

static void look(struct type_world *w)
{
	struct buf text = {};

	for (size_t i = 0; i < w->name_count && i < 256; i++)
		look_inside(w, w->names[i].type, &text);
	for (size_t i = 0; i < w->constant_count && i < 256; i++)
		if (!type_enum_name(w, w->constants[i]->of, w->constants[i]->value))
			abort();
	type_world_define(w, "A");
	type_world_define(w, "B");
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const char *text = (const char *)data, *cut = memmem(data, size, "\n%%\n", 4);
	struct input in = { cut ? cut + 4 : "", cut ? size - (cut + 4 - text) : 0 };
	size_t len = cut ? (size_t)(cut + 1 - text) : size;
	struct arena *a = arena_new(32 << 20);
	struct sources *s = sources_new(a);
	struct diagnostics d = { .arena = a, .sources = s };
	struct type_world_options o = {
		.arena = a,
		.sources = s,
		.diagnostics = &d,
		.read = read_header,
		.context = &in,
		.btf_path = "/nonexistent", /* the kernel's types are not what is looked for */
	};
	struct type_world *w = type_world_new(&o);
	int number = sources_add(s, "script", size ? text : "", len);
	struct span part = { .source = number, .end = len };

	if (number > 0 && w) {
		type_world_declare(w, &part, 1);
		if (!arena_error(a))
			look(w);
	}
	type_world_free(w);
	arena_free(a);
	return 0;
}
