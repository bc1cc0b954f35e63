// SPDX-License-Identifier: Apache-2.0
/*
 * The C part of a script as a whole: its pieces through the preprocessor and the parser, the tables
 * of what they declared, and a macro's text for whoever meets its name in the script.
 */
#include <ctype.h>

#include "lang/types/c.h"

static u32 *bucket(u32 *buckets, const char *name)
{
	return &buckets[hash_of_name(name, strlen(name)) % C_BUCKETS];
}

int c_add_type(struct type_world *w, const char *name, const struct type *t)
{
	u32 *b = bucket(w->name_buckets, name);

	if (grow(&w->names, &w->name_capacity, w->name_count + 1, sizeof(*w->names)))
		return -ENOMEM;
	w->names[w->name_count] = (struct c_name){ name, t, *b };
	*b = ++w->name_count;
	return 0;
}

int c_add_constant(struct type_world *w, struct c_constant *c)
{
	u32 *b = bucket(w->constant_buckets, c->name);

	if (grow(&w->constants, &w->constant_capacity, w->constant_count + 1,
		 sizeof(*w->constants)))
		return -ENOMEM;
	c->next = *b;
	w->constants[w->constant_count] = c;
	*b = ++w->constant_count;
	return 0;
}

const struct type *c_type_named(const struct type_world *w, const char *name)
{
	u32 i = w->name_buckets[hash_of_name(name, strlen(name)) % C_BUCKETS];

	for (; i; i = w->names[i - 1].next)
		if (!strcmp(w->names[i - 1].name, name))
			return w->names[i - 1].type;
	return NULL;
}

const struct c_constant *c_constant_named(const struct type_world *w, const char *name)
{
	u32 i = w->constant_buckets[hash_of_name(name, strlen(name)) % C_BUCKETS];

	for (; i; i = w->constants[i - 1]->next)
		if (!strcmp(w->constants[i - 1]->name, name))
			return w->constants[i - 1];
	return NULL;
}

static struct c_macros *macros_new(void)
{
	struct c_macros *m = calloc(1, sizeof(*m));

	if (m)
		m->arena = arena_new(C_ARENA_MAX);
	if (m && !m->arena) {
		free(m);
		m = NULL;
	}
	return m;
}

static int predefine(struct c_preprocessor *p)
{
	int number = sources_add_header(p->w->o.sources, "predefined", c_predefined,
					strlen(c_predefined));

	if (number <= 0)
		return number ? number : -ENOMEM;
	p->is_builtin = true;
	c_preprocess(p, (struct span){ .source = number, .end = strlen(c_predefined) });
	p->is_builtin = false;
	return 0;
}

static int preprocess_parts(struct c_preprocessor *p, const struct span *parts, size_t count)
{
	for (size_t i = 0; i < count && !p->stop; i++) {
		struct c_token *last;

		c_preprocess(p, parts[i]);
		/* "struct x { ... }" in a script needs no ";" */
		last = p->out.count ? &p->out.items[p->out.count - 1] : NULL;
		if (last && !c_is_sign(last, ';')) {
			struct c_token end = *last;

			end.kind = C_SIGN;
			end.sign = ';';
			end.text = ";";
			end.len = 1;
			if (c_tokens_add(&p->out, &end))
				return -ENOMEM;
		}
	}
	if (p->condition_count && !p->stop)
		c_error(p, p->conditions[p->condition_count - 1].at, "#endif is missing");
	return 0;
}

int type_world_declare(struct type_world *w, const struct span *parts, size_t count)
{
	struct c_preprocessor *p;
	struct c_parser parser = { .w = w };
	int err;

	if (!count)
		return 0;
	p = calloc(1, sizeof(*p));
	if (p && !w->macros)
		w->macros = macros_new();
	if (!p || !w->macros) {
		free(p);
		return fail(-ENOMEM, "out of memory");
	}
	p->w = w;
	p->macros = w->macros;
	err = predefine(p);
	if (!err)
		err = preprocess_parts(p, parts, count);
	parser.tokens = p->out.items;
	parser.count = p->out.count;
	if (!err && !p->stop)
		c_parse(&parser);
	if (!err && (p->errors || parser.errors))
		err = -EINVAL;
	free(p->out.items);
	free(p->pending.items);
	free(p);
	return err;
}

/* A number as the language writes it: without C's suffixes, a character as its code. */
static void add_token(const struct c_token *t, struct buf *b)
{
	bool ignored;
	s64 value;

	if (t->space_before && b->len)
		buf_add_char(b, ' ');
	if (t->kind == C_CHARACTER && c_token_value(t, &value, &ignored)) {
		buf_add_s64(b, value);
		return;
	}
	buf_add(b, t->text, t->len);
	while (t->kind == C_NUMBER && c_token_value(t, &value, &ignored) && b->len &&
	       strchr("uUlL", b->data[b->len - 1]))
		b->data[--b->len] = '\0';
}

u32 type_world_define(struct type_world *w, const char *name)
{
	_cleanup_buf_ struct buf text = {};
	struct c_macro *m = w->macros ? c_macro_find(w->macros, name, strlen(name)) : NULL;
	struct c_tokens out = {};
	bool refers_to_itself = false;
	int number;

	if (!m || m->is_function || m->is_builtin || !m->count)
		return 0;
	m->is_busy = true;
	if (c_macro_expand(w->macros, m->body, m->count, &out))
		refers_to_itself = true;
	m->is_busy = false;
	for (size_t i = 0; i < out.count; i++) {
		refers_to_itself |= c_is(&out.items[i], name);
		add_token(&out.items[i], &text);
	}
	free(out.items);
	/* #define IPPROTO_IP IPPROTO_IP: the name is an enum's */
	if (refers_to_itself || text.error || !text.len)
		return 0;
	number = sources_add_header(w->o.sources, name, buf_str(&text), text.len);
	return number > 0 ? number : 0;
}
