// SPDX-License-Identifier: Apache-2.0
/*
 * Declaration tags: "saker:WORD options : text". The grammar is in tags.h. A gadget may come from
 * anywhere, so a tag is input like any other: every length is checked, nothing is copied, malformed
 * means an error with the words.
 */
#include "event/tags.h"

#include <ctype.h>

#define TAG_MAX 1024

static size_t trimmed(const char **s, size_t len)
{
	while (len && isspace((unsigned char)**s)) {
		(*s)++;
		len--;
	}
	while (len && isspace((unsigned char)(*s)[len - 1]))
		len--;
	return len;
}

int tag_parse(const char *s, struct tag *ret)
{
	struct tag t = {};
	const char *colon;
	size_t n = 0;

	if (!str_starts(s, "saker:"))
		return -ENOENT;
	s += strlen("saker:");
	if (strnlen(s, TAG_MAX) == TAG_MAX)
		return fail(-EINVAL, "a declaration tag is longer than %d bytes", TAG_MAX);
	while (islower((unsigned char)s[n]) || s[n] == '_')
		n++;
	if (!n || n >= sizeof(t.word) || (s[n] && s[n] != ' '))
		return fail(-EINVAL, "malformed declaration tag 'saker:%.60s'", s);
	memcpy(t.word, s, n);
	s += n;
	/* The colon stands alone, so that "key=a:b" may hold one; " : text" or "options: text". */
	colon = strstr(s, ": ");
	if (!colon && str_ends(s, ":"))
		colon = s + strlen(s) - 1;
	t.options = s;
	t.options_len = trimmed(&t.options, colon ? (size_t)(colon - s) : strlen(s));
	t.text = colon ? colon + 1 : "";
	while (isspace((unsigned char)*t.text))
		t.text++;
	*ret = t;
	return 0;
}

bool tag_option(const struct tag *t, const char *key, const char **ret_value, size_t *ret_len)
{
	const char *p = t->options, *end = p + t->options_len;
	size_t key_len = strlen(key);

	while (p < end) {
		const char *comma = memchr(p, ',', end - p);
		const char *item = p;
		size_t len = trimmed(&item, (comma ? comma : end) - p);

		if (len >= key_len && !memcmp(item, key, key_len) &&
		    (len == key_len || item[key_len] == '=')) {
			if (ret_value)
				*ret_value = len == key_len ? "" : item + key_len + 1;
			if (ret_len)
				*ret_len = len == key_len ? 0 : len - key_len - 1;
			return true;
		}
		p = comma ? comma + 1 : end;
	}
	return false;
}

int tag_number(const struct tag *t, const char *key, u64 fallback, u64 *ret)
{
	const char *value;
	char text[32];
	size_t len;

	if (!tag_option(t, key, &value, &len)) {
		*ret = fallback;
		return 0;
	}
	if (len >= sizeof(text))
		return fail(-EINVAL, "tag 'saker:%s': '%s' is too long", t->word, key);
	memcpy(text, value, len);
	text[len] = '\0';
	if (parse_u64(text, ret))
		return fail(-EINVAL, "tag 'saker:%s': %s=%s is not a number", t->word, key, text);
	return 0;
}
