// SPDX-License-Identifier: Apache-2.0
/*
 * Names of user addresses: which file a process has mapped at an address, and what that file
 * calls it. Answers stand in a small table of their own, so that the frames which every stack
 * shares cost one comparison.
 */
#include "host/symbol.h"

/* A path without what the kernel adds behind. */
static struct text_span file_path(const char *path)
{
	static const char deleted[] = " (deleted)";
	struct text_span s = { path, strlen(path) };

	if (str_ends(path, deleted) && s.len > strlen(deleted))
		s.len -= strlen(deleted);
	return s;
}

/* The last part of it; "" for memory without a file. */
static struct text_span module_of(struct text_span path)
{
	const char *slash = path.len ? memrchr(path.bytes, '/', path.len) : NULL;

	if (!slash)
		return path;
	return (struct text_span){ slash + 1, path.len - (size_t)(slash + 1 - path.bytes) };
}

/* Code made at run time lies in memory that belongs to no file on a disk. */
static bool may_be_jit(const char *path)
{
	return !*path || str_starts(path, "[anon") || str_starts(path, "//anon") ||
	       str_starts(path, "/memfd:") || str_starts(path, "/dev/zero") ||
	       str_starts(path, "[heap]");
}

static bool perf_name(struct host *h, struct process_maps *m, u64 address, u64 *ret_offset)
{
	const struct perf_map *p = maps_perf(h, m);
	u64 start;

	if (!p || !perf_map_name(p, address, &h->symbols->name, &start))
		return false;
	*ret_offset = address - start;
	return true;
}

/* Puts the name into s->name: "name\0path\0". */
static void resolve(struct host *h, struct process_maps *m, struct region *r, u64 address,
		    struct frame *ret)
{
	struct symbol_tables *s = h->symbols;
	const char *mapped = region_path(m->table, r);
	struct text_span path = file_path(mapped), module = module_of(path);
	u64 place = address - r->start + r->offset, start;
	struct elf_file *f;

	buf_clear(&s->name);
	ret->offset = 0;
	ret->known = may_be_jit(mapped) && perf_name(h, m, address, &ret->offset);
	f = ret->known ? NULL : region_file(h, m, r);
	if (f && elf_address(f, place, &place)) {
		ret->known = elf_name(f, place, &s->name, &start);
		ret->offset = ret->known ? place - start : place;
	}
	if (!ret->known) {
		buf_clear(&s->name);
		if (module.len && *module.bytes == '[')
			buf_add(&s->name, module.bytes, module.len);
		else if (module.len)
			buf_printf(&s->name, "[%.*s+0x%llx]", (int)module.len, module.bytes,
				   (unsigned long long)place);
		else
			buf_add_str(&s->name, "[unknown]");
	}
	buf_add_char(&s->name, '\0');
	buf_add(&s->name, path.bytes, path.len);
	buf_add_char(&s->name, '\0');
}

static void answer(const struct frame *frame, const char *text, struct symbol *ret)
{
	const char *path = text + strlen(text) + 1;

	ret->name = text;
	ret->path = *path ? path : NULL;
	ret->module = *path ? module_of((struct text_span){ path, strlen(path) }).bytes : NULL;
	ret->offset = frame->offset;
	ret->known = frame->known;
}

/* Where the answer stands, if it is known: twelve bits of a hash make FRAMES. */
static struct frame *frame_of(struct symbol_tables *s, const struct region_table *t, u64 address)
{
	return &s->frames[((address ^ t->id << 48) * 0x9e3779b97f4a7c15ULL) >> 52];
}

void host_user_symbol_at(struct host *h, u32 pid, u64 time, u64 address, struct symbol *ret)
{
	struct symbol_tables *s = symbols_of(h);
	struct process_maps *m;
	struct region *r;
	struct frame *frame;
	char *text;

	*ret = (struct symbol){ .name = "[unknown]", .offset = address };
	m = s ? maps_find(h, pid, time, address, &r) : NULL;
	if (!m || !r)
		return;
	frame = frame_of(s, m->table, address);
	if (frame->text && frame->table == m->table->id && frame->address == address) {
		answer(frame, frame->text, ret);
		return;
	}
	resolve(h, m, r, address, frame);
	text = s->name.error ? NULL : malloc(s->name.len);
	free(frame->text);
	frame->text = text;
	if (!text) {
		s->name.error = 0;
		return;
	}
	memcpy(text, s->name.data, s->name.len);
	frame->table = m->table->id;
	frame->address = address;
	answer(frame, text, ret);
}

void host_user_symbol(struct host *h, u32 pid, u64 address, struct symbol *ret)
{
	host_user_symbol_at(h, pid, 0, address, ret);
}

bool host_user_build_id(struct host *h, u32 pid, u64 time, u64 address, struct build_id *ret)
{
	struct symbol_tables *s = symbols_of(h);
	struct region *r = NULL;
	struct process_maps *m = s ? maps_find(h, pid, time, address, &r) : NULL;
	const struct elf_file *f = m && r ? region_file(h, m, r) : NULL;

	if (!f || !f->build_id_size)
		return false;
	memcpy(ret->bytes, f->build_id, f->build_id_size);
	ret->size = f->build_id_size;
	ret->offset = address - r->start + r->offset;
	return true;
}
