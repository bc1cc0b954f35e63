// SPDX-License-Identifier: Apache-2.0
/* Random filters and records: see the header. */
#include "expression_random.h"

#define MEMBER(name) offsetof(struct sample, name), sizeof(((struct sample *)0)->name)

static const struct {
	const char *name;
	size_t offset, size;
	bool is_signed;
} numbers[] = {
	{ "pid", MEMBER(pid), false },
	{ "port", MEMBER(port), false },
	{ "state", MEMBER(state), false },
	{ "cgroup", MEMBER(cgroup), false },
	{ "ret", MEMBER(ret), true },
	{ "error", MEMBER(error), true },
	{ "nice", MEMBER(nice), true },
	{ "level", MEMBER(level), true },
	{ "flags", MEMBER(flags), false },
	{ "bytes", MEMBER(bytes), false },
	{ "took", MEMBER(took), false },
	{ "took_us", MEMBER(took_us), false },
	{ "mask", MEMBER(mask), false },
	{ "signal", MEMBER(signal), false },
	{ "wide_state", MEMBER(wide_state), false },
};

/* Around every border of a size, with and without sign. */
static const u64 values[] = {
	0,
	1,
	2,
	3,
	7,
	9,
	42,
	0x40,
	0x7e,
	0x7f,
	0x80,
	0x81,
	0xfe,
	0xff,
	0x100,
	0x7fff,
	0x8000,
	0xffff,
	0x10000,
	0x7ffffffe,
	0x7fffffff,
	0x80000000,
	0x80000001,
	0xfffffffe,
	0xffffffff,
	0x100000000,
	0x180000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xffffffff7fffffff,
	0xffffffff80000000,
	0xfffffffffffffffe,
	0xffffffffffffffff,
};

static const char *const texts[] = {
	"",
	"a",
	"b",
	"ab",
	"abc",
	"abcd",
	"abcde",
	"nginx",
	"ngin",
	"nginx: worker",
	"thirteen.long",
	"fifteen.letters",
	"/",
	"/etc",
	"/etc/passwd",
	"/etc/passw",
	"sh",
	"sh -c",
	"sh -c ls",
	" ",
	"  ",
	"a ",
	" a",
	"a b",
	"-c",
	"/usr/lib/x86_64-linux-gnu/libc.so.6",
	"/usr/lib/x86_64-linux-gnu/libc.so",
	"\\x80\\xff",
	"\\n",
};

static const char *const addresses[] = {
	"10.0.0.1",   "10.0.0.2", "10.1.2.3", "11.0.0.0", "0.0.0.0",	 "255.255.255.255",
	"::",	      "::1",	  "fe80::1",  "fe80::2",  "2001:db8::1", "2001:db8:8000::1",
	"::10.0.0.1",
};
static const u8 address_bytes[][16] = {
	{ [10] = 255, 255, 10, 0, 0, 1 },
	{ [10] = 255, 255, 10, 0, 0, 2 },
	{ [10] = 255, 255, 10, 1, 2, 3 },
	{ [10] = 255, 255, 11, 0, 0, 0 },
	{ [10] = 255, 255 },
	{ [10] = 255, 255, 255, 255, 255, 255 },
	{ 0 },
	{ [15] = 1 },
	{ 0xfe, 0x80, [15] = 1 },
	{ 0xfe, 0x80, [15] = 2 },
	{ 0x20, 1, 0x0d, 0xb8, [15] = 1 },
	{ 0x20, 1, 0x0d, 0xb8, 0x80, [15] = 1 },
	{ [12] = 10, 0, 0, 1 },
};

u32 random_below(struct random *r, u32 limit)
{
	r->state ^= r->state << 13; /* xorshift64 */
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (u32)((r->state >> 32) % limit);
}

#define PICK(r, array) ((array)[random_below(r, ARRAY_SIZE(array))])

/* ---- filters -------------------------------------------------------------------------------- */

static u64 value_below(struct random *r, size_t size)
{
	return PICK(r, values) & (UINT64_MAX >> (64 - 8 * size));
}

