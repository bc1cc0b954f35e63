// SPDX-License-Identifier: Apache-2.0
/*
 * What the tracing language compiles, this kernel's verifier must take: every program of
 * tests/lang/cases is compiled for the kernel that runs and loaded, in this one process. Programs
 * that do not compile here (they are meant not to, or the kernel is too old and we say so) do not
 * count; what is refused after that is a bug of the compiler. What they print tests/lang compares.
 */
#include "lang/lang.h"
#include "matrix.h"

/* clang-format off */
#define FILES(X)                                                                                  \
	X(aggregations) X(command) X(conditions) X(config) X(control) X(functions) X(integers)    \
	X(json) X(kernel) X(limits) X(maps) X(printf) X(probes) X(strings) X(surprises) X(types)
/* clang-format on */

#define EMBED(name)                                            \
	__asm__(".section .rodata\n"                           \
		"cases_of_" #name ":\n"                        \
		".incbin \"tests/lang/cases/" #name ".txt\"\n" \
		".byte 0\n"                                    \
		".previous\n");                                \
	extern const char cases_of_##name[];
FILES(EMBED)

struct tally {
	unsigned loaded, refused;
	struct buf words; /* of the first refusals */
};

static bool is_word(const char *line)
{
	static const char *const words[] = { "note:",  "flags:", "args:",    "env:",   "program:",
					     "setup:", "mask:",	 "trigger:", "needs:", "compare:" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_starts(line, words[i]))
			return true;
	}
	return false;
}

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return *at ? at + 1 : at;
}

static void load(const char *name, size_t name_len, const char *text, size_t len, struct tally *t)
{
	static const char *const nothing[] = { NULL };
	struct lang_options o = { .name = "stdin",
				  .script = { .unsafe = true, .environment = nothing } };
	_cleanup_(compilation_freep) struct compilation *c = NULL;
	_cleanup_(run_freep) struct run *r = NULL;

	if (lang_compile(text, len, &o, &c) || !c->script->point_count)
		return;
	if (!run_load(c->script, NULL, &r)) {
		t->loaded++;
		return;
	}
	if (t->refused++ < 4)
		buf_printf(&t->words, "%.*s: %s; ", (int)name_len, name, error_text());
}

/* The cases of one file: "== name", header lines, the program up to the next. */
static int test_file(const char *at)
{
	_cleanup_buf_ struct buf program = {};
	struct tally t = {};
	int err;

	while (*at) {
		const char *name = str_starts(at, "== ") ? at + 3 : NULL;

		at = next_line(at);
		if (!name)
			continue;
		while (*at && is_word(at))
			at = next_line(at);
		buf_clear(&program);
		for (const char *end; *at && !str_starts(at, "== "); at = end) {
			end = next_line(at);
			buf_add(&program, at, (size_t)(end - at));
		}
		load(name, strcspn(name, "\n"), buf_str(&program), program.len, &t);
	}
	err = !t.refused && t.loaded ? 0
				     : fail(-EINVAL, "%u of %u programs were refused: %s",
					    t.refused, t.loaded + t.refused, buf_str(&t.words));
	buf_free(&t.words);
	return err;
}

#define TEST(name)                                 \
	static int test_##name(void)               \
	{                                          \
		return test_file(cases_of_##name); \
	}
FILES(TEST)

#define ROW(name) { "language: " #name, test_##name },
const struct test language_tests[] = { FILES(ROW) };
const size_t language_test_count = ARRAY_SIZE(language_tests);
