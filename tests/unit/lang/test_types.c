// SPDX-License-Identifier: Apache-2.0
/* Types by themselves, and types of the running kernel. */
#include "unit/lang/types_fixture.h"

#include <bpf/btf.h>

static void types_are_written_as_the_language_has_them(void **state)
{
	struct types *t = types_new(NULL, false);
	struct arena *a = t->arena;
	const struct type *of[] = { &type_s8, type_string(a, 4), &type_u8, &type_s16 };
	const char *const names[] = { "a", "b", "c", "d" };
	struct type stack = { .kind = TYPE_KSTACK, .stack_depth = 127 };
	struct type list = { .kind = TYPE_USTACK, .stack_mode = STACK_PERF, .stack_depth = 3 };
	const struct type *word = type_pointer(a, &type_s8, SPACE_NONE);

	(void)state;
	assert_string_equal(types_print(t, type_tuple(a, of, NULL, 4)),
			    "(int8,string[4],uint8,int16)");
	assert_string_equal(types_print(t, type_tuple(a, of, names, 2)),
			    "record { .a = int8, .b = string[4] }");
	assert_string_equal(types_print(t, type_pointer(a, word, SPACE_USER)), "int8 * *");
	assert_string_equal(types_print(t, type_array(a, type_array(a, &type_s64, 3), 2)),
			    "int64[3][2]");
	assert_string_equal(types_print(t, type_buffer(a, 3)), "buffer[7]");
	assert_string_equal(types_print(t, type_string(a, 0)), "string");
	assert_string_equal(types_print(t, &type_inet), "inet[24]");
	assert_string_equal(types_print(t, &type_mac), "mac_address");
	assert_string_equal(types_print(t, &type_ksym), "ksym_t");
	assert_string_equal(types_print(t, &type_strerror), "string[64]");
	assert_string_equal(types_print(t, &stack), "kstack_bpftrace_127");
	assert_string_equal(types_print(t, &list), "ustack_perf_3");
	types_free(t);
}

static void tuples_are_laid_out_like_c(void **state)
{
	struct types *t = types_new(NULL, false);
	const struct type *of[] = { &type_s8, &type_u64, type_string(t->arena, 3), &type_u16 };
	const struct type *tuple = type_tuple(t->arena, of, NULL, 4);
	const u32 offsets[] = { 0, 8, 16, 20 };

	(void)state;
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(tuple->members->fields[i].offset, offsets[i]);
	assert_int_equal(tuple->size, 24);
	assert_int_equal(tuple->align, 8);
	assert_int_equal(type_tuple(t->arena, of, NULL, 0)->size, 0);
	types_free(t);
}

static void equality_looks_at_what_a_type_is(void **state)
{
	struct types *t = types_new(NULL, false);
	struct arena *a = t->arena;
	const struct type *x[] = { &type_s8, &type_u8 }, *y[] = { &type_s8, &type_s8 };
	struct type three = { .kind = TYPE_KSTACK, .stack_depth = 3 }, four = three;

	(void)state;
	four.stack_depth = 4;
	assert_true(type_equal(type_string(a, 4), type_string(a, 4)));
	assert_false(type_equal(type_string(a, 4), type_string(a, 5)));
	assert_false(type_equal(&type_u8, &type_s8));
	assert_false(type_equal(&type_u8, &type_bool));
	assert_true(type_equal(type_pointer(a, &type_u8, SPACE_USER),
			       type_pointer(a, &type_u8, SPACE_KERNEL)));
	assert_true(type_equal(type_tuple(a, x, NULL, 2), type_tuple(a, x, NULL, 2)));
	assert_false(type_equal(type_tuple(a, x, NULL, 2), type_tuple(a, y, NULL, 2)));
	assert_false(type_equal(type_tuple(a, x, NULL, 2), type_tuple(a, x, NULL, 1)));
	assert_false(type_equal(&three, &four));
	types_free(t);
}

static void values_take_the_room_that_their_layout_says(void **state)
{
	struct types *t = types_new(NULL, false);
	struct type stack = { .kind = TYPE_USTACK, .stack_depth = 5 };
	struct type hist = { .kind = TYPE_HIST, .aggregation = { .buckets = 64 } };
	struct type series = { .kind = TYPE_TSERIES, .aggregation = { .buckets = 10 } };

	(void)state;
	assert_int_equal(type_stored_size(&stack), 16 + 5 * 8);
	assert_int_equal(type_stored_size(&hist), 64 * 8);
	assert_int_equal(type_stored_size(&series), 10 * 24);
	assert_int_equal(type_stored_size(type_buffer(t->arena, 10)), 14);
	assert_int_equal(type_stored_size(type_named(t->world, "stats_t")), 16);
	assert_int_equal(type_stored_size(&type_usym), 16);
	types_free(t);
}

