// SPDX-License-Identifier: Apache-2.0
/*
 * Who and what a session looks at: the user's --where and the scopes (--pid, --comm, --cgroup,
 * --container, -- COMMAND) become one expression. A scope speaks of the record's owner, so it is a
 * test on the record's columns, never on `current`.
 */
#include "cli/run.h"

#define SCOPE_CGROUPS_MAX 4096

/*
 * The schema that expressions are checked against: what WHERE() sees, else the first of the
 * records.
 */
static const struct schema *filter_schema(struct gadget *g)
{
	const struct gadget_info *info = gadget_info(g);

	if (info->where_schema)
		return info->where_schema;
	return info->schema_count ? info->schemas[0] : NULL;
}

static void add_text_literal(struct buf *b, const char *text)
{
	buf_add_char(b, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, *text);
	}
	buf_add_char(b, '"');
}

static int add_cgroups(struct buf *b, struct host *h, const char *text, bool container)
{
	_cleanup_free_ u64 *ids = NULL;
	size_t count = 0;
	int err = container ? host_container_resolve(h, text, &ids, &count)
			    : host_cgroup_resolve(h, text, &ids, &count);

	if (err)
		return err;
	if (count > SCOPE_CGROUPS_MAX)
		return fail(-E2BIG, "'%s' has %zu cgroups below it, at most %d can be watched",
			    text, count, SCOPE_CGROUPS_MAX);
	buf_add_str(b, "cgroup in (");
	for (size_t i = 0; i < count; i++)
		buf_printf(b, "%s%llu", i ? ", " : "", (unsigned long long)ids[i]);
	buf_add_char(b, ')');
	return 0;
}

/* Parses @text and joins it to *@all with &&. A missing column is said in the scope's own words. */
static int join(const struct schema *s, const char *text, const char *option, const char *column,
		struct expression **all, struct buf *whole)
{
	struct expression *one = NULL;
	int err;

	if (!s)
		return fail(-EOPNOTSUPP, "%s: this program says nothing that could be filtered",
			    option);
	if (column && schema_find(s, column) < 0)
		return fail(-EOPNOTSUPP, "%s: %s has no column '%s' to tell it by", option, s->name,
			    column);
	err = expression_parse(text, s, &one);
	if (err)
		return column ? fail_in(err, "%s", option) : err;
	buf_printf(whole, whole->len ? " && (%s)" : "(%s)", text);
	return expression_and(TAKE_PTR(*all), one, all);
}

static int join_scopes(const struct schema *s, const struct options *o, struct host *h,
		       const struct child *child, struct expression **all, struct buf *whole)
{
	_cleanup_buf_ struct buf b = {};
	int err = 0;

	if (o->pid_count) {
		buf_add_str(&b, "pid in (");
		for (size_t i = 0; i < o->pid_count; i++)
			buf_printf(&b, "%s%u", i ? ", " : "", o->pids[i]);
		buf_add_char(&b, ')');
		err = join(s, b.data, "--pid", "pid", all, whole);
	}
	if (o->comm_count && !err) {
		buf_clear(&b);
		buf_add_str(&b, "comm in (");
		for (size_t i = 0; i < o->comm_count; i++) {
			buf_add_str(&b, i ? ", " : "");
			add_text_literal(&b, o->comms[i]);
		}
		buf_add_char(&b, ')');
		err = join(s, b.data, "--comm", "comm", all, whole);
	}
	for (int container = 0; container < 2 && !err; container++) {
		const char *text = container ? o->container : o->cgroup;

		if (!text)
			continue;
		buf_clear(&b);
		err = add_cgroups(&b, h, text, container);
		if (!err)
			err = join(s, b.data, container ? "--container" : "--cgroup", "cgroup", all,
				   whole);
	}
	if (child->cgroup_id && !err) {
		buf_clear(&b);
		buf_printf(&b, "cgroup == %llu", (unsigned long long)child->cgroup_id);
		err = join(s, b.data, "-- COMMAND", "cgroup", all, whole);
	}
	return err;
}

int filter_build(struct filter *f, const struct options *o, struct gadget *g, struct host *h,
		 const struct child *c)
{
	_cleanup_(expression_freep) struct expression *all = NULL;
	const struct schema *s = filter_schema(g);
	int err = 0;

	if (o->where)
		err = join(s, o->where, "--where", NULL, &all, &f->text);
	if (!err)
		err = join_scopes(s, o, h, c, &all, &f->text);
	if (err || !all)
		return err;
	if (gadget_info(g)->where_schema) {
		err = expression_split(all, &f->kernel, &f->user);
		if (!err && f->kernel)
			err = gadget_set_where(g, f->kernel);
		if (err == -E2BIG || err == -EOPNOTSUPP) {
			/* It does not fit the slots together: everything is decided here. */
			f->kernel = expression_free(f->kernel);
			f->user = expression_free(f->user);
			f->user = TAKE_PTR(all);
			err = 0;
		}
	} else {
		f->user = TAKE_PTR(all);
	}
	if (!err && f->user && !gadget_has_events(g))
		return fail(-EOPNOTSUPP,
			    "%s counts in the kernel, where this filter cannot run: %s",
			    gadget_info(g)->name, expression_why_user(f->user));
	return err;
}

void filter_free(struct filter *f)
{
	expression_free(f->kernel);
	expression_free(f->user);
	buf_free(&f->text);
}

void filter_explain(const struct filter *f, struct gadget *g, FILE *out)
{
	_cleanup_buf_ struct buf b = {};

	if (!f->kernel && !f->user)
		buf_add_str(&b, "filter: none\n");
	if (f->kernel) {
		buf_add_str(&b, "filter in the kernel: ");
		expression_print(f->kernel, &b);
		buf_add_char(&b, '\n');
	}
	if (f->user) {
		buf_add_str(&b, "filter in user space: ");
		expression_print(f->user, &b);
		buf_printf(&b, "\n  because %s\n", expression_why_user(f->user));
	}
	gadget_describe(g, &b);
	fputs(buf_str(&b), out);
}
