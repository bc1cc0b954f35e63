// SPDX-License-Identifier: Apache-2.0
/*
 * The agent about itself: /api/v1/status and its share of /metrics. Made once a second on the worker's thread, read under
 * a lock by the HTTP threads. Every loss has a line.
 */
#include "agent/worker.h"

#include <sys/resource.h>

struct totals {
	u64 records, ring, map_full, stack, missed, budget;
	bool missed_known;
};

static void json_pair(struct buf *b, const char *name, u64 value)
{
	buf_printf(b, ",\"%s\":%llu", name, (unsigned long long)value);
}

static void metric(struct buf *b, const char *name, const char *label, const char *value_label, u64 value)
{
	if (label)
		buf_printf(b, "%s{%s=\"%s\"} %llu\n", name, label, value_label, (unsigned long long)value);
	else
		buf_printf(b, "%s %llu\n", name, (unsigned long long)value);
}

static void describe(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Anonymous and file pages of this process, without the rings (which are the kernel's): from /proc/self/status. */
static u64 resident_bytes(void)
{
	_cleanup_buf_ struct buf text = {};
	u64 kib = 0;

	if (read_file("/proc/self/status", 1 << 16, &text))
		return 0;
	for (int i = 0; i < 2; i++) {
		const char *at = strstr(text.data, i ? "RssFile:" : "RssAnon:");

		kib += at ? strtoull(at + strlen("RssAnon:"), NULL, 10) : 0;
	}
	return kib << 10;
}

static u64 cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u64)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (u64)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static void source_json(struct source *s, struct buf *b)
{
	struct losses l = {};

	buf_add_str(b, "{\"name\":");
	text_add_json(b, s->config.name, strlen(s->config.name));
	buf_printf(b, ",\"running\":%s", s->loaded ? "true" : "false");
	if (!s->loaded) {
		buf_add_str(b, ",\"reason\":");
		text_add_json(b, s->error, strlen(s->error));
		buf_add_char(b, '}');
		return;
	}
	gadget_losses(s->gadget, &l);
	json_pair(b, "records", s->records);
	json_pair(b, "lost_ring", l.ring);
	json_pair(b, "lost_map_full", l.map_full);
	json_pair(b, "lost_stacks", l.stack);
	if (s->missed == UNKNOWN_LOSS)
		buf_add_str(b, ",\"missed\":null");
	else
		json_pair(b, "missed", s->missed);
	json_pair(b, "malformed", s->bad_records);
	json_pair(b, "not_stored_budget", s->budget_dropped);
	buf_add_char(b, '}');
}

static void status_json(struct worker *w, struct buf *b)
{
	struct sink_statistics st = {};
	bool first = true;

	if (w->sink)
		sink_statistics(w->sink, &st);
	buf_add_str(b, "{\"started\":\"");
	add_rfc3339(b, w->started);
	buf_add_char(b, '"');
	json_pair(b, "cpu_ns", cpu_ns());
	json_pair(b, "resident_bytes", resident_bytes());
	buf_add_str(b, ",\"gadgets\":[");
	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		if (!w->sources[i])
			continue;
		if (!first)
			buf_add_char(b, ',');
		source_json(w->sources[i], b);
		first = false;
	}
	buf_printf(b, "],\"store\":{\"enabled\":%s", w->sink ? "true" : "false");
	json_pair(b, "records", st.stored);
	json_pair(b, "dropped_queue", st.dropped);
	json_pair(b, "dropped_store", st.dropped_store);
	json_pair(b, "disk_bytes", st.health.disk_bytes);
	json_pair(b, "partitions", st.health.partitions);
	json_pair(b, "expired", st.health.expired);
	json_pair(b, "set_aside", st.health.set_aside);
	buf_printf(b, ",\"disk_full\":%s,\"write_failing\":%s}}\n", st.health.disk_full ? "true" : "false",
		   st.health.write_failing ? "true" : "false");
}

static u64 source_number(const struct source *s, unsigned which)
{
	struct losses l;

	gadget_losses(s->gadget, &l);
	switch (which) {
	case 0:
		return s->records;
	case 1:
		return l.ring;
	case 2:
		return l.map_full + l.stack;
	case 3:
		return s->missed;
	default:
		return s->budget_dropped;
	}
}

static void metrics_text(struct worker *w, struct buf *b)
{
	static const struct {
		const char *name, *help;
	} families[] = {
		{ "saker_records_total", "Records that a gadget delivered" },
		{ "saker_lost_ring_total", "Records lost because a ring was full" },
		{ "saker_lost_map_total", "Records lost because a table in the kernel was full" },
		{ "saker_missed_total", "Runs of programs that the kernel skipped because they nested" },
		{ "saker_not_stored_budget_total", "Records beyond a gadget's store budget" },
	};
	struct sink_statistics st = {};

	for (unsigned f = 0; f < ARRAY_SIZE(families); f++) {
		describe(b, families[f].name, "counter", families[f].help);
		for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
			const struct source *s = w->sources[i];
			u64 n = s && s->loaded ? source_number(s, f) : UNKNOWN_LOSS;

			/* What the kernel cannot tell has no sample: never a false zero. */
			if (n != UNKNOWN_LOSS)
				metric(b, families[f].name, "gadget", s->config.name, n);
		}
	}
	describe(b, "saker_gadget_running", "gauge", "1 when the gadget runs");
	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		if (w->sources[i])
			metric(b, "saker_gadget_running", "gadget", w->sources[i]->config.name, w->sources[i]->loaded);
	}
	describe(b, "saker_cpu_seconds_total", "counter", "CPU time of the agent's worker");
	buf_printf(b, "saker_cpu_seconds_total %.3f\n", (double)cpu_ns() / 1e9);
	describe(b, "saker_resident_bytes", "gauge", "Anonymous and file pages of the agent's worker");
	metric(b, "saker_resident_bytes", NULL, NULL, resident_bytes());
	if (!w->sink)
		return;
	sink_statistics(w->sink, &st);
	describe(b, "saker_store_records_total", "counter", "Records on disk");
	metric(b, "saker_store_records_total", NULL, NULL, st.stored);
	describe(b, "saker_store_dropped_total", "counter", "Records that the store could not take");
	metric(b, "saker_store_dropped_total", "cause", "queue", st.dropped);
	metric(b, "saker_store_dropped_total", "cause", "store", st.dropped_store);
	describe(b, "saker_store_bytes", "gauge", "Size of the store");
	metric(b, "saker_store_bytes", NULL, NULL, st.health.disk_bytes);
}

/* The kernel's count of skipped runs needs the broker: asked one source a second, in turn. */
static void ask_missed(struct worker *w)
{
	u32 turn = (u32)(clock_monotonic_ns() / NSEC_PER_SEC) % BROKER_GADGETS_MAX;

	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		struct source *s = w->sources[(turn + i) % BROKER_GADGETS_MAX];

		if (!s || !s->loaded)
			continue;
		if (broker_missed(w->broker, s->number, &s->missed))
			log_debug("%s", error_text());
		return;
	}
}

void worker_report(struct worker *w)
{
	ask_missed(w);
	pthread_mutex_lock(&w->lock);
	buf_clear(&w->status);
	buf_clear(&w->metrics);
	status_json(w, &w->status);
	metrics_text(w, &w->metrics);
	pthread_mutex_unlock(&w->lock);
}
