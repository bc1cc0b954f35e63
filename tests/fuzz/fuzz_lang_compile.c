// SPDX-License-Identifier: Apache-2.0
/*
 * Any text as a script, from its letters to instructions, for the running kernel and older ones,
 * with the kernel's types and without. Nothing is loaded. It ends in good time and within its
 * memory: in programs that have code, or in an error that says something. Programs of other files
 * are not looked into: paths in the text are made harmless.
 */
#include <ctype.h>

#include "lang/lang.h"

#define MEMORY_LIMIT (96u << 20)
#define TEXT_LIMIT 16384

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static int read_nothing(void *context, const char *name, u32 from, struct buf *b)
{
	(void)context, (void)name, (void)from, (void)b;
	return -ENOENT;
}

/* No file outside is opened: "/dev/stdin" would wait for somebody. */
static void disarm(char *text, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++)
		if (text[i] == '/' && (text[i + 1] == '/' || isalpha((u8)text[i + 1])) && i &&
		    (text[i - 1] == ':' || text[i - 1] == '.'))
			text[i] = '_';
}

static void look(const struct compilation *c)
{
	_cleanup_buf_ struct buf b = {};

	for (size_t i = 0; i < c->script->program_count; i++) {
		const struct ir_program *code = &c->script->programs[i]->code;

		if (!code->count || !code->part_count)
			abort();
		for (size_t k = 0; k < code->relocation_count; k++)
			if (code->relocations[k].insn >= code->count)
				abort();
	}
	script_dump_code(c->script, &b);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const u32 kernels[] = { 0, KERNEL_VERSION_CODE(6, 12, 0),
				       KERNEL_VERSION_CODE(6, 1, 0),
				       KERNEL_VERSION_CODE(5, 10, 0) };
	static const char *const positional[] = { "12", "word" };
	struct lang_options o = {
		.name = "fuzz",
		.script = {
			.kernel = kernels[size % ARRAY_SIZE(kernels)],
			.btf = size / 4 % 8 ? "/nonexistent" : NULL,
			.unsafe = true,
			.warnings = size / 32 % 2,
			.read = read_nothing,
			.arguments = { .positional = positional, .count = 2 },
		},
		.memory_limit = MEMORY_LIMIT,
	};
	_cleanup_(compilation_freep) struct compilation *c = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct buf b = {};
	int err;

	if (size > TEXT_LIMIT)
		return 0;
	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	disarm(text, size);
	err = lang_compile(text, size, &o, &c);
	if (!err)
		look(c);
	else if (c && err == -EINVAL && !c->diagnostics.errors)
		abort(); /* refused without a word */
	if (c)
		diagnostics_print(&c->diagnostics, true, false, &b);
	return 0;
}
