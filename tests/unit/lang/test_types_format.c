// SPDX-License-Identifier: Apache-2.0
/* What tracefs says of events. */
#include "unit/lang/types_fixture.h"

static const char format[] =
	"name: sample\nID: 1\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n"
	"\tfield:const char * filename;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:const char *const * argv;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:umode_t mode;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:char comm[16];\toffset:40;\tsize:16;\tsigned:0;\n"
	"\tfield:unsigned long args[6];\toffset:56;\tsize:48;\tsigned:0;\n"
	"\tfield:__u8 address[sizeof(struct sockaddr_in6)];\toffset:104;\tsize:28;\tsigned:0;\n"
	"\tfield:__data_loc char[] path;\toffset:132;\tsize:4;\tsigned:0;\n"
	"\tfield:__rel_loc u64[] list;\toffset:136;\tsize:4;\tsigned:0;\n"
	"\tfield:enum skb_drop_reason reason;\toffset:140;\tsize:4;\tsigned:0;\n"
	"\tfield:struct sock * sk;\toffset:144;\tsize:8;\tsigned:0;\n"
	"\tfield:bool ok;\toffset:152;\tsize:1;\tsigned:0;\n"
	"\tfield:some_t odd[3];\toffset:154;\tsize:6;\tsigned:1;\n"
	"\nprint fmt: \"%s\", REC->comm\n";

static void fields_have_their_types(void **state)
{
	static const struct {
		const char *name;
		u32 offset;
		const char *type;
	} fields[] = {
		{ "__syscall_nr", 8, "int32" },	 { "filename", 16, "uint8 *" },
		{ "argv", 24, "uint8 * *" },	 { "mode", 32, "uint64" },
		{ "comm", 40, "string[16]" },	 { "args", 56, "uint64[6]" },
		{ "address", 104, "uint8[28]" }, { "path", 132, "int64" },
		{ "list", 136, "int64" },	 { "reason", 140, "enum skb_drop_reason" },
		{ "sk", 144, "struct sock *" },	 { "ok", 152, "bool" },
		{ "odd", 154, "int16[3]" },
	};
	struct format_options o = { "sample", SPACE_USER };
	struct types *t = types_new(NULL, false);
	const struct type *s = format_parse(t->arena, &o, format, strlen(format));

	(void)state;
	assert_non_null(s);
	assert_int_equal(s->members->count, ARRAY_SIZE(fields));
	assert_int_equal(s->space, SPACE_CONTEXT);
	assert_int_equal(s->size, 160);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *f = &s->members->fields[i];

		assert_string_equal(f->name, fields[i].name);
		assert_int_equal(f->offset, fields[i].offset);
		assert_string_equal(types_print(t, f->type), fields[i].type);
		assert_int_equal(f->is_data_loc, f->offset == 132 || f->offset == 136);
		assert_int_equal(f->is_rel_loc, f->offset == 136);
		if (f->type->kind == TYPE_POINTER)
			assert_int_equal(f->type->space, SPACE_USER);
	}
	assert_null(t->world->kernel.btf);
	types_free(t);
}

static void fields_are_listed_as_they_stand(void **state)
{
	struct buf b = {};

	(void)state;
	format_print(format, strlen(format), &b);
	assert_true(str_starts(buf_str(&b), "    int __syscall_nr\n    const char * filename\n"));
	assert_non_null(strstr(buf_str(&b), "    __data_loc char[] path\n"));
	assert_null(strstr(buf_str(&b), "common_"));
	buf_free(&b);
}

static void real_events_are_read(void **state)
{
	struct types *t = types_new(NULL, false);
	const struct type *s;
	struct field f;

	(void)state;
	if (!tracefs_path() || !tracepoint_exists("syscalls", "sys_enter_openat"))
		skip();
	s = type_tracepoint(t->world, "syscalls", "sys_enter_openat");
	assert_non_null(s);
	assert_string_equal(types_print(t, s), "struct tracepoint:syscalls:sys_enter_openat_args");
	assert_true(type_field(t->world, s, "filename", &f, NULL));
	assert_int_equal(f.type->space, SPACE_USER);
	assert_null(type_tracepoint(t->world, "syscalls", "no_such_event"));
	assert_null(type_tracepoint(t->world, "..", "events"));
	types_free(t);
}

static void broken_formats_are_no_structs_or_have_less(void **state)
{
	static const char *const texts[] = {
		"",
		"format:",
		"format:\nfield:;offset:0;size:1;",
		"format:\nfield:int;offset:0;size:4;",
		"format:\nfield:int x;size:4;",
		"format:\nfield:int x[;offset:0;size:4;",
		"format:\nfield:int x];offset:0;size:4;",
		"format:\nfield:int [];offset:0;size:4;",
		"format:\nfield:* x;offset:0;size:8;",
		"format:\nfield:char x[3];offset:99999999999999;size:3;",
		"format:\nfield:__data_loc x;offset:0;size:4;",
	};
	struct types *t = types_new(NULL, false);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct format_options o = { "x", SPACE_KERNEL };
		const struct type *s = format_parse(t->arena, &o, texts[i], strlen(texts[i]));

		if (s)
			types_print(t, s);
	}
	types_free(t);
}

TEST_GROUP(test_types_format)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_have_their_types),
		cmocka_unit_test(fields_are_listed_as_they_stand),
		cmocka_unit_test(real_events_are_read),
		cmocka_unit_test(broken_formats_are_no_structs_or_have_less),
	};

	return cmocka_run_group_tests_name("types_format", tests, NULL, NULL);
}
