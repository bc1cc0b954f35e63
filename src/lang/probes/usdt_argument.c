// SPDX-License-Identifier: Apache-2.0
/*
 * A USDT argument is an operand of the assembler, because that is what the compiler's "nor"
 * constraint leaves: a constant, a register, or memory. The two dialects differ:
 *
 *	x86-64	-4@%eax  8@$-1  1@-16(%rbp)  8@(%rax,%rcx,8)  4@counter+8(%rip)
 *	arm64	-4@w0    8@-1   1@[sp, 16]   8@[x1]  8@[x0, x1, lsl 3]
 *
 * Both are read on every machine, so that both are tested everywhere; only one occurs.
 */
#include "lang/probes/usdt.h"

struct reader {
	const char *at;
	u64 address;
	bool (*symbol)(void *context, const char *name, u64 *ret);
	void *context;
};

/* ---- registers ----------------------------------------------------------------------------- */

/* The names of one register by size, and its offset in struct pt_regs. */
static const struct {
	const char *names[4]; /* 8, 4, 2, 1 bytes */
	s16 offset;
} x86[] = {
	{ { "rax", "eax", "ax", "al" }, 80 },	   { { "rbx", "ebx", "bx", "bl" }, 40 },
	{ { "rcx", "ecx", "cx", "cl" }, 88 },	   { { "rdx", "edx", "dx", "dl" }, 96 },
	{ { "rsi", "esi", "si", "sil" }, 104 },	   { { "rdi", "edi", "di", "dil" }, 112 },
	{ { "rbp", "ebp", "bp", "bpl" }, 32 },	   { { "rsp", "esp", "sp", "spl" }, 152 },
	{ { "r8", "r8d", "r8w", "r8b" }, 72 },	   { { "r9", "r9d", "r9w", "r9b" }, 64 },
	{ { "r10", "r10d", "r10w", "r10b" }, 56 }, { { "r11", "r11d", "r11w", "r11b" }, 48 },
	{ { "r12", "r12d", "r12w", "r12b" }, 24 }, { { "r13", "r13d", "r13w", "r13b" }, 16 },
	{ { "r14", "r14d", "r14w", "r14b" }, 8 },  { { "r15", "r15d", "r15w", "r15b" }, 0 },
	{ { "rip", "eip", "ip", "" }, 128 },
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '$';
}

static size_t word_length(const char *at)
{
	size_t len = 0;

	while (is_word(at[len]))
		len++;
	return len;
}

/* "%rax" or, on arm64, "x0", "w0", "sp". Goes on behind it. */
static bool read_register(struct reader *r, s16 *ret_offset, u8 *ret_size)
{
	bool percent = *r->at == '%';
	const char *at = r->at + percent;
	size_t len = word_length(at);
	char *end;

	for (size_t i = 0; percent && i < ARRAY_SIZE(x86); i++)
		for (unsigned k = 0; k < 4; k++)
			if (strlen(x86[i].names[k]) == len && len &&
			    !memcmp(x86[i].names[k], at, len)) {
				*ret_offset = x86[i].offset;
				*ret_size = 8 >> k;
				r->at = at + len;
				return true;
			}
	if (percent)
		return false;
	if (len == 2 && !memcmp(at, "sp", 2)) {
		*ret_offset = 248;
		*ret_size = 8;
	} else if ((*at == 'x' || *at == 'w') && at[1] >= '0' && at[1] <= '9') {
		unsigned long n = strtoul(at + 1, &end, 10);

		if (n > 30 || end != at + len)
			return false;
		*ret_offset = (s16)(n * 8);
		*ret_size = *at == 'x' ? 8 : 4;
	} else {
		return false;
	}
	r->at = at + len;
	return true;
}

/* ---- operands ------------------------------------------------------------------------------ */

static bool is_digit_at(const char *at)
{
	at += *at == '-' || *at == '+';
	return *at >= '0' && *at <= '9';
}

static s64 read_number(struct reader *r)
{
	bool minus = *r->at == '-';
	char *end;
	u64 value;

	r->at += *r->at == '-' || *r->at == '+';
	value = strtoull(r->at, &end, 0);
	r->at = end;
	return (s64)(minus ? 0 - value : value);
}

static void skip_spaces(struct reader *r)
{
	while (*r->at == ' ')
		r->at++;
}

/* "(%base,%index,scale)" */
static bool read_x86_memory(struct reader *r, struct usdt_argument *a)
{
	u8 size;

	r->at++;
	a->kind = USDT_MEMORY;
	if (*r->at != ',' && !read_register(r, &a->base, &a->base_size))
		return false;
	if (*r->at == ',') {
		r->at++;
		if (!read_register(r, &a->index, &size))
			return false;
		a->scale = 1;
	}
	if (*r->at == ',') {
		r->at++;
		if (!is_digit_at(r->at))
			return false;
		a->scale = (u8)read_number(r);
	}
	return *r->at++ == ')';
}

