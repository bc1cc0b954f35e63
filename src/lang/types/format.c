// SPDX-License-Identifier: Apache-2.0
/*
 * What tracefs says of an event, as a struct of the program's context:
 *
 *	field:const char * filename;	offset:24;	size:8;	signed:0;
 *	field:__data_loc char[] path;	offset:24;	size:4;	signed:0;
 *
 * Sizes and signs are taken from the numbers, not from the names of types: a system call's `int
 * flags` is recorded in eight bytes. Structs and enums get their names only, and are looked up when
 * somebody looks inside, so that a script that reads a file's name does not open the kernel's BTF.
 */
#include <ctype.h>

#include "lang/types/internal.h"

#define FORMAT_MAX (256 << 10)
#define FIELD_TEXT_MAX 256

struct field_line {
	char type[FIELD_TEXT_MAX]; /* without its name and what stands behind */
	char name[FIELD_TEXT_MAX];
	char count[FIELD_TEXT_MAX]; /* between the brackets behind the name */
	bool is_array, is_signed, is_data_loc, is_rel_loc;
	u32 offset, size;
};

static bool number_behind(const char *line, const char *end, const char *key, u32 *ret)
{
	const char *at = memmem(line, end - line, key, strlen(key));
	u64 v = 0;

	if (!at)
		return false;
	for (at += strlen(key); at < end && *at >= '0' && *at <= '9' && v <= UINT32_MAX; at++)
		v = v * 10 + (*at - '0');
	*ret = v > UINT32_MAX ? UINT32_MAX : v;
	return true;
}

static void trim(char *s)
{
	size_t len = strlen(s);

	while (len && isspace((u8)s[len - 1]))
		s[--len] = '\0';
}

/* Drops a word wherever it stands alone. */
static void drop_word(char *s, const char *word)
{
	size_t len = strlen(word);

	for (char *at = s; (at = strstr(at, word));) {
		bool starts = at == s || !(isalnum((u8)at[-1]) || at[-1] == '_');
		bool ends = !(isalnum((u8)at[len]) || at[len] == '_');

		if (starts && ends)
			memmove(at, at + len, strlen(at + len) + 1);
		else
			at += len;
	}
}

static char *skip_spaces(char *s)
{
	while (isspace((u8)*s))
		s++;
	return s;
}

/* "unsigned long args[6]" into its parts. */
static bool split_declaration(char *text, struct field_line *f)
{
	size_t len, at;

	trim(text);
	len = strlen(text);
	if (len && text[len - 1] == ']') {
		char *open = strrchr(text, '[');

		if (!open)
			return false;
		f->is_array = true;
		text[len - 1] = '\0';
		snprintf(f->count, sizeof(f->count), "%s", open + 1);
		*open = '\0';
		trim(text);
		len = strlen(text);
	}
	for (at = len; at && (isalnum((u8)text[at - 1]) || text[at - 1] == '_');)
		at--;
	if (at == len || !at)
		return false;
	snprintf(f->name, sizeof(f->name), "%s", text + at);
	text[at] = '\0';
	f->is_rel_loc = str_starts(text, "__rel_loc ");
	f->is_data_loc = f->is_rel_loc || str_starts(text, "__data_loc ");
	if (f->is_data_loc)
		text = strchr(text, ' ') + 1;
	if (strchr(text, '['))
		*strchr(text, '[') = '\0';
	drop_word(text, "const");
	drop_word(text, "volatile");
	drop_word(text, "__user");
	text = skip_spaces(text);
	trim(text);
	snprintf(f->type, sizeof(f->type), "%s", text);
	return *f->type;
}

static bool read_line(const char *line, const char *end, struct field_line *f)
{
	const char *start = memmem(line, end - line, "field:", 6), *stop;
	char text[FIELD_TEXT_MAX];
	u32 is_signed = 0;

	*f = (struct field_line){};
	if (!start)
		return false;
	start += 6;
	stop = memchr(start, ';', end - start);
	if (!stop || stop - start >= FIELD_TEXT_MAX || memchr(start, '\0', stop - start))
		return false;
	memcpy(text, start, stop - start);
	text[stop - start] = '\0';
	if (!number_behind(stop, end, "offset:", &f->offset) ||
	    !number_behind(stop, end, "size:", &f->size) || f->offset > UINT16_MAX ||
	    f->size > UINT16_MAX)
		return false;
	number_behind(stop, end, "signed:", &is_signed);
	f->is_signed = is_signed;
	return split_declaration(text, f);
}

/* A type that has a name and no size of its own in what tracefs says; NULL: it is none. */
static const struct type *named_only(struct arena *a, const char *name, u32 size)
{
	bool is_union = str_starts(name, "union ");
	struct type *t;

	if (str_starts(name, "enum ")) {
		t = type_new(a, TYPE_ENUM, size);
		t->of = type_integer(size, false);
		t->name = arena_strndup(a, name + 5, strlen(name + 5));
		t->align = MAX(size, 1u);
		return t->of->kind == TYPE_INTEGER ? t : NULL;
	}
	if (!is_union && !str_starts(name, "struct "))
		return NULL;
	name = strchr(name, ' ') + 1;
	return type_new_struct(a, arena_strndup(a, name, strlen(name)), size, is_union);
}

static const struct type *pointer_type(struct arena *a, const struct format_options *o, char *text)
{
	char *star = strchr(text, '*');
	const struct type *t;
	unsigned stars = 0;

	for (const char *at = star; *at; at++)
		stars += *at == '*';
	*star = '\0';
	trim(text);
	t = type_builtin(a, text) ?: named_only(a, text, 0);
	if (!t || t->kind == TYPE_ENUM)
		t = &type_void;
	for (unsigned i = 0; i < MIN(stars, (unsigned)TYPE_DEPTH_MAX); i++)
		t = type_pointer(a, t, o->pointers);
	return t;
}

