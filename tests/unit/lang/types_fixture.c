// SPDX-License-Identifier: Apache-2.0
/* See types_fixture.h. */
#include "unit/lang/types_fixture.h"

static int read_text(void *context, const char *name, u32 from, struct buf *b)
{
	static const char *const roots[] = { "/usr/include", "/usr/include/x86_64-linux-gnu",
					     "/usr/include/aarch64-linux-gnu" };
	const struct types *t = context;
	char path[600];

	(void)from;
	for (const struct header_text *h = t->headers; h && h->name; h++)
		if (!strcmp(h->name, name)) {
			buf_add_str(b, h->text);
			return 0;
		}
	for (size_t i = 0; t->from_system && i < ARRAY_SIZE(roots); i++) {
		snprintf(path, sizeof(path), "%s/%s", roots[i], name);
		if (!access(path, R_OK))
			return read_file(path, 8 << 20, b);
	}
	return -ENOENT;
}

struct types *types_new(const struct header_text *headers, bool from_system)
{
	struct types *t = calloc(1, sizeof(*t));
	struct type_world_options o = { .read = read_text, .context = t };

	assert_non_null(t);
	t->headers = headers;
	t->from_system = from_system;
	t->arena = arena_new(64 << 20);
	assert_non_null(t->arena);
	t->diagnostics.arena = o.arena = t->arena;
	t->diagnostics.sources = o.sources = sources_new(t->arena);
	o.diagnostics = &t->diagnostics;
	t->world = type_world_new(&o);
	assert_non_null(t->world);
	return t;
}

void types_free(struct types *t)
{
	type_world_free(t->world);
	arena_free(t->arena);
	buf_free(&t->text);
	free(t);
}

int types_declare(struct types *t, const char *text)
{
	int number =
		sources_add((struct sources *)t->diagnostics.sources, "script", text, strlen(text));
	struct span part = { .source = number, .end = strlen(text) };

	assert_true(number > 0);
	return type_world_declare(t->world, &part, 1);
}

const char *types_errors(struct types *t)
{
	buf_clear(&t->text);
	diagnostics_print(&t->diagnostics, true, false, &t->text);
	return buf_str(&t->text);
}

const char *types_print(struct types *t, const struct type *type)
{
	buf_clear(&t->text);
	type_print(type, &t->text);
	return buf_str(&t->text);
}

const char *types_field(struct types *t, const char *type, const char *field)
{
	const struct type *of = type_named(t->world, type);
	struct field f;

	buf_clear(&t->text);
	if (!of || !type_field(t->world, of, field, &f, NULL))
		return "none";
	buf_printf(&t->text, "%u", f.offset);
	if (f.bit_size)
		buf_printf(&t->text, ".%u:%u", f.bit_offset, f.bit_size);
	buf_add_char(&t->text, ' ');
	type_print(f.type, &t->text);
	return buf_str(&t->text);
}

bool types_have_kernel(void)
{
	return !access("/sys/kernel/btf/vmlinux", R_OK);
}