static void add_number(struct random *r, size_t column, struct buf *b)
{
	u64 v = value_below(r, numbers[column].size);
	unsigned shift = 64 - 8 * (unsigned)numbers[column].size;

	if (numbers[column].is_signed)
		buf_add_s64(b, (s64)(v << shift) >> shift);
	else
		buf_printf(b, random_below(r, 2) ? "%llu" : "0x%llx", (unsigned long long)v);
}

static void add_masked(struct random *r, size_t column, struct buf *b)
{
	u64 mask = value_below(r, numbers[column].size);

	buf_printf(b, " & 0x%llx", (unsigned long long)mask);
	if (random_below(r, 2))
		buf_printf(b, " %s 0x%llx", random_below(r, 2) ? "==" : "!=",
			   (unsigned long long)(mask & PICK(r, values)));
}

static void add_number_test(struct random *r, struct buf *b)
{
	static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=" };
	size_t column = random_below(r, ARRAY_SIZE(numbers));
	u32 sort = random_below(r, 10);

	buf_add_str(b, numbers[column].name);
	if (sort == 0)
		return;
	if (sort == 1) {
		add_masked(r, column, b);
	} else if (sort == 2) {
		buf_add_str(b, random_below(r, 2) ? " in (" : " not in (");
		for (u32 i = 0, n = 1 + random_below(r, 4); i < n; i++) {
			if (i)
				buf_add_char(b, ',');
			add_number(r, column, b);
		}
		buf_add_char(b, ')');
	} else {
		buf_printf(b, " %s ", PICK(r, ops));
		add_number(r, column, b);
	}
}

/* As the filter writes it: the longest that the column takes. */
static void add_text(struct random *r, size_t most, struct buf *b)
{
	const char *text = PICK(r, texts);

	buf_printf(b, "\"%.*s\"", (int)(strchr(text, '\\') && strlen(text) > most ? 0 : most),
		   text);
}

static void add_text_test(struct random *r, bool kernel_only, bool fixed_only, struct buf *b)
{
	static const struct {
		const char *name;
		size_t most;
	} columns[] = {
		{ "comm", 15 }, { "tag", 13 }, { "odd", 5 }, { "path", 100 }, { "args", 100 }
	};
	static const char *const ops[] = { "==",       "!=",	   "startswith", "startswith",
					   "endswith", "contains", "like",	 "matches" };
	static const char *const patterns[] = { "*",  "a*", "*a",      "/etc/*", "n?in*",
						"^a", "b$", "[a-n]+x", "^$",	 "\\\\*" };
	u32 column = random_below(r, fixed_only ? 3 : 5), sort = random_below(r, 10);
	const char *op = ops[random_below(r, kernel_only ? 4 : ARRAY_SIZE(ops))];

	buf_add_str(b, columns[column].name);
	if (sort == 0)
		return;
	if (sort == 1) {
		buf_add_str(b, random_below(r, 2) ? " in (" : " not in (");
		for (u32 i = 0, n = 1 + random_below(r, 3); i < n; i++) {
			if (i)
				buf_add_char(b, ',');
			add_text(r, columns[column].most, b);
		}
		buf_add_char(b, ')');
		return;
	}
	buf_printf(b, " %s ", op);
	if (!strcmp(op, "like") || !strcmp(op, "matches"))
		buf_printf(b, "\"%s\"", patterns[random_below(r, 5) + (*op == 'm' ? 5 : 0)]);
	else
		add_text(r, columns[column].most, b);
}

static void add_address_test(struct random *r, struct buf *b)
{
	bool several = random_below(r, 2);

	buf_add_str(b, random_below(r, 2) ? "saddr" : "daddr");
	if (!random_below(r, 6))
		return;
	if (!several) {
		buf_printf(b, " %s %s", random_below(r, 2) ? "==" : "!=", PICK(r, addresses));
		return;
	}
	buf_add_str(b, random_below(r, 2) ? " in (" : " not in (");
	for (u32 i = 0, n = 1 + random_below(r, 3); i < n; i++) {
		const char *address = PICK(r, addresses);

		buf_printf(b, "%s%s", i ? "," : "", address);
		if (random_below(r, 2))
			buf_printf(b, "/%u", random_below(r, strchr(address, ':') ? 129 : 33));
	}
	buf_add_char(b, ')');
}

