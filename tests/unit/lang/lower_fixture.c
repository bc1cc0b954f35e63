// SPDX-License-Identifier: Apache-2.0
/* Compiling, loading and running a script for the tests of the lowering. */
#include "unit/lang/lower_fixture.h"

#include <poll.h>
#include <unistd.h>

struct compilation *lower_compile(const char *text, u32 kernel, struct lang_options *o,
				  struct buf *errors)
{
	struct compilation *c = NULL;
	int err;

	*o = (struct lang_options){ .name = "stdin", .script.kernel = kernel };
	err = lang_compile(text, strlen(text), o, &c);
	if (!err)
		return c;
	if (c)
		diagnostics_print(&c->diagnostics, false, false, errors);
	buf_add_str(errors, error_text());
	compilation_free(c);
	return NULL;
}

static void consume(struct run *r)
{
	u64 end = clock_monotonic_ns() + 10 * NSEC_PER_SEC;

	while (!r->exiting && clock_monotonic_ns() < end) {
		struct pollfd p = { .fd = run_poll_fd(r), .events = POLLIN };

		if (run_consume(r) < 0)
			break;
		if (!r->exiting)
			poll(&p, 1, 20);
	}
	assert_true(r->exiting);
}

void lower_expect(const char *text, u32 kernel, const char *expected)
{
	_cleanup_buf_ struct buf errors = {};
	struct lang_options o;
	_cleanup_(compilation_freep) struct compilation *c =
		lower_compile(text, kernel, &o, &errors);
	_cleanup_(run_freep) struct run *r = NULL;
	int err;

	if (!c)
		fail_msg("%s\n%s", text, buf_str(&errors));
	err = run_load(c->script, NULL, &r);
	if (err == -EPERM || geteuid())
		skip();
	if (err)
		fail_msg("%s\n%s", text, error_text());
	assert_int_equal(run_attach(r), 0);
	consume(r);
	assert_int_equal(run_end(r), 0);
	assert_string_equal(buf_str(&r->out.text), expected);
}

void lower_expect_everywhere(const char *text, const char *expected)
{
	lower_expect(text, KERNEL_RUNNING, expected);
	lower_expect(text, KERNEL_6_1, expected);
	lower_expect(text, KERNEL_5_10, expected);
}

void lower_expect_error(const char *text, u32 kernel, const char *part)
{
	_cleanup_buf_ struct buf errors = {};
	struct lang_options o;
	_cleanup_(compilation_freep) struct compilation *c =
		lower_compile(text, kernel, &o, &errors);

	assert_null(c);
	if (!strstr(buf_str(&errors), part))
		fail_msg("'%s' is not in: %s", part, buf_str(&errors));
}

size_t lower_size(const char *text)
{
	_cleanup_buf_ struct buf errors = {};
	struct lang_options o;
	_cleanup_(compilation_freep) struct compilation *c =
		lower_compile(text, KERNEL_VERSION_CODE(6, 12, 0), &o, &errors);

	if (!c)
		fail_msg("%s\n%s", text, buf_str(&errors));
	assert_int_equal(c->script->program_count, 1);
	return c->script->programs[0]->code.count;
}
