// SPDX-License-Identifier: Apache-2.0
/*
 * Attach points without a parser, and the smallest program that shows that it ran: it adds one to
 * a value of an array map.
 */
#include <bpf/bpf.h>

#include "unit/lang/probe_fixture.h"

void fixture_open(struct fixture *f)
{
	struct type_world_options o;

	*f = (struct fixture){};
	f->arena = arena_new(256 << 20);
	f->sources = sources_new(f->arena);
	f->diagnostics = (struct diagnostics){ .arena = f->arena, .sources = f->sources };
	o = (struct type_world_options){ .arena = f->arena,
					 .sources = f->sources,
					 .diagnostics = &f->diagnostics };
	f->world = type_world_new(&o);
	f->list = (struct attach_list){
		.arena = f->arena, .world = f->world, .max = 100000, .missing_is_error = true
	};
	kernel_btf_hold();
}

void fixture_close(struct fixture *f)
{
	kernel_btf_release();
	type_world_free(f->world);
	arena_free(f->arena);
}

static struct attach_text *text_of(struct fixture *f, const char *text, size_t len)
{
	struct attach_text *t = arena_new_of(f->arena, struct attach_text);
	const char **parts = arena_alloc(f->arena, (len + 1) * sizeof(*parts));
	char *part = arena_alloc(f->arena, len + 1);
	bool quoted = false;

	t->text = arena_strndup(f->arena, text, len);
	t->parts = parts;
	t->span = (struct span){ .source = 1, .end = (u32)len };
	parts[t->count++] = part;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"') {
			quoted = !quoted;
		} else if (text[i] == ':' && !quoted) {
			part = arena_alloc(f->arena, len + 1);
			parts[t->count++] = part;
		} else {
			*part++ = text[i];
		}
	}
	return t;
}

int fixture_expand(struct fixture *f, const char *text)
{
	struct probe p = {};
	struct attach_text **tail = &p.attach;

	sources_add(f->sources, "test", text, strlen(text));
	f->diagnostics.count = f->diagnostics.errors = 0;
	for (;;) {
		size_t len = strcspn(text, ",");

		*tail = text_of(f, text, len);
		tail = &(*tail)->next;
		if (!text[len])
			return probe_expand(&p, &f->list, &f->diagnostics);
		text += len + 1;
	}
}

const char *fixture_error(const struct fixture *f)
{
	return f->diagnostics.count ? f->diagnostics.items[0].text : "";
}

const char *fixture_hint(const struct fixture *f)
{
	return f->diagnostics.count && f->diagnostics.items[0].hint ? f->diagnostics.items[0].hint
								    : "";
}

int counter_map(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "count", 4, 8, 1, NULL);

	return fd < 0 ? -errno : fd;
}

u64 counter_value(int map)
{
	u64 value = 0;
	u32 key = 0;

	bpf_map_lookup_elem(map, &key, &value);
	return value;
}

static int load(int map, const struct attach_point *a, bool several, bool adds_cookie)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = 174 }, /* bpf_get_attach_cookie(context) */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 1 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM,
		  .dst_reg = 1,
		  .src_reg = BPF_PSEUDO_MAP_VALUE,
		  .imm = map },
		{},
		{ .code = BPF_STX | BPF_DW | 0xc0, .dst_reg = 1, .src_reg = 2, .imm = BPF_ADD },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_insn own[ARRAY_SIZE(code)];
	size_t count = ARRAY_SIZE(code) - (adds_cookie ? 1 : 2);
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	struct program_kind kind;
	char log[4096] = "";
	int fd = attach_point_kind(a, several, &kind);

	if (fd < 0)
		return fd;
	/* the cookie, or one */
	memcpy(own, code, 2 * sizeof(*own));
	memcpy(own + (adds_cookie ? 2 : 0), code + (adds_cookie ? 3 : 2),
	       (adds_cookie ? 5 : 6) * sizeof(*own));
	opts.expected_attach_type = kind.attach;
	opts.attach_btf_id = kind.btf_id;
	opts.attach_btf_obj_fd = (u32)kind.btf_fd;
	opts.log_buf = log;
	opts.log_size = sizeof(log);
	opts.log_level = 1;
	fd = bpf_prog_load(kind.type, "probe_test", "GPL", own, count, &opts);
	fd = fd < 0 ? fail(-errno, "load: %s %.300s", strerror(errno), log) : fd;
	if (kind.btf_fd > 0)
		close(kind.btf_fd);
	return fd;
}

int counter_program(int map, const struct attach_point *a, bool several)
{
	return load(map, a, several, false);
}

int cookie_program(int map, const struct attach_point *a, bool several)
{
	return load(map, a, several, true);
}

const struct attach_point **fixture_points(const struct fixture *f)
{
	const struct attach_point **points = calloc(f->list.count * 8 + 64, sizeof(*points));
	size_t n = 0;

	for (const struct attach_point *a = f->list.first; points && a; a = a->next)
		points[n++] = a;
	return points;
}

int fixture_attach(struct fixture *f, const char *text, struct probe_attachment **ret,
		   int *ret_program)
{
	_cleanup_free_ const struct attach_point **points = NULL;
	size_t count = 0;
	int map, err = fixture_expand(f, text);

	if (err || !f->list.first)
		return err ? err : fail(-ENOENT, "no points");
	points = fixture_points(f);
	while (points[count])
		count++;
	map = counter_map();
	*ret_program = map < 0 ? map : counter_program(map, points[0], count > 1);
	if (*ret_program < 0)
		return *ret_program;
	err = attachment_new(*ret_program, points, count, 1, f->list.pid, false, ret, NULL);
	return err ? err : map;
}
