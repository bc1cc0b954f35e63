// SPDX-License-Identifier: Apache-2.0
/*
 * From a gadget's section of the configuration to an opened gadget, its parameters and its filter.
 * The worker does it to run the gadget; reading a configuration does it too, so that a filter
 * which is wrong is refused with its line and column before anything that runs is touched.
 */
#include "agent/worker.h"

static int set_parameters(struct gadget *g, const struct config_gadget *c)
{
	const char *p = c->parameters, *end = p ? p + c->parameters_size : NULL;

	for (; p < end; p += strlen(p) + 1) {
		_cleanup_free_ char *word = strdup(p);
		char *equals = word ? strchr(word, '=') : NULL;
		int err;

		if (!equals)
			return fail(-ENOMEM, "out of memory");
		*equals = '\0'; /* config_read.c put one there */
		err = gadget_set_parameter(g, word, equals + 1);
		if (err)
			return err;
	}
	return 0;
}

int gadget_setup(const struct config_gadget *c, struct host *host, struct gadget **ret)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	const struct gadget_info *info;
	int err = gadget_open(c->name, &g);

	if (err)
		return err;
	info = gadget_info(g);
	for (size_t i = 0; i < info->schema_count && !err; i++)
		err = host_add_columns(host, info->schemas[i]);
	if (!err)
		err = set_parameters(g, c);
	if (!err)
		*ret = TAKE_PTR(g);
	return err;
}

static bool is_published(const struct gadget_info *info, const struct schema *s)
{
	for (size_t i = 0; i < info->schema_count; i++) {
		if (info->schemas[i] == s)
			return s->sort == SCHEMA_EVENTS;
	}
	return false;
}

int gadget_setup_where(const struct config_gadget *c, struct gadget *g, struct bpf_insn *predicate,
		       size_t *ret_count, struct expression **ret_user)
{
	_cleanup_(expression_freep) struct expression *all = NULL, *kernel = NULL, *user = NULL;
	const struct gadget_info *info = gadget_info(g);
	int err, n = 0;

	*ret_count = 0;
	*ret_user = NULL;
	if (!*c->where)
		return 0;
	if (!info->where_schema)
		return fail(-EOPNOTSUPP, "%s has no filter", c->name);
	err = expression_parse(c->where, info->where_schema, &all);
	if (!err)
		err = expression_split(all, &kernel, &user);
	if (!err && kernel)
		n = expression_compile(kernel, gadget_where_limit(g), predicate,
				       BROKER_PREDICATE_MAX);
	if (err || n < 0)
		return err ? err : n;
	if (user && !is_published(info, info->where_schema))
		return fail(-EOPNOTSUPP, "%s filters in the kernel, where this cannot run: %s",
			    c->name, expression_why_user(all));
	*ret_count = (size_t)n;
	*ret_user = TAKE_PTR(user);
	return 0;
}

static int at_place(int err, const char *file, const struct config_place *p)
{
	return p->line ? fail_in(err, "%s:%zu:%zu", file, p->line, p->column)
		       : fail_in(err, "%s", file);
}

static int check_gadget(const struct config_gadget *c, struct host *host, const char *file)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	_cleanup_(expression_freep) struct expression *user = NULL;
	struct bpf_insn predicate[BROKER_PREDICATE_MAX];
	size_t count;
	int err = gadget_setup(c, host, &g);

	if (err)
		return at_place(err, file, &c->parameters_place);
	err = gadget_setup_where(c, g, predicate, &count, &user);
	return err ? at_place(err, file, &c->where_place) : 0;
}

int gadget_setup_check(const struct config *c, const char *file)
{
	_cleanup_(host_freep) struct host *host = NULL;

	for (size_t i = 0; i < c->gadget_count; i++) {
		const struct config_gadget *g = &c->gadgets[i];
		int err;

		if (!g->enabled || (!*g->where && !g->parameters_size))
			continue;
		if (!host && !(host = host_new(NULL)))
			return -ENOMEM;
		err = check_gadget(g, host, file);
		if (err)
			return err;
	}
	return 0;
}
