// SPDX-License-Identifier: Apache-2.0
/*
 * USDT: argument specifications of both architectures, notes that are damaged, and a probe of this
 * program itself, written as <sys/sdt.h> would, with two places and a counter.
 */
#include "unit/lang/groups.h"
#include "lang/probes/usdt.h"
#include "unit/lang/probe_fixture.h"

static bool no_symbol(void *context, const char *name, u64 *ret)
{
	*ret = 0x5000;
	return !strcmp(name, "counter");
}

struct spec {
	const char *text;
	struct usdt_argument a;
};

static void specifications(void **state)
{
	static const struct spec cases[] = {
		{ "-4@%eax", { 4, true, USDT_REGISTER, 0, 80, -1, 0, 4 } },
		{ "8@%r15", { 8, false, USDT_REGISTER, 0, 0, -1, 0, 8 } },
		{ "1@%dil", { 1, false, USDT_REGISTER, 0, 112, -1, 0, 1 } },
		{ "-8@$-1", { 8, true, USDT_CONSTANT, -1, -1, -1, 0, 0 } },
		{ "4@$5", { 4, false, USDT_CONSTANT, 5, -1, -1, 0, 0 } },
		{ "8@-16(%rbp)", { 8, false, USDT_MEMORY, -16, 32, -1, 0, 8 } },
		{ "8@(%rax)", { 8, false, USDT_MEMORY, 0, 80, -1, 0, 8 } },
		{ "8@(%rax,%rcx,8)", { 8, false, USDT_MEMORY, 0, 80, 88, 8, 8 } },
		{ "2@4(%rdi,%rsi)", { 2, false, USDT_MEMORY, 4, 112, 104, 1, 8 } },
		{ "4@counter(%rip)", { 4, false, USDT_MEMORY, 0x1000, 128, -1, 0, 8 } },
		{ "4@counter+8(%rip)", { 4, false, USDT_MEMORY, 0x1008, 128, -1, 0, 8 } },
		{ "%rdx", { 8, false, USDT_REGISTER, 0, 96, -1, 0, 8 } },
		/* arm64 */
		{ "-4@w1", { 4, true, USDT_REGISTER, 0, 8, -1, 0, 4 } },
		{ "8@x30", { 8, false, USDT_REGISTER, 0, 240, -1, 0, 8 } },
		{ "8@-1", { 8, false, USDT_CONSTANT, -1, -1, -1, 0, 0 } },
		{ "4@[sp, 60]", { 4, false, USDT_MEMORY, 60, 248, -1, 0, 8 } },
		{ "8@[x0]", { 8, false, USDT_MEMORY, 0, 0, -1, 0, 8 } },
		{ "8@[x0, x1, lsl 3]", { 8, false, USDT_MEMORY, 0, 0, 8, 8, 8 } },
		/* not known: size 0 */
		{ "8f@%xmm0", { 0, false, USDT_CONSTANT, 0, -1, -1, 0, 0 } },
		{ "3@%eax", { 0, false, USDT_CONSTANT, 0, -1, -1, 0, 0 } },
		{ "8@(%rax", { 0, false, USDT_CONSTANT, 0, -1, -1, 0, 0 } },
		{ "8@unknown(%rip)", { 0, false, USDT_CONSTANT, 0, -1, -1, 0, 0 } },
		{ "8@x31", { 0, false, USDT_CONSTANT, 0, -1, -1, 0, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct usdt_argument *want = &cases[i].a;
		struct usdt_argument got[USDT_ARGUMENTS_MAX];

		assert_int_equal(usdt_arguments(cases[i].text, 0x4000, no_symbol, NULL, got), 1);
		assert_int_equal(got->size, want->size);
		assert_int_equal(got->is_signed, want->is_signed);
		assert_int_equal(got->kind, want->kind);
		assert_int_equal(got->constant, want->constant);
		assert_int_equal(got->base, want->base);
		assert_int_equal(got->index, want->index);
		assert_int_equal(got->scale, want->scale);
		assert_int_equal(got->base_size, want->base_size);
	}
}

static void several_arguments(void **state)
{
	struct usdt_argument got[USDT_ARGUMENTS_MAX];

	assert_int_equal(usdt_arguments("", 0, NULL, NULL, got), 0);
	assert_int_equal(usdt_arguments(" 8@%rax  8f@%xmm1 -4@$7 ", 0, NULL, NULL, got), 3);
	assert_int_equal(got[1].size, 0);
	assert_int_equal(got[2].constant, 7);
	assert_int_equal(usdt_arguments("4@[sp, 8] 4@[q0, 4] 4@w0", 0, NULL, NULL, got), 3);
	assert_int_equal(got[1].size, 0);
	assert_int_equal(got[2].kind, USDT_REGISTER);
	assert_int_equal(usdt_arguments("1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 "
					"1@$1 1@$1 1@$1",
					0, NULL, NULL, got),
			 USDT_ARGUMENTS_MAX);
}

static bool count_note(void *context, const struct usdt_note *n)
{
	assert_string_equal(n->space, "s");
	++*(u32 *)context;
	return true;
}

static void damaged_notes(void **state)
{
	struct {
		u32 name, rest, type;
		char owner[8];
		u64 numbers[3];
		char strings[8];
	} __attribute__((packed)) good = { 8, 32, 3, "stapsdt", { 1, 2, 3 }, "s\0n\0a\0" };
	u8 two[2 * sizeof(good)];
	u32 seen = 0;

	memcpy(two, &good, sizeof(good));
	memcpy(two + sizeof(good), &good, sizeof(good));
	usdt_notes(two, sizeof(two), count_note, &seen);
	assert_int_equal(seen, 2);
	for (size_t len = 0; len < sizeof(two); len++) {
		u8 *exact = malloc(len ? len : 1);

		memcpy(exact, two, len);
		seen = 0;
		usdt_notes(exact, len, count_note, &seen);
		assert_true(seen <= 1);
		free(exact);
	}
	good.rest = 0xfffffff0;
	seen = 0;
	usdt_notes(&good, sizeof(good), count_note, &seen);
	assert_int_equal(seen, 0);
}

/* ---- this program's own -------------------------------------------------------------------- */

#ifdef __x86_64__
__attribute__((used, section(".probes"))) u16 saker_test_semaphore;

#define PROBE(argument)                                                                      \
	asm volatile("990: nop\n"                                                            \
		     ".pushsection .note.stapsdt,\"\",\"note\"\n"                            \
		     ".balign 4\n"                                                           \
		     ".4byte 992f-991f, 994f-993f, 3\n"                                      \
		     "991: .asciz \"stapsdt\"\n"                                             \
		     "992: .balign 4\n"                                                      \
		     "993: .8byte 990b\n"                                                    \
		     ".8byte _.stapsdt.base\n"                                               \
		     ".8byte saker_test_semaphore\n"                                         \
		     ".asciz \"saker_test\"\n"                                               \
		     ".asciz \"hit\"\n"                                                      \
		     ".asciz \"-4@%0\"\n"                                                    \
		     "994: .balign 4\n"                                                      \
		     ".popsection\n"                                                         \
		     ".ifndef _.stapsdt.base\n"                                              \
		     ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n" \
		     ".weak _.stapsdt.base\n"                                                \
		     ".hidden _.stapsdt.base\n"                                              \
		     "_.stapsdt.base: .space 1\n"                                            \
		     ".popsection\n"                                                         \
		     ".endif\n"                                                              \
		     :                                                                       \
		     : "r"(argument))

__attribute__((noinline)) static void hit_twice(int n)
{
	PROBE(n);
	n += getpid();
	PROBE(n);
}

static void own_probe(void **state)
{
	struct probe_attachment *at = NULL;
	struct fixture f;
	int program, map;

	fixture_open(&f);
	f.list.pid = getpid();
	map = fixture_attach(&f, "usdt:/proc/self/exe:saker_test:hit", &at, &program);
	if (map < 0)
		print_message("%s\n", error_text());
	assert_true(map >= 0);
	assert_int_equal(f.list.count, 1);
	assert_string_equal(f.list.first->name, "usdt:/proc/self/exe:saker_test:hit");
	assert_non_null(f.list.first->next);
	assert_true(f.list.first->next->is_more);
	assert_int_not_equal(f.list.first->semaphore, 0);
	assert_int_equal(f.list.first->usdt_count, 1);
	assert_int_equal(f.list.first->usdt[0].kind, USDT_REGISTER);
	assert_int_equal(f.list.first->usdt[0].size, 4);
	assert_true(*(volatile u16 *)&saker_test_semaphore > 0);
	hit_twice(1);
	hit_twice(2);
	assert_int_equal(counter_value(map), 4);
	attachment_free(at);
	assert_int_equal(*(volatile u16 *)&saker_test_semaphore, 0);
	hit_twice(3);
	assert_int_equal(counter_value(map), 4);
	close(map);
	close(program);
	fixture_close(&f);
}

static void names_and_patterns(void **state)
{
	static const char *const found[] = { "usdt:/proc/self/exe:hit", "usdt:/proc/self/exe:h*",
					     "usdt:/proc/self/exe:saker*:hit",
					     "usdt:/proc/self/exe:saker_test:" };
	struct fixture f;

	for (size_t i = 0; i < ARRAY_SIZE(found); i++) {
		fixture_open(&f);
		assert_int_equal(fixture_expand(&f, found[i]), 0);
		assert_int_equal(f.list.count, 1);
		fixture_close(&f);
	}
	fixture_open(&f);
	assert_int_equal(fixture_expand(&f, "usdt:/proc/self/exe:hitt"), -EINVAL);
	assert_string_equal(fixture_hint(&f), "did you mean 'usdt:/proc/self/exe:hit'?");
	fixture_close(&f);
}
#endif

TEST_GROUP(test_probe_usdt)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(specifications), cmocka_unit_test(several_arguments),
		cmocka_unit_test(damaged_notes),
#ifdef __x86_64__
		cmocka_unit_test(own_probe),	  cmocka_unit_test(names_and_patterns),
#endif
	};

	return cmocka_run_group_tests_name("probes: usdt", tests, NULL, NULL);
}
