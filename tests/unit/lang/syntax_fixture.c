// SPDX-License-Identifier: Apache-2.0
/* A script from a test, its imports from an array, its errors as text. */
#include "unit/lang/syntax_fixture.h"

static int read_array(void *context, const char *name, u32 from, struct buf *b)
{
	const struct parse *p = context;

	for (const char *const *i = p->imports; i && *i; i += 2) {
		if (strcmp(i[0], name))
			continue;
		buf_add_str(b, i[1]);
		return 0;
	}
	return p->imports ? -ENOENT : 0;
}

int parse_bytes(struct parse *p, const char *script, size_t len)
{
	struct script_arguments arguments = { p->positional, p->positional_count, NULL, 0 };
	struct parse_options o = { .arguments = &arguments, .read = read_array, .context = p };
	int number;

	p->arena = o.arena = arena_new((size_t)512 << 20);
	assert_non_null(p->arena);
	p->sources = o.sources = sources_new(p->arena);
	p->diagnostics = (struct diagnostics){ .arena = p->arena, .sources = p->sources };
	o.diagnostics = &p->diagnostics;
	number = sources_add(p->sources, "stdin", script, len);
	assert_int_equal(number, 1);
	return syntax_parse(&o, (u32)number, &p->syntax);
}

int parse(struct parse *p, const char *script)
{
	return parse_bytes(p, script, strlen(script));
}

void parse_end(struct parse *p)
{
	buf_free(&p->text);
	arena_free(p->arena);
}

const char *parse_errors(struct parse *p)
{
	buf_clear(&p->text);
	diagnostics_print(&p->diagnostics, true, false, &p->text);
	return buf_str(&p->text);
}

const char *parse_body(struct parse *p)
{
	assert_non_null(p->syntax);
	assert_non_null(p->syntax->probes);
	assert_null(p->syntax->probes->next);
	buf_clear(&p->text);
	node_print(p->syntax->probes->body, 0, &p->text);
	return buf_str(&p->text);
}
