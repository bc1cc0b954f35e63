// SPDX-License-Identifier: Apache-2.0
/*
 * Our scan of the kernel's BTF against libbpf's: every type, and what relocated instructions
 * become.
 */
#include <glob.h>

#include "fixture.h"
#include "groups.h"

#include "kernel/kernel_btf.h"

static void every_type_is_where_libbpf_finds_it(void **state)
{
	const struct kernel_btf *ours;
	struct btf *theirs;

	need_bpf();
	must(kernel_btf_get(&ours));
	theirs = btf__load_vmlinux_btf();
	assert_non_null(theirs);
	assert_int_equal(kernel_btf_count(ours), btf__type_cnt(theirs));
	for (u32 id = 1; id < kernel_btf_count(ours); id++) {
		const struct btf_type *a = kernel_btf_type(ours, id),
				      *b = btf__type_by_id(theirs, id);

		assert_memory_equal(a, b, sizeof(*a));
		assert_string_equal(kernel_btf_string(ours, a->name_off),
				    btf__name_by_offset(theirs, b->name_off));
	}
	assert_null(kernel_btf_type(ours, 0));
	assert_null(kernel_btf_type(ours, kernel_btf_count(ours)));
	btf__free(theirs);
	kernel_btf_put(ours);
}

static void names_are_found(void **state)
{
	static const char *const names[] = { "btf_trace_sched_switch", "btf_trace_sys_enter",
					     "btf_trace_task_rename", "kuid_t",
					     "btf_trace_nothing" };
	const struct kernel_btf *ours;
	struct btf *theirs;

	need_bpf();
	must(kernel_btf_get(&ours));
	theirs = btf__load_vmlinux_btf();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(kernel_btf_typedef(ours, names[i]),
				 btf__find_by_name_kind(theirs, names[i], BTF_KIND_TYPEDEF));
	assert_int_equal(kernel_btf_function(ours, "bpf_fentry_test1"),
			 btf__find_by_name_kind(theirs, "bpf_fentry_test1", BTF_KIND_FUNC));
	assert_int_equal(kernel_btf_function(ours, "no_such_function_anywhere"), -ENOENT);
	assert_int_not_equal(kernel_btf_named(ours, "task_struct___flavour", 0), 0);
	assert_true(kernel_tracepoint_btf_id("sched_switch") > 0);
	assert_int_equal(kernel_tracepoint_btf_id("no_such_tracepoint"), -ENOENT);
	btf__free(theirs);
	kernel_btf_put(ours);
}

static void flavours_are_cut_as_libbpf_does(void **state)
{
	assert_int_equal(btf_essential_length("task_struct"), 11);
	assert_int_equal(btf_essential_length("task_struct___old"), 11);
	assert_int_equal(btf_essential_length("a___b___c"), 5);
	assert_int_equal(btf_essential_length("___a"), 4);
	assert_int_equal(btf_essential_length("a___"), 4);
	assert_int_equal(btf_essential_length("a____b"), 6);
	assert_int_equal(btf_essential_length(""), 0);
}

/* Loads that name a map's or a variable's address, which differ from load to load. */
static bool is_address(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) && insn->src_reg;
}

static void compare_code(const struct bpf_program *a, const struct bpf_program *b)
{
	const struct bpf_insn *x = bpf_program__insns(a), *y = bpf_program__insns(b);
	size_t count = bpf_program__insn_cnt(a);

	assert_int_equal(count, bpf_program__insn_cnt(b));
	for (size_t i = 0; i < count; i++) {
		if (is_address(&x[i]) && is_address(&y[i]))
			i++;
		else if (memcmp(&x[i], &y[i], sizeof(*x)))
			fail_msg("%s: instruction %zu: %02x %d %d, with the whole BTF %02x %d %d",
				 bpf_program__name(a), i, x[i].code, x[i].off, x[i].imm, y[i].code,
				 y[i].off, y[i].imm);
	}
}

/*
 * Loads with our BTF what this kernel can have of the object, then the same programs with libbpf's.
 * A program that is refused for its own sake is left out in both.
 */
static void compare_object(const char *name, const void *bytes, size_t size)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "whole");
	struct bpf_object *theirs = bpf_object__open_mem(bytes, size, &opts);
	struct object *ours = open_object((struct bytes){ bytes, size });
	struct program_plan plans[32] = {};
	struct bpf_program *p;
	size_t count = 0;

	assert_non_null(theirs);
	bpf_object__for_each_program(p, theirs)
		plans[count++] = (struct program_plan){ .program = bpf_program__name(p),
							.wanted = true,
							.optional = true };
	must(object_plan(ours, plans, count));
	must(object_load(ours));
	count = 0;
	bpf_object__for_each_program(p, theirs)
		bpf_program__set_autoload(p, plans[count++].chosen);
	if (bpf_object__load(theirs))
		fail_msg("%s: libbpf does not load what we load", name);
	bpf_object__for_each_program(p, theirs)
		if (bpf_program__autoload(p))
			compare_code(program_of(ours, bpf_program__name(p)), p);
	bpf_object__close(theirs);
	object_free(ours);
}

static void relocations_are_the_same_as_with_the_whole_btf(void **state)
{
	need_bpf();
	compare_object("core", core_object().at, core_object().size);
}

/* Those that are built, in the place where they are built: none in a guest. */
static void the_same_for_every_gadget(void **state)
{
	glob_t files = {};

	need_bpf();
	glob(TESTS_BUILD "/../gadgets/*.o", 0, NULL, &files);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct buf bytes = {};

		if (str_ends(files.gl_pathv[i], ".bpf.o"))
			continue;
		must(read_file(files.gl_pathv[i], 1 << 24, &bytes));
		compare_object(files.gl_pathv[i], bytes.data, bytes.len);
		buf_free(&bytes);
	}
	globfree(&files);
}

static void held_btf_is_one(void **state)
{
	const struct kernel_btf *a, *b;

	need_bpf();
	must(kernel_btf_hold());
	must(kernel_btf_get(&a));
	must(kernel_btf_get(&b));
	assert_ptr_equal(a, b);
	kernel_btf_put(a);
	kernel_btf_put(b);
	must(kernel_btf_get(&b));
	assert_ptr_equal(a, b);
	kernel_btf_put(b);
	kernel_btf_release();
}

int test_kernel_btf(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_where_libbpf_finds_it),
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(flavours_are_cut_as_libbpf_does),
		cmocka_unit_test(relocations_are_the_same_as_with_the_whole_btf),
		cmocka_unit_test(the_same_for_every_gadget),
		cmocka_unit_test(held_btf_is_one),
	};

	return cmocka_run_group_tests_name("kernel BTF", tests, NULL, NULL);
}
