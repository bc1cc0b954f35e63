// SPDX-License-Identifier: Apache-2.0
/*
 * Programs' debug information: this very program's, and that of a small one compiled in every form
 * that there is to compile it in, against what the compiler says of the same declarations.
 */
#include "unit/lang/types_fixture.h"

#include "lang/types/dwarf.h"

#include <fcntl.h>
#include <sys/stat.h>

#define BOTH(...)   \
	__VA_ARGS__ \
	static const char program[] = #__VA_ARGS__;

/* clang-format off */
BOTH(
	struct deeper { char text[12]; unsigned char bytes[4]; };
	enum colour { RED, GREEN = 7, BLUE = -3 };
	union either { int number; struct deeper deep; };
	struct sample {
		int a; unsigned b : 3; int c : 7; unsigned long d : 40;
		struct deeper inside; union either one; union { short x; long y; };
		enum colour colour; struct sample *next; const char *name; double real;
		int matrix[2][3]; int (*callback)(struct sample *); unsigned char flag; char tail[];
	};
	typedef struct sample sample_t;
	int sample_function(struct sample *s, const char *text, unsigned char flag);
	int sample_function(struct sample *s, const char *text, unsigned char flag)
	{ return s->a + text[0] + flag; }
)
/* clang-format on */

static void look(const char *path)
{
	struct types *t = types_new(NULL, false);
	const struct type *f, *of;
	struct field field;
	s64 value;

	type_world_add_program(t->world, path);
	assert_string_equal(types_field(t, "struct sample", "a"), "0 int32");
	assert_string_equal(types_field(t, "struct sample", "b"), "4.0:3 uint32");
	assert_string_equal(types_field(t, "struct sample", "c"), "4.3:7 int32");
	assert_string_equal(types_field(t, "struct sample", "d"), "8.0:40 uint64");
	assert_string_equal(types_field(t, "sample_t", "inside"), "13 struct deeper");
	assert_string_equal(types_field(t, "struct deeper", "text"), "0 string[12]");
	assert_string_equal(types_field(t, "struct deeper", "bytes"), "12 uint8[4]");
	assert_string_equal(types_field(t, "struct sample", "next") + 3, "struct sample *");
	assert_string_equal(types_field(t, "struct sample", "name") + 3, "int8 *");
	assert_string_equal(types_field(t, "struct sample", "matrix") + 3, "int32[3][2]");
	assert_string_equal(types_field(t, "struct sample", "callback") + 4, "void *");
	of = type_named(t->world, "struct sample");
	assert_true(type_field(t->world, of, "y", &field, NULL));
	assert_int_equal(field.offset, offsetof(struct sample, y));
	assert_true(type_field(t->world, of, "tail", &field, NULL));
	assert_int_equal(field.offset, offsetof(struct sample, tail));
	assert_int_equal(of->size, sizeof(struct sample));
	assert_int_equal(type_alignment(of), 8);
	assert_true(type_enumerator(t->world, "BLUE", &value, &of));
	assert_int_equal(value, -3);
	assert_string_equal(types_print(t, of), "enum colour");
	assert_string_equal(type_enum_name(t->world, of, 7), "GREEN");
	assert_null(type_enum_name(t->world, of, 8));
	f = type_user_function(t->world, path, "sample_function");
	assert_non_null(f);
	assert_int_equal(f->members->count, 3);
	assert_string_equal(f->members->fields[0].name, "s");
	assert_string_equal(types_print(t, f->members->fields[0].type), "struct sample *");
	assert_int_equal(f->members->fields[0].type->space, SPACE_USER);
	assert_string_equal(f->members->fields[2].name, "flag");
	assert_string_equal(types_print(t, f->of), "int32");
	assert_null(type_user_function(t->world, path, "no_such_function"));
	/* what a program has need not be looked for in the kernel */
	assert_null(t->world->kernel.btf);
	types_free(t);
}

static void this_program_is_read(void **state)
{
	struct dwarf *d;

	(void)state;
	assert_int_equal(sample_function(&(sample_t){ .a = 1, .colour = GREEN }, "", 2), 3);
	if (dwarf_open("/proc/self/exe", &d))
		skip();
	dwarf_free(d);
	look("/proc/self/exe");
}

static bool run(const char *format, ...)
{
	char command[2000];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return !system(command);
}

struct folder {
	char path[64];
};

static int make_folder(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));
	char source[100];
	FILE *file;

	strcpy(f->path, "/tmp/saker-dwarf-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	snprintf(source, sizeof(source), "%s/p.c", f->path);
	file = fopen(source, "w");
	if (!file)
		return -1;
	fprintf(file,
		"%s\nenum colour use = BLUE; sample_t *other;\n"
		"int main(void) { return other ? sample_function(other, \"\", 1) : use; }\n",
		program);
	fclose(file);
	*state = f;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *f = *state;

	run("rm -rf '%s'", f->path);
	free(f);
	return 0;
}

