// SPDX-License-Identifier: Apache-2.0
/*
 * --explain: what a script would do to this machine, before it does it.
 */
#include "cli/script/script.h"

static void explain_program(const struct script *s, const struct script_program *p, FILE *out)
{
	size_t shown = p->point_count < 8 ? p->point_count : 8;

	for (size_t i = 0; i < shown; i++) {
		const struct attach_point *a = p->points[i];

		fprintf(out, "probe     %s", a->name);
		if (a->effective && a->effective != a->provider)
			fprintf(out, "  as %s%s%s", a->effective->name, a->why ? ": " : "",
				a->why ? a->why : "");
		fputc('\n', out);
	}
	if (p->point_count > shown)
		fprintf(out, "probe     ... and %zu more\n", p->point_count - shown);
	fprintf(out, "program   %s: %zu instructions, %u bytes of stack, %zu function%s\n", p->name,
		p->code.count, p->code.stack, p->code.part_count,
		p->code.part_count == 1 ? "" : "s");
	(void)s;
}

static u64 map_bytes(const struct script *s, const struct map *m)
{
	switch (m->form) {
	case MAP_SCALAR:
		return m->stride;
	case MAP_SCALAR_PER_CPU:
		return (u64)m->stride * s->cpus;
	case MAP_PER_CPU_HASH:
	case MAP_PER_CPU_LRU:
		return ((u64)m->key_size + (u64)m->value_size * s->cpus) * m->max_entries;
	default:
		return ((u64)m->key_size + m->value_size) * m->max_entries;
	}
}

static void explain_map(const struct script *s, const struct map *m, FILE *out)
{
	static const char *const forms[] = { "one value", "one value per CPU", "hash",
					     "LRU hash",  "hash per CPU",      "LRU hash per CPU" };
	_cleanup_buf_ struct buf key = {};
	_cleanup_buf_ struct buf value = {};
	_cleanup_buf_ struct buf size = {};

	if (m->key)
		type_print(m->key, &key);
	type_print(m->value, &value);
	add_size(&size, map_bytes(s, m));
	fprintf(out, "map       %s%s%s%s: %s, %s, at most %u entries, %s at most\n", m->name,
		m->key ? "[" : "", buf_str(&key), m->key ? "]" : "", buf_str(&value),
		forms[m->form], m->key ? m->max_entries : 1, buf_str(&size));
}

void script_explain(const struct script *s, FILE *out)
{
	_cleanup_buf_ struct buf scratch = {};

	for (size_t i = 0; i < s->program_count; i++)
		explain_program(s, s->programs[i], out);
	for (size_t i = 0; i < s->map_count; i++)
		explain_map(s, s->maps[i], out);
	add_size(&scratch, (u64)s->cpus * 4 * s->frame_size);
	if (s->frame_size)
		fprintf(out, "memory    %s for large values\n", buf_str(&scratch));
	if (s->uses_ring)
		fprintf(out, "ring      %s\n",
			s->config.perf_rb_pages ? "perf_rb_pages" : "default");
	fprintf(out, "needs     CAP_BPF, CAP_PERFMON%s\n",
		s->options->unsafe ? ", and --unsafe was given" : "");
}
