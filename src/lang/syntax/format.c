// SPDX-License-Identifier: Apache-2.0
/*
 * A script laid out anew: --fmt, --mode format. The parts of the source are written in their order,
 * each from its tree, with the empty lines and comments that stand between them. A comment inside
 * of a statement goes before it, one behind a statement stays on its line. Literals, directives, C
 * definitions and attach points are copied as they stand; macros and imports stay what they are.
 */
#include "lang/syntax/format.h"

/* ---- what stands between ------------------------------------------------------------------- */

static void start_line(struct formatter *f, u32 newlines)
{
	if (!f->b->len)
		return;
	while (newlines--)
		buf_add_char(f->b, '\n');
	buf_add_fill(f->b, ' ', f->indent * 2);
}

static u32 comment_end(const struct formatter *f, u32 at)
{
	const char *from = f->text + at, *end;

	if (from[1] == '/')
		end = memchr(from, '\n', f->len - at);
	else if ((end = memmem(from + 2, f->len - at - 2, "*/", 2)))
		end += 2;
	return end ? (u32)(end - f->text) : f->len;
}

static bool at_comment(const struct formatter *f, u32 at)
{
	return at + 1 < f->len && f->text[at] == '/' &&
	       (f->text[at + 1] == '/' || f->text[at + 1] == '*');
}

static void add_comment(struct formatter *f, u32 at, u32 end)
{
	while (end > at && (f->text[end - 1] == ' ' || f->text[end - 1] == '\r'))
		end--;
	buf_add(f->b, f->text + at, end - at);
}

/* What is between the last part and the one at @to: its comments; returns the newlines behind. */
static u32 gap(struct formatter *f, u32 to)
{
	u32 newlines = 0;

	while (f->at < to) {
		if (f->text[f->at] == '\n')
			newlines++;
		if (!at_comment(f, f->at)) {
			f->at++;
			continue;
		}
		if (newlines || !f->b->len)
			start_line(f, newlines);
		else
			buf_add_char(f->b, ' ');
		add_comment(f, f->at, comment_end(f, f->at));
		f->at = comment_end(f, f->at);
		newlines = 0;
	}
	return newlines;
}

void format_part(struct formatter *f, u32 start)
{
	u32 newlines = gap(f, start);

	start_line(f, MAX(newlines, 1U));
}

void format_close(struct formatter *f, u32 end)
{
	gap(f, end);
	f->indent--;
	start_line(f, 1);
}

/* Calls for each comment among the words of [from, to). */
static bool each_comment(struct formatter *f, u32 from, u32 to, bool print)
{
	struct lexer l = { .text = f->text, .len = f->len, .at = from };
	bool found = false;

	while (l.at < to) {
		struct token t = lexer_next(&l);

		for (; from < MIN(t.start, to); from++) {
			u32 end = at_comment(f, from) ? comment_end(f, from) : 0;

			if (!end)
				continue;
			found = true;
			if (print) {
				add_comment(f, from, end);
				start_line(f, 1);
			}
			from = end - 1;
		}
		from = t.end;
		if (t.kind == TOKEN_END)
			break;
	}
	return found;
}

/* The comments inside of what is printed next come before it. */
void format_hoist(struct formatter *f, u32 from, u32 to)
{
	each_comment(f, from, to, true);
	f->at = MAX(f->at, to);
}

bool format_has_comment(struct formatter *f, const struct node *n)
{
	return each_comment(f, n->span.start, n->span.end, false);
}

/* ---- the outermost parts ------------------------------------------------------------------- */

enum part_kind { PART_C, PART_CONFIG, PART_IMPORT, PART_MAP, PART_MACRO, PART_PROBE };

struct part {
	u32 start, end;
	enum part_kind kind;
	const void *what;
};

static void print_config(struct formatter *f, const struct config_entry *e)
{
	buf_add_str(f->b, "config = {");
	f->indent++;
	for (; e; e = e->next) {
		format_part(f, e->span.start);
		buf_printf(f->b, "%s = ", e->name);
		format_text(f, e->value->span);
		buf_add_char(f->b, ';');
		f->at = e->span.end;
	}
}

static void print_macro(struct formatter *f, const struct macro *m)
{
	buf_printf(f->b, "macro %s(", m->name);
	for (const struct node *n = m->parameters; n; n = n->next)
		buf_printf(f->b, "%s%s", parameter_name(n), n->next ? ", " : "");
	buf_add_char(f->b, ')');
	f->at = m->body->span.start;
	start_line(f, 1);
	format_body(f, m->body, false);
}

