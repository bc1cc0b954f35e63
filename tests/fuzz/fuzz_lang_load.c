// SPDX-License-Identifier: Apache-2.0
/*
 * What compiles must load. The input's bytes are choices: a program of tests/lang/cases and what is
 * done to it (tokens replaced, statements doubled, taken from another program, put into loops).
 * When the result compiles, for the running kernel or in the forms for older ones, it is given to
 * this kernel's verifier, without attaching anything; a refusal is an error of ours. Does nothing
 * where nothing can be loaded. SAKER_LOAD_FUZZ=count: says each refusal and goes on.
 */
#include <ctype.h>
#include <dirent.h>
#include <sys/utsname.h>

#include "lang/lang.h"

#define PROGRAMS_MAX 4096
#define TOKENS_MAX 512
#define TEXT_MAX 6000

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct corpus {
	char *programs[PROGRAMS_MAX];
	size_t count;
};

/* The input, then numbers that follow from it. */
struct choices {
	const u8 *data;
	size_t size, at;
	u64 state;
};

static u32 choose(struct choices *c, u32 below)
{
	if (c->at < c->size)
		c->state ^= c->data[c->at++];
	c->state = c->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(c->state >> 33) % below;
}

/* ---- the corpus ------------------------------------------------------------------------------ */

static bool is_header(const char *line)
{
	static const char *const words[] = { "note:",  "flags:",   "args:", "env:",	"program:",
					     "setup:", "trigger:", "mask:", "compare:", "needs:" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_starts(line, words[i]))
			return true;
	return false;
}

static void add_program(struct corpus *c, struct buf *text)
{
	if (text->len && text->len < TEXT_MAX && c->count < PROGRAMS_MAX)
		c->programs[c->count++] = strdup(buf_str(text));
	buf_clear(text);
}

