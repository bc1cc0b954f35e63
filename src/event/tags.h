/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of the declaration tags (gadgets/include/gadget.h writes them):
 *
 *	saker:WORD [first words] [key | key=value] [, key | key=value ...] [: text]
 *
 * e.g.  saker:col width=40, hide: the path      saker:alternative read 1 : by fentry
 */
#pragma once

#include "base/base.h"

struct tag {
	char word[32];	     /* "col" */
	const char *options; /* the part between the word and the colon; not NUL-ended */
	size_t options_len;
	const char *text; /* behind the colon, "" when there is none */
};

/*
 * 0; -EINVAL with the text when @s begins with "saker:" and is malformed; -ENOENT when it is no tag
 * of ours.
 */
int tag_parse(const char *s, struct tag *ret);
/*
 * Does the option @key stand there? Its value (NULL-able out) points into the tag; "" when it has
 * none.
 */
bool tag_option(const struct tag *t, const char *key, const char **ret_value, size_t *ret_len);
/*
 * The same for a number: @fallback when the option is not there. -EINVAL when it is not a number.
 */
int tag_number(const struct tag *t, const char *key, u64 fallback, u64 *ret);
