// SPDX-License-Identifier: Apache-2.0
/*
 * The small things that all providers need: how many parts were written, numbers in them, patterns,
 * lists of names with the nearest to a misspelt one, points in a list.
 */
#include <regex.h>

#include "lang/probes/internal.h"

/* ---- parts --------------------------------------------------------------------------------- */

u32 part_count(const struct attach_point *a)
{
	return a->text->count ? a->text->count - 1 : 0;
}

const char *part(const struct attach_point *a, u32 i)
{
	return i < part_count(a) ? a->text->parts[i + 1] : "";
}

int parts_between(const struct attach_point *a, struct diagnostics *d, u32 least, u32 most)
{
	u32 count = part_count(a);
	char range[32];

	if (count >= least && count <= most)
		return 0;
	if (least == most)
		snprintf(range, sizeof(range), "%u argument%s", least, least == 1 ? "" : "s");
	else if (most == UINT32_MAX)
		snprintf(range, sizeof(range), "at least %u arguments", least);
	else
		snprintf(range, sizeof(range), "%u or %u arguments", least, most);
	diagnose(d, a->text->span, "%s probe type requires %s, found %u", a->provider->name, range,
		 count);
	diagnose_hint(d, "write %s", a->provider->usage);
	return -EINVAL;
}

int part_number(const struct attach_point *a, struct diagnostics *d, const char *text,
		const char *what, s64 *ret)
{
	const char *digits = text + (*text == '-' || *text == '+');
	bool hex = digits[0] == '0' && (digits[1] | 32) == 'x';
	char *end;

	errno = 0;
	*ret = (s64)strtoull(text, &end, hex ? 16 : 10);
	if (end == text || *digits < '0' || *digits > '9')
		return diagnose(d, a->text->span, "%s: invalid integer: %s", what, text);
	if (*end)
		return diagnose(d, a->text->span, "%s: invalid trailing bytes: %s", what, text);
	if (errno)
		return diagnose(d, a->text->span, "%s: %s is out of range", what, text);
	return 0;
}

int part_place(struct attach_point *a, struct diagnostics *d, u32 i, const char **ret_name)
{
	const char *text = part(a, i), *plus = strrchr(text, '+');
	s64 number;
	int err;

	if (*text >= '0' && *text <= '9') {
		err = part_number(a, d, text, "Invalid address", &number);
		if (err)
			return err;
		a->has_address = true;
		a->address = (u64)number;
		*ret_name = "";
		return 0;
	}
	/* "operator+" is a name */
	if (!plus || plus == text || (!plus[1] && str_starts(text, "operator"))) {
		*ret_name = text;
		return 0;
	}
	err = part_number(a, d, plus + 1, "Invalid offset", &number);
	if (err)
		return err;
	a->has_offset = true;
	a->offset = (u64)number;
	*ret_name = arena_strndup(d->arena, text, (size_t)(plus - text));
	return 0;
}

bool has_wildcard(const char *text)
{
	return strchr(text, '*') || strchr(text, '?');
}

bool matches(const char *pattern, const char *text)
{
	return glob_match(pattern, strlen(pattern), text, strlen(text));
}

/* ---- names --------------------------------------------------------------------------------- */

void names_free(struct names *n)
{
	free(n->items);
	n->items = NULL;
	n->count = 0;
}

void names_add(struct names *n, const char *name)
{
	if (!n->error)
		n->error = grow(&n->items, &n->capacity, n->count + 1, sizeof(*n->items));
	if (!n->error)
		n->items[n->count++] = arena_strndup(n->arena, name, strlen(name));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void names_sort(struct names *n)
{
	size_t kept = 0;

	if (!n->count)
		return;
	qsort(n->items, n->count, sizeof(*n->items), by_name);
	for (size_t i = 1; i < n->count; i++)
		if (strcmp(n->items[i], n->items[kept]))
			n->items[++kept] = n->items[i];
	n->count = kept + 1;
}

const char *names_suggest(const struct names *n, const char *word)
{
	return suggest(word, n->items, n->count);
}

/* ---- points -------------------------------------------------------------------------------- */

struct attach_point *point_copy(struct arena *arena, const struct attach_point *a)
{
	struct attach_point *copy = arena_new_of(arena, struct attach_point);

	*copy = *a;
	copy->next = NULL;
	copy->of_wildcard = a->is_wildcard;
	copy->why = a->effective ? a->why : NULL; /* not what another file was said to lack */
	copy->is_wildcard = false;
	return copy;
}

bool is_kind(const struct attach_point *a, const char *provider)
{
	return !strcmp(a->provider->name, provider);
}

bool list_full(const struct attach_list *l)
{
	return l->max && l->count > l->max;
}

bool list_mode(const struct attach_list *l, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = l->mode; at && *at; at += strspn(at, ", ")) {
		size_t n = strcspn(at, ", ");

		if (n == len && !memcmp(at, word, len))
			return true;
		at += n;
	}
	return false;
}

/* The pattern is compiled each time: only who gave --probe-filter pays for it. */
bool list_wants(const struct attach_list *l, const char *name)
{
	regex_t r;
	bool found;

	if (!l->filter || !*l->filter)
		return true;
	if (regcomp(&r, l->filter, REG_EXTENDED | REG_NOSUB))
		return true;
	found = !regexec(&r, name, 0, NULL, 0);
	regfree(&r);
	return found;
}

void attach_list_add(struct attach_list *l, struct attach_point *a)
{
	/*
	 * One more than may be: so that probe_expand() sees it; more would only cost memory.
	 */
	if (list_full(l) || arena_error(l->arena))
		return;
	if (a->name && !list_wants(l, a->name)) {
		l->filtered++;
		return;
	}
	if (!l->last)
		l->last = &l->first;
	a->next = NULL;
	*l->last = a;
	l->last = &a->next;
	/* What one link attaches is one probe to the limit, however many functions it finds. */
	if (!a->is_more && !(a->of_wildcard && l->wildcard == a->text && point_multi(a)))
		l->count++;
	l->wildcard = a->text;
}
