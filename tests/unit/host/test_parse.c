// SPDX-License-Identifier: Apache-2.0
/* The parsers of /proc and of /etc, and the hash table that all caches are made of. */
#include "host/cache.h"
#include "host/parse.h"
#include "unit/host/fixture.h"
#include "unit/host/groups.h"

#define SPAN_EQUAL(span, text) assert_true(span_is(span, text))

static void stat_lines(void **state UNUSED)
{
	static const char line[] =
		"42 (a) b (c) R 7 42 42 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 123456 1 2\n";
	static const char *const bad[] = { "",
					   "42",
					   "42 (",
					   "42 ()",
					   "x (a) S 1",
					   "42 (a) S",
					   ")42 (",
					   "42 (a) S 1 2 3",
					   "99999999999 (a) S 1 2 3" };
	struct stat_line s = {};

	assert_int_equal(parse_stat(line, sizeof(line) - 1, &s), 0);
	assert_int_equal(s.pid, 42);
	assert_int_equal(s.ppid, 7);
	assert_int_equal(s.start_ticks, 123456);
	SPAN_EQUAL(s.comm, "a) b (c");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_stat(bad[i], strlen(bad[i]), &s), -EBADMSG);
	assert_int_equal(s.pid, 42); /* unchanged by what failed */
}

static void status_lines(void **state UNUSED)
{
	static const char text[] = "Name:\tx\nPid:\t900\nUid:\t1000\t1001\t0\t0\n"
				   "Gid:\t50\t51\t0\t0\nNSpid:\t900\t12\t3\n";
	struct status_ids ids;

	assert_int_equal(parse_status(text, sizeof(text) - 1, &ids), 0);
	assert_int_equal(ids.uid, 1000);
	assert_int_equal(ids.gid, 50);
	assert_int_equal(ids.inner_pid, 3);
	assert_int_equal(parse_status("Name:\tx\n", 8, &ids), -EBADMSG);
}

static void maps_lines(void **state UNUSED)
{
	static const char line[] =
		"7f0000001000-7f0000003000 r-xp 00002000 fd:01 1234    /lib/a b.so (deleted)";
	struct maps_line m;

	assert_int_equal(parse_maps_line(line, sizeof(line) - 1, &m), 0);
	assert_int_equal(m.start, 0x7f0000001000);
	assert_int_equal(m.end, 0x7f0000003000);
	assert_int_equal(m.offset, 0x2000);
	assert_int_equal(m.major, 0xfd);
	assert_int_equal(m.minor, 1);
	assert_int_equal(m.inode, 1234);
	assert_true(m.executable);
	SPAN_EQUAL(m.path, "/lib/a b.so (deleted)");
	assert_int_equal(parse_maps_line("1000-2000 rw-p 00000000 00:00 0 ", 32, &m), 0);
	assert_false(m.executable);
	SPAN_EQUAL(m.path, "");
	assert_int_equal(parse_maps_line("2000-1000 rw-p 00000000 00:00 0 ", 32, &m), -EBADMSG);
	assert_int_equal(parse_maps_line("1000-2000 r", 11, &m), -EBADMSG);
}

static void symbol_lines(void **state UNUSED)
{
	static const char plain[] = "ffffffff81000000 T _text",
			  module[] = "ffffffffc0000010 t f.cold\t[xfs]";
	static const char perf[] = "0x7f00 1f Lcom/Foo; bar baz";
	struct kallsyms_line k;
	struct perf_map_line p;

	assert_int_equal(parse_kallsyms_line(plain, sizeof(plain) - 1, &k), 0);
	assert_true(k.address == 0xffffffff81000000);
	assert_int_equal(k.type, 'T');
	SPAN_EQUAL(k.name, "_text");
	SPAN_EQUAL(k.module, "");
	assert_int_equal(parse_kallsyms_line(module, sizeof(module) - 1, &k), 0);
	SPAN_EQUAL(k.name, "f.cold");
	SPAN_EQUAL(k.module, "xfs");
	assert_int_equal(parse_kallsyms_line("ffff T", 6, &k), -EBADMSG);
	assert_int_equal(parse_kallsyms_line("fffffffffffffffff T a", 21, &k), -EBADMSG);
	assert_int_equal(parse_perf_map_line(perf, sizeof(perf) - 1, &p), 0);
	assert_int_equal(p.start, 0x7f00);
	assert_int_equal(p.size, 0x1f);
	SPAN_EQUAL(p.name, "Lcom/Foo; bar baz");
	assert_int_equal(parse_perf_map_line("10 20 ", 6, &p), -EBADMSG);
}

static void id_lines(void **state UNUSED)
{
	struct id_line id;

	assert_int_equal(parse_id_line("daemon:x:1:1:d:/:/sbin/nologin", 30, &id), 0);
	assert_int_equal(id.id, 1);
	SPAN_EQUAL(id.name, "daemon");
	assert_int_equal(parse_id_line("adm:x:4", 7, &id), 0);
	assert_int_equal(parse_id_line("+::::::", 7, &id), -EBADMSG);
	assert_int_equal(parse_id_line(":x:1:", 5, &id), -EBADMSG);
	assert_int_equal(parse_id_line("a:x:1x:", 7, &id), -EBADMSG);
}

int test_parse(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_lines), cmocka_unit_test(status_lines),
		cmocka_unit_test(maps_lines), cmocka_unit_test(symbol_lines),
		cmocka_unit_test(id_lines),
	};

	return cmocka_run_group_tests_name("host/parse", tests, NULL, NULL);
}

/* ---- cache ------------------------------------------------------------------------------- */

#define ITEMS 1000

static void cache_finds_and_forgets(void **state UNUSED)
{
	static struct cache_item items[ITEMS];
	struct cache c = {};

	for (u64 i = 0; i < ITEMS; i++)
		assert_int_equal(cache_add(&c, &items[i], i / 2), 0); /* each key twice */
	for (u64 i = 0; i < ITEMS; i += 2) {
		assert_ptr_equal(cache_find(&c, i / 2),
				 &items[i + 1]); /* the last one first, also after growth */
		assert_ptr_equal(cache_next(&items[i + 1]), &items[i]);
		assert_null(cache_next(&items[i]));
	}
	assert_null(cache_find(&c, ITEMS));
	cache_touch(&c, &items[0]);
	assert_ptr_equal(cache_take_oldest(&c), &items[1]);
	cache_remove(&c, &items[500]);
	assert_ptr_equal(cache_find(&c, 250), &items[501]);
	assert_int_equal(c.count, ITEMS - 2);
	for (u64 i = 0; i < ITEMS - 3; i++)
		assert_non_null(cache_take_oldest(&c));
	assert_ptr_equal(cache_take_oldest(&c), &items[0]);
	assert_null(cache_take_oldest(&c));
	assert_null(cache_find(&c, 3));
	cache_free(&c);
}

int test_cache(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cache_finds_and_forgets) };

	return cmocka_run_group_tests_name("host/cache", tests, NULL, NULL);
}
