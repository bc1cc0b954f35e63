// SPDX-License-Identifier: Apache-2.0
/* What the agent says of the scripts that export to it: /api/v1/status and /metrics. */
#include "agent/ingest_internal.h"

static const char *const names[] = {
	"records",    "lost_ring", "lost_map_full",	"lost_unsent",
	"incomplete", "malformed", "not_stored_budget", "not_stored_error",
};

static u64 number(const struct ingest_source *s, size_t which)
{
	const u64 numbers[] = {
		s->records,	 s->losses.ring, s->losses.map_full,	   s->losses.unsent,
		s->losses.other, s->malformed,	 s->source.budget_dropped, s->source.failed
	};

	return numbers[which];
}

void ingest_losses(const struct ingest *in,
		   void (*fn)(void *context, const char *script, u64 count, const char *why),
		   void *context)
{
	for (const struct ingest_source *s = in ? in->sources : NULL; s; s = s->next) {
		if (!s->ready)
			continue;
		fn(context, s->name, s->losses.ring, "(ring full)");
		fn(context, s->name, s->losses.map_full, "(table full)");
		fn(context, s->name, s->losses.unsent, "(not sent)");
		fn(context, s->name, s->malformed, "malformed");
	}
}

void ingest_status(const struct ingest *in, struct buf *b)
{
	bool first = true;

	buf_add_char(b, '[');
	for (const struct ingest_source *s = in ? in->sources : NULL; s; s = s->next) {
		if (!s->ready)
			continue;
		buf_printf(b, "%s{\"name\":\"%s\",\"pid\":%u,\"schemas\":[", first ? "" : ",",
			   s->name, s->pid);
		for (u32 i = 0; i < s->count; i++)
			buf_printf(b, "%s\"%s\"", i ? "," : "", s->schemas[i].schema->name);
		buf_add_char(b, ']');
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			buf_printf(b, ",\"%s\":%llu", names[i], (unsigned long long)number(s, i));
		buf_add_char(b, '}');
		first = false;
	}
	buf_add_char(b, ']');
}

void ingest_metrics(const struct ingest *in, struct buf *b)
{
	if (!in)
		return;
	buf_add_str(b, "# HELP saker_script_records_total Records that a script sent\n"
		       "# TYPE saker_script_records_total counter\n");
	for (const struct ingest_source *s = in->sources; s; s = s->next) {
		if (s->ready)
			buf_printf(b, "saker_script_records_total{script=\"%s\"} %llu\n", s->name,
				   (unsigned long long)s->records);
	}
	buf_add_str(b, "# HELP saker_script_lost_total Records of a script that were lost, and "
		       "values that are not whole\n"
		       "# TYPE saker_script_lost_total counter\n");
	for (const struct ingest_source *s = in->sources; s; s = s->next) {
		for (size_t i = 1; s->ready && i < ARRAY_SIZE(names); i++)
			buf_printf(b, "saker_script_lost_total{script=\"%s\",cause=\"%s\"} %llu\n",
				   s->name, names[i], (unsigned long long)number(s, i));
	}
	buf_printf(
		b,
		"# HELP saker_scripts_refused_total Scripts that were not let in\n"
		"# TYPE saker_scripts_refused_total counter\nsaker_scripts_refused_total %llu\n"
		"# HELP saker_scripts_vanished_total Scripts that ended without a word\n"
		"# TYPE saker_scripts_vanished_total counter\nsaker_scripts_vanished_total %llu\n",
		(unsigned long long)in->refused, (unsigned long long)in->vanished);
}
