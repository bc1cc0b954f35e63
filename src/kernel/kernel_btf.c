// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's BTF: one linear scan that notes where each type stands (types have no fixed size, so
 * that an id says nothing without it) and hashes the names of structs, unions, enums and typedefs.
 *
 * From 6.16 on the file can be mapped, which copies nothing. Before, it is read, a page per call.
 * Everything that is found is checked against the sizes that the header gives.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "kernel/kernel_btf.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define BUCKETS (1u << 14)
#define UNKNOWN_BITS 0x60ff0000u /* of btf_type.info; used, it is not the format that we know */

struct named {
	u32 id, next; /* next: index + 1 in the same bucket */
};

struct kernel_btf {
	const char *path;	       /* for errors */
	const struct kernel_btf *base; /* that this one's ids and strings go on from; or NULL */
	u32 first_id, first_string;
	u8 *bytes;
	size_t size;
	const u8 *types;
	const char *strings;
	u32 types_size, strings_size;
	u32 *offsets; /* by id - first_id */
	u32 count;    /* of all ids, the base's too */
	u32 *buckets;
	struct named *named;
	size_t named_count, named_capacity;
	u32 *enums; /* listed when a constant is asked for */
	size_t enum_count, enum_capacity;
};

/* The one of this thread (objects are loaded by one), and how many use it. */
static __thread struct {
	struct kernel_btf *btf;
	unsigned users;
} shared;

size_t btf_essential_length(const char *name)
{
	size_t len = strlen(name);

	/* as libbpf does: the last "___" that something stands before and behind */
	for (size_t at = len; at-- > 1;)
		if (at + 3 < len && !memcmp(name + at, "___", 3) && name[at - 1] != '_' &&
		    name[at + 3] != '_')
			return at;
	return len;
}

static u32 hash_name(const char *name, size_t len)
{
	u32 h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (u8)name[i]) * 16777619u;
	return (h ^ h >> 15) & (BUCKETS - 1);
}

/* Bytes behind the 12 that every type has; -1 for a kind that is not known. */
static ssize_t tail_size(const struct btf_type *t)
{
	size_t n = btf_count_of(t);

	if (t->info & UNKNOWN_BITS)
		return -1;
	switch (btf_kind_of(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case 17: /* DECL_TAG */
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case KIND_ENUM64:
		return n * 12;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return n * 8;
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case 16: /* FLOAT */
	case KIND_TYPE_TAG:
		return 0;
	}
	return -1;
}

static int add_name(struct kernel_btf *b, const struct btf_type *t, u32 id)
{
	const char *name = kernel_btf_string(b, t->name_off);
	struct named *n;
	u32 *bucket;
	int err;

	if (!*name)
		return 0;
	if (b->named_count == b->named_capacity) {
		err = grow(&b->named, &b->named_capacity, b->named_count + 1, sizeof(*b->named));
		if (err)
			return fail(err, "out of memory");
	}
	bucket = &b->buckets[hash_name(name, btf_essential_length(name))];
	n = &b->named[b->named_count++];
	n->id = id;
	n->next = *bucket;
	*bucket = b->named_count;
	return 0;
}

static int scan(struct kernel_btf *b)
{
	u32 at = 0;

	b->count = b->base ? b->first_id : 1; /* 0 is void */
	while (b->types_size - at >= sizeof(struct btf_type)) {
		const struct btf_type *t = (const void *)(b->types + at);
		ssize_t tail = tail_size(t);
		unsigned kind = btf_kind_of(t);
		int err = 0;

		if (tail < 0)
			return fail(-EOPNOTSUPP,
				    "the BTF of %s has a kind of type (%u) that is not known",
				    b->path, kind);
		if (b->types_size - at < sizeof(*t) + tail)
			break;
		b->offsets[b->count - b->first_id] = at;
		if (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ENUM ||
		    kind == BTF_KIND_TYPEDEF || kind == KIND_ENUM64)
			err = add_name(b, t, b->count);
		if (err)
			return err;
		b->count++;
		at += sizeof(*t) + tail;
	}
	if (at != b->types_size)
		return fail(-EINVAL, "the BTF of %s ends in the middle of a type", b->path);
	return 0;
}

static int read_header(struct kernel_btf *b)
{
	const struct btf_header *h = (const void *)b->bytes;
	u64 types, strings;

	if (b->size < sizeof(*h) || h->magic != BTF_MAGIC || h->hdr_len < sizeof(*h))
		return fail(-EINVAL, "%s is not BTF", b->path);
	types = (u64)h->hdr_len + h->type_off;
	strings = (u64)h->hdr_len + h->str_off;
	if (types % 4 || types + h->type_len > b->size || strings + h->str_len > b->size ||
	    !h->str_len || b->bytes[strings + h->str_len - 1])
		return fail(-EINVAL, "%s is damaged", b->path);
	b->types = b->bytes + types;
	b->types_size = h->type_len;
	b->strings = (const char *)b->bytes + strings;
	b->strings_size = h->str_len;
	return 0;
}

static int read_all(int fd, const char *path, u8 *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = read(fd, bytes + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_errno(n ? -errno : -EIO, "%s cannot be read", path);
		at += n;
	}
	return 0;
}

/* Not from malloc(), which would keep them for us. */
static void *anonymous(size_t size, int flags)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1,
			0);

	return at == MAP_FAILED ? NULL : at;
}

