// SPDX-License-Identifier: Apache-2.0
/*
 * Scripts from anybody: what parses is printed, copied and walked, and its copy prints the same;
 * what does not has at least one error, and every error can be printed; and what parses can be laid
 * out anew. An import brings in what stands behind the first NUL byte.
 */
#include "lang/syntax/ast.h"

#define MEMORY ((size_t)256 << 20)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct rest {
	const char *bytes;
	size_t len;
};

static int read_rest(void *context, const char *name, u32 from, struct buf *b)
{
	const struct rest *rest = context;

	if (strstr(name, "none"))
		return -ENOENT;
	buf_add(b, rest->bytes, rest->len);
	return 0;
}

static bool count(void *context, struct node *n)
{
	++*(size_t *)context;
	return n->height > 0;
}

static void check_tree(struct arena *a, const struct syntax *s)
{
	_cleanup_buf_ struct buf text = {}, first = {}, second = {};
	size_t nodes = 0;

	syntax_print(s, &text);
	for (const struct probe *p = s->probes; p; p = p->next) {
		if (!p->attach || !p->attach->count || !p->body || p->body->kind != NODE_BLOCK)
			abort();
		buf_clear(&first);
		buf_clear(&second);
		node_print(p->body, 0, &first);
		node_print(node_copy(a, p->body), 0, &second);
		if (strcmp(buf_str(&first), buf_str(&second)))
			abort();
		if (!node_walk(p->body, count, &nodes))
			abort();
	}
}

/* What can be parsed can be laid out, and parsed again. */
static void check_format(const struct parse_options *o, u32 number)
{
	_cleanup_buf_ struct buf text = {};
	struct syntax *s;
	int again;

	if (syntax_format(o, number, &text))
		abort();
	again = sources_add(o->sources, "formatted", buf_str(&text), text.len);
	if (again > 0 && syntax_parse(o, (u32)again, &s) && !arena_error(o->arena))
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(MEMORY);
	static const char *const positional[] = { "one", "2" };
	const struct script_arguments arguments = { positional, 2, NULL, 0 };
	size_t len = strnlen((const char *)data, size);
	struct rest rest = { (const char *)data + len, size - len };
	_cleanup_buf_ struct buf out = {};
	struct diagnostics d = { .arena = a };
	struct parse_options o = {
		.arena = a,
		.diagnostics = &d,
		.arguments = &arguments,
		.read = read_rest,
		.context = &rest,
	};
	struct syntax *s = NULL;
	int number, err;

	if (!a)
		return 0;
	if (size % 7 == 0)
		len = size; /* NULs too are bytes of a script */
	d.sources = o.sources = sources_new(a);
	number = sources_add(o.sources, "fuzz", (const char *)data, len);
	if (number < 0)
		return 0;
	err = syntax_parse(&o, (u32)number, &s);
	if (!err != !d.errors || !err != !!s)
		abort();
	if (!err)
		check_tree(a, s);
	if (!err)
		check_format(&o, (u32)number);
	syntax_parse_expression(&o, (u32)number);
	diagnostics_print(&d, true, size % 2, &out);
	return 0;
}
