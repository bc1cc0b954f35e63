// SPDX-License-Identifier: Apache-2.0
/*
 * The last stage as text: the instructions of every program, with the script's maps by their names.
 */
#include "lang/lang.h"

struct naming {
	const struct script *script;
	const struct ir_program *code;
	size_t insn;
};

static bool name_map(void *context, const struct bpf_insn *insn, u64 value, struct buf *b)
{
	static const char *const own[OWN_MAPS] = { "ring", "scratch", "losses", "state",
						   "strings" };
	const struct naming *n = context;
	const struct script *s = n->script;

	for (size_t i = 0; i < n->code->relocation_count; i++) {
		const struct ir_relocation *r = &n->code->relocations[i];

		if (&n->code->insns[r->insn] != insn)
			continue;
		buf_printf(b, "map %s",
			   r->map < s->map_count ? s->maps[r->map]->name
						 : own[r->map - s->map_count]);
		if (r->kind == IR_RELOCATION_MAP_VALUE)
			buf_printf(b, " value + %llu", (unsigned long long)(value >> 32));
		return true;
	}
	return false;
}

static void dump_program(const struct script *s, const struct script_program *p, struct buf *b)
{
	const struct ir_program *code = &p->code;
	struct naming naming = { s, code, 0 };
	struct code_names names = { .context = &naming, .imm64 = name_map };
	size_t part = 0;

	buf_printf(b, "program %s: %zu instructions, %u bytes of stack\n", p->name, code->count,
		   code->stack);
	for (size_t i = 0; i < code->count;) {
		if (part < code->part_count && code->parts[part].insn == i)
			buf_printf(b, "%s:\n", code->parts[part++].name);
		buf_printf(b, "%5zu: ", i);
		i += code_disassemble(&code->insns[i], code->count - i, &names, b);
		buf_add_char(b, '\n');
	}
}

void script_dump_code(const struct script *s, struct buf *b)
{
	for (size_t i = 0; i < s->program_count; i++)
		dump_program(s, s->programs[i], b);
}

void script_release(struct script *s)
{
	for (size_t i = 0; i < s->program_count; i++)
		ir_program_free(&s->programs[i]->code);
	ir_module_free(s->ir);
	buf_free(&s->strings);
}
