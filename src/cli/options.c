// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a tool's command line: general options (options_table.c), the gadget's parameters as
 * --name, and the gadget's short flags, which are rewritten into the words that they stand for and
 * read again. A flag of the gadget wins over a general one of the same letter, because people bring
 * those letters with them.
 */
#include "cli/options_internal.h"

#include <ctype.h>

#define ALIAS_DEPTH 4 /* a flag that stands for a flag that stands for ... */

struct parser {
	struct options *o;
	const struct gadget_info *info;
	int depth;
	int positionals;
};

static int add_assignment(struct options *o, const char *name, const char *value)
{
	struct assignment *a;
	int err =
		grow(&o->assignments, &o->assignment_capacity, o->assignment_count + 1, sizeof(*a));

	if (err)
		return err;
	a = &o->assignments[o->assignment_count];
	err = option_replace(&a->name, name);
	if (!err)
		err = option_replace(&a->value, value);
	if (err) {
		free(a->name);
		*a = (struct assignment){};
		return err;
	}
	o->assignment_count++;
	return 0;
}

/*
 * ---- finding it
 * -----------------------------------------------------------------------------------
 */

void parameter_option_name(const struct parameter *p, char *ret, size_t size)
{
	snprintf(ret, size, "%s", p->name);
	for (char *s = ret; *s; s++) {
		if (*s == '_')
			*s = '-';
	}
}

#define NAME_SIZE 128
#define NAMES_MAX 256

static int unknown_option(const struct parser *p, const char *word, const char *name)
{
	char names[NAMES_MAX][NAME_SIZE];
	const char *all[NAMES_MAX], *near;
	size_t n = 0;

	for (size_t i = 0; i < general_option_count; i++)
		all[n++] = general_options[i].name;
	for (size_t i = 0; i < p->info->parameter_count && n < NAMES_MAX; i++) {
		parameter_option_name(&p->info->parameters[i], names[n], NAME_SIZE);
		all[n] = names[n];
		n++;
	}
	near = suggest(name, all, n);
	if (near)
		return fail(-ENOENT, "unknown option '%s' (did you mean '--%s'?)", word, near);
	return fail(-ENOENT, "unknown option '%s' (see: saker %s --help)", word, p->info->name);
}

static const struct option_info *find_general(const char *name)
{
	for (size_t i = 0; i < general_option_count; i++) {
		if (!strcmp(general_options[i].name, name))
			return &general_options[i];
	}
	return NULL;
}

static const struct parameter *find_parameter(const struct gadget_info *info, const char *name)
{
	char own[NAME_SIZE];

	for (size_t i = 0; i < info->parameter_count; i++) {
		parameter_option_name(&info->parameters[i], own, sizeof(own));
		if (!strcmp(own, name))
			return &info->parameters[i];
	}
	return NULL;
}

/*
 * The value of an option: behind its '=' or in its own word (@value), else the next word. A word
 * that begins with two dashes is the next option: what was meant as a value got lost (an empty
 * shell variable).
 */
static int take_value(const char *option, const char *argument, const char *value, char ***words,
		      const char **ret)
{
	const char *next = **words;

	if (!value) {
		if (!next || str_starts(next, "--"))
			return fail(-EINVAL, "%s needs a value: %s", option, argument);
		value = next;
		(*words)++;
	}
	*ret = value;
	return 0;
}

/* "--name", "--name=value", "--name value". @words stands behind the word. */
static int parse_long(struct parser *p, const char *word, char ***words)
{
	const char *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
	_cleanup_free_ char *name =
		strndup(word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2));
	const struct option_info *general = name ? find_general(name) : NULL;
	const struct parameter *parameter;
	char option[NAME_SIZE];
	int err = 0;

	if (!name)
		return fail(-ENOMEM, "out of memory");
	snprintf(option, sizeof(option), "--%s", name);
	if (general && !general->argument && value)
		return fail(-EINVAL, "%s takes no value", option);
	if (general && general->argument)
		err = take_value(option, general->argument, value, words, &value);
	if (general)
		return err ? err : option_set(p->o, general, value);
	parameter = find_parameter(p->info, name);
	if (!parameter)
		return unknown_option(p, option, name);
	if (!parameter->is_bool) {
		err = take_value(option, parameter->type, value, words, &value);
		if (err)
			return err;
	}
	return add_assignment(p->o, parameter->name, value ? value : "");
}

/*
 * ---- short flags and what they stand for
 * -------------------------------------------------------------
 */

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Adds @text with every whole word @from replaced by @to. */
static void add_substituted(struct buf *b, const char *text, size_t len, const char *from,
			    const char *to)
{
	size_t from_len = from ? strlen(from) : 0;

	for (size_t i = 0; i < len;) {
		if (from_len && i + from_len <= len && !memcmp(text + i, from, from_len) &&
		    (i == 0 || !is_name_byte(text[i - 1])) &&
		    (i + from_len == len || !is_name_byte(text[i + from_len]))) {
			buf_add_str(b, to);
			i += from_len;
		} else {
			buf_add_char(b, text[i++]);
		}
	}
}

/*
 * The words of an expansion, ended by NUL each, with the user's value in place of the argument's
 * name. Words are separated by spaces; '...' keeps spaces inside a word. The value is put in after
 * the split, so that it is one piece whatever it holds.
 */
static int expand(const struct alias *a, const char *value, struct buf *b, size_t *ret_count)
{
	const char *p = a->expansion;

	*ret_count = 0;
	for (;;) {
		p += strspn(p, " ");
		if (!*p)
			break;
		while (*p && *p != ' ') {
			const char *start = *p == '\'' ? p + 1 : p;
			size_t len = strcspn(start, *p == '\'' ? "'" : " '");

			add_substituted(b, start, len, a->argument, value);
			p = start + len + (*p == '\'' && start[len] == '\'');
		}
		buf_add_char(b, '\0');
		(*ret_count)++;
	}
	return b->error ? fail(-ENOMEM, "out of memory") : 0;
}

