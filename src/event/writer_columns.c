// SPDX-License-Identifier: Apache-2.0
/*
 * Which columns are shown: what the format and the schema propose, changed by --columns.
 *
 *	a,b,c	these, in this order
 *	+a,-b	the proposal with a and without b; a stands where the schema has it
 *	a,b,+c	both: the list, then the changes (short flags such as -T stand for "+time")
 */
#include "event/writer_internal.h"

static bool is_set(const struct writer *w, const struct column *c)
{
	const struct writer_options *o = &w->options;

	return !c->when || (o->parameter_set && o->parameter_set(o->context, c->when));
}

static bool is_proposed(const struct writer *w, size_t i)
{
	const struct column *c = &w->schema->columns[i];

	if (i >= w->schema->stored || !is_set(w, c))
		return false;
	switch (w->options.format) {
	case OUTPUT_JSON:
	case OUTPUT_CSV:
	case OUTPUT_COLLAPSED:
		return true;
	case OUTPUT_WIDE:
		return !c->hidden || c->wide;
	default:
		return !c->hidden;
	}
}

static void remove_at(struct writer *w, size_t at)
{
	memmove(&w->shown[at], &w->shown[at + 1], (w->shown_count - at - 1) * sizeof(*w->shown));
	w->shown_count--;
}

static int insert_at(struct writer *w, size_t at, const struct column *c)
{
	int err = grow(&w->shown, &w->shown_capacity, w->shown_count + 1, sizeof(*w->shown));

	if (err)
		return err;
	memmove(&w->shown[at + 1], &w->shown[at], (w->shown_count - at) * sizeof(*w->shown));
	w->shown[at] = (struct shown){ .column = c };
	w->shown_count++;
	return 0;
}

/* Where @c is shown, or shown_count. */
static size_t position(const struct writer *w, const struct column *c)
{
	size_t at = 0;

	while (at < w->shown_count && w->shown[at].column != c)
		at++;
	return at;
}

/* Before the first column that the schema has behind it. */
static size_t natural_position(const struct writer *w, const struct column *c)
{
	size_t at = 0;

	while (at < w->shown_count && w->shown[at].column < c)
		at++;
	return at;
}

/* One word of --columns: its sign, 0 for a plain one. */
static int apply(struct writer *w, char sign, const char *name)
{
	int i = schema_require(w->schema, name);
	const struct column *c;
	size_t at;

	if (i < 0)
		return i;
	c = &w->schema->columns[i];
	at = position(w, c);
	if (sign == '-') {
		if (at < w->shown_count)
			remove_at(w, at);
		return 0;
	}
	if (at < w->shown_count)
		return 0;
	return insert_at(w, sign == '+' ? natural_position(w, c) : w->shown_count, c);
}

/*
 * Plain words first (they make the list), then the signed ones, whatever their order: short flags
 * add theirs anywhere.
 */
static int apply_list(struct writer *w, const char *list, bool sign_wanted)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		const char *word = list;
		char sign = 0;

		list += len + (list[len] == ',');
		while (len && *word == ' ') {
			word++;
			len--;
		}
		if (len && (*word == '+' || *word == '-')) {
			sign = *word++;
			len--;
		}
		if (!len && !sign)
			continue;
		if (!len)
			return fail(-EINVAL, "--columns: a name is missing behind '%c'", sign);
		if (!!sign == sign_wanted) {
			_cleanup_free_ char *name = strndup(word, len);
			int err = name ? apply(w, sign, name) : fail(-ENOMEM, "out of memory");

			if (err)
				return err;
		}
	}
	return 0;
}

int writer_choose_columns(struct writer *w)
{
	const char *list = w->options.columns ? w->options.columns : "";
	int err = apply_list(w, list, false);

	if (err)
		return err;
	w->chosen = w->shown_count > 0;
	for (size_t i = 0; !w->chosen && i < w->schema->count; i++) {
		if (is_proposed(w, i)) {
			err = insert_at(w, w->shown_count, &w->schema->columns[i]);
			if (err)
				return err;
		}
	}
	/* Every schema out of BTF has it, hidden. */
	if (w->options.times && w->schema->sort == SCHEMA_EVENTS &&
	    schema_find(w->schema, "time") >= 0)
		err = apply(w, '+', "time");
	if (!err)
		err = apply_list(w, list, true);
	if (!err && !w->shown_count)
		err = fail(-EINVAL, "--columns '%s' leaves no column of %s to show", list,
			   w->schema->name);
	return err;
}
