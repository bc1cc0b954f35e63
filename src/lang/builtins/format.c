/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks a format string. The letters are C's, with bpftrace's own: r, rx, rh for buffers and gr for
 * the flags of an allocation. Those of floating point are known and fit no type.
 */
#include "lang/builtins/format.h"

static const char *skip_length(const char *p)
{
	if ((p[0] == 'h' && p[1] == 'h') || (p[0] == 'l' && p[1] == 'l'))
		return p + 2;
	return *p && strchr("hljzt", *p) ? p + 1 : p;
}

bool format_next(const char *p, struct conversion *ret)
{
	while ((p = strchr(p, '%')) != NULL) {
		const char *at = p + 1;

		at += strspn(at, "-+ #0");
		at += strspn(at, "0123456789");
		if (*at == '.')
			at += 1 + strspn(at + 1, "0123456789");
		if (*at == '%') {
			p = at + 1;
			continue;
		}
		at = skip_length(at);
		ret->letters = at;
		ret->len = 0;
		if (at[0] == 'g' && at[1] == 'r')
			ret->len = 2;
		else if (at[0] == 'r')
			ret->len = at[1] == 'x' || at[1] == 'h' ? 2 : 1;
		else if (*at && strchr("cdiouxXpsneEfFgGaA", *at))
			ret->len = 1;
		ret->end = at + ret->len;
		if (ret->len)
			return true;
		p = p + 1;
	}
	return false;
}