static void print_probe(struct formatter *f, const struct probe *p)
{
	for (const struct attach_text *a = p->attach; a; a = a->next) {
		f->at = MAX(f->at, a->span.end);
		format_text(f, a->span);
		if (!a->next)
			break;
		buf_add_char(f->b, ',');
		gap(f, a->next->span.start);
		start_line(f, 1);
	}
	if (p->predicate) {
		/* the bracket before it may be a comment's place, too */
		gap(f, p->predicate->span.start);
		start_line(f, 1);
		format_hoist(f, f->at, p->body->span.start);
		buf_add_char(f->b, '/');
		format_expression(f, p->predicate);
		buf_add_char(f->b, '/');
	} else {
		gap(f, p->body->span.start);
	}
	f->at = p->body->span.start;
	start_line(f, 1);
	format_body(f, p->body, true);
}

static void print_part(struct formatter *f, const struct part *p)
{
	const struct map_declaration *m = p->what;

	format_part(f, p->start);
	f->at = p->start;
	switch (p->kind) {
	case PART_C:
	case PART_IMPORT:
		buf_add(f->b, f->text + p->start, p->end - p->start);
		if (p->kind == PART_IMPORT)
			buf_add_char(f->b, ';');
		break;
	case PART_CONFIG:
		print_config(f, p->what);
		format_close(f, p->end - 1);
		buf_add_char(f->b, '}');
		break;
	case PART_MAP:
		format_hoist(f, p->start, p->end);
		buf_printf(f->b, "let %s = %s(%llu);", m->name, m->type,
			   (unsigned long long)m->size);
		break;
	case PART_MACRO:
		print_macro(f, p->what);
		break;
	case PART_PROBE:
		print_probe(f, p->what);
		break;
	}
	f->at = p->end;
}

static int by_start(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static u32 count_parts(const struct script *s)
{
	u32 n = (u32)s->c_part_count + 1;

	for (const struct import *i = s->imports.first; i; i = i->next)
		n++;
	for (const struct map_declaration *m = s->maps.first; m; m = m->next)
		n++;
	for (const struct macro *m = s->macros.first; m; m = m->next)
		n++;
	for (const struct probe *p = s->probes.first; p; p = p->next)
		n++;
	return n;
}

static u32 list_parts(const struct script *s, struct part *to)
{
	u32 n = 0;

#define ADD(s, e, k, w) (to[n++] = (struct part){ s, e, k, w })
	for (size_t i = 0; i < s->c_part_count; i++)
		ADD(s->c_parts[i].start, s->c_parts[i].end, PART_C, NULL);
	if (s->config_span.source)
		ADD(s->config_span.start, s->config_span.end, PART_CONFIG, s->config.first);
	for (const struct import *i = s->imports.first; i; i = i->next)
		ADD(i->span.start, i->span.end, PART_IMPORT, i);
	for (const struct map_declaration *m = s->maps.first; m; m = m->next)
		ADD(m->span.start, m->span.end, PART_MAP, m);
	for (const struct macro *m = s->macros.first; m; m = m->next)
		ADD(m->span.start, m->body->span.end, PART_MACRO, m);
	for (const struct probe *p = s->probes.first; p; p = p->next)
		ADD(p->span.start, p->span.end, PART_PROBE, p);
#undef ADD
	qsort(to, n, sizeof(*to), by_start);
	return n;
}

static void print_all(struct formatter *f, const struct script *s, struct arena *arena)
{
	struct part *parts = arena_alloc(arena, count_parts(s) * sizeof(*parts));
	u32 n = arena_error(arena) ? 0 : list_parts(s, parts);

	if (s->shebang) {
		size_t len = strcspn(s->shebang, "\r\n");

		buf_add(f->b, s->shebang, len);
		f->at = (u32)len;
	}
	for (u32 i = 0; i < n; i++) {
		/* an import inside of a block is printed there */
		if (parts[i].start >= f->at)
			print_part(f, &parts[i]);
	}
	gap(f, f->len);
	if (f->b->len)
		buf_add_char(f->b, '\n');
}

int syntax_format(const struct parse_options *o, u32 source, struct buf *b)
{
	const struct source *s = sources_get(o->sources, source);
	struct formatter f = { .text = s->text, .len = (u32)s->len, .b = b };
	size_t errors = o->diagnostics->errors;
	struct script script;
	struct parser p;

	script_start(&script);
	parser_start(&p, o, source, 0, &script);
	if (s->len >= 3 && !memcmp(s->text, "\xef\xbb\xbf", 3))
		f.at = 3;
	parse_program(&p);
	if (o->diagnostics->errors != errors)
		return -EINVAL;
	if (p.stopped || arena_error(o->arena))
		return fail(-ENOMEM, "the script is too large: no memory to format it");
	print_all(&f, &script, o->arena);
	if (arena_error(o->arena) || b->error)
		return fail(-ENOMEM, "the script is too large: no memory to format it");
	return 0;
}
