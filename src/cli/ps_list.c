// SPDX-License-Identifier: Apache-2.0
/* The lists of `saker ps`: a line for each program, map or link. */
#include "cli/ps.h"

#define OWNERS_SHOWN 2
#define ATTACHMENTS_SHOWN 3

void ps_add_type(struct buf *b, const char *name, u32 type)
{
	if (name)
		buf_add_str(b, name);
	else
		buf_printf(b, "type %u", type);
}

const char *ps_link_target(const struct ps *ps, const struct link_info *l)
{
	size_t count;
	const struct attachment *a = inventory_attachments(ps->inventory, l->program, &count);

	for (size_t n = 0; n < count; n++)
		if (a[n].link == l->id)
			return a[n].text;
	return l->target ? l->target : "-";
}

static void add_owner(struct buf *b, const struct owner *o)
{
	if (o->pid) {
		text_add_safe(b, o->comm, strnlen(o->comm, sizeof(o->comm)));
		buf_printf(b, "/%d", o->pid);
	} else {
		buf_add_str(b, "pinned ");
		text_add_safe(b, o->path, strlen(o->path));
	}
}

void ps_add_owners(struct buf *b, const struct inventory *i, enum object_kind kind, u32 id)
{
	size_t count;
	const struct owner *o = inventory_owners(i, kind, id, &count);

	for (size_t n = 0; n < MIN(count, OWNERS_SHOWN); n++) {
		buf_add_str(b, n ? ", " : "");
		add_owner(b, &o[n]);
	}
	if (count > OWNERS_SHOWN)
		buf_printf(b, ", +%zu more", count - OWNERS_SHOWN);
	if (!count)
		buf_add_char(b, '-');
}

static void cell_type(struct grid *g, const char *name, u32 type)
{
	if (name)
		grid_cell(g, "%s", name);
	else
		grid_cell(g, "type %u", type);
}

static void cell_size(struct grid *g, u64 bytes)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (bytes == UNKNOWN_U64)
		buf_add_char(&b, '-');
	else
		add_size(&b, bytes);
	grid_cell(g, "%s", buf_str(&b));
}

static void cell_owners(struct grid *g, const struct ps *ps, enum object_kind kind, u32 id)
{
	_cleanup_buf_ struct buf b = { 0 };

	ps_add_owners(&b, ps->inventory, kind, id);
	grid_cell(g, "%s", buf_str(&b));
}

static void cell_attached(struct grid *g, const struct ps *ps, u32 program)
{
	_cleanup_buf_ struct buf b = { 0 };
	size_t count;
	const struct attachment *a = inventory_attachments(ps->inventory, program, &count);

	for (size_t n = 0; n < MIN(count, ATTACHMENTS_SHOWN); n++) {
		buf_add_str(&b, n ? "; " : "");
		text_add_safe(&b, a[n].text, strlen(a[n].text));
	}
	if (count > ATTACHMENTS_SHOWN)
		buf_printf(&b, "; +%zu more", count - ATTACHMENTS_SHOWN);
	grid_cell(g, "%s", count ? buf_str(&b) : "-");
}

static void cell_loaded(struct grid *g, u64 wall_ns)
{
	_cleanup_buf_ struct buf b = { 0 };

	add_wall_time(&b, wall_ns, 0);
	grid_cell(g, "%s", buf_str(&b));
}

/* ---- programs ---------------------------------------------------------------------------- */

static void cells_cost(struct grid *g, const struct ps *ps, u32 program)
{
	const struct program_cost *c = cost_of(ps->cost, program);
	double seconds = (double)ps->cost->elapsed_ns / NSEC_PER_SEC;

	if (!c) {
		grid_cell(g, "-");
		grid_cell(g, "-");
		grid_cell(g, "-");
		return;
	}
	grid_cell(g, "%.1f", (double)c->runs / seconds);
	if (c->runs)
		grid_cell(g, "%.0f", (double)c->run_ns / (double)c->runs);
	else
		grid_cell(g, "-");
	grid_cell(g, "%.3f%%", 100.0 * (double)c->run_ns / (double)ps->cost->elapsed_ns);
}

static u64 time_of(const struct ps *ps, const struct program_info *p)
{
	const struct program_cost *c = cost_of(ps->cost, p->id);

	return c ? c->run_ns : 0;
}

/* Programs in the order to show: by id, or with --cost the dearest first. */
static const struct program_info **in_order(const struct ps *ps)
{
	size_t count = ps->inventory->program_count;
	const struct program_info **list = calloc(count + 1, sizeof(*list));

	for (size_t n = 0; list && n < count; n++) {
		const struct program_info *p = &ps->inventory->programs[n];
		size_t at = n;

		for (; ps->cost && at && time_of(ps, list[at - 1]) < time_of(ps, p); at--)
			list[at] = list[at - 1];
		list[at] = p;
	}
	return list;
}

