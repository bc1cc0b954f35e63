// SPDX-License-Identifier: Apache-2.0
/*
 * Records by their action: what each of printf, exit, print, time ... does when its record arrives.
 */
#include "lang/run/output_internal.h"

#include <string.h>

int output_init(struct output *o, struct script *s, struct host *h)
{
	o->script = s;
	o->host = h;
	o->plans = calloc(s->action_count + 1, sizeof(*o->plans));
	return o->plans ? 0 : fail(-ENOMEM, "out of memory");
}

void output_free(struct output *o)
{
	for (size_t i = 0; o->plans && i < o->script->action_count; i++)
		printf_plan_free(o->plans[i]);
	free(o->plans);
	o->plans = NULL;
	buf_free(&o->text);
	buf_free(&o->messages);
	buf_free(&o->scratch);
}

/* ---- JSON lines of one text ------------------------------------------------------------------ */

static void add_typed(struct output *o, const char *type, const char *text, size_t len)
{
	buf_printf(&o->text, "{\"type\": \"%s\", \"data\": ", type);
	output_json_string(o, text, len, &o->text);
	buf_add_str(&o->text, "}\n");
}

static void add_place(struct output *o, struct span at)
{
	const struct source *s = sources_get(o->script->sources, at.source);
	u32 line = 0, column = 0;

	if (!s)
		return;
	sources_place(o->script->sources, at.source, at.start, &line, &column);
	buf_add_str(&o->text, ", \"filename\": ");
	text_add_json(&o->text, s->name, strlen(s->name));
	buf_printf(&o->text, ", \"line\": %u, \"col\": %u", line, column);
}

/* Text that printf-like actions make; the scratch keeps its memory. */
static const struct buf *formatted(struct output *o, const struct action *a, const u8 *record,
				   u32 size)
{
	const struct printf_plan *p = printf_plan_of(o, a);

	buf_clear(&o->scratch);
	if (p)
		printf_run(o, p, a, record, size, &o->scratch);
	return &o->scratch;
}

/* ---- one function for each kind -------------------------------------------------------------- */

static void do_printf(struct output *o, const struct action *a, const u8 *record, u32 size)
{
	const struct printf_plan *p = printf_plan_of(o, a);

	if (!p)
		return;
	if (o->json) {
		const struct buf *text = formatted(o, a, record, size);

		add_typed(o, "printf", buf_str(text), text->len);
	} else {
		printf_run(o, p, a, record, size, &o->text);
	}
}

/* errorf(), warnf(): on stderr with the place; JSON keeps them in the stream. */
static void do_message(struct output *o, const struct action *a, const u8 *record, u32 size)
{
	bool error = a->kind == ACTION_ERRORF;
	const struct buf *text = formatted(o, a, record, size);

	if (!error && o->no_warnings)
		return;
	if (o->json) {
		buf_printf(&o->text, "{\"type\": \"%s\", \"msg\": ", error ? "errorf" : "warnf");
		output_json_string(o, buf_str(text), text->len, &o->text);
		add_place(o, a->span);
		buf_add_str(&o->text, "}\n");
		return;
	}
	span_print(o->script->sources, a->span, &o->messages);
	buf_printf(&o->messages, ": %s: ", error ? "ERROR" : "WARNING");
	buf_add(&o->messages, buf_str(text), text->len);
	buf_add_char(&o->messages, '\n');
}

static void do_command(struct output *o, const struct action *a, const u8 *record, u32 size)
{
	const struct buf *command = formatted(o, a, record, size);
	_cleanup_buf_ struct buf out = {};
	_cleanup_free_ char *copy = strdup(buf_str(command));
	int err;

	if (!copy || !o->run_command) {
		buf_add_str(&o->messages, "ERROR: system() is not possible here\n");
		return;
	}
	err = o->run_command(o->context, copy, &out);
	if (o->json) {
		add_typed(o, "syscall", buf_str(&out), out.len);
	} else {
		buf_add(&o->text, buf_str(&out), out.len);
		buf_add_str(&o->text, out.len ? "\n" : "");
	}
	if (err)
		buf_printf(&o->messages, "ERROR: %s (%s)\n", error_text(), strerror(-err));
}

