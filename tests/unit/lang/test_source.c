// SPDX-License-Identifier: Apache-2.0
/* Arena, places in sources, and diagnostics as they are printed. */
#include "lang/syntax/source.h"
#include "unit/lang/groups.h"

static void an_arena_gives_zeroed_aligned_memory(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);

	for (size_t size = 0; size < 3000; size += 7) {
		char *p = arena_alloc(a, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 8, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 'x', size);
	}
	assert_int_equal(arena_error(a), 0);
	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(arena_printf(a, "%d-%s", 42, "x"), "42-x");
}

static void an_arena_beyond_its_limit_remembers_it(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	char *last = NULL;

	assert_non_null(arena_alloc(a, 900000));
	assert_int_equal(arena_error(a), 0);
	/* What comes a little above the limit is still memory of its own. */
	last = arena_alloc(a, 200000);
	assert_int_equal(arena_error(a), -ENOMEM);
	memset(last, 'x', 200000);
	for (int i = 0; i < 100; i++)
		memset(arena_alloc(a, 200000), 'y', 200000);
	assert_int_equal(last[199999], 'x');
	assert_non_null(arena_alloc(a, 3 << 20));
}

static void places_count_from_one(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct sources *s = sources_new(a);
	static const struct {
		u32 offset, line, column;
	} cases[] = {
		{ 0, 1, 1 }, { 2, 1, 3 }, { 3, 2, 1 }, { 4, 3, 1 }, { 6, 3, 3 }, { 99, 3, 3 }
	};
	u32 line, column;

	assert_int_equal(sources_add(s, "a", "ab\n\ncd", 6), 1);
	assert_int_equal(sources_add_header(s, "b", "", 0), 2);
	assert_true(sources_get(s, 2)->is_header);
	assert_null(sources_get(s, 0));
	assert_null(sources_get(s, 3));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		sources_place(s, 1, cases[i].offset, &line, &column);
		assert_int_equal(line, cases[i].line);
		assert_int_equal(column, cases[i].column);
	}
	sources_place(s, 2, 0, &line, &column);
	assert_int_equal(line, 1);
}

static void a_source_has_a_limit(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);

	assert_int_equal(sources_add(sources_new(a), "a", "", (size_t)1 << 30), -EFBIG);
	assert_string_equal(error_text(), "a: a script of more than 16 MiB");
}

struct page {
	struct arena *arena;
	struct diagnostics d;
	struct buf text;
};

static void page_end(struct page *p)
{
	buf_free(&p->text);
	arena_free(p->arena);
}

static void page_start(struct page *p, const char *text)
{
	struct sources *s;

	p->arena = arena_new(16 << 20);
	s = sources_new(p->arena);
	p->d = (struct diagnostics){ .arena = p->arena, .sources = s };
	sources_add(s, "x.bt", text, strlen(text));
}

static struct span at(u32 start, u32 end)
{
	return (struct span){ .source = 1, .start = start, .end = end };
}

static const char *page_text(struct page *p)
{
	buf_clear(&p->text);
	diagnostics_print(&p->d, true, false, &p->text);
	return buf_str(&p->text);
}

