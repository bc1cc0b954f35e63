// SPDX-License-Identifier: Apache-2.0
/*
 * Directives: definitions, conditions, includes. What is left between them is expanded and becomes
 * one list of tokens, headers and script in their order.
 *
 * A kernel's headers are not what a script needs them for: the running kernel's BTF knows the
 * structs better. Where such a header is on the disk its #defines are taken (ETH_P_IP), and nothing
 * else; where it is not, that is no error.
 */
#include "lang/types/c.h"

int c_error(struct c_preprocessor *p, struct span at, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = {};
	va_list args;

	if (p->defines_only)
		return -EINVAL;
	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	if (++p->errors <= C_ERRORS_MAX)
		diagnose(p->w->o.diagnostics, at, "%s", buf_str(&text));
	else
		p->stop = true;
	return -EINVAL;
}

static bool is_active(const struct c_preprocessor *p)
{
	return !p->condition_count || p->conditions[p->condition_count - 1].active;
}

static void limit(struct c_preprocessor *p, struct span at, int err)
{
	p->defines_only = false;
	c_error(p, at,
		err == -E2BIG	 ? "these C declarations and their headers are too large"
		: err == -EINVAL ? "this macro is called with too many arguments"
				 : "out of memory");
	p->stop = err != -EINVAL;
}

/* What was collected, expanded. */
static void flush(struct c_preprocessor *p)
{
	int err = 0;

	if (p->pending.count && !p->defines_only)
		err = c_macro_expand(p->macros, p->pending.items, p->pending.count, &p->out);
	if (err)
		limit(p, p->pending.items[0].span, err);
	p->pending.count = 0;
}

/* ---- conditions ------------------------------------------------------------------------------ */

static struct c_token truth(const struct c_token *at, bool value)
{
	struct c_token t = *at;

	t.kind = C_NUMBER;
	t.text = value ? "1" : "0";
	t.len = 1;
	return t;
}

/* How many tokens "(...)" takes, 0: it is none. */
static u32 bracketed(const struct c_token *t, u32 count)
{
	u32 nested = 0;

	for (u32 i = 0; i < count; i++) {
		nested += c_is_sign(&t[i], '(');
		nested -= c_is_sign(&t[i], ')') && nested;
		if (!nested)
			return i ? i + 1 : 0;
	}
	return 0;
}

/* defined(X) and __has_include(...) must be answered before anything is expanded. */
static bool answer_defined(struct c_preprocessor *p, const struct c_token *t, u32 count,
			   struct c_tokens *out)
{
	for (u32 i = 0; i < count; i++) {
		struct c_token one = t[i];
		u32 more = bracketed(t + i + 1, count - i - 1);

		if (c_is(&one, "defined")) {
			const struct c_token *name = more == 3	     ? &t[i + 2]
						     : i + 1 < count ? &t[i + 1]
								     : NULL;

			if (!name || name->kind != C_NAME)
				return false;
			one = truth(&one, c_macro_find(p->macros, name->text, name->len));
			i += more == 3 ? 3 : 1;
		} else if (more && one.kind == C_NAME && one.len > 6 &&
			   !memcmp(one.text, "__has_", 6)) {
			one = truth(&one, false);
			i += more;
		}
		if (c_tokens_add(out, &one))
			return false;
	}
	return true;
}

static bool evaluate(struct c_preprocessor *p, const struct c_token *t, u32 count,
		     const struct c_token *at)
{
	struct c_tokens answered = {}, expanded = {};
	struct c_parser parser = { .w = p->w, .is_directive = true, .is_quiet = p->defines_only };
	s64 value = 0;
	int err;

	if (!count || !answer_defined(p, t, count, &answered)) {
		c_error(p, at->span, "this condition cannot be read");
	} else if ((err = c_macro_expand(p->macros, answered.items, answered.count, &expanded))) {
		limit(p, at->span, err);
	} else {
		parser.tokens = expanded.items;
		parser.count = expanded.count;
		if (c_constant(&parser, &value) && c_peek(&parser)->kind != C_END)
			c_fail(&parser, c_peek(&parser), "this does not belong to the condition");
		p->errors += parser.errors;
		if (parser.failed)
			value = 0;
	}
	free(answered.items);
	free(expanded.items);
	return value;
}