static void names_of_the_language_open_no_btf(void **state)
{
	static const struct {
		const char *name, *is;
	} cases[] = {
		{ "uint64", "uint64" },	      { "int", "int32" },
		{ "unsigned", "uint32" },     { "long unsigned int", "uint64" },
		{ "char", "uint8" },	      { "signed char", "int8" },
		{ "size_t", "uint64" },	      { "__be32", "uint32" },
		{ "_Bool", "bool" },	      { "void", "void" },
		{ "string", "string" },	      { "macaddr_t", "mac_address" },
		{ "timestamp", "timestamp" }, { "avg_t", "avg_t" },
	};
	struct types *t = types_new(NULL, false);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct type *found = type_named(t->world, cases[i].name);

		assert_non_null(found);
		assert_string_equal(types_print(t, found), cases[i].is);
	}
	assert_null(t->world->kernel.btf);
	types_free(t);
}

/* Every struct of the kernel: what we say of its members against libbpf's reading. */
static void every_struct_lies_as_libbpf_says(void **state)
{
	struct types *t = types_new(NULL, false);
	struct btf *theirs;
	u32 looked = 0;

	(void)state;
	if (!types_have_kernel())
		skip();
	theirs = btf__load_vmlinux_btf();
	assert_non_null(theirs);
	for (u32 id = 1; id < btf__type_cnt(theirs); id += 7) {
		const struct btf_type *bt = btf__type_by_id(theirs, id);
		const struct type *ours;
		const struct members *m;

		if (!btf_is_composite(bt))
			continue;
		ours = origin_type(world_kernel(t->world), id);
		m = type_members(t->world, ours);
		assert_non_null(m);
		assert_int_equal(ours->size, bt->size);
		assert_int_equal(m->count, btf_vlen(bt));
		assert_int_equal(type_alignment(ours), MAX(btf__align_of(theirs, id), 1));
		for (u32 i = 0; i < m->count; i++) {
			const struct field *f = &m->fields[i];

			assert_int_equal(f->bit_size, btf_member_bitfield_size(bt, i));
			assert_int_equal(f->offset * 8 + f->bit_offset,
					 btf_member_bit_offset(bt, i));
			assert_true(f->bit_offset + f->bit_size <= f->type->size * 8 ||
				    !f->bit_size);
		}
		looked++;
	}
	assert_true(looked > 100);
	btf__free(theirs);
	types_free(t);
}

static void kernel_structs_are_read(void **state)
{
	struct types *t = types_new(NULL, false);
	const char *near = NULL;
	struct field f;

	(void)state;
	if (!types_have_kernel())
		skip();
	assert_non_null(strstr(types_field(t, "struct task_struct", "comm"), " string[16]"));
	assert_non_null(strstr(types_field(t, "struct task_struct", "pid"), " int32"));
	assert_non_null(strstr(types_field(t, "task_struct", "mm"), " struct mm_struct *"));
	assert_string_equal(types_field(t, "struct in6_addr", "in6_u"),
			    "0 union {string[16],uint16[8],uint32[4]}");
	assert_string_equal(types_field(t, "struct path", "dentry"), "8 struct dentry *");
	assert_string_equal(types_field(t, "struct iphdr", "version"), "0.4:4 uint8");
	/* within unnamed structs */
	assert_non_null(strstr(types_field(t, "struct sk_buff", "protocol"), " uint16"));
	assert_string_equal(types_field(t, "struct file_operations", "owner"), "0 struct module *");
	assert_non_null(strstr(types_field(t, "struct file_operations", "read"), " void *"));
	assert_string_equal(types_print(t, type_named(t->world, "atomic_t")), "struct {int32}");
	assert_null(type_named(t->world, "struct no_such_struct"));
	assert_null(type_named(t->world, "struct pid_type"));
	assert_false(type_field(t->world, type_named(t->world, "struct task_struct"), "comn", &f,
				&near));
	assert_string_equal(near, "comm");
	types_free(t);
}

static void constants_of_enums_are_found(void **state)
{
	struct types *t = types_new(NULL, false);
	const struct type *of;
	s64 value;

	(void)state;
	if (!types_have_kernel())
		skip();
	assert_true(type_enumerator(t->world, "PIDTYPE_TGID", &value, &of));
	assert_int_equal(value, 1);
	assert_string_equal(types_print(t, of), "enum pid_type");
	assert_string_equal(type_enum_name(t->world, of, 2), "PIDTYPE_PGID");
	assert_null(type_enum_name(t->world, of, 1000));
	assert_false(type_enumerator(t->world, "NO_SUCH_CONSTANT", &value, NULL));
	assert_false(type_enumerator(t->world, "", &value, NULL));
	types_free(t);
}

