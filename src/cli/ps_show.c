// SPDX-License-Identifier: Apache-2.0
/*
 * One object of `saker ps` in detail. A program: its instructions as the kernel runs them with the
 * source lines between, and its maps. A map: its definition and types. A link: where it is, and
 * its program.
 */
#include "cli/ps.h"

#include "code/code.h"

/* ---- instructions ------------------------------------------------------------------------ */

static bool name_call(void *context, const struct bpf_insn *insn, struct buf *b)
{
	const struct program_code *c = context;

	for (u32 i = 0; i < c->call_count; i++)
		if (insn->src_reg != BPF_PSEUDO_CALL && c->calls[i].imm == insn->imm &&
		    *c->calls[i].name) {
			text_add_safe(b, c->calls[i].name, strlen(c->calls[i].name));
			return true;
		}
	return false;
}

/* The last part of a path: sources are compiled anywhere. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_source(struct buf *b, const struct source_line *l)
{
	const char *text = l->text + strspn(l->text, " \t");

	buf_add_str(b, "; ");
	text_add_safe(b, text, strlen(text));
	if (*l->file) {
		buf_add_str(b, "  @ ");
		text_add_safe(b, base_name(l->file), strlen(base_name(l->file)));
		buf_printf(b, ":%u", l->line);
	}
	buf_add_char(b, '\n');
}

static void add_code(struct buf *b, const struct program_code *c)
{
	const struct code_names names = { .context = (void *)c,
					  .call = name_call,
					  .maps_by_id = true };
	u32 line = 0;

	for (u32 i = 0; i < c->count;) {
		for (; line < c->line_count && c->lines[line].instruction <= i; line++)
			/* line 0: made by the compiler */
			if (c->lines[line].line &&
			    (!line || c->lines[line].line != c->lines[line - 1].line ||
			     c->lines[line].text != c->lines[line - 1].text))
				add_source(b, &c->lines[line]);
		buf_printf(b, "%6u: ", i);
		i += (u32)code_disassemble(&c->instructions[i], c->count - i, &names, b);
		buf_add_char(b, '\n');
	}
}

static void add_code_json(struct buf *b, u32 program, const struct program_code *c)
{
	const struct code_names names = { .context = (void *)c,
					  .call = name_call,
					  .maps_by_id = true };
	u32 line = 0;

	json_open(b, NULL, '{');
	json_text(b, "kind", "code");
	json_number(b, "program", program);
	json_open(b, "instructions", '[');
	for (u32 i = 0; i < c->count;) {
		_cleanup_buf_ struct buf text = { 0 };
		u32 at = i;

		i += (u32)code_disassemble(&c->instructions[i], c->count - i, &names, &text);
		json_open(b, NULL, '{');
		json_number(b, "at", at);
		json_text(b, "text", buf_str(&text));
		for (; line < c->line_count && c->lines[line].instruction < at; line++)
			;
		if (line < c->line_count && c->lines[line].instruction == at) {
			json_text(b, "file", c->lines[line].file);
			json_number(b, "line", c->lines[line].line);
			json_text(b, "source", c->lines[line].text);
		}
		json_close(b, '}');
	}
	json_close(b, ']');
	json_close(b, '}');
	buf_add_char(b, '\n');
}

/* ---- maps -------------------------------------------------------------------------------- */

static void add_map(struct buf *b, const struct ps *ps, const struct map_info *m)
{
	buf_printf(b, "map %u  ", m->id);
	ps_add_type(b, map_type_name(m->type), m->type);
	buf_add_str(b, "  ");
	text_add_safe(b, m->name, strlen(m->name));
	buf_printf(b, "  key %uB  value %uB  max_entries %u  flags 0x%x%s  memory ", m->key_size,
		   m->value_size, m->max_entries, m->flags, m->frozen ? "  frozen" : "");
	if (m->memory == UNKNOWN_U64)
		buf_add_char(b, '-');
	else
		add_size(b, m->memory);
	buf_add_str(b, "  owner ");
	ps_add_owners(b, ps->inventory, OBJECT_MAP, m->id);
	buf_add_char(b, '\n');
}

/* The declarations are printed line by line: their names come from a program of anybody. */
static void add_types(struct buf *b, const struct map_info *m)
{
	_cleanup_buf_ struct buf types = { 0 };

	if (map_types_describe(m, &types))
		return;
	for (const char *line = buf_str(&types); *line;) {
		size_t len = strcspn(line, "\n");

		buf_add_str(b, len ? "    " : "");
		for (; len && *line == '\t'; line++, len--)
			buf_add_fill(b, ' ', 8);
		text_add_safe(b, line, len);
		buf_add_str(b, len ? "\n" : ""); /* no empty lines */
		line += len;
		line += *line == '\n';
	}
}

static void add_types_json(struct buf *b, const struct map_info *m)
{
	_cleanup_buf_ struct buf types = { 0 };

	if (map_types_describe(m, &types))
		return;
	json_open(b, NULL, '{');
	json_text(b, "kind", "types");
	json_number(b, "map", m->id);
	json_text(b, "declarations", buf_str(&types));
	json_close(b, '}');
	buf_add_char(b, '\n');
}

