// SPDX-License-Identifier: Apache-2.0
/*
 * Macros and their expansion. Expanding is a stack of lists of tokens: what a macro stands for is
 * put on top and read from there, so that a name at its end finds its arguments in what follows. A
 * macro is busy while its own list is read; its name there stays a name for good.
 */
#include "lang/types/c.h"

#define STACK_MAX 256
#define ARGUMENTS_MAX 64

struct reading {
	const struct c_token *tokens;
	size_t count, at;
	struct c_macro *macro;
};

struct expansion {
	struct c_macros *m;
	struct reading stack[STACK_MAX];
	u32 depth;
	u32 nested; /* arguments within arguments */
	int err;
};

static u32 bucket_of(const char *name, size_t len)
{
	return hash_of_name(name, len) % C_BUCKETS;
}

static struct c_macro *find_any(const struct c_macros *m, const char *name, size_t len)
{
	for (struct c_macro *i = m->buckets[bucket_of(name, len)]; i; i = i->next)
		if (!strncmp(i->name, name, len) && !i->name[len])
			return i;
	return NULL;
}

struct c_macro *c_macro_find(const struct c_macros *m, const char *name, size_t len)
{
	struct c_macro *found = find_any(m, name, len);

	return found && !found->is_undefined ? found : NULL;
}

void c_macro_undefine(struct c_macros *m, const char *name, size_t len)
{
	struct c_macro *found = find_any(m, name, len);

	if (found)
		found->is_undefined = true;
}

int c_tokens_add(struct c_tokens *to, const struct c_token *t)
{
	if (to->count >= C_TOKENS_MAX)
		return -E2BIG;
	if (grow(&to->items, &to->capacity, to->count + 1, sizeof(*to->items)))
		return -ENOMEM;
	to->items[to->count++] = *t;
	return 0;
}

/* "(a, b, ...)" behind a name; returns how many tokens, 0 when it is no such list. */
static u32 read_parameters(struct c_macros *m, struct c_macro *macro, const struct c_token *t,
			   u32 count)
{
	u32 i = 1;

	macro->parameters = arena_alloc(m->arena, ARGUMENTS_MAX * sizeof(*macro->parameters));
	if (count > 1 && c_is_sign(&t[1], ')'))
		return 2;
	for (; i + 1 < count && macro->parameter_count < ARGUMENTS_MAX; i += 2) {
		const char *name = NULL;

		if (t[i].kind == C_NAME) {
			name = arena_strndup(m->arena, t[i].text, t[i].len);
			if (c_is_sign(&t[i + 1], C_SIGN3('.', '.', '.'))) {
				macro->is_variadic = true; /* name...: GNU */
				i++;
			}
		} else if (c_is_sign(&t[i], C_SIGN3('.', '.', '.'))) {
			macro->is_variadic = true;
			name = "__VA_ARGS__";
		}
		if (!name || i + 1 >= count)
			return 0;
		macro->parameters[macro->parameter_count++] = name;
		if (c_is_sign(&t[i + 1], ')'))
			return i + 2;
		if (!c_is_sign(&t[i + 1], ',') || macro->is_variadic)
			return 0;
	}
	return 0;
}

const char *c_macro_define(struct c_macros *m, const struct c_token *t, u32 count, bool is_builtin)
{
	struct c_macro *macro;
	u32 body = 1;

	if (!count || t[0].kind != C_NAME)
		return "a macro's name is expected";
	if (c_is(&t[0], "defined"))
		return "'defined' cannot be a macro's name";
	macro = arena_new_of(m->arena, struct c_macro);
	macro->name = arena_strndup(m->arena, t[0].text, t[0].len);
	macro->is_builtin = is_builtin;
	if (count > 1 && c_is_sign(&t[1], '(') && !t[1].space_before) {
		macro->is_function = true;
		body = read_parameters(m, macro, t + 1, count - 1);
		if (!body)
			return "this list of a macro's parameters cannot be read";
		body++;
	}
	macro->count = count - body;
	macro->body = arena_alloc(m->arena, (macro->count + 1) * sizeof(*macro->body));
	if (arena_error(m->arena))
		return "these definitions need too much memory";
	memcpy(macro->body, t + body, macro->count * sizeof(*macro->body));
	c_macro_undefine(m, t[0].text, t[0].len);
	macro->next = m->buckets[bucket_of(t[0].text, t[0].len)];
	m->buckets[bucket_of(t[0].text, t[0].len)] = macro;
	return NULL;
}

/* ---- expansion ------------------------------------------------------------------------------- */

