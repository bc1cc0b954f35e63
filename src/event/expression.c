// SPDX-License-Identifier: Apache-2.0
/*
 * The life of an expression: made from text, joined, taken apart for the two places where it runs.
 * The parts are copies, so that each can be kept and freed on its own.
 */
#include "event/expression_internal.h"

bool class_is_text(enum value_class class)
{
	return class == VALUE_TEXT || class == VALUE_WORDS || class == VALUE_STACK;
}

struct node *node_new(enum node_type type)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n)
		n->type = type;
	else
		fail(-ENOMEM, "out of memory");
	return n;
}

struct node *node_free(struct node *n)
{
	struct node *child, *next;

	if (!n)
		return NULL;
	for (child = n->first; child; child = next) {
		next = child->next;
		node_free(child);
	}
	for (size_t i = 0; i < n->count && class_is_text(n->class); i++)
		free(n->literals[i].text);
	free(n->literals);
	pcre2_code_free(n->regex);
	free(n);
	return NULL;
}

void node_freep(struct node **n)
{
	*n = node_free(*n);
}

static int copy_literals(const struct node *from, struct node *to)
{
	if (grow(&to->literals, &to->capacity, from->count, sizeof(*to->literals)))
		return -ENOMEM;
	for (size_t i = 0; i < from->count; i++) {
		to->literals[i] = from->literals[i];
		if (class_is_text(from->class)) {
			to->literals[i].text = malloc(from->literals[i].len + 1);
			if (!to->literals[i].text)
				return fail(-ENOMEM, "out of memory");
			memcpy(to->literals[i].text, from->literals[i].text,
			       from->literals[i].len + 1);
		}
		to->count = i + 1;
	}
	return 0;
}

/* The copy has no sibling. */
static int node_copy(const struct node *from, struct node **ret)
{
	_cleanup_(node_freep) struct node *n = node_new(from->type);
	struct node **tail;
	int err;

	if (!n)
		return -ENOMEM;
	n->op = from->op;
	n->column = from->column;
	n->class = from->class;
	n->masked = from->masked;
	n->mask = from->mask;
	err = copy_literals(from, n);
	if (err)
		return err;
	if (from->regex) {
		n->regex = pcre2_code_copy(from->regex);
		if (!n->regex)
			return fail(-ENOMEM, "out of memory");
	}
	tail = &n->first;
	for (const struct node *child = from->first; child; child = child->next) {
		err = node_copy(child, tail);
		if (err)
			return err;
		tail = &(*tail)->next;
	}
	*ret = TAKE_PTR(n);
	return 0;
}

static void append(struct node *group, struct node *n)
{
	struct node **tail = &group->first;

	while (*tail)
		tail = &(*tail)->next;
	*tail = n;
}

int node_join(enum node_type type, struct node *list, struct node *more, struct node **ret)
{
	struct node *group = list;

	if (list->type != type) {
		group = node_new(type);
		if (!group) {
			node_free(list);
			node_free(more);
			return -ENOMEM;
		}
		group->first = list;
	}
	if (more->type == type) {
		append(group, more->first);
		more->first = NULL;
		node_free(more);
	} else {
		append(group, more);
	}
	*ret = group;
	return 0;
}

static size_t node_count(const struct node *n)
{
	size_t count = 1;

	for (const struct node *child = n->first; child; child = child->next)
		count += node_count(child);
	return count;
}

static void matcher_free(struct matcher *m)
{
	if (!m)
		return;
	buf_free(&m->scratch);
	buf_free(&m->words);
	buf_free(&m->why);
	pcre2_match_data_free(m->match);
	pcre2_match_context_free(m->limits);
	free(m);
}

static bool has_regex(const struct node *n)
{
	if (n->regex)
		return true;
	for (const struct node *child = n->first; child; child = child->next) {
		if (has_regex(child))
			return true;
	}
	return false;
}

/* Takes @root, also on failure. */
static int expression_new(const struct schema *schema, struct node *root, struct expression **ret)
{
	_cleanup_(expression_freep) struct expression *e = calloc(1, sizeof(*e));

	if (!e) {
		node_free(root);
		return fail(-ENOMEM, "out of memory");
	}
	e->schema = schema;
	e->root = root;
	e->nodes = node_count(root);
	e->matcher = calloc(1, sizeof(*e->matcher));
	if (!e->matcher)
		return fail(-ENOMEM, "out of memory");
	if (has_regex(root)) {
		/* One pair: where the whole matched; groups are not asked for. */
		e->matcher->match = pcre2_match_data_create(1, NULL);
		e->matcher->limits = pcre2_match_context_create(NULL);
		if (!e->matcher->match || !e->matcher->limits)
			return fail(-ENOMEM, "out of memory");
		pcre2_set_match_limit(e->matcher->limits, EXPRESSION_MATCH_LIMIT);
		pcre2_set_depth_limit(e->matcher->limits, 10000);
		pcre2_set_heap_limit(e->matcher->limits, 4096); /* KiB */
	}
	*ret = TAKE_PTR(e);
	return 0;
}

