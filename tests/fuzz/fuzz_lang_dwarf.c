// SPDX-License-Identifier: Apache-2.0
/*
 * A program's debug information, were it anything: the bytes are a whole ELF file. What is named in
 * it is looked into as deep as a script could.
 */
#include "lang/types/dwarf.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void look_inside(struct type_world *w, const struct type *t)
{
	const struct members *m = type_members(w, t);
	struct buf b = {};
	struct field f;

	type_print(t, &b);
	type_alignment(t);
	type_field(w, t, "nothing", &f, NULL);
	for (u32 i = 0; m && i < m->count && i < 200; i++) {
		const struct field *its = &m->fields[i];

		if (its->bit_size && its->bit_offset + its->bit_size > its->type->size * 8)
			abort();
	}
	type_enum_name(w, t, 1);
	buf_free(&b);
}

static void look(struct type_world *w, const char *path)
{
	static const char *const names[] = { "sample", "deeper", "either", "colour", "sample_t" };
	const struct type *t;
	struct buf b = {};
	u64 address;
	s64 value;

	type_world_add_program(w, path);
	for (size_t i = 0; i < ARRAY_SIZE(names) && w->program_count; i++) {
		t = program_named(w->programs[0], names[i], 0);
		if (t)
			look_inside(w, t);
	}
	if (w->program_count)
		program_enumerator(w->programs[0], "GREEN", &value, &t);
	type_user_function(w, path, "sample_function");
	type_print_user_parameters(w, path, "sample_function", &b);
	buf_free(&b);
	type_source_line(path, "sample.c", 3, &address);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("fuzz", 0);
	struct arena *a = arena_new(32 << 20);
	struct type_world_options o = { .arena = a, .btf_path = "/nonexistent" };
	struct type_world *w = type_world_new(&o);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0 && size && write(fd, data, size) == (ssize_t)size)
		look(w, path);
	type_world_free(w);
	arena_free(a);
	return 0;
}