static void add_test(struct random *r, bool kernel_only, bool fixed_only, struct buf *b)
{
	static const char *const truths[] = {
		"truth",      "truth == true",		"truth != true",
		"truth == 0", "truth in (true, false)", "truth not in (true, false)"
	};
	static const char *const others[] = { "container.name == \"c42\"",
					      "container.name != \"c2\"",
					      "container.name",
					      "share > 0.5",
					      "share",
					      "share not in (1, 0.5)" };
	u32 sort = random_below(r, 20);

	if (sort < 8)
		add_number_test(r, b);
	else if (sort < 14)
		add_text_test(r, kernel_only, fixed_only, b);
	else if (sort < 17)
		add_address_test(r, b);
	else if (sort < 19 || kernel_only)
		buf_add_str(b, PICK(r, truths));
	else
		buf_add_str(b, PICK(r, others));
}

void random_expression(struct random *r, unsigned deep, bool kernel_only, bool fixed_only,
		       struct buf *b)
{
	u32 sort = deep ? random_below(r, 8) : 0, n = 2 + random_below(r, 3);

	if (sort < 3) {
		add_test(r, kernel_only, fixed_only, b);
		return;
	}
	if (sort == 3) {
		buf_add_str(b, "!(");
		random_expression(r, deep - 1, kernel_only, fixed_only, b);
		buf_add_char(b, ')');
		return;
	}
	for (u32 i = 0; i < n; i++) {
		if (i)
			buf_add_str(b, sort < 6 ? " && " : " || ");
		buf_add_char(b, '(');
		random_expression(r, deep - 1, kernel_only, fixed_only, b);
		buf_add_char(b, ')');
	}
}

/* ---- records -------------------------------------------------------------------------------- */

/* The bytes of a text of the pool: what its escapes stand for. */
static size_t text_bytes(const char *text, char *bytes)
{
	if (!strcmp(text, "\\x80\\xff"))
		text = "\x80\xff";
	else if (!strcmp(text, "\\n"))
		text = "\n";
	memcpy(bytes, text, strlen(text) + 1);
	return strlen(text);
}

/* A pool text, sometimes followed by others behind NULs, with or without a last NUL. */
static size_t random_bytes(struct random *r, char *bytes)
{
	size_t len = 0;

	do {
		len += text_bytes(PICK(r, texts), bytes + len);
		if (random_below(r, 4))
			bytes[len++] = '\0';
	} while (!random_below(r, 3) && len < 100);
	return len;
}

static void fill_array(struct random *r, char *array, size_t size)
{
	char bytes[256] = {};
	size_t len = random_bytes(r, bytes);

	if (!random_below(r, 8))
		memset(array, 'a', size);
	memcpy(array, bytes, MIN(len, size));
}

void random_record(struct random *r, struct sample_record *record)
{
	struct sample *s = &record->fixed;
	u16 *tails[] = { s->path, s->args };
	char bytes[256];

	memset(record, 0, sizeof(*record));
	s->header.size = sizeof(*s);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		u64 v = PICK(r, values);

		memcpy((u8 *)s + numbers[i].offset, &v, numbers[i].size);
	}
	s->truth = random_below(r, 2) ? (u8)PICK(r, values) : 0;
	s->share = random_below(r, 4) * 0.5;
	fill_array(r, s->comm, sizeof(s->comm));
	fill_array(r, s->tag, sizeof(s->tag));
	fill_array(r, s->odd, sizeof(s->odd));
	memcpy(s->saddr, PICK(r, address_bytes), 16);
	memcpy(s->daddr, PICK(r, address_bytes), 16);
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		sample_tail(record, tails[i], bytes, random_bytes(r, bytes));
		if (!tails[i][1]) /* no text: where it would lie says nothing */
			tails[i][0] = (u16)PICK(r, values);
	}
}
