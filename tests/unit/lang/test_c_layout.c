// SPDX-License-Identifier: Apache-2.0
/*
 * Layout, against the compiler that compiles this test: structs of our own with every odd thing
 * that C allows, declared once as text for us and once for it; and structs of the system's headers.
 */
#include "unit/lang/types_fixture.h"

#include <elf.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>

/* The same text for both. */
#define BOTH(...)   \
	__VA_ARGS__ \
	static const char declared[] = #__VA_ARGS__;

/* clang-format off */
BOTH(
	struct plain { char a; short b; char c; int d; char e; long f; char g; };
	struct bits {
		unsigned a : 3; unsigned b : 30; unsigned char c : 2; unsigned : 0;
		unsigned short d : 9; unsigned long e : 40; int f : 7; unsigned : 5; int g : 27;
	};
	struct packed { char a; int b; short c; unsigned d : 5; unsigned e : 30; char f;
	} __attribute__((packed));
	struct aligned { char a; int b __attribute__((aligned(16))); char c;
	} __attribute__((aligned(64)));
	struct nested {
		char a;
		struct { int x; union { char y; long z; }; } in;
		union { short s; struct { char p; char q; } t; };
		struct { char only; } last[3];
	};
	union all { char a[7]; int b; struct { short c; short d; short e; } f; };
	typedef int (*callback)(void *context, int (*inner)(char));
	typedef struct { callback fn; char name[5]; } entry_t;
	enum small { FIRST, SECOND = 10, THIRD, FOURTH = SECOND << 2 | 1, LAST = -1 };
	enum large { HUGE_ONE = 0x1ffffffff };
	struct uses {
		entry_t list[FOURTH - 38][2]; enum small e; enum large l;
		int *p; char **pp; int (*array)[4]; long double ld; char tail[];
	};
	struct sized { char a[sizeof(struct plain) + 1]; char b[sizeof(int[3]) > 8 ? 2 : 1];
		char c[(unsigned char)257 + 1]; char d['a' - 95]; };
	struct half_packed { char a; int b __attribute__((packed)); long c; };
	struct bools { _Bool a; _Bool b : 1; _Bool c : 1; unsigned long d : 63; };
	struct mode { int a __attribute__((mode(DI))); char b; int c __attribute__((mode(QI))); };
	struct wide { char a; __int128 b; double d; float e; };
)
/* clang-format on */

struct expected {
	const char *type, *field;
	size_t offset, size; /* size of the struct where there is no field */
};
#define SIZE(t)                        \
	{                              \
#t, NULL, 0, sizeof(t) \
	}
#define FIELD(t, f)                       \
	{                                 \
#t, #f, offsetof(t, f), 0 \
	}

static void check(struct types *t, const struct expected *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct type *of = type_named(t->world, list[i].type);
		struct field f;

		if (!of)
			fail_msg("%s is not known: %s", list[i].type, types_errors(t));
		if (!list[i].field) {
			if (of->size != list[i].size)
				fail_msg("%s has %u bytes, not %zu", list[i].type, of->size,
					 list[i].size);
		} else if (!type_field(t->world, of, list[i].field, &f, NULL)) {
			fail_msg("%s has no %s", list[i].type, list[i].field);
		} else if (f.offset != list[i].offset) {
			fail_msg("%s.%s is at %u, not %zu", list[i].type, list[i].field, f.offset,
				 list[i].offset);
		}
	}
}

static void odd_structs_lie_as_the_compiler_lays_them(void **state)
{
	static const struct expected list[] = {
		SIZE(struct plain),
		FIELD(struct plain, b),
		FIELD(struct plain, d),
		FIELD(struct plain, f),
		FIELD(struct plain, g),
		SIZE(struct bits),
		SIZE(struct packed),
		FIELD(struct packed, b),
		FIELD(struct packed, c),
		FIELD(struct packed, f),
		SIZE(struct aligned),
		FIELD(struct aligned, b),
		FIELD(struct aligned, c),
		SIZE(struct nested),
		FIELD(struct nested, in),
		FIELD(struct nested, s),
		FIELD(struct nested, last),
		SIZE(union all),
		SIZE(entry_t),
		FIELD(entry_t, name),
		SIZE(enum small),
		SIZE(enum large),
		SIZE(struct uses),
		FIELD(struct uses, e),
		FIELD(struct uses, l),
		FIELD(struct uses, array),
		FIELD(struct uses, tail),
		SIZE(struct sized),
		FIELD(struct sized, b),
		FIELD(struct sized, c),
		FIELD(struct sized, d),
		SIZE(struct half_packed),
		FIELD(struct half_packed, b),
		FIELD(struct half_packed, c),
		SIZE(struct bools),
		SIZE(struct mode),
		FIELD(struct mode, b),
		SIZE(struct wide),
		FIELD(struct wide, b),
		FIELD(struct wide, e),
	};
	struct types *t = types_new(NULL, false);

	(void)state;
	assert_int_equal(types_declare(t, declared), 0);
	check(t, list, ARRAY_SIZE(list));
	assert_null(t->world->kernel.btf);
	types_free(t);
}

