// SPDX-License-Identifier: Apache-2.0
/*
 * The instructions of a loaded program with the source lines that they came from, and the types of
 * a map. Both are read back from the kernel: the object file is not needed, and what the verifier
 * has rewritten is seen as it runs.
 */
#include "kernel/inventory_internal.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>

/* Limits against a kernel that would say nonsense. */
#define MAX_INSTRUCTIONS (1u << 20)
#define MAX_LINES (1u << 20)
#define KALLSYMS_LIMIT (128u << 20)

static int read_lines(int fd, const struct bpf_prog_info *first, struct program_code *c)
{
	u32 size = first->line_info_rec_size, count = first->nr_line_info, len;
	struct bpf_prog_info info = { 0 };
	_cleanup_free_ u8 *records = NULL;

	if (!c->btf || !count || count > MAX_LINES || size < sizeof(struct bpf_line_info))
		return 0;
	records = calloc(count, size);
	c->lines = calloc(count, sizeof(*c->lines));
	if (!records || !c->lines)
		return fail(-ENOMEM, "out of memory");
	info.nr_line_info = count;
	info.line_info_rec_size = size;
	info.line_info = (uintptr_t)records;
	len = sizeof(info);
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0; /* the instructions alone are of use too */
	for (u32 i = 0; i < MIN(count, info.nr_line_info); i++) {
		const struct bpf_line_info *l = (const void *)(records + (size_t)i * size);
		const char *file = btf__name_by_offset(c->btf, l->file_name_off);
		const char *text = btf__name_by_offset(c->btf, l->line_off);

		c->lines[c->line_count++] = (struct source_line){
			.instruction = l->insn_off,
			.line = BPF_LINE_INFO_LINE_NUM(l->line_col),
			.file = file ? file : "",
			.text = text ? text : "",
		};
	}
	return 0;
}

static const char call_base[] = "__bpf_call_base";

/*
 * Goes through the text of /proc/kallsyms, "ffffffff81000000 T _text\t[module]": the next symbol;
 * NULL at the end.
 */
static const char *next_symbol(const char *at, u64 *ret_address, const char **ret_name,
			       size_t *ret_len)
{
	char *end;

	if (!*at)
		return NULL;
	*ret_address = strtoull(at, &end, 16);
	end += strspn(end, " ");
	end += strcspn(end, " \n");
	end += strspn(end, " ");
	*ret_name = end;
	*ret_len = strcspn(end, " \t\n");
	end += strcspn(end, "\n");
	return end + (*end == '\n');
}

static bool is_kernel_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg != BPF_PSEUDO_CALL && insn->imm;
}

static bool call_listed(const struct program_code *c, s32 imm)
{
	for (u32 i = 0; i < c->call_count; i++)
		if (c->calls[i].imm == imm)
			return true;
	return false;
}

/* Names are a comfort: what cannot be had stays a number. */
static int read_calls(struct program_code *c)
{
	_cleanup_buf_ struct buf symbols = { 0 };
	u64 address, base = 0;
	size_t len, capacity = 0;
	const char *name;

	for (u32 i = 0; i < c->count; i++) {
		if (!is_kernel_call(&c->instructions[i]) || call_listed(c, c->instructions[i].imm))
			continue;
		if (grow(&c->calls, &capacity, c->call_count + 1, sizeof(*c->calls)))
			return fail(-ENOMEM, "out of memory");
		c->calls[c->call_count++] = (struct call_name){ .imm = c->instructions[i].imm };
	}
	if (!c->call_count || read_file("/proc/kallsyms", KALLSYMS_LIMIT, &symbols))
		return 0;
	for (const char *at = buf_str(&symbols); (at = next_symbol(at, &address, &name, &len));)
		if (len == strlen(call_base) && !memcmp(name, call_base, len))
			base = address;
	if (!base)
		return 0;
	for (const char *at = buf_str(&symbols); (at = next_symbol(at, &address, &name, &len));)
		for (u32 i = 0; i < c->call_count; i++)
			if (address == base + (u64)(s64)c->calls[i].imm && !*c->calls[i].name)
				snprintf(c->calls[i].name, sizeof(c->calls[i].name), "%.*s",
					 (int)len, name);
	return 0;
}