static void open_condition(struct c_preprocessor *p, const struct c_token *at, bool value)
{
	bool parent = is_active(p);

	if (p->condition_count == C_DEPTH_MAX) {
		c_error(p, at->span, "conditions are nested deeper than %d", C_DEPTH_MAX);
		p->stop = true;
		return;
	}
	p->conditions[p->condition_count++] = (struct c_condition){
		.active = parent && value,
		.taken = value,
		.parent = parent,
		.at = at->span,
	};
}

static bool is_defined(struct c_preprocessor *p, const struct c_token *t, u32 count)
{
	if (!count || t->kind != C_NAME) {
		c_error(p, t->span, "a macro's name is expected");
		return false;
	}
	return c_macro_find(p->macros, t->text, t->len);
}

/* #if and its like; false: @t is none of them. @t is the directive's name, the rest behind it. */
static bool condition(struct c_preprocessor *p, const struct c_token *t, u32 count)
{
	struct c_condition *c = p->condition_count ? &p->conditions[p->condition_count - 1] : NULL;
	bool is_elif = c_is(t, "elif"), is_else = c_is(t, "else"), is_endif = c_is(t, "endif");

	if (c_is(t, "if")) {
		open_condition(p, t, is_active(p) && evaluate(p, t + 1, count - 1, t));
	} else if (c_is(t, "ifdef")) {
		open_condition(p, t, is_active(p) && is_defined(p, t + 1, count - 1));
	} else if (c_is(t, "ifndef")) {
		open_condition(p, t, is_active(p) && !is_defined(p, t + 1, count - 1));
	} else if (!is_elif && !is_else && !is_endif) {
		return false;
	} else if (!c) {
		c_error(p, t->span, "#%.*s without #if", (int)t->len, t->text);
	} else if (is_endif) {
		p->condition_count--;
	} else if (c->has_else) {
		c_error(p, t->span, "#%.*s behind #else", (int)t->len, t->text);
	} else {
		c->has_else = is_else;
		c->active = c->parent && !c->taken && (is_else || evaluate(p, t + 1, count - 1, t));
		c->taken |= c->active;
	}
	return true;
}

/* ---- includes -------------------------------------------------------------------------------- */