/* Each as the oracle prints it for the same text. */
static void errors_look_as_the_oracles(void **state)
{
	static const struct {
		const char *text;
		u32 start, end;
		const char *want;
	} cases[] = {
		{ "BEGIN { $x = ; }", 13, 14,
		  "x.bt:1:14-15: ERROR: e\nBEGIN { $x = ; }\n             ~\n" },
		{ "BEGIN {\t$x = 5 +\t; }", 17, 18,
		  "x.bt:1:18-19: ERROR: e\nBEGIN {    $x = 5 +    ; }\n"
		  "                       ~\n" },
		{ "foo", 3, 3, "x.bt:1:4-4: ERROR: e\nfoo\n   \n" },
		{ "a(1,\n  2\n);", 0, 10, "x.bt:1-3: ERROR: e\na(1,\n  2\n);\n" },
		{ "a\nbc\n", 2, 4, "x.bt:2:1-3: ERROR: e\nbc\n~~\n" },
		{ "\xc3\xa9 q", 3, 4, "x.bt:1:4-5: ERROR: e\n\xc3\xa9 q\n  ~\n" },
		{ "\x1b[2J\xff q", 6, 7, "x.bt:1:7-8: ERROR: e\n\\x1b[2J\\xff q\n            ~\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(page_end) struct page p = {};

		page_start(&p, cases[i].text);
		assert_int_equal(diagnose(&p.d, at(cases[i].start, cases[i].end), "e"), -EINVAL);
		assert_string_equal(page_text(&p), cases[i].want);
	}
}

static void they_come_in_order_and_once(void **state)
{
	_cleanup_(page_end) struct page p = {};

	page_start(&p, "abc def");
	diagnose(&p.d, at(4, 7), "second");
	diagnose_more(&p.d, at(0, 1), "belongs to the second");
	diagnose(&p.d, at(0, 3), "first");
	diagnose_hint(&p.d, "try %d", 1);
	diagnose_hint(&p.d, "or %d", 2);
	diagnose(&p.d, at(0, 3), "first");
	diagnose_hint(&p.d, "goes with the one that was there");
	diagnose_warning(&p.d, at(4, 5), "between");
	diagnose(&p.d, at(0, 7), "the whole");
	assert_int_equal(p.d.errors, 3);
	assert_string_equal(page_text(&p),
			    "x.bt:1:1-4: ERROR: first\nabc def\n~~~\nHINT: try 1\nHINT: or 2\n"
			    "x.bt:1:5-6: WARNING: between\nabc def\n    ~\n"
			    "x.bt:1:5-8: ERROR: second\nabc def\n    ~~~\n"
			    "x.bt:1:1-2: ERROR: belongs to the second\nabc def\n~\n"
			    "x.bt:1:1-8: ERROR: the whole\nabc def\n~~~~~~~\n");
	buf_clear(&p.text);
	diagnostics_print(&p.d, false, true, &p.text);
	assert_null(strstr(buf_str(&p.text), "WARNING"));
	assert_non_null(strstr(buf_str(&p.text), "\033[31mx.bt:1:1-4: ERROR: first\033[0m\n"));
}

static void of_many_the_first_are_kept(void **state)
{
	_cleanup_(page_end) struct page p = {};

	page_start(&p, "abc");
	for (int i = 0; i < 5000; i++)
		diagnose(&p.d, at(0, 1), "error %d", i);
	assert_int_equal(p.d.errors, 5000);
	assert_int_equal(p.d.count, 100);
	assert_true(p.d.too_many);
	assert_true(str_ends(page_text(&p),
			     "ERROR: too many errors (5000); the first 100 are above\n"));
}

static void of_a_long_line_a_part_is_shown(void **state)
{
	_cleanup_(page_end) struct page p = {};
	_cleanup_buf_ struct buf line = {};

	buf_add_fill(&line, 'a', 100000);
	buf_add_str(&line, "HERE");
	buf_add_fill(&line, 'b', 100000);
	page_start(&p, buf_str(&line));
	diagnose(&p.d, at(100000, 100004), "e");
	assert_true(strlen(page_text(&p)) < 1000);
	assert_non_null(strstr(page_text(&p), "aHEREb"));
	assert_non_null(strstr(page_text(&p), " ~~~~\n"));
}

static void macros_tell_where_they_were_called(void **state)
{
	_cleanup_(page_end) struct page p = {};
	struct span inner = at(4, 7), call = at(0, 3), outer;

	page_start(&p, "abc def");
	inner.expansion = sources_expand((struct sources *)p.d.sources, call);
	diagnose(&p.d, inner, "e");
	assert_string_equal(page_text(&p), "x.bt:1:5-8: ERROR: e\nabc def\n    ~~~\n"
					   "x.bt:1:1-4: ERROR: expanded from\nabc def\n~~~\n");
	assert_true(sources_expanded_from(p.d.sources, inner.expansion, &outer));
	assert_int_equal(outer.end, 3);
	assert_false(sources_expanded_from(p.d.sources, 0, &outer));
}

TEST_GROUP(test_source)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(an_arena_beyond_its_limit_remembers_it),
		cmocka_unit_test(places_count_from_one),
		cmocka_unit_test(a_source_has_a_limit),
		cmocka_unit_test(errors_look_as_the_oracles),
		cmocka_unit_test(they_come_in_order_and_once),
		cmocka_unit_test(of_many_the_first_are_kept),
		cmocka_unit_test(of_a_long_line_a_part_is_shown),
		cmocka_unit_test(macros_tell_where_they_were_called),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
