// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's functions, from one pass over /proc/kallsyms: it cannot be searched (the kernel
 * writes all of it, some 40 ms), so one pass must serve every later question. Kept are functions
 * only, without the padding symbols (__pfx_...) that stand before each function in kernels built
 * for call depth tracking: about 2 MB. Read again, rarely, when an address is in no function: a
 * module or a BPF program came later.
 */
#include "host/symbol.h"

#include <fcntl.h>

#define READ_SIZE (64 << 10)
#define READ_EVERY (10 * NSEC_PER_SEC)
/* kallsyms tells no sizes: a function that would be larger than this is not the one. */
#define FUNCTION_MAX (256 << 10)

static bool span_ends(struct text_span s, const char *suffix)
{
	size_t len = strlen(suffix);

	return s.len >= len && !memcmp(s.bytes + s.len - len, suffix, len);
}

/* Twelve bytes instead of sixteen, times 60000 and more. */
struct kernel_symbol {
	u64 address;
	u32 name;
} __attribute__((packed, aligned(4)));

void kernel_symbols_free(struct kernel_symbols *k)
{
	free(k->items);
	buf_free(&k->names);
	*k = (struct kernel_symbols){};
}

/*
 * Of several names of one place the kernel shows the first, which may be an inner one: people know
 * the system call "__x64_sys_pause", not the "__do_sys_pause" that was folded into it. What only
 * marks where a section begins or ends is never better.
 */
static bool is_better(const struct kernel_symbols *k, const struct kallsyms_line *line)
{
	const char *was = k->names.data + k->items[k->count - 1].name;

	if (!strchr("TW", line->type) || span_ends(line->name, "_start") ||
	    span_ends(line->name, "_end"))
		return false;
	return k->is_local ||
	       (str_starts(was, "__ia32_sys_") && span_starts(line->name, "__x64_sys_"));
}

static int add_symbol(struct kernel_symbols *k, const struct kallsyms_line *line)
{
	bool is_text = strchr("tTwW", line->type) != NULL;
	struct kernel_symbol *s;
	int err;

	if (!line->address || span_starts(line->name, "__pfx_"))
		return 0;
	if (k->count && k->items[k->count - 1].address == line->address) {
		if (!is_better(k, line))
			return 0;
		k->names.len = k->items[--k->count].name;
	}
	/* Data ends the function before it. */
	if (!is_text && k->count && !k->names.data[k->items[k->count - 1].name])
		return 0;
	err = grow(&k->items, &k->capacity, k->count + 1, sizeof(*k->items));
	if (err || k->names.len > UINT32_MAX - line->name.len)
		return -ENOMEM;
	s = &k->items[k->count];
	s->address = line->address;
	s->name = (u32)k->names.len;
	k->is_local = line->type == 't' || line->type == 'w';
	if (is_text) {
		buf_add(&k->names, line->name.bytes, line->name.len);
		buf_add_char(&k->names, '\0');
		buf_add(&k->names, line->module.bytes, line->module.len);
	} else {
		buf_add_char(&k->names, '\0');
	}
	buf_add_char(&k->names, '\0');
	k->count++;
	return k->names.error;
}

/* Takes the whole lines off @text; returns how many bytes they were. */
static ssize_t add_lines(struct kernel_symbols *k, const char *text, size_t len)
{
	const char *end = memrchr(text, '\n', len);
	struct text_span rest = { text, end ? (size_t)(end + 1 - text) : 0 }, line;
	struct kallsyms_line symbol;
	size_t taken = rest.len;

	while (next_line(&rest, &line)) {
		if (!parse_kallsyms_line(line.bytes, line.len, &symbol) && add_symbol(k, &symbol))
			return -ENOMEM;
	}
	return (ssize_t)taken;
}

static int by_address(const void *a, const void *b)
{
	const struct kernel_symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name); /* as they came */
}

static void sort_symbols(struct kernel_symbols *k)
{
	void *exact;

	for (size_t i = 1; i < k->count; i++) {
		if (k->items[i].address < k->items[i - 1].address) {
			qsort(k->items, k->count, sizeof(*k->items), by_address);
			break;
		}
	}
	exact = k->count ? realloc(k->items, k->count * sizeof(*k->items)) : NULL;
	if (exact) {
		k->items = exact;
		k->capacity = k->count;
	}
	exact = k->names.data ? realloc(k->names.data, k->names.len + 1) : NULL;
	if (exact) {
		k->names.data = exact;
		k->names.cap = k->names.len + 1;
	}
}

static void read_symbols(struct host *h, struct kernel_symbols *k)
{
	char path[PATH_SIZE];
	/* Who opens it decides whether addresses are shown. */
	_cleanup_close_ int elsewhere = host_open_elsewhere(h, 0, HOST_KALLSYMS);
	_cleanup_close_ int here =
		open(host_path(h, path, "/proc/kallsyms"), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int fd = elsewhere >= 0 ? elsewhere : here;
	_cleanup_free_ char *text = malloc(READ_SIZE);
	size_t have = 0;

	kernel_symbols_free(k);
	k->read = clock_monotonic_ns();
	if (fd < 0 || !text)
		return;
	for (;;) {
		ssize_t n = read(fd, text + have, READ_SIZE - have), taken;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
		taken = add_lines(k, text, have);
		if (taken < 0 || (!taken && have == READ_SIZE))
			break;
		memmove(text, text + taken, have - (size_t)taken);
		have -= (size_t)taken;
	}
	sort_symbols(k);
}

/* The last symbol at or before @address, NULL when it is none or ends before. */
static const struct kernel_symbol *find_symbol(const struct kernel_symbols *k, u64 address)
{
	size_t low = 0, high = k->count;
	const struct kernel_symbol *s;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (k->items[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	s = &k->items[low - 1];
	return address - s->address < FUNCTION_MAX && k->names.data[s->name] ? s : NULL;
}

void host_kernel_symbol(struct host *h, u64 address, struct symbol *ret)
{
	struct symbol_tables *tables = symbols_of(h);
	struct kernel_symbols *k = tables ? &tables->kernel : NULL;
	const struct kernel_symbol *s = k ? find_symbol(k, address) : NULL;

	*ret = (struct symbol){ .name = "[kernel]", .offset = address };
	if (!k)
		return;
	/* Who was not shown any address the first time (kptr_restrict) is not shown them later. */
	if (!s && (!k->read || (k->count && clock_monotonic_ns() > k->read + READ_EVERY))) {
		read_symbols(h, k);
		s = find_symbol(k, address);
	}
	if (!s)
		return;
	ret->name = buf_str(&k->names) + s->name;
	ret->module = ret->name + strlen(ret->name) + 1;
	if (!*ret->module)
		ret->module = NULL;
	ret->offset = address - s->address;
	ret->known = true;
}