static bool is_kernel_header(const char *name)
{
	static const char *const folders[] = { "linux/", "asm/",       "asm-generic/", "uapi/",
					       "trace/", "generated/", "kunit/",       "vdso/" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (str_starts(name, folders[i]))
			return true;
	return false;
}

/* Folders that the kernel shares with others: the kernel's is what is not on the disk. */
static bool may_be_kernel_header(const char *name)
{
	static const char *const folders[] = { "net/",	  "scsi/",  "sound/", "rdma/",	"crypto/",
					       "drm/",	  "video/", "acpi/",  "media/", "xen/",
					       "target/", "soc/",   "misc/" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (str_starts(name, folders[i]))
			return true;
	return is_kernel_header(name);
}

static void note_skipped(struct c_preprocessor *p, struct span at, const char *name)
{
	struct diagnostics *d = p->w->o.diagnostics;
	size_t before = d->count;

	if (p->include_depth || p->defines_only)
		return;
	diagnose_warning(d, at, "<%s> is skipped: the running kernel's BTF has its types", name);
	if (d->count > before)
		d->items[before].severity = SEVERITY_NOTE;
}

/* The source of the text, of before when it is the same; 0: too many. */
static u32 source_of(struct c_preprocessor *p, const char *name, const char *text, size_t len)
{
	struct sources *all = p->w->o.sources;
	int number;

	for (u32 i = 0; i < p->files; i++) {
		const struct source *s = sources_get(all, p->sources[i]);

		if (!strcmp(s->name, name) && s->len == len && !memcmp(s->text, text, len))
			return p->once[i] ? UINT32_MAX : p->sources[i];
	}
	if (p->files == C_FILES_MAX)
		return 0;
	number = sources_add_header(all, name, text, len);
	if (number <= 0)
		return 0;
	p->sources[p->files++] = number;
	return number;
}

static void enter(struct c_preprocessor *p, struct span at, const char *name, const char *text,
		  size_t len)
{
	u32 number = source_of(p, name, text, len), outer = p->condition_count;
	bool before = p->defines_only;

	if (number == UINT32_MAX)
		return;
	if (!number || p->include_depth == C_INCLUDE_DEPTH_MAX) {
		c_error(p, at, "too many headers, or nested too deep");
		p->stop = !before;
		return;
	}
	p->defines_only |= is_kernel_header(name);
	p->include_depth++;
	c_preprocess(p, (struct span){ .source = number, .end = len });
	p->include_depth--;
	if (p->condition_count > outer) {
		c_error(p, p->conditions[p->condition_count - 1].at, "#endif is missing");
		p->condition_count = outer;
	}
	p->defines_only = before;
}

/* The name between <> or ""; false: neither. */
static bool header_name(const struct c_token *t, u32 count, char *name, size_t size)
{
	const char *start, *end;

	if (!count)
		return false;
	if (t->kind == C_STRING) {
		start = t->text + 1;
		end = t->text + t->len - 1;
	} else if (c_is_sign(t, '<')) {
		const struct c_token *last = &t[count - 1];

		start = t->text + 1;
		end = last->text >= start ? memchr(start, '>', last->text + last->len - start)
					  : NULL;
	} else {
		return false;
	}
	if (!end || end <= start || (size_t)(end - start) >= size)
		return false;
	memcpy(name, start, end - start);
	name[end - start] = '\0';
	return true;
}

/* In a header, "x.h" is looked for beside it first. */
static int read_header(struct c_preprocessor *p, char *name, size_t size, bool is_quoted, u32 from,
		       struct buf *text)
{
	const struct source *s = sources_get(p->w->o.sources, from);
	const char *slash = strrchr(s->name, '/');
	char beside[512];

	if (!p->w->o.read)
		return -ENOENT;
	if (is_quoted && s->is_header && slash && *name != '/' &&
	    snprintf(beside, sizeof(beside), "%.*s/%s", (int)(slash - s->name), s->name, name) <
		    (int)sizeof(beside) &&
	    !p->w->o.read(p->w->o.context, beside, from, text)) {
		snprintf(name, size, "%s", beside);
		return 0;
	}
	buf_clear(text);
	return p->w->o.read(p->w->o.context, name, from, text);
}

static void include(struct c_preprocessor *p, const struct c_token *t, u32 count)
{
	_cleanup_buf_ struct buf text = {};
	struct c_tokens expanded = {};
	const char *own;
	char name[512];
	bool known = header_name(t + 1, count - 1, name, sizeof(name));
	int err;

	if (!known && !c_macro_expand(p->macros, t + 1, count - 1, &expanded))
		known = header_name(expanded.items, expanded.count, name, sizeof(name));
	free(expanded.items);
	if (!known) {
		c_error(p, t->span, "#include wants <file> or \"file\"");
		return;
	}
	if (is_kernel_header(name))
		note_skipped(p, t->span, name);
	own = c_builtin_header(name);
	if (c_is(t, "include_next")) {
		/* the C library asks for the compiler's */
		if (own)
			enter(p, t->span, name, own, strlen(own));
		return;
	}
	err = read_header(p, name, sizeof(name), count > 1 && t[1].kind == C_STRING, t->span.source,
			  &text);
	if (!err)
		enter(p, t->span, name, buf_str(&text), text.len);
	else if (own)
		enter(p, t->span, name, own, strlen(own));
	else if (may_be_kernel_header(name))
		is_kernel_header(name) ? (void)0 : note_skipped(p, t->span, name);
	else if (err == -ENOENT)
		c_error(p, t->span, "'%s' file not found", name);
	else
		c_error(p, t->span, "'%s' cannot be read: %s", name, strerror(-err));
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* #pragma pack(push, 1), pack(1), pack(pop), pack(): a token for whoever lays structs out. */
static void pragma(struct c_preprocessor *p, const struct c_token *t, u32 count)
{
	struct c_token pack = *t;
	bool ignored;
	s64 value;

	if (count > 1 && c_is(&t[1], "once")) {
		for (u32 i = 0; i < p->files; i++)
			p->once[i] |= p->sources[i] == t->span.source;
		return;
	}
	if (count < 4 || !c_is(&t[1], "pack") || p->defines_only)
		return;
	pack.kind = C_PACK;
	pack.pack = 0;
	for (u32 i = 2; i < count; i++) {
		if (c_is(&t[i], "pop"))
			pack.pack = -1;
		else if (c_is(&t[i], "push"))
			pack.pack |= 64;
		else if (c_token_value(&t[i], &value, &ignored) && value > 0 && value <= 16 &&
			 pack.pack >= 0)
			pack.pack |= value;
	}
	if (c_tokens_add(&p->out, &pack))
		limit(p, t->span, -E2BIG);
}

static void define(struct c_preprocessor *p, const struct c_token *t, u32 count)
{
	const char *wrong = c_macro_define(p->macros, t + 1, count - 1, p->is_builtin);

	if (wrong)
		c_error(p, count > 1 ? t[1].span : t->span, "%s", wrong);
}

static void directive(struct c_preprocessor *p, const struct c_token *t, u32 count)
{
	if (!count || condition(p, t, count) || !is_active(p))
		return;
	flush(p);
	if (c_is(t, "define")) {
		define(p, t, count);
	} else if (c_is(t, "undef")) {
		if (count > 1 && t[1].kind == C_NAME)
			c_macro_undefine(p->macros, t[1].text, t[1].len);
	} else if (c_is(t, "include") || c_is(t, "include_next")) {
		include(p, t, count);
	} else if (c_is(t, "pragma")) {
		pragma(p, t, count);
	} else if (c_is(t, "error")) {
		const struct c_token *last = &t[count - 1];

		c_error(p, t->span, "#%.*s", (int)(last->text + last->len - t->text), t->text);
	} else if (!c_is(t, "warning") && !c_is(t, "line") && !c_is(t, "ident") &&
		   t->kind != C_NUMBER) {
		c_error(p, t->span, "unknown directive '#%.*s'", (int)t->len, t->text);
	}
}

static void read_directive(struct c_preprocessor *p, struct c_lexer *l)
{
	struct c_tokens line = {};
	int err = 0;

	for (;;) {
		struct c_lexer before = *l;
		struct c_token t = c_lex(l);

		if (t.kind == C_END)
			break;
		if (t.line_start) {
			*l = before;
			break;
		}
		err = err ?: c_tokens_add(&line, &t);
	}
	if (err)
		limit(p, line.items[0].span, err);
	else
		directive(p, line.items, line.count);
	free(line.items);
}

int c_preprocess(struct c_preprocessor *p, struct span part)
{
	const struct source *s = sources_get(p->w->o.sources, part.source);
	struct c_lexer l = { s->text, part.start, part.end, part.source, true };

	while (!p->stop) {
		struct c_token t = c_lex(&l);

		if (t.kind == C_END)
			break;
		if (t.line_start && c_is_sign(&t, '#'))
			read_directive(p, &l);
		else if (is_active(p) && !p->defines_only && c_tokens_add(&p->pending, &t))
			limit(p, t.span, -E2BIG);
	}
	flush(p);
	return p->errors ? -EINVAL : 0;
}