static void read_cases(struct corpus *c, const char *path)
{
	_cleanup_buf_ struct buf all = {}, text = {};
	bool in_case = false, in_head = false;
	char *at, *line;

	if (read_file(path, 1 << 20, &all))
		return;
	for (at = all.data; at && (line = strsep(&at, "\n"));) {
		if (str_starts(line, "== ")) {
			add_program(c, &text);
			in_case = in_head = true;
		} else if (in_case && !(in_head && is_header(line))) {
			in_head = false;
			buf_add_str(&text, line);
			buf_add_char(&text, '\n');
		}
	}
	add_program(c, &text);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const struct corpus *corpus(void)
{
	static struct corpus c;
	const char *folder = "tests/lang/cases";
	char path[512], *names[64];
	size_t count = 0;
	struct dirent *e;
	DIR *d;

	if (c.count)
		return &c;
	d = opendir(folder);
	while (d && (e = readdir(d)) && count < ARRAY_SIZE(names))
		if (str_ends(e->d_name, ".txt"))
			names[count++] = strdup(e->d_name);
	if (d)
		closedir(d);
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		read_cases(&c, path);
		free(names[i]);
	}
	return &c;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

struct token {
	const char *text;
	u32 len;
};

struct tokens {
	struct token items[TOKENS_MAX];
	size_t count;
};

static u32 token_length(const char *p)
{
	static const char *const pairs[] = { "==", "!=", "<=", ">=", "&&", "||", "<<", ">>",
					     "->", "++", "--", "+=", "-=", "*=", "/=", ".." };
	u32 n = 1;

	if (*p == '"') {
		while (p[n] && p[n] != '"')
			n += p[n] == '\\' && p[n + 1] ? 2 : 1;
		return n + (p[n] == '"');
	}
	if (isalnum((u8)*p) || *p == '_' || *p == '$' || *p == '@') {
		while (isalnum((u8)p[n]) || p[n] == '_')
			n++;
		return n;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (str_starts(p, pairs[i]))
			return 2;
	return 1;
}

static void split(const char *p, struct tokens *t)
{
	t->count = 0;
	while (*p && t->count < TOKENS_MAX) {
		if (isspace((u8)*p)) {
			p++;
			continue;
		}
		t->items[t->count] = (struct token){ p, token_length(p) };
		p += t->items[t->count++].len;
	}
}

static void insert(struct tokens *t, size_t at, const struct token *more, size_t count)
{
	if (t->count + count > TOKENS_MAX)
		return;
	memmove(t->items + at + count, t->items + at, (t->count - at) * sizeof(*more));
	memmove(t->items + at, more, count * sizeof(*more));
	t->count += count;
}

static void insert_text(struct tokens *t, size_t at, const char *text)
{
	struct token one = { text, (u32)strlen(text) };

	insert(t, at, &one, 1);
}

static bool token_is(const struct token *t, char c)
{
	return t->len == 1 && *t->text == c;
}

/* ---- changes --------------------------------------------------------------------------------- */

static const char *const numbers[] = { "0",
				       "1",
				       "2",
				       "3",
				       "7",
				       "8",
				       "63",
				       "64",
				       "127",
				       "255",
				       "256",
				       "65535",
				       "100000",
				       "0x7fffffff",
				       "0xffffffff",
				       "0x8000000000000000",
				       "0xffffffffffffffff",
				       "(-1)",
				       "(int8)200",
				       "(uint8)5",
				       "$x",
				       "@a",
				       "pid" };
static const char *const operators[] = { "+",  "-", "*", "/",  "%",  "&",  "|",	 "^",  "<<",
					 ">>", "<", ">", "<=", ">=", "==", "!=", "&&", "||" };
static const char *const words[] = {
	"pid",
	"tid",
	"comm",
	"nsecs",
	"cpu",
	"uid",
	"elapsed",
	"rand",
	"curtask.pid",
	"curtask.comm",
	"kstack(3)",
	"str(0)",
	"buf(\"abc\", 2)",
	"strlen(comm)",
	"@a",
	"@b[1]",
	"@c[comm, pid]",
	"$x",
	"(1, 2)",
	"(1, \"x\")",
	"count()",
	"sum(3)",
	"hist(pid)",
	"\"text\"",
	"curtask.real_parent.comm",
	"(int32)pid",
	"strcontains(comm, \"a\")",
	"ntop(0x0100007f)",
	"probe",
	"func",
	"args",
	"ncpus",
	"usermode",
	"cgroup",
	"len(@b)",
	"has_key(@b, 1)",
	"str_concat(comm, \"x\")",
	"strstr(comm, \"a\")",
	"bswap(pid)",
	"ksym(0)",
	"macaddr(\"abcdef\")",
	"strftime(\"%S\", nsecs)",
	"(uint8[4])pid",
};

static const char *pick_like(const struct token *t, struct choices *c)
{
	if (isdigit((u8)*t->text))
		return numbers[choose(c, ARRAY_SIZE(numbers))];
	if (strchr("+-*/%&|^<>=!", *t->text) && !token_is(t, '=') && !token_is(t, '!'))
		return operators[choose(c, ARRAY_SIZE(operators))];
	if (isalpha((u8)*t->text) || strchr("$@\"", *t->text))
		return words[choose(c, ARRAY_SIZE(words))];
	return NULL;
}

/* From behind a ; { or } to the next ; or the end of a block. */
static void statement(const struct tokens *t, struct choices *c, size_t *from, size_t *to)
{
	size_t at = t->count ? choose(c, (u32)t->count) : 0;
	int depth = 0;

	while (at && !token_is(&t->items[at - 1], ';') && !token_is(&t->items[at - 1], '{') &&
	       !token_is(&t->items[at - 1], '}'))
		at--;
	*from = at;
	while (at < t->count) {
		if (token_is(&t->items[at], '{'))
			depth++;
		if (token_is(&t->items[at], '}') && --depth < 0)
			break;
		at++;
		if (depth <= 0 &&
		    (token_is(&t->items[at - 1], ';') || token_is(&t->items[at - 1], '}')))
			break;
	}
	*to = at;
}

static void wrap(struct tokens *t, struct choices *c)
{
	static const char *const heads[] = {
		"if (pid % 3 == 1) {",	"if (comm == \"x\") {",
		"unroll(3) {",		"for ($zz : 0..5) {",
		"for ($zz : 0..pid) {", "while (@w++ < 4) {",
		"for ($kv : @b) {",	"if (@b[1]) {",
		"if (rand > 5) {",	"{",
	};
	size_t from, to;

	statement(t, c, &from, &to);
	insert_text(t, to, "}");
	insert_text(t, from, heads[choose(c, ARRAY_SIZE(heads))]);
}

static void borrow(struct tokens *t, struct choices *c)
{
	const struct corpus *all = corpus();
	struct tokens *other = malloc(sizeof(*other));
	size_t from, to, at, end;

	if (!other)
		return;
	split(all->programs[choose(c, (u32)all->count)], other);
	statement(other, c, &from, &to);
	statement(t, c, &at, &end);
	insert(t, at, other->items + from, to - from);
	free(other);
}

static void change(struct tokens *t, struct choices *c)
{
	size_t at = choose(c, (u32)t->count), from, to;
	const char *text;

	switch (choose(c, 8)) {
	case 0:
		wrap(t, c);
		break;
	case 1:
		borrow(t, c);
		break;
	case 2:
		statement(t, c, &from, &to);
		if (to - from < 64)
			insert(t, to, t->items + from, to - from);
		break;
	case 3: /* one name for another of the same program */
		from = choose(c, (u32)t->count);
		if (isalpha((u8)*t->items[at].text) == isalpha((u8)*t->items[from].text))
			t->items[at] = t->items[from];
		break;
	default:
		text = pick_like(&t->items[at], c);
		if (text)
			t->items[at] = (struct token){ text, (u32)strlen(text) };
		break;
	}
}

static void make_program(struct choices *c, struct buf *b)
{
	const struct corpus *all = corpus();
	struct tokens *t = malloc(sizeof(*t));

	if (!t)
		return;
	split(all->programs[choose(c, (u32)all->count)], t);
	for (u32 n = choose(c, 5); n && t->count; n--)
		change(t, c);
	for (size_t i = 0; i < t->count; i++) {
		buf_add(b, t->items[i].text, t->items[i].len);
		buf_add_char(b, ' ');
	}
	free(t);
}

/* ---- loading --------------------------------------------------------------------------------- */

static int read_nothing(void *context, const char *name, u32 from, struct buf *b)
{
	(void)context, (void)name, (void)from, (void)b;
	return -ENOENT;
}

/* 0: of the running kernel, also where it is older than @kernel. */
static u32 form(u32 kernel)
{
	unsigned a = 0, b = 0;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &a, &b) != 2)
		return 0;
	return kernel <= KERNEL_VERSION_CODE(a, b, 0) ? kernel : 0;
}

