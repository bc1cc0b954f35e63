// SPDX-License-Identifier: Apache-2.0
/*
 * What records become: scripts are compiled, their records made by hand (no program is loaded), and
 * the text compared. Records that are not whole must be refused.
 */
#include "lang/lang.h"
#include "unit/lang/groups.h"

struct fixture {
	struct lang_options options;
	struct compilation *compilation;
	struct output out;
	u8 record[4096];
	u32 size;
};

static void open_script(struct fixture *f, const char *text)
{
	memset(f, 0, sizeof(*f));
	f->options.name = "stdin";
	f->options.script.unsafe = true;
	assert_int_equal(lang_compile(text, strlen(text), &f->options, &f->compilation), 0);
	assert_int_equal(output_init(&f->out, f->compilation->script, NULL), 0);
}

static void close_script(struct fixture *f)
{
	output_free(&f->out);
	compilation_free(f->compilation);
}

/* Begins a record of the script's first action of that kind. */
static const struct action *begin(struct fixture *f, enum action_kind kind)
{
	const struct script *s = f->compilation->script;

	for (size_t i = 0; i < s->action_count; i++) {
		const struct action *a = s->actions[i];
		struct record_header h = { .type = (u16)(a->number + 1) };

		if (a->kind != kind)
			continue;
		memset(f->record, 0, sizeof(f->record));
		f->size = a->fixed_size;
		h.size = f->size;
		memcpy(f->record, &h, sizeof(h));
		return a;
	}
	fail_msg("the script has no such action");
	return NULL;
}

static void put_number(struct fixture *f, const struct action *a, u32 argument, s64 v)
{
	const struct action_argument *at = &a->arguments[argument];

	memcpy(f->record + at->offset, &v, type_stored_size(at->type));
}

/* Into its place, or into the tail when that is where it lies. */
static void put_text(struct fixture *f, const struct action *a, u32 argument, const char *text)
{
	const struct action_argument *at = &a->arguments[argument];
	u16 place[2] = { (u16)f->size, (u16)strlen(text) };

	if (!at->in_tail) {
		memcpy(f->record + at->offset, text, strlen(text));
		return;
	}
	memcpy(f->record + at->offset, place, sizeof(place));
	memcpy(f->record + f->size, text, strlen(text));
	f->size += (u32)strlen(text);
}

static void shows(struct fixture *f, const char *text)
{
	buf_clear(&f->out.text);
	assert_int_equal(output_record(&f->out, f->record, f->size), 0);
	assert_string_equal(buf_str(&f->out.text), text);
}

static void a_format_is_walked(void **state UNUSED)
{
	struct fixture f;
	const struct action *a;

	open_script(&f,
		    "BEGIN { printf(\"%d|%5d|%-5d|%05d|%+d|%x|%#x|%c|%%|%lld|%u\\n\", pid, pid, "
		    "pid, pid, pid, pid, pid, pid, pid, pid); }");
	a = begin(&f, ACTION_PRINTF);
	for (u32 i = 0; i < a->argument_count; i++)
		put_number(&f, a, i, 65);
	shows(&f, "65|   65|65   |00065|+65|41|0x41|A|%|65|65\n");
	close_script(&f);
}

static void numbers_are_cut_to_the_conversion(void **state UNUSED)
{
	struct fixture f;
	const struct action *a;

	open_script(&f,
		    "BEGIN { printf(\"%d %u %lld %llu %hhd %06d\\n\", nsecs, nsecs, nsecs, nsecs, "
		    "nsecs, nsecs); }");
	a = begin(&f, ACTION_PRINTF);
	for (u32 i = 0; i < a->argument_count; i++)
		put_number(&f, a, i, -1);
	put_number(&f, a, 5, -42);
	/* zeros come in front of the sign: bpftrace's */
	shows(&f, "-1 4294967295 -1 18446744073709551615 -1 000-42\n");
	close_script(&f);
}