/* Leaves what was read to its end. */
static void settle(struct expansion *e)
{
	while (e->depth && e->stack[e->depth - 1].at == e->stack[e->depth - 1].count) {
		struct reading *top = &e->stack[--e->depth];

		if (top->macro)
			top->macro->is_busy = false;
	}
}

static const struct c_token *peek(struct expansion *e)
{
	settle(e);
	return e->depth ? &e->stack[e->depth - 1].tokens[e->stack[e->depth - 1].at] : NULL;
}

static const struct c_token *next(struct expansion *e)
{
	const struct c_token *t = peek(e);

	if (t)
		e->stack[e->depth - 1].at++;
	return t;
}

static void push(struct expansion *e, const struct c_tokens *list, struct c_macro *macro)
{
	struct c_token *copy;

	if (e->depth == STACK_MAX) {
		e->err = -E2BIG;
		return;
	}
	e->m->produced += list->count;
	if (++e->m->expansions > C_EXPANSIONS_MAX || e->m->produced > C_TOKENS_MAX) {
		e->err = -E2BIG;
		return;
	}
	copy = arena_alloc(e->m->arena, (list->count + 1) * sizeof(*copy));
	if (arena_error(e->m->arena)) {
		e->err = -E2BIG;
		return;
	}
	if (list->count)
		memcpy(copy, list->items, list->count * sizeof(*copy));
	if (macro)
		macro->is_busy = true;
	e->stack[e->depth++] = (struct reading){ copy, list->count, 0, macro };
}

static int run(struct expansion *e, struct c_tokens *out);

/* The arguments of a call whose "(" is next; @lists has as many as there may be. */
static bool read_arguments(struct expansion *e, const struct c_macro *macro, struct c_tokens *lists,
			   u32 *ret_count)
{
	u32 nested = 0, n = 0;

	next(e);
	for (;;) {
		const struct c_token *t = next(e);
		bool is_rest = macro->is_variadic && n + 1 >= macro->parameter_count;

		if (!t)
			return false;
		if (!nested && c_is_sign(t, ')'))
			break;
		nested += c_is_sign(t, '(');
		nested -= c_is_sign(t, ')') && nested;
		if (!nested && c_is_sign(t, ',') && !is_rest) {
			if (++n == ARGUMENTS_MAX)
				return false;
			continue;
		}
		e->err = e->err ?: c_tokens_add(&lists[n], t);
		if (e->err)
			return false;
	}
	*ret_count = n + 1;
	return true;
}

static int parameter_of(const struct c_macro *macro, const struct c_token *t)
{
	for (u32 i = 0; t->kind == C_NAME && i < macro->parameter_count; i++)
		if (c_is(t, macro->parameters[i]))
			return i;
	return -1;
}

static struct c_token text_token(struct expansion *e, const char *text, size_t len,
				 const struct c_token *at)
{
	struct c_lexer l = { .text = text, .end = len, .source = 0 };
	struct c_token t = c_lex(&l);

	if (l.at != len) {
		t.kind = C_OTHER; /* pasted into no one token */
		t.len = len;
	}
	t.span = at->span;
	t.space_before = at->space_before;
	t.line_start = false;
	return t;
}

static void add_joined(struct buf *b, const struct c_tokens *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (i && list->items[i].space_before)
			buf_add_char(b, ' ');
		buf_add(b, list->items[i].text, list->items[i].len);
	}
}

/* #argument */
static void add_text(struct expansion *e, const struct c_tokens *list, const struct c_token *at,
		     struct c_tokens *out)
{
	_cleanup_buf_ struct buf plain = {}, quoted = {};
	struct c_token t;

	add_joined(&plain, list);
	buf_add_char(&quoted, '"');
	for (size_t i = 0; i < plain.len; i++) {
		if (strchr("\"\\", plain.data[i]) && plain.data[i])
			buf_add_char(&quoted, '\\');
		buf_add_char(&quoted, plain.data[i]);
	}
	buf_add_char(&quoted, '"');
	t = text_token(e, arena_strndup(e->m->arena, buf_str(&quoted), quoted.len), quoted.len, at);
	e->err = e->err ?: c_tokens_add(out, &t);
}

/* Glues @t to the last of @out. */
static void paste(struct expansion *e, const struct c_token *t, struct c_tokens *out)
{
	struct c_token *last = &out->items[out->count - 1];
	char *text = arena_alloc(e->m->arena, (size_t)last->len + t->len + 1);

	if (arena_error(e->m->arena)) {
		e->err = -E2BIG;
		return;
	}
	memcpy(text, last->text, last->len);
	memcpy(text + last->len, t->text, t->len);
	*last = text_token(e, text, (size_t)last->len + t->len, last);
}