static void load(const struct compilation *c, const char *text, u32 kernel)
{
	const char *mode = getenv("SAKER_LOAD_FUZZ");
	struct run *r = NULL;
	int err = run_load(c->script, NULL, &r);

	run_freep(&r);
	if (mode)
		printf("load: %s%s\n", err ? "failed: " : "fine", err ? error_text() : "");
	if (!err || err == -EPERM || geteuid() || !strstr(error_text(), "is refused"))
		return;
	/* Rounds that an older kernel's verifier follows; this one follows them otherwise. */
	if (kernel && (strstr(error_text(), "too large") || strstr(error_text(), "too complex")))
		return;
	printf("refused (for %u.%u): %s\n\t%s\n", kernel >> 16, kernel >> 8 & 255, error_text(),
	       text);
	if (!mode)
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const u32 kernels[] = { 0, 0, KERNEL_VERSION_CODE(6, 12, 0),
				       KERNEL_VERSION_CODE(6, 1, 0),
				       KERNEL_VERSION_CODE(5, 10, 0) };
	static const char *const positional[] = { "12", "word" };
	struct choices choices = { .data = data, .size = size, .state = size };
	struct lang_options o = {
		.name = "fuzz",
		.script = { .unsafe = true,
			    .read = read_nothing,
			    .arguments = { .positional = positional, .count = 2 } },
		.memory_limit = 96u << 20,
	};
	_cleanup_(compilation_freep) struct compilation *c = NULL;
	_cleanup_buf_ struct buf text = {};

	if (!corpus()->count)
		return 0;
	make_program(&choices, &text);
	o.script.kernel = form(kernels[choose(&choices, ARRAY_SIZE(kernels))]);
	o.script.warnings = !choose(&choices, 8);
	o.script.test = strstr(buf_str(&text), "test:") != NULL;
	if (!lang_compile(buf_str(&text), text.len, &o, &c))
		load(c, buf_str(&text), o.script.kernel);
	else if (getenv("SAKER_LOAD_FUZZ"))
		printf("load: does not compile\n");
	return 0;
}
