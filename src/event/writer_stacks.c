// SPDX-License-Identifier: Apache-2.0
/*
 * Stacks, in two forms. For people, one block a stack, the innermost frame first and the heaviest
 * stack last, where the eye is when the output ends:
 *
 *	    finish_task_switch
 *	    schedule
 *	    --
 *	    main
 *	    -                nginx (1234)
 *	        17
 *
 * Collapsed, one line a stack, the outermost frame first, as flame graph tools read it; frames of
 * the kernel are marked:  nginx;main;schedule_[k];finish_task_switch_[k] 17
 */
#include "event/writer_internal.h"

/* Which columns hold the stacks and the count. All formats need them, shown or not. */
static int find_stacks(struct writer *w)
{
	const struct schema *s = w->schema;

	for (size_t i = 0; i < s->stored; i++) {
		const struct column *c = &s->columns[i];
		enum value_class class = c->kind->class;

		if (class == VALUE_STACK && !strcmp(c->kind->name, "user_stack"))
			w->user_stack = w->user_stack ? w->user_stack : c;
		else if (class == VALUE_STACK)
			w->kernel_stack = w->kernel_stack ? w->kernel_stack : c;
		else if ((class == VALUE_UNSIGNED || class == VALUE_SIGNED) && !c->is_key &&
			 !c->is_time)
			w->weight = w->weight ? w->weight : c;
	}
	if (!w->kernel_stack && !w->user_stack)
		return fail(-EINVAL, "%s has no column that holds a stack", s->name);
	return 0;
}

/* The stack as one safe text in w->text; false when it is not known. */
static bool stack_text(struct writer *w, const struct column *c, const struct record *r)
{
	struct value v;

	buf_clear(&w->text);
	if (!c)
		return false;
	column_value(c, r, &v, &w->scratch);
	if (v.class != VALUE_STACK || !v.text.len)
		return false;
	text_add_safe(&w->text, v.text.bytes, v.text.len);
	return true;
}

/* Frames of w->text from the last to the first. Returns whether there was any. */
static bool put_frames(struct writer *w, const struct column *c, const struct record *r)
{
	const char *text;
	size_t end;

	if (!stack_text(w, c, r))
		return false;
	text = w->text.data;
	end = w->text.len;
	for (;;) {
		const char *semicolon = memrchr(text, ';', end);
		size_t frame = semicolon ? (size_t)(semicolon - text) + 1 : 0;

		buf_add_str(&w->out, "    ");
		buf_add(&w->out, text + frame, end - frame);
		buf_add_char(&w->out, '\n');
		if (!semicolon)
			break;
		end = frame - 1;
	}
	return true;
}

static void put_member(struct writer *w, const struct column *c, const struct record *r,
		       const char *before)
{
	struct value v;
	const struct buf *text = writer_cell(w, c, r, &v);

	buf_add_str(&w->out, before);
	buf_add(&w->out, buf_str(text), text->len);
}

static bool is_stack(const struct column *c)
{
	return c->kind->class == VALUE_STACK;
}

/*
 * "    -                nginx (1234), cpu = 3": comm and pid as every profiler writes them, the
 * rest by name.
 */
static void put_owner(struct writer *w, const struct record *r)
{
	const struct column *comm = NULL, *pid = NULL;
	bool first = true;

	for (size_t i = 0; i < w->shown_count; i++) {
		const struct column *c = w->shown[i].column;

		if (!comm && !strcmp(c->kind->name, "comm"))
			comm = c;
		if (!pid && !strcmp(c->kind->name, "pid"))
			pid = c;
	}
	buf_add_str(&w->out, "    -                ");
	if (comm) {
		put_member(w, comm, r, "");
		if (pid) {
			put_member(w, pid, r, " (");
			buf_add_char(&w->out, ')');
		}
		first = false;
	}
	for (size_t i = 0; i < w->shown_count; i++) {
		const struct column *c = w->shown[i].column;

		if (c == comm || (comm && c == pid) || c == w->weight || is_stack(c))
			continue;
		buf_printf(&w->out, "%s%s", first ? "" : ", ", c->name);
		put_member(w, c, r, " = ");
		first = false;
	}
	buf_add_char(&w->out, '\n');
}

static void put_stack(struct writer *w, const struct record *r)
{
	bool kernel = put_frames(w, w->kernel_stack, r);

	/* Between the kernel's frames and the process's; taken back when none follow. */
	if (kernel)
		buf_add_str(&w->out, "    --\n");
	if (!put_frames(w, w->user_stack, r)) {
		if (kernel)
			w->out.len -= strlen("    --\n");
		else
			buf_add_str(&w->out, "    [no stack]\n");
	}
	put_owner(w, r);
	if (w->weight)
		put_member(w, w->weight, r, "        ");
	buf_add_str(&w->out, "\n\n");
}

static void put_reading(struct writer *w)
{
	struct record r;

	for (size_t i = w->rows.count; i-- > 0;) {
		rows_record(&w->rows, i, &r);
		if (i + 1 == w->rows.count)
			writer_time_line(w, r.wall_ns);
		put_stack(w, &r);
	}
}

/* ---- collapsed ------------------------------------------------------------------------------- */

/* A process name in front of the frames: what would end it or the line becomes something else. */
static void put_comm(struct writer *w, const struct record *r)
{
	for (size_t i = 0; i < w->schema->stored; i++) {
		const struct column *c = &w->schema->columns[i];
		const struct buf *text;
		struct value v;

		if (strcmp(c->kind->name, "comm"))
			continue;
		text = writer_cell(w, c, r, &v);
		for (size_t k = 0; k < text->len; k++) {
			char byte = text->data[k];

			buf_add_char(&w->out, byte == ' ' ? '_' : byte == ';' ? ':' : byte);
		}
		return;
	}
	buf_add_str(&w->out, "all");
}

static bool put_collapsed_frames(struct writer *w, const struct column *c, const struct record *r,
				 const char *mark)
{
	const char *p, *end;

	if (!stack_text(w, c, r))
		return false;
	p = w->text.data;
	end = p + w->text.len;
	while (p < end) {
		size_t len = strcspn(p, ";");

		buf_add_char(&w->out, ';');
		buf_add(&w->out, p, len);
		buf_add_str(&w->out, mark);
		p += len + 1;
	}
	return true;
}

static void put_collapsed(struct writer *w, const struct record *r)
{
	bool any;

	put_comm(w, r);
	any = put_collapsed_frames(w, w->user_stack, r, "");
	any |= put_collapsed_frames(w, w->kernel_stack, r, "_[k]");
	if (!any)
		buf_add_str(&w->out, ";[no stack]");
	buf_add_char(&w->out, ' ');
	if (w->weight) {
		struct value v;

		column_value(w->weight, r, &v, &w->scratch);
		if (v.class == VALUE_UNSIGNED)
			buf_add_u64(&w->out, v.u);
		else
			buf_add_s64(&w->out, v.s);
	} else {
		buf_add_char(&w->out, '1');
	}
	buf_add_char(&w->out, '\n');
}

const struct format format_stacks = { .start = find_stacks, .reading = put_reading };
const struct format format_collapsed = { .start = find_stacks, .record = put_collapsed };
