// SPDX-License-Identifier: Apache-2.0
/* Growable text: see base.h. Growth doubles, so that adding n bytes costs O(n) in all. */
#include "base/base.h"

int grow(void *array, size_t *capacity, size_t need, size_t element_size)
{
	void **p = array;
	size_t cap = *capacity ? *capacity : 8;
	void *bigger;

	if (need <= *capacity)
		return 0;
	while (cap < need) {
		if (cap > SIZE_MAX / 2 / element_size)
			return fail(-ENOMEM, "out of memory");
		cap *= 2;
	}
	bigger = realloc(*p, cap * element_size);
	if (!bigger)
		return fail(-ENOMEM, "out of memory");
	memset((char *)bigger + *capacity * element_size, 0, (cap - *capacity) * element_size);
	*p = bigger;
	*capacity = cap;
	return 0;
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){};
}

char *buf_room(struct buf *b, size_t more)
{
	size_t need = b->len + more + 1;

	if (b->error)
		return NULL;
	if (need < more)
		goto out_of_memory;
	if (need > b->cap) {
		size_t cap = b->cap ? b->cap : 64;
		char *data;

		while (cap < need)
			cap = cap > SIZE_MAX / 2 ? need : cap * 2;
		data = realloc(b->data, cap);
		if (!data)
			goto out_of_memory;
		data[b->len] = '\0'; /* who gets room need not use it */
		b->data = data;
		b->cap = cap;
	}
	return b->data + b->len;

out_of_memory:
	b->error = -ENOMEM;
	return NULL;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	char *p = buf_room(b, len);

	if (!p)
		return;
	if (len)
		memcpy(p, bytes, len);
	p[len] = '\0';
	b->len += len;
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_add_fill(struct buf *b, char c, size_t count)
{
	char *p = buf_room(b, count);

	if (!p)
		return;
	memset(p, c, count);
	p[count] = '\0';
	b->len += count;
}

void buf_add_u64(struct buf *b, u64 v)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, digits + i, sizeof(digits) - i);
}

void buf_add_s64(struct buf *b, s64 v)
{
	if (v < 0)
		buf_add_char(b, '-');
	/* Negating as unsigned is defined for the smallest value too. */
	buf_add_u64(b, v < 0 ? -(u64)v : (u64)v);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
	va_list again;
	char *p = buf_room(b, 64);
	int n;

	if (!p)
		return;
	va_copy(again, args);
	n = vsnprintf(p, b->cap - b->len, fmt, args);
	if (n > 0 && (size_t)n >= b->cap - b->len) {
		*p = '\0'; /* what was cut is not added when there is no memory for all */
		p = buf_room(b, n);
		if (p)
			vsnprintf(p, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (p && n > 0)
		b->len += n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	buf_vprintf(b, fmt, args);
	va_end(args);
}