static void do_cat(struct output *o, const struct action *a, const u8 *record, u32 size)
{
	const struct buf *path = formatted(o, a, record, size);
	u64 max = o->script->config.max_cat_bytes;
	_cleanup_buf_ struct buf file = {};
	FILE *f = fopen(buf_str(path), "re");
	char *room;
	size_t n = 0;

	if (!f) {
		buf_printf(&o->messages, "ERROR: failed to open file '%s': %s\n", buf_str(path),
			   strerror(errno));
		return;
	}
	room = buf_room(&file, max);
	if (room)
		n = fread(room, 1, max, f);
	fclose(f);
	if (o->json)
		add_typed(o, "cat", n ? room : "", n);
	else if (n)
		buf_add(&o->text, room, n);
}

static void add_value(struct output *o, const struct action_argument *arg, const u8 *record,
		      u32 size, struct buf *b)
{
	struct type string = { .kind = TYPE_STRING };
	u16 place[2];
	u32 len;

	if (!arg->in_tail) {
		if (o->json)
			value_json_text(o, arg->type, record + arg->offset, b);
		else
			value_text(o, arg->type, record + arg->offset, false, b);
		return;
	}
	memcpy(place, record + arg->offset, sizeof(place));
	len = place[1] & (TAIL_TRUNCATED - 1);
	if (place[0] > size || len > size - place[0])
		return;
	if (arg->type->kind == TYPE_BUFFER && !o->json) {
		add_buffer_text(record + place[0], len, CONVERT_BUFFER, b);
	} else if (arg->type->kind == TYPE_BUFFER) {
		buf_add_char(b, '[');
		for (u32 i = 0; i < len; i++)
			buf_printf(b, i ? ",%u" : "%u", record[place[0] + i]);
		buf_add_char(b, ']');
	} else {
		_cleanup_buf_ struct buf text = {};

		string.size = len;
		buf_add(&text, record + place[0],
			string_length(&string, (const char *)record + place[0]));
		if (place[1] & TAIL_TRUNCATED)
			buf_add_str(&text, o->script->config.str_trunc_trailer);
		if (o->json)
			output_json_string(o, buf_str(&text), text.len, b);
		else
			add_foreign(o, buf_str(&text), text.len, b);
	}
}

static void do_print_value(struct output *o, const struct action *a, const u8 *record, u32 size)
{
	if (!a->argument_count)
		return;
	if (o->json)
		buf_add_str(&o->text, "{\"type\": \"value\", \"data\": ");
	add_value(o, &a->arguments[0], record, size, &o->text);
	buf_add_str(&o->text, o->json ? "}\n" : "\n");
}

/* print(@x[key]): the element's value, read now. */
static void do_print_element(struct output *o, const struct action *a, const u8 *record)
{
	_cleanup_free_ u8 *zeros = NULL;
	struct map_entries e = {};
	bool absent;
	int err;

	if (!a->argument_count || !a->map)
		return;
	zeros = calloc(1, a->map->value_size + 8);
	err = map_read_one(o, a->map, record + a->arguments[0].offset, &e);
	/* bpftrace shows one element of stats() as zeros, whatever it holds */
	absent = err == -ENOENT || (o->is_bpftrace && a->map->value->kind == TYPE_STATS);
	if (zeros && (absent || (!err && e.count))) {
		const void *value = absent ? zeros : e.items[0].value;

		if (o->json)
			buf_add_str(&o->text, "{\"type\": \"value\", \"data\": ");
		if (o->json)
			value_json_text(o, a->map->value, value, &o->text);
		else
			value_text(o, a->map->value, value, false, &o->text);
		buf_add_str(&o->text, o->json ? "}\n" : "\n");
	}
	map_entries_free(&e);
}

static void do_time(struct output *o, const struct action *a)
{
	buf_clear(&o->scratch);
	add_strftime(a->format && *a->format ? a->format : "%H:%M:%S\n", clock_wall_ns(),
		     &o->scratch);
	if (o->json)
		add_typed(o, "time", buf_str(&o->scratch), o->scratch.len);
	else
		buf_add(&o->text, buf_str(&o->scratch), o->scratch.len);
}

