// SPDX-License-Identifier: Apache-2.0
/*
 * The promise of filters: the same answer in the kernel and in user space. Random expressions over
 * random records are decided by the evaluator, by the compiled instructions in an interpreter, by
 * both parts of a split, and by what the normal form parses to. SAKER_TEST_PAIRS=N asks for more
 * pairs than the quick run has.
 */
#include "expression_random.h"
#include "groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RECORDS 50
#define PAIRS 500000

struct parts {
	struct expression *whole, *again, *kernel, *user;
	struct bpf_insn *insns, split[EXPRESSION_SLOTS];
	int whole_len, kernel_len;
};

#define MOST 20000

static bool run(const struct bpf_insn *insns, int len, const struct sample_record *r,
		const char *text)
{
	struct machine m;
	s64 result = machine_run(&m, insns, (size_t)len, r, sizeof(*r));

	if (result != 0 && result != 1)
		fail_msg("%s: %s", text, m.error ? m.error : "neither 0 nor 1");
	return result;
}

static void prepare(struct parts *p, const struct schema *s, const char *text)
{
	_cleanup_buf_ struct buf first = {}, second = {};

	if (expression_parse(text, s, &p->whole))
		fail_msg("%s: %s", text, error_text());
	expression_print(p->whole, &first);
	if (expression_parse(buf_str(&first), s, &p->again))
		fail_msg("%s: %s", buf_str(&first), error_text());
	expression_print(p->again, &second);
	assert_string_equal(buf_str(&first), buf_str(&second));
	p->whole_len = expression_compile(p->whole, SAMPLE_LIMIT, p->insns, MOST);
	if (p->whole_len < 0 && p->whole_len != -EOPNOTSUPP)
		fail_msg("%s: %s", text, error_text());
	assert_int_equal(expression_split(p->whole, &p->kernel, &p->user), 0);
	assert_true(p->kernel || p->user);
	if (p->kernel) {
		p->kernel_len =
			expression_compile(p->kernel, SAMPLE_LIMIT, p->split, EXPRESSION_SLOTS);
		if (p->kernel_len < 0)
			fail_msg("the kernel's part of %s: %s", text, error_text());
	}
	if (p->whole_len >= 0 && p->whole_len <= EXPRESSION_SLOTS)
		assert_null(p->user);
}

static void release(struct parts *p)
{
	expression_free(p->whole);
	expression_free(p->again);
	expression_free(p->kernel);
	expression_free(p->user);
}

static void check_record(const struct parts *p, const struct sample_record *r,
			 const struct record *view, const char *text)
{
	bool answer = expression_match(p->whole, view), split = true;

	if (expression_match(p->again, view) != answer)
		fail_msg("%s: the normal form says %d", text, !answer);
	if (p->whole_len > 0 && run(p->insns, p->whole_len, r, text) != answer)
		fail_msg("%s: the instructions say %d", text, !answer);
	if (p->kernel)
		split = run(p->split, p->kernel_len, r, text);
	if (p->user)
		split = split && expression_match(p->user, view);
	if (split != answer)
		fail_msg("%s: the parts say %d", text, split);
}

static void test_agreement(void **state)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	struct sample_record *records = calloc(RECORDS, sizeof(*records));
	const char *wish = getenv("SAKER_TEST_PAIRS");
	u64 pairs = wish ? strtoull(wish, NULL, 10) : PAIRS, true_answers = 0, in_kernel = 0,
	    all = 0;
	struct random r = { 0x9e3779b97f4a7c15 };

	assert_non_null(records);
	while (all < pairs) {
		struct parts p = { .insns = calloc(MOST, sizeof(*p.insns)) };
		_cleanup_buf_ struct buf text = {};

		assert_non_null(p.insns);
		random_expression(&r, random_below(&r, 4), random_below(&r, 2), false, &text);
		prepare(&p, s, buf_str(&text));
		for (size_t i = 0; i < RECORDS; i++) {
			struct record view;

			random_record(&r, &records[i]);
			view = sample_view(s, &records[i]);
			if (record_check(s, &records[i], view.size))
				fail_msg("%s", error_text());
			check_record(&p, &records[i], &view, buf_str(&text));
			true_answers += expression_match(p.whole, &view);
		}
		in_kernel += p.whole_len > 0 ? RECORDS : 0;
		all += RECORDS;
		release(&p);
		free(p.insns);
	}
	free(records);
	print_message("%llu pairs, %llu wholly in the kernel, %llu true\n", (unsigned long long)all,
		      (unsigned long long)in_kernel, (unsigned long long)true_answers);
	/* The pools meet: neither answer is rare. */
	assert_true(true_answers > all / 5 && true_answers < all / 5 * 4 && in_kernel > all / 3);
}

int test_expression_random(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agreement),
	};

	return cmocka_run_group_tests_name("expression: kernel and user space agree", tests, NULL,
					   NULL);
}
