// SPDX-License-Identifier: Apache-2.0
/* Programs, maps and links as JSON, one object a line. What this kernel does not tell is null. */
#include "cli/ps.h"

static void number(struct buf *b, const char *key, u64 n, u64 unknown)
{
	if (n == unknown)
		json_text(b, key, NULL);
	else
		json_number(b, key, n);
}

static void type(struct buf *b, const char *key, const char *name, u32 n)
{
	char text[32];

	snprintf(text, sizeof(text), "type %u", n);
	json_text(b, key, name ? name : text);
}

static void owners(struct buf *b, const struct ps *ps, enum object_kind kind, u32 id)
{
	size_t count;
	const struct owner *o = inventory_owners(ps->inventory, kind, id, &count);

	json_open(b, "owners", '[');
	for (size_t n = 0; n < count; n++) {
		json_open(b, NULL, '{');
		if (o[n].pid) {
			json_number(b, "pid", (u64)o[n].pid);
			json_text(b, "comm", o[n].comm);
		} else {
			json_text(b, "path", o[n].path);
		}
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void attached(struct buf *b, const struct ps *ps, u32 program)
{
	size_t count;
	const struct attachment *a = inventory_attachments(ps->inventory, program, &count);

	json_open(b, "attached", '[');
	for (size_t n = 0; n < count; n++) {
		json_open(b, NULL, '{');
		number(b, "link", a[n].link, 0);
		json_text(b, "to", a[n].text);
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void cost(struct buf *b, const struct ps *ps, u32 program)
{
	const struct program_cost *c = ps->cost ? cost_of(ps->cost, program) : NULL;

	if (!c)
		return;
	json_open(b, "cost", '{');
	json_number(b, "elapsed_ns", ps->cost->elapsed_ns);
	json_number(b, "runs", c->runs);
	json_number(b, "run_ns", c->run_ns);
	json_number(b, "accounting_ns_per_run", ps->cost->accounting_ns);
	json_close(b, '}');
}

void ps_json_program(struct buf *b, const struct ps *ps, const struct program_info *p)
{
	_cleanup_buf_ struct buf text = { 0 };

	json_open(b, NULL, '{');
	json_text(b, "kind", "program");
	json_number(b, "id", p->id);
	type(b, "type", program_type_name(p->type), p->type);
	json_text(b, "name", p->name);
	for (size_t n = 0; n < sizeof(p->tag); n++)
		buf_printf(&text, "%02x", p->tag[n]);
	json_text(b, "tag", buf_str(&text));
	json_number(b, "uid", p->uid);
	buf_clear(&text);
	add_rfc3339(&text, p->loaded_wall_ns);
	json_text(b, "loaded", buf_str(&text));
	json_bool(b, "gpl", p->gpl);
	json_number(b, "instructions", p->instructions);
	number(b, "verified_instructions", p->verified_instructions, UNKNOWN_U32);
	json_number(b, "jited_bytes", p->jited_bytes);
	number(b, "memory_bytes", p->memory, UNKNOWN_U64);
	number(b, "recursion_misses", p->missed, UNKNOWN_U64);
	number(b, "btf_id", p->btf_id, 0);
	json_open(b, "maps", '[');
	for (u32 n = 0; n < p->map_count; n++)
		json_number(b, NULL, p->maps[n]);
	json_close(b, ']');
	owners(b, ps, OBJECT_PROGRAM, p->id);
	attached(b, ps, p->id);
	cost(b, ps, p->id);
	json_close(b, '}');
	buf_add_char(b, '\n');
}

void ps_json_map(struct buf *b, const struct ps *ps, const struct map_info *m)
{
	json_open(b, NULL, '{');
	json_text(b, "kind", "map");
	json_number(b, "id", m->id);
	type(b, "type", map_type_name(m->type), m->type);
	json_text(b, "name", m->name);
	json_number(b, "key_bytes", m->key_size);
	json_number(b, "value_bytes", m->value_size);
	json_number(b, "max_entries", m->max_entries);
	json_number(b, "flags", m->flags);
	json_bool(b, "frozen", m->frozen);
	number(b, "memory_bytes", m->memory, UNKNOWN_U64);
	number(b, "btf_id", m->btf_id, 0);
	owners(b, ps, OBJECT_MAP, m->id);
	json_close(b, '}');
	buf_add_char(b, '\n');
}

void ps_json_link(struct buf *b, const struct ps *ps, const struct link_info *l)
{
	json_open(b, NULL, '{');
	json_text(b, "kind", "link");
	json_number(b, "id", l->id);
	type(b, "type", link_type_name(l->type), l->type);
	json_number(b, "program", l->program);
	if (l->attach_type == UNKNOWN_U32)
		json_text(b, "attach_type", NULL);
	else
		type(b, "attach_type", attach_type_name(l->attach_type), l->attach_type);
	json_text(b, "to", ps_link_target(ps, l));
	owners(b, ps, OBJECT_LINK, l->id);
	json_close(b, '}');
	buf_add_char(b, '\n');
}
