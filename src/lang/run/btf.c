// SPDX-License-Identifier: Apache-2.0
/*
 * BTF for a script's functions. The kernel asks for it where a program gives it a callback
 * (bpf_loop, bpf_for_each_map_elem), so only programs of several functions need it:
 *
 *	1 INT u64   2 PTR void   3.. FUNC_PROTO with 0 to 5 arguments   9.. FUNC, one a part
 *
 * Written byte by byte, by the kernel's Documentation/bpf/btf.rst: libbpf's writer would parse what
 * it writes.
 */
#include <linux/btf.h>

#include "lang/run/load.h"

enum { TYPE_ID_U64 = 1, TYPE_ID_POINTER, TYPE_ID_PROTO, TYPE_ID_FUNCTION = TYPE_ID_PROTO + 6 };

static u32 add_string(struct buf *strings, const char *text, size_t len)
{
	u32 at = (u32)strings->len;

	buf_add(strings, text, len);
	buf_add_char(strings, '\0');
	return at;
}

static void add_type(struct buf *types, u32 name, unsigned kind, unsigned count, u32 size_or_type)
{
	struct btf_type t = { .name_off = name, .info = kind << 24 | count };

	t.size = size_or_type;
	buf_add(types, &t, sizeof(t));
}

static void add_basics(struct buf *types, struct buf *strings)
{
	u32 u64_bits = 64, name = add_string(strings, "u64", 3);
	u32 argument = add_string(strings, "a", 1);

	add_type(types, name, BTF_KIND_INT, 0, 8);
	buf_add(types, &u64_bits, sizeof(u64_bits));
	add_type(types, 0, BTF_KIND_PTR, 0, 0);
	for (unsigned count = 0; count <= 5; count++) {
		add_type(types, 0, BTF_KIND_FUNC_PROTO, count, TYPE_ID_U64);
		for (unsigned i = 0; i < count; i++) {
			struct btf_param p = { .name_off = argument, .type = TYPE_ID_U64 };

			buf_add(types, &p, sizeof(p));
		}
	}
}

static int add_functions(struct run *r, struct run_btf *b, struct buf *types, struct buf *strings)
{
	u32 id = TYPE_ID_FUNCTION;

	for (size_t i = 0; i < r->script->program_count; i++) {
		const struct ir_program *code = &r->script->programs[i]->code;

		b->functions[i] = calloc(code->part_count + 1, sizeof(u32));
		if (!b->functions[i])
			return fail(-ENOMEM, "out of memory");
		for (size_t k = 0; k < code->part_count; k++) {
			const struct ir_part *part = &code->parts[k];

			b->functions[i][k] = id++;
			add_type(types, add_string(strings, part->name, strlen(part->name)),
				 BTF_KIND_FUNC, 0 /* static */, TYPE_ID_PROTO + part->arguments);
		}
	}
	return 0;
}

static bool is_needed(const struct script *s)
{
	for (size_t i = 0; i < s->program_count; i++) {
		if (s->programs[i]->code.part_count > 1)
			return true;
	}
	return false;
}

int run_make_btf(struct run *r, struct run_btf *ret)
{
	_cleanup_buf_ struct buf types = {};
	_cleanup_buf_ struct buf strings = {};
	_cleanup_buf_ struct buf all = {};
	struct btf_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h) };
	int err;

	ret->fd = -1;
	if (!is_needed(r->script))
		return 0;
	ret->functions = calloc(r->script->program_count, sizeof(*ret->functions));
	if (!ret->functions)
		return fail(-ENOMEM, "out of memory");
	buf_add_char(&strings, '\0');
	add_basics(&types, &strings);
	err = add_functions(r, ret, &types, &strings);
	if (err)
		return err;
	h.type_len = (u32)types.len;
	h.str_off = (u32)types.len;
	h.str_len = (u32)strings.len;
	buf_add(&all, &h, sizeof(h));
	buf_add(&all, types.data, types.len);
	buf_add(&all, strings.data, strings.len);
	if (all.error || types.error || strings.error)
		return fail(-ENOMEM, "out of memory");
	ret->fd = kernel_load_btf(all.data, all.len);
	return ret->fd < 0 ? ret->fd : 0;
}