/* ---- one of each ------------------------------------------------------------------------- */

static void add_program(struct buf *b, const struct ps *ps, const struct program_info *p)
{
	size_t count;
	const struct attachment *a = inventory_attachments(ps->inventory, p->id, &count);

	buf_printf(b, "program %u  ", p->id);
	ps_add_type(b, program_type_name(p->type), p->type);
	buf_add_str(b, "  ");
	text_add_safe(b, p->name, strlen(p->name));
	buf_printf(b, "%s\n  loaded     ", p->gpl ? "  GPL-compatible" : "");
	add_wall_time(b, p->loaded_wall_ns, 0);
	buf_printf(b, " by uid %u\n  size       %u instructions, %u bytes of machine code", p->uid,
		   p->instructions, p->jited_bytes);
	if (p->verified_instructions != UNKNOWN_U32)
		buf_printf(b, ", the verifier walked %u", p->verified_instructions);
	buf_add_str(b, "\n  owner      ");
	ps_add_owners(b, ps->inventory, OBJECT_PROGRAM, p->id);
	buf_add_char(b, '\n');
	for (size_t n = 0; n < count; n++) {
		buf_add_str(b, "  attached   ");
		text_add_safe(b, a[n].text, strlen(a[n].text));
		if (a[n].link)
			buf_printf(b, " (link %u, ", a[n].link);
		if (a[n].link)
			ps_add_owners(b, ps->inventory, OBJECT_LINK, a[n].link);
		buf_add_str(b, a[n].link ? ")\n" : "\n");
	}
	if (p->missed != UNKNOWN_U64 && p->missed)
		buf_printf(b, "  missed     %llu runs, because it was running already\n",
			   (unsigned long long)p->missed);
}

static int show_program(const struct ps *ps, const struct program_info *p, struct buf *b)
{
	_cleanup_(program_code_freep) struct program_code *c = NULL;
	bool json = ps->options.json;
	int r = program_code_get(p->id, &c);

	if (json)
		ps_json_program(b, ps, p);
	else
		add_program(b, ps, p);
	for (u32 n = 0; n < p->map_count; n++) {
		const struct map_info *m = inventory_map(ps->inventory, p->maps[n]);

		if (!m)
			continue; /* came or went meanwhile */
		if (json) {
			ps_json_map(b, ps, m);
			add_types_json(b, m);
		} else {
			buf_add_char(b, '\n');
			add_map(b, ps, m);
			add_types(b, m);
		}
	}
	if (r)
		return r;
	if (json) {
		add_code_json(b, p->id, c);
	} else {
		buf_add_char(b, '\n');
		add_code(b, c);
	}
	return 0;
}

static int show_map(const struct ps *ps, const struct map_info *m, struct buf *b)
{
	if (ps->options.json) {
		ps_json_map(b, ps, m);
		add_types_json(b, m);
	} else {
		add_map(b, ps, m);
		add_types(b, m);
	}
	return 0;
}

static int show_link(const struct ps *ps, const struct link_info *l, struct buf *b)
{
	const struct program_info *p = inventory_program(ps->inventory, l->program);
	const char *target = ps_link_target(ps, l);

	if (ps->options.json) {
		ps_json_link(b, ps, l);
		if (p)
			ps_json_program(b, ps, p);
		return 0;
	}
	buf_printf(b, "link %u  ", l->id);
	ps_add_type(b, link_type_name(l->type), l->type);
	buf_add_str(b, "\n  attached   ");
	text_add_safe(b, target, strlen(target));
	buf_add_str(b, "\n  owner      ");
	ps_add_owners(b, ps->inventory, OBJECT_LINK, l->id);
	buf_add_str(b, "\n\n");
	if (p)
		add_program(b, ps, p);
	return 0;
}

static const struct link_info *find_link(const struct inventory *i, u32 id)
{
	for (size_t n = 0; n < i->link_count; n++)
		if (i->links[n].id == id)
			return &i->links[n];
	return NULL;
}

int ps_show(const struct ps *ps)
{
	static const char *const words[] = { "program", "map", "link" };
	const struct ps_options *o = &ps->options;
	const struct program_info *p = inventory_program(ps->inventory, o->id);
	const struct map_info *m = inventory_map(ps->inventory, o->id);
	const struct link_info *l = find_link(ps->inventory, o->id);
	_cleanup_buf_ struct buf b = { 0 };
	int r;

	/* a bare number is a program, else what there is of that number */
	if (p && (o->any_kind || o->kind == OBJECT_PROGRAM))
		r = show_program(ps, p, &b);
	else if (m && (o->any_kind || o->kind == OBJECT_MAP))
		r = show_map(ps, m, &b);
	else if (l && (o->any_kind || o->kind == OBJECT_LINK))
		r = show_link(ps, l, &b);
	else if (o->any_kind)
		r = fail(-ENOENT, "there is no program, map or link %u; saker ps --all lists them",
			 o->id);
	else
		r = fail(-ENOENT, "there is no %s %u; saker ps --all lists what there is",
			 words[o->kind], o->id);
	fwrite(buf_str(&b), 1, b.len, stdout);
	return r;
}