static void hooks_have_their_arguments(void **state)
{
	struct types *t = types_new(NULL, false);
	const struct type *f;
	u32 id = 0;

	(void)state;
	if (!types_have_kernel())
		skip();
	f = type_function(t->world, NULL, "vfs_read", &id);
	assert_non_null(f);
	assert_true(id > 0);
	assert_int_equal(f->members->count, 4);
	assert_string_equal(f->members->fields[0].name, "file");
	assert_string_equal(types_print(t, f->members->fields[0].type), "struct file *");
	assert_string_equal(types_print(t, f->of), "int64");
	assert_null(type_function_module(f));
	assert_null(type_function(t->world, NULL, "no_such_function", NULL));
	assert_null(type_function(t->world, "no_such_module", "vfs_read", NULL));
	f = type_raw_tracepoint(t->world, "sched_switch", &id);
	assert_non_null(f);
	assert_true(f->members->count >= 3);
	assert_string_equal(f->members->fields[1].name, "prev");
	assert_int_equal(f->members->fields[1].type->space, SPACE_TRUSTED);
	assert_null(type_raw_tracepoint(t->world, "no_such_tracepoint", NULL));
	f = type_iterator(t->world, "task", &id);
	assert_non_null(f);
	assert_int_equal(f->space, SPACE_CONTEXT);
	assert_string_equal(f->members->fields[1].name, "task");
	assert_int_equal(f->members->fields[1].type->space, SPACE_TRUSTED);
	types_free(t);
}

static int count_one(void *context, const struct type *type)
{
	(void)type;
	++*(u32 *)context;
	return 0;
}

static void structs_are_listed_and_defined(void **state)
{
	struct types *t = types_new(NULL, false);
	struct buf b = {};
	u32 count = 0;

	(void)state;
	if (!types_have_kernel())
		skip();
	assert_int_equal(type_list_structs(t->world, "struct task_struct", count_one, &count), 0);
	assert_int_equal(count, 1);
	assert_true(type_print_definition(t->world, type_named(t->world, "struct path"), &b));
	assert_string_equal(buf_str(&b), "struct path {\n\tstruct vfsmount *mnt;\n"
					 "\tstruct dentry *dentry;\n};\n");
	buf_clear(&b);
	assert_true(
		type_print_definition(t->world, type_named(t->world, "struct restart_block"), &b));
	assert_non_null(strstr(buf_str(&b), "\tlong int (*fn)(struct restart_block *);\n"));
	buf_clear(&b);
	type_print_parameters(t->world, type_function(t->world, NULL, "vfs_read", NULL), true, &b);
	assert_string_equal(buf_str(&b),
			    "    struct file * file\n    char * buf\n"
			    "    size_t count\n    loff_t * pos\n    ssize_t retval\n");
	buf_free(&b);
	types_free(t);
}

static void btf_that_is_not_the_kernels_is_trusted_in_nothing(void **state)
{
	struct types *t = types_new(NULL, false);
	struct btf *btf = btf__new_empty();
	struct kernel_btf *ours;
	struct type_origin *o;
	const void *bytes;
	u32 size, self;

	(void)state;
	assert_non_null(btf);
	/* a pointer to itself, an array of itself, a typedef of itself, an id that is not there */
	self = btf__type_cnt(btf);
	assert_true(btf__add_ptr(btf, self) > 0);
	assert_true(btf__add_array(btf, self, self + 1, 4) > 0);
	assert_true(btf__add_typedef(btf, "loop", self + 2) > 0);
	assert_true(btf__add_ptr(btf, 1000) > 0);
	assert_true(btf__add_struct(btf, "inside", 8) > 0);
	assert_true(btf__add_field(btf, NULL, self + 4, 0, 0) == 0);
	bytes = btf__raw_data(btf, &size);
	assert_int_equal(kernel_btf_parse(bytes, size, &ours), 0);
	o = origin_new(t->world, ours, "hostile", SPACE_USER);
	assert_non_null(o);
	for (u32 id = 0; id < kernel_btf_count(ours) + 3; id++) {
		const struct type *made = id < kernel_btf_count(ours) ? origin_type(o, id)
								      : &type_none;
		struct field f;

		types_print(t, made);
		type_alignment(made);
		assert_false(type_field(t->world, made, "x", &f, NULL));
	}
	origin_free(o);
	for (u32 cut = 0; cut < size; cut++) {
		struct kernel_btf *part;

		if (!kernel_btf_parse(bytes, cut, &part))
			kernel_btf_free(part);
	}
	btf__free(btf);
	types_free(t);
}

TEST_GROUP(test_types)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_written_as_the_language_has_them),
		cmocka_unit_test(tuples_are_laid_out_like_c),
		cmocka_unit_test(equality_looks_at_what_a_type_is),
		cmocka_unit_test(values_take_the_room_that_their_layout_says),
		cmocka_unit_test(names_of_the_language_open_no_btf),
		cmocka_unit_test(every_struct_lies_as_libbpf_says),
		cmocka_unit_test(kernel_structs_are_read),
		cmocka_unit_test(constants_of_enums_are_found),
		cmocka_unit_test(hooks_have_their_arguments),
		cmocka_unit_test(structs_are_listed_and_defined),
		cmocka_unit_test(btf_that_is_not_the_kernels_is_trusted_in_nothing),
	};

	return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