int program_code_get(u32 id, struct program_code **ret)
{
	_cleanup_(program_code_freep) struct program_code *c = calloc(1, sizeof(*c));
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info first = { 0 }, info = { 0 };
	u32 len = sizeof(first);
	int r;

	if (!c)
		return fail(-ENOMEM, "out of memory");
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &first, &len))
		return fail_errno(-errno, "program %u", id);
	if (!first.xlated_prog_len ||
	    first.xlated_prog_len > MAX_INSTRUCTIONS * sizeof(struct bpf_insn))
		return fail(-EPERM, "the kernel does not give the instructions of program %u away",
			    id);
	c->instructions = calloc(1, first.xlated_prog_len);
	if (!c->instructions)
		return fail(-ENOMEM, "out of memory");
	info.xlated_prog_insns = (uintptr_t)c->instructions;
	info.xlated_prog_len = first.xlated_prog_len;
	len = sizeof(info);
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return fail_errno(-errno, "instructions of program %u", id);
	if (!info.xlated_prog_insns)
		return fail(-EPERM, "the kernel does not give the instructions of program %u away",
			    id);
	c->count = MIN(first.xlated_prog_len, info.xlated_prog_len) / sizeof(struct bpf_insn);
	c->btf = first.btf_id ? btf__load_from_kernel_by_id(first.btf_id) : NULL;
	r = read_lines(fd, &first, c);
	r = r ? r : read_calls(c);
	if (!r)
		*ret = TAKE_PTR(c);
	return r;
}

struct program_code *program_code_free(struct program_code *c)
{
	if (!c)
		return NULL;
	free(c->instructions);
	free(c->lines);
	free(c->calls);
	btf__free(c->btf);
	free(c);
	return NULL;
}

void program_code_freep(struct program_code **c)
{
	program_code_free(*c);
}

/* ---- types of maps ----------------------------------------------------------------------- */

static void add_dumped(void *context, const char *fmt, va_list args)
{
	buf_vprintf(context, fmt, args);
}

/* "key: struct flow"; the declaration itself is printed apart. */
static int add_type(struct btf_dump *dump, const struct btf *btf, const char *role, u32 type,
		    struct buf *b)
{
	LIBBPF_OPTS(btf_dump_emit_type_decl_opts, o, .field_name = "");
	const struct btf_type *t = btf__type_by_id(btf, type);

	if (!type || !t)
		return 0;
	if (btf_is_composite(t) && !t->name_off) {
		/* a nameless struct has no declaration apart from its use */
		buf_printf(b, "%s: ", role);
	} else {
		btf_dump__dump_type(dump, type); /* -EEXIST is no error: it is printed already */
		buf_printf(b, "%s: ", role);
	}
	btf_dump__emit_type_decl(dump, type, &o);
	buf_add_char(b, '\n');
	return b->error;
}

int map_types_describe(const struct map_info *m, struct buf *b)
{
	struct btf_dump *dump;
	struct btf *btf;
	int r;

	if (!m->btf_id || (!m->btf_key_type && !m->btf_value_type))
		return -ENOENT;
	btf = btf__load_from_kernel_by_id(m->btf_id);
	if (!btf)
		return fail_errno(-errno, "BTF of map %u", m->id);
	dump = btf_dump__new(btf, add_dumped, b, NULL);
	if (!dump) {
		r = fail_errno(-errno, "BTF of map %u", m->id);
		btf__free(btf);
		return r;
	}
	r = add_type(dump, btf, "key", m->btf_key_type, b);
	r = r ? r : add_type(dump, btf, "value", m->btf_value_type, b);
	btf_dump__free(dump);
	btf__free(btf);
	return r;
}
