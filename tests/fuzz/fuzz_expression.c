// SPDX-License-Identifier: Apache-2.0
/*
 * Filter expressions from anybody: the text up to the first NUL, then a record's bytes. What parses
 * must print to something that parses and prints the same; what compiles must stay in its memory
 * and give the evaluator's answer.
 */
#include "code/code.h"
#include "event/event.h"
#include "unit/event/expression_fixture.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* Lays the bytes over the fixed part, and what is left into the tail's two texts. */
static void fill(struct sample_record *r, const u8 *data, size_t size)
{
	size_t fixed = MIN(size, sizeof(r->fixed)), left = MIN(size - fixed, SAMPLE_TAIL);

	memset(r, 0, sizeof(*r));
	memcpy(&r->fixed, data, fixed);
	r->fixed.header.size = sizeof(r->fixed);
	sample_tail(r, r->fixed.path, data + fixed, left / 2);
	sample_tail(r, r->fixed.args, data + fixed + left / 2, left - left / 2);
}

static void check_normal_form(const struct expression *e, const struct schema *s)
{
	_cleanup_(expression_freep) struct expression *again = NULL;
	_cleanup_buf_ struct buf first = {}, second = {};
	int err;

	expression_print(e, &first);
	/*
	 * Names and brackets make it longer than it was; beyond the limit it cannot be read back.
	 */
	if (first.len > 60000)
		return;
	err = expression_parse(buf_str(&first), s, &again);
	if (err) {
		fprintf(stderr, "%s\n%s\n", buf_str(&first), error_text());
		abort();
	}
	expression_print(again, &second);
	if (strcmp(buf_str(&first), buf_str(&second)))
		abort();
}

static void check_parts(const struct expression *e, const struct sample_record *r,
			const struct record *view)
{
	_cleanup_(expression_freep) struct expression *kernel = NULL, *user = NULL;
	bool answer = expression_match(e, view);

	if (expression_split(e, &kernel, &user))
		abort();
	if (kernel && sample_in_kernel(kernel, r) != expression_match(kernel, view))
		abort();
	/* A regular expression that gives up may do so in one of the two runs only. */
	if (!expression_gave_up(e) && (!user || !expression_gave_up(user)) &&
	    ((!kernel || expression_match(kernel, view)) &&
	     (!user || expression_match(user, view))) != answer)
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	_cleanup_(expression_freep) struct expression *e = NULL;
	size_t len = size ? strnlen((const char *)data, size) : 0;
	_cleanup_free_ char *text = strndup(size ? (const char *)data : "", len);
	struct sample_record record;
	struct record view;

	if (!s || !text || expression_parse(text, s, &e))
		return 0;
	check_normal_form(e, s);
	len = MIN(len + 1, size);
	fill(&record, data + len, size - len);
	view = sample_view(s, &record);
	if (record_check(s, &record, view.size))
		abort();
	check_parts(e, &record, &view);
	return 0;
}