/* Sets all of a bit-field, and looks where the compiler put the ones. */
#define BITS(t, f)                                                           \
	{                                                                    \
		union {                                                      \
			struct t s;                                          \
			u8 bytes[sizeof(struct t)];                          \
		} all = {};                                                  \
		all.s.f = -1;                                                \
		check_bits(types, "struct " #t, #f, all.bytes, sizeof(all)); \
	}

static void check_bits(struct types *t, const char *type, const char *name, const u8 *bytes,
		       size_t size)
{
	struct field f;
	u32 first = 0, count = 0;

	for (u32 i = 0; i < size * 8; i++)
		if (bytes[i / 8] >> (i % 8) & 1) {
			first = count++ ? first : i;
		}
	assert_true(type_field(t->world, type_named(t->world, type), name, &f, NULL));
	assert_int_equal(f.bit_size, count);
	assert_int_equal(f.offset * 8 + f.bit_offset, first);
	assert_true(f.bit_offset + f.bit_size <= f.type->size * 8);
}

static void bits_lie_where_the_compiler_sets_them(void **state)
{
	struct types *types = types_new(NULL, false);

	(void)state;
	assert_int_equal(types_declare(types, declared), 0);
	BITS(bits, a);
	BITS(bits, b);
	BITS(bits, c);
	BITS(bits, d);
	BITS(bits, e);
	BITS(bits, f);
	BITS(bits, g);
	BITS(packed, d);
	BITS(packed, e);
	BITS(bools, b);
	BITS(bools, c);
	BITS(bools, d);
	types_free(types);
}

static void structs_of_system_headers_are_the_compilers(void **state)
{
	static const char includes[] =
		"#include <stdint.h>\n#include <sys/types.h>\n#include <netinet/in.h>\n"
		"#include <elf.h>\n#include <sys/stat.h>\n#include <time.h>\n"
		"#include <sys/time.h>\n#include <signal.h>\n#include <poll.h>\n"
		"#include <sys/un.h>\n#include <pwd.h>\n#include <termios.h>\n"
		"#include <sys/resource.h>\n#include <netinet/ip.h>\n#include <pthread.h>\n"
		"#include <net/ethernet.h>\n#include <netinet/tcp.h>\n#include <stdio.h>\n";
	static const struct expected list[] = {
		SIZE(uint64_t),
		SIZE(off_t),
		SIZE(struct sockaddr_in),
		FIELD(struct sockaddr_in, sin_addr),
		SIZE(struct sockaddr_in6),
		FIELD(struct sockaddr_in6, sin6_scope_id),
		SIZE(struct sockaddr_storage),
		SIZE(struct sockaddr_un),
		SIZE(struct ipv6_mreq),
		SIZE(Elf64_Ehdr),
		FIELD(Elf64_Ehdr, e_shoff),
		SIZE(Elf64_Sym),
		SIZE(Elf32_Shdr),
		SIZE(Elf64_Verdef),
		SIZE(struct stat),
		FIELD(struct stat, st_mtim),
		SIZE(struct timespec),
		SIZE(struct tm),
		SIZE(struct timeval),
		SIZE(siginfo_t),
		FIELD(siginfo_t, _sifields),
		SIZE(struct sigaction),
		SIZE(sigset_t),
		SIZE(struct pollfd),
		SIZE(struct passwd),
		SIZE(struct termios),
		SIZE(struct rusage),
		SIZE(struct iphdr),
		SIZE(struct ip),
		SIZE(pthread_mutex_t),
		SIZE(pthread_attr_t),
		SIZE(struct ether_header),
		SIZE(struct tcp_info),
		SIZE(FILE),
	};
	struct types *t = types_new(NULL, true);
	int err;

	(void)state;
	if (access("/usr/include/netinet/in.h", R_OK))
		skip();
	err = types_declare(t, includes);
	if (err)
		fail_msg("%s", types_errors(t));
	check(t, list, ARRAY_SIZE(list));
	types_free(t);
}

TEST_GROUP(test_c_layout)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_structs_lie_as_the_compiler_lays_them),
		cmocka_unit_test(bits_lie_where_the_compiler_sets_them),
		cmocka_unit_test(structs_of_system_headers_are_the_compilers),
	};

	return cmocka_run_group_tests_name("c_layout", tests, NULL, NULL);
}
