// SPDX-License-Identifier: Apache-2.0
/* Times as text: see time_text.h. */
#include "store/time_text.h"

#include <ctype.h>
#include <time.h>

const char *time_text(struct time_text *t, u64 wall_ns, size_t *ret_len)
{
	u64 second = wall_ns / NSEC_PER_SEC;
	u32 ns = (u32)(wall_ns % NSEC_PER_SEC);

	if (!t->known || t->second != second) {
		time_t when = (time_t)second;
		struct tm tm;

		t->prefix = gmtime_r(&when, &tm) ? strftime(t->text, 25, "%Y-%m-%dT%H:%M:%S.", &tm)
						 : 0;
		t->second = second;
		t->known = true;
	}
	for (int i = 8; i >= 0; i--, ns /= 10)
		t->text[t->prefix + (size_t)i] = (char)('0' + ns % 10);
	t->text[t->prefix + 9] = 'Z';
	*ret_len = t->prefix + 10;
	return t->text;
}

static size_t without_zone(const char *s, size_t len)
{
	return len > 10 && (s[len - 1] == 'Z' || s[len - 1] == 'z') ? len - 1 : len;
}

static int character_at(const char *s, size_t i)
{
	return i == 10 && (s[i] == ' ' || s[i] == 't') ? 'T' : (u8)s[i];
}

int time_text_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	a_len = without_zone(a, a_len);
	b_len = without_zone(b, b_len);
	for (size_t i = 0; i < a_len && i < b_len; i++) {
		int difference = character_at(a, i) - character_at(b, i);

		if (difference)
			return difference;
	}
	return (a_len > b_len) - (a_len < b_len);
}

/* Two digits at @s within bounds; advances. */
static bool two_digits(const char **s, int low, int high, int *ret)
{
	if (!isdigit((unsigned char)(*s)[0]) || !isdigit((unsigned char)(*s)[1]))
		return false;
	*ret = ((*s)[0] - '0') * 10 + (*s)[1] - '0';
	*s += 2;
	return *ret >= low && *ret <= high;
}

static bool parse_fraction(const char **s, u64 *ret_ns)
{
	u64 unit = NSEC_PER_SEC / 10;

	if (!isdigit((unsigned char)**s))
		return false;
	for (; isdigit((unsigned char)**s); (*s)++, unit /= 10)
		*ret_ns += (u64)(**s - '0') * unit;
	return true;
}

static bool parse_clock(const char **s, struct tm *tm, u64 *ret_ns)
{
	if (!two_digits(s, 0, 23, &tm->tm_hour) || *(*s)++ != ':' ||
	    !two_digits(s, 0, 59, &tm->tm_min))
		return false;
	if (**s != ':')
		return true;
	(*s)++;
	if (!two_digits(s, 0, 59, &tm->tm_sec))
		return false;
	if (**s != '.')
		return true;
	(*s)++;
	return parse_fraction(s, ret_ns);
}

int time_text_parse(const char *text, u64 *ret_ns)
{
	const char *s = text;
	struct tm tm = { 0 }, back;
	u64 ns = 0;
	int century, year;
	time_t when;

	if (!two_digits(&s, 19, 99, &century) || !two_digits(&s, 0, 99, &year) || *s++ != '-' ||
	    !two_digits(&s, 1, 12, &tm.tm_mon) || *s++ != '-' ||
	    !two_digits(&s, 1, 31, &tm.tm_mday))
		return -EINVAL;
	tm.tm_year = century * 100 + year - 1900;
	tm.tm_mon--;
	if (*s == 'T' || *s == 't' || *s == ' ') {
		s++;
		if (!parse_clock(&s, &tm, &ns))
			return -EINVAL;
		if (*s == 'Z' || *s == 'z')
			s++;
	}
	when = timegm(&tm);
	if (*s || when < 0 || (u64)when > INT64_MAX / NSEC_PER_SEC || !gmtime_r(&when, &back) ||
	    back.tm_mday != tm.tm_mday)
		return -EINVAL;
	*ret_ns = (u64)when * NSEC_PER_SEC + ns;
	return 0;
}