/* "[x1]", "[sp, 16]", "[x0, x1, lsl 3]" */
static bool read_arm_memory(struct reader *r, struct usdt_argument *a)
{
	u8 size;

	r->at++;
	a->kind = USDT_MEMORY;
	if (!read_register(r, &a->base, &a->base_size))
		return false;
	skip_spaces(r);
	if (*r->at == ',') {
		r->at++;
		skip_spaces(r);
		r->at += *r->at == '#';
		if (is_digit_at(r->at)) {
			a->constant = read_number(r);
		} else {
			if (!read_register(r, &a->index, &size) || size != 8)
				return false;
			a->scale = 1;
		}
	}
	skip_spaces(r);
	if (*r->at == ',' && a->scale) {
		r->at++;
		skip_spaces(r);
		if (!str_starts(r->at, "lsl"))
			return false;
		r->at += 3;
		skip_spaces(r);
		r->at += *r->at == '#';
		if (!is_digit_at(r->at))
			return false;
		a->scale = (u8)(1u << (read_number(r) & 3));
	}
	skip_spaces(r);
	return *r->at++ == ']';
}

/* "counter+8(%rip)": the address is told from the probe's own. */
static bool read_symbol(struct reader *r, struct usdt_argument *a)
{
	size_t len = word_length(r->at);
	char name[256];
	u64 address;

	if (!len || len >= sizeof(name) || !r->symbol)
		return false;
	memcpy(name, r->at, len);
	name[len] = '\0';
	r->at += len;
	if (!r->symbol(r->context, name, &address))
		return false;
	a->constant = (s64)(address - r->address);
	if (is_digit_at(r->at) && (*r->at == '+' || *r->at == '-'))
		a->constant = (s64)((u64)a->constant + (u64)read_number(r));
	return *r->at == '(' && read_x86_memory(r, a) && a->base == 128;
}

static bool read_operand(struct reader *r, struct usdt_argument *a)
{
	if (*r->at == '$') {
		r->at++;
		if (!is_digit_at(r->at))
			return false;
		a->kind = USDT_CONSTANT;
		a->constant = read_number(r);
		return true;
	}
	if (*r->at == '[')
		return read_arm_memory(r, a);
	if (read_register(r, &a->base, &a->base_size)) {
		a->kind = USDT_REGISTER;
		return true;
	}
	if (is_digit_at(r->at)) {
		a->constant = read_number(r);
		if (*r->at == '(')
			return read_x86_memory(r, a);
		a->kind = USDT_CONSTANT;
		return true;
	}
	return *r->at == '(' ? read_x86_memory(r, a) : read_symbol(r, a);
}

/* "-4@OPERAND"; without a size it is a register's or a constant's own. */
static bool read_argument(struct reader *r, struct usdt_argument *a)
{
	const char *sign = strchr(r->at, '@'), *space = strchr(r->at, ' ');
	s64 size = 8;

	*a = (struct usdt_argument){ .base = -1, .index = -1 };
	if (sign && (!space || sign < space)) {
		if (!is_digit_at(r->at))
			return false;
		size = read_number(r);
		if (*r->at != '@') /* "8f@%xmm0": a floating-point number */
			return false;
		r->at++;
		a->is_signed = size < 0;
		size = size < 0 ? -size : size;
	}
	if ((size != 1 && size != 2 && size != 4 && size != 8) || !read_operand(r, a))
		return false;
	a->size = (u8)size;
	return *r->at == ' ' || !*r->at;
}

u32 usdt_arguments(const char *text, u64 address,
		   bool (*symbol)(void *context, const char *name, u64 *ret), void *context,
		   struct usdt_argument *ret)
{
	struct reader r = { text, address, symbol, context };
	u32 count = 0;

	for (;;) {
		const char *start;

		skip_spaces(&r);
		if (!*r.at || count == USDT_ARGUMENTS_MAX)
			return count;
		start = r.at;
		if (!read_argument(&r, &ret[count])) {
			ret[count] = (struct usdt_argument){ .base = -1, .index = -1 };
			/* on to the next: "[x0, 8]" has a space inside */
			r.at = start + strcspn(start, " ");
			if (memchr(start, '[', (size_t)(r.at - start)) &&
			    !memchr(start, ']', (size_t)(r.at - start)))
				r.at += strcspn(r.at, "]") + (strchr(r.at, ']') != NULL);
		}
		count++;
	}
}