static const struct type *scalar_type(struct arena *a, const char *name, u32 size, bool is_signed)
{
	const struct type *t = named_only(a, name, size);

	if (t)
		return t;
	if (size == 1 && (!strcmp(name, "bool") || !strcmp(name, "_Bool")))
		return &type_bool;
	t = type_integer(size, is_signed);
	return t->kind == TYPE_INTEGER ? t : type_array(a, &type_u8, size);
}

static const struct type *array_type(struct arena *a, const struct format_options *o,
				     struct field_line *f)
{
	const struct type *of;
	u64 count;

	if (!strcmp(f->type, "char"))
		return type_string(a, f->size);
	of = strchr(f->type, '*') ? pointer_type(a, o, f->type) : type_builtin(a, f->type);
	if (of && of->size)
		return type_array(a, of, f->size / of->size);
	if (parse_u64(f->count, &count) || !count || f->size % count)
		return type_array(a, &type_u8, f->size);
	return type_array(a, scalar_type(a, f->type, f->size / count, f->is_signed), count);
}

static const struct type *field_type(struct arena *a, const struct format_options *o,
				     struct field_line *f)
{
	/* The address of its bytes, as a number: how many they are nobody knows before. */
	if (f->is_data_loc)
		return &type_s64;
	if (f->is_array)
		return array_type(a, o, f);
	if (strchr(f->type, '*') && f->size == 8)
		return pointer_type(a, o, f->type);
	return scalar_type(a, f->type, f->size, f->is_signed);
}

/* Calls @fn for each field but the common ones, which programs cannot read. */
static u32 each_line(const char *text, size_t len,
		     void (*fn)(void *context, struct field_line *f, const char *line,
				const char *end),
		     void *context)
{
	const char *end = text + len;
	u32 count = 0;

	for (const char *line = text; line < end;) {
		const char *stop = memchr(line, '\n', end - line) ?: end;
		struct field_line f;

		if (read_line(line, stop, &f) && !str_starts(f.name, "common_")) {
			count++;
			if (fn)
				fn(context, &f, line, stop);
		}
		line = stop + 1;
	}
	return count;
}

struct building {
	struct arena *a;
	const struct format_options *o;
	struct type *t;
	u32 capacity;
};

static void add_field(void *context, struct field_line *f, const char *line UNUSED,
		      const char *end UNUSED)
{
	struct building *b = context;
	struct members *m = b->t->members;
	struct field *field;

	if (m->count == b->capacity)
		return;
	field = &m->fields[m->count++];
	field->name = arena_strndup(b->a, f->name, strlen(f->name));
	field->offset = f->offset;
	field->is_data_loc = f->is_data_loc;
	field->is_rel_loc = f->is_rel_loc;
	b->t->size = MAX(b->t->size, f->offset + f->size);
	field->type = field_type(b->a, b->o, f);
	if (field->type->kind == TYPE_STRUCT || field->type->kind == TYPE_ARRAY)
		field->type = type_in(b->a, field->type, SPACE_CONTEXT);
}

const struct type *format_parse(struct arena *a, const struct format_options *o, const char *text,
				size_t len)
{
	struct building b = { .a = a, .o = o };

	b.capacity = each_line(text, len, NULL, NULL);
	b.t = type_new_struct(a, o->name, 0, false);
	b.t->space = SPACE_CONTEXT;
	b.t->align = 8;
	b.t->members->complete = true;
	b.t->members->fields = arena_alloc(a, b.capacity * sizeof(struct field) + 1);
	if (arena_error(a) || !memmem(text, len, "format:", 7))
		return NULL;
	each_line(text, len, add_field, &b);
	return arena_error(a) ? NULL : b.t;
}

static void print_field(void *context, struct field_line *f UNUSED, const char *line,
			const char *end)
{
	const char *start = (const char *)memmem(line, end - line, "field:", 6) + 6;
	const char *stop = memchr(start, ';', end - start);

	buf_printf(context, "    %.*s\n", (int)(stop - start), start);
}

void format_print(const char *text, size_t len, struct buf *b)
{
	each_line(text, len, print_field, b);
}

static int read_format(const char *category, const char *name, struct buf *b)
{
	const char *root = tracefs_path();
	char path[600];

	if (!root || strchr(category, '/') || strchr(name, '/') || *category == '.' || *name == '.')
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/events/%s/%s/format", root, category, name);
	return read_file(path, FORMAT_MAX, b);
}

const struct type *type_tracepoint(struct type_world *w, const char *category, const char *name)
{
	_cleanup_buf_ struct buf text = {};
	struct format_options o = {
		.pointers = !strcmp(category, "syscalls") ? SPACE_USER : SPACE_KERNEL,
	};
	int err = read_format(category, name, &text);

	if (err) {
		fail(err, "there is no tracepoint %s:%s", category, name);
		return NULL;
	}
	o.name = arena_printf(w->o.arena, "tracepoint:%s:%s_args", category, name);
	return format_parse(w->o.arena, &o, buf_str(&text), text.len);
}

int type_tracepoint_print(struct type_world *w UNUSED, const char *category, const char *name,
			  struct buf *b)
{
	_cleanup_buf_ struct buf text = {};
	int err = read_format(category, name, &text);

	if (err)
		return fail(err, "there is no tracepoint %s:%s", category, name);
	format_print(buf_str(&text), text.len, b);
	return 0;
}