static void text_lies_in_place_or_in_the_tail(void **state UNUSED)
{
	struct fixture f;
	const struct action *a;

	open_script(
		&f,
		"BEGIN { printf(\"[%s] [%8s] [%-8s]\\n\", str(kaddr(\"_text\")), comm, comm); }");
	a = begin(&f, ACTION_PRINTF);
	assert_true(a->arguments[0].in_tail);
	assert_false(a->arguments[1].in_tail);
	put_text(&f, a, 0, "a file of some length");
	put_text(&f, a, 1, "bash");
	put_text(&f, a, 2, "bash");
	shows(&f, "[a file of some length] [    bash] [bash    ]\n");
	close_script(&f);
}

static void json_is_one_object_a_line(void **state UNUSED)
{
	struct fixture f;
	const struct action *a;

	open_script(&f, "BEGIN { printf(\"%s \\\"%d\\\"\\n\", comm, pid); }");
	f.out.json = true;
	a = begin(&f, ACTION_PRINTF);
	put_text(&f, a, 0, "a\\b\n");
	put_number(&f, a, 1, 7);
	shows(&f, "{\"type\": \"printf\", \"data\": \"a\\\\b\\n \\\"7\\\"\\n\"}\n");
	close_script(&f);
}

static void a_broken_record_is_refused(void **state UNUSED)
{
	struct fixture f;
	const struct action *a;
	u16 place[2] = { 4000, 200 };

	open_script(&f, "BEGIN { printf(\"%s\\n\", str(kaddr(\"_text\"))); }");
	a = begin(&f, ACTION_PRINTF);
	assert_int_equal(output_record(&f.out, f.record, 8), -EBADMSG);
	assert_int_equal(output_record(&f.out, f.record, a->fixed_size - 1), -EBADMSG);
	((struct record_header *)f.record)->type = 9;
	assert_int_equal(output_record(&f.out, f.record, f.size), -EBADMSG);
	((struct record_header *)f.record)->type = (u16)(a->number + 1);
	/* a tail outside of the record is no text */
	memcpy(f.record + a->arguments[0].offset, place, sizeof(place));
	shows(&f, "\n");
	close_script(&f);
}

static void values_are_shown_by_their_type(void **state UNUSED)
{
	struct fixture f;
	const struct action *a;
	u8 *at;

	open_script(&f, "BEGIN { print(((uint32)pid, comm, (true, (int8)-3))); }");
	a = begin(&f, ACTION_PRINT_VALUE);
	at = f.record + a->arguments[0].offset;
	for (u32 i = 0; i < a->arguments[0].type->members->count; i++) {
		const struct field *m = &a->arguments[0].type->members->fields[i];

		if (m->type->kind == TYPE_STRING)
			memcpy(at + m->offset, "sh", 3);
		else if (m->type->kind == TYPE_INTEGER)
			memcpy(at + m->offset, &(u32){ 12 }, m->type->size);
	}
	f.out.json = true;
	shows(&f, "{\"type\": \"value\", \"data\": [12,\"sh\",[false,0]]}\n");
	f.out.json = false;
	shows(&f, "(12, sh, (false, 0))\n");
	close_script(&f);
}

static void exit_asks_to_end(void **state UNUSED)
{
	struct fixture f;
	const struct action *a;

	open_script(&f, "BEGIN { exit(3); }");
	a = begin(&f, ACTION_EXIT);
	put_number(&f, a, 0, 3);
	shows(&f, "");
	assert_true(f.out.exit_asked);
	assert_int_equal(f.out.exit_code, 3);
	close_script(&f);
}

TEST_GROUP(test_output)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_format_is_walked),
		cmocka_unit_test(numbers_are_cut_to_the_conversion),
		cmocka_unit_test(text_lies_in_place_or_in_the_tail),
		cmocka_unit_test(json_is_one_object_a_line),
		cmocka_unit_test(a_broken_record_is_refused),
		cmocka_unit_test(values_are_shown_by_their_type),
		cmocka_unit_test(exit_asks_to_end),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