static int get_bytes(struct kernel_btf *b)
{
	_cleanup_close_ int fd = open(b->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st))
		return strcmp(b->path, BTF_PATH)
			       ? fail_errno(-errno, "%s", b->path)
			       : fail(-ENOENT,
				      "this kernel has no BTF (%s: %s): it must be built with "
				      "CONFIG_DEBUG_INFO_BTF",
				      BTF_PATH, strerror(errno));
	b->size = st.st_size;
	at = mmap(NULL, b->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at != MAP_FAILED) {
		b->bytes = at;
		return 0;
	}
	b->bytes = anonymous(b->size, MAP_POPULATE);
	if (!b->bytes)
		return fail(-ENOMEM, "out of memory");
	return read_all(fd, b->path, b->bytes, b->size);
}

/* As many as there can be; the pages that are not needed are never touched. */
static size_t offsets_size(const struct kernel_btf *b)
{
	return (b->types_size / sizeof(struct btf_type) + 2) * sizeof(*b->offsets);
}

void kernel_btf_free(struct kernel_btf *b)
{
	if (!b)
		return;
	if (b->bytes)
		munmap(b->bytes, b->size);
	if (b->offsets)
		munmap(b->offsets, offsets_size(b));
	free(b->buckets);
	free(b->named);
	free(b->enums);
	free(b);
}

void kernel_btf_freep(struct kernel_btf **b)
{
	kernel_btf_free(*b);
	*b = NULL;
}

/* What its bytes hold. */
static int read_types(struct kernel_btf *b)
{
	int err = read_header(b);

	if (err)
		return err;
	if (b->base) {
		b->first_id = b->base->count;
		b->first_string = b->base->first_string + b->base->strings_size;
	}
	b->offsets = anonymous(offsets_size(b), 0);
	b->buckets = calloc(BUCKETS, sizeof(*b->buckets));
	if (!b->offsets || !b->buckets)
		return fail(-ENOMEM, "out of memory");
	return scan(b);
}

int kernel_btf_open(const char *path, const struct kernel_btf *base, struct kernel_btf **ret)
{
	_cleanup_(kernel_btf_freep) struct kernel_btf *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return fail(-ENOMEM, "out of memory");
	b->path = path;
	b->base = base;
	err = get_bytes(b);
	if (!err)
		err = read_types(b);
	b->path = "a file";
	if (err)
		return err;
	*ret = TAKE_PTR(b);
	return 0;
}

int kernel_btf_parse(const void *bytes, size_t size, struct kernel_btf **ret)
{
	_cleanup_(kernel_btf_freep) struct kernel_btf *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return fail(-ENOMEM, "out of memory");
	b->path = "a program";
	b->size = size;
	b->bytes = anonymous(size ? size : 1, 0);
	if (!b->bytes)
		return fail(-ENOMEM, "out of memory");
	memcpy(b->bytes, bytes, size);
	err = read_types(b);
	if (err)
		return err;
	*ret = TAKE_PTR(b);
	return 0;
}