static void add_list(struct expansion *e, const struct c_tokens *list, bool glue,
		     struct c_tokens *out)
{
	for (size_t i = 0; i < list->count && !e->err; i++) {
		if (glue && !i && out->count)
			paste(e, &list->items[0], out);
		else
			e->err = c_tokens_add(out, &list->items[i]);
	}
}

/* An argument is expanded before it is put in, but for # and ##. */
static void expand_argument(struct expansion *e, const struct c_tokens *raw, struct c_tokens *to)
{
	struct expansion *inner = calloc(1, sizeof(*inner));

	if (!inner || e->nested >= 32) {
		e->err = e->err ?: inner ? -E2BIG : -ENOMEM;
		free(inner);
		return;
	}
	inner->m = e->m;
	inner->nested = e->nested + 1;
	push(inner, raw, NULL);
	e->err = e->err ?: inner->err ?: run(inner, to);
	while (inner->depth) {
		inner->stack[inner->depth - 1].at = inner->stack[inner->depth - 1].count;
		settle(inner);
	}
	free(inner);
}

static void substitute(struct expansion *e, const struct c_macro *macro,
		       const struct c_tokens *arguments, struct c_tokens *out)
{
	const struct c_token *body = macro->body;
	const u32 two = C_SIGN2('#', '#');

	for (u32 i = 0; i < macro->count && !e->err; i++) {
		int p = parameter_of(macro, &body[i]);
		bool glued = i && c_is_sign(&body[i - 1], two);
		bool glues = i + 1 < macro->count && c_is_sign(&body[i + 1], two);
		struct c_tokens one = { (struct c_token *)&body[i], 1, 1 };

		if (c_is_sign(&body[i], two) && i)
			continue;
		if (macro->is_function && c_is_sign(&body[i], '#') && i + 1 < macro->count &&
		    parameter_of(macro, &body[i + 1]) >= 0) {
			add_text(e, &arguments[parameter_of(macro, &body[i + 1])], &body[i], out);
			i++;
		} else if (p < 0) {
			add_list(e, &one, glued, out);
		} else if (glued || glues) {
			add_list(e, &arguments[p], glued, out);
		} else {
			expand_argument(e, &arguments[p], out);
		}
	}
}

/* Puts what @macro stands for on the stack; false: its name stays (no arguments follow). */
static bool enter(struct expansion *e, struct c_macro *macro, const struct c_token *name)
{
	struct c_tokens *lists = calloc(ARGUMENTS_MAX, sizeof(*lists)), out = {};
	u32 given = 0;
	bool entered = false;

	if (!lists) {
		e->err = -ENOMEM;
		return false;
	}
	if (macro->is_function) {
		const struct c_token *t = peek(e);

		if (t && c_is_sign(t, '('))
			entered = read_arguments(e, macro, lists, &given);
		if (entered && given > macro->parameter_count &&
		    !(given == 1 && !lists[0].count && !macro->parameter_count))
			e->err = -EINVAL;
	} else {
		entered = true;
	}
	if (entered && !e->err) {
		substitute(e, macro, lists, &out);
		if (out.count)
			out.items[0].space_before = name->space_before;
		if (!e->err)
			push(e, &out, macro);
	}
	for (u32 i = 0; i < ARGUMENTS_MAX; i++)
		free(lists[i].items);
	free(lists);
	free(out.items);
	return entered;
}

static int run(struct expansion *e, struct c_tokens *out)
{
	const struct c_token *t;

	while (!e->err && (t = next(e))) {
		struct c_macro *macro = t->kind == C_NAME && !t->is_final
						? c_macro_find(e->m, t->text, t->len)
						: NULL;
		struct c_token copy = *t;

		if (macro && macro->is_busy) {
			copy.is_final = true;
			macro = NULL;
		}
		if (macro && enter(e, macro, &copy))
			continue;
		if (!e->err)
			e->err = c_tokens_add(out, &copy);
	}
	return e->err;
}

int c_macro_expand(struct c_macros *m, const struct c_token *tokens, size_t count,
		   struct c_tokens *out)
{
	struct c_tokens list = { (struct c_token *)tokens, count, count };
	struct expansion *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->m = m;
	/* what was written is no expansion */
	e->stack[e->depth++] = (struct reading){ list.items, list.count, 0, NULL };
	err = run(e, out);
	while (e->depth) {
		e->stack[e->depth - 1].at = e->stack[e->depth - 1].count;
		settle(e);
	}
	free(e);
	return err;
}

void c_macros_free(struct c_macros *m)
{
	if (!m)
		return;
	arena_free(m->arena);
	free(m);
}
