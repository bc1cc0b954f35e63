// SPDX-License-Identifier: Apache-2.0
/*
 * What a refusal says: of programs that are wrong on purpose, on the kernel that runs, and of logs
 * in the words of several kernels.
 */
#include "fixture.h"
#include "groups.h"

#include "kernel/verifier.h"

__asm__(".pushsection .rodata\nrefused_source:\n.incbin \"tests/unit/kernel/refused.bpf.c\"\n"
	".byte 0\n.popsection\n");
extern const char refused_source[];

static void must_contain(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in: %s", what, text);
}

/* The number of the line that carries the mark of the program. */
static unsigned marked_line(const char *program)
{
	const char *at = refused_source, *mark;
	unsigned line = 1;
	char text[64];

	snprintf(text, sizeof(text), "/* wrong: %s */", program);
	mark = strstr(refused_source, text);
	assert_non_null(mark);
	for (; at < mark; at++)
		line += *at == '\n';
	return line;
}

static void refusals_say_what_and_where(void **state)
{
	static const struct {
		const char *program, *words;
		bool line;
	} wrong[] = {
		{ "no_null_check", "without a check for NULL", true },
		{ "outside_value", "no upper bound", true },
		{ "number_as_pointer", "a number is used as a pointer", true },
		{ "unbounded_length", "length", true },
		{ "endless_loop", "loop", false },
		{ "no_such_helper", "helper", true },
		{ "wrong_argument", "argument is not of the type", true },
		{ "beyond_context", "context", true },
		{ "no_such_field", "this kernel has no such type or field", false },
	};

	need_bpf();
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct object *o = open_object(refused_object());
		struct bpf_program *p;
		char place[64];

		bpf_object__for_each_program(p, object_bpf(o))
			bpf_program__set_autoload(p,
						  !strcmp(bpf_program__name(p), wrong[i].program));
		error_clear();
		assert_true(object_load(o) < 0);
		must_contain(error_text(), wrong[i].program);
		must_contain(error_text(), wrong[i].words);
		snprintf(place, sizeof(place), "refused.bpf.c:%u", marked_line(wrong[i].program));
		if (wrong[i].line)
			must_contain(error_text(), place);
		assert_true(strlen(error_text()) < 1000);
		assert_null(strchr(error_text(), '\n'));
		assert_true(strlen(object_verifier_log(o)) > 0);
		object_free(o);
	}
}

static char *explain(const char *log, int err)
{
	struct buf b = {};

	verifier_explain(log, "p", err, NULL, &b);
	return b.data;
}

static void old_kernels_words(void **state)
{
	char *text = explain("func#0 @0\n0: R1=ctx(id=0,off=0,imm=0) R10=fp0\n; int p(void *c)\n"
			     "0: (b4) w1 = 1\n1: (85) call bpf_map_lookup_elem#1\n"
			     "2: R0_w=map_value_or_null(id=1,off=0,ks=4,vs=8,imm=0) R10=fp0\n"
			     "; return *v;\n2: (79) r0 = *(u64 *)(r0 +0)\n"
			     "R0 invalid mem access 'map_value_or_null'\n"
			     "processed 3 insns (limit 1000000) max_states_per_insn 0\n",
			     -EACCES);

	assert_string_equal(
		text,
		"program p is refused (return *v;): the result of bpf_map_lookup_elem() is used "
		"without a check for NULL [R0 invalid mem access 'map_value_or_null']; "
		"instruction 2 is \"r0 = *(u64 *)(r0 +0)\", where r0 is "
		"map_value_or_null(id=1,off=0,ks=4,vs=8,imm=0)");
	free(text);
}

static void new_kernels_words(void **state)
{
	char *text =
		explain("0: R1=ctx() R10=fp0\n; out = t[i]; @ a.bpf.c:7\n"
			"5: (79) r1 = *(u64 *)(r2 +0)  ; R1_w=scalar(smin=0,var_off=(0x0; 0xff)) "
			"R2=map_value(map=m)\n"
			"6: (0f) r2 += r1\nR2 unbounded memory access, make sure to bounds check\n",
			-EACCES);

	must_contain(text, "at a.bpf.c:7 (out = t[i];)");
	must_contain(text, "r1 is scalar(smin=0,var_off=(0x0; 0xff)) and r2 is map_value(map=m)");
	free(text);
}

/*
 * Between the printed state and the instruction the register was written: the state says nothing
 * any more.
 */
static void stale_states_are_not_shown(void **state)
{
	char *text =
		explain("0: R1=ctx(id=0,off=0,imm=0) R6=inv5 R10=fp0\n0: (bf) r6 = r1\n"
			"1: (79) r0 = *(u64 *)(r6 +8)\ninvalid bpf_context access off=8 size=8\n",
			-EACCES);

	assert_null(strstr(text, "inv5"));
	must_contain(text, "context");
	free(text);
}

static void odd_logs(void **state)
{
	char *text = explain("", -EPERM);

	must_contain(text, "Operation not permitted");
	free(text);
	text = explain("", -E2BIG);
	must_contain(text, "Argument list too long");
	free(text);
	text = explain("something that nobody has seen\n", -EINVAL);
	must_contain(text, "something that nobody has seen");
	free(text);
	text = explain("5: (85) call \x1b[31mred\n\x1b[0mR1 bad\n", -EINVAL);
	assert_null(strchr(text, '\x1b'));
	free(text);
	text = explain("R\nR1\nR1=\n1:\n12: (\n; \n ; \n12: (85\n12: (85)\nfrom \n", -EINVAL);
	free(text);
}

int test_verifier(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_say_what_and_where),
		cmocka_unit_test(old_kernels_words),
		cmocka_unit_test(new_kernels_words),
		cmocka_unit_test(stale_states_are_not_shown),
		cmocka_unit_test(odd_logs),
	};

	return cmocka_run_group_tests_name("verifier", tests, NULL, NULL);
}
