// SPDX-License-Identifier: Apache-2.0
/*
 * Lengths of x86-64 instructions: one of each form that has a length of its own. (The decoder was
 * compared with objdump over some two million instructions of libc, OpenSSL and QEMU.)
 */
#include "unit/lang/groups.h"
#include "lang/probes/boundary.h"

struct code {
	u8 bytes[16];
	size_t length;
};

static void lengths(void **state)
{
	static const struct code cases[] = {
		{ { 0x90 }, 1 },					 /* nop */
		{ { 0x55 }, 1 },					 /* push %rbp */
		{ { 0x41, 0x56 }, 2 },					 /* push %r14 */
		{ { 0xf3, 0x0f, 0x1e, 0xfa }, 4 },			 /* endbr64 */
		{ { 0x48, 0x83, 0xec, 0x10 }, 4 },			 /* sub $16,%rsp */
		{ { 0x48, 0x81, 0xec, 0, 1, 0, 0 }, 7 },		 /* sub $256,%rsp */
		{ { 0x66, 0x81, 0xc0, 0, 1 }, 5 },			 /* add $256,%ax */
		{ { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 }, 10 },		 /* movabs */
		{ { 0xb8, 1, 2, 3, 4 }, 5 },				 /* mov $x,%eax */
		{ { 0x66, 0xb8, 1, 2 }, 4 },				 /* mov $x,%ax */
		{ { 0xe8, 1, 2, 3, 4 }, 5 },				 /* call */
		{ { 0x0f, 0x84, 1, 2, 3, 4 }, 6 },			 /* je */
		{ { 0x74, 1 }, 2 },					 /* je, near */
		{ { 0x8b, 0x05, 1, 2, 3, 4 }, 6 },			 /* mov x(%rip) */
		{ { 0x8b, 0x44, 0x24, 8 }, 4 },				 /* mov 8(%rsp) */
		{ { 0x8b, 0x84, 0x24, 1, 2, 3, 4 }, 7 },		 /* mov x(%rsp) */
		{ { 0x8b, 0x04, 0x25, 1, 2, 3, 4 }, 7 },		 /* mov x, no base */
		{ { 0xf6, 0xc1, 1 }, 3 },				 /* test $1,%cl */
		{ { 0xf6, 0xd1 }, 2 },					 /* not %cl */
		{ { 0xf7, 0xc1, 1, 2, 3, 4 }, 6 },			 /* test */
		{ { 0xc2, 8, 0 }, 3 },					 /* ret $8 */
		{ { 0xc8, 8, 0, 0 }, 4 },				 /* enter */
		{ { 0xa1, 1, 2, 3, 4, 5, 6, 7, 8 }, 9 },		 /* mov moffs */
		{ { 0x0f, 0xba, 0xe0, 3 }, 4 },				 /* bt $3,%eax */
		{ { 0x66, 0x0f, 0x3a, 0x0f, 0xc1, 8 }, 6 },		 /* palignr */
		{ { 0x66, 0x0f, 0x38, 0x00, 0xc1 }, 5 },		 /* pshufb */
		{ { 0xc5, 0xf8, 0x77 }, 3 },				 /* vzeroupper */
		{ { 0xc5, 0xfd, 0x70, 0xc0, 1 }, 5 },			 /* vpshufd */
		{ { 0xc4, 0xe3, 0x7d, 0x39, 0xc1, 1 }, 6 },		 /* vextracti128 */
		{ { 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x46, 1 }, 7 },	 /* vmovups, EVEX */
		{ { 0xf0, 0x48, 0x0f, 0xb1, 0x0f }, 5 },		 /* lock cmpxchg */
		{ { 0x2e, 0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 }, 10 }, /* a long nop */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(x86_length(cases[i].bytes, 16), cases[i].length);
		/* cut short, it is none */
		assert_int_equal(x86_length(cases[i].bytes, cases[i].length - 1), 0);
	}
}

static void any_bytes(void **state)
{
	u8 code[16];

	for (u32 seed = 1, i = 0; i < 200000; i++) {
		for (size_t k = 0; k < sizeof(code); k++) {
			seed = seed * 1664525 + 1013904223;
			code[k] = (u8)(seed >> 24);
		}
		for (size_t size = 0; size <= sizeof(code); size++)
			assert_true(x86_length(code, size) <= size);
	}
}

TEST_GROUP(test_probe_boundary)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests_name("probes: boundary", tests, NULL, NULL);
}
