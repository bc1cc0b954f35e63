// SPDX-License-Identifier: Apache-2.0
/*
 * The same promise with the real kernel: its verifier takes every predicate, around a record in a
 * map and around one without a tail on the stack, and test runs give the evaluator's answers.
 * Skipped where programs cannot be loaded. SAKER_TEST_PROGRAMS=N asks for more than the quick run
 * has.
 */
#include "expression_random.h"
#include "groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#define PROGRAMS 300
#define RECORDS 12

/*
 * r1 = the record, in the map's value or copied to the stack; @predicate; return r0. -2 when there
 * is no value.
 */
static void wrap(struct code *c, int map, bool on_stack, const struct bpf_insn *predicate, int len)
{
	u32 found = code_label(c);
	s32 size = (s32)sizeof(struct sample);

	code_store_imm(c, BPF_W, BPF_REG_10, -4, 0);
	code_mov(c, BPF_REG_2, BPF_REG_10);
	code_alu_imm(c, BPF_ADD, BPF_REG_2, -4);
	code_load_map_fd(c, BPF_REG_1, map);
	code_call(c, BPF_FUNC_map_lookup_elem);
	code_jump_if_imm(c, BPF_JNE, BPF_REG_0, 0, found);
	code_mov_imm(c, BPF_REG_0, -2);
	code_exit(c);
	code_bind(c, found);
	code_mov(c, BPF_REG_1, BPF_REG_0);
	for (s32 i = 0; on_stack && i < size; i += 8) {
		code_load(c, BPF_DW, BPF_REG_2, BPF_REG_1, i);
		code_store(c, BPF_DW, BPF_REG_10, i - size - 8, BPF_REG_2);
	}
	if (on_stack) {
		code_mov(c, BPF_REG_1, BPF_REG_10);
		code_alu_imm(c, BPF_ADD, BPF_REG_1, -size - 8);
	}
	/* What the place in a gadget leaves behind. */
	code_mov_imm(c, BPF_REG_0, 0x53414b52);
	assert_int_equal(code_finish(c), 0);
	assert_int_equal(grow(&c->insns, &c->capacity, c->count + (size_t)len, sizeof(*c->insns)),
			 0);
	memcpy(c->insns + c->count, predicate, (size_t)len * sizeof(*predicate));
	c->count += (size_t)len;
	code_exit(c);
	assert_int_equal(code_finish(c), 0);
}

static int load(const struct code *c, char *log, size_t log_size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .log_buf = log, .log_size = (u32)log_size,
		    .log_level = log ? 1 : 0);

	return bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "saker_where", "GPL", c->insns, c->count,
			     &options);
}

static void fail_refused(const struct code *c, const char *text)
{
	static const size_t size = 1 << 20;
	char *log = calloc(1, size), *tail;

	assert_non_null(log);
	(void)load(c, log, size);
	tail = strlen(log) > 1500 ? log + strlen(log) - 1500 : log;
	print_message("%s\n", tail);
	free(log);
	fail_msg("the verifier refuses %s", text);
}

static int answer_of(int program)
{
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet));

	assert_int_equal(bpf_prog_test_run_opts(program, &options), 0);
	return (int)options.retval;
}

/* Random records through the program of the kernel's part of @text. */
static void check_program(struct random *r, const struct schema *s, int map, bool on_stack,
			  const char *text)
{
	_cleanup_(expression_freep) struct expression *e = NULL, *rest = NULL, *whole = NULL;
	struct bpf_insn predicate[EXPRESSION_SLOTS];
	_cleanup_code_ struct code c = {};
	_cleanup_close_ int program = -1;
	int len;

	if (expression_parse(text, s, &whole) || expression_split(whole, &e, &rest))
		fail_msg("%s: %s", text, error_text());
	if (!e)
		return; /* one part, too large for the slots */
	len = expression_compile(e, on_stack ? sizeof(struct sample) : SAMPLE_LIMIT, predicate,
				 EXPRESSION_SLOTS);
	assert_true(len > 0);
	wrap(&c, map, on_stack, predicate, len);
	program = load(&c, NULL, 0);
	if (program < 0)
		fail_refused(&c, text);
	for (int i = 0; i < RECORDS; i++) {
		struct sample_record record;
		struct record view;
		u32 zero = 0;

		random_record(r, &record);
		view = sample_view(s, &record);
		assert_int_equal(bpf_map_update_elem(map, &zero, &record, BPF_ANY), 0);
		if (answer_of(program) != expression_match(e, &view))
			fail_msg("%s: the kernel says %d", text, !expression_match(e, &view));
	}
}

/*
 * What leaves code behind that is never reached: tests that are always true or always false, a text
 * that no record of this size holds. The verifier refuses code that no path leads to.
 */
static void check_constants(struct random *r, const struct schema *s, int map)
{
	static const char *const all[] = {
		"truth in (true, false)",
		"truth not in (true, false)",
		"truth in (true, false) && pid == 42",
		"!(truth in (true, false)) || pid == 42",
		"!(comm startswith \"\")",
		"comm startswith \"\" && path startswith \"\" && pid",
		"!(path startswith \"\") && comm",
		"saddr in ::/0 && daddr not in ::/0 || pid > 42",
		"comm in (\"\", \"a\") || comm not in (\"\", \"a\")",
	};
	_cleanup_buf_ struct buf longer = {};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check_program(r, s, map, false, all[i]);
	for (int sort = 0; sort < 2; sort++) {
		buf_clear(&longer);
		buf_add_str(&longer, sort ? "path == \"" : "pid && args startswith \"");
		buf_add_fill(&longer, 'a', 600);
		buf_add_str(&longer, "\" || truth");
		check_program(r, s, map, false, buf_str(&longer));
	}
}

static void test_kernel(void **state)
{
	_cleanup_(schema_freep) struct schema *s = sample_schema();
	const char *wish = getenv("SAKER_TEST_PROGRAMS");
	unsigned long programs = wish ? strtoul(wish, NULL, 10) : PROGRAMS;
	struct random r = { 0x2545f4914f6cdd1d };
	_cleanup_close_ int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "saker_record", 4,
						 sizeof(struct sample_record), 1, NULL);

	if (map < 0) {
		print_message("no map can be made here (%s): skipped\n", strerror(errno));
		skip();
	}
	check_constants(&r, s, map);
	for (unsigned long i = 0; i < programs; i++) {
		_cleanup_buf_ struct buf text = {};

		random_expression(&r, random_below(&r, 4), true, i % 2, &text);
		check_program(&r, s, map, i % 2, buf_str(&text));
	}
}

int test_expression_kernel(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests_name("expression: the real kernel", tests, NULL, NULL);
}
