// SPDX-License-Identifier: Apache-2.0
/* The grammar of declaration tags, good and bad. */
#include "event/event.h"
#include "event/tags.h"
#include "groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void assert_option(const struct tag *t, const char *key, const char *want)
{
	const char *value;
	size_t len;

	assert_true(tag_option(t, key, &value, &len));
	assert_int_equal(len, strlen(want));
	assert_memory_equal(value, want, len);
}

static void parts_are_found(void **state UNUSED)
{
	struct tag t;
	u64 number;

	assert_int_equal(tag_parse("saker:col width=40, hide: the path: as given", &t), 0);
	assert_string_equal(t.word, "col");
	assert_string_equal(t.text, "the path: as given");
	assert_option(&t, "width", "40");
	assert_option(&t, "hide", "");
	assert_false(tag_option(&t, "wid", NULL, NULL));
	assert_int_equal(tag_number(&t, "width", 7, &number), 0);
	assert_int_equal(number, 40);
	assert_int_equal(tag_number(&t, "other", 7, &number), 0);
	assert_int_equal(number, 7);
}

static void parts_may_be_missing(void **state UNUSED)
{
	struct tag t;

	assert_int_equal(tag_parse("saker:optional", &t), 0);
	assert_string_equal(t.word, "optional");
	assert_string_equal(t.text, "");
	assert_int_equal(t.options_len, 0);
	assert_int_equal(tag_parse("saker:gadget : Trace: all", &t), 0);
	assert_int_equal(t.options_len, 0);
	assert_string_equal(t.text, "Trace: all");
	assert_int_equal(tag_parse("saker:alternative read 1 : by fentry", &t), 0);
	assert_int_equal(t.options_len, strlen("read 1"));
	assert_string_equal(t.text, "by fentry");
}

static void bad_tags_are_refused(void **state UNUSED)
{
	static const char *const bad[] = { "saker:", "saker: x", "saker:COL x", "saker:col1 x",
					   "saker:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa x" };
	_cleanup_buf_ struct buf b = {};
	struct tag t = { .word = "before" };
	u64 number = 5;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(tag_parse(bad[i], &t), -EINVAL);
	assert_string_equal(t.word, "before");
	assert_int_equal(tag_parse("other:col x", &t), -ENOENT);
	buf_add_str(&b, "saker:col ");
	buf_add_fill(&b, 'x', 5000);
	assert_int_equal(tag_parse(b.data, &t), -EINVAL);
	assert_int_equal(tag_parse("saker:col width=wide", &t), 0);
	assert_int_equal(tag_number(&t, "width", 0, &number), -EINVAL);
	assert_int_equal(number, 5);
}

int test_tags(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_found),
		cmocka_unit_test(parts_may_be_missing),
		cmocka_unit_test(bad_tags_are_refused),
	};

	return cmocka_run_group_tests_name("tags", tests, NULL, NULL);
}