int kernel_btf_get(const struct kernel_btf **ret)
{
	int err = 0;

	if (!shared.btf)
		err = kernel_btf_open(BTF_PATH, NULL, &shared.btf);
	if (!err) {
		shared.users++;
		*ret = shared.btf;
	}
	return err;
}

void kernel_btf_put(const struct kernel_btf *b)
{
	if (!b)
		return;
	if (!--shared.users)
		kernel_btf_freep(&shared.btf);
}

void kernel_btf_putp(const struct kernel_btf **b)
{
	kernel_btf_put(*b);
}

int kernel_btf_hold(void)
{
	const struct kernel_btf *b;

	return kernel_btf_get(&b);
}

void kernel_btf_release(void)
{
	kernel_btf_put(shared.btf);
}

int kernel_btf_bytes(struct buf *to)
{
	_cleanup_(kernel_btf_freep) struct kernel_btf *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return fail(-ENOMEM, "out of memory");
	b->path = BTF_PATH;
	err = get_bytes(b);
	if (err)
		return err;
	buf_add(to, b->bytes, b->size);
	return to->error;
}

static bool has_string(const struct buf *btf, const char *name)
{
	size_t len = strlen(name) + 1;
	const char *at = btf->data, *end = at + btf->len;

	/* strings stand behind one another, each with its NUL */
	while ((at = memmem(at, end - at, name, len)) && at > btf->data && at[-1])
		at++;
	return at;
}

bool kernel_btf_in_modules(const char *names, size_t len)
{
	DIR *dir = opendir("/sys/kernel/btf");
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		_cleanup_buf_ struct buf btf = {};

		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "vmlinux") ||
		    read_file_at(dirfd(dir), entry->d_name, 64 << 20, &btf))
			continue;
		for (size_t at = 0; at < len && !found; at += strlen(names + at) + 1)
			found = has_string(&btf, names + at);
	}
	if (dir)
		closedir(dir);
	return found;
}

u32 kernel_btf_count(const struct kernel_btf *b)
{
	return b->count;
}

const struct btf_type *kernel_btf_type(const struct kernel_btf *b, u32 id)
{
	if (b->base && id < b->first_id)
		b = b->base;
	if (!id || id >= b->count)
		return NULL;
	return (const void *)(b->types + b->offsets[id - b->first_id]);
}

const char *kernel_btf_string(const struct kernel_btf *b, u32 offset)
{
	if (b->base && offset < b->first_string)
		b = b->base;
	offset -= b->first_string;
	return offset < b->strings_size ? b->strings + offset : "";
}

u32 kernel_btf_resolve(const struct kernel_btf *b, u32 id)
{
	for (int depth = 0; depth < 64; depth++) {
		const struct btf_type *t = kernel_btf_type(b, id);

		if (!t)
			return 0;
		switch (btf_kind_of(t)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case KIND_TYPE_TAG:
			id = t->type;
			continue;
		}
		return id;
	}
	return 0;
}

static bool has_name(const struct kernel_btf *b, u32 id, const char *name, size_t len)
{
	const char *its = kernel_btf_string(b, kernel_btf_type(b, id)->name_off);

	return !strncmp(its, name, len) && btf_essential_length(its) == len;
}

u32 kernel_btf_named(const struct kernel_btf *b, const char *name, u32 after)
{
	size_t len = btf_essential_length(name);

	for (u32 i = b->buckets[hash_name(name, len)]; i; i = b->named[i - 1].next) {
		u32 id = b->named[i - 1].id;

		if (after && id >= after)
			continue; /* chains run from the last id to the first */
		if (has_name(b, id, name, len))
			return id;
	}
	return 0;
}

int kernel_btf_typedef(const struct kernel_btf *b, const char *name)
{
	for (u32 id = 0; (id = kernel_btf_named(b, name, id));)
		if (btf_kind_of(kernel_btf_type(b, id)) == BTF_KIND_TYPEDEF &&
		    !strcmp(kernel_btf_string(b, kernel_btf_type(b, id)->name_off), name))
			return id;
	return -ENOENT;
}

/*
 * Where a string stands, 0 when nowhere. Each stands there once, so that a name that is not in the
 * strings is no type's and one that is can be compared by its place.
 */