static int list_programs(const struct ps *ps)
{
	static const struct grid_column plain[] = {
		{ "ID", true },	    { "TYPE", false },	{ "NAME", false },
		{ "TAG", false },   { "UID", true },	{ "LOADED", false },
		{ "MEMORY", true }, { "OWNER", false }, { "ATTACHED", false },
	};
	static const struct grid_column cost[] = {
		{ "ID", true },	    { "TYPE", false }, { "NAME", false },  { "RUNS/S", true },
		{ "NS/RUN", true }, { "CPU", true },   { "OWNER", false }, { "ATTACHED", false },
	};
	_cleanup_free_ const struct program_info **list = in_order(ps);
	_cleanup_grid_ struct grid g = { .columns = ps->cost ? cost : plain,
					 .column_count = ps->cost ? ARRAY_SIZE(cost)
								  : ARRAY_SIZE(plain) };

	if (!list)
		return fail(-ENOMEM, "out of memory");
	for (size_t n = 0; list[n]; n++) {
		const struct program_info *p = list[n];

		grid_cell(&g, "%u", p->id);
		cell_type(&g, program_type_name(p->type), p->type);
		grid_cell_safe(&g, *p->name ? p->name : "-");
		if (ps->cost) {
			cells_cost(&g, ps, p->id);
		} else {
			const u8 *t = p->tag;

			grid_cell(&g, "%02x%02x%02x%02x%02x%02x%02x%02x", t[0], t[1], t[2], t[3],
				  t[4], t[5], t[6], t[7]);
			grid_cell(&g, "%u", p->uid);
			cell_loaded(&g, p->loaded_wall_ns);
			cell_size(&g, p->memory);
		}
		cell_owners(&g, ps, OBJECT_PROGRAM, p->id);
		cell_attached(&g, ps, p->id);
	}
	return grid_print(&g, terminal_columns(), stdout);
}

static void say_cost(const struct ps *ps)
{
	_cleanup_buf_ struct buf b = { 0 };

	add_duration(&b, ps->cost->elapsed_ns);
	buf_add_str(&b, " measured; CPU is the share of one CPU. ");
	if (ps->cost->accounting_ns)
		buf_printf(&b, "%llu ns of accounting (an empty program's) are taken off each run.",
			   (unsigned long long)ps->cost->accounting_ns);
	else
		buf_add_str(&b, "The accounting itself, some 50 ns a run, is included.");
	printf("\n%s\n", buf_str(&b));
}

/* ---- maps and links ---------------------------------------------------------------------- */

static void cell_users(struct grid *g, const struct ps *ps, u32 map)
{
	_cleanup_buf_ struct buf b = { 0 };

	for (size_t n = 0; n < ps->inventory->program_count; n++) {
		const struct program_info *p = &ps->inventory->programs[n];

		for (u32 k = 0; k < p->map_count; k++)
			if (p->maps[k] == map)
				buf_printf(&b, "%s%u", b.len ? "," : "", p->id);
	}
	grid_cell(g, "%s", b.len ? buf_str(&b) : "-");
}

static int list_maps(const struct ps *ps)
{
	static const struct grid_column columns[] = {
		{ "ID", true },	    { "TYPE", false },	   { "NAME", false }, { "KEY", true },
		{ "VALUE", true },  { "ENTRIES", true },   { "FLAGS", true }, { "MEMORY", true },
		{ "OWNER", false }, { "PROGRAMS", false },
	};
	_cleanup_grid_ struct grid g = { .columns = columns, .column_count = ARRAY_SIZE(columns) };

	for (size_t n = 0; n < ps->inventory->map_count; n++) {
		const struct map_info *m = &ps->inventory->maps[n];

		grid_cell(&g, "%u", m->id);
		cell_type(&g, map_type_name(m->type), m->type);
		grid_cell_safe(&g, *m->name ? m->name : "-");
		grid_cell(&g, "%u", m->key_size);
		grid_cell(&g, "%u", m->value_size);
		grid_cell(&g, "%u", m->max_entries);
		grid_cell(&g, "0x%x", m->flags);
		cell_size(&g, m->memory);
		cell_owners(&g, ps, OBJECT_MAP, m->id);
		cell_users(&g, ps, m->id);
	}
	return grid_print(&g, terminal_columns(), stdout);
}

static int list_links(const struct ps *ps)
{
	static const struct grid_column columns[] = {
		{ "ID", true },	   { "TYPE", false },  { "PROGRAM", true },
		{ "NAME", false }, { "OWNER", false }, { "ATTACHED", false },
	};
	_cleanup_grid_ struct grid g = { .columns = columns, .column_count = ARRAY_SIZE(columns) };

	for (size_t n = 0; n < ps->inventory->link_count; n++) {
		const struct link_info *l = &ps->inventory->links[n];
		const struct program_info *p = inventory_program(ps->inventory, l->program);

		grid_cell(&g, "%u", l->id);
		cell_type(&g, link_type_name(l->type), l->type);
		grid_cell(&g, "%u", l->program);
		grid_cell_safe(&g, p && *p->name ? p->name : "-");
		cell_owners(&g, ps, OBJECT_LINK, l->id);
		grid_cell_safe(&g, ps_link_target(ps, l));
	}
	return grid_print(&g, terminal_columns(), stdout);
}

/* ---- all --------------------------------------------------------------------------------- */

static void list_json(const struct ps *ps)
{
	const struct inventory *i = ps->inventory;
	_cleanup_buf_ struct buf b = { 0 };

	for (size_t n = 0; ps->options.programs && n < i->program_count; n++)
		ps_json_program(&b, ps, &i->programs[n]);
	for (size_t n = 0; ps->options.maps && n < i->map_count; n++)
		ps_json_map(&b, ps, &i->maps[n]);
	for (size_t n = 0; ps->options.links && n < i->link_count; n++)
		ps_json_link(&b, ps, &i->links[n]);
	fwrite(buf_str(&b), 1, b.len, stdout);
}

int ps_list(const struct ps *ps)
{
	const struct ps_options *o = &ps->options;
	int r = 0;

	if (o->json) {
		list_json(ps);
		return 0;
	}
	if (o->programs)
		r = list_programs(ps);
	if (!r && ps->cost)
		say_cost(ps);
	if (!r && o->maps) {
		fputs(o->programs ? "\n" : "", stdout);
		r = list_maps(ps);
	}
	if (!r && o->links) {
		fputs(o->programs || o->maps ? "\n" : "", stdout);
		r = list_links(ps);
	}
	return r;
}