/* The words lie in one buffer, each ended by NUL. The delimiter is the action's format. */
static void do_join(struct output *o, const struct action *a, const u8 *record, u32 size)
{
	const char *delimiter = a->format ? a->format : " ";
	u16 place[2] = { 0, 0 };
	bool first = true;

	buf_clear(&o->scratch);
	if (a->argument_count)
		memcpy(place, record + a->arguments[0].offset, sizeof(place));
	place[1] &= TAIL_TRUNCATED - 1;
	if (place[0] > size || place[1] > size - place[0])
		return;
	for (u32 i = 0; i < place[1];) {
		const char *word = (const char *)record + place[0] + i;
		size_t len = strnlen(word, place[1] - i);

		buf_add_str(&o->scratch, first ? "" : delimiter);
		buf_add(&o->scratch, word, len);
		first = false;
		i += (u32)len + 1;
	}
	if (o->json) {
		add_typed(o, "join", buf_str(&o->scratch), o->scratch.len);
	} else {
		buf_add(&o->text, buf_str(&o->scratch), o->scratch.len);
		buf_add_char(&o->text, '\n');
	}
}

static void do_emit(struct output *o, const struct action *a, const u8 *record, u32 size)
{
	bool json = o->json;

	o->json = true; /* values are JSON in both formats */
	buf_printf(&o->text, "{\"type\": \"emit\", \"name\": \"%s\", \"data\": {", a->format);
	for (u32 i = 0; i < a->argument_count; i++) {
		const struct action_argument *arg = &a->arguments[i];

		buf_add_str(&o->text, i ? ", " : "");
		text_add_json(&o->text, arg->name, strlen(arg->name));
		buf_add_str(&o->text, ": ");
		add_value(o, arg, record, size, &o->text);
	}
	buf_add_str(&o->text, "}}\n");
	o->json = json;
}

static void do_exit(struct output *o, const struct action *a, const u8 *record)
{
	o->exit_asked = true;
	if (a->argument_count)
		o->exit_code =
			(int)value_integer(a->arguments[0].type, record + a->arguments[0].offset);
}

/* ---- errors of helpers ----------------------------------------------------------------------- */

static void add_helper_words(const struct action *a, s64 ret, struct buf *b)
{
	if (!strncmp(a->helper, "map_update", 10) && (ret == -E2BIG || ret == -ENOMEM))
		buf_add_str(b, "Map full; can't update element. Try increasing max_map_keys config "
			       "or manually setting the max entries in a map declaration e.g. "
			       "`let @a = hash(5000)`");
	else if (!strncmp(a->helper, "map_delete", 10) && ret == -ENOENT)
		buf_add_str(b, "Can't delete map element because it does not exist.");
	else if (!strncmp(a->helper, "map_lookup", 10) && ret == 0)
		buf_add_str(b, "Can't lookup map element because it does not exist.");
	else
		buf_add_str(b, strerror((int)-ret));
}

static void do_helper_error(struct output *o, const struct action *a, const u8 *record)
{
	s64 ret = a->argument_count
			  ? value_integer(a->arguments[0].type, record + a->arguments[0].offset)
			  : 0;

	if (o->no_warnings)
		return;
	if (o->json) {
		buf_add_str(&o->text, "{\"type\": \"helper_error\", \"msg\": ");
		text_add_json(&o->text, strerror((int)-ret), strlen(strerror((int)-ret)));
		buf_printf(&o->text, ", \"helper\": \"%s\", \"retcode\": %lld", a->helper,
			   (long long)ret);
		add_place(o, a->span);
		buf_add_str(&o->text, "}\n");
		return;
	}
	span_print(o->script->sources, a->span, &o->messages);
	buf_add_str(&o->messages, ": WARNING: ");
	add_helper_words(a, ret, &o->messages);
	buf_printf(&o->messages, "\nAdditional Info - helper: %s, retcode: %lld\n", a->helper,
		   (long long)ret);
	span_excerpt(o->script->sources, a->span, &o->messages);
}