static u32 string_offset(const struct kernel_btf *b, const char *name)
{
	size_t len = strlen(name) + 1, left = b->strings_size;
	const char *at = b->strings;

	while ((at = memmem(at, left, name, len)) && at > b->strings && at[-1]) {
		at++;
		left = b->strings_size - (at - b->strings);
	}
	return at && *name ? at - b->strings + b->first_string : 0;
}

int kernel_btf_function(const struct kernel_btf *b, const char *name)
{
	u32 own = string_offset(b, name), inherited = b->base ? string_offset(b->base, name) : 0;

	for (u32 id = MAX(b->first_id, 1u); id < b->count && (own || inherited); id++) {
		const struct btf_type *t = kernel_btf_type(b, id);

		if (btf_kind_of(t) == BTF_KIND_FUNC && t->name_off &&
		    (t->name_off == own || t->name_off == inherited))
			return id;
	}
	return -ENOENT;
}

static int list_enums(struct kernel_btf *b)
{
	for (u32 id = MAX(b->first_id, 1u); id < b->count; id++) {
		unsigned kind = btf_kind_of(kernel_btf_type(b, id));

		if (kind != BTF_KIND_ENUM && kind != KIND_ENUM64)
			continue;
		if (grow(&b->enums, &b->enum_capacity, b->enum_count + 1, sizeof(*b->enums)))
			return fail(-ENOMEM, "out of memory");
		b->enums[b->enum_count++] = id;
	}
	return 0;
}

s64 kernel_btf_enum_value(const struct btf_type *t, u32 i, u32 *ret_name)
{
	bool is_signed = t->info >> 31;

	if (btf_kind_of(t) == BTF_KIND_ENUM) {
		const struct btf_enum *e = (const struct btf_enum *)(t + 1) + i;

		*ret_name = e->name_off;
		return is_signed ? (s64)e->val : (s64)(u32)e->val;
	} else {
		const struct kernel_btf_enum64 *e = (const struct kernel_btf_enum64 *)(t + 1) + i;

		*ret_name = e->name_off;
		return (s64)((u64)e->high << 32 | e->low);
	}
}

u32 kernel_btf_enumerator(const struct kernel_btf *b, const char *name, s64 *ret_value)
{
	u32 own = string_offset(b, name), inherited = b->base ? string_offset(b->base, name) : 0;

	/* the list is a cache: who asks cannot tell */
	if (!(own || inherited) || (!b->enums && list_enums((struct kernel_btf *)b)))
		return 0;
	for (size_t i = 0; i < b->enum_count; i++) {
		const struct btf_type *t = kernel_btf_type(b, b->enums[i]);

		for (u32 k = 0; k < btf_count_of(t); k++) {
			u32 its;
			s64 value = kernel_btf_enum_value(t, k, &its);

			if (its && (its == own || its == inherited)) {
				*ret_value = value;
				return b->enums[i];
			}
		}
	}
	return 0;
}

int kernel_tracepoint_btf_id(const char *name)
{
	_cleanup_(kernel_btf_putp) const struct kernel_btf *b = NULL;
	char type[200];
	int err = kernel_btf_get(&b);

	if (err)
		return err;
	snprintf(type, sizeof(type), "btf_trace_%s", name);
	err = kernel_btf_typedef(b, type);
	return err < 0 ? fail(err, "tracepoint %s is not in this kernel's BTF", name) : err;
}

/*
 * btf_trace_NAME is a typedef of a pointer to a function whose first parameter is the probe's own.
 */
int kernel_tracepoint_arguments(const char *name)
{
	_cleanup_(kernel_btf_putp) const struct kernel_btf *b = NULL;
	int id = kernel_tracepoint_btf_id(name);
	int err = id < 0 ? id : kernel_btf_get(&b);
	const struct btf_type *t;

	if (err)
		return err;
	t = kernel_btf_type(b, kernel_btf_resolve(b, (u32)id));
	if (t && btf_kind_of(t) == BTF_KIND_PTR)
		t = kernel_btf_type(b, kernel_btf_resolve(b, t->type));
	if (!t || btf_kind_of(t) != BTF_KIND_FUNC_PROTO || !btf_count_of(t))
		return fail(-ENOENT, "the arguments of tracepoint %s are not known", name);
	return (int)btf_count_of(t) - 1;
}
