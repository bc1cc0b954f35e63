// SPDX-License-Identifier: Apache-2.0
/* What tracefs says of an event, were it anything: every field has a type that can be printed. */
#include "lang/types/internal.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct format_options o = { "event", size % 2 ? SPACE_USER : SPACE_KERNEL };
	const char *text = size ? (const char *)data : "";
	struct arena *a = arena_new(16 << 20);
	const struct type *t = format_parse(a, &o, text, size);
	struct buf b = {};

	for (u32 i = 0; t && i < t->members->count; i++) {
		const struct field *f = &t->members->fields[i];

		if (!f->name || !*f->name || !f->type || f->offset > t->size)
			abort();
		type_print(f->type, &b);
		buf_clear(&b);
	}
	format_print(text, size, &b);
	buf_free(&b);
	arena_free(a);
	return 0;
}