static void every_version_is_read(void **state)
{
	static const char *const flags[] = {
		"-gdwarf-2 -gstrict-dwarf",
		"-gdwarf-3",
		"-gdwarf-4",
		"-gdwarf-5",
		"-gdwarf-5 -gz",
		"-gdwarf-4 -gz",
		"-gdwarf-5 -O2",
		"-gdwarf-5 -gdwarf64",
	};
	const struct folder *f = *state;
	char path[100];
	u32 looked = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		snprintf(path, sizeof(path), "%s/p%zu", f->path, i);
		if (!run("gcc -fno-eliminate-unused-debug-types %s -o %s %s/p.c 2>/dev/null",
			 flags[i], path, f->path))
			continue;
		look(path);
		looked++;
	}
	if (!looked)
		skip();
}

static void separate_files_are_found(void **state)
{
	const struct folder *f = *state;
	char path[100];

	snprintf(path, sizeof(path), "%s/stripped", f->path);
	if (!run("cd %s && gcc -g -o stripped p.c 2>/dev/null && mkdir -p .debug && "
		 "objcopy --only-keep-debug stripped .debug/stripped.debug && "
		 "strip -g stripped && "
		 "objcopy --add-gnu-debuglink=.debug/stripped.debug stripped 2>/dev/null",
		 f->path))
		skip();
	look(path);
}

static void what_has_none_says_so(void **state)
{
	struct types *t = types_new(NULL, false);
	const struct folder *f = *state;
	char path[100];
	struct dwarf *d;

	snprintf(path, sizeof(path), "%s/p.c", f->path);
	assert_int_equal(dwarf_open(path, &d), -ENOEXEC);
	assert_int_equal(dwarf_open("/no/such/file", &d), -ENOENT);
	assert_null(type_user_function(t->world, "/no/such/file", "main"));
	assert_non_null(strstr(error_text(), "no debug information"));
	types_free(t);
}

/* Bytes changed at random: whatever is read, it ends. */
static void damage_is_survived(void **state)
{
	const struct folder *f = *state;
	struct buf good = {};
	char path[100];
	u32 seed = 1;

	snprintf(path, sizeof(path), "%s/bad", f->path);
	if (!run("gcc -g -o %s %s/p.c 2>/dev/null", path, f->path) ||
	    read_file(path, 8 << 20, &good))
		skip();
	for (int round = 0; round < 300; round++) {
		struct types *t = types_new(NULL, false);
		int fd = open(path, O_WRONLY | O_TRUNC);
		struct field field;
		s64 value;

		for (int i = 0; i < 60; i++) {
			seed = seed * 1103515245 + 12345;
			/* behind the headers, where the sections are */
			good.data[64 + (seed >> 8) % (good.len - 64)] ^= 1 << (seed >> 28 & 7);
		}
		assert_true(write(fd, good.data, good.len) == (ssize_t)good.len);
		close(fd);
		type_world_add_program(t->world, path);
		if (t->world->programs[0]) {
			const struct type *of =
				program_named(t->world->programs[0], "sample", BTF_KIND_STRUCT);

			if (of) {
				type_field(t->world, of, "nothing", &field, NULL);
				type_alignment(of);
				types_print(t, of);
			}
			program_enumerator(t->world->programs[0], "BLUE", &value, &of);
			type_user_function(t->world, path, "sample_function");
		}
		types_free(t);
		if (round % 20 == 19) {
			run("gcc -g -o %s %s/p.c 2>/dev/null", path, f->path);
			read_file(path, 8 << 20, &good);
		}
	}
	buf_free(&good);
}

static volatile int line_value;
enum { LINE_FIRST_LINE = __LINE__ + 3 };
static __attribute__((noinline)) void line_function(void)
{
	line_value++;
	line_value += 2;
}

static void lines_have_addresses(void **state)
{
	u64 first, second, function = (u64)(uintptr_t)line_function;
	const char *self = "/proc/self/exe";

	(void)state;
	line_function();
	assert_int_equal(type_source_line(self, "test_dwarf.c", LINE_FIRST_LINE, &first), 0);
	assert_int_equal(
		type_source_line(self, "unit/lang/test_dwarf.c", LINE_FIRST_LINE + 1, &second), 0);
	assert_true(first && second > first && second < first + 64);
	/* wherever the program was loaded */
	assert_true(((first - function) & 4095) < 64);
	assert_int_equal(type_source_line(self, "est_dwarf.c", LINE_FIRST_LINE, &first), -ENOENT);
	assert_int_equal(type_source_line(self, "test_dwarf.c", 1000000, &first), -ENOENT);
}

TEST_GROUP(test_dwarf)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_program_is_read),	    cmocka_unit_test(every_version_is_read),
		cmocka_unit_test(separate_files_are_found), cmocka_unit_test(what_has_none_says_so),
		cmocka_unit_test(damage_is_survived),	    cmocka_unit_test(lines_have_addresses),
	};

	return cmocka_run_group_tests_name("dwarf", tests, make_folder, remove_folder);
}
