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

/* Adds one word; returns whether the next word is the secret's value ("--password X"). */
static bool mask_word(const char *word, size_t len, struct buf *b)
{
	const char *separator = memchr(word, '=', len);

	/* "Authorization: Bearer X", as after curl's -H */
	if (!separator)
		separator = memchr(word, ':', len);
	if (separator && separator + 1 < word + len &&
	    is_secret_name(word, (size_t)(separator - word))) {
		buf_add(b, word, (size_t)(separator + 1 - word));
		buf_add_str(b, "***");
		return false;
	}
	if (!mask_url(word, len, b))
		buf_add(b, word, len);
	return word[0] == '-' && !separator && is_secret_name(word, len);
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