static int parse_words(struct parser *p, char **words);

static int parse_alias(struct parser *p, const struct alias *a, const char *value)
{
	_cleanup_buf_ struct buf b = {};
	_cleanup_free_ char **words = NULL;
	size_t count;
	char *at;
	int err;

	if (p->depth >= ALIAS_DEPTH)
		return fail(-EINVAL,
			    "-%c: the gadget's short flags stand for each other without end",
			    a->flag);
	err = expand(a, value, &b, &count);
	if (err)
		return err;
	words = calloc(count + 1, sizeof(*words));
	if (!words)
		return fail(-ENOMEM, "out of memory");
	at = b.data;
	for (size_t i = 0; i < count; i++) {
		words[i] = at;
		at += strlen(at) + 1;
	}
	p->depth++;
	err = parse_words(p, words);
	p->depth--;
	return err ? fail_in(err, "-%c", a->flag) : 0;
}

static const struct alias *find_alias(const struct gadget_info *info, char flag)
{
	for (size_t i = 0; i < info->alias_count; i++) {
		if (info->aliases[i].flag == flag)
			return &info->aliases[i];
	}
	return NULL;
}

/* What a short flag takes: the rest of its word, else the next one. */
static int short_value(char flag, const char *argument, const char *rest, char ***words,
		       const char **ret)
{
	char option[] = { '-', flag, '\0' };

	return take_value(option, argument, *rest ? rest + (*rest == '=') : NULL, words, ret);
}

/* "-x", "-xT", "-p 1", "-p1". @words stands behind the word. */
static int parse_short(struct parser *p, const char *word, char ***words)
{
	for (const char *f = word + 1; *f; f++) {
		const struct alias *a = find_alias(p->info, *f);
		const char *argument = a ? a->argument : NULL, *value = NULL;
		size_t i = 0;
		int err = 0;

		while (!a && i < general_option_count && general_options[i].flag != *f)
			i++;
		if (!a && i == general_option_count) {
			char option[] = { '-', *f, '\0' };

			/* -where for --where */
			return unknown_option(p, f == word + 1 ? word : option,
					      f == word + 1 ? word + 1 : option);
		}
		if (!a)
			argument = general_options[i].argument;
		if (argument)
			err = short_value(*f, argument, f + 1, words, &value);
		if (!err)
			err = a ? parse_alias(p, a, value ? value : "")
				: option_set(p->o, &general_options[i], value);
		if (err || argument || p->o->help)
			return err;
	}
	return 0;
}

/*
 * ---- words
 * ----------------------------------------------------------------------------------------------
 */

static bool has_sort(const struct gadget_info *info, enum schema_sort sort)
{
	for (size_t i = 0; i < info->schema_count; i++) {
		if (info->schemas[i]->sort == sort)
			return true;
	}
	return false;
}

/* [INTERVAL [COUNT]] of what is read, [DURATION] of what samples stacks; events take none. */
static int parse_positional(struct parser *p, const char *word)
{
	const struct gadget_info *info = p->info;
	bool reads = has_sort(info, SCHEMA_TABLE) || has_sort(info, SCHEMA_HISTOGRAM);
	int place = p->positionals++;
	const char *name = NULL;

	if (place < 2 && reads)
		name = place ? "count" : "interval";
	else if (place == 0 && has_sort(info, SCHEMA_STACKS))
		name = "for";
	if (name) {
		int err = option_set(p->o, find_general(name), word);

		return err ? fail(err, "the word '%s' is taken for an option: %s", word,
				  error_text())
			   : 0;
	}
	return fail(
		-EINVAL,
		"'%s' is one word too many (a command to watch stands behind --: saker %s -- %s)",
		word, info->name, word);
}

static int parse_words(struct parser *p, char **words)
{
	while (*words && !p->o->help) {
		char *word = *words++;
		int err;

		if (!strcmp(word, "--")) {
			if (p->depth)
				return fail(-EINVAL, "a short flag cannot stand for a command");
			if (!*words)
				return fail(-EINVAL, "the command behind -- is missing");
			p->o->command = words;
			return 0;
		}
		if (str_starts(word, "--"))
			err = parse_long(p, word, &words);
		else if (word[0] == '-' && word[1])
			err = parse_short(p, word, &words);
		else
			err = parse_positional(p, word);
		if (err)
			return err;
	}
	return 0;
}

int options_parse(struct options *o, const struct gadget_info *info, int argc, char **argv)
{
	struct parser p = { .o = o, .info = info };
	int err = argc > 0 ? parse_words(&p, argv + 1) : 0;
	bool only_events = !has_sort(info, SCHEMA_TABLE) && !has_sort(info, SCHEMA_HISTOGRAM) &&
			   !has_sort(info, SCHEMA_STACKS);

	if (!err && !o->help && o->top && !o->sort && only_events)
		return fail(-EINVAL, "--top needs --sort: %s gives events as they happen",
			    info->name);
	if (!err && !o->output)
		err = option_replace(&o->output, "table");
	return err;
}

void options_free(struct options *o)
{
	free(o->output);
	free(o->columns);
	free(o->where);
	free(o->sort);
	free(o->cgroup);
	free(o->container);
	free(o->pids);
	for (size_t i = 0; i < o->comm_count; i++)
		free(o->comms[i]);
	free(o->comms);
	for (size_t i = 0; i < o->assignment_count; i++) {
		free(o->assignments[i].name);
		free(o->assignments[i].value);
	}
	free(o->assignments);
	*o = (struct options){};
}