static void do_runtime_error(struct output *o, const struct action *a)
{
	if (o->no_warnings)
		return;
	if (!o->json) {
		output_warning(o, a->span, "%s", a->text);
		return;
	}
	buf_add_str(&o->text, "{\"type\": \"runtime_error\", \"msg\": ");
	text_add_json(&o->text, a->text, strlen(a->text));
	add_place(o, a->span);
	buf_add_str(&o->text, "}\n");
}

/* ---- the table ------------------------------------------------------------------------------- */

static void dispatch(struct output *o, const struct action *a, const u8 *record, u32 size)
{
	switch (a->kind) {
	case ACTION_PRINTF:
		do_printf(o, a, record, size);
		break;
	case ACTION_ERRORF:
	case ACTION_WARNF:
		do_message(o, a, record, size);
		break;
	case ACTION_SYSTEM:
		do_command(o, a, record, size);
		break;
	case ACTION_CAT:
		do_cat(o, a, record, size);
		break;
	case ACTION_PRINT_VALUE:
		do_print_value(o, a, record, size);
		break;
	case ACTION_PRINT_MAP:
		output_map(o, a->map, a->top, a->divisor);
		break;
	case ACTION_PRINT_ELEMENT:
		do_print_element(o, a, record);
		break;
	case ACTION_CLEAR:
		map_clear(o, a->map);
		break;
	case ACTION_ZERO:
		map_zero(o, a->map);
		break;
	case ACTION_EXIT:
		do_exit(o, a, record);
		break;
	case ACTION_TIME:
		do_time(o, a);
		break;
	case ACTION_JOIN:
		do_join(o, a, record, size);
		break;
	case ACTION_EMIT:
		do_emit(o, a, record, size);
		break;
	case ACTION_SKBOUTPUT:
		output_packet(o, a, record, size);
		break;
	case ACTION_UNWATCH:
		break;
	case ACTION_HELPER_ERROR:
		do_helper_error(o, a, record);
		break;
	case ACTION_RUNTIME_ERROR:
		do_runtime_error(o, a);
		break;
	}
}

int output_record(struct output *o, const void *data, size_t size)
{
	const struct record_header *h = data;
	const struct action *a;
	size_t before;

	if (size < sizeof(*h) || !h->type || h->type > o->script->action_count)
		return fail(-EBADMSG, "a record that no action of the script sent");
	a = o->script->actions[h->type - 1];
	if (size < a->fixed_size)
		return fail(-EBADMSG, "a record that is shorter than its action's");
	before = o->text.len;
	dispatch(o, a, data, (u32)size);
	if (o->failed)
		o->text.len = before;
	return 0;
}

void output_attached(struct output *o, u32 count)
{
	if (o->json)
		buf_printf(&o->text,
			   "{\"type\": \"attached_probes\", \"count\": %u, \"data\": {\"probes\": "
			   "%u}}\n",
			   count, count);
	else
		buf_printf(&o->messages, "Attached %u probe%s\n", count, count == 1 ? "" : "s");
}

void output_lost(struct output *o, u64 count)
{
	if (o->json)
		buf_printf(&o->text,
			   "{\"type\": \"lost_events\", \"count\": %llu, \"data\": {\"events\": "
			   "%llu}}\n",
			   (unsigned long long)count, (unsigned long long)count);
	else
		buf_printf(&o->text, "Lost %llu events\n", (unsigned long long)count);
}

void output_warning(struct output *o, struct span at, const char *fmt, ...)
{
	va_list args;

	if (o->no_warnings)
		return;
	if (at.source) {
		span_print(o->script->sources, at, &o->messages);
		buf_add_str(&o->messages, ": ");
	}
	buf_add_str(&o->messages, "WARNING: ");
	va_start(args, fmt);
	buf_vprintf(&o->messages, fmt, args);
	va_end(args);
	buf_add_char(&o->messages, '\n');
	if (at.source)
		span_excerpt(o->script->sources, at, &o->messages);
}
