// SPDX-License-Identifier: Apache-2.0
/*
 * Secrets in command lines. People pass them as arguments although they should not; a store that
 * keeps arguments for weeks must not keep them too. This masks by the name before the value: better
 * one word too many than a password.
 */
#include "event/materialize.h"

#include <ctype.h>

static const char *const secret_names[] = {
	"password",   "passwd",	       "passphrase", "secret",	   "token",	  "apikey",
	"api-key",    "api_key",       "access-key", "access_key", "private-key", "private_key",
	"credential", "authorization", "auth-key",   "pwd",
};

static bool contains_name(const char *word, size_t len, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n <= len; i++) {
		size_t k = 0;

		while (k < n && tolower((unsigned char)word[i + k]) == name[k])
			k++;
		if (k == n)
			return true;
	}
	return false;
}

static bool is_secret_name(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(secret_names); i++) {
		if (contains_name(word, len, secret_names[i]))
			return true;
	}
	return false;
}

/* scheme://user:password@rest: adds it with the password masked; false when it is no such thing. */
static bool mask_url(const char *word, size_t len, struct buf *b)
{
	const char *scheme = memmem(word, len, "://", 3);
	const char *from, *at, *colon, *slash;
	size_t rest;

	if (!scheme)
		return false;
	from = scheme + 3;
	rest = len - (size_t)(from - word);
	slash = memchr(from, '/', rest);
	at = memrchr(from, '@', slash ? (size_t)(slash - from) : rest);
	colon = at ? memchr(from, ':', (size_t)(at - from)) : NULL;
	if (!colon)
		return false;
	buf_add(b, word, (size_t)(colon + 1 - word));
	buf_add_str(b, "***");
	buf_add(b, at, len - (size_t)(at - word));
	return true;
}

/*
 * How far a word may be shown: behind the first '=' or ':' that has a secret's name before it, as
 * in --password=X, "Authorization: Bearer X" (curl's -H), jdbc:x://host/db?user=me&password=X.
 * Each name is what stands between two of them, so that this takes one pass.
 */
static size_t shown_length(const char *word, size_t len, bool *ret_separated)
{
	size_t name = 0;

	*ret_separated = false;
	for (size_t i = 0; i < len; i++) {
		if (word[i] != '=' && word[i] != ':')
			continue;
		*ret_separated = true;
		if (i + 1 < len && is_secret_name(word + name, i - name))
			return i + 1;
		name = i + 1;
	}
	return len;
}

/* Adds one word; returns whether the next word is the secret's value ("--password X"). */
static bool mask_word(const char *word, size_t len, struct buf *b)
{
	bool separated;
	size_t shown = shown_length(word, len, &separated);

	if (!mask_url(word, shown, b))
		buf_add(b, word, shown);
	if (shown < len)
		buf_add_str(b, "***");
	return word[0] == '-' && !separated && is_secret_name(word, len);
}

void mask_secrets(const char *words, size_t len, struct buf *b)
{
	const char *p = words, *end = words + len;
	bool secret = false;

	while (p < end) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));
		size_t n = (size_t)((nul ? nul : end) - p);

		/* "--password --verbose": an option is no value */
		if (secret && n && p[0] != '-') {
			buf_add_str(b, "***");
			secret = false;
		} else {
			secret = mask_word(p, n, b);
		}
		if (nul)
			buf_add_char(b, '\0');
		p = nul ? nul + 1 : end;
	}
}