struct expression *expression_free(struct expression *e)
{
	if (!e)
		return NULL;
	node_free(e->root);
	matcher_free(e->matcher);
	free(e);
	return NULL;
}

void expression_freep(struct expression **e)
{
	*e = expression_free(*e);
}

int expression_parse(const char *text, const struct schema *schema, struct expression **ret)
{
	struct parser p = { .text = text, .len = strlen(text), .schema = schema };
	struct node *root = NULL;
	int err;

	if (p.len > EXPRESSION_TEXT_MAX)
		return fail(-EINVAL, "a filter of %zu bytes: at most %d are taken", p.len,
			    EXPRESSION_TEXT_MAX);
	err = parse_tree(&p, &root);
	return err ? err : expression_new(schema, root, ret);
}

int expression_and(struct expression *a, struct expression *b, struct expression **ret)
{
	_cleanup_(expression_freep) struct expression *left = a, *right = b;
	const struct schema *schema;
	struct node *root = NULL;
	int err;

	if (!left || !right) {
		*ret = left ? TAKE_PTR(left) : TAKE_PTR(right);
		return 0;
	}
	if (left->schema != right->schema)
		return fail(-EINVAL, "filters of %s and of %s cannot be joined", left->schema->name,
			    right->schema->name);
	if (left->nodes + right->nodes > EXPRESSION_NODES_MAX)
		return fail(-EINVAL, "a filter of more than %d tests", EXPRESSION_NODES_MAX);
	schema = left->schema;
	err = node_join(NODE_AND, TAKE_PTR(left->root), TAKE_PTR(right->root), &root);
	return err ? err : expression_new(schema, root, ret);
}

/* ---- the two places ------------------------------------------------------------------------ */

static int add_part(const struct node *part, struct node **list)
{
	struct node *copy = NULL;
	int err = node_copy(part, &copy);

	if (err)
		return err;
	if (!*list) {
		*list = copy;
		return 0;
	}
	return node_join(NODE_AND, TAKE_PTR(*list), copy, list);
}

int expression_split(const struct expression *e, struct expression **ret_kernel,
		     struct expression **ret_user)
{
	_cleanup_(node_freep) struct node *in_kernel = NULL, *in_user = NULL;
	_cleanup_(expression_freep) struct expression *kernel = NULL, *user = NULL;
	const struct node *part = e->root->type == NODE_AND ? e->root->first : e->root;
	int room = EXPRESSION_SLOTS - EXPRESSION_SLOTS_FRAME, err = 0;

	for (; part && !err; part = e->root->type == NODE_AND ? part->next : NULL) {
		int size = node_size(e, part);

		if (size == -ENOMEM)
			return size;
		if (size >= 0 && size <= room) {
			room -= size;
			err = add_part(part, &in_kernel);
		} else {
			err = add_part(part, &in_user);
		}
	}
	if (!err && in_kernel)
		err = expression_new(e->schema, TAKE_PTR(in_kernel), &kernel);
	if (!err && in_user)
		err = expression_new(e->schema, TAKE_PTR(in_user), &user);
	if (err)
		return err;
	*ret_kernel = TAKE_PTR(kernel);
	*ret_user = TAKE_PTR(user);
	return 0;
}

static void add_reasons(const struct expression *e, const struct node *n, struct buf *b)
{
	_cleanup_buf_ struct buf reason = {};

	if (n->type == NODE_TEST && test_needs_user(e, n, &reason) &&
	    !strstr(buf_str(b), buf_str(&reason))) {
		if (b->len)
			buf_add_str(b, "; ");
		buf_add_str(b, buf_str(&reason));
	}
	for (const struct node *child = n->first; child; child = child->next)
		add_reasons(e, child, b);
}

const char *expression_why_user(const struct expression *e)
{
	struct buf *why = &e->matcher->why;

	buf_clear(why);
	add_reasons(e, e->root, why);
	if (!why->len)
		buf_printf(why, "no room is left in the %d instructions of the kernel's filter",
			   EXPRESSION_SLOTS);
	return buf_str(why);
}

u64 expression_gave_up(const struct expression *e)
{
	return e->matcher->gave_up;
}
