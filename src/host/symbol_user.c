// SPDX-License-Identifier: Apache-2.0
/*
 * Names of user addresses: which file a process has mapped at an address, and what that file
 * calls it. Answers stand in a small table of their own, so that the frames which every stack
 * shares cost one comparison.
 */
#include "host/mapping.h"

/* The last part of a path, without what the kernel adds behind; "" for memory without a file. */
static struct text_span module_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct text_span s = { slash ? slash + 1 : path, strlen(slash ? slash + 1 : path) };

	if (str_ends(path, " (deleted)") && s.len > strlen(" (deleted)"))
		s.len -= strlen(" (deleted)");
	return s;
}

/* Code made at run time lies in memory that belongs to no file on a disk. */
static bool may_be_jit(const char *path)
{
	return !*path || str_starts(path, "[anon") || str_starts(path, "//anon") ||
	       str_starts(path, "/memfd:") || str_starts(path, "/dev/zero") ||
	       str_starts(path, "[heap]");
}

/* Puts the name into s->name: "name\0module\0". */
static void resolve(struct host *h, u32 pid, struct process_maps *m, struct region *r, u64 address,
		    struct frame *ret)
{
	struct symbol_tables *s = h->symbols;
	const char *path = m->names.data + r->path;
	struct text_span module = module_of(path);
	u64 place = address - r->start + r->offset, start;
	struct elf_file *f;

	buf_clear(&s->name);
	ret->known = false;
	ret->offset = 0;
	if (may_be_jit(path)) {
		perf_map_refresh(h, pid, &m->perf);
		count_bytes(s, m);
		ret->known = perf_map_name(&m->perf, address, &s->name, &start);
		ret->offset = ret->known ? address - start : 0;
	}
	f = ret->known ? NULL : file_of(h, pid, m, r);
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
	buf_add(&s->name, module.bytes, module.len);
	buf_add_char(&s->name, '\0');
}

static void answer(const struct frame *frame, const char *text, struct symbol *ret)
{
	ret->name = text;
	ret->module = text + strlen(text) + 1;
	if (!*ret->module)
		ret->module = NULL;
	ret->offset = frame->offset;
	ret->known = frame->known;
}

/* Where the answer stands, if it is known: twelve bits of a hash make FRAMES. */
static struct frame *frame_of(struct symbol_tables *s, const struct process_maps *m, u64 address)
{
	return &s->frames[((address ^ m->id << 48) * 0x9e3779b97f4a7c15ULL) >> 52];
}

void host_user_symbol(struct host *h, u32 pid, u64 address, struct symbol *ret)
{
	struct symbol_tables *s = symbols_of(h);
	struct process_maps *m = s ? maps_of(h, pid) : NULL;
	struct region *r = NULL;
	struct frame *frame;
	char *text;

	*ret = (struct symbol){ .name = "[unknown]", .offset = address };
	if (!m)
		return;
	frame = frame_of(s, m, address);
	if (frame->text && frame->maps == m->id && frame->address == address) {
		answer(frame, frame->text, ret);
		return;
	}
	r = find_region(m, address);
	if (!r && clock_monotonic_ns() > m->read + RELOAD_EVERY && maps_read(h, m))
		r = find_region(m, address);
	if (!r)
		return;
	frame = frame_of(s, m, address); /* the maps may have got a new id */
	resolve(h, pid, m, r, address, frame);
	text = s->name.error ? NULL : malloc(s->name.len);
	free(frame->text);
	frame->text = text;
	if (!text) {
		s->name.error = 0;
		return;
	}
	memcpy(text, s->name.data, s->name.len);
	frame->maps = m->id;
	frame->address = address;
	answer(frame, text, ret);
}
