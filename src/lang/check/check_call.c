/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls: the function by its name, what its row says in general (number of arguments, where it may
 * be called, what it needs), then the row's own check. Aggregations are called only as the right
 * side of an assignment to a map.
 */
#include "lang/check/internal.h"

static const char *plural(unsigned n)
{
	return n == 1 ? "argument" : "arguments";
}

static const char *number_text(unsigned n, char *buf, size_t size)
{
	snprintf(buf, size, n == 1 ? "one" : "%u", n);
	return buf;
}

static bool check_count(struct checker *c, struct node *n, const struct builtin *b)
{
	u32 count = n->call.count;
	char text[16];

	if (count >= b->min && (b->max == 255 || count <= b->max))
		return true;
	if (b->min == b->max && !b->min)
		check_error(c, n->span, "%s() requires no arguments (%u provided)", b->name, count);
	else if (b->min == b->max)
		check_error(c, n->span, "%s() requires %s %s (%u provided)", b->name,
			    number_text(b->min, text, sizeof(text)), plural(b->min), count);
	else if (count < b->min)
		check_error(c, n->span, "%s() requires at least %s %s (%u provided)", b->name,
			    number_text(b->min, text, sizeof(text)), plural(b->min), count);
	else
		check_error(c, n->span, "%s() takes up to %s %s (%u provided)", b->name,
			    number_text(b->max, text, sizeof(text)), plural(b->max), count);
	if (b->usage)
		check_hint(c, "%s", b->usage);
	return false;
}

static bool check_legal(struct checker *c, struct node *n, const struct builtin *b)
{
	struct script *s = c->script;

	if (b->flags & BUILTIN_UNSAFE && !s->options->unsafe) {
		check_error(c, n->span, "%s() is an unsafe function being used in safe mode",
			    b->name);
		check_hint(c, "run with --unsafe to allow it");
		return false;
	}
	if (b->allows && !check_allowed(c, n->span, b->name, b->allows))
		return false;
	if (b->kernel && s->kernel && s->kernel < b->kernel) {
		check_error(c, n->span, "%s() needs Linux %u.%u or newer", b->name, b->kernel >> 16,
			    b->kernel >> 8 & 255);
		return false;
	}
	if (b->flags & BUILTIN_AGGREGATION && c->aggregated != n) {
		check_error(c, n->span, "%s() must be assigned directly to a map", b->name);
		return false;
	}
	return true;
}

bool check_unstable(struct checker *c, const struct node *n, const char *name,
		    enum unstable allowed)
{
	if (allowed == UNSTABLE_ERROR)
		diagnose(c->script->diagnostics, n->span,
			 "%s feature is not enabled by default. To enable this unstable feature, "
			 "set the config flag to enable. unstable_%s=enable",
			 name, name);
	else if (allowed == UNSTABLE_WARN)
		diagnose_warning(c->script->diagnostics, (struct span){},
				 "Script is using an unstable feature: %s. To prevent this warning "
				 "you must explicitly enable it in the config e.g. "
				 "unstable_%s=enable",
				 name, name);
	return allowed != UNSTABLE_ERROR;
}

static const struct type *check_arguments(struct checker *c, struct node *n,
					  const struct builtin *b)
{
	struct node *a = n->call.arguments;
	const struct type *result = b->type ? b->type : &type_void;

	if (a && b->flags & BUILTIN_MAP_FIRST) {
		if (!check_whole_map(c, a))
			result = &type_none;
		a = a->next;
	}
	for (; a; a = a->next) {
		if (check_expression(c, a)->kind == TYPE_VOID)
			check_error(c, a->span, "Value 'void' cannot be used as an argument.");
	}
	return result;
}

const struct type *check_call(struct checker *c, struct node *n)
{
	const struct builtin *b =
		builtin_find(n->call.name, BUILTIN_FUNCTION | BUILTIN_AGGREGATION);
	const struct type *t;
	const char *near;

	if (!b && !n->call.count) {
		b = builtin_find(n->call.name, BUILTIN_VARIABLE);
		if (b) {
			n->identifier.name = b->name;
			n->kind = NODE_IDENTIFIER;
			return check_identifier(c, n);
		}
	}
	if (!b) {
		check_error(c, n->call.name_span.source ? n->call.name_span : n->span,
			    "Unknown function: '%s'", n->call.name);
		near = builtin_suggest(n->call.name, BUILTIN_FUNCTION | BUILTIN_AGGREGATION);
		if (near)
			check_hint(c, "did you mean '%s'?", near);
		return &type_none;
	}
	n->symbol = (void *)b;
	if (!strcmp(b->name, "tseries") &&
	    !check_unstable(c, n, "tseries", c->script->config.unstable_tseries))
		return &type_none;
	if (!check_count(c, n, b) || !check_legal(c, n, b))
		return &type_none;
	t = b->check ? b->check(c, n) : check_arguments(c, n, b);
	return t ? t : &type_none;
}

/* ---- what the rows' check functions use ------------------------------------------------------ */

bool check_constant(const struct node *n, s64 *ret)
{
	if (n->kind == NODE_INTEGER)
		*ret = (s64)n->integer.value;
	else if (n->kind == NODE_BOOL)
		*ret = n->boolean;
	else
		return false;
	return true;
}

bool check_constant_string(const struct node *n, const char **ret, u32 *ret_len)
{
	if (n->kind != NODE_STRING)
		return false;
	*ret = n->string.bytes;
	if (ret_len)
		*ret_len = n->string.len;
	return true;
}

struct action *check_action(struct checker *c, struct node *n, enum action_kind kind)
{
	struct action *a;

	if (!c->final)
		return NULL;
	if (n->extra)
		return n->extra;
	a = script_action(c->script, kind, n->span);
	if (a) {
		a->program = c->program;
		n->extra = a;
	}
	return a;
}

bool check_allowed(struct checker *c, struct span at, const char *what, u32 allows)
{
	const struct script_program *p = c->program;
	const struct provider *written = p->point_count ? p->points[0]->provider : p->provider;
	u32 allowed;

	if (!p->provider)
		return true;
	allowed = p->provider->allows;
	/* Taken as a raw tracepoint for speed, it is still what was written. */
	if (written->context == CONTEXT_TRACEPOINT)
		allowed &= written->allows;
	if ((allowed & allows) == allows)
		return true;
	check_error(c, at, "The %s builtin can not be used with '%s' probes", what, written->name);
	return false;
}
